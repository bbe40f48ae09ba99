//! `/timers`: what the node has under way, in the form of Kong's timers.
//!
//! Kong counts the timers of one of its workers. Here the one process stands for the worker, and the tasks of its
//! runtime for the timers; those that wait for a thread are pending. No task is followed by name, so that the
//! lists of single timers and the flame graphs are empty.

use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::admin::Answer;

/// How many tasks the process has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tasks {
    pub running: usize,
    pub pending: usize,
}

/// The tasks of this moment.
pub fn tasks() -> Tasks {
    Handle::try_current().map_or_else(
        |_| Tasks::default(),
        |runtime| {
            let metrics = runtime.metrics();
            let (alive, pending) = (metrics.num_alive_tasks(), metrics.global_queue_depth());
            Tasks { running: alive.saturating_sub(pending), pending }
        },
    )
}

/// The `worker` of answers about one worker: the process is the only one.
pub fn worker() -> Value {
    json!({ "id": 0, "count": 1 })
}

/// `GET /timers`
pub fn answer() -> Answer {
    let Tasks { running, pending } = tasks();
    let total = running + pending;
    Answer::ok(&json!({
        "worker": worker(),
        "stats": {
            "sys": { "total": total, "running": running, "pending": pending, "waiting": 0, "runs": total },
            "timers": {},
            "flamegraph": { "running": "", "pending": "", "elapsed_time": "" },
        },
    }))
}
