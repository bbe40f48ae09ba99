//! `/metrics`: figures as text that Prometheus reads: those of `/status` under the names that Kong's plugin gives them
//! (`kong_…`), and the server's own (`silverback_…`).
//!
//! What Kong counts of proxied traffic does not exist on a node that proxies none, and has no line here.

mod own;
mod text;

use std::sync::atomic::{AtomicU64, Ordering};

use self::text::Text;
use super::{KONG_VERSION, Node, status, timers};
use crate::admin::Answer;

/// `GET /metrics`
pub async fn answer(node: &Node) -> Answer {
    let mut text = Text::default();
    kongs(node, &mut text).await;
    own::write(node, &mut text).await;
    Answer::Text(text.finish())
}

/// What Kong's plugin has.
async fn kongs(node: &Node, text: &mut Text) {
    const GAUGE: &str = "gauge";
    let id = node.id.to_string();
    let count = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    let figures = &node.figures;
    let (accepted, open, requests) =
        (count(&figures.accepted), count(&figures.connections), count(&figures.requests));
    let serving = count(&figures.serving);
    let waiting = open.saturating_sub(serving);
    let of_http = [("node_id", id.as_str()), ("subsystem", "http")];
    let state = |state| [of_http[0], of_http[1], ("state", state)];
    text.family("kong_nginx_connections_total", GAUGE, "Connections of the Admin API, by state")
        .line(&state("accepted"), accepted)
        .line(&state("handled"), accepted)
        .line(&state("total"), requests)
        .line(&state("active"), open)
        .line(&state("reading"), 0)
        .line(&state("writing"), serving)
        .line(&state("waiting"), waiting);
    text.family("kong_nginx_requests_total", GAUGE, "Requests since the start").line(&of_http, requests);
    let tasks = timers::tasks();
    text.family("kong_nginx_timers", GAUGE, "Tasks of the process, by state")
        .line(&[("state", "running")], tasks.running)
        .line(&[("state", "pending")], tasks.pending);
    let reachable = u8::from(node.store.is_reachable().await);
    text.family("kong_datastore_reachable", GAUGE, "Whether the database answers: 1 or 0")
        .line(&[], reachable);
    let info = [("node_id", id.as_str()), ("version", KONG_VERSION)];
    text.family("kong_node_info", GAUGE, "What the node is").line(&info, 1);
    let pid = std::process::id().to_string();
    let worker = [("node_id", id.as_str()), ("pid", pid.as_str()), ("kong_subsystem", "http")];
    text.family("kong_memory_workers_lua_vms_bytes", GAUGE, "Bytes that the process holds in memory")
        .line(&worker, status::resident_bytes());
    if let Some((used, limit)) = node.store.page_memory() {
        let pages = [("node_id", id.as_str()), ("shared_dict", "kong_db_cache"), ("kong_subsystem", "http")];
        text.family("kong_memory_lua_shared_dict_bytes", GAUGE, "Bytes of remembered pages")
            .line(&pages, used);
        let name = "kong_memory_lua_shared_dict_total_bytes";
        text.family(name, GAUGE, "Bytes of remembered pages at most").line(&pages, limit);
    }
}
