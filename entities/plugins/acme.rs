//! acme gets certificates from an authority that speaks the ACME protocol, and renews them.
//!
//! The record `storage_config` has a part for each kind of storage, whether it is the one in use or not.

pub(crate) mod acme_storage;

use super::redis::{REDIS_WITH_ONE_MORE, redis_with};
use super::{BUNDLED, NO_CONSUMER, NO_ROUTE, NO_SERVICE, SHARED_DICTIONARIES};
use crate::schema::types::{HOST, HOSTS, PORT, PROTOCOLS_HTTP, URL};
use crate::schema::{
    BOOLEAN, Check, Conditional, Context, Field, INTEGER, Literal::*, NUMBER, Named, Row, SAME, STRING,
    Shorthand, Subschema, custom, record,
};
use crate::{moved, required_if};

/// How the keys begin that the plugin keeps beside a user's own; a namespace must not look like one of them.
const RESERVED: &[&str] = &["kong_acme:renew_config:", "kong_acme:renew_last_run", "kong_acme:cert_key:"];

#[rustfmt::skip]
const REDIS_STORAGE: &[Named; REDIS_WITH_ONE_MORE] = &redis_with(("extra_options", record(&[
    ("namespace",  STRING.required().len_min(0).default(Str("")).text_validator(&namespace).counterexamples(RESERVED)
        .doc("A namespace to prepend to all keys stored in Redis.")),
    ("scan_count", NUMBER.optional().default(Int(10))
        .doc("The number of keys to return in Redis SCAN calls.")),
])
.required()
.doc("Custom ACME Redis options")));

#[rustfmt::skip]
const OLD_REDIS_FIELDS: &[Shorthand] = &[
    moved!("auth",            STRING.len_min(0), &["password"],
        "acme: config.storage_config.redis.auth is deprecated, please use config.storage_config.redis.password instead"),
    moved!("ssl_server_name", STRING,            &["server_name"],
        "acme: config.storage_config.redis.ssl_server_name is deprecated, please use config.storage_config.redis.server_name instead"),
    moved!("namespace",       STRING.len_min(0), &["extra_options", "namespace"],
        "acme: config.storage_config.redis.namespace is deprecated, please use config.storage_config.redis.extra_options.namespace instead"),
    moved!("scan_count",      INTEGER,           &["extra_options", "scan_count"],
        "acme: config.storage_config.redis.scan_count is deprecated, please use config.storage_config.redis.extra_options.scan_count instead"),
];

#[rustfmt::skip]
const STORAGE_CONFIG: Field = record(&[
    ("shm",    record(&[
        ("shm_name", STRING.default(Str("kong")).text_validator(&zone)
            .doc("Name of shared memory zone used for Kong API gateway storage")),
    ]).required()),
    ("kong",   record(&[]).required()),
    ("redis",  record(REDIS_STORAGE).required().shorthands(OLD_REDIS_FIELDS)),
    ("consul", record(&[
        ("https",   BOOLEAN.default(Bool(false)).doc("Boolean representation of https.")),
        ("host",    HOST),
        ("port",    PORT),
        ("kv_path", STRING.doc("KV prefix path.")),
        ("timeout", NUMBER.doc("Timeout in milliseconds.")),
        ("token",   STRING.referenceable().doc("Consul ACL token.")),
    ]).required()),
    ("vault",  record(&[
        ("https",           BOOLEAN.default(Bool(false)).doc("Boolean representation of https.")),
        ("host",            HOST),
        ("port",            PORT),
        ("kv_path",         STRING.doc("KV prefix path.")),
        ("timeout",         NUMBER.doc("Timeout in milliseconds.")),
        ("token",           STRING.referenceable().doc("Consul ACL token.")),
        ("tls_verify",      BOOLEAN.default(Bool(true)).doc("Turn on TLS verification.")),
        ("tls_server_name", STRING.doc("SNI used in request, default to host if omitted.")),
        ("auth_method",     STRING.one_of(&["token", "kubernetes"]).default(Str("token"))
            .doc("Auth Method, default to token, can be 'token' or 'kubernetes'.")),
        ("auth_path",       STRING.doc("Vault's authentication path to use.")),
        ("auth_role",       STRING.doc("The role to try and assign.")),
        ("jwt_path",        STRING.doc("The path to the JWT.")),
    ]).required()),
])
.required();

#[rustfmt::skip]
pub static ACME: Subschema = Subschema::new("acme").plugin(BUNDLED, 1705).fields(&[
    ("consumer",  NO_CONSUMER),
    ("service",   NO_SERVICE),
    ("route",     NO_ROUTE),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("account_email",           STRING.required().matches("%w*%p*@+%w*%.?%w*").encrypted().referenceable()
            .doc("The account identifier. Can be reused in a different plugin instance.")),
        ("account_key",             record(&[
            ("key_id",  STRING.required().doc("The Key ID.")),
            ("key_set", STRING.doc("The ID of the key set to associate the Key ID with.")),
        ]).optional()
            .doc("The private key associated with the account.")),
        ("api_uri",                 URL.default(Str("https://acme-v02.api.letsencrypt.org/directory"))),
        ("tos_accepted",            BOOLEAN.default(Bool(false))
            .doc("If you are using Let's Encrypt, you must set this to `true` to agree the terms of service.")),
        ("eab_kid",                 STRING.encrypted().referenceable()
            .doc("External account binding (EAB) key id. You usually don't need to set this unless it is explicitly required by the CA.")),
        ("eab_hmac_key",            STRING.encrypted().referenceable()
            .doc("External account binding (EAB) base64-encoded URL string of the HMAC key. You usually don't need to set this unless it is explicitly required by the CA.")),
        ("cert_type",               STRING.one_of(&["rsa", "ecc"]).default(Str("rsa"))
            .doc("The certificate type to create. The possible values are `rsa` for RSA certificate or `ecc` for EC certificate.")),
        ("rsa_key_size",            NUMBER.one_of_integers(&[2048, 3072, 4096]).default(Int(4096))
            .doc("RSA private key size for the certificate. The possible values are 2048, 3072, or 4096.")),
        ("renew_threshold_days",    NUMBER.default(Int(14))
            .doc("Days remaining to renew the certificate before it expires.")),
        ("domains",                 HOSTS),
        ("allow_any_domain",        BOOLEAN.default(Bool(false))
            .doc("If set to `true`, the plugin allows all domains and ignores any values in the `domains` list.")),
        ("fail_backoff_minutes",    NUMBER.default(Int(5))
            .doc("Minutes to wait for each domain that fails to create a certificate. This applies to both a\nnew certificate and a renewal certificate.")),
        ("storage",                 STRING.one_of(&["kong", "shm", "redis", "consul", "vault"]).default(Str("shm"))
            .doc("The backend storage type to use. In DB-less mode and Konnect, `kong` storage is unavailable. In hybrid mode and Konnect, `shm` storage is unavailable. `shm` storage does not persist during Kong restarts and does not work for Kong running on different machines, so consider using one of `kong`, `redis`, `consul`, or `vault` in production.")),
        ("storage_config",          STORAGE_CONFIG),
        ("preferred_chain",         STRING
            .doc("A string value that specifies the preferred certificate chain to use when generating certificates.")),
        ("enable_ipv4_common_name", BOOLEAN.default(Bool(true))
            .doc("A boolean value that controls whether to include the IPv4 address in the common name field of generated certificates.")),
    ]).required()),
])
.checks(&[
    Check::Conditional(&Conditional {
        if_field: "config.api_uri",
        if_match: SAME.one_of(&["https://acme-v02.api.letsencrypt.org", "https://acme-staging-v02.api.letsencrypt.org"]),
        then_field: "config.tos_accepted",
        then_match: SAME.eq(Bool(true)),
        then_err: Some("terms of service must be accepted, see https://letsencrypt.org/repository/"),
    }),
    required_if!("config.storage_config.redis.host", "config.storage", "redis"),
    required_if!("config.storage_config.redis.port", "config.storage", "redis"),
    custom(&["config.storage"], &storage_is_there),
]);

fn namespace(text: &str) -> Result<(), String> {
    match RESERVED.iter().find(|word| text.starts_with(**word)) {
        Some(word) => Err(format!("namespace can't be prefixed with reserved word: {word}")),
        None => Ok(()),
    }
}

fn zone(text: &str) -> Result<(), String> {
    if SHARED_DICTIONARIES.contains(&text) { Ok(()) } else { Err(format!("failed validating: {text}")) }
}

/// A node without a database has no tables to store certificates in.
fn storage_is_there(fields: &Row, context: &Context) -> Result<(), String> {
    if context.without_database && fields.get("config.storage").is_some_and(|storage| storage == "kong") {
        return Err("\"kong\" storage can't be used with dbless mode".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::{namespace, storage_is_there, zone};
    use crate::schema::{Context, Flavor};

    #[test]
    fn a_namespace_does_not_begin_as_a_key_of_the_plugin() {
        assert_eq!(namespace(""), Ok(()));
        assert_eq!(namespace("kong_acme:renew"), Ok(()));
        assert_eq!(
            namespace("kong_acme:renew_last_run:ö"),
            Err("namespace can't be prefixed with reserved word: kong_acme:renew_last_run".to_owned())
        );
    }

    #[test]
    fn a_zone_is_one_that_the_proxy_has() {
        assert_eq!(zone("kong"), Ok(()));
        assert_eq!(zone("key:val"), Err("failed validating: key:val".to_owned()));
    }

    #[test]
    fn without_a_database_certificates_are_not_stored_in_it() {
        let check = |storage: &str, without_database, expected: Result<(), &str>| {
            let context = Context {
                now_us: 0,
                new_id: &|| Uuid::nil(),
                new_secret: &String::new,
                router_flavor: Flavor::TraditionalCompatible,
                without_database,
            };
            let fields = [("config.storage".to_owned(), json!(storage))].into_iter().collect();
            assert_eq!(storage_is_there(&fields, &context), expected.map_err(str::to_owned), "{storage}");
        };
        check("kong", false, Ok(()));
        check("shm", true, Ok(()));
        check("kong", true, Err("\"kong\" storage can't be used with dbless mode"));
    }
}
