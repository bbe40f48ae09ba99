//! zipkin sends the traces of requests to a Zipkin server.

use std::collections::HashSet;

use serde_json::Value;

use super::BUNDLED;
use super::propagation::PROPAGATION;
use super::queue::QUEUE;
use crate::schema::types::{PROTOCOLS_ANY, TIMEOUT, URL};
use crate::schema::{BOOLEAN, Field, INTEGER, Literal::*, NUMBER, STRING, Subschema, array, record};
use crate::superseded;

/// A tag of every span; those that the plugin writes itself cannot be set.
const STATIC_TAG: Field = record(&[
    (
        "name",
        STRING.required().not_one_of(&[
            "error",
            "http.method",
            "http.path",
            "http.status_code",
            "kong.balancer.state",
            "kong.balancer.try",
            "kong.consumer",
            "kong.credential",
            "kong.node.id",
            "kong.route",
            "kong.service",
            "lc",
            "peer.hostname",
        ]),
    ),
    ("value", STRING.required()),
]);

#[rustfmt::skip]
pub static ZIPKIN: Subschema = Subschema::new("zipkin").plugin(BUNDLED, 100_000).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("local_service_name",               STRING.required().default(Str("kong"))
            .doc("The name of the service as displayed in Zipkin.")),
        ("http_endpoint",                    URL),
        ("sample_ratio",                     NUMBER.between(0, 1).default(Float(0.001))
            .doc("How often to sample requests that do not contain trace IDs. Set to `0` to turn sampling off, or to `1` to sample **all** requests. ")),
        ("default_service_name",             STRING
            .doc("Set a default service name to override `unknown-service-name` in the Zipkin spans.")),
        ("include_credential",               BOOLEAN.required().default(Bool(true))
            .doc("Specify whether the credential of the currently authenticated consumer should be included in metadata sent to the Zipkin server.")),
        ("traceid_byte_count",               INTEGER.required().one_of_integers(&[8, 16]).default(Int(16))
            .doc("The length in bytes of each request's Trace ID.")),
        ("header_type",                      superseded!(STRING.required().one_of(&["preserve", "ignore", "b3", "b3-single", "w3c", "jaeger", "ot", "aws", "datadog", "gcp", "instana"]).default(Str("preserve")), "zipkin: config.header_type is deprecated, please use config.propagation options instead", Str("preserve"))
            .doc("All HTTP requests going through the plugin are tagged with a tracing HTTP request. This property codifies what kind of tracing header the plugin expects on incoming requests")),
        ("default_header_type",              superseded!(STRING.required().one_of(&["b3", "b3-single", "w3c", "jaeger", "ot", "aws", "datadog", "gcp", "instana"]).default(Str("b3")), "zipkin: config.default_header_type is deprecated, please use config.propagation.default_format instead", Str("b3"))
            .doc("Allows specifying the type of header to be added to requests with no pre-existing tracing headers and when `config.header_type` is set to `\"preserve\"`. When `header_type` is set to any other value, `default_header_type` is ignored.")),
        ("tags_header",                      STRING.required().default(Str("Zipkin-Tags"))
            .doc("The Zipkin plugin will add extra headers to the tags associated with any HTTP requests that come with a header named as configured by this property.")),
        ("static_tags",                      array(&STATIC_TAG).validator(&names_differ)
            .doc("The tags specified on this property will be added to the generated request traces.")),
        ("http_span_name",                   STRING.required().one_of(&["method", "method_path"]).default(Str("method"))
            .doc("Specify whether to include the HTTP path in the span name.")),
        ("connect_timeout",                  TIMEOUT.default(Int(2000))),
        ("send_timeout",                     TIMEOUT.default(Int(5000))),
        ("read_timeout",                     TIMEOUT.default(Int(5000))),
        ("http_response_header_for_traceid", STRING),
        ("phase_duration_flavor",            STRING.required().one_of(&["annotations", "tags"]).default(Str("annotations"))
            .doc("Specify whether to include the duration of each phase as an annotation or a tag.")),
        ("queue",                            QUEUE),
        ("propagation",                      PROPAGATION.default(Map(&[("default_format", Str("b3"))]))),
    ]).required()),
]);

/// Each tag has a name of its own.
fn names_differ(tags: &Value) -> Result<(), String> {
    let mut seen = HashSet::new();
    let names = tags.as_array().into_iter().flatten().filter_map(|tag| tag.get("name")?.as_str());
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(format!("repeated tags are not allowed: {name}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::names_differ;

    #[test]
    fn a_repeated_name_is_told() {
        assert_eq!(names_differ(&json!([{"name": "a"}, {"name": "A"}])), Ok(()));
        assert_eq!(
            names_differ(&json!([{"name": "a"}, {"name": "b"}, {"name": "b"}])),
            Err("repeated tags are not allowed: b".to_owned())
        );
    }
}
