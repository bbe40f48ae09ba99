//! The server as a client on a socket meets it: limits, headers, and the way it stops. What single endpoints
//! answer is asked elsewhere, without a socket.

use std::io::{Error, ErrorKind};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::client::{Answer, Connection, request};
use crate::support::process::{self, Process, sqlite};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A server with settings of its own, in a folder of its own.
fn refused(answer: &Answer, status: u16, message: &str) {
    assert_eq!((answer.status, answer.message().as_str()), (status, message));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
}

/// A service whose JSON has that many bytes.
fn service(name: &str, bytes: usize) -> Vec<u8> {
    let without = json!({"name": name, "host": "h.test", "tags": [""]}).to_string().len();
    json!({"name": name, "host": "h.test", "tags": ["t".repeat(bytes - without)]}).to_string().into_bytes()
}

#[test]
fn a_body_has_a_limit() {
    let (_folder, process) = process::on_sqlite(&[("KONG_BODY_LIMIT", "1k")]);
    let post = |body: &[u8]| process.connect().exchange("POST", "/services", &[JSON], body).unwrap();
    assert_eq!(post(&service("fits", 1024)).status, 201);
    refused(&post(&service("too-large", 1025)), 413, "request body is too large");
    // A path that is not there does not make the body smaller, nor does a body that never says how long it is.
    let lost = process.connect().exchange("PUT", "/no/where", &[JSON], &service("x", 2000)).unwrap();
    refused(&lost, 413, "request body is too large");
    let mut connection = process.connect();
    connection.send(&request("POST", "/services", &[JSON, ("Transfer-Encoding", "chunked")], b"")).unwrap();
    connection.send(&[b"7d0\r\n".to_vec(), service("chunks", 2000)].concat()).unwrap();
    refused(&connection.answer("POST").unwrap(), 413, "request body is too large");
    let rows = process.connect().json("GET", "/services", &Value::Null).unwrap().json();
    assert_eq!(rows["data"].as_array().map(Vec::len), Some(1), "{rows}");
}

#[test]
fn a_request_has_a_time_limit() {
    let (_folder, process) = process::on_sqlite(&[("KONG_REQUEST_TIMEOUT", "150")]);
    let whole = request("POST", "/services", &[JSON], &service("slow", 100));
    let mut connection = process.connect();
    let began = Instant::now();
    connection.send(&whole[..whole.len() - 10]).unwrap();
    let answer = connection.answer("POST").unwrap();
    refused(&answer, 408, "the request took too long to arrive");
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(150) && waited < Duration::from_secs(10), "{waited:?}");
    assert_eq!(process.connect().json("GET", "/services/slow", &Value::Null).unwrap().status, 404);
}

#[test]
fn a_server_that_stops_finishes_what_it_has_begun() {
    let (folder, mut process) = process::on_sqlite(&[]);
    // Kept alive and idle, half a head, half a body: the first two are of no concern, the last gets its answer.
    let mut idle = process.connect();
    idle.json("GET", "/", &Value::Null).unwrap();
    let mut half_a_head = process.connect();
    half_a_head.send(b"GET / HTTP/1.1\r\nHo").unwrap();
    let whole = request("POST", "/services", &[JSON], &service("begun", 200));
    let mut begun = process.connect();
    begun.send(&whole[..whole.len() - 50]).unwrap();
    sleep(Duration::from_millis(100));

    process.terminate();
    let deadline = Instant::now() + Duration::from_secs(10);
    while Connection::open(process.address).is_ok() {
        assert!(Instant::now() < deadline, "a server that stops takes new connections");
        sleep(Duration::from_millis(5));
    }
    let gone = |answer: Result<Answer, Error>| {
        let kind = answer.map(|answer| answer.status).map_err(|error| error.kind());
        assert!(matches!(kind, Err(ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)), "{kind:?}");
    };
    gone(idle.answer("GET"));
    begun.send(&whole[whole.len() - 50..]).unwrap();
    let answer = begun.answer("POST").unwrap();
    assert_eq!(answer.status, 201, "{}", answer.json());
    drop(half_a_head);
    let status = process.wait();
    assert!(status.success(), "{status}:\n{}", process.said());

    let process = Process::start(folder.path(), &sqlite(folder.path()));
    assert_eq!(process.connect().json("GET", "/services/begun", &Value::Null).unwrap().status, 200);
}

#[test]
fn a_server_that_stops_answers_everybody_who_writes() {
    let (folder, mut process) = process::on_sqlite(&[]);
    let acknowledged: usize = scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let mut connection = process.connect();
                scope.spawn(move || {
                    let post = |number: usize| {
                        let name = format!("c{writer}-{number}");
                        connection.json("POST", "/consumers", &json!({ "username": name }))
                    };
                    (0..10_000)
                        .map(post)
                        .take_while(|answer| answer.as_ref().is_ok_and(|a| a.status == 201))
                        .count()
                })
            })
            .collect();
        sleep(Duration::from_millis(100));
        process.terminate();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert!(process.wait().success(), "{}", process.said());
    let process = Process::start(folder.path(), &sqlite(folder.path()));
    let (mut connection, mut path, mut found) = (process.connect(), "/consumers?size=1000".to_owned(), 0);
    loop {
        let page = connection.json("GET", &path, &Value::Null).unwrap().json();
        found += page["data"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert!(acknowledged > 0);
    // Nothing was written that was not acknowledged, for nobody was cut off.
    assert_eq!(found, acknowledged);
}

#[test]
fn every_answer_names_the_server_and_the_time_it_took() {
    let (_folder, process) = process::on_sqlite(&[]);
    let mut connection = process.connect();
    for (method, path, status) in [
        ("GET", "/", 200),
        ("HEAD", "/services", 200),
        ("OPTIONS", "/services", 204),
        ("GET", "/nowhere", 404),
        ("DELETE", "/services", 405),
        ("DELETE", "/services/none", 204),
        ("POST", "/services", 400),
        ("GET", "/services?size=0", 400),
    ] {
        let answer = connection.json(method, path, &Value::Null).unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
        let server = answer.header("server").unwrap_or_default();
        assert!(server.starts_with("silverback/"), "{method} {path}: {server}");
        let latency = answer.header("x-kong-admin-latency").and_then(|latency| latency.parse::<u64>().ok());
        assert!(latency.is_some_and(|latency| latency < 30_000), "{method} {path}: {:?}", answer.headers);
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{method} {path}");
        assert!(answer.header("date").is_some(), "{method} {path}");
        assert_eq!(answer.header("content-type").is_some(), status != 204, "{method} {path}");
    }
}

#[test]
fn browsers_are_told_where_they_may_come_from() {
    let gui = "https://gui.test:8445/manager, http://other.test:8002";
    let (_folder, process) = process::on_sqlite(&[("KONG_ADMIN_GUI_URL", gui)]);
    let (_other_folder, open) = process::on_sqlite(&[]);
    let (foreign, own) = ("https://foreign.test", "http://other.test:8002");
    for (process, origin, expected) in [
        (&process, Some("https://gui.test:8445"), "https://gui.test:8445"),
        (&process, Some(own), own),
        (&process, Some(foreign), "https://gui.test:8445"),
        (&process, None, "https://gui.test:8445"),
        (&open, Some(foreign), foreign),
        (&open, None, "*"),
    ] {
        let mut connection = process.connect();
        let headers: Vec<_> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
        for (method, path) in [("GET", "/services"), ("GET", "/nowhere"), ("OPTIONS", "/services")] {
            let answer = connection.exchange(method, path, &headers, b"").unwrap();
            assert_eq!(
                answer.header("access-control-allow-origin"),
                Some(expected),
                "{method} {path} {origin:?}"
            );
        }
    }
    let asking = [("Origin", own), ("Access-Control-Request-Headers", "X-A, X-B")];
    for (headers, allowed) in [(&asking[..], "X-A, X-B"), (&asking[..1], "Content-Type")] {
        let answer = process.connect().exchange("OPTIONS", "/services", headers, b"").unwrap();
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-headers"), Some(allowed));
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS, POST"));
    }
}

#[test]
fn no_input_is_too_deep_or_too_much() {
    let (_folder, process) = process::on_sqlite(&[]);
    let mut connection = process.connect();
    let mut post = |headers: &[(&str, &str)], path: &str, body: &str| {
        connection.exchange("POST", path, headers, body.as_bytes()).unwrap()
    };
    for (open, inner, close) in [("[", "1", "]"), ("{\"name\":", "1", "}"), ("[{\"a\":", "1", "}]")] {
        let deep = |levels: usize| format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
        refused(&post(&[JSON], "/services", &deep(100_000)), 400, "Cannot parse JSON body");
        refused(&post(&[JSON], "/services", &open.repeat(100_000)), 400, "Cannot parse JSON body");
        // Deep but readable: no service, and no end of the server.
        assert_eq!(post(&[JSON], "/services", &deep(400)).status, 400);
    }
    for word in ["[a]", ".a", "[1]", "[]"] {
        assert_eq!(
            post(&[FORM], "/services", &format!("name{}=x", word.repeat(100_000))).status,
            400,
            "{word}"
        );
        let answer =
            process.connect().json("GET", &format!("/services?a{}=x", word.repeat(10_000)), &Value::Null);
        assert_eq!(answer.unwrap().status, 200, "{word}");
    }

    let many = "Too many arguments";
    refused(&post(&[FORM], "/services", &"a=1&".repeat(1000)), 400, many);
    assert_ne!(post(&[FORM], "/services", &["a=1"; 1000].join("&")).message(), many);
    refused(&post(&[FORM], "/services", &["a=1"; 1001].join("&")), 400, many);
    refused(
        &post(&[JSON], &format!("/services?{}", ["a=1"; 1001].join("&")), "{\"host\":\"h.test\"}"),
        400,
        many,
    );
    let parts = |count: usize| {
        let part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
        format!("{}--b--\r\n", part.repeat(count))
    };
    let multipart = [("Content-Type", "multipart/form-data; boundary=b")];
    refused(&post(&multipart, "/services", &parts(1001)), 400, many);
    assert_ne!(post(&multipart, "/services", &parts(1000)).message(), many);
    let get = |count: usize| {
        let path = format!("/services?{}", vec!["a=1"; count].join("&"));
        process.connect().json("GET", &path, &Value::Null).unwrap()
    };
    assert_eq!(get(1000).status, 200);
    refused(&get(1001), 400, many);
    assert_eq!(process.connect().json("GET", "/status", &Value::Null).unwrap().status, 200);
}

#[test]
fn bytes_that_are_no_text_are_shown_as_such() {
    let (_folder, process) = process::on_sqlite(&[]);
    let answer = process.connect().json("GET", "/services?offset=%FF", &Value::Null).unwrap();
    refused(&answer, 400, "'\u{FFFD}' is not a valid offset: bad base64 encoding");
}
