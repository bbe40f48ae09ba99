//! Values between Lua and the program: a declaration as data, arguments and results as JSON.
//!
//! What a script can build is not what JSON can say: cycles, depth and number of values are bounded, and a text that
//! is not UTF-8 is kept as the program keeps such bytes.

use entities::schema::bytes;
use generators::declare::{Data, Function, MADE_OF};
use mlua::{Lua, LuaString, Result, Table, Value};
use serde_json::{Map, Number, Value as Json};

/// How deep a value may be.
const DEEPEST: usize = 64;
/// How many values one may hold.
const MOST: usize = 200_000;

fn wrong(what: &str) -> mlua::Error {
    mlua::Error::runtime(what)
}

/// The mark of tables that are lists even when they are empty.
pub const ARRAY: &str = "silverback.array";

/// A value of the program as a script sees it; null is `ngx.null`.
pub fn to_lua(lua: &Lua, value: &Json) -> Result<Value> {
    to_lua_within(lua, value, DEEPEST)
}

fn to_lua_within(lua: &Lua, value: &Json, depth: usize) -> Result<Value> {
    let within = || depth.checked_sub(1).ok_or_else(|| wrong("the value is nested too deeply for a script"));
    Ok(match value {
        Json::Null => Value::NULL,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            let depth = within()?;
            for (i, item) in items.iter().enumerate() {
                table.raw_set(i + 1, to_lua_within(lua, item, depth)?)?;
            }
            table.set_metatable(Some(lua.named_registry_value(ARRAY)?))?;
            Value::Table(table)
        }
        Json::Object(entries) => {
            let table = lua.create_table_with_capacity(0, entries.len())?;
            let depth = within()?;
            for (name, item) in entries {
                table.raw_set(name.as_str(), to_lua_within(lua, item, depth)?)?;
            }
            Value::Table(table)
        }
    })
}

/// A declaration's data as a script sees it; `rule` makes the functions.
pub fn data_to_lua(lua: &Lua, data: &Data, rule: &impl Fn(Function) -> Result<Value>) -> Result<Value> {
    Ok(match data {
        Data::Null => Value::NULL,
        Data::Bool(value) => Value::Boolean(*value),
        Data::Int(value) => Value::Integer(*value),
        Data::Float(value) => Value::Number(*value),
        Data::Text(text) => Value::String(lua.create_string(text)?),
        Data::List(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (i, item) in items.iter().enumerate() {
                table.raw_set(i + 1, data_to_lua(lua, item, rule)?)?;
            }
            Value::Table(table)
        }
        Data::Table(entries) => {
            let table = lua.create_table_with_capacity(0, entries.len())?;
            for (name, item) in entries.iter().filter(|(name, _)| name != MADE_OF) {
                table.raw_set(name.as_str(), data_to_lua(lua, item, rule)?)?;
            }
            Value::Table(table)
        }
        Data::Function(function) => rule(*function)?,
    })
}

/// Reads values of a script, so many and no more.
struct Reader<'a, T> {
    left: usize,
    make: &'a dyn Fn(Parts<T>) -> Result<T>,
    /// The list metatable, by which an empty table is a list.
    array: Option<Table>,
}

/// A value of a script whose parts are read.
enum Parts<T> {
    Leaf(Value),
    List(Vec<T>),
    /// In the order of the names: a script has none.
    Table(Vec<(String, T)>),
}

impl<T> Reader<'_, T> {
    fn read(&mut self, value: Value, depth: usize) -> Result<T> {
        self.left =
            self.left.checked_sub(1).ok_or_else(|| wrong("a value of a script has too many parts"))?;
        let Value::Table(table) = value else { return (self.make)(Parts::Leaf(value)) };
        if depth == 0 {
            return Err(wrong("a value of a script is nested too deeply, or holds itself"));
        }
        let mut list: Vec<T> = Vec::new();
        let length = table.raw_len();
        let mut named: Vec<(String, T)> = Vec::new();
        let mut count = 0;
        for pair in table.pairs::<Value, Value>() {
            let (name, value) = pair?;
            count += 1;
            let name = match name {
                Value::String(name) => text(&name),
                // A list is read in its own order below.
                Value::Integer(place)
                    if usize::try_from(place).is_ok_and(|place| (1..=length).contains(&place)) =>
                {
                    continue;
                }
                Value::Integer(number) => number.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Boolean(name) => name.to_string(),
                _ => return Err(wrong("the names of a table are texts")),
            };
            named.push((name, self.read(value, depth - 1)?));
        }
        for place in 1..=length {
            list.push(self.read(table.raw_get(place)?, depth - 1)?);
        }
        let is_array = || self.array.is_some() && table.metatable() == self.array;
        if named.is_empty() && (!list.is_empty() || count == 0 && is_array()) {
            return (self.make)(Parts::List(list));
        }
        named.extend(list.into_iter().enumerate().map(|(i, item)| ((i + 1).to_string(), item)));
        named.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(made_of) = shared_type(&table) {
            named.insert(0, (MADE_OF.to_owned(), (self.make)(Parts::Leaf(made_of))?));
        }
        (self.make)(Parts::Table(named))
    }
}

/// The shared type that a table was made of, as its metatable says.
fn shared_type(table: &Table) -> Option<Value> {
    let name: Value = table.metatable()?.raw_get("__typedef").ok()?;
    matches!(name, Value::String(_)).then_some(name)
}

/// A text of a script; bytes that are not UTF-8 are marked.
pub fn text(text: &LuaString) -> String {
    bytes::marked(text.as_bytes().to_vec())
}

/// A value of a script as JSON. What JSON cannot say is null.
pub fn to_json(lua: &Lua, value: Value) -> Result<Json> {
    let make = |parts: Parts<Json>| {
        Ok(match parts {
            Parts::Leaf(Value::Boolean(value)) => Json::Bool(value),
            Parts::Leaf(Value::Integer(number)) => Json::Number(number.into()),
            Parts::Leaf(Value::Number(number)) => match whole(number) {
                Some(integer) => Json::Number(integer.into()),
                None => Number::from_f64(number).map_or(Json::Null, Json::Number),
            },
            Parts::Leaf(Value::String(value)) => Json::String(text(&value)),
            Parts::Leaf(_) => Json::Null,
            Parts::List(items) => Json::Array(items),
            Parts::Table(entries) => {
                let shown = entries.into_iter().filter(|(name, _)| name != MADE_OF);
                Json::Object(shown.collect::<Map<_, _>>())
            }
        })
    };
    Reader { left: MOST, make: &make, array: lua.named_registry_value(ARRAY).ok() }.read(value, DEEPEST)
}

/// A value of a script as a declaration's data; `function` makes the handle of a function.
pub fn to_data(value: Value, function: &dyn Fn(mlua::Function) -> Result<Function>) -> Result<Data> {
    let make = |parts: Parts<Data>| {
        Ok(match parts {
            Parts::Leaf(Value::Nil | Value::LightUserData(_)) => Data::Null,
            Parts::Leaf(Value::Boolean(value)) => Data::Bool(value),
            Parts::Leaf(Value::Integer(number)) => Data::Int(number),
            Parts::Leaf(Value::Number(number)) => whole(number).map_or(Data::Float(number), Data::Int),
            Parts::Leaf(Value::String(value)) => Data::Text(text(&value)),
            Parts::Leaf(Value::Function(own)) => Data::Function(function(own)?),
            Parts::Leaf(other) => {
                return Err(wrong(&format!("a {} is no part of a declaration", other.type_name())));
            }
            Parts::List(items) => Data::List(items),
            Parts::Table(entries) => Data::Table(entries),
        })
    };
    Reader { left: MOST, make: &make, array: None }.read(value, DEEPEST)
}

/// The integer that a number is.
fn whole(number: f64) -> Option<i64> {
    /// The largest number up to which every integer has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}
