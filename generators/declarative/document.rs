//! A document as a list of items: each row with its place, what stands above it and what stands below it.
//!
//! What has the wrong shape is noted here; whether a row is right is not looked at.

use std::collections::HashMap;

use entities::schema::{Declarations, Entity, Field, Row, Type, sentence};
use serde_json::Value;

use crate::complete::numbered;

/// The formats that are read.
const FORMATS: &[&str] = &["1.1", "2.1", "3.0"];
/// What a row and the document may hold for people and for anchors; it is dropped.
pub const EXTRAS: &[&str] = &["_comment", "_ignore"];

/// The items of one entity below an item, or at the top.
pub type Lists = Vec<(&'static Entity, Vec<usize>)>;

/// How the id of a row came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFrom {
    Document,
    /// Computed from the row's names: the same in every load.
    Names,
    Chance,
}

/// A row of the document.
pub struct Item {
    pub entity: &'static Entity,
    /// As it stands in the document, without the rows below it.
    pub given: Row,
    /// Complete, once it has been found valid.
    pub row: Row,
    /// The item above, and the field through which this one refers to it.
    pub above: Option<(usize, &'static str)>,
    /// Its place in its list, from 1.
    pub place: usize,
    pub children: Lists,
    pub id: Option<(String, IdFrom)>,
}

/// A document, taken apart.
pub struct Document {
    /// The entities that a document may list, what is referred to first.
    pub kinds: Vec<&'static Entity>,
    /// Every item, above before below.
    pub items: Vec<Item>,
    /// The items in the order in which doubles are looked for: below before above.
    pub order: Vec<usize>,
    pub top: Lists,
    /// What is wrong with the document itself and with the shape of its lists.
    pub errors: Row,
    pub transform: bool,
    below: HashMap<&'static str, Vec<(&'static Entity, &'static str)>>,
    /// Whether the document has a format before 3.0.
    old: bool,
}

impl Document {
    /// Takes a document apart.
    pub fn read(mut input: Row, declarations: &Declarations) -> Document {
        let kinds: Vec<_> = declarations.entities().filter(|entity| entity.stored).collect();
        let mut below: HashMap<_, Vec<(&'static Entity, &'static str)>> = HashMap::new();
        for child in &kinds {
            for (field, _, parent) in child.foreign_keys() {
                let children = below.entry(parent.name).or_default();
                children.retain(|(other, _)| other.name != child.name);
                children.push((*child, field));
            }
        }
        let mut document = Document {
            kinds: kinds.clone(),
            items: Vec::new(),
            order: Vec::new(),
            top: Vec::new(),
            errors: Row::new(),
            transform: !matches!(input.get("_transform"), Some(Value::Bool(false))),
            below,
            old: matches!(input.get("_format_version").and_then(Value::as_str), Some("1.1" | "2.1")),
        };
        document.header(&mut input);
        let mut path = Vec::new();
        for entity in kinds {
            if let Some(value) = input.shift_remove(entity.name)
                && let Some(list) = document.list(entity, value, None, &mut path)
            {
                document.top.push((entity, list));
            }
        }
        for name in input.keys() {
            document.errors.insert(name.clone(), Value::from(sentence::UNKNOWN));
        }
        document
    }

    fn header(&mut self, input: &mut Row) {
        let version = match input.shift_remove("_format_version") {
            None | Some(Value::Null) => Some(sentence::REQUIRED.to_owned()),
            Some(Value::String(text)) if FORMATS.contains(&text.as_str()) => None,
            Some(Value::String(_)) => Some(format!("expected one of: {}", FORMATS.join(", "))),
            Some(_) => Some(sentence::STRING.to_owned()),
        };
        if let Some(what) = version {
            self.errors.insert("_format_version".to_owned(), Value::from(what));
        }
        match input.shift_remove("_transform") {
            None | Some(Value::Null | Value::Bool(_)) => {}
            Some(_) => {
                self.errors.insert("_transform".to_owned(), Value::from(sentence::BOOLEAN));
            }
        }
        self.errors.extend(extras(input));
        EXTRAS.iter().for_each(|name| drop(input.shift_remove(*name)));
    }

    /// The items of a list; `None` where there is none.
    fn list(
        &mut self,
        entity: &'static Entity,
        value: Value,
        above: Option<(usize, &'static str)>,
        path: &mut Vec<String>,
    ) -> Option<Vec<usize>> {
        path.push(entity.name.to_owned());
        let rows = match value {
            Value::Array(rows) => rows,
            Value::Object(fields) if fields.is_empty() => Vec::new(),
            Value::Null => {
                path.pop();
                return None;
            }
            _ => {
                note(&mut self.errors, path, Value::from(sentence::ARRAY));
                path.pop();
                return None;
            }
        };
        let mut list = Vec::with_capacity(rows.len());
        for (row, place) in rows.into_iter().zip(1..) {
            path.push(place.to_string());
            match row {
                Value::Object(row) => list.push(self.item(entity, row, above, place, path)),
                Value::Array(items) => list.push(self.item(entity, numbered(items), above, place, path)),
                Value::Null => note(&mut self.errors, path, Value::from(sentence::REQUIRED)),
                _ => note(&mut self.errors, path, Value::from(sentence::RECORD)),
            }
            path.pop();
        }
        path.pop();
        Some(list)
    }

    fn item(
        &mut self,
        entity: &'static Entity,
        mut given: Row,
        above: Option<(usize, &'static str)>,
        place: usize,
        path: &mut Vec<String>,
    ) -> usize {
        let i = self.items.len();
        let below = self.below.get(entity.name).cloned().unwrap_or_default();
        let mut lists = Vec::new();
        for (child, field) in below {
            // A field of the row itself goes before rows below it, unless it is only a list of them.
            if entity.field(child.name).is_none_or(|own| own.transient)
                && let Some(value) = given.shift_remove(child.name)
            {
                lists.push((child, field, value));
            }
        }
        if self.old {
            upgrade(entity, &mut given);
        }
        self.items.push(Item {
            entity,
            given,
            row: Row::new(),
            above,
            place,
            children: Vec::new(),
            id: None,
        });
        for (child, field, value) in lists {
            if let Some(list) = self.list(child, value, Some((i, field)), path)
                && let Some(item) = self.items.get_mut(i)
            {
                item.children.push((child, list));
            }
        }
        self.order.push(i);
        i
    }

    /// The items in the order in which they can be loaded: by kind, what is referred to first.
    pub fn in_order(&self) -> Vec<usize> {
        let places: HashMap<_, _> =
            self.kinds.iter().zip(0usize..).map(|(kind, at)| (kind.name, at)).collect();
        let mut order: Vec<_> = (0..self.items.len()).collect();
        order.sort_by_key(|i| self.items.get(*i).and_then(|item| places.get(item.entity.name)));
        order
    }

    /// Where an item stands: `services`, `1`, `routes`, `2`.
    pub fn path(&self, i: usize) -> Vec<String> {
        let mut path = Vec::new();
        let mut next = Some(i);
        while let Some(item) = next.and_then(|i| self.items.get(i)) {
            path.push(item.place.to_string());
            path.push(item.entity.name.to_owned());
            next = item.above.map(|(above, _)| above);
        }
        path.reverse();
        path
    }

    /// Notes what is wrong with an item.
    pub fn note(&self, errors: &mut Row, i: usize, what: Value) {
        note(errors, &self.path(i), what);
    }
}

/// Notes what is wrong at a place; beside what is noted there already.
pub fn note(errors: &mut Row, path: &[String], what: Value) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        match (errors.get_mut(name), what) {
            (Some(Value::Object(own)), Value::Object(more)) => own.extend(more),
            (_, what) => {
                errors.insert(name.clone(), what);
            }
        }
        return;
    }
    let inner = errors.entry(name.as_str()).or_insert_with(|| Value::Object(Row::new()));
    if !inner.is_object() {
        let whole = std::mem::take(inner);
        *inner = Value::Object(Row::from_iter([(entities::schema::ENTITY.to_owned(), whole)]));
    }
    if let Value::Object(inner) = inner {
        note(inner, rest, what);
    }
}

/// What is wrong with a comment and with what is to be ignored.
pub fn extras(row: &Row) -> Row {
    let mut wrong = Row::new();
    let mut set = |name: &str, what: &str| wrong.insert(name.to_owned(), Value::from(what));
    match row.get("_comment") {
        Some(Value::String(text)) if text.is_empty() => drop(set("_comment", "length must be at least 1")),
        None | Some(Value::Null | Value::String(_)) => {}
        Some(_) => drop(set("_comment", sentence::STRING)),
    }
    match row.get("_ignore") {
        None | Some(Value::Null | Value::Array(_)) => {}
        Some(Value::Object(fields)) if fields.is_empty() => {}
        Some(_) => drop(set("_ignore", sentence::ARRAY)),
    }
    wrong
}

/// Writes what a format before 3.0 wrote differently the way it is written now.
fn upgrade(entity: &'static Entity, row: &mut Row) {
    for (name, field) in entity.fields {
        if let Some(value) = row.get_mut(*name) {
            upgrade_value(field, value);
        }
    }
}

fn upgrade_value(field: &Field, value: &mut Value) {
    match (field.ty, field.upgrade, value) {
        (_, Some(upgrade), Value::String(text)) => *text = upgrade(text),
        (Type::Array(elements) | Type::Set(elements), _, Value::Array(items)) => {
            items.iter_mut().for_each(|item| upgrade_value(elements, item));
        }
        _ => {}
    }
}
