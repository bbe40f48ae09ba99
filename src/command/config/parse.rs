//! `silverback config parse`: whether a declarative configuration can be loaded; and what is wrong with one, in lines
//! that people can read.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Result, anyhow};
use entities::schema::Row;
use generators::declarative::Selection;
use serde_json::Value;
use silverback::node::configuration::{Trouble, check};

use super::Source;

/// Reads a file and checks it; no database is asked.
pub fn run(source: &Source, file: &Path) -> Result<()> {
    let settings = source.settings()?;
    let declarations = silverback::declarations(&settings)?;
    let mut document = super::read(file)?;
    // The head that only `sync` takes is not about rows.
    let head = Selection::default().with_head(&mut document);
    head.map_err(|why| failed("Failed parsing", Trouble::Head(why)))?;
    check(document, &declarations, silverback::flavor(&settings))
        .map_err(|refused| failed("Failed parsing", Trouble::Document(refused)))?;
    println!("parse successful");
    Ok(())
}

/// What is wrong, behind what failed.
pub fn failed(what: &str, trouble: Trouble) -> anyhow::Error {
    match trouble.details() {
        Ok(errors) => anyhow!("{what}:\n{}", lines(&errors).trim_end()),
        Err(sentence) => anyhow!("{what}:\n{sentence}"),
    }
}

/// Errors in the shape of a document as indented lines.
pub fn lines(errors: &Row) -> String {
    let mut out = String::new();
    describe(errors, "", 0, &mut out);
    out
}

/// One line for each thing, in the order of the document's places: `- in entry 1 of 'services':`, `in 'host': …`.
fn describe(errors: &Row, list: &str, level: usize, out: &mut String) {
    let indent = " ".repeat(level * 2);
    for (name, what) in errors {
        let place = match name.parse::<usize>() {
            Ok(number) => format!("- in entry {number} of '{list}'"),
            Err(_) => format!("in '{name}'"),
        };
        let numbered: Row;
        let inner = match what {
            Value::Object(inner) => inner,
            Value::Array(items) => {
                let items = (1..).zip(items).filter(|(_, what)| !what.is_null());
                numbered = items.map(|(i, what): (usize, _)| (i.to_string(), what.clone())).collect();
                &numbered
            }
            what => {
                let text = what.as_str().map_or_else(|| what.to_string(), str::to_owned);
                let _infallible = writeln!(out, "{indent}{place}: {text}");
                continue;
            }
        };
        let _infallible = writeln!(out, "{indent}{place}:");
        describe(inner, name, level + 1, out);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lines;

    #[test]
    fn errors_are_told_by_their_places() {
        let errors = json!({
            "_format_version": "required field missing",
            "services": {"2": {"host": "expected a string", "tags": [null, "expected a string"]}},
        });
        let expected = "in '_format_version': required field missing\n\
                        in 'services':\n  - in entry 2 of 'services':\n    in 'host': expected a string\n    \
                        in 'tags':\n      - in entry 2 of 'tags': expected a string\n";
        assert_eq!(lines(errors.as_object().unwrap()), expected);
    }
}
