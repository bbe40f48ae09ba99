//! A clustering data plane is a node that gets its configuration from this one. Nodes write their own rows; clients
//! read them under another path, so no endpoint follows from the declaration.

use crate::schema::types::{AUTO_TIMESTAMP_S, CAPABILITY, HOST, IP, SEMANTIC_VERSION, UUID};
use crate::schema::{Entity, Literal::*, NUMBER, STRING, map, record, set};

const SYNC_STATUSES: &[&str] = &[
    "unknown",
    "normal",
    "kong_version_incompatible",
    "plugin_set_incompatible",
    "plugin_version_incompatible",
    "filter_set_incompatible",
];

#[rustfmt::skip]
pub static CLUSTERING_DATA_PLANES: Entity = Entity::new("clustering_data_planes")
    .doc("A node that gets its configuration from this one.")
    .without_admin_api()
    .admin_api_name("clustering/data-planes")
    .without_db_export()
    .ttl()
    .fields(&[
        ("id",               UUID.required()),
        ("last_seen",        AUTO_TIMESTAMP_S),
        ("updated_at",       AUTO_TIMESTAMP_S),
        ("ip",               IP.required()),
        ("config_hash",      STRING.len_eq(32)),
        ("hostname",         HOST.required()),
        ("version",          SEMANTIC_VERSION),
        ("sync_status",      STRING.required().one_of(SYNC_STATUSES).default(Str("unknown"))
            .doc("The status of the clustering data planes sync.")),
        ("labels",           map(&STRING, &STRING)
            .doc("Custom key value pairs as meta-data for DPs.")),
        ("cert_details",     record(&[
            ("expiry_timestamp", NUMBER.timestamp().optional()),
        ]).required()
            .doc("Certificate details of the DPs.")),
        ("rpc_capabilities", set(&CAPABILITY)
            .doc("An array of RPC capabilities this node supports.")),
    ])
    .build();
