//! Produces the proof that the Admin API answers as a real Kong did: replays the exchanges recorded in
//! `conformance/recordings` against a client of any store. It deliberately starts no server and picks no
//! store; whoever brings a `Client` does.

#[cfg(test)]
mod itself;
mod replay;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

pub use replay::{Client, Report, replay};

/// Plays every recording, in the order of the file names, with the deviations that
/// `conformance/deviations.txt` names.
///
/// # Panics
/// When a recording or the list of deviations cannot be read.
pub async fn replay_all<C: Client>(client: &mut C) -> Report {
    let meant = deviations();
    let mut report = Report::default();
    for file in recordings() {
        report.add(replay(client, &file, &meant).await);
    }
    report
}

/// The recordings, sorted by name.
fn recordings() -> Vec<PathBuf> {
    let folder = folder().join("recordings");
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
