//! loggly sends a line for each request to Loggly.

use super::BUNDLED;
use super::severity::SEVERITY;
use crate::schema::types::{HOST, LUA_CODE, PORT, PROTOCOLS_ANY};
use crate::schema::{Literal::*, NUMBER, STRING, Subschema, record, set};

#[rustfmt::skip]
pub static LOGGLY: Subschema = Subschema::new("loggly").plugin(BUNDLED, 6).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("host",                   HOST.default(Str("logs-01.loggly.com"))),
        ("port",                   PORT.default(Int(514))),
        ("key",                    STRING.required().referenceable().encrypted()),
        ("tags",                   set(&STRING).default(List(&[Str("kong")]))),
        ("log_level",              SEVERITY),
        ("successful_severity",    SEVERITY),
        ("client_errors_severity", SEVERITY),
        ("server_errors_severity", SEVERITY),
        ("timeout",                NUMBER.default(Int(10_000))),
        ("custom_fields_by_lua",   LUA_CODE),
    ]).required()),
]);
