//! Stores that an earlier release wrote, opened by this one: the tables are migrated, every row answers as it did, and
//! the store can be written to.
//!
//! `tests/upgrade/` has a folder for each such release: its tables and rows as SQL in either dialect, and what it
//! answered. `UPGRADE=<release> cargo test --test main upgrade` writes one with the code at hand; those of the past are
//! never written again. This asks nothing about the steps of a migration.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use entities::schema::{Context, Declarations, Entity, Flavor, Row};
use generators::fixtures::{Fixture, Fixtures};
use generators::operations::id_of;
use generators::tables::{Dialect, create, tables};
use serde_json::{Map, Value, json};
use silverback::settings::Settings;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use uuid::Uuid;

use crate::support::api::contains;
use crate::support::client;
use crate::support::postgres::Database;
use crate::support::process::{self, Folder, Process, postgres, sqlite};
use crate::support::{block_on, shared_postgresql};

/// An empty database of either kind, and the folder of its servers.
struct Place {
    folder: Folder,
    database: Option<Database>,
}

impl Place {
    fn sqlite() -> Place {
        Place { folder: Folder::new(), database: None }
    }

    /// `None` where PostgreSQL is not installed.
    fn postgres(name: &str) -> Option<Place> {
        let database = block_on(shared_postgresql()?.database(name)).unwrap();
        Some(Place { folder: Folder::new(), database: Some(database) })
    }

    /// The name of its files.
    fn name(&self) -> &'static str {
        if self.database.is_some() { "postgres" } else { "sqlite" }
    }

    fn dialect(&self) -> Dialect {
        if self.database.is_some() { Dialect::Postgres } else { Dialect::Sqlite }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        match &self.database {
            Some(database) => postgres(database),
            None => sqlite(self.folder.path()),
        }
    }

    fn start(&self) -> Process {
        Process::start(self.folder.path(), &self.settings())
    }

    /// What a subcommand about migrations prints.
    fn migrations(&self, action: &str) -> String {
        let mut command = process::command(self.folder.path(), &self.settings());
        let output = command.args(["migrations", action, "-c", "/dev/null"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs statements.
    fn run(&self, sql: &str) {
        macro_rules! run {
            ($options:expr) => {{
                let mut connection = $options.connect().await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }};
        }
        block_on(async {
            match &self.database {
                Some(database) => run!(options(database)),
                None => run!(self.file().create_if_missing(true)),
            }
        });
    }

    /// The texts of a query's only column.
    fn texts(&self, sql: &str) -> Vec<String> {
        macro_rules! fetch {
            ($options:expr) => {{
                let mut connection = $options.connect().await.unwrap();
                let texts = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                texts
            }};
        }
        block_on(async {
            match &self.database {
                Some(database) => fetch!(options(database)),
                None => fetch!(self.file()),
            }
        })
    }

    fn file(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new().filename(self.folder.path().join("silverback.db"))
    }

    /// Tables and rows as statements.
    fn dump(&self, declarations: &Declarations) -> String {
        let mut text = String::new();
        for table in tables(declarations) {
            // The rows that are always there come with the others.
            let statements = create(&table, self.dialect());
            for statement in statements.iter().filter(|statement| statement.starts_with("CREATE")) {
                writeln!(text, "{statement};").unwrap();
            }
            let names: Vec<_> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
            let quoted = names.iter().map(|name| match self.dialect() {
                Dialect::Sqlite => format!("quote({name})"),
                Dialect::Postgres => format!("quote_nullable({name}::text)"),
            });
            let quoted = quoted.collect::<Vec<_>>().join(" || ', ' || ");
            let sql = format!("SELECT {quoted} AS line FROM \"{}\" ORDER BY 1", table.name);
            for line in self.texts(&sql) {
                writeln!(text, "INSERT INTO \"{}\" ({}) VALUES ({line});", table.name, names.join(", "))
                    .unwrap();
            }
        }
        if self.database.is_some() {
            text +=
                "SELECT setval(pg_get_serial_sequence('changes', 'version'), max(version)) FROM changes;\n";
        }
        text
    }

    /// The last version of the change log.
    fn version(&self) -> i64 {
        self.texts("SELECT CAST(max(version) AS TEXT) FROM changes")[0].parse().unwrap()
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

/// Where the stores of the past are.
fn past() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade")
}

fn get(connection: &mut client::Connection, path: &str) -> Value {
    let answer = connection.json("GET", path, &Value::Null).unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.json());
    answer.json()
}

/// A row of every kind, and another with no more than it needs; each with what it refers to.
struct Population<'a> {
    fixtures: Fixtures<'a>,
    connection: client::Connection,
}

impl Population<'_> {
    /// Rows of an entity; `serial` tells them, and what they refer to, from those of others.
    fn settle(&mut self, entity: &'static Entity, serial: usize) {
        for variant in self.fixtures.variants(entity) {
            for fixture in [
                self.fixtures.whole(entity, variant, serial),
                self.fixtures.least(entity, variant, serial + 1),
            ] {
                let Fixture { entity, row, parents } = fixture.unwrap();
                for (parent, row) in &parents {
                    self.write(parent, row);
                }
                self.write(entity, &row);
            }
        }
    }

    /// Writes a row unless it is there.
    fn write(&mut self, entity: &'static Entity, row: &Row) {
        let above = entity.foreign_keys().filter(|_| entity.nested_only).map(|(field, _, parent)| {
            let id = row[field][parent.primary_key[0]].as_str().unwrap();
            format!("/{}/{id}/{}", parent.collection(), entity.nested_collection())
        });
        let path = above.last().unwrap_or_else(|| format!("/{}", entity.collection()));
        if let Some(id) = id_of(entity, row) {
            let found = self.connection.json("GET", &format!("{path}/{id}"), &Value::Null).unwrap();
            if found.status == 200 {
                return;
            }
        }
        let answer = self.connection.json("POST", &path, &Value::Object(row.clone())).unwrap();
        // Of some rows another one has brought the like already, as a certificate does with its names.
        assert!([201, 409].contains(&answer.status), "POST {path} {}: {}", json!(row), answer.json());
    }
}

/// Writes the store and the answers of the code at hand.
fn write(place: &Place, folder: &Path) {
    let declarations = silverback::declarations(&Settings::default()).unwrap();
    let context = Context {
        now_us: 1_700_000_000_000_000,
        new_id: &Uuid::new_v4,
        new_secret: &|| "a-secret-of-the-past".to_owned(),
        router_flavor: Flavor::TraditionalCompatible,
        without_database: false,
    };
    let process = place.start();
    let fixtures = Fixtures::new(&declarations, &context);
    let mut population = Population { fixtures, connection: process.connect() };
    let served = || declarations.entities().filter(|entity| entity.generate_admin_api && entity.stored);
    served().enumerate().for_each(|(i, entity)| population.settle(entity, 2 * i));
    let connection = &mut population.connection;
    let mut answers = Map::new();
    let mut record = |path: String| {
        let answer = get(connection, &path);
        answers.insert(path, answer.clone());
        answer
    };
    for entity in served().filter(|entity| !entity.nested_only) {
        let rows = record(format!("/{}?size=1000", entity.collection()));
        for child in served().filter(|child| child.nested_only) {
            let below = child.foreign_keys().any(|(_, _, parent)| parent.name == entity.name);
            for row in rows["data"].as_array().into_iter().flatten().filter(|_| below) {
                let id = row["id"].as_str().unwrap();
                record(format!("/{}/{id}/{}", entity.collection(), child.nested_collection()));
            }
        }
    }
    record("/tags?size=1000".to_owned());
    for entity in served() {
        let count = place.texts(&format!("SELECT CAST(count(*) AS TEXT) FROM \"{}\"", entity.table()));
        assert_ne!(count, ["0"], "no row of {}", entity.name);
    }
    drop(process);
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(format!("{}.sql", place.name())), place.dump(&declarations)).unwrap();
    let mut text = String::from("{\n");
    for (i, (path, answer)) in answers.iter().enumerate() {
        let comma = if i + 1 < answers.len() { "," } else { "" };
        writeln!(text, "{}: {answer}{comma}", json!(path)).unwrap();
    }
    fs::write(folder.join(format!("{}.json", place.name())), text + "}\n").unwrap();
}

/// Opens a store of the past.
fn open(place: &Place, folder: &Path) {
    let read = |kind: &str| fs::read_to_string(folder.join(format!("{}.{kind}", place.name()))).unwrap();
    place.run(&read("sql"));
    let version = place.version();
    let mut process = place.start();
    let mut connection = process.connect();
    let answers: Map<String, Value> = serde_json::from_str(&read("json")).unwrap();
    assert!(!answers.is_empty());
    for (path, then) in &answers {
        // A later release may show more fields, and shows what there was.
        let now = get(&mut connection, path);
        assert!(contains(&now, then), "{}: {path}\nwas {then}\nis  {now}", folder.display());
    }
    let row = json!({"name": "of-today", "host": "h.test", "tags": ["today"]});
    let written = connection.json("POST", "/services", &row).unwrap();
    assert_eq!(written.status, 201, "{}", written.json());
    let id = written.json()["id"].as_str().unwrap().to_owned();
    let route = json!({"paths": ["/today"], "service": {"id": id}});
    assert_eq!(connection.json("POST", "/routes", &route).unwrap().status, 201);
    assert_eq!(get(&mut connection, "/tags/today")["data"][0]["entity_id"], json!(id));
    assert_eq!(place.version(), version + 2);
    process.terminate();
    assert!(process.wait().success(), "{}", process.said());
    assert!(place.migrations("list").contains("the database is up to date"));
}

fn play(place: &Place) {
    if let Some(release) = std::env::var_os("UPGRADE") {
        return write(place, &past().join(release));
    }
    let folders = fs::read_dir(past()).unwrap();
    let releases: Vec<_> = folders.map(|entry| entry.unwrap().path()).collect();
    assert!(!releases.is_empty());
    for folder in releases {
        let again = match place.database {
            None => Some(Place::sqlite()),
            Some(_) => Place::postgres("upgrade"),
        };
        open(&again.unwrap(), &folder);
    }
}

#[test]
fn an_sqlite_store_of_the_past_answers_the_same() {
    play(&Place::sqlite());
}

#[test]
fn a_postgresql_store_of_the_past_answers_the_same() {
    if let Some(place) = Place::postgres("upgrade_written") {
        play(&place);
    }
}
