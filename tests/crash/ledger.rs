//! Produces the rows that the change log implies, and holds them against the tables and against what the server
//! answers: a row without its line, a line without its row, and a row without its tags all show here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use uuid::Uuid;

use crate::support::block_on;
use crate::support::postgres::Database;
use crate::support::process::Process;

/// The entities that the load touches.
const ENTITIES: [&str; 6] = ["services", "plugins", "certificates", "snis", "upstreams", "targets"];
/// Those of them that have a collection of their own.
const LISTED: [&str; 5] = ["services", "plugins", "certificates", "snis", "upstreams"];

/// The database, as SQL sees it.
pub enum Source {
    Sqlite(PathBuf),
    Postgres(Database),
}

impl Source {
    /// The texts of a query's columns.
    pub fn texts(&self, sql: &str) -> Vec<Vec<String>> {
        macro_rules! fetch {
            ($options:expr) => {{
                let mut connection = $options.connect().await.unwrap();
                let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
                let text =
                    |row: &_, i| Row::try_get::<Option<String>, usize>(row, i).unwrap().unwrap_or_default();
                let texts =
                    rows.iter().map(|row| (0..Row::len(row)).map(|i| text(row, i)).collect()).collect();
                connection.close().await.unwrap();
                texts
            }};
        }
        block_on(async {
            match self {
                Source::Sqlite(file) => fetch!(SqliteConnectOptions::new().filename(file)),
                Source::Postgres(database) => fetch!(options(database)),
            }
        })
    }

    /// Waits until no transaction of a server that is gone, or cut off, can commit any more: PostgreSQL finishes a
    /// commit that has arrived, whoever sent it.
    pub fn wait_until_nobody_writes(&self) {
        let Source::Postgres(_) = self else { return };
        let deadline = Instant::now() + Duration::from_secs(30);
        let sql = "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'silverback' \
                   AND datname = current_database() AND backend_xid IS NOT NULL";
        while self.texts(sql)[0][0] != "0" {
            assert!(Instant::now() < deadline, "a transaction stays that nobody ends");
            sleep(Duration::from_millis(5));
        }
    }
}

fn options(database: &Database) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host(&database.host)
        .port(database.port)
        .username(&database.user)
        .database(&database.name)
        .ssl_mode(PgSslMode::Disable)
}

/// The rows that the change log implies.
#[derive(Default)]
pub struct Ledger {
    rows: BTreeMap<(String, String), Value>,
    version: i64,
}

impl Ledger {
    /// Reads the lines of the log that are new.
    pub fn read(&mut self, source: &Source) {
        let lines = source.texts(&format!(
            "SELECT CAST(version AS TEXT) AS line, entity, id, operation, CAST(\"before\" AS TEXT), CAST(\"after\" AS TEXT) \
             FROM changes WHERE version > {} AND operation <> 'announce' ORDER BY changes.version",
            self.version
        ));
        for line in lines {
            let [version, entity, id, operation, before, after] = line.try_into().unwrap();
            let [before, after]: [Value; 2] =
                [before, after].map(|text| serde_json::from_str(&text).unwrap());
            self.version = version.parse().unwrap();
            let key = (entity, id);
            let known = self.rows.remove(&key).unwrap_or_default();
            assert_eq!(
                known, before,
                "line {version} ({operation} {key:?}) begins where the last one did not end"
            );
            match operation.as_str() {
                "create" => assert!(before.is_null() && !after.is_null(), "line {version}"),
                "update" => assert!(!before.is_null() && !after.is_null(), "line {version}"),
                "delete" => assert!(!before.is_null() && after.is_null(), "line {version}"),
                other => panic!("line {version}: {other}"),
            }
            if !after.is_null() {
                self.rows.insert(key, after);
            }
        }
    }

    /// The row of that id.
    pub fn row(&self, entity: &str, id: Uuid) -> Option<&Value> {
        self.rows.get(&(entity.to_owned(), id.to_string()))
    }

    /// The rows of an entity.
    pub fn rows(&self, entity: &str) -> impl Iterator<Item = &Value> {
        self.rows.iter().filter(move |((own, _), _)| own == entity).map(|(_, row)| row)
    }

    fn ids(&self, entity: &str) -> BTreeSet<String> {
        self.rows.keys().filter(|(own, _)| own == entity).map(|(_, id)| id.clone()).collect()
    }

    /// Every row has its line and its tags, and nothing is there beside them.
    pub fn agrees_with_tables(&self, source: &Source) {
        for entity in ENTITIES {
            let found = source.texts(&format!("SELECT CAST(id AS TEXT) FROM {entity}"));
            let found: BTreeSet<String> = found.into_iter().flatten().collect();
            assert_eq!(found, self.ids(entity), "the table and the change log differ on {entity}");
        }
        let found = source.texts("SELECT entity, CAST(id AS TEXT), CAST(ordinal AS TEXT), tag FROM tags");
        let mut wanted = BTreeSet::new();
        for ((entity, id), row) in &self.rows {
            for (i, tag) in row["tags"].as_array().into_iter().flatten().enumerate() {
                let tag = tag.as_str().unwrap_or_default().to_owned();
                wanted.insert(vec![entity.clone(), id.clone(), (i + 1).to_string(), tag]);
            }
        }
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted, "rows and their tags");
    }

    /// The server answers with these rows and no others. A connection that died with its database is noticed when
    /// it is used, so a refusal to answer is taken as an invitation to ask again.
    pub fn agrees_with_answers(&self, process: &Process) {
        let mut connection = process.connect();
        for entity in LISTED {
            let path = format!("/{entity}?size=1000");
            let deadline = Instant::now() + Duration::from_secs(10);
            let answer = loop {
                let answer = connection.json("GET", &path, &Value::Null).unwrap();
                if answer.status != 503 || Instant::now() > deadline {
                    break answer;
                }
            };
            assert_eq!(answer.status, 200, "{path}: {}", answer.json());
            let mut rows = answer.json()["data"].as_array().unwrap().clone();
            for row in rows.iter_mut().filter_map(Value::as_object_mut).filter(|_| entity == "certificates") {
                let listed = row.shift_remove("snis").unwrap_or_default();
                let listed: BTreeSet<_> =
                    listed.as_array().into_iter().flatten().map(Value::to_string).collect();
                let below = self.rows("snis").filter(|sni| sni["certificate"]["id"] == row["id"]);
                assert_eq!(listed, below.map(|sni| sni["name"].to_string()).collect(), "{row:?}");
            }
            // The map is in the order of ids, and so is the answer.
            assert_eq!(rows, self.rows(entity).cloned().collect::<Vec<_>>(), "{entity}");
        }
    }
}
