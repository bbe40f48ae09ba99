//! response-ratelimiting limits how often a consumer is answered, by counts that upstream services put in a header.

use serde_json::Value;

use super::BUNDLED;
use super::rate_limiting::lower_for_longer;
use super::redis::{REDIS, redis_shorthands};
use crate::required_if;
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Check, Field, Literal::*, NUMBER, STRING, Subschema, map, record};

/// The limits of one count, by the span of time.
const LIMITS: Field = record(&[
    ("second", NUMBER.gt(0)),
    ("minute", NUMBER.gt(0)),
    ("hour", NUMBER.gt(0)),
    ("day", NUMBER.gt(0)),
    ("month", NUMBER.gt(0)),
    ("year", NUMBER.gt(0)),
])
.required()
.validator(&limits_fit)
.checks(&[Check::AtLeastOneOf(&["second", "minute", "hour", "day", "month", "year"])]);

#[rustfmt::skip]
pub static RESPONSE_RATELIMITING: Subschema = Subschema::new("response-ratelimiting").plugin(BUNDLED, 900).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("header_name",              STRING.default(Str("x-kong-limit"))
            .doc("The name of the response header used to increment the counters.")),
        ("limit_by",                 STRING.one_of(&["consumer", "credential", "ip"]).default(Str("consumer"))
            .doc("The entity that will be used when aggregating the limits: `consumer`, `credential`, `ip`. If the `consumer` or the `credential` cannot be determined, the system will always fallback to `ip`.")),
        ("policy",                   STRING.one_of(&["local", "cluster", "redis"]).database_choices(&["cluster"]).default(Str("local"))
            .doc("The rate-limiting policies to use for retrieving and incrementing the limits.")),
        ("fault_tolerant",           BOOLEAN.required().default(Bool(true))
            .doc("A boolean value that determines if the requests should be proxied even if Kong has troubles connecting a third-party datastore. If `true`, requests will be proxied anyway, effectively disabling the rate-limiting function until the datastore is working again. If `false`, then the clients will see `500` errors.")),
        ("redis",                    REDIS),
        ("block_on_first_violation", BOOLEAN.required().default(Bool(false))
            .doc("A boolean value that determines if the requests should be blocked as soon as one limit is being exceeded. This will block requests that are supposed to consume other limits too.")),
        ("hide_client_headers",      BOOLEAN.required().default(Bool(false))
            .doc("Optionally hide informative response headers.")),
        ("limits",                   map(&STRING, &LIMITS).required().len_min(1)
            .doc("A map that defines rate limits for the plugin.")),
    ])
    .required()
    .shorthands(redis_shorthands!("response-ratelimiting"))),
])
.checks(&[
    required_if!("config.redis.host",    "config.policy", "redis"),
    required_if!("config.redis.port",    "config.policy", "redis"),
    required_if!("config.redis.timeout", "config.policy", "redis"),
]);

/// No limit is lower than that of a shorter span.
fn limits_fit(limits: &Value) -> Result<(), String> {
    lower_for_longer(limits).map_or(Ok(()), |fault| Err(format!("the {fault}")))
}
