//! The node's own endpoints in the words of OpenAPI: what each takes and answers. An endpoint that refuses whatever a
//! client of this node sends is left out, unless other methods of its path do something.

use entities::schema::{Declarations, text as text_rules};
use generators::json_schema::RULES;
use generators::openapi::{Documented, new_row, schema};
use serde_json::{Value, json};

use super::NodeEndpoint;
use super::endpoints::Format;
use crate::settings::LogLevel;

/// An answer with JSON.
fn ok(schema: Value) -> Vec<(u16, Option<(&'static str, Value)>)> {
    vec![(200, Some(("application/json", schema)))]
}

fn get(summary: &'static str, schema: Value) -> Documented {
    Documented { method: "GET", summary, arguments: Vec::new(), body: None, answers: ok(schema) }
}

fn with(mut documented: Documented, arguments: Vec<(&'static str, Value)>, refused: &[u16]) -> Documented {
    documented.arguments = arguments;
    documented.answers.extend(refused.iter().map(|status| (*status, None)));
    documented
}

fn without_content(method: &'static str, summary: &'static str, refused: &[u16]) -> Documented {
    let answers = [204].iter().chain(refused).map(|status| (*status, None)).collect();
    Documented { method, summary, arguments: Vec::new(), body: None, answers }
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn object(properties: Value) -> Value {
    let names: Vec<_> =
        properties.as_object().into_iter().flat_map(|fields| fields.keys()).cloned().collect();
    json!({ "type": "object", "properties": properties, "required": names })
}

fn counts(names: &[&str]) -> Value {
    let integer = json!({ "type": "integer", "minimum": 0 });
    object(names.iter().map(|name| ((*name).to_owned(), integer.clone())).collect())
}

/// `{"message": "…"}`
fn message() -> Value {
    object(json!({ "message": text() }))
}

/// What `/schemas/…` answers: Kong's words, or a JSON Schema where that is asked for.
fn declaration() -> Value {
    json!({ "type": "object", "description": "A declaration: `fields` and `entity_checks`, or a JSON Schema." })
}

fn formats() -> Vec<(&'static str, Value)> {
    vec![("format", json!({ "description": "`json-schema`: as a JSON Schema." }))]
}

fn validated(body: Value) -> Vec<Documented> {
    vec![Documented {
        method: "POST",
        summary: "Hold a row against its declaration, without writing it",
        arguments: Vec::new(),
        body: Some(body),
        answers: [(404, None)].into_iter().chain(ok(message())).collect(),
    }]
}

/// A page of tags, and what is refused there.
fn tags(refused: &[&'static str]) -> Vec<Documented> {
    let tag = object(json!({ "entity_name": text(), "entity_id": text(), "tag": text() }));
    let page = generators::openapi::page_of(tag);
    let list = with(get("List tags", page), vec![("size", Value::Null), ("offset", Value::Null)], &[]);
    let refuse = |method: &&'static str| Documented {
        method,
        summary: "Refused: tags are written with the rows that bear them",
        arguments: Vec::new(),
        body: None,
        answers: vec![(400, None)],
    };
    std::iter::once(list).chain(refused.iter().map(refuse)).collect()
}

/// What a parameter of a path may be, where it is not the key of a row.
pub fn parameter(name: &str) -> Option<Value> {
    match name {
        "log_level" => Some(json!({ "enum": LogLevel::WORDS })),
        "address" => Some(json!({ "type": "string", "format": "ip-and-port" })),
        "tags" => Some(json!({ "type": "string", "pattern": text_rules::TAG })),
        _ => None,
    }
}

/// The operations of an endpoint.
pub fn operations(endpoint: NodeEndpoint, declarations: &Declarations) -> Vec<Documented> {
    match endpoint {
        NodeEndpoint::Root => vec![get("What the node is", root())],
        NodeEndpoint::OpenApi(Format::Json) => {
            vec![get("This document", json!({ "type": "object", "required": ["openapi", "info", "paths"] }))]
        }
        NodeEndpoint::OpenApi(Format::Yaml) => {
            let answers = vec![(200, Some(("application/yaml", json!({}))))];
            vec![Documented { answers, ..get("This document as YAML", Value::Null) }]
        }
        NodeEndpoint::Endpoints => {
            vec![get("The paths of the API", object(json!({ "data": { "type": "array", "items": text() } })))]
        }
        NodeEndpoint::Audit => {
            let line = object(json!({
                "version": { "type": "integer" },
                "dao_name": text(),
                "entity_key": text(),
                "operation": { "enum": ["create", "update", "delete"] },
                "fields": { "type": ["array", "object"], "items": text() },
                "rbac_user_name": { "type": ["string", "null"] },
                "workspace": { "type": ["string", "null"] },
                "request_timestamp": { "type": "integer", "description": "Seconds since 1970." },
            }));
            let chosen = ["dao_name", "entity_key", "rbac_user_name"].map(|name| (name, text()));
            let arguments = chosen.into_iter().chain([("size", Value::Null), ("offset", Value::Null)]);
            let page = generators::openapi::page_of(line);
            vec![with(get("Who wrote what, newest first", page), arguments.collect(), &[])]
        }
        NodeEndpoint::Status => {
            let unit = json!({ "type": "string", "pattern": "^([bB]|[kK]|[mM]|[gG])$", "description": "Of figures of memory." });
            let scale = json!({ "type": "integer", "minimum": 0, "maximum": 99, "description": "How many digits stand behind the point." });
            vec![with(get("How the node is", status()), vec![("unit", unit), ("scale", scale)], &[])]
        }
        NodeEndpoint::Timers => {
            let stats = object(json!({ "sys": counts(&["total", "running", "pending", "waiting", "runs"]) }));
            vec![get(
                "The tasks of the node",
                object(json!({ "worker": counts(&["id", "count"]), "stats": stats })),
            )]
        }
        NodeEndpoint::Metrics => {
            let answers = vec![(200, Some(("text/plain", text())))];
            vec![Documented { answers, ..get("Figures for Prometheus", Value::Null) }]
        }
        NodeEndpoint::Cache => vec![without_content("DELETE", "Forget every page that is remembered", &[])],
        NodeEndpoint::CacheEntry => vec![
            with(get("A page that is remembered", json!({ "type": "object" })), Vec::new(), &[404]),
            without_content("DELETE", "Forget a page that is remembered", &[]),
        ],
        NodeEndpoint::Config if declarations.without_database() => loaded(),
        NodeEndpoint::Configuration => whole(),
        NodeEndpoint::LogLevel => vec![get("The level of the log", message())],
        NodeEndpoint::ChangeLogLevel(_) => {
            let timeout = json!({ "minimum": 0, "maximum": 86_400, "description": "How many seconds the change lasts." });
            let change =
                Documented { method: "PUT", ..get("Change the level of the log for some time", message()) };
            vec![with(change, vec![("timeout", timeout)], &[405])]
        }
        NodeEndpoint::Health => {
            let page = object(
                json!({ "data": { "type": ["array", "object"] }, "next": { "type": ["string", "null"] }, "node_id": text() }),
            );
            let balancer = json!({ "description": "`1`: of the upstream instead of its targets." });
            let arguments =
                vec![("balancer_health", balancer), ("size", Value::Null), ("offset", Value::Null)];
            vec![with(get("The health of an upstream's targets", page), arguments, &[404])]
        }
        NodeEndpoint::SetHealth(true) => vec![without_content("PUT", "Say that a target is healthy", &[404])],
        NodeEndpoint::SetHealth(false) => {
            vec![without_content("PUT", "Say that a target is not healthy", &[404])]
        }
        NodeEndpoint::Schema => {
            vec![with(get("The declaration of an entity", declaration()), formats(), &[404])]
        }
        NodeEndpoint::Subschema(..) => {
            vec![with(get("The declaration of a variant of an entity", declaration()), formats(), &[404])]
        }
        NodeEndpoint::Validate => {
            validated(json!({ "type": "object", RULES: ["is a row of the entity that the path names"] }))
        }
        NodeEndpoint::ValidateEntity(entity) => validated(schema(&new_row(entity))),
        NodeEndpoint::Tags => tags(&["POST"]),
        NodeEndpoint::Tag => tags(&["DELETE", "PATCH", "PUT"]),
        NodeEndpoint::PluginsEnabled => {
            let names = json!({ "type": "array", "items": text() });
            vec![get("The plugins that are enabled", object(json!({ "enabled_plugins": names })))]
        }
        NodeEndpoint::PluginSchema => {
            vec![with(get("The declaration of a plugin's configuration", declaration()), Vec::new(), &[404])]
        }
        NodeEndpoint::EmptyCache => vec![without_content("DELETE", "Forget what the proxy has cached", &[])],
        NodeEndpoint::Config
        | NodeEndpoint::Explorer
        | NodeEndpoint::Dns
        | NodeEndpoint::ControlPlane
        | NodeEndpoint::FilterChains
        | NodeEndpoint::Filters
        | NodeEndpoint::Filter
        | NodeEndpoint::Nothing => Vec::new(),
    }
}

fn root() -> Value {
    object(json!({
        "tagline": text(),
        "version": { "type": "string", "description": "The version of Kong whose Admin API this is." },
        "silverback_version": text(),
        "edition": { "enum": ["community", "enterprise"] },
        "hostname": text(),
        "node_id": { "type": "string", "format": "uuid" },
        "lua_version": text(),
        "timers": counts(&["running", "pending"]),
        "pids": { "type": "object" },
        "plugins": object(json!({
            "available_on_server": { "type": "object" },
            "enabled_in_cluster": { "type": "array", "items": text() },
        })),
        "configuration": { "type": "object", "description": "The settings of the node." },
    }))
}

fn status() -> Value {
    let server = counts(&[
        "connections_accepted",
        "connections_active",
        "connections_handled",
        "connections_reading",
        "connections_waiting",
        "connections_writing",
        "total_requests",
    ]);
    let mut status = object(json!({ "server": server, "memory": { "type": "object" } }));
    let more =
        [("database", object(json!({ "reachable": { "type": "boolean" } }))), ("configuration_hash", text())];
    if let Some(properties) = status.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(more.map(|(name, schema)| (name.to_owned(), schema)));
    }
    status
}

/// An argument that means something by one value, and nothing by any other.
fn argument(words: &str) -> Value {
    json!({ "description": words })
}

/// `/configuration`: everything at once.
fn whole() -> Vec<Documented> {
    let tags = || ("select_tag", argument("Only rows that carry these tags, behind commas."));
    let document = json!({ "type": "object", "required": ["_format_version"] });
    let dump = get("Everything that the node holds, as one document", document.clone());
    let ids = ("with_ids", argument("`1`: with the ids of the rows."));
    let change = Documented {
        method: "PUT",
        body: Some(json!({ "type": "object", RULES: ["is a declarative configuration"] })),
        ..get("Make the rows equal to a document, all or none", json!({ "type": "object" }))
    };
    let dry_run = ("dry_run", argument("`1`: only tell what would change."));
    let flatten = ("flatten_errors", argument("`1`: what is wrong is also told row by row."));
    vec![with(dump, vec![tags(), ids], &[]), with(change, vec![tags(), dry_run, flatten], &[])]
}

/// `/config`, which only a node without a database has.
fn loaded() -> Vec<Documented> {
    vec![
        get("The configuration that was loaded", object(json!({ "config": text() }))),
        Documented {
            method: "POST",
            summary: "Load a declarative configuration",
            arguments: vec![
                (
                    "check_hash",
                    argument("`1`: nothing is done when the configuration is the one that was loaded last."),
                ),
                ("flatten_errors", argument("`1`: what is wrong is also told row by row.")),
            ],
            body: Some(json!({ "type": "object", RULES: ["is a declarative configuration"] })),
            answers: vec![
                (
                    201,
                    Some((
                        "application/json",
                        json!({ "type": "object", "description": "The rows by entity and id." }),
                    )),
                ),
                (304, None),
            ],
        },
    ]
}
