//! `ngx.re`: searches with regular expressions of the kind of PCRE. A search that backtracks too often finds nothing,
//! and says why.

use std::sync::Arc;

use fancy_regex::{Captures, Regex, RegexBuilder};
use mlua::{Lua, LuaString, MultiValue, Result, Table, Value};

use super::budget::Budget;
use super::convert;

/// How often a search may backtrack.
const BACKTRACKS: usize = 100_000;
/// How much memory an expression may take, compiled.
const SIZE: usize = 1 << 20;

/// The expression under nginx' options: of those only letter case, lines, dots, comments and the anchor matter here.
fn compile(expression: &str, options: &str, budget: &Budget) -> std::result::Result<Regex, String> {
    budget.charge(1000 + expression.len() * 50).map_err(|error| error.to_string())?;
    let flags: String = options.chars().filter(|option| matches!(option, 'i' | 's' | 'm' | 'x')).collect();
    let anchor = if options.contains('a') { r"\A" } else { "" };
    let whole = match flags.is_empty() {
        true => format!("{anchor}(?:{expression})"),
        false => format!("{anchor}(?{flags}:{expression})"),
    };
    let mut builder = RegexBuilder::new(&whole);
    builder.backtrack_limit(BACKTRACKS).delegate_size_limit(SIZE);
    builder.build().map_err(|error| error.to_string())
}

/// What a search looks at.
struct Search {
    regex: Regex,
    text: String,
    from: usize,
}

impl Search {
    fn new(
        (text, expression, options, context): (LuaString, LuaString, Option<LuaString>, Option<Table>),
        budget: &Budget,
    ) -> Result<std::result::Result<Search, String>> {
        let (text, expression) = (convert::text(&text), convert::text(&expression));
        budget.charge(1 + text.len())?;
        let options = options.map(|options| convert::text(&options)).unwrap_or_default();
        let from = match context {
            Some(context) => context.get::<Option<usize>>("pos")?.unwrap_or(1).saturating_sub(1),
            None => 0,
        };
        Ok(compile(&expression, &options, budget).map(|regex| Search { regex, text, from }))
    }

    fn next(&self, from: usize) -> std::result::Result<Option<Found<'_>>, String> {
        if !self.text.is_char_boundary(from) {
            return Ok(None);
        }
        self.regex.captures_from_pos(self.text.as_str(), from).map_err(|error| error.to_string())
    }

    /// The captures as a table: by number, 0 being the whole, and by name.
    fn table(&self, lua: &Lua, found: &Found) -> Result<Table> {
        let table = lua.create_table()?;
        for i in 0..found.len() {
            match found.get(i) {
                Some(part) => table.raw_set(i, part.as_str())?,
                None => table.raw_set(i, false)?,
            }
        }
        for name in self.regex.capture_names().flatten() {
            table.raw_set(name, found.name(name).map(|part| part.as_str()))?;
        }
        Ok(table)
    }
}

/// What a search found.
type Found<'t> = Captures<'t, str>;

type Arguments = (LuaString, LuaString, Option<LuaString>, Option<Table>);

fn failed(lua: &Lua, nils: usize, why: &str) -> Result<MultiValue> {
    let mut values = vec![Value::Nil; nils];
    values.push(Value::String(lua.create_string(why)?));
    Ok(MultiValue::from_iter(values))
}

/// Puts `re_find`, `re_match`, `re_gmatch`, `re_sub` and `re_gsub` into the table of natives.
pub fn install(lua: &Lua, natives: &Table, budget: &Arc<Budget>) -> Result<()> {
    let own = Arc::clone(budget);
    let find = move |lua: &Lua, arguments: Arguments| {
        let search = match Search::new(arguments, &own)? {
            Ok(search) => search,
            Err(why) => return failed(lua, 2, &why),
        };
        match search.next(search.from) {
            Err(why) => failed(lua, 2, &why),
            Ok(found) => Ok(match found.as_ref().and_then(|found| found.get(0)) {
                Some(whole) => MultiValue::from_iter([
                    Value::Integer((whole.start() + 1) as i64),
                    Value::Integer(whole.end() as i64),
                ]),
                None => MultiValue::from_iter([Value::Nil, Value::Nil]),
            }),
        }
    };
    natives.set("re_find", lua.create_function(find)?)?;

    let own = Arc::clone(budget);
    let matches = move |lua: &Lua, arguments: Arguments| {
        let search = match Search::new(arguments, &own)? {
            Ok(search) => search,
            Err(why) => return failed(lua, 1, &why),
        };
        match search.next(search.from) {
            Err(why) => failed(lua, 1, &why),
            Ok(Some(found)) => Ok(MultiValue::from_iter([Value::Table(search.table(lua, &found)?)])),
            Ok(None) => Ok(MultiValue::from_iter([Value::Nil])),
        }
    };
    natives.set("re_match", lua.create_function(matches)?)?;

    let own = Arc::clone(budget);
    let gmatch = move |lua: &Lua, arguments: Arguments| {
        let search = match Search::new(arguments, &own)? {
            Ok(search) => search,
            Err(why) => return failed(lua, 1, &why),
        };
        let mut from = Some(search.from);
        let own = Arc::clone(&own);
        let iterator = lua.create_function_mut(move |lua, ()| {
            let Some(start) = from else { return Ok(MultiValue::from_iter([Value::Nil])) };
            own.charge(1 + search.text.len().saturating_sub(start))?;
            let found = match search.next(start) {
                Err(why) => return failed(lua, 1, &why),
                Ok(found) => found,
            };
            let Some(found) = found else {
                from = None;
                return Ok(MultiValue::from_iter([Value::Nil]));
            };
            from = after(&search.text, &found);
            Ok(MultiValue::from_iter([Value::Table(search.table(lua, &found)?)]))
        })?;
        Ok(MultiValue::from_iter([Value::Function(iterator)]))
    };
    natives.set("re_gmatch", lua.create_function(gmatch)?)?;

    for (name, every) in [("re_sub", false), ("re_gsub", true)] {
        let own = Arc::clone(budget);
        let substitute = move |lua: &Lua,
                               (text, expression, with, options): (
            LuaString,
            LuaString,
            Value,
            Option<LuaString>,
        )| {
            let search = match Search::new((text, expression, options, None), &own)? {
                Ok(search) => search,
                Err(why) => return failed(lua, 2, &why),
            };
            match replaced(lua, &search, &with, every, &own)? {
                Ok((text, count)) => Ok(MultiValue::from_iter([
                    Value::String(lua.create_string(text)?),
                    Value::Integer(count),
                ])),
                Err(why) => failed(lua, 2, &why),
            }
        };
        natives.set(name, lua.create_function(substitute)?)?;
    }
    Ok(())
}

/// Where the next search begins; an empty match is not found twice.
fn after(text: &str, found: &Found) -> Option<usize> {
    let whole = found.get(0)?;
    if whole.start() < whole.end() {
        return Some(whole.end());
    }
    let next = text.get(whole.end()..)?.chars().next()?;
    Some(whole.end() + next.len_utf8())
}

fn replaced(
    lua: &Lua,
    search: &Search,
    with: &Value,
    every: bool,
    budget: &Budget,
) -> Result<std::result::Result<(String, i64), String>> {
    let (mut out, mut copied, mut count) = (String::new(), 0, 0);
    let mut from = Some(0);
    while let Some(start) = from {
        budget.charge(1 + search.text.len().saturating_sub(start))?;
        let found = match search.next(start) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(why) => return Ok(Err(why)),
        };
        let Some(whole) = found.get(0) else { break };
        out.push_str(search.text.get(copied..whole.start()).unwrap_or_default());
        match with {
            Value::Function(function) => {
                let depth = budget.enter()?;
                let text: Result<Option<LuaString>> = function.call(search.table(lua, &found)?);
                budget.leave(depth);
                let text = text?;
                out.push_str(&text.map(|text| convert::text(&text)).unwrap_or_default());
            }
            Value::String(with) => expand(&convert::text(with), &found, &mut out),
            Value::Integer(number) => expand(&number.to_string(), &found, &mut out),
            Value::Number(number) => expand(&number.to_string(), &found, &mut out),
            _ => return Ok(Err("a replacement is a text or a function".to_owned())),
        }
        budget.charge(1 + out.len() / 64)?;
        copied = whole.end();
        count += 1;
        from = after(&search.text, &found).filter(|_| every);
    }
    out.push_str(search.text.get(copied..).unwrap_or_default());
    Ok(Ok((out, count)))
}

/// Writes a replacement: `$1`, `${1}` and `$0` stand for captures, `$$` for a dollar.
fn expand(with: &str, found: &Found, out: &mut String) {
    let mut rest = with;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (digits, after) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((digits, after)) => (digits, after),
            None => after.split_at(after.bytes().take_while(u8::is_ascii_digit).count()),
        };
        match digits.parse::<usize>() {
            Ok(number) => out.push_str(found.get(number).map_or("", |part| part.as_str())),
            Err(_) => out.push('$'),
        }
        rest = match digits.is_empty() {
            true => after.strip_prefix('$').unwrap_or(after),
            false => after,
        };
    }
    out.push_str(rest);
}
