//! request-size-limiting refuses requests whose body is too large.

use super::BUNDLED;
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, INTEGER, Literal::*, STRING, Subschema, record};

#[rustfmt::skip]
pub static REQUEST_SIZE_LIMITING: Subschema = Subschema::new("request-size-limiting").plugin(BUNDLED, 951).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("allowed_payload_size",   INTEGER.default(Int(128))
            .doc("Allowed request payload size in megabytes. Default is `128` megabytes (128000000 bytes).")),
        ("size_unit",              STRING.required().one_of(&["megabytes", "kilobytes", "bytes"]).default(Str("megabytes"))
            .doc("Size unit can be set either in `bytes`, `kilobytes`, or `megabytes` (default). This configuration is not available in versions prior to Kong Gateway 1.3 and Kong Gateway (OSS) 2.0.")),
        ("require_content_length", BOOLEAN.required().default(Bool(false))
            .doc("Set to `true` to ensure a valid `Content-Length` header exists before reading the request body.")),
    ]).required()),
]);
