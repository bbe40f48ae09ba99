//! statsd sends metrics of each request to a StatsD server.

use super::BUNDLED;
use super::metrics::{CONSUMER_IDENTIFIERS, SAMPLED};
use super::queue::{QUEUE, superseded_by_queue};
use crate::schema::types::{HOST, PORT, PROTOCOLS_ANY};
use crate::schema::{BOOLEAN, Field, Literal, Literal::*, NUMBER, STRING, Subschema, array, record};

const SERVICE_IDENTIFIERS: &[&str] = &["service_id", "service_name", "service_host", "service_name_or_host"];
const WORKSPACE_IDENTIFIERS: &[&str] = &["workspace_id", "workspace_name"];

#[rustfmt::skip]
const METRIC: Field = record(&[
    ("name",                 STRING.required().one_of(&["kong_latency", "latency", "request_count", "request_per_user", "request_size", "response_size", "status_count", "status_count_per_user", "unique_users", "upstream_latency", "status_count_per_workspace", "status_count_per_user_per_route", "shdict_usage"])
        .doc("StatsD metric’s name.")),
    ("stat_type",            STRING.required().one_of(&["counter", "gauge", "histogram", "meter", "set", "timer"])
        .doc("Determines what sort of event a metric represents.")),
    ("sample_rate",          NUMBER.gt(0)
        .doc("Sampling rate")),
    ("consumer_identifier",  STRING.one_of(CONSUMER_IDENTIFIERS)
        .doc("Authenticated user detail.")),
    ("service_identifier",   STRING.one_of(SERVICE_IDENTIFIERS)
        .doc("Service detail.")),
    ("workspace_identifier", STRING.one_of(WORKSPACE_IDENTIFIERS)
        .doc("Workspace detail.")),
])
.checks(SAMPLED);

/// The metrics that are sent where none are chosen.
#[rustfmt::skip]
const METRICS: Literal = List(&[
    Map(&[("name", Str("request_count")),                   ("stat_type", Str("counter")), ("sample_rate", Int(1))]),
    Map(&[("name", Str("latency")),                         ("stat_type", Str("timer"))]),
    Map(&[("name", Str("request_size")),                    ("stat_type", Str("counter")), ("sample_rate", Int(1))]),
    Map(&[("name", Str("status_count")),                    ("stat_type", Str("counter")), ("sample_rate", Int(1))]),
    Map(&[("name", Str("response_size")),                   ("stat_type", Str("counter")), ("sample_rate", Int(1))]),
    Map(&[("name", Str("unique_users")),                    ("stat_type", Str("set"))]),
    Map(&[("name", Str("request_per_user")),                ("stat_type", Str("counter")), ("sample_rate", Int(1))]),
    Map(&[("name", Str("upstream_latency")),                ("stat_type", Str("timer"))]),
    Map(&[("name", Str("kong_latency")),                    ("stat_type", Str("timer"))]),
    Map(&[("name", Str("status_count_per_user")),           ("stat_type", Str("counter")), ("sample_rate", Int(1))]),
    Map(&[("name", Str("status_count_per_workspace")),      ("stat_type", Str("counter")), ("sample_rate", Int(1))]),
    Map(&[("name", Str("status_count_per_user_per_route")), ("stat_type", Str("counter")), ("sample_rate", Int(1))]),
    Map(&[("name", Str("shdict_usage")),                    ("stat_type", Str("gauge")),   ("sample_rate", Int(1))]),
]);

#[rustfmt::skip]
pub static STATSD: Subschema = Subschema::new("statsd").plugin(BUNDLED, 11).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("host",                         HOST.default(Str("localhost"))
            .doc("The IP address or hostname of StatsD server to send data to.")),
        ("port",                         PORT.default(Int(8125))
            .doc("The port of StatsD server to send data to.")),
        ("prefix",                       STRING.default(Str("kong"))
            .doc("String to prefix to each metric's name.")),
        ("metrics",                      array(&METRIC).default(METRICS)
            .doc("List of metrics to be logged.")),
        ("allow_status_codes",           array(&STRING.matches(r"^[0-9]+-[0-9]+$"))
            .doc("List of status code ranges that are allowed to be logged in metrics.")),
        ("udp_packet_size",              NUMBER.between(0, 65_507).default(Int(0))),
        ("use_tcp",                      BOOLEAN.default(Bool(false))),
        ("hostname_in_prefix",           BOOLEAN.default(Bool(false))),
        ("consumer_identifier_default",  STRING.required().one_of(CONSUMER_IDENTIFIERS).default(Str("custom_id"))),
        ("service_identifier_default",   STRING.required().one_of(SERVICE_IDENTIFIERS).default(Str("service_name_or_host"))),
        ("workspace_identifier_default", STRING.required().one_of(WORKSPACE_IDENTIFIERS).default(Str("workspace_id"))),
        ("retry_count",                  superseded_by_queue!("statsd", retry_count)),
        ("queue_size",                   superseded_by_queue!("statsd", queue_size)),
        ("flush_timeout",                superseded_by_queue!("statsd", flush_timeout)),
        ("tag_style",                    STRING.optional().one_of(&["dogstatsd", "influxdb", "librato", "signalfx"])),
        ("queue",                        QUEUE),
    ]).required()),
]);
