//! Produces the server as its own process: the real binary on a free loopback port, with the settings that a test
//! gives and none of the caller's environment. What it logs stays in its folder, for the message of a failed test.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Connection;
use super::postgres::Database;

/// How long the server may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder that goes when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// A new empty folder.
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("silverback-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The settings that make a server keep its rows in the file `silverback.db` of a folder.
pub fn sqlite(folder: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("KONG_DATABASE", "sqlite".to_owned()),
        ("KONG_SQLITE_PATH", folder.join("silverback.db").display().to_string()),
    ]
}

/// The settings that make a server keep its rows in a database of PostgreSQL.
pub fn postgres(database: &Database) -> Vec<(&'static str, String)> {
    vec![
        ("KONG_DATABASE", "postgres".to_owned()),
        ("KONG_PG_HOST", database.host.clone()),
        ("KONG_PG_PORT", database.port.to_string()),
        ("KONG_PG_USER", database.user.clone()),
        ("KONG_PG_DATABASE", database.name.clone()),
    ]
}

/// A server over a file of its own, with these settings.
pub fn on_sqlite(settings: &[(&'static str, &str)]) -> (Folder, Process) {
    let folder = Folder::new();
    let mut all = sqlite(folder.path());
    all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let process = Process::start(folder.path(), &all);
    (folder, process)
}

/// A running server; dropping it kills it.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a server and waits until it answers.
    pub fn start(folder: &Path, settings: &[(&str, String)]) -> Process {
        Process::try_start(folder, settings).unwrap_or_else(|log| panic!("the server does not start:\n{log}"))
    }

    /// Starts a server and waits until it answers; the error is what a server that ended has said.
    pub fn try_start(folder: &Path, settings: &[(&str, String)]) -> Result<Process, String> {
        let mut process = Process::spawn(folder, settings);
        process.wait_until_it_answers().map(|()| process)
    }

    /// Starts a server. It chooses a free port, which is known when it answers, unless the settings say where to listen.
    pub fn spawn(folder: &Path, settings: &[(&str, String)]) -> Process {
        Process::spawn_with(Path::new("/dev/null"), folder, settings)
    }

    /// The same, with a file of settings.
    pub fn spawn_with(file: &Path, folder: &Path, settings: &[(&str, String)]) -> Process {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let log = folder.join(format!("log-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let (stdout, stderr) =
            (File::create(&log).unwrap(), File::options().append(true).open(&log).unwrap());
        let mut command = command(folder, settings);
        command.args(["start", "-c"]).arg(file);
        if settings.iter().all(|(name, _)| *name != "KONG_ADMIN_LISTEN") {
            command.env("KONG_ADMIN_LISTEN", "127.0.0.1:0");
        }
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let child = command.spawn().unwrap();
        Process { address: SocketAddr::from(([127, 0, 0, 1], 0)), child, log }
    }

    /// Waits until the server answers; the error is what it has said.
    pub fn wait_until_it_answers(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(address) = self.announced() {
                self.address = address;
                let answer = self.connect().json("GET", "/status", &Value::Null);
                // One that wants a token answers as well.
                let answers = answer.is_ok_and(|answer| matches!(answer.status, 200 | 401));
                assert!(answers, "{}", self.said());
                return Ok(());
            }
            if self.child.try_wait().unwrap().is_some() {
                return Err(self.said());
            }
            sleep(Duration::from_millis(2));
        }
        Err(format!("no answer in {} s:\n{}", PATIENCE.as_secs(), self.said()))
    }

    /// The address that the server says it is served at.
    fn announced(&self) -> Option<SocketAddr> {
        self.addresses("the Admin API is served").first().copied()
    }

    /// The addresses that the server says it is served at over TLS.
    pub fn tls_addresses(&self) -> Vec<SocketAddr> {
        self.addresses("the Admin API is served over TLS")
    }

    /// What a log of text or of JSON calls the address in lines that say this.
    fn addresses(&self, words: &str) -> Vec<SocketAddr> {
        let (log, in_text) = (self.said(), format!("{words} address="));
        let whole = log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let address = |line: &str| -> Option<SocketAddr> {
            match serde_json::from_str::<Value>(line) {
                Ok(line) if line["message"] == words => line["address"].as_str()?.parse().ok(),
                Ok(_) => None,
                Err(_) => line.split_once(&in_text)?.1.trim().parse().ok(),
            }
        };
        whole.filter_map(address).collect()
    }

    /// What the server has logged.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A connection to the server.
    pub fn connect(&self) -> Connection {
        Connection::open(self.address).unwrap()
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells the server to end, as an init system does.
    pub fn terminate(&self) {
        signal("-TERM", self.id());
    }

    /// Tells the server to read its settings again.
    pub fn hang_up(&self) {
        signal("-HUP", self.id());
    }

    /// Waits until the server has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end:\n{}", self.said());
            sleep(Duration::from_millis(2));
        }
    }
}

/// The binary, with these settings and none that the caller's environment has for a server of their own.
pub fn command(folder: &Path, settings: &[(&str, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_silverback"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"KONG_")) {
        command.env_remove(name);
    }
    command.env("KONG_PREFIX", folder);
    command.envs(settings.iter().map(|(name, value)| (*name, value.as_str())));
    command
}

/// `kill -9`
pub fn kill(id: u32) {
    signal("-KILL", id);
}

fn signal(signal: &str, id: u32) {
    assert!(Command::new("kill").args([signal, &id.to_string()]).status().unwrap().success());
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
