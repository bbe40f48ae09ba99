//! Silverback: Kong's Admin API and control plane over one list of entity declarations.
//!
//! WHERE it meets the world: sockets, clock, database, files. This package is the only one that awaits. [`app`] is
//! what tests and embedders call.

pub mod admin;
mod clock;
mod extensions;
mod histogram;
pub mod lua;
pub mod node;
pub mod serve;
pub mod settings;
pub mod store;
pub mod traces;

use std::collections::HashMap;
use std::sync::Arc;

use entities::schema::{Declarations, Edition, Flavor, Profile};
use uuid::Uuid;

use node::{Access, Adjustable, Adjusted, Clients, CurrentLevel, Figures, Health, Node, OpenApi};
use settings::{RouterFlavor, Settings};
use store::{Database, Keyring, KeyringError, OpenError, Store};

pub use clock::{long_secret, now};
pub use extensions::{Extension, Files, Form, NotInstalled, with_plugin};

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    NotInstalled(#[from] NotInstalled),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error(transparent)]
    Configuration(#[from] node::ConfigurationError),
}

/// The declarations of a node with these settings: those of the program, and those of the plugins that the settings
/// name and that are found in their folders.
///
/// # Errors
/// The names of plugins that are enabled and found nowhere.
pub fn declarations(settings: &Settings) -> Result<Arc<Declarations>, NotInstalled> {
    declarations_with(settings, &[])
}

/// As [`declarations`], and those of `extensions`.
///
/// # Errors
/// The names of plugins that are enabled and found nowhere.
pub fn declarations_with(
    settings: &Settings,
    extensions: &[Extension],
) -> Result<Arc<Declarations>, NotInstalled> {
    let edition = match settings.edition {
        settings::Edition::Community => Edition::Community,
        settings::Edition::Enterprise => Edition::Enterprise,
    };
    let enabled = HashMap::from([
        ("plugins".to_owned(), settings.plugins.clone()),
        ("vaults".to_owned(), settings.vaults.clone()),
    ]);
    let secret = Some(clock::long_secret());
    let without_database = settings.database == settings::Database::Off;
    let router_flavor = flavor(settings);
    let list = extensions::entities(settings, extensions)?;
    Ok(Arc::new(Declarations::new(
        &list,
        &Profile {
            edition,
            enabled,
            secret,
            without_database,
            router_flavor,
            workspaces: settings.workspaces,
            tokens: settings.access.enforced,
        },
    )))
}

/// The router flavour that rules of routes are checked by.
pub fn flavor(settings: &Settings) -> Flavor {
    match settings.router_flavor {
        RouterFlavor::TraditionalCompatible => Flavor::TraditionalCompatible,
        RouterFlavor::Traditional => Flavor::Traditional,
        RouterFlavor::Expressions => Flavor::Expressions,
    }
}

/// Opens the store and makes the node.
///
/// # Errors
/// The names of plugins that are enabled and found nowhere; why the store cannot be opened.
pub async fn node(settings: &Settings, database: &Database) -> Result<Arc<Node>, StartError> {
    node_with(settings, database, &[]).await
}

/// As [`node`], with plugins and entities that a program brings which embeds this one.
///
/// # Errors
/// As of [`node`].
pub async fn node_with(
    settings: &Settings,
    database: &Database,
    extensions: &[Extension],
) -> Result<Arc<Node>, StartError> {
    let declarations = declarations_with(settings, extensions)?;
    let flavor = flavor(settings);
    let keyring = settings.keyring.as_deref().map(Keyring::read).transpose()?.map(Arc::new);
    let store = Store::open(database, Arc::clone(&declarations), flavor, keyring).await?;
    let endpoints = Node::endpoints(&declarations, settings.role);
    let figures = Figures::new(endpoints.iter().count());
    let node = Arc::new(Node {
        endpoints,
        declarations,
        store,
        figures,
        clients: Clients::default(),
        log_level: CurrentLevel::new(settings.log_level),
        health: Health::default(),
        turn: node::configuration::Turn::default(),
        id: settings.node_id.as_deref().and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_else(Uuid::new_v4),
        hostname: hostname(),
        flavor,
        adjusted: Adjusted::new(Adjustable::of(settings)),
        edition: settings.edition.word(),
        role: settings.role,
        openapi: OpenApi::default(),
        access: Access::new(&settings.access),
    });
    let text = settings.declarative_config_string.as_ref().map(|text| text.expose());
    node::configure(&node, settings.declarative_config.as_deref(), text).await?;
    Ok(node)
}

/// The Admin API of a node, for a server or a test to call.
pub fn app(node: Arc<Node>) -> axum::Router {
    admin::router(node)
}

/// The name of the machine; `localhost` where the system does not tell.
fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// The README's example compiles and says the truth.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
