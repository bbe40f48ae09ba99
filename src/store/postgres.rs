//! PostgreSQL: the store that several nodes share. Reads ask the database; each write is a transaction of its own.

use std::sync::Arc;
use std::time::Duration;

use entities::schema::Row;
use generators::operations::{Operation, Scope};
use generators::tables::{Dialect, tables};
use sea_orm::{
    DatabaseConnection, IsolationLevel, SqlxPostgresConnector, TransactionOptions, TransactionTrait,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::failure::Failure;
use super::migrations;
use super::session::{Session, Statements};
use super::{OpenError, Shared, diagnose, execution};

/// How often a write that lost a race is tried in all.
const TRIES: usize = 5;
/// How many statements a connection keeps prepared.
const PREPARED: usize = 512;

/// How to reach the database.
#[derive(Clone)]
pub struct Connection {
    pub options: PgConnectOptions,
    pub pool: u32,
    pub timeout: Duration,
}

/// The engine.
pub struct Postgres {
    pub db: DatabaseConnection,
    pub statements: Statements,
    shared: Arc<Shared>,
}

/// Connects; the error is for whoever starts the program.
pub async fn connect(connection: &Connection) -> Result<DatabaseConnection, OpenError> {
    let pool = PgPoolOptions::new()
        .max_connections(connection.pool)
        .acquire_timeout(connection.timeout)
        .test_before_acquire(false)
        .connect_with(
            connection.options.clone().statement_cache_capacity(PREPARED).application_name("silverback"),
        )
        .await
        .map_err(|cause| OpenError::Unreachable(cause.to_string()))?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

impl Postgres {
    /// Connects and brings the tables up to date.
    pub async fn open(connection: &Connection, shared: Arc<Shared>) -> Result<Postgres, OpenError> {
        let db = connect(connection).await?;
        super::report(&migrations::up(&db, Dialect::Postgres, &tables(&shared.declarations)).await?);
        Ok(Postgres { db, statements: Statements::default(), shared })
    }

    /// Runs an operation. One that lost a race against another is tried again; a lost connection is not, since
    /// nobody can tell whether its commit arrived.
    pub async fn write(&self, scope: Scope, operation: Operation) -> Result<Option<Row>, Failure> {
        for _ in 1..TRIES {
            match self.attempt(scope, operation.clone()).await {
                Err(Attempt::LostRace) => tokio::task::yield_now().await,
                Err(Attempt::Failed(failure)) => return Err(failure),
                Ok(row) => return Ok(row),
            }
        }
        self.attempt(scope, operation).await.map_err(|attempt| match attempt {
            Attempt::LostRace => Failure::Unavailable("too many writes at the same time".to_owned()),
            Attempt::Failed(failure) => failure,
        })
    }

    async fn attempt(&self, scope: Scope, operation: Operation) -> Result<Option<Row>, Attempt> {
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            ..Default::default()
        };
        let transaction = self.db.begin_with_options(options).await.map_err(Attempt::from)?;
        let circumstances = self.shared.circumstances();
        let context = circumstances.context();
        let now_ms = context.now_ms();
        let mut session = Session::new(&transaction, &self.statements, Dialect::Postgres, scope, now_ms);
        let result = execution(&mut session, &self.shared, &context).run(operation).await;
        match result {
            Ok(row) => {
                transaction.commit().await.map_err(Attempt::from)?;
                Ok(row)
            }
            Err(failure) => {
                // A transaction that is dropped rolls back as well; this way the connection is free at once.
                let _lost = transaction.rollback().await;
                match failure {
                    Failure::Conflict(conflict) => {
                        let mut session =
                            Session::new(&self.db, &self.statements, Dialect::Postgres, scope, now_ms);
                        match diagnose(&mut session, &self.shared, *conflict).await {
                            // The row that stood in the way is gone again: the race is to be run once more.
                            Failure::Broken(_) => Err(Attempt::LostRace),
                            failure => Err(Attempt::Failed(failure)),
                        }
                    }
                    Failure::Unavailable(cause) if is_race(&cause) => Err(Attempt::LostRace),
                    failure => Err(Attempt::Failed(failure)),
                }
            }
        }
    }
}

enum Attempt {
    LostRace,
    Failed(Failure),
}

impl From<sea_orm::DbErr> for Attempt {
    fn from(error: sea_orm::DbErr) -> Attempt {
        match Failure::from(error) {
            Failure::Unavailable(cause) if is_race(&cause) => Attempt::LostRace,
            failure => Attempt::Failed(failure),
        }
    }
}

/// Serialisation failures and deadlocks; their words do not depend on the server's language settings alone, so
/// both are looked for in the form that the driver prints.
fn is_race(cause: &str) -> bool {
    cause.contains("could not serialize access") || cause.contains("deadlock detected")
}
