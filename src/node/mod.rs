//! The node: what one running server is, and the endpoints that are not entities'.

mod figures;
mod root;
mod schemas;
mod status;
mod tags;

use std::sync::Arc;
use std::time::Duration;

use entities::schema::{Declarations, Flavor};
use generators::routes::{Endpoint, Endpoints};
use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use figures::Figures;

use crate::admin::{Answer, Refusal, Request};
use crate::clock::Circumstances;
use crate::store::Store;

/// An endpoint of the node.
#[derive(Clone, Copy, Debug)]
pub enum NodeEndpoint {
    /// `/`
    Root,
    /// `/endpoints`
    Endpoints,
    /// `/status`
    Status,
    /// `/schemas/{name}`
    Schema,
    /// `/schemas/{db_entity_name}/validate`
    Validate,
    /// `/schemas/plugins/validate`, `/schemas/vaults/validate`
    ValidateEntity(&'static str),
    /// `/schemas/plugins/{name}`, `/schemas/vaults/{name}`: the entity, and what its subschemas are called.
    Subschema(&'static str, &'static str),
    /// `/tags`
    Tags,
    /// `/tags/{tags}`
    Tag,
    /// `/plugins/enabled`
    PluginsEnabled,
    /// `/plugins/schema/{name}`
    PluginSchema,
    /// `/schemas/filters/{name}`: no filter is known while wasm is off.
    Filter,
    /// `/acme…`, `/proxy-cache/{cache_key}`: what only a node that proxies could have.
    Nothing,
    /// `/proxy-cache`: what has been cached can be dropped, and nothing has.
    EmptyCache,
}

/// The endpoints of the node, beside those that the declarations imply.
fn endpoints() -> Vec<Endpoint<NodeEndpoint>> {
    const GET: &[&str] = &["GET"];
    const POST: &[&str] = &["POST"];
    vec![
        Endpoint::node("/", GET, NodeEndpoint::Root),
        Endpoint::node("/endpoints", GET, NodeEndpoint::Endpoints),
        Endpoint::node("/status", GET, NodeEndpoint::Status),
        Endpoint::node("/schemas/{name}", GET, NodeEndpoint::Schema),
        Endpoint::node("/schemas/{db_entity_name}/validate", POST, NodeEndpoint::Validate),
        Endpoint::node("/schemas/plugins/validate", POST, NodeEndpoint::ValidateEntity("plugins")),
        Endpoint::node("/schemas/plugins/{name}", GET, NodeEndpoint::Subschema("plugins", "plugin")),
        Endpoint::node("/schemas/vaults/validate", POST, NodeEndpoint::ValidateEntity("vaults")),
        Endpoint::node("/schemas/vaults/{name}", GET, NodeEndpoint::Subschema("vaults", "vault")),
        Endpoint::node("/tags", &["GET", "POST"], NodeEndpoint::Tags),
        Endpoint::node("/tags/{tags}", GET, NodeEndpoint::Tag),
        Endpoint::node("/plugins/enabled", GET, NodeEndpoint::PluginsEnabled),
        Endpoint::node("/plugins/schema/{name}", GET, NodeEndpoint::PluginSchema),
        Endpoint::node("/schemas/filters/{name}", GET, NodeEndpoint::Filter),
        Endpoint::node("/acme", POST, NodeEndpoint::Nothing),
        Endpoint::node("/acme/certificates", GET, NodeEndpoint::Nothing),
        Endpoint::node("/acme/certificates/{certificates}", GET, NodeEndpoint::Nothing),
        Endpoint::node("/proxy-cache", &["DELETE"], NodeEndpoint::EmptyCache),
        Endpoint::node("/proxy-cache/{cache_key}", &["DELETE", "GET"], NodeEndpoint::Nothing),
        Endpoint::node("/proxy-cache/{plugin_id}/caches/{cache_key}", &["DELETE", "GET"], NodeEndpoint::Nothing),
    ]
}

/// A running server.
pub struct Node {
    pub declarations: Arc<Declarations>,
    pub endpoints: Endpoints<NodeEndpoint>,
    pub store: Store,
    pub figures: Figures,
    pub id: Uuid,
    pub hostname: String,
    pub flavor: Flavor,
    pub body_limit: usize,
    pub request_timeout: Duration,
    /// The origins that a browser may come from; any, when there are none.
    pub origins: Vec<String>,
    /// The `configuration` of `GET /`.
    pub configuration: Map<String, Value>,
    pub edition: &'static str,
}

impl Node {
    /// The endpoint table of a node with these declarations.
    pub fn endpoints(declarations: &Declarations) -> Endpoints<NodeEndpoint> {
        Endpoints::new(declarations, endpoints())
    }

    /// The circumstances of this moment.
    pub fn circumstances(&self) -> Circumstances {
        Circumstances::now(self.flavor, self.declarations.without_database())
    }

    /// Answers a request to one of the node's own endpoints.
    pub async fn answer(
        &self,
        endpoint: NodeEndpoint,
        parameters: &[String],
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let name = parameters.first().map_or("", String::as_str);
        match endpoint {
            NodeEndpoint::Root => root::answer(self).await,
            NodeEndpoint::Endpoints => {
                let paths: Vec<_> = self.endpoints.iter().map(|endpoint| endpoint.path.as_str()).collect();
                Ok(Answer::ok(&json!({ "data": paths })))
            }
            NodeEndpoint::Status => status::answer(self, request).await,
            NodeEndpoint::Schema => schemas::entity(self, name),
            NodeEndpoint::Validate => schemas::validate(self, name, request).await,
            NodeEndpoint::ValidateEntity(entity) => schemas::validate(self, entity, request).await,
            NodeEndpoint::Subschema(entity, kind) => schemas::subschema(self, entity, kind, name),
            NodeEndpoint::Tags => tags::list(self, request, None).await,
            NodeEndpoint::Tag => tags::list(self, request, Some(name)).await,
            NodeEndpoint::PluginsEnabled => Ok(Answer::ok(&json!({ "enabled_plugins": root::plugins(self) }))),
            NodeEndpoint::PluginSchema => schemas::configuration(self, name),
            NodeEndpoint::Filter => {
                Err(Refusal::new(StatusCode::NOT_FOUND, &format!("Filter '{name}' not found")))
            }
            NodeEndpoint::Nothing => Err(Refusal::not_found()),
            NodeEndpoint::EmptyCache => Ok(Answer::NoContent),
        }
    }
}
