//! ai-proxy passes requests on to a language model, in the form that its provider understands.

use super::BUNDLED;
use super::ai_models::{AUTH, LLM_FORMAT, LOGGING, MAX_REQUEST_BODY_SIZE, MODEL, MODEL_CHECKS, ROUTE_TYPE};
use crate::schema::types::PROTOCOLS_HTTP;
use crate::schema::{BOOLEAN, Check, Conditional, Literal::*, SAME, STRING, Subschema, record};

#[rustfmt::skip]
pub static AI_PROXY: Subschema = Subschema::new("ai-proxy").plugin(BUNDLED, 770).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("route_type",            ROUTE_TYPE),
        ("auth",                  AUTH),
        ("model",                 MODEL),
        ("logging",               LOGGING),
        ("response_streaming",    STRING.optional().one_of(&["allow", "deny", "always"]).default(Str("allow"))
            .doc("Whether to 'optionally allow', 'deny', or 'always' (force) the streaming of answers via server sent events.")),
        ("max_request_body_size", MAX_REQUEST_BODY_SIZE),
        ("model_name_header",     BOOLEAN.default(Bool(true))
            .doc("Display the model name selected in the X-Kong-LLM-Model response header")),
        ("llm_format",            LLM_FORMAT),
    ])
    .required()
    .checks(MODEL_CHECKS)),
])
.checks(&[
    Check::Conditional(&Conditional {
        if_field: "config.llm_format",
        if_match: SAME.one_of(&["bedrock", "gemini"]),
        then_field: "config.route_type",
        then_match: SAME.eq(Str("llm/v1/chat")),
        then_err: Some("native provider options in llm_format can only be used with the 'llm/v1/chat' route_type"),
    }),
    Check::Conditional(&Conditional {
        if_field: "config.llm_format",
        if_match: SAME.eq(Str("bedrock")),
        then_field: "config.model.provider",
        then_match: SAME.eq(Str("bedrock")),
        then_err: Some("native llm_format 'bedrock' can only be used with the 'bedrock' model.provider"),
    }),
    Check::Conditional(&Conditional {
        if_field: "config.llm_format",
        if_match: SAME.eq(Str("gemini")),
        then_field: "config.model.provider",
        then_match: SAME.eq(Str("gemini")),
        then_err: Some("native llm_format 'gemini' can only be used with the 'gemini' model.provider"),
    }),
]);
