//! The HTTP face of the Admin API: a request from its first byte to its answer.
//!
//! One handler takes every request: it reads it (`request.rs`), finds the endpoint in the table, asks the rows of
//! entities (`rows.rs`) or the node, and answers (`answer.rs`); refusals go through one table (`errors.rs`). No
//! route is written by hand for an entity.

mod access_log;
mod answer;
mod errors;
mod request;
mod request_id;
pub(crate) mod rows;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use generators::routes::{Endpoint, Place, Target};
use http::{Method, StatusCode};

pub use access_log::TARGET as ACCESS_LOG;
pub use answer::Answer;
pub use errors::Refusal;
pub use request::Request;
pub use request_id::RequestId;

use crate::node::{Node, NodeEndpoint, Spot};
use crate::store::Client;
use crate::traces::{self, Traced};

/// The Admin API of a node.
pub fn router(node: Arc<Node>) -> Router {
    Router::new().fallback(move |request: http::Request<Body>| {
        let node = Arc::clone(&node);
        let id = RequestId::next();
        async move { id.during(handle(&node, request, id)).await }
    })
}

/// What is found out about a request while it is answered.
#[derive(Default)]
struct Noted<'a> {
    /// The pattern of its path.
    endpoint: Option<&'a str>,
    /// Where it is counted.
    spot: Spot,
    /// Whether all of it has come.
    arrived: bool,
    /// The name of the token that let it in.
    token: Option<Arc<str>>,
}

async fn handle(node: &Node, request: http::Request<Body>, id: RequestId) -> Response {
    let started = Instant::now();
    let (line, mut noted) = (access_log::Line::of(&request), Noted::default());
    let traced = Traced::of(&request, id);
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let serving = node.figures.serve();
    let adjusted = node.adjusted.get();
    let result = match node.clients.admit(request.extensions().get(), &adjusted.allowance) {
        Ok(_admitted) => {
            let answer = serve(node, request, adjusted.body_limit, &mut noted);
            let answer = traces::within(traced.as_ref(), answer);
            let in_time = tokio::time::timeout(adjusted.request_timeout, answer).await;
            in_time.unwrap_or_else(|_| Err(too_slow(noted.arrived)))
        }
        Err(refusal) => Err(refusal),
    };
    drop(serving);
    let took = started.elapsed();
    let response = answer::response(result, &headers, &adjusted.origins, took.as_millis(), id);
    node.figures.answered(noted.spot, &method, response.status(), took);
    if let Some(traced) = traced {
        traced.end(noted.endpoint, response.status());
    }
    if let Some(line) = line {
        line.write(response.status(), took, noted.token);
    }
    response
}

/// The refusal of a request that takes longer than it may: it is the client's fault where not all of it has come.
fn too_slow(arrived: bool) -> Refusal {
    match arrived {
        false => Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request took too long to arrive"),
        true => {
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the request took too long");
            Refusal { retry_after: Some(1), ..refusal }
        }
    }
}

async fn serve<'a>(
    node: &'a Node,
    request: http::Request<Body>,
    body_limit: usize,
    noted: &mut Noted<'a>,
) -> Result<Answer, Refusal> {
    let workspace = node.endpoints.workspace(request.uri().path());
    let default = node.store.default_scope();
    let (head, body) = request.into_parts();
    let client = node.admit(&head, workspace.as_ref()).await?;
    noted.token = client.as_ref().map(|client| Arc::clone(&client.name));
    let request = http::Request::from_parts(head, body);
    let mut request = Request::read(request, workspace.as_ref(), (default, client), body_limit).await?;
    noted.arrived = true;
    if let Some(workspace) = workspace {
        request.scope = node.store.workspace(&workspace.name).await?.ok_or_else(Refusal::not_found)?;
        if request.scope != default {
            request.prefix = workspace.prefix;
        }
    }
    let found = node.endpoints.find(request.uri.path()).ok_or_else(Refusal::not_found)?;
    let (endpoint, parameters) = (found.endpoint, found.parameters);
    (noted.spot, noted.endpoint) = (Spot::of(found.number, endpoint), Some(endpoint.path.as_str()));
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
