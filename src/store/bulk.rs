//! Many rows written as they are: those of one entity together, with one statement for all of them, one for their tags
//! and one for their lines in the change log.
//!
//! What would be refused row by row is refused here, too, but not told: who asks then writes row by row, and hears
//! which row it was and why. Nothing here decides what is written.

use std::collections::{HashMap, HashSet};
use std::iter::Peekable;

use entities::schema::{Entity, Row};
use generators::errors::Error;
use generators::operations::{Action, Key, Operation, Scope, WORKSPACE, id_of, reference};
use generators::routes::Place;
use generators::sql::{self, Shape};
use generators::tables::Kind;
use sea_orm::{ConnectionTrait, SqlErr};
use sea_query::Value as Bound;
use serde_json::Value;

use super::batch::tags;
use super::conversation::{Conversation, permit};
use super::execute::Execution;
use super::failure::{Conflict, Failure, within};
use super::parts::{shares_value, stored};
use super::session::{Change, Session};
use super::together::Unpacked;
use super::transaction::Progress;

/// How many rows are written together at most. More make nothing faster.
const TOGETHER: usize = 256;
/// How many values a statement may have: SQLite takes 32,766, PostgreSQL 65,535.
const VALUES: usize = 32_766;

/// The next thing to do.
pub enum Step {
    One(Operation),
    /// Rows of one entity, of different ids, to be written as they are.
    Rows(&'static Entity, Vec<(String, Row)>),
}

/// Operations as steps: writes of rows that follow each other go together.
pub struct Steps<I: Iterator<Item = Unpacked>>(Peekable<I>);

impl<I: Iterator<Item = Unpacked>> Steps<I> {
    pub fn of(operations: I) -> Steps<I> {
        Steps(operations.peekable())
    }

    /// Whether nothing follows.
    pub fn is_empty(&mut self) -> bool {
        self.0.peek().is_none()
    }
}

impl<I: Iterator<Item = Unpacked>> Iterator for Steps<I> {
    type Item = Result<Step, Failure>;

    fn next(&mut self) -> Option<Result<Step, Failure>> {
        let first = match self.0.next()? {
            Ok(first) => first,
            Err(failure) => return Some(Err(failure)),
        };
        let Some(entity) = written(&first) else { return Some(Ok(Step::One(first))) };
        let mut ids: HashSet<String> = first.parameters.first().cloned().into_iter().collect();
        let mut rows = vec![named(first)];
        while rows.len() < TOGETHER {
            let fits = |next: &Unpacked| {
                let Ok(next) = next else { return false };
                let id = next.parameters.first().cloned().unwrap_or_default();
                written(next).is_some_and(|other| other.name == entity.name) && ids.insert(id)
            };
            let Some(Ok(next)) = self.0.next_if(fits) else { break };
            rows.push(named(next));
        }
        Some(Ok(Step::Rows(entity, rows)))
    }
}

/// The entity of a row that is written as it is.
fn written(operation: &Operation) -> Option<&'static Entity> {
    match operation.place {
        Place::Item(entity) if operation.action == Action::Write => Some(entity),
        _ => None,
    }
}

fn named(operation: Operation) -> (String, Row) {
    (operation.parameters.into_iter().next().unwrap_or_default(), operation.row)
}

impl<S: Conversation> Execution<'_, S> {
    /// Writes rows as they are, each over the one of its id if there is one.
    pub(super) async fn write_rows(
        &mut self,
        entity: &'static Entity,
        rows: Vec<(String, Row)>,
        progress: &Progress,
    ) -> Result<(), Failure> {
        // A row may refer to one of its own kind: that one must be there before it.
        let is_own = |parent: &Entity| parent.name == entity.name;
        let is_linked = entity.foreign_keys().any(|(_, _, parent)| is_own(self.declarations.resolve(parent)));
        if S::WRITES && rows.len() > 1 && entity.has_uuid() && !is_linked {
            match self.write_together(entity, &rows).await {
                Ok(()) => {
                    progress.advance(rows.len());
                    return Ok(());
                }
                // Whatever is wrong with one of them is told of that one.
                Err(failure) if failure.reason().is_none() => {}
                Err(failure) => return Err(failure),
            }
        }
        for (id, row) in rows {
            let result = self.write_alone(entity, &id, row).await;
            if result.is_err() {
                progress.note(Some((entity.name, id)));
            }
            result?;
            progress.advance(1);
        }
        Ok(())
    }

    async fn write_alone(&mut self, entity: &'static Entity, id: &str, row: Row) -> Result<(), Failure> {
        let key = Key::Primary(id.to_owned());
        self.agrees(entity, &row).await?;
        let before = self.session.get(entity, &key).await?;
        permit::<S>("create or update", entity, Some(&key))?;
        let row = stored(entity, &row);
        match before {
            Some(before) => self.session.update(entity, before, row)?,
            None => self.session.insert(entity, row)?,
        }
        // Each is sent on its own, so that a constraint that breaks is found among the values of one.
        self.session.flush(false).await
    }

    async fn write_together(
        &mut self,
        entity: &'static Entity,
        rows: &[(String, Row)],
    ) -> Result<(), Failure> {
        self.agree(entity, rows).await?;
        let ids = rows.iter().map(|(id, _)| id.clone()).collect();
        let key = entity.primary_key.first().copied().unwrap_or("id");
        let found = self.session.among(entity, key, ids).await?;
        let mut before: HashMap<_, _> =
            found.into_iter().filter_map(|row| Some((id_of(entity, &row)?, row))).collect();
        let rows = rows.iter().map(|(id, row)| (before.remove(id), stored(entity, row))).collect();
        self.session.write_all(entity, rows).await
    }

    /// [`Execution::agrees`] for many rows.
    async fn agree(&mut self, entity: &'static Entity, rows: &[(String, Row)]) -> Result<(), Failure> {
        let Some(agreement) = entity.agreement else { return Ok(()) };
        let mut rows: Vec<&Row> = rows.iter().map(|(_, row)| row).collect();
        for (through, across, sentence) in agreement.with {
            let Some(above) = entity.field(through).and_then(|field| field.foreign()) else { continue };
            let above = self.declarations.resolve(above);
            let (mut hanging, mut ids) = (Vec::new(), HashSet::new());
            rows.retain(|row| match row.get(*through).and_then(|value| reference(value, above)) {
                None => true,
                Some(id) => {
                    ids.insert(id.clone());
                    hanging.push((id, row.get(agreement.field)));
                    false
                }
            });
            let (other, field) = match across {
                None => (Some(above), above.primary_key.first().copied().unwrap_or("id")),
                Some((name, field)) => (self.declarations.entity(name), *field),
            };
            let Some(other) = other.filter(|_| !ids.is_empty()) else { continue };
            let found = self.session.among(other, field, ids.into_iter().collect()).await?;
            let mut others: HashMap<String, Vec<Option<&Value>>> = HashMap::new();
            for row in &found {
                let id = match across {
                    None => id_of(other, row),
                    Some(_) => row.get(field).and_then(|value| reference(value, above)),
                };
                others.entry(id.unwrap_or_default()).or_default().push(row.get(agreement.field));
            }
            let agrees = |(id, own): &(String, Option<&Value>)| {
                others.get(id).is_none_or(|others| others.iter().any(|other| shares_value(*own, *other)))
            };
            if !hanging.iter().all(agrees) {
                return Err(Error::violation(agreement.field, *sentence).into());
            }
        }
        Ok(())
    }
}

impl<C: ConnectionTrait> Session<'_, C> {
    /// The rows whose field is, or refers to, one of these.
    ///
    /// The question does not name the workspace, so that no index that begins with it is taken for a short way.
    pub async fn among(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        ids: Vec<String>,
    ) -> Result<Vec<Row>, Failure> {
        let values = vec![sql::bind_list(ids, self.dialect)];
        let scope = self.turn_to(Scope::Every);
        let found = self.list(entity, Shape::Among(field), values).await;
        self.turn_to(scope);
        let is_seen = |row: &mut Row| match (row.shift_remove(WORKSPACE), scope) {
            (Some(Value::String(id)), Scope::Workspace(own)) => id == own.to_string(),
            _ => true,
        };
        Ok(found?.into_iter().filter_map(|mut row| is_seen(&mut row).then_some(row)).collect())
    }

    /// Writes rows of different ids, each with what it was before. What the database refuses leaves nothing behind.
    pub async fn write_all(
        &mut self,
        entity: &'static Entity,
        rows: Vec<(Option<Row>, Row)>,
    ) -> Result<(), Failure> {
        for (before, after) in &rows {
            self.permit(before.as_ref(), Some(after))?;
        }
        self.guard().await?;
        self.run("SAVEPOINT rows").await?;
        let workspace = self.own_workspace(entity);
        let change = |(before, after): (Option<Row>, Row)| {
            let id = id_of(entity, &after).unwrap_or_default();
            Change { entity, id, workspace, before, after: Some(after) }
        };
        let changes: Vec<_> = rows.into_iter().map(change).collect();
        match self.send(entity, &changes).await {
            Ok(()) => self.run("RELEASE SAVEPOINT rows").await?,
            Err(failure) => {
                if failure.reason().is_none() {
                    self.run("ROLLBACK TO SAVEPOINT rows").await?;
                    self.run("RELEASE SAVEPOINT rows").await?;
                }
                return Err(failure);
            }
        }
        self.wrote(changes);
        Ok(())
    }

    /// Rows that are new, rows that are not, tags, lines of the log. Each statement comes after those on which it
    /// depends; what takes a version of the log comes last (see `send_by_row`).
    async fn send(&mut self, entity: &'static Entity, changes: &[Change]) -> Result<(), Failure> {
        let width = sql::width(entity);
        for is_new in [true, false] {
            let rows = changes.iter().filter(|change| change.before.is_none() == is_new);
            let values = rows.filter_map(|change| Some(self.values(entity, change.after.as_ref()?)));
            let shape = if is_new { Shape::Insert } else { Shape::Upsert };
            let text = |rows| self.statements.text(entity, shape(rows), self.scope, self.dialect).to_string();
            self.pieces(values.collect(), width, text).await?;
        }
        let (mut gone, mut come) = (Vec::new(), Vec::new());
        for change in changes {
            let id = sql::bind_text(Kind::Uuid, &change.id, self.dialect);
            let (old, new) = (tags(change.before.as_ref()), tags(change.after.as_ref()));
            for (_, tag) in old.iter().filter(|tag| !new.contains(tag)) {
                gone.push(vec![Bound::from(entity.name), Bound::from(*tag), id.clone()]);
            }
            for (ordinal, tag) in new.iter().filter(|tag| !old.contains(tag)) {
                let workspace = sql::bind_workspace(change.workspace, self.dialect);
                let (entity, tag) = (Bound::from(entity.name), Bound::from(*tag));
                come.push(vec![entity, tag, id.clone(), Bound::from(*ordinal), workspace]);
            }
        }
        let lists = |rows, width| sql::lists(rows, width, self.dialect);
        let delete = |rows| {
            format!("DELETE FROM \"tags\" WHERE (\"entity\", \"tag\", \"id\") IN (VALUES {})", lists(rows, 3))
        };
        self.pieces(gone, 3, delete).await?;
        let columns = "(\"entity\", \"tag\", \"id\", \"ordinal\", \"ws_id\")";
        let insert = |rows| format!("INSERT INTO \"tags\" {columns} VALUES {}", lists(rows, 5));
        self.pieces(come, 5, insert).await?;
        let lines = changes.iter().map(|change| self.line(change)).collect();
        let columns =
            "(\"entity\", \"id\", \"operation\", \"before\", \"after\", \"at\", \"ws_id\", \"client\")";
        let insert = |rows| format!("INSERT INTO \"changes\" {columns} VALUES {}", lists(rows, 8));
        self.pieces(lines, 8, insert).await
    }

    /// Sends lists of values, with as few statements as their numbers allow. Each has a power of two of them, so that
    /// few texts are ever prepared.
    async fn pieces(
        &self,
        lists: Vec<Vec<Bound>>,
        width: usize,
        text: impl Fn(usize) -> String,
    ) -> Result<(), Failure> {
        let most = (VALUES / width.max(1)).clamp(1, TOGETHER);
        let mut lists = lists.into_iter();
        while lists.len() > 0 {
            let size = 1 << lists.len().min(most).ilog2();
            let values = lists.by_ref().take(size).flatten().collect();
            let asked = self.connection.execute_raw(self.statement(&text(size), values));
            within(self.patience, asked).await.map_err(|error| match error.sql_err() {
                Some(
                    SqlErr::UniqueConstraintViolation(cause) | SqlErr::ForeignKeyConstraintViolation(cause),
                ) => Failure::Conflict(Box::new(Conflict { writes: Vec::new(), cause })),
                _ => error.into(),
            })?;
        }
        Ok(())
    }

    async fn run(&self, text: &str) -> Result<(), Failure> {
        within(self.patience, self.connection.execute_unprepared(text)).await?;
        Ok(())
    }
}
