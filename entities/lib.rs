//! WHAT there is: every entity, declared once, in the language of [`schema`]. No IO, no async, no HTTP, no SQL.

pub mod schema;
pub mod typedefs;

mod admin_roles;
mod admin_tokens;
mod ca_certificates;
mod certificates;
mod clustering_data_planes;
mod consumers;
mod filter_chains;
mod key_sets;
mod keys;
mod parameters;
mod plugins;
mod routes;
mod services;
mod snis;
mod tags;
mod targets;
mod upstreams;
mod vaults;
mod workspaces;

use schema::Entity;

/// Every entity, in the order in which rows can be loaded: what is referred to comes first.
pub static ENTITIES: &[&Entity] = &[
    &workspaces::WORKSPACES,
    &consumers::CONSUMERS,
    &certificates::CERTIFICATES,
    &ca_certificates::CA_CERTIFICATES,
    &snis::SNIS,
    &services::SERVICES,
    &routes::ROUTES,
    &upstreams::UPSTREAMS,
    &targets::TARGETS,
    &plugins::PLUGIN_CONFIGURATIONS,
    &tags::TAGS,
    &clustering_data_planes::CLUSTERING_DATA_PLANES,
    &parameters::PARAMETERS,
    &vaults::VAULTS,
    &key_sets::KEY_SETS,
    &keys::KEYS,
    &filter_chains::FILTER_CHAINS,
    &admin_roles::ADMIN_ROLES,
    &admin_tokens::ADMIN_TOKENS,
    &plugins::acl::acls::ACLS,
    &plugins::acme::acme_storage::ACME_STORAGE,
    &plugins::basic_auth::basicauth_credentials::BASICAUTH_CREDENTIALS,
    &plugins::hmac_auth::hmacauth_credentials::HMACAUTH_CREDENTIALS,
    &plugins::jwt::jwt_secrets::JWT_SECRETS,
    &plugins::key_auth::KEYAUTH_CREDENTIALS,
    &plugins::oauth2::oauth2_credentials::OAUTH2_CREDENTIALS,
    &plugins::oauth2::oauth2_authorization_codes::OAUTH2_AUTHORIZATION_CODES,
    &plugins::oauth2::oauth2_tokens::OAUTH2_TOKENS,
    &plugins::rate_limiting::RATELIMITING_METRICS,
    &plugins::session::SESSIONS,
    &plugins::session::SESSION_METADATAS,
];
