//! udp-log sends a line about each request to a UDP server.

use super::BUNDLED;
use crate::schema::types::{HOST, LUA_CODE, PORT, PROTOCOLS_ANY};
use crate::schema::{Literal::*, NUMBER, Subschema, record};

#[rustfmt::skip]
pub static UDP_LOG: Subschema = Subschema::new("udp-log").plugin(BUNDLED, 8).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("host",                 HOST.required()),
        ("port",                 PORT.required()),
        ("timeout",              NUMBER.default(Int(10_000))
            .doc("An optional timeout in milliseconds when sending data to the upstream server.")),
        ("custom_fields_by_lua", LUA_CODE),
    ]).required()),
]);
