//! `GET /`: what the node is, in the form that Kong's clients read.

use std::borrow::Cow;
use std::collections::BTreeSet;

use generators::operations::Page;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Node;
use crate::admin::{Answer, Refusal, Request};

/// The version of Kong whose Admin API this is; clients decide by it what they may ask.
pub const KONG_VERSION: &str = "3.10.0";
/// The release of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The names of the plugins that the node knows.
pub fn plugins(node: &Node) -> Vec<&'static str> {
    let plugins = node.declarations.entity("plugins");
    plugins.into_iter().flat_map(|entity| entity.subschemas).map(|(name, _)| *name).collect()
}

/// Answers `GET /`.
pub async fn answer(node: &Node, request: &Request) -> Result<Answer, Refusal> {
    let available: Map<String, Value> = node
        .declarations
        .entity("plugins")
        .into_iter()
        .flat_map(|entity| entity.subschemas)
        .map(|(name, own)| ((*name).to_owned(), json!({ "version": own.version, "priority": own.priority })))
        .collect();
    let tasks = super::timers::tasks();
    Ok(Answer::ok(&json!({
        "tagline": "Welcome to kong",
        "version": KONG_VERSION,
        "silverback_version": VERSION,
        "edition": node.edition,
        "hostname": node.hostname,
        "node_id": node.id.to_string(),
        "lua_version": "none",
        "timers": { "running": tasks.running, "pending": tasks.pending },
        "pids": { "master": std::process::id(), "workers": [std::process::id()] },
        "plugins": { "available_on_server": available, "enabled_in_cluster": in_cluster(node, request).await? },
        "configuration": node.adjusted.get().configuration,
    })))
}

/// What is read of a plugin's row: the rest, which may be long, is passed over.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// The names of the plugins that some row configures.
async fn in_cluster(node: &Node, request: &Request) -> Result<BTreeSet<String>, Refusal> {
    let mut names = BTreeSet::new();
    let Some(entity) = node.declarations.entity("plugins") else { return Ok(names) };
    let mut after = None;
    loop {
        let page = Page { size: generators::operations::MAX_PAGE_SIZE, after, ..Page::default() };
        let slice = node.space(request).page(entity, &page).await?;
        for json in &slice.rows {
            if let Ok(Named { name }) = serde_json::from_slice(json)
                && !names.contains(&*name)
            {
                names.insert(name.into_owned());
            }
        }
        after = slice.goes_on_after;
        if after.is_none() {
            return Ok(names);
        }
    }
}
