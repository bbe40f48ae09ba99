//! redirect sends the client to another URL.

use super::BUNDLED;
use crate::schema::types::{PROTOCOLS_HTTP, URL};
use crate::schema::{BOOLEAN, INTEGER, Literal::*, Subschema, record};

#[rustfmt::skip]
pub static REDIRECT: Subschema = Subschema::new("redirect").plugin(BUNDLED, 779).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("status_code",        INTEGER.required().between(100, 599).default(Int(301))
            .doc("The response code to send. Must be an integer between 100 and 599.")),
        ("location",           URL.required()
            .doc("The URL to redirect to")),
        ("keep_incoming_path", BOOLEAN.default(Bool(false))
            .doc("Use the incoming request's path and query string in the redirect URL")),
    ]).required()),
]);
