//! Errors as values: every way in which the Admin API refuses a request about entities.
//!
//! Codes, names and sentences are Kong's (`kong/db/errors.lua`). The HTTP status of each stands in the one table of
//! the HTTP face; nothing here knows of HTTP.

use entities::schema::{ENTITY, Row, Violations};
use serde_json::{Map, Value};

use crate::lua;

/// Why a request about an entity was refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// A key in a path is not of the primary key's form; what is wrong by field.
    InvalidPrimaryKey(Row),
    /// Violations of the schema.
    SchemaViolation(Violations),
    /// The primary key is taken.
    PrimaryKeyViolation(Row),
    /// A reference leads nowhere: the field, the key it holds, the entity it should lead to.
    ForeignKeyViolation { field: &'static str, key: Row, parent: &'static str },
    /// Rows of `child` still refer to the row of `parent`.
    StillReferenced { parent: &'static str, child: &'static str },
    /// A unique field or combination is taken.
    UniqueViolation(Row),
    /// No row has that primary key.
    NotFound(Row),
    /// No row has that value in a unique field.
    NotFoundBy(Row),
    /// A page's offset cannot be read.
    InvalidOffset { offset: String, why: &'static str },
    /// A page's size cannot be used.
    InvalidSize(String),
    /// A unique value in a path breaks its field's rules.
    InvalidUnique { field: &'static str, why: String },
    /// An option of a request cannot be used; what is wrong by option.
    InvalidOptions(Row),
    /// The store cannot do this.
    OperationUnsupported(String),
    /// References by name lead nowhere: by field, the unique field that was tried, its value, and the entity.
    ForeignKeysUnresolved(Vec<Unresolved>),
    /// Another entity names the row without a foreign key.
    ReferencedByOthers(String),
    /// A declarative configuration is wrong; what is wrong in the shape of the document, lists by place from 1.
    DeclarativeConfig(Row),
}

/// A reference by a unique field that leads nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Unresolved {
    pub field: &'static str,
    pub by: &'static str,
    pub value: Value,
    pub parent: &'static str,
}

impl Error {
    /// A violation of one field.
    pub fn violation(field: &str, sentence: impl Into<String>) -> Error {
        Error::SchemaViolation(Violations::of(field, sentence))
    }

    /// Kong's number of the error.
    pub fn code(&self) -> u8 {
        match self {
            Error::InvalidPrimaryKey(_) => 1,
            Error::SchemaViolation(_) => 2,
            Error::PrimaryKeyViolation(_) => 3,
            Error::ForeignKeyViolation { .. } | Error::StillReferenced { .. } => 4,
            Error::UniqueViolation(_) => 5,
            Error::NotFound(_) | Error::NotFoundBy(_) => 6,
            Error::InvalidOffset { .. } => 7,
            Error::InvalidSize(_) => 9,
            Error::InvalidUnique { .. } => 10,
            Error::InvalidOptions(_) => 11,
            Error::OperationUnsupported(_) => 12,
            Error::ForeignKeysUnresolved(_) => 13,
            Error::DeclarativeConfig(_) => 14,
            Error::ReferencedByOthers(_) => 19,
        }
    }

    /// Kong's name of the error.
    pub fn name(&self) -> String {
        match self {
            Error::InvalidPrimaryKey(_) => "invalid primary key".to_owned(),
            Error::SchemaViolation(_) => "schema violation".to_owned(),
            Error::PrimaryKeyViolation(_) => "primary key violation".to_owned(),
            Error::ForeignKeyViolation { .. } | Error::StillReferenced { .. } => {
                "foreign key violation".to_owned()
            }
            Error::UniqueViolation(_) => "unique constraint violation".to_owned(),
            Error::NotFound(_) | Error::NotFoundBy(_) => "not found".to_owned(),
            Error::InvalidOffset { .. } => "invalid offset".to_owned(),
            Error::InvalidSize(_) => "invalid size".to_owned(),
            Error::InvalidUnique { field, .. } => format!("invalid unique {field}"),
            Error::InvalidOptions(_) => "invalid options".to_owned(),
            Error::OperationUnsupported(_) => "operation unsupported".to_owned(),
            Error::ForeignKeysUnresolved(_) => "foreign keys unresolved".to_owned(),
            Error::ReferencedByOthers(_) => "referenced by others".to_owned(),
            Error::DeclarativeConfig(_) => "invalid declarative configuration".to_owned(),
        }
    }

    /// The sentence for people.
    pub fn message(&self) -> String {
        match self {
            Error::InvalidPrimaryKey(fields) => format!("invalid primary key: '{}'", table(fields)),
            Error::SchemaViolation(violations) => {
                summary("schema violation", "schema violations", violations)
            }
            Error::PrimaryKeyViolation(key) => format!("primary key violation on key '{}'", table(key)),
            Error::ForeignKeyViolation { key, parent, .. } => {
                format!("the foreign key '{}' does not reference an existing '{parent}' entity.", table(key))
            }
            Error::StillReferenced { parent, child } => {
                format!("an existing '{child}' entity references this '{parent}' entity")
            }
            Error::UniqueViolation(key) => {
                let key = table(key).replace("\"userdata: NULL\"", "null");
                format!("UNIQUE violation detected on '{key}'")
            }
            Error::NotFound(key) => format!("could not find the entity with primary key '{}'", table(key)),
            Error::NotFoundBy(key) => format!("could not find the entity with '{}'", table(key)),
            Error::InvalidOffset { offset, why } => format!("'{offset}' is not a valid offset: {why}"),
            Error::InvalidSize(why) | Error::InvalidUnique { why, .. } => why.clone(),
            Error::InvalidOptions(options) => {
                summary("invalid option", "option violations", &Violations(options.clone()))
            }
            Error::OperationUnsupported(why) | Error::ReferencedByOthers(why) => why.clone(),
            Error::DeclarativeConfig(errors) => {
                format!("declarative config is invalid: {}", lua::compact(&in_lists(errors)))
            }
            Error::ForeignKeysUnresolved(list) => {
                summary("foreign key unresolved", "foreign keys unresolved", &unresolved(list))
            }
        }
    }

    /// What is wrong by field; shown under `fields`, or under `options` where options are at fault.
    pub fn details(&self) -> Option<(&'static str, Value)> {
        let fields = match self {
            Error::InvalidOptions(options) => return Some(("options", Value::Object(options.clone()))),
            Error::SchemaViolation(Violations(fields)) => return Some(("fields", by_place(fields))),
            Error::DeclarativeConfig(errors) => return Some(("fields", in_lists(errors))),
            Error::InvalidPrimaryKey(fields)
            | Error::PrimaryKeyViolation(fields)
            | Error::UniqueViolation(fields)
            | Error::NotFound(fields)
            | Error::NotFoundBy(fields) => fields.clone(),
            Error::ForeignKeyViolation { field, key, .. } => {
                Map::from_iter([((*field).to_owned(), Value::Object(key.clone()))])
            }
            Error::StillReferenced { child, .. } => {
                Map::from_iter([("@referenced_by".to_owned(), Value::from(*child))])
            }
            Error::ForeignKeysUnresolved(list) => unresolved(list).0,
            Error::InvalidOffset { .. }
            | Error::InvalidSize(_)
            | Error::InvalidUnique { .. }
            | Error::OperationUnsupported(_)
            | Error::ReferencedByOthers(_) => return None,
        };
        Some(("fields", Value::Object(fields)))
    }
}

/// Violations at any depth; where every field is a place in a list, they are a list, as Lua tables are.
fn placed(what: &Value) -> Value {
    match what {
        Value::Object(fields) => by_place(fields),
        Value::Array(items) => Value::Array(items.iter().map(placed).collect()),
        other => other.clone(),
    }
}

fn by_place(fields: &Map<String, Value>) -> Value {
    let places: Option<Vec<usize>> =
        fields.keys().map(|name| name.parse().ok().filter(|place| *place > 0)).collect();
    match places {
        Some(places) if !places.is_empty() && places.iter().all(|place| *place <= fields.len() * 2) => {
            let mut list = vec![Value::Null; places.iter().copied().max().unwrap_or_default()];
            for (place, what) in places.into_iter().zip(fields.values()) {
                if let Some(slot) = list.get_mut(place - 1) {
                    *slot = placed(what);
                }
            }
            Value::Array(list)
        }
        _ => Value::Object(fields.iter().map(|(name, what)| (name.clone(), placed(what))).collect()),
    }
}

/// Errors by place as lists, at any depth: what is right in between is null, as far as a list is written that way.
fn in_lists(errors: &Row) -> Value {
    /// How long a list with holes may be.
    const MOST: usize = 32_768;
    let inner = |what: &Value| match what {
        Value::Object(inner) => in_lists(inner),
        other => other.clone(),
    };
    let places: Option<Vec<usize>> =
        errors.keys().map(|name| name.parse().ok().filter(|place| *place > 0)).collect();
    let last = places.as_ref().and_then(|places| places.iter().copied().max());
    match (places, last) {
        (Some(places), Some(last)) if last <= MOST.max(2 * errors.len()) => {
            let mut list = vec![Value::Null; last];
            for (place, what) in places.into_iter().zip(errors.values()) {
                if let Some(slot) = list.get_mut(place - 1) {
                    *slot = inner(what);
                }
            }
            Value::Array(list)
        }
        _ => Value::Object(errors.iter().map(|(name, what)| (name.clone(), inner(what))).collect()),
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Error {
        Error::SchemaViolation(violations)
    }
}

fn table(fields: &Row) -> String {
    lua::compact(&Value::Object(fields.clone()))
}

fn unresolved(list: &[Unresolved]) -> Violations {
    let mut violations = Violations::default();
    for Unresolved { field, by, value, parent } in list {
        let key = table(&Row::from_iter([((*by).to_owned(), value.clone())]));
        violations.set(
            &format!("{field}.{by}"),
            format!("the foreign key cannot be resolved with '{key}' for an existing '{parent}' entity"),
        );
    }
    violations
}

/// `schema violation (a: …)` or `2 schema violations (a: …; b: …)`: what concerns the whole first, then by field,
/// two levels deep; what lies deeper is printed as a Lua table.
fn summary(one: &str, many: &str, violations: &Violations) -> String {
    let mut parts = Vec::new();
    if let Some(Value::Array(whole)) = violations.0.get(ENTITY) {
        parts.extend(whole.iter().map(words));
    }
    let mut fields: Vec<_> = violations.0.iter().filter(|(name, _)| *name != ENTITY).collect();
    fields.sort_by(|a, b| a.0.cmp(b.0));
    for (name, what) in fields {
        match what {
            Value::Object(inner) => {
                let mut inner: Vec<_> = inner.iter().collect();
                inner.sort_by(|a, b| a.0.cmp(b.0));
                parts.extend(inner.into_iter().map(|(sub, what)| format!("{name}.{sub}: {}", words(what))));
            }
            Value::Array(items) => parts.extend(
                items
                    .iter()
                    .enumerate()
                    .filter(|(_, what)| !what.is_null())
                    .map(|(i, what)| format!("{name}.{}: {}", i + 1, words(what))),
            ),
            _ => parts.push(format!("{name}: {}", words(what))),
        }
    }
    match parts.as_slice() {
        [part] => format!("{one} ({part})"),
        _ => format!("{} {many} ({})", parts.len(), parts.join("; ")),
    }
}

fn words(what: &Value) -> String {
    match what {
        Value::String(sentence) => sentence.clone(),
        Value::Array(_) | Value::Object(_) => lua::indented(&placed(what)),
        _ => what.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_in_a_list_are_shown_as_a_list_at_any_depth() {
        let violations = Violations(Map::from_iter([(
            "config".to_owned(),
            json!({"queue": {"1": "unknown field"}, "redis": {"1": "unknown field", "host": "expected a string"}}),
        )]));
        let error = Error::SchemaViolation(violations);
        let (_, shown) = error.details().unwrap();
        assert_eq!(
            shown,
            json!({"config": {
                "queue": ["unknown field"],
                "redis": {"1": "unknown field", "host": "expected a string"},
            }})
        );
        assert!(error.message().contains("config.queue: {\n  \"unknown field\"\n}"), "{}", error.message());
    }
}
