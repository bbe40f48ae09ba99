//! The access log: a line for each request, at the level `info`. Where nobody wants it, nothing is gathered or written.
//!
//! A query is left out, since it may hold what is secret; so are headers and bodies. Where a row is called by a secret,
//! as a key by itself, the pattern of the path stands for the path.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use entities::schema::Entity;
use generators::routes::{Place, Target};
use http::{Method, Request, StatusCode};

use crate::node::Node;
use crate::serve::ClientAddress;

/// The target of its lines, by which who writes the log can tell them from others.
pub const TARGET: &str = "silverback::access";

/// What a line says of a request.
pub struct Line {
    method: Method,
    path: String,
    /// None: it came over no socket.
    client: Option<SocketAddr>,
}

impl Line {
    /// The line of a request that begins; `None` where it is not wanted.
    pub fn of(node: &Node, request: &Request<Body>) -> Option<Line> {
        tracing::enabled!(target: TARGET, tracing::Level::INFO).then(|| Line {
            method: request.method().clone(),
            path: shown(node, request.uri().path()),
            client: request.extensions().get().map(|ClientAddress(address)| *address),
        })
    }

    /// Writes it. `token` is the name of that with which it was let in.
    pub fn write(self, status: StatusCode, took: Duration, token: Option<Arc<str>>) {
        let Line { method, path, client } = self;
        tracing::info!(
            target: TARGET,
            %method,
            path,
            status = status.as_u16(),
            milliseconds = took.as_secs_f64() * 1000.0,
            client = client.map(tracing::field::display),
            token = token.map(tracing::field::display),
            "a request was answered"
        );
    }
}

/// A path as it may be told.
pub fn shown(node: &Node, path: &str) -> String {
    let within = node.endpoints.workspace(path);
    let found = node.endpoints.find(within.as_ref().map_or(path, |within| within.path.as_str()));
    match found.map(|found| found.endpoint) {
        Some(endpoint) if names_secret(&endpoint.target) => endpoint.path.clone(),
        _ => path.to_owned(),
    }
}

/// Whether a path holds what rows are called by that is a secret: the node makes it up where a client does not.
fn names_secret<N>(target: &Target<N>) -> bool {
    let secret = |entity: &Entity| {
        entity.endpoint_key.and_then(|key| entity.field(key)).is_some_and(|field| field.auto)
    };
    match target {
        Target::Entity(Place::Item(entity)) => secret(entity),
        Target::Entity(Place::Child { parent, child, .. }) => secret(parent) || secret(child),
        Target::Entity(Place::Children { parent, .. } | Place::AllChildren { parent, .. }) => secret(parent),
        Target::Entity(Place::Parent { child, .. }) => secret(child),
        Target::Entity(Place::Collection(_)) | Target::Hidden | Target::Node(_) => false,
    }
}
