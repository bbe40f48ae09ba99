//! `GET /status`: how the node is, in the form that Kong's clients read.
//!
//! Kong speaks of nginx' connections and Lua's memory there. The connections are this server's own; the memory is
//! that of the one process, which stands for Kong's workers.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::Node;
use crate::admin::{Answer, Refusal, Request};

/// Answers `GET /status?unit=m&scale=2`.
pub async fn answer(node: &Node, request: &Request) -> Result<Answer, Refusal> {
    let arguments = request.arguments()?;
    let unit = arguments.get("unit").map_or("m", |unit| unit.as_str().unwrap_or("?"));
    let scale = match arguments.get("scale") {
        None => 2,
        Some(scale) => {
            let number = scale.as_str().and_then(generators::numbers::lua_number).and_then(|number| number.as_f64());
            match number {
                Some(number) if number >= 0.0 => number as usize,
                Some(_) => return Err(Refusal::bad_request("scale must be equal or greater than 0")),
                None => 2,
            }
        }
    };
    let memory = memory(resident_bytes(), unit, scale)?;
    let count = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
    let figures = &node.figures;
    let (open, serving) = (count(&figures.connections), count(&figures.serving));
    Ok(Answer::ok(&json!({
        "server": {
            "connections_accepted": count(&figures.accepted),
            "connections_active": open,
            "connections_handled": count(&figures.accepted),
            "connections_reading": 0,
            "connections_waiting": open.saturating_sub(serving),
            "connections_writing": serving,
            "total_requests": count(&figures.requests),
        },
        "database": { "reachable": node.store.is_reachable().await },
        "memory": {
            "workers_lua_vms": [{ "http_allocated_gc": memory, "pid": std::process::id() }],
            "lua_shared_dicts": {},
        },
    })))
}

/// Bytes in a unit, with so many digits behind the point: `56.02 MiB`; plain bytes are a number.
fn memory(bytes: u64, unit: &str, scale: usize) -> Result<Value, Refusal> {
    let (size, name) = match unit {
        "b" | "B" => return Ok(Value::from(bytes)),
        "k" | "K" => (1024.0, "KiB"),
        "m" | "M" => (1024.0 * 1024.0, "MiB"),
        "g" | "G" => (1024.0 * 1024.0 * 1024.0, "GiB"),
        _ => {
            let message = format!("invalid unit '{unit}' (expected 'k/K', 'm/M', or 'g/G')");
            return Err(Refusal::bad_request(&message));
        }
    };
    Ok(Value::from(format!("{:.*} {name}", scale.min(16), bytes as f64 / size)))
}

/// The memory that the process holds; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
