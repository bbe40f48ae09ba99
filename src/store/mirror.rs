//! A copy of the store's rows in memory, ready to be sent: reads of a single process need not ask the database.
//!
//! The one writer applies each transaction after it is durable and before its client hears of it, all at once, so
//! that no client can tell the copy from the store. A question that the copy cannot answer is answered by SQL.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use entities::schema::{Declarations, Entity, Row};
use generators::operations::{Key, Page, Scope, Tags, reference};
use generators::output;
use generators::sql::EXPIRY;
use serde_json::Value;
use uuid::Uuid;

use super::session::Change;

/// How many rows are held at most; beyond it, reads come from the database.
pub const MAX_ROWS: usize = 250_000;
/// How many bytes of rendered pages are held at most.
const MAX_PAGES: usize = 4 * 1024 * 1024;

/// The copy.
pub struct Mirror {
    state: RwLock<State>,
    pages: Mutex<Pages>,
}

enum State {
    /// There are too many rows, or nobody wants a copy.
    Off,
    /// The rows are being read; what is written meanwhile waits here.
    Loading(Vec<Change>),
    Ready(Rows),
}

/// Whole pages as they were sent, each with the version of the collection that it shows.
#[derive(Default)]
struct Pages {
    held: HashMap<String, (u64, Bytes)>,
    bytes: usize,
}

/// The rows of every entity whose rows are known by a UUID.
pub struct Rows {
    /// By workspace, each with its rows by entity; rows that belong to none stand under the nil UUID.
    spaces: HashMap<Uuid, HashMap<&'static str, Collection>>,
    /// The entities whose rows are held.
    held: HashSet<&'static str>,
    /// What a workspace has of an entity of which it has nothing.
    nothing: Box<Collection>,
    /// Grows with every change.
    version: u64,
    count: usize,
    /// Whether a page that is exactly full says that it goes on, as Kong without a database does.
    open_ended: bool,
}

#[derive(Default)]
struct Collection {
    rows: BTreeMap<Uuid, Bytes>,
    unique: HashMap<&'static str, HashMap<Box<str>, Uuid>>,
    children: HashMap<&'static str, HashMap<Uuid, BTreeSet<Uuid>>>,
    tags: HashMap<Box<str>, BTreeSet<Uuid>>,
    /// When rows are gone, in milliseconds since 1970.
    expiring: HashMap<Uuid, i64>,
    /// That of the rows, after the last change of the collection.
    version: u64,
}

/// A part of a collection: the rows, and the id behind which it goes on.
#[derive(Debug, Default)]
pub struct Slice {
    pub rows: Vec<Bytes>,
    pub goes_on_after: Option<String>,
    /// The version of the collection, where rows in memory answered.
    pub version: Option<u64>,
}

impl Mirror {
    /// A copy that holds nothing and answers nothing.
    pub fn disabled() -> Mirror {
        Mirror { state: RwLock::new(State::Off), pages: Mutex::default() }
    }

    /// A copy that answers as soon as it has been [filled](Mirror::fill). Rows must be read after this.
    pub fn loading() -> Mirror {
        Mirror { state: RwLock::new(State::Loading(Vec::new())), pages: Mutex::default() }
    }

    /// A copy that is the only place where the rows are.
    pub fn holding(rows: Rows) -> Mirror {
        Mirror { state: RwLock::new(State::Ready(rows)), pages: Mutex::default() }
    }

    /// Puts other rows in the place of all rows, at once; gives the old ones back, since letting them go takes time.
    pub fn replace(&self, rows: Rows) -> Option<Rows> {
        let old = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *state, State::Ready(rows))
        };
        self.forget_pages(None);
        match old {
            State::Ready(rows) => Some(rows),
            State::Off | State::Loading(_) => None,
        }
    }

    /// Deletes the rows whose time is over.
    pub fn expire(&self, entities: impl Iterator<Item = &'static Entity>, now_ms: i64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let State::Ready(rows) = &mut *state {
            entities.for_each(|entity| rows.expire(entity, now_ms));
        }
    }

    /// Asks the rows themselves.
    pub fn look<T>(&self, question: impl FnOnce(&Rows) -> T) -> Option<T> {
        self.read().rows().map(question)
    }

    /// Takes over the rows that were read, and then what was written meanwhile. A change that the rows show already
    /// changes nothing: each is followed by all later ones.
    pub fn fill(&self, mut rows: Rows) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let State::Loading(waiting) = &*state {
            waiting.iter().for_each(|change| rows.apply(change));
            *state = if rows.count <= MAX_ROWS { State::Ready(rows) } else { State::Off };
        }
    }

    /// Gives the copy up.
    pub fn give_up(&self) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State::Off;
    }

    /// Whether it holds nothing, and never will again.
    pub fn is_off(&self) -> bool {
        matches!(*self.read(), State::Off)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what a transaction wrote.
    pub fn apply(&self, changes: &mut Vec<Change>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            State::Off => {}
            State::Loading(waiting) => waiting.append(changes),
            State::Ready(rows) => {
                changes.iter().for_each(|change| rows.apply(change));
                if rows.count > MAX_ROWS {
                    let rows = rows.count;
                    tracing::info!(
                        rows,
                        "too many rows for memory; reads come from the database from here on"
                    );
                    *state = State::Off;
                }
            }
        }
    }

    /// A page as it was sent before, if nothing has changed since. `key` is the path with its arguments.
    pub fn page_sent(&self, scope: Scope, entity: &Entity, key: &str) -> Option<Bytes> {
        let version = self.read().rows()?.lasting(scope, entity)?.version;
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.held.get(key).filter(|(own, _)| *own == version).map(|(_, page)| page.clone())
    }

    /// Remembers a page that is sent.
    pub fn remember_page(&self, key: &str, version: u64, page: Bytes) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.bytes + page.len() > MAX_PAGES {
            *pages = Pages::default();
        }
        if page.len() <= MAX_PAGES / 4 {
            pages.bytes += page.len();
            if let Some((_, old)) = pages.held.insert(key.to_owned(), (version, page)) {
                pages.bytes -= old.len();
            }
        }
    }

    /// Forgets a page that was sent, or all of them.
    pub fn forget_pages(&self, key: Option<&str>) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        match key {
            None => *pages = Pages::default(),
            Some(key) => {
                if let Some((_, page)) = pages.held.remove(key) {
                    pages.bytes -= page.len();
                }
            }
        }
    }

    /// How many bytes of pages are remembered, and how many may be.
    pub fn page_memory(&self) -> (usize, usize) {
        (self.pages.lock().unwrap_or_else(PoisonError::into_inner).bytes, MAX_PAGES)
    }

    /// The row of a key. The outer `None`: ask the database.
    pub fn get(&self, scope: Scope, entity: &Entity, key: &Key) -> Option<Option<Bytes>> {
        let guard = self.read();
        let collection = guard.rows()?.lasting(scope, entity)?;
        Some(collection.id(key)?.and_then(|id| collection.rows.get(&id)).cloned())
    }

    /// The id of a key's row.
    pub fn id(&self, scope: Scope, entity: &Entity, key: &Key) -> Option<Option<String>> {
        let guard = self.read();
        let collection = guard.rows()?.lasting(scope, entity)?;
        let id = collection.id(key)?.filter(|id| collection.rows.contains_key(id));
        Some(id.map(|id| id.to_string()))
    }

    /// The row of a key, if it refers to `parent` through `field`.
    pub fn get_within(
        &self,
        scope: Scope,
        entity: &Entity,
        (field, parent): (&str, &str),
        key: &Key,
    ) -> Option<Option<Bytes>> {
        let guard = self.read();
        let collection = guard.rows()?.lasting(scope, entity)?;
        let below = |id: &Uuid| {
            let parent = Uuid::parse_str(parent).ok()?;
            collection.children.get(field)?.get(&parent)?.contains(id).then_some(())
        };
        Some(
            collection
                .id(key)?
                .filter(|id| below(id).is_some())
                .and_then(|id| collection.rows.get(&id))
                .cloned(),
        )
    }

    /// Whether a row refers to `parent` through `field`.
    pub fn has_children(&self, scope: Scope, entity: &Entity, field: &str, parent: &str) -> Option<bool> {
        let guard = self.read();
        let collection = guard.rows()?.lasting(scope, entity)?;
        let parent = Uuid::parse_str(parent).ok()?;
        Some(collection.children.get(field).is_some_and(|parents| parents.contains_key(&parent)))
    }

    /// A page of a collection.
    pub fn page(&self, scope: Scope, entity: &Entity, page: &Page) -> Option<Slice> {
        let guard = self.read();
        let rows = guard.rows()?;
        let collection = rows.lasting(scope, entity)?;
        let open_ended = rows.open_ended;
        let after = match &page.after {
            None => Unbounded,
            Some(id) => Excluded(Uuid::parse_str(id).ok()?),
        };
        let within = match &page.within {
            None => None,
            Some((field, parent)) => {
                let parent = Uuid::parse_str(parent).ok()?;
                Some(collection.children.get(field).and_then(|parents| parents.get(&parent)))
            }
        };
        let mut slice = Slice { version: Some(collection.version), ..Slice::default() };
        match (within, &page.tags) {
            (None, None) => {
                let rows = collection.rows.range((after, Unbounded));
                slice.fill(page.size, open_ended, rows.map(|(id, row)| (*id, row)));
            }
            (Some(None), None) => {}
            (Some(Some(ids)), None) => {
                let rows =
                    ids.range((after, Unbounded)).filter_map(|id| Some((*id, collection.rows.get(id)?)));
                slice.fill(page.size, open_ended, rows);
            }
            (None, Some(tags)) => {
                let ids = collection.tagged(tags, after, page.size + 1);
                slice.fill(
                    page.size,
                    false,
                    ids.into_iter().filter_map(|id| Some((id, collection.rows.get(&id)?))),
                );
            }
            (Some(_), Some(_)) => return None,
        }
        Some(slice)
    }
}

impl State {
    fn rows(&self) -> Option<&Rows> {
        match self {
            State::Ready(rows) => Some(rows),
            State::Off | State::Loading(_) => None,
        }
    }
}

impl Slice {
    fn fill<'a>(&mut self, size: usize, open_ended: bool, rows: impl Iterator<Item = (Uuid, &'a Bytes)>) {
        let mut last = None;
        for (id, row) in rows {
            if self.rows.len() == size {
                self.goes_on_after = last.map(|id: Uuid| id.to_string());
                return;
            }
            self.rows.push(row.clone());
            last = Some(id);
        }
        if open_ended && self.rows.len() == size {
            self.goes_on_after = last.map(|id| id.to_string());
        }
    }
}

impl Rows {
    /// No rows yet.
    pub fn new(declarations: &Declarations) -> Rows {
        Rows::of(declarations.entities().filter(|entity| entity.stored && is_mirrored(entity)), false)
    }

    /// No rows yet, of a store that has no other place for them: rows that expire are held, too.
    pub fn alone(declarations: &Declarations) -> Rows {
        Rows::of(declarations.entities().filter(|entity| entity.stored && entity.has_uuid()), true)
    }

    fn of(held: impl Iterator<Item = &'static Entity>, open_ended: bool) -> Rows {
        Rows {
            spaces: HashMap::new(),
            held: held.map(|entity| entity.name).collect(),
            nothing: Box::default(),
            version: 0,
            count: 0,
            open_ended,
        }
    }

    /// Begins to count versions at a number that no rows before these had.
    pub fn begin(&mut self, version: u64) {
        self.version = version;
        self.nothing.version = version;
        let collections = self.spaces.values_mut().flat_map(HashMap::values_mut);
        collections.for_each(|collection| collection.version = version);
    }

    /// The rows that a workspace has of an entity. `None`: such rows, or those of every workspace at once, are not to be
    /// had here.
    fn collection(&self, scope: Scope, entity: &Entity) -> Option<&Collection> {
        let space = match scope {
            _ if !entity.workspaceable => Uuid::nil(),
            Scope::Workspace(id) => id,
            Scope::Every => return None,
        };
        match self.spaces.get(&space).and_then(|space| space.get(entity.name)) {
            None => self.held.contains(entity.name).then_some(&self.nothing),
            found => found,
        }
    }

    /// The rows of an entity, unless some of them expire: those must be looked at one by one.
    fn lasting(&self, scope: Scope, entity: &Entity) -> Option<&Collection> {
        self.collection(scope, entity).filter(|collection| collection.expiring.is_empty())
    }

    /// The row of a key, as it was held, and when it is gone.
    pub fn row(&self, scope: Scope, entity: &Entity, key: &Key) -> Option<(Bytes, Option<i64>)> {
        let collection = self.collection(scope, entity)?;
        let id = collection.id(key)??;
        Some((collection.rows.get(&id)?.clone(), collection.expiring.get(&id).copied()))
    }

    /// Rows behind an id, or those of them that refer to a row.
    pub fn rows(&self, scope: Scope, entity: &Entity, page: &Page) -> Vec<(Bytes, Option<i64>)> {
        let Some(collection) = self.collection(scope, entity) else { return Vec::new() };
        let after = page.after.as_deref().and_then(|id| Uuid::parse_str(id).ok());
        let within = page.within.as_ref().map(|(field, parent)| {
            let parent = Uuid::parse_str(parent).ok()?;
            collection.children.get(field)?.get(&parent)
        });
        let tagged = page.tags.as_ref().map(|tags| collection.tagged(tags, Unbounded, usize::MAX));
        let wanted = |id: &Uuid| {
            after.is_none_or(|after| *id > after)
                && tagged.as_ref().is_none_or(|tagged| tagged.binary_search(id).is_ok())
        };
        let found =
            |id: &Uuid| Some((collection.rows.get(id)?.clone(), collection.expiring.get(id).copied()));
        match within {
            Some(None) => Vec::new(),
            Some(Some(ids)) => ids.iter().filter(|id| wanted(id)).filter_map(found).collect(),
            None => collection.rows.keys().filter(|id| wanted(id)).filter_map(found).collect(),
        }
    }

    /// Rows that carry a tag, or any, behind an id: entity, id and row, in the order of ids.
    pub fn tagged(
        &self,
        scope: Scope,
        tag: Option<&str>,
        from: Option<Uuid>,
    ) -> Vec<(&'static str, Uuid, Bytes)> {
        let mut found = Vec::new();
        let is_seen = |space: &Uuid| space.is_nil() || scope == Scope::Workspace(*space);
        let seen = self.spaces.iter().filter(|(space, _)| is_seen(space));
        for (entity, collection) in seen.flat_map(|(_, space)| space) {
            let sets = collection.tags.iter().filter(|(name, _)| tag.is_none_or(|tag| tag == &***name));
            let ids: BTreeSet<_> =
                sets.flat_map(|(_, ids)| ids).filter(|id| from.is_none_or(|from| **id >= from)).collect();
            found.extend(
                ids.into_iter().filter_map(|id| Some((*entity, *id, collection.rows.get(id)?.clone()))),
            );
        }
        found.sort_by_key(|(_, id, _)| *id);
        found
    }

    fn expire(&mut self, entity: &'static Entity, now_ms: i64) {
        for collection in self.spaces.values_mut().filter_map(|space| space.get_mut(entity.name)) {
            let over = collection.expiring.iter().filter(|(_, at)| **at <= now_ms);
            for id in over.map(|(id, _)| *id).collect::<Vec<_>>() {
                let json = collection.rows.remove(&id);
                if let Some(row) = json.and_then(|json| serde_json::from_slice(&json).ok()) {
                    collection.forget(entity, id, &row);
                    self.count -= 1;
                }
                collection.expiring.remove(&id);
                self.version += 1;
                collection.version = self.version;
            }
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Takes over a change.
    pub fn apply(&mut self, change: &Change) {
        if !self.held.contains(change.entity.name) {
            return;
        }
        let Ok(id) = Uuid::parse_str(&change.id) else { return };
        let space = self.spaces.entry(change.workspace.unwrap_or_default()).or_default();
        let collection = space.entry(change.entity.name).or_default();
        self.version += 1;
        collection.version = self.version;
        if let Some(before) = &change.before {
            collection.forget(change.entity, id, before);
            self.count -= usize::from(collection.rows.remove(&id).is_some());
        }
        if let Some(after) = &change.after {
            collection.learn(change.entity, id, after);
            self.count += usize::from(
                collection.rows.insert(id, Bytes::from(output::render(change.entity, after))).is_none(),
            );
        } else if change.entity.default_workspace.is_some() {
            // A workspace that goes is empty.
            self.spaces.remove(&id);
        }
    }
}

/// Whether rows of an entity are held: those with one UUID as their key, which do not expire.
fn is_mirrored(entity: &Entity) -> bool {
    entity.has_uuid() && !entity.ttl
}

impl Collection {
    /// The id of a key's row. The outer `None`: not known here.
    fn id(&self, key: &Key) -> Option<Option<Uuid>> {
        match key {
            Key::Primary(id) => Some(Uuid::parse_str(id).ok()),
            Key::Unique { field, value } => Some(self.unique.get(field)?.get(value.as_str()).copied()),
            Key::Within { .. } => None,
        }
    }

    fn learn(&mut self, entity: &'static Entity, id: Uuid, row: &Row) {
        for (name, field) in entity.fields {
            let value = row.get(*name).unwrap_or(&Value::Null);
            if field.is_unique() && field.foreign().is_none() {
                let known = self.unique.entry(name).or_default();
                if let Some(text) = value.as_str() {
                    known.insert(text.into(), id);
                }
            }
            if let Some(parent) = parent_of(entity, name, value) {
                self.children.entry(name).or_default().entry(parent).or_default().insert(id);
            }
        }
        for tag in tags(row) {
            self.tags.entry(tag.into()).or_default().insert(id);
        }
        if let Some(at) = row.get(EXPIRY).and_then(Value::as_i64) {
            self.expiring.insert(id, at);
        }
    }

    fn forget(&mut self, entity: &'static Entity, id: Uuid, row: &Row) {
        for (name, field) in entity.fields {
            let value = row.get(*name).unwrap_or(&Value::Null);
            if let (true, Some(text)) = (field.is_unique(), value.as_str())
                && let Some(known) = self.unique.get_mut(name)
                && known.get(text) == Some(&id)
            {
                known.remove(text);
            }
            if let Some(parent) = parent_of(entity, name, value)
                && let Some(parents) = self.children.get_mut(name)
                && let Some(ids) = parents.get_mut(&parent)
            {
                ids.remove(&id);
                if ids.is_empty() {
                    parents.remove(&parent);
                }
            }
        }
        for tag in tags(row) {
            if let Some(ids) = self.tags.get_mut(tag) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.tags.remove(tag);
                }
            }
        }
    }

    /// The ids of the first rows that carry the tags, in order.
    fn tagged(&self, tags: &Tags, after: std::ops::Bound<Uuid>, limit: usize) -> Vec<Uuid> {
        let sets: Vec<_> = tags.names.iter().map(|name| self.tags.get(name.as_str())).collect();
        if tags.all {
            let Some(mut sets) = sets.into_iter().collect::<Option<Vec<_>>>() else { return Vec::new() };
            sets.sort_by_key(|set| set.len());
            let Some((smallest, rest)) = sets.split_first() else { return Vec::new() };
            let ids = smallest.range((after, Unbounded));
            return ids.filter(|id| rest.iter().all(|set| set.contains(id))).take(limit).copied().collect();
        }
        let any: BTreeSet<Uuid> = sets
            .into_iter()
            .flatten()
            .flat_map(|set| set.range((after, Unbounded)).take(limit))
            .copied()
            .collect();
        any.into_iter().take(limit).collect()
    }
}

fn parent_of(entity: &'static Entity, name: &str, value: &Value) -> Option<Uuid> {
    let parent = entity.field(name)?.foreign()?;
    Uuid::parse_str(&reference(value, parent)?).ok()
}

fn tags(row: &Row) -> impl Iterator<Item = &str> {
    row.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
