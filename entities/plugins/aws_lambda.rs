//! aws-lambda answers requests with what a function at AWS Lambda makes of them.

use serde_json::Value;

use super::BUNDLED;
use crate::schema::types::{HOST, PORT, PROTOCOLS_HTTP, URL};
use crate::schema::{
    BOOLEAN, Check, Context, INTEGER, Literal::*, NUMBER, Row, STRING, Subschema, custom, record,
};

#[rustfmt::skip]
pub static AWS_LAMBDA: Subschema = Subschema::new("aws-lambda").plugin(BUNDLED, 750).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("timeout",                   NUMBER.required().default(Int(60_000))
            .doc("An optional timeout in milliseconds when invoking the function.")),
        ("keepalive",                 NUMBER.required().default(Int(60_000))
            .doc("An optional value in milliseconds that defines how long an idle connection lives before being closed.")),
        ("aws_key",                   STRING.encrypted().referenceable()
            .doc("The AWS key credential to be used when invoking the function.")),
        ("aws_secret",                STRING.encrypted().referenceable()
            .doc("The AWS secret credential to be used when invoking the function. ")),
        ("aws_assume_role_arn",       STRING.encrypted().referenceable()
            .doc("The target AWS IAM role ARN used to invoke the Lambda function.")),
        ("aws_role_session_name",     STRING.default(Str("kong"))
            .doc("The identifier of the assumed role session.")),
        ("aws_sts_endpoint_url",      URL),
        ("aws_region",                HOST),
        ("function_name",             STRING.optional()
            .doc("The AWS Lambda function to invoke. Both function name and function ARN (including partial) are supported.")),
        ("qualifier",                 STRING
            .doc("The qualifier to use when invoking the function.")),
        ("invocation_type",           STRING.required().one_of(&["RequestResponse", "Event", "DryRun"]).default(Str("RequestResponse"))
            .doc("The InvocationType to use when invoking the function. Available types are RequestResponse, Event, DryRun.")),
        ("log_type",                  STRING.required().one_of(&["Tail", "None"]).default(Str("Tail"))
            .doc("The LogType to use when invoking the function. By default, None and Tail are supported.")),
        ("host",                      HOST),
        ("port",                      PORT.default(Int(443))),
        ("disable_https",             BOOLEAN.default(Bool(false))),
        ("unhandled_status",          INTEGER.between(100, 999)
            .doc("The response status code to use (instead of the default 200, 202, or 204) in the case of an Unhandled Function Error.")),
        ("forward_request_method",    BOOLEAN.default(Bool(false))
            .doc("An optional value that defines whether the original HTTP request method verb is sent in the request_method field of the JSON-encoded request.")),
        ("forward_request_uri",       BOOLEAN.default(Bool(false))
            .doc("An optional value that defines whether the original HTTP request URI is sent in the request_uri field of the JSON-encoded request.")),
        ("forward_request_headers",   BOOLEAN.default(Bool(false))
            .doc("An optional value that defines whether the original HTTP request headers are sent as a map in the request_headers field of the JSON-encoded request.")),
        ("forward_request_body",      BOOLEAN.default(Bool(false))
            .doc("An optional value that defines whether the request body is sent in the request_body field of the JSON-encoded request. If the body arguments can be parsed, they are sent in the separate request_body_args field of the request. ")),
        ("is_proxy_integration",      BOOLEAN.default(Bool(false))
            .doc("An optional value that defines whether the response format to receive from the Lambda to this format.")),
        ("awsgateway_compatible",     BOOLEAN.default(Bool(false))
            .doc("An optional value that defines whether the plugin should wrap requests into the Amazon API gateway.")),
        ("proxy_url",                 URL),
        ("skip_large_bodies",         BOOLEAN.default(Bool(true))
            .doc("An optional value that defines whether Kong should send large bodies that are buffered to disk")),
        ("base64_encode_body",        BOOLEAN.default(Bool(true))
            .doc("An optional value that Base64-encodes the request body.")),
        ("aws_imds_protocol_version", STRING.required().one_of(&["v1", "v2"]).default(Str("v1"))
            .doc("Identifier to select the IMDS protocol version to use: `v1` or `v2`.")),
        ("empty_arrays_mode",         STRING.required().one_of(&["legacy", "correct"]).default(Str("legacy"))
            .doc("An optional value that defines whether Kong should send empty arrays (returned by Lambda function) as `[]` arrays or `{}` objects in JSON responses. The value `legacy` means Kong will send empty arrays as `{}` objects in response")),
    ]).required()),
])
.checks(&[
    Check::MutuallyRequired(&["config.aws_key", "config.aws_secret"]),
    custom(&["config.proxy_url"], &proxy_speaks_http),
]);

/// A proxy is reached without TLS. What is no URL at all is the field's own violation.
fn proxy_speaks_http(fields: &Row, _context: &Context) -> Result<(), String> {
    let url = fields.get("config.proxy_url").and_then(Value::as_str);
    match url.and_then(|url| url.split_once(':')) {
        Some((scheme, rest)) if !scheme.is_empty() && scheme != "http" && rest.starts_with("//") => {
            Err("proxy_url scheme must be http".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::proxy_speaks_http;
    use crate::schema::{Context, Flavor};

    #[test]
    fn a_proxy_is_reached_without_tls() {
        let context = Context {
            now_us: 0,
            new_id: &|| Uuid::nil(),
            new_secret: &String::new,
            router_flavor: Flavor::TraditionalCompatible,
            without_database: false,
        };
        let check = |url: Value, is_right| {
            let fields = [("config.proxy_url".to_owned(), url.clone())].into_iter().collect();
            assert_eq!(proxy_speaks_http(&fields, &context).is_ok(), is_right, "{url}");
        };
        check(json!("http://proxy.test:3128"), true);
        check(json!("https:proxy.test"), true);
        check(json!("://ö"), true);
        check(json!(3), true);
        check(json!("https://proxy.test"), false);
        check(json!("socks5://proxy.test"), false);
    }
}
