//! key-auth lets through who shows a key that belongs to a consumer.

use super::{BUNDLED, NO_CONSUMER};
use crate::consumers::CONSUMERS;
use crate::schema::types::{AUTO_TIMESTAMP_S, HEADER_NAME, PROTOCOLS_HTTP, TAGS, UUID};
use crate::schema::{BOOLEAN, Entity, Literal::*, OnDelete, STRING, Subschema, array, foreign, record};

#[rustfmt::skip]
pub static KEY_AUTH: Subschema = Subschema::new("key-auth").plugin(BUNDLED, 1250).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("key_names",        array(&HEADER_NAME).required().default(List(&[Str("apikey")]))
            .doc("Describes an array of parameter names where the plugin will look for a key. The key names may only contain [a-z], [A-Z], [0-9], [_] underscore, and [-] hyphen.")),
        ("hide_credentials", BOOLEAN.required().default(Bool(false))
            .doc("An optional boolean value telling the plugin to show or hide the credential from the upstream service. If `true`, the plugin strips the credential from the request.")),
        ("anonymous",        STRING
            .doc("An optional string (consumer UUID or username) value to use as an “anonymous” consumer if authentication fails. If empty (default null), the request will fail with an authentication failure `4xx`.")),
        ("key_in_header",    BOOLEAN.required().default(Bool(true))
            .doc("If enabled (default), the plugin reads the request header and tries to find the key in it.")),
        ("key_in_query",     BOOLEAN.required().default(Bool(true))
            .doc("If enabled (default), the plugin reads the query parameter in the request and tries to find the key in it.")),
        ("key_in_body",      BOOLEAN.required().default(Bool(false))
            .doc("If enabled, the plugin reads the request body. Supported MIME types: `application/www-form-urlencoded`, `application/json`, and `multipart/form-data`.")),
        ("run_on_preflight", BOOLEAN.required().default(Bool(true))
            .doc("A boolean value that indicates whether the plugin should run (and try to authenticate) on `OPTIONS` preflight requests. If set to `false`, then `OPTIONS` requests are always allowed.")),
        ("realm",            STRING.optional()
            .doc("When authentication fails the plugin sends `WWW-Authenticate` header with `realm` attribute value.")),
    ]).required()),
]);

#[rustfmt::skip]
pub static KEYAUTH_CREDENTIALS: Entity = Entity::new("keyauth_credentials")
    .doc("A key by which key-auth knows a consumer.")
    .workspaceable()
    .ttl()
    .endpoint_key("key")
    .cache_key(&["key"])
    .admin_api_name("key-auths")
    .admin_api_nested_name("key-auth")
    .fields(&[
        ("id",         UUID),
        ("created_at", AUTO_TIMESTAMP_S),
        ("consumer",   foreign(&CONSUMERS).required().on_delete(OnDelete::Cascade)),
        ("key",        STRING.optional().unique().auto()),
        ("tags",       TAGS),
    ])
    .build();
