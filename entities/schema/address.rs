//! Host names and IP addresses: how Kong reads them, writes them, and what it says of bad ones.
//!
//! An address is looked at as text; nothing is resolved. There are two readers on purpose, as in Kong:
//! [`normalize_ip`] takes leading zeros and a port and gives one spelling, while [`ip`] and [`ip_or_cidr`] take only
//! what `inet_pton` takes and give no spelling. Neither looks at the bits behind a prefix length (`10.1.2.3/8` is
//! fine): that is the router's rule.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What an address looks like. Two colons make an IPv6 address, digits and dots an IPv4 address, the rest a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    Ipv4,
    Ipv6,
}

/// An address in its one spelling: a name as it was written, IPv4 without leading zeros, IPv6 in eight groups of
/// four small hexadecimal digits without brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub kind: Kind,
    pub host: String,
    pub port: Option<u16>,
}

/// Why a text is no address, with the text where Kong quotes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressError {
    Hostname(String),
    Ipv4(String),
    Ipv6(String),
    /// Something other than a port follows the closing bracket.
    BehindBrackets,
    /// The port is above 65535.
    Port,
}

impl fmt::Display for AddressError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Hostname(text) => write!(out, "invalid hostname: {text}"),
            AddressError::Ipv4(text) => write!(out, "invalid ipv4 address: {text}"),
            AddressError::Ipv6(text) => write!(out, "invalid ipv6 address: {text}"),
            AddressError::BehindBrackets => out.write_str("invalid ipv6 address"),
            AddressError::Port => out.write_str("invalid port number"),
        }
    }
}

/// Reads `name`, `name:port`, `ipv4`, `ipv4:port`, `ipv6`, `[ipv6]` or `[ipv6]:port`.
///
/// # Errors
/// Says what the text was taken for, and that it is not one.
pub fn normalize_ip(text: &str) -> Result<Address, AddressError> {
    match kind(text) {
        Kind::Name => hostname(text),
        Kind::Ipv4 => ipv4(text),
        Kind::Ipv6 => ipv6(text),
    }
}

/// Writes an address with its port, or with `default_port` where it has none; IPv6 stands in brackets.
pub fn format_host(address: &Address, default_port: Option<u16>) -> String {
    let host = match address.kind {
        Kind::Name | Kind::Ipv4 => address.host.clone(),
        Kind::Ipv6 => format!("[{}]", address.host),
    };
    match address.port.or(default_port) {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

/// A name or an address, without a port.
///
/// # Errors
/// The value, or that a port is given.
pub fn host(text: &str) -> Result<(), String> {
    without_port(text, true)
}

/// A name or an address, perhaps with a port.
///
/// # Errors
/// What the value was taken for.
pub fn host_with_optional_port(text: &str) -> Result<(), String> {
    normalize_ip(text).map(drop).map_err(|error| error.to_string())
}

/// The host of a route: stars stand for any label. Where they may stand is said by patterns of the field.
///
/// # Errors
/// As [`host_with_optional_port`], with `abc` in place of each star.
pub fn host_with_wildcards(text: &str) -> Result<(), String> {
    host_with_optional_port(&text.replace('*', "abc"))
}

/// The names that [`sni`] allows, as a regular expression of ECMA-262: labels, and not digits alone.
pub const NAME: &str = r"^(?=.*[A-Za-z_-])[A-Za-z0-9_-]*[A-Za-z0-9_](\.[A-Za-z0-9_-]*[A-Za-z0-9_])*\.?$";

/// A server name of TLS: a name, and no address.
///
/// # Errors
/// The value, that it is an address, or that a port is given.
pub fn sni(text: &str) -> Result<(), String> {
    without_port(text, false)
}

/// A name with at most one star, at its start or end.
///
/// # Errors
/// Where a star may stand, or as [`sni`] with `wildcard` in place of the star.
pub fn wildcard_host(text: &str) -> Result<(), String> {
    if let Some(star) = text.find('*') {
        if star != 0 && star + 1 != text.len() {
            return Err("wildcard must be leftmost or rightmost character".to_owned());
        }
        if text.matches('*').count() > 1 {
            return Err("only one wildcard must be specified".to_owned());
        }
    }
    without_port(&text.replace('*', "wildcard"), false)
}

/// An IPv4 or IPv6 address.
///
/// # Errors
/// The value.
pub fn ip(text: &str) -> Result<(), String> {
    if is_ipv4(text) || is_ipv6(text) {
        return Ok(());
    }
    Err(format!("not an ip address: {text}"))
}

/// An address, or an address and a prefix length.
///
/// # Errors
/// The value.
pub fn ip_or_cidr(text: &str) -> Result<(), String> {
    if is_ipv4(text) || is_ipv6(text) || is_cidr(text, is_ipv4, 32) || is_cidr(text, is_ipv6, 128) {
        return Ok(());
    }
    Err(format!("invalid ip or cidr range: '{text}'"))
}

/// An IPv4 address, or one and a prefix length.
///
/// # Errors
/// The value.
pub fn cidr_v4(text: &str) -> Result<(), String> {
    if is_ipv4(text) || is_cidr(text, is_ipv4, 32) {
        return Ok(());
    }
    Err(format!("invalid ipv4 cidr range: '{text}'"))
}

/// The rule that `host`, `sni` and `wildcard_host` share; with `addresses`, an address is as good as a name.
fn without_port(text: &str, addresses: bool) -> Result<(), String> {
    match normalize_ip(text) {
        Ok(address) if !addresses && address.kind != Kind::Name => Err("must not be an IP".to_owned()),
        Ok(Address { port: None, .. }) => Ok(()),
        Ok(_) | Err(AddressError::Port) => Err("must not have a port".to_owned()),
        Err(_) => Err(format!("invalid value: {text}")),
    }
}

fn kind(text: &str) -> Kind {
    let colons = text.bytes().filter(|byte| *byte == b':').count();
    let numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b':');
    if colons > 1 {
        Kind::Ipv6
    } else if text.len() > colons && text.bytes().all(numeric) {
        Kind::Ipv4
    } else {
        Kind::Name
    }
}

fn ipv4(text: &str) -> Result<Address, AddressError> {
    let invalid = || AddressError::Ipv4(text.to_owned());
    let (quad, port) = match text.split_once(':') {
        Some((quad, port)) if is_digits(port) => (quad, Some(port)),
        Some(_) => return Err(invalid()),
        None => (text, None),
    };
    let mut octets = [0_u8; 4];
    let mut parts = quad.split('.');
    for octet in &mut octets {
        let part = parts.next().filter(|part| is_digits(part) && part.len() <= 3).ok_or_else(invalid)?;
        *octet = part.parse().map_err(|_| invalid())?;
    }
    if parts.next().is_some() {
        return Err(invalid());
    }
    let host = Ipv4Addr::from(octets).to_string();
    Ok(Address { kind: Kind::Ipv4, host, port: port.map(port_number).transpose()? })
}

fn ipv6(text: &str) -> Result<Address, AddressError> {
    let (inner, port) = match split_brackets(text) {
        Some((inner, "")) => (inner, None),
        Some((inner, behind)) => {
            let digits = behind.strip_prefix(':').filter(|digits| is_digits(digits));
            (inner, Some(port_number(digits.ok_or(AddressError::BehindBrackets)?)?))
        }
        None => (text, None),
    };
    match expanded(inner) {
        Some(host) => Ok(Address { kind: Kind::Ipv6, host, port }),
        None => Err(AddressError::Ipv6(text.to_owned())),
    }
}

/// The text inside brackets that open at the start, and the text behind them.
fn split_brackets(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('[')?;
    let mut depth = 1_usize;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((inner.get(..at)?, inner.get(at + 1..)?));
        }
    }
    None
}

/// Eight groups of four small digits. The first double colon stands for the groups that are missing; an address in
/// dotted form at the end is not read, as in Kong.
fn expanded(text: &str) -> Option<String> {
    let mut full = text.to_owned();
    if full.starts_with(':') {
        full.insert(0, '0');
    }
    if full.ends_with(':') {
        full.push('0');
    }
    if full.contains("::") {
        let colons = full.bytes().filter(|byte| *byte == b':').count();
        full = full.replacen("::", &format!(":{}", "0:".repeat(8_usize.saturating_sub(colons))), 1);
    }
    let mut groups = Vec::with_capacity(8);
    for group in full.split(':') {
        let fits = (1..=4).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !fits || groups.len() == 8 {
            return None;
        }
        groups.push(format!("{:0>4}", group.to_ascii_lowercase()));
    }
    (groups.len() == 8).then(|| groups.join(":"))
}

/// A name is made of letters, digits and `- . _`; no label but the last may be empty, and none ends in a hyphen.
fn hostname(text: &str) -> Result<Address, AddressError> {
    let invalid = || AddressError::Hostname(text.to_owned());
    let (name, port) = match text.rsplit_once(':') {
        Some((name, digits)) if is_digits(digits) => (name, Some(port_number(digits)?)),
        _ => (text, None),
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(invalid());
    }
    // A single dot at the end makes the name absolute and is no empty label.
    let labels = name.strip_suffix('.').unwrap_or(name);
    if labels.split('.').any(|label| label.is_empty() || label.ends_with('-')) {
        return Err(invalid());
    }
    Ok(Address { kind: Kind::Name, host: name.to_owned(), port })
}

fn port_number(digits: &str) -> Result<u16, AddressError> {
    digits.parse().map_err(|_| AddressError::Port)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

fn is_ipv6(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    bare.unwrap_or(text).parse::<Ipv6Addr>().is_ok()
}

/// An address, a slash and a prefix length in plain decimal without leading zeros.
fn is_cidr(text: &str, is_address: fn(&str) -> bool, longest: u8) -> bool {
    let Some((address, prefix)) = text.split_once('/') else {
        return false;
    };
    let length = prefix.parse::<u8>().ok().filter(|length| *length <= longest);
    is_address(address) && length.is_some_and(|length| length.to_string() == prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address as a target shows it.
    fn target(text: &str) -> String {
        match normalize_ip(text) {
            Ok(address) => format_host(&address, Some(8000)),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_expression_of_names_says_what_the_rule_says() {
        let regex = fancy_regex::Regex::new(NAME).unwrap();
        let texts = [
            "a", "a.", ".a", "a..b", "a-", "-a", "a-.b", "_", "1", "1.2", "1.2.a", "a:80", "", "é", "a_b.c",
            "[::1]", "A.b.",
        ];
        for text in texts {
            assert_eq!(regex.is_match(text).unwrap(), sni(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn addresses_have_one_spelling() {
        for (text, expected) in [
            ("backend.test", "backend.test:8000"),
            ("SAME.test:80", "SAME.test:80"),
            ("under_score.", "under_score.:8000"),
            ("10.0.0.2:0080", "10.0.0.2:80"),
            ("010.000.000.003:1", "10.0.0.3:1"),
            ("::1", "[0000:0000:0000:0000:0000:0000:0000:0001]:8000"),
            ("::", "[0000:0000:0000:0000:0000:0000:0000:0000]:8000"),
            ("[::1]:9000", "[0000:0000:0000:0000:0000:0000:0000:0001]:9000"),
            ("[fe80::AbCd]", "[fe80:0000:0000:0000:0000:0000:0000:abcd]:8000"),
            ("2001:db8:0:0:0:0:0:1", "[2001:0db8:0000:0000:0000:0000:0000:0001]:8000"),
            ("[1:2::8]:1", "[0001:0002:0000:0000:0000:0000:0000:0008]:1"),
            ("1:2:3:4:5:6:7::", "[0001:0002:0003:0004:0005:0006:0007:0000]:8000"),
        ] {
            assert_eq!(target(text), expected, "{text}");
        }
        assert_eq!(
            format_host(&normalize_ip("::1:2").unwrap(), None),
            "[0000:0000:0000:0000:0000:0000:0001:0002]"
        );
    }

    #[test]
    fn texts_that_are_no_address() {
        for (text, expected) in [
            ("some invalid host name", "invalid hostname: some invalid host name"),
            ("x.test:port", "invalid hostname: x.test:port"),
            ("", "invalid hostname: "),
            (":", "invalid hostname: :"),
            (".", "invalid ipv4 address: ."),
            ("a..", "invalid hostname: a.."),
            (".a", "invalid hostname: .a"),
            ("a..b", "invalid hostname: a..b"),
            ("-.-", "invalid hostname: -.-"),
            ("trailing-.x", "invalid hostname: trailing-.x"),
            ("é.test", "invalid hostname: é.test"),
            ("a.test:99999", "invalid port number"),
            ("a.test:99999999999999999999999", "invalid port number"),
            ("1.2.3.4.5", "invalid ipv4 address: 1.2.3.4.5"),
            ("10.0.0.256", "invalid ipv4 address: 10.0.0.256"),
            ("10.0.0.0001", "invalid ipv4 address: 10.0.0.0001"),
            ("10.0.0.1:", "invalid ipv4 address: 10.0.0.1:"),
            ("10.0.0.1:65536", "invalid port number"),
            ("12", "invalid ipv4 address: 12"),
            ("[::1", "invalid ipv6 address: [::1"),
            ("[[::1]]", "invalid ipv6 address: [[::1]]"),
            ("[::1]x", "invalid ipv6 address"),
            ("[::1]:", "invalid ipv6 address"),
            ("[::1]:65536", "invalid port number"),
            ("::1::2", "invalid ipv6 address: ::1::2"),
            ("::ffff:1.2.3.4", "invalid ipv6 address: ::ffff:1.2.3.4"),
            ("::é", "invalid ipv6 address: ::é"),
            ("1:2:3:4:5:6:7:8:9", "invalid ipv6 address: 1:2:3:4:5:6:7:8:9"),
        ] {
            assert_eq!(target(text), expected, "{text}");
        }
        assert_eq!(target("-a-.b"), "invalid hostname: -a-.b");
    }

    #[test]
    fn hosts() {
        for good in ["a.test", "10.0.0.1", "::1", "[::1]", "a."] {
            assert_eq!(host(good), Ok(()), "{good}");
        }
        for (bad, expected) in [
            ("a.example.test:80", "must not have a port"),
            ("a:99999", "must not have a port"),
            ("bad host", "invalid value: bad host"),
            ("*.example.test", "invalid value: *.example.test"),
            ("http://x.test", "invalid value: http://x.test"),
        ] {
            assert_eq!(host(bad), Err(expected.to_owned()));
        }
        for good in ["a.test:80", "10.0.0.1:80", "[::1]:80", "*.example.test:81", "example.*", "*"] {
            assert_eq!(host_with_wildcards(good), Ok(()), "{good}");
        }
        assert_eq!(host_with_wildcards("* x"), Err("invalid hostname: abc x".to_owned()));
        assert_eq!(host_with_optional_port("a.test:99999"), Err("invalid port number".to_owned()));
    }

    #[test]
    fn server_names() {
        assert_eq!(sni("a.test"), Ok(()));
        for (bad, expected) in [
            ("10.0.0.1", "must not be an IP"),
            ("10.0.0.1:80", "must not be an IP"),
            ("name.test:8443", "must not have a port"),
            ("name.test:84430", "must not have a port"),
            ("sp ace.test", "invalid value: sp ace.test"),
            ("*.a.test", "invalid value: *.a.test"),
        ] {
            assert_eq!(sni(bad), Err(expected.to_owned()));
        }
        for good in ["*.left.test", "right.*", "plain.test", "*"] {
            assert_eq!(wildcard_host(good), Ok(()), "{good}");
        }
        for (bad, expected) in [
            ("*.both.*", "only one wildcard must be specified"),
            ("in.*.middle", "wildcard must be leftmost or rightmost character"),
            ("::1", "must not be an IP"),
            ("*.x:80", "must not have a port"),
            ("*.é", "invalid value: wildcard.é"),
        ] {
            assert_eq!(wildcard_host(bad), Err(expected.to_owned()));
        }
    }

    #[test]
    fn ranges() {
        for good in
            ["10.1.2.3/8", "10.0.0.1", "::1", "[::1]", "[::1]/0", "fe80::1/64", "0.0.0.0/0", "::ffff:1.2.3.4"]
        {
            assert_eq!(ip_or_cidr(good), Ok(()), "{good}");
        }
        for bad in [
            "10.0.0",
            "10.0.0.0/33",
            "010.0.0.1",
            "::1/129",
            "10.0.0.1/08",
            "10.0.0.1/+8",
            "1.2.3.4/8/8",
            "a",
            "",
        ] {
            assert_eq!(ip_or_cidr(bad), Err(format!("invalid ip or cidr range: '{bad}'")));
        }
        assert_eq!(ip("10.0.0.1"), Ok(()));
        assert_eq!(ip("10.0.0.0/8"), Err("not an ip address: 10.0.0.0/8".to_owned()));
        assert_eq!(cidr_v4("10.0.0.0/8"), Ok(()));
        assert_eq!(cidr_v4("10.0.0.0"), Ok(()));
        assert_eq!(cidr_v4("::1/8"), Err("invalid ipv4 cidr range: '::1/8'".to_owned()));
    }
}
