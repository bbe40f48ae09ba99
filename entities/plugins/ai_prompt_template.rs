//! ai-prompt-template fills requests to a language model into templates that it keeps.

use super::BUNDLED;
use super::ai_models::MAX_REQUEST_BODY_SIZE;
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Field, Literal::*, STRING, Subschema, array, record};

#[rustfmt::skip]
const TEMPLATE: Field = record(&[
    ("name",     STRING.required()
        .doc("Unique name for the template, can be called with `{template://NAME}`")),
    ("template", STRING.required()
        .doc("Template string for this request, supports mustache-style `{{placeholders}}`")),
])
.required();

#[rustfmt::skip]
pub static AI_PROMPT_TEMPLATE: Subschema = Subschema::new("ai-prompt-template").plugin(BUNDLED, 773).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("templates",                  array(&TEMPLATE).required()
            .doc("Array of templates available to the request context.")),
        ("allow_untemplated_requests", BOOLEAN.required().default(Bool(true))
            .doc("Set true to allow requests that don't call or match any template.")),
        ("log_original_request",       BOOLEAN.required().default(Bool(false))
            .doc("Set true to add the original request to the Kong log plugin(s) output.")),
        ("max_request_body_size",      MAX_REQUEST_BODY_SIZE),
    ]).required()),
]);
