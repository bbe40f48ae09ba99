//! Declarations that are not in the program's text: data in the schema language's own terms becomes an [`Entity`] or
//! a [`Subschema`] like any other.
//!
//! The form of the data is the one in which every plugin for Kong is written: `{name, fields: [{field: {type, …}}, …],
//! entity_checks, …}`. Where the data comes from (a YAML file, a script) is not known here; a script's functions come
//! along as handles. What is wrong is told with its path, all of it at once, and nothing is ever half declared.
//!
//! Invariant: a declaration lives as long as the process, as those in the program's text do. One that was seen before
//! costs nothing again, whether it was accepted or refused, and what all of them take together is bounded.

mod attributes;
mod checks;
mod data;
mod functions;
mod interned;
mod literals;
mod reference;
mod table;

use std::fmt;

use entities::schema::{Entity, Field, Named, Subschema, Type, sentence};

pub use data::{Body, Data, Function, MADE_OF, Script, typedef};
pub use interned::{Interned, interned};
pub use reference::reference;

use table::{Converter, Table, leak};

/// Why a declaration was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong: the path (`fields.config.fields.port`, or nothing for the whole), and the sentence.
    pub faults: Vec<(String, String)>,
}

impl Refused {
    /// A refusal of the whole.
    pub fn whole(sentence: impl Into<String>) -> Refused {
        Refused { faults: vec![(String::new(), sentence.into())] }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (path, sentence)) in self.faults.iter().enumerate() {
            let and = if i == 0 { "" } else { "; " };
            match path.is_empty() {
                true => write!(f, "{and}{sentence}")?,
                false => write!(f, "{and}{path}: {sentence}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// The attributes of an entity.
const ENTITY: &[&str] = &[
    "name",
    "description",
    "primary_key",
    "workspaceable",
    "endpoint_key",
    "cache_key",
    "ttl",
    "db_export",
    "subschema_key",
    "subschema_error",
    "generate_admin_api",
    "admin_api_name",
    "table_name",
    "admin_api_nested_name",
    "fields",
    "entity_checks",
    "shorthand_fields",
    "transformations",
    "check",
    "dao",
];

/// The attributes of a variant of an entity, such as a plugin.
const SUBSCHEMA: &[&str] =
    &["name", "fields", "entity_checks", "shorthand_fields", "transformations", "check"];

/// The entity that `data` declares; it may refer to itself and to the entities in `known`.
pub fn entity(data: &Data, known: &[&'static Entity]) -> Result<&'static Entity, Refused> {
    interned::entity(&interned::key("", data, known), || convert_entity(data, known).map(leak))
}

/// The variant of `parent` that `data` declares under the name `name`, which need not be the one in the data.
/// `release` is the version and the priority that `GET /` shows of a plugin.
pub fn subschema(
    name: &str,
    data: &Data,
    parent: &'static Entity,
    known: &[&'static Entity],
    release: (&str, i64),
) -> Result<&'static Subschema, Refused> {
    let (version, priority) = release;
    let key = interned::key(&format!("{}/{name} {version} {priority} ", parent.name), data, known);
    interned::subschema(&key, || {
        let converter = Converter::new(known);
        let Some(table) = Table::of(&converter, data, "") else {
            return Err(Refused::whole("expected a declaration as a table"));
        };
        table.only(SUBSCHEMA);
        demand(&table, &["name", "fields"]);
        table.text("name");
        let fields = converter.fields(&table, "fields", true);
        let checks = converter.checks(&table, "entity_checks");
        let transformations = converter.transformations(&table);
        converter.shorthands(&table);
        converter.finish()?;
        let name = leak_text(name);
        let declared = Subschema::new(name)
            .fields(fields)
            .checks(checks)
            .transformations(transformations)
            .plugin(leak_text(version), priority)
            .checked(parent)
            .map_err(|fault| Refused { faults: vec![(fault.path(), fault.rule.to_owned())] })?;
        Ok(leak(declared))
    })
}

fn leak_text(text: &str) -> &'static str {
    text.to_owned().leak()
}

/// Notes which of the attributes that every declaration has are missing.
fn demand(table: &Table, names: &[&str]) {
    for name in names.iter().filter(|name| table.get(name).is_none()) {
        table.fault(name, sentence::REQUIRED_FOR_CHECK);
    }
}

fn convert_entity(data: &Data, known: &[&'static Entity]) -> Result<Entity, Refused> {
    // An entity that refers to itself is resolved by name wherever it is used; here its keys are what counts.
    let own = self_reference(data).map(|name| itself(name, data));
    let known: Vec<_> = known.iter().copied().chain(own).collect();
    let converter = Converter::new(&known);
    let Some(table) = Table::of(&converter, data, "") else {
        return Err(Refused::whole("expected a declaration as a table"));
    };
    table.only(ENTITY);
    demand(&table, &["name", "primary_key", "fields"]);
    let mut entity = Entity::new(table.text("name").unwrap_or_default());
    entity.description = table.text("description").unwrap_or_default();
    entity.primary_key = table.names("primary_key").unwrap_or_default();
    entity.workspaceable = table.flag("workspaceable").unwrap_or(false);
    entity.endpoint_key = table.text("endpoint_key");
    entity.cache_key = table.names("cache_key").unwrap_or_default();
    entity.ttl = table.flag("ttl").unwrap_or(false);
    entity.db_export = table.flag("db_export").unwrap_or(true);
    entity.subschema_key = table.text("subschema_key");
    entity.subschema_error = table.text("subschema_error");
    entity.generate_admin_api = table.flag("generate_admin_api").unwrap_or(true);
    entity.admin_api_name = table.text("admin_api_name");
    entity.table_name = table.text("table_name");
    entity.admin_api_nested_name = table.text("admin_api_nested_name");
    table.text("dao");
    entity.fields = converter.fields(&table, "fields", true);
    entity.shorthands = converter.shorthands(&table);
    entity.transformations = converter.transformations(&table);
    let mut checks = converter.checks(&table, "entity_checks").to_vec();
    checks.extend(converter.own_check(&table, entity.fields));
    entity.checks = checks.leak();
    if entity.ttl && entity.field("ttl").is_some() {
        table.fault("ttl", "ttl is a reserved field name when ttl is enabled");
    }
    if let [only] = entity.cache_key
        && entity.field(only).is_some_and(|field| !field.is_unique())
    {
        table.fault("cache_key", "a field used as a single cache key must be unique");
    }
    converter.finish()?;
    let name = entity.name;
    entity.checked().map_err(|fault| {
        // The metaschema's paths begin with the name of the entity, which the caller knows.
        let path = fault.path();
        let path =
            path.strip_prefix(name).map(|path| path.trim_start_matches('.').to_owned()).unwrap_or(path);
        Refused { faults: vec![(path, fault.rule.to_owned())] }
    })
}

/// The value under a name of a table.
fn entry<'a>(data: &'a Data, wanted: &str) -> Option<&'a Data> {
    let Data::Table(entries) = data else { return None };
    entries.iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
}

/// The name of an entity that refers to itself.
fn self_reference(data: &Data) -> Option<&str> {
    let Data::Text(name) = entry(data, "name")? else { return None };
    let Data::List(fields) = entry(data, "fields")? else { return None };
    let refers = |item: &Data| match item {
        Data::Table(entries) => entries.iter().any(
            |(_, field)| matches!(entry(field, "reference"), Some(Data::Text(parent)) if parent == name),
        ),
        _ => false,
    };
    fields.iter().any(refers).then_some(name)
}

/// What a reference from an entity to itself leads to: its keys and its table, under its name.
fn itself(name: &str, data: &Data) -> &'static Entity {
    let converter = Converter::new(&[]);
    let mut entity = Entity::new(leak_text(name));
    if let Some(table) = Table::of(&converter, data, "") {
        entity.primary_key = table.names("primary_key").unwrap_or(&["id"]);
        entity.table_name = table.text("table_name");
        entity.admin_api_name = table.text("admin_api_name");
        let keys: Vec<Named> = converter
            .plain_fields(&table)
            .into_iter()
            .filter(|(name, field)| {
                entity.primary_key.contains(name) && !matches!(field.ty, Type::Foreign(_))
            })
            .collect();
        entity.fields = keys.leak();
    }
    leak(entity)
}

/// The shared types by name, for whoever makes them available to a script.
pub fn typedefs() -> &'static [(&'static str, Field)] {
    entities::typedefs::TYPEDEFS
}

#[cfg(test)]
mod tests;
