//! standard-webhooks lets through only webhooks that are signed as the Standard Webhooks specification has it.

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{INTEGER, Literal::*, STRING, Subschema, record};

#[rustfmt::skip]
pub static STANDARD_WEBHOOKS: Subschema = Subschema::new("standard-webhooks").plugin(BUNDLED, 760).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("secret_v1",        STRING.required().referenceable().encrypted()
            .doc("Webhook secret")),
        ("tolerance_second", INTEGER.required().gt(-1).default(Int(300))
            .doc("Tolerance of the webhook timestamp in seconds. If the webhook timestamp is older than this number of seconds, it will be rejected with a '400' response.")),
    ]).required()),
]);
