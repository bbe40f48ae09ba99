//! Errors told row by row: each row that is wrong with everything that is wrong with it, whatever its depth.
//!
//! The order is Kong's: entities and fields in reverse, rows of one list at the top from the last to the first, rows
//! below a row before it and from the first to the last.

use entities::schema::{ENTITY, Entity, Row};
use serde_json::{Value, json};

use super::document::{Document, IdFrom};
use crate::validate::is_uuid;

/// What is left of the errors, and the rows.
pub fn flattened(document: &Document, errors: Row) -> (Row, Vec<Value>) {
    let (mut rest, mut rows) = (Row::new(), Vec::new());
    for (kind, section) in descending(errors) {
        let list = document.top.iter().find(|(entity, _)| entity.name == kind);
        let (Some((_, list)), Value::Object(section)) = (list, &section) else {
            rest.insert(kind, section);
            continue;
        };
        for (place, what) in descending(section.clone()) {
            if let Some(i) = at(document, list, &place) {
                of_item(document, i, what, None, &mut rows);
            }
        }
    }
    (rest, rows)
}

/// The item of a list that has a place.
fn at(document: &Document, list: &[usize], place: &str) -> Option<usize> {
    let place: usize = place.parse().ok()?;
    list.iter().copied().find(|i| document.items.get(*i).is_some_and(|item| item.place == place))
}

/// Entries from the last to the first: by number where the names are numbers.
fn descending(entries: Row) -> Vec<(String, Value)> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    let number = |name: &str| name.parse::<u64>().ok();
    entries.sort_by(|(a, _), (b, _)| match (number(a), number(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (None, None) => b.cmp(a),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    entries
}

fn of_item(document: &Document, i: usize, what: Value, above: Option<(&str, Value)>, rows: &mut Vec<Value>) {
    let Some(item) = document.items.get(i) else { return };
    let mut shown = item.given.clone();
    if let (Some((id, IdFrom::Names)), [name]) = (&item.id, item.entity.primary_key)
        && !item.row.is_empty()
    {
        shown.insert((*name).to_owned(), Value::from(id.as_str()));
    }
    if let Some((field, key)) = above
        && !shown.contains_key(field)
    {
        shown.insert(field.to_owned(), key);
    }
    let Some(mut wrong) = as_row(what) else { return };
    of_references(item.entity, &mut shown, &mut wrong, rows);
    let key = key(&shown);
    for (child, list) in &item.children {
        let Some(section) = wrong.shift_remove(child.name).and_then(as_row) else { continue };
        let field = list.first().and_then(|i| document.items.get(*i)?.above).map(|(_, field)| field);
        for i in list {
            let place = document.items.get(*i).map(|item| item.place.to_string()).unwrap_or_default();
            if let Some(what) = section.get(&place) {
                let above = field.and_then(|field| Some((field, key.clone()?)));
                of_item(document, *i, what.clone(), above, rows);
            }
        }
    }
    push(item.entity, shown, wrong, rows);
}

/// Rows that stand written out in the place of a reference.
fn of_references(entity: &'static Entity, shown: &mut Row, wrong: &mut Row, rows: &mut Vec<Value>) {
    for (field, _, parent) in entity.foreign_keys() {
        let Some(Value::Object(written)) = shown.get(field).cloned() else { continue };
        match key(&written) {
            Some(key) => drop(shown.insert(field.to_owned(), key)),
            None => drop(shown.shift_remove(field)),
        }
        if let Some(mut inner) = wrong.shift_remove(field).and_then(as_row) {
            let mut written = written;
            of_references(parent, &mut written, &mut inner, rows);
            push(parent, written, inner, rows);
        }
    }
}

/// Errors as a row: a sentence concerns the whole.
fn as_row(what: Value) -> Option<Row> {
    match what {
        Value::String(text) => Some(Row::from_iter([(ENTITY.to_owned(), Value::from(text))])),
        Value::Object(row) => Some(row),
        _ => None,
    }
}

/// `{"id": …}` of a row that has a valid one.
fn key(row: &Row) -> Option<Value> {
    let id = row.get("id")?.as_str().filter(|id| is_uuid(id))?;
    Some(json!({ "id": id }))
}

fn push(entity: &Entity, shown: Row, wrong: Row, rows: &mut Vec<Value>) {
    let mut errors = Vec::new();
    categorize(wrong, "", &mut errors);
    if errors.is_empty() {
        return;
    }
    let mut row = Row::new();
    let text = |name: &str| shown.get(name).and_then(Value::as_str);
    if let Some(name) = text("name").filter(|name| !name.is_empty()) {
        row.insert("entity_name".to_owned(), Value::from(name));
    }
    if let Some(id) = text("id").filter(|id| is_uuid(id)) {
        row.insert("entity_id".to_owned(), Value::from(id));
    }
    if let Some(Value::Array(tags)) = shown.get("tags").filter(|tags| is_texts(tags)) {
        row.insert("entity_tags".to_owned(), as_lua(Value::Array(tags.clone())));
    }
    row.insert("entity_type".to_owned(), Value::from(entity.name.strip_suffix('s').unwrap_or(entity.name)));
    row.insert("entity".to_owned(), as_lua(Value::Object(shown)));
    row.insert("errors".to_owned(), Value::Array(errors));
    rows.push(Value::Object(row));
}

fn is_texts(list: &Value) -> bool {
    list.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

/// An empty list is written as Lua writes an empty table.
fn as_lua(value: Value) -> Value {
    match value {
        Value::Array(items) if items.is_empty() => json!({}),
        Value::Array(items) => items.into_iter().map(as_lua).collect(),
        Value::Object(row) => {
            Value::Object(row.into_iter().map(|(name, value)| (name, as_lua(value))).collect())
        }
        other => other,
    }
}

/// One error for each sentence, with the path of its field.
fn categorize(wrong: Row, above: &str, errors: &mut Vec<Value>) {
    for (name, what) in descending(wrong) {
        let field = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match what {
            what if name == ENTITY => of_whole(&what, errors),
            Value::String(message) => {
                errors.push(json!({ "type": "field", "field": field, "message": message }))
            }
            Value::Object(inner) => categorize(inner, &field, errors),
            Value::Array(items) => {
                let places = items.into_iter().zip(1..).filter(|(what, _)| !what.is_null());
                categorize(
                    places.map(|(what, place): (Value, usize)| (place.to_string(), what)).collect(),
                    &field,
                    errors,
                );
            }
            _ => {}
        }
    }
}

fn of_whole(what: &Value, errors: &mut Vec<Value>) {
    match what {
        Value::String(message) => errors.push(json!({ "type": "entity", "message": message })),
        Value::Array(items) => items.iter().for_each(|what| of_whole(what, errors)),
        _ => {}
    }
}
