//! Listeners: connections accepted, served over HTTP/1.1 and HTTP/2, with TLS or without, and drained on the way out.
//!
//! What a connection goes through stands in `connection.rs`, who may stay in `connections.rs`. No request is read here:
//! each goes to the Admin API as it came, with its [`ClientAddress`].

mod activity;
mod certificates;
mod connection;
mod connections;
mod self_signed;
mod socket;
mod stream;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use activity::Bounds;
pub use certificates::{CertificateError, Entry};
pub use tls::{Configured, Tls};

use crate::node::Node;
use crate::settings::Address;
use connections::Connections;

/// How long requests in flight may take when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Where a request came from: the peer of its connection. Each request that came over a listener has it among its
/// extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub SocketAddr);

/// Why a listener cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("cannot listen on {address}: {cause}")]
    Refused { address: String, cause: std::io::Error },
    #[error("'{0}' asks for proxy_protocol, which this server does not speak")]
    ProxyProtocol(String),
    #[error("'{0}' asks for ssl, and no certificate was configured")]
    WithoutTls(String),
}

/// A socket on which connections arrive, and what is spoken on it.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    spoken: Spoken,
}

/// What is spoken on connections.
#[derive(Clone, Debug)]
struct Spoken {
    /// None: they are plain.
    tls: Option<Arc<Tls>>,
    /// Whether HTTP/2 is offered in a handshake. On plain connections it is always understood.
    http2: bool,
}

impl Listener {
    /// The address that it got.
    pub fn address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Whether its connections use TLS.
    pub fn is_tls(&self) -> bool {
        self.spoken.tls.is_some()
    }
}

/// Opens a listener. One with `ssl` follows `tls`.
///
/// # Errors
/// Why the system refuses the address; which of its flags cannot be honoured.
pub async fn listen(address: &Address, tls: Option<&Arc<Tls>>) -> Result<Listener, ListenError> {
    let target = address.target();
    if address.proxy_protocol {
        return Err(ListenError::ProxyProtocol(target));
    }
    let tls = match (address.ssl, tls) {
        (false, _) => None,
        (true, Some(tls)) => Some(Arc::clone(tls)),
        (true, None) => return Err(ListenError::WithoutTls(target)),
    };
    match socket::open(address).await {
        Ok(socket) => Ok(Listener { socket, spoken: Spoken { tls, http2: address.http2 } }),
        Err(cause) => Err(ListenError::Refused { address: target, cause }),
    }
}

/// Serves every listener until `stop`, then finishes the requests in flight.
pub async fn serve(listeners: Vec<Listener>, app: Router, node: Arc<Node>, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(false);
    let connections = Arc::new(Connections::default());
    let mut tasks = JoinSet::new();
    for listener in listeners {
        let server = Server {
            app: app.clone(),
            node: Arc::clone(&node),
            connections: Arc::clone(&connections),
            stopped: stopped.clone(),
        };
        tasks.spawn(accept(listener, server));
    }
    drop(app);
    let mut watching = JoinSet::new();
    watching.spawn(connections::watch(Arc::clone(&connections), node, stopped));
    stop.await;
    tasks.shutdown().await;
    let _nobody_listens = stopping.send(true);
    if tokio::time::timeout(DRAIN_TIMEOUT, connections.all_gone()).await.is_err() {
        tracing::warn!("some requests took too long and were cut off");
    }
    watching.shutdown().await;
}

/// What every connection of a listener needs.
#[derive(Clone)]
struct Server {
    app: Router,
    node: Arc<Node>,
    connections: Arc<Connections>,
    stopped: watch::Receiver<bool>,
}

/// Accepts connections; never ends.
async fn accept(listener: Listener, server: Server) {
    loop {
        match listener.socket.accept().await {
            Ok((stream, peer)) => take(&listener.spoken, &server, stream, peer),
            Err(cause) => {
                tracing::warn!(%cause, "a connection could not be accepted");
                // The process may have all the files open that it can have.
                server.connections.make_room();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves a connection beside the others, unless there is no room for it.
fn take(spoken: &Spoken, server: &Server, stream: TcpStream, peer: SocketAddr) {
    let most = server.node.adjusted.get().connections.most;
    let Some(place) = server.connections.admit(most) else {
        tracing::warn!(%peer, most, "a connection was closed, since all that are open are busy");
        return;
    };
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!(%cause, "a connection keeps its delay");
    }
    // The socket itself stays with whoever accepts: it closes while connections are still open.
    let (spoken, server) = (spoken.clone(), server.clone());
    server.node.figures.connected();
    tokio::spawn(async move {
        let Server { app, node, stopped, .. } = server;
        connection::attend(&spoken, app, stream, peer, &place.activity, stopped).await;
        node.figures.disconnected();
        // Who waits for the last connection to be gone expects to have the node for itself.
        drop(node);
        drop(place);
    });
}
