//! `silverback keyring …`: the file of keys with which a store keeps its secrets encrypted.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;
use silverback::store::Keyring;

use super::file;

/// What `silverback keyring` is told.
#[derive(Subcommand)]
pub enum Action {
    /// Put a new key before those of a keyring, which is made if there is none. From its next start on a node encrypts
    /// everything with it; the others stay until nobody needs them.
    Add { file: PathBuf },
}

/// `silverback keyring …`
pub fn run(action: &Action) -> Result<()> {
    let Action::Add { file: path } = action;
    let before = match std::fs::read_to_string(path) {
        Ok(text) => {
            Keyring::read(path)?;
            text
        }
        Err(cause) if cause.kind() == ErrorKind::NotFound => String::new(),
        Err(cause) => return Err(cause).with_context(|| format!("{} cannot be read", path.display())),
    };
    file::replace(path, &(Keyring::new_line() + &before))?;
    println!("{}: {}", path.display(), Keyring::read(path)?.current());
    Ok(())
}
