//! How a plugin reaches a language model: the record that the AI plugins share, with its rules, and the fields that
//! stand beside it.

use serde_json::Value;

use crate::at_least_one_if;
use crate::schema::types::URL;
use crate::schema::{
    BOOLEAN, Check, Conditional, Context, Deprecation, Field, INTEGER, Literal::*, NUMBER, Row, SAME, STRING,
    custom, record,
};

#[rustfmt::skip]
pub(super) const ROUTE_TYPE: Field = STRING.required().one_of(&["llm/v1/chat", "llm/v1/completions", "preserve"])
    .doc("The model's operation implementation, for this provider. Set to `preserve` to pass through without transformation.");

#[rustfmt::skip]
pub(super) const AUTH: Field = record(&[
    ("header_name",              STRING.optional().referenceable()
        .doc("If AI model requires authentication via Authorization or API key header, specify its name here.")),
    ("header_value",             STRING.optional().encrypted().referenceable()
        .doc("Specify the full auth header value for 'header_name', for example 'Bearer key' or just 'key'.")),
    ("param_name",               STRING.optional().referenceable()
        .doc("If AI model requires authentication via query parameter, specify its name here.")),
    ("param_value",              STRING.optional().encrypted().referenceable()
        .doc("Specify the full parameter value for 'param_name'.")),
    ("param_location",           STRING.optional().one_of(&["query", "body"])
        .doc("Specify whether the 'param_name' and 'param_value' options go in a query string, or the POST form/JSON body.")),
    ("gcp_use_service_account",  BOOLEAN.optional().default(Bool(false))
        .doc("Use service account auth for GCP-based providers and models.")),
    ("gcp_service_account_json", STRING.optional().referenceable()
        .doc("Set this field to the full JSON of the GCP service account to authenticate, if required. If null (and gcp_use_service_account is true), Kong will attempt to read from environment variable `GCP_SERVICE_ACCOUNT`.")),
    ("aws_access_key_id",        STRING.optional().encrypted().referenceable()
        .doc("Set this if you are using an AWS provider (Bedrock) and you are authenticating using static IAM User credentials. Setting this will override the AWS_ACCESS_KEY_ID environment variable for this plugin instance.")),
    ("aws_secret_access_key",    STRING.optional().encrypted().referenceable()
        .doc("Set this if you are using an AWS provider (Bedrock) and you are authenticating using static IAM User credentials. Setting this will override the AWS_SECRET_ACCESS_KEY environment variable for this plugin instance.")),
    ("allow_override",           BOOLEAN.optional().default(Bool(false))
        .doc("If enabled, the authorization header or parameter can be overridden in the request by the value configured in the plugin.")),
])
.optional();

const UPSTREAM_PATH_REPLACED: Deprecation = Deprecation {
    message: "llm: config.model.options.upstream_path is deprecated, please use config.model.options.upstream_url instead",
    removal_in_version: "4.0",
    old_default: None,
    replaced_with: &[],
};

#[rustfmt::skip]
const OPTIONS: Field = record(&[
    ("max_tokens",          INTEGER.optional()
        .doc("Defines the max_tokens, if using chat or completion models.")),
    ("input_cost",          NUMBER.optional().gt(0)
        .doc("Defines the cost per 1M tokens in your prompt.")),
    ("output_cost",         NUMBER.optional().gt(0)
        .doc("Defines the cost per 1M tokens in the output of the AI.")),
    ("temperature",         NUMBER.optional().between(0, 5)
        .doc("Defines the matching temperature, if using chat or completion models.")),
    ("top_p",               NUMBER.optional().between(0, 1)
        .doc("Defines the top-p probability mass, if supported.")),
    ("top_k",               INTEGER.optional().between(0, 500)
        .doc("Defines the top-k most likely tokens, if supported.")),
    ("anthropic_version",   STRING.optional()
        .doc("Defines the schema/API version, if using Anthropic provider.")),
    ("azure_instance",      STRING.optional()
        .doc("Instance name for Azure OpenAI hosted models.")),
    ("azure_api_version",   STRING.optional().default(Str("2023-05-15"))
        .doc("'api-version' for Azure OpenAI instances.")),
    ("azure_deployment_id", STRING.optional()
        .doc("Deployment ID for Azure OpenAI instances.")),
    ("llama2_format",       STRING.optional().one_of(&["raw", "openai", "ollama"])
        .doc("If using llama2 provider, select the upstream message format.")),
    ("mistral_format",      STRING.optional().one_of(&["openai", "ollama"])
        .doc("If using mistral provider, select the upstream message format.")),
    ("upstream_url",        URL.optional()
        .doc("Manually specify or override the full URL to the AI operation endpoints, when calling (self-)hosted models, or for running via a private endpoint.")),
    ("upstream_path",       STRING.optional().deprecated(&UPSTREAM_PATH_REPLACED)
        .doc("Manually specify or override the AI operation path, used when e.g. using the 'preserve' route_type.")),
    ("gemini",              record(&[
        ("api_endpoint", STRING.optional()
            .doc("If running Gemini on Vertex, specify the regional API endpoint (hostname only).")),
        ("project_id",   STRING.optional()
            .doc("If running Gemini on Vertex, specify the project ID.")),
        ("location_id",  STRING.optional()
            .doc("If running Gemini on Vertex, specify the location ID.")),
    ])
    .optional()
    .checks(&[Check::MutuallyRequired(&["api_endpoint", "project_id", "location_id"])])),
    ("bedrock",             record(&[
        ("aws_region", STRING.optional()
            .doc("If using AWS providers (Bedrock) you can override the `AWS_REGION` environment variable by setting this option.")),
    ]).optional()),
    ("huggingface",         record(&[
        ("use_cache",      BOOLEAN.optional().doc("Use the cache layer on the inference API")),
        ("wait_for_model", BOOLEAN.optional().doc("Wait for the model if it is not ready")),
    ]).optional()),
])
.optional()
.doc("Key/value settings for the model");

#[rustfmt::skip]
pub(super) const MODEL: Field = record(&[
    ("provider", STRING.required().one_of(&["openai", "azure", "anthropic", "cohere", "mistral", "llama2", "gemini", "bedrock", "huggingface"])
        .doc("AI provider request format - Kong translates requests to and from the specified backend compatible formats.")),
    ("name",     STRING.optional()
        .doc("Model name to execute.")),
    ("options",  OPTIONS),
])
.required();

#[rustfmt::skip]
pub(super) const LOGGING: Field = record(&[
    ("log_statistics", BOOLEAN.required().default(Bool(false))
        .doc("If enabled and supported by the driver, will add model usage and token metrics into the Kong log plugin(s) output.")),
    ("log_payloads",   BOOLEAN.required().default(Bool(false))
        .doc("If enabled, will log the request and response body into the Kong log plugin(s) output.")),
])
.required();

/// The rules between the fields of a record that has `route_type`, `auth`, `model` and `logging`.
#[rustfmt::skip]
pub(super) const MODEL_CHECKS: &[Check] = &[
    Check::Conditional(&Conditional {
        if_field: "model.provider",
        if_match: SAME.one_of(&["bedrock", "gemini"]),
        then_field: "auth.allow_override",
        then_match: SAME.eq(Bool(false)),
        then_err: Some("bedrock and gemini only support auth.allow_override = false"),
    }),
    Check::MutuallyRequired(&["auth.header_name", "auth.header_value"]),
    Check::MutuallyRequired(&["auth.param_name", "auth.param_value", "auth.param_location"]),
    at_least_one_if!(&["model.options.llama2_format"],       "model.provider", "llama2",    "must set %s for llama2 provider"),
    at_least_one_if!(&["model.options.mistral_format"],      "model.provider", "mistral",   "must set %s for mistral provider"),
    at_least_one_if!(&["model.options.anthropic_version"],   "model.provider", "anthropic", "must set %s for anthropic provider"),
    at_least_one_if!(&["model.options.azure_instance"],      "model.provider", "azure",     "must set %s for azure provider"),
    at_least_one_if!(&["model.options.azure_api_version"],   "model.provider", "azure",     "must set %s for azure provider"),
    at_least_one_if!(&["model.options.azure_deployment_id"], "model.provider", "azure",     "must set %s for azure provider"),
    at_least_one_if!(&["model.options.upstream_url"],        "model.provider", "llama2",    "must set %s for self-hosted providers/models"),
    custom(&["route_type", "model", "logging"], &statistics_are_known),
];

/// The whole record, for a plugin that asks a model about its own work.
#[rustfmt::skip]
pub(super) const LLM: Field = record(&[
    ("route_type", ROUTE_TYPE),
    ("auth",       AUTH),
    ("model",      MODEL),
    ("logging",    LOGGING),
])
.required()
.checks(MODEL_CHECKS);

pub(super) const MAX_REQUEST_BODY_SIZE: Field =
    INTEGER.gt(0).default(Int(8192)).doc("max allowed body size allowed to be introspected");

pub(super) const LLM_FORMAT: Field = STRING
    .optional()
    .one_of(&["openai", "bedrock", "gemini"])
    .default(Str("openai"))
    .doc("LLM input and output format and schema to use");

pub(super) const HTTP_TIMEOUT: Field =
    INTEGER.required().default(Int(60_000)).doc("Timeout in milliseconds for the AI upstream service.");

pub(super) const HTTPS_VERIFY: Field =
    BOOLEAN.required().default(Bool(true)).doc("Verify the TLS certificate of the AI upstream service.");

/// The rules of a plugin that has a model at `config.llm` and reaches it through a proxy.
pub(super) const TRANSFORMER_CHECKS: &[Check] = &[
    Check::Conditional(&Conditional {
        if_field: "config.llm.route_type",
        if_match: SAME.not_one_of(&["llm/v1/chat"]),
        then_field: "config.llm.route_type",
        then_match: SAME.eq(Str("llm/v1/chat")),
        then_err: Some("'config.llm.route_type' must be 'llm/v1/chat' for AI transformer plugins"),
    }),
    Check::MutuallyRequired(&["config.http_proxy_host", "config.http_proxy_port"]),
    Check::MutuallyRequired(&["config.https_proxy_host", "config.https_proxy_port"]),
];

/// Statistics are logged only where the model's provider tells of them for that kind of request.
fn statistics_are_known(fields: &Row, _context: &Context) -> Result<(), String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let inner = |record: &str, name: &str| fields.get(record).and_then(|record| record.get(name));
    let wanted = inner("logging", "log_statistics").and_then(Value::as_bool) == Some(true);
    let (route_type, provider) = (text(fields.get("route_type")), text(inner("model", "provider")));
    if wanted && route_type == "llm/v1/completions" && provider == "anthropic" {
        return Err(format!("{provider} does not support statistics when route_type is {route_type}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::statistics_are_known;
    use crate::schema::{Context, Flavor};

    #[test]
    fn statistics_are_logged_where_the_provider_tells_of_them() {
        let context = Context {
            now_us: 0,
            new_id: &|| Uuid::nil(),
            new_secret: &String::new,
            router_flavor: Flavor::TraditionalCompatible,
            without_database: false,
        };
        let check = |route_type, provider, wanted, expected: Result<(), &str>| {
            let fields = [
                ("route_type".to_owned(), json!(route_type)),
                ("model".to_owned(), json!({ "provider": provider })),
                ("logging".to_owned(), json!({ "log_statistics": wanted })),
            ];
            let fields = fields.into_iter().collect();
            assert_eq!(
                statistics_are_known(&fields, &context),
                expected.map_err(str::to_owned),
                "{fields:?}"
            );
        };
        check("llm/v1/chat", "anthropic", true, Ok(()));
        check("llm/v1/completions", "openai", true, Ok(()));
        check("llm/v1/completions", "anthropic", false, Ok(()));
        check(
            "llm/v1/completions",
            "anthropic",
            true,
            Err("anthropic does not support statistics when route_type is llm/v1/completions"),
        );
    }
}
