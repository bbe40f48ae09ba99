//! The store: where rows are kept. SQLite inside by default, PostgreSQL when several nodes share a configuration.
//!
//! The store is asked with keys, pages and operations, and answers with rows; it is the only part of the program
//! that speaks SQL. Every write is one transaction that also appends to the change log. What clients ask goes through
//! the [`Space`] of a workspace.

mod announcements;
mod batch;
mod bulk;
mod client;
mod connections;
mod conversation;
mod deletion;
mod execute;
mod failure;
mod figures;
mod history;
mod keyring;
mod memory;
mod migrations;
mod mirror;
mod parts;
mod postgres;
mod rows;
mod sealing;
mod session;
mod space;
mod sqlite;
mod together;
mod transaction;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use entities::schema::{Context, Declarations, DefaultWorkspace, Flavor, Row};
use generators::errors::Error;
use generators::graph::Graph;
use generators::operations::{Action, Key, Operation, Scope, id_of, key, primary, reference};
use generators::routes::Place;
use generators::sql;
use generators::tables::{Dialect, Step, is_unique_within, tables};
use sea_orm::ConnectionTrait;
use serde_json::Value;
use uuid::Uuid;

pub use announcements::Announcement;
pub use client::Client;
pub use connections::Connection;
pub use execute::{absent_below, below_key, reference_field, reference_to};
pub use failure::{Failure, NOT_FOUND};
pub use figures::{Asked, Figures, Pool};
pub use history::{Filter, Line};
pub use keyring::{Keyring, KeyringError};
pub use memory::{Busy, Snapshot, Turn};
pub use rows::{Entry, Slice};
pub use space::Space;
pub use sqlite::Location;
pub use together::{Operations, Packed};
pub use transaction::{Progress, Subject};

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
    #[error("what the database keeps encrypted is under the key '{0}', which is not in the keyring")]
    Sealed(String),
    #[error("what the database keeps encrypted cannot be brought under the current key: {0}")]
    Unopened(String),
    #[error("{0}")]
    Migration(#[from] migrations::MigrationError),
}

/// What every engine knows.
pub struct Shared {
    pub declarations: Arc<Declarations>,
    graph: Graph,
    flavor: Flavor,
    /// The keys of fields that are encrypted.
    keyring: Option<Arc<Keyring>>,
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
    default: Scope,
    figures: Figures,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
    Memory(memory::Memory),
}

impl Store {
    /// Opens the store and brings its tables to what the declarations need.
    pub async fn open(
        database: &Database,
        declarations: Arc<Declarations>,
        flavor: Flavor,
        keyring: Option<Arc<Keyring>>,
    ) -> Result<Store, OpenError> {
        let graph = Graph::new(&declarations);
        let shared = Arc::new(Shared { declarations, graph, flavor, keyring });
        let engine = match database {
            Database::Sqlite { location, read_cache } => {
                Engine::Sqlite(sqlite::Sqlite::open(location, *read_cache, Arc::clone(&shared)).await?)
            }
            Database::Postgres(connection) => {
                Engine::Postgres(postgres::Postgres::open(connection, Arc::clone(&shared)).await?)
            }
            Database::Off => Engine::Memory(memory::Memory::open(Arc::clone(&shared))),
        };
        let default = Scope::default_of(&shared.declarations);
        Ok(Store { shared, engine, default, figures: Figures::default() })
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

    /// The rows of one workspace, and those that belong to none.
    pub fn within(&self, scope: Scope) -> Space<'_> {
        Space { store: self, scope, client: None }
    }

    /// The rows of requests whose path names no workspace.
    pub fn default_space(&self) -> Space<'_> {
        self.within(self.default)
    }

    /// The workspace of that name or id; `None` where there is none, or where clients know of no other than the default
    /// one.
    pub async fn workspace(&self, segment: &str) -> Result<Option<Scope>, Failure> {
        let Some(entity) = self.shared.declarations.workspaces() else { return Ok(None) };
        if self.is_default_workspace(segment) {
            return Ok(Some(self.default));
        }
        let circumstances = self.shared.circumstances();
        let Ok(key) = key(entity, segment, &circumstances.context()) else { return Ok(None) };
        if !entity.generate_admin_api {
            return Ok(None);
        }
        let id = self.default_space().id(entity, &key).await?;
        Ok(id.and_then(|id| Uuid::parse_str(&id).ok()).map(Scope::Workspace))
    }

    /// Whether a name or id is that of the workspace of requests whose path names none.
    pub fn is_default_workspace(&self, segment: &str) -> bool {
        let is_meant = |default: DefaultWorkspace| {
            default.name == segment || Uuid::parse_str(segment).is_ok_and(|id| id == default.id)
        };
        let entity = self.shared.declarations.workspaces();
        entity.and_then(|entity| entity.default_workspace).is_some_and(is_meant)
    }

    /// The scope of requests whose path names no workspace.
    pub fn default_scope(&self) -> Scope {
        self.default
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
            if let Err(failure) = self.within(Scope::Every).write(operation).await {
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

    /// Forgets every page that is remembered.
    pub fn forget_pages(&self) {
        if let Some(mirror) = self.mirror() {
            mirror.forget_pages(None);
        }
    }

    /// How many bytes of pages are remembered, and how many may be; `None` where none are.
    pub fn page_memory(&self) -> Option<(usize, usize)> {
        self.mirror().map(mirror::Mirror::page_memory)
    }

    /// How long it takes.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The connections to PostgreSQL, where there are such.
    pub fn pool(&self) -> Option<Pool> {
        let Engine::Postgres(engine) = &self.engine else { return None };
        let pool = engine.db.get_postgres_connection_pool();
        let (open, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
        // Who asks and has no connection waits for one.
        let waiting = self.figures.asking().saturating_sub(open.saturating_sub(idle));
        Some(Pool { open, idle, waiting })
    }

    /// The last version of the change log; `None` without one, and where the database does not answer soon.
    pub async fn version(&self) -> Option<i64> {
        let db = match &self.engine {
            Engine::Sqlite(engine) => &engine.readers,
            Engine::Postgres(engine) => &engine.db,
            Engine::Memory(_) => return None,
        };
        let asked = tokio::time::timeout(Duration::from_secs(5), announcements::version(db)).await;
        asked.ok()?.ok()
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
    // An id is one row's in the whole store, whichever workspace that is in.
    if write.insert && session.get_anywhere(entity, &Key::Primary(id.clone())).await?.is_some() {
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
        let key = Key::Unique { field, value: text };
        let found = match is_unique_within(entity, declared) {
            true => session.get(entity, &key).await?,
            false => session.get_anywhere(entity, &key).await?,
        };
        if found.is_some_and(|found| is_other(&found)) {
            return Ok(Some(Error::UniqueViolation(Row::from_iter([(field.to_owned(), value.clone())]))));
        }
    }
    if let Some(key) = sql::cache_key(entity, &session.statements.sealed(entity, row))
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
    // The workspace may be gone by now.
    if let (true, Scope::Workspace(id)) = (entity.workspaceable, session.scope)
        && let Some(workspaces) = shared.declarations.workspaces()
        && session.get(workspaces, &Key::Primary(id.to_string())).await?.is_none()
    {
        return Err(Failure::Absent(NOT_FOUND));
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
    if reset {
        migrations::reset(&db, dialect, &wanted).await?;
        return Ok(Vec::new());
    }
    Ok(migrations::up(&db, dialect, &wanted).await?)
}
