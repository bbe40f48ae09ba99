//! `silverback config dump`: everything that a store or a node holds, as a file that people read and change.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use generators::declarative::Form;
use generators::yaml;
use serde_json::Value;
use silverback::node::configuration;

use super::{Place, Source, Target, file};

/// Reads the rows and writes the file.
pub async fn run(source: &Source, target: &Target, path: &Path, with_ids: bool, force: bool) -> Result<()> {
    let is_output = path == Path::new("-");
    if !is_output && !force && file::exists(path) {
        bail!("{} exists already and is left as it is; --force writes over it", path.display());
    }
    let form = Form { with_ids, selection: target.selection() };
    let document = match target.open(source).await? {
        Place::Here(node) => {
            let document = configuration::dump(&node, node.store.default_space(), form).await;
            super::close(node).await;
            document.map_err(|failure| anyhow!("the database cannot be read: {failure:?}"))?
        }
        Place::There(remote) => remote.dump(with_ids, &target.select_tags).await?,
    };
    let document = Value::Object(document);
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let text = match is_json {
        true => serde_json::to_string_pretty(&document)? + "\n",
        false => yaml::write(&document),
    };
    match (is_output, force) {
        (true, _) => Ok(std::io::stdout().lock().write_all(text.as_bytes())?),
        (false, true) => file::replace(path, &text),
        (false, false) => file::create(path, &text),
    }
}
