//! request-termination answers a request itself, with a message or with a body of a given type.

use serde_json::Value;

use super::BUNDLED;
use crate::schema::types::{HEADER_NAME, PROTOCOLS_HTTP};
use crate::schema::{BOOLEAN, INTEGER, Literal::*, STRING, Subschema, record};

#[rustfmt::skip]
pub static REQUEST_TERMINATION: Subschema = Subschema::new("request-termination").plugin(BUNDLED, 2).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("status_code",  INTEGER.required().between(100, 599).default(Int(503))
            .doc("The response code to send. Must be an integer between 100 and 599.")),
        ("message",      STRING
            .doc("The message to send, if using the default response generator.")),
        ("content_type", STRING
            .doc("Content type of the raw response configured with `config.body`.")),
        ("body",         STRING
            .doc("The raw response body to send. This is mutually exclusive with the `config.message` field.")),
        ("echo",         BOOLEAN.required().default(Bool(false))
            .doc("When set, the plugin will echo a copy of the request back to the client. The main usecase for this is debugging. It can be combined with `trigger` in order to debug requests on live systems without disturbing real traffic.")),
        ("trigger",      HEADER_NAME),
    ])
    .required()
    .validator(&one_kind_of_answer)),
]);

/// The answer is a message, a body with an optional type, or an echo.
fn one_kind_of_answer(config: &Value) -> Result<(), String> {
    let given = |name: &str| config.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let (message, content_type, body) = (given("message"), given("content_type"), given("body"));
    let echo = config.get("echo").and_then(Value::as_bool).unwrap_or(false);
    let wrong = match () {
        () if message && (content_type || body) => "message cannot be used with content_type or body",
        () if content_type && !body => "content_type requires a body",
        () if echo && (content_type || body) => "echo cannot be used with content_type and body",
        () => return Ok(()),
    };
    Err(wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::one_kind_of_answer;

    #[test]
    fn message_body_and_echo_exclude_each_other() {
        let check = |config, expected: Result<(), &str>| {
            assert_eq!(one_kind_of_answer(&config), expected.map_err(str::to_owned), "{config}");
        };
        check(json!({"message": "m", "body": null, "echo": true}), Ok(()));
        check(json!({"content_type": "text/plain", "body": "b", "echo": false}), Ok(()));
        check(json!({"message": "m", "body": "b"}), Err("message cannot be used with content_type or body"));
        check(json!({"content_type": "text/plain"}), Err("content_type requires a body"));
        check(json!({"body": "b", "echo": true}), Err("echo cannot be used with content_type and body"));
    }
}
