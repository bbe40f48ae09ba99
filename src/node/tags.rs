//! `/tags` and `/tags/{tag}`: which rows of which entities carry which tags.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entities::schema::Row;
use generators::errors::Error;
use generators::operations::{offset, size};
use generators::output;
use http::Method;
use serde_json::{Value, json};

use super::Node;
use crate::admin::{Answer, Refusal, Request};

/// A page of tags: of every tag, or of one.
pub async fn list(node: &Node, request: &Request, tag: Option<&str>) -> Result<Answer, Refusal> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        request.input().await?;
        let sentence = "does not support insert/upsert/update/delete operations";
        return Err(Error::violation("tags", sentence).into());
    }
    let arguments = request.arguments()?;
    if let Some(why) = tag.and_then(|tag| entities::schema::text::tag(tag).err()) {
        return Err(Error::InvalidUnique { field: "tag", why }.into());
    }
    let size = size(&arguments)?;
    let after = offset(&arguments)?.map(cursor).transpose()?;
    let mut found = node.space(request).tagged(tag, after.as_ref(), size + 1).await?;
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(|(_, _, id, ordinal)| {
        let offset = URL_SAFE_NO_PAD.encode(json!([id, ordinal]).to_string());
        (request.prefix.clone() + &next_path(tag, &offset, &arguments), offset)
    });
    let rows: Vec<_> = found
        .into_iter()
        .map(|(entity, tag, id, _)| {
            let table = node.declarations.entity(&entity).map_or(entity.as_str(), |entity| entity.table());
            json!({ "entity_name": table, "entity_id": id, "tag": tag }).to_string()
        })
        .collect();
    let next = next.as_ref().map(|(next, offset)| (next.as_str(), offset.as_str()));
    Ok(Answer::Json(http::StatusCode::OK, output::page(&rows, next).into()))
}

fn next_path(tag: Option<&str>, offset: &str, arguments: &Row) -> String {
    match (tag, arguments.get("size")) {
        (Some(tag), _) => format!("/tags/{tag}?offset={}", output::escape(offset)),
        (None, None) => format!("/tags?offset={}", output::escape(offset)),
        (None, Some(size)) => {
            let size = size.as_str().map_or_else(|| size.to_string(), str::to_owned);
            format!("/tags?offset={}&size={size}", output::escape(offset))
        }
    }
}

/// The place in the list behind which a page begins: an id and the tag's place in its row.
fn cursor(text: &str) -> Result<(String, i64), Error> {
    let bad = |why| Error::InvalidOffset { offset: text.to_owned(), why };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad("bad base64 encoding"))?;
    let place: Value = serde_json::from_slice(&bytes).map_err(|_| bad("bad json encoding"))?;
    let id = place.get(0).and_then(Value::as_str).filter(|id| generators::validate::is_uuid(id));
    let id = id.ok_or_else(|| bad("bad offset string"))?.to_owned();
    Ok((id, place.get(1).and_then(Value::as_i64).unwrap_or(i64::MAX)))
}
