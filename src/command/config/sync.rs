//! `silverback config diff` and `silverback config sync`: a file compared with a store or a node, and brought about
//! there.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use silverback::node::configuration::{self, Trouble, Wish};
use silverback::store::Progress;

use super::parse::failed;
use super::{Place, Source, Target, difference, progress};

/// What `diff` exits with when it finds something.
const DIFFERS: u8 = 2;

/// Compares, and unless only the difference is asked for, makes the two the same.
pub async fn run(source: &Source, target: &Target, file: &Path, dry_run: bool) -> Result<ExitCode> {
    let document = super::read(file)?;
    let done = Progress::default();
    let report = match target.open(source).await? {
        Place::Here(node) => {
            let wish = Wish { document, selection: target.selection(), dry_run };
            let work = configuration::synchronize(&node, node.store.default_space(), wish, &done);
            let report = progress::shown(&done, work).await;
            super::close(node).await;
            report.map_err(|trouble| match trouble {
                Trouble::Document(_) => failed("Failed parsing", trouble),
                trouble => failed("nothing was changed", trouble),
            })
        }
        Place::There(remote) => {
            let work = remote.synchronize(document, &target.select_tags, dry_run);
            progress::shown(&done, work).await
        }
    };
    let is_empty = difference::print(&report?, dry_run).map_err(|cause| anyhow!(cause))?;
    Ok(if dry_run && !is_empty { ExitCode::from(DIFFERS) } else { ExitCode::SUCCESS })
}
