//! `SIGHUP`: a running server reads its settings again. What can change does, for the connections that there are too;
//! what cannot is named; what is wrong changes nothing.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::client::Connection;
use crate::support::process::{Folder, Process, sqlite};

/// A server with a file of settings.
struct House {
    process: Process,
    connection: Connection,
    file: PathBuf,
    /// The folder goes last.
    folder: Folder,
}

impl House {
    /// A server with these lines in its file; `settings` are the environment's.
    fn open(lines: &str, settings: impl FnOnce(&Folder) -> Vec<(&'static str, String)>) -> House {
        let folder = Folder::new();
        let file = folder.path().join("kong.conf");
        fs::write(&file, lines).unwrap();
        let mut process = Process::spawn_with(&file, folder.path(), &settings(&folder));
        process.wait_until_it_answers().unwrap();
        House { connection: process.connect(), process, file, folder }
    }

    /// Writes the file anew, tells the server, and waits until that has said so much more of this.
    fn reload(&self, lines: &str, said: &str) {
        let before = self.process.said().matches(said).count();
        fs::write(&self.file, lines).unwrap();
        self.process.hang_up();
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.process.said().matches(said).count() == before {
            assert!(Instant::now() < deadline, "'{said}' is not in:\n{}", self.process.said());
            sleep(Duration::from_millis(5));
        }
    }

    fn get(&mut self, path: &str) -> Value {
        self.connection.json("GET", path, &Value::Null).unwrap().json()
    }

    /// The origin that a browser from there is told of.
    fn origin(&mut self, from: &str) -> Option<String> {
        let answer = self.connection.exchange("GET", "/status", &[("Origin", from)], b"").unwrap();
        answer.header("access-control-allow-origin").map(str::to_owned)
    }

    fn names(&mut self) -> Vec<Value> {
        let rows = self.get("/services");
        rows["data"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect()
    }
}

const AGAIN: &str = "the settings were read again";
const REFUSED: &str = "the settings stay as they are";

#[test]
fn what_can_change_does_and_what_cannot_waits() {
    let lines = "log_level = notice\nbody_limit = 1k\nadmin_gui_url = http://a.test\n";
    let mut house = House::open(lines, |folder| sqlite(folder.path()));
    let long = |name: &str| json!({"name": name, "host": "h.test", "tags": ["t".repeat(2000)]});
    assert_eq!(house.connection.json("POST", "/services", &long("a")).unwrap().status, 413);
    // The server closes a connection on which a body is left that it does not read.
    house.connection = house.process.connect();
    assert_eq!(house.origin("http://a.test").as_deref(), Some("http://a.test"));

    let lines = "log_level = debug\nbody_limit = 1m\nadmin_gui_url = http://b.test\n\
                 pg_password = s3cret\nrouter_flavor = expressions\n";
    house.reload(lines, "wait for a restart");
    let said = house.process.said();
    assert!(said.contains("changed=\"log_level, body_limit, admin_gui_url\""), "{said}");
    assert!(said.contains("keys=\"pg_password, router_flavor\"") && !said.contains("s3cret"), "{said}");
    assert_eq!(house.get("/debug/node/log-level")["message"], "log level: debug");
    assert_eq!(house.connection.json("POST", "/services", &long("a")).unwrap().status, 201);
    assert_ne!(house.origin("http://a.test").as_deref(), Some("http://a.test"));
    assert_eq!(house.origin("http://b.test").as_deref(), Some("http://b.test"));
    let shown = house.get("/")["configuration"].clone();
    assert_eq!((&shown["log_level"], &shown["body_limit"]), (&json!("debug"), &json!("1m")));
    assert_eq!(shown["router_flavor"], "traditional_compatible");

    house.reload("log_level = loud\nbody_limit = 2m\n", REFUSED);
    house.reload("log_levle = info\n", REFUSED);
    assert!(house.process.said().contains("did you mean 'log_level'?"));
    assert_eq!(house.get("/debug/node/log-level")["message"], "log level: debug");
    assert_eq!(house.get("/")["configuration"]["body_limit"], "1m");

    house.reload("", AGAIN);
    assert_eq!(house.get("/debug/node/log-level")["message"], "log level: notice");
    assert_eq!(house.names(), ["a"]);
    house.process.terminate();
    assert!(house.process.wait().success(), "{}", house.process.said());
}

#[test]
fn a_declarative_configuration_is_read_again() {
    let document = |folder: &Folder| folder.path().join("kong.yml");
    let with = |name: &str| format!("_format_version: '3.0'\nservices: [{{name: {name}, host: h.test}}]\n");
    let mut house = House::open("log_level = notice\n", |folder| {
        fs::write(document(folder), with("first")).unwrap();
        let file = document(folder).display().to_string();
        vec![("KONG_DATABASE", "off".to_owned()), ("KONG_DECLARATIVE_CONFIG", file)]
    });
    assert_eq!(house.names(), ["first"]);
    let hash = house.get("/status")["configuration_hash"].clone();

    fs::write(document(&house.folder), with("second")).unwrap();
    house.reload("log_level = notice\n", AGAIN);
    assert_eq!(house.names(), ["second"]);
    assert_ne!(house.get("/status")["configuration_hash"], hash);

    // A configuration that is refused changes nothing, the other settings included.
    fs::write(document(&house.folder), "_format_version: '3.0'\nservices: [{name: third}]\n").unwrap();
    house.reload("log_level = debug\n", REFUSED);
    assert_eq!(house.names(), ["second"]);
    assert_eq!(house.get("/debug/node/log-level")["message"], "log level: notice");
    fs::remove_file(document(&house.folder)).unwrap();
    house.reload("log_level = debug\n", REFUSED);
    assert_eq!(house.names(), ["second"]);
}
