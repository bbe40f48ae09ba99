//! `silverback config init`: an example to start from. It is a valid configuration, so that it can be tried as it is.

use std::path::Path;

use anyhow::Result;

use super::file;

/// The example.
const EXAMPLE: &str = include_str!("example.yml");

/// Writes the example; a file that exists is left as it is.
pub fn run(path: &Path) -> Result<()> {
    file::create(path, EXAMPLE)
}
