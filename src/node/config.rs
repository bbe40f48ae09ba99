//! `/config`: the declarative configuration of a node without a database. A node that has one refuses.
//!
//! A document is read (JSON first, then YAML), taken apart and checked by `generators::declarative`, and put in the
//! place of what was loaded before, all at once. That work is done beside the threads that answer requests.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use entities::schema::{Declarations, Row, bytes::marked};
use generators::complete::numbered;
use generators::declarative::{self, Collect, Loaded, Refused};
use generators::errors::Error;
use generators::{input, yaml};
use http::{Method, StatusCode};
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::Node;
use crate::admin::{Answer, Refusal, Request};
use crate::clock::Circumstances;
use crate::store::{Entry, Failure, Snapshot, Turn};

/// The entity that a document may list but no answer shows.
const WORKSPACES: &str = "workspaces";

/// Why a configuration cannot be loaded when a node starts.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    #[error("declarative_config '{0}' cannot be read: {1}")]
    Unreadable(String, std::io::Error),
    #[error("{0}")]
    Refused(String),
    #[error("the declarative configuration could not be loaded: {0:?}")]
    Failed(Failure),
}

/// `GET /config`, `POST /config`
pub async fn answer(node: &Node, request: &Request) -> Result<Answer, Refusal> {
    let without_database = node.store.configuration_hash().is_some();
    if request.method == Method::POST {
        // A body that cannot be read is refused before anybody asks what it is for.
        let body = request.input().await?.row;
        if without_database {
            return load(node, request, body).await;
        }
    }
    if without_database {
        return Ok(Answer::ok(&json!({ "config": export(node).await? })));
    }
    Err(Refusal::bad_request("this endpoint is only available when Kong is configured to not use a database"))
}

/// `POST /config?check_hash=1&flatten_errors=1`
async fn load(node: &Node, request: &Request, body: Row) -> Result<Answer, Refusal> {
    let mut arguments = request.arguments()?;
    arguments.extend(body);
    let flatten = arguments.shift_remove("flatten_errors").is_some_and(|value| is_true(&value));
    let check = arguments.shift_remove("check_hash").is_some_and(|value| value == "1" || value == 1);
    let busy = |_| Refusal {
        retry_after: Some(1),
        ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "Currently loading previous configuration")
    };
    let Some(turn) = node.store.turn().await.map_err(busy)? else { return Err(Refusal::not_found()) };
    let (document, hash) = match arguments.get("_format_version") {
        Some(version) if *version != Value::Bool(false) => (arguments, None),
        _ => {
            let text = match arguments.shift_remove("config") {
                Some(Value::String(text)) => Bytes::from(text),
                Some(other) => Bytes::from(other.to_string()),
                None if request.body.is_empty() => {
                    return Err(Refusal::bad_request("expected a declarative configuration"));
                }
                None => request.body.clone(),
            };
            let hash = hash(&text);
            let document = blocking(move || parse(&text)).await?;
            (document.map_err(unreadable)?, Some(hash))
        }
    };
    if check && hash.is_some() && hash == node.store.configuration_hash() {
        return Ok(Answer::NotModified);
    }
    match replace(node, turn, document, hash).await? {
        Ok(answer) => Ok(Answer::Json(StatusCode::CREATED, answer)),
        Err(refused) if flatten => {
            let (error, rows) = refused.flattened();
            let mut refusal = Refusal::from(error);
            if let Value::Object(body) = &mut refusal.body {
                body.insert("flattened_errors".to_owned(), Value::Array(rows));
            }
            Err(refusal)
        }
        Err(refused) => Err(refused.error().into()),
    }
}

/// What Kong takes for yes in an argument.
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() == Some(1.0),
        Value::String(text) => ["true", "1", "on", "yes"].contains(&text.to_ascii_lowercase().as_str()),
        _ => false,
    }
}

pub fn unreadable(why: String) -> Refusal {
    Error::DeclarativeConfig(Row::from_iter([("error".to_owned(), Value::from(why))])).into()
}

/// The document in a text: JSON, or YAML where JSON cannot read it.
///
/// # Errors
/// A sentence with the place.
pub fn parse(text: &[u8]) -> Result<Row, String> {
    let parsed = match input::json(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(Some(value)),
        _ => yaml::parse(&marked(text.to_vec())).map_err(|bad| bad.to_string()),
    };
    let why = match parsed {
        Ok(Some(Value::Object(row))) => return Ok(row),
        Ok(Some(Value::Array(items))) => return Ok(numbered(items)),
        Ok(Some(Value::Null)) => return Ok(Row::new()),
        Ok(_) => "expected an object".to_owned(),
        Err(why) => why,
    };
    Err(format!("failed parsing declarative configuration: {why}"))
}

pub fn hash(text: &[u8]) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Does work that takes long beside the threads that answer requests.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|cause| Failure::Broken(cause.to_string()))
}

/// Puts a document in the place of what was loaded before. The answer shows its rows by entity and id.
async fn replace(
    node: &Node,
    turn: Turn<'_>,
    document: Row,
    hash: Option<String>,
) -> Result<Result<Bytes, Box<Refused>>, Failure> {
    let (declarations, flavor) = (Arc::clone(&node.declarations), node.flavor);
    let work = move || {
        let circumstances = Circumstances::now(flavor, declarations.without_database());
        let empty = || Configuration::empty(&declarations);
        let loaded = declarative::load(document, &declarations, &circumstances.context(), empty)?;
        let Configuration { mut snapshot, answer } = loaded;
        let answer = answer.end();
        snapshot.share(&answer);
        Ok((snapshot, answer))
    };
    match blocking(work).await? {
        Ok((snapshot, answer)) => {
            let text = answer.clone();
            let hash = blocking(move || hash.unwrap_or_else(|| self::hash(&text)));
            let (settled, hash) = tokio::join!(turn.settle(snapshot), hash);
            turn.replace(settled?, hash?);
            Ok(Ok(answer))
        }
        Err(refused) => Ok(Err(refused)),
    }
}

/// A configuration that is loaded, as far as it has come.
struct Configuration {
    snapshot: Snapshot,
    answer: Shown,
}

impl Configuration {
    fn empty(declarations: &Declarations) -> Configuration {
        Configuration { snapshot: Snapshot::new(declarations), answer: Shown::default() }
    }
}

/// A row for the answer, and for memory.
struct Part {
    entity: &'static str,
    id: String,
    shown: Vec<u8>,
    entry: Option<Entry>,
}

impl Collect for Configuration {
    type Part = Part;
    const SHOWN: bool = true;

    fn part(Loaded { entity, id, shown, stored, as_shown }: Loaded) -> Part {
        // A row that is shown as it is held is held once.
        let entry = match as_shown && entity.name != WORKSPACES {
            true => Snapshot::entry_without_bytes(entity, &id, &stored),
            false => Snapshot::entry(entity, &id, stored),
        };
        Part { entity: entity.name, id, shown, entry }
    }

    fn collect(&mut self, Part { entity, id, shown, mut entry }: Part) {
        if entity != WORKSPACES {
            let place = self.answer.add(entity, &id, &shown);
            entry.iter_mut().for_each(|entry| entry.stands_at(place.clone()));
        }
        entry.into_iter().for_each(|entry| self.snapshot.add(entry));
    }
}

/// The answer to a load: `{"services":{"<id>":{…}}}`.
#[derive(Default)]
struct Shown {
    json: Vec<u8>,
    /// The entity whose rows are written.
    of: Option<&'static str>,
}

impl Shown {
    /// Writes a row, and gives its place in the text.
    fn add(&mut self, entity: &'static str, id: &str, row: &[u8]) -> Range<usize> {
        match self.of {
            Some(of) if of == entity => self.json.push(b','),
            of => {
                let begin = if of.is_some() { "}," } else { "{" };
                let name = Value::from(entity);
                self.json.extend_from_slice(format!("{begin}{name}:{{").as_bytes());
            }
        }
        self.of = Some(entity);
        self.json.extend_from_slice(Value::from(id).to_string().as_bytes());
        self.json.push(b':');
        let start = self.json.len();
        self.json.extend_from_slice(row);
        start..self.json.len()
    }

    fn end(mut self) -> Bytes {
        self.json.extend_from_slice(if self.of.is_some() { b"}}" } else { b"{}" });
        self.json.into()
    }
}

/// The rows of the store as a declarative configuration, in YAML.
pub async fn export(node: &Node) -> Result<String, Failure> {
    let configuration = node.store.default_space().configuration().await?;
    let circumstances = node.circumstances();
    let written = blocking(move || {
        let document = declarative::export(&configuration, &circumstances.context());
        yaml::write(&Value::Object(document))
    });
    written.await
}

/// Loads the configuration that a node starts with: a file's, or the text itself.
///
/// # Errors
/// The file cannot be read, or everything that is wrong with the document.
pub async fn start(node: &Node, file: Option<&Path>, text: Option<&str>) -> Result<(), ConfigurationError> {
    let text = match (file, text) {
        (Some(file), _) => {
            let read = tokio::fs::read(file).await;
            read.map_err(|cause| ConfigurationError::Unreadable(file.display().to_string(), cause))?
        }
        (None, Some(text)) => text.as_bytes().to_vec(),
        (None, None) => return Ok(()),
    };
    let Ok(Some(turn)) = node.store.turn().await else { return Ok(()) };
    let document = parse(&text).map_err(ConfigurationError::Refused)?;
    let replaced =
        replace(node, turn, document, Some(hash(&text))).await.map_err(ConfigurationError::Failed)?;
    replaced.map(drop).map_err(|refused| ConfigurationError::Refused(refused.error().message()))
}
