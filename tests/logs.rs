//! The log, as whoever reads it finds it: a line for each request where that is wanted, ids that lead from an answer to
//! its lines, text and JSON.

use std::collections::HashSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::process::{self, Process};

const ID: &str = "x-kong-request-id";

/// The line of the log that holds this.
fn line(process: &Process, part: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let said = process.said();
        if let Some(line) =
            said.split_inclusive('\n').find(|line| line.contains(part) && line.ends_with('\n'))
        {
            return line.trim_end().to_owned();
        }
        assert!(Instant::now() < deadline, "'{part}' is not in:\n{said}");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn every_answer_has_an_id_of_its_own() {
    let (_folder, process) = process::on_sqlite(&[]);
    let mut connection = process.connect();
    let mut ids = HashSet::new();
    for (method, path) in [
        ("GET", "/services"),
        ("GET", "/nowhere"),
        ("DELETE", "/services"),
        ("OPTIONS", "/services"),
        ("HEAD", "/"),
        ("POST", "/services"),
    ] {
        let headers = [("X-Kong-Request-Id", "mine"), ("X-Request-Id", "mine")];
        let answer = connection.exchange(method, path, &headers, b"").unwrap();
        let id = answer.header(ID).unwrap().to_owned();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert!(ids.insert(id));
    }
    connection.json("POST", "/consumers", &json!({"username": "anna"})).unwrap();
    let answer = connection.json("GET", "/consumers/anna/acls/none", &Value::Null).unwrap();
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["request_id"].as_str(), answer.header(ID));
    // At the level of the default nobody is told of them.
    assert!(!process.said().contains("a request was answered"), "{}", process.said());
}

#[test]
fn from_info_on_each_request_has_a_line() {
    let (_folder, process) = process::on_sqlite(&[("KONG_LOG_LEVEL", "info")]);
    let mut connection = process.connect();
    let answer = connection.json("GET", "/services?apikey=s3cret", &Value::Null).unwrap();
    let line = line(&process, answer.header(ID).unwrap());
    for part in
        ["INFO silverback::access", "method=GET", "path=\"/services\"", "status=200", "client=127.0.0.1:"]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(line.contains("milliseconds=") && !line.contains("token="), "{line}");
    assert!(!process.said().contains("s3cret"));
}

#[test]
fn the_level_decides_while_the_server_runs() {
    let (_folder, process) = process::on_sqlite(&[]);
    let mut connection = process.connect();
    connection.json("GET", "/services", &Value::Null).unwrap();
    let change = connection.json("PUT", "/debug/node/log-level/info", &Value::Null).unwrap();
    assert_eq!(change.status, 200);
    let answer = connection.json("GET", "/routes", &Value::Null).unwrap();
    line(&process, answer.header(ID).unwrap());
    assert!(!process.said().contains("path=\"/services\""), "{}", process.said());
}

#[test]
fn a_line_is_an_object_where_that_is_wanted() {
    let (_folder, process) = process::on_sqlite(&[("KONG_LOG_LEVEL", "info"), ("KONG_LOG_FORMAT", "json")]);
    let mut connection = process.connect();
    let answer = connection.json("POST", "/services", &json!({"name": "\u{1}\"{}", "host": "h"})).unwrap();
    let own: Value = serde_json::from_str(&line(&process, answer.header(ID).unwrap())).unwrap();
    assert_eq!(own["request_id"].as_str(), answer.header(ID));
    assert_eq!(
        (&own["status"], &own["method"], &own["path"]),
        (&json!(400), &json!("POST"), &json!("/services"))
    );
    assert!(own["timestamp"].is_string() && own["level"] == "INFO" && own["milliseconds"].is_f64(), "{own}");
    assert_eq!(own["target"], "silverback::access");
    for line in process.said().lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(line["message"].is_string(), "{line}");
    }
}
