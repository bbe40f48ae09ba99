//! Produces rates and latencies: runs workers side by side for a bounded time and keeps the time of every
//! step they took. It deliberately knows neither HTTP nor SQL; a worker says what one step is.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

/// How much longer than planned a run may last before it counts as stuck.
const GRACE: Duration = Duration::from_secs(60);

/// One of several that work at the same time.
pub trait Worker: Send + 'static {
    /// Does the step with this number, which no other worker of the run is given. `false` when there is none
    /// left to do.
    fn step(&mut self, serial: usize) -> impl Future<Output = Result<bool>> + Send;
}

/// What a run, or several of the same kind, came to.
#[derive(Default)]
pub struct Outcome {
    /// Microseconds of each step, ascending.
    latencies: Vec<u32>,
    /// How long the workers worked, added up. Each counts from its own first measured step to its own last:
    /// slow steps end at different times, and waiting for the last of them is no work.
    busy: Duration,
    /// How many steps each worker of the last run did, those of the warm-up among them.
    steps: Vec<usize>,
}

/// Lets each worker take one step after the other: unmeasured for `warm`, then measured until `limit` has
/// passed and the step under way is done.
pub async fn run<W: Worker>(workers: Vec<W>, warm: Duration, limit: Duration) -> Result<Outcome> {
    let (count, start) = (workers.len(), Instant::now());
    let mut tasks = JoinSet::new();
    for (index, mut worker) in workers.into_iter().enumerate() {
        tasks.spawn(async move {
            let (mut latencies, mut serial, mut steps) = (Vec::new(), index, 0);
            let (mut now, mut measured_from) = (Instant::now(), None);
            loop {
                if measured_from.is_none() && now - start >= warm {
                    measured_from = Some(now);
                }
                if measured_from.is_some_and(|from| now - from >= limit) || !worker.step(serial).await? {
                    break;
                }
                let before = std::mem::replace(&mut now, Instant::now());
                serial += count;
                steps += 1;
                if measured_from.is_some() {
                    latencies.push(u32::try_from((now - before).as_micros()).unwrap_or(u32::MAX));
                }
            }
            let busy = measured_from.map_or(Duration::ZERO, |from| now - from);
            Ok::<_, anyhow::Error>((index, latencies, steps, busy))
        });
    }
    let mut outcome = Outcome { steps: vec![0; count], ..Outcome::default() };
    let all = async {
        while let Some(done) = tasks.join_next().await {
            let (index, latencies, steps, busy) = done??;
            outcome.latencies.extend(latencies);
            outcome.busy += busy;
            outcome.steps[index] = steps;
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::time::timeout(warm + limit + GRACE, all).await.context("stuck")??;
    ensure!(!outcome.latencies.is_empty(), "nothing was done in {limit:?}");
    outcome.latencies.sort_unstable();
    Ok(outcome)
}

impl Outcome {
    /// Takes in a later run of the same kind.
    pub fn add(&mut self, later: Outcome) {
        self.latencies.extend(later.latencies);
        self.latencies.sort_unstable();
        self.busy += later.busy;
        self.steps = later.steps;
    }

    /// Steps a second, of all workers together.
    pub fn rate(&self) -> f64 {
        (self.latencies.len() * self.steps.len()) as f64 / self.busy.as_secs_f64()
    }

    /// The latency that this share of the steps stayed within, in milliseconds with two decimals.
    pub fn percentile(&self, share: f64) -> String {
        let rank = (self.latencies.len() as f64 * share).ceil() as usize;
        let microseconds = self.latencies[rank.clamp(1, self.latencies.len()) - 1];
        format!("{:.2}", f64::from(microseconds) / 1000.0)
    }

    /// The numbers of the steps that were done in the last run.
    pub fn serials(&self) -> Vec<usize> {
        let count = self.steps.len();
        self.steps
            .iter()
            .enumerate()
            .flat_map(|(index, steps)| (0..*steps).map(move |n| index + n * count))
            .collect()
    }
}
