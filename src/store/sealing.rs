//! Bringing what is stored under the key that seals: when a store is first opened with a keyring, and when the keyring
//! has a new first key. Rows and their images in the change log are sealed again in one transaction; nothing else of
//! them changes, and the log gets no line.
//!
//! The store remembers the id of the key, so that nobody opens it without.

use entities::schema::{Entity, Row};
use generators::operations::{Page, Scope, id_of};
use generators::sealed;
use generators::sql::{self, Shape};
use generators::tables::{Dialect, Kind};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, TransactionTrait};
use sea_query::Value as Bound;

use super::failure::Failure;
use super::keyring::Keyring;
use super::session::{Session, Statements, column};
use super::{OpenError, Shared, migrations};

/// How many rows are sealed at once.
const PAGE: usize = 500;

/// Seals again what is not under the current key; gives the number of rows.
///
/// # Errors
/// The store is sealed with a key that is not there.
pub async fn up(
    db: &DatabaseConnection,
    dialect: Dialect,
    statements: &Statements,
    shared: &Shared,
) -> Result<usize, OpenError> {
    let failed = |failure: Failure| OpenError::Unopened(format!("{failure:?}"));
    let keyring = shared.keyring.as_deref();
    let transaction =
        db.begin_with_options(migrations::immediate()).await.map_err(migrations::MigrationError::from)?;
    let mut session = Session::new(&transaction, statements, dialect, Scope::Every, 0);
    session.take_turn(shared).await.map_err(failed)?;
    let sealed = session.current_key().await.map_err(failed)?;
    let is_held = |id: &String| keyring.is_some_and(|keyring| keyring.holds(id));
    if let Some(id) = sealed.as_ref().filter(|id| !is_held(id)) {
        return Err(OpenError::Sealed(id.clone()));
    }
    let Some(keyring) = keyring.filter(|keyring| sealed.as_deref() != Some(keyring.current())) else {
        return Ok(0);
    };
    let count = session.seal_all(shared, keyring).await.map_err(failed)?;
    transaction.commit().await.map_err(migrations::MigrationError::from)?;
    if dialect == Dialect::Sqlite {
        // What was overwritten is still in the file.
        for statement in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            db.execute_unprepared(statement).await.map_err(migrations::MigrationError::from)?;
        }
    }
    tracing::info!(key = keyring.current(), rows = count, "what is encrypted is under the current key");
    Ok(count)
}

impl<C: ConnectionTrait> Session<'_, C> {
    /// Waits until no other node does the same, and keeps others from writing meanwhile.
    async fn take_turn(&self, shared: &Shared) -> Result<(), Failure> {
        if self.dialect == Dialect::Postgres && shared.keyring.is_some() {
            let tables = shared.declarations.entities().filter(|entity| is_meant(entity));
            let tables: Vec<_> = tables.map(|entity| format!("\"{}\"", entity.table())).collect();
            let patient =
                "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;";
            let lock = format!("LOCK TABLE \"changes\", {} IN SHARE ROW EXCLUSIVE MODE", tables.join(", "));
            let wait = "SELECT pg_advisory_xact_lock(7305812);";
            self.connection.execute_unprepared(&format!("{patient} {wait} {lock}")).await?;
        }
        Ok(())
    }

    /// The id of the key that seals what is stored.
    async fn current_key(&self) -> Result<Option<String>, Failure> {
        let text = "SELECT \"value\" FROM \"schema_meta\" WHERE \"key\" = 'keyring'";
        let found = self.connection.query_one_raw(self.statement(text, Vec::new())).await?;
        Ok(found.map(|found| found.try_get_by_index(0)).transpose()?)
    }

    async fn seal_all(&mut self, shared: &Shared, keyring: &Keyring) -> Result<usize, Failure> {
        let mut count = 0;
        for entity in shared.declarations.entities().filter(|entity| is_meant(entity)) {
            count += self.seal_rows(entity).await?;
            self.seal_images(entity).await?;
        }
        let mark = match self.dialect {
            Dialect::Sqlite => "?",
            Dialect::Postgres => "$1",
        };
        let text = format!(
            "INSERT INTO \"schema_meta\" (\"key\", \"value\") VALUES ('keyring', {mark}) \
             ON CONFLICT (\"key\") DO UPDATE SET \"value\" = excluded.\"value\""
        );
        self.connection.execute_raw(self.statement(&text, vec![Bound::from(keyring.current())])).await?;
        Ok(count)
    }

    /// The rows of an entity, a page after the other.
    async fn seal_rows(&mut self, entity: &'static Entity) -> Result<usize, Failure> {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = Page { size: PAGE, after, ..Page::default() };
            let mut rows = self.page(entity, &page).await?;
            let more = rows.len() > PAGE;
            rows.truncate(PAGE);
            for row in &rows {
                let text = self.statements.text(entity, Shape::Update, self.scope, self.dialect);
                let values = sql::update_values(entity, &self.statements.sealed(entity, row), self.dialect);
                self.connection.execute_raw(self.statement(&text, values)).await?;
            }
            count += rows.len();
            after = rows.last().and_then(|row| id_of(entity, row));
            if !more {
                return Ok(count);
            }
        }
    }

    /// The images of an entity's rows in the change log, likewise.
    async fn seal_images(&mut self, entity: &'static Entity) -> Result<(), Failure> {
        let [one, two, three] = match self.dialect {
            Dialect::Sqlite => ["?", "?", "?"],
            Dialect::Postgres => ["$1", "$2", "$3"],
        };
        let question = format!(
            "SELECT \"version\", \"before\", \"after\" FROM \"changes\" WHERE \"entity\" = {one} AND \"version\" > {two} \
             ORDER BY \"version\" LIMIT {PAGE}"
        );
        let update = format!(
            "UPDATE \"changes\" SET \"before\" = {one}, \"after\" = {two} WHERE \"version\" = {three}"
        );
        let mut version = 0_i64;
        loop {
            let values = vec![Bound::from(entity.name), Bound::from(version)];
            let found = self.connection.query_all_raw(self.statement(&question, values)).await?;
            for line in &found {
                version = line.try_get_by_index(0)?;
                let mut images = Vec::with_capacity(3);
                for i in [1, 2] {
                    let mut image = column(line, i, Kind::Json)?;
                    if let Some(row) = image.as_object_mut() {
                        *row = self.sealed_again(entity, row)?;
                    }
                    images.push(sql::bind_json(&image, self.dialect));
                }
                images.push(Bound::from(version));
                self.connection.execute_raw(self.statement(&update, images)).await?;
            }
            if found.len() < PAGE {
                return Ok(());
            }
        }
    }

    fn sealed_again(&self, entity: &'static Entity, row: &Row) -> Result<Row, DbErr> {
        let mut row = row.clone();
        self.statements.opened(entity, &mut row).map_err(|cause| DbErr::Custom(cause.to_string()))?;
        Ok(self.statements.sealed(entity, &row).into_owned())
    }
}

fn is_meant(entity: &Entity) -> bool {
    entity.stored && sealed::has_any(entity)
}
