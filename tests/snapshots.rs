//! What follows from the declarations, as text that is committed: the endpoint table, the tables of either database,
//! the answers of `/schemas`, and the references of the manual. A change of a declaration shows here as what it
//! does, and that difference is its review. `SNAPSHOTS=write` writes the files anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use entities::ENTITIES;
use entities::schema::{Declarations, Profile, Subschema};
use generators::tables::{Dialect, create, tables};
use generators::{docs, schemas};
use serde_json::Value;
use silverback::node::Node;
use silverback::settings::{self, Settings};

use crate::support::process::{Folder, command};

/// The folder of the snapshots, seen from the root.
const FOLDER: &str = "tests/snapshots";

/// The parts of the manual that are made: the Admin API's, and that of the settings.
const REFERENCES: [&str; 2] = ["docs/admin-api.md", "docs/settings.md"];

/// Files by their path, seen from the root.
type Files = BTreeMap<PathBuf, String>;

#[test]
fn derived_documents_are_fresh() {
    let made = made();
    let found = found();
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "write") {
        write(&made, &found);
        return;
    }
    let paths = made.keys().chain(found.keys().filter(|path| !made.contains_key(*path)));
    let stale: Vec<_> = paths.filter_map(|path| difference(path, made.get(path), found.get(path))).collect();
    let advice =
        "if this is meant, SNAPSHOTS=write writes the files anew; commit them with what changed them";
    assert!(stale.is_empty(), "{}\n{advice}", stale.join("\n"));
}

/// What the files should hold.
fn made() -> Files {
    let declarations = Declarations::new(ENTITIES, &Profile::default());
    let mut files = Files::new();
    let mut put = |name: String, text: String| files.insert(Path::new(FOLDER).join(name), text);
    put("endpoints.txt".to_owned(), routes());
    put("sqlite.sql".to_owned(), ddl(&declarations, Dialect::Sqlite));
    put("postgres.sql".to_owned(), ddl(&declarations, Dialect::Postgres));
    for entity in declarations.entities() {
        put(format!("schemas/{}.json", entity.name), json(&schemas::entity(entity)));
        // Several names may choose one subschema; it has a file under the first.
        let mut seen: Vec<&Subschema> = Vec::new();
        for (name, subschema) in entity.subschemas {
            if !seen.iter().any(|other| std::ptr::eq(*other, *subschema)) {
                seen.push(subschema);
                put(format!("schemas/{}/{name}.json", entity.name), json(&schemas::subschema(subschema)));
            }
        }
    }
    let endpoints = Node::endpoints(&declarations, Settings::default().role);
    files.insert(PathBuf::from(REFERENCES[0]), docs::reference(&declarations, &endpoints));
    files.insert(PathBuf::from(REFERENCES[1]), settings::reference());
    files
}

/// What `silverback routes` prints.
fn routes() -> String {
    let folder = Folder::new();
    let output = command(folder.path(), &[]).arg("routes").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn ddl(declarations: &Declarations, dialect: Dialect) -> String {
    let statements = tables(declarations).into_iter().flat_map(|table| create(&table, dialect));
    statements.map(|statement| statement + ";\n").collect()
}

fn json(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the files hold.
fn found() -> Files {
    fn collect(path: &Path, files: &mut Files) {
        let full = root().join(path);
        if full.is_dir() {
            for entry in fs::read_dir(full).unwrap() {
                collect(&path.join(entry.unwrap().file_name()), files);
            }
        } else if let Ok(text) = fs::read_to_string(full) {
            files.insert(path.to_owned(), text);
        }
    }
    let mut files = Files::new();
    collect(Path::new(FOLDER), &mut files);
    REFERENCES.iter().for_each(|path| collect(Path::new(path), &mut files));
    files
}

fn write(made: &Files, found: &Files) {
    for path in found.keys().filter(|path| !made.contains_key(*path)) {
        fs::remove_file(root().join(path)).unwrap();
    }
    for (path, text) in made.iter().filter(|(path, text)| found.get(*path) != Some(*text)) {
        let full = root().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }
}

/// The first line in which a file is not what it should be.
fn difference(path: &Path, made: Option<&String>, found: Option<&String>) -> Option<String> {
    let path = path.display();
    match (made, found) {
        (Some(made), Some(found)) if made == found => None,
        (Some(made), Some(found)) => {
            let (mut wanted, mut held) = (made.lines(), found.lines());
            for number in 1.. {
                match (wanted.next(), held.next()) {
                    (None, None) => break,
                    (wanted, held) if wanted == held => {}
                    (wanted, held) => return Some(format!("{path}:{number}: {held:?} should be {wanted:?}")),
                }
            }
            Some(format!("{path}: ends otherwise"))
        }
        (None, _) => Some(format!("{path}: nothing makes this file")),
        (_, None) => Some(format!("{path}: this file is missing")),
    }
}
