//! file-log appends a line for each request to a file.

use super::BUNDLED;
use crate::schema::types::{LUA_CODE, PROTOCOLS_ANY};
use crate::schema::{BOOLEAN, Literal::*, STRING, Subschema, record};

#[rustfmt::skip]
pub static FILE_LOG: Subschema = Subschema::new("file-log").plugin(BUNDLED, 9).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("path",                 STRING.required().matches(r"^[^%s*&%%\`][^*&%%\`]*[^%s*&%%\`]$").err("not a valid filename")
            .doc("The file path of the output log file. The plugin creates the log file if it doesn't exist yet.")),
        ("reopen",               BOOLEAN.required().default(Bool(false))
            .doc("Determines whether the log file is closed and reopened on every request.")),
        ("custom_fields_by_lua", LUA_CODE),
    ]).required()),
]);
