//! What an operation asks of the place where rows are kept, whichever it is.

use entities::schema::{Declarations, Entity, Row};
use generators::errors::Error;
use generators::operations::{Key, Page, Scope, id_of};
use sea_orm::ConnectionTrait;

use super::execute::reference_field;
use super::failure::Failure;
use super::session::Session;

/// A conversation with a store, within one operation.
pub trait Conversation: Send {
    /// Whether rows can be written one by one. Where they cannot, an operation is refused right before its first
    /// write, after everything else that is wrong with it.
    const WRITES: bool;

    /// The row of a key.
    fn get(
        &mut self,
        entity: &'static Entity,
        key: &Key,
    ) -> impl Future<Output = Result<Option<Row>, Failure>> + Send;

    /// Every row that refers to `parent` through `field`.
    fn children(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
    ) -> impl Future<Output = Result<Vec<Row>, Failure>> + Send;

    /// A row whose field names `id` without a foreign key.
    fn naming(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        id: &str,
    ) -> impl Future<Output = Result<Option<Row>, Failure>> + Send;

    /// Whether an entity has rows.
    fn any(&mut self, entity: &'static Entity) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Turns to the rows of another scope, and gives the one before.
    fn turn_to(&mut self, scope: Scope) -> Scope;

    /// Rows whose time is over.
    fn expired(&mut self, entity: &'static Entity) -> impl Future<Output = Result<Vec<Row>, Failure>> + Send;

    /// Writes a new row.
    fn insert(&mut self, entity: &'static Entity, row: Row) -> Result<(), Failure>;

    /// Writes a row over the stored one.
    fn update(&mut self, entity: &'static Entity, before: Row, row: Row) -> Result<(), Failure>;

    /// The rows whose field is, or refers to, one of these; asked only where rows can be written.
    fn among(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        ids: Vec<String>,
    ) -> impl Future<Output = Result<Vec<Row>, Failure>> + Send;

    /// Writes rows of different ids, each with what it was before. What the database refuses leaves nothing behind.
    fn write_all(
        &mut self,
        entity: &'static Entity,
        rows: Vec<(Option<Row>, Row)>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Deletes a row.
    fn delete(&mut self, entity: &'static Entity, row: Row) -> Result<(), Failure>;

    /// Sends what has been gathered; `last` says that nothing follows.
    fn flush(&mut self, last: bool) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl<C: ConnectionTrait> Conversation for Session<'_, C> {
    const WRITES: bool = true;

    async fn get(&mut self, entity: &'static Entity, key: &Key) -> Result<Option<Row>, Failure> {
        Session::get(self, entity, key).await
    }

    async fn children(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        parent: &str,
    ) -> Result<Vec<Row>, Failure> {
        Session::children(self, entity, field, parent).await
    }

    async fn naming(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        id: &str,
    ) -> Result<Option<Row>, Failure> {
        Session::naming(self, entity, field, id).await
    }

    async fn any(&mut self, entity: &'static Entity) -> Result<bool, Failure> {
        let one = Page { size: 1, ..Page::default() };
        Ok(!Session::page(self, entity, &one).await?.is_empty())
    }

    fn turn_to(&mut self, scope: Scope) -> Scope {
        Session::turn_to(self, scope)
    }

    async fn expired(&mut self, entity: &'static Entity) -> Result<Vec<Row>, Failure> {
        Session::expired(self, entity).await
    }

    fn insert(&mut self, entity: &'static Entity, row: Row) -> Result<(), Failure> {
        Session::insert(self, entity, row)
    }

    fn update(&mut self, entity: &'static Entity, before: Row, row: Row) -> Result<(), Failure> {
        Session::update(self, entity, before, row)
    }

    async fn among(
        &mut self,
        entity: &'static Entity,
        field: &'static str,
        ids: Vec<String>,
    ) -> Result<Vec<Row>, Failure> {
        Session::among(self, entity, field, ids).await
    }

    async fn write_all(
        &mut self,
        entity: &'static Entity,
        rows: Vec<(Option<Row>, Row)>,
    ) -> Result<(), Failure> {
        Session::write_all(self, entity, rows).await
    }

    fn delete(&mut self, entity: &'static Entity, row: Row) -> Result<(), Failure> {
        Session::delete(self, entity, row)
    }

    async fn flush(&mut self, last: bool) -> Result<(), Failure> {
        Session::flush(self, last).await
    }
}

/// Refuses a write where rows cannot be written one by one; `key` is how the row is found.
pub fn permit<S: Conversation>(what: &str, entity: &Entity, key: Option<&Key>) -> Result<(), Failure> {
    if S::WRITES {
        return Ok(());
    }
    let by = match key {
        Some(Key::Unique { field, .. }) => format!(" by '{field}'"),
        _ => String::new(),
    };
    let sentence = format!("cannot {what} '{}' entities{by} when not using a database", entity.name);
    Err(Error::OperationUnsupported(sentence).into())
}

/// Refuses a deletion likewise. Rows that the row lists go before it, by their names.
pub async fn permit_deletion<S: Conversation>(
    session: &mut S,
    declarations: &Declarations,
    entity: &'static Entity,
    row: &Row,
    key: &Key,
) -> Result<(), Failure> {
    if let (false, Some((_, other, field))) = (S::WRITES, entity.listing())
        && let (Some(other), Some(id)) = (declarations.entity(other), id_of(entity, row))
        && let Some(reference) = reference_field(other, entity)
        && !session.children(other, reference, &id).await?.is_empty()
    {
        return permit::<S>("remove", other, Some(&Key::Unique { field, value: String::new() }));
    }
    permit::<S>("remove", entity, Some(key))
}
