//! JSON text -> value, read as leniently as Kong's parser reads it.
//!
//! Accepted beyond the standard: raw control characters in strings, bytes that are not UTF-8 (they are marked, see
//! `entities::schema::bytes`), numbers with leading zeros, hexadecimal, infinite and signed ones. Refused: lone
//! surrogates, a byte order mark, the NUL character outside an escape, text behind the value, more than [`LEVELS`]
//! levels. The last of equal keys wins. Nesting is kept on the heap: no text can overflow the stack while it is read.

use std::fmt;

use entities::schema::bytes::marked;
use serde_json::{Map, Value};

use crate::numbers::scan;

/// How deep arrays and objects may nest.
pub const LEVELS: usize = 1000;

/// The body is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadJson;

impl fmt::Display for BadJson {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("Cannot parse JSON body")
    }
}

impl std::error::Error for BadJson {}

/// An array or an object whose end has not been read yet.
enum Open {
    Array(Vec<Value>),
    /// With the key whose value is being read.
    Object(Map<String, Value>, String),
}

/// The value of a JSON text.
pub fn parse(text: &[u8]) -> Result<Value, BadJson> {
    let mut reader = Reader { rest: text, token: text };
    let mut open: Vec<Open> = Vec::new();
    loop {
        let mut value = match reader.token()? {
            b'{' | b'[' if open.len() == LEVELS => return Err(BadJson),
            b'{' => match reader.token()? {
                b'}' => Value::Object(Map::new()),
                first => {
                    open.push(Open::Object(Map::new(), reader.key(first)?));
                    continue;
                }
            },
            b'[' if reader.skip(b']') => Value::Array(Vec::new()),
            b'[' => {
                open.push(Open::Array(Vec::new()));
                continue;
            }
            b'"' => Value::String(reader.string()?),
            _ => reader.word()?,
        };
        // A value is complete: it belongs to what encloses it, which may be complete with it.
        loop {
            match open.pop() {
                None if reader.at_end() => return Ok(value),
                None => return Err(BadJson),
                Some(Open::Array(mut items)) => {
                    items.push(value);
                    match reader.token()? {
                        b',' => {
                            open.push(Open::Array(items));
                            break;
                        }
                        b']' => value = Value::Array(items),
                        _ => return Err(BadJson),
                    }
                }
                Some(Open::Object(mut fields, key)) => {
                    fields.insert(key, value);
                    match reader.token()? {
                        b',' => {
                            let first = reader.token()?;
                            open.push(Open::Object(fields, reader.key(first)?));
                            break;
                        }
                        b'}' => value = Value::Object(fields),
                        _ => return Err(BadJson),
                    }
                }
            }
        }
    }
}

/// The part of the text that has not been read.
struct Reader<'a> {
    rest: &'a [u8],
    /// The same, from the first byte of the last token on.
    token: &'a [u8],
}

impl Reader<'_> {
    /// Moves on to what is not white space.
    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Whether only white space is left.
    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty()
    }

    /// The next byte that is not white space.
    fn token(&mut self) -> Result<u8, BadJson> {
        self.skip_space();
        self.token = self.rest;
        let (first, rest) = self.rest.split_first().ok_or(BadJson)?;
        self.rest = rest;
        Ok(*first)
    }

    /// Reads the next byte that is not white space, if it is this one.
    fn skip(&mut self, wanted: u8) -> bool {
        self.skip_space();
        match self.rest.split_first() {
            Some((first, rest)) if *first == wanted => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// A key with its colon; `first` is the byte at which it starts.
    fn key(&mut self, first: u8) -> Result<String, BadJson> {
        if first != b'"' {
            return Err(BadJson);
        }
        let key = self.string()?;
        if self.skip(b':') { Ok(key) } else { Err(BadJson) }
    }

    /// A number, `true`, `false` or `null`, from the first byte of the token on.
    fn word(&mut self) -> Result<Value, BadJson> {
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if let Some(rest) = self.token.strip_prefix(word.as_bytes()) {
                self.rest = rest;
                return Ok(value);
            }
        }
        if self.token.first() == Some(&b'.') {
            return Err(BadJson);
        }
        let (number, used) = scan(self.token).ok_or(BadJson)?;
        self.rest = self.token.get(used..).ok_or(BadJson)?;
        Ok(Value::Number(number))
    }

    /// A string up to and with its closing quote; the opening one has been read.
    fn string(&mut self) -> Result<String, BadJson> {
        let mut text = Vec::new();
        loop {
            let plain = self.rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0)).ok_or(BadJson)?;
            let (before, rest) = self.rest.split_at_checked(plain).ok_or(BadJson)?;
            text.extend_from_slice(before);
            match rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Ok(marked(text));
                }
                [b'\\', b'u', rest @ ..] => {
                    self.rest = rest;
                    let mut buffer = [0; 4];
                    text.extend_from_slice(self.code_point()?.encode_utf8(&mut buffer).as_bytes());
                }
                [b'\\', escaped, rest @ ..] => {
                    self.rest = rest;
                    text.push(match escaped {
                        b'"' | b'\\' | b'/' => *escaped,
                        b'b' => 0x08,
                        b'f' => 0x0C,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        _ => return Err(BadJson),
                    });
                }
                _ => return Err(BadJson),
            }
        }
    }

    /// The character of an escape behind its `\u`, with the second half of a pair if it is one.
    fn code_point(&mut self) -> Result<char, BadJson> {
        let first = self.unit()?;
        if !(0xD800..0xE000).contains(&first) {
            return char::from_u32(first).ok_or(BadJson);
        }
        self.rest = self.rest.strip_prefix(b"\\u").ok_or(BadJson)?;
        let second = self.unit()?;
        if first >= 0xDC00 || !(0xDC00..0xE000).contains(&second) {
            return Err(BadJson);
        }
        char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)).ok_or(BadJson)
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, BadJson> {
        let (digits, rest) = self.rest.split_first_chunk::<4>().ok_or(BadJson)?;
        self.rest = rest;
        digits.iter().try_fold(0, |unit, digit| {
            char::from(*digit).to_digit(16).map(|digit| unit * 16 + digit).ok_or(BadJson)
        })
    }
}

#[cfg(test)]
mod tests {
    use entities::schema::bytes::invalid_at;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{BadJson, LEVELS, parse};

    fn check(text: &str, expect: Value) {
        assert_eq!(parse(text.as_bytes()), Ok(expect), "{text}");
    }

    #[test]
    fn every_kind_of_value() {
        check("{}", json!({}));
        check(" [ ] ", json!([]));
        check("null", json!(null));
        check("true", json!(true));
        check("\"x\"", json!("x"));
        check(
            r#"{"a": [1, {"b": null}, []], "c": {"d": false, "e": {}}}"#,
            json!({"a": [1, {"b": null}, []], "c": {"d": false, "e": {}}}),
        );
        check("\t\r\n {\"a\" : 1 , \"b\" :\n2}\r\n", json!({"a": 1, "b": 2}));
    }

    #[test]
    fn the_last_of_equal_keys_wins() {
        check(r#"{"username":"first","username":"second"}"#, json!({"username": "second"}));
        check(r#"{"a":{"x":1},"a":{"y":2}}"#, json!({"a": {"y": 2}}));
    }

    #[test]
    fn numbers() {
        check("8.0e3", json!(8000));
        check("1E1", json!(10));
        check("1.0", json!(1));
        check("-0", json!(0));
        check("-0.0", json!(0));
        check("0.1", json!(0.1));
        check("0x50", json!(80));
        check("01", json!(1));
        check("+1", json!(1));
        check("9007199254740993", json!(9_007_199_254_740_993_u64));
        check("18446744073709551615", json!(u64::MAX));
        check("123456789012345678901234567890", json!(1.2345678901234568e29));
        check("[1e400,-1e400,NaN,Infinity]", json!([f64::MAX, f64::MIN, f64::MAX, f64::MAX]));
        check(r#"{"port":0x50,"retries":1E1}"#, json!({"port": 80, "retries": 10}));
    }

    #[test]
    fn strings() {
        check(
            r#""\u65e5\u672c \ud83d\ude00 \"q\" \\ \/ \b\f\n\r\t""#,
            json!("日本 😀 \"q\" \\ / \x08\x0C\n\r\t"),
        );
        check("\"tab\tand\nline\x01\x1F\"", json!("tab\tand\nline\x01\x1F"));
        check("\"日本 😀\"", json!("日本 😀"));
        check(r#""nul \u0000 and \uFFFF""#, json!("nul \0 and \u{FFFF}"));
        check(r#"{"":"","\n":1}"#, json!({"": "", "\n": 1}));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_marked() {
        let value = parse(b"{\"na\xFFme\":\"ab\xC3\"}").unwrap();
        let (key, text) = value.as_object().unwrap().iter().next().unwrap();
        assert_eq!(invalid_at(key), Some(3));
        assert_eq!(invalid_at(text.as_str().unwrap()), Some(3));
    }

    #[test]
    fn what_is_no_json() {
        let texts: &[&[u8]] = &[
            b"",
            b" ",
            b"{",
            b"[",
            b"nul",
            b"nulll",
            b"truefalse",
            b"{\"host\": ",
            b"host=x",
            b"{'host':'x'}",
            b"[1,",
            b"{\"name\":}",
            b"{\"name\":\"x\"} trailing",
            b"{name:\"x\"}",
            b"{\"a\" 1}",
            b"{\"a\":1,}",
            b"[1,]",
            b"[,1]",
            b"[1 2]",
            b"{,}",
            b"{\"a\":1]",
            b"[1}",
            b"]",
            b"}",
            b",",
            b":",
            b"\"x",
            b"\"x\\",
            b"\"\\x\"",
            b"\"\\u12\"",
            b"\"\\u12g4\"",
            b"\"\\ud83d\"",
            b"\"\\ud83dx\"",
            b"\"\\ud83d\\u0041\"",
            b"\"\\ude00\"",
            b"\"\\ude00\\ud83d\"",
            b"\"\\ud83d\\ud83d\"",
            b"\xEF\xBB\xBF{}",
            b"{}\0",
            b"\0{}",
            b"\"a\0b\"",
            b"-",
            b"+",
            b".5",
            b"1e",
            b"1.2.3",
            b"0xg",
            b"--1",
            b"1-2",
            b"tru",
            b"True",
            b"undefined",
            b"{} {}",
            b"\xFF",
            b"// c\n{}",
            b"{}\x0B",
            b"1_000",
            b"i",
            b"n",
            b"nanx",
        ];
        for text in texts {
            assert_eq!(parse(text), Err(BadJson), "{:?}", String::from_utf8_lossy(text));
        }
    }

    fn nested(levels: usize, open: &str, inner: &str, close: &str) -> String {
        open.repeat(levels) + inner + &close.repeat(levels)
    }

    #[test]
    fn nesting_has_a_limit_and_needs_no_stack() {
        let run = || {
            for (open, inner, close) in [("[", "1", "]"), ("{\"a\":", "1", "}"), ("[", "", "]")] {
                assert!(parse(nested(LEVELS, open, inner, close).as_bytes()).is_ok());
                assert_eq!(parse(nested(LEVELS + 1, open, inner, close).as_bytes()), Err(BadJson));
                assert_eq!(parse(nested(1_000_000, open, inner, close).as_bytes()), Err(BadJson));
            }
            assert_eq!(parse(nested(LEVELS, "[", "x", "]").as_bytes()), Err(BadJson));
        };
        // A quarter of the stack that a thread of the server has; what is left to it is dropping the value.
        std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
    }

    #[test]
    fn the_deepest_value_can_be_used_on_a_thread_of_the_server() {
        let run = || {
            let text = nested(LEVELS, "{\"a\":", "1", "}");
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(value.clone().to_string(), text);
            assert!(value == value.clone());
        };
        std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).unwrap().join().unwrap();
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9)
                .prop_filter("with a fraction", |value: &f64| value.fract() != 0.0)
                .prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in values()) {
            prop_assert_eq!(parse(value.to_string().as_bytes()), Ok(value.clone()));
            prop_assert_eq!(parse(serde_json::to_string_pretty(&value).unwrap().as_bytes()), Ok(value));
        }

        #[test]
        fn what_is_standard_is_accepted(text in "[\\[\\]{}:, \"a0-9.eE+\\\\untrl-]{0,24}") {
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert!(parse(text.as_bytes()).is_ok());
            }
        }

        #[test]
        fn no_bytes_panic(text in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&text);
        }
    }
}
