//! ai-response-transformer lets a language model rewrite responses before they reach the client.

use super::BUNDLED;
use super::ai_models::{HTTP_TIMEOUT, HTTPS_VERIFY, LLM, MAX_REQUEST_BODY_SIZE, TRANSFORMER_CHECKS};
use crate::schema::types::{HOST, PORT, PROTOCOLS_HTTP};
use crate::schema::{BOOLEAN, Literal::*, STRING, Subschema, record};

#[rustfmt::skip]
pub static AI_RESPONSE_TRANSFORMER: Subschema = Subschema::new("ai-response-transformer").plugin(BUNDLED, 768).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("prompt",                               STRING.required()
            .doc("Use this prompt to tune the LLM system/assistant message for the returning proxy response (from the upstream), adn what response format you are expecting.")),
        ("transformation_extract_pattern",       STRING.optional()
            .doc("Defines the regular expression that must match to indicate a successful AI transformation at the response phase. The first match will be set as the returning body. If the AI service's response doesn't match this pattern, a failure is returned to the client.")),
        ("parse_llm_response_json_instructions", BOOLEAN.required().default(Bool(false))
            .doc("Set true to read specific response format from the LLM, and accordingly set the status code / body / headers that proxy back to the client. You need to engineer your LLM prompt to return the correct format, see plugin docs 'Overview' page for usage instructions.")),
        ("http_timeout",                         HTTP_TIMEOUT),
        ("https_verify",                         HTTPS_VERIFY),
        ("max_request_body_size",                MAX_REQUEST_BODY_SIZE),
        ("http_proxy_host",                      HOST),
        ("http_proxy_port",                      PORT),
        ("https_proxy_host",                     HOST),
        ("https_proxy_port",                     PORT),
        ("llm",                                  LLM),
    ]).required()),
])
.checks(TRANSFORMER_CHECKS);
