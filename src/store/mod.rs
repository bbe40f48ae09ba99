//! The store: where rows are kept. SQLite inside by default, PostgreSQL when several nodes share a configuration.
//!
//! The store is asked with keys, pages and operations, and answers with rows; it is the only part of the program
//! that speaks SQL. Every write is one transaction that also appends to the change log.

mod announcements;
mod batch;
mod connections;
mod conversation;
mod execute;
mod failure;
mod memory;
mod migrations;
mod mirror;
mod parts;
mod postgres;
mod session;
mod sqlite;
mod transaction;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use entities::schema::{Context, Declarations, Entity, Flavor, Row};
use generators::errors::Error;
use generators::graph::Graph;
use generators::operations::{Action, Key, Operation, Page, id_of, primary, reference};
use generators::routes::Place;
use generators::tables::{Dialect, Step, tables};
use generators::{listings, output, sql};
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::Value;

pub use announcements::Announcement;
pub use connections::Connection;
pub use execute::{absent_below, below_key, reference_field, reference_to};
pub use failure::{Failure, NOT_FOUND};
pub use memory::{Busy, Snapshot, Turn};
pub use mirror::Slice;

pub use sqlite::Location;
pub use transaction::Progress;

use execute::Execution;
use failure::{Conflict, Write};
use session::Session;

use crate::clock::Circumstances;

/// Which database holds the rows, and where it is.
#[derive(Clone)]
pub enum Database {
    Sqlite {
        location: Location,
        read_cache: bool,
    },
    Postgres(Box<Connection>),
    /// None: the rows are those of a declarative configuration.
    Off,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    #[error("the database '{path}' cannot be used: {cause}", path = path.display())]
    Unusable { path: PathBuf, cause: String },
    #[error("another process has the database '{}' open", .0.display())]
    InUse(PathBuf),
    #[error("{0}")]
    Migration(#[from] migrations::MigrationError),
}

/// What every engine knows.
pub struct Shared {
    pub declarations: Arc<Declarations>,
    graph: Graph,
    flavor: Flavor,
}

impl Shared {
    fn circumstances(&self) -> Circumstances {
        Circumstances::now(self.flavor, self.declarations.without_database())
    }
}

/// An open store.
pub struct Store {
    shared: Arc<Shared>,
    engine: Engine,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
    Memory(memory::Memory),
}

/// Runs a read on the engine's database session.
macro_rules! session {
    ($self:expr, $session:ident => $question:expr) => {
        match &$self.engine {
            Engine::Sqlite(engine) => {
                let now_ms = $self.shared.circumstances().context().now_ms();
                let mut $session = Session::new(&engine.readers, &engine.statements, Dialect::Sqlite, now_ms);
                $question
            }
            Engine::Postgres(engine) => {
                let _turn = engine.turn().await?;
                let mut tries = 1;
                loop {
                    let now_ms = $self.shared.circumstances().context().now_ms();
                    let mut $session = engine.session(now_ms);
                    match $question {
                        Err(failure) if engine.try_again(&failure, tries).await => tries += 1,
                        answer => break answer,
                    }
                }
            }
            Engine::Memory(engine) => {
                let now_ms = $self.shared.circumstances().context().now_ms();
                let mut $session = engine.conversation(now_ms);
                $question
            }
        }
    };
}

impl Store {
    /// Opens the store and brings its tables to what the declarations need.
    pub async fn open(
        database: &Database,
        declarations: Arc<Declarations>,
        flavor: Flavor,
    ) -> Result<Store, OpenError> {
        let graph = Graph::new(&declarations);
        let shared = Arc::new(Shared { declarations, graph, flavor });
        let engine = match database {
            Database::Sqlite { location, read_cache } => {
                Engine::Sqlite(sqlite::Sqlite::open(location, *read_cache, Arc::clone(&shared)).await?)
            }
            Database::Postgres(connection) => {
                Engine::Postgres(postgres::Postgres::open(connection, Arc::clone(&shared)).await?)
            }
            Database::Off => Engine::Memory(memory::Memory::open(Arc::clone(&shared))),
        };
        Ok(Store { shared, engine })
    }

    /// Whether the database answers.
    pub async fn is_reachable(&self) -> bool {
        let ping = async {
            match &self.engine {
                Engine::Sqlite(engine) => engine.readers.execute_unprepared("SELECT 1").await.is_ok(),
                Engine::Postgres(engine) => engine.is_reachable().await,
                Engine::Memory(_) => true,
            }
        };
        tokio::time::timeout(Duration::from_secs(5), ping).await.unwrap_or(false)
    }

    /// Runs an operation in one transaction. The row is what the client gets to see.
    pub async fn write(&self, operation: Operation) -> Result<Option<Row>, Failure> {
        self.write_all(vec![operation], &Progress::default()).await
    }

    /// Deletes every row whose time is over.
    pub async fn expire(&self) {
        if let Engine::Memory(engine) = &self.engine {
            return engine.expire(self.shared.circumstances().context().now_ms());
        }
        for entity in self.shared.declarations.entities().filter(|entity| entity.ttl && entity.stored) {
            let operation = Operation {
                action: Action::Expire,
                place: Place::Collection(entity),
                parameters: Vec::new(),
                row: Row::new(),
                textual: false,
            };
            if let Err(failure) = self.write(operation).await {
                tracing::warn!(
                    entity = entity.name,
                    ?failure,
                    "rows whose time is over could not be deleted"
                );
            }
        }
    }

    fn mirror(&self) -> Option<&mirror::Mirror> {
        match &self.engine {
            Engine::Sqlite(engine) => Some(&engine.mirror),
            Engine::Memory(engine) => Some(&engine.mirror),
            Engine::Postgres(_) => None,
        }
    }

    fn memory(&self) -> Option<&memory::Memory> {
        match &self.engine {
            Engine::Memory(engine) => Some(engine),
            Engine::Sqlite(_) | Engine::Postgres(_) => None,
        }
    }

    /// The row of a key, rendered.
    pub async fn get(&self, entity: &'static Entity, key: &Key) -> Result<Option<Bytes>, Failure> {
        let held = self.mirror().and_then(|mirror| mirror.get(entity, key));
        let found = match held {
            Some(found) => found,
            None => self.row(entity, key).await?.map(|row| output::render(entity, &row).into()),
        };
        Ok(found)
    }

    /// The row of a key with the names of the rows that it lists, rendered.
    pub async fn get_listed(&self, entity: &'static Entity, key: &Key) -> Result<Option<Bytes>, Failure> {
        match self.get(entity, key).await? {
            Some(json) if entity.listing().is_some() => self.with_listing(entity, &json).await.map(Some),
            found => Ok(found),
        }
    }

    /// The row of a key.
    pub async fn row(&self, entity: &'static Entity, key: &Key) -> Result<Option<Row>, Failure> {
        session!(self, session => session.get(entity, key).await)
    }

    /// The id of a key's row.
    pub async fn id(&self, entity: &'static Entity, key: &Key) -> Result<Option<String>, Failure> {
        match self.mirror().and_then(|mirror| mirror.id(entity, key)) {
            Some(id) => Ok(id),
            None => Ok(self.row(entity, key).await?.and_then(|row| id_of(entity, &row))),
        }
    }

    /// The row of a key, rendered, if it refers to `parent` through `field`.
    pub async fn get_within(
        &self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
        key: &Key,
    ) -> Result<Option<Bytes>, Failure> {
        if let Some(found) = self.mirror().and_then(|mirror| mirror.get_within(entity, field, parent, key)) {
            return Ok(found);
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
    pub async fn page(&self, entity: &'static Entity, page: &Page) -> Result<Slice, Failure> {
        let mut slice = match self.mirror().and_then(|mirror| mirror.page(entity, page)) {
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
        if entity.listing().is_some() && page.within.is_none() {
            for json in &mut slice.rows {
                *json = self.with_listing(entity, json).await?;
            }
        }
        Ok(slice)
    }

    /// A page as it was sent before, if nothing has changed since. `key` is the path with its arguments.
    pub fn page_sent(&self, entity: &Entity, key: &str) -> Option<Bytes> {
        self.mirror().filter(|_| entity.listing().is_none())?.page_sent(entity, key)
    }

    /// Remembers a page that is sent, where it can be told whether it still holds.
    pub fn remember_page(&self, key: &str, version: Option<u64>, page: &Bytes) {
        if let (Some(mirror), Some(version)) = (self.mirror(), version) {
            mirror.remember_page(key, version, page.clone());
        }
    }

    /// Forgets a page that is remembered, or all of them.
    pub fn forget_pages(&self, key: Option<&str>) {
        if let Some(mirror) = self.mirror() {
            mirror.forget_pages(key);
        }
    }

    /// How many bytes of pages are remembered, and how many may be; `None` where none are.
    pub fn page_memory(&self) -> Option<(usize, usize)> {
        self.mirror().map(mirror::Mirror::page_memory)
    }

    /// Every row that refers to `parent` through `field`.
    pub async fn children(
        &self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
    ) -> Result<Vec<Row>, Failure> {
        session!(self, session => session.children(entity, field, parent).await)
    }

    /// Rows that carry a tag, as `(entity, tag, id, ordinal)`.
    pub async fn tagged(
        &self,
        tag: Option<&str>,
        after: Option<&(String, i64)>,
        limit: usize,
    ) -> Result<Vec<(String, String, String, i64)>, Failure> {
        session!(self, session => session.tagged(tag, after, limit).await)
    }

    /// A row with the names of the rows that it lists.
    async fn with_listing(&self, entity: &'static Entity, json: &[u8]) -> Result<Bytes, Failure> {
        let broken = |cause: serde_json::Error| Failure::Broken(cause.to_string());
        let mut row: Row = serde_json::from_slice(json).map_err(broken)?;
        if let Some((name, other, by)) = entity.listing()
            && let Some(other) = self.shared.declarations.entity(other)
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

    /// Finishes what was begun and closes the database.
    pub async fn close(self) {
        match self.engine {
            Engine::Memory(_) => {}
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => {
                if let Err(cause) = engine.db.close().await {
                    tracing::error!(%cause, "the database did not close well");
                }
            }
        }
    }
}

fn execution<'a, S>(session: &'a mut S, shared: &'a Shared, context: &'a Context<'a>) -> Execution<'a, S> {
    Execution { session, declarations: &shared.declarations, graph: &shared.graph, context }
}

/// Finds out which constraint a write broke: a taken primary key first, then unique fields, then references.
async fn diagnose<C: ConnectionTrait>(
    session: &mut Session<'_, C>,
    shared: &Shared,
    conflict: Conflict,
) -> Failure {
    for write in &conflict.writes {
        match find_conflict(session, shared, write).await {
            Ok(Some(error)) => return Failure::Refused(error),
            Ok(None) => {}
            Err(failure) => return failure,
        }
    }
    Failure::Broken(conflict.cause)
}

async fn find_conflict<C: ConnectionTrait>(
    session: &mut Session<'_, C>,
    shared: &Shared,
    write: &Write,
) -> Result<Option<Error>, Failure> {
    let Some(entity) = shared.declarations.entity(write.entity) else { return Ok(None) };
    let row = &write.row;
    let Some(id) = id_of(entity, row) else { return Ok(None) };
    if write.insert && session.get(entity, &Key::Primary(id.clone())).await?.is_some() {
        return Ok(Some(Error::PrimaryKeyViolation(primary(entity, &id))));
    }
    let is_other = |found: &Row| id_of(entity, found).as_deref() != Some(id.as_str());
    for (field, declared) in entity.unique_fields() {
        let value = row.get(field).unwrap_or(&Value::Null);
        let text = match declared.foreign() {
            Some(parent) => reference(value, parent),
            None => value.as_str().map(str::to_owned),
        };
        let Some(text) = text else { continue };
        if session
            .get(entity, &Key::Unique { field, value: text })
            .await?
            .is_some_and(|found| is_other(&found))
        {
            return Ok(Some(Error::UniqueViolation(Row::from_iter([(field.to_owned(), value.clone())]))));
        }
    }
    if let Some(key) = sql::cache_key(entity, row)
        && session.by_cache_key(entity, &key).await?.is_some_and(|found| is_other(&found))
    {
        let part = |name: &&str| ((*name).to_owned(), row.get(*name).cloned().unwrap_or_default());
        return Ok(Some(Error::UniqueViolation(entity.cache_key.iter().map(part).collect())));
    }
    for (field, _, parent) in entity.foreign_keys() {
        let parent = shared.declarations.resolve(parent);
        let Some(id) = row.get(field).and_then(|value| reference(value, parent)) else { continue };
        if session.get(parent, &Key::Primary(id.clone())).await?.is_none() {
            let (key, parent) = (primary(parent, &id), parent.name);
            return Ok(Some(Error::ForeignKeyViolation { field, key, parent }));
        }
    }
    Ok(None)
}

/// Tells the log what a migration did.
fn report(steps: &[Step]) {
    for step in steps {
        tracing::info!(step = %step.what, "migrated");
    }
}

/// The steps that a database still needs.
pub async fn pending(database: &Database, declarations: &Declarations) -> Result<Vec<Step>, OpenError> {
    let wanted = tables(declarations);
    match database {
        Database::Sqlite { location, .. } => {
            let (db, _lock) = sqlite::inspect(location).await?;
            Ok(migrations::pending(&db, Dialect::Sqlite, &wanted).await?)
        }
        Database::Postgres(connection) => {
            let db = connections::connect(connection, Arc::default()).await?;
            Ok(migrations::pending(&db, Dialect::Postgres, &wanted).await?)
        }
        Database::Off => Ok(Vec::new()),
    }
}

/// Brings a database up to date, or with `reset` drops all that it holds.
pub async fn migrate(
    database: &Database,
    declarations: &Declarations,
    reset: bool,
) -> Result<Vec<Step>, OpenError> {
    let wanted = tables(declarations);
    let (db, dialect, _lock) = match database {
        Database::Sqlite { location, .. } => {
            let (db, lock) = sqlite::inspect(location).await?;
            (db, Dialect::Sqlite, lock)
        }
        Database::Postgres(connection) => {
            (connections::connect(connection, Arc::default()).await?, Dialect::Postgres, None)
        }
        Database::Off => return Ok(Vec::new()),
    };
    let transaction = db.begin().await.map_err(migrations::MigrationError::from)?;
    let steps = if reset {
        migrations::reset(&transaction, dialect, &wanted).await?;
        Vec::new()
    } else {
        migrations::up(&transaction, dialect, &wanted).await?
    };
    transaction.commit().await.map_err(migrations::MigrationError::from)?;
    Ok(steps)
}
