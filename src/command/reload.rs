//! `SIGHUP`: the settings are read again, as `kong reload` has it. What can change while the node runs does; what cannot
//! is named in the log and waits for a restart. Settings that are wrong change nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use silverback::node::{Node, adjust};
use silverback::serve::{Configured, Tls};
use silverback::settings::{Reloaded, Settings};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// From now on the signal does not end the process.
pub fn listen() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("SIGHUP cannot be waited for")
}

/// What follows settings.
pub struct Running {
    pub node: Arc<Node>,
    /// Where a listener speaks TLS.
    pub tls: Option<Arc<Tls>>,
    /// Those that are in effect.
    pub settings: Settings,
}

/// Reads the settings again whenever the process is told to; never ends.
pub async fn whenever(mut told: Signal, file: Option<PathBuf>, mut running: Running) {
    while told.recv().await.is_some() {
        match again(&running, file.as_deref()).await {
            Ok(now) => running.settings = now,
            Err(why) => tracing::error!("the settings stay as they are: {why:#}"),
        }
    }
}

/// Reads the settings, and the certificates that they name, and brings the node to them; gives those that are in
/// effect now.
async fn again(running: &Running, file: Option<&Path>) -> anyhow::Result<Settings> {
    let (read, _) = super::load(file)?;
    let Reloaded { settings: now, changed, waiting } = running.settings.reloaded(&read);
    let configured = match &running.tls {
        Some(_) => Some(Configured::of(&now)?),
        None => None,
    };
    adjust(&running.node, &now).await?;
    if let (Some(tls), Some(configured)) = (&running.tls, configured) {
        tls.follow(configured);
    }
    tracing::info!(changed = changed.join(", "), "the settings were read again");
    if !waiting.is_empty() {
        tracing::warn!(keys = waiting.join(", "), "these settings have changed and wait for a restart");
    }
    Ok(now)
}
