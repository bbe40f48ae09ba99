//! Traces: a span for each request, with one for each thing that it asks of the store, sent to a collector as OTLP over
//! HTTP. Without `tracing_otlp_endpoint` nothing is gathered.
//!
//! A trace that a client has begun (`traceparent`) goes on here. Whether it is kept is decided by its id, whatever the
//! client wants, so that all who serve it decide alike.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::context::FutureExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::admin::RequestId;
use crate::serve::ClientAddress;

/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much a collector may answer, in bytes.
const ANSWER: usize = 1 << 20;

/// Who makes spans, once there is a collector to send them to.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Why no traces can be made.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    #[error("tracing_otlp_endpoint must be an address such as http://127.0.0.1:4318/v1/traces")]
    Endpoint,
    #[error("traces cannot be sent: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Traces that are made, until they are stopped.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Makes traces of this part of the requests (from 0 to 1), and sends them to the collector. Of several nodes in one
    /// process, the first one's collector gets all of them.
    ///
    /// # Errors
    /// An endpoint that is no address of plain HTTP.
    pub fn start(endpoint: &str, part: f64, node: Uuid) -> Result<Traces, TracesError> {
        let uri: Option<Uri> = endpoint.parse().ok();
        if !uri.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some()) {
            return Err(TracesError::Endpoint);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(Handle::current()))
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(endpoint)
            .with_timeout(PATIENCE)
            .build()?;
        let resource = Resource::builder()
            .with_service_name("silverback")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", node.to_string()))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::TraceIdRatioBased(part))
            .with_resource(resource)
            .build();
        let _known_already = TRACER.set(provider.tracer("silverback"));
        Ok(Traces(provider))
    }

    /// Sends what is left, and makes no more.
    pub async fn stop(self) {
        let stopped = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE)).await;
        if let Ok(Err(cause)) = stopped {
            tracing::warn!(%cause, "the last traces were not sent");
        }
    }
}

/// The collector, asked by the runtime of the server: whoever sends traces has a thread without one.
struct Collector {
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: Handle,
}

impl Collector {
    fn new(runtime: Handle) -> Collector {
        Collector { client: Client::builder(TokioExecutor::new()).build_http(), runtime }
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let answer = async move {
            let (head, body) = client.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        self.runtime.spawn(async { tokio::time::timeout(PATIENCE, answer).await }).await??
    }
}

/// A request that is traced.
pub struct Traced(Context);

impl Traced {
    /// Begins the span of a request; `None` where it is not traced.
    pub fn of(request: &Request<Body>, id: RequestId) -> Option<Traced> {
        let tracer = TRACER.get()?;
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
        let span = tracer
            .span_builder(request.method().to_string())
            .with_kind(SpanKind::Server)
            .start_with_context(tracer, &parent);
        let context = Context::new().with_span(span);
        if !context.span().is_recording() {
            return None;
        }
        let mut attributes = vec![
            KeyValue::new("http.request.method", request.method().to_string()),
            KeyValue::new("url.path", request.uri().path().to_owned()),
            KeyValue::new("silverback.request_id", id.to_string()),
        ];
        if let Some(ClientAddress(address)) = request.extensions().get() {
            attributes.push(KeyValue::new("client.address", address.ip().to_string()));
        }
        context.span().set_attributes(attributes);
        Some(Traced(context))
    }

    /// Ends the span; `endpoint` is the pattern of its path, where it led to one.
    pub fn end(self, endpoint: Option<&str>, status: StatusCode) {
        let span = self.0.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if let Some(endpoint) = endpoint {
            span.set_attribute(KeyValue::new("http.route", endpoint.to_owned()));
        }
        if status.is_server_error() {
            span.set_status(Status::error(status.to_string()));
        }
        span.end();
    }
}

/// Does what belongs to a request, so that what it asks of the store becomes part of its trace.
pub async fn within<T>(traced: Option<&Traced>, work: impl Future<Output = T>) -> T {
    match traced {
        None => work.await,
        Some(Traced(context)) => work.with_context(context.clone()).await,
    }
}

/// A part of the trace that this task works on; it ends when it is dropped.
pub struct Part(Context);

impl Part {
    /// Begins a part; `None` where nothing is traced.
    pub fn begin(name: &'static str) -> Option<Part> {
        let tracer = TRACER.get()?;
        let whole = Context::current();
        whole.span().is_recording().then(|| {
            let span =
                tracer.span_builder(name).with_kind(SpanKind::Client).start_with_context(tracer, &whole);
            Part(whole.with_span(span))
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.0.span().end();
    }
}
