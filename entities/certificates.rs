//! A certificate is a TLS certificate with its private key; SNIs say for which names it is shown.

use crate::schema::types::{AUTO_TIMESTAMP_S, CERTIFICATE, KEY, TAGS, UUID, WILDCARD_HOST};
use crate::schema::{Check, Context, Entity, Row, array, custom, is_reference, pem, samples};

#[rustfmt::skip]
pub static CERTIFICATES: Entity = Entity::new("certificates")
    .doc("A TLS certificate with its private key.")
    .workspaceable()
    .reached_through("snis", "SNI not found")
    .fields(&[
        ("id",         UUID),
        ("created_at", AUTO_TIMESTAMP_S),
        ("updated_at", AUTO_TIMESTAMP_S),
        ("cert",       CERTIFICATE.required().referenceable()),
        ("key",        KEY.required().referenceable().encrypted()),
        ("cert_alt",   CERTIFICATE.optional().referenceable().samples(samples::OTHER_CERTIFICATES)),
        ("key_alt",    KEY.optional().referenceable().encrypted().samples(samples::OTHER_KEYS)),
        ("tags",       TAGS),
        ("snis",       array(&WILDCARD_HOST).optional().transient().lists("snis", "name")),
    ])
    .checks(&[
        Check::MutuallyRequired(&["cert_alt", "key_alt"]),
        custom(&["cert", "key"], &pair_matches),
        custom(&["cert_alt", "key_alt"], &alternative_pair_matches),
        custom(&["cert", "cert_alt"], &types_differ),
    ])
    .build();

fn pair_matches(row: &Row, _: &Context) -> Result<(), String> {
    match (text(row, "cert"), text(row, "key")) {
        (Some(cert), Some(key)) if !pem::matches(cert, key) => {
            Err("certificate does not match key".to_owned())
        }
        _ => Ok(()),
    }
}

fn alternative_pair_matches(row: &Row, _: &Context) -> Result<(), String> {
    match (text(row, "cert_alt"), text(row, "key_alt")) {
        (Some(cert), Some(key)) if !pem::matches(cert, key) => {
            Err("alternative certificate does not match key".to_owned())
        }
        _ => Ok(()),
    }
}

/// A second certificate is there for clients that do not understand the first one's kind of key.
fn types_differ(row: &Row, _: &Context) -> Result<(), String> {
    match (text(row, "cert"), text(row, "cert_alt")) {
        (Some(cert), Some(alternative)) if pem::key_type(cert) == pem::key_type(alternative) => {
            Err("certificate and alternative certificate need to have different type (e.g. RSA and ECDSA), \
             the provided certificates were both of the same type"
                .to_owned())
        }
        _ => Ok(()),
    }
}

/// A field's text, unless it is absent, null or a reference to a text kept elsewhere.
fn text<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.get(name)?.as_str().filter(|text| !is_reference(text))
}
