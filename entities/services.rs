//! A Service is an upstream API or microservice. Routes point to it; plugins run around it.

use serde_json::Value;

use crate::certificates::CERTIFICATES;
use crate::schema::types::{AUTO_TIMESTAMP_S, HOST, PATH, PORT, PROTOCOL, TAGS, UTF8_NAME, UUID};
use crate::schema::{
    BOOLEAN, Entity, Field, INTEGER, Literal::*, Row, STRING, array, foreign, shorthand, url,
};
use crate::{null_if, null_unless};

const TIMEOUT: Field = INTEGER.between(1, 2_147_483_646).default(Int(60_000));
const WITHOUT_PATHS: &[&str] = &["tcp", "tls", "udp", "grpc", "grpcs"];
const WITH_TLS: &[&str] = &["https", "tls"];

#[rustfmt::skip]
pub static SERVICES: Entity = Entity::new("services")
    .doc("An upstream API or microservice that the gateway proxies to.")
    .workspaceable()
    .endpoint_key("name")
    .fields(&[
        ("id",                 UUID),
        ("created_at",         AUTO_TIMESTAMP_S),
        ("updated_at",         AUTO_TIMESTAMP_S),
        ("name",               UTF8_NAME),
        ("retries",            INTEGER.between(0, 32_767).default(Int(5))
            .doc("The number of retries to execute upon failure to proxy.")),
        ("protocol",           PROTOCOL.required().default(Str("http"))),
        ("host",               HOST.required()),
        ("port",               PORT.required().default(Int(80))),
        ("path",               PATH),
        ("connect_timeout",    TIMEOUT),
        ("write_timeout",      TIMEOUT),
        ("read_timeout",       TIMEOUT),
        ("tags",               TAGS),
        ("client_certificate", foreign(&CERTIFICATES).written_apart()
            .doc("Certificate to be used as client certificate while TLS handshaking to the upstream server.")),
        ("tls_verify",         BOOLEAN
            .doc("Whether to enable verification of upstream server TLS certificate. If not set, the global level config `proxy_ssl_verify` will be used.")),
        ("tls_verify_depth",   INTEGER.between(0, 64).default(Null)
            .doc("Maximum depth of chain while verifying Upstream server's TLS certificate.")),
        ("ca_certificates",    array(&STRING.uuid()).names("ca_certificates")
            .doc("Array of CA Certificate object UUIDs that are used to build the trust store while verifying upstream server's TLS certificate.")),
        ("enabled",            BOOLEAN.required().default(Bool(true))
            .doc("Whether the Service is active. ")),
    ])
    .checks(&[
        null_if!("path", "protocol", WITHOUT_PATHS),
        null_unless!("client_certificate", "protocol", WITH_TLS),
        null_unless!("tls_verify", "protocol", WITH_TLS),
        null_unless!("tls_verify_depth", "protocol", WITH_TLS),
        null_unless!("ca_certificates", "protocol", WITH_TLS),
    ])
    .shorthands(&[shorthand("url", STRING.format("url"), &split_url).writes(&[&["protocol"], &["host"], &["port"], &["path"]])])
    .build();

/// The parts of `url`: what it does not name is null, so that an old path does not outlive a new URL.
///
/// As in Kong, a missing port follows from the scheme, and a missing scheme from the port. Null is read as the text
/// that Lua prints for it, which is no URL; that gives a violation for each part.
fn split_url(value: &Value) -> Option<Row> {
    let text = match value {
        Value::String(text) => text.as_str(),
        _ => "userdata: NULL",
    };
    let url = url::parse(text)?;
    let number = url.port.as_deref().and_then(|port| port.trim().parse::<i64>().ok());
    let by_port = match number {
        Some(80) => Some("http"),
        Some(443) => Some("https"),
        _ => None,
    };
    let protocol = url.scheme.as_deref().or(by_port).unwrap_or("http").to_owned();
    let port = match (number, url.port) {
        (Some(number), _) => Value::from(number),
        (None, Some(text)) => Value::from(text),
        (None, None) => Value::from(if protocol == "https" { 443 } else { 80 }),
    };
    Some(Row::from_iter([
        ("protocol".to_owned(), Value::from(protocol)),
        ("host".to_owned(), Value::from(url.host)),
        ("port".to_owned(), port),
        ("path".to_owned(), Value::from(url.path)),
    ]))
}
