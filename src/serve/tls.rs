//! TLS of the listeners with `ssl`: what a handshake follows, made from settings, and made anew while the server runs.
//!
//! A handshake that has begun, and a connection that is open, keep what they began with. Where certificates and keys
//! come from is `certificates.rs`'s concern.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

use super::certificates::{self, CertificateError};
use crate::settings::Settings;

/// The one implementation of cryptography.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// What handshakes follow at this moment.
#[derive(Debug)]
pub struct Tls(RwLock<Configured>);

/// What handshakes follow, for listeners that offer HTTP/2 and for those that do not.
#[derive(Clone, Debug)]
pub struct Configured {
    both: Arc<ServerConfig>,
    http1: Arc<ServerConfig>,
}

impl Tls {
    /// As the settings say; `None` where no listener has `ssl`. Where the settings name no certificate, one is made
    /// and kept below `prefix`.
    ///
    /// # Errors
    /// Which certificate, key or authority cannot be used, and why.
    pub fn of(settings: &Settings) -> Result<Option<Arc<Tls>>, CertificateError> {
        if !settings.admin_listen.iter().any(|address| address.ssl) {
            return Ok(None);
        }
        Ok(Some(Arc::new(Tls(RwLock::new(Configured::of(settings)?)))))
    }

    /// What handshakes follow from now on.
    pub fn follow(&self, configured: Configured) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = configured;
    }

    /// What a handshake that begins now follows.
    pub(super) fn get(&self, http2: bool) -> Arc<ServerConfig> {
        let configured = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(if http2 { &configured.both } else { &configured.http1 })
    }
}

impl Configured {
    /// As the settings say; every file is read again.
    ///
    /// # Errors
    /// As of [`Tls::of`].
    pub fn of(settings: &Settings) -> Result<Configured, CertificateError> {
        let provider = provider();
        let keys = Keys::of(certificates::keys(settings, &provider)?);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(CertificateError::Protocol)?;
        let authorities = certificates::authorities(&settings.admin_client_certificate)?;
        let builder = match authorities.is_empty() {
            true => builder.with_no_client_auth(),
            false => builder.with_client_cert_verifier(verifier(authorities, provider)?),
        };
        let mut http1 = builder.with_cert_resolver(Arc::new(keys));
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut both = http1.clone();
        both.alpn_protocols.insert(0, b"h2".to_vec());
        Ok(Configured { both: Arc::new(both), http1: Arc::new(http1) })
    }
}

fn verifier(
    authorities: RootCertStore,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, CertificateError> {
    WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider)
        .build()
        .map_err(CertificateError::Authorities)
}

/// Certificates with their keys, in the order of the settings.
#[derive(Debug)]
struct Keys(Vec<Arc<CertifiedKey>>);

impl Keys {
    fn of(keys: Vec<CertifiedKey>) -> Keys {
        Keys(keys.into_iter().map(Arc::new).collect())
    }
}

impl ResolvesServerCert for Keys {
    /// The first certificate for the name that the client asks for, else the first at all; of those only whose keys
    /// can sign as the client understands.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let usable = || {
            let keys = self.0.iter();
            keys.filter(|own| own.key.choose_scheme(hello.signature_schemes()).is_some())
        };
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let named = name.and_then(|name| usable().find(|own| is_for(own, &name)));
        named.or_else(|| usable().next()).cloned()
    }
}

fn is_for(own: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = own.end_entity_cert().ok().and_then(|own| ParsedCertificate::try_from(own).ok());
    parsed.is_some_and(|parsed| verify_server_name(&parsed, name).is_ok())
}
