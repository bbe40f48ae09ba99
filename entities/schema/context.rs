//! What a rule or a default may know of the world: the time, fresh ids, the router's flavour. It comes in as a
//! parameter, so that tests fix it.

use uuid::Uuid;

pub use super::expression::Flavor;

/// The circumstances of one request.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
    /// Makes a fresh id.
    pub new_id: &'a (dyn Fn() -> Uuid + Sync),
    /// Makes a fresh random secret of 32 letters and digits.
    pub new_secret: &'a (dyn Fn() -> String + Sync),
    /// The node's `router_flavor`.
    pub router_flavor: Flavor,
}

impl Context<'_> {
    /// Now, in whole seconds since 1970.
    pub fn now(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }
}
