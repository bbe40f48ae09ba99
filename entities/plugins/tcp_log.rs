//! tcp-log sends a line about each request to a TCP server.

use super::BUNDLED;
use crate::schema::types::{HOST, LUA_CODE, PORT, PROTOCOLS_ANY};
use crate::schema::{BOOLEAN, Literal::*, NUMBER, STRING, Subschema, record};

#[rustfmt::skip]
pub static TCP_LOG: Subschema = Subschema::new("tcp-log").plugin(BUNDLED, 7).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("host",                 HOST.required()
            .doc("The IP address or host name to send data to.")),
        ("port",                 PORT.required()
            .doc("The port to send data to on the upstream server.")),
        ("timeout",              NUMBER.default(Int(10_000))
            .doc("An optional timeout in milliseconds when sending data to the upstream server.")),
        ("keepalive",            NUMBER.default(Int(60_000))
            .doc("An optional value in milliseconds that defines how long an idle connection lives before being closed.")),
        ("tls",                  BOOLEAN.required().default(Bool(false))
            .doc("Indicates whether to perform a TLS handshake against the remote server.")),
        ("tls_sni",              STRING
            .doc("An optional string that defines the SNI (Server Name Indication) hostname to send in the TLS handshake.")),
        ("custom_fields_by_lua", LUA_CODE
            .doc("A list of key-value pairs, where the key is the name of a log field and the value is a chunk of Lua code, whose return value sets or replaces the log field value.")),
    ]).required()),
]);
