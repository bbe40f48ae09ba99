//! A parameter is a value that the nodes of a cluster share, such as its id. It has no endpoint.

use crate::schema::types::AUTO_TIMESTAMP_S;
use crate::schema::{Entity, STRING};

#[rustfmt::skip]
pub static PARAMETERS: Entity = Entity::new("parameters")
    .doc("A value that the nodes of a cluster share.")
    .without_admin_api()
    .primary_key(&["key"])
    .cache_key(&["key"])
    .fields(&[
        ("created_at", AUTO_TIMESTAMP_S),
        ("key",        STRING.required().unique()
            .doc("They key value of a parameter.")),
        ("value",      STRING.required()
            .doc("The value attached to the key.")),
    ])
    .build();
