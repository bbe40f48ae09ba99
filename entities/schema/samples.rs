//! Samples: valid values of fields whose rule wants a text that nobody makes up, such as a certificate.
//!
//! Tests are made of them; no rule and no answer depends on one. The keys are worth nothing: they are published here.

use super::literal::Literal::{self, Map, Str};

const RSA: [Literal; 2] =
    [Str(include_str!("testdata/rsa_certificate.pem")), Str(include_str!("testdata/rsa_private.pem"))];
const ED25519: [Literal; 2] = [
    Str(include_str!("testdata/ed25519_certificate.pem")),
    Str(include_str!("testdata/ed25519_private.pem")),
];
const EC: [Literal; 2] =
    [Str(include_str!("testdata/ec_authority.pem")), Str(include_str!("testdata/ec_authority_private.pem"))];

/// Certificates of authorities, in PEM.
pub const CERTIFICATES: &[Literal] = &[RSA[0], ED25519[0], EC[0]];
/// The private keys of [`CERTIFICATES`].
pub const KEYS: &[Literal] = &[RSA[1], ED25519[1], EC[1]];
/// Certificates of another kind of key than those of [`CERTIFICATES`] at the same places.
pub const OTHER_CERTIFICATES: &[Literal] = &[EC[0], RSA[0], RSA[0]];
/// The private keys of [`OTHER_CERTIFICATES`].
pub const OTHER_KEYS: &[Literal] = &[EC[1], RSA[1], RSA[1]];
/// A pair of PEM keys.
pub const PEM_PAIRS: &[Literal] =
    &[Map(&[("private_key", RSA[1]), ("public_key", Str(include_str!("testdata/rsa_public.pem")))])];
