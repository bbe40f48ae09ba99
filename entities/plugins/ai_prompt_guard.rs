//! ai-prompt-guard lets requests to a language model through by patterns that their messages match.

use super::BUNDLED;
use super::ai_models::{LLM_FORMAT, MAX_REQUEST_BODY_SIZE};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Check, Conditional, Field, Literal::*, SAME, STRING, Subschema, array, record};

const PATTERNS: Field = array(&STRING.len_min(1).len_max(500)).optional().len_max(10);

#[rustfmt::skip]
pub static AI_PROMPT_GUARD: Subschema = Subschema::new("ai-prompt-guard").plugin(BUNDLED, 771).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("allow_patterns",                 PATTERNS
            .doc("Array of valid regex patterns, or valid questions from the 'user' role in chat.")),
        ("deny_patterns",                  PATTERNS
            .doc("Array of invalid regex patterns, or invalid questions from the 'user' role in chat.")),
        ("allow_all_conversation_history", BOOLEAN.required().default(Bool(false))
            .doc("If true, will ignore all previous chat prompts from the conversation history.")),
        ("max_request_body_size",          MAX_REQUEST_BODY_SIZE),
        ("match_all_roles",                BOOLEAN.required().default(Bool(false))
            .doc("If true, will match all roles in addition to 'user' role in conversation history.")),
        ("llm_format",                     LLM_FORMAT),
    ]).required()),
])
.checks(&[
    Check::AtLeastOneOf(&["config.allow_patterns", "config.deny_patterns"]),
    Check::Conditional(&Conditional {
        if_field: "config.match_all_roles",
        if_match: SAME.eq(Bool(true)),
        then_field: "config.allow_all_conversation_history",
        then_match: SAME.eq(Bool(false)),
        then_err: None,
    }),
]);
