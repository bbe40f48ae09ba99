//! Rows -> a document for people: rows below those that they belong to, references by name, no defaults, keys sorted.
//!
//! The document means the rows again: what a row leaves out is only what its declaration fills in, which is tried out
//! for each row. The form is decK's. Where loading would compute something anew from what is stored (hashed passwords),
//! the document says `_transform: false`.

use std::collections::HashMap;

use entities::schema::{Context, Declarations, Entity, Field, Row, Type};
use serde_json::Value;

use super::configuration::{Configuration, is_configured, name_of, natural_keys};
use super::difference::same;
use super::selection::Selection;
use crate::complete::{Verb, complete, rewrite, transform};
use crate::graph::Graph;
use crate::operations::reference;
use crate::sql::EXPIRY;

/// What a document for people has besides what is needed.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// The id of every row, not only of those that nothing else tells apart.
    pub with_ids: bool,
    /// The rows that it has.
    pub selection: Selection,
}

/// A row on its way into the document.
struct Sheet<'a> {
    entity: &'static Entity,
    id: &'a str,
    row: &'a Row,
    written: Row,
    /// The row below which it is written.
    above: Option<(&'static str, String)>,
}

/// The document of a configuration.
pub fn dump(
    configuration: &Configuration,
    form: &Form,
    declarations: &Declarations,
    context: &Context,
) -> Row {
    let graph = Graph::new(declarations);
    let selected = |entity: &Entity, row: &Row| {
        form.selection.is_everything() || entity.field("tags").is_some() && form.selection.includes(row)
    };
    let mut sheets = Vec::new();
    let mut transformed = true;
    for (entity, id, row) in configuration.rows().filter(|(entity, _, row)| selected(entity, row)) {
        if row.get(EXPIRY).and_then(Value::as_i64).is_some_and(|at| at <= context.now_ms()) {
            continue;
        }
        let mut written = reduced(entity, row, context);
        transformed &= is_settled(entity, row, &written, context);
        if form.with_ids || !is_known(entity, row, &graph) {
            written.insert(entity.primary_key.first().copied().unwrap_or("id").to_owned(), Value::from(id));
        }
        sheets.push(Sheet { entity, id, row, written, above: None });
    }
    let present: HashMap<(&'static str, &str), ()> =
        sheets.iter().map(|sheet| ((sheet.entity.name, sheet.id), ())).collect();
    for sheet in &mut sheets {
        sheet.above = above(sheet.entity, sheet.row, declarations)
            .filter(|(parent, _, id)| present.contains_key(&(*parent, id.as_str())))
            .map(|(parent, _, id)| (parent, id));
        let through = above(sheet.entity, sheet.row, declarations).map(|(_, field, _)| field);
        for (field, _, parent) in sheet.entity.foreign_keys() {
            if sheet.above.is_some() && through == Some(field) {
                continue;
            }
            if let Some(id) = sheet.row.get(field).and_then(|value| reference(value, parent)) {
                let name = configuration.row(parent, &id).and_then(|row| name_of(parent, row));
                sheet.written.insert(field.to_owned(), Value::from(name.unwrap_or(&id)));
            }
        }
    }
    let mut document = assembled(sheets);
    document.insert("_format_version".to_owned(), Value::from("3.0"));
    if !transformed {
        document.insert("_transform".to_owned(), Value::from(false));
    }
    document.extend(form.selection.head());
    match sorted(Value::Object(document)) {
        Value::Object(document) => document,
        _ => Row::new(),
    }
}

/// The rows in their places: what is below a row is put into it before it is put into its own.
fn assembled(mut sheets: Vec<Sheet>) -> Row {
    let by_name = |sheet: &Sheet| {
        let keys = natural_keys(sheet.entity, sheet.row);
        (keys.is_empty(), keys.into_iter().next().map(|(_, text)| text), sheet.id.to_owned())
    };
    sheets.sort_by_cached_key(by_name);
    let mut document = Row::new();
    let mut below: HashMap<(&'static str, String), Row> = HashMap::new();
    let mut kinds: Vec<&'static Entity> = Vec::new();
    for sheet in &sheets {
        if !kinds.iter().any(|kind| kind.name == sheet.entity.name) {
            kinds.push(sheet.entity);
        }
    }
    // Of two kinds the one that refers to the other comes first.
    let depth = |entity: &'static Entity| depth(entity, 0);
    kinds.sort_by_key(|entity| std::cmp::Reverse(depth(entity)));
    for kind in kinds {
        for sheet in sheets.iter_mut().filter(|sheet| sheet.entity.name == kind.name) {
            let mut written = std::mem::take(&mut sheet.written);
            written.extend(below.remove(&(kind.name, sheet.id.to_owned())).unwrap_or_default());
            let place = match sheet.above.take() {
                Some(above) => below.entry(above).or_default(),
                None => &mut document,
            };
            let list = place.entry(kind.name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(Value::Object(written));
            }
        }
    }
    document
}

/// How far the references of an entity lead.
fn depth(entity: &'static Entity, level: usize) -> usize {
    /// No entity refers to itself; a declaration made at run time may lead in a circle.
    const DEEPEST: usize = 16;
    if level == DEEPEST {
        return 0;
    }
    let parents = entity.foreign_keys().map(|(_, _, parent)| 1 + depth(parent, level + 1));
    parents.max().unwrap_or_default()
}

/// The row below which a row is written, if there is one that it belongs to alone: its entity, the field, its id.
fn above(
    entity: &'static Entity,
    row: &Row,
    declarations: &Declarations,
) -> Option<(&'static str, &'static str, String)> {
    let mut keys = entity.foreign_keys().filter_map(|(field, declared, parent)| {
        Some((field, declared, declarations.resolve(parent), reference(row.get(field)?, parent)?))
    });
    let (field, declared, parent, id) = keys.next()?;
    let is_alone = keys.next().is_none();
    // Where an entity refers to another one twice, a row below it refers to it through the last of the fields.
    let last = entity.foreign_keys().filter(|(_, _, other)| other.name == parent.name).last();
    let is_last = last.is_some_and(|(other, _, _)| other == field);
    let is_free = parent.field(entity.name).is_none_or(|own| own.transient);
    (is_alone && is_last && is_free && !declared.written_apart).then_some((parent.name, field, id))
}

/// Whether a row is known without its id: it has a natural key, and nothing refers to it that needs an id.
fn is_known(entity: &'static Entity, row: &Row, graph: &Graph) -> bool {
    if !graph.naming(entity).is_empty() || entity.primary_key.len() != 1 {
        return false;
    }
    let is_referred_to = graph.referrers(entity).iter().any(|referrer| is_configured(referrer.child));
    match name_of(entity, row) {
        Some(_) => true,
        None => !is_referred_to && !natural_keys(entity, row).is_empty(),
    }
}

/// A row as people write it: without its key and its references, without what its declaration fills in, and without
/// when it was written.
pub fn reduced(entity: &'static Entity, row: &Row, context: &Context) -> Row {
    let fields: Vec<_> = entity.fields_of(entity.subschema_of(row)).collect();
    let own: Vec<_> = fields
        .iter()
        .copied()
        .filter(|(name, field)| {
            let is_key = entity.primary_key.contains(name) || field.foreign().is_some();
            let is_moment = field.auto && matches!(field.ty, Type::Integer | Type::Number);
            !is_key && !is_moment && field.is_stored()
        })
        .collect();
    let least = without_defaults(&own, row);
    let full: Row =
        own.iter().filter_map(|(name, _)| Some(((*name).to_owned(), row.get(*name)?.clone()))).collect();
    let filled: Row = full
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let again = |written: &Row| {
        let Ok(again) = complete(entity, written.clone(), Verb::Insert, context) else { return false };
        let again = rewrite(entity, again);
        own.iter().all(|(name, field)| same(Some(field), row.get(*name), again.get(*name)))
    };
    let mut written = [least, filled].into_iter().find(again).unwrap_or(full);
    if let Some(at) = row.get(EXPIRY).and_then(Value::as_i64) {
        let left = at.saturating_sub(context.now_ms()).saturating_add(999) / 1000;
        written.insert("ttl".to_owned(), Value::from(left.max(1)));
    }
    written
}

/// The fields whose values are not those that are filled in.
fn without_defaults(fields: &[(&'static str, &'static Field)], row: &Row) -> Row {
    let mut kept = Row::new();
    for (name, field) in fields {
        let value = row.get(*name).unwrap_or(&Value::Null);
        let default = field.default.filter(|_| !field.default_secret).map(|default| default.to_value());
        let inner: Vec<_> = field.fields().iter().map(|(name, field)| (*name, field)).collect();
        match (value, default) {
            (Value::Null, None) => {}
            (value, Some(default)) if same(Some(field), Some(value), Some(&default)) => {}
            (Value::Object(record), None) if !inner.is_empty() => {
                let record = without_defaults(&inner, record);
                if !record.is_empty() || !field.is_required() {
                    kept.insert((*name).to_owned(), Value::Object(record));
                }
            }
            (value, _) => {
                kept.insert((*name).to_owned(), value.clone());
            }
        }
    }
    kept
}

/// Whether loading the row would compute the same again from what is stored.
fn is_settled(entity: &'static Entity, row: &Row, written: &Row, context: &Context) -> bool {
    let again = transform(entity, row.clone(), written, context);
    again.is_ok_and(|again| again == *row)
}

/// A value with the keys of its objects in the order of the alphabet.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
