//! The shared types under the names that declarations outside the program's text call them by.
//!
//! The names are Kong's (`kong/db/schema/typedefs.lua`), and one more: `redis`, which Kong keeps in a module of its
//! own. What the types are stands where they are declared; nothing here reads a declaration. Declarations in Rust find
//! here the entities that plugins refer to.

use serde_json::Value;

pub use crate::certificates::CERTIFICATES;
pub use crate::consumers::CONSUMERS;
use crate::none_of;
use crate::plugins::propagation::PROPAGATION;
use crate::plugins::queue::QUEUE;
use crate::plugins::redis::REDIS;
pub use crate::plugins::{NO_CONSUMER, NO_ROUTE, NO_SERVICE};
pub use crate::routes::ROUTES;
use crate::schema::types::{self, HOST, SNI};
use crate::schema::{Field, Named, STRING, array, is_reference, jwk, record};
pub use crate::services::SERVICES;
pub use crate::upstreams::UPSTREAMS;

const REDIS_HOST: Field =
    HOST.doc("When using the `redis` policy, this property specifies the address to the Redis server.");

const REDIS_SERVER_NAME: Field = SNI.doc(
    "When using the `redis` policy with `redis_ssl` set to `true`, this property specifies the server name for the TLS extension Server Name Indication (SNI).",
);

const MEMBER: Field = STRING.optional();
const MEMBERS: Field = array(&MEMBER).optional();

/// The members of a JSON Web Key (RFC 7517).
#[rustfmt::skip]
const JWK_MEMBERS: &[Named] = &[
    ("issuer", MEMBER), ("kty", MEMBER), ("use", MEMBER), ("key_ops", MEMBERS), ("alg", MEMBER),
    ("kid", STRING.required()), ("x5u", MEMBER), ("x5c", MEMBERS), ("x5t", MEMBER), ("x5t#S256", MEMBER),
    ("k", MEMBER), ("x", MEMBER), ("y", MEMBER), ("crv", MEMBER), ("n", MEMBER), ("e", MEMBER), ("d", MEMBER),
    ("p", MEMBER), ("q", MEMBER), ("dp", MEMBER), ("dq", MEMBER), ("qi", MEMBER), ("oth", MEMBER), ("r", MEMBER),
    ("t", MEMBER),
];

const JWK: Field = record(JWK_MEMBERS)
    .optional()
    .validator(&key_loads)
    .doc("Custom type for representing a JSON Web Key (JWK).");

/// The members describe a key; a reference to one cannot be looked into.
fn key_loads(members: &Value) -> Result<(), String> {
    if members.as_str().is_some_and(is_reference) || jwk::load(members).is_some() {
        return Ok(());
    }
    Err("could not load JWK, likely not a valid key".to_owned())
}

/// The shared types by name.
#[rustfmt::skip]
pub static TYPEDEFS: &[Named] = &[
    ("auto_timestamp_ms",       types::AUTO_TIMESTAMP_MS),
    ("auto_timestamp_s",        types::AUTO_TIMESTAMP_S),
    ("capability",              types::CAPABILITY),
    ("certificate",             types::CERTIFICATE),
    ("cidr",                    types::CIDR_V4),
    ("cidr_v4",                 types::CIDR_V4),
    ("cookie_name",             types::COOKIE_NAME),
    ("destinations",            types::DESTINATIONS),
    ("header_name",             types::HEADER_NAME),
    ("headers",                 types::HEADERS),
    ("host",                    types::HOST),
    ("host_with_optional_port", types::HOST_WITH_OPTIONAL_PORT),
    ("hosts",                   types::HOSTS),
    ("http_method",             types::HTTP_METHOD),
    ("ip",                      types::IP),
    ("ip_or_cidr",              types::IP_OR_CIDR),
    ("jwk",                     JWK),
    ("key",                     types::KEY),
    ("lua_code",                types::LUA_CODE),
    ("methods",                 types::METHODS),
    ("name",                    types::NAME),
    ("no_consumer",             NO_CONSUMER),
    ("no_destinations",         none_of!(types::DESTINATIONS, "A null value representing no destinations.")),
    ("no_headers",              none_of!(types::HEADERS, "A null value representing no headers.")),
    ("no_hosts",                none_of!(types::HOSTS, "A null value representing no hosts.")),
    ("no_methods",              none_of!(types::METHODS, "A null value representing no methods.")),
    ("no_paths",                none_of!(types::ROUTER_PATHS, "A null value representing no router paths.")),
    ("no_route",                NO_ROUTE),
    ("no_service",              NO_SERVICE),
    ("no_sources",              none_of!(types::SOURCES, "A null value representing no sources.")),
    ("path",                    types::PATH),
    ("pem",                     types::PEM),
    ("port",                    types::PORT),
    ("propagation",             PROPAGATION),
    ("protocol",                types::PROTOCOL),
    ("protocols",               types::PROTOCOLS_ANY),
    ("protocols_http",          types::PROTOCOLS_HTTP),
    ("queue",                   QUEUE),
    ("redis",                   REDIS),
    ("redis_host",              REDIS_HOST),
    ("redis_server_name",       REDIS_SERVER_NAME),
    ("router_path",             types::ROUTER_PATH),
    ("router_paths",            types::ROUTER_PATHS),
    ("semantic_version",        types::SEMANTIC_VERSION),
    ("sni",                     types::SNI),
    ("sources",                 types::SOURCES),
    ("tag",                     types::TAG),
    ("tags",                    types::TAGS),
    ("timeout",                 types::TIMEOUT),
    ("ttl",                     types::TTL),
    ("url",                     types::URL),
    ("utf8_name",               types::UTF8_NAME),
    ("uuid",                    types::UUID),
    ("wildcard_host",           types::WILDCARD_HOST),
];

/// The shared type of that name.
pub fn typedef(name: &str) -> Option<&'static Field> {
    TYPEDEFS.iter().find(|(own, _)| *own == name).map(|(_, field)| field)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{TYPEDEFS, key_loads, typedef};

    #[test]
    fn names_are_sorted_and_lead_to_types() {
        assert!(TYPEDEFS.is_sorted_by_key(|(name, _)| *name));
        assert_eq!(typedef("port").unwrap().between, Some((0.0, 65_535.0)));
        assert!(typedef("run_on_first").is_none());
    }

    #[test]
    fn a_key_that_does_not_load_is_told() {
        assert!(key_loads(&json!({"kty": "oct", "kid": "a"})).is_err());
    }
}
