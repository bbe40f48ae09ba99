//! session keeps a consumer signed in with a cookie.

use serde_json::Value;

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::{AUTO_TIMESTAMP_S, PROTOCOLS_ANY, UUID};
use crate::schema::{
    BOOLEAN, Entity, Field, INTEGER, Literal::*, NUMBER, OnDelete, Row, STRING, Subschema, foreign, record,
    set, shorthand,
};

const HEADERS: Field = set(&STRING.one_of(&[
    "id",
    "audience",
    "subject",
    "timeout",
    "idling-timeout",
    "rolling-timeout",
    "absolute-timeout",
]))
.doc("List of information to include, as headers, in the response to the downstream.");

#[rustfmt::skip]
pub static SESSION: Subschema = Subschema::new("session").plugin(BUNDLED, 1900).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("secret",                    STRING.optional().default_secret().referenceable().encrypted()
            .doc("The secret that is used in keyed HMAC generation.")),
        ("storage",                   STRING.one_of(&["cookie", "kong"]).default(Str("cookie"))
            .doc("Determines where the session data is stored. `kong`: Stores encrypted session data into Kong's current database strategy; the cookie will not contain any session data. `cookie`: Stores encrypted session data within the cookie itself.")),
        ("audience",                  STRING.default(Str("default"))
            .doc("The session audience, which is the intended target application. For example `\"my-application\"`.")),
        ("idling_timeout",            NUMBER.default(Int(900))
            .doc("The session cookie idle time, in seconds.")),
        ("rolling_timeout",           NUMBER.default(Int(3600))
            .doc("The session cookie rolling timeout, in seconds. Specifies how long the session can be used until it needs to be renewed.")),
        ("absolute_timeout",          NUMBER.default(Int(86_400))
            .doc("The session cookie absolute timeout, in seconds. Specifies how long the session can be used until it is no longer valid.")),
        ("stale_ttl",                 NUMBER.default(Int(10))
            .doc("The duration, in seconds, after which an old cookie is discarded, starting from the moment when the session becomes outdated and is replaced by a new one.")),
        ("cookie_name",               STRING.default(Str("session"))
            .doc("The name of the cookie.")),
        ("cookie_path",               STRING.default(Str("/"))
            .doc("The resource in the host where the cookie is available.")),
        ("cookie_domain",             STRING
            .doc("The domain with which the cookie is intended to be exchanged.")),
        ("cookie_same_site",          STRING.one_of(&["Strict", "Lax", "None", "Default"]).default(Str("Strict"))
            .doc("Determines whether and how a cookie may be sent with cross-site requests.")),
        ("cookie_http_only",          BOOLEAN.default(Bool(true))
            .doc("Applies the `HttpOnly` tag so that the cookie is sent only to a server.")),
        ("cookie_secure",             BOOLEAN.default(Bool(true))
            .doc("Applies the Secure directive so that the cookie may be sent to the server only with an encrypted request over the HTTPS protocol.")),
        ("remember",                  BOOLEAN.default(Bool(false))
            .doc("Enables or disables persistent sessions.")),
        ("remember_cookie_name",      STRING.default(Str("remember"))
            .doc("Persistent session cookie name. Use with the `remember` configuration parameter.")),
        ("remember_rolling_timeout",  NUMBER.default(Int(604_800))
            .doc("The persistent session rolling timeout window, in seconds.")),
        ("remember_absolute_timeout", NUMBER.default(Int(2_592_000))
            .doc("The persistent session absolute timeout limit, in seconds.")),
        ("response_headers",          HEADERS),
        ("request_headers",           HEADERS),
        ("read_body_for_logout",      BOOLEAN.default(Bool(false))),
        ("logout_methods",            set(&STRING.one_of(&["GET", "POST", "DELETE"])).default(List(&[Str("POST"), Str("DELETE")]))
            .doc("A set of HTTP methods that the plugin will respond to.")),
        ("logout_query_arg",          STRING.default(Str("session_logout"))
            .doc("The query argument passed to logout requests.")),
        ("logout_post_arg",           STRING.default(Str("session_logout"))
            .doc("The POST argument passed to logout requests. Do not change this property.")),
        ("hash_subject",              BOOLEAN.default(Bool(false))
            .doc("Whether to hash or not the subject when store_metadata is enabled.")),
        ("store_metadata",            BOOLEAN.default(Bool(false))
            .doc("Whether to also store metadata of sessions, such as collecting data of sessions for a specific audience belonging to a specific subject.")),
    ])
    .required()
    .shorthands(&[
        shorthand("cookie_lifetime",   NUMBER,  &|value| written("rolling_timeout", value)),
        shorthand("cookie_idletime",   NUMBER,  &idle_time),
        shorthand("cookie_renew",      NUMBER,  &|_| None),
        shorthand("cookie_discard",    NUMBER,  &|value| written("stale_ttl", value)),
        shorthand("cookie_samesite",   STRING,  &same_site),
        shorthand("cookie_httponly",   BOOLEAN, &|value| written("cookie_http_only", value)),
        shorthand("cookie_persistent", BOOLEAN, &|value| written("remember", value)),
    ])),
]);

#[rustfmt::skip]
pub static SESSIONS: Entity = Entity::new("sessions")
    .doc("What a session holds, where cookies do not hold it themselves.")
    .ttl()
    .endpoint_key("session_id")
    .cache_key(&["session_id"])
    .without_db_export()
    .fields(&[
        ("id",         UUID),
        ("session_id", STRING.required().unique()),
        ("expires",    INTEGER),
        ("data",       STRING),
        ("created_at", AUTO_TIMESTAMP_S),
    ])
    .build();

#[rustfmt::skip]
pub static SESSION_METADATAS: Entity = Entity::new("session_metadatas")
    .doc("Whose session it is, and for which audience.")
    .without_admin_api()
    .without_db_export()
    .fields(&[
        ("id",         UUID),
        ("session",    foreign(&SESSIONS).required().on_delete(OnDelete::Cascade)),
        ("sid",        STRING),
        ("audience",   STRING),
        ("subject",    STRING),
        ("created_at", AUTO_TIMESTAMP_S),
    ])
    .build();

/// The row that gives one field that value.
fn written(name: &str, value: &Value) -> Option<Row> {
    Some(Row::from_iter([(name.to_owned(), value.clone())]))
}

/// Without a time, a session does not idle out.
fn idle_time(value: &Value) -> Option<Row> {
    if value.is_null() {
        written("idling_timeout", &Value::from(0))
    } else {
        written("idling_timeout", value)
    }
}

/// What was once called `off` is `Lax`.
fn same_site(value: &Value) -> Option<Row> {
    if value == "off" {
        written("cookie_same_site", &Value::from("Lax"))
    } else {
        written("cookie_same_site", value)
    }
}
