//! Tables: what the declarations need of a database, as DDL of either dialect, and the way from what a database
//! has to what it needs.
//!
//! A scalar has a column of its own type, everything else a JSON column; a reference is a real foreign key. Three
//! tables are not entities': `changes` (the log of every write), `tags` (who carries a tag) and `schema_meta`.

use entities::schema::{Declarations, Entity, Field, OnDelete, Type};
use sea_query::{
    Alias, ColumnDef, ForeignKey, ForeignKeyAction, Index, PostgresQueryBuilder, SqliteQueryBuilder,
    Table as Ddl,
};

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
}

/// A reference to another table's primary key.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    pub column: String,
    pub table: String,
    pub key: String,
    pub on_delete: OnDelete,
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
}

impl Table {
    /// The name of an index, which follows from what it covers.
    pub fn index_name(&self, index: &IndexOf) -> String {
        format!("{}_{}_{}", self.name, index.columns.join("_"), if index.unique { "key" } else { "idx" })
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

/// The tables that the declarations and the program need, in an order in which they can be created.
pub fn tables(declarations: &Declarations) -> Vec<Table> {
    let mut tables = vec![meta(), changes(), tags()];
    tables.extend(declarations.entities().filter(|entity| entity.stored).map(of_entity));
    tables
}

/// Whether a table of that name is the program's own and no entity's.
pub fn is_own(table: &str) -> bool {
    [meta(), changes(), tags()].iter().any(|own| own.name == table)
}

fn of_entity(entity: &'static Entity) -> Table {
    let mut table = Table {
        name: entity.table().to_owned(),
        columns: Vec::new(),
        primary_key: entity.primary_key.iter().map(|name| (*name).to_owned()).collect(),
        references: Vec::new(),
        indexes: Vec::new(),
    };
    for (name, field) in entity.fields.iter().filter(|(_, field)| field.is_stored()) {
        let column = column_name(name, field);
        if let Some(parent) = field.foreign() {
            table.references.push(Reference {
                column: column.clone(),
                table: parent.table().to_owned(),
                key: parent.primary_key.first().copied().unwrap_or("id").to_owned(),
                on_delete: field.on_delete.unwrap_or(OnDelete::Restrict),
            });
            // Rows are listed by their parent in the order of ids.
            let columns = [&[column.clone()][..], &table.primary_key].concat();
            table.indexes.push(IndexOf { columns, unique: false });
        }
        if field.is_unique() {
            table.indexes.push(IndexOf { columns: vec![column.clone()], unique: true });
        }
        table.columns.push(Column { name: column, kind: kind(field) });
    }
    let dormant = entity.dormant.iter().filter(|(_, field)| field.is_stored());
    table
        .columns
        .extend(dormant.map(|(name, field)| Column { name: column_name(name, field), kind: kind(field) }));
    if entity.ttl {
        table.columns.push(Column { name: EXPIRES_AT.to_owned(), kind: Kind::Integer });
        table.indexes.push(IndexOf { columns: vec![EXPIRES_AT.to_owned()], unique: false });
    }
    if has_cache_key(entity) {
        table.columns.push(Column { name: CACHE_KEY.to_owned(), kind: Kind::Text });
        table.indexes.push(IndexOf { columns: vec![CACHE_KEY.to_owned()], unique: true });
    }
    table
}

fn columns(list: &[(&str, Kind)]) -> Vec<Column> {
    list.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind }).collect()
}

/// Facts about the store itself, such as the format that wrote it.
fn meta() -> Table {
    Table {
        name: "schema_meta".to_owned(),
        columns: columns(&[("key", Kind::Text), ("value", Kind::Text)]),
        primary_key: vec!["key".to_owned()],
        references: Vec::new(),
        indexes: Vec::new(),
    }
}

/// The change log: one line for each row that a write touched, under a version that only grows.
fn changes() -> Table {
    Table {
        name: "changes".to_owned(),
        columns: columns(&[
            ("version", Kind::Serial),
            ("entity", Kind::Text),
            ("id", Kind::Text),
            ("operation", Kind::Text),
            ("before", Kind::Json),
            ("after", Kind::Json),
            ("at", Kind::Integer),
        ]),
        primary_key: vec!["version".to_owned()],
        references: Vec::new(),
        indexes: Vec::new(),
    }
}

/// Who carries a tag, so that a filter by tag reads an index and not a collection.
fn tags() -> Table {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    Table {
        name: "tags".to_owned(),
        columns: columns(&[
            ("entity", Kind::Text),
            ("tag", Kind::Text),
            ("id", Kind::Uuid),
            ("ordinal", Kind::Integer),
        ]),
        primary_key: names(&["entity", "tag", "id"]),
        references: Vec::new(),
        indexes: vec![
            IndexOf { columns: names(&["id", "ordinal"]), unique: false },
            IndexOf { columns: names(&["tag", "id"]), unique: false },
        ],
    }
}

/// The statements that create a table with its indexes.
pub fn create(table: &Table, dialect: Dialect) -> Vec<String> {
    let mut statement = Ddl::create();
    statement.table(Alias::new(&table.name)).if_not_exists();
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
        statement.foreign_key(
            ForeignKey::create()
                .name(format!("{}_{}_fkey", table.name, reference.column))
                .from(Alias::new(&table.name), Alias::new(&reference.column))
                .to(Alias::new(&reference.table), Alias::new(&reference.key))
                .on_delete(action(reference.on_delete)),
        );
    }
    let created = match dialect {
        Dialect::Sqlite => statement.to_string(SqliteQueryBuilder),
        Dialect::Postgres => statement.to_string(PostgresQueryBuilder),
    };
    std::iter::once(created)
        .chain(table.indexes.iter().map(|index| create_index(table, index, dialect)))
        .collect()
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

/// What a database has of a table: the names of its columns and of its indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Existing {
    pub name: String,
    pub columns: Vec<String>,
    pub indexes: Vec<String>,
}

/// A step of a migration: what it does, for people, and the statements that do it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub what: String,
    pub statements: Vec<String>,
}

/// Why a database cannot be brought to what the declarations need.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A column is no longer declared; dropping it would lose what it holds.
    #[error("the table '{table}' has a column '{column}' that nothing declares; dropping it would lose data")]
    WouldLose { table: String, column: String },
}

/// The steps from what a database has to what the declarations need. Steps only add.
pub fn difference(existing: &[Existing], wanted: &[Table], dialect: Dialect) -> Result<Vec<Step>, Refusal> {
    let mut steps = Vec::new();
    for table in wanted {
        let Some(found) = existing.iter().find(|found| found.name == table.name) else {
            let what = format!("create the table '{}'", table.name);
            steps.push(Step { what, statements: create(table, dialect) });
            continue;
        };
        if let Some(column) =
            found.columns.iter().find(|name| table.columns.iter().all(|own| own.name != **name))
        {
            return Err(Refusal::WouldLose { table: table.name.clone(), column: column.clone() });
        }
        for column in table.columns.iter().filter(|own| !found.columns.contains(&own.name)) {
            let what = format!("add the column '{}' to the table '{}'", column.name, table.name);
            steps.push(Step { what, statements: vec![add_column(table, column, dialect)] });
        }
        for index in table.indexes.iter().filter(|index| !found.indexes.contains(&table.index_name(index))) {
            let what = format!("add the index '{}' to the table '{}'", table.index_name(index), table.name);
            steps.push(Step { what, statements: vec![create_index(table, index, dialect)] });
        }
    }
    Ok(steps)
}

/// Adds a column. SQLite takes a reference only within the column's own definition.
fn add_column(table: &Table, column: &Column, dialect: Dialect) -> String {
    let mut statement = Ddl::alter();
    let mut def = definition(column, dialect);
    if let Some(reference) = table.references.iter().find(|reference| reference.column == column.name) {
        let rule = match reference.on_delete {
            OnDelete::Restrict => "NO ACTION",
            OnDelete::Cascade => "CASCADE",
            OnDelete::Null => "SET NULL",
        };
        def.extra(format!("REFERENCES \"{}\" (\"{}\") ON DELETE {rule}", reference.table, reference.key));
    }
    statement.table(Alias::new(&table.name)).add_column(&mut def);
    match dialect {
        Dialect::Sqlite => statement.to_string(SqliteQueryBuilder),
        Dialect::Postgres => statement.to_string(PostgresQueryBuilder),
    }
}
