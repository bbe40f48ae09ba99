//! An ACL puts a consumer in a group. Below its consumer it is known by the group, too.

use crate::consumers::CONSUMERS;
use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UUID};
use crate::schema::{Entity, OnDelete, STRING, foreign};

#[rustfmt::skip]
pub static ACLS: Entity = Entity::new("acls")
    .doc("A group that a consumer belongs to.")
    .workspaceable()
    .cache_key(&["consumer", "group"])
    .key_below("group")
    .fields(&[
        ("id",         UUID),
        ("created_at", AUTO_TIMESTAMP_S),
        ("consumer",   foreign(&CONSUMERS).required().on_delete(OnDelete::Cascade)),
        ("group",      STRING.required()),
        ("tags",       TAGS),
    ])
    .build();
