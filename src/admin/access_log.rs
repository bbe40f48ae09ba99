//! The access log: a line for each request, at the level `info`. Below it nothing is gathered or written.
//!
//! A query is left out, since it may hold what is secret; so are headers and bodies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode};

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
    pub fn of(request: &Request<Body>) -> Option<Line> {
        tracing::enabled!(target: TARGET, tracing::Level::INFO).then(|| Line {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
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
