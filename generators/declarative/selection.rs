//! A part of a configuration: the rows that carry certain tags, as several teams share a store by tags of their own.
//!
//! decK writes the tags into a document's head, `_info: {select_tags: [team-a]}`; that head is read here and taken
//! out. An empty selection is everything.

use std::collections::BTreeSet;

use entities::schema::{Entity, Row};
use serde_json::{Value, json};

use super::document::Document;

/// The head of a document that is not about rows.
const INFO: &str = "_info";
/// The tags in it.
const SELECT_TAGS: &str = "select_tags";
/// The field of a row.
const TAGS: &str = "tags";

/// The tags that a row must carry, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(BTreeSet<String>);

impl Selection {
    /// The rows that carry all of these tags.
    pub fn new(tags: impl IntoIterator<Item = String>) -> Selection {
        Selection(tags.into_iter().collect())
    }

    /// Whether every row is meant.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the head out of a document and adds the tags that it names.
    ///
    /// # Errors
    /// A sentence, where the head is not what decK writes.
    pub fn with_head(mut self, document: &mut Row) -> Result<Selection, String> {
        let Some(head) = document.shift_remove(INFO) else { return Ok(self) };
        let wrong = || format!("{INFO}.{SELECT_TAGS}: expected a list of tags");
        match head.get(SELECT_TAGS) {
            _ if !head.is_object() => Err(format!("{INFO}: expected a record")),
            None | Some(Value::Null) => Ok(self),
            Some(Value::Array(tags)) => {
                for tag in tags {
                    self.0.insert(tag.as_str().ok_or_else(wrong)?.to_owned());
                }
                Ok(self)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// The head of a document that has the selection's rows.
    pub fn head(&self) -> Option<(String, Value)> {
        (!self.is_everything()).then(|| (INFO.to_owned(), json!({ SELECT_TAGS: self.0 })))
    }

    /// Whether a row is among those meant.
    pub fn includes(&self, row: &Row) -> bool {
        let own: Vec<_> = row.get(TAGS).and_then(Value::as_array).into_iter().flatten().collect();
        self.0.iter().all(|tag| own.iter().any(|own| own.as_str() == Some(tag)))
    }

    /// Whether a row may be meant by a row of a document: it is included, or its kind has no tags at all.
    pub fn reaches(&self, entity: &Entity, row: &Row) -> bool {
        entity.field(TAGS).is_none() || self.includes(row)
    }

    /// Adds the tags to every row of a document that can have tags.
    pub fn mark(&self, document: &mut Document) {
        if self.is_everything() {
            return;
        }
        for item in document.items.iter_mut().filter(|item| item.entity.field(TAGS).is_some()) {
            let tags = item.given.entry(TAGS).or_insert(Value::Null);
            if tags.is_null() {
                *tags = Value::Array(Vec::new());
            }
            if let Value::Array(tags) = tags {
                let absent = self.0.iter().filter(|tag| !tags.iter().any(|own| own.as_str() == Some(tag)));
                let absent: Vec<_> = absent.map(|tag| Value::from(tag.as_str())).collect();
                tags.extend(absent);
            }
        }
    }
}
