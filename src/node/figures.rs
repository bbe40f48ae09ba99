//! Figures that the server counts as it runs.

use std::sync::atomic::{AtomicU64, Ordering};

/// Requests and connections, since the start.
#[derive(Debug, Default)]
pub struct Figures {
    pub connections: AtomicU64,
    pub accepted: AtomicU64,
    pub requests: AtomicU64,
    pub serving: AtomicU64,
}

impl Figures {
    /// Counts a request until the guard is dropped.
    pub fn serve(&self) -> Serving<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.serving.fetch_add(1, Ordering::Relaxed);
        Serving(&self.serving)
    }

    /// Counts a connection that was accepted.
    pub fn connected(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that has ended.
    pub fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that is being served.
pub struct Serving<'a>(&'a AtomicU64);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
