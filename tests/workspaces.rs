//! Workspaces: how clients make and name them, and that what lies in one is not seen from another. That this holds for
//! every entity is asked by `battery.rs`.

mod battery;

use serde_json::{Value, json};
use silverback::settings::Settings;

use crate::support::api::{Api, Scenario, Store};

const BLUE: &str = "b1000000-0000-4000-8000-000000000001";
const SERVICE: &str = "50000000-0000-4000-8000-000000000001";

/// A node whose clients may make workspaces.
async fn open(store: Store, name: &str) -> Option<Api> {
    let mut settings = Settings::default();
    settings.workspaces = true;
    Api::open_with(&settings, store, name).await
}

#[tokio::test]
async fn on_sqlite() {
    play(Store::Sqlite).await;
}

#[tokio::test]
async fn on_postgres() {
    play(Store::Postgres).await;
}

async fn play(store: Store) {
    for (i, table) in [rows(), paths(), names()].into_iter().enumerate() {
        let Some(api) = open(store, &format!("workspaces_{i}")).await else { return };
        for scenario in table {
            api.check(&scenario).await;
        }
    }
}

fn asked(request: &'static str, body: Value, status: u16, expected: Value) -> Scenario {
    Scenario::new(request, body, status, expected)
}

fn get(request: &'static str, status: u16, expected: Value) -> Scenario {
    Scenario::new(request, Value::Null, status, expected)
}

/// The workspaces themselves.
fn rows() -> Vec<Scenario> {
    let default = json!({"name": "default", "comment": null, "meta": {}, "config": {}});
    vec![
        get("GET /workspaces/default", 200, default.clone()),
        get("GET /workspaces", 200, json!({"data": [default], "next": null})),
        asked(
            "POST /workspaces",
            json!({"id": BLUE, "name": "blue", "comment": "c"}),
            201,
            json!({"name": "blue", "comment": "c"}),
        ),
        asked(
            "POST /workspaces",
            json!({"name": "blue"}),
            409,
            json!({"code": 5, "fields": {"name": "blue"}}),
        ),
        asked("PATCH /workspaces/blue", json!({"comment": "d"}), 200, json!({"id": BLUE, "comment": "d"})),
        asked("PUT /workspaces/blue", json!({"comment": "e"}), 200, json!({"id": BLUE, "comment": "e"})),
        asked("PUT /workspaces/green", json!({}), 200, json!({"name": "green"})),
        asked("PATCH /workspaces/blue", json!({"name": "red"}), 400, json!({"code": 2})),
        asked("PUT /workspaces/default", json!({"comment": "own"}), 200, json!({"name": "default"})),
        asked("PATCH /workspaces/default", json!({"name": "red"}), 400, json!({"code": 2})),
        asked("DELETE /workspaces/default", Value::Null, 400, json!({"code": 2})),
        asked("DELETE /workspaces/green", Value::Null, 204, Value::Null),
        get("GET /workspaces/green", 404, json!({})),
        get("GET /green/services", 404, json!({"message": "Not found"})),
        asked("POST /blue/services", json!({"host": "h.test", "name": "s"}), 201, json!({})),
        asked(
            "DELETE /workspaces/blue",
            Value::Null,
            400,
            json!({"code": 4, "fields": {"@referenced_by": "services"}}),
        ),
        asked("DELETE /blue/services/s", Value::Null, 204, Value::Null),
        asked("DELETE /workspaces/blue", Value::Null, 204, Value::Null),
        // A workspace of the same name and id is another one.
        asked("PUT /workspaces/blue", json!({"id": BLUE}), 200, json!({"id": BLUE})),
        get("GET /blue/services", 200, json!({"data": []})),
    ]
}

/// How a path names its workspace.
fn paths() -> Vec<Scenario> {
    vec![
        asked("POST /workspaces", json!({"id": BLUE, "name": "blue"}), 201, json!({})),
        asked("POST /workspaces", json!({"name": "a.b~c"}), 201, json!({})),
        asked("POST /workspaces", json!({"name": "größe"}), 201, json!({})),
        asked("POST /blue/services", json!({"id": SERVICE, "host": "h.test", "name": "s"}), 201, json!({})),
        get("GET /b1000000-0000-4000-8000-000000000001/services/s", 200, json!({"id": SERVICE})),
        get("GET /B1000000-0000-4000-8000-000000000001/services/s/", 200, json!({"id": SERVICE})),
        get("GET /blue", 200, json!({"tagline": "Welcome to kong"})),
        get("GET /blue/kong", 200, json!({"tagline": "Welcome to kong"})),
        get("GET /blue/status", 200, json!({})),
        get("GET /a.b~c/services", 200, json!({"data": []})),
        get("GET /gr%C3%B6%C3%9Fe/services", 200, json!({"data": []})),
        get("GET /default/services", 200, json!({"data": []})),
        get("GET /0dc6f45b-8f8d-40d2-a504-473544ee190b/services", 200, json!({"data": []})),
        get("GET /blue/blue/services", 404, json!({"message": "Not found"})),
        get("GET /blue/default/services", 404, json!({"message": "Not found"})),
        get("GET /red/services", 404, json!({"message": "Not found"})),
        get("GET /%FF/services", 404, json!({"message": "Not found"})),
        get("GET /blue//services", 404, json!({"message": "Not found"})),
        asked("POST /blue/services", json!({"host": "h.test"}), 201, json!({})),
        get("GET /blue/services?size=1", 200, json!({})),
    ]
}

/// Names are unique within a workspace; ids are in the whole store, and some names are.
fn names() -> Vec<Scenario> {
    vec![
        asked("POST /workspaces", json!({"id": BLUE, "name": "blue"}), 201, json!({})),
        asked("POST /workspaces", json!({"name": "services"}), 400, json!({"code": 2})),
        asked("POST /workspaces", json!({"name": "schemas"}), 400, json!({"code": 2})),
        asked("PUT /workspaces/key-sets", json!({}), 400, json!({"code": 2})),
        asked("POST /workspaces", json!({"name": "a/b"}), 400, json!({"code": 2})),
        asked("POST /services", json!({"id": SERVICE, "host": "h.test", "name": "s"}), 201, json!({})),
        asked("PUT /blue/services/s", json!({"host": "blue.test"}), 200, json!({"host": "blue.test"})),
        asked("PUT /blue/services/s", json!({"host": "new.test"}), 200, json!({"host": "new.test"})),
        get("GET /services/s", 200, json!({"id": SERVICE, "host": "h.test"})),
        asked("POST /blue/services", json!({"host": "h.test", "name": "s"}), 409, json!({"code": 5})),
        asked("POST /blue/services", json!({"id": SERVICE, "host": "h.test"}), 400, json!({"code": 3})),
        asked(
            "PUT /blue/services/50000000-0000-4000-8000-000000000001",
            json!({"host": "h.test"}),
            400,
            json!({"code": 3}),
        ),
        asked(
            "POST /blue/routes",
            json!({"paths": ["/a"], "service": {"id": SERVICE}}),
            400,
            json!({"code": 4, "fields": {"service": {"id": SERVICE}}}),
        ),
        asked("POST /blue/services/s/routes", json!({"name": "r", "paths": ["/a"]}), 201, json!({})),
        asked("DELETE /services/s", Value::Null, 204, Value::Null),
        asked("DELETE /blue/services/s", Value::Null, 400, json!({"code": 4})),
        asked("DELETE /blue/routes/r", Value::Null, 204, Value::Null),
        // What hangs on a row goes with it, in its workspace alone.
        asked("POST /consumers", json!({"username": "c"}), 201, json!({})),
        asked("POST /blue/consumers", json!({"username": "c"}), 201, json!({})),
        asked("POST /consumers/c/key-auth", json!({"key": "k"}), 201, json!({})),
        asked("POST /blue/consumers/c/key-auth", json!({"key": "k", "ttl": 3600}), 201, json!({})),
        asked("DELETE /consumers/c", Value::Null, 204, Value::Null),
        get("GET /key-auths", 200, json!({"data": []})),
        get("GET /blue/key-auths/k/consumer", 200, json!({"username": "c"})),
        asked("DELETE /blue/consumers/c", Value::Null, 204, Value::Null),
        get("GET /blue/key-auths", 200, json!({"data": []})),
        asked("DELETE /blue/services/s", Value::Null, 204, Value::Null),
        asked("DELETE /workspaces/blue", Value::Null, 204, Value::Null),
    ]
}

/// The next page of a workspace's list is one of that workspace.
#[tokio::test]
async fn pages_stay_within() {
    for store in [Store::Sqlite, Store::Uncached] {
        let api = open(store, "workspace_pages").await.unwrap();
        api.json("POST", "/workspaces", &json!({"name": "blue"})).await;
        for number in 0..7 {
            let row = json!({"name": format!("s{number}"), "host": "h.test", "tags": ["t"]});
            for space in ["", "/blue"] {
                assert_eq!(api.json("POST", &format!("{space}/services"), &row).await.status, 201);
            }
        }
        for list in ["/services?size=3", "/services?size=3&tags=t", "/tags?size=3"] {
            let (mut path, mut names) = (format!("/blue{list}"), Vec::new());
            while !path.is_empty() {
                // Twice, since the second answer may come from memory.
                let page = api.get(&path).await.json();
                assert_eq!(api.get(&path).await.json(), page, "{path}");
                let rows = page["data"].as_array().unwrap();
                names.extend(
                    rows.iter().map(|row| row.get("id").or(row.get("entity_id")).unwrap().to_string()),
                );
                path = page["next"].as_str().unwrap_or_default().to_owned();
                assert!(path.is_empty() || path.starts_with("/blue/"), "{path}");
            }
            names.sort();
            names.dedup();
            assert_eq!(names.len(), 7, "{list}");
        }
    }
}

/// A row that belongs to no workspace is seen from each, and cannot go while one of any refers to it.
#[tokio::test]
async fn what_belongs_to_none_is_everybodys() {
    let cert = include_str!("../entities/schema/testdata/ec_authority.pem");
    for store in [Store::Sqlite, Store::Postgres] {
        let Some(api) = open(store, "workspace_none").await else { continue };
        api.json("POST", "/workspaces", &json!({"name": "blue"})).await;
        let row = json!({"cert": cert, "tags": ["t"]});
        let id = api.json("POST", "/blue/ca_certificates", &row).await.json()["id"].clone();
        let path = format!("/ca_certificates/{}", id.as_str().unwrap());
        let service = json!({"name": "s", "protocol": "https", "host": "h.test", "ca_certificates": [id]});
        assert_eq!(api.json("POST", "/blue/services", &service).await.status, 201);
        for space in ["", "/blue"] {
            assert_eq!(api.get(&format!("{space}{path}")).await.status, 200);
            assert_eq!(api.get(&format!("{space}/tags/t")).await.json()["data"][0]["entity_id"], id);
        }
        let refused = api.json("DELETE", &path, &Value::Null).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(19)), "{}", refused.json());
        assert_eq!(api.json("DELETE", "/blue/services/s", &Value::Null).await.status, 204);
        assert_eq!(api.json("DELETE", &path, &Value::Null).await.status, 204);
    }
}

/// Without the setting clients know of the default workspace alone, as Kong's do.
#[tokio::test]
async fn there_are_no_others_unless_they_are_wanted() {
    let api = Api::open(Store::Sqlite, "workspaces_off").await.unwrap();
    for (method, path) in [("GET", "/workspaces"), ("POST", "/workspaces"), ("GET", "/workspaces/default")] {
        let body = if method == "POST" { json!({"name": "blue"}) } else { Value::Null };
        assert_eq!(api.json(method, path, &body).await.status, 404, "{method} {path}");
    }
}

/// A node without a database has the workspaces of its configuration; its rows are in the default one.
#[tokio::test]
async fn a_configuration_fills_the_default_one() {
    let api = open(Store::Off, "workspaces_memory").await.unwrap();
    assert_eq!(api.get("/workspaces/default").await.status, 200);
    let id = "d0000000-0000-4000-8000-000000000001";
    let document = json!({
        "_format_version": "3.0",
        "workspaces": [{"name": "default", "id": id}, {"name": "blue"}],
        "consumers": [{"username": "c"}],
    });
    assert_eq!(api.json("POST", "/config", &document).await.status, 201);
    assert_eq!(api.get("/consumers/c").await.status, 200);
    assert_eq!(api.get("/default/consumers/c").await.status, 200);
    assert_eq!(api.get("/blue/consumers/c").await.status, 404);
    assert_eq!(api.get("/blue/consumers").await.json()["data"], json!([]));
    let names = api.get("/workspaces").await.json();
    assert_eq!(names["data"].as_array().map(Vec::len), Some(2), "{names}");
    assert_eq!(api.json("POST", "/workspaces", &json!({"name": "red"})).await.status, 405);
}

/// A configuration is one workspace's: bringing it about changes no other.
#[tokio::test]
async fn a_configuration_is_of_its_workspace() {
    for store in [Store::Sqlite, Store::Postgres] {
        let Some(api) = open(store, "workspace_configuration").await else { continue };
        api.json("POST", "/workspaces", &json!({"name": "blue"})).await;
        for space in ["", "/blue"] {
            api.json("POST", &format!("{space}/services"), &json!({"host": "h.test", "name": "s"})).await;
        }
        let document = json!({"_format_version": "3.0", "services": [{"host": "h.test", "name": "t"}]});
        let report = api.json("PUT", "/blue/configuration", &document).await;
        assert_eq!(report.status, 200, "{}", report.json());
        for (path, status) in [
            ("/services/s", 200),
            ("/services/t", 404),
            ("/blue/services/s", 404),
            ("/blue/services/t", 200),
            ("/workspaces/blue", 200),
        ] {
            assert_eq!(api.get(path).await.status, status, "{path}");
        }
        let shown = api.get("/blue/configuration").await.json();
        assert_eq!(shown["services"][0]["name"], "t", "{shown}");
        assert!(shown.get("workspaces").is_none(), "{shown}");
    }
    let api = open(Store::Off, "workspace_no_database").await.unwrap();
    let document = json!({"_format_version": "3.0", "workspaces": [{"name": "blue"}]});
    assert_eq!(api.json("POST", "/config", &document).await.status, 201);
    let document = json!({"_format_version": "3.0", "services": [{"host": "h.test"}]});
    assert_eq!(api.json("PUT", "/blue/configuration", &document).await.status, 405);
}
