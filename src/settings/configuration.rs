//! The `configuration` object of `GET /`: every setting with this node's value, and the values that Kong derives
//! from them, in Kong's shape.
//!
//! Much of it describes things that are not part of this server (nginx directives, paths of generated files); it
//! is there because clients and scripts read it. An empty list is shown as `{}`, which is how Kong's answers have
//! it. Nothing secret is shown.

use super::Settings;
use super::address::Subsystem;
use super::key::Namespace;
use super::keys::{KEYS, NAMESPACES};
use super::names::namespace_of;
use super::values::{Entry, HIDDEN, Setting, is_secret, list, port_map};
use super::words::Database;

use serde_json::{Map, Value, json};

/// Files below `prefix` that Kong names in its answer.
const BELOW_PREFIX: &[(&str, &str)] = &[
    ("nginx_pid", "pids/nginx.pid"),
    ("nginx_err_logs", "logs/error.log"),
    ("nginx_acc_logs", "logs/access.log"),
    ("admin_acc_logs", "logs/admin_access.log"),
    ("nginx_conf", "nginx.conf"),
    ("nginx_kong_gui_include_conf", "nginx-kong-gui-include.conf"),
    ("nginx_kong_conf", "nginx-kong.conf"),
    ("nginx_kong_stream_conf", "nginx-kong-stream.conf"),
    ("nginx_inject_conf", "nginx-inject.conf"),
    ("nginx_kong_inject_conf", "nginx-kong-inject.conf"),
    ("nginx_kong_stream_inject_conf", "nginx-kong-stream-inject.conf"),
    ("kong_env", ".kong_env"),
    ("kong_process_secrets", ".kong_process_secrets"),
    ("lua_ssl_trusted_certificate_combined", ".ca_combined"),
    ("socket_path", "sockets"),
    ("ssl_cert_csr_default", "ssl/kong-default.csr"),
    ("client_ssl_cert_default", "ssl/kong-default.crt"),
    ("client_ssl_cert_key_default", "ssl/kong-default.key"),
];

/// The listeners that have a generated certificate: the beginning of the key, and of the file below `prefix`.
const CERTIFICATES: &[(&str, &str)] = &[
    ("ssl", "kong-default"),
    ("admin_ssl", "admin-kong-default"),
    ("admin_gui_ssl", "admin-gui-kong-default"),
    ("status_ssl", "status-kong-default"),
];

/// The names of sockets between the workers of a Kong node, and other constants.
const CONSTANTS: &[(&str, &str)] = &[
    ("worker_events_sock", "we"),
    ("stream_worker_events_sock", "sw"),
    ("stream_rpc_sock", "rp"),
    ("stream_config_sock", "sc"),
    ("stream_tls_passthrough_sock", "sp"),
    ("stream_tls_terminate_sock", "st"),
    ("cluster_proxy_ssl_terminator_sock", "cp"),
    ("lmdb_validation_tag", "3.10"),
];

/// A `*_listen` key, the list of its addresses, and the boolean that says whether one of them has TLS.
const LISTENERS: &[(&str, &str, Option<&str>)] = &[
    ("proxy_listen", "proxy_listeners", Some("proxy_ssl_enabled")),
    ("stream_listen", "stream_listeners", Some("stream_proxy_ssl_enabled")),
    ("admin_listen", "admin_listeners", Some("admin_ssl_enabled")),
    ("admin_gui_listen", "admin_gui_listeners", Some("admin_gui_ssl_enabled")),
    ("status_listen", "status_listeners", Some("status_ssl_enabled")),
    ("cluster_listen", "cluster_listeners", None),
];

/// A header's spelling in answers, and the token that stands for it and for others in `headers`.
const HEADERS: &[(&str, Option<&str>)] = &[
    ("server_tokens", None),
    ("latency_tokens", None),
    ("X-Kong-Request-Id", None),
    ("X-Kong-Upstream-Status", None),
    ("Via", Some("server_tokens")),
    ("Server", Some("server_tokens")),
    ("X-Kong-Upstream-Latency", Some("latency_tokens")),
    ("X-Kong-Admin-Latency", Some("latency_tokens")),
    ("X-Kong-Response-Latency", Some("latency_tokens")),
    ("X-Kong-Proxy-Latency", Some("latency_tokens")),
];

/// The keys whose default belongs to the cipher suite `intermediate` and says nothing under another.
const OF_CIPHER_SUITE: &[&str] =
    &["ssl_ciphers", "ssl_dhparam", "nginx_http_ssl_dhparam", "nginx_stream_ssl_dhparam"];

impl Settings {
    /// The `configuration` object of `GET /`. `database` is `postgres` for every engine that stores entities,
    /// because clients compare with that word; `silverback_database` names the engine.
    pub fn configuration(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        for (name, entry) in self.values.iter() {
            if let Some(value) = self.shown(name, entry) {
                shown.insert(name.to_owned(), value);
            }
        }
        self.derived(&mut shown);
        shown
    }

    fn shown(&self, name: &str, entry: &Entry) -> Option<Value> {
        // As in Kong, a list of secrets is hidden even while it is empty.
        if is_secret(name) {
            return (entry.setting != Setting::Unset).then(|| HIDDEN.into());
        }
        if OF_CIPHER_SUITE.contains(&name) && self.values.text("ssl_cipher_suite") != "intermediate" {
            let default = KEYS.iter().find(|key| key.name == name).map(|key| key.default);
            return default.filter(|default| *default != self.values.text(name)).and(value(&entry.setting));
        }
        match &entry.reference {
            Some(reference) => match &entry.setting {
                Setting::List(_) | Setting::Listen { .. } => Some(texts(&list(reference))),
                _ => Some(reference.as_str().into()),
            },
            None => value(&entry.setting),
        }
    }

    fn derived(&self, shown: &mut Map<String, Value>) {
        let mut put = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
        put("prefix", self.prefix.to_string_lossy().into());
        put("sqlite_path", self.sqlite_path.to_string_lossy().into());
        put("database", if self.database == Database::Off { "off" } else { "postgres" }.into());
        put("silverback_database", self.database.word().into());
        put("loaded_plugins", names(&self.plugins));
        put("loaded_vaults", names(&self.vaults));
        put("pluginservers", json!({}));
        if !self.admin_gui_origins.is_empty() {
            put("admin_gui_origin", texts(&self.admin_gui_origins));
        }
        let ports = self.values.list("port_maps").iter().filter_map(|pair| port_map(pair));
        let ports = ports.map(|(outside, inside)| (inside.to_string(), Value::from(outside)));
        put("host_ports", ports.collect::<Map<_, _>>().into());
        for (name, file) in BELOW_PREFIX {
            put(name, self.below_prefix(file));
        }
        for (name, file) in CERTIFICATES {
            put(&format!("{name}_cert_default"), self.below_prefix(&format!("ssl/{file}.crt")));
            put(&format!("{name}_cert_key_default"), self.below_prefix(&format!("ssl/{file}.key")));
            put(&format!("{name}_cert_default_ecdsa"), self.below_prefix(&format!("ssl/{file}-ecdsa.crt")));
            put(
                &format!("{name}_cert_key_default_ecdsa"),
                self.below_prefix(&format!("ssl/{file}-ecdsa.key")),
            );
        }
        for (name, constant) in CONSTANTS {
            put(name, (*constant).into());
        }
        let mut tls = false;
        for (name, listeners, enabled) in LISTENERS {
            let subsystem = if *name == "stream_listen" { Subsystem::Stream } else { Subsystem::Http };
            let addresses = self.values.addresses(name);
            put(listeners, array(addresses.iter().map(|address| address.json(subsystem)).collect()));
            if let Some(enabled) = enabled {
                let ssl = addresses.iter().any(|address| address.ssl);
                tls |= ssl;
                put(enabled, ssl.into());
            }
        }
        put("enabled_headers", headers(self.values.list("headers"), HEADERS));
        put(
            "enabled_headers_upstream",
            headers(self.values.list("headers_upstream"), &[("X-Kong-Request-Id", None)]),
        );
        for namespace in NAMESPACES {
            if let Some(name) = namespace.shown_as {
                put(name, self.directives(namespace, tls));
            }
        }
        // Clients and scripts look for these two even while they are not set.
        shown.entry("pg_password").or_insert_with(|| HIDDEN.into());
        shown.entry("lua_package_cpath").or_insert_with(|| "".into());
    }

    fn below_prefix(&self, file: &str) -> Value {
        self.prefix.join(file).to_string_lossy().into()
    }

    /// The directives of a namespace by name, as `{name, value}`.
    fn directives(&self, namespace: &Namespace, tls: bool) -> Value {
        let mut directives: Vec<(String, String)> = Vec::new();
        for (name, entry) in self.values.iter() {
            let (Some(directive), Setting::Text(text)) =
                (name.strip_prefix(namespace.prefix), &entry.setting)
            else {
                continue;
            };
            // `nginx_wasm_v8_x` belongs to the longer prefix alone.
            let owned = matches!(namespace_of(name), Some(owner) if owner.prefix == namespace.prefix);
            let text = entry.reference.as_ref().unwrap_or(text);
            match directive {
                _ if !owned => {}
                // Kong writes this one into the file itself, and the groups with a well-known name only with TLS.
                "lua_ssl_protocols" => {}
                "ssl_dhparam" if text.starts_with("ffdhe") => {
                    if tls {
                        let file = self.prefix.join(format!("ssl/{text}.pem")).to_string_lossy().into_owned();
                        directives.push((directive.to_owned(), file));
                    }
                }
                _ => directives.push((directive.to_owned(), text.clone())),
            }
        }
        if self.plugins.iter().any(|plugin| plugin == "prometheus") {
            let memory = match namespace.prefix {
                "nginx_http_" => Some("prometheus_metrics 5m"),
                "nginx_stream_" => Some("stream_prometheus_metrics 5m"),
                _ => None,
            };
            directives.extend(memory.map(|text| ("lua_shared_dict".to_owned(), text.to_owned())));
        }
        directives.sort();
        array(directives.into_iter().map(|(name, value)| json!({"value": value, "name": name})).collect())
    }
}

fn value(setting: &Setting) -> Option<Value> {
    Some(match setting {
        Setting::Unset => return None,
        Setting::Text(text) => text.as_str().into(),
        Setting::Number(number) if number.fract() == 0.0 => (*number as i64).into(),
        Setting::Number(number) => (*number).into(),
        Setting::Boolean(boolean) => (*boolean).into(),
        Setting::List(items) | Setting::Listen { written: items, .. } => texts(items),
    })
}

fn texts(items: &[String]) -> Value {
    array(items.iter().map(|item| item.as_str().into()).collect())
}

fn array(items: Vec<Value>) -> Value {
    if items.is_empty() { json!({}) } else { Value::Array(items) }
}

fn names(names: &[String]) -> Value {
    names.iter().map(|name| (name.clone(), true.into())).collect::<Map<_, _>>().into()
}

fn headers(chosen: &[String], headers: &[(&str, Option<&str>)]) -> Value {
    let off = chosen.first().is_some_and(|first| first == "off");
    let has = |token: &str| !off && chosen.iter().any(|chosen| chosen.eq_ignore_ascii_case(token));
    let on = |name: &str, group: &Option<&str>| has(name) || group.is_some_and(has);
    headers
        .iter()
        .map(|(name, group)| ((*name).to_owned(), on(name, group).into()))
        .collect::<Map<_, _>>()
        .into()
}
