//! The connections that are open: how many there may be, and which of them have had their time.
//!
//! One watch looks at all of them a few times within the shortest time that is allowed, so that no connection needs a
//! timer of its own.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::activity::{Activity, Bounds, Time};
use crate::node::Node;

/// The connections that are open.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
    /// Told when the last one is gone.
    emptied: Notify,
    time: Time,
}

#[derive(Default)]
struct Open {
    /// How many there have ever been, which gives each a number.
    accepted: u64,
    by_number: HashMap<u64, Arc<Activity>>,
}

impl Connections {
    /// A place for one more. Where there are as many as there may be, the one that has been idle for longest is closed;
    /// where none is idle, there is no place.
    pub(super) fn admit(self: &Arc<Self>, most: usize) -> Option<Place> {
        let mut open = self.lock();
        if open.by_number.len() >= most {
            open.longest_idle()?.tell_to_close();
        }
        open.accepted += 1;
        let number = open.accepted;
        let activity = Arc::new(Activity::new(Arc::clone(&self.time)));
        open.by_number.insert(number, Arc::clone(&activity));
        Some(Place { activity, number, connections: Arc::clone(self) })
    }

    /// Closes the connection that has been idle for longest.
    pub(super) fn make_room(&self) {
        if let Some(idle) = self.lock().longest_idle() {
            idle.tell_to_close();
        }
    }

    /// Completes when no connection is open.
    pub(super) async fn all_gone(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().by_number.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Closes what has had its time.
    fn look(&self, bounds: &Bounds, stopping: bool) {
        for connection in self.lock().by_number.values() {
            if connection.is_overdue(bounds, stopping) {
                connection.tell_to_close();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn longest_idle(&self) -> Option<&Arc<Activity>> {
        let idle = self.by_number.iter().filter_map(|(number, own)| Some((own.idle_since()?, number, own)));
        idle.min_by_key(|(since, number, _)| (*since, *number)).map(|(.., own)| own)
    }
}

/// The place of a connection among the open ones, until it is dropped.
pub(super) struct Place {
    pub(super) activity: Arc<Activity>,
    number: u64,
    connections: Arc<Connections>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.by_number.remove(&self.number);
        if open.by_number.is_empty() {
            self.connections.emptied.notify_one();
        }
    }
}

/// Looks after the connections, by the bounds that hold at the moment; never ends.
pub(super) async fn watch(connections: Arc<Connections>, node: Arc<Node>, stopped: watch::Receiver<bool>) {
    let began = Instant::now();
    // Who is about to close is given a moment to do so.
    let mut stopping = false;
    loop {
        let bounds = node.adjusted.get().connections;
        tokio::time::sleep(tick(&bounds)).await;
        let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        connections.time.store(now, Relaxed);
        connections.look(&bounds, stopping);
        stopping = *stopped.borrow();
    }
}

/// How often the watch looks.
fn tick(bounds: &Bounds) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_secs(1);
    (bounds.head.min(bounds.idle).min(bounds.send) / 8).clamp(SHORTEST, LONGEST)
}
