//! Words from one node to the others on the same database, for what is no row: a change of the log's level.
//!
//! PostgreSQL carries them by NOTIFY, so that they arrive within moments, and are lost on a node that is cut off:
//! nothing that must not be lost is said here. A node on SQLite has no others.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sqlx::postgres::PgListener;

use super::{Engine, Failure, Store, postgres};

/// How long a node that was cut off waits before it listens again.
const PAUSE: Duration = Duration::from_secs(1);

/// The channel of the nodes that share these tables; a database may hold several sets of them, each in a schema.
const CHANNEL: &str = "SELECT 'silverback ' || current_schema()";

impl Store {
    /// Tells the other nodes, and this one.
    pub async fn announce(&self, words: &str) -> Result<(), Failure> {
        if let Engine::Postgres(engine) = &self.engine {
            let sql = format!("SELECT pg_notify(({CHANNEL}), $1)");
            engine
                .db
                .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [words.into()]))
                .await?;
        }
        Ok(())
    }

    /// Gives every announcement to `hear`; ends only where there are no other nodes.
    pub async fn listen(&self, hear: impl Fn(&str)) {
        if let Engine::Postgres(engine) = &self.engine {
            loop {
                if let Err(cause) = hear_all(engine, &hear).await {
                    tracing::debug!(%cause, "announcements of other nodes are not heard for a moment");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Listens until the connection is lost.
async fn hear_all(engine: &postgres::Postgres, hear: &impl Fn(&str)) -> Result<(), sqlx::Error> {
    let pool = engine.db.get_postgres_connection_pool();
    let channel: String = sqlx::query_scalar(CHANNEL).fetch_one(pool).await?;
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(&channel).await?;
    loop {
        hear(listener.recv().await?.payload());
    }
}
