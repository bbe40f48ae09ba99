//! A histogram that many threads add to at once: how often something took how long.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The upper ends of the buckets, in microseconds; the last bucket has none.
pub const BOUNDS: [u64; 15] = [
    100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl Histogram {
    /// It took so long once more.
    pub fn observe(&self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(BOUNDS.partition_point(|bound| *bound < microseconds)) {
            bucket.fetch_add(1, Relaxed);
        }
        self.microseconds.fetch_add(microseconds, Relaxed);
    }

    /// How often it took no longer than each bound, and at last how often it happened at all.
    pub fn cumulated(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let bounds = BOUNDS.iter().copied().map(Some).chain([None]);
        bounds.zip(&self.buckets).scan(0, |sum, (bound, bucket)| {
            *sum += bucket.load(Relaxed);
            Some((bound, *sum))
        })
    }

    /// The sum of all times, in microseconds.
    pub fn microseconds(&self) -> u64 {
        self.microseconds.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_up_to_its_bound_and_beyond() {
        let histogram = Histogram::default();
        for microseconds in [0, 100, 101, 20_000_000] {
            histogram.observe(Duration::from_micros(microseconds));
        }
        let cumulated: Vec<_> = histogram.cumulated().collect();
        assert_eq!(cumulated[..3], [(Some(100), 2), (Some(500), 3), (Some(1_000), 3)]);
        assert_eq!(cumulated[14..], [(Some(10_000_000), 3), (None, 4)]);
        assert_eq!(histogram.microseconds(), 20_000_201);
    }
}
