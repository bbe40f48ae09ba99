//! Several operations as one transaction, rows written as they are, and every row of one moment.
//!
//! This is what moves whole configurations in and out of a store. What is to be written has been decided by
//! `generators::declarative`; here it happens together or not at all.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use entities::schema::{Entity, Row};
use generators::declarative::Configuration;
use generators::operations::{Operation, Page, Scope};
use generators::sql::EXPIRY;
use generators::tables::Dialect;
use sea_orm::{DatabaseConnection, IsolationLevel, TransactionOptions, TransactionTrait};
use serde_json::Value;

use super::bulk::{Step, Steps};
use super::conversation::Conversation;
use super::execute::Execution;
use super::failure::Failure;
use super::figures::Asked;
use super::session::{Session, Statements};
use super::together::{Operations, Unpacked};
use super::{Engine, Space};

/// How far a transaction is, for whoever watches it.
#[derive(Clone, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Default)]
struct Counts {
    done: AtomicUsize,
    all: AtomicUsize,
    failed: Mutex<Option<Subject>>,
}

/// What an operation is about: its entity, and what stands for the row in the path.
pub type Subject = (&'static str, String);

impl Progress {
    /// How many operations have been carried out.
    pub fn done(&self) -> usize {
        self.0.done.load(Ordering::Relaxed)
    }

    /// How many operations there are; 0 before they begin.
    pub fn all(&self) -> usize {
        self.0.all.load(Ordering::Relaxed)
    }

    /// What the operation was about that failed, where it was one.
    pub fn failed(&self) -> Option<Subject> {
        self.0.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin(&self, operations: usize) {
        self.0.done.store(0, Ordering::Relaxed);
        self.0.all.store(operations, Ordering::Relaxed);
        self.note(None);
    }

    pub(super) fn advance(&self, operations: usize) {
        self.0.done.fetch_add(operations, Ordering::Relaxed);
    }

    pub(super) fn note(&self, failed: Option<Subject>) {
        *self.0.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
    }
}

impl<S: Conversation> Execution<'_, S> {
    /// Carries out operations, one after another. The row is what the client gets to see of the last one; a deletion
    /// has none.
    pub async fn run(
        &mut self,
        operations: impl ExactSizeIterator<Item = Unpacked>,
        progress: &Progress,
    ) -> Result<Option<Row>, Failure> {
        // A transaction that lost a race begins anew.
        progress.begin(operations.len());
        let (mut steps, mut shown, mut seen) = (Steps::of(operations), None, HashSet::new());
        while let Some(step) = steps.next() {
            shown = match step? {
                Step::One(operation) => {
                    let subject = operation.subject();
                    let sent = self.send(operation, steps.is_empty()).await;
                    if sent.is_err() {
                        progress.note(subject);
                    }
                    let shown = sent?;
                    progress.advance(1);
                    shown
                }
                Step::Rows(entity, rows) => {
                    // A row whose time is over may have what a new one needs. Other operations look themselves.
                    if seen.insert(entity.name) {
                        self.expire(entity).await?;
                    }
                    self.write_rows(entity, rows, progress).await?;
                    self.session.flush(steps.is_empty()).await?;
                    None
                }
            };
        }
        Ok(shown)
    }

    /// Carries out one operation. It is sent on its own, so that a constraint that breaks is found among its rows.
    async fn send(&mut self, operation: Operation, last: bool) -> Result<Option<Row>, Failure> {
        let shown = self.carry_out(operation).await?;
        self.session.flush(last).await?;
        Ok(shown)
    }
}

impl Space<'_> {
    /// Runs operations in one transaction. The row is what the client gets to see of the last one.
    pub async fn write_all(
        self,
        operations: Operations,
        progress: &Progress,
    ) -> Result<Option<Row>, Failure> {
        // What the node does for itself, again and again, would hide what clients wait for.
        let _asking = (self.scope != Scope::Every).then(|| self.store.figures.begin(Asked::Write));
        match &self.store.engine {
            Engine::Sqlite(engine) => engine.write(self.scope, self.client, operations, progress).await,
            Engine::Postgres(engine) => engine.write(self.scope, self.client, operations, progress).await,
            Engine::Memory(engine) => engine.write(self.scope, operations, progress).await,
        }
    }

    /// Every row that belongs to a configuration, as of one moment.
    pub async fn configuration(self) -> Result<Configuration, Failure> {
        let shared = &self.store.shared;
        let mut found = Configuration::new(&shared.declarations);
        let now_ms = shared.circumstances().context().now_ms();
        match &self.store.engine {
            Engine::Sqlite(engine) => {
                let (db, statements) = (&engine.readers, &*engine.statements);
                read(&mut found, db, statements, (Dialect::Sqlite, self.scope, now_ms)).await?;
            }
            Engine::Postgres(engine) => {
                let _turn = engine.turn().await?;
                let (db, statements) = (&engine.db, &engine.statements);
                let mut tries = 1;
                loop {
                    match read(&mut found, db, statements, (Dialect::Postgres, self.scope, now_ms)).await {
                        Ok(()) => break,
                        Err(failure) if engine.try_again(&failure, tries).await => tries += 1,
                        Err(failure) => return Err(failure),
                    }
                    found = Configuration::new(&shared.declarations);
                }
            }
            Engine::Memory(engine) => engine.read(self.scope, &mut found, now_ms),
        }
        Ok(found)
    }
}

/// Reads every row from a database.
async fn read(
    found: &mut Configuration,
    db: &DatabaseConnection,
    statements: &Statements,
    (dialect, scope, now_ms): (Dialect, Scope, i64),
) -> Result<(), Failure> {
    const PAGE: usize = 1000;
    let isolation_level = match dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => Some(IsolationLevel::RepeatableRead),
    };
    let transaction =
        db.begin_with_options(TransactionOptions { isolation_level, ..Default::default() }).await?;
    let mut session = Session::new(&transaction, statements, dialect, scope, now_ms);
    for entity in found.entities().collect::<Vec<_>>() {
        let mut after = None;
        loop {
            let page = Page { size: PAGE, after, ..Page::default() };
            let rows = session.page(entity, &page).await?;
            let more = rows.len() > PAGE;
            after = rows.get(PAGE - 1).and_then(|row| generators::operations::id_of(entity, row));
            for row in rows.into_iter().take(PAGE) {
                add(found, entity, row);
            }
            if !more {
                break;
            }
        }
    }
    transaction.rollback().await?;
    Ok(())
}

/// Adds a row as it is read; how long it has left follows from when it ends.
pub(super) fn add(found: &mut Configuration, entity: &'static Entity, mut row: Row) {
    if entity.ttl {
        row.shift_remove("ttl");
        if row.get(EXPIRY).is_some_and(Value::is_null) {
            row.shift_remove(EXPIRY);
        }
    }
    found.add(entity, row);
}
