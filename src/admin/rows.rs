//! Rows of entities over HTTP: reads, and the operations that writes become. No entity is named here.

use bytes::Bytes;
use entities::schema::{Entity, Row};
use generators::errors::Error;
use generators::operations::{Action, Key, Operation, Page, key, offset_behind, page, size, unique};
use generators::output;
use generators::routes::Place;
use generators::validate::is_uuid;
use http::{Method, StatusCode};
use serde_json::Value;

use super::answer::Answer;
use super::errors::Refusal;
use super::request::Request;
use crate::node::Node;
use crate::store::{self, Failure, NOT_FOUND, Space, reference_to};

/// Answers a request for rows.
pub async fn answer(
    node: &Node,
    place: Place,
    parameters: Vec<String>,
    request: &Request,
) -> Result<Answer, Refusal> {
    let action = match request.method {
        Method::GET | Method::HEAD => return read(node, place, &parameters, request).await,
        Method::POST => Action::Create,
        Method::PUT => Action::Replace,
        Method::PATCH => Action::Update,
        Method::DELETE => Action::Delete,
        _ => return Err(Refusal::method_not_allowed()),
    };
    let input = request.input().await?;
    request.arguments()?;
    let space = node.space(request);
    if let Place::Collection(entity) = place
        && !entity.stored
    {
        let sentence = "does not support insert/upsert/update/delete operations";
        return Err(Error::violation(entity.name, sentence).into());
    }
    if let Place::Collection(entity) | Place::Item(entity) = place {
        reserved(node, entity, &parameters, &input.row)?;
    }
    let operation = Operation { action, place, parameters, row: input.row, textual: input.textual };
    let status = if action == Action::Create { StatusCode::CREATED } else { StatusCode::OK };
    let shown = match place {
        Place::Collection(entity) | Place::Item(entity) => entity,
        Place::Children { child, .. } | Place::AllChildren { child, .. } | Place::Child { child, .. } => {
            child
        }
        Place::Parent { parent, .. } => parent,
    };
    let written = space.write(operation).await?;
    if shown.access.is_some() {
        node.access_changed().await;
    }
    Ok(match written {
        Some(row) => Answer::Json(status, output::render(shown, &row).into()),
        None => Answer::NoContent,
    })
}

/// Refuses a workspace whose name would be taken for one of the API's own paths.
fn reserved(node: &Node, entity: &'static Entity, parameters: &[String], row: &Row) -> Result<(), Error> {
    let Some(name) = entity.endpoint_key.filter(|_| entity.default_workspace.is_some()) else {
        return Ok(());
    };
    let given = row.get(name).and_then(Value::as_str);
    let mut names = parameters.iter().map(String::as_str).chain(given);
    match names.find(|name| node.endpoints.begins_with(name)) {
        Some(_) => Err(Error::violation(name, "must not be the first segment of one of the API's own paths")),
        None => Ok(()),
    }
}

async fn read(
    node: &Node,
    place: Place,
    parameters: &[String],
    request: &Request,
) -> Result<Answer, Refusal> {
    let space = node.space(request);
    let segment = |i: usize| parameters.get(i).map_or("", String::as_str);
    let found = |json| Answer::Json(StatusCode::OK, json);
    match place {
        Place::Item(entity) => {
            request.arguments()?;
            let key = key_of(node, space, entity, segment(0)).await?;
            match space.get_listed(entity, &key).await? {
                Some(json) => Ok(found(json)),
                // An entity that lists others is looked for in a way that names the key that led nowhere.
                None if entity.listing().is_some() => Err(key.not_found(entity).into()),
                None => Err(Refusal::not_found()),
            }
        }
        Place::Collection(entity) => {
            let path = request.uri.path_and_query().map_or("", |path| path.as_str());
            let path = format!("{}{path}", request.prefix);
            if let Some(page) = space.page_sent(entity, &path) {
                return Ok(found(page));
            }
            collection(node, entity, &path, request).await
        }
        Place::Children { parent, child, field } => {
            let arguments = request.arguments()?;
            let above = parent_id(node, space, parent, segment(0), child).await?;
            let prefix = request.prefix.as_str();
            let list = Children { parent, child, field, above, segment: segment(0), prefix };
            if child.newest_first {
                list.newest_first(space, &arguments).await
            } else {
                list.page(space, &arguments, "").await
            }
        }
        Place::AllChildren { parent, child, field } => {
            let arguments = request.arguments()?;
            let above = parent_id(node, space, parent, segment(0), child).await?;
            let prefix = request.prefix.as_str();
            let list = Children { parent, child, field, above, segment: segment(0), prefix };
            list.page(space, &arguments, "/all").await
        }
        Place::Child { parent, child, field } => {
            request.arguments()?;
            let above = parent_id(node, space, parent, segment(0), child).await?;
            let circumstances = node.circumstances();
            let key = store::below_key(child, field, &above, segment(1), &circumstances.context())?;
            let json = space.get_within(child, field, &above, &key).await?;
            json.map(found).ok_or_else(|| store::absent_below(child, &key).into())
        }
        Place::Parent { child, parent, .. } => {
            request.arguments()?;
            let circumstances = node.circumstances();
            let key = key(child, segment(0), &circumstances.context())?;
            let row = space.row(child, &key).await?.ok_or_else(Refusal::not_found)?;
            let id = reference_to(child, parent, &row).ok_or_else(Refusal::not_found)?;
            let json = space.get(parent, &Key::Primary(id)).await?;
            json.map(found).ok_or_else(Refusal::not_found)
        }
    }
}

/// The key of an entity's own path, through another entity's name where the declaration says so.
pub async fn key_of(
    node: &Node,
    space: Space<'_>,
    entity: &'static Entity,
    segment: &str,
) -> Result<Key, Refusal> {
    let circumstances = node.circumstances();
    let context = circumstances.context();
    let through = entity.reached_through.filter(|_| !is_uuid(segment));
    let Some((other, sentence)) = through else { return Ok(key(entity, segment, &context)?) };
    let other = node.declarations.entity(other).ok_or_else(Refusal::not_found)?;
    let row = space.row(other, &key(other, segment, &context)?).await?;
    let id = row.and_then(|row| reference_to(other, entity, &row)).ok_or(Failure::Absent(sentence))?;
    Ok(Key::Primary(id))
}

/// The id of a parent, named in the path of its child.
pub async fn parent_id(
    node: &Node,
    space: Space<'_>,
    parent: &'static Entity,
    segment: &str,
    child: &'static Entity,
) -> Result<String, Refusal> {
    let led = parent.reached_through.is_some_and(|(name, _)| name == child.name);
    let key = if led {
        key_of(node, space, parent, segment).await?
    } else {
        key(parent, segment, &node.circumstances().context())?
    };
    space.id(parent, &key).await?.ok_or_else(|| Failure::Absent(NOT_FOUND).into())
}

async fn collection(
    node: &Node,
    entity: &'static Entity,
    path: &str,
    request: &Request,
) -> Result<Answer, Refusal> {
    let (space, arguments) = (node.space(request), &request.arguments()?);
    for field in entity.lookups {
        if let Some(value) = arguments.get(*field) {
            return lookup(node, space, entity, field, value).await;
        }
    }
    let page = page(entity, arguments)?;
    let slice = space.page(entity, &page).await?;
    let next = slice.goes_on_after.as_deref().map(offset_behind);
    let path_of =
        |offset: &str| format!("{}{}", request.prefix, output::next_of_collection(entity, offset, arguments));
    let next = next.map(|offset| (path_of(&offset), offset));
    let next = next.as_ref().map(|(next, offset)| (next.as_str(), offset.as_str()));
    let body: Bytes = output::page(&slice.rows, next).into();
    space.remember_page(path, slice.version, &body);
    Ok(Answer::Json(StatusCode::OK, body))
}

/// The one row of a collection that has a value in a unique field: `/consumers?custom_id=…`.
async fn lookup(
    node: &Node,
    space: Space<'_>,
    entity: &'static Entity,
    field: &'static str,
    value: &Value,
) -> Result<Answer, Refusal> {
    let Some(text) = value.as_str().filter(|text| !text.is_empty()) else {
        return Err(Refusal::bad_request(&format!("{field} must be an unempty string")));
    };
    let key = unique(entity, field, text, &node.circumstances().context())?;
    let rows: Vec<_> = space.get(entity, &key).await?.into_iter().collect();
    Ok(Answer::Json(StatusCode::OK, output::page(&rows, None).into()))
}

/// A list of rows below their parent.
struct Children<'a> {
    parent: &'static Entity,
    child: &'static Entity,
    field: &'static str,
    above: String,
    /// The parent as the client named it.
    segment: &'a str,
    /// The workspace likewise.
    prefix: &'a str,
}

impl Children<'_> {
    /// In the order of ids. A tag filter is read but not applied, as in Kong.
    async fn page(&self, space: Space<'_>, arguments: &Row, suffix: &str) -> Result<Answer, Refusal> {
        let within = Some((self.field, self.above.clone()));
        let page = Page { within, tags: None, ..page(self.child, arguments)? };
        let slice = space.page(self.child, &page).await?;
        let next = slice
            .goes_on_after
            .as_deref()
            .map(offset_behind)
            .map(|offset| (self.next(&offset, suffix), offset));
        let next = next.as_ref().map(|(next, offset)| (next.as_str(), offset.as_str()));
        Ok(Answer::Json(StatusCode::OK, output::page(&slice.rows, next).into()))
    }

    fn next(&self, offset: &str, suffix: &str) -> String {
        let collection = format!("{}{suffix}", self.child.nested_collection());
        let path = output::next_of_children(self.parent, self.segment, &collection, offset);
        format!("{}{path}", self.prefix)
    }

    /// Newest first; the offset is the number of rows that come before.
    async fn newest_first(&self, space: Space<'_>, arguments: &Row) -> Result<Answer, Refusal> {
        let (rows, behind) = newest_page(space, self.child, self.field, &self.above, arguments).await?;
        let shown: Vec<_> = rows.iter().map(|row| output::render(self.child, row)).collect();
        let next = behind.map(|behind| (self.next(&behind.to_string(), ""), behind.to_string()));
        let next = next.as_ref().map(|(next, offset)| (next.as_str(), offset.as_str()));
        Ok(Answer::Json(StatusCode::OK, output::page(&shown, next).into()))
    }
}

/// The rows below a parent, newest first.
pub async fn newest(
    space: Space<'_>,
    child: &'static Entity,
    field: &'static str,
    above: &str,
) -> Result<Vec<Row>, Refusal> {
    let mut rows = space.children(child, field, above).await?;
    let created = |row: &Row| row.get("created_at").and_then(Value::as_f64).unwrap_or_default();
    rows.sort_by(|a, b| created(b).total_cmp(&created(a)).then_with(|| id(b).cmp(id(a))));
    Ok(rows)
}

/// A page of the rows below a parent, newest first, and how many rows it ends behind if there are more.
pub async fn newest_page(
    space: Space<'_>,
    child: &'static Entity,
    field: &'static str,
    above: &str,
    arguments: &Row,
) -> Result<(Vec<Row>, Option<usize>), Refusal> {
    let size = size(arguments)?;
    let offset = match generators::operations::offset(arguments)? {
        None => 0,
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Error::InvalidOffset { offset: text.to_owned(), why: "bad offset string" })?,
    };
    let rows = newest(space, child, field, above).await?;
    let behind = offset.saturating_add(size);
    let goes_on = (rows.len() > behind).then_some(behind);
    Ok((rows.into_iter().skip(offset).take(size).collect(), goes_on))
}

fn id(row: &Row) -> &str {
    row.get("id").and_then(Value::as_str).unwrap_or_default()
}
