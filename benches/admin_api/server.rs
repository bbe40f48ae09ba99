//! Produces the server under measurement: the release binary as its own process, on a free loopback port,
//! with nothing set but its listener, its store and its folder. It deliberately tunes nothing that a user
//! would not have tuned.

use std::fs::{File, read_to_string};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::time::sleep;

use crate::client::Connection;
use crate::postgres::Database;
use crate::requests::request;

/// How long the server may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the server keeps its rows.
pub enum Store {
    /// Nowhere but in its memory.
    Memory,
    /// The path of the database's file.
    Sqlite(PathBuf),
    Postgres(Database),
}

impl Store {
    pub fn title(&self) -> &'static str {
        match self {
            Store::Memory => "memory",
            Store::Sqlite(_) => "SQLite",
            Store::Postgres(_) => "PostgreSQL",
        }
    }

    /// A copy for a second server, where the store is one's alone; no server may be running.
    pub fn copy(&self, folder: &Path) -> Result<Option<Store>> {
        let Store::Sqlite(file) = self else { return Ok(None) };
        let copy = folder.join("copy.sqlite");
        std::fs::copy(file, &copy)?;
        Ok(Some(Store::Sqlite(copy)))
    }

    /// The settings that choose the store.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        match self {
            Store::Memory => vec![("KONG_DATABASE", "off".into()), ("KONG_BODY_LIMIT", "0".into())],
            Store::Sqlite(file) => {
                vec![("KONG_DATABASE", "sqlite".into()), ("KONG_SQLITE_PATH", file.display().to_string())]
            }
            Store::Postgres(database) => vec![
                ("KONG_DATABASE", "postgres".into()),
                ("KONG_PG_HOST", database.host.clone()),
                ("KONG_PG_PORT", database.port.to_string()),
                ("KONG_PG_USER", database.user.clone()),
                ("KONG_PG_DATABASE", database.name.clone()),
            ],
        }
    }
}

/// A running server; dropping it kills it.
pub struct Server {
    pub address: SocketAddr,
    process: Child,
}

impl Server {
    /// Starts the server and gives the time from there to its first answer to `GET /`.
    pub async fn start(store: &Store, folder: &Path) -> Result<(Server, Duration)> {
        Server::start_with(store, folder, &[]).await
    }

    /// The same, with more settings.
    pub async fn start_with(
        store: &Store,
        folder: &Path,
        settings: &[(&str, &str)],
    ) -> Result<(Server, Duration)> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = folder.join("server.log");
        let (stdout, stderr) = (File::create(&log)?, File::options().append(true).open(&log)?);
        let mut command = Command::new(env!("CARGO_BIN_EXE_silverback"));
        // What the caller's environment says to a server of their own is not meant for this one.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"KONG_"))
        {
            command.env_remove(name);
        }
        command
            .arg("start")
            .env("KONG_ADMIN_LISTEN", address.to_string())
            .env("KONG_PREFIX", folder.join("prefix"))
            .env("KONG_LOG_LEVEL", "warn")
            .envs(store.settings())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let began = Instant::now();
        let mut server = Server { address, process: command.spawn().context("cannot run the server")? };
        let mut root = Vec::new();
        request(&mut root, "GET", "/", None);
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && matches!(connection.exchange(&root).await, Ok(200 | 401))
            {
                return Ok((server, began.elapsed()));
            }
            if let Some(status) = server.process.try_wait()? {
                bail!("the server ended with {status}:\n{}", read_to_string(&log)?);
            }
            if began.elapsed() > PATIENCE {
                bail!("no answer to GET / in {PATIENCE:?}:\n{}", read_to_string(&log)?);
            }
            sleep(Duration::from_micros(500)).await;
        }
    }

    /// Resident memory in kB; `None` where `/proc` does not tell.
    pub fn resident(&self) -> Option<u64> {
        figure(self.process.id(), "VmRSS:")
    }

    /// The number that the system knows the process by.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Asks the server to end and waits for it.
    pub async fn stop(mut self) -> Result<()> {
        // The standard library can only kill; the shell's own `kill` sends what an init system sends.
        let kill = format!("kill -TERM {}", self.process.id());
        Command::new("sh").arg("-c").arg(kill).status().context("cannot run sh")?;
        let began = Instant::now();
        while self.process.try_wait()?.is_none() {
            if began.elapsed() > PATIENCE {
                bail!("the server does not end on SIGTERM in {PATIENCE:?}");
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The most memory that a process has held, in kB; `None` where `/proc` does not tell.
pub fn peak(process: u32) -> Option<u64> {
    figure(process, "VmHWM:")
}

fn figure(process: u32, name: &str) -> Option<u64> {
    let status = read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Kilobytes as a person reads them.
pub fn megabytes(kilobytes: Option<u64>) -> String {
    kilobytes.map_or("unknown here".into(), |kilobytes| format!("{:.1} MB", kilobytes as f64 / 1024.0))
}
