//! Each item held against its declaration.
//!
//! There are two looks at an item. For the first, what its references name is not known: a reference is a text, and
//! an item below another has none of its own. Where something is wrong with that, every item is looked at again with
//! its references resolved, since a rule may depend on them; only what is wrong then, too, is told.

use std::collections::HashMap;

use entities::schema::{Context, Entity, Row, sentence};
use serde_json::Value;
use uuid::Uuid;

use super::document::{Document, EXTRAS, IdFrom, Item, extras};
use crate::complete::{Verb, complete};
use crate::operations::primary;
use crate::validate::{Candidate, validate};

/// What is said of a field that must be absent.
const MUST_BE_NULL: &str = "value must be null";

/// Everything that is wrong with the document and its items. Right items are complete afterwards.
pub fn check(document: &mut Document, context: &Context) -> Row {
    let named = pass(document, context, None);
    if named.iter().all(Result::is_ok) && document.errors.is_empty() {
        keep(document, named);
        return Row::new();
    }
    let keys = Keys::of(document);
    let full = pass(document, context, Some(&keys));
    if full.iter().all(Result::is_ok) && document.errors.is_empty() {
        keep(document, full);
        return Row::new();
    }
    let mut errors = document.errors.clone();
    let mut silent = vec![false; document.items.len()];
    for (i, (named, full)) in named.into_iter().zip(full).enumerate() {
        let Some(item) = document.items.get(i) else { continue };
        // A row of an unknown kind is not looked into, nor is what stands below it.
        let hidden = item.above.is_some_and(|(above, _)| silent.get(above).copied().unwrap_or_default());
        if let Some(silent) = silent.get_mut(i) {
            *silent = hidden || is_unknown(item);
        }
        let Err(mut wrong) = full else { continue };
        if let Err(named) = named {
            merge(&mut wrong, absent(named));
        }
        if !hidden {
            document.note(&mut errors, i, Value::Object(wrong));
        }
    }
    errors
}

fn keep(document: &mut Document, rows: Vec<Result<Row, Row>>) {
    for (item, row) in document.items.iter_mut().zip(rows) {
        item.row = row.unwrap_or_default();
    }
}

/// Looks at every item: its complete row, or what is wrong with it.
fn pass(document: &Document, context: &Context, keys: Option<&Keys>) -> Vec<Result<Row, Row>> {
    document.items.iter().map(|item| look(document, item, context, keys)).collect()
}

/// An item's complete row, or what is wrong with it. Without `keys` something stands in for its references.
pub fn look(document: &Document, item: &Item, context: &Context, keys: Option<&Keys>) -> Result<Row, Row> {
    let entity = item.entity;
    let mut wrong = extras(&item.given);
    let mut row = item.given.clone();
    EXTRAS.iter().for_each(|name| drop(row.shift_remove(*name)));
    // An id that was made up need not be made up once more.
    if let (Some((id, from)), [name]) = (&item.id, entity.primary_key)
        && *from != IdFrom::Document
    {
        row.entry(*name).or_insert_with(|| Value::from(id.as_str()));
    }
    match keys {
        None => stand_in(item, &mut row, &mut wrong),
        Some(keys) => resolve(document, item, &mut row, keys),
    }
    let full = match complete(entity, row.clone(), Verb::Insert, context) {
        Ok(full) => full,
        Err(mut violations) => {
            violations.0.extend(wrong);
            return Err(violations.0);
        }
    };
    let candidate = Candidate { row: &full, given: &row, stored: None };
    let mut violations = validate(entity, &candidate, Verb::Insert, context).0;
    if is_unknown(item) {
        return Err(violations);
    }
    violations.extend(wrong);
    if violations.is_empty() { Ok(full) } else { Err(violations) }
}

/// Whether an item chooses a subschema that is not there.
fn is_unknown(item: &Item) -> bool {
    let Some(key) = item.entity.subschema_key else { return false };
    let chooses = match item.entity.field(key) {
        Some(field) => field.default.is_none() || item.given.get(key).is_some_and(|value| !value.is_null()),
        None => true,
    };
    chooses && item.entity.subschema_of(&item.given).is_none()
}

/// Puts something in the place of references whose rows are not known yet.
fn stand_in(item: &Item, row: &mut Row, wrong: &mut Row) {
    let nested = item.above.is_some();
    for (field, declared, parent) in item.entity.foreign_keys() {
        let what = match row.get(field) {
            None | Some(Value::Null) if nested && declared.is_required() => None,
            None | Some(Value::Null) => continue,
            Some(_) if nested => Some(MUST_BE_NULL),
            Some(Value::String(text)) if text.is_empty() => Some("length must be at least 1"),
            Some(Value::String(_)) => None,
            Some(_) => Some(sentence::STRING),
        };
        if let Some(what) = what {
            wrong.insert(field.to_owned(), Value::from(what));
        }
        row.insert(field.to_owned(), Value::Object(primary(parent, &Uuid::nil().to_string())));
    }
}

/// Puts keys in the place of names.
fn resolve(document: &Document, item: &Item, row: &mut Row, keys: &Keys) {
    for (field, _, parent) in item.entity.foreign_keys() {
        let id = match (row.get(field), item.above) {
            (Some(Value::String(name)), _) => keys.find(document, parent, name),
            (None, Some((above, through))) if through == field => {
                document.items.get(above).and_then(|above| above.id.as_ref()).map(|(id, _)| id.clone())
            }
            _ => None,
        };
        if let Some(id) = id {
            row.insert(field.to_owned(), Value::Object(primary(parent, &id)));
        }
    }
}

/// The items by what may name them.
pub struct Keys(HashMap<(&'static str, String), usize>);

impl Keys {
    fn of(document: &Document) -> Keys {
        let mut keys = HashMap::new();
        for i in &document.order {
            let Some(item) = document.items.get(*i) else { continue };
            let name = item.entity.endpoint_key.and_then(|name| item.given.get(name)?.as_str());
            let id = item.id.as_ref().map(|(id, _)| id.as_str());
            for key in [id, name].into_iter().flatten() {
                keys.entry((item.entity.name, key.to_owned())).or_insert(*i);
            }
        }
        Keys(keys)
    }

    fn find(&self, document: &Document, entity: &Entity, name: &str) -> Option<String> {
        let i = self.0.get(&(entity.name, name.to_owned()))?;
        document.items.get(*i)?.id.as_ref().map(|(id, _)| id.clone())
    }
}

/// Of what is wrong, only that something must be absent.
fn absent(wrong: Row) -> Row {
    wrong
        .into_iter()
        .filter_map(|(name, what)| match what {
            Value::String(text) if text == MUST_BE_NULL => Some((name, Value::String(text))),
            Value::Object(inner) => Some((name, Value::Object(absent(inner))))
                .filter(|(_, inner)| !inner.as_object().is_some_and(Row::is_empty)),
            _ => None,
        })
        .collect()
}

fn merge(wrong: &mut Row, more: Row) {
    for (name, what) in more {
        match (wrong.get_mut(&name), what) {
            (Some(Value::Object(own)), Value::Object(more)) => merge(own, more),
            (_, what) => {
                wrong.insert(name, what);
            }
        }
    }
}
