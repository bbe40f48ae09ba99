//! Produces the public half of a key from its DER, in one normal form whatever the encoding was: PKCS#8,
//! PKCS#1, SEC1 or SubjectPublicKeyInfo. The structure is read here, so that sizes and curves the
//! cryptography library does not know are read as well; the library serves where arithmetic is needed.
//!
//! It deliberately does not sign or verify, does not judge strength, does not check that the private numbers
//! of an RSA key fit together (neither does Kong), and does not decrypt.

use aws_lc_rs::agreement;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};

/// The algorithm a key belongs to. Two certificates of one entity must differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `rsaEncryption`.
    Rsa,
    /// `id-RSASSA-PSS`: an RSA key restricted to that one scheme.
    RsaPss,
    /// `id-dsa`.
    Dsa,
    /// `id-ecPublicKey`, of any curve.
    Ec,
    /// Edwards curve 25519, for signatures.
    Ed25519,
    /// Edwards curve 448, for signatures.
    Ed448,
    /// Montgomery curve 25519, for key agreement.
    X25519,
    /// Montgomery curve 448, for key agreement.
    X448,
}

impl KeyKind {
    /// The length in bytes of both halves for the kinds whose keys are plain octet strings.
    pub const fn octets(self) -> Option<usize> {
        match self {
            KeyKind::Ed25519 | KeyKind::X25519 => Some(32),
            KeyKind::Ed448 => Some(57),
            KeyKind::X448 => Some(56),
            KeyKind::Rsa | KeyKind::RsaPss | KeyKind::Dsa | KeyKind::Ec => None,
        }
    }

    /// The kind named by the content octets of an algorithm's object identifier.
    fn of(identifier: &[u8]) -> Option<Self> {
        Some(match identifier {
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" => KeyKind::Rsa,
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a" => KeyKind::RsaPss,
            b"\x2a\x86\x48\xce\x38\x04\x01" => KeyKind::Dsa,
            b"\x2a\x86\x48\xce\x3d\x02\x01" => KeyKind::Ec,
            b"\x2b\x65\x6e" => KeyKind::X25519,
            b"\x2b\x65\x6f" => KeyKind::X448,
            b"\x2b\x65\x70" => KeyKind::Ed25519,
            b"\x2b\x65\x71" => KeyKind::Ed448,
            _ => return None,
        })
    }
}

/// What a key shows to the world. Numbers are big-endian without leading zeros, points are compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Public {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    Dsa(Vec<u8>),
    Point(Vec<u8>),
    Octets(Vec<u8>),
    /// A private key whose encoding lacks the public half, of a curve the library cannot compute on.
    Underived,
}

/// A key that was read: its kind, the parameters it is used with, and its public half.
#[derive(Clone, Debug)]
pub struct Key {
    /// The algorithm.
    pub kind: KeyKind,
    /// The DER of the curve for EC, of the restrictions for RSA-PSS, else empty.
    parameters: Vec<u8>,
    public: Public,
}

impl Key {
    /// Whether both keys have the same public half. Where it cannot be computed from a private key (Ed448,
    /// X448, DSA in PKCS#8, rare curves whose public point was left out) equal kinds and parameters are taken
    /// as the same: refusing a good pair would be worse than finding a bad one at the first handshake.
    pub fn same_public(&self, other: &Key) -> bool {
        self.kind == other.kind
            && self.parameters == other.parameters
            && (self.public == other.public
                || self.public == Public::Underived
                || other.public == Public::Underived)
    }

    /// An RSA public key of its two numbers, big-endian.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Key {
        Key::rsa_with(KeyKind::Rsa, &[], modulus, exponent)
    }

    fn rsa_with(kind: KeyKind, parameters: &[u8], modulus: &[u8], exponent: &[u8]) -> Key {
        // Plain RSA has no parameters: they are NULL in some encodings and absent in others.
        let parameters = if kind == KeyKind::RsaPss { parameters.to_vec() } else { Vec::new() };
        let public = Public::Rsa { modulus: magnitude(modulus), exponent: magnitude(exponent) };
        Key { kind, parameters, public }
    }

    /// An EC public key of a curve and the affine coordinates of its point, big-endian and of any length.
    /// None when the point is not on the curve.
    pub fn ec(curve: &Curve, x: &[u8], y: &[u8]) -> Option<Key> {
        let point = [vec![4], padded(x, curve.size)?, padded(y, curve.size)?].concat();
        Some(Key {
            kind: KeyKind::Ec,
            parameters: curve.identifier.to_vec(),
            public: public_point(curve.identifier, &point)?,
        })
    }

    /// The public key of a kind whose keys are plain octet strings. None when the length is wrong.
    pub fn from_public_octets(kind: KeyKind, octets: &[u8]) -> Option<Key> {
        (Some(octets.len()) == kind.octets()).then(|| Key {
            kind,
            parameters: Vec::new(),
            public: Public::Octets(octets.to_vec()),
        })
    }

    /// The key of a private octet string, with its public half computed where the library can. None when the
    /// length is wrong.
    pub fn from_private_octets(kind: KeyKind, octets: &[u8]) -> Option<Key> {
        if Some(octets.len()) != kind.octets() {
            return None;
        }
        let public = match kind {
            KeyKind::Ed25519 => {
                Some(Ed25519KeyPair::from_seed_unchecked(octets).ok()?.public_key().as_ref().to_vec())
            }
            KeyKind::X25519 => {
                let private = agreement::PrivateKey::from_private_key(&agreement::X25519, octets).ok()?;
                Some(private.compute_public_key().ok()?.as_ref().to_vec())
            }
            _ => None,
        };
        Some(Key { kind, parameters: Vec::new(), public: public.map_or(Public::Underived, Public::Octets) })
    }

    /// Reads `SubjectPublicKeyInfo` (RFC 5280), what `PUBLIC KEY` armour and certificates hold.
    pub fn from_spki(der: &[u8]) -> Option<Key> {
        let mut info = Reader(der).sequence()?;
        let (kind, parameters) = info.algorithm()?;
        let bits = info.bits()?;
        Some(match kind {
            KeyKind::Rsa | KeyKind::RsaPss => {
                let [modulus, exponent] = Reader(bits).numbers()?;
                Key::rsa_with(kind, parameters, modulus, exponent)
            }
            KeyKind::Dsa => {
                let public = Public::Dsa(magnitude(Reader(bits).number()?));
                Key { kind, parameters: Vec::new(), public }
            }
            KeyKind::Ec => {
                let parameters = curve_parameters(parameters)?;
                Key { kind, public: public_point(&parameters, bits)?, parameters }
            }
            _ => Key::from_public_octets(kind, bits)?,
        })
    }

    /// Reads `RSAPublicKey` (PKCS#1), what `RSA PUBLIC KEY` armour holds.
    pub fn from_pkcs1_public(der: &[u8]) -> Option<Key> {
        let [modulus, exponent] = Reader(der).numbers()?;
        Some(Key::rsa(modulus, exponent))
    }

    /// Reads `PrivateKeyInfo` (PKCS#8), what `PRIVATE KEY` armour holds.
    pub fn from_pkcs8(der: &[u8]) -> Option<Key> {
        let mut info = Reader(der).sequence()?;
        info.number()?;
        let (kind, parameters) = info.algorithm()?;
        let private = info.take(Class::Universal, Tag::OctetString)?;
        match kind {
            KeyKind::Rsa | KeyKind::RsaPss => pkcs1_private(kind, parameters, private),
            KeyKind::Dsa => {
                Reader(private).number()?;
                Some(Key { kind, parameters: Vec::new(), public: Public::Underived })
            }
            KeyKind::Ec => sec1_private(curve_parameters(parameters), private),
            _ => Key::from_private_octets(kind, Reader(private).take(Class::Universal, Tag::OctetString)?),
        }
    }

    /// Reads `RSAPrivateKey` (PKCS#1), what `RSA PRIVATE KEY` armour holds.
    pub fn from_pkcs1(der: &[u8]) -> Option<Key> {
        pkcs1_private(KeyKind::Rsa, &[], der)
    }

    /// Reads `ECPrivateKey` (SEC1, RFC 5915), what `EC PRIVATE KEY` armour holds. It must name its curve: a
    /// block of `EC PARAMETERS` in front does not count, as it does not count for OpenSSL.
    pub fn from_sec1(der: &[u8]) -> Option<Key> {
        sec1_private(None, der)
    }

    /// Reads the six numbers of what `DSA PRIVATE KEY` armour holds: version, p, q, g, public, private.
    pub fn from_dsa(der: &[u8]) -> Option<Key> {
        let [_version, _p, _q, _g, public, _private] = Reader(der).numbers()?;
        let public = Public::Dsa(magnitude(public));
        Some(Key { kind: KeyKind::Dsa, parameters: Vec::new(), public })
    }
}

fn pkcs1_private(kind: KeyKind, parameters: &[u8], der: &[u8]) -> Option<Key> {
    let mut numbers = Reader(der).sequence()?;
    numbers.number()?;
    let key = Key::rsa_with(kind, parameters, numbers.number()?, numbers.number()?);
    for _ in ["d", "p", "q", "dp", "dq", "qi"] {
        numbers.number()?;
    }
    Some(key)
}

/// The curve comes from inside the structure or, in PKCS#8, from around it.
fn sec1_private(around: Option<Vec<u8>>, der: &[u8]) -> Option<Key> {
    let mut fields = Reader(der).sequence()?;
    fields.number()?;
    let scalar = fields.take(Class::Universal, Tag::OctetString)?;
    let inside = fields.take(Class::ContextSpecific, Tag(0));
    let parameters = around.or_else(|| inside.and_then(curve_parameters))?;
    let point = fields.take(Class::ContextSpecific, Tag(1));
    if !fields.0.is_empty() {
        return None;
    }
    let public = match (point, Curve::of(&parameters)) {
        (Some(point), _) => public_point(&parameters, Reader(point).bits()?)?,
        (None, Some(curve)) => public_point(&parameters, &curve.multiply(scalar)?)?,
        (None, None) => Public::Underived,
    };
    Some(Key { kind: KeyKind::Ec, parameters, public })
}

/// The beginnings of the object identifiers that name curves: ANSI X9.62 (prime and binary), SECG, Brainpool,
/// WAP, SM2.
const CURVE_FAMILIES: [&[u8]; 6] = [
    b"\x2a\x86\x48\xce\x3d\x03\x01",
    b"\x2a\x86\x48\xce\x3d\x03\x00",
    b"\x2b\x81\x04\x00",
    b"\x2b\x24\x03\x03\x02\x08\x01\x01",
    b"\x67\x2b\x01\x04",
    b"\x2a\x81\x1c\xcf\x55\x01\x82\x2d",
];

/// The DER of the first element, if it can stand for a curve: an object identifier or, rarely, explicit
/// numbers.
fn curve_parameters(der: &[u8]) -> Option<Vec<u8>> {
    let (rest, element) = Any::from_der(der).ok()?;
    let names_curve = match (element.class(), element.tag()) {
        (Class::Universal, Tag::Oid) => CURVE_FAMILIES.iter().any(|family| element.data.starts_with(family)),
        (class, tag) => class == Class::Universal && tag == Tag::Sequence,
    };
    der.get(..der.len().checked_sub(rest.len())?).filter(|_| names_curve).map(<[u8]>::to_vec)
}

/// Compresses a point of any of the forms of SEC1, after a check that it lies on the curve where the curve is
/// known.
fn public_point(curve: &[u8], point: &[u8]) -> Option<Public> {
    let (form, coordinates) = point.split_first()?;
    let (compressed, plain) = match form {
        2 | 3 => (point.to_vec(), point.to_vec()),
        4 | 6 | 7 if coordinates.len().is_multiple_of(2) => {
            let (x, y) = coordinates.split_at(coordinates.len() / 2);
            let odd = y.last()? & 1;
            if *form != 4 && form & 1 != odd {
                return None;
            }
            ([&[2 | odd], x].concat(), [&[4], coordinates].concat())
        }
        _ => return None,
    };
    let on_curve = Curve::of(curve)
        .is_none_or(|known| ParsedPublicKey::new(known.verification, plain.as_slice()).is_ok());
    on_curve.then_some(Public::Point(compressed))
}

/// A curve the library computes on.
pub struct Curve {
    /// The DER of its object identifier.
    identifier: &'static [u8],
    /// The length of a coordinate and of a private scalar, in bytes.
    size: usize,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
}

/// `P-256`, `prime256v1` to OpenSSL.
pub static P256: Curve = Curve {
    identifier: b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
    size: 32,
    signing: &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
    verification: &signature::ECDSA_P256_SHA256_ASN1,
};

/// `P-384`, `secp384r1` to OpenSSL.
pub static P384: Curve = Curve {
    identifier: b"\x06\x05\x2b\x81\x04\x00\x22",
    size: 48,
    signing: &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
    verification: &signature::ECDSA_P384_SHA384_ASN1,
};

/// `P-521`, `secp521r1` to OpenSSL.
pub static P521: Curve = Curve {
    identifier: b"\x06\x05\x2b\x81\x04\x00\x23",
    size: 66,
    signing: &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
    verification: &signature::ECDSA_P521_SHA512_ASN1,
};

static SECP256K1: Curve = Curve {
    identifier: b"\x06\x05\x2b\x81\x04\x00\x0a",
    size: 32,
    signing: &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
    verification: &signature::ECDSA_P256K1_SHA256_ASN1,
};

impl Curve {
    fn of(parameters: &[u8]) -> Option<&'static Curve> {
        [&P256, &P384, &P521, &SECP256K1].into_iter().find(|curve| curve.identifier == parameters)
    }

    /// The public point of a private scalar. None when the scalar is zero or not below the order of the
    /// curve.
    fn multiply(&self, scalar: &[u8]) -> Option<Vec<u8>> {
        // The library computes the point when it reads a SEC1 structure that lacks it; every part is below
        // 128 bytes.
        let scalar = padded(scalar, self.size)?;
        let fields = [
            b"\x02\x01\x01\x04".as_slice(),
            &[u8::try_from(scalar.len()).ok()?],
            &scalar,
            &[0xa0, u8::try_from(self.identifier.len()).ok()?],
            self.identifier,
        ]
        .concat();
        let der = [&[0x30, u8::try_from(fields.len()).ok()?], fields.as_slice()].concat();
        let pair = EcdsaKeyPair::from_private_key_der(self.signing, &der).ok()?;
        Some(pair.public_key().as_ref().to_vec())
    }
}

/// A big-endian number without its leading zeros.
fn magnitude(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// A big-endian number of exactly `size` bytes. None when it is larger.
fn padded(number: &[u8], size: usize) -> Option<Vec<u8>> {
    let number = magnitude(number);
    let mut padded = vec![0; size.checked_sub(number.len())?];
    padded.extend(number);
    Some(padded)
}

/// What is left of a DER structure. A method takes the next element if it is of the asked type, else leaves
/// it.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, class: Class, tag: Tag) -> Option<&'a [u8]> {
        let (rest, element) = Any::from_der(self.0).ok()?;
        if element.class() != class || element.tag() != tag {
            return None;
        }
        self.0 = rest;
        Some(element.data)
    }

    fn sequence(&mut self) -> Option<Reader<'a>> {
        self.take(Class::Universal, Tag::Sequence).map(Reader)
    }

    /// The content of an INTEGER; no number of a key is negative.
    fn number(&mut self) -> Option<&'a [u8]> {
        self.take(Class::Universal, Tag::Integer)
            .filter(|bytes| bytes.first().is_some_and(|first| *first < 0x80))
    }

    /// A SEQUENCE of exactly so many INTEGERs.
    fn numbers<const N: usize>(&mut self) -> Option<[&'a [u8]; N]> {
        let mut fields = self.sequence()?;
        let mut numbers: [&[u8]; N] = [&[]; N];
        for number in &mut numbers {
            *number = fields.number()?;
        }
        fields.0.is_empty().then_some(numbers)
    }

    /// The content of a BIT STRING of whole bytes.
    fn bits(&mut self) -> Option<&'a [u8]> {
        self.take(Class::Universal, Tag::BitString)?.strip_prefix(&[0])
    }

    /// An `AlgorithmIdentifier`: the kind and the DER of its parameters.
    fn algorithm(&mut self) -> Option<(KeyKind, &'a [u8])> {
        let mut algorithm = self.sequence()?;
        let kind = KeyKind::of(algorithm.take(Class::Universal, Tag::Oid)?)?;
        Some((kind, algorithm.0))
    }
}
