//! acl lets consumers through by the groups that they belong to.

pub(crate) mod acls;

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Check, Literal::*, STRING, Subschema, array, record};

#[rustfmt::skip]
pub static ACL: Subschema = Subschema::new("acl").plugin(BUNDLED, 950).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("allow",                           array(&STRING)
            .doc("Arbitrary group names that are allowed to consume the service or route. One of `config.allow` or `config.deny` must be specified.")),
        ("deny",                            array(&STRING)
            .doc("Arbitrary group names that are not allowed to consume the service or route. One of `config.allow` or `config.deny` must be specified.")),
        ("hide_groups_header",              BOOLEAN.required().default(Bool(false))
            .doc("If enabled (`true`), prevents the `X-Consumer-Groups` header from being sent in the request to the upstream service.")),
        ("always_use_authenticated_groups", BOOLEAN.required().default(Bool(false))
            .doc("If enabled (`true`), the authenticated groups will always be used even when an authenticated consumer already exists. If the authenticated groups don't exist, it will fallback to use the groups associated with the consumer. By default the authenticated groups will only be used when there is no consumer or the consumer is anonymous.")),
    ]).required()),
])
.checks(&[
    Check::OnlyOneOf(&["config.allow", "config.deny"]),
    Check::AtLeastOneOf(&["config.allow", "config.deny"]),
]);
