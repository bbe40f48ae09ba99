//! A tag is a word on a row of another entity. No table holds tags: they are read from the rows that carry them.

use crate::schema::types::{TAG, UUID};
use crate::schema::{Entity, STRING};

#[rustfmt::skip]
pub static TAGS: Entity = Entity::new("tags")
    .doc("A word on a row of another entity.")
    .primary_key(&["tag"])
    .endpoint_key("tag")
    .without_db_export()
    .not_stored()
    .fields(&[
        ("tag",         TAG),
        ("entity_name", STRING.required()
            .doc("The name of the Kong Gateway entity being tagged.")),
        ("entity_id",   UUID.required()),
    ])
    .build();
