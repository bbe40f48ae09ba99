//! `/schemas/…`: declarations as JSON, and rows held against them without being written.

use generators::complete::{Verb, complete};
use generators::errors::Error;
use generators::input;
use generators::validate::{Candidate, validate as violations};
use generators::{json_schema, schemas};
use http::StatusCode;
use serde_json::json;

use super::Node;
use crate::admin::{Answer, Refusal, Request};

fn unknown(kind: &str, name: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, &format!("No {kind} named '{name}'"))
}

/// Whether a JSON Schema is asked for: `?format=json-schema`. Any other argument changes nothing, as in Kong.
fn asks_for_json_schema(request: &Request) -> Result<bool, Refusal> {
    Ok(request.arguments()?.get("format").is_some_and(|format| format == "json-schema"))
}

/// `GET /schemas/services`
pub fn entity(node: &Node, name: &str, request: &Request) -> Result<Answer, Refusal> {
    let entity = node.declarations.entity(name).ok_or_else(|| unknown("entity", name))?;
    Ok(Answer::ok(&match asks_for_json_schema(request)? {
        true => json_schema::entity(entity, &node.circumstances().context()),
        false => schemas::entity(entity),
    }))
}

/// `GET /schemas/plugins/cors`
pub fn subschema(
    node: &Node,
    entity: &str,
    kind: &str,
    name: &str,
    request: &Request,
) -> Result<Answer, Refusal> {
    let entity = node.declarations.entity(entity);
    let found = entity.and_then(|entity| Some((entity, entity.subschema(name)?)));
    let (entity, subschema) = found.ok_or_else(|| unknown(kind, name))?;
    let context = node.circumstances();
    let schema = match asks_for_json_schema(request)? {
        true => json_schema::subschema(entity, name, &context.context()),
        false => Some(schemas::subschema(subschema)),
    };
    Ok(Answer::ok(&schema.ok_or_else(|| unknown(kind, name))?))
}

/// `GET /plugins/schema/cors`
pub fn configuration(node: &Node, name: &str) -> Result<Answer, Refusal> {
    let subschema = node.declarations.entity("plugins").and_then(|entity| entity.subschema(name));
    let fields = subschema.ok_or_else(|| unknown("plugin", name))?.fields;
    let config = fields.iter().find(|(field, _)| *field == "config").map(|(_, field)| field);
    Ok(Answer::ok(&schemas::record(config.ok_or_else(|| unknown("plugin", name))?)))
}

/// `POST /schemas/services/validate`: what a POST would say, but nothing is looked up and nothing written. The
/// query's arguments are fields, too; the body's go before them.
pub async fn validate(node: &Node, name: &str, request: &Request) -> Result<Answer, Refusal> {
    let body = request.input().await?;
    let entity = node.declarations.entity(name).ok_or_else(|| unknown("entity", name))?;
    let mut row = request.arguments()?;
    row.extend(body.row);
    if body.textual {
        row = input::infer(row, entity);
    }
    let circumstances = node.circumstances();
    let context = circumstances.context();
    let completed = complete(entity, row.clone(), Verb::Insert, &context).map_err(Error::from)?;
    let candidate = Candidate { row: &completed, given: &completed, stored: None };
    violations(entity, &candidate, Verb::Insert, &context).into_result().map_err(Error::from)?;
    Ok(Answer::ok(&json!({ "message": "schema validation successful" })))
}
