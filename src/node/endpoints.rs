//! The endpoints of the node, beside those that the declarations imply: their paths and methods. What each of them
//! answers is decided where the node answers.

use generators::routes::Endpoint;

use super::log_level::Reach;
use crate::settings::Role;

/// An endpoint of the node.
#[derive(Clone, Copy, Debug)]
pub enum NodeEndpoint {
    /// `/`
    Root,
    /// `/openapi.json`, `/openapi.yaml`
    OpenApi(Format),
    /// `/audit/objects`
    Audit,
    /// `/docs`, `/docs/{file}`
    Explorer,
    /// `/endpoints`
    Endpoints,
    /// `/status`
    Status,
    /// `/status/dns`
    Dns,
    /// `/timers`
    Timers,
    /// `/metrics`
    Metrics,
    /// `/cache`
    Cache,
    /// `/cache/{key}`
    CacheEntry,
    /// `/config`
    Config,
    /// `/configuration`
    Configuration,
    /// `/clustering/…`: what only a control plane has.
    ControlPlane,
    /// `/debug/node/log-level`
    LogLevel,
    /// `/debug/node/log-level/{log_level}`, `/debug/cluster/log-level/{log_level}`
    ChangeLogLevel(Reach),
    /// `/upstreams/{upstreams}/health`
    Health,
    /// `/upstreams/{upstreams}/targets/{targets}/healthy` and the like: whether the target is said to be healthy.
    SetHealth(bool),
    /// `/filter-chains…`, by any method: what only a node with wasm has.
    FilterChains,
    /// `/routes/{routes}/filters/all` and the like: likewise.
    Filters,
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

/// How the OpenAPI document is written.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    Json,
    Yaml,
}

impl NodeEndpoint {
    /// Whether Kong has the endpoint, too; one of this program alone is not listed among Kong's.
    pub fn is_kongs(self) -> bool {
        !matches!(
            self,
            NodeEndpoint::Audit
                | NodeEndpoint::Configuration
                | NodeEndpoint::Explorer
                | NodeEndpoint::OpenApi(_)
        )
    }

    /// Whether anybody may read it, where others need a token: it tells nothing of the node or its rows.
    pub fn is_open(self) -> bool {
        matches!(self, NodeEndpoint::Explorer)
    }

    /// Whether the endpoint's own answer goes before the one that OPTIONS gets everywhere.
    pub fn answers_options(self) -> bool {
        matches!(self, NodeEndpoint::FilterChains)
    }
}

/// The endpoints of a node in that role.
pub fn endpoints(role: Role) -> Vec<Endpoint<NodeEndpoint>> {
    const GET: &[&str] = &["GET"];
    const POST: &[&str] = &["POST"];
    const PUT: &[&str] = &["PUT"];
    const DELETE: &[&str] = &["DELETE"];
    const READ_OR_DROP: &[&str] = &["DELETE", "GET"];
    const ANY: &[&str] = &["DELETE", "GET", "PATCH", "POST", "PUT"];
    let every_node = match role {
        Role::ControlPlane => "/debug/cluster/control-planes-nodes/log-level/{log_level}",
        Role::Traditional | Role::DataPlane => "/debug/cluster/log-level/{log_level}",
    };
    vec![
        Endpoint::node("/", GET, NodeEndpoint::Root),
        Endpoint::node("/openapi.json", GET, NodeEndpoint::OpenApi(Format::Json)),
        Endpoint::node("/openapi.yaml", GET, NodeEndpoint::OpenApi(Format::Yaml)),
        Endpoint::node("/audit/objects", GET, NodeEndpoint::Audit),
        Endpoint::node("/docs", GET, NodeEndpoint::Explorer),
        Endpoint::node("/docs/{file}", GET, NodeEndpoint::Explorer),
        Endpoint::node("/endpoints", GET, NodeEndpoint::Endpoints),
        Endpoint::node("/status", GET, NodeEndpoint::Status),
        Endpoint::node("/status/dns", GET, NodeEndpoint::Dns),
        Endpoint::node("/timers", GET, NodeEndpoint::Timers),
        Endpoint::node("/metrics", GET, NodeEndpoint::Metrics),
        Endpoint::node("/cache", DELETE, NodeEndpoint::Cache),
        Endpoint::node("/cache/{key}", READ_OR_DROP, NodeEndpoint::CacheEntry),
        Endpoint::node("/config", &["GET", "POST"], NodeEndpoint::Config),
        Endpoint::node("/configuration", &["GET", "PUT"], NodeEndpoint::Configuration),
        Endpoint::node("/clustering/data-planes", GET, NodeEndpoint::ControlPlane),
        Endpoint::node("/clustering/status", GET, NodeEndpoint::ControlPlane),
        Endpoint::node("/debug/node/log-level", GET, NodeEndpoint::LogLevel),
        Endpoint::node("/debug/node/log-level/{log_level}", PUT, NodeEndpoint::ChangeLogLevel(Reach::Node)),
        Endpoint::node(every_node, PUT, NodeEndpoint::ChangeLogLevel(Reach::Cluster)),
        Endpoint::node("/filter-chains", ANY, NodeEndpoint::FilterChains),
        Endpoint::node("/filter-chains/{filter_chains}", ANY, NodeEndpoint::FilterChains),
        Endpoint::node("/filter-chains/{filter_chains}/route", ANY, NodeEndpoint::FilterChains),
        Endpoint::node("/filter-chains/{filter_chains}/service", ANY, NodeEndpoint::FilterChains),
        Endpoint::node("/routes/{routes}/filter-chains", ANY, NodeEndpoint::FilterChains),
        Endpoint::node("/routes/{routes}/filter-chains/{filter_chains}", ANY, NodeEndpoint::FilterChains),
        Endpoint::node("/services/{services}/filter-chains", ANY, NodeEndpoint::FilterChains),
        Endpoint::node("/services/{services}/filter-chains/{filter_chains}", ANY, NodeEndpoint::FilterChains),
        Endpoint::node("/routes/{routes}/filters/all", GET, NodeEndpoint::Filters),
        Endpoint::node("/routes/{routes}/filters/disabled", GET, NodeEndpoint::Filters),
        Endpoint::node("/routes/{routes}/filters/enabled", GET, NodeEndpoint::Filters),
        Endpoint::node("/upstreams/{upstreams}/health", GET, NodeEndpoint::Health),
        Endpoint::node(
            "/upstreams/{upstreams}/targets/{targets}/healthy",
            PUT,
            NodeEndpoint::SetHealth(true),
        ),
        Endpoint::node(
            "/upstreams/{upstreams}/targets/{targets}/unhealthy",
            PUT,
            NodeEndpoint::SetHealth(false),
        ),
        Endpoint::node(
            "/upstreams/{upstreams}/targets/{targets}/{address}/healthy",
            PUT,
            NodeEndpoint::SetHealth(true),
        ),
        Endpoint::node(
            "/upstreams/{upstreams}/targets/{targets}/{address}/unhealthy",
            PUT,
            NodeEndpoint::SetHealth(false),
        ),
        Endpoint::node("/schemas/{name}", GET, NodeEndpoint::Schema),
        Endpoint::node("/schemas/{db_entity_name}/validate", POST, NodeEndpoint::Validate),
        Endpoint::node("/schemas/plugins/validate", POST, NodeEndpoint::ValidateEntity("plugins")),
        Endpoint::node("/schemas/plugins/{name}", GET, NodeEndpoint::Subschema("plugins", "plugin")),
        Endpoint::node("/schemas/vaults/validate", POST, NodeEndpoint::ValidateEntity("vaults")),
        Endpoint::node("/schemas/vaults/{name}", GET, NodeEndpoint::Subschema("vaults", "vault")),
        Endpoint::node("/tags", &["GET", "POST"], NodeEndpoint::Tags),
        Endpoint::node("/tags/{tags}", &["DELETE", "GET", "PATCH", "PUT"], NodeEndpoint::Tag),
        Endpoint::node("/plugins/enabled", GET, NodeEndpoint::PluginsEnabled),
        Endpoint::node("/plugins/schema/{name}", GET, NodeEndpoint::PluginSchema),
        Endpoint::node("/schemas/filters/{name}", GET, NodeEndpoint::Filter),
        Endpoint::node("/acme", POST, NodeEndpoint::Nothing),
        Endpoint::node("/acme/certificates", GET, NodeEndpoint::Nothing),
        Endpoint::node("/acme/certificates/{certificates}", GET, NodeEndpoint::Nothing),
        Endpoint::node("/proxy-cache", DELETE, NodeEndpoint::EmptyCache),
        Endpoint::node("/proxy-cache/{cache_key}", READ_OR_DROP, NodeEndpoint::Nothing),
        Endpoint::node("/proxy-cache/{plugin_id}/caches/{cache_key}", READ_OR_DROP, NodeEndpoint::Nothing),
    ]
}
