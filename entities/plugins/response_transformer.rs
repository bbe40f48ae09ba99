//! response-transformer adds, changes and removes headers and JSON members of answers on their way to the client.

use super::BUNDLED;
use super::request_transformer::renamed_header;
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{Field, Literal::*, STRING, Subschema, array, record};

const NAMES: Field = array(&STRING).required().default(List(&[]));
const PAIRS: Field = array(&STRING.matches("^[^:]+:.*$")).required().default(List(&[]));
const RENAMED_HEADERS: Field =
    array(&STRING.matches("^[^:]+:.*$").text_validator(&renamed_header)).required().default(List(&[]));

const TYPES: Field = array(&STRING.one_of(&["boolean", "number", "string"]))
    .required()
    .default(List(&[]))
    .doc("List of JSON type names. Specify the types of the JSON values returned when appending\nJSON properties. Each string element can be one of: boolean, number, or string.");

const VALUES: Field = record(&[("json", PAIRS), ("json_types", TYPES), ("headers", PAIRS)]).required();

#[rustfmt::skip]
pub static RESPONSE_TRANSFORMER: Subschema = Subschema::new("response-transformer").plugin(BUNDLED, 800).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("remove",  record(&[("json", NAMES), ("headers", NAMES)]).required()),
        ("rename",  record(&[("json", PAIRS), ("headers", RENAMED_HEADERS)]).required()),
        ("replace", VALUES),
        ("add",     VALUES),
        ("append",  VALUES),
    ]).required()),
]);
