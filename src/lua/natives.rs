//! What the embedded modules and the sandbox are made of: functions in Rust, in one table that no script of a plugin
//! gets to see.
//!
//! None of them reaches the file system, the network or the clock; each takes time that its arguments bound.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use entities::schema::{address, bytes, is_reference, path, pem, text, url};
use generators::declare;
use mlua::{Lua, LuaString, MultiValue, Result, Table, Value};

use super::budget::Budget;
use super::rules::Rules;
use super::{convert, regexes, said, text as lua_text};
use crate::node::KONG_VERSION;

/// The table of natives.
pub fn table(lua: &Lua, budget: &Arc<Budget>, rules: &Rules, memory: usize) -> Result<Table> {
    let natives = lua.create_table()?;
    let array = lua.create_table()?;
    lua.set_named_registry_value(convert::ARRAY, &array)?;
    natives.set("array_mt", array)?;
    natives.set("null", Value::NULL)?;
    natives.set("version", KONG_VERSION)?;
    let own = Arc::clone(budget);
    natives.set("check", lua.create_function(move |_, ()| own.check())?)?;
    let own = Arc::clone(budget);
    natives.set("charge", lua.create_function(move |_, length: usize| own.charge(1 + length / 8))?)?;
    let own = Arc::clone(budget);
    natives.set("enter", lua.create_function(move |_, ()| own.enter())?)?;
    let own = Arc::clone(budget);
    natives.set(
        "leave",
        lua.create_function(move |_, before: usize| {
            own.leave(before);
            Ok(())
        })?,
    )?;
    natives.set("plain", lua.create_function(|lua, raised: Value| plain(lua, raised))?)?;
    lua_text::install(lua, &natives, budget, memory)?;
    regexes::install(lua, &natives, budget)?;
    encodings(lua, &natives, budget)?;
    judgements(lua, &natives)?;
    let rules = rules.clone();
    let typedef = move |lua: &Lua, name: LuaString| match declare::typedef(&convert::text(&name)) {
        Some(data) => convert::data_to_lua(lua, &data, &|function| rules.make(lua, function)),
        None => Ok(Value::Nil),
    };
    natives.set("typedef", lua.create_function(typedef)?)?;
    Ok(natives)
}

/// What was raised, as a script would have raised it: an error in Rust is a text.
fn plain(lua: &Lua, raised: Value) -> Result<Value> {
    match raised {
        Value::Error(error) => Ok(Value::String(lua.create_string(said(&error))?)),
        other => Ok(other),
    }
}

/// A value, or nil and why there is none.
fn or_why(lua: &Lua, result: std::result::Result<Value, String>) -> Result<MultiValue> {
    Ok(match result {
        Ok(value) => MultiValue::from_iter([value]),
        Err(why) => MultiValue::from_iter([Value::Nil, Value::String(lua.create_string(why)?)]),
    })
}

fn encodings(lua: &Lua, natives: &Table, budget: &Arc<Budget>) -> Result<()> {
    let encode = |lua: &Lua, (text, no_padding): (LuaString, Option<bool>)| {
        let bytes = text.as_bytes();
        let encoded = match no_padding {
            Some(true) => STANDARD_NO_PAD.encode(&*bytes),
            _ => STANDARD.encode(&*bytes),
        };
        lua.create_string(encoded)
    };
    natives.set("encode_base64", lua.create_function(encode)?)?;
    let decode = |lua: &Lua, text: LuaString| match STANDARD.decode(&*text.as_bytes()) {
        Ok(bytes) => Ok(Value::String(lua.create_string(bytes)?)),
        Err(_) => Ok(Value::Nil),
    };
    natives.set("decode_base64", lua.create_function(decode)?)?;
    natives.set(
        "escape_uri",
        lua.create_function(|lua, text: LuaString| lua.create_string(escape(&text.as_bytes())))?,
    )?;
    let unescape = |lua: &Lua, text: LuaString| lua.create_string(unescape(&text.as_bytes()));
    natives.set("unescape_uri", lua.create_function(unescape)?)?;
    let own = Arc::clone(budget);
    let encode = move |lua: &Lua, value: Value| {
        let text = convert::to_json(lua, value).map(|value| value.to_string()).map_err(|error| said(&error));
        own.charge(text.as_ref().map_or(1, String::len))?;
        let text = text.and_then(|text| lua.create_string(text).map_err(|error| said(&error)));
        or_why(lua, text.map(Value::String))
    };
    natives.set("json_encode", lua.create_function(encode)?)?;
    let own = Arc::clone(budget);
    let decode = move |lua: &Lua, text: LuaString| {
        let text = text.as_bytes();
        own.charge(text.len())?;
        match serde_json::from_slice(&text) {
            Ok(value) => Ok(MultiValue::from_iter([convert::to_lua(lua, &value)?])),
            Err(fault) => or_why(lua, Err(format!("invalid JSON: {fault}"))),
        }
    };
    natives.set("json_decode", lua.create_function(decode)?)
}

/// As nginx escapes an argument: letters, digits and `-._~` stay.
fn escape(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text {
        match byte {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(*byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    out.push((high * 16 + low) as u8);
                    rest = after;
                }
                _ => out.push(byte),
            },
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    out
}

/// A rule of a text.
type Rule = fn(&str) -> std::result::Result<(), String>;

/// The rules that a script can ask for by name.
const RULES: &[(&str, Rule)] = &[
    ("certificate", pem::certificate),
    ("cidr_v4", address::cidr_v4),
    ("cookie_name", text::cookie_name),
    ("header_name", text::header_name),
    ("ip", address::ip),
    ("ip_or_cidr", address::ip_or_cidr),
    ("key", pem::key),
];

fn judgements(lua: &Lua, natives: &Table) -> Result<()> {
    let accepts = |lua: &Lua, (rule, value): (String, LuaString)| {
        let rule = RULES.iter().find(|(name, _)| *name == rule).map(|(_, rule)| rule);
        let verdict = rule.map_or(Ok(()), |rule| rule(&convert::text(&value)));
        Ok(match verdict {
            Ok(()) => MultiValue::from_iter([Value::Boolean(true)]),
            Err(why) => {
                MultiValue::from_iter([Value::Boolean(false), Value::String(lua.create_string(why)?)])
            }
        })
    };
    natives.set("accepts", lua.create_function(accepts)?)?;
    let normalize = |lua: &Lua, text: LuaString| {
        let found = address::normalize_ip(&convert::text(&text));
        let (host, port, kind) = match &found {
            Ok(found) => (found.host.as_str(), found.port, &found.kind),
            Err(fault) => return or_why(lua, Err(fault.to_string())),
        };
        let parts = lua.create_table()?;
        parts.set("host", host)?;
        parts.set("port", port)?;
        parts.set(
            "type",
            match kind {
                address::Kind::Name => "name",
                address::Kind::Ipv4 => "ipv4",
                address::Kind::Ipv6 => "ipv6",
            },
        )?;
        or_why(lua, Ok(Value::Table(parts)))
    };
    natives.set("normalize_ip", lua.create_function(normalize)?)?;
    let normal_path = |lua: &Lua, text: LuaString| lua.create_string(path::normalize(&convert::text(&text)));
    natives.set("normalize_path", lua.create_function(normal_path)?)?;
    let parse = |lua: &Lua, text: LuaString| {
        let parts = lua.create_table()?;
        let url = url::parse(&convert::text(&text)).unwrap_or_default();
        for (name, part) in [
            ("scheme", url.scheme),
            ("authority", url.authority),
            ("userinfo", url.userinfo),
            ("host", url.host),
            ("port", url.port),
            ("path", url.path),
            ("params", url.params),
            ("query", url.query),
            ("fragment", url.fragment),
        ] {
            parts.set(name, part)?;
        }
        Ok(parts)
    };
    natives.set("parse_url", lua.create_function(parse)?)?;
    let text_rule = |rule: fn(&str) -> bool| {
        lua.create_function(move |_, value: Value| {
            Ok(value.as_string().is_some_and(|text| rule(&convert::text(text))))
        })
    };
    natives.set("is_uuid", text_rule(generators::validate::is_uuid)?)?;
    natives.set("is_regex", text_rule(path::is_regex)?)?;
    natives.set("is_reference", text_rule(is_reference)?)?;
    let invalid = |_: &Lua, text: LuaString| Ok(bytes::invalid_at(&convert::text(&text)));
    natives.set("invalid_utf8", lua.create_function(invalid)?)?;
    natives.set("uuid", lua.create_function(|_, ()| Ok(uuid::Uuid::new_v4().to_string()))?)
}
