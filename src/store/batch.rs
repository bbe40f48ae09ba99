//! The writing half of a session: rows, their tags and their lines in the change log, sent together.
//!
//! Statements are gathered and sent when the next read needs them or the operation ends. On SQLite they go as one
//! text, since each trip to its thread costs more than the statement; a savepoint guards an operation of more than
//! one row, so that it happens as a whole or not at all. Nothing here decides what is written.

use entities::schema::{Entity, Row};
use generators::operations::{Scope, WORKSPACE, id_of};
use generators::sql::{self, Shape};
use generators::tables::{Dialect, Kind};
use sea_orm::{ConnectionTrait, DbErr, SqlErr};
use sea_query::Value as Bound;
use serde_json::Value;
use uuid::Uuid;

use super::failure::{Conflict, Failure, Write, within};
use super::session::{Change, Session};

/// Statements that have not been sent yet.
#[derive(Default)]
pub struct Batch {
    texts: Vec<String>,
    values: Vec<Vec<Bound>>,
    /// The rows among them, for finding out which one broke a constraint.
    writes: Vec<Write>,
    /// Whether a savepoint stands before what was sent.
    guarded: bool,
    /// Whether something was sent without a savepoint and failed in a way that may have left a part behind.
    torn: bool,
}

const INSERT_TAG_SQLITE: &str =
    "INSERT INTO \"tags\" (\"entity\", \"tag\", \"id\", \"ordinal\", \"ws_id\") VALUES (?, ?, ?, ?, ?)";
const INSERT_TAG_POSTGRES: &str =
    "INSERT INTO \"tags\" (\"entity\", \"tag\", \"id\", \"ordinal\", \"ws_id\") VALUES ($1, $2, $3, $4, $5)";
const DELETE_TAG_SQLITE: &str = "DELETE FROM \"tags\" WHERE \"entity\" = ? AND \"tag\" = ? AND \"id\" = ?";
const DELETE_TAG_POSTGRES: &str =
    "DELETE FROM \"tags\" WHERE \"entity\" = $1 AND \"tag\" = $2 AND \"id\" = $3";
const LOG_SQLITE: &str = "INSERT INTO \"changes\" (\"entity\", \"id\", \"operation\", \"before\", \"after\", \"at\", \"ws_id\", \"client\") \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
const LOG_POSTGRES: &str = "INSERT INTO \"changes\" (\"entity\", \"id\", \"operation\", \"before\", \"after\", \"at\", \"ws_id\", \"client\") \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

impl<C: ConnectionTrait> Session<'_, C> {
    /// Writes a new row.
    pub fn insert(&mut self, entity: &'static Entity, row: Row) -> Result<(), Failure> {
        let text = self.statements.text(entity, Shape::Insert(1), self.scope, self.dialect);
        let values = self.values(entity, &row);
        self.write(entity, &text, values, None, Some(row))
    }

    /// The values of a new row.
    pub(super) fn values(&self, entity: &'static Entity, row: &Row) -> Vec<Bound> {
        let row = self.statements.sealed(entity, row);
        let mut values = sql::insert_values(entity, &row, self.dialect);
        if entity.workspaceable {
            values.push(sql::bind_workspace(self.own_workspace(entity), self.dialect));
        }
        values
    }

    /// Writes a row over the stored one.
    pub fn update(&mut self, entity: &'static Entity, before: Row, row: Row) -> Result<(), Failure> {
        let text = self.statements.text(entity, Shape::Update, self.scope, self.dialect);
        let values = sql::update_values(entity, &self.statements.sealed(entity, &row), self.dialect);
        self.write(entity, &text, values, Some(before), Some(row))
    }

    /// Deletes a row.
    pub fn delete(&mut self, entity: &'static Entity, row: Row) -> Result<(), Failure> {
        let Some(id) = id_of(entity, &row) else { return Ok(()) };
        let text = self.statements.text(entity, Shape::Delete, self.scope, self.dialect);
        let values = sql::id_values(entity, &id, self.dialect);
        self.write(entity, &text, values, Some(row), None)
    }

    /// The workspace of the conversation, for a row that belongs to one.
    pub(super) fn own_workspace(&self, entity: &Entity) -> Option<Uuid> {
        match self.scope {
            Scope::Workspace(id) if entity.workspaceable => Some(id),
            _ => None,
        }
    }

    /// Adds a row's statement, those of its tags, and its line in the change log.
    fn write(
        &mut self,
        entity: &'static Entity,
        text: &str,
        values: Vec<Bound>,
        mut before: Option<Row>,
        mut after: Option<Row>,
    ) -> Result<(), Failure> {
        self.permit(before.as_ref(), after.as_ref())?;
        // A row that was read among those of every workspace carries its own.
        let rows = [&mut before, &mut after].into_iter().flatten();
        let carried = rows.filter_map(|row| row.shift_remove(WORKSPACE)).last();
        let carried = carried.and_then(|id| Uuid::parse_str(id.as_str()?).ok());
        let workspace = carried.or(self.own_workspace(entity));
        let Some(id) = after.as_ref().or(before.as_ref()).and_then(|row| id_of(entity, row)) else {
            return Err(Failure::Broken(format!("a row of '{}' without a primary key", entity.name)));
        };
        let row = after.as_ref().or(before.as_ref()).cloned().unwrap_or_default();
        self.batch.writes.push(Write { entity: entity.name, row, insert: before.is_none() });
        self.add(text, values);
        self.write_tags(entity, &id, workspace, tags(before.as_ref()), tags(after.as_ref()));
        let change = Change { entity, id, workspace, before, after };
        let text = match self.dialect {
            Dialect::Sqlite => LOG_SQLITE,
            Dialect::Postgres => LOG_POSTGRES,
        };
        self.add(text, self.line(&change));
        self.wrote(vec![change]);
        Ok(())
    }

    /// Refuses what the client may not touch. What the node itself does on the way is not the client's doing.
    pub(super) fn permit(&self, before: Option<&Row>, after: Option<&Row>) -> Result<(), Failure> {
        let Some(client) = self.client.as_ref().filter(|_| self.scope != Scope::Every) else { return Ok(()) };
        match [before, after].into_iter().flatten().all(|row| client.reaches(row)) {
            true => Ok(()),
            false => Err(Failure::Forbidden),
        }
    }

    fn add(&mut self, text: &str, values: Vec<Bound>) {
        self.batch.texts.push(text.to_owned());
        self.batch.values.push(values);
    }

    /// Takes away the tags that a row no longer has, or has in another place, and adds the new ones.
    fn write_tags(
        &mut self,
        entity: &'static Entity,
        id: &str,
        workspace: Option<Uuid>,
        old: Vec<(i64, &str)>,
        new: Vec<(i64, &str)>,
    ) {
        let (insert, delete) = match self.dialect {
            Dialect::Sqlite => (INSERT_TAG_SQLITE, DELETE_TAG_SQLITE),
            Dialect::Postgres => (INSERT_TAG_POSTGRES, DELETE_TAG_POSTGRES),
        };
        let id = sql::bind_text(Kind::Uuid, id, self.dialect);
        for (_, tag) in old.iter().filter(|tag| !new.contains(tag)) {
            self.add(delete, vec![Bound::from(entity.name), Bound::from(*tag), id.clone()]);
        }
        for (ordinal, tag) in new.iter().filter(|tag| !old.contains(tag)) {
            let workspace = sql::bind_workspace(workspace, self.dialect);
            let (entity, tag) = (Bound::from(entity.name), Bound::from(*tag));
            self.add(insert, vec![entity, tag, id.clone(), Bound::from(*ordinal), workspace]);
        }
    }

    /// The values of a line in the change log.
    pub(super) fn line(&self, change: &Change) -> Vec<Bound> {
        let image = |row: &Option<Row>| match row {
            Some(row) => sql::bind_row(&self.statements.sealed(change.entity, row), self.dialect),
            None => sql::bind_json(&Value::Null, self.dialect),
        };
        vec![
            Bound::from(change.entity.name),
            Bound::from(change.id.as_str()),
            Bound::from(change.operation()),
            image(&change.before),
            image(&change.after),
            Bound::from(self.now_ms),
            sql::bind_workspace(change.workspace, self.dialect),
            Bound::from(self.client.as_ref().map(|client| client.name.as_ref())),
        ]
    }

    /// Puts a savepoint before what is sent next, where the database has none for an operation of several rows.
    pub(super) async fn guard(&mut self) -> Result<(), Failure> {
        if self.dialect == Dialect::Sqlite && !self.batch.guarded {
            self.connection.execute_unprepared("SAVEPOINT operation").await?;
            self.batch.guarded = true;
        }
        Ok(())
    }

    /// Sends what has been gathered; `last` says that nothing follows.
    pub async fn flush(&mut self, last: bool) -> Result<(), Failure> {
        if self.batch.texts.is_empty() {
            if last && self.batch.guarded {
                self.connection.execute_unprepared("RELEASE operation").await?;
            }
            return Ok(());
        }
        let (mut texts, values) =
            (std::mem::take(&mut self.batch.texts), std::mem::take(&mut self.batch.values));
        let writes = std::mem::take(&mut self.batch.writes);
        let sent = match self.dialect {
            Dialect::Sqlite => {
                let alone = last && writes.len() == 1;
                if !self.batch.guarded && !alone {
                    texts.insert(0, "SAVEPOINT operation".to_owned());
                    self.batch.guarded = true;
                }
                if last && self.batch.guarded {
                    texts.push("RELEASE operation".to_owned());
                }
                let values = values.into_iter().flatten().collect();
                self.connection.execute_raw(self.statement(&texts.join("; "), values)).await.map(|_| ())
            }
            Dialect::Postgres => self.send_by_row(&texts, values).await,
        };
        sent.map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(cause) | SqlErr::ForeignKeyConstraintViolation(cause)) => {
                Failure::Conflict(Box::new(Conflict { writes, cause }))
            }
            _ => {
                self.batch.torn = !self.batch.guarded;
                error.into()
            }
        })
    }

    /// PostgreSQL takes one statement at a time; a row's statement, its tags' and its line in the log go as one, in
    /// the form `WITH a0 AS (INSERT …), a1 AS (INSERT …) INSERT …`. The row's own stands last, where it is carried
    /// out first: whoever waits for a row takes a version of the log only after it got the row, so that the versions
    /// of a row's lines are in the order of its commits.
    async fn send_by_row(&self, texts: &[String], values: Vec<Vec<Bound>>) -> Result<(), DbErr> {
        let (mut parts, mut bound) = (Vec::new(), Vec::new());
        for (text, values) in texts.iter().zip(values) {
            parts.push(shifted(text, bound.len()));
            bound.extend(values);
            // The parts of one statement do not see each other: tags must be gone before they come again.
            if text == LOG_POSTGRES || text == DELETE_TAG_POSTGRES {
                let sql = chained(&std::mem::take(&mut parts));
                let asked = self.connection.execute_raw(self.statement(&sql, std::mem::take(&mut bound)));
                within(self.patience, asked).await?;
            }
        }
        Ok(())
    }

    /// Undoes what a failed operation has sent. False: only the whole transaction can be undone.
    pub async fn undo(&mut self) -> bool {
        self.batch.texts.clear();
        self.batch.values.clear();
        self.batch.writes.clear();
        if !self.batch.guarded {
            return !self.batch.torn;
        }
        self.batch.guarded = false;
        self.connection.execute_unprepared("ROLLBACK TO operation; RELEASE operation").await.is_ok()
    }
}

/// The tags of a row, with their places from 1 on.
pub(super) fn tags(row: Option<&Row>) -> Vec<(i64, &str)> {
    let tags = row.and_then(|row| row.get("tags")).and_then(Value::as_array).into_iter().flatten();
    (1..).zip(tags.filter_map(Value::as_str)).collect()
}

/// A statement whose parameters `$1`, `$2`, … come behind `by` others.
fn shifted(text: &str, by: usize) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let number = number.parse::<usize>().map_or(0, |number| number + by);
        out.push_str(&format!("${number}{rest}"));
    }
    out
}

/// Statements as one: all but the first as parts of a `WITH`.
fn chained(statements: &[String]) -> String {
    match statements.split_first() {
        None => String::new(),
        Some((first, [])) => first.clone(),
        Some((first, rest)) => {
            let rest: Vec<_> = rest.iter().enumerate().map(|(i, text)| format!("a{i} AS ({text})")).collect();
            format!("WITH {} {first}", rest.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{chained, shifted};

    #[test]
    fn statements_become_one() {
        let first = "INSERT INTO a VALUES ($1, $2)".to_owned();
        let second = shifted("INSERT INTO b VALUES ($1, $12)", 2);
        assert_eq!(second, "INSERT INTO b VALUES ($3, $14)");
        let both = "WITH a0 AS (INSERT INTO b VALUES ($3, $14)) INSERT INTO a VALUES ($1, $2)";
        assert_eq!(chained(&[first.clone(), second]), both);
        assert_eq!(chained(std::slice::from_ref(&first)), first);
    }
}
