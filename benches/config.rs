//! Produces the numbers of the README on large configurations: `cargo bench --bench config` loads documents of growing
//! size into a node without a database (`POST /config`) and with `silverback config db_import` into SQLite and
//! PostgreSQL, and prints a Markdown table: entities a second, the most memory the process held, and the longest time
//! that somebody who read one entity over and over waited for an answer meanwhile. It deliberately judges nothing.
//!
//! Options, after `--`:
//! - `--sizes 1000,10000`: how many entities, multiples of four; 1,000 to 1,000,000 by default;
//! - `--stores memory,sqlite,postgres`: where to load them, all by default;
//! - `--forms json,yaml`: how they are written, both by default.

#![expect(clippy::indexing_slicing, reason = "a measurement that meets what it does not expect ends")]

#[path = "admin_api/client.rs"]
#[expect(dead_code, reason = "one request at a time is enough here")]
mod client;
#[path = "config/document.rs"]
mod document;
#[path = "admin_api/load.rs"]
#[expect(dead_code, reason = "one request at a time is enough here")]
mod load;
#[path = "../tests/support/postgres.rs"]
#[expect(dead_code, reason = "a benchmark crashes no server")]
mod postgres;
#[path = "admin_api/requests.rs"]
#[expect(dead_code, reason = "only the writing of a request is needed here")]
mod requests;
#[path = "admin_api/server.rs"]
#[expect(dead_code, reason = "what is loaded here is not what starts a server there")]
mod server;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use client::Connection;
use document::{Form, SERVICE, document};
use server::{Server, Store, megabytes, peak};

/// How many entities are loaded first, so that there is something to read and to take the place of.
const BEFORE: usize = 400;

/// What the command line asks for.
struct Options {
    sizes: Vec<usize>,
    stores: Vec<String>,
    forms: Vec<Form>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options {
            sizes: vec![1000, 10_000, 100_000, 1_000_000],
            stores: ["memory", "sqlite", "postgres"].map(str::to_owned).to_vec(),
            forms: vec![Form::Json, Form::Yaml],
        };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| anyhow!("{name} wants a value"));
            match name.as_str() {
                // Cargo says this to every benchmark.
                "--bench" => {}
                "--sizes" => {
                    let sizes = value()?;
                    let sizes = sizes.split(',').map(|size| Ok(size.trim().parse()?));
                    options.sizes = sizes.collect::<Result<_>>()?;
                }
                "--stores" => options.stores = value()?.split(',').map(str::to_owned).collect(),
                "--forms" => {
                    let form = |name: &str| match name {
                        "json" => Ok(Form::Json),
                        "yaml" => Ok(Form::Yaml),
                        _ => bail!("a form is json or yaml"),
                    };
                    options.forms = value()?.split(',').map(form).collect::<Result<_>>()?;
                }
                _ => bail!("{name} is not an option; the first lines of benches/config.rs list them"),
            }
        }
        ensure!(options.sizes.iter().all(|size| size % 4 == 0), "a size is a multiple of four");
        Ok(options)
    }
}

/// What one load took.
struct Measured {
    took: Duration,
    /// In kB.
    peak: Option<u64>,
    longest_wait: Option<Duration>,
}

fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let folder = std::env::temp_dir().join(format!("silverback-bench-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let measured = runtime.block_on(run(&options, &folder));
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn run(options: &Options, folder: &Path) -> Result<()> {
    println!("# Configuration benchmark\n");
    println!(
        "| store | form | entities | MB | seconds | entities/s | peak memory | longest wait of a reader |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for name in &options.stores {
        for size in &options.sizes {
            for form in &options.forms {
                let text = document(*form, *size);
                let length = text.len();
                let (title, measured) = match name.as_str() {
                    "memory" => ("memory", posted(*form, text, folder).await?),
                    "sqlite" => {
                        let file = folder.join("store.sqlite");
                        let measured = imported(&Store::Sqlite(file.clone()), *form, &text, folder)?;
                        std::fs::remove_file(file)?;
                        ("SQLite", measured)
                    }
                    "postgres" => {
                        let server = postgres::Server::start(true).map_err(|cause| anyhow!(cause))?;
                        let server = server.context("PostgreSQL is not installed")?;
                        let store = Store::Postgres(server.database("bench").await?);
                        ("PostgreSQL", imported(&store, *form, &text, folder)?)
                    }
                    _ => bail!("a store is memory, sqlite or postgres"),
                };
                let seconds = measured.took.as_secs_f64();
                println!(
                    "| {title} | {} | {size} | {:.1} | {seconds:.3} | {:.0} | {} | {} |",
                    form.name(),
                    length as f64 / 1e6,
                    *size as f64 / seconds,
                    megabytes(measured.peak),
                    measured
                        .longest_wait
                        .map_or("–".to_owned(), |wait| format!("{:.1} ms", wait.as_secs_f64() * 1e3)),
                );
            }
        }
    }
    Ok(())
}

/// Loads a document into a node without a database, over another one, while somebody reads.
async fn posted(form: Form, text: String, folder: &Path) -> Result<Measured> {
    let (server, _) = Server::start(&Store::Memory, folder).await?;
    let mut connection = Connection::open(server.address).await?;
    load(&mut connection, Form::Json, &document(Form::Json, BEFORE)).await?;
    let over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(read(server.address, Arc::clone(&over)));
    // The reader has an answer before the load begins.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    let loaded = load(&mut connection, form, &text).await;
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let longest_wait = Some(reader.await??);
    loaded?;
    let peak = peak(server.process_id());
    server.stop().await?;
    Ok(Measured { took, peak, longest_wait })
}

async fn load(connection: &mut Connection, form: Form, text: &str) -> Result<()> {
    let media_type = form.media_type();
    let head = format!(
        "POST /config HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    let mut request = head.into_bytes();
    request.extend_from_slice(text.as_bytes());
    let status = connection.exchange(&request).await?;
    ensure!(status == 201, "POST /config: {status} {}", connection.body_text());
    Ok(())
}

/// Reads one entity over and over; gives the longest time to an answer.
async fn read(address: SocketAddr, over: Arc<AtomicBool>) -> Result<Duration> {
    let mut connection = Connection::open(address).await?;
    let mut request = Vec::new();
    requests::request(&mut request, "GET", &format!("/services/{SERVICE}"), None);
    let mut longest = Duration::ZERO;
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        let status = connection.exchange(&request).await?;
        longest = longest.max(began.elapsed());
        ensure!(status == 200, "a reader got {status}: {}", connection.body_text());
    }
    Ok(longest)
}

/// Imports a document into an empty database.
fn imported(store: &Store, form: Form, text: &str, folder: &Path) -> Result<Measured> {
    let file: PathBuf = folder.join(format!("kong.{}", form.extension()));
    std::fs::write(&file, text)?;
    let silverback = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_silverback"));
        command.args(arguments).env("KONG_PREFIX", folder.join("prefix")).envs(store.settings());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    // The tables are made before anything is measured.
    ensure!(silverback(&["migrations", "up"]).status()?.success(), "the tables cannot be made");
    let began = Instant::now();
    let mut process = silverback(&["config", "db_import"]).arg(&file).spawn()?;
    let mut highest = None;
    let status = loop {
        if let Some(status) = process.try_wait()? {
            break status;
        }
        highest = peak(process.id()).max(highest);
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = began.elapsed();
    ensure!(status.success(), "config db_import ended with {status}");
    Ok(Measured { took, peak: highest, longest_wait: None })
}
