//! Produces the load: plots of rows that one writer owns, the writes that change them, and what a plot must look
//! like afterwards. It deliberately sends nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::ledger::Ledger;

const CERTIFICATE: &str = include_str!("../../entities/schema/testdata/ec_certificate.pem");
const KEY: &str = include_str!("../../entities/schema/testdata/ec_private.pem");

/// Numbers that look random and follow from a seed (xorshift64*).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed | 1)
    }

    /// A number from 0 up to, but not including, `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }
}

/// What a plot looks like to a client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The host and the tags of the service.
    service: Option<(String, Vec<String>)>,
    /// Whether a plugin runs on the service; it goes when the service goes.
    plugin: bool,
    /// The SNIs of the certificate; they come and go with it.
    snis: Option<BTreeSet<String>>,
    /// The targets of the upstream; they go when it goes.
    targets: Option<BTreeSet<String>>,
}

/// A service with a plugin, a certificate with SNIs and an upstream with targets, each there or not.
pub struct Plot {
    serial: usize,
    service: Uuid,
    certificate: Uuid,
    upstream: Uuid,
    count: usize,
    /// What was acknowledged.
    state: State,
    /// What it is if the write that was never answered happened.
    pub pending: Option<State>,
}

/// A write, and what the plot is after it.
pub struct Step {
    pub method: &'static str,
    pub path: String,
    pub body: Value,
    pub after: State,
}

impl Plot {
    pub fn new(serial: usize) -> Plot {
        let [service, certificate, upstream] = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
        Plot { serial, service, certificate, upstream, count: 0, state: State::default(), pending: None }
    }

    /// A write that makes sense now.
    pub fn step(&mut self, chance: &mut Chance) -> Step {
        self.count += 1;
        match chance.below(3) {
            0 => self.service_step(chance),
            1 => self.certificate_step(chance),
            _ => self.upstream_step(chance),
        }
    }

    fn service_step(&self, chance: &mut Chance) -> Step {
        let Plot { serial, service, count, .. } = self;
        let host = format!("host-{count}.test");
        let tags: Vec<String> = (0..3).map(|tag| format!("tag-{serial}-{count}-{tag}")).collect();
        let one = format!("/services/{service}");
        let written = |method, path, plugin| Step {
            method,
            path,
            body: json!({"id": service, "name": format!("service-{serial}"), "host": host, "tags": tags}),
            after: State { service: Some((host.clone(), tags.clone())), plugin, ..self.state.clone() },
        };
        match (&self.state.service, chance.below(5)) {
            (None, 0..3) => written("POST", "/services".to_owned(), false),
            (None, _) => written("PUT", one, false),
            (Some(_), 0) => written("PUT", one, self.state.plugin),
            (Some(_), 1) => written("PATCH", one, self.state.plugin),
            (Some(_), 2..4) if !self.state.plugin => Step {
                method: "POST",
                path: format!("{one}/plugins"),
                body: json!({"name": "key-auth", "tags": [format!("plugin-{serial}-{count}")]}),
                after: State { plugin: true, ..self.state.clone() },
            },
            (Some(_), _) => {
                let after = State { service: None, plugin: false, ..self.state.clone() };
                Step { method: "DELETE", path: one, body: Value::Null, after }
            }
        }
    }

    fn certificate_step(&self, chance: &mut Chance) -> Step {
        let Plot { serial, certificate, count, .. } = self;
        let one = format!("/certificates/{certificate}");
        let names: BTreeSet<String> = (0..3).map(|name| format!("{name}.{count}.{serial}.test")).collect();
        let after = State { snis: Some(names.clone()), ..self.state.clone() };
        match (&self.state.snis, chance.below(3)) {
            (None, _) => Step {
                method: "POST",
                path: "/certificates".to_owned(),
                body: json!({"id": certificate, "cert": CERTIFICATE, "key": KEY, "snis": names, "tags": ["tls"]}),
                after,
            },
            (Some(_), 0..2) => Step { method: "PATCH", path: one, body: json!({ "snis": names }), after },
            (Some(_), _) => {
                let after = State { snis: None, ..self.state.clone() };
                Step { method: "DELETE", path: one, body: Value::Null, after }
            }
        }
    }

    fn upstream_step(&self, chance: &mut Chance) -> Step {
        let Plot { serial, upstream, count, .. } = self;
        let one = format!("/upstreams/{upstream}");
        match (&self.state.targets, chance.below(3)) {
            (None, _) => Step {
                method: "POST",
                path: "/upstreams".to_owned(),
                body: json!({"id": upstream, "name": format!("upstream-{serial}")}),
                after: State { targets: Some(BTreeSet::new()), ..self.state.clone() },
            },
            (Some(targets), 0..2) => {
                let target = format!("target-{count}.test:80");
                let mut targets = targets.clone();
                targets.insert(target.clone());
                let path = format!("{one}/targets");
                let after = State { targets: Some(targets), ..self.state.clone() };
                Step { method: "POST", path, body: json!({"target": target, "tags": ["t"]}), after }
            }
            (Some(_), _) => {
                let after = State { targets: None, ..self.state.clone() };
                Step { method: "DELETE", path: one, body: Value::Null, after }
            }
        }
    }

    /// The pending write was acknowledged.
    pub fn acknowledged(&mut self) {
        if let Some(state) = self.pending.take() {
            self.state = state;
        }
    }

    /// Holds the plot against the store: it is what was acknowledged, or that and the pending write.
    pub fn settle(&mut self, ledger: &Ledger) {
        let found = self.found(ledger);
        let pending = self.pending.take();
        assert!(
            found == self.state || Some(&found) == pending.as_ref(),
            "plot {}: acknowledged was {:?},\npending was {pending:?},\nfound is {found:?}",
            self.serial,
            self.state,
        );
        self.state = found;
    }

    fn found(&self, ledger: &Ledger) -> State {
        let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
        let below = |entity: &str, field: &str, id: Uuid, shown: &str| -> BTreeSet<String> {
            let rows = ledger.rows(entity).filter(|row| row[field]["id"] == json!(id));
            rows.map(|row| text(row, shown)).collect()
        };
        let service = ledger.row("services", self.service).map(|row| {
            let tags = row["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
            (text(row, "host"), tags.map(str::to_owned).collect())
        });
        let snis = below("snis", "certificate", self.certificate, "name");
        let targets = below("targets", "upstream", self.upstream, "target");
        let has = |entity, id| ledger.row(entity, id).is_some();
        // Rows that hang in the air show as such, and equal no state.
        State {
            service,
            plugin: !below("plugins", "service", self.service, "name").is_empty(),
            snis: (has("certificates", self.certificate) || !snis.is_empty()).then_some(snis),
            targets: (has("upstreams", self.upstream) || !targets.is_empty()).then_some(targets),
        }
    }
}
