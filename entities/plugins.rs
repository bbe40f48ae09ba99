//! A plugin is a configured piece of work around the requests of a route, a service, a consumer, or of all of them.
//!
//! Each kind of plugin is declared in a file of its own below this one, together with the entities it brings. Nothing
//! here runs a plugin.

pub(crate) mod acl;
pub(crate) mod acme;
pub(crate) mod ai_models;
pub(crate) mod ai_prompt_decorator;
pub(crate) mod ai_prompt_guard;
pub(crate) mod ai_prompt_template;
pub(crate) mod ai_proxy;
pub(crate) mod ai_request_transformer;
pub(crate) mod ai_response_transformer;
pub(crate) mod aws_lambda;
pub(crate) mod azure_functions;
pub(crate) mod basic_auth;
pub(crate) mod bot_detection;
pub(crate) mod correlation_id;
pub(crate) mod cors;
pub(crate) mod datadog;
pub(crate) mod file_log;
pub(crate) mod grpc_gateway;
pub(crate) mod grpc_web;
pub(crate) mod hmac_auth;
pub(crate) mod http_log;
pub(crate) mod ip_restriction;
pub(crate) mod jwt;
pub(crate) mod key_auth;
pub(crate) mod ldap_auth;
pub(crate) mod loggly;
pub(crate) mod metrics;
pub(crate) mod oauth2;
pub(crate) mod opentelemetry;
pub(crate) mod post_function;
pub(crate) mod pre_function;
pub(crate) mod prometheus;
pub(crate) mod propagation;
pub(crate) mod proxy_cache;
pub(crate) mod queue;
pub(crate) mod rate_limiting;
pub(crate) mod redirect;
pub(crate) mod redis;
pub(crate) mod request_size_limiting;
pub(crate) mod request_termination;
pub(crate) mod request_transformer;
pub(crate) mod response_ratelimiting;
pub(crate) mod response_transformer;
pub(crate) mod session;
pub(crate) mod severity;
pub(crate) mod standard_webhooks;
pub(crate) mod statsd;
pub(crate) mod syslog;
pub(crate) mod tcp_log;
pub(crate) mod udp_log;
pub(crate) mod zipkin;

use crate::consumers::CONSUMERS;
use crate::none_of;
use crate::routes::ROUTES;
use crate::schema::types::{AUTO_TIMESTAMP_S, PROTOCOLS_ANY, TAGS, UTF8_NAME, UUID};
use crate::schema::{
    Agreement, BOOLEAN, Entity, Field, Literal::*, OnDelete, STRING, Subschema, foreign, record,
};
use crate::services::SERVICES;

/// The bundled plugins, by name. A new plugin is one file, its `mod` line and a line here.
#[rustfmt::skip]
pub static PLUGINS: &[(&str, &Subschema)] = &[
    ("acl",                     &acl::ACL),
    ("acme",                    &acme::ACME),
    ("ai-prompt-decorator",     &ai_prompt_decorator::AI_PROMPT_DECORATOR),
    ("ai-prompt-guard",         &ai_prompt_guard::AI_PROMPT_GUARD),
    ("ai-prompt-template",      &ai_prompt_template::AI_PROMPT_TEMPLATE),
    ("ai-proxy",                &ai_proxy::AI_PROXY),
    ("ai-request-transformer",  &ai_request_transformer::AI_REQUEST_TRANSFORMER),
    ("ai-response-transformer", &ai_response_transformer::AI_RESPONSE_TRANSFORMER),
    ("aws-lambda",              &aws_lambda::AWS_LAMBDA),
    ("azure-functions",         &azure_functions::AZURE_FUNCTIONS),
    ("basic-auth",              &basic_auth::BASIC_AUTH),
    ("bot-detection",           &bot_detection::BOT_DETECTION),
    ("correlation-id",          &correlation_id::CORRELATION_ID),
    ("cors",                    &cors::CORS),
    ("datadog",                 &datadog::DATADOG),
    ("file-log",                &file_log::FILE_LOG),
    ("grpc-gateway",            &grpc_gateway::GRPC_GATEWAY),
    ("grpc-web",                &grpc_web::GRPC_WEB),
    ("hmac-auth",               &hmac_auth::HMAC_AUTH),
    ("http-log",                &http_log::HTTP_LOG),
    ("ip-restriction",          &ip_restriction::IP_RESTRICTION),
    ("jwt",                     &jwt::JWT),
    ("key-auth",                &key_auth::KEY_AUTH),
    ("ldap-auth",               &ldap_auth::LDAP_AUTH),
    ("loggly",                  &loggly::LOGGLY),
    ("oauth2",                  &oauth2::OAUTH2),
    ("opentelemetry",           &opentelemetry::OPENTELEMETRY),
    ("post-function",           &post_function::POST_FUNCTION),
    ("pre-function",            &pre_function::PRE_FUNCTION),
    ("prometheus",              &prometheus::PROMETHEUS),
    ("proxy-cache",             &proxy_cache::PROXY_CACHE),
    ("rate-limiting",           &rate_limiting::RATE_LIMITING),
    ("redirect",                &redirect::REDIRECT),
    ("request-size-limiting",   &request_size_limiting::REQUEST_SIZE_LIMITING),
    ("request-termination",     &request_termination::REQUEST_TERMINATION),
    ("request-transformer",     &request_transformer::REQUEST_TRANSFORMER),
    ("response-ratelimiting",   &response_ratelimiting::RESPONSE_RATELIMITING),
    ("response-transformer",    &response_transformer::RESPONSE_TRANSFORMER),
    ("session",                 &session::SESSION),
    ("standard-webhooks",       &standard_webhooks::STANDARD_WEBHOOKS),
    ("statsd",                  &statsd::STATSD),
    ("syslog",                  &syslog::SYSLOG),
    ("tcp-log",                 &tcp_log::TCP_LOG),
    ("udp-log",                 &udp_log::UDP_LOG),
    ("zipkin",                  &zipkin::ZIPKIN),
];

/// The version of the bundled plugins: they are released with the product whose API this is.
const BUNDLED: &str = "3.10.0";

/// The dictionaries that the proxy shares between its workers, as its template of nginx declares them.
const SHARED_DICTIONARIES: &[&str] = &[
    "kong",
    "kong_locks",
    "kong_healthchecks",
    "kong_cluster_events",
    "kong_rate_limiting_counters",
    "kong_core_db_cache",
    "kong_core_db_cache_miss",
    "kong_db_cache",
    "kong_db_cache_miss",
    "kong_secrets",
    "prometheus_metrics",
];

/// For plugins that find out who the consumer is, and so cannot depend on it.
pub const NO_CONSUMER: Field =
    none_of!(foreign(&CONSUMERS), "Custom type for representing a foreign key with a null value allowed.");

/// For plugins that work around all requests, whatever the service.
pub const NO_SERVICE: Field =
    none_of!(foreign(&SERVICES), "A reference to the 'services' table with a null value allowed.");

/// For plugins that work around all requests, whatever the route.
pub const NO_ROUTE: Field =
    none_of!(foreign(&ROUTES), "A reference to the 'routes' table with a null value allowed.");

#[rustfmt::skip]
pub static PLUGIN_CONFIGURATIONS: Entity = Entity::new("plugins")
    .doc("A configured piece of work around the requests of a route, a service, a consumer, or of all of them.")
    .workspaceable()
    .endpoint_key("instance_name")
    .cache_key(&["name", "route", "service", "consumer"])
    .subschema_key("name")
    .keeps_subschema()
    .agreement(Agreement {
        field: "protocols",
        with: &[
            ("route", None, "must match the associated route's protocols"),
            ("service", Some(("routes", "service")), "must match the protocols of at least one route pointing to this Plugin's service"),
        ],
    })
    .subschema_error("plugin '%s' not enabled; add it to the 'plugins' configuration property")
    .subschemas(PLUGINS)
    .fields(&[
        ("id",            UUID),
        ("name",          STRING.required()
            .doc("The name of the Plugin that's going to be added.")),
        ("instance_name", UTF8_NAME),
        ("created_at",    AUTO_TIMESTAMP_S),
        ("updated_at",    AUTO_TIMESTAMP_S),
        ("route",         foreign(&ROUTES).default(Null).on_delete(OnDelete::Cascade)
            .doc("If set, the plugin will only activate when receiving requests via the specified route.")),
        ("service",       foreign(&SERVICES).default(Null).on_delete(OnDelete::Cascade)
            .doc("If set, the plugin will only activate when receiving requests via one of the routes belonging to the specified service. ")),
        ("consumer",      foreign(&CONSUMERS).default(Null).on_delete(OnDelete::Cascade)
            .doc("If set, the plugin will activate only for requests where the specified has been authenticated.")),
        ("config",        record(&[]).is_abstract()
            .doc("The configuration properties for the Plugin.")),
        ("protocols",     PROTOCOLS_ANY),
        ("enabled",       BOOLEAN.required().default(Bool(true))
            .doc("Whether the plugin is applied.")),
        ("tags",          TAGS),
    ])
    .build();
