//! `/cache`: what the node remembers to answer faster.
//!
//! Kong shows there, by key, the entities that its proxy has read. A node without a proxy remembers the pages of
//! collections that it has sent; the key of a page is its path with the arguments (`/cache/%2Fservices%3Fsize=5`).
//! Dropping one is without consequence: it is made again when it is asked for.

use bytes::Bytes;
use generators::routes::{Place, Target};
use http::StatusCode;

use super::Node;
use crate::admin::{Answer, Refusal, Request};

/// `GET /cache/{key}`, `DELETE /cache/{key}`
pub fn entry(node: &Node, key: &str, request: &Request) -> Result<Answer, Refusal> {
    if request.method == http::Method::DELETE {
        node.space(request).forget_page(key);
        return Ok(Answer::NoContent);
    }
    held(node, key, request).map(|page| Answer::Json(StatusCode::OK, page)).ok_or_else(Refusal::not_found)
}

/// `DELETE /cache`
pub fn purge(node: &Node) -> Answer {
    node.store.forget_pages();
    Answer::NoContent
}

/// The page of that key, unless rows have changed since.
fn held(node: &Node, key: &str, request: &Request) -> Option<Bytes> {
    let path = key.strip_prefix(request.prefix.as_str())?.split('?').next()?;
    match node.endpoints.find(path)?.endpoint.target {
        Target::Entity(Place::Collection(entity)) => node.space(request).page_sent(entity, key),
        _ => None,
    }
}
