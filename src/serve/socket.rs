//! Listening sockets: an address and its flags, as the operating system takes them.
//!
//! The flags `bind` and `deferred` change nothing here: an address is always bound by itself, and who sends nothing is
//! bounded by the time that a head may take.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::TcpListener;

use crate::settings::Address;

/// How many connections wait to be accepted unless `backlog` says otherwise, as in nginx.
const BACKLOG: u32 = 511;

/// Opens the socket of an address. Of several addresses that a name stands for, it is the first that can be had.
pub(super) async fn open(address: &Address) -> io::Result<TcpListener> {
    let mut cause = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name stands for no address");
    for resolved in tokio::net::lookup_host(address.target()).await? {
        match bind(resolved, address) {
            Ok(socket) => return TcpListener::from_std(socket),
            Err(error) => cause = error,
        }
    }
    Err(cause)
}

fn bind(resolved: SocketAddr, address: &Address) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(resolved), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.reuseport {
        socket.set_reuse_port(true)?;
    }
    if resolved.is_ipv6() {
        // As in nginx: `0.0.0.0:8001` and `[::]:8001` can stand beside each other.
        socket.set_only_v6(address.ipv6only.unwrap_or(true))?;
    }
    match address.so_keepalive.as_deref() {
        None => {}
        Some("on") => socket.set_keepalive(true)?,
        Some("off") => socket.set_keepalive(false)?,
        Some(times) => {
            let times = keepalive(times).ok_or_else(|| {
                let message = format!("'so_keepalive={times}' is not of the form <idle>:<interval>:<count>");
                io::Error::new(io::ErrorKind::InvalidInput, message)
            })?;
            socket.set_keepalive(true)?;
            socket.set_tcp_keepalive(&times)?;
        }
    }
    socket.bind(&resolved.into())?;
    socket.listen(i32::try_from(address.backlog.unwrap_or(BACKLOG)).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// `30m:10s:5`; what is left out is left to the system.
fn keepalive(times: &str) -> Option<TcpKeepalive> {
    let mut parts = times.split(':');
    let mut keepalive = TcpKeepalive::new();
    let (idle, interval, count) = (parts.next()?, parts.next()?, parts.next()?);
    if !idle.is_empty() {
        keepalive = keepalive.with_time(time(idle)?);
    }
    if !interval.is_empty() {
        keepalive = keepalive.with_interval(time(interval)?);
    }
    if !count.is_empty() {
        keepalive = keepalive.with_retries(count.parse().ok()?);
    }
    Some(keepalive)
}

/// A time of nginx: seconds, or a number with `s`, `m`, `h` or `d`.
fn time(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits)? {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Subsystem;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("30", Some(30)), ("30s", Some(30)), ("2m", Some(120)), ("1h", Some(3600))] {
            assert_eq!(time(text), seconds.map(Duration::from_secs), "{text}");
        }
        for text in ["", "m", "1x", "1ms", "x1", "ä"] {
            assert_eq!(time(text), None, "{text}");
        }
        assert!(keepalive("30m::10").is_some() && keepalive("::").is_some());
        assert!(
            keepalive("x::").is_none() && keepalive("1:1").is_none() && keepalive("::99999999999").is_none()
        );
    }

    #[tokio::test]
    async fn flags_reach_the_system() {
        let open = async |text: &str| open(&Address::parse(text, Subsystem::Http).unwrap()).await;
        let first =
            open("127.0.0.1:0 reuseport backlog=16 so_keepalive=60:10:3 bind deferred").await.unwrap();
        let port = first.local_addr().unwrap().port();
        assert!(open(&format!("127.0.0.1:{port} reuseport")).await.is_ok());
        assert!(open(&format!("127.0.0.1:{port}")).await.is_err());
        let cause = open("127.0.0.1:0 so_keepalive=1y::").await.unwrap_err();
        assert!(cause.to_string().contains("so_keepalive=1y::"), "{cause}");
    }
}
