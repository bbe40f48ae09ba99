//! ldap-auth lets through who has a name and a password in an LDAP directory.

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::{HOST, PORT, PROTOCOLS_HTTP};
use crate::schema::{BOOLEAN, Check, Conditional, Literal::*, NUMBER, SAME, STRING, Subschema, record};

#[rustfmt::skip]
pub static LDAP_AUTH: Subschema = Subschema::new("ldap-auth").plugin(BUNDLED, 1200).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("ldap_host",        HOST.required()),
        ("ldap_port",        PORT.required().default(Int(389))),
        ("ldaps",            BOOLEAN.required().default(Bool(false))
            .doc("Set to `true` to connect using the LDAPS protocol (LDAP over TLS).  When `ldaps` is configured, you must use port 636. If the `ldap` setting is enabled, ensure the `start_tls` setting is disabled.")),
        ("start_tls",        BOOLEAN.required().default(Bool(false))
            .doc("Set it to `true` to issue StartTLS (Transport Layer Security) extended operation over `ldap` connection. If the `start_tls` setting is enabled, ensure the `ldaps` setting is disabled.")),
        ("verify_ldap_host", BOOLEAN.required().default(Bool(false))
            .doc("Set to `true` to authenticate LDAP server. The server certificate will be verified according to the CA certificates specified by the `lua_ssl_trusted_certificate` directive.")),
        ("base_dn",          STRING.required()
            .doc("Base DN as the starting point for the search; e.g., dc=example,dc=com")),
        ("attribute",        STRING.required()
            .doc("Attribute to be used to search the user; e.g. cn")),
        ("cache_ttl",        NUMBER.required().default(Int(60))
            .doc("Cache expiry time in seconds.")),
        ("hide_credentials", BOOLEAN.required().default(Bool(false))
            .doc("An optional boolean value telling the plugin to hide the credential to the upstream server. It will be removed by Kong before proxying the request.")),
        ("timeout",          NUMBER.default(Int(10_000))
            .doc("An optional timeout in milliseconds when waiting for connection with LDAP server.")),
        ("keepalive",        NUMBER.default(Int(60_000))
            .doc("An optional value in milliseconds that defines how long an idle connection to LDAP server will live before being closed.")),
        ("anonymous",        STRING
            .doc("An optional string (consumer UUID or username) value to use as an “anonymous” consumer if authentication fails. If empty (default null), the request fails with an authentication failure `4xx`.")),
        ("header_type",      STRING.default(Str("ldap"))
            .doc("An optional string to use as part of the Authorization header")),
        ("realm",            STRING.optional()
            .doc("When authentication fails the plugin sends `WWW-Authenticate` header with `realm` attribute value.")),
    ])
    .required()
    .checks(&[
        Check::Conditional(&Conditional {
            if_field:   "ldaps",
            if_match:   SAME.eq(Bool(true)),
            then_field: "start_tls",
            then_match: SAME.eq(Bool(false)),
            then_err:   Some("'ldaps' and 'start_tls' cannot be enabled simultaneously"),
        }),
    ])),
]);
