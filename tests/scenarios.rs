//! What is special to one entity, as tables of requests: those of a table are sent in order, to an empty store. What
//! is true of every entity is asked by the battery, and what a real Kong was seen to answer by the replay.

use serde_json::{Value, json};

use crate::support::api::{Api, Scenario, Store};

const SET: &str = "70000000-0000-4000-8000-000000000001";
const CERTIFICATE: &str = include_str!("../entities/schema/testdata/rsa_certificate.pem");
const KEY: &str = include_str!("../entities/schema/testdata/rsa_private.pem");
const PUBLIC_KEY: &str = include_str!("../entities/schema/testdata/rsa_public.pem");

#[tokio::test]
async fn on_sqlite() {
    play(Store::Sqlite).await;
}

#[tokio::test]
async fn on_postgres() {
    play(Store::Postgres).await;
}

async fn play(store: Store) {
    let tables = [services(), routes(), certificates(), upstreams(), names(), keys(), plugins(), tags()];
    for (i, table) in tables.into_iter().enumerate() {
        let Some(api) = Api::open(store, &format!("scenarios_{i}")).await else { return };
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

fn refused(request: &'static str, body: Value, status: u16, expected: Value) -> Scenario {
    Scenario::new(request, body, status, expected)
}

/// A URL stands for four fields; what has no TLS takes none of its settings.
fn services() -> Vec<Scenario> {
    vec![
        post(
            "POST /services",
            json!({"name": "by-url", "url": "https://api.test/v1?q=1"}),
            json!({"protocol": "https", "host": "api.test", "port": 443, "path": "/v1"}),
        ),
        Scenario::new(
            "PATCH /services/by-url",
            json!({"url": "http://api.test"}),
            200,
            json!({"port": 80, "path": null}),
        ),
        refused(
            "POST /services",
            json!({"host": "h.test", "protocol": "tcp", "path": "/x"}),
            400,
            json!({"code": 2, "fields": {"path": "value must be null", "@entity": ["failed conditional validation given value of field 'protocol'"]}}),
        ),
        refused("POST /services", json!({"host": "h.test", "tls_verify": false}), 400, json!({"code": 2})),
        refused("GET /services/no%2Fsuch%2Fname", Value::Null, 400, json!({"code": 10})),
    ]
}

/// The protocols choose the rules.
fn routes() -> Vec<Scenario> {
    vec![
        post("POST /services", json!({"name": "s", "host": "h.test"}), json!({})),
        post(
            "POST /services/s/routes",
            json!({"name": "web", "paths": ["/a"]}),
            json!({"protocols": ["http", "https"], "strip_path": true}),
        ),
        post(
            "POST /routes",
            json!({"name": "rpc", "protocols": ["grpc"], "hosts": ["h.test"], "service": {"name": "s"}}),
            json!({"strip_path": false}),
        ),
        refused(
            "POST /routes",
            json!({"protocols": ["http"], "paths": ["/a"], "sources": [{"port": 80}]}),
            400,
            json!({"fields": {"sources": "cannot set 'sources' when 'protocols' is 'http' or 'https'"}}),
        ),
        refused(
            "POST /routes",
            json!({"protocols": ["smtp"]}),
            400,
            json!({"message": "schema violation (protocols: unknown type: smtp)"}),
        ),
        refused("DELETE /routes/web/service", Value::Null, 405, json!({})),
        refused(
            "DELETE /services/s",
            Value::Null,
            400,
            json!({"code": 4, "fields": {"@referenced_by": "routes"}}),
        ),
    ]
}

/// A certificate is found by its names, and brings them.
fn certificates() -> Vec<Scenario> {
    vec![
        post(
            "POST /certificates",
            json!({"cert": CERTIFICATE, "key": KEY, "snis": ["b.test", "a.test"]}),
            json!({"snis": ["a.test", "b.test"]}),
        ),
        get("GET /certificates/a.test", json!({"snis": ["a.test", "b.test"]})),
        get("GET /snis/b.test", json!({"name": "b.test"})),
        Scenario::new(
            "PATCH /certificates/a.test",
            json!({"snis": ["a.test"]}),
            200,
            json!({"snis": ["a.test"]}),
        ),
        refused("GET /snis/b.test", Value::Null, 404, json!({})),
        refused("GET /certificates/b.test", Value::Null, 404, json!({"message": "SNI not found"})),
        refused(
            "POST /certificates",
            json!({"cert": CERTIFICATE, "key": KEY, "snis": ["c.test", "c.test"]}),
            400,
            json!({"fields": {"snis": "c.test is duplicated"}}),
        ),
        refused("POST /ca_certificates", json!({"cert": "x"}), 400, json!({"code": 2})),
        post("POST /ca_certificates", json!({"cert": CERTIFICATE}), json!({})),
        refused("POST /ca_certificates", json!({"cert": CERTIFICATE}), 409, json!({"code": 5})),
    ]
}

/// The algorithm and what is hashed agree; a target has one spelling.
fn upstreams() -> Vec<Scenario> {
    vec![
        post("POST /upstreams", json!({"name": "u"}), json!({"algorithm": "round-robin", "hash_on": "none"})),
        Scenario::new(
            "PATCH /upstreams/u",
            json!({"hash_on": "ip"}),
            200,
            json!({"algorithm": "consistent-hashing"}),
        ),
        Scenario::new("PATCH /upstreams/u", json!({"algorithm": "latency"}), 200, json!({"hash_on": "none"})),
        refused("POST /upstreams", json!({"name": "1.2.3.4"}), 400, json!({"code": 2})),
        post(
            "POST /upstreams/u/targets",
            json!({"target": "::1"}),
            json!({"target": "[0000:0000:0000:0000:0000:0000:0000:0001]:8000", "weight": 100}),
        ),
        post("POST /upstreams/u/targets", json!({"target": "a.test"}), json!({"target": "a.test:8000"})),
        get("GET /upstreams/u/targets", json!({"data": [{"target": "a.test:8000"}, {}], "next": null})),
        refused("POST /upstreams/u/targets", json!({"target": "a.test:8000"}), 409, json!({"code": 5})),
        refused("GET /targets", Value::Null, 404, json!({})),
        Scenario::new("DELETE /upstreams/u", Value::Null, 204, Value::Null),
    ]
}

/// Names that cannot be: of consumers, who need one, and of vaults.
fn names() -> Vec<Scenario> {
    vec![
        refused(
            "POST /consumers",
            json!({}),
            400,
            json!({"fields": {"@entity": ["at least one of these fields must be non-empty: 'custom_id', 'username'"]}}),
        ),
        post("POST /consumers", json!({"custom_id": "c-1"}), json!({"username": null})),
        get("GET /consumers?custom_id=c-1", json!({"data": [{"custom_id": "c-1"}]})),
        refused("GET /consumers?custom_id=", Value::Null, 400, json!({})),
        refused("POST /vaults", json!({"name": "env", "prefix": "env"}), 400, json!({"code": 2})),
        refused("POST /vaults", json!({"name": "nowhere", "prefix": "mine"}), 400, json!({"code": 2})),
        Scenario::new(
            "PUT /vaults/my-env",
            json!({"name": "env"}),
            200,
            json!({"prefix": "my-env", "config": {}}),
        ),
        refused("PUT /vaults/E", json!({"name": "env"}), 400, json!({"code": 10})),
    ]
}

/// A `kid` is unique in its set, also in none.
fn keys() -> Vec<Scenario> {
    let pem = || json!({"private_key": KEY, "public_key": PUBLIC_KEY});
    vec![
        post("POST /key-sets", json!({"id": SET, "name": "set"}), json!({})),
        post("POST /keys", json!({"kid": "k", "pem": pem()}), json!({"set": null})),
        refused(
            "POST /keys",
            json!({"kid": "k", "pem": pem()}),
            409,
            json!({"fields": {"kid": "k", "set": null}}),
        ),
        post(
            "POST /keys",
            json!({"kid": "k", "pem": pem(), "set": {"name": "set"}}),
            json!({"set": {"id": SET}}),
        ),
        refused("POST /key-sets/set/keys", json!({"kid": "k", "pem": pem()}), 409, json!({"code": 5})),
        refused(
            "POST /keys",
            json!({"kid": "l", "set": {"name": "none"}, "pem": pem()}),
            400,
            json!({"code": 13}),
        ),
        Scenario::new("DELETE /key-sets/set", Value::Null, 204, Value::Null),
        get("GET /keys", json!({"data": [{"kid": "k", "set": null}]})),
    ]
}

/// A plugin is configured once for what it runs around, and keeps its name; an old field is still understood.
fn plugins() -> Vec<Scenario> {
    vec![
        post("POST /services", json!({"name": "s", "host": "h.test"}), json!({})),
        post(
            "POST /services/s/plugins",
            json!({"name": "rate-limiting", "instance_name": "limit", "config": {"minute": 5, "policy": "redis", "redis_host": "r.test"}}),
            json!({"config": {"minute": 5, "redis": {"host": "r.test"}, "redis_host": "r.test"}}),
        ),
        refused(
            "POST /services/s/plugins",
            json!({"name": "rate-limiting", "config": {"minute": 5}}),
            409,
            json!({"code": 5}),
        ),
        Scenario::new(
            "PATCH /plugins/limit",
            json!({"config": {"minute": 6}}),
            200,
            json!({"name": "rate-limiting", "config": {"minute": 6, "policy": "redis"}}),
        ),
        refused(
            "PATCH /plugins/limit",
            json!({"config": {"minutes": 6}}),
            400,
            json!({"fields": {"config": {"minutes": "unknown field"}}}),
        ),
        refused(
            "POST /plugins",
            json!({"name": "no-such-plugin"}),
            400,
            json!({"fields": {"name": "plugin 'no-such-plugin' not enabled; add it to the 'plugins' configuration property"}}),
        ),
        Scenario::new("DELETE /services/s", Value::Null, 204, Value::Null),
        get("GET /plugins", json!({"data": []})),
    ]
}

/// Tags gather rows of all kinds.
fn tags() -> Vec<Scenario> {
    vec![
        post(
            "POST /consumers",
            json!({"username": "c", "tags": ["red", "blue"]}),
            json!({"tags": ["red", "blue"]}),
        ),
        post("POST /services", json!({"name": "s", "host": "h.test", "tags": ["red"]}), json!({})),
        get("GET /services?tags=red", json!({"data": [{"name": "s"}]})),
        get("GET /services?tags=red,blue", json!({"data": []})),
        get("GET /consumers?tags=green/blue", json!({"data": [{"username": "c"}]})),
        get("GET /tags/blue", json!({"data": [{"entity_name": "consumers", "tag": "blue"}]})),
        Scenario::new("PATCH /consumers/c", json!({"tags": null}), 200, json!({"tags": null})),
        get("GET /tags", json!({"data": [{"entity_name": "services", "tag": "red"}]})),
        refused("POST /tags", json!({}), 400, json!({"code": 2})),
    ]
}
