//! A plugin as a document in YAML or JSON: `{name, version, priority, fields, entity_checks, entities}`.
//!
//! YAML is read strictly: `yes` and `017` are texts, a name that stands twice is a fault, and aliases cannot make a
//! document much larger than it is.

use std::path::Path;

use generators::declare::Data;
use serde_json::{Map, Value};

use super::{Declared, places};

/// The largest number of values, lists and tables in a document.
const NODES: usize = 100_000;
/// How deep they may be nested.
const DEPTH: usize = 64;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Yaml,
}

/// Reads the document at `path`.
///
/// # Errors
/// Why it cannot be read, or what in its frame is wrong.
pub(super) fn load(path: &Path) -> Result<Declared, String> {
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    read(&places::read(path)?, if is_json { Form::Json } else { Form::Yaml })
}

/// Reads a document.
///
/// # Errors
/// Why it cannot be read, or what in its frame is wrong.
pub(super) fn read(text: &[u8], form: Form) -> Result<Declared, String> {
    let text = std::str::from_utf8(text).map_err(|_| "the document is not UTF-8".to_owned())?;
    let value = match form {
        Form::Json => serde_json::from_str(text).map_err(|fault| fault.to_string())?,
        Form::Yaml => yaml(text)?,
    };
    declared(value)
}

/// A YAML document as a value.
fn yaml(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        legacy_octal_numbers: false,
        leading_zero_numbers_as_strings: true,
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
        budget: serde_saphyr::budget! {
            max_nodes: NODES,
            max_events: 4 * NODES,
            max_depth: DEPTH,
            max_documents: 1,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|fault| fault.to_string())
}

fn declared(value: Value) -> Result<Declared, String> {
    let Value::Object(mut document) = value else {
        return Err("expected a declaration as a table".to_owned());
    };
    let entities = match document.shift_remove("entities") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(entities)) => entities.into_iter().map(Data::from).collect(),
        Some(_) => return Err("entities: expected an array".to_owned()),
    };
    let version = text(&mut document, "version")?.unwrap_or_default();
    let priority = match document.shift_remove("priority") {
        None | Some(Value::Null) => 0,
        Some(priority) => priority.as_i64().ok_or("priority: expected an integer")?,
    };
    // A document without fields brings entities alone.
    let is_plugin = document.contains_key("fields") || entities.is_empty();
    let plugin = is_plugin.then(|| Data::from(Value::Object(document)));
    Ok(Declared { plugin, entities, version, priority })
}

fn text(document: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match document.shift_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name}: expected a string")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_is_read_strictly() {
        let read = |text: &str| yaml(text).map_err(|_| ());
        assert_eq!(read("a: [1, 2.5, null, x, true]"), Ok(json!({"a": [1, 2.5, null, "x", true]})));
        assert_eq!(read("a: yes\nb: 017\nc: 'x'"), Ok(json!({"a": "yes", "b": "017", "c": "x"})));
        assert_eq!(read("a: {eq: null}"), Ok(json!({"a": {"eq": null}})));
        assert_eq!(read("a: 1\na: 2"), Err(()));
        assert_eq!(read("a: [1"), Err(()));
        assert_eq!(read(&format!("{}1{}", "[".repeat(100), "]".repeat(100))), Err(()));
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..9 {
            let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
            laughs += &format!("a{i}: &a{i} [{aliases}]\n");
        }
        assert_eq!(read(&laughs), Err(()));
    }

    #[test]
    fn the_frame_of_a_document() {
        let read = |value| {
            declared(value).map(|declared| {
                (declared.plugin.is_some(), declared.entities.len(), declared.version, declared.priority)
            })
        };
        assert_eq!(
            read(json!({"fields": [], "version": "1.0", "priority": 5})),
            Ok((true, 0, "1.0".to_owned(), 5))
        );
        assert_eq!(read(json!({"entities": [{}, {}]})), Ok((false, 2, String::new(), 0)));
        assert_eq!(read(json!({"entities": {}})), Err("entities: expected an array".to_owned()));
        assert_eq!(read(json!({"priority": "x"})), Err("priority: expected an integer".to_owned()));
        assert_eq!(read(json!([])), Err("expected a declaration as a table".to_owned()));
    }
}
