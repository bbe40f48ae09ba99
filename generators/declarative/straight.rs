//! The straight way through a document in which nothing is wrong: each row is completed, checked, given its references
//! and handed on before the next is looked at, so that one at a time is held.
//!
//! What is wrong is not told here. At the first doubt this way is left, and the document is looked at as a whole.

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::sync::mpsc;
use std::thread::{self, available_parallelism};

use entities::schema::{Context, Entity, Row};
use serde_json::Value;

use super::document::{Document, Item};
use super::{Collect, loaded, validity};
use crate::operations::{id_of, primary, reference};

/// Stands for the primary key among the unique fields.
const KEY: &str = "";

/// How many rows a thread completes at a time.
const BLOCK: usize = 256;
/// How many blocks a thread may be ahead of the one that collects the rows.
const AHEAD: usize = 4;

/// A value that one row of an entity may have: entity, field, value.
type Unique = (&'static str, &'static str, String);

/// What becomes of a row, and those of its values that no other row may have.
type Ready<P> = (P, Vec<Unique>);

/// The rows of a document, added to `rows`. None: something may be wrong.
///
/// All processors work on them; the rows are collected in their order, by the thread that asks.
pub fn rows<C: Collect>(document: &Document, context: &Context, mut rows: C) -> Option<C> {
    if !document.errors.is_empty() {
        return None;
    }
    let keys = Keys::of(document)?;
    let order = document.in_order();
    let block = |of: &[usize]| -> Option<Vec<Ready<C::Part>>> {
        of.iter().map(|i| ready::<C>(document, document.items.get(*i)?, &keys, context)).collect()
    };
    let mut taken = HashSet::new();
    let mut collect = |block: Vec<Ready<C::Part>>| -> Option<()> {
        for (part, unique) in block {
            unique.into_iter().all(|value| taken.insert(value)).then_some(())?;
            rows.collect(part);
        }
        Some(())
    };
    let threads = available_parallelism().map_or(1, NonZero::get).min(order.len() / BLOCK);
    if threads < 2 {
        order.chunks(BLOCK).try_for_each(|of| collect(block(of)?))?;
        return Some(rows);
    }
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                let (send, receive) = mpsc::sync_channel(AHEAD);
                let (order, block) = (&order, &block);
                scope.spawn(move || {
                    // Nobody receives any more once something is wrong.
                    order
                        .chunks(BLOCK)
                        .skip(first)
                        .step_by(threads)
                        .map(block)
                        .try_for_each(|block| send.send(block))
                });
                receive
            })
            .collect();
        (0..order.len().div_ceil(BLOCK))
            .zip(workers.iter().cycle())
            .try_for_each(|(_, worker)| collect(worker.recv().ok()??))
    })?;
    Some(rows)
}

fn ready<C: Collect>(
    document: &Document,
    item: &Item,
    keys: &Keys,
    context: &Context,
) -> Option<Ready<C::Part>> {
    let row = complete(document, item, keys, context)?;
    let unique = unique(item, &row)?;
    // A row in a list was looked at, or will be; what is wrong with it stops this way there.
    let below = |child: &Item| complete(document, child, keys, context).unwrap_or_default();
    Some((C::part(loaded(document, item, row, below, C::SHOWN, context).ok()??), unique))
}

/// The values of a row that no other may have, but for its name and its id, which are known to be its own. None: its
/// name is another than the document says.
fn unique(item: &Item, row: &Row) -> Option<Vec<Unique>> {
    let entity = item.entity;
    let mut unique = Vec::new();
    if item.id.is_none() {
        unique.push((entity.name, KEY, id_of(entity, row)?));
    }
    for (field, declared) in entity.unique_fields() {
        let value = match (row.get(field), declared.foreign()) {
            (Some(Value::String(text)), _) if entity.endpoint_key == Some(field) => {
                (item.given.get(field).and_then(Value::as_str) == Some(text)).then_some(())?;
                continue;
            }
            (Some(Value::String(text)), _) => Some(text.clone()),
            (Some(value), Some(parent)) => reference(value, parent),
            _ => None,
        };
        unique.extend(value.map(|value| (entity.name, field, value)));
    }
    Some(unique)
}

/// An item's complete row with its id and its references.
fn complete(document: &Document, item: &Item, keys: &Keys, context: &Context) -> Option<Row> {
    let mut row = validity::look(document, item, context, None).ok()?;
    if let (Some((id, _)), [name]) = (&item.id, item.entity.primary_key) {
        row.insert((*name).to_owned(), Value::from(id.as_str()));
    }
    for (field, _, parent) in item.entity.foreign_keys() {
        let named = match item.given.get(field).filter(|value| !value.is_null()) {
            Some(value) => Some(keys.id(document, parent, value)?),
            None => None,
        };
        let above = item.above.filter(|(_, through)| *through == field);
        let above = match above {
            Some((above, _)) => Some(document.items.get(above)?.id.as_ref()?.0.as_str()),
            None => None,
        };
        let key = above.or(named).map_or(Value::Null, |id| Value::Object(primary(parent, id)));
        row.insert(field.to_owned(), key);
    }
    Some(row)
}

/// The items of each entity by their names and by their ids.
#[derive(Default)]
struct Keys<'a>(HashMap<&'static str, (Places<'a>, Places<'a>)>);

/// Where items are, by name or by id.
type Places<'a> = HashMap<&'a str, usize>;

impl<'a> Keys<'a> {
    /// None: a name or an id is taken twice.
    fn of(document: &'a Document) -> Option<Keys<'a>> {
        let mut keys = Keys::default();
        for (item, i) in document.items.iter().zip(0..) {
            let (names, ids) = keys.0.entry(item.entity.name).or_default();
            if let Some((id, _)) = &item.id
                && ids.insert(id.as_str(), i).is_some()
            {
                return None;
            }
            let name = item
                .entity
                .endpoint_key
                .filter(|name| item.entity.field(name).is_some_and(|field| field.is_unique()));
            if let Some(name) = name.and_then(|name| item.given.get(name)?.as_str())
                && names.insert(name, i).is_some()
            {
                return None;
            }
        }
        Some(keys)
    }

    /// The id of the row that a reference names.
    fn id<'d>(&self, document: &'d Document, parent: &'static Entity, named: &Value) -> Option<&'d str> {
        let (names, ids) = self.0.get(parent.name)?;
        let by_id;
        let name = match named {
            Value::String(name) => name,
            other => {
                by_id = reference(other, parent)?;
                &by_id
            }
        };
        let i = names.get(name.as_str()).or_else(|| ids.get(name.as_str()))?;
        document.items.get(*i)?.id.as_ref().map(|(id, _)| id.as_str())
    }
}
