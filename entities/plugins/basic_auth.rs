//! basic-auth lets through who shows a name and a password that belong to a consumer.

pub(crate) mod basicauth_credentials;

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Literal::*, STRING, Subschema, record};

#[rustfmt::skip]
pub static BASIC_AUTH: Subschema = Subschema::new("basic-auth").plugin(BUNDLED, 1100).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("anonymous",        STRING
            .doc("An optional string (Consumer UUID or username) value to use as an “anonymous” consumer if authentication fails. If empty (default null), the request will fail with an authentication failure `4xx`. Please note that this value must refer to the Consumer `id` or `username` attribute, and **not** its `custom_id`.")),
        ("hide_credentials", BOOLEAN.required().default(Bool(false))
            .doc("An optional boolean value telling the plugin to show or hide the credential from the upstream service. If `true`, the plugin will strip the credential from the request (i.e. the `Authorization` header) before proxying it.")),
        ("realm",            STRING.required().default(Str("service"))
            .doc("When authentication fails the plugin sends `WWW-Authenticate` header with `realm` attribute value.")),
    ]).required()),
]);
