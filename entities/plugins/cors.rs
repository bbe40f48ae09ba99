//! cors answers browsers that ask whether a page of another origin may use the API.

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Literal::*, NUMBER, STRING, Subschema, array, path, record};

const METHODS: &[&str] = &["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

#[rustfmt::skip]
pub static CORS: Subschema = Subschema::new("cors").plugin(BUNDLED, 2000).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("origins",             array(&STRING.text_validator(&origin))
            .doc("List of allowed domains for the `Access-Control-Allow-Origin` header. If you want to allow all origins, add `*` as a single value to this configuration field. The accepted values can either be flat strings or PCRE regexes. NOTE: If you don't specify any allowed domains, all origins are allowed.")),
        ("headers",             array(&STRING)
            .doc("Value for the `Access-Control-Allow-Headers` header.")),
        ("exposed_headers",     array(&STRING)
            .doc("Value for the `Access-Control-Expose-Headers` header. If not specified, no custom headers are exposed.")),
        ("methods",             array(&STRING.one_of(METHODS))
            .default(List(&[Str("GET"), Str("HEAD"), Str("PUT"), Str("PATCH"), Str("POST"), Str("DELETE"), Str("OPTIONS"), Str("TRACE"), Str("CONNECT")]))
            .doc("'Value for the `Access-Control-Allow-Methods` header. Available options include `GET`, `HEAD`, `PUT`, `PATCH`, `POST`, `DELETE`, `OPTIONS`, `TRACE`, `CONNECT`. By default, all options are allowed.'")),
        ("max_age",             NUMBER
            .doc("Indicates how long the results of the preflight request can be cached, in `seconds`.")),
        ("credentials",         BOOLEAN.required().default(Bool(false))
            .doc("Flag to determine whether the `Access-Control-Allow-Credentials` header should be sent with `true` as the value.")),
        ("private_network",     BOOLEAN.required().default(Bool(false))
            .doc("Flag to determine whether the `Access-Control-Allow-Private-Network` header should be sent with `true` as the value.")),
        ("preflight_continue",  BOOLEAN.required().default(Bool(false))
            .doc("A boolean value that instructs the plugin to proxy the `OPTIONS` preflight request to the Upstream service.")),
        ("allow_origin_absent", BOOLEAN.required().default(Bool(true))
            .doc("A boolean value that skip cors response headers when origin header of request is empty")),
    ]).required()),
]);

/// An origin is compared as a regular expression, unless it stands for all of them.
fn origin(text: &str) -> Result<(), String> {
    if text == "*" || path::is_regex(text) { Ok(()) } else { Err(format!("'{text}' is not a valid regex")) }
}
