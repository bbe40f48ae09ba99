//! `silverback config db_import`: the rows of a file written into the database, all or none. Nothing is deleted.

use std::path::Path;

use anyhow::Result;
use silverback::node::configuration;
use silverback::store::Progress;

use super::parse::failed;
use super::{Source, progress};

/// Reads a file, checks it and writes its rows.
pub async fn run(source: &Source, file: &Path) -> Result<()> {
    let document = super::read(file)?;
    let node = source.open().await?;
    let done = Progress::default();
    let written =
        progress::shown(&done, configuration::import(&node, node.store.default_space(), document, &done))
            .await;
    super::close(node).await;
    let rows = written.map_err(|trouble| match trouble {
        configuration::Trouble::Document(_) => failed("Failed parsing", trouble),
        trouble => failed("Failed importing", trouble),
    })?;
    println!("parse successful, import successful: {rows} rows");
    Ok(())
}
