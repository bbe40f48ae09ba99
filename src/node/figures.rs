//! Figures that the server counts as it runs: connections, and requests by what they were and what came of them.
//!
//! They stand in arrays, by the places of endpoints in their table: to count a request is to add to a few numbers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use generators::routes::{Endpoint, Place, Target};
use http::{Method, StatusCode};

use crate::histogram::Histogram;

/// The methods that are told apart; the last stands for all others.
pub const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
/// The statuses that are told apart, the frequent ones first; 0 stands for all others.
pub const STATUSES: [u16; 18] =
    [200, 201, 204, 404, 400, 409, 304, 401, 403, 405, 413, 415, 429, 500, 501, 503, 408, 0];
/// The kinds of endpoints; the last is that of paths that lead to none.
pub const KINDS: [&str; 7] = ["collection", "item", "children", "child", "parent", "node", "none"];

/// Requests and connections, since the start.
#[derive(Debug)]
pub struct Figures {
    pub connections: AtomicU64,
    pub accepted: AtomicU64,
    pub requests: AtomicU64,
    pub serving: AtomicU64,
    /// By the number of the endpoint; the last is for paths that lead to none. Most endpoints are never asked.
    answers: Vec<OnceLock<Box<Answers>>>,
    times: [[Histogram; METHODS.len()]; KINDS.len()],
}

/// Answers by method and status.
type Answers = [[AtomicU64; STATUSES.len()]; METHODS.len()];

/// Where a request belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The number of its endpoint; `None` where its path leads to none.
    endpoint: Option<usize>,
    kind: usize,
}

impl Default for Spot {
    fn default() -> Spot {
        Spot { endpoint: None, kind: KINDS.len() - 1 }
    }
}

impl Spot {
    /// That of requests to an endpoint, which has this number in its table.
    pub fn of<N>(number: usize, endpoint: &Endpoint<N>) -> Spot {
        let kind = match &endpoint.target {
            Target::Entity(Place::Collection(_)) => 0,
            Target::Entity(Place::Item(_)) => 1,
            Target::Entity(Place::Children { .. } | Place::AllChildren { .. }) => 2,
            Target::Entity(Place::Child { .. }) => 3,
            Target::Entity(Place::Parent { .. }) => 4,
            Target::Node(_) | Target::Hidden => 5,
        };
        Spot { endpoint: Some(number), kind }
    }
}

impl Figures {
    /// Nothing counted yet, for so many endpoints.
    pub fn new(endpoints: usize) -> Figures {
        Figures {
            connections: AtomicU64::default(),
            accepted: AtomicU64::default(),
            requests: AtomicU64::default(),
            serving: AtomicU64::default(),
            answers: (0..=endpoints).map(|_| OnceLock::new()).collect(),
            times: Default::default(),
        }
    }

    /// Counts a request until the guard is dropped.
    pub fn serve(&self) -> Serving<'_> {
        self.requests.fetch_add(1, Relaxed);
        self.serving.fetch_add(1, Relaxed);
        Serving(&self.serving)
    }

    /// Counts an answer.
    pub fn answered(&self, spot: Spot, method: &Method, status: StatusCode, took: Duration) {
        let method = place(&METHODS, method.as_str());
        let status = place(&STATUSES, status.as_u16());
        let endpoint = spot.endpoint.unwrap_or(self.answers.len() - 1);
        let answers = self.answers.get(endpoint).map(|own| own.get_or_init(Box::default));
        if let Some(count) = answers.and_then(|own| own.get(method)?.get(status)) {
            count.fetch_add(1, Relaxed);
        }
        if let Some(times) = self.times.get(spot.kind).and_then(|own| own.get(method)) {
            times.observe(took);
        }
    }

    /// What was answered: the number of the endpoint, the method, the status (0: another one), and how often.
    pub fn answers(&self) -> impl Iterator<Item = (usize, &'static str, u16, u64)> {
        let of_endpoint = self.answers.iter().enumerate();
        let of_method = of_endpoint.filter_map(|(endpoint, own)| Some((endpoint, own.get()?)));
        let of_method = of_method.flat_map(|(endpoint, own)| {
            own.iter().zip(METHODS).map(move |(counts, method)| (endpoint, method, counts))
        });
        let counted = of_method.flat_map(|(endpoint, method, counts)| {
            counts
                .iter()
                .zip(STATUSES)
                .map(move |(count, status)| (endpoint, method, status, count.load(Relaxed)))
        });
        counted.filter(|(.., count)| *count > 0)
    }

    /// How long answers took: the method, the kind of the endpoint, and the times.
    pub fn times(&self) -> impl Iterator<Item = (&'static str, &'static str, &Histogram)> {
        let of_kind = self.times.iter().zip(KINDS);
        of_kind
            .flat_map(|(own, kind)| own.iter().zip(METHODS).map(move |(times, method)| (method, kind, times)))
    }

    /// Counts a connection that was accepted.
    pub fn connected(&self) {
        self.accepted.fetch_add(1, Relaxed);
        self.connections.fetch_add(1, Relaxed);
    }

    /// Counts a connection that has ended.
    pub fn disconnected(&self) {
        self.connections.fetch_sub(1, Relaxed);
    }
}

/// Where a word stands among those that are told apart; the last stands for all others.
fn place<T: PartialEq>(words: &[T], word: T) -> usize {
    words.iter().position(|own| *own == word).unwrap_or(words.len() - 1)
}

/// A request that is being served.
pub struct Serving<'a>(&'a AtomicU64);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_what_they_were() {
        let figures = Figures::new(3);
        let (took, nowhere) = (Duration::from_millis(3), Spot::default());
        let second = Spot { endpoint: Some(1), kind: 0 };
        for _ in 0..2 {
            figures.answered(second, &Method::GET, StatusCode::OK, took);
        }
        figures.answered(second, &Method::TRACE, StatusCode::IM_A_TEAPOT, took);
        figures.answered(nowhere, &Method::GET, StatusCode::NOT_FOUND, took);
        let answers: Vec<_> = figures.answers().collect();
        assert_eq!(answers, [(1, "GET", 200, 2), (1, "other", 0, 1), (3, "GET", 404, 1)]);
        let times: Vec<_> = figures.times().filter(|(.., times)| times.microseconds() > 0).collect();
        let named: Vec<_> =
            times.iter().map(|(method, kind, times)| (*method, *kind, times.microseconds())).collect();
        assert_eq!(
            named,
            [("GET", "collection", 6000), ("other", "collection", 3000), ("GET", "none", 3000)]
        );
    }
}
