//! PostgreSQL: the store that several nodes share. Reads ask the database; each write is a transaction of its own.
//!
//! What fails for a reason that passes is tried again, so often and no more: a lost race, and a connection that was
//! lost before the commit was sent. Of a commit without an answer nobody can tell whether it happened, so that the
//! client is told. A database that says nothing is given up after `pg_timeout`. Which connections are still good is
//! `connections.rs`' business.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use entities::schema::Row;
use generators::operations::Scope;
use generators::tables::{Dialect, tables};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, IsolationLevel, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use super::client::Client;
use super::connections::{Connection, Losses, connect};
use super::failure::{Failure, Reason, within};
use super::migrations::{self, MigrationError};
use super::sealing;
use super::session::{Session, Statements};
use super::together::Operations;
use super::transaction::Progress;
use super::{OpenError, Shared, diagnose, execution};

/// How often something is tried in all.
const TRIES: u32 = 16;

/// The engine.
pub struct Postgres {
    pub db: DatabaseConnection,
    /// The version of the change log when this node came.
    pub version: i64,
    pub statements: Statements,
    losses: Arc<Losses>,
    patience: Duration,
    /// How many may ask at once, and how long one waits for its turn.
    turns: Option<(Semaphore, Duration)>,
    /// Whoever lost a race tries again alone: of many who want the same row, only one wins at a time, and the others
    /// would work in vain.
    second_try: Mutex<()>,
    shared: Arc<Shared>,
}

impl Postgres {
    /// Connects and brings the tables up to date.
    pub async fn open(connection: &Connection, shared: Arc<Shared>) -> Result<Postgres, OpenError> {
        let losses = Arc::new(Losses::default());
        let db = connect(connection, Arc::clone(&losses)).await?;
        super::report(&migrations::up(&db, Dialect::Postgres, &tables(&shared.declarations)).await?);
        let statements = Statements::new(shared.keyring.clone());
        sealing::up(&db, Dialect::Postgres, &statements, &shared).await?;
        let version = super::announcements::version(&db).await.map_err(MigrationError::from)?;
        let turns = connection.at_once.map(|(number, wait)| (Semaphore::new(number as usize), wait));
        Ok(Postgres {
            db,
            version,
            statements,
            losses,
            patience: connection.patience(),
            turns,
            second_try: Mutex::default(),
            shared,
        })
    }

    /// How long an answer may take.
    pub fn patience(&self) -> Option<Duration> {
        Some(self.patience)
    }

    /// A conversation outside of a transaction.
    pub fn session(&self, scope: Scope, now_ms: i64) -> Session<'_, DatabaseConnection> {
        Session::new(&self.db, &self.statements, Dialect::Postgres, scope, now_ms).patient(self.patience)
    }

    /// Waits until one more may ask, where their number is limited.
    pub async fn turn(&self) -> Result<Option<SemaphorePermit<'_>>, Failure> {
        let Some((turns, wait)) = &self.turns else { return Ok(None) };
        match tokio::time::timeout(*wait, turns.acquire()).await {
            Ok(Ok(turn)) => Ok(Some(turn)),
            Ok(Err(_)) | Err(_) => Err(Failure::busy("too many statements wait for their turn")),
        }
    }

    /// Whether what failed for the `tries`th time, and left nothing behind, is to be tried again; waits a little
    /// before it says so.
    pub async fn try_again(&self, failure: &Failure, tries: u32) -> bool {
        self.note(failure);
        match failure.reason() {
            Some(Reason::Race) if tries < TRIES => {
                tokio::time::sleep(pause(tries)).await;
                true
            }
            Some(Reason::Lost) => tries < TRIES,
            _ => false,
        }
    }

    /// Notes that a connection was lost, if it was.
    pub fn note(&self, failure: &Failure) {
        if matches!(failure.reason(), Some(Reason::Lost | Reason::Silence)) {
            self.losses.note();
        }
    }

    /// Whether the database answers.
    pub async fn is_reachable(&self) -> bool {
        for tries in 1.. {
            let asked = within(self.patience(), self.db.execute_unprepared("SELECT 1")).await;
            match asked.map_err(Failure::from) {
                Ok(_) => return true,
                Err(failure) if self.try_again(&failure, tries).await => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// Runs operations in one transaction.
    pub async fn write(
        &self,
        scope: Scope,
        client: Option<&Client>,
        operations: Operations,
        progress: &Progress,
    ) -> Result<Option<Row>, Failure> {
        let _turn = self.turn().await?;
        let (mut tries, mut alone) = (1, None);
        loop {
            match self.attempt((scope, client), &operations, progress).await {
                Ok(row) => return Ok(row),
                Err(Ended::Undone(failure)) if self.try_again(&failure, tries).await => {
                    tries += 1;
                    if alone.is_none() {
                        alone = Some(self.second_try.lock().await);
                    }
                }
                Err(Ended::Undone(failure) | Ended::Unknown(failure)) => {
                    self.note(&failure);
                    return Err(failure);
                }
            }
        }
    }

    async fn attempt(
        &self,
        (scope, client): (Scope, Option<&Client>),
        operations: &Operations,
        progress: &Progress,
    ) -> Result<Option<Row>, Ended> {
        let transaction = self.begin(operations.len() > 1).await.map_err(Ended::Undone)?;
        let circumstances = self.shared.circumstances();
        let context = circumstances.context();
        let now_ms = context.now_ms();
        let session = Session::new(&transaction, &self.statements, Dialect::Postgres, scope, now_ms);
        let mut session = session.patient(self.patience).of(client.cloned());
        match execution(&mut session, &self.shared, &context).run(operations.iter(), progress).await {
            Ok(row) => match within(self.patience(), transaction.commit()).await.map_err(Failure::from) {
                Ok(()) => Ok(row),
                Err(failure) if failure.reason() == Some(Reason::Race) => Err(Ended::Undone(failure)),
                Err(failure) => Err(Ended::Unknown(failure)),
            },
            Err(Failure::Conflict(conflict)) => {
                self.roll_back(transaction).await;
                match diagnose(&mut self.session(scope, now_ms), &self.shared, *conflict).await {
                    // The row that stood in the way is gone again: the race is to be run once more.
                    Failure::Broken(cause) => {
                        Err(Ended::Undone(Failure::Unavailable { reason: Reason::Race, cause }))
                    }
                    failure => Err(Ended::Undone(failure)),
                }
            }
            Err(failure) => {
                // A connection that is suspect from now on is not waited for.
                self.note(&failure);
                match failure.reason() {
                    Some(Reason::Lost | Reason::Silence) => drop(transaction),
                    _ => self.roll_back(transaction).await,
                }
                Err(Ended::Undone(failure))
            }
        }
    }

    /// Begins a transaction; one of many writes is kept from reading whole tables. The server keeps the plans of
    /// statements, and makes them while the tables are still small.
    async fn begin(&self, many: bool) -> Result<DatabaseTransaction, Failure> {
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            ..Default::default()
        };
        let transaction = within(self.patience(), self.db.begin_with_options(options)).await?;
        if many {
            let asked = transaction.execute_unprepared("SET LOCAL enable_seqscan = off");
            within(self.patience(), asked).await?;
        }
        Ok(transaction)
    }

    /// A transaction that is dropped rolls back as well; this way the connection is free at once.
    async fn roll_back(&self, transaction: DatabaseTransaction) {
        if let Err(cause) = within(self.patience(), transaction.rollback()).await {
            self.note(&cause.into());
        }
    }
}

/// How an attempt ended that did not succeed.
enum Ended {
    /// Nothing of it is left.
    Undone(Failure),
    /// It may have happened all the same.
    Unknown(Failure),
}

/// How long one who lost a race waits before the next: longer each time, and not as long as those who lost with it.
fn pause(tries: u32) -> Duration {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let lot = COUNT.fetch_add(1, Ordering::Relaxed) % 8;
    Duration::from_micros((1 << tries.min(6)) * (100 + 50 * lot))
}
