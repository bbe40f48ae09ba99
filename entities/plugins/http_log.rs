//! http-log sends a line for each request to an HTTP server.

use serde_json::Value;

use super::BUNDLED;
use super::queue::{QUEUE, superseded_by_queue};
use crate::schema::types::{HEADER_NAME, LUA_CODE, PROTOCOLS_ANY, URL};
use crate::schema::{Field, Literal::*, NUMBER, STRING, Subschema, map, record, url};

/// A header other than those that the plugin writes itself.
const OWN_HEADER: Field = HEADER_NAME.match_none(&[
    ("^[Hh][Oo][Ss][Tt]$", "cannot contain 'Host' header"),
    ("^[Cc][Oo][Nn][Tt][Ee][Nn][Tt]%-[Ll][Ee][nn][Gg][Tt][Hh]$", "cannot contain 'Content-Length' header"),
    ("^[Cc][Oo][Nn][Tt][Ee][Nn][Tt]%-[Tt][Yy][Pp][Ee]$", "cannot contain 'Content-Type' header"),
]);

#[rustfmt::skip]
pub static HTTP_LOG: Subschema = Subschema::new("http-log").plugin(BUNDLED, 12).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("http_endpoint",        URL.required().referenceable().encrypted()),
        ("method",               STRING.one_of(&["POST", "PUT", "PATCH"]).default(Str("POST"))
            .doc("An optional method used to send data to the HTTP server. Supported values are `POST` (default), `PUT`, and `PATCH`.")),
        ("content_type",         STRING.one_of(&["application/json", "application/json; charset=utf-8"]).default(Str("application/json"))
            .doc("Indicates the type of data sent. The only available option is `application/json`.")),
        ("timeout",              NUMBER.default(Int(10_000))
            .doc("An optional timeout in milliseconds when sending data to the upstream server.")),
        ("keepalive",            NUMBER.default(Int(60_000))
            .doc("An optional value in milliseconds that defines how long an idle connection will live before being closed.")),
        ("retry_count",          superseded_by_queue!("http-log", retry_count)
            .doc("Number of times to retry when sending data to the upstream server.")),
        ("queue_size",           superseded_by_queue!("http-log", queue_size)
            .doc("Maximum number of log entries to be sent on each message to the upstream server.")),
        ("flush_timeout",        superseded_by_queue!("http-log", flush_timeout)
            .doc("Optional time in seconds. If `queue_size` > 1, this is the max idle time before sending a log with less than `queue_size` records.")),
        ("headers",              map(&OWN_HEADER, &STRING.referenceable())
            .doc("An optional table of headers included in the HTTP message to the upstream server. Values are indexed by header name, and each header name accepts a single string.")),
        ("queue",                QUEUE),
        ("custom_fields_by_lua", LUA_CODE),
    ])
    .required()
    .validator(&credentials_once)),
]);

/// Credentials stand in the URL or in a header, since the URL's become that header.
fn credentials_once(config: &Value) -> Result<(), String> {
    let endpoint = config.get("http_endpoint").and_then(Value::as_str).and_then(url::parse);
    let headers = config.get("headers").and_then(Value::as_object);
    let authorized =
        headers.is_some_and(|headers| headers.keys().any(|name| name.eq_ignore_ascii_case("authorization")));
    if authorized && endpoint.is_some_and(|endpoint| endpoint.userinfo.is_some()) {
        return Err(
            "specifying both an 'Authorization' header and user info in 'http_endpoint' is not allowed"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::credentials_once;

    #[test]
    fn credentials_stand_in_one_place() {
        let check = |endpoint, headers, fine| {
            let config = json!({"http_endpoint": endpoint, "headers": headers});
            assert_eq!(credentials_once(&config).is_ok(), fine, "{config}");
        };
        check("http://u:p@h", json!({"AuthoriZation": "x"}), false);
        check("http://u@h/x", json!({"authorization": "x"}), false);
        check("http://u:p@h", json!({"x-a": "x"}), true);
        check("http://u:p@h", json!(null), true);
        check("http://h/a@b", json!({"Authorization": "x"}), true);
        check("{vault://env/endpoint}", json!({"Authorization": "x"}), true);
    }
}
