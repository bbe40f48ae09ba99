//! What a connection is doing, as the one who watches all of them sees it.
//!
//! Time is told by the watch, in ticks that are far shorter than any time that is allowed: nothing here asks a clock,
//! since every byte comes past.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::Version;
use tokio::sync::Notify;

/// How long connections may take, and how many there are at most: `admin_…_timeout` and `admin_max_connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub most: usize,
    /// For a handshake, and for the head of a request.
    pub head: Duration,
    /// Between requests.
    pub idle: Duration,
    /// Until a client takes some of an answer.
    pub send: Duration,
}

/// The time of all connections: milliseconds since the server began.
pub(super) type Time = Arc<AtomicU64>;

/// Stands for no time at all.
const NEVER: u64 = u64::MAX;

/// What a connection is doing.
pub(super) struct Activity {
    time: Time,
    /// When it last became idle, or was last given some of an answer.
    moved: AtomicU64,
    /// When what may be the head of a request began to arrive.
    head: AtomicU64,
    /// When the client stopped taking what it is sent.
    blocked: AtomicU64,
    /// How many requests are in flight.
    requests: AtomicU32,
    /// Whether heads arrive in frames, among others.
    framed: AtomicBool,
    closing: AtomicBool,
    close: Notify,
}

impl Activity {
    /// A connection that begins now: the head of its first request, or its handshake, is awaited.
    pub(super) fn new(time: Time) -> Activity {
        let now = AtomicU64::new(time.load(Relaxed));
        Activity {
            head: AtomicU64::new(time.load(Relaxed)),
            time,
            moved: now,
            blocked: AtomicU64::new(NEVER),
            requests: AtomicU32::new(0),
            framed: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            close: Notify::new(),
        }
    }

    fn now(&self) -> u64 {
        self.time.load(Relaxed)
    }

    /// The client has sent something.
    pub(super) fn received(&self) {
        if self.requests.load(Relaxed) == 0 && self.head.load(Relaxed) == NEVER && !self.framed.load(Relaxed)
        {
            self.head.store(self.now(), Relaxed);
        }
    }

    /// The client has taken something.
    pub(super) fn sent(&self) {
        self.moved.store(self.now(), Relaxed);
        if self.blocked.load(Relaxed) != NEVER {
            self.blocked.store(NEVER, Relaxed);
        }
    }

    /// The client takes nothing at the moment.
    pub(super) fn blocked(&self) {
        if self.blocked.load(Relaxed) == NEVER {
            self.blocked.store(self.now(), Relaxed);
        }
    }

    /// The handshake is over; a head may take as long again.
    pub(super) fn shook_hands(&self) {
        self.head.store(self.now(), Relaxed);
    }

    /// A request is in flight until what is returned is dropped.
    pub(super) fn request(self: &Arc<Self>, version: Version) -> InFlight {
        self.requests.fetch_add(1, Relaxed);
        self.head.store(NEVER, Relaxed);
        if version == Version::HTTP_2 {
            self.framed.store(true, Relaxed);
        }
        InFlight(Arc::clone(self))
    }

    /// Since when nothing has been asked for; `None` while something is, and once it was told to close.
    pub(super) fn idle_since(&self) -> Option<u64> {
        let busy = self.requests.load(Relaxed) > 0 || self.closing.load(Relaxed);
        (!busy).then(|| self.moved.load(Relaxed))
    }

    /// Whether it takes longer than it may. A server that stops waits for nobody who has asked for nothing.
    pub(super) fn is_overdue(&self, bounds: &Bounds, stopping: bool) -> bool {
        let longer = |since: u64, than: Duration| {
            since != NEVER && u128::from(self.now().saturating_sub(since)) >= than.as_millis()
        };
        if longer(self.blocked.load(Relaxed), bounds.send) {
            return true;
        }
        if self.requests.load(Relaxed) > 0 || self.blocked.load(Relaxed) != NEVER {
            return false;
        }
        let head = self.head.load(Relaxed);
        stopping
            || longer(head, bounds.head)
            || (head == NEVER && longer(self.moved.load(Relaxed), bounds.idle))
    }

    /// Tells the connection to close. Told again, it ends as it is.
    pub(super) fn tell_to_close(&self) {
        self.closing.store(true, Relaxed);
        self.close.notify_one();
    }

    /// Completes each time the connection is told to close.
    pub(super) async fn told_to_close(&self) {
        self.close.notified().await;
    }
}

/// A request in flight.
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.moved.store(self.0.now(), Relaxed);
        self.0.requests.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        most: 1,
        head: Duration::from_millis(100),
        idle: Duration::from_millis(300),
        send: Duration::from_millis(200),
    };

    /// A connection, and a way to say what time it is.
    fn connection() -> (Arc<Activity>, impl Fn(u64)) {
        let time = Time::default();
        let own = Arc::clone(&time);
        (Arc::new(Activity::new(time)), move |now| own.store(now, Relaxed))
    }

    #[test]
    fn each_part_of_a_connection_has_its_time() {
        let (connection, at) = connection();
        at(99);
        assert!(!connection.is_overdue(&BOUNDS, false));
        at(100);
        assert!(connection.is_overdue(&BOUNDS, false), "nothing was asked");
        let request = connection.request(Version::HTTP_11);
        at(10_000);
        assert!(!connection.is_overdue(&BOUNDS, true), "an answer is being made");
        assert_eq!(connection.idle_since(), None);
        drop(request);
        assert_eq!(connection.idle_since(), Some(10_000));
        at(10_299);
        assert!(!connection.is_overdue(&BOUNDS, false));
        connection.sent();
        at(10_599);
        assert!(connection.is_overdue(&BOUNDS, false), "idle");
        connection.received();
        at(10_600);
        connection.received();
        at(10_698);
        assert!(!connection.is_overdue(&BOUNDS, false) && connection.is_overdue(&BOUNDS, true));
        at(10_699);
        assert!(connection.is_overdue(&BOUNDS, false), "half a head");
    }

    #[test]
    fn an_answer_must_be_taken() {
        let (connection, at) = connection();
        drop(connection.request(Version::HTTP_2));
        connection.blocked();
        at(199);
        connection.blocked();
        assert!(!connection.is_overdue(&BOUNDS, false));
        at(200);
        assert!(connection.is_overdue(&BOUNDS, false));
        connection.sent();
        assert!(!connection.is_overdue(&BOUNDS, false));
        // Frames of HTTP/2 need not be a head.
        connection.received();
        at(499);
        assert!(!connection.is_overdue(&BOUNDS, false) && connection.is_overdue(&BOUNDS, true));
    }

    #[tokio::test]
    async fn who_was_told_to_close_is_not_told_in_vain() {
        let (connection, _) = connection();
        assert!(connection.idle_since().is_some());
        connection.tell_to_close();
        assert_eq!(connection.idle_since(), None);
        connection.told_to_close().await;
    }
}
