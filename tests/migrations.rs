//! Databases as a server finds them: empty, older, newer, changed by hand, or in another's use. It either comes up
//! or says why not; it never serves a database that it does not understand, and it never drops a column.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::support::postgres::Database;
use crate::support::process::{self, Folder, Process, postgres, sqlite};
use crate::support::{block_on, shared_postgresql};

/// A database, seen from both sides.
enum Place {
    Sqlite,
    Postgres(Database),
}

/// A place and the folder of its servers.
struct Trial {
    folder: Folder,
    place: Place,
}

impl Trial {
    /// One on each store that is installed.
    fn each(name: &str) -> Vec<Trial> {
        let mut trials = vec![Trial { folder: Folder::new(), place: Place::Sqlite }];
        trials.extend(Trial::on_postgresql(name));
        trials
    }

    fn on_postgresql(name: &str) -> Option<Trial> {
        let database = block_on(shared_postgresql()?.database(name)).unwrap();
        Some(Trial { folder: Folder::new(), place: Place::Postgres(database) })
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        match &self.place {
            Place::Sqlite => sqlite(self.folder.path()),
            Place::Postgres(database) => postgres(database),
        }
    }

    fn start(&self) -> Process {
        Process::start(self.folder.path(), &self.settings())
    }

    /// Runs statements on a database that may not be there yet.
    fn fill(&self, sql: &'static str) {
        if matches!(self.place, Place::Sqlite) {
            std::fs::File::create(self.folder.path().join("silverback.db")).unwrap();
        }
        macro_rules! run {
            ($options:expr) => {{
                let mut connection = $options.connect().await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }};
        }
        block_on(async {
            match &self.place {
                Place::Sqlite => run!(self.file()),
                Place::Postgres(database) => run!(options(database)),
            }
        });
    }

    /// Starts a server on it and ends that again.
    fn visit(&self) {
        let mut process = self.start();
        process.terminate();
        assert!(process.wait().success(), "{}", process.said());
    }

    /// Runs SQL on it, and gives the texts of the first column.
    fn sql(&self, sql: &str) -> Vec<String> {
        macro_rules! run {
            ($options:expr) => {{
                let mut connection = $options.connect().await.unwrap();
                let texts = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                texts
            }};
        }
        block_on(async {
            match &self.place {
                Place::Sqlite => run!(self.file()),
                Place::Postgres(database) => run!(options(database)),
            }
        })
    }

    fn file(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new().filename(self.folder.path().join("silverback.db"))
    }

    /// What a server says that does not come up.
    fn refusal(&self) -> String {
        match Process::try_start(self.folder.path(), &self.settings()) {
            Ok(_) => panic!("a server comes up"),
            Err(said) => said,
        }
    }

    /// What a subcommand prints, and whether it succeeded.
    fn command(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = process::command(self.folder.path(), &self.settings());
        let output = command.args(arguments).args(["-c", "/dev/null"]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
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

#[test]
fn servers_that_start_at_once_share_an_empty_database() {
    for round in 0..3 {
        let Some(trial) = Trial::on_postgresql(&format!("at_once_{round}")) else { return };
        let spawn = |_| Process::spawn(trial.folder.path(), &trial.settings());
        let mut servers: Vec<_> = (0..3).map(spawn).collect();
        for server in &mut servers {
            server.wait_until_it_answers().unwrap_or_else(|said| panic!("round {round}: {said}"));
        }
        for (number, server) in servers.iter().enumerate() {
            let row = json!({"host": "h.test", "name": format!("by-{number}")});
            assert_eq!(server.connect().json("POST", "/services", &row).unwrap().status, 201);
        }
        for server in &servers {
            let rows = server.connect().json("GET", "/services", &Value::Null).unwrap().json();
            assert_eq!(rows["data"].as_array().map(Vec::len), Some(servers.len()), "{rows}");
        }
    }
}

#[test]
fn a_file_has_one_server() {
    let trial = Trial { folder: Folder::new(), place: Place::Sqlite };
    let mut first = trial.start();
    let said = trial.refusal();
    assert!(said.contains("another process has the database") && said.contains("silverback.db"), "{said}");
    let (success, said) = trial.command(&["migrations", "up"]);
    assert!(!success && said.contains("another process has the database"), "{said}");
    assert_eq!(first.connect().json("GET", "/services", &Value::Null).unwrap().status, 200);
    // What keeps others away goes with the process, however that ended.
    process::kill(first.id());
    first.wait();
    trial.visit();
}

#[test]
fn what_a_newer_program_wrote_is_left_alone() {
    for trial in Trial::each("newer") {
        trial.visit();
        trial.sql("UPDATE schema_meta SET value = '1000' WHERE key = 'format'");
        let said = trial.refusal();
        assert!(said.contains("written by a newer program (format 1000; this one knows 2)"), "{said}");
        let (success, said) = trial.command(&["migrations", "list"]);
        assert!(!success && said.contains("newer program"), "{said}");
        trial.sql("UPDATE schema_meta SET value = '2' WHERE key = 'format'");
        trial.visit();
    }
}

#[test]
fn the_tables_of_a_kong_are_left_alone() {
    for trial in Trial::each("of_kong") {
        trial.fill(
            "CREATE TABLE schema_meta (key TEXT, subsystem TEXT, last_executed TEXT, PRIMARY KEY (key, subsystem)); \
             CREATE TABLE services (id TEXT PRIMARY KEY, name TEXT); \
             INSERT INTO services (id, name) VALUES ('1', 'kept')",
        );
        let said = trial.refusal();
        assert!(said.contains("the tables of another program, such as Kong's"), "{said}");
        for arguments in [&["migrations", "up"][..], &["migrations", "reset", "--yes"]] {
            let (success, said) = trial.command(arguments);
            assert!(!success && said.contains("such as Kong's"), "{said}");
        }
        assert_eq!(trial.sql("SELECT name FROM services"), ["kept"]);
    }
}

#[test]
fn a_column_that_nobody_declares_is_never_dropped() {
    for trial in Trial::each("undeclared") {
        trial.visit();
        trial.sql("ALTER TABLE services ADD COLUMN mystery TEXT");
        let said = trial.refusal();
        assert!(said.contains("the table 'services' has a column 'mystery' that nothing declares"), "{said}");
        let (success, said) = trial.command(&["migrations", "up"]);
        assert!(!success && said.contains("'mystery'"), "{said}");
        trial.sql("SELECT mystery FROM services");
    }
}

#[test]
fn what_is_missing_is_added_and_the_rows_stay() {
    for trial in Trial::each("missing") {
        let (success, said) = trial.command(&["migrations", "list"]);
        assert!(success && said.contains("pending: create the table 'services'"), "{said}");
        let (success, said) = trial.command(&["migrations", "finish"]);
        assert!(!success && said.contains("run `silverback migrations up` first"), "{said}");
        let (success, said) = trial.command(&["migrations", "up"]);
        assert!(success && said.contains("done: create the table 'services'"), "{said}");
        let (success, said) = trial.command(&["migrations", "up"]);
        assert!(success && said.contains("the database is up to date"), "{said}");

        let mut process = trial.start();
        let id = "5a0a7b5e-7d2c-4c1e-9c53-0f3f0d6f8a11";
        let row = json!({"id": id, "host": "h.test", "name": "kept", "tags": ["a"]});
        assert_eq!(process.connect().json("POST", "/services", &row).unwrap().status, 201);
        process.terminate();
        assert!(process.wait().success());

        // As a database looks that a program left which did not know these yet.
        trial.sql("DROP INDEX services_ws_id_name_key");
        trial.sql("ALTER TABLE services DROP COLUMN tls_verify_depth");
        trial.sql("DROP TABLE snis");
        let (success, said) = trial.command(&["migrations", "list"]);
        for step in [
            "add the column 'tls_verify_depth' to the table 'services'",
            "add the index 'services_ws_id_name_key' to the table 'services'",
            "create the table 'snis'",
        ] {
            assert!(success && said.contains(&format!("pending: {step}")), "{step} is not in:\n{said}");
        }
        let process = trial.start();
        let mut connection = process.connect();
        let kept = connection.json("GET", "/services/kept", &Value::Null).unwrap().json();
        assert_eq!((&kept["id"], &kept["tls_verify_depth"]), (&json!(id), &Value::Null));
        let again = connection.json("POST", "/services", &json!({"host": "h.test", "name": "kept"})).unwrap();
        assert_eq!(again.status, 409, "{}", again.json());
        drop(process);

        let (success, said) = trial.command(&["migrations", "reset", "--yes"]);
        assert!(success, "{said}");
        let process = trial.start();
        assert_eq!(process.connect().json("GET", "/services/kept", &Value::Null).unwrap().status, 404);
    }
}

/// A database as a program left it that knew of no workspaces (format 1): its rows are in the default workspace from now
/// on, and its tables are those of a new one.
#[test]
fn rows_from_before_workspaces_are_in_the_default_one() {
    for trial in Trial::each("before_workspaces") {
        trial.fill(match trial.place {
            Place::Sqlite => include_str!("upgrade/0.1.0-1/sqlite.sql"),
            Place::Postgres(_) => include_str!("upgrade/0.1.0-1/postgres.sql"),
        });
        let (success, said) = trial.command(&["migrations", "list"]);
        assert!(success && said.contains("'ws_id' to the table 'services'"), "{said}");

        let mut settings = trial.settings();
        settings.push(("KONG_WORKSPACES", "on".to_owned()));
        let process = Process::start(trial.folder.path(), &settings);
        let mut connection = process.connect();
        let mut ask = |method: &str, path: &str, body: &Value| {
            let answer = connection.json(method, path, body).unwrap();
            (answer.status, answer.json())
        };
        assert_eq!(ask("GET", "/workspaces", &Value::Null).1["data"][0]["name"], "default");
        let (_, services) = ask("GET", "/default/services", &Value::Null);
        let service =
            services["data"].as_array().unwrap().iter().find(|row| row["name"].is_string()).unwrap();
        let again = json!({"host": "h.test", "name": service["name"]});
        assert_eq!(ask("POST", "/services", &again).0, 409);
        assert_eq!(ask("POST", "/workspaces", &json!({"name": "blue"})).0, 201);
        assert_eq!(ask("POST", "/blue/services", &again).0, 201);
        let reaching = json!({"paths": ["/a"], "service": {"id": service["id"]}});
        assert_eq!(ask("POST", "/blue/routes", &reaching).1["code"], 4);
        assert_ne!(ask("GET", "/tags", &Value::Null).1["data"], json!([]));
        assert_eq!(ask("GET", "/blue/services?tags=example-1", &Value::Null).1["data"], json!([]));
        drop(process);

        let (success, said) = trial.command(&["migrations", "list"]);
        assert!(success && said.contains("up to date"), "{said}");
        let indexes = match trial.place {
            Place::Sqlite => "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
            Place::Postgres(_) => {
                "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
            }
        };
        let upgraded = trial.sql(indexes);
        let (success, said) = trial.command(&["migrations", "reset", "--yes"]);
        assert!(success, "{said}");
        trial.visit();
        assert_eq!(upgraded, trial.sql(indexes));
    }
}
