//! The health checks of an upstream: probes that the gateway sends (active), and what it learns from the
//! traffic that it proxies (passive). A threshold or an interval of 0 switches its check off. Only the settings
//! stand here; nothing probes.

use crate::schema::types::{HEADERS, PATH, SNI};
use crate::schema::{BOOLEAN, Field, INTEGER, Literal, Literal::*, NUMBER, STRING, array, record};

const SECONDS: Field = NUMBER.between(0, 65_535);
const INTERVAL: Field = SECONDS.default(Int(0));
const COUNT: Field = INTEGER.between(0, 255).default(Int(0));
const STATUSES: Field = array(&INTEGER.between(100, 999));
const PROBE: Field = STRING.one_of(&["tcp", "http", "https", "grpc", "grpcs"]).default(Str("http"));

/// The field `healthchecks`; its records stand in the order in which Kong shows them.
#[rustfmt::skip]
pub const HEALTHCHECKS: Field = record(&[
    ("passive",   record(&[
        ("healthy",   record(&[
            ("http_statuses", STATUSES.default(PASSIVE_HEALTHY_STATUSES)),
            ("successes",     COUNT),
        ]).required().default(PASSIVE_HEALTHY)),
        ("unhealthy", record(&[
            ("http_statuses", STATUSES.default(PASSIVE_UNHEALTHY_STATUSES)),
            ("http_failures", COUNT),
            ("tcp_failures",  COUNT),
            ("timeouts",      COUNT),
        ]).required().default(PASSIVE_UNHEALTHY)),
        ("type",      PROBE),
    ]).required().default(PASSIVE)),
    ("active",    record(&[
        ("headers",                  HEADERS.optional()),
        ("type",                     PROBE),
        ("healthy",                  record(&[
            ("http_statuses", STATUSES.default(ACTIVE_HEALTHY_STATUSES)),
            ("interval",      INTERVAL),
            ("successes",     COUNT),
        ]).required().default(ACTIVE_HEALTHY)),
        ("concurrency",              INTEGER.between(1, 2_147_483_648).default(Int(10))),
        ("https_sni",                SNI.optional()),
        ("https_verify_certificate", BOOLEAN.required().default(Bool(true))),
        ("timeout",                  SECONDS.default(Int(1))),
        ("unhealthy",                record(&[
            ("http_statuses", STATUSES.default(ACTIVE_UNHEALTHY_STATUSES)),
            ("interval",      INTERVAL),
            ("tcp_failures",  COUNT),
            ("timeouts",      COUNT),
            ("http_failures", COUNT),
        ]).required().default(ACTIVE_UNHEALTHY)),
        ("http_path",                PATH.default(Str("/"))),
    ]).required().default(ACTIVE)),
    ("threshold", NUMBER.between(0, 100).default(Int(0))),
])
.required()
.default(Map(&[("active", ACTIVE), ("passive", PASSIVE)]))
.doc("The array of healthchecks.");

const ACTIVE_HEALTHY_STATUSES: Literal = List(&[Int(200), Int(302)]);
const ACTIVE_UNHEALTHY_STATUSES: Literal =
    List(&[Int(429), Int(404), Int(500), Int(501), Int(502), Int(503), Int(504), Int(505)]);
const PASSIVE_UNHEALTHY_STATUSES: Literal = List(&[Int(429), Int(500), Int(503)]);

#[rustfmt::skip]
const PASSIVE_HEALTHY_STATUSES: Literal = List(&[
    Int(200), Int(201), Int(202), Int(203), Int(204), Int(205), Int(206), Int(207), Int(208), Int(226),
    Int(300), Int(301), Int(302), Int(303), Int(304), Int(305), Int(306), Int(307), Int(308),
]);

// Each record has the defaults of its fields once more, since Kong shows them at every level.
const ACTIVE_HEALTHY: Literal =
    Map(&[("interval", Int(0)), ("http_statuses", ACTIVE_HEALTHY_STATUSES), ("successes", Int(0))]);
const ACTIVE_UNHEALTHY: Literal = Map(&[
    ("interval", Int(0)),
    ("http_statuses", ACTIVE_UNHEALTHY_STATUSES),
    ("tcp_failures", Int(0)),
    ("timeouts", Int(0)),
    ("http_failures", Int(0)),
]);
const ACTIVE: Literal = Map(&[
    ("type", Str("http")),
    ("timeout", Int(1)),
    ("concurrency", Int(10)),
    ("http_path", Str("/")),
    ("https_verify_certificate", Bool(true)),
    ("healthy", ACTIVE_HEALTHY),
    ("unhealthy", ACTIVE_UNHEALTHY),
]);
const PASSIVE_HEALTHY: Literal = Map(&[("http_statuses", PASSIVE_HEALTHY_STATUSES), ("successes", Int(0))]);
const PASSIVE_UNHEALTHY: Literal = Map(&[
    ("http_statuses", PASSIVE_UNHEALTHY_STATUSES),
    ("tcp_failures", Int(0)),
    ("timeouts", Int(0)),
    ("http_failures", Int(0)),
]);
const PASSIVE: Literal =
    Map(&[("type", Str("http")), ("healthy", PASSIVE_HEALTHY), ("unhealthy", PASSIVE_UNHEALTHY)]);
