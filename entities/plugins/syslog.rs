//! syslog writes a line about each request to the system's log.

use super::BUNDLED;
use crate::schema::types::{LUA_CODE, PROTOCOLS_ANY};
use crate::schema::{Field, Literal::*, STRING, Subschema, record};

const SEVERITY: Field = STRING
    .required()
    .one_of(&["debug", "info", "notice", "warning", "err", "crit", "alert", "emerg"])
    .default(Str("info"));

/// The parts of a system that log, as the operating system numbers them.
const FACILITIES: &[&str] = &[
    "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

#[rustfmt::skip]
pub static SYSLOG: Subschema = Subschema::new("syslog").plugin(BUNDLED, 4).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("log_level",              SEVERITY),
        ("successful_severity",    SEVERITY),
        ("client_errors_severity", SEVERITY),
        ("server_errors_severity", SEVERITY),
        ("custom_fields_by_lua",   LUA_CODE),
        ("facility",               STRING.required().one_of(FACILITIES).default(Str("user"))
            .doc("The facility is used by the operating system to decide how to handle each log message.")),
    ]).required()),
]);
