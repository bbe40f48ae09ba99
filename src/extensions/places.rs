//! Where a plugin is: the folders that the settings name, and the patterns of `lua_package_path`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The largest file of a plugin in bytes.
const LARGEST: u64 = 1 << 20;

/// Where a plugin was found, and in which form.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A YAML or JSON document.
    Document(PathBuf),
    Scripts(Scripts),
}

/// The Lua files of a plugin.
#[derive(Clone, Debug)]
pub(super) struct Scripts {
    /// The folder that holds `schema.lua`.
    pub(super) folder: PathBuf,
    /// Patterns of further files, with `?` for a module's path.
    pub(super) patterns: Vec<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Document(path) => path.display().fmt(f),
            Place::Scripts(scripts) => scripts.folder.display().fmt(f),
        }
    }
}

/// Finds a plugin: below each folder `<name>/schema.{yaml,yml,json,lua}`, `kong/plugins/<name>/schema.lua` (the folder
/// is the root of a plugin's repository), `<name>/kong/plugins/<name>/schema.lua` (the folder holds repositories);
/// then by the patterns of `lua_package_path`, as Kong does.
pub(super) fn find(name: &str, folders: &[PathBuf], patterns: &str) -> Option<Place> {
    // A name leads to a folder of that name, and nowhere else.
    crate::lua::is_plain(name).then_some(())?;
    let patterns: Vec<String> =
        patterns.split(';').map(str::trim).filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect();
    for folder in folders {
        let own = folder.join(name);
        for file in ["schema.yaml", "schema.yml", "schema.json"] {
            let path = own.join(file);
            if path.is_file() {
                return Some(Place::Document(path));
            }
        }
        let below = |root: &Path| root.join("kong").join("plugins").join(name);
        for (candidate, root) in
            [(own.clone(), folder.clone()), (below(folder), folder.clone()), (below(&own), own)]
        {
            if candidate.join("schema.lua").is_file() {
                let root = root.display();
                let roots = [format!("{root}/?.lua"), format!("{root}/?/init.lua")];
                let patterns = roots.into_iter().chain(patterns.iter().cloned()).collect();
                return Some(Place::Scripts(Scripts { folder: candidate, patterns }));
            }
        }
    }
    let schema = format!("kong/plugins/{name}/schema");
    let found = patterns
        .iter()
        .map(|pattern| PathBuf::from(pattern.replace('?', &schema)))
        .find(|path| path.is_file());
    let folder = found?.parent()?.to_owned();
    Some(Place::Scripts(Scripts { folder, patterns }))
}

/// A file of a plugin as it is.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let told = |fault: std::io::Error| format!("{}: {fault}", path.display());
    if fs::metadata(path).map_err(told)?.len() > LARGEST {
        return Err(format!("{}: a file of a plugin has at most {LARGEST} bytes", path.display()));
    }
    fs::read(path).map_err(told)
}
