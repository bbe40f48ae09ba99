//! Words from one node to the others on the same database, for what is no row: a change of the log's level, a word
//! about the health of a target.
//!
//! An announcement is a line of the change log, where every node looks regularly for what is new; NOTIFY only makes
//! them look at once. So a node that was cut off hears everything once it is back, in the order in which it was
//! said. A node on SQLite has no others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, Statement};
use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Row};

use super::failure::{Failure, within};
use super::postgres::Postgres;
use super::{Engine, Store};

/// How long a node waits to look again while it would hear of anything new.
const LISTENING: Duration = Duration::from_secs(1);
/// How long it waits while it would not.
const DEAF: Duration = Duration::from_millis(50);

/// The channel of the nodes that share these tables; a database may hold several sets of them, each in a schema.
const CHANNEL: &str = "SELECT 'silverback ' || current_schema()";

/// Announcements take turns by a lock, so that their versions are in the order of their commits.
const ANNOUNCE: &str = "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(7305813)), \
     line AS (INSERT INTO \"changes\" (\"entity\", \"id\", \"operation\", \"before\", \"after\", \"at\") \
     SELECT 'nodes', $1, 'announce', 'null', to_jsonb($2), (extract(epoch FROM clock_timestamp()) * 1000)::bigint \
     FROM turn RETURNING \"version\") \
     SELECT pg_notify('silverback ' || current_schema(), \"version\"::text) FROM line";

/// What was announced behind a version, each with its age in milliseconds; and last the version of the log. Before it
/// is read, every announcement on its way is waited for. Both statements are one message, and so one transaction that
/// no node can leave open by being cut off in the middle of it.
fn news_behind(version: i64) -> String {
    format!(
        "SELECT pg_advisory_xact_lock_shared(7305813); \
         SELECT \"version\", \"id\", \"after\" #>> '{{}}', \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint - \"at\" \
         FROM \"changes\" WHERE \"version\" > {version} AND \"operation\" = 'announce' \
         UNION ALL SELECT coalesce(max(\"version\"), 0), NULL, NULL, NULL FROM \"changes\" ORDER BY 1, 2 NULLS LAST"
    )
}

/// What another node said, or this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The id of the node.
    pub sender: String,
    pub words: String,
    /// How long ago it was said.
    pub age: Duration,
}

/// The version of the change log.
pub async fn version(db: &DatabaseConnection) -> Result<i64, DbErr> {
    let sql = "SELECT coalesce(max(\"version\"), 0) FROM \"changes\"";
    let found = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    found.map_or(Ok(0), |found| found.try_get_by_index(0))
}

impl Store {
    /// Tells the other nodes, and this one. `sender` is this node's id.
    pub async fn announce(&self, sender: &str, words: &str) -> Result<(), Failure> {
        let Engine::Postgres(engine) = &self.engine else { return Ok(()) };
        let mut tries = 1;
        loop {
            let values = [sender.into(), words.into()];
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, ANNOUNCE, values);
            match within(engine.patience(), engine.db.query_one_raw(statement)).await {
                Ok(_) => return Ok(()),
                // Said twice is as good as said once.
                Err(cause) => match Failure::from(cause) {
                    failure if engine.try_again(&failure, tries).await => tries += 1,
                    failure => return Err(failure),
                },
            }
        }
    }

    /// Gives every announcement since the store was opened to `hear`; ends only where there are no other nodes.
    pub async fn listen(&self, hear: impl Fn(&Announcement)) {
        let Engine::Postgres(engine) = &self.engine else { return };
        let (mut position, mut ear) = (engine.version, None);
        let mut listen_again = Instant::now();
        loop {
            match news(engine, position).await {
                Ok((announcements, version)) => {
                    announcements.iter().for_each(&hear);
                    position = version;
                    if ear.is_none() && Instant::now() >= listen_again {
                        // Where there is no LISTEN, looking often has to do, and asking for it now and then.
                        listen_again = Instant::now() + LISTENING;
                        ear = listener(engine).await;
                        if ear.is_some() {
                            // Something may have been said between the look and the first moment of listening.
                            continue;
                        }
                    }
                }
                Err(failure) => {
                    engine.note(&failure);
                    tracing::debug!(?failure, "other nodes are not heard for a moment");
                    ear = None;
                }
            }
            ear = wait(ear).await;
        }
    }
}

/// What is new behind a version, and the version up to which that is all.
async fn news(engine: &Postgres, position: i64) -> Result<(Vec<Announcement>, i64), Failure> {
    let asked = async {
        let pool = engine.db.get_postgres_connection_pool();
        let found = sqlx::raw_sql(AssertSqlSafe(news_behind(position))).fetch_all(pool).await;
        found.map_err(|cause| DbErr::Query(RuntimeErr::SqlxError(Arc::new(cause))))
    };
    let found = within(engine.patience(), asked).await?;
    let (mut announcements, mut version) = (Vec::new(), position);
    // What the lock gives is a row as well.
    for line in found.iter().filter(|line| line.len() == 4) {
        let broken = |cause: sqlx::Error| Failure::Broken(cause.to_string());
        version = version.max(line.try_get(0).map_err(broken)?);
        let (sender, words): (Option<String>, Option<String>) =
            (line.try_get(1).map_err(broken)?, line.try_get(2).map_err(broken)?);
        let age: Option<i64> = line.try_get(3).map_err(broken)?;
        if let (Some(sender), Some(words)) = (sender, words) {
            let age = Duration::from_millis(age.unwrap_or_default().max(0).unsigned_abs());
            announcements.push(Announcement { sender, words, age });
        }
    }
    Ok((announcements, version))
}

/// A connection that hears NOTIFY; `None` where it cannot be had.
async fn listener(engine: &Postgres) -> Option<PgListener> {
    let pool = engine.db.get_postgres_connection_pool();
    let begun = async {
        let channel: String = sqlx::query_scalar(CHANNEL).fetch_one(pool).await?;
        let mut listener = PgListener::connect_with(pool).await?;
        listener.eager_reconnect(false);
        listener.listen(&channel).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    tokio::time::timeout(engine.patience()?, begun).await.ok()?.ok()
}

/// Waits until there may be something new; gives the listener back unless it has lost its connection.
async fn wait(ear: Option<PgListener>) -> Option<PgListener> {
    let Some(mut listener) = ear else {
        tokio::time::sleep(DEAF).await;
        return None;
    };
    match tokio::time::timeout(LISTENING, listener.try_recv()).await {
        Ok(Ok(Some(_))) | Err(_) => Some(listener),
        Ok(Ok(None) | Err(_)) => None,
    }
}
