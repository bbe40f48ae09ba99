//! `silverback config …`: configurations as files. The four commands of Kong's `kong config`, and `dump`, `diff` and
//! `sync`, which compare a file with a store or with a running node and bring the two together.
//!
//! Exit codes: 0 when all is well; 1 when something is wrong; 2 when `diff`, or `sync --dry-run`, finds a difference.
//! What the commands mean is decided in the library; here are files, terminals and the connection to a node.

mod difference;
mod dump;
mod export;
mod import;
mod init;
mod parse;
mod progress;
pub mod remote;
mod sync;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use generators::declarative::Selection;
use silverback::StartError;
use silverback::node::Node;
use silverback::settings::{self, Settings};
use silverback::store::{Database, OpenError};

use super::file;
use remote::Remote;

/// What `silverback config` is told.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    source: Source,
}

/// Where the settings come from.
#[derive(Args)]
pub struct Source {
    /// The settings, in the form of kong.conf.
    #[arg(short, long, value_name = "FILE", global = true)]
    conf: Option<PathBuf>,
    /// The folder of the node's own files, instead of the one that the settings name.
    #[arg(short, long, value_name = "FOLDER", global = true)]
    prefix: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Action {
    /// Write an example of a declarative configuration, to start from.
    Init {
        #[arg(default_value = "kong.yml")]
        file: PathBuf,
    },
    /// Read a declarative configuration and say what is wrong with it.
    Parse { file: PathBuf },
    /// Write a declarative configuration into the database; rows that it does not have stay as they are.
    #[command(name = "db_import", alias = "db-import")]
    DbImport { file: PathBuf },
    /// Write the database into a declarative configuration.
    #[command(name = "db_export", alias = "db-export")]
    DbExport {
        #[arg(default_value = "kong.yml")]
        file: PathBuf,
    },
    /// Write everything that a store or a node holds into a file that people can read and change.
    Dump {
        /// The file; `-` is the standard output. A name that ends in .json makes it JSON.
        #[arg(default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        target: Target,
        /// Write the id of every row, not only of those that nothing else tells apart.
        #[arg(long)]
        with_ids: bool,
        /// Write over a file that exists.
        #[arg(long)]
        force: bool,
    },
    /// Say what `sync` would create, update and delete. Exits with 2 if there is something.
    Diff {
        file: PathBuf,
        #[command(flatten)]
        target: Target,
    },
    /// Make a store or a node equal to a file: create, update and delete, all or nothing.
    Sync {
        file: PathBuf,
        #[command(flatten)]
        target: Target,
        /// Say what would change, and change nothing; as `diff`.
        #[arg(long)]
        dry_run: bool,
    },
}

/// What is compared with a file.
#[derive(Args)]
struct Target {
    /// Only rows that carry this tag; given several times, all of them.
    #[arg(long = "select-tag", value_name = "TAG")]
    select_tags: Vec<String>,
    #[command(flatten)]
    address: remote::Address,
}

/// Who answers for the rows.
enum Place {
    /// This process, over the database.
    Here(Arc<Node>),
    /// A node that is running.
    There(Box<Remote>),
}

/// `silverback config …`
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { action, source } = arguments;
    match action {
        Action::Init { file } => init::run(file)?,
        Action::Parse { file } => parse::run(source, file)?,
        Action::DbImport { file } => super::runtime()?.block_on(import::run(source, file))?,
        Action::DbExport { file } => super::runtime()?.block_on(export::run(source, file))?,
        Action::Dump { file, target, with_ids, force } => {
            super::runtime()?.block_on(dump::run(source, target, file, *with_ids, *force))?;
        }
        Action::Diff { file, target } => {
            return super::runtime()?.block_on(sync::run(source, target, file, true));
        }
        Action::Sync { file, target, dry_run } => {
            return super::runtime()?.block_on(sync::run(source, target, file, *dry_run));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Source {
    pub fn settings(&self) -> Result<Settings> {
        let prefix = self.prefix.as_ref().map(|prefix| ("prefix".to_owned(), prefix.display().to_string()));
        let overrides: Vec<_> = prefix.into_iter().collect();
        Ok(Settings::load(self.conf.as_deref(), settings::environment(), &overrides)?.0)
    }

    /// A node over the database that the settings name, which serves nobody.
    pub async fn open(&self) -> Result<Arc<Node>> {
        Source::open_with(&self.settings()?).await
    }

    /// The same, with other settings.
    pub async fn open_with(settings: &Settings) -> Result<Arc<Node>> {
        let database = match super::database(settings)? {
            Database::Off => bail!(
                "there is no database (database = off): send the configuration to a running node, with --address or by \
                 POST /config"
            ),
            Database::Sqlite { location, .. } => Database::Sqlite { location, read_cache: false },
            database => database,
        };
        let node = silverback::node(settings, &database).await;
        match node {
            Err(StartError::Store(cause @ OpenError::InUse(_))) => Err(anyhow::Error::new(cause)
                .context("the node must be stopped, or named with --address where the command takes that")),
            node => Ok(node?),
        }
    }
}

impl Target {
    async fn open(&self, source: &Source) -> Result<Place> {
        match self.address.open()? {
            Some(remote) => Ok(Place::There(Box::new(remote))),
            None => Ok(Place::Here(source.open().await?)),
        }
    }

    fn selection(&self) -> Selection {
        Selection::new(self.select_tags.iter().cloned())
    }
}

/// Closes a node that served nobody.
pub async fn close(node: Arc<Node>) {
    if let Some(node) = Arc::into_inner(node) {
        node.store.close().await;
    }
}

/// Reads the document of a file; `-` is the standard input.
fn read(file: &Path) -> Result<entities::schema::Row> {
    let text = match file == Path::new("-") {
        true => std::io::read_to_string(std::io::stdin()).map(String::into_bytes),
        false => std::fs::read(file),
    };
    let text = text.with_context(|| format!("{} cannot be read", file.display()))?;
    silverback::node::read_document(&text).map_err(|why| anyhow::anyhow!("{}: {why}", file.display()))
}
