//! `silverback config …` as people and scripts run it: the real binary, over databases and beside running nodes. What
//! it means to be the same is asked of a store that holds every kind of row.

mod every_kind;
mod files;
mod house;
mod nodes;
mod synchronised;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::postgres::Database;
use crate::support::process::{self, Folder, Process};
use crate::support::{block_on, shared_postgresql};

/// A database, and a folder for files.
pub struct Place {
    pub folder: Folder,
    settings: Vec<(&'static str, String)>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
    Off,
}

/// What a command said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The output of a command that must end with that code.
    #[track_caller]
    pub fn with(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self.out
    }

    /// What a command complains of that must fail.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        self.err
    }
}

impl Place {
    /// An empty SQLite database.
    pub fn sqlite() -> Place {
        let folder = Folder::new();
        Place { settings: process::sqlite(folder.path()), folder, kind: Kind::Sqlite }
    }

    /// An empty database of PostgreSQL, where that is installed.
    pub fn postgres(name: &str) -> Option<Place> {
        let database: Database = block_on(shared_postgresql()?.database(name)).unwrap();
        Some(Place { folder: Folder::new(), settings: process::postgres(&database), kind: Kind::Postgres })
    }

    /// No database.
    pub fn off() -> Place {
        let settings = vec![("KONG_DATABASE", "off".to_owned())];
        Place { folder: Folder::new(), settings, kind: Kind::Off }
    }

    /// Another empty one of the same kind.
    pub fn another(&self, name: &str) -> Place {
        match self.kind {
            Kind::Sqlite => Place::sqlite(),
            Kind::Postgres => Place::postgres(name).unwrap(),
            Kind::Off => Place::off(),
        }
    }

    /// One on each database that is installed.
    pub fn each(name: &str) -> Vec<Place> {
        [Some(Place::sqlite()), Place::postgres(name)].into_iter().flatten().collect()
    }

    /// Runs `silverback config` with these words.
    pub fn config(&self, words: &[&str]) -> Said {
        let mut command = process::command(self.folder.path(), &self.settings);
        let output = command.current_dir(self.folder.path()).arg("config").args(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A server on it.
    pub fn start(&self) -> Process {
        Process::start(self.folder.path(), &self.settings)
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Reads a file of the folder.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Everything that the database holds, without when it was written.
    pub fn exported(&self) -> Vec<String> {
        self.config(&["db_export", "exported.yml"]).with(0);
        let text = self.read("exported.yml");
        fs::remove_file(self.path("exported.yml")).unwrap();
        let is_of_the_moment = |line: &&str| {
            let line = line.trim_start_matches([' ', '-']);
            ["created_at: ", "updated_at: ", "ttl: "].iter().any(|name| line.starts_with(name))
        };
        text.lines().filter(|line| !is_of_the_moment(line)).map(str::to_owned).collect()
    }
}

/// Ends a server and waits for it.
pub fn end(mut process: Process) {
    process.terminate();
    assert!(process.wait().success(), "{}", process.said());
}

/// The rows of a collection.
pub fn rows(process: &Process, path: &str) -> Vec<Value> {
    let answer = process.connect().json("GET", path, &Value::Null).unwrap().json();
    answer["data"].as_array().unwrap_or_else(|| panic!("{path}: {answer}")).clone()
}
