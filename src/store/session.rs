//! A conversation with a database: rows in and out of their tables, by statements that the generators make.
//!
//! A session runs within a transaction or outside of one, on either dialect; it does not decide anything about
//! entities. Every row that it writes also goes into the change log, in the same transaction.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use entities::schema::{Entity, Row};
use generators::operations::{Key, Page, id_of};
use generators::sql::{self, Shape};
use generators::tables::{Dialect, Kind, kind};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, SqlErr, Statement, Values};
use sea_query::Value as Bound;
use serde_json::Value;
use uuid::Uuid;

use super::failure::{Conflict, Failure};

/// A row that a transaction wrote: what it was, and what it is now.
#[derive(Clone)]
pub struct Change {
    pub entity: &'static Entity,
    pub id: String,
    pub before: Option<Row>,
    pub after: Option<Row>,
}

impl Change {
    /// The word of the change log.
    fn operation(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create",
            (Some(_), Some(_)) => "update",
            (Some(_), None) => "delete",
        }
    }
}

/// The texts of statements, each made once.
#[derive(Default)]
pub struct Statements(RwLock<HashMap<(&'static str, Shape), Arc<str>>>);

impl Statements {
    fn text(&self, entity: &'static Entity, shape: Shape, dialect: Dialect) -> Arc<str> {
        let key = (entity.name, shape);
        if let Some(text) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(text);
        }
        let text: Arc<str> = sql::text(entity, &key.1, dialect).into();
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&text));
        text
    }
}

/// A conversation over one connection, or over a pool of them.
pub struct Session<'a, C> {
    connection: &'a C,
    statements: &'a Statements,
    dialect: Dialect,
    now_ms: i64,
    /// What has been written so far.
    pub changes: Vec<Change>,
}

const INSERT_TAG_SQLITE: &str = "INSERT INTO \"tags\" (\"entity\", \"tag\", \"id\", \"ordinal\") VALUES (?, ?, ?, ?)";
const INSERT_TAG_POSTGRES: &str =
    "INSERT INTO \"tags\" (\"entity\", \"tag\", \"id\", \"ordinal\") VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const DELETE_TAGS_SQLITE: &str = "DELETE FROM \"tags\" WHERE \"id\" = ? AND \"entity\" = ?";
const DELETE_TAGS_POSTGRES: &str = "DELETE FROM \"tags\" WHERE \"id\" = $1 AND \"entity\" = $2";
const LOG_SQLITE: &str = "INSERT INTO \"changes\" (\"entity\", \"id\", \"operation\", \"before\", \"after\", \"at\") \
     VALUES (?, ?, ?, ?, ?, ?)";
const LOG_POSTGRES: &str = "INSERT INTO \"changes\" (\"entity\", \"id\", \"operation\", \"before\", \"after\", \"at\") \
     VALUES ($1, $2, $3, $4, $5, $6)";

impl<'a, C: ConnectionTrait> Session<'a, C> {
    /// A session that stamps its changes with `now_ms`.
    pub fn new(connection: &'a C, statements: &'a Statements, dialect: Dialect, now_ms: i64) -> Self {
        Session { connection, statements, dialect, now_ms, changes: Vec::new() }
    }

    fn statement(&self, sql: &str, values: Vec<Bound>) -> Statement {
        let backend = match self.dialect {
            Dialect::Sqlite => DbBackend::Sqlite,
            Dialect::Postgres => DbBackend::Postgres,
        };
        Statement { sql: sql.to_owned(), values: Some(Values(values)), db_backend: backend }
    }

    async fn one(&self, entity: &'static Entity, shape: Shape, values: Vec<Bound>) -> Result<Option<Row>, Failure> {
        let text = self.statements.text(entity, shape, self.dialect);
        let values = self.alive(entity, values);
        let found = self.connection.query_one_raw(self.statement(&text, values)).await?;
        Ok(found.map(|found| self.read(entity, &found)).transpose()?)
    }

    /// The values of a question; about rows that expire, it begins with the present moment.
    fn alive(&self, entity: &Entity, mut values: Vec<Bound>) -> Vec<Bound> {
        if entity.ttl {
            values.insert(0, Bound::from(self.now_ms));
        }
        values
    }

    /// Rows whose time is over.
    pub async fn expired(&self, entity: &'static Entity) -> Result<Vec<Row>, Failure> {
        const AT_ONCE: i64 = 1000;
        let text = self.statements.text(entity, Shape::Expired, self.dialect);
        let values = vec![Bound::from(self.now_ms), Bound::from(AT_ONCE)];
        let found = self.connection.query_all_raw(self.statement(&text, values)).await?;
        Ok(found.iter().map(|found| self.read(entity, found)).collect::<Result<_, _>>()?)
    }

    /// A row from its columns; one that expires says in how many seconds.
    fn read(&self, entity: &'static Entity, found: &QueryResult) -> Result<Row, DbErr> {
        let columns = sql::held(entity).count();
        let mut row = read(entity, found)?;
        if entity.ttl {
            let expires_at = column(found, columns, Kind::Integer)?;
            let left = expires_at.as_i64().map(|at| at.saturating_sub(self.now_ms).max(0) / 1000);
            row.insert("ttl".to_owned(), Value::from(left));
            row.insert(sql::EXPIRY.to_owned(), expires_at);
        }
        Ok(row)
    }

    /// The row of a key.
    pub async fn get(&self, entity: &'static Entity, key: &Key) -> Result<Option<Row>, Failure> {
        let kind_of = |name: &str| entity.field(name).map_or(Kind::Text, kind);
        match key {
            Key::Primary(id) => {
                self.one(entity, Shape::ById, sql::id_values(entity, id, self.dialect)).await
            }
            Key::Unique { field, value } => {
                let values = vec![sql::bind_text(kind_of(field), value, self.dialect)];
                self.one(entity, Shape::ByField(field), values).await
            }
            Key::Within { field, parent, by, value } => {
                let values = vec![
                    sql::bind_text(kind_of(field), parent, self.dialect),
                    sql::bind_text(kind_of(by), value, self.dialect),
                ];
                self.one(entity, Shape::ByFieldWithin(field, by), values).await
            }
        }
    }

    /// The row that has a combination of fields which is unique.
    pub async fn by_cache_key(&self, entity: &'static Entity, key: &str) -> Result<Option<Row>, Failure> {
        self.one(entity, Shape::ByCacheKey, vec![Bound::from(key)]).await
    }

    /// A row whose field names `id` without a foreign key.
    pub async fn naming(
        &self,
        entity: &'static Entity,
        field: &'static str,
        id: &str,
    ) -> Result<Option<Row>, Failure> {
        let value = match self.dialect {
            Dialect::Sqlite => Bound::from(id),
            Dialect::Postgres => Bound::from(Value::from(vec![id])),
        };
        self.one(entity, Shape::Naming(field), vec![value, Bound::from(1_i64)]).await
    }

    /// The rows of a page, and one more if there is one.
    pub async fn page(&self, entity: &'static Entity, page: &Page) -> Result<Vec<Row>, Failure> {
        let text = self.statements.text(entity, sql::shape_of(page), self.dialect);
        let values = self.alive(entity, sql::page_values(entity, page, self.dialect));
        let found = self.connection.query_all_raw(self.statement(&text, values)).await?;
        Ok(found.iter().map(|found| self.read(entity, found)).collect::<Result<_, _>>()?)
    }

    /// Every row that refers to `parent` through `field`.
    pub async fn children(
        &self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
    ) -> Result<Vec<Row>, Failure> {
        let within = Some((field, parent.to_owned()));
        self.page(entity, &Page { within, size: i64::MAX as usize - 1, ..Page::default() }).await
    }

    /// Rows that carry a tag, as `(entity, tag, id, ordinal)`, behind a place in the list.
    pub async fn tagged(
        &self,
        tag: Option<&str>,
        after: Option<&(String, i64)>,
        limit: usize,
    ) -> Result<Vec<(String, String, String, i64)>, Failure> {
        let mut sql = "SELECT \"entity\", \"tag\", \"id\", \"ordinal\" FROM \"tags\" WHERE 1 = 1".to_owned();
        let mut values = Vec::new();
        let mark = |values: &Vec<Bound>| match self.dialect {
            Dialect::Sqlite => "?".to_owned(),
            Dialect::Postgres => format!("${}", values.len()),
        };
        if let Some(tag) = tag {
            values.push(Bound::from(tag));
            sql.push_str(&format!(" AND \"tag\" = {}", mark(&values)));
        }
        if let Some((id, ordinal)) = after {
            values.push(sql::bind_text(Kind::Uuid, id, self.dialect));
            sql.push_str(&format!(" AND (\"id\", \"ordinal\") > ({}, ", mark(&values)));
            values.push(Bound::from(*ordinal));
            sql.push_str(&format!("{})", mark(&values)));
        }
        values.push(Bound::from(limit as i64));
        sql.push_str(&format!(" ORDER BY \"id\", \"ordinal\" LIMIT {}", mark(&values)));
        let found = self.connection.query_all_raw(self.statement(&sql, values)).await?;
        let cell = |row: &QueryResult| -> Result<_, DbErr> {
            let id = column(row, 2, Kind::Uuid)?;
            Ok((
                row.try_get_by_index(0)?,
                row.try_get_by_index(1)?,
                id.as_str().unwrap_or_default().to_owned(),
                row.try_get_by_index(3)?,
            ))
        };
        Ok(found.iter().map(cell).collect::<Result<_, _>>()?)
    }

    async fn run(&self, sql: &str, values: Vec<Bound>) -> Result<(), DbErr> {
        self.connection.execute_raw(self.statement(sql, values)).await.map(|_| ())
    }

    /// Writes a new row.
    pub async fn insert(&mut self, entity: &'static Entity, row: Row) -> Result<(), Failure> {
        let text = self.statements.text(entity, Shape::Insert, self.dialect);
        let values = sql::insert_values(entity, &row, self.dialect);
        self.run(&text, values).await.map_err(|error| conflict(error, entity, &row, true))?;
        self.log(entity, None, Some(row)).await
    }

    /// Writes a row over the stored one.
    pub async fn update(&mut self, entity: &'static Entity, before: Row, row: Row) -> Result<(), Failure> {
        let text = self.statements.text(entity, Shape::Update, self.dialect);
        let values = sql::update_values(entity, &row, self.dialect);
        self.run(&text, values).await.map_err(|error| conflict(error, entity, &row, false))?;
        self.log(entity, Some(before), Some(row)).await
    }

    /// Deletes a row.
    pub async fn delete(&mut self, entity: &'static Entity, row: Row) -> Result<(), Failure> {
        let Some(id) = id_of(entity, &row) else { return Ok(()) };
        let text = self.statements.text(entity, Shape::Delete, self.dialect);
        let values = sql::id_values(entity, &id, self.dialect);
        self.run(&text, values).await.map_err(|error| conflict(error, entity, &row, false))?;
        self.log(entity, Some(row), None).await
    }

    /// Notes who carries which tag, and adds the change to the log.
    async fn log(&mut self, entity: &'static Entity, before: Option<Row>, after: Option<Row>) -> Result<(), Failure> {
        let Some(id) = after.as_ref().or(before.as_ref()).and_then(|row| id_of(entity, row)) else {
            return Err(Failure::Broken(format!("a row of '{}' without a primary key", entity.name)));
        };
        let tags_of = |row: &Option<Row>| row.as_ref().map(|row| sql::tags(entity, row)).unwrap_or_default();
        let (old, new) = (tags_of(&before), tags_of(&after));
        if old != new {
            self.write_tags(entity, &id, !old.is_empty(), &new).await?;
        }
        let change = Change { entity, id, before, after };
        let image = |row: &Option<Row>| match row {
            Some(row) => sql::bind_json(&Value::Object(row.clone()), self.dialect),
            None => sql::bind_json(&Value::Null, self.dialect),
        };
        let values = vec![
            Bound::from(entity.name),
            Bound::from(change.id.as_str()),
            Bound::from(change.operation()),
            image(&change.before),
            image(&change.after),
            Bound::from(self.now_ms),
        ];
        let text = match self.dialect {
            Dialect::Sqlite => LOG_SQLITE,
            Dialect::Postgres => LOG_POSTGRES,
        };
        self.run(text, values).await?;
        self.changes.push(change);
        Ok(())
    }

    async fn write_tags(
        &self,
        entity: &'static Entity,
        id: &str,
        had: bool,
        tags: &[(String, String)],
    ) -> Result<(), Failure> {
        let (insert, delete) = match self.dialect {
            Dialect::Sqlite => (INSERT_TAG_SQLITE, DELETE_TAGS_SQLITE),
            Dialect::Postgres => (INSERT_TAG_POSTGRES, DELETE_TAGS_POSTGRES),
        };
        let id = || sql::bind_text(Kind::Uuid, id, self.dialect);
        if had {
            self.run(delete, vec![id(), Bound::from(entity.name)]).await?;
        }
        for (ordinal, (_, tag)) in tags.iter().enumerate() {
            let ordinal = Bound::from(ordinal as i64 + 1);
            self.run(insert, vec![Bound::from(entity.name), Bound::from(tag.as_str()), id(), ordinal]).await?;
        }
        Ok(())
    }
}

/// A broken constraint is told apart from every other failure.
fn conflict(error: DbErr, entity: &'static Entity, row: &Row, insert: bool) -> Failure {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(cause) | SqlErr::ForeignKeyConstraintViolation(cause)) => {
            Failure::Conflict(Box::new(Conflict { entity: entity.name, row: row.clone(), insert, cause }))
        }
        _ => error.into(),
    }
}

fn read(entity: &'static Entity, found: &QueryResult) -> Result<Row, DbErr> {
    let values = sql::held(entity)
        .enumerate()
        .map(|(i, held)| column(found, i, held.kind))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(sql::row(entity, values.into_iter()))
}

/// The JSON value of a column. SQLite holds ids and JSON as text.
fn column(found: &QueryResult, i: usize, kind: Kind) -> Result<Value, DbErr> {
    let sqlite = found.try_as_sqlite_row().is_some();
    Ok(match kind {
        Kind::Uuid if !sqlite => {
            found.try_get_by_index::<Option<Uuid>>(i)?.map_or(Value::Null, |id| Value::from(id.to_string()))
        }
        Kind::Json if !sqlite => found.try_get_by_index::<Option<Value>>(i)?.unwrap_or_default(),
        Kind::Json => match found.try_get_by_index::<Option<String>>(i)? {
            Some(text) => serde_json::from_str(&text).map_err(|error| DbErr::Json(error.to_string()))?,
            None => Value::Null,
        },
        Kind::Uuid | Kind::Text => found.try_get_by_index::<Option<String>>(i)?.into(),
        Kind::Integer | Kind::Serial => found.try_get_by_index::<Option<i64>>(i)?.into(),
        Kind::Number => found.try_get_by_index::<Option<f64>>(i)?.map_or(Value::Null, number),
        Kind::Boolean => found.try_get_by_index::<Option<bool>>(i)?.into(),
    })
}

/// A number without a fraction is shown without one.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}
