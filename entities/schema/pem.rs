//! Produces the verdicts on certificates and keys in PEM that Kong's entities need, with Kong's sentences,
//! and the facts that their checks compare: public halves, digests, expiry. All functions are pure and
//! re-read their text.
//!
//! It deliberately does not verify signatures or chains, does not ask the time, does not decrypt keys, and
//! does not resolve vault references: except for a pair, whoever calls has taken those out before. The words
//! behind `invalid certificate: ` and `invalid key: ` are its own; where they stand, Kong prints a trace of
//! OpenSSL.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use self::key_der::Key;
pub use self::key_der::KeyKind;
use super::{is_reference, jwk};

pub(super) mod key_der;

/// Base64 as OpenSSL reads it: padded, and whatever the unused last bits are.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

const CERTIFICATE_LABELS: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];

/// What is wrong with a text, in words that fit behind a colon. They hold no `;` and no `)`, which end a
/// message where several are joined.
type Reason = &'static str;

/// Checks `cert` of certificates and ca_certificates: the first certificate of the text is read, what follows
/// is its chain and stays unread.
pub fn certificate(text: &str) -> Result<(), String> {
    with_certificate(text, |_, _| ()).map_err(|reason| format!("invalid certificate: {reason}"))
}

/// Checks `key` of certificates: a private key, or a public key, or a JSON Web Key, all of which Kong takes.
pub fn key(text: &str) -> Result<(), String> {
    any_key(text).map(|_| ()).map_err(|reason| format!("invalid key: {reason}"))
}

/// Checks `pem.private_key` of keys.
pub fn private_key(text: &str) -> Result<(), String> {
    private(text).map(|_| ()).map_err(|reason| format!("could not load private key: {reason}"))
}

/// Checks `pem.public_key` of keys. Kong gives no reason here.
pub fn public_key(text: &str) -> Result<(), String> {
    public(text).map(|_| ()).map_err(|_| "could not load public key".to_owned())
}

/// Checks `pem` of keys as a whole: each half loads, and two halves belong together. A reference to a key kept
/// elsewhere stands for what cannot be looked at, so a pair that holds one is taken as it is.
pub fn pair(pem: &Value) -> Result<(), String> {
    let half = |name: &str| pem.get(name).and_then(Value::as_str);
    let (private, public) = (half("private_key"), half("public_key"));
    if private.is_some_and(is_reference) || public.is_some_and(is_reference) {
        return Ok(());
    }
    public.map_or(Ok(()), public_key)?;
    private.map_or(Ok(()), private_key)?;
    match (private, public) {
        (Some(private), Some(public)) if !same_pair(private, public) => {
            Err("public key does not match private key".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether the public key of a certificate is the public half of a key. False when one of them cannot be
/// read.
pub fn matches(cert: &str, key: &str) -> bool {
    match (certificate_key(cert), any_key(key)) {
        (Some(certificate), Ok(key)) => certificate.same_public(&key),
        _ => false,
    }
}

/// Whether `pem.private_key` and `pem.public_key` of keys belong together. False when one of them cannot be
/// read.
pub fn same_pair(private_key: &str, public_key: &str) -> bool {
    match (private(private_key), public(public_key)) {
        (Ok(private), Ok(public)) => private.same_public(&public),
        _ => false,
    }
}

/// The kind of a certificate's key, for the rule that `cert` and `cert_alt` differ in it.
pub fn key_type(cert: &str) -> Option<KeyKind> {
    certificate_key(cert).map(|key| key.kind)
}

/// `cert_digest` of ca_certificates: the SHA-256 of the certificate's DER, in lower-case hexadecimal.
pub fn digest(cert: &str) -> Option<String> {
    let digest = with_certificate(cert, |_, der| Sha256::digest(der)).ok()?;
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The end of a certificate's validity, in seconds since 1970.
pub fn not_after(cert: &str) -> Option<i64> {
    with_certificate(cert, |certificate, _| certificate.validity().not_after.timestamp()).ok()
}

/// Whether a certificate has the basic constraint `CA`.
pub fn is_ca(cert: &str) -> bool {
    with_certificate(cert, |certificate, _| certificate.is_ca()).unwrap_or(false)
}

/// How many certificates a text announces. As in Kong the armour alone counts, wherever it stands in the
/// text.
pub fn certificate_count(text: &str) -> usize {
    text.matches("-----BEGIN CERTIFICATE-----").count()
}

/// Reads the first certificate of the text and hands it over together with its DER. Other blocks may stand in
/// front of it, but a damaged one spoils the text, as it does for OpenSSL.
fn with_certificate<T>(text: &str, use_it: impl FnOnce(&X509Certificate, &[u8]) -> T) -> Result<T, Reason> {
    let block = Blocks::of(text)
        .find(|block| !matches!(block, Ok(Block { label, .. }) if !CERTIFICATE_LABELS.contains(label)))
        .unwrap_or(Err(NO_CERTIFICATE))?;
    if block.encrypted {
        return Err(HEADER);
    }
    let der = block.der;
    let (rest, certificate) = X509Certificate::from_der(&der)
        .map_err(|_| "what the PEM block holds is not an X.509 certificate")?;
    // Bytes behind the certificate are not part of it, and so not of its digest either.
    let length = der.len().saturating_sub(rest.len());
    Ok(use_it(&certificate, der.get(..length).unwrap_or_default()))
}

fn certificate_key(text: &str) -> Option<Key> {
    with_certificate(text, |certificate, _| Key::from_spki(certificate.public_key().raw)).ok()?
}

/// Where one text holds both, the private key counts, because OpenSSL is asked for it first.
fn any_key(text: &str) -> Result<Key, Reason> {
    if let Ok(members @ Value::Object(_)) = serde_json::from_str(text) {
        return jwk::load(&members).ok_or("the JSON is not a JSON Web Key of type RSA, EC or OKP");
    }
    private(text).or_else(|private| {
        public(text)
            .map_err(|public| if private == NO_PRIVATE && public != NO_PUBLIC { public } else { private })
    })
}

const NO_CERTIFICATE: Reason = "the text has no PEM block called CERTIFICATE";
const NO_PRIVATE: Reason = "the text has no PEM block of a private key";
const NO_PUBLIC: Reason = "the text has no PEM block of a public key";
const NO_KEY: Reason = "the PEM block holds no key of a known algorithm and curve";
const ENCRYPTED: Reason = "the key is encrypted, decrypt it first";
const HEADER: Reason = "a PEM block has a header or an empty line that is not understood";

fn private(text: &str) -> Result<Key, Reason> {
    first_key(text, NO_PRIVATE, |label, der| {
        let key = match label {
            "PRIVATE KEY" => Key::from_pkcs8(der),
            // Some tools write the general structure under the label of the particular one.
            "RSA PRIVATE KEY" => Key::from_pkcs1(der).or_else(|| of_kind(KeyKind::Rsa, Key::from_pkcs8(der))),
            "EC PRIVATE KEY" => Key::from_sec1(der).or_else(|| of_kind(KeyKind::Ec, Key::from_pkcs8(der))),
            "DSA PRIVATE KEY" => Key::from_dsa(der),
            "ENCRYPTED PRIVATE KEY" => return Some(Err(ENCRYPTED)),
            _ => return None,
        };
        Some(key.ok_or(NO_KEY))
    })
}

fn public(text: &str) -> Result<Key, Reason> {
    first_key(text, NO_PUBLIC, |label, der| {
        let key = match label {
            "PUBLIC KEY" => Key::from_spki(der),
            "RSA PUBLIC KEY" => {
                Key::from_pkcs1_public(der).or_else(|| of_kind(KeyKind::Rsa, Key::from_spki(der)))
            }
            _ => return None,
        };
        Some(key.ok_or(NO_KEY))
    })
}

fn of_kind(kind: KeyKind, key: Option<Key>) -> Option<Key> {
    key.filter(|key| key.kind == kind)
}

/// The first key that loads, of the blocks whose label `read` knows. As OpenSSL it steps over damaged blocks
/// and stops at an encrypted one.
fn first_key(
    text: &str,
    absent: Reason,
    read: impl Fn(&str, &[u8]) -> Option<Result<Key, Reason>>,
) -> Result<Key, Reason> {
    let mut reason = None;
    for block in Blocks::of(text) {
        let key = match &block {
            Ok(block) => match read(block.label, &block.der) {
                Some(_) if block.encrypted => Err(ENCRYPTED),
                Some(key) => key,
                None => continue,
            },
            Err(reason) => Err(*reason),
        };
        match key {
            Ok(key) => return Ok(key),
            Err(ENCRYPTED) => return Err(ENCRYPTED),
            Err(found) => reason = reason.or(Some(found)),
        }
    }
    Err(reason.unwrap_or(absent))
}

/// One block of PEM armour.
struct Block<'a> {
    label: &'a str,
    /// Whether its headers say that the body is encrypted, as the old formats of private keys do.
    encrypted: bool,
    der: Vec<u8>,
}

/// The blocks of a text, damaged ones as errors. Lines lose what OpenSSL strips: whitespace, control
/// characters and whatever is not ASCII at their ends, and a byte order mark in front of all.
struct Blocks<'a>(std::str::Split<'a, char>);

impl<'a> Blocks<'a> {
    fn of(text: &'a str) -> Self {
        Blocks(text.trim_start_matches('\u{feff}').split('\n'))
    }

    fn line(&mut self) -> Option<&'a str> {
        self.0.next().map(|line| line.trim_end_matches(|c: char| c <= ' ' || !c.is_ascii()))
    }

    /// Reads on from behind a BEGIN line: headers and an empty line, if there are any, Base64, and the END
    /// line.
    fn body(&mut self, label: &'a str) -> Result<Block<'a>, Reason> {
        let end = format!("-----END {label}-----");
        let mut header: Option<String> = None;
        let mut body = String::new();
        let mut short = false;
        while let Some(line) = self.line() {
            if line.starts_with("-----END ") {
                if line != end {
                    return Err("the BEGIN and END lines of a PEM block differ");
                }
                let encrypted = match header.as_deref().unwrap_or_default() {
                    "" => false,
                    header if header.starts_with("Proc-Type:") => true,
                    _ => return Err(HEADER),
                };
                body.retain(|c| !c.is_ascii_whitespace());
                let der = BASE64.decode(body).map_err(|_| "the body of a PEM block is not Base64")?;
                return Ok(Block { label, encrypted, der });
            }
            match &header {
                None if line.is_empty() => header = Some(std::mem::take(&mut body)),
                // Behind an empty line only full lines of 64 characters and a shorter last one are allowed.
                Some(_) if line.is_empty() || line.len() > 64 || short => return Err(HEADER),
                _ => {
                    short = header.is_some() && line.len() < 64;
                    body.push_str(line);
                }
            }
        }
        Err("a PEM block has no END line of its own")
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, Reason>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.line()?;
            if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"))
            {
                return Some(self.body(label));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RSA_CERTIFICATE: &str = include_str!("testdata/rsa_certificate.pem");
    const RSA_PRIVATE: &str = include_str!("testdata/rsa_private.pem");
    const RSA_PRIVATE_PKCS1: &str = include_str!("testdata/rsa_private_pkcs1.pem");
    const RSA_PRIVATE_ENCRYPTED: &str = include_str!("testdata/rsa_private_encrypted.pem");
    const RSA_PUBLIC: &str = include_str!("testdata/rsa_public.pem");
    const RSA_PUBLIC_PKCS1: &str = include_str!("testdata/rsa_public_pkcs1.pem");
    const EC_CERTIFICATE: &str = include_str!("testdata/ec_certificate.pem");
    const EC_PRIVATE: &str = include_str!("testdata/ec_private.pem");
    /// Behind a block of EC PARAMETERS, and without its public point.
    const EC_PRIVATE_SEC1: &str = include_str!("testdata/ec_private_sec1.pem");
    const SECP256K1_PRIVATE: &str = include_str!("testdata/secp256k1_private_sec1.pem");
    const ED25519_CERTIFICATE: &str = include_str!("testdata/ed25519_certificate.pem");
    const ED25519_PRIVATE: &str = include_str!("testdata/ed25519_private.pem");
    const ED448_PRIVATE: &str = include_str!("testdata/ed448_private.pem");

    const RUBBISH: &str =
        "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";

    /// The text as one block whose Base64 is laid out anew.
    fn laid_out(text: &str, width: usize, between: &str) -> String {
        let (begin, rest) = text.split_once('\n').unwrap();
        let (body, end) = rest.trim_end().rsplit_once('\n').unwrap();
        let body: Vec<char> = body.replace('\n', "").chars().collect();
        let lines: Vec<String> = body.chunks(width).map(String::from_iter).collect();
        format!("{begin}\n{between}{}\n{end}", lines.join("\n"))
    }

    #[test]
    fn certificates_are_read_wherever_openssl_reads_them() {
        let accepted = [
            RSA_CERTIFICATE.to_owned(),
            EC_CERTIFICATE.to_owned(),
            ED25519_CERTIFICATE.to_owned(),
            RSA_CERTIFICATE.replace('\n', "\r\n"),
            RSA_CERTIFICATE.replace("CERTIFICATE", "X509 CERTIFICATE"),
            format!("\u{feff}{RSA_CERTIFICATE}"),
            format!("Bag Attributes: none\n{RSA_PRIVATE}{RSA_CERTIFICATE}"),
            format!("{RSA_CERTIFICATE}{RUBBISH}"),
            laid_out(RSA_CERTIFICATE, 10_000, ""),
            laid_out(RSA_CERTIFICATE, 7, ""),
            laid_out(RSA_CERTIFICATE, 64, "\n"),
        ];
        for text in accepted {
            assert_eq!(certificate(&text), Ok(()), "{text}");
        }
    }

    #[test]
    fn certificates_are_refused_with_a_reason() {
        let damaged = "a PEM block has a header or an empty line that is not understood";
        let refused = [
            (String::new(), NO_CERTIFICATE),
            ("no pem here".to_owned(), NO_CERTIFICATE),
            (RSA_PRIVATE.to_owned(), NO_CERTIFICATE),
            (RSA_CERTIFICATE.replace("-----BEGIN", " -----BEGIN"), NO_CERTIFICATE),
            (RSA_CERTIFICATE.replace('\n', ""), "a PEM block has no END line of its own"),
            (RUBBISH.to_owned(), "what the PEM block holds is not an X.509 certificate"),
            (format!("{RUBBISH}{RSA_CERTIFICATE}"), "what the PEM block holds is not an X.509 certificate"),
            (RSA_CERTIFICATE.replace("MII", "Mé!"), "the body of a PEM block is not Base64"),
            (
                RSA_CERTIFICATE.replace("-----END CERTIFICATE-----\n", ""),
                "a PEM block has no END line of its own",
            ),
            (RSA_CERTIFICATE.replace("END ", "END X"), "the BEGIN and END lines of a PEM block differ"),
            (RSA_CERTIFICATE.replace('\n', "\n\n"), damaged),
            (laid_out(RSA_CERTIFICATE, 76, "\n"), damaged),
            (laid_out(RSA_CERTIFICATE, 64, "Comment: mine\n\n"), damaged),
        ];
        for (text, reason) in refused {
            assert_eq!(certificate(&text), Err(format!("invalid certificate: {reason}")), "{text}");
            assert_eq!((digest(&text), not_after(&text), key_type(&text)), (None, None, None), "{text}");
            assert!(!is_ca(&text) && !matches(&text, RSA_PRIVATE), "{text}");
        }
    }

    #[test]
    fn the_facts_of_a_certificate() {
        let sha256 = "0f1c47007994902bafeac617d3b55159a37138be1fec8c03c66a8705e6537bb0";
        assert_eq!(digest(RSA_CERTIFICATE).as_deref(), Some(sha256));
        assert_eq!(not_after(RSA_CERTIFICATE), Some(2_110_727_344));
        assert!(is_ca(RSA_CERTIFICATE));
        assert!(!is_ca(EC_CERTIFICATE));
        assert_eq!(key_type(RSA_CERTIFICATE), Some(KeyKind::Rsa));
        assert_eq!(key_type(EC_CERTIFICATE), Some(KeyKind::Ec));
        assert_eq!(key_type(ED25519_CERTIFICATE), Some(KeyKind::Ed25519));
    }

    #[test]
    fn certificates_are_counted_by_their_armour() {
        assert_eq!(certificate_count("no pem here"), 0);
        assert_eq!(certificate_count(RSA_CERTIFICATE), 1);
        assert_eq!(certificate_count(&format!("{RSA_CERTIFICATE}{RUBBISH}")), 2);
    }

    #[test]
    fn a_key_matches_the_certificate_made_with_it_in_every_encoding() {
        let rsa = [RSA_PRIVATE, RSA_PRIVATE_PKCS1, RSA_PUBLIC, RSA_PUBLIC_PKCS1];
        let pairs = [
            (RSA_CERTIFICATE, rsa.as_slice()),
            (EC_CERTIFICATE, &[EC_PRIVATE, EC_PRIVATE_SEC1]),
            (ED25519_CERTIFICATE, &[ED25519_PRIVATE]),
        ];
        for (certificate, _) in &pairs {
            for (owner, keys) in &pairs {
                for text in *keys {
                    assert_eq!(key(text), Ok(()));
                    assert_eq!(matches(certificate, text), certificate == owner, "{certificate}{text}");
                }
            }
        }
        assert!(!matches(RSA_CERTIFICATE, RSA_PRIVATE_ENCRYPTED));
    }

    #[test]
    fn a_key_may_stand_under_the_label_of_its_algorithm_and_behind_damaged_blocks() {
        assert_eq!(key(&RSA_PRIVATE.replace("PRIVATE", "RSA PRIVATE")), Ok(()));
        assert_eq!(key(&EC_PRIVATE.replace("PRIVATE", "EC PRIVATE")), Ok(()));
        assert!(key(&EC_PRIVATE.replace("PRIVATE", "RSA PRIVATE")).is_err());
        assert_eq!(key(&format!("{}{RSA_PRIVATE}", EC_PRIVATE.replace('M', "!"))), Ok(()));
    }

    #[test]
    fn keys_are_refused_with_a_reason() {
        let proc_type = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n";
        let refused = [
            ("hello".to_owned(), NO_PRIVATE),
            (RSA_CERTIFICATE.to_owned(), NO_PRIVATE),
            (RSA_PRIVATE_ENCRYPTED.to_owned(), ENCRYPTED),
            (laid_out(RSA_PRIVATE_PKCS1, 64, proc_type), ENCRYPTED),
            ("-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n".to_owned(), NO_KEY),
            (
                "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqh\n-----END PUBLIC KEY-----\n".to_owned(),
                "the body of a PEM block is not Base64",
            ),
            ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n".to_owned(), NO_KEY),
            ("{}".to_owned(), "the JSON is not a JSON Web Key of type RSA, EC or OKP"),
        ];
        for (text, reason) in refused {
            assert_eq!(key(&text), Err(format!("invalid key: {reason}")), "{text}");
        }
    }

    #[test]
    fn the_halves_of_a_pair_keep_to_their_places() {
        for text in [RSA_PRIVATE, RSA_PRIVATE_PKCS1, EC_PRIVATE_SEC1, SECP256K1_PRIVATE, ED448_PRIVATE] {
            assert_eq!(private_key(text), Ok(()));
            assert_eq!(public_key(text), Err("could not load public key".to_owned()));
        }
        for text in [RSA_PUBLIC, RSA_PUBLIC_PKCS1] {
            assert_eq!(public_key(text), Ok(()));
            assert_eq!(private_key(text), Err(format!("could not load private key: {NO_PRIVATE}")));
        }
        assert_eq!(
            private_key(RSA_PRIVATE_ENCRYPTED),
            Err(format!("could not load private key: {ENCRYPTED}"))
        );
        assert!(same_pair(RSA_PRIVATE, RSA_PUBLIC) && same_pair(RSA_PRIVATE_PKCS1, RSA_PUBLIC_PKCS1));
        assert!(!same_pair(EC_PRIVATE, RSA_PUBLIC) && !same_pair(RSA_PUBLIC, RSA_PRIVATE));
    }

    #[test]
    fn a_pair_is_checked_as_a_whole() {
        let refused = |sentence: &str| Err(sentence.to_owned());
        let reference = "{vault://env/key}";
        let cases = [
            (json!({}), Ok(())),
            (json!({"private_key": RSA_PRIVATE, "public_key": RSA_PUBLIC}), Ok(())),
            (json!({"private_key": RSA_PRIVATE, "public_key": null}), Ok(())),
            (json!({"private_key": reference, "public_key": "no pem"}), Ok(())),
            (json!({"private_key": "no pem", "public_key": "no pem"}), refused("could not load public key")),
            (
                json!({"private_key": EC_PRIVATE, "public_key": RSA_PUBLIC}),
                refused("public key does not match private key"),
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(pair(&value), expected, "{value}");
        }
    }

    #[test]
    fn no_cut_of_a_text_panics() {
        let texts =
            [RSA_CERTIFICATE, RSA_PRIVATE, EC_PRIVATE_SEC1, ED448_PRIVATE, RSA_PUBLIC, "{\"kty\":\"é\"}"];
        for text in texts {
            for (at, _) in text.char_indices() {
                let (head, tail) = text.split_at(at);
                for cut in [head.to_owned(), tail.to_owned(), format!("{head}é{tail}")] {
                    let _ = (certificate(&cut), key(&cut), public_key(&cut), matches(RSA_CERTIFICATE, &cut));
                }
            }
        }
    }
}
