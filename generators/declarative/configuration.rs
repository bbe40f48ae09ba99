//! A configuration as rows: what a store holds and what a document stands for, by entity and id.
//!
//! Of a node's entities it has those that exports have: not the node's own books, nor what lives a moment only. What a
//! row is known by besides its id is told here, too. Nothing is compared or written.

use std::collections::BTreeMap;

use entities::schema::{Declarations, Entity, Field, Row};
use serde_json::Value;

use crate::operations::{id_of, reference};

/// The rows of a configuration, each as a store holds it.
#[derive(Clone)]
pub struct Configuration {
    kinds: Vec<(&'static Entity, BTreeMap<String, Row>)>,
}

/// Whether a configuration has rows of an entity.
pub fn is_configured(entity: &Entity) -> bool {
    entity.stored && entity.db_export && entity.generate_admin_api && entity.default_workspace.is_none()
}

impl Configuration {
    /// No rows yet.
    pub fn new(declarations: &Declarations) -> Configuration {
        let entities = declarations.entities().filter(|entity| is_configured(entity));
        Configuration { kinds: entities.map(|entity| (entity, BTreeMap::new())).collect() }
    }

    /// The entities of which it may have rows, what is referred to first.
    pub fn entities(&self) -> impl DoubleEndedIterator<Item = &'static Entity> + '_ {
        self.kinds.iter().map(|(entity, _)| *entity)
    }

    /// Puts a row in its place. Rows of other entities are left out.
    pub fn add(&mut self, entity: &'static Entity, row: Row) {
        let kind = self.kinds.iter_mut().find(|(own, _)| own.name == entity.name);
        if let (Some((_, rows)), Some(id)) = (kind, id_of(entity, &row)) {
            rows.insert(id, row);
        }
    }

    /// Takes a row away.
    pub fn remove(&mut self, entity: &Entity, id: &str) {
        if let Some((_, rows)) = self.kinds.iter_mut().find(|(own, _)| own.name == entity.name) {
            rows.remove(id);
        }
    }

    /// The row of an id.
    pub fn row(&self, entity: &Entity, id: &str) -> Option<&Row> {
        self.kinds.iter().find(|(own, _)| own.name == entity.name)?.1.get(id)
    }

    /// The rows of an entity, in the order of their ids.
    pub fn of(&self, entity: &Entity) -> impl Iterator<Item = (&str, &Row)> {
        let kind = self.kinds.iter().find(|(own, _)| own.name == entity.name);
        kind.into_iter().flat_map(|(_, rows)| rows.iter().map(|(id, row)| (id.as_str(), row)))
    }

    /// Every row, what is referred to first.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Entity, &str, &Row)> {
        self.kinds.iter().flat_map(|(entity, rows)| rows.iter().map(|(id, row)| (*entity, id.as_str(), row)))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.kinds.iter().map(|(_, rows)| rows.len()).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a row is known by besides its id, and what no other row may have: the fields, and their values as one text.
pub type NaturalKey = (&'static [&'static str], String);

/// The natural keys of a row whose references are keys: its name first, then what is unique together.
pub fn natural_keys(entity: &'static Entity, row: &Row) -> Vec<NaturalKey> {
    let mut keys: Vec<NaturalKey> = Vec::new();
    let alone = entity.cache_key.first().filter(|_| entity.cache_key.len() == 1);
    let own = alone.filter(|name| entity.endpoint_key != Some(**name));
    for name in entity.endpoint_key.iter().chain(own) {
        if entity.field(name).is_some_and(Field::is_unique)
            && let Some(text) = row.get(*name).and_then(Value::as_str)
        {
            keys.push((std::slice::from_ref(name), text.to_owned()));
        }
    }
    if let Some(text) = combination(entity, row) {
        keys.push((entity.cache_key, text));
    }
    keys
}

/// The values of fields that are unique together; `None` where one is missing that must be there.
fn combination(entity: &'static Entity, row: &Row) -> Option<String> {
    if entity.cache_key.len() < 2 {
        return None;
    }
    let mut parts = Vec::with_capacity(entity.cache_key.len());
    for name in entity.cache_key {
        let field = entity.field(name)?;
        parts.push(match (row.get(*name), field.foreign()) {
            (None | Some(Value::Null), _) if field.is_required() => return None,
            (None | Some(Value::Null), _) => Value::Null,
            (Some(value), Some(parent)) => Value::from(reference(value, parent)?),
            (Some(value), None) => value.clone(),
        });
    }
    Some(Value::Array(parts).to_string())
}

/// The unique name by which documents refer to a row, if it has one.
pub fn name_of<'a>(entity: &Entity, row: &'a Row) -> Option<&'a str> {
    let name = entity.endpoint_key?;
    entity.field(name).filter(|field| field.is_unique())?;
    row.get(name)?.as_str()
}
