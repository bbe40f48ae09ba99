//! A consumer is whoever calls the proxied APIs: a person or a program. Credentials and plugins hang on it.

use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UUID};
use crate::schema::{Check, Entity, STRING};

#[rustfmt::skip]
pub static CONSUMERS: Entity = Entity::new("consumers")
    .doc("A person or a program that calls the proxied APIs, known by a name of the gateway's or by an id of its own.")
    .workspaceable()
    .endpoint_key("username")
    .lookups(&["custom_id"])
    .fields(&[
        ("id",         UUID),
        ("created_at", AUTO_TIMESTAMP_S),
        ("updated_at", AUTO_TIMESTAMP_S),
        ("username",   STRING.unique()
            .doc("The unique username of the Consumer. You must send at least one of username or custom_id with the request.")),
        ("custom_id",  STRING.unique()
            .doc("Stores the existing unique ID of the consumer. You must send at least one of username or custom_id with the request.")),
        ("tags",       TAGS),
    ])
    .checks(&[Check::AtLeastOneOf(&["custom_id", "username"])])
    .build();
