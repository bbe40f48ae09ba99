//! Rows as clients read them: JSON objects with the declared fields in order, and pages of them.
//!
//! A field that the store holds no value for is null, never absent. Nothing here looks a row up.

use entities::schema::{Entity, Field, Row, Shorthand};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::sql::EXPIRY;

/// What `ngx.escape_uri` leaves as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// A text as part of a query.
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// A JSON object that is written member by member.
pub struct Object(Vec<u8>);

impl Object {
    /// No members yet.
    #[expect(clippy::new_without_default, reason = "an object that is begun must be ended")]
    pub fn new() -> Object {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(b'{');
        Object(bytes)
    }

    /// Writes a member. Its name must be new.
    pub fn member(&mut self, name: &str, value: &Value) {
        let length = self.0.len();
        if length > 1 {
            self.0.push(b',');
        }
        let written = serde_json::to_writer(&mut self.0, name).and_then(|()| {
            self.0.push(b':');
            serde_json::to_writer(&mut self.0, value)
        });
        // Neither texts nor values fail to be written to memory.
        if written.is_err() {
            self.0.truncate(length);
        }
    }

    /// The text.
    pub fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// The fields of an entity with their values in a row. Where the row has its fields in the order of their
/// declaration, as most have, nothing is looked up.
pub fn in_order<'a>(
    entity: &'static Entity,
    row: &'a Row,
) -> impl Iterator<Item = (&'static str, &'static Field, Option<&'a Value>)> {
    let mut entries = row.iter().peekable();
    entity.fields_of(entity.subschema_of(row)).map(move |(name, field)| {
        let value = match entries.next_if(|(next, _)| *next == name) {
            Some((_, value)) => Some(value),
            None => row.get(name),
        };
        (name, field, value)
    })
}

/// The bytes of a row: every declared field in order, null where the row has no value, then what else it has. A field
/// that took the place of another is shown under the old name, too.
pub fn render(entity: &'static Entity, row: &Row) -> Vec<u8> {
    let mut json = Object::new();
    let mut declared = 0;
    for (name, field, value) in in_order(entity, row) {
        declared += usize::from(value.is_some());
        match value {
            Some(Value::Object(record)) => {
                json.member(name, &with_old_names(field, Value::Object(record.clone())))
            }
            value => json.member(name, value.unwrap_or(&Value::Null)),
        }
    }
    if declared < row.len() {
        for (name, value) in row.iter().filter(|(name, _)| *name != EXPIRY && entity.field(name).is_none()) {
            json.member(name, value);
        }
    }
    json.end()
}

/// Whether a row is rendered with fields that are deprecated.
pub fn has_old_names(entity: &'static Entity, row: &Row) -> bool {
    fn has(field: &Field) -> bool {
        let is_old = |shorthand: &Shorthand| shorthand.field.deprecation.is_some();
        field.shorthands.iter().any(is_old) || field.fields().iter().any(|(_, inner)| has(inner))
    }
    entity.fields_of(entity.subschema_of(row)).any(|(_, field)| has(field))
}

/// A record with its deprecated fields, whose values are those of the fields that replaced them.
fn with_old_names(field: &Field, value: Value) -> Value {
    let mut row = match value {
        Value::Object(row) => row,
        other => return other,
    };
    for (name, inner) in field.fields() {
        if let Some(value) = row.get_mut(*name).filter(|value| value.is_object()) {
            *value = with_old_names(inner, value.take());
        }
    }
    for shorthand in field.shorthands {
        let replaced_with =
            shorthand.field.deprecation.and_then(|deprecation| deprecation.replaced_with.first());
        if let Some((first, rest)) = replaced_with.and_then(|path| path.split_first()) {
            let found = rest.iter().try_fold(row.get(*first), |value, name| Some(value?.get(*name)));
            let value = found.flatten().cloned().unwrap_or_default();
            row.insert(shorthand.name.to_owned(), value);
        }
    }
    Value::Object(row)
}

/// A row that was rendered, without the old names of its fields.
pub fn without_old_names(entity: &'static Entity, mut row: Row) -> Row {
    for (name, field) in entity.fields_of(entity.subschema_of(&row)) {
        if let Some(value) = row.get_mut(name) {
            drop_old_names(field, value);
        }
    }
    row
}

fn drop_old_names(field: &Field, value: &mut Value) {
    let Value::Object(row) = value else { return };
    for shorthand in field.shorthands {
        row.shift_remove(shorthand.name);
    }
    for (name, inner) in field.fields() {
        if let Some(value) = row.get_mut(*name) {
            drop_old_names(inner, value);
        }
    }
}

/// `{"data":[…],"next":…,"offset":…}` of rows that are rendered already. `offset` is absent on the last page.
pub fn page<B: AsRef<[u8]>>(rows: &[B], next: Option<(&str, &str)>) -> Vec<u8> {
    let length: usize = rows.iter().map(|row| row.as_ref().len() + 1).sum();
    let mut out = Vec::with_capacity(length + 128);
    out.extend_from_slice(b"{\"data\":[");
    for (i, row) in rows.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(row.as_ref());
    }
    out.extend_from_slice(b"],\"next\":");
    match next {
        None => out.extend_from_slice(b"null"),
        Some((next, offset)) => {
            out.extend_from_slice(Value::from(next).to_string().as_bytes());
            out.extend_from_slice(b",\"offset\":");
            out.extend_from_slice(Value::from(offset).to_string().as_bytes());
        }
    }
    out.push(b'}');
    out
}

/// The path of the page behind `offset` of a whole collection: `/services?offset=…&tags=…&size=…`, with the tags
/// and the size that the client gave.
pub fn next_of_collection(entity: &Entity, offset: &str, arguments: &Row) -> String {
    let mut path = format!("/{}?offset={}", entity.collection(), escape(offset));
    let first = match arguments.get("tags") {
        Some(Value::Array(list)) => list.first(),
        value => value,
    };
    if let Some(Value::String(tags)) = first {
        path.push_str(&format!("&tags={}", escape(tags)));
    }
    if let Some(size) = arguments.get("size") {
        let size = size.as_str().map_or_else(|| size.to_string(), str::to_owned);
        path.push_str(&format!("&size={size}"));
    }
    path
}

/// The path of the page behind `offset` of a nested collection, with the parent as the client named it.
pub fn next_of_children(parent: &Entity, key: &str, collection: &str, offset: &str) -> String {
    format!("/{}/{key}/{collection}?offset={}", parent.collection(), escape(offset))
}
