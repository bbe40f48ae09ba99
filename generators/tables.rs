//! Tables: what the declarations need of a database, as DDL of either dialect, and the way from what a database
//! has to what it needs.
//!
//! A scalar has a column of its own type, everything else a JSON column; a reference is a real foreign key. A row that
//! belongs to a workspace has its id in `ws_id`, which leads its unique indexes and is part of its references, so that
//! none leads into another workspace. Three tables are not entities': `changes` (the log of every write), `tags` (who
//! carries a tag) and `schema_meta`. How a database is brought to these tables is in `tables/difference.rs`.

mod difference;

use entities::schema::{Declarations, Entity, Field, OnDelete, Type};
use sea_query::{
    Alias, ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index, PostgresQueryBuilder,
    SqliteQueryBuilder, Table as Ddl,
};

use crate::operations::Scope;

pub use difference::{Existing, Refusal, Step, difference};

/// The SQL that a store speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Uuid,
    Text,
    Integer,
    Number,
    Boolean,
    Json,
    /// An integer that the database counts up.
    Serial,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// The value of rows that name none; with it, a row cannot be without one.
    pub default: Option<String>,
}

/// A reference to another table's key.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The columns that refer, the one that names the row last.
    pub columns: Vec<String>,
    pub table: String,
    /// The columns referred to, in the same order.
    pub keys: Vec<String>,
    pub on_delete: OnDelete,
}

impl Reference {
    /// Whether the reference is part of a column's own definition.
    fn is_of(&self, column: &Column) -> bool {
        matches!(self.columns.as_slice(), [own] if *own == column.name)
    }
}

/// An index over columns.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexOf {
    pub columns: Vec<String>,
    pub unique: bool,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub primary_key: Vec<String>,
    pub references: Vec<Reference>,
    pub indexes: Vec<IndexOf>,
    /// The names of indexes whose work others do by now.
    pub former: Vec<String>,
    /// Statements that fill a column which is added to rows that are there, by the column's name.
    pub fill: Vec<(&'static str, String)>,
    /// The rows that are always there, by column.
    pub rows: Vec<Vec<(&'static str, Cell)>>,
}

/// A value of a row that is always there.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    /// The second in which it is written.
    Now,
}

impl Table {
    /// The name of an index, which follows from what it covers.
    pub fn index_name(&self, index: &IndexOf) -> String {
        self.name_over(&index.columns, index.unique)
    }

    fn name_over(&self, columns: &[String], unique: bool) -> String {
        format!("{}_{}_{}", self.name, columns.join("_"), if unique { "key" } else { "idx" })
    }

    /// The name of a foreign key.
    fn reference_name(&self, reference: &Reference) -> String {
        format!("{}_{}_fkey", self.name, reference.columns.last().map_or("", String::as_str))
    }
}

/// The column that holds a field: a reference is held as `service_id`.
pub fn column_name(name: &str, field: &Field) -> String {
    if field.foreign().is_some() { format!("{name}_id") } else { name.to_owned() }
}

/// What the column of a field holds.
pub fn kind(field: &Field) -> Kind {
    match field.ty {
        Type::String if field.uuid => Kind::Uuid,
        Type::String => Kind::Text,
        Type::Integer => Kind::Integer,
        Type::Number => Kind::Number,
        Type::Boolean => Kind::Boolean,
        Type::Foreign(entity) => {
            entity.primary_key.first().and_then(|key| entity.field(key)).map_or(Kind::Text, kind)
        }
        _ => Kind::Json,
    }
}

/// The column of a combination that is unique with its nulls; only an entity with several cache key fields has it.
pub const CACHE_KEY: &str = "cache_key";

/// The column of the moment, in milliseconds since 1970, from which on a row is gone; only an entity with a `ttl` has it.
pub const EXPIRES_AT: &str = "expires_at";

/// Whether rows of the entity have a combination of fields that is unique.
pub fn has_cache_key(entity: &Entity) -> bool {
    entity.cache_key.len() > 1
}

/// The column of the workspace that a row belongs to; only an entity whose rows belong to one has it.
pub const WS_ID: &str = "ws_id";

/// Whether a field is unique within a workspace only.
pub fn is_unique_within(entity: &Entity, field: &Field) -> bool {
    entity.workspaceable && !field.unique_across_ws
}

/// The tables that the declarations and the program need, in an order in which they can be created.
pub fn tables(declarations: &Declarations) -> Vec<Table> {
    let mut tables = vec![meta(), changes(), tags(declarations)];
    let stored = declarations.entities().filter(|entity| entity.stored);
    tables.extend(stored.map(|entity| of_entity(entity, declarations)));
    tables
}

/// Whether a table of that name is the program's own and no entity's.
pub fn is_own(table: &str) -> bool {
    ["schema_meta", "changes", "tags"].contains(&table)
}

fn of_entity(entity: &'static Entity, declarations: &Declarations) -> Table {
    let mut table = Table {
        primary_key: entity.primary_key.iter().map(|name| (*name).to_owned()).collect(),
        rows: default_workspace(entity).into_iter().collect(),
        ..empty(entity.table())
    };
    for (name, field) in entity.fields.iter().filter(|(_, field)| field.is_stored()) {
        let column = column_name(name, field);
        if let Some(parent) = field.foreign() {
            table.references.push(reference(entity, &column, parent, field.on_delete));
            // Rows are listed by their parent in the order of ids.
            let columns = [&[column.clone()][..], &table.primary_key].concat();
            table.indexes.push(IndexOf { columns, unique: false });
        }
        if field.is_unique() {
            unique(&mut table, is_unique_within(entity, field), &column);
        }
        table.columns.push(plain(&column, kind(field)));
    }
    let dormant = entity.dormant.iter().filter(|(_, field)| field.is_stored());
    table.columns.extend(dormant.map(|(name, field)| plain(&column_name(name, field), kind(field))));
    if entity.ttl {
        table.columns.push(plain(EXPIRES_AT, Kind::Integer));
        table.indexes.push(IndexOf { columns: vec![EXPIRES_AT.to_owned()], unique: false });
    }
    if has_cache_key(entity) {
        table.columns.push(plain(CACHE_KEY, Kind::Text));
        unique(&mut table, entity.workspaceable, CACHE_KEY);
    }
    if entity.workspaceable {
        belong(&mut table, declarations);
    }
    table
}

/// Makes a column unique, among the rows of a workspace or among all.
fn unique(table: &mut Table, workspace: bool, column: &str) {
    if workspace {
        table.former.push(table.name_over(&within(false, &[column]), true));
    }
    table.indexes.push(IndexOf { columns: within(workspace, &[column]), unique: true });
}

/// A reference of `entity`. Within a workspace it is one of two columns. Such a one cannot set its column alone to
/// null when the row referred to goes; whoever deletes that row does.
fn reference(entity: &Entity, column: &str, parent: &Entity, on_delete: Option<OnDelete>) -> Reference {
    let shared = entity.workspaceable && parent.workspaceable;
    let on_delete = on_delete.unwrap_or(OnDelete::Restrict);
    Reference {
        columns: within(shared, &[column]),
        table: parent.table().to_owned(),
        keys: within(shared, &[parent.primary_key.first().copied().unwrap_or("id")]),
        on_delete: if shared && on_delete == OnDelete::Null { OnDelete::Restrict } else { on_delete },
    }
}

/// Gives a table the column of its rows' workspaces, and the index by which they are listed and referred to.
fn belong(table: &mut Table, declarations: &Declarations) {
    let default = match Scope::default_of(declarations) {
        Scope::Workspace(id) => Some(id.to_string()),
        Scope::Every => None,
    };
    table.columns.push(Column { name: WS_ID.to_owned(), kind: Kind::Uuid, default });
    if let Some(workspaces) = declarations.workspaces() {
        table.references.push(Reference {
            columns: vec![WS_ID.to_owned()],
            table: workspaces.table().to_owned(),
            keys: vec![workspaces.primary_key.first().copied().unwrap_or("id").to_owned()],
            on_delete: OnDelete::Restrict,
        });
    }
    let key: Vec<&str> = table.primary_key.iter().map(String::as_str).collect();
    table.indexes.push(IndexOf { columns: within(true, &key), unique: true });
}

/// Columns behind that of the workspace, where it counts.
fn within(workspace: bool, columns: &[&str]) -> Vec<String> {
    workspace.then_some(WS_ID).iter().chain(columns).map(|name| (*name).to_owned()).collect()
}

/// The workspace that is always there.
fn default_workspace(entity: &'static Entity) -> Option<Vec<(&'static str, Cell)>> {
    let workspace = entity.default_workspace?;
    let cell = |name: &'static str, field: &Field| match (field.ty, kind(field)) {
        _ if entity.primary_key == [name] => Some(Cell::Text(workspace.id.to_string())),
        _ if entity.endpoint_key == Some(name) => Some(Cell::Text(workspace.name.to_owned())),
        (_, Kind::Integer) if field.auto => Some(Cell::Now),
        (Type::Record(_), _) if field.is_required() => Some(Cell::Text("{}".to_owned())),
        _ => None,
    };
    let stored = entity.fields.iter().filter(|(_, field)| field.is_stored());
    Some(stored.filter_map(|(name, field)| Some((*name, cell(name, field)?))).collect())
}

fn empty(name: &str) -> Table {
    Table {
        name: name.to_owned(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        references: Vec::new(),
        indexes: Vec::new(),
        former: Vec::new(),
        fill: Vec::new(),
        rows: Vec::new(),
    }
}

fn plain(name: &str, kind: Kind) -> Column {
    Column { name: name.to_owned(), kind, default: None }
}

fn columns(list: &[(&str, Kind)]) -> Vec<Column> {
    list.iter().map(|(name, kind)| plain(name, *kind)).collect()
}

/// Facts about the store itself, such as the format that wrote it.
fn meta() -> Table {
    Table {
        columns: columns(&[("key", Kind::Text), ("value", Kind::Text)]),
        primary_key: vec!["key".to_owned()],
        ..empty("schema_meta")
    }
}

/// The change log: one line for each row that a write touched, under a version that only grows, with the name of the
/// client where it is known.
fn changes() -> Table {
    Table {
        columns: columns(&[
            ("version", Kind::Serial),
            ("entity", Kind::Text),
            ("id", Kind::Text),
            ("operation", Kind::Text),
            ("before", Kind::Json),
            ("after", Kind::Json),
            ("at", Kind::Integer),
            (WS_ID, Kind::Uuid),
            ("client", Kind::Text),
        ]),
        primary_key: vec!["version".to_owned()],
        ..empty("changes")
    }
}

/// Who carries a tag, so that a filter by tag reads an index and not a collection. Tags of rows that belong to no
/// workspace have none either.
fn tags(declarations: &Declarations) -> Table {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    let fill = match Scope::default_of(declarations) {
        Scope::Workspace(id) => {
            let global = declarations.entities().filter(|entity| !entity.workspaceable);
            let global: Vec<_> = global.map(|entity| format!("'{}'", entity.name)).collect();
            let global = if global.is_empty() {
                String::new()
            } else {
                format!(" WHERE \"entity\" NOT IN ({})", global.join(", "))
            };
            vec![(WS_ID, format!("UPDATE \"tags\" SET \"{WS_ID}\" = '{id}'{global}"))]
        }
        Scope::Every => Vec::new(),
    };
    Table {
        columns: columns(&[
            ("entity", Kind::Text),
            ("tag", Kind::Text),
            ("id", Kind::Uuid),
            ("ordinal", Kind::Integer),
            (WS_ID, Kind::Uuid),
        ]),
        primary_key: names(&["entity", "tag", "id"]),
        indexes: vec![
            IndexOf { columns: names(&[WS_ID, "id", "ordinal"]), unique: false },
            IndexOf { columns: names(&[WS_ID, "tag", "id", "ordinal"]), unique: false },
        ],
        former: names(&["tags_id_ordinal_idx", "tags_tag_id_idx"]),
        fill,
        ..empty("tags")
    }
}

/// The statements that create a table with its indexes and the rows that are always there.
pub fn create(table: &Table, dialect: Dialect) -> Vec<String> {
    std::iter::once(create_table(table, &table.name, dialect))
        .chain(table.indexes.iter().map(|index| create_index(table, index, dialect)))
        .chain(always_there(table, dialect))
        .collect()
}

/// The statements that write the rows which are always there, unless they are.
fn always_there(table: &Table, dialect: Dialect) -> impl Iterator<Item = String> {
    let now = match dialect {
        Dialect::Sqlite => "CAST(strftime('%s', 'now') AS INTEGER)",
        Dialect::Postgres => "CAST(extract(epoch FROM now()) AS bigint)",
    };
    table.rows.iter().map(move |row| {
        let names: Vec<_> = row.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let values = row.iter().map(|(_, cell)| match cell {
            Cell::Text(text) => format!("'{text}'"),
            Cell::Now => now.to_owned(),
        });
        let (table, names, values) = (&table.name, names.join(", "), values.collect::<Vec<_>>().join(", "));
        format!("INSERT INTO \"{table}\" ({names}) VALUES ({values}) ON CONFLICT DO NOTHING")
    })
}

/// The statement that creates a table under a name.
fn create_table(table: &Table, name: &str, dialect: Dialect) -> String {
    let mut statement = Ddl::create();
    statement.table(Alias::new(name)).if_not_exists();
    let key = match table.primary_key.as_slice() {
        [key] => Some(key),
        _ => None,
    };
    for column in &table.columns {
        let mut def = definition(column, dialect);
        if key == Some(&column.name) {
            def.not_null().primary_key();
        } else if table.primary_key.contains(&column.name) {
            def.not_null();
        }
        statement.col(&mut def);
    }
    if key.is_none() {
        let mut index = Index::create();
        table.primary_key.iter().for_each(|name| {
            index.col(Alias::new(name));
        });
        statement.primary_key(&mut index);
    }
    for reference in &table.references {
        statement.foreign_key(&mut foreign_key(table, reference));
    }
    match dialect {
        Dialect::Sqlite => statement.to_string(SqliteQueryBuilder),
        Dialect::Postgres => statement.to_string(PostgresQueryBuilder),
    }
}

fn foreign_key(table: &Table, reference: &Reference) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.name(table.reference_name(reference))
        .from_tbl(Alias::new(&table.name))
        .to_tbl(Alias::new(&reference.table))
        .on_delete(action(reference.on_delete));
    for (column, other) in reference.columns.iter().zip(&reference.keys) {
        key.from_col(Alias::new(column)).to_col(Alias::new(other));
    }
    key
}

fn action(on_delete: OnDelete) -> ForeignKeyAction {
    match on_delete {
        OnDelete::Restrict => ForeignKeyAction::NoAction,
        OnDelete::Cascade => ForeignKeyAction::Cascade,
        OnDelete::Null => ForeignKeyAction::SetNull,
    }
}

fn definition(column: &Column, dialect: Dialect) -> ColumnDef {
    let mut def = ColumnDef::new(Alias::new(&column.name));
    match (column.kind, dialect) {
        // SQLite would hold a UUID as 16 bytes, which nobody can read in a shell.
        (Kind::Uuid, Dialect::Sqlite) | (Kind::Text, _) | (Kind::Json, Dialect::Sqlite) => def.text(),
        (Kind::Uuid, Dialect::Postgres) => def.uuid(),
        (Kind::Json, Dialect::Postgres) => def.json_binary(),
        (Kind::Integer, _) => def.big_integer(),
        (Kind::Number, _) => def.double(),
        (Kind::Boolean, _) => def.boolean(),
        (Kind::Serial, Dialect::Sqlite) => def.integer().auto_increment(),
        (Kind::Serial, Dialect::Postgres) => def.big_integer().auto_increment(),
    };
    if let Some(default) = &column.default {
        def.not_null().default(default.as_str());
    }
    def
}

fn create_index(table: &Table, index: &IndexOf, dialect: Dialect) -> String {
    let mut statement = Index::create();
    statement.name(table.index_name(index)).table(Alias::new(&table.name)).if_not_exists();
    if index.unique {
        statement.unique();
    }
    index.columns.iter().for_each(|name| {
        statement.col(Alias::new(name));
    });
    match dialect {
        Dialect::Sqlite => statement.to_string(SqliteQueryBuilder),
        Dialect::Postgres => statement.to_string(PostgresQueryBuilder),
    }
}
