//! Produces the numbers of the README: `cargo bench --bench admin_api` starts the server, fills it over the
//! Admin API and prints Markdown tables of how fast it answers, each line beside a floor measured in the same
//! run: for reads an axum handler that returns the same bytes, for writes the same row written by plain SQL
//! at the same durability, for a read with a token the same read of a node that wants none. It deliberately judges nothing and compares with no earlier run; everything stays
//! on the loopback interface.
//!
//! Options, after `--`:
//! - `--stores sqlite,postgres`: what to measure; PostgreSQL is a private server with `fsync` on, both by
//!   default;
//! - `--only NAME`: only the measurements whose name holds this text;
//! - `--seconds N`: how long each measurement lasts, 3 by default;
//! - `--quick`: 0.3 seconds and 2,000 rows, to see that it works;
//! - `--rows N`: how many services, routes, consumers and plugins are filled in, 10,000 of each by default;
//! - `--threads N`: threads of the load generator, by default 1 on two processors and 2 on more;
//! - `--million`: also the first against the thousandth page of a million rows, put into the store by SQL.

#![expect(clippy::indexing_slicing, reason = "a measurement that meets what it does not expect ends")]

#[path = "admin_api/client.rs"]
mod client;
#[path = "admin_api/floor.rs"]
mod floor;
#[path = "admin_api/load.rs"]
mod load;
#[path = "admin_api/million.rs"]
mod million;
#[path = "../tests/support/postgres.rs"]
#[expect(dead_code, reason = "a benchmark crashes no server")]
mod postgres;
#[path = "admin_api/requests.rs"]
mod requests;
#[path = "admin_api/server.rs"]
#[expect(dead_code, reason = "a store in memory and the most that it took are another benchmark's")]
mod server;

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use client::{Connection, Requester};
use floor::{Handler, Statement, Table};
use http::{Method, StatusCode};
use load::Outcome;
use requests::{FILLED, Maker, Posted, Read};
use server::{Server, Store, megabytes};
use silverback::node::{Figures, Spot};

/// How many requests are under way at once.
const CONCURRENCY: [usize; 3] = [1, 16, 64];

/// Each measurement and its floor take turns this many times, for how a system happens to place two processes
/// on its processors can change an answer's time severalfold, and should meet both.
const ROUNDS: u32 = 5;

/// A token, and the line of the table that tells what it costs.
const TOKEN: &str = "a-token-for-the-benchmark-alone";
const TOKEN_ROW: &str = "get by id with a token (floor: without)";

/// How long a server that has just started is left alone.
const SETTLING: Duration = Duration::from_secs(5);

/// How long filling the store may take, for each kind of entity.
const FILLING: Duration = Duration::from_secs(1800);

/// What the command line asks for.
struct Options {
    stores: Vec<String>,
    only: String,
    limit: Duration,
    rows: usize,
    threads: usize,
    million: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Options {
            stores: vec!["sqlite".to_owned(), "postgres".to_owned()],
            only: String::new(),
            limit: Duration::from_secs(3),
            rows: 10_000,
            threads: if processors > 2 { 2 } else { 1 },
            million: false,
        };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| anyhow!("{name} wants a value"));
            match name.as_str() {
                // Cargo says this to every benchmark.
                "--bench" => {}
                "--stores" => options.stores = value()?.split(',').map(str::to_owned).collect(),
                "--only" => options.only = value()?,
                "--seconds" => options.limit = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--quick" => (options.limit, options.rows) = (Duration::from_millis(300), 2000),
                "--rows" => options.rows = value()?.parse()?,
                "--threads" => options.threads = value()?.parse()?,
                "--million" => options.million = true,
                _ => bail!("{name} is not an option; the first lines of benches/admin_api.rs list them"),
            }
        }
        ensure!(options.rows > 0 && options.threads > 0, "neither rows nor threads can be 0");
        Ok(options)
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == floor::ARGUMENT) {
        return floor::serve(arguments.nth(1).context("no file")?, arguments.next().context("no type")?);
    }
    let options = Options::parse(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.threads)
        .enable_all()
        .build()
        .context("no runtime")?;
    let folder = Folder::create()?;
    println!("# Admin API benchmark\n");
    println!("{}; files in {}", machine(), folder.0.display());
    // Spawned, for the thread that blocks on a runtime is slower than the runtime's own.
    runtime.block_on(async move { tokio::spawn(async move { run(&options, &folder.0).await }).await? })
}

async fn run(options: &Options, folder: &Path) -> Result<()> {
    for name in &options.stores {
        match name.as_str() {
            "sqlite" => {
                let store = Store::Sqlite(folder.join("store.sqlite"));
                let table = Table::sqlite(&folder.join("floor.sqlite"), options.rows).await?;
                measure_store(options, folder, &store, &table).await?;
            }
            "postgres" => {
                let start = tokio::task::spawn_blocking(|| postgres::Server::start(true)).await?;
                let Some(private) = start.map_err(|reason| anyhow!(reason))? else { continue };
                let store = Store::Postgres(private.database("silverback").await?);
                let table = Table::postgres(&private.database("floor").await?, options.rows).await?;
                measure_store(options, folder, &store, &table).await?;
            }
            _ => bail!("{name} is not a store; there are sqlite and postgres"),
        }
    }
    Ok(())
}

/// Everything about one store, printed as it becomes known.
async fn measure_store(options: &Options, folder: &Path, store: &Store, table: &Table) -> Result<()> {
    println!("\n## {}\n", store.title());
    let (server, empty) = Server::start(store, folder).await?;
    println!("- process start to the first answer, empty store: {}", milliseconds(empty));
    for kind in FILLED {
        let began = Instant::now();
        let maker = requests::fill(kind, options.rows);
        let workers = Requester::several(server.address, 64, 201, &maker).await?;
        load::run(workers, Duration::ZERO, FILLING).await.with_context(|| format!("filling {kind}"))?;
        let rate = options.rows as f64 / began.elapsed().as_secs_f64();
        println!("- {} {kind} created over the Admin API at {rate:.0}/s", options.rows);
    }
    println!("- resident memory after that: {}", megabytes(server.resident()));
    server.stop().await?;
    let copy = store.copy(folder)?;
    let (mut server, filled) = Server::start(store, folder).await?;
    println!("- process start to the first answer, filled store: {}", milliseconds(filled));
    println!("- resident memory then: {}", megabytes(server.resident()));
    println!("- counting one answer for /metrics: {:.0} ns\n", Bench::counting());
    println!("| request | connections | requests/s | p50 ms | p99 ms | floor requests/s | of the floor |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let bench = Bench { options, folder, address: server.address, table };
    for read in Read::ALL.into_iter().filter(|read| read.name().contains(&options.only)) {
        bench.read(read).await.with_context(|| read.name())?;
    }
    if TOKEN_ROW.contains(&options.only) {
        bench.with_a_token(copy.as_ref().unwrap_or(store)).await.context(TOKEN_ROW)?;
    }
    for (statement, maker) in
        [(Statement::Patch, requests::patch(options.rows)), (Statement::Put, requests::put(options.rows))]
    {
        if statement.name().contains(&options.only) {
            bench.write(statement, &maker).await.with_context(|| statement.name())?;
        }
    }
    for posted in [Posted::Service, Posted::Credential] {
        let statements = [Statement::Post(posted), Statement::Delete(posted)];
        if statements.iter().any(|each| each.name().contains(&options.only)) {
            bench.post_and_delete(posted).await.with_context(|| statements[0].name())?;
        }
    }
    if options.million {
        server.stop().await?;
        println!("\n- {} consumers added by SQL in {:.1} s", million::ROWS, million::insert(store).await?);
        server = Server::start(store, folder).await?.0;
        let (first, last) = million::first_and_thousandth(server.address, options.limit).await?;
        for (name, page) in [("first", first), ("thousandth", last)] {
            println!(
                "- {name} page of 1000: p50 {} ms, p99 {} ms",
                page.percentile(0.5),
                page.percentile(0.99)
            );
        }
        println!("- resident memory with them: {}", megabytes(server.resident()));
    }
    server.stop().await
}

/// What the measurements of one store share.
struct Bench<'a> {
    options: &'a Options,
    folder: &'a Path,
    address: SocketAddr,
    table: &'a Table,
}

impl Bench<'_> {
    /// How long one turn of a measurement lasts, and its warm-up.
    fn turn(&self) -> (Duration, Duration) {
        let limit = self.options.limit / ROUNDS;
        (limit, limit / 10)
    }

    /// A read against a handler that gives the bytes of its first answer.
    async fn read(&self, read: Read) -> Result<()> {
        let (limit, warm) = self.turn();
        let mut connection = Connection::open(self.address).await?;
        let maker = read.maker(&mut connection, self.options.rows).await?;
        let mut request = Vec::new();
        maker(0, &mut request);
        let status = connection.exchange(&request).await?;
        ensure!(status == 200, "{status}: {}", connection.body_text());
        let handler = Handler::start(self.folder, &connection)?;
        for concurrency in CONCURRENCY {
            let (mut ours, mut floor) = (Outcome::default(), Outcome::default());
            for _ in 0..ROUNDS {
                let workers = Requester::several(self.address, concurrency, 200, &maker).await?;
                ours.add(load::run(workers, warm, limit).await?);
                let workers = Requester::several(handler.address, concurrency, 200, &maker).await?;
                floor.add(load::run(workers, warm, limit).await?);
            }
            println!("{}", row(read.name(), concurrency, &ours, &floor));
        }
        Ok(())
    }

    /// A read by a client that must be known, against the same read of a node that lets everybody in.
    async fn with_a_token(&self, store: &Store) -> Result<()> {
        let folder = self.folder.join("guarded");
        std::fs::create_dir_all(&folder)?;
        let settings = [("KONG_ENFORCE_RBAC", "on"), ("KONG_ADMIN_TOKEN", TOKEN)];
        let (guarded, _) = Server::start_with(store, &folder, &settings).await?;
        // It still reads its rows into memory.
        tokio::time::sleep(SETTLING).await;
        let (limit, warm) = self.turn();
        let open = Read::ById.maker(&mut Connection::open(self.address).await?, self.options.rows).await?;
        let known = requests::with_token(&open, TOKEN);
        for concurrency in CONCURRENCY {
            let (mut ours, mut floor) = (Outcome::default(), Outcome::default());
            for _ in 0..ROUNDS {
                let workers = Requester::several(guarded.address, concurrency, 200, &known).await?;
                ours.add(load::run(workers, warm, limit).await?);
                let workers = Requester::several(self.address, concurrency, 200, &open).await?;
                floor.add(load::run(workers, warm, limit).await?);
            }
            println!("{}", row(TOKEN_ROW, concurrency, &ours, &floor));
        }
        guarded.stop().await
    }

    /// What the figures of `/metrics` cost each request, in nanoseconds.
    fn counting() -> f64 {
        const TIMES: u32 = 1_000_000;
        let figures = Figures::new(1);
        let began = Instant::now();
        for _ in 0..TIMES {
            let serving = black_box(&figures).serve();
            drop(serving);
            black_box(&figures).answered(Spot::default(), &Method::GET, StatusCode::OK, began.elapsed());
        }
        began.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES)
    }

    /// A write that leaves the number of rows alone, against its statement.
    async fn write(&self, statement: Statement, maker: &Maker) -> Result<()> {
        let (limit, warm) = self.turn();
        for concurrency in CONCURRENCY {
            let (mut ours, mut floor) = (Outcome::default(), Outcome::default());
            for _ in 0..ROUNDS {
                let workers = Requester::several(self.address, concurrency, 200, maker).await?;
                ours.add(load::run(workers, warm, limit).await?);
                floor.add(load::run(self.table.workers(statement, concurrency, None), warm, limit).await?);
            }
            println!("{}", row(statement.name(), concurrency, &ours, &floor));
        }
        Ok(())
    }

    /// Creates rows and then deletes those very rows, so that the store is afterwards as large as before.
    async fn post_and_delete(&self, posted: Posted) -> Result<()> {
        let ((limit, _), warm) = (self.turn(), Duration::ZERO);
        let (statement, deletion) = (Statement::Post(posted), Statement::Delete(posted));
        let creating = requests::post(posted, self.options.rows);
        let (mut lines, mut deletions) = (Vec::new(), Vec::new());
        for concurrency in CONCURRENCY {
            let [mut post, mut post_floor, mut delete, mut delete_floor] =
                [(); 4].map(|()| Outcome::default());
            for _ in 0..ROUNDS {
                let workers = Requester::several(self.address, concurrency, 201, &creating).await?;
                post.add(load::run(workers, warm, limit).await.context("POST")?);
                let workers = self.table.workers(statement, concurrency, None);
                post_floor.add(load::run(workers, warm, limit).await?);
                // Deleting may be slower than creating, and every row has to go: hence no short limit.
                let maker = requests::delete(posted, self.options.rows, Arc::new(post.serials()));
                let workers = Requester::several(self.address, concurrency, 204, &maker).await?;
                delete.add(load::run(workers, warm, FILLING).await.context("DELETE")?);
                let made = Some(Arc::new(post_floor.serials()));
                let workers = self.table.workers(deletion, concurrency, made);
                delete_floor.add(load::run(workers, warm, FILLING).await?);
            }
            lines.push(row(statement.name(), concurrency, &post, &post_floor));
            deletions.push(row(deletion.name(), concurrency, &delete, &delete_floor));
        }
        for (statement, lines) in [(statement, lines), (deletion, deletions)] {
            if statement.name().contains(&self.options.only) {
                lines.iter().for_each(|line| println!("{line}"));
            }
        }
        Ok(())
    }
}

/// One line of the table.
fn row(name: &str, concurrency: usize, ours: &Outcome, floor: &Outcome) -> String {
    format!(
        "| {name} | {concurrency} | {:.0} | {} | {} | {:.0} | {:.2} |",
        ours.rate(),
        ours.percentile(0.5),
        ours.percentile(0.99),
        floor.rate(),
        ours.rate() / floor.rate(),
    )
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

/// Processor and number of processors, as far as the system tells.
fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        text.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
    format!("{} x {}", processors, model.map_or(std::env::consts::ARCH, |(_, model)| model))
}

/// A folder of this run, removed at its end. It lies with the build's files, for `/tmp` is often memory,
/// where a durable write costs nothing.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Folder> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("admin_api-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
