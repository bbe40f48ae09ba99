//! Operations as SQL: the text of every statement, the values to bind, and rows from columns.
//!
//! Texts name their columns, always: a `SELECT *` that a connection has prepared breaks when a column is added. A
//! text depends on the entity and the shape of the question alone, so that each is made once and prepared once.

use entities::schema::{Entity, Field, Named, Row, Type};
use sea_query::{
    Alias, Expr, ExprTrait, Func, OnConflict, Order, PostgresQueryBuilder, Query, SelectStatement,
    SqliteQueryBuilder, Value as Bound,
};
use serde_json::Value;
use uuid::Uuid;

use crate::operations::{Page, Scope, primary, reference};
use crate::tables::{CACHE_KEY, Dialect, EXPIRES_AT, Kind, WS_ID, column_name, has_cache_key, kind};

/// A column of an entity's table and the field that it holds.
#[derive(Clone, Copy)]
pub struct Held {
    pub name: &'static str,
    pub field: &'static Field,
    pub kind: Kind,
}

/// The columns of an entity's rows, in the order of every `SELECT`.
pub fn held(entity: &'static Entity) -> impl Iterator<Item = Held> {
    entity.fields.iter().filter(|(_, field)| field.is_stored()).map(|(name, field)| Held {
        name,
        field,
        kind: kind(field),
    })
}

/// The shape of a question about one entity. Only a question within one workspace names `ws_id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `SELECT … WHERE ws_id = ? AND id = ?`
    ById,
    /// `SELECT … WHERE ws_id = ? AND name = ?`
    ByField(&'static str),
    /// `SELECT … WHERE upstream_id = ? AND target = ?`
    ByFieldWithin(&'static str, &'static str),
    /// `SELECT … WHERE ws_id = ? AND cache_key = ?`
    ByCacheKey,
    /// `SELECT … WHERE ws_id = ? AND id > ? ORDER BY id LIMIT ?`
    Page { within: Option<&'static str>, tags: usize, all: bool, after: bool },
    /// `SELECT … WHERE ws_id = ? AND EXISTS(an element of the field is ?) LIMIT 1`
    Naming(&'static str),
    /// `SELECT … WHERE expires_at <= ? LIMIT ?`
    Expired,
    /// `SELECT … WHERE service_id IN (the elements of a list)`
    Among(&'static str),
    /// `INSERT INTO … VALUES (…), (…)`, so many rows.
    Insert(usize),
    /// `INSERT INTO … VALUES (…), (…) ON CONFLICT (id) DO UPDATE SET …`, so many rows. They stay in their workspace.
    Upsert(usize),
    /// `UPDATE … WHERE id = ?`
    Update,
    /// `DELETE … WHERE id = ?`
    Delete,
}

/// The shape of a page.
pub fn shape_of(page: &Page) -> Shape {
    Shape::Page {
        within: page.within.as_ref().map(|(field, _)| *field),
        tags: page.tags.as_ref().map_or(0, |tags| tags.names.len()),
        all: page.tags.as_ref().is_none_or(|tags| tags.all),
        after: page.after.is_some(),
    }
}

/// Whether a question about `entity` names the workspace. Rows below one that belongs to a workspace are in the same.
pub fn is_scoped(entity: &Entity, shape: &Shape, scope: Scope) -> bool {
    let below = match shape {
        Shape::Page { within: Some(field), .. } | Shape::ByFieldWithin(field, _) | Shape::Among(field) => {
            entity.field(field)
        }
        _ => None,
    };
    let is_below = below.and_then(Field::foreign).is_some_and(|parent| parent.workspaceable);
    entity.workspaceable && scope != Scope::Every && !is_below
}

/// The text of a statement. The first value of a question that names the workspace is that; one about every workspace
/// gives it as the last column.
pub fn text(entity: &'static Entity, shape: &Shape, scope: Scope, dialect: Dialect) -> String {
    let table = Alias::new(entity.table());
    match shape {
        Shape::Insert(rows) | Shape::Upsert(rows) => {
            let workspace = entity.workspaceable.then(|| WS_ID.to_owned());
            let columns: Vec<_> = stored_columns(entity).chain(workspace).map(Alias::new).collect();
            let mut insert = Query::insert();
            if matches!(shape, Shape::Upsert(_)) {
                let is_key = |name: &String| entity.primary_key.contains(&name.as_str());
                let changed = stored_columns(entity).filter(|name| !is_key(name)).map(Alias::new);
                let key = entity.primary_key.iter().copied().map(Alias::new);
                insert.on_conflict(OnConflict::columns(key).update_columns(changed).to_owned());
            }
            let blanks: Vec<Expr> = columns.iter().map(|_| blank()).collect();
            insert.into_table(table).columns(columns);
            for _ in 0..*rows {
                insert.values_panic(blanks.clone());
            }
            match dialect {
                Dialect::Sqlite => insert.build(SqliteQueryBuilder).0,
                Dialect::Postgres => insert.build(PostgresQueryBuilder).0,
            }
        }
        Shape::Update => {
            let mut update = Query::update();
            update.table(table);
            for column in stored_columns(entity).filter(|name| !entity.primary_key.contains(&name.as_str())) {
                update.value(Alias::new(column), blank());
            }
            for key in entity.primary_key {
                update.and_where(Expr::col(Alias::new(*key)).eq(blank()));
            }
            match dialect {
                Dialect::Sqlite => update.build(SqliteQueryBuilder).0,
                Dialect::Postgres => update.build(PostgresQueryBuilder).0,
            }
        }
        Shape::Delete => {
            let mut delete = Query::delete();
            delete.from_table(table);
            for key in entity.primary_key {
                delete.and_where(Expr::col(Alias::new(*key)).eq(blank()));
            }
            match dialect {
                Dialect::Sqlite => delete.build(SqliteQueryBuilder).0,
                Dialect::Postgres => delete.build(PostgresQueryBuilder).0,
            }
        }
        question => {
            let select = select(entity, question, scope, dialect);
            match dialect {
                Dialect::Sqlite => select.build(SqliteQueryBuilder).0,
                Dialect::Postgres => select.build(PostgresQueryBuilder).0,
            }
        }
    }
}

/// A place for a value that is bound later.
fn blank() -> Expr {
    Expr::val("")
}

fn stored_columns(entity: &'static Entity) -> impl Iterator<Item = String> {
    held(entity)
        .map(|held| column_name(held.name, held.field))
        .chain(entity.ttl.then(|| EXPIRES_AT.to_owned()))
        .chain(has_cache_key(entity).then(|| CACHE_KEY.to_owned()))
}

fn column_of(entity: &'static Entity, name: &str) -> Alias {
    Alias::new(entity.field(name).map_or_else(|| name.to_owned(), |field| column_name(name, field)))
}

fn select(entity: &'static Entity, shape: &Shape, scope: Scope, dialect: Dialect) -> SelectStatement {
    let mut select = Query::select();
    let key = Alias::new(entity.primary_key.first().copied().unwrap_or("id"));
    select.columns(held(entity).map(|held| Alias::new(column_name(held.name, held.field))));
    select.from(Alias::new(entity.table()));
    if is_scoped(entity, shape, scope) {
        select.and_where(Expr::col(Alias::new(WS_ID)).eq(blank()));
    }
    if entity.ttl {
        let expires_at = || Expr::col(Alias::new(EXPIRES_AT));
        select.column(Alias::new(EXPIRES_AT));
        match shape {
            Shape::Expired => select.and_where(expires_at().lte(blank())).limit(1),
            _ => select.and_where(expires_at().is_null().or(expires_at().gt(blank()))),
        };
    }
    if entity.workspaceable && scope == Scope::Every {
        select.column(Alias::new(WS_ID));
    }
    match shape {
        Shape::ById => {
            for name in entity.primary_key {
                select.and_where(Expr::col(Alias::new(*name)).eq(blank()));
            }
        }
        Shape::ByField(field) => {
            select.and_where(Expr::col(column_of(entity, field)).eq(blank()));
        }
        Shape::ByFieldWithin(parent, field) => {
            select.and_where(Expr::col(column_of(entity, parent)).eq(blank()));
            select.and_where(Expr::col(column_of(entity, field)).eq(blank()));
        }
        Shape::ByCacheKey => {
            select.and_where(Expr::col(Alias::new(CACHE_KEY)).eq(blank()));
        }
        Shape::Page { within, tags, all, after } => {
            if let Some(parent) = within {
                select.and_where(Expr::col(column_of(entity, parent)).eq(blank()));
            }
            let carrying = |count: usize| {
                let mut carrying = Query::select();
                carrying.column(Alias::new("id")).from(Alias::new("tags"));
                carrying.and_where(Expr::col(Alias::new("entity")).eq(blank()));
                carrying.and_where(Expr::col(Alias::new("tag")).is_in((0..count).map(|_| blank())));
                carrying
            };
            match (tags, all) {
                (0, _) => {}
                (count, true) => (0..*count).for_each(|_| {
                    select.and_where(Expr::col(key.clone()).in_subquery(carrying(1)));
                }),
                (count, false) => {
                    select.and_where(Expr::col(key.clone()).in_subquery(carrying(*count)));
                }
            }
            if *after {
                select.and_where(Expr::col(key.clone()).gt(blank()));
            }
            select.order_by(key, Order::Asc).limit(1);
        }
        Shape::Naming(field) => {
            let column = Expr::col(column_of(entity, field));
            match dialect {
                Dialect::Sqlite => {
                    let mut elements = Query::select();
                    elements
                        .expr(Expr::cust("1"))
                        .from_function(Func::cust("json_each").arg(column), "element")
                        .and_where(Expr::col(Alias::new("value")).eq(blank()));
                    select.and_where(Expr::exists(elements));
                }
                Dialect::Postgres => {
                    select.and_where(Expr::cust_with_exprs("$1 @> $2", [column, blank()]));
                }
            }
            select.limit(1);
        }
        Shape::Among(field) => {
            let column = Expr::col(column_of(entity, field));
            let kind = entity.field(field).map_or(Kind::Text, kind);
            let listed = match (dialect, kind) {
                (Dialect::Sqlite, _) => "? IN (SELECT value FROM json_each(?))",
                (Dialect::Postgres, Kind::Uuid) => "$1 = ANY(CAST(CAST($2 AS text) AS uuid[]))",
                (Dialect::Postgres, _) => "$1 = ANY(CAST(CAST($2 AS text) AS text[]))",
            };
            select.and_where(Expr::cust_with_exprs(listed, [column, blank()]));
        }
        Shape::Expired | Shape::Insert(_) | Shape::Upsert(_) | Shape::Update | Shape::Delete => {}
    }
    select
}

/// A text bound as what a column holds.
pub fn bind_text(kind: Kind, text: &str, dialect: Dialect) -> Bound {
    match (kind, dialect, Uuid::parse_str(text)) {
        (Kind::Uuid, Dialect::Postgres, Ok(id)) => Bound::from(id),
        // No row has an id that is none.
        (Kind::Uuid, Dialect::Postgres, Err(_)) => Bound::Uuid(None),
        _ => Bound::from(text),
    }
}

/// Texts bound as a list: a JSON array in SQLite, the text of an array in PostgreSQL.
pub fn bind_list(texts: Vec<String>, dialect: Dialect) -> Bound {
    match dialect {
        Dialect::Sqlite => bind_json(&Value::from(texts), dialect),
        Dialect::Postgres => {
            let quoted = |text: &String| format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""));
            Bound::from(format!("{{{}}}", texts.iter().map(quoted).collect::<Vec<_>>().join(",")))
        }
    }
}

/// A workspace bound as the column holds it; `None` for rows that belong to none.
pub fn bind_workspace(workspace: Option<Uuid>, dialect: Dialect) -> Bound {
    match (workspace, dialect) {
        (Some(id), Dialect::Sqlite) => Bound::from(id.to_string()),
        (Some(id), Dialect::Postgres) => Bound::from(id),
        (None, dialect) => none(Kind::Uuid, dialect),
    }
}

/// How many values a row of [`Shape::Insert`] has.
pub fn width(entity: &'static Entity) -> usize {
    stored_columns(entity).count() + usize::from(entity.workspaceable)
}

/// The values of a row of [`Shape::Insert`] and [`Shape::Upsert`]; behind them comes the workspace of a row that belongs to one.
pub fn insert_values(entity: &'static Entity, row: &Row, dialect: Dialect) -> Vec<Bound> {
    held(entity)
        .map(|held| bind(held, row, dialect))
        .chain(expires_at(entity, row))
        .chain(cache_key(entity, row).map(Bound::from))
        .collect()
}

/// The values of [`Shape::Update`].
pub fn update_values(entity: &'static Entity, row: &Row, dialect: Dialect) -> Vec<Bound> {
    let is_key = |held: &Held| entity.primary_key.contains(&held.name);
    let keys = entity.primary_key.iter().filter_map(|name| held(entity).find(|held| held.name == *name));
    held(entity)
        .filter(|held| !is_key(held))
        .map(|held| bind(held, row, dialect))
        .chain(expires_at(entity, row))
        .chain(cache_key(entity, row).map(Bound::from))
        .chain(keys.map(|held| bind(held, row, dialect)))
        .collect()
}

/// The key under which a row carries the moment at which it is gone. No client sees it.
pub const EXPIRY: &str = "$expires_at";

/// The bound moment of an entity whose rows expire.
fn expires_at(entity: &Entity, row: &Row) -> Option<Bound> {
    entity.ttl.then(|| Bound::BigInt(row.get(EXPIRY).and_then(Value::as_i64)))
}

/// The values of [`Shape::ById`] and [`Shape::Delete`] for a primary key of one field.
pub fn id_values(entity: &'static Entity, id: &str, dialect: Dialect) -> Vec<Bound> {
    let key = primary(entity, id);
    entity
        .primary_key
        .iter()
        .filter_map(|name| held(entity).find(|held| held.name == *name))
        .map(|held| bind(held, &key, dialect))
        .collect()
}

/// The values of a page, and how many rows it asks for: one more than its size, to know whether more follow.
pub fn page_values(entity: &'static Entity, page: &Page, dialect: Dialect) -> Vec<Bound> {
    let mut values = Vec::new();
    let kind_of = |name: &str| entity.field(name).map_or(Kind::Text, kind);
    if let Some((field, parent)) = &page.within {
        values.push(bind_text(kind_of(field), parent, dialect));
    }
    if let Some(tags) = &page.tags {
        if !tags.all {
            values.push(Bound::from(entity.name));
        }
        for tag in &tags.names {
            if tags.all {
                values.push(Bound::from(entity.name));
            }
            values.push(Bound::from(tag.as_str()));
        }
    }
    if let Some(after) = &page.after {
        values.push(bind_text(kind_of(entity.primary_key.first().copied().unwrap_or("id")), after, dialect));
    }
    values.push(Bound::from(page.size as i64 + 1));
    values
}

fn bind(held: Held, row: &Row, dialect: Dialect) -> Bound {
    let value = row.get(held.name).unwrap_or(&Value::Null);
    match held.kind {
        Kind::Uuid if held.field.foreign().is_some() => {
            let id = held.field.foreign().and_then(|parent| reference(value, parent));
            match id {
                Some(id) => bind_text(Kind::Uuid, &id, dialect),
                None => none(held.kind, dialect),
            }
        }
        Kind::Uuid | Kind::Text => match value.as_str() {
            Some(text) => bind_text(held.kind, text, dialect),
            None => none(held.kind, dialect),
        },
        Kind::Integer | Kind::Serial => Bound::BigInt(value.as_i64()),
        Kind::Number => Bound::Double(value.as_f64()),
        Kind::Boolean => Bound::Bool(value.as_bool()),
        Kind::Json if value.is_null() => none(held.kind, dialect),
        Kind::Json => bind_json(value, dialect),
    }
}

/// A row bound as a JSON column holds it.
pub fn bind_row(row: &Row, dialect: Dialect) -> Bound {
    match dialect {
        // Rows can always be written as JSON: their keys are texts.
        Dialect::Sqlite => Bound::from(serde_json::to_string(row).unwrap_or_default()),
        Dialect::Postgres => Bound::from(Value::Object(row.clone())),
    }
}

/// A JSON value bound as a column holds it: text in SQLite, `jsonb` in PostgreSQL.
pub fn bind_json(value: &Value, dialect: Dialect) -> Bound {
    match dialect {
        Dialect::Sqlite => Bound::from(value.to_string()),
        Dialect::Postgres => Bound::from(value.clone()),
    }
}

/// So many lists of places for values: `(?, ?), (?, ?)`, or `($1, $2), ($3, $4)`.
pub fn lists(rows: usize, width: usize, dialect: Dialect) -> String {
    let place = |i: usize| match dialect {
        Dialect::Sqlite => "?".to_owned(),
        Dialect::Postgres => format!("${i}"),
    };
    let list = |row: usize| (1..=width).map(|i| place(row * width + i)).collect::<Vec<_>>().join(", ");
    (0..rows).map(|row| format!("({})", list(row))).collect::<Vec<_>>().join(", ")
}

fn none(kind: Kind, dialect: Dialect) -> Bound {
    match (kind, dialect) {
        (Kind::Uuid, Dialect::Postgres) => Bound::Uuid(None),
        (Kind::Json, Dialect::Postgres) => Bound::Json(None),
        _ => Bound::String(None),
    }
}

/// The text of a combination that is unique: its values joined, an empty text for null.
pub fn cache_key(entity: &Entity, row: &Row) -> Option<String> {
    if !has_cache_key(entity) {
        return None;
    }
    let parts: Vec<String> = entity
        .cache_key
        .iter()
        .map(|name| match row.get(*name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value @ Value::Object(_)) => entity
                .field(name)
                .and_then(Field::foreign)
                .and_then(|parent| reference(value, parent))
                .unwrap_or_else(|| value.to_string()),
            Some(value) => value.to_string(),
        })
        .collect();
    // A length before each part keeps `a:` + `b` apart from `a` + `:b`.
    Some(parts.iter().map(|part| format!("{}:{part}", part.len())).collect::<Vec<_>>().join(":"))
}

/// A row from the values of its columns, in the order of [`held`].
pub fn row(entity: &'static Entity, values: impl Iterator<Item = Value>) -> Row {
    let mut values = values;
    let mut row = Row::new();
    for (name, field) in entity.fields {
        if !field.is_stored() {
            continue;
        }
        let value = values.next().unwrap_or_default();
        let value = match (field.foreign(), value) {
            (Some(parent), Value::String(id)) => Value::Object(primary(parent, &id)),
            (None, value) => ordered(declared(entity, &row, name, field), value),
            (Some(_), value) => value,
        };
        row.insert((*name).to_owned(), value);
    }
    row
}

/// The declaration that a column's value is read by: that of the subschema, where the row's key names one.
fn declared(entity: &'static Entity, row: &Row, name: &str, field: &'static Field) -> &'static Field {
    let own = entity.subschema_of(row).and_then(|own| own.fields.iter().find(|(own, _)| *own == name));
    own.map_or(field, |(_, own)| own)
}

/// A value with the fields of its records in the order of their declaration; `jsonb` does not keep an order.
fn ordered(field: &Field, value: Value) -> Value {
    match (field.ty, value) {
        (Type::Record(fields), Value::Object(mut row)) => {
            let mut out = Row::new();
            for (name, field) in fields as &[Named] {
                if let Some(value) = row.shift_remove(*name) {
                    out.insert((*name).to_owned(), ordered(field, value));
                }
            }
            out.append(&mut row);
            Value::Object(out)
        }
        (Type::Array(elements) | Type::Set(elements), Value::Array(items)) => {
            Value::Array(items.into_iter().map(|item| ordered(elements, item)).collect())
        }
        (_, value) => value,
    }
}

#[cfg(test)]
mod tests {
    use entities::schema::types::{NAME, UUID};

    use super::*;

    #[test]
    fn many_rows_with_one_statement() {
        static BARE: Entity = Entity::new("bare").fields(&[("id", UUID), ("name", NAME)]).build();
        let texts = |dialect| {
            [Shape::Insert(2), Shape::Upsert(1), Shape::Among("id")]
                .map(|shape| text(&BARE, &shape, Scope::Every, dialect))
        };
        let insert = r#"INSERT INTO "bare" ("id", "name") VALUES"#;
        let conflict = r#"ON CONFLICT ("id") DO UPDATE SET "name" = "excluded"."name""#;
        let select = r#"SELECT "id", "name" FROM "bare" WHERE "id""#;
        assert_eq!(
            texts(Dialect::Sqlite),
            [
                format!("{insert} (?, ?), (?, ?)"),
                format!("{insert} (?, ?) {conflict}"),
                format!("{select} IN (SELECT value FROM json_each(?))"),
            ]
        );
        assert_eq!(
            texts(Dialect::Postgres),
            [
                format!("{insert} ($1, $2), ($3, $4)"),
                format!("{insert} ($1, $2) {conflict}"),
                format!("{select} = ANY(CAST(CAST($1 AS text) AS uuid[]))"),
            ]
        );
        let list = |dialect| bind_list(vec!["a".to_owned(), r#"\","#.to_owned()], dialect);
        assert_eq!(list(Dialect::Sqlite), Bound::from(r#"["a","\\\","]"#));
        assert_eq!(list(Dialect::Postgres), Bound::from(r#"{"a","\\\","}"#));
        assert_eq!(lists(2, 2, Dialect::Sqlite), "(?, ?), (?, ?)");
        assert_eq!(lists(2, 2, Dialect::Postgres), "($1, $2), ($3, $4)");
    }
}
