//! Lua in a box: the schemas of plugins are evaluated here, and their functions judge values here.
//!
//! A script reaches no file, no network, no other process and no clock; what it requires is embedded, or handed in by
//! whoever makes the machine. It has so many instructions, so much memory and so much time, and no `pcall` gives it
//! more. Whatever it does, the answer is a value or an error, within a bounded time.
//!
//! Each plugin has a machine of its own, so that none can change what another sees. One script runs in it at a time.

mod budget;
mod convert;
mod modules;
mod natives;
mod regexes;
mod rules;
mod text;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use generators::declare::{Body, Data, Function};
use mlua::chunk::ChunkMode;
use mlua::{HookTriggers, Lua, LuaOptions, LuaString, MultiValue, StdLib, Value, VmState};
use serde_json::Value as Json;

use budget::{Budget, JUDGING, LOADING, Limits, TICK};
use rules::Rules;

pub use modules::{is_plain, names as embedded_modules, parts as module_parts};

/// How much memory a machine may take, in bytes.
const MEMORY: usize = 32 << 20;

/// A file of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As messages name it.
    pub name: String,
    pub text: Vec<u8>,
}

/// Finds the file of a module that is not embedded.
pub type Find = dyn Fn(&str) -> Option<Source> + Send + Sync;

/// A Lua machine.
pub struct Machine {
    lua: Lua,
    budget: Arc<Budget>,
    rules: Rules,
    loading: Limits,
    judging: Limits,
    turn: Mutex<()>,
}

/// What an error says, without where in the program it went through.
pub fn said(error: &mlua::Error) -> String {
    match error {
        mlua::Error::CallbackError { cause, .. } | mlua::Error::BadArgument { cause, .. } => said(cause),
        mlua::Error::MemoryError(_) => "not enough memory".to_owned(),
        mlua::Error::RuntimeError(text) => first_part(text),
        mlua::Error::SyntaxError { message, .. } => first_part(message),
        other => first_part(&other.to_string()),
    }
}

fn first_part(text: &str) -> String {
    text.split("\nstack traceback:").next().unwrap_or(text).to_owned()
}

impl Machine {
    /// A machine whose scripts find further modules by `find`.
    ///
    /// # Errors
    /// What made the machine fail; it is the program's own doing.
    pub fn new(find: Arc<Find>) -> Result<Machine, String> {
        Machine::make(find, LOADING, JUDGING).map_err(|error| said(&error))
    }

    fn make(find: Arc<Find>, loading: Limits, judging: Limits) -> mlua::Result<Machine> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::BIT | StdLib::JIT;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        lua.set_memory_limit(MEMORY)?;
        let budget = Arc::new(Budget::new());
        let own = Arc::clone(&budget);
        lua.set_hook(HookTriggers::new().every_nth_instruction(TICK), move |_, _| {
            own.charge(TICK as usize)?;
            Ok(VmState::Continue)
        })?;
        budget.begin(loading);
        let rules = Rules::default();
        let natives = natives::table(&lua, &budget, &rules, MEMORY)?;
        natives.set("module", lua.create_function(move |lua, name: LuaString| module(lua, &name, &find))?)?;
        lua.load(modules::SANDBOX).set_name("=sandbox").set_mode(ChunkMode::Text).call::<()>(natives)?;
        Ok(Machine { lua, budget, rules, loading, judging, turn: Mutex::default() })
    }

    /// Runs something under limits of its own. What it left behind is collected.
    fn run<T>(&self, limits: Limits, work: impl FnOnce() -> mlua::Result<T>) -> Result<T, String> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.budget.begin(limits);
        let result = work().map_err(|error| said(&error));
        if self.lua.used_memory() > MEMORY / 4 {
            // What the first collection finds out to be garbage goes with the second.
            let _ = self.lua.gc_collect().and_then(|()| self.lua.gc_collect());
        }
        result
    }

    /// What a module gives, as data. Its functions become handles that keep the machine alive.
    ///
    /// # Errors
    /// What the script raised, or which budget it spent.
    pub fn require(self: &Arc<Machine>, module: &str) -> Result<Data, String> {
        self.run(self.loading, || {
            let require: mlua::Function = self.lua.globals().get("require")?;
            let value: Value = require.call(module)?;
            convert::to_data(value, &|function| Ok(self.handle(function)))
        })
    }

    /// A function of a script as a handle.
    fn handle(self: &Arc<Machine>, function: mlua::Function) -> Function {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        if let Some(rule) = self.rules.of(&function) {
            return rule;
        }
        let name = format!("script {}", COUNT.fetch_add(1, Ordering::Relaxed)).leak();
        let machine = Arc::clone(self);
        let script = Box::leak(Box::new(move |arguments: &[Json]| machine.call(&function, arguments)));
        Function { name, body: Body::Script(script) }
    }

    /// Calls a function of a script.
    fn call(&self, function: &mlua::Function, arguments: &[Json]) -> Result<Vec<Json>, String> {
        self.run(self.judging, || {
            let arguments: mlua::Result<MultiValue> =
                arguments.iter().map(|argument| convert::to_lua(&self.lua, argument)).collect();
            let values: MultiValue = function.call(arguments?)?;
            values.into_iter().map(|value| convert::to_json(&self.lua, value)).collect()
        })
    }
}

/// Finds a module: its chunk, and whether it is one of the program's own; or nil and why there is none.
fn module(lua: &Lua, name: &LuaString, find: &Arc<Find>) -> mlua::Result<(Value, Value)> {
    let name = convert::text(name);
    let (chunk_name, text, own) = match modules::embedded(&name) {
        Some(text) => (name.clone(), text.as_bytes().to_vec(), true),
        None => match modules::parts(&name).and_then(|_| find(&name)) {
            Some(source) => (source.name, source.text, false),
            None => {
                let why = format!(
                    "module '{name}' not found: it is not among the embedded modules, and no file of the plugin has it"
                );
                return Ok((Value::Nil, Value::String(lua.create_string(why)?)));
            }
        },
    };
    let chunk =
        lua.load(text).set_name(format!("@{chunk_name}")).set_mode(ChunkMode::Text).into_function()?;
    Ok((Value::Function(chunk), Value::Boolean(own)))
}
