//! How a request to the store can end without an answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use generators::errors::Error;
use sea_orm::{DbErr, RuntimeErr};

/// Why the store gives no answer.
#[derive(Debug)]
pub enum Failure {
    /// The request is refused; the client is told why.
    Refused(Error),
    /// What the path leads to is not there; with a sentence of its own.
    Absent(&'static str),
    /// No row below its parent bears the name in the path (`/consumers/{}/acls/{group}`). Kong answers that with an id
    /// of the request beside the sentence.
    Unnamed,
    /// The client may not touch a row that this would write.
    Forbidden,
    /// The endpoint does not do this.
    NotAllowed,
    /// A constraint of the database was broken; the engine finds out which.
    Conflict(Box<Conflict>),
    /// The store cannot be reached, or was too busy; nothing is known to be wrong with the request, and the client
    /// may try again.
    Unavailable { reason: Reason, cause: String },
    /// The store failed in a way that nobody foresaw; only the log is told how.
    Broken(String),
}

/// Why a store is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Another transaction was faster (a serialisation failure, a deadlock), and this one is undone.
    Race,
    /// The connection is gone. What was not committed is undone.
    Lost,
    /// No answer came in time; the connection may be gone.
    Silence,
    /// There are too many requests, or the database does not take any at the moment.
    Busy,
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

impl Failure {
    /// The store is too busy, or on its way out.
    pub fn busy(cause: impl Into<String>) -> Failure {
        Failure::Unavailable { reason: Reason::Busy, cause: cause.into() }
    }

    /// Why the store is not available, if that is what is the matter.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Failure::Unavailable { reason, .. } => Some(*reason),
            _ => None,
        }
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Failure {
        match reason(&error) {
            Some(reason) => Failure::Unavailable { reason, cause: error.to_string() },
            None => Failure::Broken(error.to_string()),
        }
    }
}

/// Waits for the answer of a database, for so long and no longer. What came too late counts as an error of the
/// connection.
pub async fn within<T>(
    patience: Option<Duration>,
    asked: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    let Some(patience) = patience else { return asked.await };
    let late = |_| {
        let late = io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {patience:?}"));
        DbErr::Exec(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(late))))
    };
    tokio::time::timeout(patience, asked).await.map_err(late)?
}

/// Why the same request may succeed when it is sent again; `None` where it would fail again.
fn reason(error: &DbErr) -> Option<Reason> {
    let cause = match error {
        DbErr::ConnectionAcquire(_) => return Some(Reason::Busy),
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => cause,
        DbErr::Conn(_) => return Some(Reason::Lost),
        _ => return None,
    };
    match &**cause {
        sqlx::Error::Io(cause) if cause.kind() == io::ErrorKind::TimedOut => Some(Reason::Silence),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => Some(Reason::Lost),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            Some(Reason::Busy)
        }
        sqlx::Error::Database(cause) => of_code(&cause.code().unwrap_or_default())
            .or_else(|| cause.message().contains("database is locked").then_some(Reason::Busy))
            // What a server says to somebody who connects is not about the request.
            .or_else(|| matches!(error, DbErr::Conn(_)).then_some(Reason::Busy)),
        _ if matches!(error, DbErr::Conn(_)) => Some(Reason::Busy),
        _ => None,
    }
}

/// What a code of PostgreSQL's says about trying again.
fn of_code(code: &str) -> Option<Reason> {
    match code {
        // Serialisation failure, deadlock.
        "40001" | "40P01" => Some(Reason::Race),
        // The server ends the session: it stops, it crashed, it waited too long within a transaction.
        "57P01" | "57P02" | "25P03" => Some(Reason::Lost),
        // It starts, has too many sessions, gave up waiting, or has become one that only reads.
        "57P03" | "53300" | "57014" | "55P03" | "25006" => Some(Reason::Busy),
        // Class 08 is about connections, class 53 about what the server has run out of.
        _ if code.len() == 5 && code.starts_with("08") => Some(Reason::Lost),
        _ if code.len() == 5 && code.starts_with("53") => Some(Reason::Busy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_tried_again() {
        for (code, expected) in [
            ("40001", Some(Reason::Race)),
            ("40P01", Some(Reason::Race)),
            ("57P01", Some(Reason::Lost)),
            ("08006", Some(Reason::Lost)),
            ("57014", Some(Reason::Busy)),
            ("53100", Some(Reason::Busy)),
            // A column that is not there, a code of SQLite's.
            ("42703", None),
            ("08", None),
        ] {
            assert_eq!(of_code(code), expected, "{code}");
        }
    }

    #[tokio::test]
    async fn a_database_that_says_nothing() {
        let never = std::future::pending::<Result<(), DbErr>>();
        let late = within(Some(Duration::from_millis(10)), never).await.unwrap_err();
        assert_eq!(Failure::from(late).reason(), Some(Reason::Silence));
        assert!(within(None, async { Ok(()) }).await.is_ok());
    }
}
