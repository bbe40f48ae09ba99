//! Secrets at rest: with a keyring, what is marked encrypted is nowhere in the store as it is, whichever key is the
//! first one, and a store that is sealed is not opened without its key. The form of a sealed value is tested where it is
//! made.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use entities::ENTITIES;
use serde_json::{Value, json};

use crate::crash::ledger::Source;
use crate::support::process::{self, Folder, Process};
use crate::support::{block_on, shared_postgresql};

const SECRETS: [&str; 4] =
    ["the-secret-of-a-plugin", "the-password-of-redis", "the-secret-of-a-key", "a-unique-badge"];
const CONSUMER: &str = "c0000000-0000-4000-8000-000000000001";

/// A plugin with an entity whose unique field is encrypted.
const BADGES: &str = "
name: badge
version: 1.0.0
priority: 1
fields:
  - config: { type: record, fields: [] }
entities:
  - name: badges
    primary_key: [id]
    endpoint_key: badge
    fields:
      - id: { typedef: uuid }
      - badge: { type: string, required: true, unique: true, encrypted: true }
";

/// A store with a keyring beside it.
struct Place {
    folder: Folder,
    settings: Vec<(&'static str, String)>,
    source: Source,
}

impl Place {
    fn sqlite() -> Place {
        let folder = Folder::new();
        let settings = process::sqlite(folder.path());
        let source = Source::Sqlite(folder.path().join("silverback.db"));
        Place { folder, settings, source }.badged()
    }

    fn postgres(name: &str) -> Option<Place> {
        let database = block_on(shared_postgresql()?.database(name)).unwrap();
        let settings = process::postgres(&database);
        Some(Place { folder: Folder::new(), settings, source: Source::Postgres(database) }.badged())
    }

    fn badged(mut self) -> Place {
        let plugins = self.folder.path().join("plugins");
        fs::create_dir_all(plugins.join("badge")).unwrap();
        fs::write(plugins.join("badge/schema.yaml"), BADGES).unwrap();
        self.settings.push(("KONG_PLUGINS", "bundled,badge".to_owned()));
        self.settings.push(("KONG_PLUGINS_PATH", plugins.display().to_string()));
        self
    }

    fn keyring(&self) -> PathBuf {
        self.folder.path().join("keyring")
    }

    /// Puts a new key before the others.
    fn add_key(&self) {
        let mut command = process::command(self.folder.path(), &self.settings);
        let output = command.args(["keyring", "add"]).arg(self.keyring()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn try_start(&self, with_keyring: bool) -> Result<Process, String> {
        let mut settings = self.settings.clone();
        if with_keyring {
            settings.push(("KONG_KEYRING", self.keyring().display().to_string()));
        }
        Process::try_start(self.folder.path(), &settings)
    }

    fn start(&self, with_keyring: bool) -> Process {
        self.try_start(with_keyring).unwrap()
    }

    /// Which of the secrets the store holds as they are.
    fn readable(&self) -> Vec<&'static str> {
        let bytes: Vec<u8> = match &self.source {
            Source::Sqlite(path) => {
                let wal = path.with_extension("db-wal");
                [fs::read(path).unwrap(), fs::read(wal).unwrap_or_default()].concat()
            }
            Source::Postgres(_) => {
                let tables = ENTITIES.iter().filter(|entity| entity.stored).map(|entity| entity.table());
                let texts = tables
                    .chain(["changes", "badges"])
                    .flat_map(|table| self.source.texts(&format!("SELECT own::text FROM \"{table}\" own")));
                texts.flatten().collect::<String>().into_bytes()
            }
        };
        let is_there = |secret: &&str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        SECRETS.into_iter().filter(is_there).collect()
    }
}

fn stop(mut node: Process) {
    node.terminate();
    assert!(node.wait().success());
}

fn write(node: &Process) {
    let mut connection = node.connect();
    for (path, body) in [
        ("/plugins", json!({"name": "session", "config": {"secret": SECRETS[0]}})),
        (
            "/plugins",
            json!({"name": "rate-limiting", "config": {"second": 1, "policy": "redis", "redis": {"host": "r.test", "password": SECRETS[1]}}}),
        ),
        ("/consumers", json!({"id": CONSUMER, "username": "u"})),
        ("/consumers/u/oauth2", json!({"name": "o", "client_secret": SECRETS[2]})),
        ("/badges", json!({"badge": SECRETS[3]})),
    ] {
        let answer = connection.json("POST", path, &body).unwrap();
        assert_eq!(answer.status, 201, "{path}: {}", answer.json());
    }
    let patch = json!({"config": {"cookie_name": "other"}});
    let id = list(node, "/plugins").iter().find(|row| row["name"] == "session").unwrap()["id"].clone();
    let path = format!("/plugins/{}", id.as_str().unwrap());
    assert_eq!(connection.json("PATCH", &path, &patch).unwrap().status, 200);
}

fn list(node: &Process, path: &str) -> Vec<Value> {
    node.connect().json("GET", path, &Value::Null).unwrap().json()["data"].as_array().cloned().unwrap()
}

/// Everything is read as it was written, and a unique value is still one row's.
fn reads_well(node: &Process) {
    let plugins = list(node, "/plugins");
    let config = |name: &str| plugins.iter().find(|row| row["name"] == name).unwrap()["config"].clone();
    assert_eq!(config("session")["secret"], SECRETS[0]);
    assert_eq!(config("session")["cookie_name"], "other");
    assert_eq!(config("rate-limiting")["redis"]["password"], SECRETS[1]);
    assert_eq!(list(node, "/oauth2")[0]["client_secret"], SECRETS[2]);
    let badge = format!("/badges/{}", SECRETS[3]);
    assert_eq!(node.connect().json("GET", &badge, &Value::Null).unwrap().status, 200);
    let twice = node.connect().json("POST", "/badges", &json!({"badge": SECRETS[3]})).unwrap();
    assert_eq!((twice.status, &twice.json()["code"]), (409, &json!(5)));
}

#[test]
fn on_sqlite() {
    play(&Place::sqlite());
}

#[test]
fn on_postgres() {
    if let Some(place) = Place::postgres("encryption") {
        play(&place);
    }
}

fn play(place: &Place) {
    // A store from before there was a keyring.
    let node = place.start(false);
    write(&node);
    reads_well(&node);
    stop(node);
    assert_eq!(place.readable(), SECRETS);

    // The first key seals what is there.
    place.add_key();
    let node = place.start(true);
    reads_well(&node);
    stop(node);
    assert!(place.readable().is_empty(), "{:?}", place.readable());

    // Rotation: a new first key, and then the old one goes.
    place.add_key();
    let node = place.start(true);
    reads_well(&node);
    stop(node);
    let keys = fs::read_to_string(place.keyring()).unwrap();
    assert_eq!(keys.lines().count(), 2);
    let (new, old) = keys.split_once('\n').unwrap();
    fs::write(place.keyring(), new).unwrap();
    let node = place.start(true);
    reads_well(&node);
    stop(node);
    assert!(place.readable().is_empty());

    // What is sealed is not opened without its key.
    let why = place.try_start(false).err().unwrap();
    assert!(why.contains("which is not in the keyring"), "{why}");
    fs::write(place.keyring(), old).unwrap();
    let why = place.try_start(true).err().unwrap();
    assert!(why.contains("which is not in the keyring"), "{why}");
    fs::write(place.keyring(), "one two\n").unwrap();
    let why = place.try_start(true).err().unwrap();
    assert!(why.contains("line 1: a key is 32 bytes in base64") && !why.contains("two"), "{why}");
}

#[test]
fn new_rows_are_sealed_at_once() {
    let place = Place::sqlite();
    place.add_key();
    let node = place.start(true);
    write(&node);
    for name in ["keyring", "silverback.db", "silverback.db-wal"] {
        let mode = fs::metadata(place.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    reads_well(&node);
    assert!(place.readable().is_empty(), "{:?}", place.readable());
    // Many rows at once, as a configuration.
    let dump = node.connect().json("GET", "/configuration", &Value::Null).unwrap().json();
    let mut document = dump.clone();
    for i in 0..40 {
        let plugin = json!({"username": format!("u{i}"), "oauth2_credentials": [{"name": "o", "client_secret": SECRETS[2]}]});
        document["consumers"].as_array_mut().unwrap().push(plugin);
    }
    let put = node.connect().json("PUT", "/configuration", &document).unwrap();
    assert_eq!(put.status, 200, "{}", put.json());
    assert_eq!(list(&node, "/oauth2").len(), 41);
    assert!(list(&node, "/oauth2").iter().all(|row| row["client_secret"] == SECRETS[2]));
    stop(node);
    assert!(place.readable().is_empty(), "{:?}", place.readable());
}
