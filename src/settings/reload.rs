//! Settings that are read again while the node runs: what takes effect, and what waits for a restart.
//!
//! Which keys can change at run time is declared in `keys`. What waits keeps the value that is in effect, also in what
//! `GET /` shows. Nothing is read here, and nothing is told to anybody.

use super::Settings;
use super::key::Meaning;
use super::keys::KEYS;
use super::values::Values;

/// What came of reading settings again.
#[derive(Clone, Debug, PartialEq)]
pub struct Reloaded {
    /// What is in effect from now on.
    pub settings: Settings,
    /// The keys whose new values take effect.
    pub changed: Vec<&'static str>,
    /// The keys whose new values wait for a restart.
    pub waiting: Vec<&'static str>,
}

impl Settings {
    /// These settings, with what of `read` can change while a node runs.
    pub fn reloaded(&self, read: &Settings) -> Reloaded {
        let (mut values, mut changed, mut waiting): (Values, _, _) =
            (read.values.clone(), Vec::new(), Vec::new());
        for key in KEYS {
            let (old, new) = (self.values.get(key.name), read.values.get(key.name));
            if old == new {
                continue;
            }
            match (key.meaning, old) {
                (Meaning::Acts(_), Some(old)) if !key.reloads => {
                    waiting.push(key.name);
                    values.set(key.name, old.clone());
                }
                (Meaning::Acts(_), _) => changed.push(key.name),
                // It changes nothing but what is shown.
                (Meaning::Accepted(_), _) => {}
            }
        }
        Reloaded { settings: Settings::assemble(values), changed, waiting }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn load(overrides: &[(&str, &str)]) -> Settings {
        let overrides: Vec<_> =
            overrides.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        Settings::load(Some(Path::new("/dev/null")), std::iter::empty(), &overrides).unwrap().0
    }

    #[test]
    fn what_cannot_change_stays_as_it_is() {
        let old = load(&[("admin_listen", "127.0.0.1:1"), ("pg_password", "one"), ("log_level", "info")]);
        let read = load(&[
            ("admin_listen", "127.0.0.1:2"),
            ("pg_password", "two"),
            ("log_level", "debug"),
            ("nginx_admin_client_max_body_size", "1k"),
            ("proxy_access_log", "off"),
        ]);
        let Reloaded { settings, changed, waiting } = old.reloaded(&read);
        assert_eq!(changed, ["log_level", "body_limit", "nginx_admin_client_max_body_size"]);
        assert_eq!(waiting, ["admin_listen", "pg_password"]);
        assert_eq!((settings.log_level, settings.body_limit), (read.log_level, 1024));
        assert_eq!(settings.admin_listen, old.admin_listen);
        assert_eq!(settings.postgres, old.postgres);
        let shown = settings.configuration();
        assert_eq!(shown.get("admin_listen"), Some(&json!(["127.0.0.1:1"])));
        assert_eq!(shown.get("proxy_access_log"), Some(&json!("off")));
        assert_eq!(old.reloaded(&old).settings, old);
    }

    #[test]
    fn only_what_acts_can_be_reloaded() {
        for key in KEYS.iter().filter(|key| key.reloads) {
            assert!(matches!(key.meaning, Meaning::Acts(_)), "{}", key.name);
        }
    }
}
