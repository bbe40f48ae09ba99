//! An upstream is a virtual host name: requests to it are balanced over its targets, whose health it watches.

mod healthchecks;

use serde_json::Value;

use self::healthchecks::HEALTHCHECKS;
use crate::certificates::CERTIFICATES;
use crate::schema::types::{
    AUTO_TIMESTAMP_S, COOKIE_NAME, HEADER_NAME, HOST_WITH_OPTIONAL_PORT, PATH, TAGS, UUID,
};
use crate::schema::{
    BOOLEAN, Check, Conditional, Entity, Field, INTEGER, Literal::*, Row, SAME, STRING, address, bytes,
    foreign, shorthand,
};

const HASH_ON: Field = STRING
    .one_of(&["none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture"])
    .default(Str("none"));
const NOT_EMPTY: Field = STRING.len_min(1);

/// If `hash_on` (or `hash_fallback`) is that, another field keeps those rules.
macro_rules! when {
    ($field:literal, $value:literal, $then:literal, $rules:expr) => {
        Check::Conditional(&Conditional {
            if_field: $field,
            if_match: SAME.matches(concat!("^", $value, "$")),
            then_field: $then,
            then_match: $rules,
            then_err: None,
        })
    };
}

#[rustfmt::skip]
pub static UPSTREAMS: Entity = Entity::new("upstreams")
    .doc("A virtual host name whose requests are balanced over targets, with checks of their health.")
    .workspaceable()
    .endpoint_key("name")
    .fields(&[
        ("id",                        UUID),
        ("created_at",                AUTO_TIMESTAMP_S),
        ("name",                      STRING.required().unique().text_validator(&is_plain_name).pattern(address::NAME)
            .doc("This is a hostname, which must be equal to the host of a Service.")),
        ("updated_at",                AUTO_TIMESTAMP_S),
        ("algorithm",                 STRING.default(Str("round-robin"))
            .one_of(&["consistent-hashing", "least-connections", "round-robin", "latency"])
            .doc("Which load balancing algorithm to use.")),
        ("hash_on",                   HASH_ON),
        ("hash_fallback",             HASH_ON),
        ("hash_on_header",            HEADER_NAME),
        ("hash_fallback_header",      HEADER_NAME),
        ("hash_on_cookie",            COOKIE_NAME.doc("The cookie name to take the value from as hash input.")),
        ("hash_on_cookie_path",       PATH.default(Str("/"))),
        ("hash_on_query_arg",         NOT_EMPTY),
        ("hash_fallback_query_arg",   NOT_EMPTY),
        ("hash_on_uri_capture",       NOT_EMPTY),
        ("hash_fallback_uri_capture", NOT_EMPTY),
        ("slots",                     INTEGER.between(10, 65_536).default(Int(10_000))
            .doc("The number of slots in the load balancer algorithm.")),
        ("healthchecks",              HEALTHCHECKS),
        ("tags",                      TAGS),
        ("host_header",               HOST_WITH_OPTIONAL_PORT),
        ("client_certificate",        foreign(&CERTIFICATES).written_apart()
            .doc("If set, the certificate to be used as client certificate while TLS handshaking to the upstream server.")),
        ("use_srv_name",              BOOLEAN.default(Bool(false))
            .doc("If set, the balancer will use SRV hostname.")),
    ])
    .checks(&[
        when!("hash_on",       "header",      "hash_on_header",            SAME.required()),
        when!("hash_fallback", "header",      "hash_fallback_header",      SAME.required()),
        when!("hash_on",       "cookie",      "hash_on_cookie",            SAME.required()),
        when!("hash_fallback", "cookie",      "hash_on_cookie",            SAME.required()),
        when!("hash_on",       "none",        "hash_fallback",             SAME.one_of(&["none"])),
        when!("hash_on",       "cookie",      "hash_fallback",             SAME.one_of(&["none"])),
        // A fallback differs from what it falls back from; headers, arguments and captures have names that differ.
        when!("hash_on",       "consumer",    "hash_fallback",
            SAME.one_of(&["none", "ip", "header", "cookie", "path", "query_arg", "uri_capture"])),
        when!("hash_on",       "ip",          "hash_fallback",
            SAME.one_of(&["none", "consumer", "header", "cookie", "path", "query_arg", "uri_capture"])),
        when!("hash_on",       "path",        "hash_fallback",
            SAME.one_of(&["none", "consumer", "header", "cookie", "query_arg", "ip", "uri_capture"])),
        Check::Distinct(&["hash_on_header", "hash_fallback_header"]),
        when!("hash_on",       "query_arg",   "hash_on_query_arg",         SAME.required()),
        when!("hash_fallback", "query_arg",   "hash_fallback_query_arg",   SAME.required()),
        Check::Distinct(&["hash_on_query_arg", "hash_fallback_query_arg"]),
        when!("hash_on",       "uri_capture", "hash_on_uri_capture",       SAME.required()),
        when!("hash_fallback", "uri_capture", "hash_fallback_uri_capture", SAME.required()),
        Check::Distinct(&["hash_on_uri_capture", "hash_fallback_uri_capture"]),
    ])
    // In this order: the algorithm may take the hashing away, and then the hashing decides on the algorithm.
    .shorthands(&[
        shorthand("algorithm", STRING, &algorithm).writes(&[&["algorithm"], &["hash_on"]]),
        shorthand("hash_on", STRING, &hash_on).writes(&[&["hash_on"], &["algorithm"]]),
    ])
    .build();

/// The host of a service names the upstream, so the name is a host name and no address.
fn is_plain_name(text: &str) -> Result<(), String> {
    let reason = match address::normalize_ip(text) {
        Err(_) => "must be a valid hostname",
        Ok(address) if address.kind != address::Kind::Name => "no ip addresses allowed",
        Ok(address) if address.port.is_some() => "no port allowed",
        Ok(_) => return Ok(()),
    };
    match bytes::invalid_at(text) {
        None => Err(format!("Invalid name ('{text}'); {reason}")),
        Some(_) => Err(format!("Invalid name; {reason}")),
    }
}

/// Neither counting connections nor measuring latency hashes anything, so they take `hash_on` away.
fn algorithm(value: &Value) -> Option<Row> {
    let mut row = Row::from_iter([("algorithm".to_owned(), value.clone())]);
    if matches!(value.as_str(), Some("least-connections" | "latency")) {
        row.insert("hash_on".to_owned(), Value::Null);
    }
    Some(row)
}

/// Hashing is what `consistent-hashing` means, and its absence `round-robin`; null, which [`algorithm`] leaves
/// for others, takes no side. Since the default is "none", `consistent-hashing` alone is read back as
/// `round-robin`.
fn hash_on(value: &Value) -> Option<Row> {
    let (hash_on, algorithm) = match value {
        Value::Null => (Value::from("none"), None),
        Value::String(text) if text == "none" => (value.clone(), Some("round-robin")),
        _ => (value.clone(), Some("consistent-hashing")),
    };
    let algorithm = algorithm.map(|name| ("algorithm".to_owned(), Value::from(name)));
    Some([("hash_on".to_owned(), hash_on)].into_iter().chain(algorithm).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{UPSTREAMS, is_plain_name};

    /// The row after the shorthands, in their order: the value is taken out and what it stands for is put in.
    fn expanded(mut row: Value) -> Value {
        let fields = row.as_object_mut().unwrap();
        for shorthand in UPSTREAMS.shorthands {
            if let Some(value) = fields.remove(shorthand.name) {
                fields.extend((shorthand.expand)(&value).unwrap());
            }
        }
        row
    }

    #[test]
    fn algorithm_and_hash_on_agree() {
        for (given, expected) in [
            (json!({}), json!({})),
            (json!({"algorithm": "latency"}), json!({"algorithm": "latency", "hash_on": "none"})),
            (
                json!({"algorithm": "least-connections", "hash_on": "ip"}),
                json!({"algorithm": "least-connections", "hash_on": "none"}),
            ),
            (json!({"hash_on": "ip"}), json!({"hash_on": "ip", "algorithm": "consistent-hashing"})),
            (
                json!({"algorithm": "round-robin", "hash_on": "path"}),
                json!({"algorithm": "consistent-hashing", "hash_on": "path"}),
            ),
            (
                json!({"algorithm": "consistent-hashing", "hash_on": "none"}),
                json!({"algorithm": "round-robin", "hash_on": "none"}),
            ),
            (json!({"hash_on": null}), json!({"hash_on": "none"})),
            (
                json!({"algorithm": null, "hash_on": "none"}),
                json!({"algorithm": "round-robin", "hash_on": "none"}),
            ),
        ] {
            assert_eq!(expanded(given.clone()), expected, "{given}");
        }
    }

    #[test]
    fn consistent_hashing_over_nothing_is_read_back_as_round_robin() {
        let written = expanded(json!({"algorithm": "consistent-hashing"}));
        assert_eq!(written, json!({"algorithm": "consistent-hashing"}));
        let stored = json!({"algorithm": "consistent-hashing", "hash_on": "none"});
        assert_eq!(expanded(stored), json!({"algorithm": "round-robin", "hash_on": "none"}));
        let names: Vec<_> = UPSTREAMS.rewriting_shorthands().map(|shorthand| shorthand.name).collect();
        assert_eq!(names, ["algorithm", "hash_on"]);
    }

    #[test]
    fn a_name_is_a_host_name_alone() {
        for (name, reason) in [
            ("not a host", "must be a valid hostname"),
            ("a..b", "must be a valid hostname"),
            ("0:x", "must be a valid hostname"),
            ("1.2.3.4", "no ip addresses allowed"),
            ("[::1]:80", "no ip addresses allowed"),
            ("with.port:80", "no port allowed"),
        ] {
            assert_eq!(is_plain_name(name), Err(format!("Invalid name ('{name}'); {reason}")));
        }
        assert_eq!(is_plain_name("service.v1.xyz"), Ok(()));
    }
}
