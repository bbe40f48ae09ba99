//! `/audit/objects`: the change log as an audit trail, under the names that Kong's audit log has for its columns. What
//! was written is not told, only which fields.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use generators::errors::Error;
use generators::operations::{offset, size};
use generators::output;
use http::StatusCode;
use serde_json::{Value, json};

use super::Node;
use crate::admin::{Answer, Refusal, Request};
use crate::store::{Filter, Line};

/// A page of the trail, newest first. The arguments `dao_name`, `entity_key` and `rbac_user_name` choose among its lines.
pub async fn list(node: &Node, request: &Request) -> Result<Answer, Refusal> {
    let arguments = request.arguments()?;
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).map(str::to_owned);
    let filter = Filter {
        entity: text("dao_name"),
        id: text("entity_key"),
        client: text("rbac_user_name"),
        below: offset(&arguments)?.map(version).transpose()?,
    };
    let size = size(&arguments)?;
    let mut lines = node.store.history(&filter, size + 1).await?;
    let more = lines.len() > size;
    lines.truncate(size);
    let next = lines.last().filter(|_| more).map(|line| {
        let offset = URL_SAFE_NO_PAD.encode(line.version.to_string());
        let kept = arguments.iter().filter(|(name, _)| *name != "offset").map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("&{}={}", output::escape(name), output::escape(&value))
        });
        (format!("/audit/objects?offset={}{}", output::escape(&offset), kept.collect::<String>()), offset)
    });
    let rows: Vec<_> = lines.iter().map(|line| shown(line).to_string()).collect();
    let next = next.as_ref().map(|(next, offset)| (next.as_str(), offset.as_str()));
    Ok(Answer::Json(StatusCode::OK, output::page(&rows, next).into()))
}

fn shown(line: &Line) -> Value {
    json!({
        "version": line.version,
        "dao_name": line.entity,
        "entity_key": line.id,
        "operation": line.operation,
        "fields": line.fields,
        "rbac_user_name": line.client,
        "workspace": line.workspace,
        "request_timestamp": line.at.div_euclid(1000),
    })
}

/// The version behind which a page begins.
fn version(text: &str) -> Result<i64, Error> {
    let bad = |why| Error::InvalidOffset { offset: text.to_owned(), why };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad("bad base64 encoding"))?;
    let version = std::str::from_utf8(&bytes).ok().and_then(|version| version.parse().ok());
    version.ok_or_else(|| bad("bad offset string"))
}
