//! Who asks the store: a name for the change log, and the rows that may be touched. Who that is, and why, is decided by
//! whoever asks.

use std::sync::Arc;

use entities::schema::Row;
use serde_json::Value;

/// A client that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What the change log keeps.
    pub name: Arc<str>,
    /// Only rows that carry one of these tags are seen and written; `None`: all.
    pub tags: Option<Vec<String>>,
}

impl Client {
    /// Whether some rows are out of the client's reach.
    pub fn is_limited(&self) -> bool {
        self.tags.is_some()
    }

    /// Whether the client may see and write a row.
    pub fn reaches(&self, row: &Row) -> bool {
        let Some(tags) = &self.tags else { return true };
        let carried = row.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        carried.iter().any(|tag| tags.iter().any(|own| Some(own.as_str()) == tag.as_str()))
    }
}
