//! SQLite: one file (or memory), one writer, readers beside it.
//!
//! The writer takes whatever operations wait, runs each under a savepoint of its own, and commits them together;
//! they are answered after the commit has reached the disk. The rows are also held in memory (`mirror.rs`), which is
//! why only one process may have the file open.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entities::schema::Row;
use generators::operations::{Page, Scope, WORKSPACE, id_of};
use generators::tables::{Dialect, tables};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqlxSqliteConnector, TransactionTrait,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::client::Client;
use super::failure::Failure;
use super::migrations;
use super::mirror::Mirror;
use super::rows::Rows;
use super::sealing;
use super::session::{Change, Memory, Session, Statements, Touched};
use super::together::Operations;
use super::transaction::Progress;
use super::{OpenError, Shared, diagnose, execution};

/// How many operations one commit takes at most.
const GROUP: usize = 256;
/// How many operations may wait for the writer.
const QUEUE: usize = 4096;
/// How much of the file a connection holds, in the words of SQLite: 2 MB.
const CACHE: &str = "-2000";
/// The same while many rows are written, whose places in the indexes are all over the file: 64 MB.
const LARGE_CACHE: &str = "-64000";
/// How many operations are many.
const MANY: usize = 1000;
/// How many statements a connection keeps prepared.
const PREPARED: usize = 512;

/// Where the database is.
#[derive(Clone, Debug)]
pub enum Location {
    File(PathBuf),
    Memory,
}

/// The engine.
pub struct Sqlite {
    pub readers: DatabaseConnection,
    pub mirror: Arc<Mirror>,
    pub statements: Arc<Statements>,
    queue: mpsc::Sender<Job>,
    writer: tokio::task::JoinHandle<()>,
    _lock: Option<File>,
}

type Answer = Result<Option<Row>, Failure>;

/// Operations that happen together, and where the answer goes.
struct Job {
    work: Work,
    reply: oneshot::Sender<Answer>,
}

struct Work {
    scope: Scope,
    client: Option<Client>,
    operations: Operations,
    progress: Progress,
}

fn options(location: &Location) -> SqliteConnectOptions {
    let options = match location {
        Location::File(path) => SqliteConnectOptions::new().filename(path).create_if_missing(true),
        Location::Memory => SqliteConnectOptions::new().in_memory(true),
    };
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .statement_cache_capacity(PREPARED)
        .pragma("cache_size", CACHE)
        .pragma("wal_autocheckpoint", "4000")
}

async fn connect(options: SqliteConnectOptions, connections: u32) -> Result<DatabaseConnection, OpenError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(|cause| OpenError::Unreachable(cause.to_string()))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// A connection for a command that looks at the file without serving it.
pub async fn inspect(location: &Location) -> Result<(DatabaseConnection, Option<File>), OpenError> {
    let lock = lock(location)?;
    Ok((connect(options(location), 1).await?, lock))
}

/// The mark that a process has the file open.
fn lock(location: &Location) -> Result<Option<File>, OpenError> {
    let Location::File(path) = location else { return Ok(None) };
    let unusable =
        |cause: std::io::Error| OpenError::Unusable { path: path.clone(), cause: cause.to_string() };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(unusable)?;
    }
    // Credentials are in the file; SQLite gives those beside it the same rights.
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(unusable)?;
    let mark = OpenOptions::new().create(true).append(true).open(beside(path)).map_err(unusable)?;
    match mark.try_lock() {
        Ok(()) => Ok(Some(mark)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.clone())),
        Err(TryLockError::Error(cause)) => Err(unusable(cause)),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl Sqlite {
    /// Opens the database, brings its tables up to date and reads its rows into memory.
    pub async fn open(location: &Location, cached: bool, shared: Arc<Shared>) -> Result<Sqlite, OpenError> {
        let lock = lock(location)?;
        let writer = connect(options(location), 1).await?;
        super::report(&migrations::up(&writer, Dialect::Sqlite, &tables(&shared.declarations)).await?);
        // A database in memory is its one connection; readers of a file have their own.
        let readers = match location {
            Location::Memory => writer.clone(),
            Location::File(_) => connect(options(location).pragma("query_only", "1"), 2).await?,
        };
        let statements = Arc::new(Statements::new(shared.keyring.clone()));
        sealing::up(&writer, Dialect::Sqlite, &statements, &shared).await?;
        let mirror = Arc::new(if cached { Mirror::loading() } else { Mirror::disabled() });
        if cached {
            // A large store is served at once, from the file, while its rows are being read.
            let (db, statements) = (readers.clone(), Arc::clone(&statements));
            let (mirror, shared) = (Arc::clone(&mirror), Arc::clone(&shared));
            tokio::spawn(async move {
                match load(&db, &statements, &shared).await {
                    Ok(rows) => mirror.fill(rows),
                    Err(failure) => {
                        tracing::warn!(?failure, "the rows could not be read into memory");
                        mirror.give_up();
                    }
                }
            });
        }
        let (queue, jobs) = mpsc::channel(QUEUE);
        let task =
            Writer { db: writer, shared, mirror: Arc::clone(&mirror), statements: Arc::clone(&statements) };
        let writer = tokio::spawn(task.run(jobs));
        Ok(Sqlite { readers, mirror, statements, queue, writer, _lock: lock })
    }

    /// Runs operations that happen together or not at all; they are durable when the answer comes.
    pub async fn write(
        &self,
        scope: Scope,
        client: Option<&Client>,
        operations: Operations,
        progress: &Progress,
    ) -> Answer {
        let (reply, answer) = oneshot::channel();
        let gone = || Failure::busy("the writer has stopped");
        let work = Work { scope, client: client.cloned(), operations, progress: progress.clone() };
        self.queue.send(Job { work, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Waits until every operation that was sent is answered, and closes the database.
    pub async fn close(self) {
        drop(self.queue);
        if let Err(cause) = self.writer.await {
            tracing::error!(%cause, "the writer did not end well");
        }
        if let Err(cause) = self.readers.close().await {
            tracing::error!(%cause, "the database did not close well");
        }
    }
}

/// Reads every row, until there are too many to hold.
async fn load(db: &DatabaseConnection, statements: &Statements, shared: &Shared) -> Result<Rows, Failure> {
    const PAGE: usize = 1000;
    let mut rows = Rows::new(&shared.declarations);
    // One transaction, so that every page shows the same moment.
    let transaction = db.begin().await?;
    let mut session = Session::new(&transaction, statements, Dialect::Sqlite, Scope::Every, 0);
    for entity in shared.declarations.entities().filter(|entity| entity.stored && entity.generate_admin_api) {
        let mut after = None;
        loop {
            let page = Page { size: PAGE, after, ..Page::default() };
            let found = session.page(entity, &page).await?;
            let more = found.len() > PAGE;
            after = found.get(PAGE - 1).and_then(|row| id_of(entity, row));
            for mut row in found.into_iter().take(PAGE) {
                let Some(id) = id_of(entity, &row) else { continue };
                let workspace = row.shift_remove(WORKSPACE);
                let workspace = workspace.and_then(|id| Uuid::parse_str(id.as_str()?).ok());
                rows.apply(&Change { entity, id, workspace, before: None, after: Some(row) });
            }
            if !more || rows.len() > super::mirror::MAX_ROWS {
                break;
            }
        }
    }
    Ok(rows)
}

/// The one task that writes.
struct Writer {
    db: DatabaseConnection,
    shared: Arc<Shared>,
    mirror: Arc<Mirror>,
    statements: Arc<Statements>,
}

impl Writer {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.recv().await {
            let many = first.work.operations.len() >= MANY;
            if many {
                self.hold(LARGE_CACHE).await;
            }
            self.group(first, &mut jobs).await;
            if many {
                self.hold(CACHE).await;
            }
        }
        if let Err(cause) = self.db.close().await {
            tracing::error!(%cause, "the database did not close well");
        }
    }

    /// Holds so much of the file in memory.
    async fn hold(&self, cache: &str) {
        let text = format!("PRAGMA cache_size = {cache}; PRAGMA shrink_memory");
        if let Err(cause) = self.db.execute_unprepared(&text).await {
            tracing::warn!(%cause, "the cache of the database keeps its size");
        }
    }

    /// Runs the operations that wait, commits them together, and answers.
    async fn group(&self, first: Job, jobs: &mut mpsc::Receiver<Job>) {
        let transaction = match self.db.begin_with_options(migrations::immediate()).await {
            Ok(transaction) => transaction,
            Err(cause) => return answer(first.reply, Err(cause.into())),
        };
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(Job { work, reply }) = next {
            let result = self.job(&transaction, work, &mut group).await;
            group.done.push((reply, result));
            let full = group.done.len() == GROUP || group.torn;
            next = if full { None } else { jobs.try_recv().ok() };
        }
        let ended = match group.torn {
            false => transaction.commit().await,
            true => {
                transaction.rollback().await.and(Err(DbErr::Custom("an operation failed halfway".to_owned())))
            }
        };
        match ended {
            Ok(()) => {
                self.mirror.apply(&mut group.changes);
                group.done.into_iter().for_each(|(reply, result)| answer(reply, result));
            }
            Err(cause) => {
                let cause = cause.to_string();
                tracing::error!(%cause, "a commit failed");
                for (reply, result) in group.done {
                    let result = result.and_then(|_| Err(Failure::busy(cause.clone())));
                    answer(reply, result);
                }
            }
        }
    }

    /// One job: it happens as a whole or not at all.
    async fn job(
        &self,
        transaction: &DatabaseTransaction,
        Work { scope, client, operations, progress }: Work,
        group: &mut Group,
    ) -> Answer {
        let circumstances = self.shared.circumstances();
        let context = circumstances.context();
        let memory = Memory { mirror: &self.mirror, touched: &group.touched };
        let session = Session::new(transaction, &self.statements, Dialect::Sqlite, scope, context.now_ms());
        let mut session = session.remembering(memory).of(client);
        let result =
            execution(&mut session, &self.shared, &context).run(operations.into_iter(), &progress).await;
        match result {
            Ok(row) => {
                group.changes.append(&mut session.changes);
                Ok(row)
            }
            Err(failure) => {
                group.torn |= !session.undo().await;
                match failure {
                    Failure::Conflict(conflict) => Err(diagnose(&mut session, &self.shared, *conflict).await),
                    failure => Err(failure),
                }
            }
        }
    }
}

/// What the operations of one commit have done.
#[derive(Default)]
struct Group {
    done: Vec<(oneshot::Sender<Answer>, Answer)>,
    changes: Vec<Change>,
    touched: Mutex<Touched>,
    /// Whether an operation failed in a way that only the end of the transaction undoes.
    torn: bool,
}

/// A client that has gone away needs no answer.
fn answer(reply: oneshot::Sender<Answer>, result: Answer) {
    let _gone = reply.send(result);
}
