//! correlation-id gives each request an id, so that it can be followed from service to service.

use super::BUNDLED;
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Literal::*, STRING, Subschema, record};

#[rustfmt::skip]
pub static CORRELATION_ID: Subschema = Subschema::new("correlation-id").plugin(BUNDLED, 100_001).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("header_name",     STRING.default(Str("Kong-Request-ID"))
            .doc("The HTTP header name to use for the correlation ID.")),
        ("generator",       STRING.required().one_of(&["uuid", "uuid#counter", "tracker"]).default(Str("uuid#counter"))
            .doc("The generator to use for the correlation ID. Accepted values are `uuid`, `uuid#counter`, and `tracker`. See [Generators](#generators).")),
        ("echo_downstream", BOOLEAN.required().default(Bool(false))
            .doc("Whether to echo the header back to downstream (the client).")),
    ]).required()),
]);
