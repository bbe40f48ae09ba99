//! Produces the proof that a running node is compared and synchronised over its Admin API as its store would be.

use serde_json::{Value, json};

use super::{Place, end, rows};

const FILE: &str = "
_format_version: '3.0'
services:
- {name: billing, host: billing.test, tags: [eu], routes: [{name: pay, paths: [/pay]}]}
consumers:
- {username: bob, keyauth_credentials: [{key: k, ttl: 1000}]}
";

#[test]
fn a_node_becomes_what_a_file_says_at_once() {
    let places = Place::each("config_node").into_iter().chain([Place::off()]);
    for place in places {
        let process = place.start();
        let address = format!("http://{}/", process.address);
        let there = |words: &[&str]| place.config(&[words, &["--address", &address]].concat());
        place.write("kong.yml", FILE);
        assert!(there(&["diff", "kong.yml"]).with(2).ends_with("4 to create, 0 to update, 0 to delete\n"));
        assert_eq!(rows(&process, "/services"), Vec::<Value>::new());
        there(&["sync", "kong.yml"]).with(0);
        assert_eq!(there(&["diff", "kong.yml"]).with(0), "no difference\n");
        assert_eq!(rows(&process, "/services")[0]["name"], "billing");
        let version = rows(&process, "/key-auths")[0]["created_at"].clone();
        there(&["dump", "dump.yml"]).with(0);
        assert_eq!(there(&["diff", "dump.yml"]).with(0), "no difference\n");
        place.write("wrong.yml", "_format_version: '3.0'\nservices: [{name: x, host: 5}]\n");
        assert!(there(&["sync", "wrong.yml"]).refused().contains("in 'host': expected a string"));
        place.write("less.yml", &FILE.replace(", routes: [{name: pay, paths: [/pay]}]", ""));
        let said = there(&["sync", "less.yml"]).with(0);
        assert_eq!(said, "- routes pay (service: billing)\n0 created, 0 updated, 1 deleted\n");
        assert_eq!(rows(&process, "/key-auths")[0]["created_at"], version, "what is the same is not written");
        end(process);
    }
}

#[test]
fn the_endpoint_refuses_what_is_no_document() {
    let place = Place::sqlite();
    let process = place.start();
    let mut connection = process.connect();
    connection.json("POST", "/consumers", &json!({"username": "bob"})).unwrap();
    for (body, status) in [
        ("", 400),
        ("{}", 400),
        ("[]", 400),
        ("{\"_format_version\": \"3.0\", \"_info\": 5}", 400),
        ("{\"_format_version\": \"3.0\", \"_info\": {\"select_tags\": [5]}}", 400),
        ("{\"_format_version\": \"3.0\", \"consumers\": 5}", 400),
    ] {
        let answer = connection
            .exchange("PUT", "/configuration", &[("Content-Type", "application/json")], body.as_bytes())
            .unwrap();
        assert_eq!(answer.status, status, "{body}: {}", answer.json());
    }
    for method in ["POST", "PATCH", "DELETE"] {
        let answer = connection.json(method, "/configuration", &json!({"_format_version": "3.0"})).unwrap();
        assert_eq!(answer.status, 405, "{method}");
    }
    assert_eq!(rows(&process, "/consumers").len(), 1);
    let yaml = b"_format_version: '3.0'\nconsumers: [{username: eve}]\n";
    let answer =
        connection.exchange("PUT", "/configuration?dry_run=1", &[("Content-Type", "application/yaml")], yaml);
    let report = answer.unwrap().json();
    let counts = ["created", "updated", "deleted"].map(|name| report[name].as_u64());
    assert_eq!(counts, [Some(1), Some(0), Some(1)], "{report}");
    assert_eq!(rows(&process, "/consumers")[0]["username"], "bob");
}

#[test]
fn an_address_that_leads_nowhere_is_an_error() {
    let place = Place::sqlite();
    place.write("kong.yml", FILE);
    for address in ["http://127.0.0.1:1", "127.0.0.1:1", "https://127.0.0.1:1", "http://", "nonsense://x"] {
        place.config(&["diff", "kong.yml", "--address", address]).refused();
    }
    let said = place.config(&["diff", "kong.yml", "--header", "a:b"]).refused();
    assert!(said.contains("--address"), "{said}");
}
