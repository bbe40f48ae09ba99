//! The Admin API of a running node, seen from a command: one request, one answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use clap::Args;
use entities::schema::Row;
use generators::output::escape;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use silverback::settings;

use super::parse::lines;

/// The endpoint that all this goes through.
const ENDPOINT: &str = "/configuration";
/// How long a node may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// The variable with the token that is sent unless a header is given.
const TOKEN: &str = "KONG_ADMIN_TOKEN";

/// Where a running node is, and what it is told with every request.
#[derive(Args)]
pub struct Address {
    /// The Admin API of a running node, such as http://127.0.0.1:8001; without it the database that the settings name.
    #[arg(long, visible_alias = "kong-addr", value_name = "URL")]
    address: Option<String>,
    /// A header for the Admin API; may be given several times. Kong-Admin-Token comes from the variable
    /// KONG_ADMIN_TOKEN unless it is given.
    #[arg(long = "header", alias = "headers", value_name = "NAME:VALUE", requires = "address")]
    headers: Vec<String>,
    /// Certificates in PEM to verify that of an https address against, instead of those that the system trusts.
    #[arg(long, value_name = "FILE", requires = "address")]
    ca_cert: Option<PathBuf>,
}

impl Address {
    /// The node at the address; `None` where none is given.
    pub fn open(&self) -> Result<Option<Remote>> {
        let token = settings::environment().find(|(name, _)| name == TOKEN);
        let token = token.map(|(_, token)| format!("Kong-Admin-Token:{token}"));
        let headers: Vec<_> = token.into_iter().chain(self.headers.iter().cloned()).collect();
        let trusted = self.ca_cert.as_deref();
        self.address.as_ref().map(|address| Remote::new(address, &headers, trusted)).transpose()
    }
}

/// A node.
pub struct Remote {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Without a slash at its end.
    address: String,
    headers: HeaderMap,
}

impl Remote {
    /// The node whose Admin API has that address, asked with these headers (`Name:value`); of two with one name, the
    /// later.
    fn new(address: &str, headers: &[String], trusted: Option<&Path>) -> Result<Remote> {
        let address = match address.contains("://") {
            true => address.to_owned(),
            false => format!("http://{address}"),
        };
        let header = |text: &String| {
            let (name, value) = text.split_once(':').context("a header has the form NAME:VALUE")?;
            let mut value = HeaderValue::from_str(value.trim()).context("a header's value cannot be sent")?;
            value.set_sensitive(true);
            Ok((name.trim().parse::<HeaderName>().context("a header's name cannot be sent")?, value))
        };
        let headers = headers.iter().map(header).collect::<Result<_>>()?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(trusted)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Remote { client, address: address.trim_end_matches('/').to_owned(), headers })
    }

    /// The node's rows as a document.
    pub async fn dump(&self, with_ids: bool, tags: &[String]) -> Result<Row> {
        let query = query(tags, with_ids.then_some("with_ids"));
        match self.ask(Method::GET, &query, None).await? {
            Value::Object(document) => Ok(document),
            _ => Err(anyhow!("{} answers with something that is no document", self.address)),
        }
    }

    /// Makes the node equal to a document, or says what that would change.
    pub async fn synchronize(&self, document: Row, tags: &[String], dry_run: bool) -> Result<Value> {
        let query = query(tags, dry_run.then_some("dry_run"));
        self.ask(Method::PUT, &query, Some(Value::Object(document))).await
    }

    /// Sends a request, with a JSON body where there is one; null is the body of an answer without JSON.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<(StatusCode, Value)> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.address));
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&self.headers);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request =
            request.body(Full::new(body)).with_context(|| format!("'{}' is no address", self.address))?;
        let unreachable = || format!("{} cannot be reached", self.address);
        let response = self.client.request(request).await.with_context(unreachable)?;
        let status = response.status();
        let body = response.into_body().collect().await.with_context(unreachable)?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn ask(&self, method: Method, query: &str, body: Option<Value>) -> Result<Value> {
        let (status, answer) = self.send(method, &format!("{ENDPOINT}{query}"), body).await?;
        if status.is_success() {
            return Ok(answer);
        }
        let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
        match (status, answer.get("fields").and_then(Value::as_object)) {
            (StatusCode::BAD_REQUEST, Some(fields))
                if answer.get("code") == Some(&Value::from(DECLARATIVE)) =>
            {
                Err(anyhow!("Failed parsing:\n{}", lines(fields).trim_end()))
            }
            (StatusCode::NOT_FOUND, _) => Err(anyhow!(
                "{} does not serve {ENDPOINT}: it is not a node of this program, or an older one",
                self.address
            )),
            _ => Err(anyhow!("{} refuses, and nothing was changed: {status} {message}", self.address)),
        }
    }
}

/// How https is spoken: with whoever shows a certificate that these, or the system's, vouch for.
fn tls(trusted: Option<&Path>) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let Some(file) = trusted else {
        return Ok(builder
            .with_native_roots()
            .context("the system's certificates cannot be read")?
            .with_no_client_auth());
    };
    let unusable = || format!("{}: no certificates in PEM", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).with_context(unusable)? {
        roots.add(certificate.with_context(unusable)?).with_context(unusable)?;
    }
    if roots.is_empty() {
        bail!(unusable());
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The code of an error in a declarative configuration.
const DECLARATIVE: u8 = 14;

fn query(tags: &[String], flag: Option<&str>) -> String {
    let tags = tags.iter().map(|tag| format!("select_tag={}", escape(tag)));
    let parts: Vec<_> = tags.chain(flag.map(|flag| format!("{flag}=1"))).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}
