//! Plugins that do not come with the program: the three of `examples/`, each with an entity of its own; what is refused
//! while the node stays up; and what ends a start.

#[path = "../examples/rust_plugin/quarantine.rs"]
pub mod quarantine;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use silverback::declarations;
use silverback::settings::Settings;

use crate::support::api::{Api, Scenario, Store};
use crate::support::process::Folder;

#[tokio::test]
async fn on_sqlite() {
    play(Store::Sqlite).await;
}

#[tokio::test]
async fn on_postgres() {
    play(Store::Postgres).await;
}

/// The settings of a node with these plugins, which are looked for in these folders.
fn settings(plugins: &str, folders: &[&Path]) -> Settings {
    let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let overrides =
        [("plugins".to_owned(), plugins.to_owned()), ("plugins_path".to_owned(), folders.join(","))];
    Settings::load(Some(Path::new("/dev/null")), std::iter::empty(), &overrides).unwrap().0
}

/// A node with the plugins of `examples/`.
pub fn examples() -> Settings {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let plugins = "bundled,allowance,announcement,quarantine";
    settings(plugins, &[&folder.join("lua"), &folder.join("yaml")])
}

async fn play(store: Store) {
    let extensions = [quarantine::QUARANTINE];
    let Some(api) = Api::open_extended(&examples(), store, "extensions", &extensions).await else { return };
    for table in [known(), allowance(), announcement(), quarantine()] {
        for scenario in table {
            api.check(&scenario).await;
        }
    }
}

fn post(request: &'static str, body: Value, expected: Value) -> Scenario {
    Scenario::new(request, body, 201, expected)
}

fn get(request: &'static str, expected: Value) -> Scenario {
    Scenario::new(request, Value::Null, 200, expected)
}

fn refused(request: &'static str, body: Value, fields: Value) -> Scenario {
    Scenario::new(request, body, 400, json!({"code": 2, "fields": fields}))
}

/// Every plugin is there, with its version and its place.
fn known() -> Vec<Scenario> {
    vec![
        get(
            "GET /",
            json!({"plugins": {"available_on_server": {
                "acl": {"priority": 950},
                "allowance": {"version": "1.2.0", "priority": 905},
                "announcement": {"version": "0.3.0", "priority": 12},
                "quarantine": {"version": "2.0.1", "priority": 2500},
            }}}),
        ),
        post("POST /consumers", json!({"username": "c"}), json!({"username": "c"})),
        post("POST /routes", json!({"name": "r", "paths": ["/r"]}), json!({"name": "r"})),
    ]
}

/// The plugin in Lua: its functions judge, its shorthand expands, its entity is served.
fn allowance() -> Vec<Scenario> {
    let config = |config: Value| json!({"name": "allowance", "config": config});
    vec![
        post(
            "POST /plugins",
            config(json!({"amount": 5, "exempt": ["10.0.0.0/8"]})),
            json!({"config": {"header": "X-Allowance", "unit": "request", "amount": 5, "refill": "1h", "burst": null}}),
        ),
        Scenario::new(
            "PUT /plugins/8d6b4f1e-3b0a-4c55-9f6e-1f6d0c8a0001",
            json!({"name": "allowance", "route": {"name": "r"}, "config": {"per_day": 7}}),
            200,
            json!({"config": {"amount": 7, "refill": "24h"}}),
        ),
        refused(
            "POST /plugins",
            config(json!({"amount": 5, "refill": "soon", "header": "a b", "exempt": ["x"]})),
            json!({"config": {
                "refill": "not a span of time: soon",
                "header": "bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'",
                "exempt": ["invalid ip or cidr range: 'x'"],
            }}),
        ),
        refused(
            "POST /plugins",
            config(json!({"amount": 5, "burst": 4})),
            json!({"@entity": ["config.burst must be at least config.amount"]}),
        ),
        refused(
            "POST /plugins",
            config(json!({"amount": 9, "unit": "kilobyte"})),
            json!({
                "@entity": ["fewer than 10 kilobytes are no allowance"],
                "config": {"amount": "value must be greater than 9"},
            }),
        ),
        refused(
            "POST /schemas/plugins/validate",
            config(json!({"extra": 1})),
            json!({"config": {"extra": "unknown field"}}),
        ),
        get(
            "GET /schemas/plugins/allowance",
            json!({"fields": [{"consumer": {"eq": null}}, {"protocols": {"type": "set"}}, {"config": {
                "type": "record", "required": true,
            }}]}),
        ),
        get("GET /schemas/allowances", json!({"entity_checks": []})),
        post(
            "POST /consumers/c/allowances",
            json!({"name": "of-c", "left": 3}),
            json!({"name": "of-c", "left": 3}),
        ),
        refused(
            "POST /allowances",
            json!({"left": -1}),
            json!({
                "name": "required field missing",
                "consumer": "required field missing",
                "left": "value should be between 0 and 1000000",
            }),
        ),
        Scenario::new("PATCH /allowances/of-c", json!({"left": 2}), 200, json!({"left": 2})),
        get("GET /consumers/c/allowances", json!({"data": [{"name": "of-c", "left": 2}]})),
        Scenario::new(
            "POST /consumers/c/allowances",
            json!({"name": "of-c"}),
            409,
            json!({"code": 5, "fields": {"name": "of-c"}}),
        ),
    ]
}

/// The plugin in YAML.
fn announcement() -> Vec<Scenario> {
    vec![
        post(
            "POST /routes/r/plugins",
            json!({"name": "announcement", "config": {"colours": {"warning": "#ff8800"}}}),
            json!({"config": {"header": "X-Announcement", "audience": "everyone", "networks": null}}),
        ),
        refused(
            "POST /plugins",
            json!({"name": "announcement", "config": {"audience": "staff", "link": "nowhere", "colours": {"a": "red"}}}),
            json!({
                "@entity": ["failed conditional validation given value of field 'config.audience'"],
                "config": {
                    "link": "missing host in url",
                    "colours": "invalid value: red",
                    "networks": "required field missing",
                },
            }),
        ),
        post(
            "POST /routes/r/announcements",
            json!({"slug": "sale", "text": "Everything must go.", "from": 1, "until": 2, "tags": ["spring"]}),
            json!({"slug": "sale", "from": 1, "until": 2}),
        ),
        refused(
            "POST /announcements",
            json!({"slug": "a b", "text": "x", "from": 1}),
            json!({
                "slug": "invalid value 'a b': it must only contain alphanumeric and '., -, _, ~' characters",
                "@entity": ["all or none of these fields must be set: 'from', 'until'"],
            }),
        ),
        get("GET /announcements/sale/route", json!({"name": "r"})),
        get("GET /tags/spring", json!({"data": [{"entity_name": "announcements"}]})),
    ]
}

/// The plugin in Rust.
fn quarantine() -> Vec<Scenario> {
    vec![
        post(
            "POST /plugins",
            json!({"name": "quarantine", "config": {"words": "drop table"}}),
            json!({"config": {"header": "X-Suspicious", "status": 403}}),
        ),
        refused(
            "POST /plugins",
            json!({"name": "quarantine", "config": {"words": "1=1"}}),
            json!({"config": {"words": "not a word: '1=1'"}}),
        ),
        post("POST /suspects", json!({"name": "mallory"}), json!({"name": "mallory", "consumer": null})),
        Scenario::new(
            "PUT /consumers/c/suspects/eve",
            json!({"reason": "listens"}),
            200,
            json!({"name": "eve"}),
        ),
        get("GET /consumers/c/suspects", json!({"data": [{"name": "eve"}]})),
        // What hangs on a row goes with it, whoever declared it.
        Scenario::new("DELETE /consumers/c", Value::Null, 204, Value::Null),
        get("GET /suspects", json!({"data": [{"name": "mallory"}]})),
        get("GET /allowances", json!({"data": []})),
    ]
}

/// A folder with one plugin: the names of its files, and their texts.
fn folder(plugin: &str, files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    let own = folder.path().join(plugin);
    fs::create_dir(&own).unwrap();
    for (name, text) in files {
        fs::write(own.join(name), text).unwrap();
    }
    folder
}

/// Whether a node with that one plugin knows it.
fn is_known(plugin: &str, files: &[(&str, &str)]) -> bool {
    let folder = folder(plugin, files);
    let declarations = declarations(&settings(&format!("bundled,{plugin}"), &[folder.path()])).unwrap();
    let plugins = declarations.entity("plugins").unwrap();
    assert!(plugins.subschema("acl").is_some());
    plugins.subschema(plugin).is_some()
}

const LUA: &str = "return {name = 'p', fields = {{config = {type = 'record', fields = {}}}}}";

#[test]
fn what_is_refused_is_left_out() {
    assert!(is_known("fine", &[("schema.lua", LUA)]));
    assert!(is_known("fine", &[("schema.json", r#"{"name": "p", "fields": []}"#)]));
    for (schema, text) in [
        ("schema.lua", "while true do end"),
        ("schema.lua", "return require 'resty.http'"),
        ("schema.lua", "return {fields = {a = {type = 'string'}}}"),
        ("schema.lua", "return {"),
        ("schema.lua", "\u{1b}LJ\u{2}"),
        ("schema.yaml", "fields: ["),
        ("schema.yaml", "name: p\nfields: [{config: {type: record, fields: [{a: {type: text}}]}}]"),
        (
            "schema.json",
            r#"{"name": "p", "fields": [], "entities": [{"name": "services", "primary_key": ["id"], "fields": [{"id": {"typedef": "uuid"}}]}]}"#,
        ),
        (
            "schema.json",
            r#"{"name": "p", "fields": [], "entities": [{"name": "changes", "primary_key": ["id"], "fields": [{"id": {"typedef": "uuid"}}]}]}"#,
        ),
    ] {
        assert!(!is_known("broken", &[(schema, text)]), "{text}");
    }
    assert!(!is_known("keyed", &[("schema.lua", LUA), ("daos.lua", "return {things = {name = 'things'}}")]));
}

#[test]
fn what_is_found_nowhere_ends_the_start() {
    let refused = |plugins: &str| declarations(&settings(plugins, &[])).err().unwrap().to_string();
    assert!(refused("bundled,nothing").starts_with("nothing plugin is enabled but not installed"));
    assert!(
        refused("../escape,a/b").starts_with("../escape plugin is enabled but not installed; a/b plugin is")
    );
    assert!(declarations(&settings("bundled", &[])).is_ok());
}

#[test]
fn the_guide_has_the_reference_of_today() {
    const GUIDE: &str = "PLUGINS.md";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GUIDE);
    let text = fs::read_to_string(&path).unwrap();
    let modules: String = silverback::lua::embedded_modules().map(|name| format!("- `{name}`\n")).collect();
    let mut fresh = text.clone();
    for (mark, made) in [("shared types", generators::declare::reference()), ("modules", modules)] {
        let (begin, end) = (format!("<!-- begin: {mark} -->\n"), format!("<!-- end: {mark} -->"));
        let (before, rest) = fresh.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        fresh = format!("{before}{begin}\n{made}\n{end}{after}");
    }
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "write") {
        fs::write(&path, &fresh).unwrap();
        return;
    }
    assert!(fresh == text, "{GUIDE} is stale; SNAPSHOTS=write writes its tables anew");
}
