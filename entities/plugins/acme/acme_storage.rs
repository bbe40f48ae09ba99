//! What acme keeps while it gets and renews certificates, where nodes share a database.

use crate::schema::types::{AUTO_TIMESTAMP_S, UUID};
use crate::schema::{Entity, STRING};

#[rustfmt::skip]
pub static ACME_STORAGE: Entity = Entity::new("acme_storage")
    .doc("A value that acme keeps under a key.")
    .ttl()
    .cache_key(&["key"])
    .fields(&[
        ("id",         UUID),
        ("key",        STRING.required().unique().auto()),
        ("value",      STRING.required().auto()),
        ("created_at", AUTO_TIMESTAMP_S),
    ])
    .build();
