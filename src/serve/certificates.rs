//! Certificates, keys and authorities out of settings: files, PEM text, or such text in base64.
//!
//! Whoever configures TLS is told which entry is wrong. Neither a key nor an entry that may be one is ever shown.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::VerifierBuilderError;
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};

use super::self_signed;
use crate::settings::Settings;

const CERTIFICATES: &str = "admin_ssl_cert";
const KEYS: &str = "admin_ssl_cert_key";
const AUTHORITIES: &str = "admin_client_certificate";

/// Where a certificate or a key was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The entry of a setting that is a list, counted from 1.
    Of(&'static str, usize),
    /// A file that was made here, below `prefix`.
    Made(&'static str),
}

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Of(setting, number) => write!(out, "{setting}, entry {number}"),
            Entry::Made(file) => write!(out, "{file} below prefix"),
        }
    }
}

/// Why TLS cannot be had. No message holds what may be secret.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error(
        "{CERTIFICATES} has {certificates} entries and {KEYS} has {keys}; each certificate needs its key"
    )]
    Unequal { certificates: usize, keys: usize },
    #[error("{0}: neither PEM nor a file that can be read: {1}")]
    Unreadable(Entry, io::Error),
    #[error("{0}: there is no certificate in it")]
    NoCertificate(Entry),
    #[error("{0}: there is no private key in it that can be read without a password")]
    NoKey(Entry),
    #[error("{0}: this certificate cannot be used: {1}")]
    BadCertificate(Entry, rustls::Error),
    #[error("{0}: this key cannot be used: {1}")]
    BadKey(Entry, rustls::Error),
    #[error("{0}: this key does not belong to the certificate ({1})")]
    Mismatch(Entry, Entry),
    #[error("{}: a certificate cannot be kept there: {cause}", path.display())]
    NotKept { path: PathBuf, cause: io::Error },
    #[error("a certificate cannot be made: {0}")]
    NotMade(#[from] rcgen::Error),
    #[error("{AUTHORITIES}: {0}")]
    Authorities(VerifierBuilderError),
    #[error("TLS cannot be configured: {0}")]
    Protocol(rustls::Error),
}

/// The certificates that the settings name, each with its key; one that was made here where they name none.
pub(super) fn keys(
    settings: &Settings,
    provider: &CryptoProvider,
) -> Result<Vec<CertifiedKey>, CertificateError> {
    let (certificates, keys) = (&settings.admin_ssl_cert, &settings.admin_ssl_cert_key);
    if certificates.len() != keys.len() {
        return Err(CertificateError::Unequal { certificates: certificates.len(), keys: keys.len() });
    }
    if certificates.is_empty() {
        let (certificate, its) = self_signed::pair(&settings.prefix)?;
        let places = (Entry::Made(self_signed::CERTIFICATE), Entry::Made(self_signed::KEY));
        return Ok(vec![key(places, &certificate, &its, provider)?]);
    }
    let places = |at| (Entry::Of(CERTIFICATES, at + 1), Entry::Of(KEYS, at + 1));
    let pairs = certificates.iter().zip(keys).enumerate();
    pairs.map(|(at, (certificate, its))| key(places(at), certificate, its.expose(), provider)).collect()
}

/// A certificate with its key; `places` are those of the one and of the other.
fn key(
    places: (Entry, Entry),
    certificate: &str,
    key: &str,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, CertificateError> {
    let (of_certificate, of_key) = places;
    let chain = chain(of_certificate, certificate)?;
    let text = text(of_key, key)?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| CertificateError::NoKey(of_key))?;
    let signing = provider
        .key_provider
        .load_private_key(key)
        .map_err(|cause| CertificateError::BadKey(of_key, cause))?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(CertificateError::Mismatch(of_key, of_certificate))
        }
        Err(cause) => Err(CertificateError::BadCertificate(of_certificate, cause)),
    }
}

/// The authorities that client certificates are verified against.
pub(super) fn authorities(entries: &[String]) -> Result<RootCertStore, CertificateError> {
    let mut store = RootCertStore::empty();
    for (at, entry) in entries.iter().enumerate() {
        let place = Entry::Of(AUTHORITIES, at + 1);
        for certificate in chain(place, entry)? {
            store.add(certificate).map_err(|cause| CertificateError::BadCertificate(place, cause))?;
        }
    }
    Ok(store)
}

/// Every certificate of an entry.
fn chain(place: Entry, entry: &str) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let text = text(place, entry)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(CertificateError::NoCertificate(place)),
    }
}

/// The PEM text that an entry is, holds in base64, or leads to.
fn text(place: Entry, entry: &str) -> Result<Vec<u8>, CertificateError> {
    const BEGIN: &str = "-----BEGIN ";
    if entry.contains(BEGIN) {
        return Ok(entry.as_bytes().to_vec());
    }
    let cause = match std::fs::read(Path::new(entry)) {
        Ok(text) => return Ok(text),
        Err(cause) => cause,
    };
    let packed: String = entry.split_whitespace().collect();
    match STANDARD.decode(packed) {
        Ok(text) if text.starts_with(BEGIN.as_bytes()) => Ok(text),
        _ => Err(CertificateError::Unreadable(place, cause)),
    }
}
