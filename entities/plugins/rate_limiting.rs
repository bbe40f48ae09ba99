//! rate-limiting limits how many requests are let through in a second, a minute, an hour, a day, a month, a year.

use serde_json::Value;

use super::BUNDLED;
use super::redis::{REDIS, redis_shorthands};
use crate::required_if;
use crate::schema::types::{HEADER_NAME, PATH, PROTOCOLS_HTTP};
use crate::schema::{BOOLEAN, Check, Entity, INTEGER, Literal::*, NUMBER, STRING, Subschema, record};

/// The spans of time for which a limit can be set, from short to long.
const PERIODS: &[&str] = &["second", "minute", "hour", "day", "month", "year"];

#[rustfmt::skip]
pub static RATE_LIMITING: Subschema = Subschema::new("rate-limiting").plugin(BUNDLED, 910).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("second",              NUMBER.gt(0)
            .doc("The number of HTTP requests that can be made per second.")),
        ("minute",              NUMBER.gt(0)
            .doc("The number of HTTP requests that can be made per minute.")),
        ("hour",                NUMBER.gt(0)
            .doc("The number of HTTP requests that can be made per hour.")),
        ("day",                 NUMBER.gt(0)
            .doc("The number of HTTP requests that can be made per day.")),
        ("month",               NUMBER.gt(0)
            .doc("The number of HTTP requests that can be made per month.")),
        ("year",                NUMBER.gt(0)
            .doc("The number of HTTP requests that can be made per year.")),
        ("limit_by",            STRING.one_of(&["consumer", "credential", "ip", "service", "header", "path"]).default(Str("consumer"))
            .doc("The entity that is used when aggregating the limits.")),
        ("header_name",         HEADER_NAME),
        ("path",                PATH),
        ("policy",              STRING.len_min(0).one_of(&["local", "cluster", "redis"]).database_choices(&["cluster"]).default(Str("local"))
            .doc("The rate-limiting policies to use for retrieving and incrementing the limits.")),
        ("fault_tolerant",      BOOLEAN.required().default(Bool(true))
            .doc("A boolean value that determines if the requests should be proxied even if Kong has troubles connecting a third-party data store. If `true`, requests will be proxied anyway, effectively disabling the rate-limiting function until the data store is working again. If `false`, then the clients will see `500` errors.")),
        ("redis",               REDIS),
        ("hide_client_headers", BOOLEAN.required().default(Bool(false))
            .doc("Optionally hide informative response headers.")),
        ("error_code",          NUMBER.gt(0).default(Int(429))
            .doc("Set a custom error code to return when the rate limit is exceeded.")),
        ("error_message",       STRING.default(Str("API rate limit exceeded"))
            .doc("Set a custom error message to return when the rate limit is exceeded.")),
        ("sync_rate",           NUMBER.required().default(Int(-1))
            .doc("How often to sync counter data to the central data store. A value of -1 results in synchronous behavior.")),
    ])
    .required()
    .validator(&limits_fit)
    .shorthands(redis_shorthands!("rate-limiting"))),
])
.checks(&[
    Check::AtLeastOneOf(&["config.second", "config.minute", "config.hour", "config.day", "config.month", "config.year"]),
    required_if!("config.redis.host",    "config.policy",   "redis"),
    required_if!("config.redis.port",    "config.policy",   "redis"),
    required_if!("config.redis.timeout", "config.policy",   "redis"),
    required_if!("config.header_name",   "config.limit_by", "header"),
    required_if!("config.path",          "config.limit_by", "path"),
]);

#[rustfmt::skip]
pub static RATELIMITING_METRICS: Entity = Entity::new("ratelimiting_metrics")
    .doc("How many requests were let through in a span of time, where all nodes count together.")
    .ttl()
    .primary_key(&["identifier", "period", "period_date", "service_id", "route_id"])
    .without_admin_api()
    .without_db_export()
    .fields(&[
        ("identifier",  STRING.required().len_min(0)),
        ("period",      STRING.required()),
        ("period_date", INTEGER.required().timestamp()),
        ("service_id",  STRING.required().uuid()),
        ("route_id",    STRING.required().uuid()),
        ("value",       INTEGER.required()),
    ])
    .build();

/// What is wrong with limits of which one is lower than that of a shorter span. Sentences begin with "The" or "the".
pub(super) fn lower_for_longer(limits: &Value) -> Option<String> {
    let limits: Vec<(&str, f64)> = PERIODS
        .iter()
        .filter_map(|period| limits.get(period).and_then(Value::as_f64).map(|limit| (*period, limit)))
        .collect();
    limits.iter().enumerate().find_map(|(index, (period, limit))| {
        let (longer, lower) = limits.iter().skip(index + 1).find(|(_, other)| other < limit)?;
        Some(format!(
            "limit for {longer}({lower:.1}) cannot be lower than the limit for {period}({limit:.1})"
        ))
    })
}

/// No limit is lower than that of a shorter span, and counters are synchronised with Redis only, not all the time.
fn limits_fit(config: &Value) -> Result<(), String> {
    if let Some(fault) = lower_for_longer(config) {
        return Err(format!("The {fault}"));
    }
    let number = |name: &str| config.get(name).and_then(Value::as_f64);
    let in_redis = config.get("policy").and_then(Value::as_str) == Some("redis");
    match number("sync_rate") {
        Some(-1.0) | None => Ok(()),
        Some(_) if !in_redis => Err("sync_rate can only be used with the redis policy".to_owned()),
        Some(rate) if rate < 0.02 => Err("sync_rate must be greater than 0.02, or -1 to disable".to_owned()),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::limits_fit;

    #[test]
    fn limits_grow_with_the_span_and_counters_sync_with_redis_only() {
        let check = |config, expected: Result<(), &str>| {
            assert_eq!(limits_fit(&config), expected.map_err(str::to_owned), "{config}");
        };
        check(json!({"second": 1, "year": 1, "minute": null, "sync_rate": -1}), Ok(()));
        check(
            json!({"second": 10, "minute": 20, "hour": 15}),
            Err("The limit for hour(15.0) cannot be lower than the limit for minute(20.0)"),
        );
        check(
            json!({"policy": "local", "sync_rate": 1}),
            Err("sync_rate can only be used with the redis policy"),
        );
        check(
            json!({"policy": "redis", "sync_rate": 0}),
            Err("sync_rate must be greater than 0.02, or -1 to disable"),
        );
        check(json!({"policy": "redis", "sync_rate": 0.02}), Ok(()));
    }
}
