//! Produces the floors: the least that an answer can cost. A read's floor is an axum handler in a process of
//! its own that gives the same bytes without looking at the request; a write's floor is the row alone, written
//! by plain SQL in this process, each statement its own transaction at the server's durability (SQLite: WAL and
//! `synchronous=FULL`; PostgreSQL: `fsync` on). It deliberately has no HTTP in front of the SQL, no validation
//! and no change log, so a write's ratio counts all of these against the server.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use uuid::Uuid;

use crate::client::Connection;
use crate::load::Worker;
use crate::postgres::Database;
use crate::requests::{Posted, host, id, posted, scattered, service};

/// The first argument of the process that is a floor; the file and the type of the body follow.
pub const ARGUMENT: &str = "--floor";

/// Answers every request with the bytes of a file until the standard input ends. Prints its port.
/// Like the server, it runs as many threads as the machine has processors.
pub fn serve(file: String, kind: String) -> Result<()> {
    let body = Bytes::from(std::fs::read(file)?);
    #[expect(clippy::disallowed_methods, reason = "the floor has no store to close")]
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let answer = move || async move { ([(CONTENT_TYPE, kind)], body) };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        axum::serve(listener, Router::new().fallback(answer)).await.context("the floor ended")
    })
}

/// The process that answers as [`serve`] does; it ends with this value, or with this process.
pub struct Handler {
    pub address: SocketAddr,
    process: Child,
}

impl Handler {
    /// Starts it with the last answer of a connection.
    pub fn start(folder: &Path, answered: &Connection) -> Result<Handler> {
        let file = folder.join("floor.body");
        std::fs::write(&file, answered.body())?;
        let kind = answered.header("content-type").unwrap_or("application/json");
        let mut process = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .arg(file)
            .arg(kind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run the floor")?;
        let mut port = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut port)?;
        }
        let port: u16 = port.trim().parse().context("the floor does not start")?;
        Ok(Handler { address: (Ipv4Addr::LOCALHOST, port).into(), process })
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A write, named as the table of results names it.
#[derive(Clone, Copy)]
pub enum Statement {
    Patch,
    Put,
    Post(Posted),
    Delete(Posted),
}

impl Statement {
    pub fn name(self) -> &'static str {
        match self {
            Statement::Patch => "PATCH",
            Statement::Put => "PUT",
            Statement::Post(Posted::Service) => "POST",
            Statement::Post(Posted::Credential) => "POST a key-auth credential",
            Statement::Delete(Posted::Service) => "DELETE",
            Statement::Delete(Posted::Credential) => "DELETE a key-auth credential",
        }
    }
}

/// The columns of a service, in types that both databases know.
const CREATE: &str = "CREATE TABLE services (id TEXT PRIMARY KEY, created_at BIGINT, updated_at BIGINT, \
    name TEXT UNIQUE, retries BIGINT, protocol TEXT, host TEXT, port BIGINT, path TEXT, \
    connect_timeout BIGINT, write_timeout BIGINT, read_timeout BIGINT, tags TEXT, client_certificate_id TEXT, \
    tls_verify BOOLEAN, tls_verify_depth BIGINT, ca_certificates TEXT, enabled BOOLEAN)";

const INSERT: &str = "INSERT INTO services (id, created_at, updated_at, name, retries, protocol, host, port, \
    path, connect_timeout, write_timeout, read_timeout, tags, enabled) \
    VALUES ($1, $2, $2, $3, 5, 'http', $4, 8080, '/v1', $5, 60000, 60000, '[\"bench\"]', TRUE)";

const UPSERT: &str = "INSERT INTO services (id, created_at, updated_at, name, retries, protocol, host, port, \
    path, connect_timeout, write_timeout, read_timeout, tags, enabled) \
    VALUES ($1, $2, $2, $3, 5, 'http', $4, 8080, '/v1', $5, 60000, 60000, '[\"bench\"]', TRUE) \
    ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at, retries = excluded.retries, \
    protocol = excluded.protocol, host = excluded.host, port = excluded.port, path = excluded.path, \
    connect_timeout = excluded.connect_timeout, write_timeout = excluded.write_timeout, \
    read_timeout = excluded.read_timeout, tags = excluded.tags, client_certificate_id = NULL, \
    tls_verify = NULL, tls_verify_depth = NULL, ca_certificates = NULL, enabled = excluded.enabled";

const UPDATE: &str = "UPDATE services SET connect_timeout = $1, updated_at = $2 WHERE id = $3";

const DELETE: &str = "DELETE FROM services WHERE name = $1";

/// Likewise of a credential.
const CREATE_CREDENTIALS: &str = "CREATE TABLE keyauth_credentials (id TEXT PRIMARY KEY, created_at BIGINT, \
    consumer_id TEXT, \"key\" TEXT UNIQUE, tags TEXT, ttl BIGINT)";

const INSERT_CREDENTIAL: &str = "INSERT INTO keyauth_credentials (id, created_at, consumer_id, \"key\", tags) \
    VALUES ($1, $2, $3, $4, '[\"bench\"]')";

const DELETE_CREDENTIAL: &str = "DELETE FROM keyauth_credentials WHERE \"key\" = $1";

/// A stamp that is another one each time: SQLite does not write a row over itself when nothing in it differs.
fn now() -> i64 {
    static STAMP: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(1_700_000_000);
    STAMP.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

#[derive(Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The same code for either kind of pool, which are different types.
macro_rules! on {
    ($either:expr, $pool:ident => $body:expr) => {
        match $either {
            Pool::Sqlite($pool) => $body,
            Pool::Postgres($pool) => $body,
        }
    };
}

/// The tables that plain SQL writes: services, as many as the server has, and credentials, of which it has none.
pub struct Table {
    pool: Pool,
    rows: usize,
}

impl Table {
    /// SQLite has one writer, and so has this pool.
    pub async fn sqlite(file: &Path, rows: usize) -> Result<Table> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
        Table::fill(Pool::Sqlite(pool.connect_with(options).await?), rows).await
    }

    pub async fn postgres(database: &Database, rows: usize) -> Result<Table> {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&database.host)
            .port(database.port)
            .username(&database.user)
            .database(&database.name)
            .ssl_mode(PgSslMode::Disable);
        let pool = PgPoolOptions::new().max_connections(64).test_before_acquire(false);
        Table::fill(Pool::Postgres(pool.connect_with(options).await?), rows).await
    }

    async fn fill(pool: Pool, rows: usize) -> Result<Table> {
        on!(&pool, pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(CREATE).execute(&mut *transaction).await?;
            sqlx::query(CREATE_CREDENTIALS).execute(&mut *transaction).await?;
            for row in 0..rows {
                let query = sqlx::query(INSERT).bind(id("services", row)).bind(now()).bind(service(row));
                query.bind(host(row)).bind(60_000_i64).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        });
        Ok(Table { pool, rows })
    }

    /// Workers that run a statement; `made` are the numbers of the rows that a deletion finds.
    pub fn workers(&self, statement: Statement, count: usize, made: Option<Arc<Vec<usize>>>) -> Vec<Writer> {
        let made = made.unwrap_or_default();
        let writer = || Writer { pool: self.pool.clone(), statement, rows: self.rows, made: made.clone() };
        (0..count).map(|_| writer()).collect()
    }
}

/// One of several that run the same statement on different rows.
pub struct Writer {
    pool: Pool,
    statement: Statement,
    rows: usize,
    made: Arc<Vec<usize>>,
}

impl Worker for Writer {
    async fn step(&mut self, serial: usize) -> Result<bool> {
        let row = scattered(serial, self.rows);
        let timeout = 1000 + i64::try_from(serial % 60_000)?;
        let changed = on!(&self.pool, pool => match self.statement {
            Statement::Patch => {
                let query = sqlx::query(UPDATE).bind(timeout).bind(now()).bind(id("services", row));
                query.execute(pool).await?.rows_affected()
            }
            // The id is what an absent row would have got; the one that is there keeps its own.
            Statement::Put => {
                let query = sqlx::query(UPSERT).bind(Uuid::new_v4().to_string()).bind(now()).bind(service(row));
                query.bind(host(row)).bind(timeout).execute(pool).await?.rows_affected()
            }
            Statement::Post(Posted::Service) => {
                let query = sqlx::query(INSERT).bind(Uuid::new_v4().to_string()).bind(now());
                query.bind(posted(serial)).bind(host(serial)).bind(timeout).execute(pool).await?.rows_affected()
            }
            Statement::Post(Posted::Credential) => {
                let query = sqlx::query(INSERT_CREDENTIAL).bind(Uuid::new_v4().to_string()).bind(now());
                query.bind(id("consumers", row)).bind(posted(serial)).execute(pool).await?.rows_affected()
            }
            Statement::Delete(what) => {
                let Some(made) = self.made.get(serial) else { return Ok(false) };
                let statement = match what {
                    Posted::Service => DELETE,
                    Posted::Credential => DELETE_CREDENTIAL,
                };
                sqlx::query(statement).bind(posted(*made)).execute(pool).await?.rows_affected()
            }
        });
        ensure!(changed == 1, "the floor of {} changed {changed} rows", self.statement.name());
        Ok(true)
    }
}
