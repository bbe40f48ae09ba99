//! Parts of rows: what of a row is stored, what of a stored row is declared, what two rows share. Nothing is looked up.

use entities::schema::{Entity, Row, sentence};
use generators::errors::Error;
use generators::sql::EXPIRY;
use serde_json::Value;

/// What a table holds of a row: the declared fields but the transient ones.
pub fn stored(entity: &'static Entity, row: &Row) -> Row {
    entity
        .fields
        .iter()
        .filter(|(_, field)| field.is_stored())
        .map(|(name, _)| ((*name).to_owned(), row.get(*name).cloned().unwrap_or_default()))
        .chain(row.get(EXPIRY).map(|moment| (EXPIRY.to_owned(), moment.clone())))
        .collect()
}

/// A stored row without what its declaration does not name.
pub fn declared(entity: &'static Entity, row: &Row) -> Row {
    row.iter()
        .filter(|(name, _)| entity.field(name).is_some())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Refuses another name for a workspace: clients hold its name in their paths.
pub fn keeps_name(entity: &'static Entity, before: &Row, row: &Row) -> Result<(), Error> {
    match entity.endpoint_key.filter(|_| entity.default_workspace.is_some()) {
        Some(name) if before.get(name) != row.get(name) => Err(Error::violation(name, sentence::IMMUTABLE)),
        _ => Ok(()),
    }
}

/// Whether two lists have an element in common.
pub fn shares_value(own: Option<&Value>, other: Option<&Value>) -> bool {
    match (own.and_then(Value::as_array), other.and_then(Value::as_array)) {
        (Some(own), Some(other)) => own.iter().any(|value| other.contains(value)),
        _ => true,
    }
}
