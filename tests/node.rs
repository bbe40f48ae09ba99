//! The endpoints of the node itself, where a recording cannot tell: what a change of the log's level does and when it
//! ends, who hears of it, what a switch of the router flavour leaves alone.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::api::{Api, Store};
use crate::support::process::{Folder, Process, postgres, sqlite};
use crate::support::{block_on, shared_postgresql};

/// Asks a server, and gives the status and the body.
fn ask(process: &Process, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = process.connect().json(method, path, body).unwrap();
    (answer.status, if answer.status == 204 { Value::Null } else { answer.json() })
}

/// Waits until a server answers so, for as long as another node may take to hear of a change.
fn comes_to_be(process: &Process, path: &str, is: impl Fn(&Value) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let (_, body) = ask(process, "GET", path, &Value::Null);
        if is(&body) {
            return;
        }
        assert!(Instant::now() < deadline, "{path}: {body}");
        sleep(Duration::from_millis(20));
    }
}

const LOG_LEVEL: &str = "/debug/node/log-level";

#[test]
fn the_level_of_the_log_changes_for_a_time() {
    let folder = Folder::new();
    let process = Process::start(folder.path(), &sqlite(folder.path()));
    let level = |word: &'static str| move |body: &Value| body["message"] == format!("log level: {word}");
    comes_to_be(&process, LOG_LEVEL, level("notice"));
    let put = |path: &str| ask(&process, "PUT", path, &Value::Null).1["message"].clone();
    assert_eq!(put("/debug/node/log-level/debug?timeout=1"), "log level changed");
    assert_eq!(put("/debug/node/log-level/debug"), "log level is already debug");
    comes_to_be(&process, LOG_LEVEL, level("debug"));
    comes_to_be(&process, LOG_LEVEL, level("notice"));
    // Where there are no other nodes, all of them are this one.
    assert_eq!(put("/debug/cluster/log-level/crit"), "log level changed");
    comes_to_be(&process, LOG_LEVEL, level("crit"));
    assert_eq!(
        ask(&process, "PUT", "/debug/cluster/control-planes-nodes/log-level/info", &Value::Null).0,
        404
    );
}

#[test]
fn every_node_on_the_database_hears_of_what_is_no_row() {
    let Some(server) = shared_postgresql() else { return };
    let database = block_on(server.database("announcements")).unwrap();
    let mut settings = postgres(&database);
    settings.push(("KONG_PG_POOL_SIZE", "4".to_owned()));
    let (here, there) = (Folder::new(), Folder::new());
    let first = Process::start(here.path(), &settings);
    let second = Process::start(there.path(), &settings);

    // A node listens soon after it answers; until then it is told once more.
    let deadline = Instant::now() + Duration::from_secs(10);
    for level in ["debug", "warn"].into_iter().cycle() {
        ask(&first, "PUT", &format!("/debug/cluster/log-level/{level}"), &Value::Null);
        sleep(Duration::from_millis(200));
        let told = json!({ "message": format!("log level: {level}") });
        assert_eq!(ask(&first, "GET", LOG_LEVEL, &Value::Null).1, told);
        if ask(&second, "GET", LOG_LEVEL, &Value::Null).1 == told {
            break;
        }
        assert!(Instant::now() < deadline, "{}", second.said());
    }
    ask(&first, "PUT", "/debug/node/log-level/alert", &Value::Null);
    assert_ne!(ask(&second, "GET", LOG_LEVEL, &Value::Null).1["message"], "log level: alert");

    let checks = json!({ "passive": { "unhealthy": { "timeouts": 1 } } });
    ask(&first, "POST", "/upstreams", &json!({ "name": "u.test", "healthchecks": checks }));
    ask(&first, "POST", "/upstreams/u.test/targets", &json!({ "target": "10.0.0.1:80" }));
    let health = |word: &'static str| move |body: &Value| body["data"][0]["health"] == word;
    comes_to_be(&second, "/upstreams/u.test/health", health("HEALTHY"));
    let path = "/upstreams/u.test/targets/10.0.0.1:80/unhealthy";
    assert_eq!(ask(&second, "PUT", path, &Value::Null).0, 204);
    comes_to_be(&first, "/upstreams/u.test/health", health("UNHEALTHY"));
    let path = "/upstreams/u.test/targets/10.0.0.1:80/10.0.0.1:80/healthy";
    assert_eq!(ask(&first, "PUT", path, &Value::Null).0, 204);
    comes_to_be(&second, "/upstreams/u.test/health?balancer_health=1", |body| {
        body["data"]["balancer_health"] == "HEALTHY"
    });
}

#[test]
fn another_router_flavor_leaves_expressions_where_they_are() {
    let folder = Folder::new();
    let start = |flavor: &str| {
        let mut settings = sqlite(folder.path());
        settings.push(("KONG_ROUTER_FLAVOR", flavor.to_owned()));
        Process::start(folder.path(), &settings)
    };
    let stop = |mut process: Process| {
        process.terminate();
        assert!(process.wait().success(), "{}", process.said());
    };
    let process = start("expressions");
    let route = json!({ "name": "r", "expression": "http.path == \"/a\"", "priority": 7 });
    assert_eq!(ask(&process, "POST", "/routes", &route).0, 201);
    stop(process);

    let process = start("traditional");
    let (_, row) = ask(&process, "GET", "/routes/r", &Value::Null);
    assert_eq!((row.get("expression"), row.get("priority")), (None, None), "{row}");
    let (status, refusal) = ask(&process, "POST", "/routes", &route);
    assert_eq!((status, &refusal["fields"]["expression"]), (400, &json!("unknown field")), "{refusal}");
    // Without the engine nobody holds a regular expression against it, and a name of a server has no wildcard.
    assert_eq!(
        ask(&process, "PATCH", "/routes/r", &json!({ "methods": ["GET"], "snis": ["*.test"] })).0,
        400
    );
    assert_eq!(ask(&process, "PATCH", "/routes/r", &json!({ "tags": ["t"], "methods": ["GET"] })).0, 200);
    stop(process);

    let process = start("expressions");
    let (_, row) = ask(&process, "GET", "/routes/r", &Value::Null);
    assert_eq!(
        (&row["expression"], &row["priority"], &row["tags"]),
        (&route["expression"], &json!(7), &json!(["t"]))
    );
}

#[tokio::test]
async fn the_default_workspace_is_the_only_one() {
    let api = Api::open(Store::Sqlite, "workspace").await.unwrap();
    let service = json!({ "name": "s", "host": "h.test" });
    assert_eq!(api.json("POST", "/default/services", &service).await.status, 201);
    for (path, status) in [
        ("/services/s", 200),
        ("/default/services/s", 200),
        ("/default/services/s/", 200),
        ("/default/services?size=1", 200),
        ("/default/status", 200),
        ("/default", 200),
        ("/default/kong", 200),
        ("/kong", 404),
        ("/other/services", 404),
        ("/default/default/services", 404),
    ] {
        assert_eq!(api.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn the_cache_holds_pages_that_are_true() {
    let api = Api::open(Store::Sqlite, "cache").await.unwrap();
    let (page, entry) = ("/services?size=5", "/cache/%2Fservices%3Fsize=5");
    assert_eq!(api.get(entry).await.status, 404);
    // Pages are remembered once the rows are in memory, which is soon after the start.
    let deadline = Instant::now() + Duration::from_secs(5);
    while api.get(entry).await.status != 200 {
        assert!(Instant::now() < deadline, "no page is remembered");
        api.get(page).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(api.get(entry).await.json(), api.get(page).await.json());
    assert_eq!(api.json("DELETE", entry, &Value::Null).await.status, 204);
    assert_eq!(api.get(entry).await.status, 404);
    api.get(page).await;
    assert_eq!(api.json("DELETE", "/cache", &Value::Null).await.status, 204);
    assert_eq!(api.get(entry).await.status, 404);
    api.get(page).await;
    api.json("POST", "/services", &json!({ "host": "h.test" })).await;
    assert_eq!(api.get(entry).await.status, 404, "a page of the past");
}

#[tokio::test]
async fn figures_are_for_prometheus_too() {
    let api = Api::open(Store::Sqlite, "metrics").await.unwrap();
    let answer = api.get("/metrics").await;
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    assert!(text.contains("kong_datastore_reachable 1\n"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let known = ["kong_", "silverback_", "process_"].iter().any(|prefix| name.starts_with(prefix));
        assert!(known && value.parse::<f64>().is_ok(), "{line}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_endpoint() {
    for store in [Store::Sqlite, Store::Uncached, Store::Postgres] {
        let Some(api) = Api::open(store, "request_figures").await else { continue };
        let row = json!({"name": "a", "host": "h.test"});
        assert_eq!(api.json("POST", "/services", &row).await.status, 201);
        for path in ["/services/a", "/services/b", "/services/a?x=%22%0a", "/no/where"] {
            api.get(path).await;
        }
        let text = String::from_utf8(api.get("/metrics").await.body).unwrap();
        let mut lines = vec![
            r#"silverback_http_requests_total{method="POST",endpoint="/services",status="201"} 1"#,
            r#"silverback_http_requests_total{method="GET",endpoint="/services/{services}",status="200"} 2"#,
            r#"silverback_http_requests_total{method="GET",endpoint="/services/{services}",status="404"} 1"#,
            r#"silverback_http_requests_total{method="GET",endpoint="none",status="404"} 1"#,
            r#"silverback_http_request_duration_seconds_count{method="GET",kind="item"} 3"#,
            r#"silverback_store_operation_duration_seconds_count{operation="write"} 1"#,
        ];
        if store == Store::Postgres {
            lines.push("silverback_pool_waiting 0");
        }
        for line in lines {
            assert!(text.lines().any(|own| own == line), "{store:?}: {line} is not in:\n{text}");
        }
        for name in ["silverback_change_log_version", "process_resident_memory_bytes"] {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            assert!(value.is_some_and(|value| value.parse::<u64>().unwrap() > 0), "{name}: {text}");
        }
    }
}
