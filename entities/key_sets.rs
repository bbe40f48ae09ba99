//! A key set is a group of keys; a `kid` is unique within it.

use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UUID};
use crate::schema::{Entity, STRING};

#[rustfmt::skip]
pub static KEY_SETS: Entity = Entity::new("key_sets")
    .doc("A group of keys.")
    .workspaceable()
    .admin_api_name("key-sets")
    .endpoint_key("name")
    .fields(&[
        ("id",         UUID),
        ("name",       STRING.optional().unique()
            .doc("The name to associate with the given Key Set.")),
        ("tags",       TAGS),
        ("created_at", AUTO_TIMESTAMP_S),
        ("updated_at", AUTO_TIMESTAMP_S),
    ])
    .build();
