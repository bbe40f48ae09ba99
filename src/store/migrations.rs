//! Bringing a database to what the declarations need: what it has, the difference, and applying it.
//!
//! The steps themselves are made by the generators. Two processes that start at once take turns.

use generators::tables::{Dialect, Existing, Refusal, Step, Table, difference};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};

/// The format that this program writes. It grows when an older program could not read what a newer one wrote.
const FORMAT: u32 = 2;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error(
        "the database was written by a newer program (format {found}; this one knows {FORMAT}): use that program, or restore a backup"
    )]
    Newer { found: u32 },
    #[error(
        "the database holds the tables of another program, such as Kong's: name another one, and fill it by `config db_import`"
    )]
    Foreign,
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A row refers to one that is not there.
    #[error("rows of the database refer to rows that are not there: restore a backup")]
    Unrelated,
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
}

fn backend(dialect: Dialect) -> DbBackend {
    match dialect {
        Dialect::Sqlite => DbBackend::Sqlite,
        Dialect::Postgres => DbBackend::Postgres,
    }
}

async fn texts(
    db: &impl ConnectionTrait,
    dialect: Dialect,
    sql: &str,
) -> Result<Vec<(String, String)>, DbErr> {
    let rows = db.query_all_raw(Statement::from_string(backend(dialect), sql)).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// The tables that a database has.
pub async fn existing(db: &impl ConnectionTrait, dialect: Dialect) -> Result<Vec<Existing>, DbErr> {
    let (columns, indexes) = match dialect {
        Dialect::Sqlite => (
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid",
            "SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'",
        ),
        Dialect::Postgres => (
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position",
            "SELECT tablename::text, indexname::text FROM pg_indexes WHERE schemaname = current_schema()",
        ),
    };
    let mut tables: Vec<Existing> = Vec::new();
    for (table, column) in texts(db, dialect, columns).await? {
        match tables.last_mut().filter(|last| last.name == table) {
            Some(last) => last.columns.push(column),
            None => tables.push(Existing { name: table, columns: vec![column], indexes: Vec::new() }),
        }
    }
    for (table, index) in texts(db, dialect, indexes).await? {
        if let Some(table) = tables.iter_mut().find(|own| own.name == table) {
            table.indexes.push(index);
        }
    }
    Ok(tables)
}

/// Whether a database keeps its format as this program does. Kong's tables have names that ours have, too, and its table
/// of migrations has the name of this one, with other columns.
fn keeps_format(existing: &[Existing]) -> Result<bool, MigrationError> {
    let Some(table) = existing.iter().find(|table| table.name == "schema_meta") else { return Ok(false) };
    if table.columns.iter().any(|column| column == "value") { Ok(true) } else { Err(MigrationError::Foreign) }
}

/// The steps that a database still needs.
pub async fn pending(
    db: &impl ConnectionTrait,
    dialect: Dialect,
    wanted: &[Table],
) -> Result<Vec<Step>, MigrationError> {
    let existing = existing(db, dialect).await?;
    if keeps_format(&existing)? {
        let sql = "SELECT \"key\", \"value\" FROM \"schema_meta\" WHERE \"key\" = 'format'";
        let found =
            texts(db, dialect, sql).await?.first().and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        if found > FORMAT {
            return Err(MigrationError::Newer { found });
        }
    }
    Ok(difference(&existing, wanted, dialect)?)
}

/// Brings a database to what `wanted` needs, as a whole or not at all; gives the steps that were taken. Nobody else may
/// use the connection of an SQLite file meanwhile.
pub async fn up(
    db: &DatabaseConnection,
    dialect: Dialect,
    wanted: &[Table],
) -> Result<Vec<Step>, MigrationError> {
    // Within a transaction SQLite does not hear of this; a table that is replaced would take what refers to it along.
    if dialect == Dialect::Sqlite {
        db.execute_unprepared("PRAGMA foreign_keys = OFF").await?;
    }
    let transaction = db.begin_with_options(immediate()).await?;
    if dialect == Dialect::Postgres {
        // An index on many rows takes longer than any statement that a client waits for.
        let patient = ["statement_timeout", "idle_in_transaction_session_timeout"];
        for name in patient {
            transaction.execute_unprepared(&format!("SET LOCAL {name} = 0")).await?;
        }
        // The second of two processes that start at once waits here until the first has committed.
        transaction.execute_unprepared("SELECT pg_advisory_xact_lock(7305812)").await?;
    }
    let steps = pending(&transaction, dialect, wanted).await?;
    for statement in steps.iter().flat_map(|step| &step.statements) {
        transaction.execute_unprepared(statement).await?;
    }
    if !steps.is_empty() {
        transaction
            .execute_unprepared(&format!(
                "INSERT INTO \"schema_meta\" (\"key\", \"value\") VALUES ('format', '{FORMAT}') \
                 ON CONFLICT (\"key\") DO UPDATE SET \"value\" = excluded.\"value\""
            ))
            .await?;
    }
    if dialect == Dialect::Sqlite && !steps.is_empty() {
        let broken = Statement::from_string(DbBackend::Sqlite, "PRAGMA foreign_key_check");
        if !transaction.query_all_raw(broken).await?.is_empty() {
            return Err(MigrationError::Unrelated);
        }
    }
    transaction.commit().await?;
    if dialect == Dialect::Sqlite {
        db.execute_unprepared("PRAGMA foreign_keys = ON").await?;
    }
    Ok(steps)
}

/// SQLite takes the right to write at once, and not when it is first needed, when another may have it.
pub fn immediate() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    }
}

/// Drops every table that the declarations need, and all that is in them.
pub async fn reset(
    db: &DatabaseConnection,
    dialect: Dialect,
    wanted: &[Table],
) -> Result<(), MigrationError> {
    let transaction = db.begin_with_options(immediate()).await?;
    let existing = existing(&transaction, dialect).await?;
    keeps_format(&existing)?;
    for table in wanted.iter().rev().filter(|table| existing.iter().any(|own| own.name == table.name)) {
        transaction.execute_unprepared(&format!("DROP TABLE \"{}\"", table.name)).await?;
    }
    Ok(transaction.commit().await?)
}
