//! Produces what is fuzzed of the machine that evaluates the Lua of plugins. It needs LuaJIT, which libFuzzer cannot look
//! into, so that it has no program in `fuzz/`: the tests alone run it.

use std::sync::Arc;

use entities::ENTITIES;
use generators::declare;
use silverback::lua::{Machine, Source};

/// A plugin's `schema.lua`: whatever it does, it ends, and what it gives is declared or refused.
pub fn schema(data: &[u8]) {
    let text = data.to_vec();
    let find = move |name: &str| {
        (name == "main").then(|| Source { name: "main.lua".to_owned(), text: text.clone() })
    };
    let machine = Arc::new(Machine::new(Arc::new(find)).expect("a machine starts"));
    let Ok(declared) = machine.require("main") else { return };
    let _ = declare::entity(&declared, ENTITIES);
    for parent in ENTITIES.iter().filter(|entity| entity.subschema_key.is_some()) {
        let _ = declare::subschema("fuzzed", &declared, parent, ENTITIES, ("1.0", 1));
    }
}
