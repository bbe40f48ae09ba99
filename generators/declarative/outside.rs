//! Rows that a document refers to and does not speak for, where it speaks for a part of a configuration only.
//!
//! They stand in the document while its references are resolved and its rules are held against it, and are taken out
//! again: nothing that is said of them counts.

use std::collections::{HashMap, HashSet};

use entities::schema::{Entity, Row};
use serde_json::Value;

use super::Loaded;
use super::configuration::{Configuration, name_of};
use super::document::{Document, Item};
use super::selection::Selection;
use crate::operations::reference;

/// Rows that stand in a document without being its own.
#[derive(Default)]
pub struct Outside(HashSet<(&'static str, String)>);

impl Outside {
    /// Puts the rows into a document that it refers to by names or ids that it does not have.
    pub fn admit(document: &mut Document, current: &Configuration, selection: &Selection) -> Outside {
        let mut outside = Outside::default();
        if selection.is_everything() {
            return outside;
        }
        let others = Others::new(current, selection);
        let mut known: HashSet<(&'static str, String)> = HashSet::new();
        for item in &document.items {
            let keys = item.entity.endpoint_key.iter().chain(item.entity.primary_key);
            let keys = keys.filter_map(|name| item.given.get(*name)?.as_str());
            known.extend(keys.map(|key| (item.entity.name, key.to_owned())));
        }
        let mut next = 0;
        // What is admitted refers to further rows.
        while let Some(item) = document.items.get(next) {
            next += 1;
            let named = item.entity.foreign_keys().filter_map(|(field, _, parent)| {
                let key = match item.given.get(field)? {
                    Value::String(key) => key.clone(),
                    value => reference(value, parent)?,
                };
                Some((parent, key))
            });
            for (parent, key) in named.collect::<Vec<_>>() {
                let Some((id, row)) = others.find(parent, &key) else { continue };
                if known.contains(&(parent.name, key)) || !outside.0.insert((parent.name, id.to_owned())) {
                    continue;
                }
                document.order.push(document.items.len());
                document.items.push(item_of(parent, row));
            }
        }
        outside
    }

    /// Takes the rows out again.
    pub fn leave(&self, rows: &mut Vec<Loaded>) {
        rows.retain(|row| !self.0.contains(&(row.entity.name, row.id.clone())));
    }
}

/// The rows that a selection leaves out, by id and by name.
struct Others<'a>(HashMap<(&'static str, &'a str), (&'a str, &'a Row)>);

impl<'a> Others<'a> {
    fn new(current: &'a Configuration, selection: &Selection) -> Others<'a> {
        let mut others = HashMap::new();
        for (entity, id, row) in current.rows().filter(|(entity, _, row)| !selection.reaches(entity, row)) {
            for key in [Some(id), name_of(entity, row)].into_iter().flatten() {
                others.insert((entity.name, key), (id, row));
            }
        }
        Others(others)
    }

    fn find(&self, entity: &Entity, key: &str) -> Option<(&'a str, &'a Row)> {
        self.0.get(&(entity.name, key)).copied()
    }
}

/// A row as an item that stands by itself.
fn item_of(entity: &'static Entity, row: &Row) -> Item {
    let mut given: Row = entity
        .fields
        .iter()
        .filter_map(|(name, _)| Some(((*name).to_owned(), row.get(*name)?.clone())))
        .collect();
    for (field, _, parent) in entity.foreign_keys() {
        if let Some(id) = row.get(field).and_then(|value| reference(value, parent)) {
            given.insert(field.to_owned(), Value::from(id));
        }
    }
    Item { entity, given, row: Row::new(), above: None, place: 0, children: Vec::new(), id: None }
}

/// References that decK writes as `{"name": …}` become the name alone.
pub fn plain_names(document: &mut Document) {
    for item in &mut document.items {
        for (field, _, parent) in item.entity.foreign_keys() {
            if let (Some(Value::Object(key)), Some(by)) = (item.given.get(field), parent.endpoint_key)
                && key.len() == 1
                && let Some(Value::String(name)) = key.get(by)
            {
                let name = Value::from(name.as_str());
                item.given.insert(field.to_owned(), name);
            }
        }
    }
}
