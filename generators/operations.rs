//! What the store is asked: keys and pages, read from paths and query arguments.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use entities::schema::types::MAX_TTL;
use entities::schema::{Context, Declarations, Entity, Row, bytes};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::errors::Error;
use crate::numbers::lua_number;
use crate::routes::Place;

use crate::validate::{is_uuid, validate_value};

/// Page sizes that a client may ask for.
pub const MAX_PAGE_SIZE: usize = 1000;
/// The page size of a client that does not ask.
pub const PAGE_SIZE: usize = 100;
/// How many tags one filter may name.
const MAX_TAGS: usize = 5;

/// Whose rows a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Those of one workspace, and those of entities whose rows belong to none.
    Workspace(Uuid),
    /// Those of every workspace: what the node itself asks.
    Every,
}

impl Scope {
    /// The workspace of rows whose path names none.
    pub fn default_of(declarations: &Declarations) -> Scope {
        let workspace = declarations.workspaces().and_then(|entity| entity.default_workspace);
        Scope::Workspace(workspace.map_or(Uuid::nil(), |workspace| workspace.id))
    }
}

/// The key under which a row carries the workspace that it belongs to, where rows of several are read at once. No client
/// sees it.
pub const WORKSPACE: &str = "$ws_id";

/// How one row is found.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// By its primary key, as text.
    Primary(String),
    /// By a unique field.
    Unique { field: &'static str, value: String },
    /// By the endpoint key, among the rows that refer to one parent.
    Within { field: &'static str, parent: String, by: &'static str, value: String },
}

impl Key {
    /// The error for a row that is not there but must be.
    pub fn not_found(&self, entity: &Entity) -> Error {
        match self {
            Key::Primary(id) => Error::NotFound(primary(entity, id)),
            Key::Unique { field, value } | Key::Within { by: field, value, .. } => {
                Error::NotFoundBy(Row::from_iter([((*field).to_owned(), Value::from(value.as_str()))]))
            }
        }
    }
}

/// What a client wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Replace,
    Update,
    Delete,
    /// Deletes the rows of a collection whose time is over; asked by the node itself.
    Expire,
    /// Writes a row as it is, over the one of that id if there is one; asked by the node itself. The row is complete
    /// and valid, its references are keys, and what is computed from it has been computed.
    Write,
}

/// A write, as data: what to do, where, and with which input. The store runs it in one transaction.
#[derive(Clone)]
pub struct Operation {
    pub action: Action,
    pub place: Place,
    /// The values of the path's parameters, in order.
    pub parameters: Vec<String>,
    /// The input, decoded but neither complete nor valid.
    pub row: Row,
    /// Whether the input was written as text and takes its types from the declaration.
    pub textual: bool,
}

impl Operation {
    /// Writes a row as it is; see [`Action::Write`].
    pub fn write(entity: &'static Entity, id: &str, row: Row) -> Operation {
        Operation::of_item(Action::Write, entity, id, row)
    }

    /// Deletes a row and what hangs on it.
    pub fn delete(entity: &'static Entity, id: &str) -> Operation {
        Operation::of_item(Action::Delete, entity, id, Row::new())
    }

    /// The row of an item: its entity, and what stands for it in the path.
    pub fn subject(&self) -> Option<(&'static str, String)> {
        let Place::Item(entity) = self.place else { return None };
        Some((entity.name, self.parameters.first()?.clone()))
    }

    fn of_item(action: Action, entity: &'static Entity, id: &str, row: Row) -> Operation {
        let place = Place::Item(entity);
        Operation { action, place, parameters: vec![id.to_owned()], row, textual: false }
    }
}

/// Takes the time to live out of input. `None`: not given; 0 and null: for ever.
pub fn take_ttl(entity: &Entity, row: &mut Row) -> Result<Option<i64>, Error> {
    if !entity.ttl {
        return Ok(None);
    }
    let Some(value) = row.shift_remove("ttl") else { return Ok(None) };
    let number =
        value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=MAX_TTL as f64).contains(number));
    match (number, value) {
        (Some(seconds), _) => Ok(Some(seconds as i64)),
        (None, Value::Null) => Ok(Some(0)),
        (None, _) => Err(option("ttl", &format!("must be an integer between 0 and {MAX_TTL}"))),
    }
}

/// The moment at which a row is gone that lives for `seconds`, in milliseconds of the epoch. They are counted from
/// the row's own `created_at`, or `updated_at` when it is changed: whole seconds, as they are stored. Where it has
/// no such stamp they are counted from now.
pub fn expiry(entity: &Entity, row: &Row, seconds: i64, changed: bool, now_ms: i64) -> i64 {
    let stamp = if changed { "updated_at" } else { "created_at" };
    let start = entity
        .field(stamp)
        .filter(|field| field.timestamp && field.auto)
        .and_then(|_| row.get(stamp)?.as_f64())
        .map_or(now_ms, |at| (at * 1000.0) as i64);
    start.saturating_add(seconds.saturating_mul(1000))
}

/// In how many whole seconds a row is gone. One that was just written has lost its first moment already, so this is
/// less than what it was given, as it is in Kong's answer.
pub fn seconds_left(expires_at: i64, now_ms: i64) -> i64 {
    expires_at.saturating_sub(now_ms).saturating_sub(1).div_euclid(1000)
}

/// A primary key as a row of its own: `{"id": …}`.
pub fn primary(entity: &Entity, id: &str) -> Row {
    let name = entity.primary_key.first().copied().unwrap_or("id");
    Row::from_iter([(name.to_owned(), Value::from(id))])
}

/// The primary key of a row, as text.
pub fn id_of(entity: &Entity, row: &Row) -> Option<String> {
    let mut parts = entity.primary_key.iter().map(|name| {
        let value = row.get(*name)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    });
    if entity.primary_key.len() == 1 {
        return parts.next()?;
    }
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join(":"))
}

/// The id that a reference holds.
pub fn reference(value: &Value, entity: &Entity) -> Option<String> {
    id_of(entity, value.as_object()?)
}

/// The key that a path's segment stands for: a UUID is an id, never a name; anything else is looked up by the
/// endpoint key, whose rules it must keep.
pub fn key(entity: &'static Entity, segment: &str, context: &Context) -> Result<Key, Error> {
    if is_uuid(segment) {
        return Ok(Key::Primary(segment.to_ascii_lowercase()));
    }
    let Some(name) = entity.endpoint_key else {
        let row = primary(entity, segment);
        let violations = crate::validate::primary_key(entity, &row, context);
        return match violations.is_empty() {
            true => Ok(Key::Primary(segment.to_owned())),
            false => Err(Error::InvalidPrimaryKey(violations.0)),
        };
    };
    unique(entity, name, segment, context)
}

/// The key for a value of a unique field, which must keep the field's rules.
pub fn unique(
    entity: &'static Entity,
    field: &'static str,
    value: &str,
    context: &Context,
) -> Result<Key, Error> {
    if let Some(declared) = entity.field(field)
        && let Err(what) = validate_value(declared, &Value::from(value), context)
    {
        let why = what.as_str().map_or_else(|| what.to_string(), str::to_owned);
        return Err(Error::InvalidUnique { field, why });
    }
    Ok(Key::Unique { field, value: value.to_owned() })
}

/// Rows that carry tags.
#[derive(Clone, Debug, PartialEq)]
pub struct Tags {
    pub names: Vec<String>,
    /// Whether a row must carry all of them, or any.
    pub all: bool,
}

/// A part of a collection, in the order of ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Only rows that refer to this id through this field.
    pub within: Option<(&'static str, String)>,
    pub tags: Option<Tags>,
    pub size: usize,
    /// Only rows behind this id.
    pub after: Option<String>,
}

/// What a list's query arguments ask for.
///
/// The checks follow Kong's order: a null tag filter, the size, the other options, the offset.
pub fn page(entity: &Entity, arguments: &Row) -> Result<Page, Error> {
    let tags = tag_filter(entity, arguments)?;
    let size = size(arguments)?;
    if let Some(tags) = &tags {
        valid_tags(tags)?;
    }
    let after = offset(arguments)?.map(cursor).transpose()?;
    Ok(Page { within: None, tags: tags.map(|filter| filter.tags), size, after })
}

/// The page size asked for.
pub fn size(arguments: &Row) -> Result<usize, Error> {
    let number = match arguments.get("size") {
        None => return Ok(PAGE_SIZE),
        Some(Value::String(text)) => lua_number(text),
        Some(Value::Number(number)) => Some(number.clone()),
        Some(_) => None,
    };
    let number = number
        .and_then(|number| number.as_f64())
        .ok_or_else(|| Error::InvalidSize("size must be a number".to_owned()))?;
    if number.fract() != 0.0 || !(1.0..=MAX_PAGE_SIZE as f64).contains(&number) {
        return Err(Error::InvalidSize(format!("size must be an integer between 1 and {MAX_PAGE_SIZE}")));
    }
    Ok(number as usize)
}

/// The offset given, if any.
pub fn offset(arguments: &Row) -> Result<Option<&str>, Error> {
    match arguments.get("offset") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Error::InvalidOffset { offset: other.to_string(), why: "bad base64 encoding" }),
    }
}

/// The id behind which a page begins.
fn cursor(offset: &str) -> Result<String, Error> {
    let bad = |why| Error::InvalidOffset { offset: offset.to_owned(), why };
    let bytes = decode_base64(offset).ok_or_else(|| bad("bad base64 encoding"))?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Array(keys)) => match keys.as_slice() {
            [Value::String(id), ..] if is_uuid(id) => Ok(id.to_ascii_lowercase()),
            _ => Err(bad("bad offset string")),
        },
        _ => Err(bad("bad json encoding")),
    }
}

/// Padding may be there, and bits behind the last byte do not count.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::URL_SAFE,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(text).ok()
}

/// The offset behind a row.
pub fn offset_behind(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(json!([id]).to_string())
}

/// A filter as the client wrote it.
struct Filter {
    tags: Tags,
    readable: bool,
}

fn tag_filter(entity: &Entity, arguments: &Row) -> Result<Option<Filter>, Error> {
    if entity.field("tags").is_none() {
        return Ok(None);
    }
    let text = match arguments.get("tags") {
        None => return Ok(None),
        Some(Value::Array(list)) => list.first(),
        value => value,
    };
    let text = match text {
        Some(Value::String(text)) if !text.is_empty() => text.as_str(),
        None | Some(Value::Null | Value::String(_)) => return Err(option("tags", "cannot be null")),
        Some(_) => return Ok(Some(Filter { tags: Tags { names: Vec::new(), all: true }, readable: false })),
    };
    Ok(Some(parse_tags(text)))
}

/// `a,b` are rows with both tags, `a/b` rows with either. One separator at the end is fine.
fn parse_tags(text: &str) -> Filter {
    let split = |separator: char| -> Option<Vec<String>> {
        let names: Vec<_> =
            text.strip_suffix(separator).unwrap_or(text).split(separator).map(str::to_owned).collect();
        names
            .iter()
            .all(|name| {
                !name.is_empty() && bytes::invalid_at(name).is_none() && name.bytes().all(is_tag_byte)
            })
            .then_some(names)
    };
    match (split(','), split('/')) {
        (Some(names), _) => Filter { tags: Tags { names, all: true }, readable: true },
        (None, Some(names)) => Filter { tags: Tags { names, all: false }, readable: true },
        (None, None) => Filter { tags: Tags { names: Vec::new(), all: true }, readable: false },
    }
}

/// Printable ASCII but the two separators, and anything beyond ASCII.
fn is_tag_byte(byte: u8) -> bool {
    matches!(byte, 0x20..=0x2b | 0x2d | 0x2e | 0x30..=0x7e | 0x80..=0xf4)
}

fn valid_tags(filter: &Filter) -> Result<(), Error> {
    if !filter.readable {
        return Err(option("tags", "invalid filter syntax"));
    }
    if filter.tags.names.len() > MAX_TAGS {
        return Err(option("tags", "cannot query more than 5 tags"));
    }
    Ok(())
}

fn option(name: &str, why: &str) -> Error {
    Error::InvalidOptions(Row::from_iter([(name.to_owned(), Value::from(why))]))
}

#[cfg(test)]
mod tests {
    use entities::schema::types::{AUTO_TIMESTAMP_S, UUID};

    use super::*;

    #[test]
    fn a_time_to_live_is_counted_from_the_rows_own_stamp() {
        static STAMPED: Entity = Entity::new("stamped")
            .fields(&[("id", UUID), ("created_at", AUTO_TIMESTAMP_S), ("updated_at", AUTO_TIMESTAMP_S)])
            .ttl()
            .build();
        static BARE: Entity = Entity::new("bare").fields(&[("id", UUID)]).ttl().build();
        let row =
            Row::from_iter([("created_at".to_owned(), json!(100)), ("updated_at".to_owned(), json!(200))]);
        let now_ms = 200_999;
        assert_eq!(expiry(&STAMPED, &row, 10, false, now_ms), 110_000);
        assert_eq!(expiry(&STAMPED, &row, 10, true, now_ms), 210_000);
        assert_eq!(expiry(&BARE, &row, 10, false, now_ms), 210_999);
    }

    #[test]
    fn less_is_left_than_was_given() {
        for (left_ms, seconds) in [(10_000, 9), (9_001, 9), (9_000, 8), (1, 0), (0, -1), (-5_000, -6)] {
            assert_eq!(seconds_left(50_000 + left_ms, 50_000), seconds, "{left_ms} ms");
        }
    }
}
