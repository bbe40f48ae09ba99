//! `/metrics`: the figures of `/status` as text that Prometheus reads, under the names that Kong's plugin gives them.
//!
//! What Kong counts of proxied traffic does not exist on a node that proxies none, and has no line here.

use std::fmt::{Display, Write};
use std::sync::atomic::Ordering;

use super::{KONG_VERSION, Node, status, timers};
use crate::admin::Answer;

/// A figure: its labels, and its value.
type Line<'a> = (&'a [(&'a str, &'a str)], &'a dyn Display);

/// The text, one family of figures after the other.
#[derive(Default)]
struct Text(String);

impl Text {
    /// A family: its name, what it is, and its lines, each with labels and a value.
    fn family(&mut self, name: &str, help: &str, lines: &[Line]) {
        let mut write = || {
            writeln!(self.0, "# HELP kong_{name} {help}")?;
            writeln!(self.0, "# TYPE kong_{name} gauge")?;
            for (labels, value) in lines {
                let labels: Vec<_> =
                    labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
                match labels.is_empty() {
                    true => writeln!(self.0, "kong_{name} {value}")?,
                    false => writeln!(self.0, "kong_{name}{{{}}} {value}", labels.join(","))?,
                }
            }
            Ok::<_, std::fmt::Error>(())
        };
        // A text in memory takes everything.
        let _never_fails = write();
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// `GET /metrics`
pub async fn answer(node: &Node) -> Answer {
    let id = node.id.to_string();
    let count = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
    let figures = &node.figures;
    let (accepted, open, requests) =
        (count(&figures.accepted), count(&figures.connections), count(&figures.requests));
    let serving = count(&figures.serving);
    let waiting = open.saturating_sub(serving);
    let of_http = [("node_id", id.as_str()), ("subsystem", "http")];
    let state = |state| [of_http[0], of_http[1], ("state", state)];
    let mut text = Text::default();
    text.family(
        "nginx_connections_total",
        "Connections of the Admin API, by state",
        &[
            (&state("accepted"), &accepted),
            (&state("handled"), &accepted),
            (&state("total"), &requests),
            (&state("active"), &open),
            (&state("reading"), &0),
            (&state("writing"), &serving),
            (&state("waiting"), &waiting),
        ],
    );
    text.family("nginx_requests_total", "Requests since the start", &[(&of_http, &requests)]);
    let tasks = timers::tasks();
    text.family(
        "nginx_timers",
        "Tasks of the process, by state",
        &[(&[("state", "running")], &tasks.running), (&[("state", "pending")], &tasks.pending)],
    );
    let reachable = u8::from(node.store.is_reachable().await);
    text.family("datastore_reachable", "Whether the database answers: 1 or 0", &[(&[], &reachable)]);
    let info = [("node_id", id.as_str()), ("version", KONG_VERSION)];
    text.family("node_info", "What the node is", &[(&info, &1)]);
    let pid = std::process::id().to_string();
    let worker = [("node_id", id.as_str()), ("pid", pid.as_str()), ("kong_subsystem", "http")];
    let bytes = status::resident_bytes();
    text.family(
        "memory_workers_lua_vms_bytes",
        "Bytes that the process holds in memory",
        &[(&worker, &bytes)],
    );
    if let Some((used, limit)) = node.store.page_memory() {
        let pages = [("node_id", id.as_str()), ("shared_dict", "kong_db_cache"), ("kong_subsystem", "http")];
        let name = "memory_lua_shared_dict_bytes";
        text.family(name, "Bytes of remembered pages", &[(&pages, &used)]);
        let name = "memory_lua_shared_dict_total_bytes";
        text.family(name, "Bytes of remembered pages at most", &[(&pages, &limit)]);
    }
    Answer::Text(text.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_has_a_head_and_lines() {
        let mut text = Text::default();
        text.family("a", "About a", &[(&[("x", "1\"\n"), ("y", "é")], &2), (&[], &3)]);
        assert_eq!(
            text.0,
            "# HELP kong_a About a\n# TYPE kong_a gauge\nkong_a{x=\"1\\\"\\n\",y=\"é\"} 2\nkong_a 3\n"
        );
    }
}
