//! A plugin as Lua files: `schema.lua` and `daos.lua` are run in a machine of the plugin's own; of `handler.lua`, which
//! only a data plane could run, the version and the priority are read off the text.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use generators::declare::Data;
use regex::Regex;

use super::Declared;
use super::places::{self, Scripts};
use crate::lua::{Find, Machine, Source};

/// How many plugins, told apart by their files, one process loads in its life.
const MOST: usize = 512;

/// The modules that a load asked for, and what was found.
type Asked = Vec<(String, Option<Source>)>;

/// A load of the past. While the files are the same, so is what they declare.
struct Known {
    name: String,
    folder: PathBuf,
    asked: Asked,
    declared: Result<Declared, String>,
}

static KNOWN: LazyLock<Mutex<Vec<Known>>> = LazyLock::new(Mutex::default);

/// What the files of a plugin declare.
///
/// # Errors
/// What a script raised, which budget it spent, or what it gave instead of a declaration.
pub(super) fn load(name: &str, scripts: &Scripts) -> Result<Declared, String> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |(module, source): &(String, Option<Source>)| file(name, scripts, module) == *source;
    let seen = known
        .iter()
        .find(|known| known.name == name && known.folder == scripts.folder && known.asked.iter().all(same));
    if let Some(seen) = seen {
        return seen.declared.clone();
    }
    if known.len() >= MOST {
        return Err("this process has loaded too many plugins; restart it to load more".to_owned());
    }
    let asked: Arc<Mutex<Asked>> = Arc::default();
    let (own_name, own_scripts, record) = (name.to_owned(), scripts.clone(), Arc::clone(&asked));
    let find = move |module: &str| {
        let found = file(&own_name, &own_scripts, module);
        record.lock().unwrap_or_else(PoisonError::into_inner).push((module.to_owned(), found.clone()));
        found
    };
    let declared = evaluate(name, Arc::new(find));
    // What a function asks for later does not change what was declared.
    let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
    known.push(Known {
        name: name.to_owned(),
        folder: scripts.folder.clone(),
        asked,
        declared: declared.clone(),
    });
    declared
}

/// What the scripts of a plugin declare, wherever they are found.
///
/// # Errors
/// As of [`load`].
pub(super) fn evaluate(name: &str, find: Arc<Find>) -> Result<Declared, String> {
    let module = |file: &str| format!("kong.plugins.{name}.{file}");
    let handler = find(&module("handler"));
    let has_entities = find(&module("daos")).is_some();
    let machine = Arc::new(Machine::new(find)?);
    let plugin = match machine.require(&module("schema"))? {
        plugin @ Data::Table(_) => plugin,
        _ => return Err("the schema is no table".to_owned()),
    };
    let entities = match has_entities.then(|| machine.require(&module("daos"))).transpose()? {
        None => Vec::new(),
        Some(Data::List(entities)) => entities,
        Some(Data::Table(entries)) if entries.is_empty() => Vec::new(),
        Some(_) => return Err(format!("custom plugin '{name}' returned non-array daos definition table")),
    };
    let handler =
        handler.map(|source| String::from_utf8_lossy(&source.text).into_owned()).unwrap_or_default();
    let (version, priority) = release(&handler);
    Ok(Declared { plugin: Some(plugin), entities, version, priority })
}

/// The file of a module: the plugin's own first.
fn file(name: &str, scripts: &Scripts, module: &str) -> Option<Source> {
    let parts = crate::lua::module_parts(module)?;
    let path = parts.join("/");
    let own = path.strip_prefix(&format!("kong/plugins/{name}/")).map(|rest| {
        [format!("{rest}.lua"), format!("{rest}/init.lua")].map(|file| scripts.folder.join(file))
    });
    let others = scripts.patterns.iter().map(|pattern| PathBuf::from(pattern.replace('?', &path)));
    let found = own.into_iter().flatten().chain(others).find(|path| path.is_file())?;
    match places::read(&found) {
        Ok(text) => Some(Source { name: format!("{path}.lua"), text }),
        Err(why) => {
            tracing::error!(plugin = name, "{why}");
            None
        }
    }
}

/// The version and the priority that a handler states, in whichever form it does: `PRIORITY = 10` in its table, or
/// `Handler.PRIORITY = 10`. What is computed stays unknown.
fn release(handler: &str) -> (String, i64) {
    static PRIORITY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?m)^[^\n]*?\bPRIORITY\s*=\s*(-?\d+)").ok());
    static VERSION: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?m)^[^\n]*?\bVERSION\s*=\s*["']([^"'\n]*)["']"#).ok());
    let code: String =
        handler.lines().map(|line| line.split("--").next().unwrap_or_default().to_owned() + "\n").collect();
    let first = |regex: &Option<Regex>| {
        let found = regex.as_ref()?.captures(&code)?;
        found.get(1).map(|part| part.as_str().to_owned())
    };
    (
        first(&VERSION).unwrap_or_default(),
        first(&PRIORITY).and_then(|text| text.parse().ok()).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn a_release_is_read_off_the_text() {
        for (handler, expected) in [
            ("local H = { PRIORITY = 1000, VERSION = \"1.2.3\" }", ("1.2.3", 1000)),
            ("H.PRIORITY = -5 -- PRIORITY = 7\nH.VERSION = '0.1'", ("0.1", -5)),
            ("-- VERSION = '9'\nH.VERSION=require('x')", ("", 0)),
            ("", ("", 0)),
        ] {
            assert_eq!(release(handler), (expected.0.to_owned(), expected.1), "{handler}");
        }
    }
}
