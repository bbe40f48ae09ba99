//! A conversation with a database: rows in and out of their tables, by statements that the generators make.
//!
//! A session runs within a transaction or outside of one, on either dialect; it does not decide anything about
//! entities. How it writes is in `batch.rs`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use entities::schema::{Entity, Row};
use generators::operations::{Key, Page, Scope, WORKSPACE, seconds_left};
use generators::sealed::{self, Place};
use generators::sql::{self, Shape};
use generators::tables::{Dialect, Kind, kind};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Values};
use sea_query::Value as Bound;
use serde_json::Value;
use uuid::Uuid;

use super::batch::Batch;
use super::client::Client;
use super::failure::{Failure, within};
use super::keyring::{Keyring, Unopened};
use super::mirror::Mirror;
use super::parts::stored;

/// A row that a transaction wrote: what it was, and what it is now.
#[derive(Clone)]
pub struct Change {
    pub entity: &'static Entity,
    pub id: String,
    /// `None` where rows of the entity belong to no workspace.
    pub workspace: Option<Uuid>,
    pub before: Option<Row>,
    pub after: Option<Row>,
}

impl Change {
    /// The word of the change log.
    pub(super) fn operation(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create",
            (Some(_), Some(_)) => "update",
            (Some(_), None) => "delete",
        }
    }
}

/// What the text of a statement depends on: the entity, the shape, and whether it is about every workspace.
type Form = (&'static str, Shape, bool);

/// The texts of statements, each made once, and the keys with which their values are sealed.
#[derive(Default)]
pub struct Statements {
    texts: RwLock<HashMap<Form, Arc<str>>>,
    keyring: Option<Arc<Keyring>>,
}

impl Statements {
    /// No texts yet.
    pub fn new(keyring: Option<Arc<Keyring>>) -> Statements {
        Statements { texts: RwLock::default(), keyring }
    }

    /// A row as it is kept: what is to be encrypted is.
    pub(super) fn sealed<'r>(&self, entity: &Entity, row: &'r Row) -> Cow<'r, Row> {
        let Some(keyring) = &self.keyring else { return Cow::Borrowed(row) };
        let mut row = row.clone();
        let seal =
            |place: &Place, text: &str| Ok::<_, Infallible>(keyring.seal(text, place.path, place.unique));
        let _never_fails = sealed::map(entity, &mut row, &seal);
        Cow::Owned(row)
    }

    /// Makes a row that was kept into what it was.
    pub(super) fn opened(&self, entity: &Entity, row: &mut Row) -> Result<(), Unopened> {
        match &self.keyring {
            Some(keyring) => {
                sealed::map(entity, row, &|place: &Place, text: &str| keyring.open(text, place.path))
            }
            None => Ok(()),
        }
    }

    /// Every form in which the value of a unique field may be kept.
    fn forms(&self, entity: &Entity, field: &str, value: &str) -> Vec<String> {
        match &self.keyring {
            Some(keyring) if entity.field(field).is_some_and(|field| field.encrypted) => {
                keyring.forms(value, &format!("{}.{field}", entity.name))
            }
            _ => vec![value.to_owned()],
        }
    }

    pub(super) fn text(
        &self,
        entity: &'static Entity,
        shape: Shape,
        scope: Scope,
        dialect: Dialect,
    ) -> Arc<str> {
        let key = (entity.name, shape, scope == Scope::Every);
        if let Some(text) = self.texts.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(text);
        }
        let text: Arc<str> = sql::text(entity, &key.1, scope, dialect).into();
        self.texts.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&text));
        text
    }
}

/// A conversation over one connection, or over a pool of them.
pub struct Session<'a, C> {
    pub(super) connection: &'a C,
    pub(super) statements: &'a Statements,
    pub(super) dialect: Dialect,
    pub(super) scope: Scope,
    pub(super) now_ms: i64,
    /// Who asks, where that is known.
    pub(super) client: Option<Client>,
    /// How long a statement may take; `None` sets no limit.
    pub(super) patience: Option<Duration>,
    /// Rows in memory that may stand for those in the database.
    memory: Option<Memory<'a>>,
    /// What has been written so far.
    pub changes: Vec<Change>,
    pub(super) batch: Batch,
}

/// What a writer knows without asking the database: committed rows, and which of them it has changed since.
#[derive(Clone, Copy)]
pub struct Memory<'a> {
    pub mirror: &'a Mirror,
    pub touched: &'a Mutex<Touched>,
}

/// The ids of rows that uncommitted operations have written, by entity.
pub type Touched = HashMap<&'static str, HashSet<String>>;

impl<'a, C: ConnectionTrait> Session<'a, C> {
    /// A session about the rows of a scope, that stamps its changes with `now_ms`.
    pub fn new(
        connection: &'a C,
        statements: &'a Statements,
        dialect: Dialect,
        scope: Scope,
        now_ms: i64,
    ) -> Self {
        Session {
            connection,
            statements,
            dialect,
            scope,
            now_ms,
            client: None,
            patience: None,
            memory: None,
            changes: Vec::new(),
            batch: Batch::default(),
        }
    }

    /// A session that stamps its changes with a client's name, and writes what the client may.
    pub fn of(self, client: Option<Client>) -> Self {
        Session { client, ..self }
    }

    /// A session that gives a statement up after that long.
    pub fn patient(self, patience: Duration) -> Self {
        Session { patience: Some(patience), ..self }
    }

    /// A session that may answer from memory.
    pub fn remembering(self, memory: Memory<'a>) -> Self {
        Session { memory: Some(memory), ..self }
    }

    /// The row of a key from memory. The outer `None`: ask the database.
    fn recall(&self, entity: &'static Entity, key: &Key) -> Option<Option<Row>> {
        let memory = self.memory?;
        // What clients see of a row with a configuration is not all that is stored of it.
        if entity.fields.iter().any(|(_, field)| field.is_abstract) {
            return None;
        }
        let touched = memory.touched.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = touched.get(entity.name).is_some_and(|ids| match key {
            Key::Primary(id) => ids.contains(id),
            _ => !ids.is_empty(),
        });
        if changed {
            return None;
        }
        match memory.mirror.get(self.scope, entity, key)? {
            None => Some(None),
            // Clients are shown what the row lists of others as well.
            Some(json) => serde_json::from_slice(&json).ok().map(|row| Some(stored(entity, &row))),
        }
    }

    /// Whether memory knows that no row refers to `parent` through `field`.
    fn is_childless(&self, entity: &'static Entity, field: &'static str, parent: &str) -> bool {
        let Some(memory) = self.memory else { return false };
        let touched = memory.touched.lock().unwrap_or_else(PoisonError::into_inner);
        !touched.contains_key(entity.name)
            && memory.mirror.has_children(self.scope, entity, field, parent) == Some(false)
    }

    /// Notes rows that have been written, for who holds rows in memory.
    pub(super) fn wrote(&mut self, changes: Vec<Change>) {
        let Some(memory) = self.memory.filter(|memory| !memory.mirror.is_off()) else { return };
        let mut touched = memory.touched.lock().unwrap_or_else(PoisonError::into_inner);
        for change in &changes {
            touched.entry(change.entity.name).or_default().insert(change.id.clone());
        }
        self.changes.extend(changes);
    }

    pub(super) fn statement(&self, sql: &str, values: Vec<Bound>) -> Statement {
        let backend = match self.dialect {
            Dialect::Sqlite => DbBackend::Sqlite,
            Dialect::Postgres => DbBackend::Postgres,
        };
        Statement { sql: sql.to_owned(), values: Some(Values(values)), db_backend: backend }
    }

    async fn one(
        &mut self,
        entity: &'static Entity,
        shape: Shape,
        values: Vec<Bound>,
    ) -> Result<Option<Row>, Failure> {
        self.flush(false).await?;
        let values = self.about(entity, &shape, values);
        let text = self.statements.text(entity, shape, self.scope, self.dialect);
        let asked = self.connection.query_one_raw(self.statement(&text, values));
        let found = within(self.patience, asked).await?;
        Ok(found.map(|found| self.read(entity, &found)).transpose()?)
    }

    /// The values of a question: it begins with the workspace, and about rows that expire with the present moment.
    fn about(&self, entity: &Entity, shape: &Shape, mut values: Vec<Bound>) -> Vec<Bound> {
        if entity.ttl {
            values.insert(0, Bound::from(self.now_ms));
        }
        if let Scope::Workspace(id) = self.scope
            && sql::is_scoped(entity, shape, self.scope)
        {
            values.insert(0, sql::bind_workspace(Some(id), self.dialect));
        }
        values
    }

    /// Turns to the rows of another scope, and gives the one before.
    pub fn turn_to(&mut self, scope: Scope) -> Scope {
        std::mem::replace(&mut self.scope, scope)
    }

    /// The row of a key, in whichever workspace it is.
    pub async fn get_anywhere(&mut self, entity: &'static Entity, key: &Key) -> Result<Option<Row>, Failure> {
        let scope = self.turn_to(Scope::Every);
        let found = self.get(entity, key).await;
        self.turn_to(scope);
        found
    }

    /// Rows whose time is over.
    pub async fn expired(&mut self, entity: &'static Entity) -> Result<Vec<Row>, Failure> {
        const AT_ONCE: i64 = 1000;
        // The moment comes with the values of every question about rows that expire.
        self.list(entity, Shape::Expired, vec![Bound::from(AT_ONCE)]).await
    }

    /// The rows that answer a question.
    pub(super) async fn list(
        &mut self,
        entity: &'static Entity,
        shape: Shape,
        values: Vec<Bound>,
    ) -> Result<Vec<Row>, Failure> {
        self.flush(false).await?;
        let values = self.about(entity, &shape, values);
        let text = self.statements.text(entity, shape, self.scope, self.dialect);
        let asked = self.connection.query_all_raw(self.statement(&text, values));
        let found = within(self.patience, asked).await?;
        Ok(found.iter().map(|found| self.read(entity, found)).collect::<Result<_, _>>()?)
    }

    /// A row from its columns; one that expires says in how many seconds.
    fn read(&self, entity: &'static Entity, found: &QueryResult) -> Result<Row, DbErr> {
        let columns = sql::held(entity).count();
        let mut row = read(entity, found)?;
        self.statements.opened(entity, &mut row).map_err(|cause| DbErr::Custom(cause.to_string()))?;
        if entity.ttl {
            let expires_at = column(found, columns, Kind::Integer)?;
            let left = expires_at.as_i64().map(|at| seconds_left(at, self.now_ms).max(0));
            row.insert("ttl".to_owned(), Value::from(left));
            row.insert(sql::EXPIRY.to_owned(), expires_at);
        }
        if entity.workspaceable && self.scope == Scope::Every {
            let place = columns + usize::from(entity.ttl);
            row.insert(WORKSPACE.to_owned(), column(found, place, Kind::Uuid)?);
        }
        Ok(row)
    }

    /// The row of a key.
    pub async fn get(&mut self, entity: &'static Entity, key: &Key) -> Result<Option<Row>, Failure> {
        if let Some(row) = self.recall(entity, key) {
            return Ok(row);
        }
        let kind_of = |name: &str| entity.field(name).map_or(Kind::Text, kind);
        match key {
            Key::Primary(id) => self.one(entity, Shape::ById, sql::id_values(entity, id, self.dialect)).await,
            Key::Unique { field, value } => {
                for form in self.statements.forms(entity, field, value) {
                    let values = vec![sql::bind_text(kind_of(field), &form, self.dialect)];
                    if let Some(row) = self.one(entity, Shape::ByField(field), values).await? {
                        return Ok(Some(row));
                    }
                }
                Ok(None)
            }
            Key::Within { field, parent, by, value } => {
                for form in self.statements.forms(entity, by, value) {
                    let values = vec![
                        sql::bind_text(kind_of(field), parent, self.dialect),
                        sql::bind_text(kind_of(by), &form, self.dialect),
                    ];
                    if let Some(row) = self.one(entity, Shape::ByFieldWithin(field, by), values).await? {
                        return Ok(Some(row));
                    }
                }
                Ok(None)
            }
        }
    }

    /// The row that has a combination of fields which is unique.
    pub async fn by_cache_key(&mut self, entity: &'static Entity, key: &str) -> Result<Option<Row>, Failure> {
        self.one(entity, Shape::ByCacheKey, vec![Bound::from(key)]).await
    }

    /// A row whose field names `id` without a foreign key.
    pub async fn naming(
        &mut self,
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
    pub async fn page(&mut self, entity: &'static Entity, page: &Page) -> Result<Vec<Row>, Failure> {
        self.list(entity, sql::shape_of(page), sql::page_values(entity, page, self.dialect)).await
    }

    /// Every row that refers to `parent` through `field`.
    pub async fn children(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
    ) -> Result<Vec<Row>, Failure> {
        if self.is_childless(entity, field, parent) {
            return Ok(Vec::new());
        }
        let within = Some((field, parent.to_owned()));
        self.page(entity, &Page { within, size: i64::MAX as usize - 1, ..Page::default() }).await
    }

    /// Rows that carry a tag, as `(entity, tag, id, ordinal)`, behind a place in the list.
    pub async fn tagged(
        &mut self,
        tag: Option<&str>,
        after: Option<&(String, i64)>,
        limit: usize,
    ) -> Result<Vec<(String, String, String, i64)>, Failure> {
        let mut sql = String::new();
        let mut values = Vec::new();
        let own = match self.scope {
            Scope::Workspace(id) => Some(sql::bind_workspace(Some(id), self.dialect)),
            Scope::Every => None,
        };
        // Rows that belong to no workspace are seen from each; either half reads an index in the order of the list.
        for workspace in own.into_iter().map(Some).chain([None]) {
            let mut mark = |value: Bound| {
                values.push(value);
                match self.dialect {
                    Dialect::Sqlite => "?".to_owned(),
                    Dialect::Postgres => format!("${}", values.len()),
                }
            };
            let belongs = match workspace {
                Some(id) => format!("= {}", mark(id)),
                None => "IS NULL".to_owned(),
            };
            let columns = "\"entity\", \"tag\", \"id\", \"ordinal\"";
            sql.push_str(if sql.is_empty() { "" } else { " UNION ALL " });
            sql.push_str(&format!(
                "SELECT {columns} FROM (SELECT {columns} FROM \"tags\" WHERE \"ws_id\" {belongs}"
            ));
            if let Some(tag) = tag {
                sql.push_str(&format!(" AND \"tag\" = {}", mark(Bound::from(tag))));
            }
            if let Some((id, ordinal)) = after {
                let id = mark(sql::bind_text(Kind::Uuid, id, self.dialect));
                sql.push_str(&format!(
                    " AND (\"id\", \"ordinal\") > ({id}, {})",
                    mark(Bound::from(*ordinal))
                ));
            }
            let limit = mark(Bound::from(limit as i64));
            sql.push_str(&format!(" ORDER BY \"id\", \"ordinal\" LIMIT {limit}) AS part"));
        }
        values.push(Bound::from(limit as i64));
        let limit = match self.dialect {
            Dialect::Sqlite => "?".to_owned(),
            Dialect::Postgres => format!("${}", values.len()),
        };
        sql.push_str(&format!(" ORDER BY \"id\", \"ordinal\" LIMIT {limit}"));
        let asked = self.connection.query_all_raw(self.statement(&sql, values));
        let found = within(self.patience, asked).await?;
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
}

fn read(entity: &'static Entity, found: &QueryResult) -> Result<Row, DbErr> {
    let values = sql::held(entity)
        .enumerate()
        .map(|(i, held)| column(found, i, held.kind))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(sql::row(entity, values.into_iter()))
}

/// The JSON value of a column. SQLite holds ids and JSON as text.
pub(super) fn column(found: &QueryResult, i: usize, kind: Kind) -> Result<Value, DbErr> {
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
