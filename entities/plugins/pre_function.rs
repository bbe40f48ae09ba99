//! pre-function runs Lua functions before the other plugins, in the phases of a request that they are written for.

use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::PROTOCOLS_ANY;
use crate::schema::{Check, Field, Literal::*, STRING, Subschema, array, lua, record};

/// The functions of one phase.
macro_rules! functions {
    ($valid:expr) => {
        array(&STRING.optional().text_validator($valid)).required().default(List(&[]))
            .doc("Custom functions, which can be user-defined, are cached and executed sequentially during specific phases: `certificate`, `rewrite`, `access`, `header_filter`, `body_filter`, and `log`.")
    };
}

/// The configuration of a plugin whose functions are valid where `valid` says so.
macro_rules! phases {
    ($valid:expr) => {
        record(&[
            ("certificate", functions!($valid)),
            ("rewrite", functions!($valid)),
            ("access", functions!($valid)),
            ("header_filter", functions!($valid)),
            ("body_filter", functions!($valid)),
            ("log", functions!($valid)),
        ])
        .required()
    };
}

/// A plugin without a function in any phase has nothing to do.
pub(super) const SOME_FUNCTION: &[Check] = &[Check::AtLeastOneOf(&[
    "config.certificate",
    "config.rewrite",
    "config.access",
    "config.header_filter",
    "config.body_filter",
    "config.log",
])];

pub static PRE_FUNCTION: Subschema = Subschema::new("pre-function")
    .plugin(BUNDLED, 1_000_000)
    .fields(&[("consumer", NO_CONSUMER), ("protocols", PROTOCOLS_ANY), ("config", FUNCTIONS)])
    .checks(SOME_FUNCTION);

const FUNCTIONS: Field = phases!(&|text| function(text, "pre-function"));

/// A function is a chunk of Lua that can be compiled; it does not run here.
pub(super) fn function(text: &str, plugin: &str) -> Result<(), String> {
    lua::check(text).map_err(|fault| format!("error parsing {plugin}: {fault}"))
}

pub(super) use {functions, phases};
