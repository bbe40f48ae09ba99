//! What the plugins that send metrics have in common.

use crate::schema::{Check, Conditional, SAME};

/// The fields of a consumer that a metric can carry.
pub(super) const CONSUMER_IDENTIFIERS: &[&str] = &["consumer_id", "custom_id", "username"];

/// Counters and gauges say how often they are sampled.
pub(super) const SAMPLED: &[Check] = &[Check::Conditional(&Conditional {
    if_field: "stat_type",
    if_match: SAME.one_of(&["counter", "gauge"]),
    then_field: "sample_rate",
    then_match: SAME.required(),
    then_err: None,
})];
