//! Rules in Rust as functions of a script, which know the way back: a declaration that takes over a shared type's rule
//! keeps the rule itself, and no call goes through the script.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use entities::schema::Validator;
use generators::declare::{Body, Function};
use mlua::{Lua, MultiValue, Result, Value};

use super::convert;

/// The rules that a machine has made into functions. The functions are kept, so that no other takes the place of one.
#[derive(Clone, Default)]
pub struct Rules(Arc<Mutex<HashMap<usize, (mlua::Function, Function)>>>);

impl Rules {
    /// The rule as a function: true, or nil and why not.
    pub fn make(&self, lua: &Lua, function: Function) -> Result<Value> {
        let Body::Rule(rule) = function.body else { return Ok(Value::Nil) };
        let made = lua.create_function(move |lua, value: Value| {
            let verdict = match rule {
                Validator::Text(rule) => match &value {
                    Value::String(text) => rule(&convert::text(text)),
                    _ => Err("expected a string".to_owned()),
                },
                Validator::Any(rule) => rule(&convert::to_json(lua, value)?),
            };
            Ok(match verdict {
                Ok(()) => MultiValue::from_iter([Value::Boolean(true)]),
                Err(why) => MultiValue::from_iter([Value::Nil, Value::String(lua.create_string(why)?)]),
            })
        })?;
        let key = made.to_pointer() as usize;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (made.clone(), function));
        Ok(Value::Function(made))
    }

    /// The rule that a function was made of.
    pub fn of(&self, function: &mlua::Function) -> Option<Function> {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.get(&(function.to_pointer() as usize)).map(|(_, rule)| *rule)
    }
}
