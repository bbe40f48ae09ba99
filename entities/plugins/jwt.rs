//! jwt lets through who shows a JSON Web Token that was signed with a key of a consumer.

pub(crate) mod jwt_secrets;

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Check, Conditional, Literal::*, NUMBER, SAME, STRING, Subschema, record, set};

#[rustfmt::skip]
pub static JWT: Subschema = Subschema::new("jwt").plugin(BUNDLED, 1450).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("uri_param_names",    set(&STRING).default(List(&[Str("jwt")]))
            .doc("A list of querystring parameters that Kong will inspect to retrieve JWTs.")),
        ("cookie_names",       set(&STRING).default(List(&[]))
            .doc("A list of cookie names that Kong will inspect to retrieve JWTs.")),
        ("key_claim_name",     STRING.default(Str("iss"))
            .doc("The name of the claim in which the key identifying the secret must be passed. The plugin will attempt to read this claim from the JWT payload and the header, in that order.")),
        ("secret_is_base64",   BOOLEAN.required().default(Bool(false))
            .doc("If true, the plugin assumes the credential’s secret to be base64 encoded. You will need to create a base64-encoded secret for your Consumer, and sign your JWT with the original secret.")),
        ("claims_to_verify",   set(&STRING.one_of(&["exp", "nbf"]))
            .doc("A list of registered claims (according to RFC 7519) that Kong can verify as well. Accepted values: one of exp or nbf.")),
        ("anonymous",          STRING
            .doc("An optional string (consumer UUID or username) value to use as an “anonymous” consumer if authentication fails.")),
        ("run_on_preflight",   BOOLEAN.required().default(Bool(true))
            .doc("A boolean value that indicates whether the plugin should run (and try to authenticate) on OPTIONS preflight requests. If set to false, then OPTIONS requests will always be allowed.")),
        ("maximum_expiration", NUMBER.between(0, 31_536_000).default(Int(0))
            .doc("A value between 0 and 31536000 (365 days) limiting the lifetime of the JWT to maximum_expiration seconds in the future.")),
        ("header_names",       set(&STRING).default(List(&[Str("authorization")]))
            .doc("A list of HTTP header names that Kong will inspect to retrieve JWTs.")),
        ("realm",              STRING.optional()
            .doc("When authentication fails the plugin sends `WWW-Authenticate` header with `realm` attribute value.")),
    ]).required()),
])
.checks(&[
    // A limit on what `exp` says is of use only where `exp` is looked at.
    Check::Conditional(&Conditional {
        if_field:   "config.maximum_expiration",
        if_match:   SAME.gt(0),
        then_field: "config.claims_to_verify",
        then_match: SAME.contains(Str("exp")),
        then_err:   None,
    }),
]);
