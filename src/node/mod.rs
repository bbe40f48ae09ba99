//! The node: what one running server is, and the endpoints that are not entities'.

mod access;
mod adjustable;
mod audit;
mod cache;
mod clients;
mod config;
pub mod configuration;
mod described;
mod endpoints;
mod explorer;
mod figures;
mod health;
mod log_level;
mod metrics;
mod openapi;
mod root;
mod schemas;
mod status;
mod tags;
mod timers;

use std::sync::Arc;

use entities::schema::{Declarations, Flavor};
use generators::routes::{Endpoints, Target};
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

pub use access::Access;
pub use adjustable::{Adjustable, Adjusted, adjust};
pub use clients::{Allowance, Clients};
pub use config::{ConfigurationError, export, parse as read_document, start as configure};
pub use endpoints::NodeEndpoint;
pub use figures::{Figures, Spot};
pub use health::Health;
pub use log_level::CurrentLevel;
pub use openapi::OpenApi;
pub use root::KONG_VERSION;

use crate::admin::{Answer, Refusal, Request};
use crate::clock::Circumstances;
use crate::settings::Role;
use crate::store::{Announcement, Space, Store};

/// A running server.
pub struct Node {
    pub declarations: Arc<Declarations>,
    pub endpoints: Endpoints<NodeEndpoint>,
    pub store: Store,
    pub figures: Figures,
    pub clients: Clients,
    pub log_level: Arc<CurrentLevel>,
    /// One configuration is brought about at a time.
    pub turn: configuration::Turn,
    pub health: Health,
    pub id: Uuid,
    pub hostname: String,
    pub flavor: Flavor,
    /// What changes when the settings are read again.
    pub adjusted: Adjusted,
    pub edition: &'static str,
    pub role: Role,
    pub openapi: OpenApi,
    pub access: Access,
}

impl Node {
    /// The endpoint table of a node with these declarations in that role.
    pub fn endpoints(declarations: &Declarations, role: Role) -> Endpoints<NodeEndpoint> {
        Endpoints::new(declarations, endpoints::endpoints(role))
    }

    /// The circumstances of this moment.
    pub fn circumstances(&self) -> Circumstances {
        Circumstances::now(self.flavor, self.declarations.without_database())
    }

    /// The rows that a request is about.
    pub fn space<'a>(&'a self, request: &'a Request) -> Space<'a> {
        self.store.within(request.scope).asked_by(request.client.as_ref())
    }

    /// Tells the other nodes on the same database.
    async fn announce(&self, words: &str) -> Result<(), Refusal> {
        Ok(self.store.announce(&self.id.to_string(), words).await?)
    }

    /// Does what another node announced. What this node said itself, or does not understand, changes nothing.
    pub fn hear(&self, announcement: &Announcement) {
        if announcement.sender == self.id.to_string() {
            return;
        }
        match announcement.words.split(' ').collect::<Vec<_>>().as_slice() {
            ["log-level", words @ ..] => log_level::follow(self, words, announcement.age),
            ["health", words @ ..] => health::follow(self, words),
            [access::WORD] => self.access.forget(),
            _ => {}
        }
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
            NodeEndpoint::Root => root::answer(self, request).await,
            NodeEndpoint::OpenApi(format) => self.openapi.answer(self, format).await,
            NodeEndpoint::Audit => audit::list(self, request).await,
            NodeEndpoint::Explorer => explorer::answer(name, request),
            NodeEndpoint::Endpoints => {
                let kongs = self
                    .endpoints
                    .iter()
                    .filter(|endpoint| !matches!(endpoint.target, Target::Node(own) if !own.is_kongs()));
                let paths: Vec<_> = kongs.map(|endpoint| endpoint.path.as_str()).collect();
                Ok(Answer::ok(&json!({ "data": paths })))
            }
            NodeEndpoint::Status => status::answer(self, request).await,
            NodeEndpoint::Dns => {
                // Names are left to the operating system, which keeps no figures.
                Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "not implemented with the legacy DNS client"))
            }
            NodeEndpoint::Timers => Ok(timers::answer()),
            NodeEndpoint::Metrics => Ok(metrics::answer(self).await),
            NodeEndpoint::Cache => Ok(cache::purge(self)),
            NodeEndpoint::CacheEntry => cache::entry(self, name, request),
            NodeEndpoint::Config => config::answer(self, request).await,
            NodeEndpoint::Configuration => configuration::answer(self, request).await,
            NodeEndpoint::ControlPlane => Err(Refusal::bad_request(
                "this endpoint is only available when Kong is configured to run as Control Plane for the cluster",
            )),
            NodeEndpoint::LogLevel => Ok(log_level::show(self)),
            NodeEndpoint::ChangeLogLevel(reach) => log_level::change(self, name, reach, request).await,
            NodeEndpoint::Health => health::show(self, name, request).await,
            NodeEndpoint::SetHealth(healthy) => health::set(self, parameters, healthy, request).await,
            NodeEndpoint::FilterChains | NodeEndpoint::Filters => {
                Err(Refusal::bad_request("this endpoint is only available when wasm is enabled"))
            }
            NodeEndpoint::Schema => schemas::entity(self, name, request),
            NodeEndpoint::Validate => schemas::validate(self, name, request).await,
            NodeEndpoint::ValidateEntity(entity) => schemas::validate(self, entity, request).await,
            NodeEndpoint::Subschema(entity, kind) => schemas::subschema(self, entity, kind, name, request),
            NodeEndpoint::Tags => tags::list(self, request, None).await,
            NodeEndpoint::Tag => tags::list(self, request, Some(name)).await,
            NodeEndpoint::PluginsEnabled => {
                Ok(Answer::ok(&json!({ "enabled_plugins": root::plugins(self) })))
            }
            NodeEndpoint::PluginSchema => schemas::configuration(self, name),
            NodeEndpoint::Filter => {
                Err(Refusal::new(StatusCode::NOT_FOUND, &format!("Filter '{name}' not found")))
            }
            NodeEndpoint::Nothing => Err(Refusal::not_found()),
            NodeEndpoint::EmptyCache => Ok(Answer::NoContent),
        }
    }
}
