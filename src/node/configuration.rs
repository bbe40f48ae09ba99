//! `/configuration`: everything that a node holds as one document, read and brought about as a whole.
//!
//! `GET` answers the document that people write; `PUT` makes the store equal to the document that it is sent, in one
//! transaction, or with `dry_run` only tells what that would change. With `select_tag` both speak of the rows that
//! carry the tags. What changes is found by `generators::declarative`. Commands that work on a store without a node's
//! listeners call the same functions. Kong has no such endpoint: its `/config` is for nodes without a database.

use std::sync::Arc;

use entities::schema::{Declarations, Flavor, Row};
use generators::declarative::{self, Collect, Configuration, Difference, Form, Loaded, Refused, Selection};
use generators::errors::Error;
use generators::operations::Operation;
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::Mutex;

use super::Node;
use super::config::{blocking, hash, is_true, parse, unreadable};
use crate::admin::{Answer, Refusal, Request};
use crate::clock::Circumstances;
use crate::store::{Failure, Operations, Packed, Progress, Snapshot, Space, Subject};

/// The right to bring a configuration about: one at a time has it.
#[derive(Default)]
pub struct Turn(Mutex<()>);

/// What a store is to become.
pub struct Wish {
    pub document: Row,
    /// The rows that the document speaks for, besides those that its head names.
    pub selection: Selection,
    /// Whether to tell what would change, and to change nothing.
    pub dry_run: bool,
}

/// Why a configuration does not come about. Nothing has changed then.
pub enum Trouble {
    /// Something is wrong with the document.
    Document(Box<Refused>),
    /// The head of the document cannot be read.
    Head(String),
    /// The store refuses, or fails; with the row that it was at, where it was at one.
    Store(Failure, Option<Subject>),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Store(failure, None)
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Refusal {
        match trouble {
            Trouble::Document(refused) => refused.error().into(),
            Trouble::Head(why) => unreadable(why),
            Trouble::Store(failure, _) => failure.into(),
        }
    }
}

/// `GET /configuration?select_tag=…&with_ids=1`, `PUT /configuration?select_tag=…&dry_run=1`
pub async fn answer(node: &Node, request: &Request) -> Result<Answer, Refusal> {
    let arguments = request.arguments()?;
    let is_set = |name: &str| arguments.get(name).is_some_and(is_true);
    let selection = Selection::new(tags(arguments.get("select_tag")));
    if request.method != Method::PUT {
        let form = Form { with_ids: is_set("with_ids"), selection };
        return Ok(Answer::ok(&Value::Object(dump(node, node.space(request), form).await?)));
    }
    let body = request.body.clone();
    if body.is_empty() {
        // Nothing is not a document without rows, which would delete everything.
        return Err(Refusal::bad_request("expected a declarative configuration"));
    }
    let document = blocking(move || parse(&body)).await?.map_err(unreadable)?;
    let wish = Wish { document, selection, dry_run: is_set("dry_run") };
    match synchronize(node, node.space(request), wish, &Progress::default()).await {
        Ok(report) => Ok(Answer::Json(StatusCode::OK, report.to_string().into())),
        Err(Trouble::Document(refused)) if is_set("flatten_errors") => {
            let (error, rows) = refused.flattened();
            let mut refusal = Refusal::from(error);
            if let Value::Object(body) = &mut refusal.body {
                body.insert("flattened_errors".to_owned(), Value::Array(rows));
            }
            Err(refusal)
        }
        Err(trouble) => Err(trouble.into()),
    }
}

/// The tags of an argument, which may stand several times, or hold several behind commas.
fn tags(argument: Option<&Value>) -> Vec<String> {
    let texts: Vec<&str> = match argument {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    texts.iter().flat_map(|text| text.split(',')).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// The rows of a node as a document for people.
///
/// # Errors
/// The store fails.
pub async fn dump(node: &Node, space: Space<'_>, form: Form) -> Result<Row, Failure> {
    let configuration = space.configuration().await?;
    let (declarations, circumstances) = (Arc::clone(&node.declarations), node.circumstances());
    blocking(move || declarative::dump(&configuration, &form, &declarations, &circumstances.context())).await
}

/// Rows that are counted and let go.
#[derive(Default)]
struct Count(usize);

impl Collect for Count {
    type Part = ();
    const SHOWN: bool = false;

    fn part(_: Loaded) {}

    fn collect(&mut self, (): ()) {
        self.0 += 1;
    }
}

/// How many rows a document stands for.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(document: Row, declarations: &Declarations, flavor: Flavor) -> Result<usize, Box<Refused>> {
    let circumstances = Circumstances::now(flavor, declarations.without_database());
    declarative::load(document, declarations, &circumstances.context(), Count::default).map(|count| count.0)
}

/// Writes the rows of a document, each over the one of its id if there is one. No other row changes. How many rows
/// the document stands for.
///
/// # Errors
/// Something is wrong with the document, or the store refuses a row; nothing is written then.
pub async fn import(
    node: &Node,
    space: Space<'_>,
    document: Row,
    progress: &Progress,
) -> Result<usize, Trouble> {
    let (declarations, circumstances) = (Arc::clone(&node.declarations), node.circumstances());
    let work = move || declarative::load(document, &declarations, &circumstances.context(), Writes::default);
    let Writes(rows) = blocking(work).await?.map_err(Trouble::Document)?;
    apply(space, Operations::Rows(rows), progress).await
}

/// Rows on their way into a database.
#[derive(Default)]
struct Writes(Vec<Packed>);

impl Collect for Writes {
    type Part = Option<Packed>;
    const SHOWN: bool = false;

    fn part(row: Loaded) -> Option<Packed> {
        // A workspace is not of a configuration: it is where one is.
        let is_content = row.entity.default_workspace.is_none();
        is_content.then(|| Packed::new(row.entity, &row.id, &row.stored))
    }

    fn collect(&mut self, part: Option<Packed>) {
        self.0.extend(part);
    }
}

/// Makes the store equal to a document, and says what has changed; with `dry_run` only what would.
///
/// # Errors
/// Something is wrong with the document, or the store refuses a change; nothing is changed then.
pub async fn synchronize(
    node: &Node,
    space: Space<'_>,
    wish: Wish,
    progress: &Progress,
) -> Result<Value, Trouble> {
    let _turn = node.turn.0.lock().await;
    // A node without a database may be loading a document right now.
    let load = node.store.turn().await.map_err(|_| Failure::busy("too many loads wait"))?;
    if load.is_some() && !space.is_default() {
        let sentence = "without a database all rows are in the default workspace";
        return Err(Failure::from(Error::OperationUnsupported(sentence.to_owned())).into());
    }
    let current = space.configuration().await?;
    let (declarations, circumstances) = (Arc::clone(&node.declarations), node.circumstances());
    let dry_run = wish.dry_run;
    let work = move || find(wish, current, &declarations, &circumstances);
    let (report, difference, operations) = blocking(work).await??;
    if dry_run || difference.is_empty() {
        return Ok(report);
    }
    match load {
        Some(turn) => {
            let (declarations, after) = (Arc::clone(&node.declarations), difference.after);
            let (snapshot, hash) = blocking(move || snapshot(&after, &declarations)).await?;
            let settled = turn.settle(snapshot).await?;
            turn.replace(settled, hash);
        }
        None => {
            apply(space, Operations::Any(operations), progress).await?;
        }
    }
    Ok(report)
}

/// What changes, as it is told and as it is done.
fn find(
    wish: Wish,
    current: Configuration,
    declarations: &Declarations,
    circumstances: &Circumstances,
) -> Result<(Value, Difference, Vec<Operation>), Trouble> {
    let context = circumstances.context();
    let Wish { mut document, selection, .. } = wish;
    let selection = selection.with_head(&mut document).map_err(Trouble::Head)?;
    let wanted = declarative::load_onto(document, &current, selection, declarations, &context)
        .map_err(Trouble::Document)?;
    let difference = Difference::new(&current, wanted, declarations).map_err(Failure::from)?;
    let report = declarative::report(&difference, &current, &context);
    let operations = difference.operations(&current);
    Ok((report, difference, operations))
}

/// The rows of a configuration for a node without a database, and their hash.
fn snapshot(configuration: &Configuration, declarations: &Declarations) -> (Snapshot, String) {
    let mut snapshot = Snapshot::new(declarations);
    let mut text = Vec::new();
    for (entity, id, row) in configuration.rows() {
        text.extend(serde_json::to_vec(row).unwrap_or_default());
        Snapshot::entry(entity, id, row.clone()).into_iter().for_each(|entry| snapshot.add(entry));
    }
    (snapshot, hash(&text))
}

/// Carries out operations, all or none. How many there were.
async fn apply(space: Space<'_>, operations: Operations, progress: &Progress) -> Result<usize, Trouble> {
    let count = operations.len();
    if count > 0
        && let Err(failure) = space.write_all(operations, progress).await
    {
        return Err(Trouble::Store(failure, progress.failed()));
    }
    Ok(count)
}

impl Trouble {
    /// What is wrong, in the shape of the document where it is the document that is wrong.
    pub fn details(self) -> Result<Row, String> {
        let error = match self {
            Trouble::Document(refused) => refused.error(),
            Trouble::Head(why) => return Err(why),
            Trouble::Store(failure, row) => {
                let at = row.map(|(entity, id)| format!("{entity} {id}: ")).unwrap_or_default();
                return Err(format!("{at}{}", sentence(failure)));
            }
        };
        match error {
            Error::DeclarativeConfig(errors) => Ok(errors),
            other => Err(other.message()),
        }
    }
}

/// A failure in words for whoever runs the program.
fn sentence(failure: Failure) -> String {
    match failure {
        Failure::Refused(error) => error.message(),
        Failure::Absent(sentence) => sentence.to_owned(),
        Failure::Unavailable { cause, .. } => format!("the store is not available: {cause}"),
        Failure::Conflict(conflict) => conflict.cause,
        Failure::Broken(cause) => cause,
        Failure::Unnamed | Failure::NotAllowed | Failure::Forbidden => {
            "the operation is not allowed".to_owned()
        }
    }
}
