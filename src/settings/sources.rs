//! Where settings come from: the file, environment variables and overrides, later ones winning, as values with a
//! place to point at when one of them is wrong.
//!
//! The file is read as Kong reads it: `key = value`, `#` begins a comment unless written `\#`, a line that begins
//! with `;` is a comment, `\` at the end of a line joins the next one, and quotes are part of the value. What Kong
//! would skip in silence (a misspelt key, a line that is no setting) is an error here. An environment variable of
//! an unknown name is no error, because other programs set variables that begin with `KONG_` too.

use super::key::{Key, Meaning};
use super::names::{Named, named, suggestion};
use super::values::{Entry, HIDDEN, Kind, Setting, Values, is_secret, list};
use indexmap::{IndexMap, IndexSet};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Lines count from 1; a joined line has the number of its first.
    File {
        path: PathBuf,
        line: usize,
    },
    /// The name of the variable.
    Environment(String),
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(out, "{}, line {line}", path.display()),
            Self::Environment(variable) => write!(out, "environment variable {variable}"),
            Self::CommandLine => out.write_str("command line"),
        }
    }
}

/// Why settings could not be loaded. No message contains the value of a secret.
#[derive(Debug, Error)]
pub enum SettingsError {
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{origin}: not of the form `key = value`")]
    Syntax { origin: Origin },
    #[error("{origin}: unknown setting '{key}'{}", did_you_mean(suggestion))]
    UnknownKey { origin: Origin, key: String, suggestion: Option<String> },
    #[error("{origin}: {key} has an invalid value: '{value}'; it must be {allowed}")]
    BadValue { origin: Origin, key: String, value: String, allowed: String },
    #[error("{origin}: the reference in {key} cannot be resolved: {reason}")]
    Reference { origin: Origin, key: String, reason: String },
    /// Everything that is wrong, in the order in which it was found.
    #[error("{}", lines(.0))]
    Several(Vec<SettingsError>),
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|name| format!("; did you mean '{name}'?")).unwrap_or_default()
}

fn lines(errors: &[SettingsError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What one source said about one name.
struct Given {
    text: String,
    origin: Origin,
}

/// Everything that was said, the last word on each name; and what to tell the user about it.
#[derive(Default)]
pub(super) struct Sources {
    given: IndexMap<String, Given>,
    accepted: IndexSet<String>,
    errors: Vec<SettingsError>,
}

impl Sources {
    /// Reads a file of settings, which must exist.
    pub(super) fn file(&mut self, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => self.file_text(path, &text),
            Err(source) => self.errors.push(SettingsError::Unreadable { path: path.to_owned(), source }),
        }
    }

    fn file_text(&mut self, path: &Path, text: &str) {
        let mut joined: Option<(usize, String)> = None;
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let first = line.trim_start().chars().next();
            if matches!(first, None | Some('#' | ';')) {
                continue;
            }
            let (first_line, mut whole) = joined.take().unwrap_or((number + 1, String::new()));
            if let Some(begun) = line.trim_end().strip_suffix('\\') {
                whole.push_str(begun);
                joined = Some((first_line, whole));
                continue;
            }
            whole.push_str(line);
            self.file_line(Origin::File { path: path.to_owned(), line: first_line }, &whole);
        }
        if let Some((line, whole)) = joined {
            self.file_line(Origin::File { path: path.to_owned(), line }, &whole);
        }
    }

    fn file_line(&mut self, origin: Origin, line: &str) {
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('[')) else {
            self.errors.push(SettingsError::Syntax { origin });
            return;
        };
        // As in Kong, `admin-listen` and `admin.listen` are other spellings of `admin_listen`.
        let spelling = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let name: String = if name.is_ascii() {
            name.trim().chars().map(spelling).collect()
        } else {
            name.trim().to_owned()
        };
        self.take(name, without_comment(value), origin);
    }

    /// Reads the variables whose name is `KONG_` and the name of a setting in capitals.
    pub(super) fn environment(&mut self, variables: &BTreeMap<String, String>) {
        for (variable, text) in variables {
            let Some(upper) = variable.strip_prefix("KONG_") else { continue };
            let name = upper.to_ascii_lowercase();
            if name.to_ascii_uppercase() != upper {
                continue;
            }
            match named(&name) {
                Named::Unknown => {
                    let meant = suggestion(&name).map(|name| format!("KONG_{}", name.to_ascii_uppercase()));
                    self.accepted.insert(format!("{variable} (unknown{})", did_you_mean(&meant)));
                }
                _ => self.take(name, text.trim().to_owned(), Origin::Environment(variable.clone())),
            }
        }
    }

    /// Takes settings of the command line, whose names are those of the file.
    pub(super) fn overrides(&mut self, overrides: &[(String, String)]) {
        for (name, text) in overrides {
            self.take(name.clone(), text.trim().to_owned(), Origin::CommandLine);
        }
    }

    fn take(&mut self, name: String, text: String, origin: Origin) {
        match named(&name) {
            Named::Key(_) | Named::Namespace(_) => {
                self.given.insert(name, Given { text, origin });
            }
            Named::Family => {
                self.accepted.insert(name);
            }
            Named::Unknown => {
                let suggestion = suggestion(&name);
                self.errors.push(SettingsError::UnknownKey { origin, key: name, suggestion });
            }
        }
    }

    /// The values of all settings, and the names that were set without effect.
    pub(super) fn finish(
        mut self,
        variables: &BTreeMap<String, String>,
    ) -> Result<(Values, Vec<String>), SettingsError> {
        let mut values = Values::default();
        // The prefix of references must be known before the first of them is resolved.
        let prefix = self.given.get("vault_env_prefix").map_or("", |given| &given.text).to_owned();
        let resolve = |text: &str| resolve(text, &prefix, variables);
        let mut set: IndexMap<&str, &'static Key> = IndexMap::new();
        for (name, given) in &self.given {
            let (key, kind) = match named(name) {
                Named::Key(key) => (Some(key), key.kind),
                _ => (None, Kind::Text),
            };
            // An empty text clears a list; of anything else it says no more than silence does.
            if given.text.is_empty() && !kind.is_list() {
                values.set(name, default(key));
                continue;
            }
            match read(name, kind, given, &resolve) {
                Ok(entry) => values.set(name, entry),
                Err(error) => self.errors.push(error),
            }
            match key {
                Some(key) => {
                    set.insert(name, key);
                    if matches!(key.meaning, Meaning::Accepted(_)) {
                        self.accepted.insert(name.clone());
                    }
                }
                None => drop(self.accepted.insert(name.clone())),
            }
        }
        for (name, key) in &set {
            let entry = values.get(name).cloned();
            for also in key.also.iter().filter(|also| !set.contains_key(*also)) {
                if let Some(entry) = &entry {
                    values.set(also, entry.clone());
                }
            }
        }
        match self.errors.len() {
            0 => Ok((values, self.accepted.into_iter().collect())),
            1 => Err(self.errors.remove(0)),
            _ => Err(SettingsError::Several(self.errors)),
        }
    }
}

fn default(key: Option<&Key>) -> Entry {
    let setting = key.and_then(|key| key.kind.read(key.default).ok()).unwrap_or(Setting::Unset);
    Entry { setting, reference: None }
}

fn read(
    name: &str,
    kind: Kind,
    given: &Given,
    resolve: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Entry, SettingsError> {
    let mut reference = None;
    let mut text = given.text.clone();
    if text.contains("{vault://") {
        let parts = if kind.is_list() { list(&text) } else { vec![text.clone()] };
        let resolved: Result<Vec<String>, String> = parts.iter().map(|part| resolve(part)).collect();
        let resolved = resolved.map_err(|reason| SettingsError::Reference {
            origin: given.origin.clone(),
            key: name.to_owned(),
            reason,
        })?;
        reference = (resolved != parts).then(|| std::mem::take(&mut text));
        text = resolved.join(",");
    }
    let setting = kind.read(&text).map_err(|mut allowed| {
        if text.starts_with(['"', '\'']) {
            allowed.push_str(" (quotes are part of a value)");
        }
        // What came out of a vault is as secret as what a secret key holds.
        let hidden = is_secret(name) || reference.is_some();
        let value = if hidden { HIDDEN.to_owned() } else { text.clone() };
        SettingsError::BadValue { origin: given.origin.clone(), key: name.to_owned(), value, allowed }
    })?;
    Ok(Entry { setting, reference })
}

/// Drops a comment and the blanks before it, then lets `\#` be `#`.
fn without_comment(value: &str) -> String {
    let mut escaped = false;
    let comment = value.char_indices().find(|(_, letter)| {
        let begins = *letter == '#' && !escaped;
        escaped = *letter == '\\';
        begins
    });
    let kept = comment.and_then(|(position, _)| value.get(..position)).unwrap_or(value);
    kept.trim().replace("\\#", "#")
}

/// Replaces `{vault://env/some-name}` by the variable `SOME_NAME`, and `{vault://env/some-name/field}` by that field
/// of the JSON object in it. Any other text stays as it is; the reason says why a reference leads nowhere.
fn resolve(text: &str, prefix: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let Some(reference) = text.strip_prefix("{vault://").and_then(|rest| rest.strip_suffix('}')) else {
        return Ok(text.to_owned());
    };
    let Some(path) = reference.strip_prefix("env/").filter(|path| !path.contains(['?', '#', '%'])) else {
        return Err(format!("{text}: settings can refer to plain names in the `env` vault only"));
    };
    let (resource, field) = path.split_once('/').map_or((path, None), |(name, field)| (name, Some(field)));
    let variable = format!("{prefix}{resource}").replace('-', "_").to_uppercase();
    let value = variables.get(&variable).ok_or_else(|| format!("{text}: {variable} is not set"))?;
    let Some(field) = field else { return Ok(value.trim().to_owned()) };
    let object: Option<serde_json::Value> = serde_json::from_str(value).ok();
    match object.as_ref().and_then(|object| object.get(field)) {
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(other) if other.is_number() || other.is_boolean() => Ok(other.to_string()),
        _ => Err(format!("{text}: {variable} is not a JSON object with the field '{field}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(sources: Sources, variables: &[(&str, &str)]) -> Result<(Values, Vec<String>), SettingsError> {
        let variables =
            variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let mut sources = sources;
        sources.environment(&variables);
        sources.finish(&variables)
    }

    fn load(text: &str, variables: &[(&str, &str)]) -> Result<(Values, Vec<String>), SettingsError> {
        let mut sources = Sources::default();
        sources.file_text(Path::new("kong.conf"), text);
        finish(sources, variables)
    }

    fn message(text: &str, variables: &[(&str, &str)]) -> String {
        load(text, variables).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_file_is_read_as_kong_reads_it() {
        let text = "\u{feff}# a comment\r\n; another\r\n\r\npg_user = anna # who\r\n  pg-host=db.example\r\n\
                    pg_password = a\\#b=c \"d\"#x\r\npg_database = one\r\npg_database = two\r\n\
                    plugins = cors, \\\r\n# between\r\n  acl\r\npg_schema =\r\n";
        let (values, accepted) = load(text, &[]).unwrap();
        assert_eq!(values.text("pg_user"), "anna");
        assert_eq!(values.text("pg_host"), "db.example");
        assert_eq!(values.text("pg_password"), "a#b=c \"d\"");
        assert_eq!(values.text("pg_database"), "two");
        assert_eq!(values.list("plugins"), ["cors", "acl"]);
        assert_eq!(values.text_if_set("pg_schema"), None);
        assert!(accepted.is_empty());
    }

    #[test]
    fn later_sources_win() {
        let mut sources = Sources::default();
        sources.file_text(
            Path::new("kong.conf"),
            "pg_user = file\npg_host = file\npg_port = 1\nlog_level = warn",
        );
        let environment =
            [("KONG_PG_USER", " env "), ("KONG_LOG_LEVEL", ""), ("KONG_pg_host", "x"), ("PATH", "/")];
        let variables: BTreeMap<String, String> =
            environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        sources.environment(&variables);
        sources.overrides(&[("pg_port".to_owned(), "2".to_owned())]);
        let (values, _) = sources.finish(&variables).unwrap();
        assert_eq!((values.text("pg_user"), values.text("pg_host")), ("env", "file"));
        assert_eq!(values.number("pg_port"), 2);
        assert_eq!(values.text("log_level"), "notice", "an empty variable brings the default back");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        assert_eq!(
            message("\ndatabse = off", &[]),
            "kong.conf, line 2: unknown setting 'databse'; did you mean 'database'?"
        );
        assert_eq!(
            message("database = mysql", &[]),
            "kong.conf, line 1: database has an invalid value: 'mysql'; it must be `sqlite`, `postgres` or `off`"
        );
        assert_eq!(
            message("", &[("KONG_PG_SSL", "yes")]),
            "environment variable KONG_PG_SSL: pg_ssl has an invalid value: 'yes'; it must be `on`, `off`, `true` or \
             `false`"
        );
        assert!(message("database = \"off\"", &[]).ends_with("(quotes are part of a value)"));
        assert_eq!(message("[section]", &[]), "kong.conf, line 1: not of the form `key = value`");
        assert_eq!(message("pg_host", &[]), "kong.conf, line 1: not of the form `key = value`");
        assert!(message("schlüssel = 1\n= 1", &[]).contains("unknown setting 'schlüssel'"));
        assert_eq!(message("pg_port = x\\\nö\nrole = y\nnope_nope = 1", &[]).lines().count(), 3);
        let mut sources = Sources::default();
        sources.overrides(&[("pg_prot".to_owned(), "1".to_owned())]);
        let error = finish(sources, &[]).err().map(|error| error.to_string());
        assert_eq!(
            error.as_deref(),
            Some("command line: unknown setting 'pg_prot'; did you mean 'pg_port'?")
        );
        let mut sources = Sources::default();
        sources.file(Path::new("/no/such/kong.conf"));
        assert!(matches!(finish(sources, &[]), Err(SettingsError::Unreadable { .. })));
    }

    #[test]
    fn keys_without_effect_are_named_once() {
        let text = "proxy_listen = off\nnginx_http_gzip = on\ncluster_telemetry_listen = off\npg_user = x";
        let (values, accepted) =
            load(text, &[("KONG_PROXY_LISTEN", "off"), ("KONG_DATABSE", "off")]).unwrap();
        assert_eq!(
            accepted,
            [
                "cluster_telemetry_listen",
                "KONG_DATABSE (unknown; did you mean 'KONG_DATABASE'?)",
                "proxy_listen",
                "nginx_http_gzip"
            ]
        );
        assert_eq!(values.text("nginx_http_gzip"), "on");
        assert!(values.get("cluster_telemetry_listen").is_none());
    }

    #[test]
    fn old_names_stand_for_new_ones() {
        let (values, _) =
            load("nginx_user = anna\nreal_ip_recursive = on\nnginx_proxy_real_ip_recursive = off", &[])
                .unwrap();
        assert_eq!(values.text("nginx_main_user"), "anna");
        assert_eq!(values.text("nginx_proxy_real_ip_recursive"), "off");
        let (values, _) = load("", &[("KONG_SSL_PROTOCOLS", "TLSv1.3")]).unwrap();
        assert_eq!(values.text("nginx_stream_ssl_protocols"), "TLSv1.3");
    }

    #[test]
    fn references_lead_to_variables() {
        let text = "pg_password = {vault://env/pg-secret}\npg_port = {vault://env/pg/port}\n\
                    admin_gui_url = http://a, {vault://env/gui}\nvault_env_prefix = my_";
        let variables = [("MY_PG_SECRET", "s3cret"), ("MY_PG", r#"{"port": 6432}"#), ("MY_GUI", "http://b")];
        let (values, _) = load(text, &variables).unwrap();
        assert_eq!(values.text("pg_password"), "s3cret");
        assert_eq!(values.number("pg_port"), 6432);
        assert_eq!(values.list("admin_gui_url"), ["http://a", "http://b"]);
        assert!(!format!("{values:?}").contains("s3cret"));
        assert!(message("pg_user = {vault://env/nobody}", &[]).ends_with("NOBODY is not set"));
        assert!(message("pg_user = {vault://hcv/x}", &[]).contains("`env` vault only"));
        let wrong = message("pg_port = {vault://env/x}", &[("X", "s3cret")]);
        assert!(wrong.contains("pg_port") && !wrong.contains("s3cret"), "{wrong}");
    }
}
