//! What several tests stand on: servers, clients and databases. It deliberately asserts nothing about answers.

pub mod api;
pub mod client;
pub mod house;
pub mod http2;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod tls;

use std::sync::LazyLock;

/// Runs a future to its end on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The PostgreSQL server of every test that crashes nothing; it ends with the process. `None` where it is not
/// installed.
pub fn shared_postgresql() -> Option<&'static postgres::Server> {
    static SHARED: LazyLock<Option<postgres::Server>> =
        LazyLock::new(|| postgres::Server::start(false).unwrap());
    SHARED.as_ref()
}
