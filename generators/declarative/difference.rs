//! Two configurations -> the changes that make one the other, and the order in which a store can take them.
//!
//! A row that is to go takes with it what hangs on it, as its deletion would. What a store would refuse is refused
//! here, too, so that whoever only asks for the difference hears of it. Nothing is written.

use std::collections::{HashMap, HashSet};

use entities::schema::{Declarations, Entity, Field, OnDelete, Row, Type};
use serde_json::Value;

use super::Loaded;
use super::adoption::{CHANGED, Left};
use super::configuration::{Configuration, NaturalKey, is_configured, natural_keys};
use super::selection::Selection;
use crate::errors::Error;
use crate::graph::Graph;
use crate::operations::{Operation, reference};
use crate::sql::EXPIRY;

/// What a document asks for.
pub struct Wanted {
    pub rows: Vec<Loaded>,
    /// What it leaves as it is.
    pub left: Left,
    /// The rows that it speaks for: those of them that it does not have are to go.
    pub selection: Selection,
}

/// A row that changes. One of the two is there: a row that is new has no `before`, one that goes no `after`.
pub struct Change {
    pub entity: &'static Entity,
    pub id: String,
    pub before: Option<Row>,
    pub after: Option<Row>,
}

/// What changes.
pub struct Difference {
    /// What is written, in the order of declarations; then what is deleted, in the opposite order.
    pub changes: Vec<Change>,
    /// The configuration as it will be.
    pub after: Configuration,
}

/// A row, by entity and id.
type Name = (&'static str, String);

impl Difference {
    /// What must change so that `current` is what is wanted.
    ///
    /// # Errors
    /// A row that stays refers to one that is to go, or two rows would have what only one can have.
    pub fn new(
        current: &Configuration,
        wanted: Wanted,
        declarations: &Declarations,
    ) -> Result<Difference, Error> {
        let graph = Graph::new(declarations);
        let mut difference = Difference { changes: Vec::new(), after: current.clone() };
        let mut spoken_for: HashSet<Name> = HashSet::new();
        for Loaded { entity, id, stored, .. } in wanted.rows {
            if !is_configured(entity) {
                continue;
            }
            spoken_for.insert((entity.name, id.clone()));
            let before = current.row(entity, &id);
            let after = match before {
                Some(before) => settled(entity, before, stored, wanted.left.of(entity, &id)),
                None => stored,
            };
            if before.is_none_or(|before| differs(entity, before, &after)) {
                difference.after.add(entity, after.clone());
                let before = before.cloned();
                difference.changes.push(Change { entity, id, before, after: Some(after) });
            }
        }
        let goes = |entity: &Entity, id: &str, row: &Row| {
            wanted.selection.includes(row) && !spoken_for.contains(&(entity.name, id.to_owned()))
        };
        let gone: Vec<_> = current.rows().filter(|(entity, id, row)| goes(entity, id, row)).collect();
        let gone = gone.into_iter().map(|(entity, id, _)| (entity, id.to_owned())).collect();
        difference.delete(current, gone, &graph)?;
        difference.unique()?;
        Ok(difference)
    }

    /// Whether the two are the same.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Deletes rows, and what goes with them.
    fn delete(
        &mut self,
        current: &Configuration,
        gone: Vec<(&'static Entity, String)>,
        graph: &Graph,
    ) -> Result<(), Error> {
        let mut more = gone;
        let mut deleted: HashSet<Name> = HashSet::new();
        while !more.is_empty() {
            for (entity, id) in &more {
                self.after.remove(entity, id);
                deleted.insert((entity.name, id.clone()));
            }
            let named: HashSet<Name> = more.drain(..).map(|(entity, id)| (entity.name, id)).collect();
            let mut loose: Vec<(&'static Entity, &'static str, String)> = Vec::new();
            for (entity, id, row) in self.after.rows() {
                for (field, parent, target) in references(entity, row) {
                    if !named.contains(&(parent, target.clone())) {
                        continue;
                    }
                    match on_delete(graph, entity, field, parent) {
                        Some(OnDelete::Cascade) => more.push((entity, id.to_owned())),
                        Some(OnDelete::Null) => loose.push((entity, field, id.to_owned())),
                        Some(OnDelete::Restrict) => {
                            return Err(Error::StillReferenced { parent, child: entity.name });
                        }
                        None => {
                            let what = parent.strip_suffix('s').unwrap_or(parent).replace('_', " ");
                            let name = entity.name;
                            let sentence =
                                format!("{what} {target} is still referenced by {name} (id = {id})");
                            return Err(Error::ReferencedByOthers(sentence));
                        }
                    }
                }
            }
            for (entity, field, id) in loose {
                self.loosen(current, entity, field, id);
            }
        }
        for entity in current.entities().rev() {
            for (id, row) in
                current.of(entity).filter(|(id, _)| deleted.contains(&(entity.name, (*id).to_owned())))
            {
                let (id, before) = (id.to_owned(), Some(row.clone()));
                self.changes.push(Change { entity, id, before, after: None });
            }
        }
        Ok(())
    }

    /// Takes a reference out of a row that stays.
    fn loosen(&mut self, current: &Configuration, entity: &'static Entity, field: &str, id: String) {
        let Some(mut row) = self.after.row(entity, &id).cloned() else { return };
        row.insert(field.to_owned(), Value::Null);
        self.after.add(entity, row.clone());
        let own = |change: &&mut Change| change.entity.name == entity.name && change.id == id;
        match self.changes.iter_mut().find(own) {
            Some(change) => change.after = Some(row),
            None => {
                let before = current.row(entity, &id).cloned();
                self.changes.push(Change { entity, id, before, after: Some(row) });
            }
        }
    }

    /// Whether no two rows have what only one can have.
    fn unique(&self) -> Result<(), Error> {
        for entity in self.after.entities() {
            if !self.changes.iter().any(|change| change.entity.name == entity.name && change.after.is_some())
            {
                continue;
            }
            let mut taken: HashSet<NaturalKey> = HashSet::new();
            for (_, row) in self.after.of(entity) {
                for key in unique_keys(entity, row) {
                    let fields = key.0;
                    if !taken.insert(key) {
                        let part = |name: &&str| Some(((*name).to_owned(), row.get(*name)?.clone()));
                        return Err(Error::UniqueViolation(fields.iter().filter_map(part).collect()));
                    }
                }
            }
        }
        Ok(())
    }

    /// The changes as operations, in an order in which each of them is allowed.
    ///
    /// Rows are written before what they replace is deleted, so that nothing refers to what goes. Only where a row
    /// takes over what is unique about another one does that one go first, and with it for a while what refers to it.
    pub fn operations(&self, current: &Configuration) -> Vec<Operation> {
        let early = self.early(current);
        let is_early = |entity: &Entity, id: &str| early.contains(&(entity.name, id.to_owned()));
        let mut operations = Vec::with_capacity(self.changes.len() + 2 * early.len());
        for entity in current.entities().rev() {
            let ids = current.of(entity).map(|(id, _)| id).filter(|id| is_early(entity, id));
            operations.extend(ids.map(|id| Operation::delete(entity, id)));
        }
        let changed: HashSet<Name> =
            self.changes.iter().map(|change| (change.entity.name, change.id.clone())).collect();
        for (entity, id, row) in self.after.rows() {
            let is_changed = changed.contains(&(entity.name, id.to_owned()));
            if is_changed || is_early(entity, id) {
                operations.push(Operation::write(entity, id, row.clone()));
            }
        }
        for change in self.changes.iter().filter(|change| change.after.is_none()) {
            if !is_early(change.entity, &change.id) {
                operations.push(Operation::delete(change.entity, &change.id));
            }
        }
        operations
    }

    /// The rows that must go before anything is written: those whose unique values other rows get, and what refers to
    /// them.
    fn early(&self, current: &Configuration) -> HashSet<Name> {
        let mut wanted: HashMap<(&'static str, NaturalKey), &str> = HashMap::new();
        for change in &self.changes {
            let after = change.after.as_ref().into_iter();
            for key in after.flat_map(|row| unique_keys(change.entity, row)) {
                wanted.insert((change.entity.name, key), &change.id);
            }
        }
        let mut early: HashSet<Name> = HashSet::new();
        for change in &self.changes {
            let before = change.before.as_ref().into_iter();
            for key in before.flat_map(|row| unique_keys(change.entity, row)) {
                if wanted.get(&(change.entity.name, key)).is_some_and(|id| **id != change.id) {
                    early.insert((change.entity.name, change.id.clone()));
                }
            }
        }
        let mut grows = !early.is_empty();
        while grows {
            let refers = |entity, row| {
                references(entity, row).into_iter().any(|(_, parent, id)| early.contains(&(parent, id)))
            };
            let more: Vec<Name> = current
                .rows()
                .filter(|(entity, id, row)| {
                    !early.contains(&(entity.name, (*id).to_owned())) && refers(entity, row)
                })
                .map(|(entity, id, _)| (entity.name, id.to_owned()))
                .collect();
            grows = !more.is_empty();
            early.extend(more);
        }
        early
    }
}

/// The row as it will be, with what the document leaves as it is. A time to live that runs goes on.
fn settled(entity: &Entity, before: &Row, mut row: Row, left: &[&'static str]) -> Row {
    let ends = entity.ttl.then_some(EXPIRY).filter(|name| before.contains_key(*name));
    for name in left.iter().copied().chain(ends) {
        row.insert(name.to_owned(), before.get(name).cloned().unwrap_or_default());
    }
    row
}

/// Whether a row would change.
fn differs(entity: &'static Entity, before: &Row, after: &Row) -> bool {
    let ends = |row: &Row| row.get(EXPIRY).is_some_and(|at| !at.is_null());
    compared(entity, after).any(|(name, field)| !same(Some(field), before.get(name), after.get(name)))
        || ends(before) != ends(after)
}

/// The fields in which rows are compared.
pub fn compared(
    entity: &'static Entity,
    row: &Row,
) -> impl Iterator<Item = (&'static str, &'static Field)> + use<> {
    let fields = entity.fields_of(entity.subschema_of(row));
    fields.filter(|(name, field)| field.is_stored() && !(field.auto && *name == CHANGED))
}

/// Whether two values mean the same: nothing and null do, and so do sets in different orders.
pub fn same(field: Option<&'static Field>, a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null)) {
        (Value::Object(a), Value::Object(b)) => {
            let inner = |name: &str| {
                let own = field?.fields().iter().find(|(own, _)| *own == name);
                own.map(|(_, field)| field)
            };
            let names: HashSet<&String> = a.keys().chain(b.keys()).collect();
            names.into_iter().all(|name| same(inner(name), a.get(name), b.get(name)))
        }
        (Value::Array(a), Value::Array(b)) => {
            let elements = field.and_then(|field| field.elements());
            let pairs =
                |a: &[Value], b: &[Value]| a.iter().zip(b).all(|(a, b)| same(elements, Some(a), Some(b)));
            a.len() == b.len()
                && (pairs(a, b)
                    || field.is_some_and(|field| matches!(field.ty, Type::Set(_)))
                        && a.iter().all(|a| b.contains(a)))
        }
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

/// The rows that a row refers to: the field, the entity and the id.
fn references(entity: &'static Entity, row: &Row) -> Vec<(&'static str, &'static str, String)> {
    let keys = entity
        .foreign_keys()
        .filter_map(|(field, _, parent)| Some((field, parent.name, reference(row.get(field)?, parent)?)));
    let naming = entity.fields.iter().filter_map(|(name, field)| Some((*name, field.names?)));
    let named = naming.flat_map(|(name, other)| {
        let list = row.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(move |id| Some((name, other, id.as_str()?.to_owned())))
    });
    keys.chain(named).collect()
}

/// What happens to a row when the row goes that it refers to; `None` where it is named without a reference.
fn on_delete(graph: &Graph, child: &Entity, field: &str, parent: &str) -> Option<OnDelete> {
    child.field(field)?.foreign()?;
    let referrers = graph.referrers_of(parent);
    let own = referrers.iter().find(|referrer| referrer.child.name == child.name && referrer.field == field);
    own.map(|referrer| referrer.on_delete)
}

/// Everything of a row that only one row can have.
fn unique_keys(entity: &'static Entity, row: &Row) -> Vec<NaturalKey> {
    let mut keys = natural_keys(entity, row);
    for (name, field) in entity.fields.iter().filter(|(_, field)| field.is_unique()) {
        let value = row.get(*name).and_then(|value| match field.foreign() {
            Some(parent) => reference(value, parent),
            None => value.as_str().map(str::to_owned),
        });
        let key = value.map(|value| (std::slice::from_ref(name), value));
        keys.extend(key.filter(|key| !keys.contains(key)).into_iter().collect::<Vec<_>>());
    }
    keys
}
