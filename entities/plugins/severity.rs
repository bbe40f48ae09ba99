//! How grave a line of a log is.

use crate::schema::{Field, Literal::*, STRING};

/// The levels of syslog, from the least grave to the gravest.
pub(super) const SEVERITY: Field = STRING
    .one_of(&["debug", "info", "notice", "warning", "err", "crit", "alert", "emerg"])
    .default(Str("info"));
