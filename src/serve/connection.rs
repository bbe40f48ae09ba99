//! One connection, from its acceptance to its end: the handshake, then HTTP.
//!
//! When it is told to close, requests in flight are answered first; told again, it is dropped as it is.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::activity::Activity;
use super::stream::Observed;
use super::{ClientAddress, Spoken};

/// How many requests a client of HTTP/2 may have in flight on one connection.
const STREAMS: u32 = 128;

/// Serves a connection until it ends.
pub(super) async fn attend(
    spoken: &Spoken,
    app: Router,
    stream: TcpStream,
    peer: SocketAddr,
    activity: &Arc<Activity>,
    stopped: watch::Receiver<bool>,
) {
    let stream = Observed::new(stream, Arc::clone(activity));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(STREAMS);
    let Some(tls) = &spoken.tls else {
        return http(&builder, app, stream, peer, activity, stopped).await;
    };
    let handshake = TlsAcceptor::from(tls.get(spoken.http2)).accept(stream);
    let stream = tokio::select! {
        ended = handshake => match ended {
            Ok(stream) => stream,
            Err(cause) => return tracing::info!(%peer, %cause, "a TLS handshake failed"),
        },
        () = activity.told_to_close() => return tracing::debug!(%peer, "a TLS handshake took too long"),
    };
    activity.shook_hands();
    let builder = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => builder.http2_only(),
        _ => builder.http1_only(),
    };
    http(&builder, app, stream, peer, activity, stopped).await;
}

async fn http<S>(
    builder: &Builder<TokioExecutor>,
    app: Router,
    stream: S,
    peer: SocketAddr,
    activity: &Arc<Activity>,
    mut stopped: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let served = Arc::clone(activity);
    let service = tower::service_fn(move |mut request: http::Request<_>| {
        let request_of = served.request(request.version());
        request.extensions_mut().insert(ClientAddress(peer));
        let answer = app.clone().oneshot(request);
        async move {
            let answer = answer.await;
            drop(request_of);
            answer
        }
    });
    let mut connection =
        pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = activity.told_to_close() => None,
        _ = stopped.wait_for(|stopped| *stopped) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = activity.told_to_close() => return,
            }
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%peer, %cause, "a connection ended badly");
    }
}
