//! grpc-web lets browsers call a gRPC service.

use super::BUNDLED;
use crate::schema::types::PROTOCOLS_ANY;
use crate::schema::{BOOLEAN, Literal::*, STRING, Subschema, record};

#[rustfmt::skip]
pub static GRPC_WEB: Subschema = Subschema::new("grpc-web").plugin(BUNDLED, 3).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("proto",               STRING.optional()
            .doc("If present, describes the gRPC types and methods. Required to support payload transcoding. When absent, the web client must use application/grpw-web+proto content.")),
        ("pass_stripped_path",  BOOLEAN.optional()
            .doc("If set to `true` causes the plugin to pass the stripped request path to the upstream gRPC service.")),
        ("allow_origin_header", STRING.optional().default(Str("*"))
            .doc("The value of the `Access-Control-Allow-Origin` header in the response to the gRPC-Web client.")),
    ]).required()),
]);
