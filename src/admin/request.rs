//! A request's own words: its arguments and its body, read within bounds and decoded by content type.

use axum::body::Body;
use bytes::Bytes;
use entities::schema::Row;
use generators::input::{self, Brackets, Part};
use generators::operations::Scope;
use generators::routes::InWorkspace;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};

use super::errors::Refusal;
use crate::store::Client;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Json,
    Form,
    Multipart,
    Yaml,
    /// There is none.
    Empty,
}

/// A request, before anything is looked up.
pub struct Request {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub encoding: Encoding,
    pub body: Bytes,
    /// Whose rows it is about.
    pub scope: Scope,
    /// What its path began with, to say which: `/blue`; empty for the default workspace.
    pub prefix: String,
    /// Who asks, where that is known.
    pub client: Option<Client>,
}

/// The input of a write, decoded.
pub struct Input {
    pub row: Row,
    /// Whether values are texts whose types follow from the declaration.
    pub textual: bool,
}

const TOO_MANY_ARGUMENTS: &str = "Too many arguments";

/// Whether a method carries a body.
fn needs_body(method: &Method) -> bool {
    matches!(*method, Method::PUT | Method::POST | Method::PATCH)
}

/// How the body is written, by the beginning of its content type; letter case counts. An unknown type is refused
/// before anybody asks where the path leads. `yaml` says whether the path takes it.
fn encoding(method: &Method, headers: &HeaderMap, has_body: bool, yaml: bool) -> Result<Encoding, Refusal> {
    if !needs_body(method) {
        return Ok(Encoding::Empty);
    }
    if headers.get_all(CONTENT_TYPE).iter().count() > 1 {
        return Err(Refusal::bad_request("Multiple Content-Type headers not allowed"));
    }
    let content_type = match headers.get(CONTENT_TYPE) {
        None if !has_body => return Ok(Encoding::Empty),
        None => b"",
        Some(value) => value.as_bytes(),
    };
    let is = |prefix: &str| content_type.starts_with(prefix.as_bytes());
    if is("application/json") {
        Ok(Encoding::Json)
    } else if is("multipart/form-data") {
        Ok(Encoding::Multipart)
    } else if is("application/x-www-form-urlencoded") {
        Ok(Encoding::Form)
    } else if yaml && (is("application/yaml") || is("text/yaml")) {
        Ok(Encoding::Yaml)
    } else {
        Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"))
    }
}

/// Whether a path takes whole documents.
fn takes_yaml(path: &str) -> bool {
    matches!(path, "/config" | "/configuration")
}

/// The address with another path.
fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    match uri.query() {
        Some(query) => format!("{path}?{query}").parse().ok(),
        None => path.parse().ok(),
    }
}

impl Request {
    /// Reads a request whose body has at most `limit` bytes. Where its path begins with a workspace, the path within it
    /// is what counts from here on.
    pub async fn read(
        request: http::Request<Body>,
        workspace: Option<&InWorkspace>,
        (scope, client): (Scope, Option<Client>),
        limit: usize,
    ) -> Result<Request, Refusal> {
        let (mut parts, body) = request.into_parts();
        if let Some(uri) = workspace.and_then(|workspace| with_path(&parts.uri, &workspace.path)) {
            parts.uri = uri;
        }
        let body = if needs_body(&parts.method) {
            match Limited::new(body, limit).collect().await {
                Ok(body) => body.to_bytes(),
                Err(cause) if cause.is::<http_body_util::LengthLimitError>() => {
                    return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "request body is too large"));
                }
                Err(_) => return Err(Refusal::bad_request("the request body could not be read")),
            }
        } else {
            Bytes::new()
        };
        let has_body = !body.is_empty();
        let encoding = encoding(&parts.method, &parts.headers, has_body, takes_yaml(parts.uri.path()))?;
        let (method, uri, headers) = (parts.method, parts.uri, parts.headers);
        Ok(Request { method, uri, headers, encoding, body, scope, prefix: String::new(), client })
    }

    /// The arguments of the query.
    pub fn arguments(&self) -> Result<Row, Refusal> {
        match self.uri.query() {
            None | Some("") => Ok(Row::new()),
            Some(query) => {
                let brackets = if needs_body(&self.method) { Brackets::Key } else { Brackets::Name };
                input::query(query, brackets).map_err(|_| Refusal::bad_request(TOO_MANY_ARGUMENTS))
            }
        }
    }

    /// The body, decoded.
    pub async fn input(&self) -> Result<Input, Refusal> {
        Ok(match self.encoding {
            Encoding::Empty | Encoding::Yaml => Input { row: Row::new(), textual: false },
            Encoding::Json => {
                let row = self.json().await.ok_or_else(|| Refusal::bad_request("Cannot parse JSON body"))?;
                Input { row, textual: false }
            }
            Encoding::Form => {
                let row = input::form(&self.body).map_err(|_| Refusal::bad_request(TOO_MANY_ARGUMENTS))?;
                Input { row, textual: true }
            }
            Encoding::Multipart => Input { row: input::multipart(self.parts().await?), textual: true },
        })
    }

    /// The row of a JSON body. A large one is read beside the threads that answer requests.
    async fn json(&self) -> Option<Row> {
        const LARGE: usize = 256 * 1024;
        if self.body.len() < LARGE {
            return input::json_row(&self.body).ok();
        }
        let body = self.body.clone();
        tokio::task::spawn_blocking(move || input::json_row(&body).ok()).await.ok()?
    }

    /// The parts of a multipart body.
    async fn parts(&self) -> Result<Vec<Part>, Refusal> {
        const MAX_PARTS: usize = 1000;
        let content_type =
            self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // A body without a boundary has no parts.
        let Ok(boundary) = multer::parse_boundary(content_type) else { return Ok(Vec::new()) };
        let body = self.body.clone();
        let stream = futures_util::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
        let mut multipart = multer::Multipart::new(stream, boundary);
        let mut parts = Vec::new();
        // A body that breaks off has the parts that came before.
        while let Ok(Some(field)) = multipart.next_field().await {
            if parts.len() == MAX_PARTS {
                return Err(Refusal::bad_request(TOO_MANY_ARGUMENTS));
            }
            let name = field.name().map(str::to_owned);
            let Ok(data) = field.bytes().await else { break };
            parts.push(Part { name, data: data.to_vec() });
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_path_keeps_the_arguments() {
        for (given, path, wanted) in [
            ("/blue/services?size=5&a=%2F", "/services", "/services?size=5&a=%2F"),
            ("/blue/services/", "/services/", "/services/"),
            ("/blue?x", "/", "/?x"),
        ] {
            assert_eq!(with_path(&given.parse().unwrap(), path), wanted.parse().ok(), "{given}");
        }
    }
}
