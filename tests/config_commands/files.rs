//! Produces the proof that files are read, written and refused as the commands say, without a look at what they mean.

use std::os::unix::fs::PermissionsExt;

use super::{Place, end};

#[test]
fn an_example_is_valid_and_never_written_over_a_file() {
    let place = Place::sqlite();
    place.config(&["init"]).with(0);
    place.config(&["parse", "kong.yml"]).with(0);
    place.config(&["init", "other.yml"]).with(0);
    assert_eq!(place.read("other.yml"), place.read("kong.yml"));
    place.write("kong.yml", "mine");
    assert!(place.config(&["init"]).refused().contains("kong.yml exists already"));
    assert!(place.config(&["db_export"]).refused().contains("kong.yml exists already"));
    assert!(place.config(&["dump", "kong.yml"]).refused().contains("kong.yml exists already"));
    assert_eq!(place.read("kong.yml"), "mine");
    place.config(&["dump", "kong.yml", "--force"]).with(0);
    assert_eq!(place.read("kong.yml"), "_format_version: \"3.0\"\n");
    let mode = place.path("kong.yml").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a configuration holds secrets");
}

#[test]
fn what_is_wrong_is_told_by_its_place() {
    let place = Place::sqlite();
    place.write("kong.yml", "services: [{name: a, host: b, port: 70000}, {host: 5, nonsense: 1}]");
    let said = place.config(&["parse", "kong.yml"]).refused();
    for line in [
        "Failed parsing:",
        "in '_format_version': required field missing",
        "- in entry 1 of 'services':",
        "in 'port': value should be between 0 and 65535",
        "- in entry 2 of 'services':",
        "in 'host': expected a string",
        "in 'nonsense': unknown field",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    for command in ["db_import", "diff", "sync"] {
        assert!(place.config(&[command, "kong.yml"]).refused().contains("Failed parsing"), "{command}");
    }
    for (text, told) in [("{", "kong.yml"), ("[[[", "kong.yml"), ("\u{0}", "kong.yml"), ("", "kong.yml")] {
        place.write("kong.yml", text);
        assert!(place.config(&["parse", "kong.yml"]).refused().contains(told), "{text:?}");
        assert!(place.config(&["sync", "kong.yml"]).refused().contains(told), "{text:?}");
    }
    assert!(place.config(&["parse", "absent.yml"]).refused().contains("absent.yml cannot be read"));
}

#[test]
fn a_misspelt_word_is_no_difference() {
    let place = Place::sqlite();
    place.config(&["diff", "--select-tags", "x", "kong.yml"]).refused();
    place.config(&["differ"]).refused();
    place.config(&["diff", "--help"]).with(0);
}

#[test]
fn there_must_be_a_database_that_nobody_else_has_open() {
    let off = Place::off();
    off.write("kong.yml", "_format_version: '3.0'\n");
    for command in ["db_import", "sync", "diff", "db_export"] {
        let name = if command == "db_export" { "new.yml" } else { "kong.yml" };
        assert!(off.config(&[command, name]).refused().contains("there is no database"), "{command}");
    }
    off.config(&["parse", "kong.yml"]).with(0);
    let place = Place::sqlite();
    place.write("kong.yml", "_format_version: '3.0'\n");
    let process = place.start();
    let said = place.config(&["sync", "kong.yml"]).refused();
    assert!(said.contains("has the database") && said.contains("--address"), "{said}");
    end(process);
    place.config(&["sync", "kong.yml"]).with(0);
}
