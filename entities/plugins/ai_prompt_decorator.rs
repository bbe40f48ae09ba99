//! ai-prompt-decorator puts messages before and behind those of a chat with a language model.

use super::BUNDLED;
use super::ai_models::{LLM_FORMAT, MAX_REQUEST_BODY_SIZE};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{Check, Field, Literal::*, STRING, Subschema, array, record};

#[rustfmt::skip]
const PROMPT: Field = record(&[
    ("role",    STRING.required().one_of(&["system", "assistant", "user"]).default(Str("system"))),
    ("content", STRING.required().len_min(1).len_max(500)),
])
.optional();

#[rustfmt::skip]
pub static AI_PROMPT_DECORATOR: Subschema = Subschema::new("ai-prompt-decorator").plugin(BUNDLED, 772).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("prompts",               record(&[
            ("prepend", array(&PROMPT).optional().len_max(15)
                .doc("Insert chat messages at the beginning of the chat message array. This array preserves exact order when adding messages.")),
            ("append",  array(&PROMPT).optional().len_max(15)
                .doc("Insert chat messages at the end of the chat message array. This array preserves exact order when adding messages.")),
        ]).optional()),
        ("max_request_body_size", MAX_REQUEST_BODY_SIZE),
        ("llm_format",            LLM_FORMAT),
    ]).required()),
])
.checks(&[Check::AtLeastOneOf(&["config.prompts.prepend", "config.prompts.append"])]);
