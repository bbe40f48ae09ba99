//! bot-detection refuses requests of known bots, by what they call themselves.

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{Field, Literal::*, STRING, Subschema, array, record};

const EXPRESSIONS: Field = array(&STRING.is_regex()).default(List(&[]));

#[rustfmt::skip]
pub static BOT_DETECTION: Subschema = Subschema::new("bot-detection").plugin(BUNDLED, 2500).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("allow", EXPRESSIONS
            .doc("An array of regular expressions that should be allowed. The regular expressions will be checked against the `User-Agent` header.")),
        ("deny",  EXPRESSIONS
            .doc("An array of regular expressions that should be denied. The regular expressions will be checked against the `User-Agent` header.")),
    ]).required()),
]);
