//! proxy-cache keeps answers of upstream services, and gives them again to requests that ask for the same.

use serde_json::Value;

use super::{BUNDLED, SHARED_DICTIONARIES};
use crate::schema::types::PROTOCOLS_ANY;
use crate::schema::{BOOLEAN, Context, INTEGER, Literal::*, Row, STRING, Subschema, array, custom, record};

#[rustfmt::skip]
pub static PROXY_CACHE: Subschema = Subschema::new("proxy-cache").plugin(BUNDLED, 100).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("response_code",     array(&INTEGER.between(100, 900)).required().len_min(1).default(List(&[Int(200), Int(301), Int(404)]))
            .doc("Upstream response status code considered cacheable.")),
        ("request_method",    array(&STRING.one_of(&["HEAD", "GET", "POST", "PATCH", "PUT"])).required().default(List(&[Str("GET"), Str("HEAD")]))
            .doc("Downstream request methods considered cacheable.")),
        ("content_type",      array(&STRING).required().default(List(&[Str("text/plain"), Str("application/json")]))
            .doc("Upstream response content types considered cacheable. The plugin performs an **exact match** against each specified value.")),
        ("cache_ttl",         INTEGER.gt(0).default(Int(300))
            .doc("TTL, in seconds, of cache entities.")),
        ("strategy",          STRING.required().one_of(&["memory"])
            .doc("The backing data store in which to hold cache entities.")),
        ("cache_control",     BOOLEAN.required().default(Bool(false))
            .doc("When enabled, respect the Cache-Control behaviors defined in RFC7234.")),
        ("ignore_uri_case",   BOOLEAN.optional().default(Bool(false))),
        ("storage_ttl",       INTEGER
            .doc("Number of seconds to keep resources in the storage backend. This value is independent of `cache_ttl` or resource TTLs defined by Cache-Control behaviors.")),
        ("memory",            record(&[
            ("dictionary_name", STRING.required().default(Str("kong_db_cache"))
                .doc("The name of the shared dictionary in which to hold cache entities when the memory strategy is selected. Note that this dictionary currently must be defined manually in the Kong Nginx template.")),
        ]).required()),
        ("vary_query_params", array(&STRING)
            .doc("Relevant query parameters considered for the cache key. If undefined, all params are taken into consideration.")),
        ("vary_headers",      array(&STRING)
            .doc("Relevant headers considered for the cache key. If undefined, none of the headers are taken into consideration.")),
        ("response_headers",  record(&[
            ("age",            BOOLEAN.default(Bool(true))),
            ("X-Cache-Status", BOOLEAN.default(Bool(true))),
            ("X-Cache-Key",    BOOLEAN.default(Bool(true))),
        ]).required()
            .doc("Caching related diagnostic headers that should be included in cached responses")),
    ]).required()),
])
.checks(&[custom(&["config"], &dictionary_exists)]);

/// Answers that are kept in memory need a dictionary that all workers share.
fn dictionary_exists(row: &Row, _: &Context) -> Result<(), String> {
    let Some(config) = row.get("config") else { return Ok(()) };
    if config.get("strategy").and_then(Value::as_str) != Some("memory") {
        return Ok(());
    }
    match config.pointer("/memory/dictionary_name").and_then(Value::as_str) {
        Some(name) if !SHARED_DICTIONARIES.contains(&name) => Err(format!("missing shared dict '{name}'")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::dictionary_exists;
    use crate::schema::{Context, Flavor};

    #[test]
    fn memory_is_a_shared_dictionary() {
        let context = Context {
            now_us: 0,
            new_id: &|| Uuid::nil(),
            new_secret: &String::new,
            router_flavor: Flavor::TraditionalCompatible,
            without_database: false,
        };
        let check = |config, expected: Result<(), &str>| {
            let row = json!({ "config": config });
            let row = row.as_object().unwrap();
            assert_eq!(dictionary_exists(row, &context), expected.map_err(str::to_owned), "{row:?}");
        };
        check(json!({"strategy": "memory", "memory": {"dictionary_name": "kong_db_cache"}}), Ok(()));
        check(
            json!({"strategy": "memory", "memory": {"dictionary_name": "mine"}}),
            Err("missing shared dict 'mine'"),
        );
        check(json!({"strategy": null, "memory": {"dictionary_name": "mine"}}), Ok(()));
    }
}
