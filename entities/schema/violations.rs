//! Violations: everything that is wrong with a row, in the shape of the row, and the sentences that say it.
//!
//! The sentences are Kong's (`kong/db/schema/init.lua`), since clients show and compare them.

use serde_json::{Map, Value};

/// What is wrong, by field: a sentence, an object for a record, an array (with nulls for what is right) for a list.
/// What concerns the whole stands under [`ENTITY`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Violations(pub Map<String, Value>);

/// The key of violations that concern a row as a whole.
pub const ENTITY: &str = "@entity";

impl Violations {
    /// One violation of one field.
    pub fn of(field: &str, sentence: impl Into<String>) -> Violations {
        let mut violations = Violations::default();
        violations.0.insert(field.to_owned(), Value::String(sentence.into()));
        violations
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing wrong is `Ok`.
    pub fn into_result(self) -> Result<(), Violations> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Notes what is wrong at a path such as `config.redis.host`, over whatever stood there.
    pub fn set(&mut self, path: &str, what: impl Into<Value>) {
        set(&mut self.0, path, what.into());
    }

    /// Notes that the row as a whole is wrong.
    pub fn add_entity(&mut self, sentence: String) {
        let list = self.0.entry(ENTITY).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(Value::String(sentence));
        }
    }
}

fn set(map: &mut Map<String, Value>, path: &str, what: Value) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), what);
        }
        Some((head, rest)) => {
            let inner = map.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                set(inner, rest, what);
            }
        }
    }
}

/// `'a', 'b'`; a list in the list stands in parentheses.
pub fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| format!("'{}'", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// The sentences.
pub mod sentence {
    pub const REQUIRED: &str = "required field missing";
    pub const UNKNOWN: &str = "unknown field";
    pub const IMMUTABLE: &str = "immutable field cannot be updated";
    pub const ARRAY: &str = "expected an array";
    pub const SET: &str = "expected a set";
    pub const MAP: &str = "expected a map";
    pub const RECORD: &str = "expected a record";
    pub const STRING: &str = "expected a string";
    pub const NUMBER: &str = "expected a number";
    pub const BOOLEAN: &str = "expected a boolean";
    pub const INTEGER: &str = "expected an integer";
    pub const TIMESTAMP: &str = "expected a valid timestamp";
    pub const UUID: &str = "expected a valid UUID";
    pub const MISSING_PRIMARY_KEY: &str = "missing primary key";
    pub const NOT_SPECIALIZED: &str = "error in schema definition: abstract field was not specialized";
    pub const REQUIRED_FOR_CHECK: &str = "field required for entity check";
    pub const CHECK_FAILED: &str = "entity check failed";
    /// What goes before some sentences while a row is updated.
    pub const WHEN_UPDATING: &str = "when updating, ";
    /// What goes behind [`REQUIRED_FOR_CHECK`] while a row is updated.
    pub const AFTER_UPDATING: &str = " when updating";
}
