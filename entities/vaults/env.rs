//! The environment as a vault: a secret is the value of an environment variable.

use crate::schema::{STRING, Subschema, record};

#[rustfmt::skip]
pub static ENV: Subschema = Subschema::new("env").fields(&[
    ("config", record(&[
        ("prefix", STRING.matches("^[%a_-][%a%d_-]*$")
            .doc("The prefix for the environment variable that the value will be stored in.")),
    ]).required()),
]);
