//! How a request to the store can end without an answer.

use generators::errors::Error;
use sea_orm::DbErr;

/// Why the store gives no answer.
#[derive(Debug)]
pub enum Failure {
    /// The request is refused; the client is told why.
    Refused(Error),
    /// What the path leads to is not there; with a sentence of its own.
    Absent(&'static str),
    /// No row below its parent bears the name in the path (`/consumers/{}/acls/{group}`). Kong answers that with an id
    /// of the request beside the sentence.
    Unnamed { request_id: uuid::Uuid },
    /// The endpoint does not do this.
    NotAllowed,
    /// A constraint of the database was broken; the engine finds out which.
    Conflict(Box<Conflict>),
    /// The store cannot be reached, or was too busy; the client may try again.
    Unavailable(String),
    /// The store failed in a way that nobody foresaw; only the log is told how.
    Broken(String),
}

/// Writes of which one broke a constraint.
#[derive(Debug)]
pub struct Conflict {
    pub writes: Vec<Write>,
    pub cause: String,
}

/// A row that was to be written.
#[derive(Debug)]
pub struct Write {
    pub entity: &'static str,
    pub row: entities::schema::Row,
    /// Whether the row is new.
    pub insert: bool,
}

/// The sentence of a 404.
pub const NOT_FOUND: &str = "Not found";

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Refused(error)
    }
}

impl From<entities::schema::Violations> for Failure {
    fn from(violations: entities::schema::Violations) -> Failure {
        Failure::Refused(Error::SchemaViolation(violations))
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Failure {
        match &error {
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => Failure::Unavailable(error.to_string()),
            DbErr::Exec(cause) | DbErr::Query(cause) => {
                let text = cause.to_string();
                if is_transient(&error, &text) { Failure::Unavailable(text) } else { Failure::Broken(text) }
            }
            _ => Failure::Broken(error.to_string()),
        }
    }
}

/// Whether the same request may succeed when it is sent again: a lost connection, a serialisation failure, a
/// deadlock, a lock that another process holds.
fn is_transient(error: &DbErr, text: &str) -> bool {
    use sea_orm::RuntimeErr;
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    match &**cause {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(cause) => {
            matches!(cause.code().as_deref(), Some("40001" | "40P01" | "57P01" | "57P03" | "53300"))
                || text.contains("database is locked")
        }
        _ => false,
    }
}
