//! The kinds of values that settings have, and the values of all settings together.
//!
//! Text goes in, a checked [`Setting`] or the sentence of what is allowed comes out. Which key has which kind is
//! declared in `keys`; this file names no key.

use super::address::{Address, Subsystem};
use super::keys::KEYS;
use super::names::{Named, named};
use indexmap::IndexMap;
use std::fmt;

/// What stands in place of a secret value.
pub(super) const HIDDEN: &str = "******";

/// A text that does not appear in debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(HIDDEN)
    }
}

/// How the text of a setting is read, and which texts are accepted.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    /// A whole number from the first to the last.
    Whole(u64, u64),
    /// Any number from the first to the last.
    Number(f64, f64),
    /// Read as true or false.
    Boolean,
    /// Like a boolean, but kept as the word `on` or `off` because nginx reads it.
    OnOff,
    /// Words separated by commas.
    List,
    /// The same, of these words alone (written here in lower case); letter case does not count.
    ListOf(&'static [&'static str]),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Listen addresses separated by commas, or `off`.
    Listen(Subsystem),
    /// A number of bytes, with `k`, `m` or `g` for 1024, 1024², 1024³; kept as written.
    Size,
    Uuid,
    /// Addresses with a scheme and a host, separated by commas.
    Urls,
    /// Pairs such as `80:8000`, separated by commas.
    PortMaps,
}

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Setting {
    Unset,
    Text(String),
    Number(f64),
    Boolean(bool),
    List(Vec<String>),
    Listen { written: Vec<String>, addresses: Vec<Address>, subsystem: Subsystem },
}

impl Kind {
    /// Whether a value of this kind is a list, for which an empty text is a value of its own.
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::List | Self::ListOf(_) | Self::Urls | Self::PortMaps | Self::Listen(_))
    }

    /// The accepted values in words, to follow "must be" in a message.
    pub(super) fn allowed(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::Number(least, most) if most > 1e15 => match least {
                0.0 => "a number, 0 or greater".to_owned(),
                least if least < 1e-15 => "a number greater than 0".to_owned(),
                least => format!("a number, {least} or greater"),
            },
            Self::Number(least, most) => format!("a number from {least} to {most}"),
            Self::Boolean => "`on`, `off`, `true` or `false`".to_owned(),
            Self::OnOff => "`on` or `off`".to_owned(),
            Self::List => "a comma-separated list".to_owned(),
            Self::ListOf(words) => format!("a comma-separated list of {}", either(words)),
            Self::OneOf(words) => either(words),
            Self::Listen(subsystem) => subsystem.allowed(),
            Self::Size => "a number of bytes, which `k`, `m` or `g` may follow".to_owned(),
            Self::Uuid => "a UUID".to_owned(),
            Self::Urls => {
                "a comma-separated list of addresses such as `https://manager.example:8445`".to_owned()
            }
            Self::PortMaps => {
                "a comma-separated list of pairs of ports from 1 to 65535, such as `80:8000`".to_owned()
            }
        }
    }

    /// Reads a text. The error is the sentence of [`Kind::allowed`].
    pub(super) fn read(self, text: &str) -> Result<Setting, String> {
        let text = text.trim();
        if text.is_empty() && !self.is_list() {
            return Ok(Setting::Unset);
        }
        self.read_some(text).ok_or_else(|| self.allowed())
    }

    fn read_some(self, text: &str) -> Option<Setting> {
        let as_text = |accepted: bool| accepted.then(|| Setting::Text(text.to_owned()));
        match self {
            Self::Text => as_text(true),
            Self::Whole(least, most) => {
                let value = number(text)?;
                let inside = value.fract() == 0.0 && (least as f64..=most as f64).contains(&value);
                inside.then_some(Setting::Number(value))
            }
            Self::Number(least, most) => {
                number(text).filter(|value| (least..=most).contains(value)).map(Setting::Number)
            }
            Self::Boolean => switch(text).map(Setting::Boolean),
            Self::OnOff => switch(text).map(|on| Setting::Text(if on { "on" } else { "off" }.to_owned())),
            Self::List => Some(Setting::List(list(text))),
            Self::ListOf(words) => {
                let items = list(text);
                let known = |item: &String| words.contains(&item.to_ascii_lowercase().as_str());
                items.iter().all(known).then_some(Setting::List(items))
            }
            Self::OneOf(words) => as_text(words.contains(&text)),
            Self::Listen(subsystem) => listen(text, subsystem),
            Self::Size => as_text(size(text).is_some()),
            Self::Uuid => is_uuid(text).then(|| Setting::Text(text.to_ascii_lowercase())),
            Self::Urls => {
                let items = list(text);
                items.iter().all(|item| origin(item).is_some()).then_some(Setting::List(items))
            }
            Self::PortMaps => {
                let items = list(text);
                items.iter().all(|item| port_map(item).is_some()).then_some(Setting::List(items))
            }
        }
    }
}

/// `a`, `b` or `c`.
fn either(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => quoted.concat(),
    }
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" | "true" => Some(true),
        "off" | "false" => Some(false),
        _ => None,
    }
}

/// A number as Lua reads it: decimal with an optional fraction and exponent, or hexadecimal.
fn number(text: &str) -> Option<f64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let value = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return value.then(|| u32::from_str_radix(digits, 16).ok()).flatten().map(f64::from);
    }
    // The words `inf` and `nan` are numbers to Rust.
    let decimal = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    decimal.then(|| text.parse().ok()).flatten()
}

/// The words between commas, without the blanks around them; empty ones are skipped.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn listen(text: &str, subsystem: Subsystem) -> Option<Setting> {
    let written = list(text);
    let addresses = match written.first()?.as_str() {
        "off" => Vec::new(),
        _ => written.iter().map(|entry| Address::parse(entry, subsystem)).collect::<Option<_>>()?,
    };
    Some(Setting::Listen { written, addresses, subsystem })
}

/// The bytes that `8k` or `10M` stand for.
pub(super) fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let factor: u64 = match text.strip_prefix(digits)? {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The scheme and authority of an address, as a browser's `Origin` header has them: `https://a:1` of `https://a:1/b`.
pub(super) fn origin(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    (!scheme.is_empty()).then(|| format!("{scheme}://{authority}"))
}

/// `80:8000` as the port outside and the port that it is mapped to.
pub(super) fn port_map(text: &str) -> Option<(u16, u16)> {
    let port = |digits: &str| digits.parse().ok().filter(|port| *port > 0);
    let (outside, inside) = text.split_once(':')?;
    Some((port(outside)?, port(inside)?))
}

/// A value and, if it was written as a vault reference, that reference, which is shown in its place.
#[derive(Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) setting: Setting,
    pub(super) reference: Option<String>,
}

/// The values of all keys, and of those keys in namespaces that were set, by name.
#[derive(Clone, PartialEq)]
pub(super) struct Values(IndexMap<String, Entry>);

impl Default for Values {
    fn default() -> Self {
        let entry = |setting| Entry { setting, reference: None };
        let value = |default, kind: Kind| entry(kind.read(default).unwrap_or(Setting::Unset));
        Self(KEYS.iter().map(|key| (key.name.to_owned(), value(key.default, key.kind))).collect())
    }
}

impl Values {
    pub(super) fn set(&mut self, name: &str, entry: Entry) {
        self.0.insert(name.to_owned(), entry);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        self.0.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    fn setting(&self, name: &str) -> &Setting {
        self.0.get(name).map_or(&Setting::Unset, |entry| &entry.setting)
    }

    /// The text, or the empty text if it is unset. A key of another kind has none either, here and below.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.setting(name) {
            Setting::Text(text) => text,
            _ => "",
        }
    }

    pub(super) fn text_if_set(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub(super) fn number_if_set(&self, name: &str) -> Option<u64> {
        match self.setting(name) {
            Setting::Number(number) => Some(*number as u64),
            _ => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> u64 {
        self.number_if_set(name).unwrap_or_default()
    }

    /// With its fraction; 0 if it is unset.
    pub(super) fn fraction(&self, name: &str) -> f64 {
        match self.setting(name) {
            Setting::Number(number) => *number,
            _ => 0.0,
        }
    }

    pub(super) fn boolean(&self, name: &str) -> bool {
        *self.setting(name) == Setting::Boolean(true)
    }

    pub(super) fn list(&self, name: &str) -> &[String] {
        match self.setting(name) {
            Setting::List(list) => list,
            _ => &[],
        }
    }

    pub(super) fn addresses(&self, name: &str) -> &[Address] {
        match self.setting(name) {
            Setting::Listen { addresses, .. } => addresses,
            _ => &[],
        }
    }
}

/// Whether the value of a name must never be shown.
pub(super) fn is_secret(name: &str) -> bool {
    match named(name) {
        Named::Key(key) => key.secret,
        Named::Namespace(namespace) => namespace.secret,
        Named::Family | Named::Unknown => true,
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = out.debug_map();
        for (name, entry) in self.iter().filter(|(_, entry)| entry.setting != Setting::Unset) {
            match &entry.reference {
                _ if is_secret(name) => map.entry(&name, &HIDDEN),
                Some(reference) => map.entry(&name, reference),
                None => map.entry(&name, &entry.setting),
            };
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_lua_reads_them() {
        for (text, value) in
            [("0x10", Some(16.0)), ("1e3", Some(1000.0)), (" 2.50 ", Some(2.5)), ("-1", Some(-1.0))]
        {
            assert_eq!(number(text.trim()), value, "{text}");
        }
        for text in ["inf", "nan", "1 2", "0x", "0x-1", "1k", "--1", "ä", "e"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(Kind::Whole(1, 65_535).read("0x10"), Ok(Setting::Number(16.0)));
        for text in ["0", "65536", "1.5", "1e999", "x"] {
            assert!(Kind::Whole(1, 65_535).read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_take_a_suffix() {
        for (text, bytes) in
            [("0", Some(0)), ("8k", Some(8192)), ("10M", Some(10 << 20)), ("1g", Some(1 << 30))]
        {
            assert_eq!(size(text), bytes, "{text}");
        }
        for text in ["", "k", "-1", "+1", "1kb", "1 k", "1t", "99999999999g", "ä", "1ä"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn lists_and_words() {
        assert_eq!(list(" a, ,b ,"), ["a", "b"]);
        assert_eq!(Kind::List.read(""), Ok(Setting::List(Vec::new())));
        assert!(Kind::Listen(Subsystem::Http).read("").is_err());
        assert!(Kind::ListOf(&["a", "srv"]).read("SRV,A").is_ok());
        assert_eq!(Kind::OneOf(&["a", "b", "c"]).read("d"), Err("`a`, `b` or `c`".to_owned()));
        assert_eq!(Kind::OneOf(&["a"]).read("d"), Err("`a`".to_owned()));
        assert_eq!(Kind::Boolean.read("true"), Ok(Setting::Boolean(true)));
        assert!(Kind::Boolean.read("yes").is_err());
    }

    #[test]
    fn origins_end_before_the_path() {
        assert_eq!(origin("https://a:1/manager?x#y").as_deref(), Some("https://a:1"));
        for text in ["", "a", "://a", "http://", "http:///a"] {
            assert_eq!(origin(text), None, "{text}");
        }
    }

    #[test]
    fn ports_and_ids() {
        assert_eq!(port_map("80:8000"), Some((80, 8000)));
        for text in ["80", "0:1", "1:65536", "a:1", ":"] {
            assert_eq!(port_map(text), None, "{text}");
        }
        assert!(is_uuid("F5DE9BA1-0e08-4e06-9e7e-fde11689dd84"));
        assert!(!is_uuid("f5de9ba1x0e08-4e06-9e7e-fde11689dd84") && !is_uuid("äääääääääääääääääää"));
    }
}
