//! Rows of a document recognised among the rows that there are, so that a document without ids changes what it means.
//!
//! A row without an id is the row of the same name, or of the same values where those are unique together; one that
//! has neither is a row that holds everything the document says. It takes that row's id. What the node filled in once,
//! and the document leaves out, stays: secrets, and the moment of creation.

use std::collections::{HashMap, HashSet};

use entities::schema::{Entity, Field, Named, Row, Type};
use serde_json::Value;

use super::configuration::{Configuration, NaturalKey, natural_keys};
use super::document::{Document, EXTRAS, Item};
use super::selection::Selection;
use crate::operations::{id_of, primary};

/// The moment of the last change, which no row keeps.
pub const CHANGED: &str = "updated_at";

/// The fields of recognised rows that are left as they are, by entity and id.
#[derive(Default)]
pub struct Left(HashMap<(&'static str, String), Vec<&'static str>>);

impl Left {
    /// The fields that are left as they are.
    pub fn of(&self, entity: &Entity, id: &str) -> &[&'static str] {
        self.0.get(&(entity.name, id.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// Gives the items of a document the ids of the rows that they stand for, among those that the selection includes.
pub fn adopt(document: &mut Document, current: &Configuration, selection: &Selection) -> Left {
    let mut names: HashMap<(&'static str, String), usize> = HashMap::new();
    for (i, item) in document.items.iter().enumerate() {
        let name = item.entity.endpoint_key.and_then(|name| item.given.get(name)?.as_str());
        for key in [name, given_id(item)].into_iter().flatten() {
            names.entry((item.entity.name, key.to_owned())).or_insert(i);
        }
    }
    let mut left = Left::default();
    for entity in document.kinds.clone() {
        let mut known = Known::new(entity, current, selection);
        let own = |item: &Item| item.entity.name == entity.name;
        for item in document.items.iter().filter(|item| own(item)) {
            known.taken.extend(given_id(item).map(str::to_owned));
        }
        // What is known by its name goes before what could be any of several rows.
        let items: Vec<usize> = (0..document.items.len()).collect();
        let (named, nameless): (Vec<usize>, Vec<usize>) = items
            .into_iter()
            .filter(|i| document.items.get(*i).is_some_and(own))
            .partition(|i| document.items.get(*i).is_some_and(|item| is_named(document, item, &names)));
        for i in named.into_iter().chain(nameless) {
            let Some(item) = document.items.get(i) else { continue };
            let id = match given_id(item) {
                Some(id) => Some(id.to_owned()),
                None => known.find(&resolved(document, item, &names)),
            };
            let Some((id, row)) = id.and_then(|id| Some((id.clone(), current.row(entity, &id)?))) else {
                continue;
            };
            let Some(item) = document.items.get_mut(i) else { continue };
            item.given.extend(primary(entity, &id));
            let absent = |field: &str| !item.given.contains_key(field);
            let kept =
                entity.fields.iter().filter(|(name, field)| field.auto && absent(name) && *name != CHANGED);
            left.0.insert((entity.name, id), kept.map(|(name, _)| *name).collect());
            let fields: Vec<_> = entity.fields_of(entity.subschema_of(row)).collect();
            keep_secrets(&fields, &mut item.given, row);
        }
    }
    left
}

/// Whether an item says by itself which row it is.
fn is_named(document: &Document, item: &Item, names: &HashMap<(&'static str, String), usize>) -> bool {
    given_id(item).is_some() || !natural_keys(item.entity, &resolved(document, item, names)).is_empty()
}

/// The id that a document gives an item.
fn given_id(item: &Item) -> Option<&str> {
    let [name] = item.entity.primary_key else { return None };
    item.given.get(*name)?.as_str()
}

/// An item with keys in the place of references, as far as those are known, and its texts in their normal form.
fn resolved(document: &Document, item: &Item, names: &HashMap<(&'static str, String), usize>) -> Row {
    let mut row = item.given.clone();
    EXTRAS.iter().for_each(|name| drop(row.shift_remove(*name)));
    for (name, field) in item.entity.fields {
        if let (Some(normalizer), Some(Value::String(text))) = (field.normalizer, row.get(*name))
            && let Ok(normal) = normalizer(text)
        {
            row.insert((*name).to_owned(), Value::from(normal));
        }
    }
    for (field, _, parent) in item.entity.foreign_keys() {
        let above = item.above.filter(|(_, through)| *through == field).map(|(above, _)| above);
        let named = match row.get(field) {
            Some(Value::String(name)) => names.get(&(parent.name, name.clone())).copied(),
            Some(value @ Value::Object(_)) => id_of(parent, value.as_object().unwrap_or(&row))
                .and_then(|id| names.get(&(parent.name, id)).copied()),
            _ => None,
        };
        let Some(target) = above.or(named).and_then(|i| document.items.get(i)) else { continue };
        // A row that is new has no id that any other could refer to.
        let id = given_id(target).unwrap_or_default();
        row.insert(field.to_owned(), Value::Object(primary(parent, id)));
    }
    row
}

/// The rows of an entity that items may stand for.
struct Known<'a> {
    entity: &'static Entity,
    by_key: HashMap<(&'static [&'static str], String), &'a str>,
    /// Those that a document may mean without naming them, since the node made their names up if they have any.
    others: Vec<(&'a str, &'a Row)>,
    /// Places among those, by the value of a field, for the fields that have been asked for.
    by_value: HashMap<&'static str, HashMap<String, Vec<usize>>>,
    taken: HashSet<String>,
}

impl<'a> Known<'a> {
    fn new(entity: &'static Entity, current: &'a Configuration, selection: &Selection) -> Known<'a> {
        let (by_key, others, by_value) = (HashMap::new(), Vec::new(), HashMap::new());
        let mut known = Known { entity, by_key, others, by_value, taken: HashSet::new() };
        for (id, row) in current.of(entity).filter(|(_, row)| selection.reaches(entity, row)) {
            let keys = natural_keys(entity, row);
            let made_up = |(fields, _): &NaturalKey| {
                fields.iter().all(|name| entity.field(name).is_some_and(|field| field.auto))
            };
            if keys.iter().all(made_up) {
                known.others.push((id, row));
            }
            known.by_key.extend(keys.into_iter().map(|key| (key, id)));
        }
        known
    }

    /// The id of the row that an item stands for, which no other item stands for then.
    fn find(&mut self, row: &Row) -> Option<String> {
        let keys = natural_keys(self.entity, row);
        let id = if keys.is_empty() {
            let candidates = self.candidates(row);
            let rows = candidates.iter().filter_map(|place| self.others.get(*place));
            rows.filter(|(id, other)| !self.taken.contains(*id) && holds(other, row))
                .map(|(id, _)| *id)
                .next()
        } else {
            keys.iter().filter_map(|key| self.by_key.get(key)).find(|id| !self.taken.contains(**id)).copied()
        };
        let id = id?.to_owned();
        self.taken.insert(id.clone());
        Some(id)
    }

    /// The places of nameless rows that agree with an item in the field in which the fewest do.
    fn candidates(&mut self, row: &Row) -> Vec<usize> {
        let mut fewest: Option<&Vec<usize>> = None;
        // What is not a list or a scalar may be said in part.
        let told = |field: &Field| field.fields().is_empty() && !field.is_abstract;
        let fields = self.entity.fields.iter().filter(|(name, field)| told(field) && row.contains_key(*name));
        let fields: Vec<&'static str> = fields.map(|(name, _)| *name).collect();
        for name in &fields {
            let others = &self.others;
            self.by_value.entry(name).or_insert_with(|| {
                let mut places: HashMap<String, Vec<usize>> = HashMap::new();
                for (place, (_, other)) in others.iter().enumerate() {
                    places.entry(text(other, name)).or_default().push(place);
                }
                places
            });
        }
        for name in fields {
            let Some(places) = self.by_value.get(name).and_then(|values| values.get(&text(row, name))) else {
                return Vec::new();
            };
            fewest = fewest.filter(|fewest| fewest.len() <= places.len()).or(Some(places));
        }
        fewest.map_or_else(|| (0..self.others.len()).collect(), Clone::clone)
    }
}

/// A value as a key.
fn text(row: &Row, name: &str) -> String {
    row.get(name).unwrap_or(&Value::Null).to_string()
}

/// Whether a row holds everything that a document says of it.
fn holds(row: &Row, said: &Row) -> bool {
    said.iter().all(|(name, said)| match (row.get(name), said) {
        (None | Some(Value::Null), Value::Null) => true,
        (Some(Value::Object(row)), Value::Object(said)) => holds(row, said),
        // What is not a field is a shorthand, or will be refused.
        (None, _) => true,
        (Some(value), said) => value == said,
    })
}

/// Secrets that a node makes up for all rows which leave them out stay those that the row has.
fn keep_secrets(fields: &[(&'static str, &'static Field)], given: &mut Row, current: &Row) {
    for (name, field) in fields {
        let Some(value) = current.get(*name).filter(|value| !value.is_null()) else { continue };
        if field.default_secret {
            given.entry(*name).or_insert_with(|| value.clone());
        }
        let (Type::Record(inner), Value::Object(current)) = (field.ty, value) else { continue };
        if !has_secret(inner) {
            continue;
        }
        let inner: Vec<_> = inner.iter().map(|(name, field)| (*name, field)).collect();
        let record = given.entry(*name).or_insert_with(|| Value::Object(Row::new()));
        if let Value::Object(record) = record {
            keep_secrets(&inner, record, current);
        }
    }
}

fn has_secret(fields: &[Named]) -> bool {
    fields.iter().any(|(_, field)| field.default_secret || has_secret(field.fields()))
}
