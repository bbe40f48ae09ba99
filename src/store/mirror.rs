//! A copy of the store's rows in memory, ready to be sent: reads of a single process need not ask the database.
//!
//! The one writer applies each transaction after it is durable and before its client hears of it, all at once, so
//! that no client can tell the copy from the store. A question that the copy cannot answer is answered by SQL.

use std::collections::HashMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use entities::schema::Entity;
use generators::operations::{Key, Page, Scope};
use uuid::Uuid;

use super::rows::{Rows, Slice};
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
            *state = if rows.len() <= MAX_ROWS { State::Ready(rows) } else { State::Off };
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
                if rows.len() > MAX_ROWS {
                    let rows = rows.len();
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
        let parent = Uuid::parse_str(parent).ok();
        let below = |id: &Uuid| parent.is_some_and(|parent| collection.is_child(field, parent, *id));
        Some(collection.id(key)?.filter(below).and_then(|id| collection.rows.get(&id)).cloned())
    }

    /// Whether a row refers to `parent` through `field`.
    pub fn has_children(&self, scope: Scope, entity: &Entity, field: &str, parent: &str) -> Option<bool> {
        let guard = self.read();
        let collection = guard.rows()?.lasting(scope, entity)?;
        let parent = Uuid::parse_str(parent).ok()?;
        Some(collection.children(field, parent, Unbounded).next().is_some())
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
            Some((field, parent)) => Some((field, Uuid::parse_str(parent).ok()?)),
        };
        let mut slice = Slice { version: Some(collection.version), ..Slice::default() };
        let found = |id: Uuid| Some((id, collection.rows.get(&id)?));
        match (within, &page.tags) {
            (None, None) => {
                let rows = collection.rows.range((after, Unbounded));
                slice.fill(page.size, open_ended, rows.map(|(id, row)| (*id, row)));
            }
            (Some((field, parent)), None) => {
                let ids = collection.children(field, parent, after);
                slice.fill(page.size, open_ended, ids.filter_map(found));
            }
            (None, Some(tags)) => {
                let ids = collection.tagged(tags, after, page.size + 1);
                slice.fill(page.size, false, ids.into_iter().filter_map(found));
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
