//! A workspace is the space in which names are unique and from which no row of another is seen. One is always there;
//! there are endpoints for others where the node's profile wants them.

use uuid::uuid;

use crate::schema::types::{AUTO_TIMESTAMP_S, UTF8_NAME, UUID};
use crate::schema::{DefaultWorkspace, Entity, STRING, record};

/// The id is the one that Kong gives the default workspace of a node without a database.
const DEFAULT: DefaultWorkspace =
    DefaultWorkspace { id: uuid!("0dc6f45b-8f8d-40d2-a504-473544ee190b"), name: "default" };

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
    .default_workspace(DEFAULT)
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
