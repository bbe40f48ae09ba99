//! Produces the proof that a dump means the store that it was taken of, row by row and for every kind of row.

use serde_json::{Value, json};

use super::house::fill;
use super::{Place, end};

/// A place that holds a row of every kind.
fn filled(place: &Place) {
    let process = place.start();
    fill(&mut process.connect());
    end(process);
}

#[test]
fn a_dump_brings_the_same_about_in_an_empty_store() {
    for place in Place::each("config_full") {
        filled(&place);
        place.config(&["dump", "dump.yml"]).with(0);
        assert_eq!(place.config(&["diff", "dump.yml"]).with(0), "no difference\n");
        let other = place.another("config_copy");
        other.write("dump.yml", &place.read("dump.yml"));
        other.config(&["diff", "dump.yml"]).with(2);
        other.config(&["sync", "dump.yml"]).with(0);
        assert_eq!(other.config(&["diff", "dump.yml"]).with(0), "no difference\n");
        assert_eq!(other.config(&["sync", "dump.yml"]).with(0), "no difference\n");
        let dumps = [&place, &other].map(|place| place.config(&["dump", "-"]).with(0));
        assert_eq!(without_ttl(&dumps[0]), without_ttl(&dumps[1]));
    }
}

#[test]
fn with_ids_the_rows_are_the_same_to_the_last_field() {
    for place in Place::each("config_ids") {
        filled(&place);
        place.config(&["dump", "dump.json", "--with-ids"]).with(0);
        let other = place.another("config_ids_copy");
        other.write("dump.json", &place.read("dump.json"));
        other.config(&["sync", "dump.json"]).with(0);
        assert_eq!(other.exported(), place.exported());
    }
}

#[test]
fn an_export_is_imported_as_it_is_over_and_over() {
    for place in Place::each("config_export") {
        filled(&place);
        place.config(&["db_export"]).with(0);
        let other = place.another("config_import");
        other.write("kong.yml", &place.read("kong.yml"));
        let said = other.config(&["db_import", "kong.yml"]).with(0);
        assert!(said.starts_with("parse successful, import successful"), "{said}");
        let exported = place.exported();
        assert_eq!(other.exported(), exported);
        other.config(&["db_import", "kong.yml"]).with(0);
        assert_eq!(other.exported(), exported, "passwords are not hashed twice");
        assert_eq!(other.config(&["diff", "kong.yml"]).with(0), "no difference\n");
    }
}

#[test]
fn a_node_without_a_database_takes_and_gives_the_same() {
    let place = Place::sqlite();
    filled(&place);
    place.config(&["dump", "dump.yml"]).with(0);
    let off = Place::off();
    let process = off.start();
    let address = format!("http://{}", process.address);
    let mut connection = process.connect();
    let text = place.read("dump.yml");
    let answer = connection.json("POST", "/config", &json!({ "config": text })).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.json());
    place.config(&["diff", "dump.yml", "--address", &address]).with(0);
    let exported = connection.json("GET", "/config", &Value::Null).unwrap().json();
    place.write("exported.yml", exported["config"].as_str().unwrap());
    place.config(&["diff", "exported.yml", "--address", &address]).with(0);
    // An export names every row by the id that the node made up, which the database does not know.
    place.config(&["diff", "dump.yml"]).with(0);
    let dumped = place.config(&["dump", "--address", &address]).with(0);
    assert_eq!(without_ttl(&dumped), without_ttl(&text));
    place.write("empty.yml", "_format_version: '3.0'\n");
    place.config(&["sync", "empty.yml", "--address", &address]).with(0);
    assert_eq!(connection.json("GET", "/services", &Value::Null).unwrap().json()["data"], json!([]));
    place.config(&["sync", "dump.yml", "--address", &address]).with(0);
    place.config(&["diff", "dump.yml", "--address", &address]).with(0);
}

/// A dump without how many seconds rows have left.
fn without_ttl(text: &str) -> String {
    text.lines().filter(|line| !line.contains("ttl: ")).map(|line| format!("{line}\n")).collect()
}
