//! hmac-auth lets through who signs a request with a secret that belongs to a consumer.

pub(crate) mod hmacauth_credentials;

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Literal::*, NUMBER, STRING, Subschema, array, record};

const ALGORITHMS: &[&str] = &["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"];

#[rustfmt::skip]
pub static HMAC_AUTH: Subschema = Subschema::new("hmac-auth").plugin(BUNDLED, 1030).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("hide_credentials",      BOOLEAN.required().default(Bool(false))
            .doc("An optional boolean value telling the plugin to show or hide the credential from the upstream service.")),
        ("clock_skew",            NUMBER.gt(0).default(Int(300))
            .doc("Clock skew in seconds to prevent replay attacks.")),
        ("anonymous",             STRING
            .doc("An optional string (Consumer UUID or username) value to use as an “anonymous” consumer if authentication fails.")),
        ("validate_request_body", BOOLEAN.required().default(Bool(false))
            .doc("A boolean value telling the plugin to enable body validation.")),
        ("enforce_headers",       array(&STRING).default(List(&[]))
            .doc("A list of headers that the client should at least use for HTTP signature creation.")),
        ("algorithms",            array(&STRING.one_of(ALGORITHMS)).default(List(&[Str("hmac-sha1"), Str("hmac-sha256"), Str("hmac-sha384"), Str("hmac-sha512")]))
            .doc("A list of HMAC digest algorithms that the user wants to support. Allowed values are `hmac-sha1`, `hmac-sha256`, `hmac-sha384`, and `hmac-sha512`")),
        ("realm",                 STRING.optional()
            .doc("When authentication fails the plugin sends `WWW-Authenticate` header with `realm` attribute value.")),
    ]).required()),
]);
