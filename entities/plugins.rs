//! A plugin is a configured piece of work around the requests of a route, a service, a consumer, or of all of them.
//!
//! Each kind of plugin is declared in a file of its own below this one, together with the entities it brings. Nothing
//! here runs a plugin.

pub(crate) mod cors;
pub(crate) mod key_auth;
pub(crate) mod rate_limiting;
pub(crate) mod redis;
pub(crate) mod request_size_limiting;
pub(crate) mod request_termination;
pub(crate) mod session;

use crate::consumers::CONSUMERS;
use crate::none_of;
use crate::routes::ROUTES;
use crate::schema::types::{AUTO_TIMESTAMP_S, PROTOCOLS_ANY, TAGS, UTF8_NAME, UUID};
use crate::schema::{BOOLEAN, Entity, Field, Literal::*, OnDelete, STRING, Subschema, foreign, record};
use crate::services::SERVICES;

/// The bundled plugins, by name. A new plugin is one file, its `mod` line and a line here.
#[rustfmt::skip]
pub static PLUGINS: &[(&str, &Subschema)] = &[
    ("cors",                  &cors::CORS),
    ("key-auth",              &key_auth::KEY_AUTH),
    ("rate-limiting",         &rate_limiting::RATE_LIMITING),
    ("request-size-limiting", &request_size_limiting::REQUEST_SIZE_LIMITING),
    ("request-termination",   &request_termination::REQUEST_TERMINATION),
    ("session",               &session::SESSION),
];

/// The version of the bundled plugins: they are released with the product whose API this is.
const BUNDLED: &str = "3.10.0";

/// For plugins that find out who the consumer is, and so cannot depend on it.
const NO_CONSUMER: Field =
    none_of!(foreign(&CONSUMERS), "Custom type for representing a foreign key with a null value allowed.");

#[rustfmt::skip]
pub static PLUGIN_CONFIGURATIONS: Entity = Entity::new("plugins")
    .doc("A configured piece of work around the requests of a route, a service, a consumer, or of all of them.")
    .workspaceable()
    .endpoint_key("instance_name")
    .cache_key(&["name", "route", "service", "consumer"])
    .subschema_key("name")
    .keeps_subschema()
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
