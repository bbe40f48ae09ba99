//! The settings of the server: one struct, from a `kong.conf`, the environment and the command line.
//!
//! Files and variables of Kong work unchanged. Keys that configure what this server does not have are checked,
//! reported by `GET /` and named to the caller; nothing here logs, opens a socket or creates a directory.
//!
//! Two defaults differ from Kong's. `prefix` is `silverback-data` in the directory where the server is started,
//! so that it runs without root rights; and the addresses of `admin_listen` are not shared with another process
//! (`reuseport`). The database is SQLite unless another is chosen.

mod address;
mod configuration;
mod key;
mod keys;
mod names;
mod reference;
mod reload;
mod sources;
mod values;
mod words;

pub use address::{Address, Subsystem};
pub use key::{Key, Meaning, Namespace};
pub use keys::{KEYS, NAMESPACES};
pub use reference::reference;
pub use reload::Reloaded;
pub use sources::{Origin, SettingsError};
pub use values::{Kind, Secret};
pub use words::{
    BUNDLED_PLUGINS, BUNDLED_VAULTS, Database, Edition, LogFormat, LogLevel, Role, RouterFlavor,
};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use values::{Values, origin, size};

/// The files that are looked for when none is named; the first that exists is read.
pub const SEARCH_PATH: &[&str] = &["/etc/kong/kong.conf", "/etc/kong.conf"];

/// How long an unused connection to PostgreSQL is kept unless `pg_keepalive_timeout` says otherwise, as in Kong.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// How to reach PostgreSQL: the `pg_*` keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    pub host: String,
    pub port: u16,
    pub database: String,
    /// `None` leaves the search path to the server.
    pub schema: Option<String>,
    pub user: String,
    pub password: Option<Secret>,
    /// For connecting, and for each statement.
    pub timeout: Duration,
    /// Speak TLS; a server that has none is refused.
    pub ssl: bool,
    /// With `ssl`: refuse a server whose certificate is not signed by [`Settings::trusted_certificates`].
    pub ssl_verify: bool,
    /// `None` sets no limit.
    pub max_concurrent_queries: Option<u32>,
    /// How long a statement waits for its turn under that limit.
    pub semaphore_timeout: Duration,
    /// How long an unused connection is kept; `None` is for ever.
    pub keepalive_timeout: Option<Duration>,
    /// How many connections may be open; `None` leaves the number to the store.
    pub pool_size: Option<u32>,
}

/// Who may use the Admin API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Whether every request must carry a token.
    pub enforced: bool,
    /// A token that may do everything, beside those of the store.
    pub token: Option<Secret>,
    /// Whether the Admin API may be served to other machines although clients need no token.
    pub unauthenticated: bool,
}

/// Every setting that changes what the server does. [`Settings::configuration`] has the others too.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The working directory, absolute. It may not exist yet.
    pub prefix: PathBuf,
    pub log_level: LogLevel,
    pub log_format: LogFormat,
    /// Where traces are sent.
    pub otlp_endpoint: Option<String>,
    /// The part of requests that is traced, from 0 to 1.
    pub sampling_rate: f64,
    pub edition: Edition,
    /// Whether clients may make workspaces beside the default one.
    pub workspaces: bool,
    pub role: Role,
    /// A UUID in lower case; `None` lets the node keep an id of its own.
    pub node_id: Option<String>,

    /// Where the Admin API is served; empty if it is `off`. Entries with `ssl` are not filtered out.
    pub admin_listen: Vec<Address>,
    pub access: Access,
    /// The origins (`scheme://host:port`) of `admin_gui_url`.
    pub admin_gui_origins: Vec<String>,
    /// The largest request body in bytes; `usize::MAX` if there is no limit.
    pub body_limit: usize,
    pub request_timeout: Duration,
    /// How many connections to the Admin API may be open.
    pub max_connections: usize,
    /// For a TLS handshake, and for the head of a request.
    pub header_timeout: Duration,
    /// Between requests.
    pub keepalive_timeout: Duration,
    /// Until a client takes some of an answer.
    pub send_timeout: Duration,
    /// Requests a second of one client address; 0 sets no limit.
    pub rate_limit: u32,
    /// How many of them may come at once; `None` for as many as in a second.
    pub rate_limit_burst: Option<u32>,
    /// Requests at once of one client address; 0 sets no limit.
    pub concurrency_limit: u32,
    /// `admin_ssl_cert`: paths, PEM text, or PEM text in base64.
    pub admin_ssl_cert: Vec<String>,
    /// `admin_ssl_cert_key`, likewise; in the order of the certificates.
    pub admin_ssl_cert_key: Vec<Secret>,
    /// `admin_client_certificate`, likewise; empty if clients need none.
    pub admin_client_certificate: Vec<String>,

    pub database: Database,
    /// The file of the SQLite database, absolute.
    pub sqlite_path: PathBuf,
    /// Whether reads of the SQLite database are answered from memory.
    pub sqlite_read_cache: bool,
    pub postgres: Postgres,
    /// The file with the keys of fields that are encrypted at rest, absolute.
    pub keyring: Option<PathBuf>,
    /// `lua_ssl_trusted_certificate`: paths, PEM text in base64, or the word `system`.
    pub trusted_certificates: Vec<String>,
    /// The file that fills a node without a database.
    pub declarative_config: Option<PathBuf>,
    /// The same as text.
    pub declarative_config_string: Option<Secret>,

    /// The names of the plugins that may be configured; `bundled` is replaced by their names.
    pub plugins: Vec<String>,
    /// Likewise for vaults.
    pub vaults: Vec<String>,
    /// Folders with third-party plugins, absolute, in the order in which they are searched.
    pub plugins_path: Vec<PathBuf>,
    /// `lua_package_path`: patterns with `?`, separated by `;`.
    pub lua_package_path: String,
    pub router_flavor: RouterFlavor,

    values: Values,
}

impl Default for Settings {
    /// The settings of a node that is told nothing.
    fn default() -> Self {
        Self::assemble(Values::default())
    }
}

impl Settings {
    /// Loads the settings from `file` (or the first of [`SEARCH_PATH`] that exists), the variables named `KONG_…`
    /// in `env`, and `overrides` (pairs of key and text); a later source wins over an earlier one.
    ///
    /// Beside the settings come the names that were set without effect, each once, for the log: keys, and variables
    /// that look like settings and are none.
    ///
    /// # Errors
    /// Everything that is wrong, with its place: an unreadable file, an unknown key, a value that is not allowed.
    pub fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        overrides: &[(String, String)],
    ) -> Result<(Self, Vec<String>), SettingsError> {
        let variables: BTreeMap<String, String> = env.collect();
        let mut sources = sources::Sources::default();
        let found = SEARCH_PATH.iter().map(Path::new).find(|path| path.exists());
        if let Some(path) = file.or(found) {
            sources.file(path);
        }
        sources.environment(&variables);
        sources.overrides(overrides);
        let (values, accepted) = sources.finish(&variables)?;
        Ok((Self::assemble(values), accepted))
    }

    /// Gives the checked values their types. Each has the kind that the table declares, so none is refused here.
    fn assemble(values: Values) -> Self {
        let prefix = absolute(Path::new(values.text("prefix")));
        let milliseconds = |key| Duration::from_millis(values.number(key));
        let count = |key| values.number_if_set(key).and_then(|count| u32::try_from(count).ok());
        let positive = |key| count(key).filter(|count| *count > 0);
        let secret = |key| values.text_if_set(key).map(Secret::from);
        let keepalive = values.number_if_set("pg_keepalive_timeout").map(Duration::from_millis);
        let limit = size(values.text("body_limit")).and_then(|bytes| usize::try_from(bytes).ok());
        Self {
            log_level: LogLevel::from_word(values.text("log_level")).unwrap_or(LogLevel::Notice),
            otlp_endpoint: values.text_if_set("tracing_otlp_endpoint").map(str::to_owned),
            sampling_rate: values.fraction("tracing_sampling_rate"),
            log_format: LogFormat::from_word(values.text("log_format")).unwrap_or(LogFormat::Text),
            edition: Edition::from_word(values.text("edition")).unwrap_or(Edition::Community),
            workspaces: values.boolean("workspaces")
                || Edition::from_word(values.text("edition")) == Some(Edition::Enterprise),
            role: Role::from_word(values.text("role")).unwrap_or(Role::Traditional),
            node_id: values.text_if_set("node_id").map(str::to_owned),
            admin_listen: values.addresses("admin_listen").to_vec(),
            access: Access {
                enforced: values.boolean("enforce_rbac"),
                token: secret("admin_token"),
                unauthenticated: values.boolean("admin_allow_unauthenticated"),
            },
            admin_gui_origins: values.list("admin_gui_url").iter().filter_map(|url| origin(url)).collect(),
            body_limit: limit.filter(|bytes| *bytes > 0).unwrap_or(usize::MAX),
            request_timeout: milliseconds("request_timeout"),
            max_connections: count("admin_max_connections").map_or(usize::MAX, |most| most as usize),
            header_timeout: milliseconds("admin_header_timeout"),
            keepalive_timeout: milliseconds("admin_keepalive_timeout"),
            send_timeout: milliseconds("admin_send_timeout"),
            rate_limit: count("admin_rate_limit").unwrap_or_default(),
            rate_limit_burst: count("admin_rate_limit_burst"),
            concurrency_limit: count("admin_concurrency_limit").unwrap_or_default(),
            admin_ssl_cert: values.list("admin_ssl_cert").to_vec(),
            admin_ssl_cert_key: values
                .list("admin_ssl_cert_key")
                .iter()
                .map(|key| Secret::from(key.as_str()))
                .collect(),
            admin_client_certificate: values.list("admin_client_certificate").to_vec(),
            database: Database::from_word(values.text("database")).unwrap_or(Database::Sqlite),
            sqlite_path: prefix.join(values.text("sqlite_path")),
            sqlite_read_cache: values.boolean("sqlite_read_cache"),
            postgres: Postgres {
                host: values.text("pg_host").to_owned(),
                port: values.number("pg_port").try_into().unwrap_or(5432),
                database: values.text("pg_database").to_owned(),
                schema: values.text_if_set("pg_schema").map(str::to_owned),
                user: values.text("pg_user").to_owned(),
                password: secret("pg_password"),
                timeout: milliseconds("pg_timeout"),
                ssl: values.boolean("pg_ssl"),
                ssl_verify: values.boolean("pg_ssl_verify"),
                max_concurrent_queries: positive("pg_max_concurrent_queries"),
                semaphore_timeout: milliseconds("pg_semaphore_timeout"),
                keepalive_timeout: Some(keepalive.unwrap_or(KEEPALIVE)).filter(|time| !time.is_zero()),
                pool_size: positive("pg_pool_size"),
            },
            keyring: values.text_if_set("keyring").map(|file| absolute(Path::new(file))),
            trusted_certificates: values.list("lua_ssl_trusted_certificate").to_vec(),
            declarative_config: values.text_if_set("declarative_config").map(PathBuf::from),
            declarative_config_string: secret("declarative_config_string"),
            plugins: words::select(values.list("plugins"), BUNDLED_PLUGINS),
            vaults: words::select(values.list("vaults"), BUNDLED_VAULTS),
            plugins_path: values
                .list("plugins_path")
                .iter()
                .map(|folder| absolute(Path::new(folder)))
                .collect(),
            lua_package_path: values.text("lua_package_path").to_owned(),
            router_flavor: RouterFlavor::from_word(values.text("router_flavor"))
                .unwrap_or(RouterFlavor::TraditionalCompatible),
            prefix,
            values,
        }
    }
}

/// The environment of this process, for [`Settings::load`]. Variables that are not Unicode are left out, where
/// `std::env::vars` would panic.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
}

/// The path from the root, without a slash at its end; `..` within it stays.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn load(overrides: &[(&str, &str)]) -> Settings {
        let overrides: Vec<(String, String)> =
            overrides.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        let none = Path::new("/dev/null");
        Settings::load(Some(none), std::iter::empty(), &overrides).unwrap().0
    }

    #[test]
    fn a_node_that_is_told_nothing() {
        let settings = load(&[]);
        assert_eq!(settings, Settings::default());
        assert!(settings.prefix.is_absolute() && settings.prefix.ends_with("silverback-data"));
        assert_eq!(settings.sqlite_path, settings.prefix.join("silverback.db"));
        let listeners: Vec<_> = settings.admin_listen.iter().map(|own| (own.target(), own.ssl)).collect();
        assert_eq!(listeners, [("127.0.0.1:8001".to_owned(), false), ("127.0.0.1:8444".to_owned(), true)]);
        assert_eq!(settings.database, Database::Sqlite);
        assert!(settings.sqlite_read_cache);
        assert_eq!(settings.body_limit, 10 << 20);
        assert_eq!(settings.request_timeout, Duration::from_secs(60));
        assert_eq!(settings.postgres.port, 5432);
        assert_eq!(settings.postgres.timeout, Duration::from_secs(5));
        assert_eq!(settings.postgres.keepalive_timeout, Some(KEEPALIVE));
        assert_eq!((settings.postgres.pool_size, settings.postgres.max_concurrent_queries), (None, None));
        assert_eq!(settings.plugins.len(), BUNDLED_PLUGINS.len());
        assert_eq!(settings.vaults, ["env"]);
        assert_eq!(settings.node_id, None);
    }

    #[test]
    fn what_is_set_arrives() {
        let settings = load(&[
            ("prefix", "/var/lib/sb/"),
            ("sqlite_path", "/data/x.db"),
            ("admin_listen", "0.0.0.0:1, [::]:2 ssl http2"),
            ("pg_keepalive_timeout", "0"),
            ("pg_max_concurrent_queries", "4"),
            ("pg_password", "s3cret"),
            ("declarative_config_string", "s3cret"),
            ("vault_hcv_token", "s3cret"),
            ("node_id", "F5DE9BA1-0e08-4e06-9e7e-fde11689dd84"),
            ("router_flavor", "expressions"),
            ("admin_gui_url", "https://a:1/manager, http://b"),
            ("body_limit", "0"),
            ("plugins", "off"),
            ("database", "postgres"),
        ]);
        assert_eq!(settings.prefix, Path::new("/var/lib/sb"));
        assert_eq!(settings.configuration().get("prefix"), Some(&json!("/var/lib/sb")));
        assert_eq!(settings.sqlite_path, Path::new("/data/x.db"));
        assert_eq!(
            settings.admin_listen.iter().map(|address| address.ssl).collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(settings.postgres.keepalive_timeout, None);
        assert_eq!(settings.postgres.max_concurrent_queries, Some(4));
        assert_eq!(settings.postgres.password.as_ref().map(Secret::expose), Some("s3cret"));
        assert_eq!(settings.node_id.as_deref(), Some("f5de9ba1-0e08-4e06-9e7e-fde11689dd84"));
        assert_eq!(settings.router_flavor, RouterFlavor::Expressions);
        assert_eq!(settings.admin_gui_origins, ["https://a:1", "http://b"]);
        assert_eq!(settings.body_limit, usize::MAX);
        assert!(settings.plugins.is_empty());
        assert!(!format!("{settings:?}").contains("s3cret"));
        let shown = Value::Object(settings.configuration()).to_string();
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn the_limit_of_nginx_is_understood() {
        assert_eq!(load(&[("nginx_admin_client_max_body_size", "64m")]).body_limit, 64 << 20);
        let both = [("nginx_admin_client_max_body_size", "64m"), ("body_limit", "1k")];
        assert_eq!(load(&both).body_limit, 1024);
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let overrides = [("pg_port".to_owned(), "0".to_owned()), ("edition".to_owned(), "gold".to_owned())];
        let result = Settings::load(Some(Path::new("/no/such/file")), std::iter::empty(), &overrides);
        let Err(SettingsError::Several(errors)) = result else { panic!("one error at most") };
        assert_eq!(errors.len(), 3);
    }

    #[test]
    fn the_configuration_is_shaped_like_kongs() {
        let configuration = load(&[("port_maps", "80:8000"), ("nginx_http_gzip", "on")]).configuration();
        for (name, value) in [
            ("database", json!("postgres")),
            ("silverback_database", json!("sqlite")),
            ("pg_port", json!(5432)),
            ("pg_password", json!("******")),
            ("ssl_cert", json!({})),
            ("ssl_cert_key", json!("******")),
            ("trusted_ips", json!({})),
            ("host_ports", json!({"8000": 80})),
            (
                "admin_listen",
                json!(["127.0.0.1:8001 backlog=16384", "127.0.0.1:8444 http2 ssl backlog=16384"]),
            ),
            ("admin_ssl_enabled", json!(true)),
            ("proxy_ssl_enabled", json!(true)),
            ("stream_listeners", json!({})),
            ("loaded_vaults", json!({"env": true})),
            ("tracing_sampling_rate", json!(0.01)),
            ("wasm", json!(false)),
            ("real_ip_recursive", json!("off")),
            ("lua_package_cpath", json!("")),
            ("nginx_upstream_directives", json!({})),
            (
                "nginx_proxy_directives",
                json!([
                    {"value": "X-Real-IP", "name": "real_ip_header"},
                    {"value": "off", "name": "real_ip_recursive"},
                ]),
            ),
        ] {
            assert_eq!(configuration.get(name), Some(&value), "{name}");
        }
        assert_eq!(configuration.get("pg_schema"), None);
        let listener = configuration.get("admin_listeners").and_then(|listeners| listeners.get(0));
        assert_eq!(listener.and_then(|listener| listener.get("port")), Some(&json!(8001)));
        let headers = configuration.get("enabled_headers");
        assert_eq!(headers.and_then(|headers| headers.get("Via")), Some(&json!(true)));
        assert_eq!(headers.and_then(|headers| headers.get("X-Kong-Upstream-Status")), Some(&json!(false)));
        let directives = configuration.get("nginx_http_directives").and_then(Value::as_array);
        assert!(directives.is_some_and(|all| all.contains(&json!({"value": "on", "name": "gzip"}))));
        let off = load(&[("database", "off"), ("ssl_cipher_suite", "modern")]).configuration();
        assert_eq!(off.get("database"), Some(&json!("off")));
        assert_eq!(off.get("ssl_ciphers"), None);
    }
}
