//! From a name to what it refers to in the table of settings, and from a misspelt name to the one that was meant.
//!
//! No value is looked at here.

use super::key::{Key, Namespace};
use super::keys::{FAMILIES, KEYS, NAMESPACES};

/// The namespace that a name stands in, also if the name is a key of the table.
pub(super) fn namespace_of(name: &str) -> Option<&'static Namespace> {
    NAMESPACES.iter().find(|namespace| begins(name, namespace.prefix))
}

fn begins(name: &str, prefix: &str) -> bool {
    name.len() > prefix.len() && name.starts_with(prefix)
}

/// What a name in `kong.conf` refers to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named {
    Key(&'static Key),
    Namespace(&'static Namespace),
    /// See [`FAMILIES`].
    Family,
    Unknown,
}

/// Finds out what a name refers to.
pub(super) fn named(name: &str) -> Named {
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return Named::Key(key);
    }
    if let Some(namespace) = namespace_of(name) {
        return Named::Namespace(namespace);
    }
    let slip = closest(name).is_some_and(|(_, distance)| distance <= SLIP);
    if !slip && FAMILIES.iter().any(|family| begins(name, family)) { Named::Family } else { Named::Unknown }
}

/// Two edits make a typing error; more make another word.
const SLIP: usize = 2;

/// The known name that an unknown one was probably meant to be.
pub(super) fn suggestion(name: &str) -> Option<String> {
    if let Some((block, directive)) = name.strip_prefix("nginx_").and_then(|rest| rest.split_once('_')) {
        let written = format!("nginx_{block}_");
        let near = NAMESPACES.iter().map(|namespace| (edits(&written, namespace.prefix), namespace.prefix));
        if let Some((_, prefix)) = near.filter(|(distance, _)| *distance <= SLIP).min() {
            return Some(format!("{prefix}{directive}"));
        }
    }
    let (closest, distance) = closest(name)?;
    (distance <= SLIP.max(name.chars().count() / 3)).then(|| closest.to_owned())
}

fn closest(name: &str) -> Option<(&'static str, usize)> {
    let distances = KEYS.iter().map(|key| (key.name, edits(name, key.name)));
    distances.min_by_key(|(_, distance)| *distance)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour to turn one name into the
/// other; letter case does not count.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    let mut last = None;
    for (row, letter) in from.chars().map(|letter| letter.to_ascii_lowercase()).enumerate() {
        let mut current = vec![row + 1];
        let mut left = row + 1;
        for (column, other) in to.iter().enumerate() {
            let cell = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut cost = (cell(&above, column) + usize::from(letter != *other))
                .min(cell(&above, column + 1) + 1)
                .min(left + 1);
            let swapped = column > 0 && last == Some(*other) && to.get(column - 1) == Some(&letter);
            if swapped {
                cost = cost.min(cell(&before, column - 1) + 1);
            }
            current.push(cost);
            left = cost;
        }
        before = std::mem::replace(&mut above, current);
        last = Some(letter);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for name in ["nginx_http_x", "nginx_wasm_v8_x", "vault_hcv_token", "pluginserver_go_socket"] {
            assert!(matches!(named(name), Named::Namespace(_)), "{name}");
        }
        for name in ["cluster_telemetry_listen", "admin_gui_auth_conf", "untrusted_lua_else"] {
            assert!(matches!(named(name), Named::Family), "{name}");
        }
        for name in ["proxy_lisen", "cluster_lsiten", "nginx_http_", "nginx_htpp_x", "databse", "ä", ""] {
            assert!(matches!(named(name), Named::Unknown), "{name}");
        }
    }

    #[test]
    fn the_closest_name_is_suggested() {
        for (name, meant) in [
            ("databse", Some("database")),
            ("Log_Level", Some("log_level")),
            ("admin_lsiten", Some("admin_listen")),
            ("pg_pasword", Some("pg_password")),
            ("nginx_htpp_charset", Some("nginx_http_charset")),
            ("sqlite_pfad", Some("sqlite_path")),
            ("zzzzzzzzzz", None),
            ("äöü", None),
        ] {
            assert_eq!(suggestion(name).as_deref(), meant, "{name}");
        }
        assert_eq!(edits("ab", "ba"), 1);
        assert_eq!(edits("", "abc"), 3);
    }
}
