//! What the subcommands do: everything between the command line and the library.

pub mod config;
mod file;
pub mod keyring;
mod logging;
mod reload;
pub mod token;

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use entities::schema::access::SHORTEST_TOKEN;
use generators::schemas;
use silverback::node::Node;
use silverback::serve::Tls;
use silverback::settings::{self, Address, LogLevel, Settings};
use silverback::store::{self, Connection, Database, Location};
use silverback::traces::Traces;
use silverback::{app, declarations, serve};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Reads the settings; the second part names keys that are known but have no effect here.
fn load(file: Option<&Path>) -> Result<(Settings, Vec<String>)> {
    Ok(Settings::load(file, settings::environment(), &[])?)
}

/// The database that the settings name.
fn database(settings: &Settings) -> Result<Database> {
    match settings.database {
        settings::Database::Sqlite => Ok(Database::Sqlite {
            location: Location::File(settings.sqlite_path.clone()),
            read_cache: settings.sqlite_read_cache,
        }),
        settings::Database::Postgres => Ok(Database::Postgres(Box::new(connection(settings)))),
        settings::Database::Off => Ok(Database::Off),
    }
}

fn connection(settings: &Settings) -> Connection {
    const POOL: u32 = 32;
    /// What a timeout of nothing means.
    const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);
    let own = &settings.postgres;
    let mode = match (own.ssl, own.ssl_verify) {
        (false, _) => PgSslMode::Disable,
        (true, false) => PgSslMode::Require,
        (true, true) => PgSslMode::VerifyFull,
    };
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&own.host)
        .port(own.port)
        .username(&own.user)
        .database(&own.database)
        .ssl_mode(mode);
    if let Some(password) = &own.password {
        options = options.password(password.expose());
    }
    if let Some(schema) = &own.schema {
        options = options.options([("search_path", schema.as_str())]);
    }
    if let Some(file) = settings.trusted_certificates.first().filter(|file| *file != "system") {
        options = options.ssl_root_cert(file);
    }
    Connection {
        options,
        pool: own.pool_size.unwrap_or(POOL),
        timeout: if own.timeout.is_zero() { FOR_EVER } else { own.timeout },
        keepalive: own.keepalive_timeout,
        at_once: own.max_concurrent_queries.map(|number| (number, own.semaphore_timeout)),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")
}

/// `silverback start`
pub fn start(file: Option<&Path>) -> Result<()> {
    let (settings, without_effect) = load(file)?;
    let database = database(&settings)?;
    if settings.role != settings::Role::Traditional {
        bail!("role = {} is not served by this release: set role to traditional", settings.role.word());
    }
    refuse_insecure(&settings)?;
    let log = logging::start(settings.log_level, settings.log_format);
    allow_connections(settings.max_connections);
    if !without_effect.is_empty() {
        tracing::info!(keys = without_effect.join(", "), "settings that are known but have no effect here");
    }
    runtime()?.block_on(run(&settings, file, &database, log))
}

async fn run(
    settings: &Settings,
    file: Option<&Path>,
    database: &Database,
    log: impl Fn(LogLevel) + Send + Sync + 'static,
) -> Result<()> {
    let told_to_reload = reload::listen()?;
    let tls = Tls::of(settings)?;
    let mut listeners = Vec::new();
    for address in &settings.admin_listen {
        listeners.push(serve::listen(address, tls.as_ref()).await.context("admin_listen")?);
    }
    let node = silverback::node(settings, database).await?;
    let endpoint = settings.otlp_endpoint.as_ref();
    let traces = endpoint.map(|own| Traces::start(own, settings.sampling_rate, node.id)).transpose()?;
    node.log_level.written_by(log);
    for listener in &listeners {
        if let Some(address) = listener.address() {
            match listener.is_tls() {
                false => tracing::info!(%address, "the Admin API is served"),
                true => tracing::info!(%address, "the Admin API is served over TLS"),
            }
        }
    }
    match database {
        Database::Sqlite { location: Location::File(path), .. } => {
            tracing::info!(path = %path.display(), "the store is an SQLite file");
        }
        Database::Sqlite { location: Location::Memory, .. } => tracing::info!("the store is in memory"),
        Database::Postgres(_) => tracing::info!("the store is PostgreSQL"),
        Database::Off => tracing::info!("there is no database: rows come from POST /config"),
    }
    let expiring = tokio::spawn(expire(Arc::clone(&node)));
    let listening = tokio::spawn(listen(Arc::clone(&node)));
    let file = file.map(Path::to_owned);
    let running = reload::Running { node: Arc::clone(&node), tls, settings: settings.clone() };
    let reloading = tokio::spawn(reload::whenever(told_to_reload, file, running));
    serve::serve(listeners, app(Arc::clone(&node)), Arc::clone(&node), stop_signal()).await;
    for task in [expiring, listening, reloading] {
        task.abort();
        // The task holds the node until it has ended.
        let _aborted = task.await;
    }
    if let Some(node) = Arc::into_inner(node) {
        node.store.close().await;
    }
    if let Some(traces) = traces {
        traces.stop().await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Lets the process have as many files open as its connections take, as far as the system allows.
fn allow_connections(most: usize) {
    /// What is open beside them: the store, the log, listeners.
    const OTHERS: u64 = 256;
    let wanted = (most as u64).saturating_add(OTHERS);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(allowed) if allowed < wanted => {
            tracing::warn!(
                allowed,
                wanted,
                "the system allows fewer open files than admin_max_connections takes"
            );
        }
        Ok(_) => {}
        Err(cause) => tracing::warn!(%cause, "the limit of open files cannot be raised"),
    }
}

/// Deletes rows whose time is over, every few seconds; until then they are not shown.
async fn expire(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        node.store.expire().await;
    }
}

/// Does what other nodes announce.
async fn listen(node: Arc<Node>) {
    node.store.listen(|announcement| node.hear(announcement)).await;
}

/// Completes when the process is told to stop.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(cause) => {
                tracing::warn!(%cause, "a signal cannot be waited for");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::quit()) => {}
    }
}

/// Refuses a token that can be guessed, and to serve machines that nobody knows: an address that they reach goes with
/// tokens, with certificates of clients, or with the word that neither is wanted.
fn refuse_insecure(settings: &Settings) -> Result<()> {
    let token = settings.access.token.as_ref().map(|token| token.expose().chars().count());
    if token.is_some_and(|length| length < SHORTEST_TOKEN) {
        bail!("admin_token: a token has at least {SHORTEST_TOKEN} characters");
    }
    if settings.access.enforced || settings.access.unauthenticated {
        return Ok(());
    }
    let asks_for_certificates = !settings.admin_client_certificate.is_empty();
    let is_exposed = |address: &&Address| !(address.is_loopback() || address.ssl && asks_for_certificates);
    match settings.admin_listen.iter().find(is_exposed) {
        None => Ok(()),
        Some(address) => bail!(
            "admin_listen: other machines reach '{}', and clients need no token: set enforce_rbac = on, or \
             admin_client_certificate for listeners with ssl, or admin_allow_unauthenticated = on where the network keeps strangers out",
            address.target()
        ),
    }
}

/// `silverback check FILE`
pub fn check(file: &Path) -> Result<()> {
    let (settings, without_effect) = load(Some(file))?;
    refuse_insecure(&settings)?;
    println!("{} is valid", file.display());
    for key in without_effect {
        println!("note: {key} is known but has no effect here");
    }
    Ok(())
}

/// `silverback migrations list`
pub fn list_migrations(file: Option<&Path>) -> Result<()> {
    let (settings, _) = load(file)?;
    let database = database(&settings)?;
    let declarations = declarations(&settings)?;
    let steps = runtime()?.block_on(store::pending(&database, &declarations))?;
    if steps.is_empty() {
        println!("the database is up to date");
    }
    steps.iter().for_each(|step| println!("pending: {}", step.what));
    Ok(())
}

/// `silverback migrations up`
pub fn migrate(file: Option<&Path>) -> Result<()> {
    let (settings, _) = load(file)?;
    let database = database(&settings)?;
    let declarations = declarations(&settings)?;
    let steps = runtime()?.block_on(store::migrate(&database, &declarations, false))?;
    if steps.is_empty() {
        println!("the database is up to date");
    }
    steps.iter().for_each(|step| println!("done: {}", step.what));
    Ok(())
}

/// `silverback migrations finish`
pub fn finish_migrations(file: Option<&Path>) -> Result<()> {
    let (settings, _) = load(file)?;
    let database = database(&settings)?;
    let declarations = declarations(&settings)?;
    let steps = runtime()?.block_on(store::pending(&database, &declarations))?;
    if !steps.is_empty() {
        bail!("{} steps are pending: run `silverback migrations up` first", steps.len());
    }
    println!("nothing is left to finish");
    Ok(())
}

/// `silverback migrations reset`
pub fn reset(file: Option<&Path>, yes: bool) -> Result<()> {
    let (settings, _) = load(file)?;
    let database = database(&settings)?;
    if !yes && !confirmed()? {
        bail!("nothing was dropped");
    }
    let declarations = declarations(&settings)?;
    runtime()?.block_on(store::migrate(&database, &declarations, true))?;
    println!("every table was dropped");
    Ok(())
}

fn confirmed() -> Result<bool> {
    print!("This drops every table and all that they hold. Type 'yes' to go on: ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}

/// `silverback routes`
pub fn routes() -> Result<()> {
    let settings = Settings::default();
    let mut out = std::io::stdout().lock();
    let declarations = declarations(&settings)?;
    for endpoint in Node::endpoints(&declarations, settings.role).iter() {
        if let Err(cause) = writeln!(out, "{:<38} {}", endpoint.allow(), endpoint.path) {
            // Whoever reads has seen enough (`silverback routes | head`).
            return if cause.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(cause.into()) };
        }
    }
    Ok(())
}

/// `silverback schema ENTITY`
pub fn schema(name: &str) -> Result<()> {
    let declarations = declarations(&Settings::default())?;
    let value = match name.split_once('/') {
        None => declarations.entity(name).map(schemas::entity),
        Some((entity, own)) => {
            declarations.entity(entity).and_then(|entity| entity.subschema(own)).map(schemas::subschema)
        }
    };
    let value = value.with_context(|| format!("no entity named '{name}'"))?;
    println!("{}", serde_json::to_string_pretty(&value)?);
    Ok(())
}

/// `silverback version`
pub fn version() -> Result<()> {
    println!("silverback {}", env!("CARGO_PKG_VERSION"));
    Ok(())
}
