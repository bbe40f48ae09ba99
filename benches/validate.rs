//! Produces how many rows a second are made complete and held against their declarations: `cargo bench --bench validate`
//! prints a Markdown table, each line beside a floor measured in the same run: reading and writing the same JSON. It
//! deliberately leaves out the socket, the store and the decoding of bodies, which `admin_api` measures with the rest,
//! and judges nothing.
//!
//! Options, after `--`:
//! - `--only NAME`: only the rows whose name holds this text;
//! - `--seconds N`: how long each measurement lasts, 2 by default;
//! - `--quick`: 0.1 seconds, to see that it works.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use entities::ENTITIES;
use entities::schema::{Context, Entity, Flavor, Row};
use generators::complete::{Verb, complete};
use generators::validate::{Candidate, validate};
use serde_json::Value;
use uuid::Uuid;

/// Each measurement and its floor take turns this many times, so that both meet the same moods of the machine.
const ROUNDS: u32 = 10;

/// So many rows between two looks at the clock.
const BATCH: u32 = 16;

/// What is validated: a name for the table, the entity, and the row as a client writes it.
const ROWS: [(&str, &str, &str); 6] = [
    (
        "service",
        "services",
        r#"{"name": "billing", "host": "billing.internal", "port": 8443, "protocol": "https", "path": "/v1",
            "retries": 3, "connect_timeout": 2000, "tls_verify": true, "tags": ["team-a", "eu"]}"#,
    ),
    (
        "route, plain paths",
        "routes",
        r#"{"name": "billing-api", "protocols": ["https"], "methods": ["GET", "POST"], "hosts": ["api.example.com"],
            "paths": ["/billing", "/invoices"], "strip_path": true, "tags": ["team-a", "eu"],
            "service": {"id": "c7c6f1f0-5d54-4b2c-9d3f-4a0c9a0f2d11"}}"#,
    ),
    (
        "route, a regex path",
        "routes",
        r#"{"name": "billing-api", "protocols": ["https"], "methods": ["GET", "POST"], "hosts": ["api.example.com"],
            "paths": ["/billing", "~/invoices/(?<id>[0-9]+)/lines$"], "strip_path": true, "tags": ["team-a", "eu"],
            "service": {"id": "c7c6f1f0-5d54-4b2c-9d3f-4a0c9a0f2d11"}}"#,
    ),
    (
        "plugin key-auth",
        "plugins",
        r#"{"name": "key-auth", "config": {"key_names": ["apikey"], "hide_credentials": true}}"#,
    ),
    (
        "plugin rate-limiting with redis",
        "plugins",
        r#"{"name": "rate-limiting", "config": {"second": 5, "minute": 100, "hour": 10000, "limit_by": "header",
            "header_name": "x-tenant", "policy": "redis", "fault_tolerant": true, "redis": {"host": "cache.internal",
            "port": 6379, "ssl": true, "ssl_verify": true, "server_name": "cache.internal", "timeout": 2000,
            "database": 1, "username": "limiter", "password": "{vault://env/redis-password}"}}}"#,
    ),
    (
        "plugin ai-proxy",
        "plugins",
        r#"{"name": "ai-proxy", "config": {"route_type": "llm/v1/chat", "response_streaming": "allow",
            "max_request_body_size": 8192, "auth": {"header_name": "Authorization",
            "header_value": "{vault://env/openai-key}", "allow_override": false},
            "logging": {"log_statistics": true, "log_payloads": false},
            "model": {"provider": "azure", "name": "gpt-4", "options": {"max_tokens": 512, "temperature": 0.7,
            "top_p": 1.0, "azure_instance": "team-a", "azure_deployment_id": "gpt-4", "azure_api_version": "2023-05-15",
            "input_cost": 2.5, "output_cost": 10.0}}}}"#,
    ),
];

fn main() -> Result<()> {
    let (mut only, mut limit) = (String::new(), Duration::from_secs(2));
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| anyhow!("{name} wants a value"));
        match name.as_str() {
            // Cargo says this to every benchmark.
            "--bench" => {}
            "--only" => only = value()?,
            "--seconds" => limit = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--quick" => limit = Duration::from_millis(100),
            _ => bail!("{name} is not an option; the first lines of benches/validate.rs list them"),
        }
    }
    println!("# Validation benchmark\n");
    println!("One thread; the floor reads and writes the same JSON.\n");
    println!("| row | bytes | entities/s | µs each | floor entities/s | of the floor |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (name, entity, text) in ROWS.iter().filter(|(name, ..)| name.contains(&only)) {
        println!("{}", measure(name, entity, text, limit).with_context(|| (*name).to_owned())?);
    }
    Ok(())
}

/// A line of the table.
fn measure(name: &str, entity: &str, text: &str, limit: Duration) -> Result<String> {
    let entity = *ENTITIES.iter().find(|known| known.name == entity).context("no such entity")?;
    let row: Row = serde_json::from_str(text)?;
    let text = serde_json::to_string(&row)?;
    accepted(entity, row.clone())?;
    let (mut ours, mut floor) = (Rate::default(), Rate::default());
    for _ in 0..ROUNDS {
        ours.run(limit / ROUNDS, || accepted(entity, black_box(&row).clone()))?;
        floor.run(limit / ROUNDS, || {
            let value: Value = serde_json::from_str(black_box(&text))?;
            Ok(black_box(serde_json::to_string(&value)?).len())
        })?;
    }
    let (ours, floor) = (ours.per_second(), floor.per_second());
    let (bytes, each, ratio) = (text.len(), 1e6 / ours, ours / floor);
    Ok(format!("| {name} | {bytes} | {ours:.0} | {each:.1} | {floor:.0} | {ratio:.2} |"))
}

/// Makes a new row complete and insists that nothing is wrong with it.
fn accepted(entity: &'static Entity, given: Row) -> Result<usize> {
    let context = Context {
        now_us: 1_700_000_000_000_000,
        new_id: &Uuid::new_v4,
        new_secret: &String::new,
        router_flavor: Flavor::TraditionalCompatible,
        without_database: false,
    };
    let refused = |violations| anyhow!("refused: {violations:?}");
    let row = complete(entity, given, Verb::Insert, &context).map_err(refused)?;
    let candidate = Candidate { row: &row, given: &row, stored: None };
    let violations = validate(entity, &candidate, Verb::Insert, &context);
    ensure!(violations.is_empty(), "refused: {violations:?}");
    Ok(black_box(row).len())
}

/// How often something was done, and in which time.
#[derive(Default)]
struct Rate {
    done: u64,
    time: Duration,
}

impl Rate {
    fn run(&mut self, limit: Duration, mut once: impl FnMut() -> Result<usize>) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < limit {
            for _ in 0..BATCH {
                ensure!(once()? > 0, "an empty row");
            }
            self.done += u64::from(BATCH);
        }
        self.time += began.elapsed();
        Ok(())
    }

    fn per_second(&self) -> f64 {
        self.done as f64 / self.time.as_secs_f64()
    }
}
