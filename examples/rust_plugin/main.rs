//! A server with a plugin of its own in Rust: `cargo run --example rust_plugin`, then
//! `curl localhost:8001/suspects -d name=mallory`. Its store is in memory and goes with it.

mod quarantine;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use silverback::settings::Settings;
use silverback::store::{Database, Location};
use silverback::{app, node_with, serve};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // As `plugins = bundled,quarantine` in kong.conf would have it.
    let overrides = [("plugins".to_owned(), "bundled,quarantine".to_owned())];
    let (settings, _) = Settings::load(Some(Path::new("/dev/null")), std::iter::empty(), &overrides)?;
    let database = Database::Sqlite { location: Location::Memory, read_cache: true };
    let node = node_with(&settings, &database, &[quarantine::QUARANTINE]).await?;
    let address = settings.admin_listen.first().context("admin_listen is off")?;
    let listener = serve::listen(address, None).await?;
    println!("the Admin API is served on {}", address.target());
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    serve::serve(vec![listener], app(Arc::clone(&node)), node, stop).await;
    Ok(())
}
