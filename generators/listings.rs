//! Listings: a field that names rows of another entity which refer to the row (`snis` of a certificate).
//!
//! Reads such a field out of input. Which rows exist, and writing them, is the store's work.

use entities::schema::Row;
use serde_json::Value;

use crate::errors::Error;

/// Prepares the field of a PUT or PATCH of one row: a single name is a list of one, and a PUT without the field
/// empties the list. A PUT by a name that the row is to be reached through adds that name to a list that is given.
pub fn of_item(row: &mut Row, field: &str, reached_by: Option<&str>, replace: bool) {
    let mut names = match row.shift_remove(field) {
        Some(Value::Array(names)) => names,
        Some(Value::String(name)) => vec![Value::from(name)],
        None | Some(Value::Null) if replace => {
            row.insert(field.to_owned(), Value::Null);
            return;
        }
        None => return,
        Some(other) => {
            row.insert(field.to_owned(), other);
            return;
        }
    };
    if let Some(name) =
        reached_by.filter(|name| replace && !names.iter().any(|own| own.as_str() == Some(name)))
    {
        names.push(Value::from(name));
    }
    row.insert(field.to_owned(), Value::Array(names));
}

/// The names that input lists, sorted; `None` when it lists none. A name twice is a violation.
pub fn names(field: &str, row: &Row) -> Result<Option<Vec<String>>, Error> {
    let names = match row.get(field) {
        Some(Value::Array(names)) => names,
        Some(Value::Null) => return Ok(Some(Vec::new())),
        Some(Value::Object(empty)) if empty.is_empty() => return Ok(Some(Vec::new())),
        _ => return Ok(None),
    };
    let mut seen = std::collections::HashSet::new();
    for name in names.iter().filter_map(Value::as_str) {
        if !seen.insert(name) {
            return Err(Error::violation(field, format!("{name} is duplicated")));
        }
    }
    // Anything but texts is left to validation.
    Ok(Some(sorted(names.iter().filter_map(Value::as_str).map(str::to_owned))))
}

/// Names in the order in which they are shown.
pub fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}
