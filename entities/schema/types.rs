//! The shared types, with the names of Kong's typedefs (`kong/db/schema/typedefs.lua`). An entity overrides an
//! attribute by chaining on one: `HOST.required()`.

use super::check::Check;
use super::field::{Field, INTEGER, NUMBER, Named, STRING, array, map, record, set};
use super::literal::Literal::{self, List, Str};
use super::{address, lua, path, pem, samples, text, url};

/// The largest number of seconds that a row may live.
pub const MAX_TTL: i64 = 100_000_000;

pub const UUID: Field =
    STRING.uuid().auto().doc("A string representing a UUID (universally unique identifier).");

pub const AUTO_TIMESTAMP_S: Field =
    INTEGER.timestamp().auto().doc("An integer representing an automatic Unix timestamp in seconds.");

pub const AUTO_TIMESTAMP_MS: Field =
    NUMBER.timestamp().auto().doc("A number representing an automatic Unix timestamp in milliseconds.");

pub const NAME: Field = STRING
    .unique()
    .text_validator(&text::name)
    .pattern(text::NAME)
    .doc("A unique string representing a name.");

pub const UTF8_NAME: Field = STRING
    .unique()
    .text_validator(&text::utf8_name)
    .pattern(text::UTF8_NAME)
    .doc("A unique string representing a UTF-8 encoded name.");

pub const HOST: Field = STRING
    .text_validator(&address::host)
    .format("host")
    .doc("A string representing a host name, such as example.com.");

pub const HOST_WITH_OPTIONAL_PORT: Field = STRING.text_validator(&address::host_with_optional_port).format("host-with-optional-port").doc(
    "A string representing a host name with an optional port number, such as example.com or example.com:8080.",
);

pub const WILDCARD_HOST: Field = STRING
    .text_validator(&address::wildcard_host)
    .format("wildcard-host")
    .doc("A string representing a wildcard host name, such as *.example.com.");

pub const IP: Field = STRING
    .text_validator(&address::ip)
    .format("ip")
    .doc("A string representing an IP address, such as 192.168.1.1.");

pub const IP_OR_CIDR: Field = STRING
    .text_validator(&address::ip_or_cidr)
    .format("ip-or-cidr")
    .doc("A string representing an IP address or CIDR block, such as 192.168.1.1 or 192.168.0.0/16.");

pub const CIDR_V4: Field = STRING
    .text_validator(&address::cidr_v4)
    .format("cidr-v4")
    .doc("A string representing a CIDR block for IPv4 addresses, such as 192.168.0.0/16.");

pub const SNI: Field = STRING
    .text_validator(&address::sni)
    .pattern(address::NAME)
    .doc("A string representing an SNI (server name indication) value for TLS.");

pub const PORT: Field =
    INTEGER.between(0, 65_535).doc("An integer representing a port number between 0 and 65535, inclusive.");

pub const PATH: Field = STRING
    .starts_with("/")
    .match_none(&[("//", "must not have empty segments")])
    .text_validator(&path::path).format("path")
    .doc(
        "A string representing a URL path, such as /path/to/resource. Must start with a forward slash (/) and must not contain empty segments (i.e., two consecutive forward slashes).",
    );

pub const URL: Field = STRING
    .text_validator(&url::url)
    .format("url")
    .doc("A string representing a URL, such as https://example.com/path/to/resource?q=search.");

pub const COOKIE_NAME: Field = STRING
    .text_validator(&text::cookie_name)
    .pattern(text::COOKIE_NAME)
    .doc("A string representing an HTTP token defined by RFC 2616.");

pub const HEADER_NAME: Field = STRING
    .text_validator(&text::header_name)
    .pattern(text::HEADER_NAME)
    .doc("A string representing an HTTP header name.");

pub const TIMEOUT: Field = INTEGER
    .between(0, 2_147_483_646)
    .doc("An integer representing a timeout in milliseconds. Must be between 0 and 2^31-2.");

pub const TTL: Field = NUMBER.between(0, MAX_TTL).doc("Time-to-live value for data");

pub const TAG: Field =
    STRING.required().text_validator(&text::tag).pattern(text::TAG).doc("A string representing a tag.");

pub const TAGS: Field = set(&TAG).doc("A set of strings representing tags.");

pub const CERTIFICATE: Field = STRING
    .text_validator(&pem::certificate)
    .format("certificate")
    .samples(samples::CERTIFICATES)
    .doc("A string representing a certificate.");

pub const KEY: Field =
    STRING.text_validator(&pem::key).format("key").samples(samples::KEYS).doc("A string representing a key.");

/// The protocols of the Community edition, in the order of Kong's messages.
pub const PROTOCOLS: &[&str] = &["grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp"];

/// The protocols that only the Enterprise edition knows.
pub const ENTERPRISE_PROTOCOLS: &[&str] = &["ws", "wss"];

const HTTP: &[&str] = &["grpc", "grpcs", "http", "https"];
const HTTP_DEFAULT: Literal = List(&[Str("grpc"), Str("grpcs"), Str("http"), Str("https")]);

pub const PROTOCOL: Field = STRING
    .one_of(PROTOCOLS)
    .enterprise_choices(ENTERPRISE_PROTOCOLS)
    .doc("A string representing a protocol, such as HTTP or HTTPS.");

pub const PROTOCOLS_ANY: Field =
    set(&PROTOCOL).required().default(HTTP_DEFAULT).doc("A set of strings representing protocols.");

pub const PROTOCOLS_HTTP: Field = set(&STRING.one_of(HTTP))
    .required()
    .default(HTTP_DEFAULT)
    .doc("A set of strings representing HTTP protocols.");

pub const HTTP_METHOD: Field = STRING.matches("^%u+$").doc(
    "A string representing an HTTP method, such as GET, POST, PUT, or DELETE. The string must contain only uppercase letters.",
);

pub const METHODS: Field = set(&HTTP_METHOD)
    .doc("A set of strings representing HTTP methods. Each method must be a valid HTTP method.");

const IP_OR_PORT: &[Named] = &[("ip", IP_OR_CIDR), ("port", PORT)];
const ENDPOINT: Field = record(IP_OR_PORT).checks(&[Check::AtLeastOneOf(&["ip", "port"])]);

pub const SOURCES: Field =
    set(&ENDPOINT).doc("A set of sources, each of which is a record with at least one of 'ip' or 'port'.");

pub const DESTINATIONS: Field = set(&ENDPOINT)
    .doc("A set of destinations, each of which is a record with at least one of 'ip' or 'port'.");

pub const HOSTS: Field = array(
    &STRING
        .match_all(&[("^[^*]*%*?[^*]*$", "invalid wildcard: must have at most one wildcard")])
        .match_any(
            &["^%*%.", "%.%*$", "^[^*]*$"],
            "invalid wildcard: must be placed at leftmost or rightmost label",
        )
        .text_validator(&address::host_with_wildcards).format("host-with-wildcards"),
)
.doc(
    "An array of strings representing hosts. A valid host is a string containing one or more labels separated by periods, with at most one wildcard label ('*')",
);

pub const ROUTER_PATH: Field = STRING
    .match_any(&["^/", "^~/"], "should start with: / (fixed path) or ~/ (regex path)")
    .match_none(&[("//", "must not have empty segments")])
    .text_validator(&path::router_path).format("router-path")
    .upgrade(&path::upgrade)
    .doc(
        "A string representing a router path. It must start with a forward slash ('/') for a fixed path, or the sequence '~/' for a regex path. It must not have empty segments.",
    );

pub const ROUTER_PATHS: Field = array(&ROUTER_PATH).doc("An array of strings representing router paths.");

pub const HEADERS: Field =
    map(&HEADER_NAME, &array(&STRING)).doc("A map of header names to arrays of header values.");

pub const SEMANTIC_VERSION: Field = STRING
    .match_any(
        &["^%d+[%.%d]*$", "^%d+[%.%d]*%-?.*$"],
        "invalid version number: must be in format of X.Y.Z",
    )
    .match_none(&[("%.%.", "must not have empty version segments")])
    .doc(
        "A string representing a semantic version number in the format X.Y.Z(-build), where X, Y, and Z are integers, plus an optional hyphen-separated build identifier.",
    );

pub const CAPABILITY: Field = STRING.doc("A string representing an RPC capability.");

/// Chunks of Lua by name, each of which LuaJIT can compile.
pub const LUA_CODE: Field =
    map(&STRING.len_min(1), &STRING.len_min(1).text_validator(&lua_code).format("lua-code"))
        .doc("Lua code as a key-value map");

/// What LuaJIT says of a chunk, as a sentence on the field that holds it.
fn lua_code(chunk: &str) -> Result<(), String> {
    lua::check(chunk).map_err(|fault| format!("Error parsing function: {fault}"))
}

/// A pair of PEM keys; at least one is given, and two belong together.
pub const PEM: Field = record(&[
    ("private_key", STRING.optional().referenceable().encrypted()),
    ("public_key", STRING.referenceable().optional()),
])
.optional()
.checks(&[Check::AtLeastOneOf(&["private_key", "public_key"])])
.validator(&pem::pair)
.samples(samples::PEM_PAIRS)
.doc(
    "A pair of PEM-encoded public and private keys, which can be either a string or a reference to a credential in Kong Vault. If provided as strings, they must be valid PEM-encoded keys.",
);

/// No value but null; for a subschema that forbids a field of its entity.
#[macro_export]
macro_rules! none_of {
    ($field:expr, $doc:literal) => {
        $field.eq($crate::schema::Literal::Null).doc($doc)
    };
}
