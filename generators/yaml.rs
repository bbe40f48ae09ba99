//! YAML text -> value, typed as libyaml's readers of YAML 1.1 type it.
//!
//! Only the first document counts. Anchors and merge keys (`<<`) are resolved; what aliases repeat is counted, so
//! that a small text cannot become a large value. Plain scalars are null (`~`), booleans (`yes`, `Off`), integers
//! (`010`, `0b11`, `0x1F`, `1_000`, `1:30`) and numbers; dates stay texts. The last of equal keys wins. What is
//! written is read back as the same value, by readers of any version.

use std::collections::HashMap;
use std::fmt;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::{Map, Number, Value};

/// How deep lists and mappings may nest.
pub const LEVELS: usize = 200;
/// What a text may weigh beyond its own length once its aliases are written out.
const SPARE: usize = 100_000;
/// How many times its own length a text may weigh then.
const GROWTH: usize = 10;

/// A key of more bytes is written with a mark in front of it, for readers look no further for its colon.
const LONGEST_KEY: usize = 1000;

/// The text is not YAML that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadYaml {
    /// Line and column, from 1, of the last thing that could be read.
    pub place: (usize, usize),
    pub why: String,
}

impl fmt::Display for BadYaml {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}:{}: {}", self.place.0, self.place.1, self.why)
    }
}

impl std::error::Error for BadYaml {}

/// The value of the first document; `None` where there is none.
pub fn parse(text: &str) -> Result<Option<Value>, BadYaml> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        text,
        parser: Parser::new_from_str(text),
        place: (1, 1),
        anchors: HashMap::new(),
        left: text.len().saturating_mul(GROWTH).saturating_add(SPARE),
    };
    reader.document()
}

/// A value as YAML in blocks.
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    write_block(&mut out, value, 0);
    out
}

/// A value on lines of its own.
fn write_block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (i, (name, value)) in fields.iter().enumerate() {
                // The first field of a list's element stands on the line of the dash.
                if i > 0 || !out.ends_with("- ") {
                    out.push_str(&" ".repeat(indent));
                }
                let name = text(name);
                if name.len() > LONGEST_KEY {
                    out.push_str("? ");
                    out.push_str(&name);
                    out.push('\n');
                    out.push_str(&" ".repeat(indent));
                } else {
                    out.push_str(&name);
                }
                out.push(':');
                match value {
                    Value::Object(inner) if !inner.is_empty() => {
                        out.push('\n');
                        write_block(out, value, indent + 2);
                    }
                    Value::Array(inner) if !inner.is_empty() => {
                        out.push('\n');
                        write_block(out, value, indent);
                    }
                    _ => {
                        out.push(' ');
                        write_block(out, value, indent);
                    }
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 || !out.ends_with("- ") {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str("- ");
                write_block(out, item, indent + 2);
            }
        }
        Value::String(string) => match lines(string) {
            Some(mark) => {
                out.push_str(mark);
                out.push('\n');
                for line in string.lines() {
                    if !line.is_empty() {
                        out.push_str(&" ".repeat(indent + 2));
                    }
                    out.push_str(line);
                    out.push('\n');
                }
            }
            None => {
                out.push_str(&text(string));
                out.push('\n');
            }
        },
        other => {
            out.push_str(&other.to_string());
            out.push('\n');
        }
    }
}

/// The mark of a text that is written line by line (a certificate); `None` where its spaces or letters would not all
/// be read back.
fn lines(text: &str) -> Option<&'static str> {
    let content = text.strip_suffix('\n').unwrap_or(text);
    let is_plain = |letter: char| letter == '\n' || letter == ' ' || letter.is_ascii_graphic();
    let is_kept = content.contains('\n')
        && !content.starts_with([' ', '\n'])
        && !content.ends_with('\n')
        && content.chars().all(is_plain)
        && !content.lines().any(|line| line.ends_with(' '));
    is_kept.then_some(if content.len() < text.len() { "|" } else { "|-" })
}

/// A text as a scalar: bare where no reader takes it for anything else, in quotes otherwise.
fn text(text: &str) -> String {
    let bare = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
        && scalar(text, ScalarStyle::Plain, None).is_string()
        && !matches!(text, "y" | "Y" | "n" | "N");
    if bare { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes, with escapes for what YAML does not print.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// A value, and what it weighs.
#[derive(Clone)]
struct Node {
    value: Value,
    weight: usize,
    /// Whether it is the plain scalar `<<`.
    merge: bool,
}

/// A list or mapping whose end has not been read.
enum Open {
    List { items: Vec<Value>, anchor: usize, weight: usize },
    Mapping { fields: Map<String, Value>, key: Option<Key>, merged: Vec<Value>, anchor: usize, weight: usize },
}

enum Key {
    Field(String),
    Merge,
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    place: (usize, usize),
    anchors: HashMap<usize, Node>,
    /// What the document may still weigh.
    left: usize,
}

impl<'a> Reader<'a> {
    fn bad(&self, why: impl Into<String>) -> BadYaml {
        BadYaml { place: self.place, why: why.into() }
    }

    fn next(&mut self) -> Result<Option<Event<'a>>, BadYaml> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                if event.is_node() {
                    self.place = place(&span);
                }
                Ok(Some(event))
            }
            Some(Err(error)) => Err(match error.kind() {
                ErrorKind::UnclosedFlowCollection { open } => unclosed(self.text, *open, self.place),
                ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
                    BadYaml { place: last_value(self.text, error.marker().line()), why: words(&error) }
                }
                _ => self.bad(words(&error)),
            }),
        }
    }

    fn document(&mut self) -> Result<Option<Value>, BadYaml> {
        let mut open: Vec<Open> = Vec::new();
        while let Some(event) = self.next()? {
            let node = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let weight = 1 + text.len() / 16;
                    let merge = style == ScalarStyle::Plain && text == "<<" && tag.is_none();
                    let node = Node { value: scalar(&text, style, tag.as_deref()), weight, merge };
                    self.remember(anchor, &node);
                    node
                }
                Event::Alias(anchor) => match self.anchors.get(&anchor) {
                    Some(node) if node.weight <= self.left => node.clone(),
                    Some(_) => return Err(self.bad("the aliases repeat too much")),
                    None => return Err(self.bad("found undefined alias")),
                },
                Event::SequenceStart(_, anchor, _) => {
                    self.push(&mut open, Open::List { items: Vec::new(), anchor, weight: 1 })?;
                    continue;
                }
                Event::MappingStart(_, anchor, _) => {
                    let (fields, merged) = (Map::new(), Vec::new());
                    self.push(&mut open, Open::Mapping { fields, key: None, merged, anchor, weight: 1 })?;
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(ended) => self.close(ended),
                    None => continue,
                },
                Event::DocumentEnd | Event::StreamEnd => return Ok(None),
                _ => continue,
            };
            match open.last_mut() {
                None => return Ok(Some(node.value)),
                Some(around) => {
                    self.left = self.left.saturating_sub(1);
                    around.take(node);
                }
            }
        }
        Ok(None)
    }

    fn push(&self, open: &mut Vec<Open>, new: Open) -> Result<(), BadYaml> {
        if open.len() == LEVELS {
            return Err(self.bad("the document nests too deeply"));
        }
        // A key becomes a text, and the quotes in a text are escaped: with each level it would double.
        let keys = open.iter().filter(|around| matches!(around, Open::Mapping { key: None, .. }));
        if keys.count() > 1 {
            return Err(self.bad("a key nests further keys"));
        }
        open.push(new);
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.left = self.left.saturating_sub(node.weight);
            self.anchors.insert(anchor, node.clone());
        }
    }

    /// The list or mapping that has ended.
    fn close(&mut self, ended: Open) -> Node {
        let (value, anchor, weight) = match ended {
            Open::List { items, anchor, weight } => (Value::Array(items), anchor, weight),
            Open::Mapping { mut fields, merged, anchor, weight, .. } => {
                // What the mapping says itself wins over what it merges; an earlier merge wins over a later one.
                for (name, value) in merged.into_iter().flat_map(mappings).flatten() {
                    fields.entry(name).or_insert(value);
                }
                (Value::Object(fields), anchor, weight)
            }
        };
        let node = Node { value, weight, merge: false };
        self.remember(anchor, &node);
        self.left = self.left.saturating_sub(node.weight / 4);
        node
    }
}

impl Open {
    fn take(&mut self, node: Node) {
        match self {
            Open::List { items, weight, .. } => {
                *weight += node.weight;
                items.push(node.value);
            }
            Open::Mapping { fields, key, merged, weight, .. } => {
                *weight += node.weight;
                match key.take() {
                    None if node.merge => *key = Some(Key::Merge),
                    None => *key = Some(Key::Field(name(node.value))),
                    Some(Key::Merge) => merged.push(node.value),
                    Some(Key::Field(name)) => {
                        fields.insert(name, node.value);
                    }
                }
            }
        }
    }
}

/// The mappings that a merge key brings: one, or a list of them.
fn mappings(value: Value) -> Vec<Map<String, Value>> {
    match value {
        Value::Object(fields) => vec![fields],
        Value::Array(items) => items.into_iter().flat_map(mappings).collect(),
        _ => Vec::new(),
    }
}

/// A key as a text.
fn name(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn place(span: &Span) -> (usize, usize) {
    (span.start.line(), span.start.col() + 1)
}

/// What is wrong with a list or mapping that the end of the text leaves open. The parser tells where it begins;
/// libyaml tells of the last thing in it.
fn unclosed(text: &str, open: char, last: (usize, usize)) -> BadYaml {
    let text = text.trim_end();
    let close = if open == '{' { '}' } else { ']' };
    let (before, inside) = match text.rfind(['[', '{', ',', ':']).and_then(|at| text.split_at_checked(at + 1))
    {
        Some(parts) => parts,
        None => ("", text),
    };
    let inside = inside.trim_start();
    let (start, why) = match inside.is_empty() {
        true if before.ends_with(',') => return BadYaml { place: last, why: NO_CONTENT.to_owned() },
        true => (before.len().saturating_sub(1), NO_CONTENT.to_owned()),
        false => (text.len() - inside.len(), format!("did not find expected ',' or '{close}'")),
    };
    let before = text.get(..start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    BadYaml { place: (before.matches('\n').count() + 1, line.chars().count() + 1), why }
}

/// Where the last value before a line begins: what libyaml had read when it met that line.
fn last_value(text: &str, line: usize) -> (usize, usize) {
    let before = text.lines().zip(1..).take(line.saturating_sub(1));
    let Some((text, line)) = before.filter(|(text, _)| !text.trim().is_empty()).last() else { return (1, 1) };
    let start = [": ", "- "].iter().filter_map(|mark| Some(text.rfind(mark)? + 2)).max();
    let start = start.unwrap_or_else(|| text.len() - text.trim_start().len());
    (line, text.get(..start).unwrap_or_default().chars().count() + 1)
}

const NO_CONTENT: &str = "did not find expected node content";

/// What is wrong, in libyaml's words where there are such.
fn words(error: &ScanError) -> String {
    match error.kind() {
        ErrorKind::ExpectedFlowSequenceSeparator => "did not find expected ',' or ']'".to_owned(),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::UnexpectedCharacter { .. } => "found character that cannot start any token".to_owned(),
        ErrorKind::UnknownAnchor => "found undefined alias".to_owned(),
        kind => {
            let text = kind.to_string();
            match text.split_once(", ") {
                Some((context, why)) if context.starts_with("while ") => why.to_owned(),
                _ => text,
            }
        }
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let explicit = tag.is_some_and(|tag| tag.core_suffix().is_none_or(|suffix| suffix == "str"));
    if style != ScalarStyle::Plain || explicit {
        return Value::from(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::from(text), Value::Number),
    }
}

/// The number that a plain scalar stands for.
fn number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let bare: String = digits.chars().filter(|letter| *letter != '_').collect();
    let signed = |value: i64| Number::from(if negative { -value } else { value });
    let radix =
        |digits: &str, radix| i64::from_str_radix(digits, radix).ok().filter(|value| *value >= 0).map(signed);
    if let Some(digits) = bare.strip_prefix("0b") {
        return radix(digits, 2);
    }
    if let Some(digits) = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) {
        return radix(digits, 16);
    }
    if bare.bytes().all(|byte| byte.is_ascii_digit()) {
        let octal = bare.len() > 1 && bare.starts_with('0') && bare.bytes().all(|byte| byte < b'8');
        return match octal {
            true => radix(&bare, 8),
            false => radix(&bare, 10).or_else(|| float(&bare, negative)),
        };
    }
    if bare.contains(':') {
        return sexagesimal(&bare).and_then(|value| float(&value.to_string(), negative));
    }
    float(&bare, negative)
}

/// `1:30` is 90: digits of base 60, of which only the last may have a fraction.
fn sexagesimal(text: &str) -> Option<f64> {
    let mut value = 0.0;
    for (i, part) in text.split(':').enumerate() {
        let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let part: f64 = plain.then(|| part.parse().ok())??;
        if i > 0 && part >= 60.0 {
            return None;
        }
        value = value * 60.0 + part;
    }
    Some(value)
}

fn float(text: &str, negative: bool) -> Option<Number> {
    /// Up to here every integer has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let written =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    let value: f64 = written.then(|| text.parse().ok())??;
    let value = if negative { -value } else { value };
    match value.fract() == 0.0 && value.abs() <= EXACT {
        true => Some(Number::from(value as i64)),
        false => Number::from_f64(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        parse(text).unwrap().unwrap()
    }

    #[test]
    fn scalars_have_the_types_of_yaml_1_1() {
        for (text, expected) in [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("'yes'", json!("yes")),
            ("!!str 12", json!("12")),
            ("~", json!(null)),
            ("010", json!(8)),
            ("08", json!(8)),
            ("0b11", json!(3)),
            ("0x1F", json!(31)),
            ("-1_000", json!(-1000)),
            ("1:30", json!(90)),
            ("1e3", json!(1000)),
            ("3.0", json!(3)),
            ("1.5", json!(1.5)),
            ("2020-01-01", json!("2020-01-01")),
            ("1.2.3.4", json!("1.2.3.4")),
            ("12ab", json!("12ab")),
            ("99999999999999999999", json!(1e20)),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        assert_eq!(parse("# nothing\n"), Ok(None));
    }

    #[test]
    fn anchors_and_merge_keys() {
        let text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  y: 9\n  <<: [*a, *b]\nd: *a\n";
        assert_eq!(value(text)["c"], json!({"y": 9, "x": 1, "z": 4}));
        assert_eq!(value(text)["d"], json!({"x": 1, "y": 2}));
        assert_eq!(value("a: 1\na: 2\n---\na: 3\n"), json!({"a": 2}));
        assert_eq!(value("\u{feff}a: 1"), json!({"a": 1}));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let written = json!({
            "_format_version": "3.0",
            "services": [{"name": "no", "tags": [], "hosts": ["a", "b: c"], "config": {"x": {"y": [[1, {"z": null}]]}}}],
            "cert": "-----BEGIN\nx\ty\u{7f}é\"\n",
            "empty": {},
            "lines": ["a\n  b\n\nc: #\n", "a\nb", "a\n\n", " a\nb", "a \nb", "\na\nb\n", "- x\n- y\n"],
            "deep": {"lines": "---\nx\n...\n"},
        });
        assert!(write(&written).contains("\ndeep:\n  lines: |\n    ---\n    x\n    ...\n"));
        assert_eq!(value(&write(&written)), written, "{}", write(&written));
        let long = "a b".repeat(1000);
        for inner in [
            json!("x"),
            json!([1, [2]]),
            json!({"a": {"b": [{long.as_str(): 3}]}}),
            json!([{long.as_str(): []}]),
        ] {
            let written = json!({"list": [{long.as_str(): inner, "x": 1}], "y": {long.as_str(): inner}});
            assert_eq!(value(&write(&written)), written, "{}", write(&written));
        }
    }

    #[test]
    fn small_texts_do_not_become_large_values() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let list = vec![format!("*a{}", i - 1); 10].join(", ");
            text.push_str(&format!("a{i}: &a{i} [{list}]\n"));
        }
        assert_eq!(parse(&text).unwrap_err().why, "the aliases repeat too much");
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"- ".repeat(100_000)).is_err());
        assert_eq!(value("? [a, {b: 1}]\n: 2"), json!({"[\"a\",{\"b\":1}]": 2}));
        assert_eq!(parse(&"? ".repeat(100)).unwrap_err().why, "a key nests further keys");
    }

    #[test]
    fn what_is_broken_is_told_with_its_place() {
        for (text, expected) in [
            ("_format_version: \"3.0\"\nservices: [", "2:11: did not find expected node content"),
            ("not: [closed", "1:7: did not find expected ',' or ']'"),
            ("a: [b", "1:5: did not find expected ',' or ']'"),
            (
                "_format_version: \"3.0\"\n\tservices: []\n",
                "1:18: found character that cannot start any token",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
