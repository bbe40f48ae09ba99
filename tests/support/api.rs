//! Produces a node in this process, on a store of its own, and answers without a socket. Its store can be looked
//! at from outside of the node, which is how a test knows that a refused request left nothing behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use generators::tables::{Dialect, Kind, Table, tables};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use silverback::Extension;
use silverback::node::Node;
use silverback::settings::{self, Settings};
use silverback::store::{Connection, Database, Location};
use sqlx::postgres::{PgConnectOptions, PgPool, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Row};
use tower::ServiceExt;

use super::client::Answer;
use super::shared_postgresql;

/// A store that a node can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    Sqlite,
    /// SQLite that answers every read by SQL.
    Uncached,
    Postgres,
    /// None: what is loaded lies in memory.
    Off,
}

/// One request and what must come back.
pub struct Scenario {
    /// Such as `POST /services`.
    pub request: &'static str,
    /// The JSON body; null for none.
    pub body: Value,
    pub status: u16,
    /// What the answer holds; it may hold more.
    pub expected: Value,
}

impl Scenario {
    /// The request with that body is answered so.
    pub fn new(request: &'static str, body: Value, status: u16, expected: Value) -> Scenario {
        Scenario { request, body, status, expected }
    }
}

/// A node, as its clients see it.
#[derive(Clone)]
pub struct Api {
    pub node: Arc<Node>,
    router: Router,
    outside: Outside,
    /// Where the file of the store lies.
    _folder: Option<Arc<Folder>>,
}

/// The database, beside the node.
#[derive(Clone)]
enum Outside {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    /// Nothing but the node knows its rows.
    Nothing,
}

impl Api {
    /// A node on an empty store; `name` is that of its database. `None` where the store is not installed.
    pub async fn open(store: Store, name: &str) -> Option<Api> {
        Api::open_with(&Settings::default(), store, name).await
    }

    /// A node with these settings on an empty store. Where the store is and how it is read are not theirs to say.
    pub async fn open_with(settings: &Settings, store: Store, name: &str) -> Option<Api> {
        Api::open_extended(settings, store, name, &[]).await
    }

    /// The same, with extensions in Rust.
    pub async fn open_extended(
        settings: &Settings,
        store: Store,
        name: &str,
        extensions: &[Extension],
    ) -> Option<Api> {
        match store {
            Store::Sqlite | Store::Uncached => {
                let folder = Folder::new();
                let path = folder.0.join("silverback.db");
                let read_cache = store == Store::Sqlite;
                let database = Database::Sqlite { location: Location::File(path.clone()), read_cache };
                let node = silverback::node_with(settings, &database, extensions).await.unwrap();
                let options = SqliteConnectOptions::new().filename(path).read_only(true);
                let outside = Outside::Sqlite(SqlitePool::connect_lazy_with(options));
                Some(Api::new(node, outside, Some(Arc::new(folder))))
            }
            Store::Postgres => {
                let database = shared_postgresql()?.database(name).await.unwrap();
                let options = PgConnectOptions::new_without_pgpass()
                    .host(&database.host)
                    .port(database.port)
                    .username(&database.user)
                    .database(&database.name)
                    .ssl_mode(PgSslMode::Disable);
                let outside = Outside::Postgres(PgPool::connect_lazy_with(options.clone()));
                // A machine that has other things to do fails no test.
                let timeout = Duration::from_secs(60);
                let connection = Connection { options, pool: 4, timeout, keepalive: None, at_once: None };
                let database = Database::Postgres(Box::new(connection));
                let node = silverback::node_with(settings, &database, extensions).await.unwrap();
                Some(Api::new(node, outside, None))
            }
            Store::Off => {
                let mut settings = settings.clone();
                settings.database = settings::Database::Off;
                let node = silverback::node_with(&settings, &Database::Off, extensions).await.unwrap();
                Some(Api::new(node, Outside::Nothing, None))
            }
        }
    }

    fn new(node: Arc<Node>, outside: Outside, folder: Option<Arc<Folder>>) -> Api {
        Api { router: silverback::app(Arc::clone(&node)), node, outside, _folder: folder }
    }

    /// Sends a request and gives the answer.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        *request.uri_mut() = path.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        Answer { status, headers, body }
    }

    /// Sends a request with a JSON body, or without any where it is null.
    pub async fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        if body.is_null() {
            return self.send(method, path, &[], Vec::new()).await;
        }
        self.send(method, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    /// Asks for a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.json("GET", path, &Value::Null).await
    }

    /// Plays a scenario. A request that is refused, or only reads, must leave the store as it was.
    pub async fn check(&self, scenario: &Scenario) {
        let Scenario { request, body, status, expected } = scenario;
        let (method, path) = request.split_once(' ').unwrap();
        let before = self.state().await;
        let answer = self.json(method, path, body).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, *status, "{request} {body}: {text}");
        assert!(contains(&answer.json(), expected), "{request} {body}: {text} does not hold {expected}");
        if answer.status >= 400 || method == "GET" {
            assert_eq!(self.state().await, before, "{request} {body} changed the store");
        }
    }

    /// Everything that the store holds; of the change log, which only grows, its length and its version.
    pub async fn state(&self) -> String {
        let tables = tables(&self.node.declarations);
        match &self.outside {
            Outside::Sqlite(pool) => {
                let sql = contents(&tables, Dialect::Sqlite);
                let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
            }
            Outside::Nothing => self.get("/config").await.json().to_string(),
            Outside::Postgres(pool) => {
                let sql = contents(&tables, Dialect::Postgres);
                let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// Whether a value is the wanted one; an object may have more fields.
pub fn contains(own: &Value, wanted: &Value) -> bool {
    match (own, wanted) {
        (Value::Object(own), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| own.get(name).is_some_and(|own| contains(own, value)))
        }
        (Value::Array(own), Value::Array(wanted)) => {
            own.len() == wanted.len() && own.iter().zip(wanted).all(|(own, wanted)| contains(own, wanted))
        }
        (Value::Number(own), Value::Number(wanted)) => own.as_f64() == wanted.as_f64(),
        // An empty list and an empty object are the same value.
        (Value::Array(list), Value::Object(map)) | (Value::Object(map), Value::Array(list)) => {
            list.is_empty() && map.is_empty()
        }
        _ => own == wanted,
    }
}

/// A statement that gives a line for each row of each table: `services (…)`.
fn contents(tables: &[Table], dialect: Dialect) -> String {
    let of = |table: &Table| {
        if let Some(version) = table.columns.iter().find(|column| column.kind == Kind::Serial) {
            let (name, version) = (&table.name, &version.name);
            let last = format!("coalesce(max(\"{version}\"), 0)");
            return format!("SELECT '{name}: ' || count(*) || ' to ' || {last} AS line FROM \"{name}\"");
        }
        let texts = table.columns.iter().map(|column| match dialect {
            Dialect::Sqlite => format!("quote(\"{}\")", column.name),
            Dialect::Postgres => format!("coalesce(quote_literal(\"{}\"::text), 'NULL')", column.name),
        });
        let texts = texts.collect::<Vec<_>>().join(" || ', ' || ");
        format!("SELECT '{name} (' || {texts} || ')' AS line FROM \"{name}\"", name = table.name)
    };
    tables.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ") + " ORDER BY line"
}

/// A folder that goes when it is dropped: in memory where the system has such a place, since no test of answers
/// asks for rows that outlive the machine.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(&parent));
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

/// The folders' names begin so.
const PREFIX: &str = "silverback-api-";

/// Removes the folders of processes that were killed before they could: nobody holds the lock of their store.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let lock = is_ours.then(|| fs::File::open(entry.path().join("silverback.db.lock")).ok()).flatten();
        if lock.is_some_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
