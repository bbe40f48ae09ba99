//! Listen addresses: the values of `admin_listen` and its siblings, read as Kong reads them.
//!
//! Nothing is bound or resolved here, and no flag is judged: whether a node can serve `ssl` or `proxy_protocol`
//! is a question for the code that opens the socket.

use serde_json::{Map, Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which set of flags an address may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsystem {
    /// Listeners that speak HTTP: all but `stream_listen`.
    Http,
    /// Listeners for raw streams: `udp` instead of `http2` and `deferred`.
    Stream,
}

/// The flags that are present or absent, as opposed to those that carry a value.
const HTTP_SWITCHES: &[&str] = &["ssl", "http2", "proxy_protocol", "deferred", "bind", "reuseport"];
const STREAM_SWITCHES: &[&str] = &["udp", "ssl", "proxy_protocol", "bind", "reuseport"];

/// The flags that carry a value. The first and the last are written as Lua patterns, because Kong's answers name
/// the absent flag so.
const BACKLOG: &str = "backlog=%d+";
const KEEPALIVE_TIMES: &str = "so_keepalive=%w*:%w*:%d*";
const VALUED: &[&str] =
    &[BACKLOG, "ipv6only=on", "ipv6only=off", "so_keepalive=on", "so_keepalive=off", KEEPALIVE_TIMES];

impl Subsystem {
    const fn switches(self) -> &'static [&'static str] {
        match self {
            Self::Http => HTTP_SWITCHES,
            Self::Stream => STREAM_SWITCHES,
        }
    }

    /// The form of a whole value, for messages.
    pub(super) fn allowed(self) -> String {
        let flags: Vec<String> = self
            .switches()
            .iter()
            .chain(&["backlog=<number>", "ipv6only=on|off", "so_keepalive=on|off|<idle>:<interval>:<count>"])
            .map(|flag| format!("[{flag}]"))
            .collect();
        format!("`off`, or a comma-separated list of <ip>:<port> {}", flags.join(" "))
    }
}

/// One entry of a `*_listen` setting, such as `127.0.0.1:8001 reuseport backlog=16384`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Without leading zeros if IPv4, bracketed and fully expanded if IPv6, otherwise a host name as written.
    pub ip: String,
    /// 0 lets the operating system choose.
    pub port: u16,
    /// Connections use TLS.
    pub ssl: bool,
    /// HTTP/2 is offered.
    pub http2: bool,
    /// Connections begin with a PROXY header that names the client.
    pub proxy_protocol: bool,
    /// A connection is accepted once its first data has come (`TCP_DEFER_ACCEPT`).
    pub deferred: bool,
    /// The address is bound by itself, even below a wildcard of the same port.
    pub bind: bool,
    /// Several sockets may share the address (`SO_REUSEPORT`).
    pub reuseport: bool,
    /// Datagrams instead of connections; streams only.
    pub udp: bool,
    /// The length of the queue of connections that were not accepted yet.
    pub backlog: Option<u32>,
    /// `ipv6only=on` or `ipv6only=off`.
    pub ipv6only: Option<bool>,
    /// The text after `so_keepalive=`: `on`, `off` or `idle:interval:count`.
    pub so_keepalive: Option<String>,
}

impl Address {
    /// Reads one entry; flags may stand in any order, before or after the address. `None` if it is not one.
    pub fn parse(entry: &str, subsystem: Subsystem) -> Option<Self> {
        let mut address = Self {
            ip: String::new(),
            port: 0,
            ssl: false,
            http2: false,
            proxy_protocol: false,
            deferred: false,
            bind: false,
            reuseport: false,
            udp: false,
            backlog: None,
            ipv6only: None,
            so_keepalive: None,
        };
        let mut target = None;
        for word in entry.split_whitespace() {
            if subsystem.switches().contains(&word) {
                *address.switch(word)? = true;
            } else if !address.read_valued(word) && target.replace(word).is_some() {
                return None;
            }
        }
        (address.ip, address.port) = host_and_port(target?)?;
        Some(address)
    }

    /// `ip:port`, which `std::net` and the operating system's resolver understand. `*` is every IPv4 address.
    pub fn target(&self) -> String {
        let ip = if self.ip == "*" { "0.0.0.0" } else { &self.ip };
        format!("{ip}:{}", self.port)
    }

    /// Whether only this machine reaches it. A name that is not `localhost` may mean anything.
    pub fn is_loopback(&self) -> bool {
        let ip = self.ip.trim_start_matches('[').trim_end_matches(']');
        ip == "localhost" || ip.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    }

    fn switch(&mut self, word: &str) -> Option<&mut bool> {
        Some(match word {
            "ssl" => &mut self.ssl,
            "http2" => &mut self.http2,
            "proxy_protocol" => &mut self.proxy_protocol,
            "deferred" => &mut self.deferred,
            "bind" => &mut self.bind,
            "reuseport" => &mut self.reuseport,
            "udp" => &mut self.udp,
            _ => return None,
        })
    }

    /// Takes a flag with a value; false if the word is no such flag.
    fn read_valued(&mut self, word: &str) -> bool {
        match word.split_once('=') {
            Some(("backlog", count)) => match count.parse() {
                Ok(count) => self.backlog = Some(count),
                Err(_) => return false,
            },
            Some(("ipv6only", "on")) => self.ipv6only = Some(true),
            Some(("ipv6only", "off")) => self.ipv6only = Some(false),
            Some(("so_keepalive", value)) if is_keepalive(value) => {
                self.so_keepalive = Some(value.to_owned())
            }
            _ => return false,
        }
        true
    }

    /// The valued flag that was written, by the name it has in [`VALUED`].
    fn valued(&self, flag: &str) -> Option<String> {
        match flag {
            BACKLOG => self.backlog.map(|count| format!("backlog={count}")),
            "ipv6only=on" if self.ipv6only == Some(true) => Some(flag.to_owned()),
            "ipv6only=off" if self.ipv6only == Some(false) => Some(flag.to_owned()),
            "so_keepalive=on" if self.so_keepalive.as_deref() == Some("on") => Some(flag.to_owned()),
            "so_keepalive=off" if self.so_keepalive.as_deref() == Some("off") => Some(flag.to_owned()),
            KEEPALIVE_TIMES => {
                let times = self.so_keepalive.as_deref().filter(|value| value.contains(':'));
                times.map(|times| format!("so_keepalive={times}"))
            }
            _ => None,
        }
    }

    /// The listener as `GET /` shows it: `ip`, `port`, `listener` and one boolean for each flag. A flag with a
    /// value is named as it was written (`"backlog=16384": true`), and by its Lua pattern while absent.
    pub(super) fn json(&self, subsystem: Subsystem) -> Value {
        let mut shown = Map::new();
        let mut listener = format!("{}:{}", self.ip, self.port);
        let mut copy = self.clone();
        for flag in subsystem.switches() {
            let present = copy.switch(flag).is_some_and(|value| *value);
            shown.insert((*flag).to_owned(), present.into());
            // nginx takes http2 as a directive of its own, so Kong leaves it out of this text.
            if present && *flag != "http2" {
                listener = format!("{listener} {flag}");
            }
        }
        for flag in VALUED {
            match self.valued(flag) {
                Some(written) => {
                    listener = format!("{listener} {written}");
                    shown.insert(written, true.into());
                }
                None => drop(shown.insert((*flag).to_owned(), false.into())),
            }
        }
        shown.insert("ip".to_owned(), self.ip.clone().into());
        shown.insert("port".to_owned(), self.port.into());
        shown.insert("listener".to_owned(), listener.into());
        Value::Object(shown)
    }
}

/// `on`, `off`, or three parts of which any may be empty: `30m::10`.
fn is_keepalive(value: &str) -> bool {
    let parts: Vec<&str> = value.split(':').collect();
    match parts.as_slice() {
        ["on" | "off"] => true,
        [idle, interval, count] => {
            [idle, interval].iter().all(|time| time.bytes().all(|byte| byte.is_ascii_alphanumeric()))
                && count.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

/// Splits and normalises `1.2.3.4:80`, `[::1]:80` or `name:80`. An address without a port is refused.
fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let port = port.parse().ok()?;
    if let Some(inner) = host.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        let groups: Vec<String> = address.segments().iter().map(|group| format!("{group:04x}")).collect();
        return Some((format!("[{}]", groups.join(":")), port));
    }
    if host.is_empty() || host.contains(':') {
        return None;
    }
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Some((ipv4(host)?.to_string(), port));
    }
    Some((host.to_owned(), port))
}

/// IPv4 with one to three digits in each part; leading zeros are dropped, which `std` would refuse.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = parts.next().filter(|part| part.len() <= 3)?.parse().ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(text: &str) -> Option<Address> {
        Address::parse(text, Subsystem::Http)
    }

    #[test]
    fn flags_are_read_in_any_order() {
        let address = http("http2 0.0.0.0:8444 ssl backlog=16384 ipv6only=on so_keepalive=30m::10").unwrap();
        assert!(address.ssl && address.http2 && !address.reuseport);
        assert_eq!(address.backlog, Some(16384));
        assert_eq!(address.ipv6only, Some(true));
        assert_eq!(address.so_keepalive.as_deref(), Some("30m::10"));
        assert_eq!(address.target(), "0.0.0.0:8444");
    }

    #[test]
    fn addresses_are_normalised() {
        for (written, target) in [
            ("127.000.0.01:8001", "127.0.0.1:8001"),
            ("[::1]:8001", "[0000:0000:0000:0000:0000:0000:0000:0001]:8001"),
            ("localhost:0", "localhost:0"),
            ("*:8001", "0.0.0.0:8001"),
        ] {
            assert_eq!(http(written).map(|address| address.target()).as_deref(), Some(target), "{written}");
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "ssl",
            "8001",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:+1",
            "127.0.0.1:65536",
            "127.0.0.256:1",
            "127.0.1:1",
            "::1:8001",
            "[::1]",
            "[::g]:1",
            "[::1:1",
            "1.2.3.4:1 5.6.7.8:1",
            "1.2.3.4:1 udp",
            "1.2.3.4:1 backlog=x",
            "1.2.3.4:1 so_keepalive=maybe",
            "ä:ö",
            "[ä]:1",
            ":",
        ] {
            assert_eq!(http(text), None, "{text}");
        }
        assert!(Address::parse("1.2.3.4:1 udp", Subsystem::Stream).is_some_and(|address| address.udp));
        assert_eq!(Address::parse("1.2.3.4:1 http2", Subsystem::Stream), None);
    }

    #[test]
    fn the_listener_is_shown_as_kong_shows_it() {
        let shown = http("127.0.0.1:8444 http2 ssl reuseport backlog=16384").unwrap().json(Subsystem::Http);
        assert_eq!(
            shown,
            serde_json::json!({
                "ssl": true, "http2": true, "proxy_protocol": false, "deferred": false, "bind": false,
                "reuseport": true, "backlog=16384": true, "ipv6only=on": false, "ipv6only=off": false,
                "so_keepalive=on": false, "so_keepalive=off": false, "so_keepalive=%w*:%w*:%d*": false,
                "ip": "127.0.0.1", "port": 8444,
                "listener": "127.0.0.1:8444 ssl reuseport backlog=16384",
            })
        );
    }
}
