//! post-function runs Lua functions after the other plugins, in the phases of a request that they are written for.

use super::pre_function::{SOME_FUNCTION, function, functions, phases};
use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::PROTOCOLS_ANY;
use crate::schema::{Field, Literal::*, STRING, Subschema, array, record};

pub static POST_FUNCTION: Subschema = Subschema::new("post-function")
    .plugin(BUNDLED, -1000)
    .fields(&[("consumer", NO_CONSUMER), ("protocols", PROTOCOLS_ANY), ("config", FUNCTIONS)])
    .checks(SOME_FUNCTION);

const FUNCTIONS: Field = phases!(&|text| function(text, "post-function"));
