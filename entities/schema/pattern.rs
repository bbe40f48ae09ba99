//! Lua patterns, as the attributes `match`, `not_match`, `match_none`, `match_all` and `match_any` write them.
//!
//! A pattern becomes a regular expression over bytes that runs in linear time. `%b`, `%f` and references to captures
//! have no such form and are refused; so is nothing else that Lua takes. Lua's classes know ASCII alone, and a
//! character beyond ASCII is the row of its bytes, as in Lua.

#![expect(
    clippy::indexing_slicing,
    reason = "a const fn has no iterators; each index is held against the length"
)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use regex::bytes::{Regex, RegexBuilder};

/// Whether `text` has a part that the pattern matches. A pattern that cannot be compiled matches nothing; the
/// metaschema keeps such patterns out of declarations. Each pattern is compiled once in the life of the program.
pub fn matches(pattern: &'static str, text: &[u8]) -> bool {
    compiled(pattern).is_some_and(|regex| regex.is_match(text))
}

/// Translates a pattern; its captures keep their numbers, and a position capture is an empty one.
///
/// # Errors
/// What in the pattern is malformed or has no regular expression.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    compile_bytes(pattern.as_bytes())
}

/// As [`compile`], for a pattern that is no text, such as one with the range `\128-\244`.
///
/// # Errors
/// What in the pattern is malformed or has no regular expression.
pub fn compile_bytes(pattern: &[u8]) -> Result<Regex, String> {
    let translated = translate(pattern)?;
    let builder = RegexBuilder::new(&translated).unicode(false).dot_matches_new_line(true).build();
    builder.map_err(|error| error.to_string())
}

/// Whether [`compile`] takes the pattern, up to the size of the result; usable while declarations are compiled.
pub const fn is_well_formed(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    let mut open = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' => open += 1,
            b')' => {
                if open == 0 {
                    return false;
                }
                open -= 1;
            }
            b'[' => match end_of_set(bytes, at) {
                Some(end) => at = end,
                None => return false,
            },
            b'%' => {
                at += 1;
                if at == bytes.len() || is_untranslatable(bytes[at]) {
                    return false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    open == 0
}

/// The regular expression of a pattern of the program, or nothing for a malformed one.
fn compiled(pattern: &'static str) -> Option<Arc<Regex>> {
    type Cache = RwLock<HashMap<&'static str, Option<Arc<Regex>>>>;
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let cache = CACHE.get_or_init(Cache::default);
    if let Some(known) = cache.read().unwrap_or_else(PoisonError::into_inner).get(pattern) {
        return known.clone();
    }
    let fresh = compile(pattern).ok().map(Arc::new);
    cache.write().unwrap_or_else(PoisonError::into_inner).insert(pattern, fresh.clone());
    fresh
}

/// The place of the `]` that closes the set opened at `at`. The first character of a set never closes it.
const fn end_of_set(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    if at < bytes.len() && bytes[at] == b'^' {
        at += 1;
    }
    let mut first = true;
    while at < bytes.len() {
        if bytes[at] == b']' && !first {
            return Some(at);
        }
        if bytes[at] == b'%' {
            at += 1;
        }
        at += 1;
        first = false;
    }
    None
}

/// Whether `%` and this byte mean something that a regular expression cannot say: balanced text, a frontier, or the
/// text of an earlier capture.
const fn is_untranslatable(byte: u8) -> bool {
    matches!(byte, b'b' | b'f' | b'0'..=b'9')
}

/// The bytes that one item of a pattern stands for.
#[derive(Clone, Copy)]
struct Bytes([bool; 256]);

impl Bytes {
    const NONE: Bytes = Bytes([false; 256]);

    fn of(rule: impl Fn(u8) -> bool) -> Bytes {
        let mut bytes = Bytes::NONE;
        for (byte, held) in (0..=u8::MAX).zip(&mut bytes.0) {
            *held = rule(byte);
        }
        bytes
    }

    /// The class that a letter after `%` names; any other byte stands for itself.
    fn escaped(byte: u8) -> Bytes {
        let class: fn(u8) -> bool = match byte.to_ascii_lowercase() {
            b'a' => |byte| byte.is_ascii_alphabetic(),
            b'c' => |byte| byte.is_ascii_control(),
            b'd' => |byte| byte.is_ascii_digit(),
            b'g' => |byte| byte.is_ascii_graphic(),
            b'l' => |byte| byte.is_ascii_lowercase(),
            b'p' => |byte| byte.is_ascii_punctuation(),
            b's' => |byte| byte.is_ascii_whitespace() || byte == 0x0b,
            b'u' => |byte| byte.is_ascii_uppercase(),
            b'w' => |byte| byte.is_ascii_alphanumeric(),
            b'x' => |byte| byte.is_ascii_hexdigit(),
            b'z' => |byte| byte == 0,
            _ => return Bytes::of(|other| other == byte),
        };
        Bytes::of(|other| class(other) != byte.is_ascii_uppercase())
    }

    fn join(&mut self, other: Bytes) {
        for (held, more) in self.0.iter_mut().zip(other.0) {
            *held |= more;
        }
    }

    /// As a class of a regular expression, in ranges. The empty class is one that matches nothing.
    fn write(&self, out: &mut String) {
        let mut ranges = String::new();
        let mut held = (0..=u8::MAX).zip(self.0).filter(|(_, held)| *held).map(|(byte, _)| byte).peekable();
        while let Some(start) = held.next() {
            let mut end = start;
            while let Some(next) = held.next_if(|next| end.checked_add(1) == Some(*next)) {
                end = next;
            }
            // Writing to a string does not fail.
            let _ = write!(ranges, r"\x{start:02X}-\x{end:02X}");
        }
        out.push_str(if ranges.is_empty() { r"[^\x00-\xFF" } else { "[" });
        out.push_str(&ranges);
        out.push(']');
    }
}

/// A piece of a pattern.
enum Piece {
    Start,
    End,
    Open,
    Close,
    /// One byte of these, as often as the quantifier says; without one, once.
    One(Box<Bytes>, &'static str),
}

/// Writes the regular expression of a pattern.
fn translate(pattern: &[u8]) -> Result<String, String> {
    let mut out = String::new();
    for piece in pieces(pattern)? {
        match piece {
            Piece::Start => out.push_str(r"\A"),
            Piece::End => out.push_str(r"\z"),
            Piece::Open => out.push('('),
            Piece::Close => out.push(')'),
            Piece::One(bytes, quantifier) => {
                bytes.write(&mut out);
                out.push_str(quantifier);
            }
        }
    }
    Ok(out)
}

/// The pattern as a regular expression of ECMA-262, which is read letter by letter. `None` where it would not say the
/// same: a pattern counts bytes, so that a class with a part of a letter beyond ASCII says the same only when it holds
/// all of them, any number of times.
pub fn ecma(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut at_least_one_beyond = false;
    for piece in pieces(pattern.as_bytes()).ok()? {
        match piece {
            Piece::Start => out.push('^'),
            Piece::End => out.push('$'),
            Piece::Open => out.push('('),
            Piece::Close => out.push(')'),
            Piece::One(bytes, quantifier) => {
                let (ascii, beyond) = bytes.0.split_at(128);
                let takes_beyond = beyond.iter().any(|held| *held);
                let repeated = matches!(quantifier, "*" | "*?") || quantifier == "+" && !at_least_one_beyond;
                if takes_beyond && !(repeated && beyond.iter().all(|held| *held)) {
                    return None;
                }
                at_least_one_beyond = takes_beyond && quantifier == "+";
                write_class(ascii, takes_beyond, &mut out);
                out.push_str(quantifier);
                continue;
            }
        }
        at_least_one_beyond = false;
    }
    Some(out)
}

/// A class of ECMA-262 with these letters of ASCII, and all or none of those beyond.
fn write_class(ascii: &[bool], beyond: bool, out: &mut String) {
    let listed: Vec<u8> =
        (0..=127).zip(ascii).filter(|(_, held)| **held != beyond).map(|(byte, _)| byte).collect();
    if let ([byte], false) = (listed.as_slice(), beyond) {
        return write_letter(*byte, out);
    }
    out.push_str(match (listed.is_empty(), beyond) {
        (true, true) => r"[\s\S",
        (true, false) => r"[^\s\S",
        (false, true) => "[^",
        (false, false) => "[",
    });
    for run in listed.chunk_by(|a, b| a + 1 == *b) {
        match run {
            [] => {}
            [only] => write_letter(*only, out),
            [first, last] => {
                write_letter(*first, out);
                write_letter(*last, out);
            }
            [first, .., last] => {
                write_letter(*first, out);
                out.push('-');
                write_letter(*last, out);
            }
        }
    }
    out.push(']');
}

/// A letter of ASCII that stands for itself.
fn write_letter(byte: u8, out: &mut String) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_' | b'~' | b':' | b',' | b'@' | b'%') {
        out.push(char::from(byte));
    } else if byte.is_ascii_punctuation() && byte != b'`' {
        out.push('\\');
        out.push(char::from(byte));
    } else {
        // Writing to a string does not fail.
        let _ = write!(out, r"\x{byte:02X}");
    }
}

/// Takes a pattern apart.
fn pieces(pattern: &[u8]) -> Result<Vec<Piece>, String> {
    let mut out = Vec::new();
    let mut open = 0_usize;
    let mut at = 0;
    if pattern.first() == Some(&b'^') {
        out.push(Piece::Start);
        at = 1;
    }
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        let one = match byte {
            b'(' => {
                open += 1;
                out.push(Piece::Open);
                continue;
            }
            b')' => {
                open = open.checked_sub(1).ok_or("a parenthesis closes nothing")?;
                out.push(Piece::Close);
                continue;
            }
            b'$' if at == pattern.len() => {
                out.push(Piece::End);
                continue;
            }
            b'.' => Bytes::of(|_| true),
            b'%' => {
                let &escaped = pattern.get(at).ok_or("the pattern ends with %")?;
                if is_untranslatable(escaped) {
                    return Err(format!("%{} has no regular expression", char::from(escaped)));
                }
                at += 1;
                Bytes::escaped(escaped)
            }
            b'[' => {
                let end = end_of_set(pattern, at - 1).ok_or("a set lacks its ]")?;
                let inside = pattern.get(at..end).unwrap_or_default();
                at = end + 1;
                set(inside)
            }
            // Also a quantifier that follows no single character: Lua takes it as it stands.
            other => Bytes::of(|byte| byte == other),
        };
        let quantifier = match pattern.get(at) {
            Some(b'*') => "*",
            Some(b'+') => "+",
            Some(b'-') => "*?",
            Some(b'?') => "?",
            _ => "",
        };
        at += usize::from(!quantifier.is_empty());
        out.push(Piece::One(Box::new(one), quantifier));
    }
    if open > 0 {
        return Err("a parenthesis is not closed".to_owned());
    }
    Ok(out)
}

/// The bytes of a set, given what stands between its brackets. A class cannot start a range, and a hyphen at either
/// end stands for itself; a range written backwards is empty.
fn set(inside: &[u8]) -> Bytes {
    let (negated, mut rest) = match inside.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, inside),
    };
    let mut bytes = Bytes::NONE;
    loop {
        rest = match rest {
            [] => break,
            [b'%', byte, after @ ..] => {
                bytes.join(Bytes::escaped(*byte));
                after
            }
            [first, b'-', last, after @ ..] => {
                bytes.join(Bytes::of(|byte| (*first..=*last).contains(&byte)));
                after
            }
            [byte, after @ ..] => {
                bytes.join(Bytes::of(|other| other == *byte));
                after
            }
        };
    }
    if negated { Bytes(bytes.0.map(|held| !held)) } else { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    const _: () = assert!(is_well_formed("^[^*]*%*?[^*]*$") && !is_well_formed("[a"));

    #[test]
    fn patterns_of_the_declarations() {
        for (pattern, good, bad) in [
            ("^%u+$", "GET", "get"),
            ("//", "/a//b", "/a/b"),
            ("^[^*]*%*?[^*]*$", "*.a", "*.a.*"),
            ("^%*%.", "*.a", "*a"),
            ("%.%*$", "a.*", "a.*x"),
            ("^~/", "~/a", "/~/a"),
            ("%.%.", "1..2", "1.2"),
            ("^%d+[%.%d]*%-?.*$", "1.2-rc\n", "x1"),
            ("^[^:]+:.*$", "a:b", ":b"),
            ("^.*[^:]$", "ab", "ab:"),
            ("%w*%p*@+%w*%.?%w*", "a@b", "ab"),
            ("^[a-z][a-z%d-]-[a-z%d]+$", "my-env1", "my-"),
            ("^[%a_-][%a%d_-]*$", "_a-1", "1a"),
            (r"^[^%s*&%%\`][^*&%%\`]*[^%s*&%%\`]$", "a b", " a"),
            ("([^|]+)|([^|]*)|(.*)", "a||", "||"),
        ] {
            assert!(is_well_formed(pattern), "{pattern}");
            assert!(matches(pattern, good.as_bytes()), "{pattern} on {good:?}");
            assert!(!matches(pattern, bad.as_bytes()), "{pattern} on {bad:?}");
        }
    }

    #[test]
    fn corners_of_the_language() {
        for (pattern, text, expected) in [
            ("a$b", "a$b", true),
            ("a^", "a^", true),
            ("^^", "^", true),
            ("(ab)*", "ab*", true),
            ("(ab)*", "ab", false),
            ("^*a", "*a", true),
            ("[]]", "]", true),
            ("[^]]", "]", false),
            ("[%]x]", "]", true),
            ("[a-]", "-", true),
            ("[%a-z]", "-", true),
            ("[z-a]", "m", false),
            ("^[^z-a]$", "m", true),
            ("%S", " ", false),
            ("%W", "é", true),
            ("^..$", "é", true),
            ("%z", "a\0", true),
            ("%", "a", false),
            ("^a-$", "aaa", true),
            ("()a()", "a", true),
            (".", "\n", true),
            ("", "", true),
            ("x%%$", "x%", true),
        ] {
            assert_eq!(matches(pattern, text.as_bytes()), expected, "{pattern} on {text:?}");
        }
        let beyond = compile_bytes(b"^[%w\x80-\xF4]+$").unwrap();
        assert!(beyond.is_match("café".as_bytes()) && !beyond.is_match(b"\xFF"));
        assert_eq!(compile("(%d+)-(%a)").unwrap().captures_len(), 3);
    }

    #[test]
    fn what_is_the_same_letter_by_letter_is_written_in_ecma_262() {
        for (pattern, expected) in [
            ("^%u+$", Some("^[A-Z]+$")),
            ("//", Some(r"\/\/")),
            ("^[^*]*%*?[^*]*$", Some(r"^[^\*]*\*?[^\*]*$")),
            ("^[^:]+:.*$", Some(r"^[^:]+:[\s\S]*$")),
            ("^[%a_-][%a%d_-]*$", Some(r"^[\-A-Z_a-z][\-0-9A-Z_a-z]*$")),
            ("^.*[^:]$", None),
            ("^.$", None),
            ("^[^a]+[^b]+$", None),
            ("%f[%w]", None),
            ("é", None),
            ("^[z-a]$", Some(r"^[^\s\S]$")),
        ] {
            assert_eq!(ecma(pattern).as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn refused_patterns() {
        for pattern in ["[a", "[]", "[^]", "a%", "[%", "(a", "a)", "%b()", "%f[%w]", "(a)%1", "[%]"] {
            assert!(!is_well_formed(pattern), "{pattern}");
            assert!(compile(pattern).is_err(), "{pattern}");
        }
        assert_eq!(compile("%bxy").unwrap_err(), "%b has no regular expression");
        for pattern in ["]", "[[]", "a]b", "%(", "[(]", "[%b]", "()", "é"] {
            assert!(is_well_formed(pattern) && compile(pattern).is_ok(), "{pattern}");
        }
    }
}
