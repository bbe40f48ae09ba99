//! Three nodes on one database: what one of them wrote is there on all of them, whichever of them is killed or cut
//! off meanwhile, and in whatever way.
//!
//! Writers write through every node, some of them to the same rows. One node is killed, one is cut off from the
//! database; then what is there is held against what the writers were told, and against the change log. A node that
//! is cut off says "try again", and catches up once it is back.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::crash::ledger::{Ledger, Source};
use crate::crash::plots::Chance;
use crate::crash::{Writer, seed};
use crate::support::client::{Answer, Connection};
use crate::support::process::{self, Folder, Process};
use crate::support::proxy::Proxy;
use crate::support::{block_on, shared_postgresql};

/// How long a node waits for its database, in milliseconds.
const PG_TIMEOUT: u64 = 1000;
/// How long a node may take to catch up, on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(10);

const LOG_LEVEL: &str = "/debug/node/log-level";

/// How a node can be cut off.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Nothing arrives; later it does.
    Silence,
    /// Nothing arrives; then the connections are found to be gone.
    SilenceAndLoss,
    /// The connections are lost, and new ones are refused.
    Refusal,
}

/// Tells the writers to stop when it is dropped.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Three nodes. The way from the last one to the database can be cut.
struct House {
    folder: Folder,
    settings: Vec<(&'static str, String)>,
    nodes: Vec<Process>,
    proxy: Proxy,
    source: Source,
    ledger: Ledger,
}

impl House {
    fn open() -> Option<House> {
        let database = block_on(shared_postgresql()?.database("several_nodes")).unwrap();
        let (folder, mut settings) = (Folder::new(), process::postgres(&database));
        settings.push(("KONG_PG_TIMEOUT", PG_TIMEOUT.to_string()));
        let proxy = Proxy::open(SocketAddr::new(database.host.parse().unwrap(), database.port));
        let mut through = settings.clone();
        through.push(("KONG_PG_PORT", proxy.address.port().to_string()));
        let nodes = [&settings, &settings, &through].map(|settings| Process::spawn(folder.path(), settings));
        let mut nodes = Vec::from(nodes);
        nodes.iter_mut().for_each(|node| node.wait_until_it_answers().unwrap());
        let (source, ledger) = (Source::Postgres(database), Ledger::default());
        Some(House { folder, settings, nodes, proxy, source, ledger })
    }

    fn ask(&self, node: usize, method: &str, path: &str, body: &Value) -> Answer {
        self.nodes[node].connect().json(method, path, body).unwrap()
    }

    /// Asks, and asks again where that is the answer: what a node that is gone has locked stays so for a moment.
    fn ask_until(&self, node: usize, method: &str, path: &str, body: &Value) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(node, method, path, body);
            if answer.status != 503 || Instant::now() > deadline {
                return answer;
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// A node that is cut off says so, in time, and does not do half of what it is asked.
    fn refuses(&self, node: usize, method: &str, path: &str, body: &Value) {
        let began = Instant::now();
        let answer = self.ask(node, method, path, body);
        assert_eq!(answer.status, 503, "{method} {path}: {}", answer.json());
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(!answer.message().is_empty());
        assert!(began.elapsed() < PATIENCE, "{method} {path} took {:?}", began.elapsed());
    }

    /// Waits until a node answers so, and says how long that took.
    fn comes_to_be(&self, node: usize, path: &str, is: impl Fn(&Value) -> bool) -> Duration {
        let began = Instant::now();
        let mut connection = self.nodes[node].connect();
        loop {
            let answer = connection.json("GET", path, &Value::Null).unwrap().json();
            if is(&answer) {
                return began.elapsed();
            }
            assert!(began.elapsed() < PATIENCE, "node {node}: {path}: {answer}\n{}", self.nodes[node].said());
            sleep(Duration::from_millis(1));
        }
    }

    /// Writers on every node, until the first node is dead and the last one cut off.
    fn kill_one_and_cut_one_off(&mut self, writers: &mut [Writer], chance: &mut Chance, cut: Cut) {
        let (stop, written) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (kill_after, cut_after) = (20 + chance.below(60), 20 + chance.below(60));
        let connections: Vec<_> =
            (0..writers.len()).map(|i| self.nodes[i % self.nodes.len()].connect()).collect();
        scope(|scope| {
            let (stop, written) = (&stop, &written);
            // Also when something fails below: else nobody would come to know.
            let _stop = StopAtEnd(stop);
            for (writer, mut connection) in writers.iter_mut().zip(connections) {
                scope.spawn(move || writer.write(&mut connection, stop, written));
            }
            for (i, node) in self.nodes.iter().enumerate() {
                let (connection, chance) = (node.connect(), Chance::new(chance.below(1 << 20) as u64 + 1));
                scope.spawn(move || contend(connection, chance, stop, i));
            }
            let (mut killed, mut cut_off) = (false, false);
            let deadline = Instant::now() + PATIENCE;
            while !(killed && cut_off) {
                let count = written.load(Ordering::Relaxed);
                let late = Instant::now() > deadline;
                if !killed && (count >= kill_after || late) {
                    process::kill(self.nodes[0].id());
                    killed = true;
                }
                if !cut_off && (count >= cut_after || late) {
                    match cut {
                        Cut::Silence | Cut::SilenceAndLoss => self.proxy.fall_silent(),
                        Cut::Refusal => self.proxy.refuse(),
                    }
                    cut_off = true;
                }
                sleep(Duration::from_micros(200));
            }
            self.while_one_is_cut_off();
        });
        self.nodes[0].wait();
        self.nodes[0] = Process::spawn(self.folder.path(), &self.settings);
    }

    /// The node that is cut off refuses, and the one that is left goes on.
    fn while_one_is_cut_off(&self) {
        let row = json!({"name": "by-nobody", "host": "h.test"});
        scope(|scope| {
            for (method, path, body) in [
                ("GET", "/services", &Value::Null),
                ("GET", "/services/shared-0", &Value::Null),
                ("POST", "/services", &row),
                ("PUT", "/services/by-nobody", &row),
                ("DELETE", "/services/shared-0", &Value::Null),
                ("GET", "/tags", &Value::Null),
                ("PUT", "/debug/cluster/log-level/alert", &Value::Null),
            ] {
                scope.spawn(move || self.refuses(2, method, path, body));
            }
        });
        let level = self.ask(2, "GET", LOG_LEVEL, &Value::Null).json();
        assert_ne!(level["message"], "log level: alert", "half of what was asked is done");
        self.comes_to_be(1, "/status", |status| status["database"]["reachable"] == true);
        self.comes_to_be(2, "/status", |status| status["database"]["reachable"] == false);
        for path in ["/debug/cluster/log-level/emerg?timeout=1", "/debug/cluster/log-level/info?timeout=120"]
        {
            let answer = self.ask_until(1, "PUT", path, &Value::Null);
            assert_eq!(answer.message(), "log level changed", "{}", self.nodes[1].said());
        }
        let unhealthy = "/upstreams/u.test/targets/10.0.0.1:80/unhealthy";
        let answer = self.ask_until(1, "PUT", unhealthy, &Value::Null);
        assert_eq!(answer.status, 204, "{}", self.nodes[1].said());
    }

    /// The way is open again: what was said meanwhile is heard, and nothing is missing anywhere.
    fn check(&mut self, writers: &mut [Writer], cut: Cut) {
        if matches!(cut, Cut::SilenceAndLoss) {
            self.proxy.lose();
        }
        self.proxy.heal();
        self.nodes[0].wait_until_it_answers().unwrap();
        self.comes_to_be(2, LOG_LEVEL, |body| body["message"] == "log level: info");
        self.comes_to_be(2, "/upstreams/u.test/health", |body| body["data"][0]["health"] == "UNHEALTHY");
        assert_eq!(self.ask_until(2, "GET", "/services/by-nobody", &Value::Null).status, 404);
        self.source.wait_until_nobody_writes();
        self.ledger.read(&self.source);
        self.ledger.agrees_with_tables(&self.source);
        for node in &self.nodes {
            self.ledger.agrees_with_answers(node);
        }
        for plot in writers.iter_mut().flat_map(|writer| &mut writer.plots) {
            plot.settle(&self.ledger);
        }
    }

    /// What was written through one node is read through the others at once.
    fn shows_writes_at_once(&self) {
        let mut connections: Vec<_> = self.nodes.iter().map(Process::connect).collect();
        for round in 0..12 {
            let id = Uuid::new_v4();
            let path = format!("/consumers/{id}");
            let row = json!({"username": format!("c-{round}")});
            assert_eq!(connections[round % 3].json("PUT", &path, &row).unwrap().status, 200);
            for other in &mut connections {
                let found = other.json("GET", &path, &Value::Null).unwrap();
                assert_eq!((found.status, &found.json()["username"]), (200, &row["username"]));
            }
            assert_eq!(connections[(round + 1) % 3].json("DELETE", &path, &Value::Null).unwrap().status, 204);
            for other in &mut connections {
                assert_eq!(other.json("GET", &path, &Value::Null).unwrap().status, 404);
            }
        }
    }

    /// What a node keeps in memory follows within a tenth of a second; the machine may have other work now and then.
    fn hears_of_others_soon(&self) {
        let mut took = Vec::new();
        for (round, level) in ["debug", "warn"].into_iter().cycle().take(7).enumerate() {
            self.ask(round % 3, "PUT", &format!("/debug/cluster/log-level/{level}"), &Value::Null);
            let told = json!(format!("log level: {level}"));
            took.push(self.comes_to_be((round + 1) % 3, LOG_LEVEL, |body| body["message"] == told));
            self.comes_to_be((round + 2) % 3, LOG_LEVEL, |body| body["message"] == told);
        }
        took.sort();
        println!("announcements were heard after {took:?}");
        assert!(took[took.len() / 2] < Duration::from_millis(100), "{took:?}");
    }

    /// Connections that are lost between two requests are no client's business.
    fn loses_connections_unnoticed(&self) {
        for round in 0..5 {
            let row = json!({"username": format!("unnoticed-{round}")});
            self.proxy.lose();
            sleep(Duration::from_millis(20));
            let answer = self.ask(2, "POST", "/consumers", &row);
            assert_eq!(answer.status, 201, "{}", answer.json());
            self.proxy.lose();
            sleep(Duration::from_millis(20));
            let answer = self.ask(2, "GET", &format!("/consumers/unnoticed-{round}"), &Value::Null);
            assert_eq!(answer.status, 200, "{}", answer.json());
        }
    }
}

/// Writes to rows that others write to as well: each write happens or is refused, whoever else writes.
fn contend(mut connection: Connection, mut chance: Chance, stop: &AtomicBool, node: usize) {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        count += 1;
        let path = format!("/services/shared-{}", chance.below(2));
        let tags = json!([format!("by-{node}"), format!("count-{count}")]);
        let (method, body) = match chance.below(6) {
            0 => ("DELETE", Value::Null),
            1 | 2 => ("PUT", json!({"host": format!("h{node}.test"), "tags": tags})),
            _ => ("PATCH", json!({"port": 1 + count % 1000, "tags": tags})),
        };
        match connection.json(method, &path, &body) {
            Ok(answer) if answer.status == 503 => assert!(answer.header("retry-after").is_some()),
            Ok(answer) => assert!(answer.status < 500, "{method} {path}: {}", answer.json()),
            Err(_) => return,
        }
    }
}

#[test]
fn nothing_is_lost_or_stale() {
    let Some(mut house) = House::open() else { return };
    let seed = seed();
    let (mut writers, mut chance) = (Writer::several(seed), Chance::new(!seed));
    let checks = json!({ "passive": { "unhealthy": { "timeouts": 1 } } });
    let upstream = json!({ "name": "u.test", "healthchecks": checks });
    assert_eq!(house.ask(0, "POST", "/upstreams", &upstream).status, 201);
    let target = json!({ "target": "10.0.0.1:80" });
    assert_eq!(house.ask(1, "POST", "/upstreams/u.test/targets", &target).status, 201);
    for cut in [Cut::Silence, Cut::Refusal, Cut::SilenceAndLoss] {
        house.kill_one_and_cut_one_off(&mut writers, &mut chance, cut);
        house.check(&mut writers, cut);
        let healthy = "/upstreams/u.test/targets/10.0.0.1:80/healthy";
        assert_eq!(house.ask_until(2, "PUT", healthy, &Value::Null).status, 204);
        house.comes_to_be(1, "/upstreams/u.test/health", |body| body["data"][0]["health"] == "HEALTHY");
    }
    house.shows_writes_at_once();
    house.hears_of_others_soon();
    house.loses_connections_unnoticed();
}
