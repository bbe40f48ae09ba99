//! A vault is a place where secrets are kept; its prefix stands in references such as `{vault://my-vault/password}`.
//!
//! Each kind of vault is declared in a file of its own below this one. Nothing here looks a secret up.

pub(crate) mod env;

use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UUID};
use crate::schema::{Entity, STRING, Subschema, record};

/// The kinds of vaults, by name. A new kind is one file, its `mod` line and a line here.
#[rustfmt::skip]
pub static KINDS: &[(&str, &Subschema)] = &[
    ("env", &env::ENV),
];

/// The prefixes under which the kinds can be used without a configuration, and which no vault may take.
const DEFAULT_PREFIXES: &[&str] = &["env"];

#[rustfmt::skip]
pub static VAULTS: Entity = Entity::new("vaults")
    .doc("A place where secrets are kept, and how to ask it.")
    .workspaceable()
    .table_name("sm_vaults")
    .endpoint_key("prefix")
    .cache_key(&["prefix"])
    .subschema_key("name")
    .subschema_error("vault '%s' is not installed")
    .subschemas(KINDS)
    .fields(&[
        ("id",          UUID),
        ("prefix",      STRING.required().unique().unique_across_ws()
            .matches("^[a-z][a-z%d-]-[a-z%d]+$").not_one_of(DEFAULT_PREFIXES)
            .doc("The unique prefix (or identifier) for this Vault configuration.")),
        ("name",        STRING.required()
            .doc("The name of the Vault that's going to be added.")),
        ("description", STRING
            .doc("The description of the Vault entity.")),
        ("config",      record(&[]).is_abstract()
            .doc("The configuration properties for the Vault which can be found on the vaults' documentation page.")),
        ("created_at",  AUTO_TIMESTAMP_S),
        ("updated_at",  AUTO_TIMESTAMP_S),
        ("tags",        TAGS),
    ])
    .build();
