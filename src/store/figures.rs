//! How long the store takes: what is asked of a database, and what is written. What rows in memory answer at once is
//! not counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::histogram::Histogram;
use crate::traces::Part;

/// What is asked of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A row, a page, children.
    Read,
    /// One transaction.
    Write,
}

/// Times, since the start.
#[derive(Debug, Default)]
pub struct Figures {
    reads: Histogram,
    writes: Histogram,
    /// How much is being asked at the moment.
    asking: AtomicU64,
}

impl Figures {
    /// Counts what is asked until the guard is dropped.
    pub(super) fn begin(&self, asked: Asked) -> Asking<'_> {
        self.asking.fetch_add(1, Relaxed);
        let name = match asked {
            Asked::Read => "store read",
            Asked::Write => "store write",
        };
        Asking { figures: self, asked, began: Instant::now(), _part: Part::begin(name) }
    }

    /// The times of a kind.
    pub fn times(&self, asked: Asked) -> &Histogram {
        match asked {
            Asked::Read => &self.reads,
            Asked::Write => &self.writes,
        }
    }

    /// How much is being asked at the moment.
    pub fn asking(&self) -> u64 {
        self.asking.load(Relaxed)
    }
}

/// Something that is being asked of the store.
pub(super) struct Asking<'a> {
    figures: &'a Figures,
    asked: Asked,
    began: Instant,
    _part: Option<Part>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.figures.asking.fetch_sub(1, Relaxed);
        self.figures.times(self.asked).observe(self.began.elapsed());
    }
}

/// Connections to PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    pub open: u64,
    pub idle: u64,
    /// What waits for one.
    pub waiting: u64,
}
