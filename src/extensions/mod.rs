//! Extensions: plugins and entities that do not come with the program. They are found in folders, as a document or as
//! the Lua files that every plugin for Kong has, or handed in by a program that embeds this one.
//!
//! What is loaded is what the setting `plugins` names. A declaration that breaks the rules is refused and told of in
//! the log, and the node starts without it; a plugin that is found nowhere is an error, since what depends on it could
//! not be told from a slip of the pen. Nothing here decides what a declaration means.

mod documents;
mod places;
mod scripts;

use std::sync::Arc;

use entities::ENTITIES;
use entities::schema::{Entity, Subschema};
use generators::declare::{self, Data, Refused};

use crate::lua::Find;
use crate::settings::{BUNDLED_PLUGINS, Settings};
use places::Place;

pub use documents::Form;

/// Plugins and entities of a program that embeds this one. Each plugin bears the name under which it is enabled.
#[derive(Clone, Copy, Default)]
pub struct Extension {
    pub plugins: &'static [&'static Subschema],
    pub entities: &'static [&'static Entity],
}

/// Plugins that are enabled and found nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotInstalled(pub Vec<String>);

impl std::fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            write!(f, "{}{name} plugin is enabled but not installed", if i == 0 { "" } else { "; " })?;
        }
        f.write_str(" (plugins are looked for in plugins_path and lua_package_path)")
    }
}

impl std::error::Error for NotInstalled {}

/// What an extension declares, as data.
#[derive(Clone, Debug, Default)]
struct Declared {
    /// The plugin; an extension may bring entities alone.
    plugin: Option<Data>,
    entities: Vec<Data>,
    version: String,
    priority: i64,
}

/// The files of a plugin, which need not lie in a folder.
#[derive(Clone)]
pub enum Files {
    /// A document, which holds all of it.
    Document(Vec<u8>, Form),
    /// Lua, found by the names of modules: `kong.plugins.NAME.schema`, `….daos` and whatever these require.
    Scripts(Arc<Find>),
}

/// Every entity there is where the plugin `name` is enabled beside the program's own, and its files are these: what
/// loading it makes of it, without a folder and without a node.
///
/// # Errors
/// Why the plugin is refused: what a file lacks, what a script raised or which budget it spent, which rule the
/// declaration breaks and where.
pub fn with_plugin(name: &str, files: Files) -> Result<Vec<&'static Entity>, String> {
    let declared = match files {
        Files::Document(text, form) => documents::read(&text, form)?,
        Files::Scripts(find) => scripts::evaluate(name, find)?,
    };
    let mut world = World::new();
    world.declare(name, &declared)?;
    Ok(world.into_entities())
}

/// Every entity that these settings ask for: the program's own, with further plugins among those of `plugins`, and
/// behind them the entities of extensions.
///
/// # Errors
/// The names of plugins that are enabled and found nowhere.
pub fn entities(settings: &Settings, extensions: &[Extension]) -> Result<Vec<&'static Entity>, NotInstalled> {
    let mut world = World::new();
    for extension in extensions {
        let enabled = |plugin: &&Subschema| settings.plugins.iter().any(|name| name == plugin.name);
        if extension.plugins.is_empty() || extension.plugins.iter().any(enabled) {
            let loaded = extension
                .plugins
                .iter()
                .filter(|plugin| enabled(plugin))
                .map(|plugin| (plugin.name, *plugin));
            if let Err(why) = world.add(loaded.collect(), extension.entities) {
                tracing::error!("an extension is refused: {why}");
            }
        }
    }
    let mut missing = Vec::new();
    for name in &settings.plugins {
        if world.plugins.iter().any(|(own, _)| own == name) || BUNDLED_PLUGINS.contains(&name.as_str()) {
            continue;
        }
        let Some(place) = places::find(name, &settings.plugins_path, &settings.lua_package_path) else {
            missing.push(name.clone());
            continue;
        };
        match world.load(name, &place) {
            Ok(()) => tracing::info!(plugin = name, from = %place, "the plugin is loaded"),
            Err(why) => tracing::error!(plugin = name, from = %place, "the plugin is refused: {why}"),
        }
    }
    if missing.is_empty() { Ok(world.into_entities()) } else { Err(NotInstalled(missing)) }
}

/// The entity whose variants are plugins.
const PLUGINS: &str = "plugins";

/// The entities known so far.
struct World {
    entities: Vec<&'static Entity>,
    plugins: Vec<(&'static str, &'static Subschema)>,
}

impl World {
    fn new() -> World {
        let plugins = ENTITIES.iter().find(|entity| entity.name == PLUGINS);
        World {
            entities: ENTITIES.to_vec(),
            plugins: plugins.map(|entity| entity.subschemas.to_vec()).unwrap_or_default(),
        }
    }

    fn into_entities(self) -> Vec<&'static Entity> {
        let replace = |entity: &'static Entity| -> &'static Entity {
            if entity.name != PLUGINS || entity.subschemas.len() == self.plugins.len() {
                return entity;
            }
            let mut copy = *entity;
            copy.subschemas = self.plugins.clone().leak();
            Box::leak(Box::new(copy))
        };
        self.entities.iter().map(|entity| replace(entity)).collect()
    }

    fn load(&mut self, name: &str, place: &Place) -> Result<(), String> {
        let declared = match place {
            Place::Document(path) => documents::load(path)?,
            Place::Scripts(scripts) => scripts::load(name, scripts)?,
        };
        self.declare(name, &declared)
    }

    /// Holds what a plugin declares against the rules and what is known, and adds it.
    fn declare(&mut self, name: &str, declared: &Declared) -> Result<(), String> {
        let mut known = self.entities.clone();
        let mut own = Vec::new();
        for (i, data) in declared.entities.iter().enumerate() {
            let entity = declare::entity(data, &known)
                .map_err(|refused| at(&format!("entities.{}", i + 1), &refused))?;
            known.push(entity);
            own.push(entity);
        }
        let mut plugins = Vec::new();
        if let Some(data) = &declared.plugin {
            let parent = known.iter().copied().find(|entity| entity.name == PLUGINS);
            let parent = parent.ok_or("there are no plugins here")?;
            let release = (declared.version.as_str(), declared.priority);
            let plugin = declare::subschema(name, data, parent, &known, release)
                .map_err(|refused| refused.to_string())?;
            plugins.push((plugin.name, plugin));
        }
        self.add(plugins, &own)
    }

    /// Adds plugins and entities, all of them or none.
    fn add(
        &mut self,
        plugins: Vec<(&'static str, &'static Subschema)>,
        entities: &[&'static Entity],
    ) -> Result<(), String> {
        if let Some((name, _)) =
            plugins.iter().find(|(name, _)| self.plugins.iter().any(|(own, _)| own == name))
        {
            return Err(format!("the plugin '{name}' exists already"));
        }
        let mut known = self.entities.clone();
        for entity in entities {
            if let Some(clash) = clash(entity, &known) {
                return Err(format!("entity '{}': {clash}", entity.name));
            }
            known.push(entity);
        }
        self.entities = known;
        self.plugins.extend(plugins);
        Ok(())
    }
}

/// What two entities cannot both have: a name, a table, a path.
fn clash(entity: &Entity, known: &[&'static Entity]) -> Option<String> {
    if generators::tables::is_own(entity.table()) {
        return Some(format!("the table '{}' is the program's own", entity.table()));
    }
    known.iter().find_map(|other| {
        if other.name == entity.name {
            Some("an entity of that name exists already".to_owned())
        } else if other.table() == entity.table() {
            Some(format!("the table '{}' is that of '{}'", entity.table(), other.name))
        } else if other.collection() == entity.collection() {
            Some(format!("the path '/{}' is that of '{}'", entity.collection(), other.name))
        } else {
            None
        }
    })
}

/// A refusal with the path at which the refused declaration itself stands.
fn at(path: &str, refused: &Refused) -> String {
    let name = |inner: &str| if inner.is_empty() { path.to_owned() } else { format!("{path}.{inner}") };
    let faults = refused.faults.iter().map(|(inner, sentence)| format!("{}: {sentence}", name(inner)));
    faults.collect::<Vec<_>>().join("; ")
}
