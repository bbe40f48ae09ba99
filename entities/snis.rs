//! An SNI is a server name of TLS: it says which certificate is shown to a client that asks for that name.

use crate::certificates::CERTIFICATES;
use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UUID, WILDCARD_HOST};
use crate::schema::{Entity, foreign};

#[rustfmt::skip]
pub static SNIS: Entity = Entity::new("snis")
    .doc("A server name, perhaps with a wildcard, under which a certificate is shown to clients.")
    .workspaceable()
    .endpoint_key("name")
    .fields(&[
        ("id",          UUID),
        ("name",        WILDCARD_HOST.required().unique().unique_across_ws()),
        ("created_at",  AUTO_TIMESTAMP_S),
        ("updated_at",  AUTO_TIMESTAMP_S),
        ("tags",        TAGS),
        ("certificate", foreign(&CERTIFICATES).required().without_endpoint()
            .doc("The id (a UUID) of the certificate with which to associate the SNI hostname.")),
    ])
    .build();
