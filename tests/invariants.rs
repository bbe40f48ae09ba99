//! The architecture, as tests: what is nowhere in the program's text. Whether input can end a thread is asked by
//! the lints of the workspace; here it is asked that every package obeys them.

mod source;

use std::fs;

use source::{Source, root, sources};

/// The folders whose text is held against the rules.
const FOLDERS: [&str; 5] = ["entities", "generators", "src", "tests", "benches"];

/// Fails with every line that breaks a rule.
#[track_caller]
fn nothing(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

fn below(folder: &str) -> Vec<Source> {
    sources(&[folder])
}

#[test]
fn only_src_awaits() {
    let mut found = Vec::new();
    for source in below("entities").iter().chain(&below("generators")) {
        for word in ["async", "await", "tokio"] {
            found.extend(source.code_with_word(word));
        }
    }
    nothing("declarations and generators are pure: they wait for nothing", &found);
}

#[test]
fn packages_point_in_one_direction() {
    let manifest = |folder: &str| fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let dependencies = |folder: &str| -> Vec<String> {
        let manifest = manifest(folder);
        let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
        let lines = section.lines().take_while(|line| !line.starts_with('['));
        lines.filter_map(|line| line.split(['.', ' ', '=']).next()).map(str::to_owned).collect()
    };
    let has = |folder: &str, name: &str| dependencies(folder).iter().any(|own| own == name);
    assert!(has("generators", "entities") && has("", "entities") && has("", "generators"));
    assert!(
        !has("entities", "generators") && !has("entities", "silverback") && !has("generators", "silverback")
    );
    for world in ["tokio", "axum", "http", "hyper", "hyper-util", "sqlx", "sea-orm", "futures-util", "tower"]
    {
        assert!(!has("entities", world) && !has("generators", world), "{world} belongs into src");
    }
    assert!(!has("entities", "sea-query"), "declarations know no SQL");
}

#[test]
fn every_package_obeys_the_lints() {
    for folder in ["", "entities", "generators"] {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("\n[lints]\nworkspace = true\n"),
            "{folder}/Cargo.toml has lints of its own"
        );
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing", "string_slice", "todo"] {
        assert!(manifest.contains(&format!("\n{lint} = \"warn\"\n")), "{lint} is not asked for");
    }
    let allowed: Vec<_> = sources(&FOLDERS).iter().flat_map(|source| source.code_with("#[allow")).collect();
    nothing("an exception from a lint is an expectation with a reason", &allowed);
}

#[test]
fn no_entity_is_named_outside_of_its_declaration() {
    // Words that are not an entity there: the field that every entity may have, the kind of a map's keys, and OpenAPI's
    // word for what a path holds.
    const OTHERS: [&str; 3] = ["tags", "keys", "parameters"];
    /// What is not the declaration of an entity.
    const LANGUAGE: [&str; 2] = ["entities::schema", "entities::typedefs"];
    let names: Vec<_> = entities::ENTITIES
        .iter()
        .flat_map(|entity| {
            let subschemas = entity.subschemas.iter().map(|(name, _)| *name);
            let own = [entity.name, entity.collection(), entity.nested_collection(), entity.table()];
            subschemas.chain(own).collect::<Vec<_>>()
        })
        .filter(|name| !OTHERS.contains(name))
        .collect();
    let mut found = Vec::new();
    for source in below("generators").iter().chain(&below("src/admin")).chain(&below("src/store")) {
        found.extend(source.texts_that(|text| names.contains(&text)));
        // A declaration can also be named by its constant; what follows from all of them cannot.
        let of_language = |line: &String| LANGUAGE.iter().any(|module| line.contains(module));
        found.extend(source.code_with("entities::").into_iter().filter(|line| !of_language(line)));
    }
    nothing("what is true of one entity stands in its declaration", &found);
}

#[test]
fn statements_name_their_columns() {
    let found: Vec<_> = sources(&["generators", "src"])
        .iter()
        .flat_map(|source| source.texts_that(|text| text.to_ascii_uppercase().contains("SELECT *")))
        .collect();
    nothing("a prepared SELECT * breaks when a column is added", &found);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    const MOST: usize = 600;
    let mut found = Vec::new();
    for source in sources(&FOLDERS) {
        let lines = source.text.lines().count();
        if lines >= MOST {
            found.push(format!("{}: {lines} lines", source.path));
        }
        if !source.text.starts_with("//! ") {
            found.push(format!("{}: begins without a word on itself", source.path));
        }
    }
    nothing("a file has less than 600 lines and opens with what it produces", &found);
}

#[test]
fn nothing_is_left_to_do() {
    let words = ["TODO", "FIXME", "XXX", "HACK"];
    let mut found = Vec::new();
    for source in sources(&FOLDERS).iter().filter(|source| source.path != "tests/invariants.rs") {
        for (i, line) in source.text.lines().enumerate() {
            let mut parts = line.split(|letter: char| !letter.is_ascii_alphanumeric());
            if parts.any(|part| words.contains(&part)) {
                found.push(format!("{}:{}: {}", source.path, i + 1, line.trim()));
            }
        }
    }
    nothing("what is not done is not in the text", &found);
}

#[test]
fn only_the_binary_uses_anyhow() {
    let found: Vec<_> = sources(&["src"])
        .iter()
        .filter(|source| source.path != "src/main.rs" && !source.path.starts_with("src/command/"))
        .flat_map(|source| source.code_with("anyhow"))
        .collect();
    nothing("an error of the library is one of its types", &found);
}
