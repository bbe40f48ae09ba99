//! Produces a private PostgreSQL server for tests and benchmarks: a fresh cluster in a temporary folder,
//! reachable on a free loopback port (and a Unix socket in that folder), that disappears with the process
//! that started it. It deliberately downloads nothing, touches no other server, and offers nothing but empty
//! databases: what is in them is the business of whoever asked.

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// The superuser of the private cluster; it needs no password.
const USER: &str = "postgres";

/// The address that the private server listens on.
const HOST: &str = "127.0.0.1";

/// How long creating the cluster and starting it may take together.
const START: Duration = Duration::from_secs(120);

/// How long stopping it may take before it is left to its own watchdog.
const STOP: Duration = Duration::from_secs(20);

/// What owns the server: `$0` is the folder, `$1` is `initdb`, the rest is the server's command line.
///
/// The shell's input is a pipe that only the starting process holds, so it ends when that process does,
/// however it died; then the server is told to stop at once and the folder goes. The signal is repeated
/// because a background process of a shell ignores SIGQUIT until the server has installed its own handler.
///
/// A server that was killed is started again, as an init system would. Its next start fails (with status 1)
/// for as long as a process of the last one holds the shared memory, and is tried until that is gone.
const OWNER: &str = r#"
exec 3<&0
initdb=$1
shift
if "$initdb" -D "$0/data" -U postgres -A trust -E UTF8 --locale=C -N >"$0/log" 2>&1 </dev/null 3<&-; then
  again=0
  while :; do
    "$@" >"$0/log" 2>&1 </dev/null 3<&- &
    server=$!
    { read -r line <&3; while kill -QUIT "$server" 2>/dev/null; do sleep 1; done; } &
    watchdog=$!
    wait "$server"
    status=$?
    kill "$watchdog" 2>/dev/null
    if [ "$status" -eq 137 ]; then again=200; fi
    if [ "$status" -ne 137 ] && [ "$status" -ne 1 ]; then break; fi
    if [ "$again" -eq 0 ]; then break; fi
    again=$((again - 1))
    sleep 0.05
  done
fi
tail -n 20 "$0/log" >&2
rm -rf -- "$0"
"#;

/// A running private PostgreSQL server. Dropping it stops it and removes its files; so does the end of the
/// process.
pub struct Server {
    dir: PathBuf,
    port: u16,
    owner: Child,
}

/// An empty database of a private server, as what a client needs to connect to it. There is no password.
#[derive(Debug, Clone)]
pub struct Database {
    /// An IPv4 address.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub name: String,
}

impl Server {
    /// Starts a server; takes a few seconds and blocks the thread meanwhile.
    ///
    /// `durable` asks for commits that survive a crash of the machine (`fsync`), as crash tests and
    /// benchmarks need; without it the server is faster and just as correct while the machine stays up.
    ///
    /// `Ok(None)`, after a loud message, when PostgreSQL is not installed. Where the environment says `CI`
    /// that is an error, for there a skipped test would look like a passed one.
    pub fn start(durable: bool) -> Result<Option<Server>, String> {
        let Some(programs) = programs() else {
            let absent = "PostgreSQL (initdb, postgres) is neither in PATH nor in /usr/lib/postgresql/*/bin";
            if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
                return Err(absent.to_owned());
            }
            eprintln!("\n*** SKIPPED: {absent}. What needs PostgreSQL did not run. ***\n");
            return Ok(None);
        };
        // Between finding a free port and listening on it, another process may take it: hence more than one
        // attempt.
        let mut reason = String::new();
        for _ in 0..3 {
            match attempt(&programs, durable) {
                Ok(server) => return Ok(Some(server)),
                Err(failure) => reason = failure,
            }
        }
        Err(format!("PostgreSQL of {} does not start: {reason}", programs.display()))
    }

    /// Makes an empty database; one that has this name already is dropped together with its connections.
    pub async fn database(&self, name: &str) -> Result<Database, sqlx::Error> {
        let mut connection = PgConnectOptions::new_without_pgpass()
            .host(HOST)
            .port(self.port)
            .username(USER)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
            .connect()
            .await?;
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        // Two calls, because PostgreSQL refuses both statements inside a transaction, which one text of two
        // would be.
        let gone = format!("DROP DATABASE IF EXISTS {quoted} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(gone)).execute(&mut connection).await?;
        let made = format!("CREATE DATABASE {quoted}");
        sqlx::raw_sql(AssertSqlSafe(made)).execute(&mut connection).await?;
        connection.close().await?;
        Ok(Database { host: HOST.to_owned(), port: self.port, user: USER.to_owned(), name: name.to_owned() })
    }

    /// Kills the server as a crash would, without a word to it, and waits until it is back and has recovered.
    pub fn crash(&self) -> Result<(), String> {
        let before = self.process().ok_or("the server has no process")?;
        let killed = Command::new("kill").arg("-KILL").arg(&before).status();
        if !killed.map_err(|error| format!("cannot run kill: {error}"))?.success() {
            return Err(format!("process {before} cannot be killed"));
        }
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if self.process().is_some_and(|now| now != before) && ready(&self.dir) {
                return Ok(());
            }
            sleep(Duration::from_millis(5));
        }
        Err(format!("not back after {} s", START.as_secs()))
    }

    /// The number of the server's main process, which stands in the first line of its lock file.
    fn process(&self) -> Option<String> {
        let lock = fs::read_to_string(self.dir.join("data/postmaster.pid")).ok()?;
        lock.lines().next().filter(|line| line.parse::<u32>().is_ok()).map(str::to_owned)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.owner.stdin.take());
        let deadline = Instant::now() + STOP;
        while matches!(self.owner.try_wait(), Ok(None)) && Instant::now() < deadline {
            sleep(Duration::from_millis(10));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Creates a cluster and waits until its server answers; the error holds the last lines of the server's log.
fn attempt(programs: &Path, durable: bool) -> Result<Server, String> {
    let said = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
    let dir = folder().map_err(said("cannot create a temporary folder"))?;
    let port = free_port().map_err(said("no free port"))?;

    let mut command = Command::new("sh");
    command.arg("-c").arg(OWNER).arg(&dir).arg(programs.join("initdb")).arg(programs.join("postgres"));
    command.arg("-D").arg(dir.join("data")).arg("-p").arg(port.to_string());
    let mut settings = vec![
        setting("listen_addresses", HOST),
        // The path of a socket is limited to about a hundred bytes; a longer folder does without one.
        setting(
            "unix_socket_directories",
            if dir.as_os_str().len() < 80 { dir.as_os_str() } else { "".as_ref() },
        ),
        setting("max_connections", "200"),
        // Keeps what a server says while it starts, without a line for each constraint that a test violates.
        setting("log_min_messages", "log"),
    ];
    if !durable {
        let off = ["fsync", "synchronous_commit", "full_page_writes"];
        settings.extend(off.map(|name| setting(name, "off")));
    }
    for value in settings {
        command.arg("-c").arg(value);
    }
    // PostgreSQL refuses to run as root, and then runs as an account without privileges.
    if fs::metadata(&dir).map_err(said("cannot look at the temporary folder"))?.uid() == 0 {
        let (user, group) = account().ok_or("neither of the accounts postgres and nobody exists")?;
        std::os::unix::fs::chown(&dir, Some(user), Some(group))
            .map_err(said("cannot give the folder away"))?;
        command.uid(user).gid(group);
    }
    // A process group of its own keeps the keyboard's interrupt away from the shell that has to clean up.
    command
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let owner = command.spawn().map_err(said("cannot run sh"))?;
    let mut server = Server { dir, port, owner };

    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        if ready(&server.dir) {
            return Ok(server);
        }
        if server.owner.try_wait().map_err(said("cannot wait for PostgreSQL"))?.is_some() {
            let mut log = Vec::new();
            if let Some(mut stderr) = server.owner.stderr.take() {
                stderr.read_to_end(&mut log).map_err(said("cannot read PostgreSQL's log"))?;
            }
            return Err(String::from_utf8_lossy(&log).trim().to_owned());
        }
        sleep(Duration::from_millis(10));
    }
    Err(format!("not ready after {} s", START.as_secs()))
}

/// Whether the server accepts connections: it writes its state into the eighth line of its lock file.
fn ready(dir: &Path) -> bool {
    fs::read_to_string(dir.join("data/postmaster.pid"))
        .is_ok_and(|text| text.lines().nth(7).is_some_and(|state| state.trim() == "ready"))
}

/// `name=value`, where the value may be a path that is not UTF-8.
fn setting(name: &str, value: impl AsRef<std::ffi::OsStr>) -> OsString {
    let mut text = OsString::from(name);
    text.push("=");
    text.push(value);
    text
}

/// The folder that holds both programs: the first in PATH, else the newest version where Debian puts them.
fn programs() -> Option<PathBuf> {
    let complete = |dir: &PathBuf| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(dir) = std::env::split_paths(&path).find(complete) {
        return Some(dir);
    }
    let version = |dir: &fs::DirEntry| dir.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
    let mut installed: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| (version(&entry), entry.path().join("bin")))
        .filter(|(_, dir)| complete(dir))
        .collect();
    installed.sort();
    installed.pop().map(|(_, dir)| dir)
}

/// User and group number of the account that the server runs as when the tests run as root.
fn account() -> Option<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].into_iter().find_map(|wanted| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(wanted))?;
        let mut numbers = line.split(':').skip(2).map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    })
}

/// A new folder that nobody else can enter.
fn folder() -> std::io::Result<PathBuf> {
    let parent = std::env::temp_dir();
    for number in 0u32.. {
        let dir = parent.join(format!("silverback-postgres-{}-{number}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
            Ok(()) => return Ok(dir),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// A loopback port that is free at this moment.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
