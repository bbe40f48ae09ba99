//! The operations of the endpoint table, by method: what each takes, and with which statuses it answers.

use entities::schema::Entity;
use serde_json::{Map, Value, json};

use super::components::{Components, refusal};
use super::{Documented, schema};
use crate::json_schema::{Shape, Standing};
use crate::routes::{Endpoint, Place};

/// The tag of the node's own operations.
pub const NODE: &str = "node";

/// The entity whose rows a place answers with.
pub fn answers_with(place: Place) -> &'static Entity {
    match place {
        Place::Collection(entity) | Place::Item(entity) => entity,
        Place::Children { child, .. } | Place::AllChildren { child, .. } | Place::Child { child, .. } => {
            child
        }
        Place::Parent { parent, .. } => parent,
    }
}

/// The parameters of a path: the key of a row where an entity has that name, else what the server says of it.
pub fn path_parameters(
    components: &mut Components,
    path: &str,
    place: Option<Place>,
    describe: &dyn Fn(&str) -> Option<Value>,
) -> Vec<Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names
        .enumerate()
        .map(|(i, name)| {
            let entity = components.declarations.entity(name).filter(|entity| entity.stored);
            let schema = match entity {
                Some(entity) => components.key(entity, standing(place, i)),
                None => describe(name).unwrap_or_else(|| json!({ "type": "string", "minLength": 1 })),
            };
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect()
}

/// Where the key stands that a parameter of a path is.
fn standing(place: Option<Place>, i: usize) -> Standing {
    match (place, i) {
        (Some(Place::Item(_)), _) => Standing::Alone,
        (
            Some(
                Place::Children { child, .. } | Place::AllChildren { child, .. } | Place::Child { child, .. },
            ),
            0,
        ) => Standing::Above(child.name),
        (_, 0) => Standing::Above(""),
        _ => Standing::Below,
    }
}

/// One operation, while it is put together.
struct Operation {
    method: &'static str,
    id: String,
    tag: &'static str,
    summary: String,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Vec<(u16, Value)>,
    refused_with: Vec<u16>,
}

impl Operation {
    fn build(self) -> (String, Value) {
        let is_write = matches!(self.method, "POST" | "PUT" | "PATCH");
        let mut responses: Map<String, Value> =
            self.answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
        let more: &[u16] = if is_write { &[400, 408, 413, 415, 429, 503] } else { &[400, 429, 503] };
        let mut refused: Vec<u16> = self.refused_with.into_iter().chain(more.iter().copied()).collect();
        refused.sort_unstable();
        for status in refused {
            if let Some(refusal) = refusal(status) {
                responses.entry(status.to_string()).or_insert(refusal);
            }
        }
        let mut out = Map::from_iter([
            ("operationId".to_owned(), Value::from(self.id)),
            ("tags".to_owned(), json!([self.tag])),
            ("summary".to_owned(), self.summary.into()),
        ]);
        if !self.parameters.is_empty() {
            out.insert("parameters".to_owned(), self.parameters.into());
        }
        if let Some(body) = self.body {
            out.insert("requestBody".to_owned(), body);
        }
        out.insert("responses".to_owned(), Value::Object(responses));
        (self.method.to_ascii_lowercase(), Value::Object(out))
    }
}

fn answer(description: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn parameter(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// The operations on rows at one endpoint.
pub fn of_rows<N>(components: &mut Components, endpoint: &Endpoint<N>, place: Place) -> Map<String, Value> {
    endpoint.methods.iter().map(|method| of_place(components, place, method).build()).collect()
}

fn of_place(components: &mut Components, place: Place, method: &'static str) -> Operation {
    let entity = answers_with(place);
    let name = entity.name;
    let (noun, words) = match place {
        Place::Collection(_) | Place::Item(_) => (name.to_owned(), name.to_owned()),
        Place::Children { parent, .. } | Place::Child { parent, .. } => {
            (format!("{name}-of-{}", parent.name), format!("{name} of one of the {}", parent.name))
        }
        Place::AllChildren { parent, .. } => (
            format!("all-{name}-of-{}", parent.name),
            format!("{name} of one of the {}, in the order of ids", parent.name),
        ),
        Place::Parent { child, field, .. } => (
            format!("{field}-of-{}", child.name),
            format!("{name} that is the {field} of one of the {}", child.name),
        ),
    };
    let is_list = matches!(place, Place::Collection(_) | Place::Children { .. } | Place::AllChildren { .. });
    let (verb, summary) = match (method, is_list) {
        ("GET", true) => ("list", format!("List the {words}")),
        ("POST", _) => ("create", format!("Create one of the {words}")),
        ("GET", false) => ("get", format!("Get one of the {words}")),
        ("PUT", _) => ("replace", format!("Create or replace one of the {words}")),
        ("PATCH", _) => ("update", format!("Change one of the {words}")),
        _ => ("delete", format!("Delete one of the {words}")),
    };
    let above = match place {
        Place::Children { field, .. } | Place::Child { field, .. } => Some(field),
        _ => None,
    };
    let mut operation = Operation {
        method,
        id: format!("{verb}-{noun}"),
        tag: name,
        summary,
        parameters: Vec::new(),
        body: None,
        answers: Vec::new(),
        refused_with: Vec::new(),
    };
    if !matches!(place, Place::Collection(_)) {
        operation.refused_with.push(404);
    }
    match (method, is_list) {
        ("GET", true) => {
            operation.parameters = list_parameters(place, entity);
            operation.answers.push((200, answer("A page of rows.", components.page(entity))));
        }
        ("GET", false) => operation.answers.push((200, answer("The row.", components.read(entity)))),
        ("DELETE", _) if matches!(place, Place::Parent { .. }) => operation.refused_with.push(405),
        ("DELETE", _) => operation.answers.push((204, json!({ "description": "The row is gone." }))),
        _ => {
            let (status, shape) = match method {
                "POST" => (201, Shape::New),
                "PATCH" => (200, Shape::Change),
                _ => (200, Shape::New),
            };
            operation.body = Some(body(components, entity, shape, above));
            operation.answers.push((status, answer("The row as it is now.", components.read(entity))));
            operation.refused_with.push(409);
        }
    }
    if method != "GET" && components.declarations.without_database() {
        operation.refused_with.push(405);
    }
    operation
}

fn body(components: &mut Components, entity: &'static Entity, shape: Shape, above: Option<&str>) -> Value {
    let row = match shape {
        Shape::Change => components.change_body(entity),
        _ => components.new_body(entity, above),
    };
    let mut media = json!({ "schema": row });
    if let (Some(media), true) = (media.as_object_mut(), shape == Shape::New) {
        media.insert("examples".to_owned(), Value::Object(components.examples(entity, above)));
    }
    json!({
        "required": components.is_body_needed(entity, shape, above),
        "content": { "application/json": media, "application/x-www-form-urlencoded": { "schema": schema("form") } },
    })
}

fn list_parameters(place: Place, entity: &Entity) -> Vec<Value> {
    let mut list = vec![parameter("size"), parameter("offset")];
    if let Place::Collection(_) = place {
        if entity.field("tags").is_some() {
            list.push(parameter("tags"));
        }
        for name in entity.lookups {
            list.push(json!({
                "name": name, "in": "query",
                "description": format!("Only the row whose {name} this is; other arguments do not count."),
                "schema": { "type": "string", "minLength": 1 },
            }));
        }
    }
    list
}

/// The operations of one of the node's own endpoints.
pub fn of_node(path: &str, list: Vec<Documented>) -> Map<String, Value> {
    let words: Vec<_> = path.split(['/', '{', '}', '.', '_']).filter(|word| !word.is_empty()).collect();
    let noun = if words.is_empty() { "node".to_owned() } else { words.join("-") };
    list.into_iter()
        .map(|documented| {
            let Documented { method, summary, arguments, body, answers } = documented;
            let (refused, answered): (Vec<_>, Vec<_>) =
                answers.into_iter().partition(|(status, _)| *status >= 400);
            let operation = Operation {
                method,
                id: format!("{}-{noun}", method.to_ascii_lowercase()),
                tag: NODE,
                summary: summary.to_owned(),
                parameters: arguments
                    .into_iter()
                    .map(|(name, schema)| match schema {
                        Value::Null => parameter(name),
                        schema => json!({ "name": name, "in": "query", "schema": schema }),
                    })
                    .collect(),
                body: body.map(|schema| json!({ "content": { "application/json": { "schema": schema } } })),
                answers: answered
                    .into_iter()
                    .map(|(status, content)| {
                        let mut answer = json!({ "description": summary });
                        if let (Some((media_type, schema)), Some(answer)) = (content, answer.as_object_mut())
                        {
                            answer.insert("content".to_owned(), json!({ media_type: { "schema": schema } }));
                        }
                        (status, answer)
                    })
                    .collect(),
                refused_with: refused.into_iter().map(|(status, _)| status).collect(),
            };
            operation.build()
        })
        .collect()
}
