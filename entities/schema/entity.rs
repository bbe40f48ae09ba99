//! An entity: its fields, its keys, and how it is stored and served.
//!
//! Everything that the program does for an entity follows from this value. [`Entity::build`] holds it against the
//! metaschema while the program compiles; [`Entity::checked`] does the same for a declaration made at run time.

use serde_json::{Map, Value};

use super::access::Access;
use super::check::{Check, Names};
use super::context::Context;
use super::field::{Field, Named};
use super::metaschema::Fault;
use super::shorthand::Shorthand;

/// The editions of the product; a field, a choice or an entity of a later one is unknown in an earlier one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edition {
    #[default]
    Community,
    Enterprise,
}

impl Edition {
    /// The word of the setting and of `GET /`.
    pub const fn name(self) -> &'static str {
        match self {
            Edition::Community => "community",
            Edition::Enterprise => "enterprise",
        }
    }
}

/// Computes fields from others before a row is written, or after it is read.
#[derive(Clone, Copy)]
pub struct Transformation {
    /// Fields that must all be given for the transformation to run; given in part they are a violation.
    pub input: Names,
    /// Further fields that it reads, by path (`consumer.id`); they may come from the stored row.
    pub needs: Names,
    pub on_write: Option<Transform>,
    pub on_read: Option<Transform>,
}

/// Gets the fields named by `input` and `needs`, under the names as they stand there, gives the fields to write over
/// the row, or says what failed.
pub type Transform =
    &'static (dyn Fn(&Map<String, Value>, &Context) -> Result<Map<String, Value>, String> + Send + Sync);

/// A variant of an entity, chosen by the value of its subschema key: a plugin's configuration, a kind of route.
#[derive(Clone, Copy)]
pub struct Subschema {
    pub name: &'static str,
    /// Fields that take the place of the entity's of the same name.
    pub fields: &'static [Named],
    pub checks: &'static [Check],
    pub transformations: &'static [Transformation],
    pub edition: Edition,
    /// Plugins only: the order of execution, as `GET /` shows it.
    pub priority: i64,
    /// Plugins only: the version, as `GET /` shows it.
    pub version: &'static str,
}

impl Subschema {
    /// A variant that changes nothing yet.
    pub const fn new(name: &'static str) -> Subschema {
        Subschema {
            name,
            fields: &[],
            checks: &[],
            transformations: &[],
            edition: Edition::Community,
            priority: 0,
            version: "",
        }
    }

    /// The fields that the variant declares in place of the entity's.
    pub const fn fields(mut self, fields: &'static [Named]) -> Subschema {
        self.fields = fields;
        self
    }

    /// Rules between fields, on top of the entity's.
    pub const fn checks(mut self, checks: &'static [Check]) -> Subschema {
        self.checks = checks;
        self
    }

    /// Transformations on top of the entity's.
    pub const fn transformations(mut self, list: &'static [Transformation]) -> Subschema {
        self.transformations = list;
        self
    }

    /// The edition in which the variant exists.
    pub const fn edition(mut self, edition: Edition) -> Subschema {
        self.edition = edition;
        self
    }

    /// Ends a declaration made at run time: the rules that a variant of `entity` keeps, with the path of the fault.
    pub fn checked(self, entity: &Entity) -> Result<Subschema, Fault> {
        match super::metaschema::subschema_fault(&self, entity.fields) {
            None => Ok(self),
            Some(fault) => Err(fault),
        }
    }

    /// A plugin's version and its place in the order of execution.
    pub const fn plugin(mut self, version: &'static str, priority: i64) -> Subschema {
        self.version = version;
        self.priority = priority;
        self
    }
}

/// A list that a row must share a value of with the rows it hangs on (a plugin's protocols with its route's).
#[derive(Clone, Copy)]
pub struct Agreement {
    /// The list, of the same name on both sides.
    pub field: &'static str,
    /// The first reference that is set decides: the reference; where the rows on the other side are not the row
    /// referred to but rows that refer to it in turn, their entity and its field; and the sentence.
    pub with: &'static [Shared],
}

/// The workspace that every store has, of rows whose path names no other. Its id is the same in every store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultWorkspace {
    pub id: uuid::Uuid,
    /// The value of the endpoint key.
    pub name: &'static str,
}

/// A reference, what lies across it, and what to say when no value is shared.
pub type Shared = (&'static str, Option<(&'static str, &'static str)>, &'static str);

/// The declaration of an entity.
#[derive(Clone, Copy)]
pub struct Entity {
    pub name: &'static str,
    pub description: &'static str,
    pub fields: &'static [Named],
    /// Fields that the node's profile leaves out and whose columns its table has all the same: another setting brings
    /// them back, with what they held.
    pub dormant: &'static [Named],
    pub checks: &'static [Check],
    pub shorthands: &'static [Shorthand],
    pub transformations: &'static [Transformation],
    pub primary_key: Names,
    pub endpoint_key: Option<&'static str>,
    pub cache_key: Names,
    pub workspaceable: bool,
    /// The rows are the workspaces that rows of other entities belong to; this one of them is always there.
    pub default_workspace: Option<DefaultWorkspace>,
    /// What the rows decide about who may do what.
    pub access: Option<Access>,
    pub ttl: bool,
    pub table_name: Option<&'static str>,
    pub admin_api_name: Option<&'static str>,
    pub admin_api_nested_name: Option<&'static str>,
    pub generate_admin_api: bool,
    pub db_export: bool,
    pub edition: Edition,
    pub subschema_key: Option<&'static str>,
    pub subschema_error: Option<&'static str>,
    pub subschemas: &'static [(&'static str, &'static Subschema)],
    /// A PATCH that does not choose a subschema takes the stored row's, before anything else is looked at.
    pub keeps_subschema: bool,
    /// A list in which the row and what it hangs on must have a value in common.
    pub agreement: Option<Agreement>,
    /// Whether a table holds its rows; `tags` is computed from the others.
    pub stored: bool,
    /// Unique fields that the collection can be asked for by a query argument (`/consumers?custom_id=…`).
    pub lookups: Names,
    /// Another entity whose endpoint key leads here, and what to say when it does not (`/certificates/{sni}`).
    pub reached_through: Option<(&'static str, &'static str)>,
    /// Served below its parent only, where a PUT updates and a DELETE of something absent is a 404.
    pub nested_only: bool,
    /// The field that names a row below its parent, where the entity has no endpoint key (`/consumers/{}/acls/{group}`).
    pub key_below: Option<&'static str>,
    /// Below its parent: listed newest first, and in the order of ids under `/all`.
    pub newest_first: bool,
}

/// Writes the builder methods, one line each.
macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident ( $($arg:ident : $ty:ty),* ) $attribute:ident = $value:expr;)*) => {
        impl Entity {
            $($(#[$doc])* #[must_use] pub const fn $name(mut self $(, $arg: $ty)*) -> Entity {
                self.$attribute = $value;
                self
            })*
        }
    };
}

#[rustfmt::skip]
attributes! {
    /// What the entity is, in the words that users read.
    doc(text: &'static str) description = text;
    /// The fields, in the order of answers and tables.
    fields(fields: &'static [Named]) fields = fields;
    /// Rules between fields.
    checks(checks: &'static [Check]) checks = checks;
    /// Input fields that are written as others.
    shorthands(shorthands: &'static [Shorthand]) shorthands = shorthands;
    /// Fields that are computed from others.
    transformations(list: &'static [Transformation]) transformations = list;
    /// The fields that identify a row; `id` unless declared.
    primary_key(names: Names) primary_key = names;
    /// The unique field that may stand for the id in a path.
    endpoint_key(name: &'static str) endpoint_key = Some(name);
    /// Fields that are unique together, nulls included.
    cache_key(names: Names) cache_key = names;
    /// Rows belong to a workspace.
    workspaceable() workspaceable = true;
    /// The rows are the workspaces of other entities' rows.
    default_workspace(row: DefaultWorkspace) default_workspace = Some(row);
    /// The rows decide who may do what.
    access(access: Access) access = Some(access);
    /// Rows may expire.
    ttl() ttl = true;
    /// The table, where it differs from the name.
    table_name(name: &'static str) table_name = Some(name);
    /// The name in paths, where it differs.
    admin_api_name(name: &'static str) admin_api_name = Some(name);
    /// The name in paths below a parent, where it differs.
    admin_api_nested_name(name: &'static str) admin_api_nested_name = Some(name);
    /// The entity has no endpoints.
    without_admin_api() generate_admin_api = false;
    /// The entity is left out of exports.
    without_db_export() db_export = false;
    /// The edition in which the entity exists.
    edition(edition: Edition) edition = edition;
    /// The field that chooses the subschema.
    subschema_key(name: &'static str) subschema_key = Some(name);
    /// What to say of an unknown subschema; `%s` stands for its name.
    subschema_error(text: &'static str) subschema_error = Some(text);
    /// The subschemas by the value that chooses them.
    subschemas(list: &'static [(&'static str, &'static Subschema)]) subschemas = list;
    /// A PATCH need not name the subschema.
    keeps_subschema() keeps_subschema = true;
    /// A list in which the row and what it hangs on must have a value in common.
    agreement(agreement: Agreement) agreement = Some(agreement);
    /// No table holds the entity.
    not_stored() stored = false;
    /// Unique fields that the collection can be asked for.
    lookups(names: Names) lookups = names;
    /// An entity whose endpoint key leads here, and what to say when it leads nowhere.
    reached_through(entity: &'static str, not_found: &'static str) reached_through = Some((entity, not_found));
    /// Served below its parent only.
    nested_only() nested_only = true;
    /// The field that names a row below its parent, and there only.
    key_below(name: &'static str) key_below = Some(name);
    /// Listed newest first below its parent.
    newest_first() newest_first = true;
}

impl Entity {
    /// An entity of that name without fields.
    pub const fn new(name: &'static str) -> Entity {
        Entity {
            name,
            description: "",
            fields: &[],
            dormant: &[],
            checks: &[],
            shorthands: &[],
            transformations: &[],
            primary_key: &["id"],
            endpoint_key: None,
            cache_key: &[],
            workspaceable: false,
            default_workspace: None,
            access: None,
            ttl: false,
            table_name: None,
            admin_api_name: None,
            admin_api_nested_name: None,
            generate_admin_api: true,
            db_export: true,
            edition: Edition::Community,
            subschema_key: None,
            subschema_error: None,
            subschemas: &[],
            keeps_subschema: false,
            agreement: None,
            stored: true,
            lookups: &[],
            reached_through: None,
            nested_only: false,
            key_below: None,
            newest_first: false,
        }
    }

    /// Ends a declaration in the program's text: a declaration that breaks the metaschema does not compile.
    #[must_use]
    #[expect(clippy::panic, reason = "the compiler prints it; nothing of it is left in the program")]
    pub const fn build(self) -> Entity {
        match super::metaschema::fault(&self) {
            None => self,
            Some(fault) => panic!("{}", fault.rule),
        }
    }

    /// Ends a declaration made at run time: the same rules, with the path of the fault.
    pub fn checked(self) -> Result<Entity, Fault> {
        match super::metaschema::fault(&self) {
            None => Ok(self),
            Some(fault) => Err(fault),
        }
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, field)| field)
    }

    /// The fields that refer to other entities.
    pub fn foreign_keys(&self) -> impl Iterator<Item = (&'static str, &'static Field, &'static Entity)> {
        self.fields.iter().filter_map(|(name, field)| field.foreign().map(|entity| (*name, field, entity)))
    }

    /// The table that holds the rows.
    pub fn table(&self) -> &'static str {
        self.table_name.unwrap_or(self.name)
    }

    /// The entity's name as the first segment of a path.
    pub fn collection(&self) -> &'static str {
        self.admin_api_name.unwrap_or(self.name)
    }

    /// The entity's name as a segment below a parent.
    pub fn nested_collection(&self) -> &'static str {
        self.admin_api_nested_name.unwrap_or(self.collection())
    }

    /// The subschema of that name.
    pub fn subschema(&self, name: &str) -> Option<&'static Subschema> {
        self.subschemas.iter().find(|(key, _)| *key == name).map(|(_, subschema)| *subschema)
    }

    /// The subschema that a row chooses: by its key, or by the first known value where the key is a set.
    pub fn subschema_of(&self, row: &Map<String, Value>) -> Option<&'static Subschema> {
        match row.get(self.subschema_key?)? {
            Value::String(name) => self.subschema(name),
            Value::Array(names) => names.iter().find_map(|name| self.subschema(name.as_str()?)),
            _ => None,
        }
    }

    /// The fields as a row sees them: a subschema's take the place of the entity's.
    pub fn fields_of(
        &self,
        subschema: Option<&'static Subschema>,
    ) -> impl Iterator<Item = (&'static str, &'static Field)> {
        self.fields.iter().map(move |(name, field)| {
            let own = subschema.and_then(|subschema| subschema.fields.iter().find(|(own, _)| own == name));
            (*name, own.map_or(field, |(_, own)| own))
        })
    }

    /// The field that lists rows of another entity, if there is one: its name, that entity, and the field listed.
    pub fn listing(&self) -> Option<(&'static str, &'static str, &'static str)> {
        self.fields
            .iter()
            .find_map(|(name, field)| field.lists.map(|(entity, listed)| (*name, entity, listed)))
    }

    /// The shorthands that have the name of a field. They run, in this order, on a row that is read, too.
    pub fn rewriting_shorthands(&self) -> impl Iterator<Item = &'static Shorthand> {
        self.shorthands.iter().filter(|shorthand| self.field(shorthand.name).is_some())
    }

    /// Whether rows are known by one UUID.
    pub fn has_uuid(&self) -> bool {
        matches!(self.primary_key, [key] if self.field(key).is_some_and(|field| field.uuid))
    }

    /// The unique fields, in the order of their declaration.
    pub fn unique_fields(&self) -> impl Iterator<Item = (&'static str, &'static Field)> {
        self.fields.iter().filter(|(_, field)| field.is_unique()).map(|(name, field)| (*name, field))
    }
}
