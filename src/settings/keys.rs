//! The table of settings: one line for each key of `kong.conf` that this server knows, and the namespaces in which
//! any key is accepted.
//!
//! Parsing, messages, the `configuration` object of `GET /` and the manual are all made from this table. How a
//! value is read is decided in `values`; where values come from, in `sources`.

use super::address::Subsystem;
use super::key::{Key, Namespace, acts, directives, inert};
use super::values::Kind::{
    self, Boolean, List, ListOf, Listen, Number, OnOff, OneOf, PortMaps, Size, Text, Urls, Uuid, Whole,
};
use super::words::{Database, Edition, LogFormat, LogLevel, Role, RouterFlavor};

/// The namespaces, the longer of two overlapping prefixes first.
pub const NAMESPACES: &[Namespace] = &[
    directives("nginx_main_", "nginx_main_directives"),
    directives("nginx_events_", "nginx_events_directives"),
    directives("nginx_http_", "nginx_http_directives"),
    directives("nginx_upstream_", "nginx_upstream_directives"),
    directives("nginx_proxy_", "nginx_proxy_directives"),
    directives("nginx_location_", "nginx_location_directives"),
    directives("nginx_status_", "nginx_status_directives"),
    directives("nginx_admin_", "nginx_admin_directives"),
    directives("nginx_stream_", "nginx_stream_directives"),
    directives("nginx_supstream_", "nginx_supstream_directives"),
    directives("nginx_sproxy_", "nginx_sproxy_directives"),
    directives("nginx_wasm_wasmtime_", "nginx_wasm_wasmtime_directives"),
    directives("nginx_wasm_v8_", "nginx_wasm_v8_directives"),
    directives("nginx_wasm_wasmer_", "nginx_wasm_wasmer_directives"),
    directives("nginx_wasm_shm_kv_", "nginx_wasm_main_shm_kv_directives"),
    directives("nginx_wasm_", "nginx_wasm_main_directives"),
    Namespace { prefix: "nginx_debug_", shown_as: None, secret: false },
    Namespace { prefix: "pluginserver_", shown_as: None, secret: false },
    // The options of a vault are often the token that opens it.
    Namespace { prefix: "vault_", shown_as: None, secret: true },
];

/// Families of settings that other editions of Kong extend. A key that begins so and is not in the table is
/// accepted and dropped, unless it is so close to a key of the table that it must be a slip of the pen.
pub(super) const FAMILIES: &[&str] = &[
    "admin_gui_",
    "cluster_",
    "debug_",
    "opentelemetry_",
    "proxy_",
    "status_",
    "tracing_",
    "untrusted_lua",
    "wasm_",
];

/// Why the keys of the namespaces change nothing.
pub(super) const NAMED_BY_USER: &str =
    "any name may follow, and the part of Kong that would read it is not in this server.";
const CLUSTER: &str = "data planes do not connect to this node.";
const DNS: &str = "names are resolved by the operating system.";
const GUI: &str = "Kong Manager is not served by this server.";
const LOGS: &str = "there is one log, and it is not written to files of its own.";
const LUA: &str = "there is no OpenResty to configure.";
const NGINX: &str = "there is no nginx to configure.";
const PLUGIN_SERVERS: &str = "plugins are configured here and run elsewhere.";
const POOL: &str = "whoever waits for a connection is bounded by `pg_semaphore_timeout` alone.";
const PROXY: &str = "requests are not proxied by this server.";
const READ_ONLY: &str = "reads and writes use the same connections.";
const REPORTS: &str = "no reports are ever sent.";
const STATUS: &str = "the Status API is not served on addresses of its own.";
const TRACING: &str = "what a trace holds is not chosen.";
const UNTRUSTED: &str = "Lua code of plugins is never run against requests here.";
const WASM: &str = "no WebAssembly filters are run.";
const WORKERS: &str = "there are no worker processes with caches to keep in step.";

/// The upper end of a range that has none of its own; up to here every whole number is exact.
const LARGEST: f64 = 9_007_199_254_740_992.0;
/// Milliseconds: thirty days, well below where timers overflow.
const LONGEST: u64 = 30 * 24 * 60 * 60 * 1000;
const COUNT: Kind = Whole(0, 4_294_967_295);
const MILLISECONDS: Kind = Whole(0, LONGEST);
/// Milliseconds that somebody is waited for.
const WAIT: Kind = Whole(1, LONGEST);
const PORT: Kind = Whole(1, 65_535);

/// The cipher list of `ssl_cipher_suite = intermediate`.
const INTERMEDIATE: &str = concat!(
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:",
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:",
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305",
);

const HEADERS: &[&str] = &[
    "off",
    "server_tokens",
    "latency_tokens",
    "via",
    "server",
    "x-kong-proxy-latency",
    "x-kong-response-latency",
    "x-kong-admin-latency",
    "x-kong-upstream-latency",
    "x-kong-upstream-status",
    "x-kong-request-id",
];

const INSTRUMENTATIONS: &[&str] = &[
    "off",
    "all",
    "request",
    "db_query",
    "dns_query",
    "router",
    "http_client",
    "balancer",
    "plugin_rewrite",
    "plugin_access",
    "plugin_header_filter",
];

/// Every key, in the order of Kong's own configuration file; this server's additions stand beside their kin.
pub const KEYS: &[Key] = &[
    acts(
        "prefix",
        Text,
        "silverback-data",
        "The working directory. A relative path starts at the directory in which the server was started.",
    ),
    acts("log_level", OneOf(LogLevel::WORDS), "notice", "The least severe message that is still logged. From `info` on each request has a line.")
        .reloads(),
    acts("log_format", OneOf(LogFormat::WORDS), "text", "Whether a line of the log is text or a JSON object."),
    inert("proxy_access_log", Text, "logs/access.log", LOGS),
    inert("proxy_error_log", Text, "logs/error.log", LOGS),
    inert("proxy_stream_access_log", Text, "logs/access.log basic", LOGS),
    inert("proxy_stream_error_log", Text, "logs/error.log", LOGS),
    inert("admin_access_log", Text, "logs/admin_access.log", LOGS),
    inert("admin_error_log", Text, "logs/error.log", LOGS),
    inert("admin_gui_access_log", Text, "logs/admin_gui_access.log", GUI),
    inert("admin_gui_error_log", Text, "logs/admin_gui_error.log", GUI),
    inert("status_access_log", Text, "off", LOGS),
    inert("status_error_log", Text, "logs/status_error.log", LOGS),
    acts("vaults", List, "bundled", "The vaults that may be configured: names, `bundled` or `off`."),
    acts("vault_env_prefix", Text, "", "Precedes the names of variables in `{vault://env/…}` references."),
    acts(
        "plugins",
        List,
        "bundled",
        "The plugins that may be configured: names, `bundled` for all that come with the server, or `off`.",
    ),
    acts(
        "plugins_path",
        List,
        "",
        "Folders with third-party plugins: `<name>/schema.yaml`, `.json` or `.lua`, or `kong/plugins/<name>/schema.lua`.",
    ),
    inert("port_maps", PortMaps, "", PROXY),
    inert("anonymous_reports", Boolean, "off", REPORTS),
    inert("proxy_server", Text, "", PROXY).secret(),
    inert("proxy_server_ssl_verify", Boolean, "on", PROXY),
    inert("error_template_html", Text, "", PROXY),
    inert("error_template_json", Text, "", PROXY),
    inert("error_template_xml", Text, "", PROXY),
    inert("error_template_plain", Text, "", PROXY),
    acts("node_id", Uuid, "", "The id of this node. Without it a new one is made at every start."),
    inert(
        "proxy_listen",
        Listen(Subsystem::Http),
        "0.0.0.0:8000 reuseport backlog=16384, 0.0.0.0:8443 http2 ssl reuseport backlog=16384",
        PROXY,
    ),
    inert("stream_listen", Listen(Subsystem::Stream), "off", PROXY),
    acts(
        "admin_listen",
        Listen(Subsystem::Http),
        "127.0.0.1:8001 backlog=16384, 127.0.0.1:8444 http2 ssl backlog=16384",
        "The addresses of the Admin API, each with flags, or `off`.",
    ),
    acts(
        "enforce_rbac",
        Boolean,
        "off",
        "Let a request in only with a token (`Kong-Admin-Token`) whose roles allow it.",
    ),
    acts("admin_token", Text, "", "A token that may do everything, beside those in the store.").secret(),
    acts(
        "keyring",
        Text,
        "",
        "A file of keys; with it, the fields that are marked so are encrypted at rest. `silverback keyring` makes one.",
    ),
    acts(
        "admin_allow_unauthenticated",
        Boolean,
        "off",
        "Serve the Admin API on addresses that other machines reach, although clients need no token.",
    ),
    acts(
        "admin_max_connections",
        Whole(1, 1_000_000),
        "16384",
        "How many connections may be open. Beyond, the one that has been idle for longest is closed; a new one, if none is.",
    )
    .reloads(),
    acts(
        "admin_header_timeout",
        WAIT,
        "30000",
        "Milliseconds that a TLS handshake, and the head of a request, may take; then the connection is closed.",
    )
    .reloads(),
    acts(
        "admin_keepalive_timeout",
        WAIT,
        "75000",
        "Milliseconds after which a connection is closed on which nothing is asked.",
    )
    .reloads(),
    acts(
        "admin_send_timeout",
        WAIT,
        "60000",
        "Milliseconds after which a connection is closed whose client takes nothing of its answer.",
    )
    .reloads(),
    acts(
        "admin_rate_limit",
        COUNT,
        "0",
        "How many requests a second are answered of one client address; 0 sets no limit.",
    )
    .reloads(),
    acts("admin_rate_limit_burst", COUNT, "", "How many of them may come at once; as many as in a second if unset.")
        .reloads(),
    acts(
        "admin_concurrency_limit",
        COUNT,
        "0",
        "How many requests of one client address are answered at the same time; 0 sets no limit.",
    )
    .reloads(),
    acts(
        "body_limit",
        Size,
        "10m",
        "The largest request body in bytes; `k`, `m` or `g` may follow. 0 sets no limit.",
    )
    .reloads(),
    acts(
        "request_timeout",
        Whole(1, LONGEST),
        "60000",
        "Milliseconds within which a request must be answered.",
    )
    .reloads(),
    acts(
        "workspaces",
        Boolean,
        "off",
        "Serve `/workspaces` and what clients keep in other workspaces than `default`; the Enterprise edition always does.",
    ),
    acts("edition", OneOf(Edition::WORDS), "community", "The set of features that clients are told of."),
    inert("admin_gui_listen", Listen(Subsystem::Http), "0.0.0.0:8002, 0.0.0.0:8445 ssl", GUI),
    inert("status_listen", Listen(Subsystem::Http), "127.0.0.1:8007 reuseport backlog=16384", STATUS),
    inert("cluster_listen", Listen(Subsystem::Http), "0.0.0.0:8005", CLUSTER),
    inert("cluster_control_plane", Text, "127.0.0.1:8005", CLUSTER),
    inert("cluster_cert", Text, "", CLUSTER),
    inert("cluster_cert_key", Text, "", CLUSTER).secret(),
    inert("cluster_mtls", OneOf(&["shared", "pki"]), "shared", CLUSTER),
    inert("cluster_ca_cert", Text, "", CLUSTER),
    inert("cluster_server_name", Text, "", CLUSTER),
    inert("cluster_data_plane_purge_delay", Number(60.0, LARGEST), "1209600", CLUSTER),
    inert("cluster_ocsp", OneOf(&["on", "off", "optional"]), "off", CLUSTER),
    inert("cluster_max_payload", Number(4_194_304.0, LARGEST), "16777216", CLUSTER),
    inert("cluster_use_proxy", Boolean, "off", CLUSTER),
    inert("cluster_dp_labels", List, "", CLUSTER),
    inert("cluster_rpc", Boolean, "off", CLUSTER),
    inert("cluster_rpc_sync", Boolean, "off", CLUSTER),
    inert("cluster_cjson", Boolean, "off", CLUSTER),
    inert("lmdb_environment_path", Text, "dbless.lmdb", WORKERS),
    inert("lmdb_map_size", Text, "2048m", WORKERS),
    inert("mem_cache_size", Text, "128m", WORKERS),
    inert("worker_events_max_payload", Number(0.0, LARGEST), "65535", WORKERS),
    inert("ssl_cert", List, "", PROXY),
    inert("ssl_cert_key", List, "", PROXY).secret(),
    inert("client_ssl", Boolean, "off", PROXY),
    inert("client_ssl_cert", Text, "", PROXY),
    inert("client_ssl_cert_key", Text, "", PROXY).secret(),
    inert(
        "ssl_cipher_suite",
        OneOf(&["modern", "intermediate", "old", "fips", "custom"]),
        "intermediate",
        PROXY,
    ),
    inert("ssl_ciphers", Text, INTERMEDIATE, PROXY),
    inert("ssl_protocols", Text, "TLSv1.2 TLSv1.3", PROXY)
        .also(&["nginx_http_ssl_protocols", "nginx_stream_ssl_protocols"]),
    inert("ssl_prefer_server_ciphers", OnOff, "on", PROXY)
        .also(&["nginx_http_ssl_prefer_server_ciphers", "nginx_stream_ssl_prefer_server_ciphers"]),
    inert("ssl_dhparam", Text, "ffdhe2048", PROXY)
        .also(&["nginx_http_ssl_dhparam", "nginx_stream_ssl_dhparam"]),
    inert("ssl_session_tickets", OnOff, "on", PROXY)
        .also(&["nginx_http_ssl_session_tickets", "nginx_stream_ssl_session_tickets"]),
    inert("ssl_session_timeout", Text, "1d", PROXY)
        .also(&["nginx_http_ssl_session_timeout", "nginx_stream_ssl_session_timeout"]),
    inert("ssl_session_cache_size", Text, "10m", PROXY),
    acts(
        "admin_ssl_cert",
        List,
        "",
        "The certificates of listeners with `ssl`: files, PEM text, or PEM text in base64. Without any, one is made.",
    )
    .reloads(),
    acts("admin_ssl_cert_key", List, "", "Their keys, in the same order.").secret().reloads(),
    acts(
        "admin_client_certificate",
        List,
        "",
        "Authorities, likewise. With any, whoever connects to a listener with `ssl` must show a certificate that one of them has signed.",
    )
    .reloads(),
    inert("admin_gui_ssl_cert", List, "", GUI),
    inert("admin_gui_ssl_cert_key", List, "", GUI).secret(),
    inert("status_ssl_cert", List, "", STATUS),
    inert("status_ssl_cert_key", List, "", STATUS).secret(),
    inert("headers", ListOf(HEADERS), "server_tokens, latency_tokens, x-kong-request-id", PROXY),
    inert("headers_upstream", ListOf(&["off", "x-kong-request-id"]), "x-kong-request-id", PROXY),
    inert("trusted_ips", List, "", PROXY),
    inert(
        "error_default_type",
        OneOf(&["application/json", "application/xml", "text/html", "text/plain"]),
        "text/plain",
        PROXY,
    ),
    inert("upstream_keepalive_pool_size", Number(0.0, LARGEST), "512", PROXY),
    inert("upstream_keepalive_max_requests", Number(0.0, LARGEST), "10000", PROXY),
    inert("upstream_keepalive_idle_timeout", Number(0.0, LARGEST), "60", PROXY),
    inert("allow_debug_header", Boolean, "off", PROXY),
    inert("nginx_user", Text, "kong kong", NGINX).also(&["nginx_main_user"]),
    inert("nginx_worker_processes", Text, "auto", NGINX).also(&["nginx_main_worker_processes"]),
    inert("nginx_daemon", OnOff, "on", NGINX).also(&["nginx_main_daemon"]),
    inert("nginx_main_daemon", Text, "on", NGINX),
    inert("nginx_main_user", Text, "kong kong", NGINX),
    inert("nginx_main_worker_processes", Text, "auto", NGINX),
    inert("nginx_main_worker_rlimit_nofile", Text, "auto", NGINX),
    inert("nginx_events_worker_connections", Text, "auto", NGINX),
    inert("nginx_events_multi_accept", Text, "on", NGINX),
    inert("nginx_http_charset", Text, "UTF-8", NGINX),
    inert("nginx_http_client_max_body_size", Text, "0", NGINX),
    inert("nginx_http_client_body_buffer_size", Text, "8k", NGINX),
    inert("nginx_http_ssl_protocols", Text, "TLSv1.2 TLSv1.3", NGINX),
    inert("nginx_http_ssl_prefer_server_ciphers", Text, "off", NGINX),
    inert("nginx_http_ssl_dhparam", Text, "ffdhe2048", NGINX),
    inert("nginx_http_ssl_session_tickets", Text, "on", NGINX),
    inert("nginx_http_ssl_session_timeout", Text, "1d", NGINX),
    inert("nginx_http_ssl_conf_command", Text, "", NGINX),
    inert("nginx_http_proxy_ssl_conf_command", Text, "", NGINX),
    inert("nginx_http_lua_ssl_conf_command", Text, "", NGINX),
    inert("nginx_http_grpc_ssl_conf_command", Text, "", NGINX),
    inert("nginx_http_lua_regex_match_limit", Text, "100000", NGINX),
    inert("nginx_http_lua_regex_cache_max_entries", Text, "8192", NGINX),
    inert("nginx_http_keepalive_requests", Text, "10000", NGINX),
    inert("nginx_stream_ssl_conf_command", Text, "", NGINX),
    inert("nginx_stream_proxy_ssl_conf_command", Text, "", NGINX),
    inert("nginx_stream_lua_ssl_conf_command", Text, "", NGINX),
    inert("nginx_stream_ssl_protocols", Text, "TLSv1.2 TLSv1.3", NGINX),
    inert("nginx_stream_ssl_prefer_server_ciphers", Text, "off", NGINX),
    inert("nginx_stream_ssl_dhparam", Text, "ffdhe2048", NGINX),
    inert("nginx_stream_ssl_session_tickets", Text, "on", NGINX),
    inert("nginx_stream_ssl_session_timeout", Text, "1d", NGINX),
    inert("nginx_proxy_real_ip_header", Text, "X-Real-IP", NGINX),
    inert("nginx_proxy_real_ip_recursive", Text, "off", NGINX),
    acts("nginx_admin_client_max_body_size", Size, "10m", "Sets `body_limit` if that is not set itself.")
        .reloads()
        .also(&["body_limit"]),
    inert("nginx_admin_client_body_buffer_size", Text, "10m", NGINX),
    inert("client_body_buffer_size", Text, "8k", PROXY),
    inert("real_ip_header", Text, "X-Real-IP", PROXY).also(&["nginx_proxy_real_ip_header"]),
    inert("real_ip_recursive", OnOff, "off", PROXY).also(&["nginx_proxy_real_ip_recursive"]),
    acts(
        "database",
        OneOf(Database::WORDS),
        "sqlite",
        "Where entities are stored: `sqlite` in a file, `postgres` on a server, `off` in memory.",
    ),
    acts(
        "sqlite_path",
        Text,
        "silverback.db",
        "The file of the SQLite database. A relative path starts at `prefix`.",
    ),
    acts(
        "sqlite_read_cache",
        Boolean,
        "on",
        "Whether reads of the SQLite database are answered from memory.",
    ),
    acts("pg_host", Text, "127.0.0.1", "The name or address of the PostgreSQL server."),
    acts("pg_port", PORT, "5432", "Its port."),
    acts("pg_database", Text, "kong", "The database on that server."),
    acts(
        "pg_schema",
        Text,
        "",
        "The schema within the database. Without it the search path of the server decides.",
    ),
    acts("pg_timeout", MILLISECONDS, "5000", "Milliseconds for connecting, and for each statement."),
    acts("pg_user", Text, "kong", "The user to connect as."),
    acts("pg_password", Text, "", "The password of that user.").secret(),
    acts(
        "pg_ssl",
        Boolean,
        "off",
        "Whether to speak TLS with PostgreSQL; a server that has none is refused.",
    ),
    acts(
        "pg_ssl_verify",
        Boolean,
        "off",
        "Whether to verify its certificate then, against `lua_ssl_trusted_certificate`.",
    ),
    acts("pg_max_concurrent_queries", COUNT, "0", "How many statements may run at once; 0 sets no limit."),
    acts(
        "pg_semaphore_timeout",
        MILLISECONDS,
        "60000",
        "Milliseconds to wait for a turn when that many statements are running.",
    ),
    acts(
        "pg_keepalive_timeout",
        MILLISECONDS,
        "",
        "Milliseconds after which an idle connection is closed, a minute if unset; 0 keeps it open.",
    ),
    acts("pg_pool_size", COUNT, "", "How many connections may be open."),
    inert("pg_backlog", COUNT, "", POOL),
    inert("_debug_pg_ttl_cleanup_interval", Number(0.0, LARGEST), "300", WORKERS),
    inert("pg_ro_host", Text, "", READ_ONLY),
    inert("pg_ro_port", PORT, "", READ_ONLY),
    inert("pg_ro_database", Text, "", READ_ONLY),
    inert("pg_ro_schema", Text, "", READ_ONLY),
    inert("pg_ro_timeout", MILLISECONDS, "", READ_ONLY),
    inert("pg_ro_user", Text, "", READ_ONLY),
    inert("pg_ro_password", Text, "", READ_ONLY).secret(),
    inert("pg_ro_ssl", Boolean, "off", READ_ONLY),
    inert("pg_ro_ssl_verify", Boolean, "off", READ_ONLY),
    inert("pg_ro_max_concurrent_queries", COUNT, "", READ_ONLY),
    inert("pg_ro_semaphore_timeout", MILLISECONDS, "", READ_ONLY),
    inert("pg_ro_keepalive_timeout", MILLISECONDS, "", READ_ONLY),
    inert("pg_ro_pool_size", COUNT, "", READ_ONLY),
    inert("pg_ro_backlog", COUNT, "", READ_ONLY),
    acts("declarative_config", Text, "", "The file from which a node without a database is filled.")
        .reloads(),
    acts("declarative_config_string", Text, "", "The same as text, instead of a file.").secret().reloads(),
    inert("db_update_frequency", Number(0.0, LARGEST), "5", WORKERS),
    inert("db_update_propagation", Number(0.0, LARGEST), "0", WORKERS),
    inert("db_cache_ttl", Number(0.0, LARGEST), "0", WORKERS),
    inert("db_cache_neg_ttl", Number(0.0, LARGEST), "", WORKERS),
    inert("db_resurrect_ttl", Number(0.0, LARGEST), "30", WORKERS),
    inert("db_cache_warmup_entities", List, "services", WORKERS),
    inert("dns_resolver", List, "", DNS),
    inert("dns_hostsfile", Text, "/etc/hosts", DNS),
    inert("dns_order", ListOf(&["last", "a", "aaaa", "cname", "srv"]), "LAST,SRV,A,CNAME", DNS),
    inert("dns_valid_ttl", Number(0.0, LARGEST), "", DNS),
    inert("dns_stale_ttl", Number(0.0, LARGEST), "3600", DNS),
    inert("dns_cache_size", Number(0.0, LARGEST), "10000", DNS),
    inert("dns_not_found_ttl", Number(0.0, LARGEST), "30", DNS),
    inert("dns_error_ttl", Number(0.0, LARGEST), "1", DNS),
    inert("dns_no_sync", Boolean, "off", DNS),
    inert("new_dns_client", Boolean, "off", DNS),
    inert("resolver_address", List, "", DNS),
    inert("resolver_hosts_file", Text, "/etc/hosts", DNS),
    inert("resolver_family", ListOf(&["a", "aaaa", "srv"]), "A,SRV", DNS),
    inert("resolver_valid_ttl", Number(0.0, LARGEST), "", DNS),
    inert("resolver_stale_ttl", Number(0.0, LARGEST), "3600", DNS),
    inert("resolver_lru_cache_size", Number(0.0, LARGEST), "10000", DNS),
    inert("resolver_mem_cache_size", Text, "5m", DNS),
    inert("resolver_error_ttl", Number(0.0, LARGEST), "1", DNS),
    inert("dedicated_config_processing", Boolean, "on", WORKERS),
    inert("privileged_worker", Boolean, "", WORKERS).also(&["dedicated_config_processing"]),
    inert("worker_consistency", OneOf(&["strict", "eventual"]), "eventual", WORKERS),
    inert("router_consistency", OneOf(&["strict", "eventual"]), "", WORKERS).also(&["worker_consistency"]),
    inert("worker_state_update_frequency", Number(f64::MIN_POSITIVE, LARGEST), "5", WORKERS),
    acts(
        "router_flavor",
        OneOf(RouterFlavor::WORDS),
        "traditional_compatible",
        "Which fields routes have, and which regular expressions are accepted in their paths.",
    ),
    inert("lua_socket_pool_size", Number(0.0, LARGEST), "256", LUA),
    acts(
        "lua_ssl_trusted_certificate",
        List,
        "system",
        "The authorities to verify certificates against: files, PEM text in base64, or `system`.",
    ),
    inert("lua_ssl_verify_depth", Number(0.0, LARGEST), "1", LUA),
    inert("lua_ssl_protocols", Text, "TLSv1.2 TLSv1.3", LUA)
        .also(&["nginx_http_lua_ssl_protocols", "nginx_stream_lua_ssl_protocols"]),
    inert("nginx_http_lua_ssl_protocols", Text, "TLSv1.2 TLSv1.3", NGINX),
    inert("nginx_stream_lua_ssl_protocols", Text, "TLSv1.2 TLSv1.3", NGINX),
    acts(
        "lua_package_path",
        Text,
        "./?.lua;./?/init.lua;",
        "Where the schemas of third-party plugins are looked for: patterns with `?`, separated by `;`.",
    ),
    inert("lua_package_cpath", Text, "", LUA),
    inert("lua_max_req_headers", Whole(1, 1000), "100", LUA),
    inert("lua_max_resp_headers", Whole(1, 1000), "100", LUA),
    inert("lua_max_uri_args", Whole(1, 1000), "100", LUA),
    inert("lua_max_post_args", Whole(1, 1000), "100", LUA),
    acts(
        "role",
        OneOf(Role::WORDS),
        "traditional",
        "The part of this node in a hybrid deployment; so far only `traditional` starts.",
    ),
    inert("kic", Boolean, "off", CLUSTER),
    inert("pluginserver_names", List, "", PLUGIN_SERVERS),
    inert("untrusted_lua", OneOf(&["on", "off", "sandbox"]), "sandbox", UNTRUSTED),
    inert("untrusted_lua_sandbox_requires", List, "", UNTRUSTED),
    inert("untrusted_lua_sandbox_environment", List, "", UNTRUSTED),
    acts(
        "admin_gui_url",
        Urls,
        "",
        "The origins of Kong Manager, which may then call the Admin API from a browser with credentials.",
    )
    .reloads(),
    inert("admin_gui_path", Text, "/", GUI),
    inert("admin_gui_api_url", Text, "", GUI),
    inert("admin_api_uri", Text, "", GUI).also(&["admin_gui_api_url"]),
    inert("admin_gui_csp_header", Boolean, "off", GUI),
    inert("openresty_path", Text, "", LUA),
    inert("opentelemetry_tracing", ListOf(INSTRUMENTATIONS), "off", TRACING)
        .also(&["tracing_instrumentations"]),
    acts(
        "opentelemetry_tracing_sampling_rate",
        Number(0.0, 1.0),
        "0.01",
        "Sets `tracing_sampling_rate` if that is not set itself.",
    )
    .also(&["tracing_sampling_rate"]),
    inert("tracing_instrumentations", ListOf(INSTRUMENTATIONS), "off", TRACING),
    acts("tracing_sampling_rate", Number(0.0, 1.0), "0.01", "The part of requests that is traced, from 0 to 1."),
    acts(
        "tracing_otlp_endpoint",
        Text,
        "",
        "Where traces are sent as OTLP over plain HTTP, such as `http://127.0.0.1:4318/v1/traces`. Without it none are made.",
    ),
    inert("wasm", Boolean, "off", WASM),
    inert("wasm_filters_path", Text, "", WASM),
    inert("wasm_dynamic_module", Text, "", WASM),
    inert("wasm_filters", List, "bundled,user", WASM),
    inert("request_debug", Boolean, "on", PROXY),
    inert("request_debug_token", Text, "", PROXY).secret(),
];

#[cfg(test)]
mod tests {
    use super::super::names::{Named, named};
    use super::super::values::Setting;
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_key() {
        for (position, key) in KEYS.iter().enumerate() {
            assert!(key.kind.read(key.default).is_ok(), "{}", key.name);
            assert!(KEYS.iter().skip(position + 1).all(|other| other.name != key.name), "{} twice", key.name);
            for also in key.also {
                assert!(matches!(named(also), Named::Key(_)), "{} -> {also}", key.name);
            }
        }
        assert!(matches!(Size.read(""), Ok(Setting::Unset)));
    }
}
