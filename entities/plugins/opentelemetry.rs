//! opentelemetry sends the traces and logs of requests to a collector.
//!
//! Kong's own rule on `resource_attributes` (a value is a scalar and not empty) is not repeated here: the values are
//! strings, and so cannot break it.

use super::BUNDLED;
use super::propagation::PROPAGATION;
use super::queue::QUEUE;
use crate::schema::types::{HEADER_NAME, PROTOCOLS_HTTP, TIMEOUT, URL};
use crate::schema::{
    Check, Deprecation, INTEGER, Literal::*, NUMBER, STRING, Shorthand, Subschema, map, record, row_at,
    shorthand,
};
use crate::superseded;

/// There was one endpoint once, that of traces.
const ENDPOINT: Shorthand = shorthand(
    "endpoint",
    URL.referenceable().deprecated(&Deprecation {
        message: "OpenTelemetry: config.endpoint is deprecated, please use config.traces_endpoint instead",
        removal_in_version: "4.0",
        old_default: None,
        replaced_with: &[],
    }),
    &|value| Some(row_at(&["traces_endpoint"], value)),
)
.writes(&[&["traces_endpoint"]]);

#[rustfmt::skip]
pub static OPENTELEMETRY: Subschema = Subschema::new("opentelemetry").plugin(BUNDLED, 14).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("traces_endpoint",                  URL.referenceable()),
        ("logs_endpoint",                    URL.referenceable()),
        ("headers",                          map(&HEADER_NAME, &STRING.referenceable())
            .doc("The custom headers to be added in the HTTP request sent to the OTLP server. This setting is useful for adding the authentication headers (token) for the APM backend.")),
        ("resource_attributes",              map(&STRING.required(), &STRING.required())
            .doc("Attributes to add to the OpenTelemetry resource object, following the spec for Semantic Attributes. \nThe following attributes are automatically added:\n- `service.name`: The name of the service (default: `kong`).\n- `service.version`: The version of Kong Gateway.\n- `service.instance.id`: The node ID of Kong Gateway.\n\nYou can use this property to override default attribute values. For example, to override the default for `service.name`, you can specify `{ \"service.name\": \"my-service\" }`.")),
        ("queue",                            QUEUE.default(Map(&[("max_batch_size", Int(200))]))),
        ("batch_span_count",                 superseded!(INTEGER, "opentelemetry: config.batch_span_count is deprecated, please use config.queue.max_batch_size instead", Int(200))
            .doc("The number of spans to be sent in a single batch.")),
        ("batch_flush_delay",                superseded!(INTEGER, "opentelemetry: config.batch_flush_delay is deprecated, please use config.queue.max_coalescing_delay instead", Int(3))
            .doc("The delay, in seconds, between two consecutive batches.")),
        ("connect_timeout",                  TIMEOUT.default(Int(1000))),
        ("send_timeout",                     TIMEOUT.default(Int(5000))),
        ("read_timeout",                     TIMEOUT.default(Int(5000))),
        ("http_response_header_for_traceid", STRING
            .doc("Specifies a custom header for the `trace_id`. If set, the plugin sets the corresponding header in the response.")),
        ("header_type",                      superseded!(STRING.optional().one_of(&["preserve", "ignore", "b3", "b3-single", "w3c", "jaeger", "ot", "aws", "gcp", "datadog", "instana"]).default(Str("preserve")), "opentelemetry: config.header_type is deprecated, please use config.propagation options instead", Str("preserve"))
            .doc("All HTTP requests going through the plugin are tagged with a tracing HTTP request. This property codifies what kind of tracing header the plugin expects on incoming requests.")),
        ("sampling_rate",                    NUMBER.optional().between(0, 1)
            .doc("Tracing sampling rate for configuring the probability-based sampler. When set, this value supersedes the global `tracing_sampling_rate` setting from kong.conf.")),
        ("propagation",                      PROPAGATION.default(Map(&[("default_format", Str("w3c"))]))),
    ])
    .required()
    .checks(&[Check::AtLeastOneOf(&["traces_endpoint", "logs_endpoint"])])
    .shorthands(&[ENDPOINT])),
]);
