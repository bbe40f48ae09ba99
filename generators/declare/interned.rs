//! What was declared so far: each declaration by its content, kept as long as the process lives, within a bound.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::{LazyLock, Mutex, PoisonError};

use entities::schema::{Entity, Subschema};

use super::{Data, Refused};

/// How many bytes all declarations may take in their written form.
const BOUND: usize = 64 << 20;

/// What the declarations take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interned {
    /// How many different declarations there were, refused ones included.
    pub declarations: usize,
    /// Their written form in bytes. What they take as entities is of that order.
    pub bytes: usize,
}

#[derive(Default)]
struct Store {
    entities: HashMap<String, Result<&'static Entity, Refused>>,
    subschemas: HashMap<String, Result<&'static Subschema, Refused>>,
    names: HashSet<&'static str>,
    total: Interned,
}

static STORE: LazyLock<Mutex<Store>> = LazyLock::new(Mutex::default);

/// What the declarations made so far take.
pub fn interned() -> Interned {
    STORE.lock().unwrap_or_else(PoisonError::into_inner).total
}

/// A name that is asked for again and again.
pub(super) fn name(text: &str) -> &'static str {
    let mut store = STORE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = store.names.get(text) {
        return known;
    }
    let known: &'static str = text.to_owned().leak();
    store.names.insert(known);
    known
}

/// Writes a declaration down, with where its references lead: equal texts are equal declarations.
pub(super) fn key(kind: &str, data: &Data, known: &[&'static Entity]) -> String {
    let mut text = kind.to_owned();
    write(&mut text, data, known);
    text
}

fn write(text: &mut String, data: &Data, known: &[&'static Entity]) {
    // Writing to a string does not fail.
    let _ = match data {
        Data::Null => text.write_str("null"),
        Data::Bool(value) => write!(text, "{value}"),
        Data::Int(value) => write!(text, "{value}"),
        Data::Float(value) => write!(text, "{value:?}"),
        Data::Text(value) => write!(text, "{value:?}"),
        Data::Function(function) => write!(text, "{function:?}"),
        Data::List(items) => {
            text.push('[');
            for item in items {
                write(text, item, known);
                text.push(',');
            }
            text.write_str("]")
        }
        Data::Table(entries) => {
            text.push('{');
            for (name, value) in entries {
                let _ = write!(text, "{name:?}:");
                write(text, value, known);
                if let (true, Data::Text(parent)) = (name == "reference", value) {
                    let parent = known.iter().find(|entity| entity.name == parent);
                    let _ = write!(text, "@{:?}", parent.map(|entity| std::ptr::from_ref(*entity)));
                }
                text.push(',');
            }
            text.write_str("}")
        }
    };
}

/// The entity of that key, made unless it was made before.
pub(super) fn entity(
    key: &str,
    make: impl FnOnce() -> Result<&'static Entity, Refused>,
) -> Result<&'static Entity, Refused> {
    once(key, |store| &mut store.entities, make)
}

/// Likewise a variant.
pub(super) fn subschema(
    key: &str,
    make: impl FnOnce() -> Result<&'static Subschema, Refused>,
) -> Result<&'static Subschema, Refused> {
    once(key, |store| &mut store.subschemas, make)
}

fn once<T>(
    key: &str,
    part: impl Fn(&mut Store) -> &mut HashMap<String, Result<&'static T, Refused>>,
    make: impl FnOnce() -> Result<&'static T, Refused>,
) -> Result<&'static T, Refused> {
    let lock = || STORE.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut store = lock();
        if let Some(known) = part(&mut store).get(key) {
            return known.clone();
        }
        if store.total.bytes + key.len() > BOUND {
            return Err(Refused::whole(
                "no room is left for further declarations; restart the node to make some",
            ));
        }
        store.total.bytes += key.len();
        store.total.declarations += 1;
    }
    // Not under the lock: making it asks for names.
    let made = make();
    part(&mut lock()).insert(key.to_owned(), made.clone());
    made
}
