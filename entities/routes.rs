//! A route says which requests of clients go to a service. Its protocols decide what it can match on.
//!
//! What only some router flavours know (an expression, addresses of HTTP routes) is marked as theirs.

mod subschemas;

use self::subschemas::{GRPC, HTTP, STREAM};
use crate::schema::types::{
    AUTO_TIMESTAMP_S, DESTINATIONS, HEADER_NAME, HOSTS, METHODS, PROTOCOL, ROUTER_PATHS, SNI, SOURCES, TAGS,
    UTF8_NAME, UUID, WILDCARD_HOST,
};
use crate::schema::{
    BOOLEAN, Check, Conditional, Context, Entity, Field, Flavor, INTEGER, Literal::*, Row, SAME, STRING,
    array, custom, elements, expression, foreign, map, set,
};
use crate::services::SERVICES;

const STRIP_PATH: Field = BOOLEAN.required().doc(
    "When matching a Route via one of the paths, strip the matching prefix from the upstream request URL.",
);

/// A map cannot hold `host`: the router matches it by the field `hosts`.
const HEADERS: Field = map(
    &HEADER_NAME.match_none(&[(
        "^[Hh][Oo][Ss][Tt]$",
        "cannot contain 'host' header, which must be specified in the 'hosts' attribute",
    )]),
    &array(&STRING),
)
.doc("A map of header names to arrays of header values.");

#[rustfmt::skip]
pub static ROUTES: Entity = Entity::new("routes")
    .doc("A rule that matches requests of clients and leads them to a service.")
    .workspaceable()
    .endpoint_key("name")
    .subschema_key("protocols")
    .subschemas(&[
        ("http", &HTTP), ("https", &HTTP),
        ("tcp", &STREAM), ("tls", &STREAM), ("udp", &STREAM), ("tls_passthrough", &STREAM),
        ("grpc", &GRPC), ("grpcs", &GRPC),
    ])
    .fields(&[
        ("id",                         UUID),
        ("created_at",                 AUTO_TIMESTAMP_S),
        ("updated_at",                 AUTO_TIMESTAMP_S),
        ("name",                       UTF8_NAME),
        ("protocols",                  set(&PROTOCOL).required().len_min(1)
            .default(List(&[Str("http"), Str("https")]))
            .mutually_exclusive_subsets(&[&["http", "https"], &["tcp", "tls", "udp"], &["tls_passthrough"], &["grpc", "grpcs"]])
            .doc("An array of the protocols this Route should allow.")),
        ("https_redirect_status_code", INTEGER.required().one_of_integers(&[426, 301, 302, 307, 308]).default(Int(426))
            .doc("The status code Kong responds with when all properties of a Route match except the protocol")),
        ("strip_path",                 STRIP_PATH.default(Bool(true))),
        ("preserve_host",              BOOLEAN.required().default(Bool(false))
            .doc("When matching a Route via one of the hosts domain names, use the request Host header in the upstream request headers.")),
        ("request_buffering",          BOOLEAN.required().default(Bool(true))
            .doc("Whether to enable request body buffering or not. With HTTP 1.1.")),
        ("response_buffering",         BOOLEAN.required().default(Bool(true))
            .doc("Whether to enable response body buffering or not.")),
        ("tags",                       TAGS),
        ("service",                    foreign(&SERVICES)
            .doc("The Service this Route is associated to. This is where the Route proxies traffic to.")),
        ("snis",                       set(&WILDCARD_HOST.under(Flavor::Traditional, &SNI)).doc("A list of SNIs that match this Route.")),
        ("sources",                    SOURCES),
        ("destinations",               DESTINATIONS),
        ("methods",                    METHODS),
        ("hosts",                      HOSTS),
        ("paths",                      ROUTER_PATHS),
        ("headers",                    HEADERS),
        ("regex_priority",             INTEGER.default(Int(0))
            .doc("A number used to choose which route resolves a given request when several routes match it using regexes simultaneously.")),
        ("path_handling",              STRING.one_of(&["v0", "v1"]).default(Str("v0"))
            .doc("Controls how the Service path, Route path and requested path are combined when sending a request to the upstream.")),
        ("expression",                 STRING.flavors(&[Flavor::Expressions]).doc("The route expression.")),
        ("priority",                   INTEGER.flavors(&[Flavor::Expressions]).between(0, (1 << 46) - 1).required().default(Int(0))
            .doc("A number used to specify the matching order for expression routes. The higher the `priority`, the sooner an route will be evaluated. This field is ignored unless `expression` field is set.")),
    ])
    .checks(&[
        Check::Conditional(&Conditional {
            if_field: "protocols",
            if_match: elements(&STRING.not_one_of(&["grpcs", "https", "tls", "tls_passthrough"])),
            then_field: "snis",
            then_match: SAME.len_eq(0),
            then_err: Some("'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'"),
        }),
        custom(&["path_handling"], &any_path_handling),
        Check::Custom {
            sources: &[
                "id", "protocols", "snis", "sources", "destinations", "methods", "hosts", "paths", "headers",
                "expression", "regex_priority", "priority",
            ],
            run_with_missing_fields: true,
            run_with_invalid_fields: false,
            flavors: &[Flavor::TraditionalCompatible, Flavor::Expressions],
            rule: &router_accepts,
        },
    ])
    .build();

/// `v1` is on its way out, which Kong writes to its log and to no client: every choice passes.
fn any_path_handling(_: &Row, _: &Context) -> Result<(), String> {
    Ok(())
}

/// A route is stored only if the router can make an expression of it.
fn router_accepts(row: &Row, context: &Context) -> Result<(), String> {
    expression::validate_route(row, context.router_flavor)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ROUTES;
    use crate::schema::{Literal, Row};

    fn row(value: Value) -> Row {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn the_first_known_protocol_chooses_the_rules() {
        for (protocols, chosen) in [
            (json!(["https", "http"]), Some("http")),
            (json!(["smtp", "tls_passthrough"]), Some("tcp")),
            (json!([1, "grpcs", "http"]), Some("grpc")),
            (json!(["smtp"]), None),
            (json!([]), None),
            (json!(null), None),
        ] {
            let subschema = ROUTES.subschema_of(&row(json!({ "protocols": protocols })));
            assert_eq!(subschema.map(|subschema| subschema.name), chosen, "{protocols}");
        }
    }

    #[test]
    fn paths_of_grpc_are_not_stripped() {
        let default = |name| {
            let mut fields = ROUTES.fields_of(ROUTES.subschema(name));
            fields.find(|(field, _)| *field == "strip_path").and_then(|(_, field)| field.default)
        };
        assert_eq!(default("grpc"), Some(Literal::Bool(false)));
        assert_eq!(default("grpcs"), Some(Literal::Bool(false)));
        assert_eq!(default("http"), Some(Literal::Bool(true)));
        assert_eq!(default("tcp"), Some(Literal::Bool(true)));
    }
}
