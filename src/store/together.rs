//! Operations that happen together: few of any kind, or very many rows, which are held as text until their turn comes.
//!
//! A row as text takes a sixth of the memory. Nothing here is carried out.

use entities::schema::{Entity, Row};
use generators::input;
use generators::operations::Operation;
use serde_json::Value;

use super::failure::Failure;

/// Operations that happen together or not at all.
pub enum Operations {
    Any(Vec<Operation>),
    /// Rows to be written as they are.
    Rows(Vec<Packed>),
}

/// A row as text.
pub struct Packed {
    entity: &'static Entity,
    id: Box<str>,
    row: Box<str>,
}

/// What becomes of an operation when its turn comes.
pub type Unpacked = Result<Operation, Failure>;

impl Packed {
    /// Packs a row that is to be written as it is.
    pub fn new(entity: &'static Entity, id: &str, row: &Row) -> Packed {
        // A row can always be written as JSON: its keys are texts.
        let row = serde_json::to_string(row).unwrap_or_default();
        Packed { entity, id: id.into(), row: row.into() }
    }

    fn unpack(&self) -> Unpacked {
        match input::json(self.row.as_bytes()) {
            Ok(Value::Object(row)) => Ok(Operation::write(self.entity, &self.id, row)),
            _ => Err(Failure::Broken(format!("{} {} cannot be unpacked", self.entity.name, self.id))),
        }
    }
}

impl Operations {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Operations::Any(operations) => operations.len(),
            Operations::Rows(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One after another; they may be needed again.
    pub(super) fn iter(&self) -> Box<dyn ExactSizeIterator<Item = Unpacked> + Send + '_> {
        match self {
            Operations::Any(operations) => Box::new(operations.iter().cloned().map(Ok)),
            Operations::Rows(rows) => Box::new(rows.iter().map(Packed::unpack)),
        }
    }

    /// One after another, each of which is then gone.
    pub(super) fn into_iter(self) -> Box<dyn ExactSizeIterator<Item = Unpacked> + Send> {
        match self {
            Operations::Any(operations) => Box::new(operations.into_iter().map(Ok)),
            Operations::Rows(rows) => Box::new(rows.into_iter().map(|row| row.unpack())),
        }
    }
}
