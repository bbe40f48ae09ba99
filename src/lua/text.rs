//! The functions of Lua's `string` that search with patterns, and `string.rep`.
//!
//! Lua's own search backtracks, and there are patterns on which it would not end in the life of the machine; no hook
//! sees it, since it is one instruction. Here a pattern is a regular expression that takes linear time, and what it
//! takes is charged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use entities::schema::pattern;
use mlua::{Lua, LuaString, MultiValue, Result, Table, Value};
use regex::bytes::{Captures, Regex};

use super::budget::Budget;

/// How many patterns are kept compiled.
const KEPT: usize = 256;
/// The longest pattern in bytes.
const LONGEST: usize = 4096;

/// A pattern, compiled.
struct Compiled {
    regex: Regex,
    /// Which captures are positions: `()`.
    positions: Vec<bool>,
}

/// The patterns of a machine.
#[derive(Clone)]
struct Patterns {
    budget: Arc<Budget>,
    kept: Arc<Mutex<HashMap<Vec<u8>, Arc<Compiled>>>>,
}

impl Patterns {
    fn compile(&self, pattern: &[u8]) -> Result<Arc<Compiled>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(pattern) {
            return Ok(Arc::clone(known));
        }
        if pattern.len() > LONGEST {
            return Err(mlua::Error::runtime("pattern too complex"));
        }
        self.budget.charge(1000 + pattern.len() * 50)?;
        let malformed = |why| mlua::Error::runtime(format!("malformed pattern ({why})"));
        let regex = pattern::compile_bytes(pattern).map_err(malformed)?;
        let compiled = Arc::new(Compiled { regex, positions: positions(pattern) });
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_vec(), Arc::clone(&compiled));
        Ok(compiled)
    }

    /// Searches what begins at `from`; places count from there.
    fn search<'t>(&self, compiled: &Compiled, text: &'t [u8], from: usize) -> Result<Option<Captures<'t>>> {
        let rest = text.get(from..).unwrap_or_default();
        self.budget.charge(10 + rest.len() / 8)?;
        Ok(compiled.regex.captures(rest))
    }
}

/// Which of the captures of a pattern hold nothing and so are places in the text.
fn positions(pattern: &[u8]) -> Vec<bool> {
    let mut positions = Vec::new();
    let mut at = 0;
    let mut in_set = false;
    while let Some(&byte) = pattern.get(at) {
        match byte {
            b'%' => at += 1,
            b'[' if !in_set => {
                in_set = true;
                // The first character of a set never closes it.
                at += usize::from(pattern.get(at + 1) == Some(&b'^'));
                at += usize::from(pattern.get(at + 1) == Some(&b']'));
            }
            b']' => in_set = false,
            b'(' if !in_set => positions.push(pattern.get(at + 1) == Some(&b')')),
            _ => {}
        }
        at += 1;
    }
    positions
}

/// The captures as a script gets them; the whole match where there are none and `whole` is set. `from` is where the
/// searched part of the text begins.
fn values(lua: &Lua, compiled: &Compiled, found: &Captures, from: usize, whole: bool) -> Result<Vec<Value>> {
    let count = found.len();
    let first = if count > 1 || !whole { 1 } else { 0 };
    let mut values = Vec::with_capacity(count);
    for i in first..count {
        let position = i > 0 && compiled.positions.get(i - 1).copied().unwrap_or(false);
        values.push(match found.get(i) {
            Some(place) if position => Value::Integer((from + place.start() + 1) as i64),
            Some(part) => Value::String(lua.create_string(part.as_bytes())?),
            None => Value::String(lua.create_string("")?),
        });
    }
    Ok(values)
}

/// Where a search begins, given Lua's `init`.
fn begin(length: usize, init: Option<i64>) -> Option<usize> {
    let from = match init.unwrap_or(1) {
        init if init > 0 => usize::try_from(init - 1).unwrap_or(usize::MAX),
        0 => 0,
        init => length.saturating_sub(usize::try_from(init.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    (from <= length).then_some(from)
}

/// The pattern of a text in which nothing is special.
fn plain(text: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| match byte.is_ascii_punctuation() {
        true => vec![b'%', *byte],
        false => vec![*byte],
    };
    text.iter().flat_map(escape).collect()
}

/// Puts `find`, `match`, `gmatch`, `gsub` and `rep` into the table of natives.
pub fn install(lua: &Lua, natives: &Table, budget: &Arc<Budget>, memory: usize) -> Result<()> {
    let patterns = Patterns { budget: Arc::clone(budget), kept: Arc::default() };
    let own = patterns.clone();
    let find =
        move |lua: &Lua,
              (text, pattern, init, is_plain): (LuaString, LuaString, Option<i64>, Option<bool>)| {
            let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
            let nothing = || Ok(MultiValue::from_iter([Value::Nil]));
            let Some(from) = begin(text.len(), init) else { return nothing() };
            let place =
                |start: usize, end: usize| [Value::Integer((start + 1) as i64), Value::Integer(end as i64)];
            let compiled = match is_plain {
                Some(true) => own.compile(&plain(&pattern))?,
                _ => own.compile(&pattern)?,
            };
            let Some(found) = own.search(&compiled, &text, from)? else { return nothing() };
            let Some(whole) = found.get(0) else { return nothing() };
            let captures = values(lua, &compiled, &found, from, false)?;
            Ok(place(from + whole.start(), from + whole.end()).into_iter().chain(captures).collect())
        };
    natives.set("find", lua.create_function(find)?)?;

    let own = patterns.clone();
    let matches = move |lua: &Lua, (text, pattern, init): (LuaString, LuaString, Option<i64>)| {
        let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
        let nothing = || Ok(MultiValue::from_iter([Value::Nil]));
        let Some(from) = begin(text.len(), init) else { return nothing() };
        let compiled = own.compile(&pattern)?;
        match own.search(&compiled, &text, from)? {
            Some(found) => values(lua, &compiled, &found, from, true).map(MultiValue::from_iter),
            None => nothing(),
        }
    };
    natives.set("match", lua.create_function(matches)?)?;

    let own = patterns.clone();
    let gmatch = move |lua: &Lua, (text, pattern): (LuaString, LuaString)| {
        let compiled = own.compile(&pattern.as_bytes())?;
        let own = own.clone();
        let mut from = Some(0);
        lua.create_function_mut(move |lua, ()| {
            let text = text.as_bytes();
            let nothing = || Ok(MultiValue::from_iter([Value::Nil]));
            let Some(start) = from.filter(|start| *start <= text.len()) else { return nothing() };
            let Some(found) = own.search(&compiled, &text, start)? else {
                from = None;
                return nothing();
            };
            let (at, end) = found.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()));
            // An empty match would be found again and again.
            from = Some(start + end + usize::from(at == end));
            values(lua, &compiled, &found, start, true).map(MultiValue::from_iter)
        })
    };
    natives.set("gmatch", lua.create_function(gmatch)?)?;

    let own = patterns;
    let gsub = move |lua: &Lua, (text, pattern, with, most): (LuaString, LuaString, Value, Option<i64>)| {
        substitute(lua, &own, &text.as_bytes(), &pattern.as_bytes(), &with, most, memory)
    };
    natives.set("gsub", lua.create_function(gsub)?)?;

    let own = Arc::clone(budget);
    let rep = move |lua: &Lua, (text, count, between): (LuaString, i64, Option<LuaString>)| {
        let between = between.map(|between| between.as_bytes().to_vec()).unwrap_or_default();
        let count = usize::try_from(count).unwrap_or(0);
        let text = text.as_bytes();
        let size = (text.len() + between.len()).checked_mul(count).filter(|size| *size <= memory);
        let Some(size) = size else { return Err(mlua::Error::runtime("resulting string too large")) };
        own.charge(1 + size / 8)?;
        // Nothing repeated is nothing, however often.
        let count = if size == 0 { 0 } else { count };
        let out = match between.is_empty() {
            true => text.repeat(count),
            false => vec![&*text; count].join(&*between),
        };
        lua.create_string(out)
    };
    natives.set("rep", lua.create_function(rep)?)
}

fn substitute(
    lua: &Lua,
    patterns: &Patterns,
    text: &[u8],
    pattern: &[u8],
    with: &Value,
    most: Option<i64>,
    memory: usize,
) -> Result<(LuaString, i64)> {
    let compiled = patterns.compile(pattern)?;
    let most = most.unwrap_or(i64::MAX);
    let anchored = pattern.first() == Some(&b'^');
    let (mut out, mut from, mut count) = (Vec::with_capacity(text.len()), 0, 0);
    while count < most && from <= text.len() {
        let Some(found) = patterns.search(&compiled, text, from)? else { break };
        let Some(whole) = found.get(0) else { break };
        out.extend_from_slice(text.get(from..from + whole.start()).unwrap_or_default());
        let depth = patterns.budget.enter()?;
        let replaced = replace(lua, &compiled, &found, from, with, &mut out);
        patterns.budget.leave(depth);
        replaced?;
        count += 1;
        let end = from + whole.end();
        from = end;
        if whole.is_empty() {
            out.extend(text.get(end));
            from = end + 1;
        }
        if out.len() > memory {
            return Err(mlua::Error::runtime("resulting string too large"));
        }
        patterns.budget.charge(1 + whole.len() / 8)?;
        if anchored {
            break;
        }
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    Ok((lua.create_string(out)?, count))
}

/// Writes what takes the place of a match: a text with `%1`, a table's value, or what a function gives.
fn replace(
    lua: &Lua,
    compiled: &Compiled,
    found: &Captures,
    from: usize,
    with: &Value,
    out: &mut Vec<u8>,
) -> Result<()> {
    let whole = found.get(0).map(|whole| whole.as_bytes()).unwrap_or_default();
    let captures = values(lua, compiled, found, from, true)?;
    let value = match with {
        Value::String(template) => {
            let template = template.as_bytes();
            let mut bytes = template.iter().copied();
            while let Some(byte) = bytes.next() {
                match (byte, (byte == b'%').then(|| bytes.next()).flatten()) {
                    (b'%', Some(b'0')) => out.extend_from_slice(whole),
                    (b'%', Some(digit @ b'1'..=b'9')) => match captures.get(usize::from(digit - b'1')) {
                        Some(capture) => out.extend_from_slice(capture.to_string()?.as_bytes()),
                        None => return Err(mlua::Error::runtime("invalid capture index")),
                    },
                    (b'%', Some(other)) => out.push(other),
                    (other, _) => out.push(other),
                }
            }
            return Ok(());
        }
        Value::Integer(_) | Value::Number(_) => {
            out.extend_from_slice(with.to_string()?.as_bytes());
            return Ok(());
        }
        Value::Table(table) => table.get(captures.into_iter().next().unwrap_or(Value::Nil))?,
        Value::Function(function) => function.call(MultiValue::from_iter(captures))?,
        _ => {
            return Err(mlua::Error::runtime("bad argument #3 to 'gsub' (string/function/table expected)"));
        }
    };
    match value {
        Value::Nil | Value::Boolean(false) => out.extend_from_slice(whole),
        Value::String(text) => out.extend_from_slice(&text.as_bytes()),
        Value::Integer(_) | Value::Number(_) => out.extend_from_slice(value.to_string()?.as_bytes()),
        other => {
            let kind = other.type_name();
            return Err(mlua::Error::runtime(format!("invalid replacement value (a {kind})")));
        }
    }
    Ok(())
}
