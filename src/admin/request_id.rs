//! The id of a request: told to the client, and to every line of the log that is written while it is answered.
//!
//! No client chooses it, so that a line of the log can be trusted.

use std::fmt;
use std::future::Future;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;
use uuid::Uuid;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The id of a request, shown as thirty-two digits, as Kong's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u128);

impl RequestId {
    /// A new one. It is made without asking the system, since every request has one: where this process began, and a
    /// step of a size at which ids do not look alike.
    pub fn next() -> RequestId {
        static START: LazyLock<u128> = LazyLock::new(|| Uuid::new_v4().as_u128());
        static COUNT: AtomicU64 = AtomicU64::new(0);
        /// Odd, so that no id comes again: the digits of the golden ratio.
        const STEP: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        let count = u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
        RequestId(START.wrapping_add(count.wrapping_mul(STEP)))
    }

    /// That of the request which is being answered, where one is.
    pub fn current() -> Option<RequestId> {
        CURRENT.try_with(|id| *id).ok()
    }

    /// What happens within is about this request.
    pub async fn during<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// As the value of a header.
    pub fn header(self) -> HeaderValue {
        let mut buffer = Uuid::encode_buffer();
        let text = Uuid::from_u128(self.0).simple().encode_lower(&mut buffer);
        HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[tokio::test]
    async fn ids_are_told_apart_and_known_while_they_last() {
        let ids: HashSet<_> = (0..10_000).map(|_| RequestId::next().to_string()).collect();
        assert!(ids.len() == 10_000 && ids.iter().all(|id| id.len() == 32));
        let id = RequestId::next();
        assert_eq!(id.header().to_str().unwrap(), id.to_string());
        assert_eq!(RequestId::current(), None);
        assert_eq!(id.during(async { RequestId::current() }).await, Some(id));
    }
}
