//! ai-request-transformer lets a language model rewrite requests before they are passed on.

use super::ai_models::{HTTP_TIMEOUT, HTTPS_VERIFY, LLM, MAX_REQUEST_BODY_SIZE, TRANSFORMER_CHECKS};
use super::{BUNDLED, NO_CONSUMER};
use crate::schema::types::{HOST, PORT, PROTOCOLS_HTTP};
use crate::schema::{STRING, Subschema, record};

#[rustfmt::skip]
pub static AI_REQUEST_TRANSFORMER: Subschema = Subschema::new("ai-request-transformer").plugin(BUNDLED, 777).fields(&[
    ("protocols", PROTOCOLS_HTTP),
    ("consumer",  NO_CONSUMER),
    ("config",    record(&[
        ("prompt",                         STRING.required()
            .doc("Use this prompt to tune the LLM system/assistant message for the incoming proxy request (from the client), and what you are expecting in return.")),
        ("transformation_extract_pattern", STRING.optional()
            .doc("Defines the regular expression that must match to indicate a successful AI transformation at the request phase. The first match will be set as the outgoing body. If the AI service's response doesn't match this pattern, it is marked as a failure.")),
        ("http_timeout",                   HTTP_TIMEOUT),
        ("https_verify",                   HTTPS_VERIFY),
        ("max_request_body_size",          MAX_REQUEST_BODY_SIZE),
        ("http_proxy_host",                HOST),
        ("http_proxy_port",                PORT),
        ("https_proxy_host",               HOST),
        ("https_proxy_port",               PORT),
        ("llm",                            LLM),
    ]).required()),
])
.checks(TRANSFORMER_CHECKS);
