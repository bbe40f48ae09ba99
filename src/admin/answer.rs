//! Answers: status, headers and bytes of every response.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use entities::schema::bytes::legible;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW, CONTENT_TYPE, ORIGIN, RETRY_AFTER,
    SERVER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::errors::Refusal;
use super::request_id::RequestId;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const PRODUCT: HeaderValue = HeaderValue::from_static(concat!("silverback/", env!("CARGO_PKG_VERSION")));
const REQUEST_ID: HeaderName = HeaderName::from_static("x-kong-request-id");
const LATENCY: HeaderName = HeaderName::from_static("x-kong-admin-latency");

/// What an endpoint answers.
#[derive(Debug)]
pub enum Answer {
    /// A JSON body.
    Json(StatusCode, Bytes),
    /// `200` with plain text, in the form that Prometheus reads.
    Text(String),
    /// `200` with a document of that media type.
    Document(&'static str, Bytes),
    /// `200` with a file for a browser, and what it is told about it.
    File { media_type: &'static str, headers: Vec<(HeaderName, &'static str)>, bytes: Bytes },
    /// `204`
    NoContent,
    /// `304`
    NotModified,
    /// `204` with the methods that the endpoint knows.
    Options(String),
}

impl Answer {
    /// `200` with a JSON value.
    pub fn ok(value: &Value) -> Answer {
        Answer::Json(StatusCode::OK, value.to_string().into())
    }
}

/// The origins that a browser may come from. None: any.
pub type Origins = [String];

/// The response to a request with these headers.
pub fn response(
    result: Result<Answer, Refusal>,
    request: &HeaderMap,
    origins: &Origins,
    milliseconds: u128,
    id: RequestId,
) -> Response {
    let mut response = match result {
        Ok(Answer::Json(status, json)) => with_json(status, json),
        Ok(Answer::Text(text)) => {
            let mut response = with_json(StatusCode::OK, text.into());
            response.headers_mut().insert(CONTENT_TYPE, PROMETHEUS);
            response
        }
        Ok(Answer::Document(media_type, bytes)) => {
            let mut response = with_json(StatusCode::OK, bytes);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            response
        }
        Ok(Answer::File { media_type, headers, bytes }) => {
            let mut response = with_json(StatusCode::OK, bytes);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            let headers = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)));
            response.headers_mut().extend(headers);
            response
        }
        Ok(Answer::NoContent) => with_status(StatusCode::NO_CONTENT),
        Ok(Answer::NotModified) => with_status(StatusCode::NOT_MODIFIED),
        Ok(Answer::Options(methods)) => options(&methods, request),
        Err(refusal) => {
            let mut response = with_json(refusal.status, legible(refusal.body.to_string()).into());
            if let Some(seconds) = refusal.retry_after {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            if refusal.status == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            if let Some(methods) = refusal.allow.and_then(|methods| HeaderValue::from_str(&methods).ok()) {
                response.headers_mut().insert(ALLOW, methods);
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(SERVER, PRODUCT);
    headers.insert(REQUEST_ID, id.header());
    headers.insert(LATENCY, HeaderValue::from(u64::try_from(milliseconds).unwrap_or(u64::MAX)));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin(request, origins));
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    response
}

fn with_status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn with_json(status: StatusCode, json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

fn options(methods: &str, request: &HeaderMap) -> Response {
    let mut response = with_status(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    if let Ok(methods) = HeaderValue::from_str(methods) {
        headers.insert(ALLOW, methods.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    let wanted = request.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        wanted.unwrap_or_else(|| HeaderValue::from_static("Content-Type")),
    );
    response
}

/// The origin that a browser is told: its own where it is allowed, else the first that is.
fn origin(request: &HeaderMap, origins: &Origins) -> HeaderValue {
    let own = request.get(ORIGIN);
    match origins.first() {
        None => own.cloned().unwrap_or_else(|| HeaderValue::from_static("*")),
        Some(first) => own
            .filter(|own| origins.iter().any(|allowed| allowed.as_bytes() == own.as_bytes()))
            .cloned()
            .or_else(|| HeaderValue::from_str(first).ok())
            .unwrap_or_else(|| HeaderValue::from_static("null")),
    }
}
