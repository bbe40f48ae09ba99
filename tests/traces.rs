//! Traces, as a collector receives them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread::spawn;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::process::{Folder, Process, sqlite};

/// A collector: where it is, and the spans that it was sent.
fn collector() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (send, spans) = channel();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    let _ = send.send(serde_json::from_slice(&body).unwrap());
                    let answer =
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
                    reader.get_mut().write_all(answer).unwrap();
                }
            }
        }
    });
    (endpoint, spans)
}

/// The spans of everything that was sent.
fn spans(sent: &Receiver<Value>) -> Vec<Value> {
    let mut spans = Vec::new();
    while let Ok(message) = sent.recv_timeout(Duration::from_secs(1)) {
        for resource in message["resourceSpans"].as_array().unwrap() {
            for scope in resource["scopeSpans"].as_array().unwrap() {
                spans.extend(scope["spans"].as_array().unwrap().iter().cloned());
            }
        }
    }
    spans
}

/// The value of an attribute, whatever its type.
fn attribute<'a>(span: &'a Value, name: &str) -> Option<&'a Value> {
    let own = span["attributes"].as_array()?.iter().find(|own| own["key"] == name)?;
    own["value"].as_object()?.values().next()
}

#[test]
fn a_collector_is_told_of_requests_and_what_they_ask() {
    let (endpoint, sent) = collector();
    let folder = Folder::new();
    let mut settings = sqlite(folder.path());
    settings.push(("KONG_TRACING_OTLP_ENDPOINT", endpoint));
    settings.push(("KONG_TRACING_SAMPLING_RATE", "1".to_owned()));
    let mut process = Process::start(folder.path(), &settings);
    let mut connection = process.connect();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let body = json!({"name": "traced", "host": "h.test"}).to_string();
    let headers = [("Content-Type", "application/json"), ("traceparent", parent.as_str())];
    let answer = connection.exchange("POST", "/services?apikey=s3cret", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(connection.json("GET", "/services/none", &Value::Null).unwrap().status, 404);
    process.terminate();
    assert!(process.wait().success(), "{}", process.said());

    let spans = spans(&sent);
    let find = |name: &str, value: &str| {
        let found = spans.iter().find(|span| attribute(span, name).is_some_and(|own| own == value));
        found.unwrap_or_else(|| panic!("no span has {name} = {value}: {spans:?}"))
    };
    let id = answer.header("x-kong-request-id").unwrap();
    let written = find("silverback.request_id", id);
    assert_eq!((&written["traceId"], &written["parentSpanId"]), (&json!(trace), &json!("00f067aa0ba902b7")));
    assert_eq!((&written["name"], &written["kind"]), (&json!("POST"), &json!(2)));
    assert_eq!(attribute(written, "http.route"), Some(&json!("/services")));
    assert_eq!(attribute(written, "client.address"), Some(&json!("127.0.0.1")));
    let status = attribute(written, "http.response.status_code").unwrap();
    assert!(*status == 201 || *status == "201", "{status}");
    let part = spans.iter().find(|span| span["parentSpanId"] == written["spanId"]).expect("a part");
    assert_eq!((&part["name"], &part["traceId"]), (&json!("store write"), &json!(trace)));
    assert_ne!(find("http.route", "/services/{services}")["traceId"], trace);
    assert!(!format!("{spans:?}").contains("s3cret"));
}

#[test]
fn a_collector_that_is_not_there_keeps_nobody_waiting() {
    let folder = Folder::new();
    let mut settings = sqlite(folder.path());
    settings.push(("KONG_TRACING_SAMPLING_RATE", "1".to_owned()));
    settings.push(("KONG_TRACING_OTLP_ENDPOINT", "http://127.0.0.1:1/v1/traces".to_owned()));
    let mut process = Process::start(folder.path(), &settings);
    assert_eq!(process.connect().json("GET", "/services", &Value::Null).unwrap().status, 200);
    process.terminate();
    assert!(process.wait().success(), "{}", process.said());
    assert!(!process.said().contains("panicked"), "{}", process.said());

    for endpoint in ["https://127.0.0.1:1/v1/traces", "collector", "http://"] {
        let mut settings = sqlite(folder.path());
        settings.push(("KONG_TRACING_OTLP_ENDPOINT", endpoint.to_owned()));
        let said = Process::try_start(folder.path(), &settings).err().expect("it starts");
        assert!(said.contains("tracing_otlp_endpoint must be an address such as"), "{said}");
    }
}
