//! References resolved, and doubles found, over the whole document.

use std::collections::{HashMap, HashSet};

use entities::schema::{Entity, Row};
use serde_json::Value;

use super::document::{Document, Item, note};
use crate::operations::{id_of, primary, reference};

/// Items by entity and by a name or id.
type Index = HashMap<(&'static str, String), usize>;

/// Puts the keys of the rows that items refer to into the items. The errors: names and ids that are taken, and
/// references that lead nowhere; if there are none, values of other unique fields that are taken.
pub fn resolve(document: &mut Document) -> Row {
    for item in &mut document.items {
        if let (Some((id, _)), [name]) = (&item.id, item.entity.primary_key) {
            item.row.insert((*name).to_owned(), Value::from(id.as_str()));
        }
    }
    let mut errors = Row::new();
    let (names, ids) = index(document, &mut errors);
    let mut found: Vec<(usize, &'static str, Value)> = Vec::new();
    for (i, item) in document.items.iter().enumerate() {
        for (field, _, parent) in item.entity.foreign_keys() {
            let value = item.given.get(field).filter(|value| !value.is_null());
            let target = value.and_then(|value| target(document, &names, &ids, parent, value));
            if let (Some(value), None) = (value, &target) {
                unresolved(&mut errors, item, field, value, parent);
            }
            let above = item.above.filter(|(_, through)| *through == field);
            let above = above.and_then(|(above, _)| id_of(parent, &document.items.get(above)?.row));
            let key = above.or(target).map_or(Value::Null, |id| Value::Object(primary(parent, &id)));
            found.push((i, field, key));
        }
    }
    if !errors.is_empty() {
        return errors;
    }
    for (i, field, key) in found {
        if let Some(item) = document.items.get_mut(i) {
            item.row.insert(field.to_owned(), key);
        }
    }
    doubles(document)
}

/// The items by unique endpoint key, and by id.
fn index(document: &Document, errors: &mut Row) -> (Index, Index) {
    let (mut names, mut ids) = (Index::new(), Index::new());
    for i in &document.order {
        let Some(item) = document.items.get(*i) else { continue };
        let entity = item.entity;
        let mut taken = false;
        if let Some((by, name)) = name_of(item) {
            let key = (entity.name, name.to_owned());
            taken = names.contains_key(&key);
            match taken {
                true => double(document, errors, *i, &taken_sentence(entity, by, name)),
                false => drop(names.insert(key, *i)),
            }
        }
        let Some(id) = id_of(entity, &item.row) else { continue };
        let key = (entity.name, id);
        if !taken && ids.contains_key(&key) {
            double(document, errors, *i, &taken_sentence(entity, "primary key", &key.1));
        } else {
            ids.insert(key, *i);
        }
    }
    (names, ids)
}

/// The unique name of an item, if it has one, with its field.
fn name_of(item: &Item) -> Option<(&'static str, &str)> {
    let name = item.entity.endpoint_key?;
    item.entity.field(name).filter(|field| field.is_unique())?;
    Some((name, item.row.get(name)?.as_str()?))
}

fn taken_sentence(entity: &Entity, field: &str, value: &str) -> String {
    format!("uniqueness violation: '{}' entity with {field} set to '{value}' already declared", entity.name)
}

/// Notes a double at its place in its list, below the list of the item right above it.
fn double(document: &Document, errors: &mut Row, i: usize, what: &str) {
    let path = document.path(i);
    let near = path.get(path.len().saturating_sub(4)..).unwrap_or_default();
    note(errors, near, Value::from(what));
}

/// The id of the row that a reference names.
fn target(
    document: &Document,
    names: &Index,
    ids: &Index,
    parent: &'static Entity,
    value: &Value,
) -> Option<String> {
    let name = match value {
        Value::String(name) => name.clone(),
        other => reference(other, parent)?,
    };
    let key = (parent.name, name);
    let i = names.get(&key).or_else(|| ids.get(&key))?;
    id_of(parent, &document.items.get(*i)?.row)
}

fn unresolved(errors: &mut Row, item: &Item, field: &str, value: &Value, parent: &Entity) {
    let at = name_of(item).map(|(_, name)| name.to_owned()).or_else(|| id_of(item.entity, &item.row));
    let at = at.unwrap_or_else(|| item.place.to_string());
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let what = format!("invalid reference '{field}: {value}' (no such entry in '{}')", parent.name);
    let of_entity = errors.entry(item.entity.name).or_insert_with(|| Value::Object(Row::new()));
    if let Value::Object(of_entity) = of_entity {
        match of_entity.entry(at).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(list) => list.push(Value::from(what)),
            other => *other = Value::Array(vec![Value::from(what)]),
        }
    }
}

/// Values of unique fields that two rows have. Of each entity the last is told.
fn doubles(document: &Document) -> Row {
    let mut errors = Row::new();
    let mut seen: HashSet<(&'static str, &'static str, String)> = HashSet::new();
    for i in &document.order {
        let Some(item) = document.items.get(*i) else { continue };
        for (field, declared) in item.entity.unique_fields() {
            let value = match (item.row.get(field), declared.foreign()) {
                (Some(Value::String(text)), _) => text.clone(),
                (Some(value), Some(parent)) => match reference(value, parent) {
                    Some(id) => id,
                    None => continue,
                },
                _ => continue,
            };
            if !seen.insert((item.entity.name, field, value.clone())) {
                let name = item.entity.endpoint_key.and_then(|name| item.row.get(name)?.as_str());
                let at =
                    name.map(str::to_owned).or_else(|| id_of(item.entity, &item.row)).unwrap_or_default();
                let what = Value::from(taken_sentence(item.entity, field, &value));
                errors.insert(item.entity.name.to_owned(), Value::Object(Row::from_iter([(at, what)])));
            }
        }
    }
    errors
}
