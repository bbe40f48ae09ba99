//! datadog sends metrics of each request to a Datadog agent.

use super::BUNDLED;
use super::metrics::{CONSUMER_IDENTIFIERS, SAMPLED};
use super::queue::{QUEUE, superseded_by_queue};
use crate::schema::types::{HOST, PORT, PROTOCOLS_ANY};
use crate::schema::{Field, Literal, Literal::*, NUMBER, STRING, Subschema, array, record};

#[rustfmt::skip]
const METRIC: Field = record(&[
    ("name",                STRING.required().one_of(&["kong_latency", "latency", "request_count", "request_size", "response_size", "upstream_latency"])
        .doc("Datadog metric’s name")),
    ("stat_type",           STRING.required().one_of(&["counter", "gauge", "histogram", "meter", "set", "timer", "distribution"])
        .doc("Determines what sort of event the metric represents")),
    ("tags",                array(&STRING.matches("^.*[^:]$"))
        .doc("List of tags")),
    ("sample_rate",         NUMBER.between(0, 1)
        .doc("Sampling rate")),
    ("consumer_identifier", STRING.one_of(CONSUMER_IDENTIFIERS)
        .doc("Authenticated user detail")),
])
.checks(SAMPLED);

const TAGS: Literal = List(&[Str("app:kong")]);

/// The metrics that are sent where none are chosen.
#[rustfmt::skip]
const METRICS: Literal = List(&[
    Map(&[("name", Str("request_count")),    ("stat_type", Str("counter")), ("tags", TAGS), ("consumer_identifier", Str("custom_id")), ("sample_rate", Int(1))]),
    Map(&[("name", Str("latency")),          ("stat_type", Str("timer")),   ("tags", TAGS), ("consumer_identifier", Str("custom_id"))]),
    Map(&[("name", Str("request_size")),     ("stat_type", Str("timer")),   ("tags", TAGS), ("consumer_identifier", Str("custom_id"))]),
    Map(&[("name", Str("response_size")),    ("stat_type", Str("timer")),   ("tags", TAGS), ("consumer_identifier", Str("custom_id"))]),
    Map(&[("name", Str("upstream_latency")), ("stat_type", Str("timer")),   ("tags", TAGS), ("consumer_identifier", Str("custom_id"))]),
    Map(&[("name", Str("kong_latency")),     ("stat_type", Str("timer")),   ("tags", TAGS), ("consumer_identifier", Str("custom_id"))]),
]);

#[rustfmt::skip]
pub static DATADOG: Subschema = Subschema::new("datadog").plugin(BUNDLED, 10).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("host",             HOST.referenceable().default(Str("localhost"))),
        ("port",             PORT.default(Int(8125))),
        ("prefix",           STRING.default(Str("kong"))
            .doc("String to be attached as a prefix to a metric's name.")),
        ("service_name_tag", STRING.default(Str("name"))
            .doc("String to be attached as the name of the service.")),
        ("status_tag",       STRING.default(Str("status"))
            .doc("String to be attached as the tag of the HTTP status.")),
        ("consumer_tag",     STRING.default(Str("consumer"))
            .doc("String to be attached as tag of the consumer.")),
        ("retry_count",      superseded_by_queue!("datadog", retry_count)
            .doc("Number of times to retry when sending data to the upstream server.")),
        ("queue_size",       superseded_by_queue!("datadog", queue_size)
            .doc("Maximum number of log entries to be sent on each message to the upstream server.")),
        ("flush_timeout",    superseded_by_queue!("datadog", flush_timeout)
            .doc("Optional time in seconds. If `queue_size` > 1, this is the max idle time before sending a log with less than `queue_size` records.")),
        ("queue",            QUEUE),
        ("metrics",          array(&METRIC).required().default(METRICS)
            .doc("List of metrics to be logged.")),
    ]).required()),
]);
