//! Refusals as answers: the one table from an error to its HTTP status and body.

use generators::errors::Error;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::request_id::RequestId;
use crate::store::Failure;

/// A refusal: a status and a JSON body.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub body: Value,
    /// Seconds after which the client may try again.
    pub retry_after: Option<u32>,
    /// The methods that would not have been refused; told with every 405.
    pub allow: Option<String>,
}

impl Refusal {
    /// A refusal that says one sentence.
    pub fn new(status: StatusCode, message: &str) -> Refusal {
        Refusal { status, body: json!({ "message": message }), retry_after: None, allow: None }
    }

    /// `404 Not found`
    pub fn not_found() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, crate::store::NOT_FOUND)
    }

    /// `405 Method not allowed`
    pub fn method_not_allowed() -> Refusal {
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
    }

    /// `401`, as Kong's role-based access control says it.
    pub fn unauthorized() -> Refusal {
        let sentence = "Invalid credentials. Token or User credentials required";
        Refusal::new(StatusCode::UNAUTHORIZED, sentence)
    }

    /// `403` for what a client asked for, likewise.
    pub fn forbidden(what: &str) -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, &format!("you do not have permissions to {what}"))
    }

    /// `400` with a sentence
    pub fn bad_request(message: &str) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, message)
    }
}

/// The HTTP status of each error.
fn status(error: &Error) -> StatusCode {
    match error {
        Error::UniqueViolation(_) => StatusCode::CONFLICT,
        Error::NotFound(_) | Error::NotFoundBy(_) => StatusCode::NOT_FOUND,
        Error::OperationUnsupported(_) => StatusCode::METHOD_NOT_ALLOWED,
        Error::InvalidPrimaryKey(_)
        | Error::SchemaViolation(_)
        | Error::PrimaryKeyViolation(_)
        | Error::ForeignKeyViolation { .. }
        | Error::StillReferenced { .. }
        | Error::InvalidOffset { .. }
        | Error::InvalidSize(_)
        | Error::InvalidUnique { .. }
        | Error::InvalidOptions(_)
        | Error::ForeignKeysUnresolved(_)
        | Error::ReferencedByOthers(_)
        | Error::DeclarativeConfig(_) => StatusCode::BAD_REQUEST,
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        let mut body = Map::new();
        body.insert("message".to_owned(), Value::from(error.message()));
        body.insert("name".to_owned(), Value::from(error.name()));
        body.insert("code".to_owned(), Value::from(error.code()));
        if let Some((key, details)) = error.details() {
            body.insert(key.to_owned(), details);
        }
        Refusal { status: status(&error), body: Value::Object(body), retry_after: None, allow: None }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        match failure {
            Failure::Refused(error) => error.into(),
            Failure::Absent(sentence) => Refusal::new(StatusCode::NOT_FOUND, sentence),
            Failure::Unnamed => {
                let id = RequestId::current().unwrap_or_else(RequestId::next);
                let body = json!({ "message": crate::store::NOT_FOUND, "request_id": id.to_string() });
                Refusal { body, ..Refusal::not_found() }
            }
            Failure::Forbidden => Refusal::forbidden("write rows that carry none of the tags of your roles"),
            Failure::NotAllowed => Refusal::method_not_allowed(),
            Failure::Unavailable { reason, cause } => {
                tracing::warn!(?reason, %cause, "the store is not available");
                let refusal =
                    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the store is not available, try again");
                Refusal { retry_after: Some(1), ..refusal }
            }
            Failure::Conflict(conflict) => unexpected(&conflict.cause),
            Failure::Broken(cause) => unexpected(&cause),
        }
    }
}

/// What nobody foresaw is told to the log, never to the client.
fn unexpected(cause: &str) -> Refusal {
    tracing::error!(%cause, "a request failed");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "An unexpected error occurred")
}
