//! ip-restriction lets through or refuses requests by the address they come from.

use super::BUNDLED;
use crate::schema::types::{IP_OR_CIDR, PROTOCOLS_ANY};
use crate::schema::{Check, Literal::*, NUMBER, STRING, Subschema, array, record};

#[rustfmt::skip]
pub static IP_RESTRICTION: Subschema = Subschema::new("ip-restriction").plugin(BUNDLED, 990).fields(&[
    ("protocols", PROTOCOLS_ANY.default(List(&[Str("http"), Str("https"), Str("tcp"), Str("tls"), Str("grpc"), Str("grpcs")]))),
    ("config",    record(&[
        ("allow",   array(&IP_OR_CIDR)
            .doc("List of IPs or CIDR ranges to allow. One of `config.allow` or `config.deny` must be specified.")),
        ("deny",    array(&IP_OR_CIDR)
            .doc("List of IPs or CIDR ranges to deny. One of `config.allow` or `config.deny` must be specified.")),
        ("status",  NUMBER.optional()
            .doc("The HTTP status of the requests that will be rejected by the plugin.")),
        ("message", STRING.optional()
            .doc("The message to send as a response body to rejected requests.")),
    ]).required()),
])
.checks(&[Check::AtLeastOneOf(&["config.allow", "config.deny"])]);
