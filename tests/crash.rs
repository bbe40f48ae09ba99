//! `kill -9` under load: no write that was acknowledged is lost, and none is there by half.
//!
//! Writers send what touches several rows at once (a certificate with its SNIs, a deletion that takes others along)
//! until the server, or PostgreSQL below it, is killed at a moment that nobody chose. What is there afterwards is
//! held against what the writers know, and against the change log. Losing power is not tried: that needs a machine.

pub mod ledger;
pub mod plots;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::support::block_on;
use crate::support::client::Connection;
use crate::support::postgres::{Database, Server};
use crate::support::process::{self, Folder, Process};
use ledger::{Ledger, Source};
use plots::{Chance, Plot};

/// How many writers there are; each has rows of its own.
const WRITERS: usize = 8;
/// How many plots a writer tends.
const PLOTS: usize = 3;
/// How many writes are acknowledged at most before something is killed.
const MOST_WRITES: usize = 60;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that remembers what it was told.
pub struct Writer {
    pub plots: Vec<Plot>,
    chance: Chance,
}

impl Writer {
    /// Some of them; the seed says what they will do.
    pub fn several(seed: u64) -> Vec<Writer> {
        let writer = |number: usize| Writer {
            plots: (0..PLOTS).map(|plot| Plot::new(number * PLOTS + plot)).collect(),
            chance: Chance::new(seed.wrapping_add(number as u64)),
        };
        (0..WRITERS).map(writer).collect()
    }

    /// Writes until the server is gone, or until it is told to stop. A write that was not answered, or that was
    /// answered with "try again", stays pending: it may have happened or not.
    pub fn write(&mut self, connection: &mut Connection, stop: &AtomicBool, acknowledged: &AtomicUsize) {
        while !stop.load(Ordering::Relaxed) {
            let plot = self.chance.below(self.plots.len());
            let plot = &mut self.plots[plot];
            let step = plot.step(&mut self.chance);
            plot.pending = Some(step.after);
            match connection.json(step.method, &step.path, &step.body) {
                Ok(answer) if (200..300).contains(&answer.status) => plot.acknowledged(),
                Ok(answer) if answer.status == 503 && answer.header("retry-after").is_some() => return,
                Ok(answer) => panic!("{} {}: {} {}", step.method, step.path, answer.status, answer.json()),
                Err(_) => return,
            }
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// When something is killed: after so many acknowledged writes, and so much later.
struct Moment {
    writes: usize,
    later: Duration,
}

/// Lets the writers write, has something killed at a moment, and waits until the writers have noticed. Gives how
/// many writes were acknowledged.
fn under_load(process: &Process, writers: &mut [Writer], moment: &Moment, kill: impl FnOnce()) -> usize {
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let connections: Vec<_> = writers.iter().map(|_| process.connect()).collect();
    scope(|scope| {
        for (writer, mut connection) in writers.iter_mut().zip(connections) {
            let (stop, acknowledged) = (&stop, &acknowledged);
            scope.spawn(move || writer.write(&mut connection, stop, acknowledged));
        }
        let deadline = Instant::now() + PATIENCE;
        while acknowledged.load(Ordering::Relaxed) < moment.writes && Instant::now() < deadline {
            sleep(Duration::from_micros(200));
        }
        sleep(moment.later);
        kill();
        stop.store(true, Ordering::Relaxed);
    });
    acknowledged.into_inner()
}

/// Chance is what finds the moment that nobody thought of; the seed is there to repeat one.
pub fn seed() -> u64 {
    let given = std::env::var_os("CRASH_SEED").and_then(|seed| seed.to_str()?.parse().ok());
    let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    println!("CRASH_SEED={seed}");
    seed
}

/// A store under test: how a server reaches it, and how this test looks into it.
struct Trial {
    folder: Folder,
    settings: Vec<(&'static str, String)>,
    source: Source,
    ledger: Ledger,
    writers: Vec<Writer>,
    chance: Chance,
    acknowledged: usize,
}

impl Trial {
    fn new(folder: Folder, settings: Vec<(&'static str, String)>, source: Source) -> Trial {
        let seed = seed();
        let writers = Writer::several(seed);
        Trial {
            folder,
            settings,
            source,
            ledger: Ledger::default(),
            writers,
            chance: Chance::new(!seed),
            acknowledged: 0,
        }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn start(&self) -> Process {
        Process::start(self.folder(), &self.settings)
    }

    /// A moment under load.
    fn moment(&mut self) -> Moment {
        let later = Duration::from_micros(self.chance.below(8_000) as u64);
        Moment { writes: self.chance.below(MOST_WRITES), later }
    }

    /// Kills the server again and again.
    fn kill_the_server(&mut self, rounds: usize) {
        let mut process = self.start();
        for _ in 0..rounds {
            let moment = self.moment();
            self.acknowledged +=
                under_load(&process, &mut self.writers, &moment, || process::kill(process.id()));
            process.wait();
            self.source.wait_until_nobody_writes();
            process = self.start();
            self.check(&process);
        }
        process.terminate();
        assert!(process.wait().success(), "{}", process.said());
    }

    /// Kills PostgreSQL again and again; the server stays, and must find its way back.
    fn kill_postgresql(&mut self, server: &Server, rounds: usize) {
        let process = self.start();
        for _ in 0..rounds {
            let moment = self.moment();
            self.acknowledged += under_load(&process, &mut self.writers, &moment, || server.crash().unwrap());
            self.check(&process);
        }
    }

    fn check(&mut self, process: &Process) {
        self.ledger.read(&self.source);
        self.ledger.agrees_with_tables(&self.source);
        self.ledger.agrees_with_answers(process);
        for plot in self.writers.iter_mut().flat_map(|writer| &mut writer.plots) {
            plot.settle(&self.ledger);
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        println!("{} acknowledged writes", self.acknowledged);
    }
}

#[test]
fn sqlite_survives_the_death_of_the_server() {
    const ROUNDS: usize = 24;
    let folder = Folder::new();
    let source = Source::Sqlite(folder.path().join("silverback.db"));
    let mut trial = Trial::new(folder, Vec::new(), source);
    trial.settings = process::sqlite(trial.folder());
    trial.kill_the_server(ROUNDS);
}

#[test]
fn postgresql_survives_the_death_of_the_server_and_its_own() {
    const ROUNDS: usize = 10;
    let Some(server) = Server::start(true).unwrap() else { return };
    let database = database(&server, "crash");
    let mut trial = Trial::new(Folder::new(), process::postgres(&database), Source::Postgres(database));
    trial.kill_the_server(ROUNDS);
    trial.kill_postgresql(&server, ROUNDS);
}

fn database(server: &Server, name: &str) -> Database {
    block_on(server.database(name)).unwrap()
}
