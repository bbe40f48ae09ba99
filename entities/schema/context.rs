//! What a rule or a default may know of the world: the time, fresh ids, a few of the node's settings. It comes in as
//! a parameter, so that tests fix it.

use uuid::Uuid;

pub use super::expression::Flavor;

/// The circumstances of one request.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Now, in microseconds since 1970: fine enough that rows written one after another can be told apart.
    pub now_us: i64,
    /// Makes a fresh id.
    pub new_id: &'a (dyn Fn() -> Uuid + Sync),
    /// Makes a fresh random secret of 32 letters and digits.
    pub new_secret: &'a (dyn Fn() -> String + Sync),
    /// The node's `router_flavor`.
    pub router_flavor: Flavor,
    /// Whether the node keeps its rows in memory only (`Profile::without_database`).
    pub without_database: bool,
}

impl Context<'_> {
    /// Now, in whole seconds since 1970.
    pub fn now(&self) -> i64 {
        self.now_us.div_euclid(1_000_000)
    }

    /// Now, in whole milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.now_us.div_euclid(1000)
    }
}
