//! `silverback config db_export`: every row of the database in a file that `db_import` reads, as Kong writes it.

use std::path::Path;

use anyhow::{Result, anyhow, bail};

use super::{Source, file};

/// Reads the database and writes the file; one that exists is left as it is.
pub async fn run(source: &Source, path: &Path) -> Result<()> {
    if file::exists(path) {
        bail!("{} exists already and is left as it is", path.display());
    }
    let node = source.open().await?;
    let text = silverback::node::export(&node).await;
    super::close(node).await;
    file::create(path, &text.map_err(|failure| anyhow!("the database cannot be read: {failure:?}"))?)
}
