//! Connections to PostgreSQL: how they are made, and which of them are still good.
//!
//! Asking a connection whether it lives before each use costs a trip. Instead, once one is found to be lost, every
//! other that has not been used since is asked before it is: what cut one of them off mostly cut off all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _};

use super::OpenError;

/// How many statements a connection keeps prepared.
const PREPARED: usize = 512;
/// How much later than the server the node gives up, so that a server that still answers says so itself.
const GRACE: Duration = Duration::from_millis(500);

/// How to reach the database.
#[derive(Clone)]
pub struct Connection {
    pub options: PgConnectOptions,
    /// How many connections requests may use; one more listens to the other nodes.
    pub pool: u32,
    /// For connecting, for each statement, and for what a transaction may wait between two of them.
    pub timeout: Duration,
    /// How long an unused connection is kept; `None` is for ever.
    pub keepalive: Option<Duration>,
    /// How many requests may ask at once, and how long one waits for its turn.
    pub at_once: Option<(u32, Duration)>,
}

impl Connection {
    /// How long the node waits for an answer.
    pub fn patience(&self) -> Duration {
        self.timeout + GRACE
    }

    /// What is said on each new connection. A node that vanishes within a transaction must not hold rows for long.
    fn greeting(&self) -> String {
        let milliseconds = i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX);
        ["statement_timeout", "idle_in_transaction_session_timeout"]
            .map(|name| format!("SET {name} = {milliseconds}"))
            .join("; ")
    }
}

/// When a connection was last found to be lost.
#[derive(Debug, Default)]
pub struct Losses(Mutex<Option<Instant>>);

impl Losses {
    /// A connection was lost.
    pub fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection was lost within that time.
    fn within(&self, time: Duration) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() <= time)
    }
}

/// Whether a connection answers soon.
async fn lives(connection: &mut PgConnection, patience: Duration) -> bool {
    let patience = (patience / 4).min(Duration::from_secs(1));
    matches!(tokio::time::timeout(patience, connection.ping()).await, Ok(Ok(())))
}

/// Connects; the error is for whoever starts the program.
pub async fn connect(connection: &Connection, losses: Arc<Losses>) -> Result<DatabaseConnection, OpenError> {
    let greeting: Arc<str> = connection.greeting().into();
    let (before, after, patience) = (Arc::clone(&losses), losses, connection.patience());
    let pool = PgPoolOptions::new()
        .max_connections(connection.pool.saturating_add(1))
        .acquire_timeout(connection.timeout)
        .idle_timeout(connection.keepalive)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let greeting = AssertSqlSafe(greeting.to_string());
            Box::pin(async move { sqlx::raw_sql(greeting).execute(connection).await.map(drop) })
        })
        .before_acquire(move |connection, about| {
            let suspect = before.within(about.idle_for);
            Box::pin(async move { Ok(!suspect || lives(connection, patience).await) })
        })
        // What was given up while it waited for an answer would be waited for in vain.
        .after_release(move |connection, about| {
            let suspect = after.within(about.age);
            Box::pin(async move { Ok(!suspect || lives(connection, patience).await) })
        })
        .connect_with(
            connection.options.clone().statement_cache_capacity(PREPARED).application_name("silverback"),
        )
        .await
        .map_err(|cause| OpenError::Unreachable(cause.to_string()))?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_makes_older_connections_suspect() {
        let losses = Losses::default();
        assert!(!losses.within(Duration::from_secs(60)));
        losses.note();
        assert!(losses.within(Duration::from_secs(60)));
        std::thread::sleep(Duration::from_millis(20));
        assert!(!losses.within(Duration::from_millis(1)));
    }
}
