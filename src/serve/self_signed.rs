//! A certificate that signs itself, for a node that was given none: made once, and kept below `prefix` under the names
//! that Kong gives it.
//!
//! It proves nothing to anybody who has not seen it before; whoever needs more names a certificate of their own.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256};

use super::certificates::CertificateError;
use crate::clock;

/// Where the certificate lies, seen from `prefix`.
pub(super) const CERTIFICATE: &str = "ssl/admin-kong-default.crt";
/// Where its key lies.
pub(super) const KEY: &str = "ssl/admin-kong-default.key";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a certificate is valid, as in Kong: twenty years.
const VALID: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);

/// The paths of the certificate and of its key, which are made where one of them is missing.
pub(super) fn pair(prefix: &Path) -> Result<(String, String), CertificateError> {
    let (certificate, key) = (prefix.join(CERTIFICATE), prefix.join(KEY));
    if !(certificate.exists() && key.exists()) {
        let (certificate_text, key_text) = made(clock::now())?;
        keep(&key, key_text.as_bytes(), 0o600)?;
        keep(&certificate, certificate_text.as_bytes(), 0o644)?;
        tracing::info!(path = %certificate.display(), "a certificate was made that signs itself");
    }
    Ok((certificate.display().to_string(), key.display().to_string()))
}

/// A certificate for this machine under its usual names, and its key, as PEM; `now` is in seconds since 1970.
fn made(now: i64) -> Result<(String, String), rcgen::Error> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, "localhost");
    parameters.distinguished_name.push(DnType::OrganizationName, "Silverback");
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Clocks differ.
    parameters.not_before =
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now.max(0).unsigned_abs()).saturating_sub(DAY);
    parameters.not_after = parameters.not_before + VALID;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Writes a file as a whole or not at all.
fn keep(path: &Path, text: &[u8], mode: u32) -> Result<(), CertificateError> {
    let beside = path.with_extension("new");
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // A file that was left behind may have another mode.
        match fs::remove_file(&beside) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|cause| CertificateError::NotKept { path: PathBuf::from(path), cause })
}
