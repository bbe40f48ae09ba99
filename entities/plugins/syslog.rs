//! syslog writes a line about each request to the system's log.

use super::BUNDLED;
use super::severity::SEVERITY;
use crate::schema::types::{LUA_CODE, PROTOCOLS_ANY};
use crate::schema::{Literal::*, STRING, Subschema, record};

/// The parts of a system that log, as the operating system numbers them.
const FACILITIES: &[&str] = &[
    "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

#[rustfmt::skip]
pub static SYSLOG: Subschema = Subschema::new("syslog").plugin(BUNDLED, 4).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("log_level",              SEVERITY.required()),
        ("successful_severity",    SEVERITY.required()),
        ("client_errors_severity", SEVERITY.required()),
        ("server_errors_severity", SEVERITY.required()),
        ("custom_fields_by_lua",   LUA_CODE),
        ("facility",               STRING.required().one_of(FACILITIES).default(Str("user"))
            .doc("The facility is used by the operating system to decide how to handle each log message.")),
    ]).required()),
]);
