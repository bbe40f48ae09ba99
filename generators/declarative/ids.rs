//! The ids that a document leaves out: computed from the rows' names, so that every load makes the same.
//!
//! An id is a version 5 UUID of the row's key, in a name space of its entity. The key is the unique name, or what
//! the entity is unique by, with the parent's id or the reference as it is written. A row without a key gets a fresh id.

use std::collections::HashMap;

use entities::schema::{Context, Entity, OnDelete, Row};
use serde_json::Value;
use uuid::Uuid;

use super::document::{Document, IdFrom, Item};

/// The name space of the name spaces.
pub const ROOT: Uuid = Uuid::from_u128(0xfd02801f_0957_4a15_a55a_c8d9606f30b5);
/// The workspace of a row that names none.
const ANY_WORKSPACE: &str = "*";

/// Gives every item that can have one an id.
pub fn assign(document: &mut Document, context: &Context) {
    let mut spaces: HashMap<&'static str, Uuid> = HashMap::new();
    for i in 0..document.items.len() {
        let Some(item) = document.items.get(i) else { continue };
        let [name] = item.entity.primary_key else { continue };
        if !item.entity.field(name).is_some_and(|field| field.uuid) {
            continue;
        }
        let above = item.above.and_then(|(above, field)| Some((field, document.items.get(above)?)));
        let id = match item.given.get(*name) {
            Some(Value::String(id)) => (id.clone(), IdFrom::Document),
            Some(Value::Null) | None => match key(item, above) {
                Some(key) => {
                    let space = spaces
                        .entry(item.entity.name)
                        .or_insert_with_key(|name| Uuid::new_v5(&ROOT, name.as_bytes()));
                    (Uuid::new_v5(space, key.as_bytes()).to_string(), IdFrom::Names)
                }
                None => ((context.new_id)().to_string(), IdFrom::Chance),
            },
            Some(other) => (other.to_string(), IdFrom::Document),
        };
        if let Some(item) = document.items.get_mut(i) {
            item.id = Some(id);
        }
    }
}

/// What an item's id is computed from.
fn key(item: &Item, above: Option<(&'static str, &Item)>) -> Option<String> {
    let entity = item.entity;
    if !entity.cache_key.is_empty() {
        return combination(entity, &item.given, above);
    }
    let name = entity.endpoint_key?;
    let mut key = item.given.get(name)?.as_str()?.to_owned();
    let field = entity.field(name)?;
    if !field.is_unique() {
        for (field, declared, _) in entity.foreign_keys() {
            if declared.on_delete == Some(OnDelete::Cascade) {
                let above = match above {
                    Some((_, above)) => above.id.as_ref()?.0.as_str(),
                    None => item.given.get(field)?.as_str()?,
                };
                key.push(':');
                key.push_str(above);
            }
        }
        if !field.unique_across_ws {
            key.push(':');
            key.push_str(ANY_WORKSPACE);
        }
    }
    Some(key)
}

/// The fields that are unique together: `plugins:*:key-auth::<service>:`.
fn combination(entity: &'static Entity, given: &Row, above: Option<(&'static str, &Item)>) -> Option<String> {
    let mut key = format!("{}:{ANY_WORKSPACE}", entity.name);
    for name in entity.cache_key {
        let field = entity.field(name)?;
        if field.auto {
            return None;
        }
        let part = match (given.get(*name), above) {
            (Some(Value::String(text)), _) => text.as_str(),
            // Anything but a text leaves no trace in the key.
            (Some(_), _) => continue,
            (None, Some((through, above))) if through == *name => above.id.as_ref()?.0.as_str(),
            (None, _) if field.is_required() => return None,
            (None, _) => "",
        };
        key.push(':');
        key.push_str(part);
    }
    Some(key)
}
