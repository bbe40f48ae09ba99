//! A name and a secret by which hmac-auth knows a consumer.

use crate::consumers::CONSUMERS;
use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UUID};
use crate::schema::{Entity, OnDelete, STRING, foreign};

#[rustfmt::skip]
pub static HMACAUTH_CREDENTIALS: Entity = Entity::new("hmacauth_credentials")
    .doc("A name by which hmac-auth knows a consumer, and the secret with which the consumer signs.")
    .workspaceable()
    .endpoint_key("username")
    .cache_key(&["username"])
    .admin_api_name("hmac-auths")
    .admin_api_nested_name("hmac-auth")
    .fields(&[
        ("id",         UUID),
        ("created_at", AUTO_TIMESTAMP_S),
        ("consumer",   foreign(&CONSUMERS).required().on_delete(OnDelete::Cascade)),
        ("username",   STRING.required().unique()),
        ("secret",     STRING.auto()),
        ("tags",       TAGS),
    ])
    .build();
