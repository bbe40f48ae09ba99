//! How much one client may ask for: requests in a second, and requests at once, by the address that it comes from.
//!
//! An address is that of the connection; no header is believed. Of IPv6, the first half of an address counts, since
//! one client has all of the rest. What is remembered of addresses is bounded by the requests of the last moments.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::StatusCode;

use crate::admin::Refusal;
use crate::serve::ClientAddress;
use crate::settings::Settings;

/// How many requests pass before addresses that were silent are forgotten.
const FORGET_AFTER: u32 = 1024;

/// What each client may ask for: `admin_rate_limit` and `admin_concurrency_limit`.
#[derive(Clone, Debug, Default)]
pub struct Allowance {
    rate: Option<Arc<Rate>>,
    at_once: Option<NonZeroU32>,
}

/// Requests in a second, of each client.
#[derive(Debug)]
struct Rate {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    clock: DefaultClock,
    asked: AtomicU32,
}

impl Allowance {
    /// As these settings say. What clients have used of an earlier allowance does not count.
    pub fn of(settings: &Settings) -> Allowance {
        let rate = NonZeroU32::new(settings.rate_limit).map(|rate| {
            let burst = settings.rate_limit_burst.and_then(NonZeroU32::new).unwrap_or(rate);
            let limiter = RateLimiter::hashmap(Quota::per_second(rate).allow_burst(burst));
            Arc::new(Rate { limiter, clock: DefaultClock::default(), asked: AtomicU32::new(0) })
        });
        Allowance { rate, at_once: NonZeroU32::new(settings.concurrency_limit) }
    }
}

impl Rate {
    /// Takes one request of what a client has left; the error is in how many seconds there is one again.
    fn take(&self, client: &IpAddr) -> Result<(), u32> {
        if self.asked.fetch_add(1, Relaxed) % FORGET_AFTER == FORGET_AFTER - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(client).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
        })
    }
}

/// The clients that ask for something at the moment.
#[derive(Debug, Default)]
pub struct Clients(Mutex<HashMap<IpAddr, u32>>);

impl Clients {
    /// Lets a request in; it counts until what is returned is dropped. Without an address, and without an allowance,
    /// everything is let in.
    ///
    /// # Errors
    /// `429`
    pub fn admit(
        &self,
        address: Option<&ClientAddress>,
        allowance: &Allowance,
    ) -> Result<Option<Admitted<'_>>, Refusal> {
        let Some(ClientAddress(address)) = address else { return Ok(None) };
        let Allowance { rate, at_once } = allowance;
        if rate.is_none() && at_once.is_none() {
            return Ok(None);
        }
        let client = client(address.ip());
        let admitted = at_once.map(|most| self.count(client, most)).transpose()?;
        if let Some(rate) = rate {
            rate.take(&client).map_err(|seconds| refused("API rate limit exceeded", seconds))?;
        }
        Ok(admitted)
    }

    fn count(&self, client: IpAddr, most: NonZeroU32) -> Result<Admitted<'_>, Refusal> {
        let mut asking = self.lock();
        let own = asking.entry(client).or_default();
        if *own >= most.get() {
            return Err(refused("too many requests at once", 1));
        }
        *own += 1;
        Ok(Admitted { clients: self, client })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(message: &str, seconds: u32) -> Refusal {
    Refusal { retry_after: Some(seconds), ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, message) }
}

/// Whom an address stands for.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

/// A request of a client.
#[derive(Debug)]
pub struct Admitted<'a> {
    clients: &'a Clients,
    client: IpAddr,
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        let mut asking = self.clients.lock();
        if let Some(own) = asking.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                asking.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(rate: u32, burst: Option<u32>, at_once: u32) -> Allowance {
        let mut settings = Settings::default();
        (settings.rate_limit, settings.rate_limit_burst, settings.concurrency_limit) = (rate, burst, at_once);
        Allowance::of(&settings)
    }

    fn from(address: &str) -> ClientAddress {
        ClientAddress((address.parse::<IpAddr>().unwrap(), 1).into())
    }

    #[test]
    fn each_client_has_an_allowance_of_its_own() {
        let clients = Clients::default();
        let allowance = allowance(1, Some(3), 0);
        for _ in 0..3 {
            assert!(clients.admit(Some(&from("192.0.2.1")), &allowance).is_ok());
        }
        let refusal = clients.admit(Some(&from("::ffff:192.0.2.1")), &allowance).unwrap_err();
        assert_eq!((refusal.status.as_u16(), refusal.retry_after), (429, Some(1)));
        assert_eq!(refusal.body["message"], "API rate limit exceeded");
        assert!(clients.admit(Some(&from("192.0.2.2")), &allowance).is_ok());
        assert!(clients.admit(None, &allowance).is_ok(), "a request that came over no socket");
        for host in ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"] {
            assert!(clients.admit(Some(&from(host)), &allowance).is_ok());
        }
        assert!(clients.admit(Some(&from("2001:db8::4")), &allowance).is_err());
        assert!(clients.admit(Some(&from("2001:db8:0:1::4")), &allowance).is_ok());
    }

    #[test]
    fn requests_count_while_they_last() {
        let clients = Clients::default();
        let (allowance, none) = (allowance(0, None, 2), Allowance::default());
        let (one, two) = (from("192.0.2.1"), from("192.0.2.2"));
        let first = clients.admit(Some(&one), &allowance).unwrap();
        let second = clients.admit(Some(&one), &allowance).unwrap();
        let refusal = clients.admit(Some(&one), &allowance).unwrap_err();
        assert_eq!((refusal.status.as_u16(), refusal.retry_after), (429, Some(1)));
        assert!(clients.admit(Some(&one), &none).unwrap().is_none());
        drop(clients.admit(Some(&two), &allowance).unwrap());
        drop(first);
        assert!(clients.admit(Some(&one), &allowance).is_ok());
        drop(second);
        assert!(clients.lock().is_empty());
    }

    #[test]
    fn silent_clients_are_forgotten() {
        let (clients, allowance) = (Clients::default(), allowance(1_000_000, None, 0));
        for number in 0..10 * FORGET_AFTER {
            let address = ClientAddress((IpAddr::from(number.to_be_bytes()), 1).into());
            assert!(clients.admit(Some(&address), &allowance).is_ok());
        }
        let known = allowance.rate.unwrap().limiter.len();
        assert!(known <= 2 * FORGET_AFTER as usize, "{known}");
    }
}
