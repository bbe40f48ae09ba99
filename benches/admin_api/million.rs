//! Produces the first and the thousandth page of a million rows. The rows are copies of one consumer, made by
//! SQL inside the store while no server runs, so that they have every column as the server writes it,
//! whatever the columns are. It deliberately measures no write: how fast a database copies rows says nothing
//! about the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _};

use crate::client::{Connection, Requester};
use crate::load::{self, Outcome};
use crate::requests::{Maker, pages, request};
use crate::server::Store;

/// How many consumers are added.
pub const ROWS: usize = 1_000_000;

/// The page that is compared with the first.
const PAGE: usize = 1000;

/// A random UUID as text, in SQLite's words.
const SQLITE_UUID: &str = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || \
    substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))";

/// Adds the consumers to a store that no server uses, and gives the seconds it took.
pub async fn insert(store: &Store) -> Result<f64> {
    let began = Instant::now();
    let added = match store {
        Store::Memory => bail!("only the server itself can write to its memory"),
        Store::Sqlite(file) => {
            let mut connection = SqliteConnectOptions::new().filename(file).connect().await?;
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info('consumers')")
                .fetch_all(&mut connection)
                .await?;
            let id = format!("CASE typeof(c.id) WHEN 'blob' THEN randomblob(16) ELSE {SQLITE_UUID} END");
            let series = format!(
                "(WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {ROWS}) \
                 SELECT n FROM series)"
            );
            let added =
                sqlx::query(AssertSqlSafe(copies(&columns, &id, &series))).execute(&mut connection).await?;
            sqlx::query("ANALYZE").execute(&mut connection).await?;
            connection.close().await?;
            added.rows_affected()
        }
        Store::Postgres(database) => {
            let mut connection = PgConnectOptions::new_without_pgpass()
                .host(&database.host)
                .port(database.port)
                .username(&database.user)
                .database(&database.name)
                .ssl_mode(PgSslMode::Disable)
                .connect()
                .await?;
            let columns: Vec<(String, String)> = sqlx::query_as(
                "SELECT column_name::text, data_type::text FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = 'consumers' \
                 AND is_generated = 'NEVER' \
                 ORDER BY ordinal_position",
            )
            .fetch_all(&mut connection)
            .await?;
            let uuid = columns.iter().any(|(name, kind)| name == "id" && kind == "uuid");
            let id = if uuid { "gen_random_uuid()" } else { "gen_random_uuid()::text" };
            let columns: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
            let series = format!("(SELECT n FROM generate_series(1, {ROWS}) AS n)");
            let added =
                sqlx::query(AssertSqlSafe(copies(&columns, id, &series))).execute(&mut connection).await?;
            sqlx::query("ANALYZE").execute(&mut connection).await?;
            connection.close().await?;
            added.rows_affected()
        }
    };
    ensure!(added == ROWS as u64, "{added} consumers were added");
    Ok(began.elapsed().as_secs_f64())
}

/// `INSERT INTO consumers ("id", "username", …) SELECT …`: one copy of some consumer for each `n` of a
/// series, with an id and unique names of its own.
fn copies(columns: &[String], id: &str, series: &str) -> String {
    let names: Vec<_> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let values: Vec<_> = columns
        .iter()
        .map(|name| match name.as_str() {
            "id" => id.to_owned(),
            "username" | "custom_id" => "'million-' || s.n".to_owned(),
            _ => format!("c.\"{name}\""),
        })
        .collect();
    format!(
        "INSERT INTO consumers ({}) SELECT {} FROM {series} AS s \
         CROSS JOIN (SELECT * FROM consumers LIMIT 1) AS c",
        names.join(", "),
        values.join(", ")
    )
}

/// The latencies of the first and of the thousandth page, one request at a time.
pub async fn first_and_thousandth(address: SocketAddr, limit: Duration) -> Result<(Outcome, Outcome)> {
    let mut connection = Connection::open(address).await?;
    let paths = pages(&mut connection, "/consumers?size=1000", PAGE).await?;
    ensure!(paths.len() == PAGE, "the list ends after {} pages", paths.len());
    let measure = async |path: &str| {
        let mut bytes = Vec::new();
        request(&mut bytes, "GET", path, None);
        let maker: Maker = Arc::new(move |_, out| {
            out.extend_from_slice(&bytes);
            true
        });
        load::run(Requester::several(address, 1, 200, &maker).await?, limit / 10, limit).await
    };
    Ok((measure(&paths[0]).await?, measure(&paths[PAGE - 1]).await?))
}
