//! grpc-gateway lets clients of JSON over HTTP call a gRPC service.

use super::BUNDLED;
use crate::schema::types::PROTOCOLS_ANY;
use crate::schema::{STRING, Subschema, record};

#[rustfmt::skip]
pub static GRPC_GATEWAY: Subschema = Subschema::new("grpc-gateway").plugin(BUNDLED, 998).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("proto", STRING.optional()
            .doc("Describes the gRPC types and methods.")),
    ]).required()),
]);
