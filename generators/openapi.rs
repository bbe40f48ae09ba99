//! The OpenAPI 3.1 document: every operation of the endpoint table, with what it takes and what it answers.
//!
//! The operations on rows follow from the declarations (`openapi/operations.rs`), their bodies are the schemas of
//! `json_schema`, shared under `components` (`openapi/components.rs`). What the node's own endpoints do is told by the
//! server. A path that leads nowhere by declaration is left out.

mod components;
mod links;
mod operations;

use std::collections::BTreeMap;

use entities::schema::{Context, Declarations, Entity, Flavor};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::routes::{Endpoints, Target};
use components::Components;
pub use components::page_of;

/// The version of the specification that the document keeps.
pub const VERSION: &str = "3.1.1";

/// An operation of one of the node's own endpoints.
pub struct Documented {
    pub method: &'static str,
    pub summary: &'static str,
    /// The arguments of the query: names and schemas.
    pub arguments: Vec<(&'static str, Value)>,
    /// The schema of the body, where the operation takes one.
    pub body: Option<Value>,
    /// The statuses with the media types and schemas of their bodies, or with none; the refusals that any operation of
    /// its method may answer need not be named.
    pub answers: Vec<(u16, Option<(&'static str, Value)>)>,
}

/// What the document is made of.
pub struct Source<'a, N> {
    pub declarations: &'a Declarations,
    pub endpoints: &'a Endpoints<N>,
    /// How the node's routes are matched.
    pub flavor: Flavor,
    /// The release of the program.
    pub version: &'a str,
    /// The operations of the node's own endpoints; none of one that a client cannot use.
    pub describe: &'a dyn Fn(N) -> Vec<Documented>,
    /// The schema of a parameter in the node's own paths, by its name; none: any text.
    pub parameter: &'a dyn Fn(&str) -> Option<Value>,
}

/// A reference to a shared schema.
pub fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The name of the shared schema of what a POST takes for an entity.
pub fn new_row(entity: &str) -> String {
    format!("{entity}.new")
}

/// Makes the document.
pub fn document<N: Copy>(source: &Source<N>) -> Value {
    let Source { declarations, endpoints, flavor, version, describe, parameter } = source;
    // Examples are those of any other time, so that the same declarations give the same document.
    let context = Context {
        now_us: 1_700_000_000_000_000,
        new_id: &|| Uuid::from_u128(0x1f0e_2d3c_4b5a_4697_8897_a6b5_c4d3_e2f1),
        new_secret: &|| "0123456789ABCDEFGHIJKLMNOPQRSTUV".to_owned(),
        router_flavor: *flavor,
        without_database: declarations.without_database(),
    };
    let mut components = Components::new(declarations, &context);
    // Short paths go first: whoever lists the operations of an entity meets its own before those below other rows.
    let mut paths: BTreeMap<(usize, &str), Map<String, Value>> = BTreeMap::new();
    let mut tags: Vec<&'static Entity> = Vec::new();
    for endpoint in endpoints.iter() {
        let list = match endpoint.target {
            Target::Hidden => continue,
            Target::Entity(place) => {
                let entity = operations::answers_with(place);
                if !tags.iter().any(|own| own.name == entity.name) {
                    tags.push(entity);
                }
                operations::of_rows(&mut components, endpoint, place)
            }
            Target::Node(node) => operations::of_node(&endpoint.path, describe(node)),
        };
        if list.is_empty() {
            continue;
        }
        let parameters = {
            let place = match endpoint.target {
                Target::Entity(place) => Some(place),
                Target::Node(_) | Target::Hidden => None,
            };
            operations::path_parameters(&mut components, &endpoint.path, place, parameter)
        };
        let length = endpoint.path.matches('/').count();
        let item = paths.entry((length, &endpoint.path)).or_default();
        if !parameters.is_empty() {
            item.insert("parameters".to_owned(), parameters.into());
        }
        item.extend(list);
    }
    tags.sort_by_key(|entity| declarations.entities().position(|own| own.name == entity.name));
    let tags: Vec<Value> =
        std::iter::once(json!({ "name": operations::NODE, "description": "What the node is and does." }))
            .chain(
                tags.iter().map(|entity| json!({ "name": entity.name, "description": entity.description })),
            )
            .collect();
    let mut paths: Map<String, Value> =
        paths.into_iter().map(|((_, path), item)| (path.to_owned(), item.into())).collect();
    links::add(&mut paths);
    let mut document = json!({
        "openapi": VERSION,
        "info": {
            "title": "Silverback Admin API",
            "version": version,
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": components.build(),
    });
    let tokens = declarations.entities().any(|entity| entity.access.is_some() && entity.generate_admin_api);
    if let (true, Some(document)) = (tokens, document.as_object_mut()) {
        document.insert("security".to_owned(), json!([{ TOKEN: [] }]));
        if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
            let scheme = json!({ "type": "apiKey", "in": "header", "name": TOKEN });
            components.insert("securitySchemes".to_owned(), json!({ TOKEN: scheme }));
        }
    }
    document
}

/// The header that lets a client in, where clients must be known, and the name of the scheme.
const TOKEN: &str = "Kong-Admin-Token";

const DESCRIPTION: &str = "The Admin API of Kong Gateway 3.10, derived from the declarations of this node's entities \
    and plugins.\n\nEvery GET has a HEAD, and every path an OPTIONS. Forms may also be sent as \
    `multipart/form-data`. An empty list and an empty object mean the same in a body, and `false` stands for a record \
    that is not given. What a schema cannot say stands in words under `x-rules`.";
