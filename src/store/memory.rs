//! The store of a node without a database: the rows of one declarative configuration, in memory.
//!
//! A configuration is loaded as a whole: readers see the old rows until the new ones are complete, and then all of
//! them at once. Rows cannot be written one by one; an operation is carried out up to its first write, so that a
//! client hears of everything else that is wrong with it, and is then refused.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use entities::schema::{Declarations, Entity, Row};
use generators::complete::{Verb, complete};
use generators::declarative::Configuration;
use generators::errors::Error;
use generators::operations::{Key, Page, Scope, primary};
use generators::output;
use generators::sql::EXPIRY;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinError;
use uuid::Uuid;

use super::conversation::Conversation;
use super::execute::Execution;
use super::failure::Failure;
use super::mirror::Mirror;
use super::rows::{Entry, Rows};
use super::together::Operations;
use super::transaction::{self, Progress};
use super::{Shared, Store};

/// The hash of a node that has loaded nothing.
const NO_HASH: &str = "00000000000000000000000000000000";
/// How many loads may wait for their turn.
const WAITING: usize = 8;

/// The engine.
pub struct Memory {
    pub mirror: Mirror,
    shared: Arc<Shared>,
    hash: RwLock<String>,
    /// How many configurations have been loaded.
    loads: AtomicU64,
    turn: Mutex<()>,
    waiting: AtomicUsize,
}

/// Rows that are ready to take the place of all others. They are in the default workspace, as a declarative
/// configuration has no word for another.
pub struct Snapshot {
    rows: Rows,
    scope: Scope,
    entries: HashMap<&'static str, Vec<Entry>>,
}

impl Snapshot {
    /// No rows yet.
    pub fn new(declarations: &Declarations) -> Snapshot {
        let scope = Scope::default_of(declarations);
        Snapshot { rows: Rows::alone(declarations), scope, entries: HashMap::new() }
    }

    /// A row on its way into memory, as it is stored.
    ///
    /// The default workspace keeps the id that it has in every store.
    pub fn entry(entity: &'static Entity, id: &str, mut row: Row) -> Option<Entry> {
        let mut id = Uuid::parse_str(id).ok()?;
        if let (Some(default), Some(name)) = (entity.default_workspace, entity.endpoint_key)
            && row.get(name).and_then(Value::as_str) == Some(default.name)
        {
            id = default.id;
            row.extend(primary(entity, &id.to_string()));
        }
        Some(Entry::rendered(entity, id, &row))
    }

    /// The same for a row whose bytes are shared later.
    pub fn entry_without_bytes(entity: &'static Entity, id: &str, row: &Row) -> Option<Entry> {
        Some(Entry::of(entity, Uuid::parse_str(id).ok()?, row))
    }

    /// Adds a row.
    pub fn add(&mut self, entry: Entry) {
        self.entries.entry(entry.entity.name).or_default().push(entry);
    }

    /// Lets rows that stand in a text share its bytes.
    pub fn share(&mut self, text: &Bytes) {
        for entry in self.entries.values_mut().flatten() {
            entry.share(text);
        }
    }

    /// The rows, with the workspace that is always there.
    fn rows(mut self, shared: &Shared) -> Rows {
        self.add_default_workspace(shared);
        for entries in self.entries.into_values() {
            let Some(entity) = entries.first().map(|entry| entry.entity) else { continue };
            let workspace = match self.scope {
                Scope::Workspace(id) if entity.workspaceable => Some(id),
                _ => None,
            };
            self.rows.settle(entity, workspace, entries);
        }
        self.rows
    }

    fn add_default_workspace(&mut self, shared: &Shared) {
        let default = shared
            .declarations
            .workspaces()
            .and_then(|entity| Some((entity, entity.default_workspace?, entity.endpoint_key?)));
        let Some((entity, default, name)) = default else { return };
        if self.entries.get(entity.name).into_iter().flatten().any(|entry| entry.id == default.id) {
            return;
        }
        let mut given = primary(entity, &default.id.to_string());
        given.insert(name.to_owned(), Value::from(default.name));
        let circumstances = shared.circumstances();
        if let Ok(row) = complete(entity, given, Verb::Insert, &circumstances.context())
            && let Some(entry) = Snapshot::entry(entity, &default.id.to_string(), row)
        {
            self.add(entry);
        }
    }
}

impl Memory {
    /// A store without rows.
    pub fn open(shared: Arc<Shared>) -> Memory {
        Memory {
            mirror: Mirror::holding(Snapshot::new(&shared.declarations).rows(&shared)),
            shared,
            hash: RwLock::new(NO_HASH.to_owned()),
            loads: AtomicU64::new(0),
            turn: Mutex::new(()),
            waiting: AtomicUsize::new(0),
        }
    }

    /// A conversation about the rows of this moment.
    pub fn conversation(&self, scope: Scope, now_ms: i64) -> Reading<'_> {
        Reading { memory: self, scope, now_ms }
    }

    /// Carries out operations up to their first write.
    pub async fn write(
        &self,
        scope: Scope,
        operations: Operations,
        progress: &Progress,
    ) -> Result<Option<Row>, Failure> {
        let circumstances = self.shared.circumstances();
        let context = circumstances.context();
        let mut session = self.conversation(scope, context.now_ms());
        let (declarations, graph) = (&*self.shared.declarations, &self.shared.graph);
        Execution { session: &mut session, declarations, graph, context: &context }
            .run(operations.into_iter(), progress)
            .await
    }

    /// Adds every row to a configuration, all of one moment.
    pub fn read(&self, scope: Scope, found: &mut Configuration, now_ms: i64) {
        let reading = self.conversation(scope, now_ms);
        let everything = Page { size: usize::MAX, ..Page::default() };
        let entities: Vec<_> = found.entities().collect();
        let rows = self.mirror.look(|rows| {
            let of = |entity: &&'static Entity| (*entity, rows.rows(scope, entity, &everything));
            entities.iter().map(of).collect::<Vec<_>>()
        });
        for (entity, rows) in rows.unwrap_or_default() {
            for (json, at) in rows {
                let Some(mut row) = reading.read(entity, &json, at) else { continue };
                row.extend(at.map(|at| (EXPIRY.to_owned(), Value::from(at))));
                transaction::add(found, entity, row);
            }
        }
    }

    /// Deletes the rows whose time is over.
    pub fn expire(&self, now_ms: i64) {
        self.mirror.expire(self.shared.declarations.entities().filter(|entity| entity.ttl), now_ms);
    }
}

/// The right to load a configuration: one at a time has it.
pub struct Turn<'a> {
    memory: &'a Memory,
    _guard: MutexGuard<'a, ()>,
}

impl Store {
    /// The hash of the configuration that is loaded; `None` for a store with a database.
    pub fn configuration_hash(&self) -> Option<String> {
        let memory = self.memory()?;
        Some(memory.hash.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Waits for the right to load a configuration.
    ///
    /// # Errors
    /// Too many wait already.
    pub async fn turn(&self) -> Result<Option<Turn<'_>>, Busy> {
        let Some(memory) = self.memory() else { return Ok(None) };
        if memory.waiting.load(Ordering::Relaxed) >= WAITING {
            return Err(Busy);
        }
        let _waits = Waits::new(&memory.waiting);
        Ok(Some(Turn { memory, _guard: memory.turn.lock().await }))
    }
}

/// Too many loads wait for their turn.
#[derive(Debug)]
pub struct Busy;

/// Somebody who waits, until it is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(count: &'a AtomicUsize) -> Waits<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Waits(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turn<'_> {
    /// Puts rows in their places, beside those that are read meanwhile.
    ///
    /// # Errors
    /// The program ends.
    pub async fn settle(&self, snapshot: Snapshot) -> Result<Settled, Failure> {
        let shared = Arc::clone(&self.memory.shared);
        // A configuration has fewer changes than this, so that no two have a version in common.
        let version = (self.memory.loads.fetch_add(1, Ordering::Relaxed) + 1) << 32;
        let settle = move || {
            let mut rows = snapshot.rows(&shared);
            rows.begin(version);
            Settled(rows)
        };
        let ended = |cause: JoinError| Failure::Broken(cause.to_string());
        tokio::task::spawn_blocking(settle).await.map_err(ended)
    }

    /// Puts the rows in the place of all others.
    pub fn replace(self, Settled(rows): Settled, hash: String) {
        let old = self.memory.mirror.replace(rows);
        *self.memory.hash.write().unwrap_or_else(PoisonError::into_inner) = hash;
        // Letting many rows go takes a while, for which nobody should have to wait.
        tokio::task::spawn_blocking(move || drop(old));
    }
}

/// Rows that are where they will be found.
pub struct Settled(Rows);

/// Questions about the rows.
pub struct Reading<'a> {
    memory: &'a Memory,
    scope: Scope,
    now_ms: i64,
}

impl Reading<'_> {
    /// The row of a key.
    pub async fn get(&mut self, entity: &'static Entity, key: &Key) -> Result<Option<Row>, Failure> {
        if let Key::Within { field, parent, by, value } = key {
            let rows = self.children(entity, field, parent).await?;
            return Ok(rows.into_iter().find(|row| row.get(*by).and_then(Value::as_str) == Some(value)));
        }
        let found = self.memory.mirror.look(|rows| rows.row(self.scope, entity, key)).flatten();
        Ok(found.and_then(|(json, at)| self.read(entity, &json, at)))
    }

    /// The rows of a page, and one more if there is one.
    pub async fn page(&mut self, entity: &'static Entity, page: &Page) -> Result<Vec<Row>, Failure> {
        let found = self.memory.mirror.look(|rows| rows.rows(self.scope, entity, page)).unwrap_or_default();
        let rows = found.into_iter().filter_map(|(json, at)| self.read(entity, &json, at));
        Ok(rows.take(page.size.saturating_add(1)).collect())
    }

    /// Every row that refers to `parent` through `field`.
    pub async fn children(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
    ) -> Result<Vec<Row>, Failure> {
        let within = Some((field, parent.to_owned()));
        self.page(entity, &Page { within, size: usize::MAX, ..Page::default() }).await
    }

    /// Rows that carry a tag, as `(entity, tag, id, ordinal)`, behind a place in the list.
    pub async fn tagged(
        &mut self,
        tag: Option<&str>,
        after: Option<&(String, i64)>,
        limit: usize,
    ) -> Result<Vec<(String, String, String, i64)>, Failure> {
        let from = after.and_then(|(id, _)| Uuid::parse_str(id).ok());
        let rows = self.memory.mirror.look(|rows| rows.tagged(self.scope, tag, from)).unwrap_or_default();
        let mut found = Vec::new();
        for (entity, id, json) in rows {
            let Ok(row) = serde_json::from_slice::<Row>(&json) else { continue };
            let tags =
                row.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            for (name, ordinal) in tags.zip(1..) {
                let behind = after.is_none_or(|(_, last)| from != Some(id) || ordinal > *last);
                if behind && tag.is_none_or(|tag| tag == name) {
                    found.push((entity.to_owned(), name.to_owned(), id.to_string(), ordinal));
                }
            }
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// A row as it is stored; one that expires says in how many seconds. `None`: its time is over.
    fn read(&self, entity: &'static Entity, json: &Bytes, expires_at: Option<i64>) -> Option<Row> {
        let mut row = output::without_old_names(entity, serde_json::from_slice(json).ok()?);
        if let Some(at) = expires_at {
            if at <= self.now_ms {
                return None;
            }
            row.insert("ttl".to_owned(), Value::from((at - self.now_ms) / 1000));
        }
        Some(row)
    }
}

/// What is said of a write that was not refused before.
fn unsupported(entity: &Entity) -> Failure {
    Error::OperationUnsupported(format!("cannot write '{}' entities when not using a database", entity.name))
        .into()
}

impl Conversation for Reading<'_> {
    const WRITES: bool = false;

    async fn get(&mut self, entity: &'static Entity, key: &Key) -> Result<Option<Row>, Failure> {
        Reading::get(self, entity, key).await
    }

    async fn children(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
    ) -> Result<Vec<Row>, Failure> {
        Reading::children(self, entity, field, parent).await
    }

    async fn among(
        &mut self,
        entity: &'static Entity,
        _: &'static str,
        _: Vec<String>,
    ) -> Result<Vec<Row>, Failure> {
        Err(unsupported(entity))
    }

    async fn write_all(
        &mut self,
        entity: &'static Entity,
        _: Vec<(Option<Row>, Row)>,
    ) -> Result<(), Failure> {
        Err(unsupported(entity))
    }

    async fn naming(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        id: &str,
    ) -> Result<Option<Row>, Failure> {
        let all = Page { size: usize::MAX, ..Page::default() };
        let names = |row: &Row| {
            let list = row.get(field).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|named| named.as_str() == Some(id)))
        };
        Ok(self.page(entity, &all).await?.into_iter().find(names))
    }

    async fn any(&mut self, entity: &'static Entity) -> Result<bool, Failure> {
        let one = Page { size: 1, ..Page::default() };
        Ok(!self.page(entity, &one).await?.is_empty())
    }

    fn turn_to(&mut self, scope: Scope) -> Scope {
        std::mem::replace(&mut self.scope, scope)
    }

    async fn expired(&mut self, _: &'static Entity) -> Result<Vec<Row>, Failure> {
        Ok(Vec::new())
    }

    fn insert(&mut self, entity: &'static Entity, _: Row) -> Result<(), Failure> {
        Err(unsupported(entity))
    }

    fn update(&mut self, entity: &'static Entity, _: Row, _: Row) -> Result<(), Failure> {
        Err(unsupported(entity))
    }

    fn delete(&mut self, entity: &'static Entity, _: Row) -> Result<(), Failure> {
        Err(unsupported(entity))
    }

    async fn flush(&mut self, _: bool) -> Result<(), Failure> {
        Ok(())
    }
}
