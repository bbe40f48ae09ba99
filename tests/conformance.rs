//! Produces the proof that the Admin API answers as a real Kong did: replays the exchanges recorded in
//! `conformance/recordings` on each store, and those in `conformance/expressions` on nodes whose router matches by
//! expressions. What is meant to differ is named in `conformance/deviations.txt`;
//! nothing else may.

#[cfg(test)]
mod itself;
mod replay;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use replay::{Client, Report, replay};
use silverback::settings::{RouterFlavor, Settings};

use crate::support::api::{Api, Store};

impl Client for Api {
    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = Api::send(self, method, path, &headers, body.unwrap_or_default()).await;
        (answer.status, answer.headers, answer.body)
    }

    fn is_without_database(&self) -> bool {
        self.node.store.configuration_hash().is_some()
    }
}

#[tokio::test]
async fn sqlite_answers_as_recorded() {
    answers_as_recorded(Store::Sqlite).await;
}

#[tokio::test]
async fn postgres_answers_as_recorded() {
    answers_as_recorded(Store::Postgres).await;
}

#[tokio::test]
async fn sqlite_answers_as_recorded_with_expressions() {
    answers_with_expressions_as_recorded(Store::Sqlite).await;
}

#[tokio::test]
async fn postgres_answers_as_recorded_with_expressions() {
    answers_with_expressions_as_recorded(Store::Postgres).await;
}

#[tokio::test]
async fn a_node_without_a_database_answers_as_recorded() {
    let Some(api) = Api::open(Store::Off, "none").await else { return };
    plays(api, "dbless").await;
}

async fn answers_as_recorded(store: Store) {
    let Some(api) = Api::open(store, "conformance").await else { return };
    plays(api, "recordings").await;
}

async fn answers_with_expressions_as_recorded(store: Store) {
    let mut settings = Settings::default();
    settings.router_flavor = RouterFlavor::Expressions;
    // The recorded node served its users a page from there.
    settings.admin_gui_origins = vec!["http://127.0.0.1:18412".to_owned()];
    let Some(api) = Api::open_with(&settings, store, "expressions").await else { return };
    plays(api, "expressions").await;
}

async fn plays(mut api: Api, folder: &str) {
    let report = replay_all(&mut api, folder).await;
    assert!(report.failed.is_empty(), "{report}");
}

/// Plays every recording of a folder, in the order of the file names, with the deviations that
/// `conformance/deviations.txt` names.
///
/// # Panics
/// When a recording or the list of deviations cannot be read.
async fn replay_all<C: Client>(client: &mut C, folder: &str) -> Report {
    let meant = deviations();
    let mut report = Report::default();
    for file in recordings(folder) {
        report.add(replay(client, &file, &meant).await);
    }
    report
}

/// The recordings of a folder, sorted by name.
fn recordings(name: &str) -> Vec<PathBuf> {
    let folder = folder().join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a folder that opens can be read").path())
        .filter(|file| file.extension().is_some_and(|kind| kind == "jsonl"))
        .collect();
    files.sort();
    files
}

/// The names of the cases that are meant to differ.
fn deviations() -> HashSet<String> {
    let file = folder().join("deviations.txt");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('|')).map(|(name, _)| name.trim().to_owned()).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}
