//! A difference -> JSON that says what is created, updated and deleted, for people and programs.
//!
//! Secrets are never told, only that they change: what a field holds is masked if it is encrypted at rest, or if it is
//! a text that the node makes up where nobody gives one (an API key).

use entities::schema::{Context, Entity, Field, Row, Type};
use serde_json::{Value, json};

use super::configuration::Configuration;
use super::difference::{Change, Difference, compared, same};
use super::dump::reduced;
use crate::operations::reference;

/// What stands in the place of a secret.
const MASK: &str = "******";

/// `{"created":1,"updated":1,"deleted":0,"changes":[{"operation":"update","entity":"services","name":"billing",
/// "id":"…","fields":{"port":{"before":80,"after":443}}}]}`
///
/// A row that is created or deleted is told under `row`, without defaults; what it refers to under `references`.
pub fn report(difference: &Difference, current: &Configuration, context: &Context) -> Value {
    let told = difference.changes.iter().map(|change| tell(change, difference, current, context));
    let told: Vec<Value> = told.collect();
    let count = |operation: &str| told.iter().filter(|change| change["operation"] == operation).count();
    json!({
        "created": count("create"),
        "updated": count("update"),
        "deleted": count("delete"),
        "changes": told,
    })
}

fn tell(change: &Change, difference: &Difference, current: &Configuration, context: &Context) -> Value {
    let Change { entity, id, before, after } = change;
    let row = after.as_ref().or(before.as_ref());
    let operation = match (before, after) {
        (None, _) => "create",
        (_, Some(_)) => "update",
        (_, None) => "delete",
    };
    let mut told = Row::new();
    told.insert("operation".to_owned(), Value::from(operation));
    told.insert("entity".to_owned(), Value::from(entity.name));
    let Some(row) = row else { return Value::Object(told) };
    told.extend(label(entity, row).map(|label| ("name".to_owned(), Value::from(label))));
    told.insert("id".to_owned(), Value::from(id.as_str()));
    let references: Row = entity
        .foreign_keys()
        .filter_map(|(field, _, parent)| {
            let id = reference(row.get(field)?, parent)?;
            let above = difference.after.row(parent, &id).or_else(|| current.row(parent, &id));
            let name = above.and_then(|above| label(parent, above)).unwrap_or(&id).to_owned();
            Some((field.to_owned(), Value::from(name)))
        })
        .collect();
    if !references.is_empty() {
        told.insert("references".to_owned(), Value::Object(references));
    }
    match (before, after) {
        (Some(before), Some(after)) => {
            told.insert("fields".to_owned(), Value::Object(fields(entity, before, after)));
        }
        _ => {
            let mut row = reduced(entity, row, context);
            for (name, field) in entity.fields_of(entity.subschema_of(&row)) {
                if let Some(value) = row.get_mut(name) {
                    mask(field, value);
                }
            }
            told.insert("row".to_owned(), Value::Object(row));
        }
    }
    Value::Object(told)
}

/// What people call a row by.
fn label<'a>(entity: &Entity, row: &'a Row) -> Option<&'a str> {
    let names = entity.endpoint_key.iter().chain(entity.cache_key);
    names.filter(|name| !entity.field(name).is_some_and(is_secret)).find_map(|name| row.get(*name)?.as_str())
}

/// The fields that change: `config.redis.port` with its value before and after.
fn fields(entity: &'static Entity, before: &Row, after: &Row) -> Row {
    let mut changed = Row::new();
    for (name, field) in compared(entity, after) {
        descend(name, Some(field), before.get(name), after.get(name), &mut changed);
    }
    changed
}

fn descend(
    path: &str,
    field: Option<&'static Field>,
    before: Option<&Value>,
    after: Option<&Value>,
    changed: &mut Row,
) {
    if same(field, before, after) {
        return;
    }
    let is_reference = field.is_some_and(|field| field.foreign().is_some());
    match (before, after) {
        (Some(Value::Object(own)), Some(Value::Object(new))) if !is_reference => {
            let added = new.keys().filter(|name| !own.contains_key(*name));
            for name in own.keys().chain(added) {
                let inner = field.and_then(|field| field.fields().iter().find(|(own, _)| own == name));
                let inner = inner.map(|(_, field)| field);
                descend(&format!("{path}.{name}"), inner, own.get(name), new.get(name), changed);
            }
        }
        (before, after) => {
            let shown = |value: Option<&Value>| {
                let mut value = value.cloned().unwrap_or_default();
                if let Some(field) = field {
                    mask(field, &mut value);
                }
                value
            };
            changed.insert(path.to_owned(), json!({ "before": shown(before), "after": shown(after) }));
        }
    }
}

fn is_secret(field: &Field) -> bool {
    field.encrypted || field.auto && !field.uuid && matches!(field.ty, Type::String)
}

/// Hides what a field holds if it is a secret. A reference to a vault is none.
fn mask(field: &'static Field, value: &mut Value) {
    match value {
        Value::Null => {}
        Value::String(text) if entities::schema::is_reference(text) => {}
        value if is_secret(field) => *value = Value::from(MASK),
        Value::Object(row) => {
            for (name, field) in field.fields() {
                if let Some(value) = row.get_mut(*name) {
                    mask(field, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(elements) = field.elements() {
                items.iter_mut().for_each(|item| mask(elements, item));
            }
        }
        _ => {}
    }
}
