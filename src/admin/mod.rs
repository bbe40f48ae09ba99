//! The HTTP face of the Admin API: a request from its first byte to its answer.
//!
//! One handler takes every request: it reads it (`request.rs`), finds the endpoint in the table, asks the rows of
//! entities (`rows.rs`) or the node, and answers (`answer.rs`); refusals go through one table (`errors.rs`). No
//! route is written by hand for an entity.

mod answer;
mod errors;
mod request;
pub(crate) mod rows;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use generators::routes::{Endpoint, Place, Target};
use http::{Method, StatusCode};

pub use answer::Answer;
pub use errors::Refusal;
pub use request::Request;

use crate::node::{Node, NodeEndpoint};
use crate::store::Client;

/// The Admin API of a node.
pub fn router(node: Arc<Node>) -> Router {
    Router::new().fallback(move |request: http::Request<Body>| {
        let node = Arc::clone(&node);
        async move { handle(&node, request).await }
    })
}

async fn handle(node: &Node, request: http::Request<Body>) -> Response {
    let started = Instant::now();
    let headers = request.headers().clone();
    let serving = node.figures.serve();
    let adjusted = node.adjusted.get();
    let result = match node.clients.admit(request.extensions().get(), &adjusted.allowance) {
        Ok(_admitted) => in_time(adjusted.request_timeout, serve(node, request, adjusted.body_limit)).await,
        Err(refusal) => Err(refusal),
    };
    drop(serving);
    answer::response(result, &headers, &adjusted.origins, started.elapsed().as_millis())
}

/// What comes of a request, or the refusal of one that takes longer than it may.
async fn in_time(
    limit: Duration,
    answer: impl Future<Output = Result<Answer, Refusal>>,
) -> Result<Answer, Refusal> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the request took too long");
        Err(Refusal { retry_after: Some(1), ..refusal })
    })
}

async fn serve(node: &Node, request: http::Request<Body>, body_limit: usize) -> Result<Answer, Refusal> {
    let workspace = node.endpoints.workspace(request.uri().path());
    let default = node.store.default_scope();
    let (head, body) = request.into_parts();
    let client = node.admit(&head, workspace.as_ref()).await?;
    let request = http::Request::from_parts(head, body);
    let mut request = Request::read(request, workspace.as_ref(), (default, client), body_limit).await?;
    if let Some(workspace) = workspace {
        request.scope = node.store.workspace(&workspace.name).await?.ok_or_else(Refusal::not_found)?;
        if request.scope != default {
            request.prefix = workspace.prefix;
        }
    }
    let found = node.endpoints.find(request.uri.path()).ok_or_else(Refusal::not_found)?;
    let (endpoint, parameters) = (found.endpoint, found.parameters);
    answer(node, endpoint, parameters, &request).await.map_err(|refusal| match refusal.status {
        StatusCode::METHOD_NOT_ALLOWED => Refusal { allow: Some(endpoint.allow()), ..refusal },
        _ => refusal,
    })
}

/// Answers a request to the endpoint that its path leads to.
async fn answer(
    node: &Node,
    endpoint: &Endpoint<NodeEndpoint>,
    parameters: Vec<String>,
    request: &Request,
) -> Result<Answer, Refusal> {
    if !endpoint.knows(request.method.as_str()) {
        return Err(Refusal::method_not_allowed());
    }
    if matches!(endpoint.target, Target::Hidden) {
        return Err(Refusal::not_found());
    }
    let own = matches!(endpoint.target, Target::Node(endpoint) if endpoint.answers_options());
    if request.method == Method::OPTIONS && !own {
        // A name that leads to a row must lead there for any method.
        if let (Target::Entity(Place::Item(entity)), Some(segment)) = (endpoint.target, parameters.first())
            && entity.reached_through.is_some()
            && !node.access.is_enforced()
        {
            rows::key_of(node, node.space(request), entity, segment).await?;
        }
        return Ok(Answer::Options(endpoint.allow()));
    }
    match endpoint.target {
        Target::Entity(place) => rows::answer(node, place, parameters, request).await,
        Target::Node(_) if request.client.as_ref().is_some_and(Client::is_limited) => {
            Err(Refusal::forbidden("ask for what is no row"))
        }
        Target::Node(endpoint) => node.answer(endpoint, &parameters, request).await,
        Target::Hidden => Err(Refusal::not_found()),
    }
}
