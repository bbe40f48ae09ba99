//! `GET /status`: how the node is, in the form that Kong's clients read.
//!
//! Kong speaks of nginx' connections and Lua's memory there. The connections are this server's own, of which it does
//! not know who has begun to send a request (`connections_reading`). The memory is that of the one process, which
//! stands for Kong's workers; the shared dictionary `kong_db_cache` stands for the pages that are remembered, where
//! the store remembers any.

use std::sync::atomic::Ordering;

use generators::numbers::lua_number;
use serde_json::{Map, Value, json};

use super::Node;
use crate::admin::{Answer, Refusal, Request};

/// Answers `GET /status?unit=m&scale=2`.
pub async fn answer(node: &Node, request: &Request) -> Result<Answer, Refusal> {
    let arguments = request.arguments()?;
    let unit = match arguments.get("unit") {
        None => "m",
        Some(unit) => unit.as_str().unwrap_or_default(),
    };
    let scale = arguments.get("scale").and_then(Value::as_str).and_then(lua_number);
    let scale = scale.and_then(|number| number.as_f64()).unwrap_or(SCALE);
    let held = memory(resident_bytes(), unit, scale)?;
    let mut dictionaries = Map::new();
    if let Some((used, limit)) = node.store.page_memory() {
        let (used, limit) = (memory(used as u64, unit, scale)?, memory(limit as u64, unit, scale)?);
        dictionaries
            .insert("kong_db_cache".to_owned(), json!({ "allocated_slabs": used, "capacity": limit }));
    }
    let count = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
    let figures = &node.figures;
    let (open, serving) = (count(&figures.connections), count(&figures.serving));
    let mut status = json!({
        "server": {
            "connections_accepted": count(&figures.accepted),
            "connections_active": open,
            "connections_handled": count(&figures.accepted),
            "connections_reading": 0,
            "connections_waiting": open.saturating_sub(serving),
            "connections_writing": serving,
            "total_requests": count(&figures.requests),
        },
        "memory": {
            "workers_lua_vms": [{ "http_allocated_gc": held, "pid": std::process::id() }],
            "lua_shared_dicts": dictionaries,
        },
    });
    // A node without a database tells instead which configuration it has.
    let (name, value) = match node.store.configuration_hash() {
        Some(hash) => ("configuration_hash", Value::from(hash)),
        None => ("database", json!({ "reachable": node.store.is_reachable().await })),
    };
    if let Value::Object(status) = &mut status {
        status.insert(name.to_owned(), value);
    }
    Ok(Answer::ok(&status))
}

/// How many digits stand behind the point unless the request says otherwise.
const SCALE: f64 = 2.0;
/// How many digits there are at most.
const MAX_SCALE: f64 = 99.0;

/// Bytes in a unit, with so many digits behind the point: `56.02 MiB`. Plain bytes are a number, or a text where no
/// unit was named at all; how many digits such have is not asked.
fn memory(bytes: u64, unit: &str, scale: f64) -> Result<Value, Refusal> {
    let lower = unit.to_ascii_lowercase();
    match lower.as_str() {
        "" => return Ok(Value::from(bytes.to_string())),
        "b" => return Ok(Value::from(bytes)),
        _ if scale < 0.0 => return Err(Refusal::bad_request("scale must be equal or greater than 0")),
        _ => {}
    }
    let (size, name) = match lower.as_str() {
        "k" => (1024.0, "KiB"),
        "m" => (1024.0 * 1024.0, "MiB"),
        "g" => (1024.0 * 1024.0 * 1024.0, "GiB"),
        _ => {
            let message = format!("invalid unit '{unit}' (expected 'k/K', 'm/M', or 'g/G')");
            return Err(Refusal::bad_request(&message));
        }
    };
    Ok(Value::from(format!("{:.*} {name}", scale.min(MAX_SCALE) as usize, bytes as f64 / size)))
}

/// The memory that the process holds; 0 where the system does not tell.
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_a_unit_and_digits() {
        for (unit, scale, shown) in [
            ("m", 2.0, json!("1.50 MiB")),
            ("K", 0.0, json!("1536 KiB")),
            ("g", 4.9, json!("0.0015 GiB")),
            ("b", -1.0, json!(1_572_864)),
            ("", 2.0, json!("1572864")),
        ] {
            assert_eq!(memory(3 << 19, unit, scale).unwrap(), shown, "{unit} {scale}");
        }
        for (unit, scale, message) in [
            ("M", -0.5, "scale must be equal or greater than 0"),
            ("mb", -1.0, "scale must be equal or greater than 0"),
            ("é", 2.0, "invalid unit 'é' (expected 'k/K', 'm/M', or 'g/G')"),
        ] {
            assert_eq!(memory(1, unit, scale).unwrap_err().body["message"], message);
        }
        assert_eq!(memory(1, "k", f64::INFINITY).unwrap().as_str().map(str::len), Some(105));
    }
}
