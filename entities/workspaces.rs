//! A workspace is the space in which names are unique. There is one, the default one, and no endpoint for it.

use crate::schema::types::{AUTO_TIMESTAMP_S, UTF8_NAME, UUID};
use crate::schema::{Entity, STRING, record};

/// Names that would be taken for a collection in a path.
const COLLECTIONS: &[&str] = &[
    "workspaces",
    "consumers",
    "certificates",
    "services",
    "routes",
    "snis",
    "upstreams",
    "targets",
    "plugins",
    "tags",
    "ca_certificates",
    "clustering_data_planes",
    "parameters",
    "vaults",
    "key_sets",
    "keys",
    "filter_chains",
];

#[rustfmt::skip]
pub static WORKSPACES: Entity = Entity::new("workspaces")
    .doc("The space in which names are unique.")
    .without_admin_api()
    .endpoint_key("name")
    .cache_key(&["name"])
    .fields(&[
        ("id",         UUID),
        ("name",       UTF8_NAME.required().len_min(1).not_one_of(COLLECTIONS)),
        ("comment",    STRING),
        ("created_at", AUTO_TIMESTAMP_S),
        ("updated_at", AUTO_TIMESTAMP_S),
        ("meta",       record(&[]).required()),
        ("config",     record(&[]).required()),
    ])
    .build();
