//! Files that hold secrets, such as configurations and keys: written whole, readable by their owner alone.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Who may read the file.
const OWNER: u32 = 0o600;

/// Writes a file that is not there yet.
///
/// # Errors
/// The file exists, or cannot be written.
pub fn create(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(OWNER).open(path);
    let mut file = match file {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists already and is left as it is", path.display())
        }
        file => file.with_context(|| format!("{} cannot be written", path.display()))?,
    };
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a configuration is worse than none.
        let _left = fs::remove_file(path);
    }
    written.with_context(|| format!("{} cannot be written", path.display()))
}

/// Puts a file in the place of the one that is there: a reader sees either.
///
/// # Errors
/// The file cannot be written.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = Path::new(&name);
    create(beside, text)?;
    fs::rename(beside, path).with_context(|| format!("{} cannot be written", path.display()))
}

/// Whether there is something at a path, be it only a link to nowhere.
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
