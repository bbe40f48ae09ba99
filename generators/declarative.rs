//! A declarative configuration -> the rows that it stands for, or everything that is wrong with it.
//!
//! A document names its format and lists rows by entity; below a row stand lists of the rows that refer to it, at
//! every level that references allow. `document.rs` reads it, `ids.rs` makes up the ids that it leaves out,
//! `straight.rs` hands on the rows of a document in which nothing is wrong, one by one. Where that fails the document
//! is looked at as a whole: `validity.rs` holds each row against its declaration, `references.rs` resolves references
//! and finds doubles, `flattened.rs` tells errors row by row. The rules are Kong's
//! (`kong/db/schema/others/declarative_config.lua`). Nothing here reads text or stores a row.
//!
//! A document can also be held against the rows that there are (`configuration.rs`): `selection.rs` says which of them
//! it speaks for, `outside.rs` finds the others that it refers to, `adoption.rs` recognises its rows among them,
//! `difference.rs` finds what changes, `report.rs` tells it; `dump.rs` writes rows as a document for people.

mod adoption;
mod configuration;
mod difference;
mod document;
mod dump;
mod flattened;
mod ids;
mod outside;
mod references;
mod report;
mod selection;
mod straight;
#[cfg(test)]
mod tests;
mod validity;

use std::thread;

use entities::schema::{Context, Declarations, Entity, Field, Row};
use serde_json::Value;

use crate::complete::{rewrite, transform, transformations};
use crate::errors::Error;
use crate::operations::id_of;
use crate::output::{Object, has_old_names, in_order};
use crate::sql::EXPIRY;

pub use configuration::{Configuration, is_configured};
pub use difference::{Change, Difference, Wanted};
pub use dump::{Form, dump};
pub use report::report;
pub use selection::Selection;

use document::{Document, Item};

/// A row of a configuration.
pub struct Loaded {
    pub entity: &'static Entity,
    pub id: String,
    /// JSON, as the answer to a load shows it: complete, before anything is computed from it. Empty where nobody asks.
    pub shown: Vec<u8>,
    /// As it is stored.
    pub stored: Row,
    /// Whether what is stored is rendered to what is shown.
    pub as_shown: bool,
}

/// What becomes of the rows of a document, one by one.
pub trait Collect {
    /// What becomes of one row.
    type Part: Send;
    /// Whether rows are wanted as they are shown.
    const SHOWN: bool;

    /// Makes a row's part; all processors work on this.
    fn part(row: Loaded) -> Self::Part;

    /// Takes the parts, in the order of the rows.
    fn collect(&mut self, part: Self::Part);
}

impl Collect for Vec<Loaded> {
    type Part = Loaded;
    const SHOWN: bool = false;

    fn part(row: Loaded) -> Loaded {
        row
    }

    fn collect(&mut self, part: Loaded) {
        self.push(part);
    }
}

/// A document that is refused.
pub struct Refused {
    errors: Row,
    document: Document,
}

impl Refused {
    /// What is wrong, in the shape of the document.
    pub fn error(self) -> Error {
        Error::DeclarativeConfig(self.errors)
    }

    /// What is wrong with each row, and apart from it what concerns the document as a whole.
    pub fn flattened(self) -> (Error, Vec<Value>) {
        let (rest, rows) = flattened::flattened(&self.document, self.errors);
        (Error::DeclarativeConfig(rest), rows)
    }
}

/// The rows of a document, in the order in which they can be loaded, one by one into what `empty` gives. It may be
/// asked twice: what the first one took does not count then.
///
/// # Errors
/// Everything that is wrong with the document, of the first kind of which there is something: what breaks a
/// declaration, then doubles and references that lead nowhere, then doubles of other unique fields.
pub fn load<C: Collect>(
    input: Row,
    declarations: &Declarations,
    context: &Context,
    empty: impl Fn() -> C,
) -> Result<C, Box<Refused>> {
    finish(Document::read(input, declarations), context, empty)
}

/// What a document asks for where there are rows already; it speaks for those that `selection` includes.
///
/// # Errors
/// As of [`load`].
pub fn load_onto(
    input: Row,
    current: &Configuration,
    selection: Selection,
    declarations: &Declarations,
    context: &Context,
) -> Result<Wanted, Box<Refused>> {
    let mut document = Document::read(input, declarations);
    outside::plain_names(&mut document);
    selection.mark(&mut document);
    let outside = outside::Outside::admit(&mut document, current, &selection);
    let left = adoption::adopt(&mut document, current, &selection);
    let mut rows: Vec<Loaded> = finish(document, context, Vec::new)?;
    outside.leave(&mut rows);
    Ok(Wanted { rows, left, selection })
}

fn finish<C: Collect>(
    mut document: Document,
    context: &Context,
    empty: impl Fn() -> C,
) -> Result<C, Box<Refused>> {
    ids::assign(&mut document, context);
    if let Some(rows) = straight::rows(&document, context, empty()) {
        // Letting a large document go takes a while, for which nobody should have to wait. Where there is no thread to
        // be had, it goes here.
        let _elsewhere = thread::Builder::new().spawn(move || drop(document));
        return Ok(rows);
    }
    let errors = validity::check(&mut document, context);
    let errors = if errors.is_empty() { references::resolve(&mut document) } else { errors };
    if !errors.is_empty() {
        return Err(Box::new(Refused { errors, document }));
    }
    rows(document, context, empty())
}

/// The rows of a document whose items are complete.
fn rows<C: Collect>(document: Document, context: &Context, mut rows: C) -> Result<C, Box<Refused>> {
    let mut errors = Row::new();
    for i in document.in_order() {
        let Some(item) = document.items.get(i) else { continue };
        let below = |child: &Item| child.row.clone();
        match loaded(&document, item, item.row.clone(), below, C::SHOWN, context) {
            Ok(loaded) => loaded.into_iter().for_each(|row| rows.collect(C::part(row))),
            Err(why) => document.note(&mut errors, i, Value::from(why)),
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(Box::new(Refused { errors, document })) }
}

/// A complete row as it is shown, where somebody asks, and as it is stored; `below` completes the rows that it lists.
/// None: it has no key.
fn loaded(
    document: &Document,
    item: &Item,
    row: Row,
    below: impl Fn(&Item) -> Row,
    shown: bool,
    context: &Context,
) -> Result<Option<Loaded>, String> {
    let entity = item.entity;
    let Some(id) = id_of(entity, &row) else { return Ok(None) };
    let shown = match listed(document, item, below) {
        _ if !shown => Vec::new(),
        None => json(entity, &row),
        Some((name, rows)) => {
            let mut whole = row.clone();
            whole.insert(name.to_owned(), rows);
            json(entity, &whole)
        }
    };
    let is_listing = entity.listing().is_some();
    let (stored, same) = stored(entity, row, &item.given, document.transform, context)?;
    let as_shown = same && !is_listing && !has_old_names(entity, &stored);
    Ok(Some(Loaded { entity, id, shown, stored, as_shown }))
}

/// The declared fields of a row, and its time to live where it has one, as JSON.
fn json(entity: &'static Entity, row: &Row) -> Vec<u8> {
    let mut json = Object::new();
    for (name, _, value) in in_order(entity, row) {
        json.member(name, value.unwrap_or(&Value::Null));
    }
    if let Some(ttl) = row.get("ttl").filter(|ttl| entity.ttl && !ttl.is_null()) {
        json.member("ttl", ttl);
    }
    json.end()
}

/// The rows below an item that one of its fields lists.
fn listed(
    document: &Document,
    item: &Item,
    complete: impl Fn(&Item) -> Row,
) -> Option<(&'static str, Value)> {
    let (name, other, _) = item.entity.listing()?;
    let (_, children) = item.children.iter().find(|(child, _)| child.name == other)?;
    let below = children.iter().filter_map(|child| document.items.get(*child)).map(|child| {
        let row = complete(child);
        let fields = child.entity.fields_of(child.entity.subschema_of(&row)).map(|(name, _)| name);
        let names =
            fields.chain(row.get("ttl").filter(|ttl| child.entity.ttl && !ttl.is_null()).map(|_| "ttl"));
        let mut shown: Row =
            names.map(|name| (name.to_owned(), row.get(name).cloned().unwrap_or_default())).collect();
        for extra in document::EXTRAS {
            shown.insert((*extra).to_owned(), child.given.get(*extra).cloned().unwrap_or_default());
        }
        Value::Object(shown)
    });
    Some((name, below.collect()))
}

/// A row as a store holds it: in normal form, with what is computed from it; and whether it is as it was.
fn stored(
    entity: &'static Entity,
    mut row: Row,
    given: &Row,
    transformed: bool,
    context: &Context,
) -> Result<(Row, bool), String> {
    let mut same = entity.rewriting_shorthands().next().is_none();
    for (name, field) in entity.fields {
        if let Some(normalizer) = field.normalizer
            && let Some(Value::String(text)) = row.get_mut(*name)
        {
            *text = normalizer(text)?;
            same = false;
        }
    }
    let ttl = match entity.ttl {
        true => row.shift_remove("ttl").and_then(|ttl| ttl.as_i64()).filter(|ttl| *ttl > 0),
        false => None,
    };
    let row = match transformed && transformations(entity, &row).next().is_some() {
        true => {
            same = false;
            transform(entity, row, given, context)?
        }
        false => row,
    };
    let mut stored = rewrite(entity, row);
    let fields = || entity.fields.iter().filter(|(_, field)| field.is_stored()).map(|(name, _)| *name);
    // A complete row has its fields in order; only one that has others, or fewer, must be changed.
    if !stored.keys().eq(fields()) {
        same = false;
        stored.retain(|name, _| entity.field(name).is_some_and(Field::is_stored));
        for name in fields() {
            stored.entry(name).or_insert(Value::Null);
        }
    }
    if let Some(ttl) = ttl {
        let expires_at = context.now_ms().saturating_add(ttl.saturating_mul(1000));
        stored.insert(EXPIRY.to_owned(), Value::from(expires_at));
    }
    Ok((stored, same && !entity.ttl))
}

/// Every row of a configuration as a document, what is referred to first: references are ids, and nothing is computed
/// from a row again when it is loaded.
pub fn export(configuration: &Configuration, context: &Context) -> Row {
    let mut document = Row::from_iter([
        ("_format_version".to_owned(), Value::from("3.0")),
        ("_transform".to_owned(), Value::from(false)),
    ]);
    for (entity, _, row) in configuration.rows() {
        add(&mut document, entity, row.clone(), context);
    }
    document
}

fn add(document: &mut Row, entity: &'static Entity, mut row: Row, context: &Context) {
    if let Some(at) = row.shift_remove(EXPIRY).and_then(|at| at.as_i64()) {
        let left = at.saturating_sub(context.now_ms()).max(1000) / 1000;
        row.insert("ttl".to_owned(), Value::from(left));
    }
    for (field, _, parent) in entity.foreign_keys() {
        if let Some(id) = row.get(field).and_then(|value| crate::operations::reference(value, parent)) {
            row.insert(field.to_owned(), Value::from(id));
        }
    }
    let list = document.entry(entity.name).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        list.push(Value::Object(row));
    }
}
