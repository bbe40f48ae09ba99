//! How a plugin gathers entries before it sends them: the record that several plugins share, and the fields that it
//! took the place of.

use crate::schema::{Field, INTEGER, Literal::*, NUMBER, record};

#[rustfmt::skip]
pub(crate) const QUEUE: Field = record(&[
    ("max_batch_size",       INTEGER.between(1, 1_000_000).default(Int(1))
        .doc("Maximum number of entries that can be processed at a time.")),
    ("max_coalescing_delay", NUMBER.between(0, 3600).default(Int(1))
        .doc("Maximum number of (fractional) seconds to elapse after the first entry was queued before the queue starts calling the handler.")),
    ("max_entries",          INTEGER.between(1, 1_000_000).default(Int(10_000))
        .doc("Maximum number of entries that can be waiting on the queue.")),
    ("max_bytes",            INTEGER
        .doc("Maximum number of bytes that can be waiting on a queue, requires string content.")),
    ("max_retry_time",       NUMBER.default(Int(60))
        .doc("Time in seconds before the queue gives up calling a failed handler for a batch.")),
    ("initial_retry_delay",  NUMBER.between_fractions(0.001, 1_000_000.0).default(Float(0.01))
        .doc("Time in seconds before the initial retry is made for a failing batch.")),
    ("max_retry_delay",      NUMBER.between_fractions(0.001, 1_000_000.0).default(Int(60))
        .doc("Maximum time in seconds between retries, caps exponential backoff.")),
    ("concurrency_limit",    INTEGER.one_of_integers(&[-1, 1]).default(Int(1))
        .doc("The number of of queue delivery timers. -1 indicates unlimited.")),
])
.required();

/// A field of a plugin's configuration that the plugin no longer looks at, because its queue does that work.
macro_rules! superseded_by_queue {
    ($plugin:literal, retry_count) => {
        $crate::superseded!(
            $crate::schema::INTEGER,
            concat!(
                $plugin,
                ": config.retry_count no longer works, please use config.queue.max_retry_time instead"
            ),
            $crate::schema::Literal::Int(10)
        )
    };
    ($plugin:literal, queue_size) => {
        $crate::superseded!(
            $crate::schema::INTEGER,
            concat!(
                $plugin,
                ": config.queue_size is deprecated, please use config.queue.max_batch_size instead"
            ),
            $crate::schema::Literal::Int(1)
        )
    };
    ($plugin:literal, flush_timeout) => {
        $crate::superseded!(
            $crate::schema::NUMBER,
            concat!(
                $plugin,
                ": config.flush_timeout is deprecated, please use config.queue.max_coalescing_delay instead"
            ),
            $crate::schema::Literal::Int(2)
        )
    };
}

pub(super) use superseded_by_queue;
