//! Produces the proof that a node without a database loads configurations as a whole or not at all, gives out what
//! it has loaded, and reads no text that would not end well.

use serde_json::{Value, json};
use silverback::settings::{self, Settings};
use silverback::store::Database;

use crate::support::api::{Api, Store};

async fn open() -> Api {
    Api::open(Store::Off, "none").await.expect("memory is always there")
}

/// Rows of several kinds, at several levels.
fn document() -> Value {
    json!({
        "_format_version": "3.0",
        "services": [{
            "name": "billing",
            "url": "https://billing.test/base",
            "tags": ["a", "b"],
            "routes": [{
                "name": "pay",
                "paths": ["/pay"],
                "plugins": [{"name": "rate-limiting", "config": {"minute": 5, "policy": "local"}}],
            }],
        }],
        "consumers": [{
            "username": "bob",
            "tags": ["b"],
            "basicauth_credentials": [{"username": "bob", "password": "secret"}],
            "keyauth_credentials": [{"key": "for-ever"}, {"key": "soon-gone", "ttl": 100}],
        }],
        "upstreams": [{"name": "up.test", "targets": [{"target": "::1"}]}],
    })
}

#[tokio::test]
async fn what_is_exported_is_loaded_again() {
    let (api, other) = (open().await, open().await);
    assert_eq!(api.json("POST", "/config", &document()).await.status, 201);
    let exported = api.get("/config").await.json();
    let answer = other.json("POST", "/config", &exported).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let lines = |exported: &Value| {
        let lines = exported["config"].as_str().unwrap().lines().map(str::to_owned);
        lines.filter(|line| !line.contains("updated_at") && !line.contains("ttl: ")).collect::<Vec<_>>()
    };
    assert_eq!(lines(&other.get("/config").await.json()), lines(&exported));
    for path in [
        "/services",
        "/routes",
        "/plugins",
        "/consumers",
        "/basic-auths",
        "/upstreams/up.test/targets",
        "/tags",
    ] {
        assert_eq!(strip(other.get(path).await.json()), strip(api.get(path).await.json()), "{path}");
    }
}

/// An answer without what depends on the moment.
fn strip(mut answer: Value) -> Value {
    for row in answer["data"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        row.remove("updated_at");
        row.remove("ttl");
    }
    answer
}

#[tokio::test]
async fn only_so_many_loads_wait() {
    let api = open().await;
    let turn = api.node.store.turn().await.unwrap();
    let load = || {
        let api = api.clone();
        tokio::spawn(async move { api.json("POST", "/config", &document()).await })
    };
    let loads: Vec<_> = (0..20).map(|_| load()).collect();
    while loads.iter().filter(|load| load.is_finished()).count() < 12 {
        tokio::task::yield_now().await;
    }
    drop(turn);
    let mut loaded = 0;
    for load in loads {
        let answer = load.await.unwrap();
        if answer.status == 201 {
            loaded += 1;
            continue;
        }
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")), "{}", answer.json());
        assert_eq!(answer.json()["message"], "Currently loading previous configuration");
    }
    assert_eq!(loaded, 8);
    assert_eq!(api.json("POST", "/config", &document()).await.status, 201);
}

#[tokio::test]
async fn rows_expire() {
    let api = open().await;
    api.json("POST", "/config", &document()).await;
    let keys = api.get("/consumers/bob/key-auth").await.json();
    let ttl = |key: &str| {
        let row = keys["data"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap();
        row.get("ttl").cloned()
    };
    assert_eq!(ttl("for-ever"), None);
    assert!(ttl("soon-gone").is_some_and(|left| left == 99 || left == 100), "{keys}");
    assert!(api.get("/key-auths/soon-gone").await.json()["ttl"].is_number());
    assert_eq!(api.get("/consumers/bob/key-auth/soon-gone").await.status, 200);
}

#[tokio::test]
async fn the_hash_tells_which_configuration_is_loaded() {
    let api = open().await;
    let hash =
        || async { api.get("/status").await.json()["configuration_hash"].as_str().unwrap().to_owned() };
    assert_eq!(hash().await, "0".repeat(32));
    let text = json!({"config": "_format_version: '3.0'\nconsumers: [{username: bob}]\n"});
    assert_eq!(api.json("POST", "/config", &text).await.status, 201);
    let loaded = hash().await;
    assert_eq!(api.json("POST", "/config?check_hash=1", &text).await.status, 304);
    assert_eq!(api.json("POST", "/config", &json!({"config": "_format_version: '9'"})).await.status, 400);
    assert_eq!(hash().await, loaded);
    assert_eq!(api.get("/consumers/bob").await.status, 200);
}

#[tokio::test]
async fn loads_come_one_after_another_and_no_reader_sees_half_of_one() {
    let api = open().await;
    let configuration = |name: &str| {
        let rows = |key: &str| (0..50).map(|i| json!({key: format!("{name}-{i:02}")})).collect::<Vec<_>>();
        json!({"_format_version": "3.0", "consumers": rows("username"), "key_sets": rows("name")})
    };
    let loads: Vec<_> = (0..20)
        .map(|i| {
            let (api, body) = (api.clone(), configuration(&format!("n{i:02}")));
            tokio::spawn(async move { api.json("POST", "/config", &body).await.status })
        })
        .collect();
    while loads.iter().any(|load| !load.is_finished()) {
        let rows = api.get("/consumers?size=1000").await.json();
        let rows = rows["data"].as_array().unwrap().clone();
        let mut names: Vec<_> = rows
            .iter()
            .map(|row| row["username"].as_str().unwrap().chars().take(3).collect::<String>())
            .collect();
        names.dedup();
        assert!(rows.is_empty() || (rows.len() == 50 && names.len() == 1), "{names:?}");
        tokio::task::yield_now().await;
    }
    let mut answers = Vec::new();
    for load in loads {
        answers.push(load.await.unwrap());
    }
    assert!(answers.iter().all(|status| [201, 429].contains(status)), "{answers:?}");
    assert!(answers.contains(&201), "{answers:?}");
}

#[tokio::test]
async fn texts_that_would_grow_are_refused() {
    let api = open().await;
    let mut bomb = "_format_version: '3.0'\n_ignore:\n- &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        bomb.push_str(&format!("- &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", ")));
    }
    for text in [bomb, "[".repeat(50_000), "a: ".repeat(50_000), "- ".repeat(50_000), "*x".to_owned()] {
        let answer = api.json("POST", "/config", &json!({"config": text})).await;
        assert_eq!(answer.status, 400, "{}", text.chars().take(10).collect::<String>());
        assert_eq!(answer.json()["code"], 14);
    }
}

#[tokio::test]
async fn a_node_starts_with_a_configuration() {
    let text = "_format_version: '3.0'\nconsumers: [{username: bob}]\n";
    let folder = std::env::temp_dir().join(format!("silverback-dbless-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("kong.yml");
    std::fs::write(&file, text).unwrap();
    let mut settings = Settings::default();
    settings.database = settings::Database::Off;
    settings.declarative_config = Some(file);
    let node = silverback::node(&settings, &Database::Off).await.unwrap();
    assert_ne!(node.store.configuration_hash(), Some("0".repeat(32)));
    settings.declarative_config = Some(folder.join("absent.yml"));
    let Err(error) = silverback::node(&settings, &Database::Off).await else {
        panic!("there is no such file")
    };
    assert!(error.to_string().contains("absent.yml"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}
