//! The rows of one workspace: every question and every write of a client goes through its space, and sees nothing of
//! the others. Rows of entities that belong to no workspace are seen from each. A row that its client may not see is as
//! good as absent.
//!
//! Reads are answered by the rows in memory where there are such, and by the database else.

use std::borrow::Cow;

use bytes::Bytes;
use entities::schema::{Entity, Row};
use generators::operations::{Key, Operation, Page, Scope, id_of, reference};
use generators::tables::Dialect;
use generators::{listings, output};
use serde_json::Value;

use super::client::Client;
use super::execute::reference_field;
use super::failure::Failure;
use super::figures::Asked;
use super::mirror::Mirror;
use super::rows::Slice;
use super::session::Session;
use super::together::Operations;
use super::transaction::Progress;
use super::{Engine, Store};

/// A workspace of a store.
#[derive(Clone, Copy)]
pub struct Space<'a> {
    pub(super) store: &'a Store,
    pub(super) scope: Scope,
    pub(super) client: Option<&'a Client>,
}

/// Runs a read on the engine's database session.
macro_rules! session {
    ($self:expr, $session:ident => $question:expr) => {{
        let _asking = $self.store.figures.begin(Asked::Read);
        let now_ms = $self.store.shared.circumstances().context().now_ms();
        match &$self.store.engine {
            Engine::Sqlite(engine) => {
                let (db, statements) = (&engine.readers, &engine.statements);
                let mut $session = Session::new(db, statements, Dialect::Sqlite, $self.scope, now_ms);
                $question
            }
            Engine::Postgres(engine) => {
                let _turn = engine.turn().await?;
                let mut tries = 1;
                loop {
                    let now_ms = $self.store.shared.circumstances().context().now_ms();
                    let mut $session = engine.session($self.scope, now_ms);
                    match $question {
                        Err(failure) if engine.try_again(&failure, tries).await => tries += 1,
                        answer => break answer,
                    }
                }
            }
            Engine::Memory(engine) => {
                let mut $session = engine.conversation($self.scope, now_ms);
                $question
            }
        }
    }};
}

impl<'a> Space<'a> {
    /// The same rows, asked for by a client that is known.
    pub fn asked_by(self, client: Option<&'a Client>) -> Space<'a> {
        Space { client, ..self }
    }

    /// Runs an operation in one transaction. The row is what the client gets to see.
    pub async fn write(self, operation: Operation) -> Result<Option<Row>, Failure> {
        self.write_all(Operations::Any(vec![operation]), &Progress::default()).await
    }

    /// Whether it is that of requests whose path names no workspace.
    pub fn is_default(self) -> bool {
        self.scope == self.store.default
    }

    /// The client, if some rows are out of its reach.
    fn limited(&self) -> Option<&'a Client> {
        self.client.filter(|client| client.is_limited())
    }

    /// Whether the client may see a row that is rendered.
    fn shows(&self, json: &[u8]) -> bool {
        let reached = |client: &Client| serde_json::from_slice(json).is_ok_and(|row| client.reaches(&row));
        self.limited().is_none_or(reached)
    }

    fn mirror(&self) -> Option<&Mirror> {
        self.store.mirror()
    }

    /// The row of a key, rendered.
    pub async fn get(self, entity: &'static Entity, key: &Key) -> Result<Option<Bytes>, Failure> {
        let held = self.mirror().and_then(|mirror| mirror.get(self.scope, entity, key));
        let found = match held {
            Some(found) => found,
            None => self.row(entity, key).await?.map(|row| output::render(entity, &row).into()),
        };
        Ok(found.filter(|json: &Bytes| self.shows(json)))
    }

    /// The row of a key with the names of the rows that it lists, rendered.
    pub async fn get_listed(self, entity: &'static Entity, key: &Key) -> Result<Option<Bytes>, Failure> {
        match self.get(entity, key).await? {
            Some(json) if entity.listing().is_some() => self.with_listing(entity, &json).await.map(Some),
            found => Ok(found),
        }
    }

    /// The row of a key.
    pub async fn row(self, entity: &'static Entity, key: &Key) -> Result<Option<Row>, Failure> {
        let found = session!(self, session => session.get(entity, key).await)?;
        Ok(found.filter(|row| self.limited().is_none_or(|client| client.reaches(row))))
    }

    /// The id of a key's row.
    pub async fn id(self, entity: &'static Entity, key: &Key) -> Result<Option<String>, Failure> {
        match self.mirror().and_then(|mirror| mirror.id(self.scope, entity, key)) {
            Some(id) => Ok(id),
            None => Ok(self.row(entity, key).await?.and_then(|row| id_of(entity, &row))),
        }
    }

    /// The row of a key, rendered, if it refers to `parent` through `field`.
    pub async fn get_within(
        self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
        key: &Key,
    ) -> Result<Option<Bytes>, Failure> {
        let below = (field, parent);
        let held = self.mirror().and_then(|mirror| mirror.get_within(self.scope, entity, below, key));
        if let Some(found) = held {
            return Ok(found.filter(|json: &Bytes| self.shows(json)));
        }
        let row = self.row(entity, key).await?;
        let above = |row: &Row| {
            let parent = entity.field(field)?.foreign()?;
            reference(row.get(field)?, parent)
        };
        Ok(row
            .filter(|row| above(row).as_deref() == Some(parent))
            .map(|row| output::render(entity, &row).into()))
    }

    /// A page, rendered.
    pub async fn page(self, entity: &'static Entity, page: &Page) -> Result<Slice, Failure> {
        let mut slice = match self.mirror().and_then(|mirror| mirror.page(self.scope, entity, page)) {
            Some(slice) => slice,
            None => {
                let rows = session!(self, session => session.page(entity, page).await)?;
                let last = rows.get(page.size.saturating_sub(1)).filter(|_| rows.len() > page.size);
                let goes_on_after = last.and_then(|row| id_of(entity, row));
                let rows =
                    rows.iter().take(page.size).map(|row| output::render(entity, row).into()).collect();
                Slice { rows, goes_on_after, version: None }
            }
        };
        slice.rows.retain(|json| self.shows(json));
        if entity.listing().is_some() && page.within.is_none() {
            for json in &mut slice.rows {
                *json = self.with_listing(entity, json).await?;
            }
        }
        Ok(slice)
    }

    /// A page as it was sent before, if nothing has changed since. `key` is the path with its arguments.
    pub fn page_sent(self, entity: &Entity, key: &str) -> Option<Bytes> {
        let mirror = self.mirror().filter(|_| entity.listing().is_none() && self.limited().is_none())?;
        mirror.page_sent(self.scope, entity, &self.page_key(key))
    }

    /// Remembers a page that is sent, where it can be told whether it still holds.
    pub fn remember_page(self, key: &str, version: Option<u64>, page: &Bytes) {
        if let (Some(mirror), Some(version), None) = (self.mirror(), version, self.limited()) {
            mirror.remember_page(&self.page_key(key), version, page.clone());
        }
    }

    /// Forgets a page that is remembered.
    pub fn forget_page(self, key: &str) {
        if let Some(mirror) = self.mirror() {
            mirror.forget_pages(Some(&self.page_key(key)));
        }
    }

    /// Pages of different workspaces have the same path, and a name may be given to one workspace after another.
    fn page_key<'k>(&self, key: &'k str) -> Cow<'k, str> {
        match self.scope {
            Scope::Workspace(id) if !self.is_default() => Cow::Owned(format!("{id} {key}")),
            _ => Cow::Borrowed(key),
        }
    }

    /// Every row that refers to `parent` through `field`.
    pub async fn children(
        self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
    ) -> Result<Vec<Row>, Failure> {
        let mut rows = session!(self, session => session.children(entity, field, parent).await)?;
        rows.retain(|row| self.limited().is_none_or(|client| client.reaches(row)));
        Ok(rows)
    }

    /// Rows that carry a tag, as `(entity, tag, id, ordinal)`.
    pub async fn tagged(
        self,
        tag: Option<&str>,
        after: Option<&(String, i64)>,
        limit: usize,
    ) -> Result<Vec<(String, String, String, i64)>, Failure> {
        session!(self, session => session.tagged(tag, after, limit).await)
    }

    /// A row with the names of the rows that it lists.
    async fn with_listing(self, entity: &'static Entity, json: &[u8]) -> Result<Bytes, Failure> {
        let broken = |cause: serde_json::Error| Failure::Broken(cause.to_string());
        let mut row: Row = serde_json::from_slice(json).map_err(broken)?;
        if let Some((name, other, by)) = entity.listing()
            && let Some(other) = self.store.shared.declarations.entity(other)
            && let (Some(field), Some(id)) = (reference_field(other, entity), id_of(entity, &row))
        {
            let page = Page { within: Some((field, id)), size: usize::MAX >> 2, ..Page::default() };
            let rows = Box::pin(self.page(other, &page)).await?.rows;
            let name_of = |json: Bytes| {
                let row: Option<Row> = serde_json::from_slice(&json).ok();
                row.and_then(|row| row.get(by)?.as_str().map(str::to_owned))
            };
            let names = listings::sorted(rows.into_iter().filter_map(name_of));
            row.insert(name.to_owned(), Value::from(names));
        }
        Ok(output::render(entity, &row).into())
    }
}
