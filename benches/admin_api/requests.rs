//! Produces the bytes of every request that the benchmark sends, numbered so that concurrent workers share
//! them out. It deliberately sends nothing, but for finding out the offsets of a list's pages.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Connection;

/// Writes the request with this number; `false` when there is none.
pub type Maker = Arc<dyn Fn(usize, &mut Vec<u8>) -> bool + Send + Sync>;

/// The lists that are filled before anything is measured, parents first.
pub const FILLED: [&str; 4] = ["services", "routes", "consumers", "plugins"];

/// How many rows of a kind share one tag, and how many plugins one service: a list of these is one full page, if
/// the store has enough rows.
const TAGGED: usize = 100;

/// A stride without a common divisor with any usual number of rows: neighbours in time are no neighbours in
/// the store.
const STRIDE: usize = 7919;

/// What is read.
#[derive(Clone, Copy)]
pub enum Read {
    ById,
    ByName,
    Nested,
    List100,
    List1000,
    ListByTag,
    PluginsOfService,
    ValidatePlugin,
}

impl Read {
    pub const ALL: [Read; 8] = [
        Read::ById,
        Read::ByName,
        Read::Nested,
        Read::List100,
        Read::List1000,
        Read::ListByTag,
        Read::PluginsOfService,
        Read::ValidatePlugin,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Read::ById => "get by id",
            Read::ByName => "get by name",
            Read::Nested => "nested get",
            Read::List100 => "list of 100",
            Read::List1000 => "list of 1000",
            Read::ListByTag => "list by tag",
            Read::PluginsOfService => "list the plugins of a service",
            Read::ValidatePlugin => "validate a rate-limiting plugin",
        }
    }

    /// The requests, endlessly, over a store with so many rows of each kind.
    pub async fn maker(self, connection: &mut Connection, rows: usize) -> Result<Maker> {
        let over = |path: fn(usize) -> String| (0..rows).map(path).collect::<Vec<_>>();
        let paths = match self {
            Read::ById => over(|row| format!("/services/{}", id("services", row))),
            Read::ByName => over(|row| format!("/services/{}", service(row))),
            Read::Nested => over(|row| format!("/services/{}/routes/{}", service(row), route(row))),
            Read::List100 => pages(connection, "/services?size=100", usize::MAX).await?,
            Read::List1000 => pages(connection, "/services?size=1000", usize::MAX).await?,
            Read::ListByTag => (0..tags(rows)).map(|tag| format!("/services?tags=tag-{tag}")).collect(),
            Read::PluginsOfService => {
                (0..tags(rows)).map(|row| format!("/services/{}/plugins", id("services", row))).collect()
            }
            // Nothing is read and nothing written: it is a question with a body.
            Read::ValidatePlugin => {
                return Ok(Arc::new(|serial, out| {
                    let mut body = plugin_body();
                    body["config"]["hour"] = json!(1000 + serial % 60_000);
                    request(out, "POST", "/schemas/plugins/validate", Some(&body));
                    true
                }));
            }
        };
        Ok(Arc::new(move |serial, out| {
            let path = &paths[scattered(serial, paths.len())];
            request(out, "GET", path, None);
            true
        }))
    }
}

/// The same requests without a body, each with a token.
pub fn with_token(maker: &Maker, token: &'static str) -> Maker {
    let maker = Arc::clone(maker);
    Arc::new(move |serial, out| {
        let goes_on = maker(serial, out);
        // The empty line at the end comes after the header.
        out.truncate(out.len().saturating_sub(2));
        out.extend_from_slice(format!("Kong-Admin-Token: {token}\r\n\r\n").as_bytes());
        goes_on
    })
}

/// The paths of a list's pages, following `next`, from the first to at most the `most`th.
pub async fn pages(connection: &mut Connection, first: &str, most: usize) -> Result<Vec<String>> {
    let mut paths = vec![first.to_owned()];
    while let Some(path) = paths.last().filter(|_| paths.len() < most) {
        let mut bytes = Vec::new();
        request(&mut bytes, "GET", path, None);
        let status = connection.exchange(&bytes).await?;
        ensure!(status == 200, "{path}: {status} {}", connection.body_text());
        let page: Value = serde_json::from_slice(connection.body()).with_context(|| path.clone())?;
        let Some(next) = page["next"].as_str() else { break };
        paths.push(next.to_owned());
    }
    Ok(paths)
}

/// Creates so many rows of one kind.
pub fn fill(kind: &'static str, rows: usize) -> Maker {
    Arc::new(move |row, out| {
        if row >= rows {
            return false;
        }
        let tags = json!(["bench", format!("tag-{}", row % tags(rows))]);
        let mut body = match kind {
            "services" => service_body(&service(row), row, &tags),
            "routes" => json!({
                "name": route(row),
                "service": {"id": id("services", row)},
                "paths": [format!("/{}", service(row))],
                "tags": tags,
            }),
            // One service has many plugins of one name when each is for a route of its own, too.
            "plugins" => {
                let mut body = plugin_body();
                body["service"] = json!({"id": id("services", row % self::tags(rows))});
                body["route"] = json!({"id": id("routes", row)});
                body["tags"] = tags;
                body
            }
            _ => {
                json!({"username": format!("user-{row}"), "custom_id": format!("custom-{row}"), "tags": tags})
            }
        };
        body["id"] = json!(id(kind, row));
        request(out, "POST", &format!("/{kind}"), Some(&body));
        true
    })
}

/// Changes one field of a service.
pub fn patch(rows: usize) -> Maker {
    Arc::new(move |serial, out| {
        let row = scattered(serial, rows);
        let body = json!({"connect_timeout": 1000 + serial % 60_000});
        request(out, "PATCH", &format!("/services/{}", id("services", row)), Some(&body));
        true
    })
}

/// Replaces a service, found by its name.
pub fn put(rows: usize) -> Maker {
    Arc::new(move |serial, out| {
        let row = scattered(serial, rows);
        let mut body = service_body(&service(row), row, &json!(["bench"]));
        body["connect_timeout"] = json!(1000 + serial % 60_000);
        request(out, "PUT", &format!("/services/{}", service(row)), Some(&body));
        true
    })
}

/// What is created on top of the filled rows, and deleted again.
#[derive(Clone, Copy)]
pub enum Posted {
    Service,
    /// A key of one of the filled consumers.
    Credential,
}

impl Posted {
    /// Where it is created, in a store with so many consumers.
    fn collection(self, serial: usize, rows: usize) -> String {
        match self {
            Posted::Service => "/services".to_owned(),
            Posted::Credential => format!("/consumers/{}/key-auth", id("consumers", scattered(serial, rows))),
        }
    }
}

/// Creates a row.
pub fn post(what: Posted, rows: usize) -> Maker {
    Arc::new(move |serial, out| {
        let tags = json!(["bench"]);
        let body = match what {
            Posted::Service => service_body(&posted(serial), serial, &tags),
            Posted::Credential => json!({"key": posted(serial), "tags": tags}),
        };
        request(out, "POST", &what.collection(serial, rows), Some(&body));
        true
    })
}

/// Deletes the rows that `post` created under these numbers.
pub fn delete(what: Posted, rows: usize, serials: Arc<Vec<usize>>) -> Maker {
    Arc::new(move |serial, out| {
        let Some(made) = serials.get(serial) else { return false };
        let path = format!("{}/{}", what.collection(*made, rows), posted(*made));
        request(out, "DELETE", &path, None);
        true
    })
}

/// Writes one request without any header that it does not need.
pub fn request(out: &mut Vec<u8>, method: &str, path: &str, body: Option<&Value>) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    if let Some(body) = body {
        let body = body.to_string();
        let _ = write!(out, "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    } else {
        out.extend_from_slice(b"\r\n");
    }
}

/// The id of a filled row: known beforehand, and scattered as a random one.
pub fn id(kind: &str, row: usize) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{kind}-{row}").as_bytes()).to_string()
}

/// Which of so many rows a numbered request is about.
pub fn scattered(serial: usize, rows: usize) -> usize {
    serial.wrapping_mul(STRIDE) % rows
}

pub fn service(row: usize) -> String {
    format!("service-{row}")
}

/// The name of a service, or the key of a credential, that comes on top of the filled ones.
pub fn posted(serial: usize) -> String {
    format!("posted-{serial}")
}

pub fn host(row: usize) -> String {
    format!("backend-{row}.example.test")
}

/// How many tags there are beside the one that every row has.
fn tags(rows: usize) -> usize {
    (rows / TAGGED).max(1)
}

fn plugin_body() -> Value {
    let config = json!({"minute": 5, "hour": 1000, "policy": "local", "limit_by": "consumer"});
    json!({"name": "rate-limiting", "config": config})
}

fn route(row: usize) -> String {
    format!("route-{row}")
}

fn service_body(name: &str, row: usize, tags: &Value) -> Value {
    json!({"name": name, "host": host(row), "port": 8080, "path": "/v1", "tags": tags})
}
