//! What of a node follows from settings that can be read again while it runs.
//!
//! A request sees one state of it from beginning to end. Which settings those are is declared in `settings::keys`.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::{Map, Value};

use super::{Allowance, ConfigurationError, Node};
use crate::serve::Bounds;
use crate::settings::Settings;

/// The part of a node that can change.
#[derive(Clone, Debug)]
pub struct Adjustable {
    /// In bytes.
    pub body_limit: usize,
    pub request_timeout: Duration,
    pub connections: Bounds,
    /// What each client may ask for.
    pub allowance: Allowance,
    /// The origins that a browser may come from; any, when there are none.
    pub origins: Vec<String>,
    /// The `configuration` of `GET /`.
    pub configuration: Map<String, Value>,
}

impl Adjustable {
    /// As these settings say.
    pub fn of(settings: &Settings) -> Adjustable {
        Adjustable {
            body_limit: settings.body_limit,
            request_timeout: settings.request_timeout,
            allowance: Allowance::of(settings),
            connections: Bounds {
                most: settings.max_connections,
                head: settings.header_timeout,
                idle: settings.keepalive_timeout,
                send: settings.send_timeout,
            },
            origins: settings.admin_gui_origins.clone(),
            configuration: settings.configuration(),
        }
    }
}

/// Holds it, for many who read and few who change it.
#[derive(Debug)]
pub struct Adjusted(RwLock<Arc<Adjustable>>);

impl Adjusted {
    /// What holds from the start on.
    pub fn new(adjustable: Adjustable) -> Adjusted {
        Adjusted(RwLock::new(Arc::new(adjustable)))
    }

    /// What holds at this moment.
    pub fn get(&self) -> Arc<Adjustable> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, adjustable: Adjustable) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(adjustable);
    }
}

/// Brings a running node to what settings say that were read again, its declarative configuration included. What of
/// the settings cannot change while a node runs is not looked at.
///
/// # Errors
/// Why the declarative configuration is not loaded; then the node stays as it was.
pub async fn adjust(node: &Node, settings: &Settings) -> Result<(), ConfigurationError> {
    let text = settings.declarative_config_string.as_ref().map(|text| text.expose());
    super::configure(node, settings.declarative_config.as_deref(), text).await?;
    node.adjusted.set(Adjustable::of(settings));
    node.log_level.configure(settings.log_level);
    Ok(())
}
