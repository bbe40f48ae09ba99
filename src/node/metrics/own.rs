//! The server's own figures: requests by endpoint, the store, the process.
//!
//! An endpoint is told by its pattern (`/services/{services}`), never by a path that was asked for: there are as many
//! lines as there are endpoints, whatever clients do.

use super::super::{Node, status};
use super::text::Text;
use crate::store::Asked;

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";
const HISTOGRAM: &str = "histogram";

/// Writes them.
pub(super) async fn write(node: &Node, text: &mut Text) {
    requests(node, text);
    store(node, text).await;
    let help = "Bytes that the process holds in memory";
    text.family("process_resident_memory_bytes", GAUGE, help).line(&[], status::resident_bytes());
}

fn requests(node: &Node, text: &mut Text) {
    let endpoints: Vec<_> = node.endpoints.iter().map(|endpoint| endpoint.path.as_str()).collect();
    let help = "Requests that were answered, by the pattern of their path";
    let mut family = text.family("silverback_http_requests_total", COUNTER, help);
    for (endpoint, method, status, count) in node.figures.answers() {
        let endpoint = endpoints.get(endpoint).copied().unwrap_or("none");
        let status = if status == 0 { "other".to_owned() } else { status.to_string() };
        family.line(&[("method", method), ("endpoint", endpoint), ("status", &status)], count);
    }
    let help = "How long answers took, by the kind of their endpoint";
    let mut family = text.family("silverback_http_request_duration_seconds", HISTOGRAM, help);
    for (method, kind, times) in
        node.figures.times().filter(|(.., times)| times.cumulated().any(|(_, sum)| sum > 0))
    {
        family.times(&[("method", method), ("kind", kind)], times);
    }
}

async fn store(node: &Node, text: &mut Text) {
    let help = "How long the database took, where rows in memory did not answer";
    let mut family = text.family("silverback_store_operation_duration_seconds", HISTOGRAM, help);
    for (asked, name) in [(Asked::Read, "read"), (Asked::Write, "write")] {
        family.times(&[("operation", name)], node.store.figures().times(asked));
    }
    let help = "Operations of the store that are going on";
    text.family("silverback_store_operations", GAUGE, help).line(&[], node.store.figures().asking());
    if let Some(pool) = node.store.pool() {
        text.family("silverback_pool_connections", GAUGE, "Connections to PostgreSQL, by state")
            .line(&[("state", "open")], pool.open)
            .line(&[("state", "idle")], pool.idle);
        let help = "Operations that wait for a connection to PostgreSQL";
        text.family("silverback_pool_waiting", GAUGE, help).line(&[], pool.waiting);
    }
    if let Some(version) = node.store.version().await {
        text.family("silverback_change_log_version", GAUGE, "The last version of the change log")
            .line(&[], version);
    }
}
