//! Names and values of a form or a query string -> a tree: `a[b][1].c=x` is `{"a": {"b": [{"c": "x"}]}}`.
//!
//! The tree is built as Kong builds it from Lua tables, with what clients can see of them: `a[1]=x&a[3]=z` has a
//! hole and is no array, `a.1=x` has a text as its key and is none either, and two arguments that meet in one place
//! become a list there. Values stay texts (or true, for a name without `=`); types are `input`'s business.

use std::fmt;
use std::mem;

use entities::schema::Row;
use entities::schema::bytes::marked;
use indexmap::IndexMap;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use crate::numbers::lua_number;

/// How many arguments a form or a query string may have.
pub const MOST: usize = 1000;

/// How many levels a name may spell. A longer name is not taken apart; no declaration nests as deep.
const LEVELS: usize = 100;

/// A form or a query string has more than [`MOST`] arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl fmt::Display for TooMany {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("Too many arguments")
    }
}

impl std::error::Error for TooMany {}

/// What a word in brackets means (`a[word]=x`). A number, or nothing, in brackets is a place in a list either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brackets {
    /// A key of an object: in requests that write (POST, PUT, PATCH).
    Key,
    /// A part of the name: in all others.
    Name,
}

/// A key of a Lua table: a position in a list, or a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Position(i64),
    Name(String),
}

impl Key {
    fn into_text(self) -> String {
        match self {
            Key::Position(position) => position.to_string(),
            Key::Name(name) => name,
        }
    }
}

/// A Lua table, in the order of insertion.
type Table = IndexMap<Key, Node>;

/// The value of an argument, or a table of them.
#[derive(Clone, Debug)]
enum Node {
    Leaf(Value),
    Table(Table),
}

impl Node {
    /// The table; a single value is a list of one.
    fn into_table(self) -> Table {
        match self {
            Node::Leaf(_) => Table::from([(Key::Position(1), self)]),
            Node::Table(table) => table,
        }
    }
}

impl Default for Node {
    fn default() -> Node {
        Node::Table(Table::new())
    }
}

/// The tree of `a=1&b.c=2`: `+` is a space, `%XX` a byte; a `%` before anything else stays. A name without `=` has
/// the value true, an argument without a name does not count, a repeated name has the list of its values.
pub fn decode(raw: &[u8], brackets: Brackets) -> Result<Row, TooMany> {
    if raw.iter().filter(|byte| **byte == b'&').count() >= MOST {
        return Err(TooMany);
    }
    let mut named: IndexMap<String, Node> = IndexMap::new();
    for argument in raw.split(|byte| *byte == b'&') {
        let mut halves = argument.splitn(2, |byte| *byte == b'=');
        let name = unescaped(halves.next().unwrap_or_default());
        if name.is_empty() {
            continue;
        }
        let value = halves.next().map_or(Value::Bool(true), |value| Value::String(unescaped(value)));
        let value = Node::Leaf(value);
        match named.get_mut(&name) {
            Some(met) => meet(met, value),
            None => {
                named.insert(name, value);
            }
        }
    }
    Ok(combined(named.into_iter().map(|(name, value)| tree(name, value, brackets))))
}

/// The tree of texts whose names differ, as a multipart body gives them.
pub fn nest(named: impl IntoIterator<Item = (String, String)>) -> Row {
    combined(named.into_iter().map(|(name, text)| tree(name, Node::Leaf(Value::String(text)), Brackets::Key)))
}

/// A name or a value without its escapes.
fn unescaped(raw: &[u8]) -> String {
    let spaced: Vec<u8> = raw.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    marked(percent_decode(&spaced).collect())
}

/// All arguments in one tree.
fn combined(trees: impl Iterator<Item = Node>) -> Row {
    let mut all = Table::new();
    for tree in trees {
        merge(&mut all, tree);
    }
    all.into_iter().map(|(key, node)| (key.into_text(), value(node))).collect()
}

/// Puts an argument into the table: a value behind the list's last one, a table's entries under their keys.
fn merge(table: &mut Table, argument: Node) {
    match argument {
        Node::Leaf(_) => {
            table.insert(Key::Position(next_position(table)), argument);
        }
        Node::Table(entries) => {
            for (key, node) in entries {
                match table.get_mut(&key) {
                    Some(met) => meet(met, node),
                    None => {
                        table.insert(key, node);
                    }
                }
            }
        }
    }
}

/// Two arguments meet in one place: there is a list, or a table, from then on.
fn meet(met: &mut Node, argument: Node) {
    let mut table = mem::take(met).into_table();
    merge(&mut table, argument);
    *met = Node::Table(table);
}

/// The position behind the last one of a list.
fn next_position(table: &Table) -> i64 {
    let length = i64::try_from(table.len()).unwrap_or(i64::MAX - 1);
    if length > 0
        && table.contains_key(&Key::Position(length))
        && !table.contains_key(&Key::Position(length + 1))
    {
        return length + 1;
    }
    (1..=length).find(|position| !table.contains_key(&Key::Position(*position))).unwrap_or(length + 1)
}

/// A node as JSON. Only positions from 1 on without a hole make an array.
fn value(node: Node) -> Value {
    let mut table = match node {
        Node::Leaf(value) => return value,
        Node::Table(table) => table,
    };
    if (1..).zip(0..table.len()).all(|(position, _)| table.contains_key(&Key::Position(position))) {
        table.sort_unstable_by(|one, _, other, _| one.cmp(other));
        return Value::Array(table.into_values().map(value).collect());
    }
    Value::Object(table.into_iter().map(|(key, node)| (key.into_text(), value(node))).collect::<Map<_, _>>())
}

/// One argument, taken apart by its name.
fn tree(name: String, value: Node, brackets: Brackets) -> Node {
    // Kong puts a name that starts or ends with a dot under the word `name`.
    if name.starts_with('.') || name.ends_with('.') || name.ends_with(".\n") {
        return Node::Table(Table::from([(Key::Name("name".to_owned()), value)]));
    }
    let unescaped = with_brackets(&name);
    let mut levels = Vec::new();
    for part in parts(&unescaped) {
        match places(part, brackets) {
            Some(places) => levels.extend(places),
            None => levels.push(Place::Key(Key::Name(part.to_owned()))),
        }
        if levels.len() > LEVELS {
            return Node::Table(Table::from([(Key::Name(name), value)]));
        }
    }
    levels.into_iter().rev().fold(value, |inner, place| match (place, inner) {
        (Place::Key(key), inner) => Node::Table(Table::from([(key, inner)])),
        (Place::Next { last: true }, Node::Table(inner)) => Node::Table(inner),
        (Place::Next { .. }, inner) => Node::Table(Table::from([(Key::Position(1), inner)])),
    })
}

/// A level that a name spells.
enum Place {
    Key(Key),
    /// Empty brackets. At the end of a part (`a[]=x&a[]=y`, `a[].b=x`), a table stands in their place as it is.
    Next {
        last: bool,
    },
}

/// The name with `%5B…%5D`, which a name that was escaped twice still holds, as brackets.
fn with_brackets(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, behind)) = split_at_escape(rest, "%5B", false) {
        out.push_str(before);
        // Both brackets stand on one line; where one is not closed, none that follows on the line is.
        let Some((inner, behind)) = split_at_escape(behind, "%5D", true) else {
            let unclosed = rest.get(before.len()..).unwrap_or_default();
            let line = unclosed.find('\n').unwrap_or(unclosed.len());
            out.push_str(unclosed.get(..line).unwrap_or_default());
            rest = unclosed.get(line..).unwrap_or_default();
            continue;
        };
        out.push('[');
        out.push_str(inner);
        out.push(']');
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// What stands before and behind an escape, in capital or small letters; within one line, if so wanted.
fn split_at_escape<'a>(text: &'a str, escape: &str, one_line: bool) -> Option<(&'a str, &'a str)> {
    let is_escape = |window: &[u8]| window.eq_ignore_ascii_case(escape.as_bytes());
    let windows = text.as_bytes().windows(escape.len());
    let at = windows.take_while(|window| !one_line || window.first() != Some(&b'\n')).position(is_escape)?;
    Some((text.get(..at)?, text.get(at + escape.len()..)?))
}

/// The parts of a name between its dots; a dot within brackets does not count: `a[b.c].d` is `a[b.c]` and `d`.
fn parts(name: &str) -> Vec<&str> {
    let bytes = name.as_bytes();
    let last = name.rfind(']');
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'.' {
            parts.extend(name.get(start..at).filter(|part| !part.is_empty()));
            at += 1;
            start = at;
            continue;
        }
        // Brackets count behind the first character of a part.
        at += 1;
        while let Some(end) = closing(name, at, last) {
            at = end + 1;
        }
    }
    parts.extend(name.get(start..).filter(|part| !part.is_empty()));
    parts
}

/// Where the bracket that opens at this byte closes, if one opens and closes. `last` is the last closing bracket of
/// the text, so that a bracket without an end is not looked for.
fn closing(text: &str, at: usize, last: Option<usize>) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.get(at) != Some(&b'[') || last.is_none_or(|last| last < at) {
        return None;
    }
    bytes.iter().skip(at).position(|byte| *byte == b']').map(|offset| at + offset)
}

/// The levels that a part such as `a[b][1]` spells; none if it is nothing but a name.
fn places(part: &str, brackets: Brackets) -> Option<Vec<Place>> {
    let bytes = part.as_bytes();
    let opening = bytes.iter().skip(1).position(|byte| matches!(byte, b'[' | b'.'))? + 1;
    let last_closing = part.rfind(']');
    let mut texts = vec![part.get(..opening)?];
    let mut at = opening;
    while let Some(byte) = bytes.get(at) {
        if let Some(end) = closing(part, at, last_closing) {
            let text = part.get(at + 1..end)?;
            if brackets == Brackets::Name && !text.is_empty() && lua_number(text).is_none() {
                return None;
            }
            texts.push(text);
            at = end + 1;
        } else if *byte == b'.' {
            let end = bytes.iter().skip(at + 1).position(|byte| matches!(byte, b'[' | b'.'));
            let end = end.map_or(bytes.len(), |offset| at + 1 + offset);
            texts.extend(part.get(at + 1..end).filter(|text| !text.is_empty()));
            at = end.max(at + 1);
        } else {
            at += 1;
        }
    }
    if texts.len() < 2 {
        return None;
    }
    let last = texts.len() - 1;
    texts.into_iter().enumerate().map(|(index, text)| place(text, index == last)).collect()
}

/// The place of one text; none for a number that is no position.
fn place(text: &str, last: bool) -> Option<Place> {
    if text.is_empty() {
        return Some(Place::Next { last });
    }
    Some(Place::Key(match lua_number(text) {
        Some(number) => Key::Position(number.as_i64()?),
        None => Key::Name(text.to_owned()),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Brackets, LEVELS, MOST, TooMany, decode, nest};

    fn check(raw: &str, expect: Value) {
        let found = decode(raw.as_bytes(), Brackets::Key).map(Value::Object);
        assert_eq!(found, Ok(expect), "{raw}");
    }

    #[test]
    fn names_and_values() {
        check("", json!({}));
        check("&&host=h.test&", json!({"host": "h.test"}));
        check("a=1&b=2", json!({"a": "1", "b": "2"}));
        check("username", json!({"username": true}));
        check("username=", json!({"username": ""}));
        check("=x&=&a=1", json!({"a": "1"}));
        check("a=1=2==", json!({"a": "1=2=="}));
        check("a=b?c/d;e", json!({"a": "b?c/d;e"}));
        check("{\"username\":\"two\"}", json!({"{\"username\":\"two\"}": true}));
    }

    #[test]
    fn escapes() {
        check("username=a+b%20c%2Bd&custom_id=%E6%97%A5", json!({"username": "a b c+d", "custom_id": "日"}));
        check("username=100%25", json!({"username": "100%"}));
        check("a=100%&b=%zz&c=%4&d=%", json!({"a": "100%", "b": "%zz", "c": "%4", "d": "%"}));
        check("a+b=1&c%3Dd=2&e%26f=3", json!({"a b": "1", "c=d": "2", "e&f": "3"}));
        check("a=ab%C3&b=%FF", json!({"a": "ab\u{10FFFF}\u{C3}", "b": "\u{10FFFF}\u{FF}"}));
        check("日本=語", json!({"日本": "語"}));
    }

    #[test]
    fn repeated_names() {
        check("a=1&a=2", json!({"a": ["1", "2"]}));
        check("a&a=&a=x", json!({"a": [true, "", "x"]}));
        check("hosts=a&x=1&hosts=b&hosts=c", json!({"hosts": ["a", "b", "c"], "x": "1"}));
    }

    #[test]
    fn dots_make_objects() {
        check("service.id=1", json!({"service": {"id": "1"}}));
        check(
            "config.redis.port=7000&config.hour=1",
            json!({"config": {"redis": {"port": "7000"}, "hour": "1"}}),
        );
        check("headers.x-one[]=1&headers.x-one[]=2", json!({"headers": {"x-one": ["1", "2"]}}));
        check("headers.X-A=1&headers.X-A=2", json!({"headers": {"X-A": ["1", "2"]}}));
        check("a..b=1", json!({"a": {"b": "1"}}));
        check("paths.1=/a", json!({"paths": {"1": "/a"}}));
    }

    #[test]
    fn a_dot_at_an_end_makes_the_word_name() {
        check(".x=1", json!({"name": "1"}));
        check("x.=1", json!({"name": "1"}));
        check(".=1", json!({"name": "1"}));
        check("x.%0A=1", json!({"name": "1"}));
        check("name=a&.x=b", json!({"name": ["a", "b"]}));
    }

    #[test]
    fn brackets_make_lists() {
        check("paths[]=/a", json!({"paths": ["/a"]}));
        check("paths[]=/a&paths[]=/b", json!({"paths": ["/a", "/b"]}));
        check("paths[1]=/a&paths[2]=/b", json!({"paths": ["/a", "/b"]}));
        check("paths[2]=/b&paths[1]=/a", json!({"paths": ["/a", "/b"]}));
        check("paths[0x1]=/a", json!({"paths": ["/a"]}));
        check("paths%5B%5D=/a", json!({"paths": ["/a"]}));
        check(
            "sources[1].ip=10.0.0.1&sources[1].port=80",
            json!({"sources": [{"ip": "10.0.0.1", "port": "80"}]}),
        );
        check("sources[1].port=80&sources[2].port=81", json!({"sources": [{"port": "80"}, {"port": "81"}]}));
        check("a[][]=1", json!({"a": [["1"]]}));
        check("a[1][2]=x&a[1][1]=y", json!({"a": [["y", "x"]]}));
        check("a[1]=x&a[1]=y", json!({"a": [["x", "y"]]}));
    }

    #[test]
    fn lists_with_a_hole_are_objects() {
        check("paths[1]=/a&paths[3]=/c", json!({"paths": {"1": "/a", "3": "/c"}}));
        check("paths[0]=/a", json!({"paths": {"0": "/a"}}));
        check("paths[-1]=/a", json!({"paths": {"-1": "/a"}}));
        check("a[999999999]=x", json!({"a": {"999999999": "x"}}));
    }

    #[test]
    fn empty_brackets_before_a_dot_are_no_list() {
        check("destinations[].ip=10.0.0.1", json!({"destinations": {"ip": "10.0.0.1"}}));
    }

    #[test]
    fn brackets_with_a_word_make_objects_in_requests_that_write() {
        check("headers[x-one][]=v", json!({"headers": {"x-one": ["v"]}}));
        check("headers[X-A]=1", json!({"headers": {"X-A": "1"}}));
        check("headers[a.b]=1&headers[日]=2", json!({"headers": {"a.b": "1", "日": "2"}}));
        check("a[b].c[d][1]=x", json!({"a": {"b": {"c": {"d": ["x"]}}}}));
        check("5[a]=x", json!({"5": {"a": "x"}}));
        check("h%255Bx%255D=1", json!({"h": {"x": "1"}}));

        let reads = |raw: &str| decode(raw.as_bytes(), Brackets::Name).map(Value::Object);
        assert_eq!(reads("a[b]=1&c[]=2&d[1]=3"), Ok(json!({"a[b]": "1", "c": ["2"], "d": ["3"]})));
        assert_eq!(reads("x.a[b].c=1"), Ok(json!({"x": {"a[b]": {"c": "1"}}})));
    }

    #[test]
    fn brackets_that_are_no_brackets() {
        check("a[b=1", json!({"a[b": "1"}));
        check("a]b=1", json!({"a]b": "1"}));
        check("[1]=x", json!({"[1]": "x"}));
        check("[=x", json!({"[": "x"}));
        check("[a]b[c]=x", json!({"[a]b": {"c": "x"}}));
        check("a[1.5]=x", json!({"a[1.5]": "x"}));
        check("a[nan]=x", json!({"a[nan]": "x"}));
        check("a%255Bb=x", json!({"a%5Bb": "x"}));
        check("a%255B%0A%255D=x", json!({"a%5B\n%5D": "x"}));
    }

    #[test]
    fn arguments_that_meet_become_a_list() {
        check("tags=a&tags=b&tags[]=c", json!({"tags": [["a", "c"], "b"]}));
        check("tags[]=a&tags=b", json!({"tags": ["a", "b"]}));
        check("tags=a&tags[1]=b", json!({"tags": [["a", "b"]]}));
        check("a=1&a.b=2", json!({"a": {"1": "1", "b": "2"}}));
        check("a.b=1&a[b]=2", json!({"a": {"b": ["1", "2"]}}));
        check("a[1]=x&a[01]=y&a[2]=z", json!({"a": [["x", "y"], "z"]}));
    }

    #[test]
    fn the_number_of_arguments_is_limited() {
        let raw = |count: usize| (0..count).map(|i| format!("a{i}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(decode(raw(MOST).as_bytes(), Brackets::Key).map(|row| row.len()), Ok(MOST));
        assert_eq!(decode(raw(MOST + 1).as_bytes(), Brackets::Key), Err(TooMany));
        assert_eq!(decode("&".repeat(MOST).as_bytes(), Brackets::Key), Err(TooMany));
        assert_eq!(decode("&".repeat(MOST - 1).as_bytes(), Brackets::Key).map(|row| row.len()), Ok(0));
    }

    #[test]
    fn long_names_cost_little() {
        let name = vec!["a"; LEVELS + 1].join(".");
        check(&name, json!({ name.clone(): true }));
        for piece in ["a.", "[", "[]", "a[b]", "%255B", "%255B%255D", "%255B%0A", "]["] {
            let raw = piece.repeat(200_000);
            assert!(decode(raw.as_bytes(), Brackets::Key).is_ok(), "{piece}");
        }
        check(&("a=1&".repeat(MOST - 1) + "a=1"), json!({"a": vec!["1"; MOST]}));
    }

    #[test]
    fn texts_with_names() {
        let named =
            [("paths[1]", "/a"), ("paths[2]", "/b"), ("headers.x-a[1]", "v"), ("strip_path", "false")];
        let named = named.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let expect = json!({"paths": ["/a", "/b"], "headers": {"x-a": ["v"]}, "strip_path": "false"});
        assert_eq!(Value::Object(nest(named)), expect);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&raw, Brackets::Key);
            let _ = decode(&raw, Brackets::Name);
        }

        #[test]
        fn no_name_panics(raw in "([ab1é.=&+%\\[\\]]|%5B|%5d|%255B|%255d|%0A|\\[\\]|\\[1\\]){0,24}") {
            let _ = decode(raw.as_bytes(), Brackets::Key);
            let _ = decode(raw.as_bytes(), Brackets::Name);
        }

        #[test]
        fn plain_arguments_come_back(values in prop::collection::hash_map("[a-z_]{1,8}", any::<String>(), 0..8)) {
            let raw = form_urlencoded::Serializer::new(String::new()).extend_pairs(&values).finish();
            let expect = values.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
            prop_assert_eq!(decode(raw.as_bytes(), Brackets::Key).map(Value::Object), Ok(Value::Object(expect)));
        }
    }
}
