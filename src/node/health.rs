//! `/upstreams/{upstreams}/health` and the endpoints that set the health of a target by hand.
//!
//! Kong's balancer knows which addresses a target has and which of them answer. This node sends no traffic and checks
//! nothing: a target's addresses are those that its name has at this moment, an address is healthy until somebody
//! says otherwise, and what was said is kept in memory, as in Kong. Whether health is looked at at all is the
//! upstream's own word.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use entities::schema::address::{Kind, normalize_ip};
use entities::schema::{Entity, Row};
use generators::operations::Key;
use generators::output;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

use super::Node;
use crate::admin::{Answer, Refusal, Request, rows};
use crate::store;

/// How long a look-up of a name may take.
const LOOKUP: Duration = Duration::from_secs(2);
/// The port of an address that names none.
const PORT: u16 = 8000;

/// A host behind an upstream: the upstream's id, the host as the target names it, and the port.
type Host = (String, String, u16);

/// What was said about the health of targets.
#[derive(Debug, Default)]
pub struct Health(Mutex<HashMap<Host, Said>>);

/// Of all addresses of a host, and then of single ones.
#[derive(Debug)]
struct Said {
    all: bool,
    single: BTreeMap<IpAddr, bool>,
}

impl Health {
    fn set(&self, host: Host, address: Option<IpAddr>, healthy: bool) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match address {
            None => {
                said.insert(host, Said { all: healthy, single: BTreeMap::new() });
            }
            Some(address) => {
                let of_host = said.entry(host).or_insert_with(|| Said { all: true, single: BTreeMap::new() });
                of_host.single.insert(address, healthy);
            }
        }
    }

    fn is_healthy(&self, host: &Host, address: IpAddr) -> bool {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.get(host).is_none_or(|said| said.single.get(&address).copied().unwrap_or(said.all))
    }
}

/// The two entities, and the field through which a target knows its upstream.
struct Declared {
    upstreams: &'static Entity,
    targets: &'static Entity,
}

const FIELD: &str = "upstream";

fn declared(node: &Node) -> Result<Declared, Refusal> {
    match (node.declarations.entity("upstreams"), node.declarations.entity("targets")) {
        (Some(upstreams), Some(targets)) => Ok(Declared { upstreams, targets }),
        _ => Err(Refusal::not_found()),
    }
}

/// The upstream that a path names.
async fn upstream(
    node: &Node,
    request: &Request,
    declared: &Declared,
    segment: &str,
) -> Result<(String, Row), Refusal> {
    let space = node.space(request);
    let id = rows::parent_id(node, space, declared.upstreams, segment, declared.targets).await?;
    let row = space.row(declared.upstreams, &Key::Primary(id.clone())).await?;
    Ok((id, row.ok_or_else(Refusal::not_found)?))
}

/// Whether the upstream has its targets checked, by probes or by the traffic itself.
fn is_checked(upstream: &Row) -> bool {
    let checks = upstream.get("healthchecks").unwrap_or(&Value::Null);
    [
        "/active/healthy/interval",
        "/active/unhealthy/interval",
        "/passive/unhealthy/tcp_failures",
        "/passive/unhealthy/timeouts",
        "/passive/unhealthy/http_failures",
    ]
    .iter()
    .any(|path| checks.pointer(path).and_then(Value::as_f64).is_some_and(|number| number != 0.0))
}

/// A target with the addresses that it has at this moment.
struct Resolved {
    host: Host,
    weight: u64,
    addresses: Vec<IpAddr>,
}

/// The host and the port of a target in its normal form: `a.test:80`, `[::1]:80`.
fn host_and_port(target: &str) -> (&str, u16) {
    let (host, port) = target.rsplit_once(':').unwrap_or((target, ""));
    (host, port.parse().unwrap_or(PORT))
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Looks the targets' names up, all at the same time.
async fn resolve(upstream: &str, targets: &[Row]) -> Vec<Resolved> {
    let begun: Vec<(Resolved, Option<JoinHandle<Vec<IpAddr>>>)> = targets
        .iter()
        .map(|row| {
            let (host, port) = host_and_port(row.get("target").and_then(Value::as_str).unwrap_or_default());
            let addresses: Vec<_> = literal(host).into_iter().collect();
            let lookup = addresses.is_empty().then(|| tokio::spawn(lookup(host.to_owned(), port)));
            let weight = row.get("weight").and_then(Value::as_u64).unwrap_or_default();
            (Resolved { host: (upstream.to_owned(), host.to_owned(), port), weight, addresses }, lookup)
        })
        .collect();
    let mut resolved = Vec::with_capacity(begun.len());
    for (mut target, lookup) in begun {
        if let Some(lookup) = lookup {
            target.addresses = lookup.await.unwrap_or_default();
        }
        resolved.push(target);
    }
    resolved
}

async fn lookup(host: String, port: u16) -> Vec<IpAddr> {
    let found = tokio::time::timeout(LOOKUP, tokio::net::lookup_host((host.as_str(), port))).await;
    let mut addresses: Vec<_> = match found {
        Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

impl Resolved {
    fn total(&self) -> u64 {
        self.weight.saturating_mul(self.addresses.len() as u64)
    }

    /// The part of the weight that lies on addresses which are not healthy.
    fn unavailable(&self, health: &Health) -> u64 {
        let ill = self.addresses.iter().filter(|address| !health.is_healthy(&self.host, **address)).count();
        self.weight.saturating_mul(ill as u64)
    }

    /// What the balancer knows of a target; `show` says how the health of an address is told.
    fn status(&self, health: &Health, show: impl Fn(bool) -> (&'static str, Value)) -> Value {
        let (_, host, port) = &self.host;
        let addresses: Vec<Value> = self
            .addresses
            .iter()
            .map(|address| {
                let (name, healthy) = show(health.is_healthy(&self.host, *address));
                let ip = if literal(host).is_some() { host.clone() } else { address.to_string() };
                json!({ "ip": ip, "port": port, "weight": self.weight, name: healthy })
            })
            .collect();
        let dns = match self.addresses.first() {
            None => "unknown",
            Some(IpAddr::V4(_)) => "A",
            Some(IpAddr::V6(_)) => "AAAA",
        };
        json!({
            "host": host,
            "port": port,
            "dns": dns,
            "nodeWeight": self.weight,
            "weight": weight(self.total(), self.unavailable(health)),
            "addresses": list(addresses),
        })
    }
}

fn weight(total: u64, unavailable: u64) -> Value {
    json!({ "total": total, "unavailable": unavailable, "available": total.saturating_sub(unavailable) })
}

/// A list, which Kong writes as an object where it is empty.
fn list(items: Vec<Value>) -> Value {
    if items.is_empty() { Value::Object(Map::new()) } else { Value::Array(items) }
}

/// The word for an address or a target.
fn word(checked: bool, healthy: bool) -> &'static str {
    match (checked, healthy) {
        (false, _) => "HEALTHCHECKS_OFF",
        (true, true) => "HEALTHY",
        (true, false) => "UNHEALTHY",
    }
}

/// `GET /upstreams/{upstreams}/health`, `…?balancer_health=1`
pub async fn show(node: &Node, segment: &str, request: &Request) -> Result<Answer, Refusal> {
    let arguments = request.arguments()?;
    let declared = declared(node)?;
    let (id, upstream) = upstream(node, request, &declared, segment).await?;
    let checked = is_checked(&upstream);
    if arguments.get("balancer_health").and_then(Value::as_str) == Some("1") {
        let mut targets = rows::newest(node.space(request), declared.targets, FIELD, &id).await?;
        targets.reverse();
        let data = balancer(node, &id, &upstream, checked, &resolve(&id, &targets).await);
        return Ok(Answer::ok(&json!({ "data": data, "next": null, "node_id": node.id.to_string() })));
    }
    let (targets, behind) =
        rows::newest_page(node.space(request), declared.targets, FIELD, &id, &arguments).await?;
    let resolved = resolve(&id, &targets).await;
    let data: Vec<Value> = targets
        .iter()
        .zip(&resolved)
        .map(|(row, target)| {
            let mut shown: Row =
                serde_json::from_slice(&output::render(declared.targets, row)).unwrap_or_default();
            let is_checked = checked && target.weight > 0;
            let show = |healthy| ("health", Value::from(word(is_checked, healthy)));
            let healthy =
                target.addresses.iter().any(|address| node.health.is_healthy(&target.host, *address));
            let health = if target.addresses.is_empty() { "DNS_ERROR" } else { word(is_checked, healthy) };
            shown.insert("health".to_owned(), health.into());
            shown.insert("data".to_owned(), target.status(&node.health, show));
            Value::Object(shown)
        })
        .collect();
    let mut body = json!({ "data": data, "next": null, "node_id": node.id.to_string() });
    if let (Some(behind), Some(body)) = (behind, body.as_object_mut()) {
        body.insert(
            "next".to_owned(),
            format!("{}/upstreams/{}/health?offset={behind}", request.prefix, output::escape(segment)).into(),
        );
        body.insert("offset".to_owned(), behind.to_string().into());
    }
    Ok(Answer::ok(&body))
}

/// What the balancer as a whole knows.
fn balancer(node: &Node, id: &str, upstream: &Row, checked: bool, targets: &[Resolved]) -> Value {
    let total: u64 = targets.iter().map(Resolved::total).sum();
    let unavailable: u64 = targets.iter().map(|target| target.unavailable(&node.health)).sum();
    let threshold = upstream.get("healthchecks").and_then(|checks| checks.get("threshold")?.as_f64());
    let available = total.saturating_sub(unavailable) as f64;
    let healthy = total > 0 && available / total as f64 * 100.0 > threshold.unwrap_or_default();
    let show = |healthy| ("healthy", Value::Bool(healthy));
    let hosts = targets.iter().map(|target| target.status(&node.health, show)).collect();
    json!({
        "id": id,
        "health": word(checked, healthy),
        "balancer_health": word(true, healthy),
        "details": { "healthy": healthy, "weight": weight(total, unavailable), "hosts": list(hosts) },
    })
}

/// `PUT /upstreams/{upstreams}/targets/{targets}/healthy`, `…/{targets}/{address}/unhealthy`
pub async fn set(
    node: &Node,
    parameters: &[String],
    healthy: bool,
    request: &Request,
) -> Result<Answer, Refusal> {
    request.arguments()?;
    request.input().await?;
    let segment = |i: usize| parameters.get(i).map_or("", String::as_str);
    let declared = declared(node)?;
    let (id, upstream) = upstream(node, request, &declared, segment(0)).await?;
    let circumstances = node.circumstances();
    let key = store::below_key(declared.targets, FIELD, &id, segment(1), &circumstances.context())?;
    let target = node.space(request).get_within(declared.targets, FIELD, &id, &key).await?;
    let target = target.ok_or_else(Refusal::not_found)?;
    let target: Row = serde_json::from_slice(&target).unwrap_or_default();
    if !is_checked(&upstream) {
        let name = upstream.get("name").and_then(Value::as_str).unwrap_or_default();
        return Err(Refusal::bad_request(&format!("no healthchecker found for {name}")));
    }
    let (host, port) = host_and_port(target.get("target").and_then(Value::as_str).unwrap_or_default());
    let (address, port) = match parameters.get(2) {
        None => (None, port),
        Some(text) => {
            let address = normalize_ip(text).map_err(|fault| Refusal::bad_request(&fault.to_string()))?;
            let own_port = address.port.unwrap_or(PORT);
            // A name stands for all of the target's addresses.
            (if address.kind == Kind::Name { None } else { literal(&address.host) }, own_port)
        }
    };
    let shown = address.map_or_else(|| "*".to_owned(), |address| address.to_string());
    node.announce(&format!("health {id} {host} {port} {shown} {healthy}")).await?;
    node.health.set((id, host.to_owned(), port), address, healthy);
    Ok(Answer::NoContent)
}

/// Does what another node was told: `<upstream> <host> <port> <address or *> <true or false>`.
pub fn follow(node: &Node, words: &[&str]) {
    let [upstream, host, port, address, healthy] = words else { return };
    let (Ok(port), Ok(healthy)) = (port.parse(), healthy.parse()) else { return };
    let address = match *address {
        "*" => None,
        text => match text.parse() {
            Ok(address) => Some(address),
            Err(_) => return,
        },
    };
    node.health.set(((*upstream).to_owned(), (*host).to_owned(), port), address, healthy);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_about_the_host_goes_over_those_about_its_addresses() {
        let health = Health::default();
        let host: Host = ("u".to_owned(), "a.test".to_owned(), 80);
        let [first, second]: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let told = || (health.is_healthy(&host, first), health.is_healthy(&host, second));
        assert_eq!(told(), (true, true));
        health.set(host.clone(), Some(first), false);
        assert_eq!(told(), (false, true));
        health.set(host.clone(), None, false);
        health.set(host.clone(), Some(second), true);
        assert_eq!(told(), (false, true));
        health.set(host.clone(), None, true);
        assert_eq!(told(), (true, true));
    }

    #[test]
    fn targets_are_taken_apart() {
        assert_eq!(host_and_port("a.test:81"), ("a.test", 81));
        assert_eq!(host_and_port("[0000::0001]:8000"), ("[0000::0001]", 8000));
        assert_eq!(host_and_port("é"), ("é", PORT));
        assert_eq!(literal("[0000:0000:0000:0000:0000:0000:0000:0001]"), "::1".parse().ok());
        assert_eq!(literal("a.test"), None);
    }

    #[tokio::test]
    async fn addresses_need_no_look_up() {
        let row = json!({ "target": "127.0.0.1:80", "weight": 10 });
        let targets = resolve("u", &[row.as_object().cloned().unwrap()]).await;
        let health = Health::default();
        health.set(targets[0].host.clone(), None, false);
        assert_eq!((targets[0].total(), targets[0].unavailable(&health)), (10, 10));
        let status = targets[0].status(&health, |healthy| ("healthy", healthy.into()));
        assert_eq!(
            status["addresses"],
            json!([{ "ip": "127.0.0.1", "port": 80, "weight": 10, "healthy": false }])
        );
        assert_eq!(status["dns"], "A");
    }
}
