//! `SIGHUP`: the settings are read again, as `kong reload` has it. What can change while the node runs does; what cannot
//! is named in the log and waits for a restart. Settings that are wrong change nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use silverback::node::{Node, adjust};
use silverback::settings::{Reloaded, Settings};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// From now on the signal does not end the process.
pub fn listen() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("SIGHUP cannot be waited for")
}

/// Reads the settings again whenever the process is told to; never ends.
pub async fn whenever(mut told: Signal, node: Arc<Node>, file: Option<PathBuf>, mut settings: Settings) {
    while told.recv().await.is_some() {
        match again(&node, file.as_deref(), &settings).await {
            Ok(now) => settings = now,
            Err(why) => tracing::error!("the settings stay as they are: {why:#}"),
        }
    }
}

/// Reads the settings and brings the node to them; gives those that are in effect now.
async fn again(node: &Node, file: Option<&Path>, settings: &Settings) -> anyhow::Result<Settings> {
    let (read, _) = super::load(file)?;
    let Reloaded { settings: now, changed, waiting } = settings.reloaded(&read);
    adjust(node, &now).await?;
    tracing::info!(changed = changed.join(", "), "the settings were read again");
    if !waiting.is_empty() {
        tracing::warn!(keys = waiting.join(", "), "these settings have changed and wait for a restart");
    }
    Ok(now)
}
