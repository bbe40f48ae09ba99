//! An application of a consumer's that asks oauth2 for tokens.

use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA512, derive};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;
use std::num::NonZeroU32;

use crate::consumers::CONSUMERS;
use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UUID};
use crate::schema::{
    BOOLEAN, Context, Entity, Literal::*, OnDelete, Row, STRING, Transformation, array, foreign, url,
};

#[rustfmt::skip]
pub static OAUTH2_CREDENTIALS: Entity = Entity::new("oauth2_credentials")
    .doc("An application that asks for tokens in the name of a consumer.")
    .workspaceable()
    .endpoint_key("client_id")
    .cache_key(&["client_id"])
    .admin_api_name("oauth2")
    .fields(&[
        ("id",            UUID),
        ("created_at",    AUTO_TIMESTAMP_S),
        ("consumer",      foreign(&CONSUMERS).required().on_delete(OnDelete::Cascade)),
        ("name",          STRING.required()),
        ("client_id",     STRING.optional().unique().auto()),
        ("client_secret", STRING.optional().auto().encrypted()),
        ("hash_secret",   BOOLEAN.required().default(Bool(false))),
        ("redirect_uris", array(&STRING.text_validator(&redirect_uri)).optional()),
        ("tags",          TAGS),
        ("client_type",   STRING.required().one_of(&["confidential", "public"]).default(Str("confidential"))),
    ])
    .transformations(&[Transformation {
        input: &["hash_secret"], needs: &["client_secret"], on_write: Some(&hashed), on_read: None,
    }])
    .build();

/// A client is sent back to a whole URL, whose fragment is not its own to choose.
fn redirect_uri(text: &str) -> Result<(), String> {
    match url::parse(text) {
        Some(url) if url.host.is_some() && url.scheme.is_some() => match url.fragment {
            None => Ok(()),
            Some(_) => Err(format!("fragment not allowed in '{text}'")),
        },
        _ => Err(format!("cannot parse '{text}'")),
    }
}

/// How often the hash of a secret is computed over itself.
const ITERATIONS: NonZeroU32 = match NonZeroU32::new(10_000) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};

/// How many bytes the hash of a secret has.
const LENGTH: usize = 32;

/// The secret as it is stored where it is to be hashed, in the notation that names the algorithm and the salt.
fn hashed(row: &Row, context: &Context) -> Result<Row, String> {
    if row.get("hash_secret") != Some(&Value::Bool(true)) {
        return Ok(Row::new());
    }
    let secret = row.get("client_secret").and_then(Value::as_str).unwrap_or_default();
    let id = (context.new_id)();
    Ok(Row::from_iter([("client_secret".to_owned(), Value::from(hash(secret, id.as_bytes())))]))
}

/// PBKDF2 with SHA-512, as the proxy verifies it: `$pbkdf2-sha512$i=10000,l=32$<salt>$<hash>`.
fn hash(secret: &str, salt: &[u8]) -> String {
    let mut hash = [0; LENGTH];
    derive(PBKDF2_HMAC_SHA512, ITERATIONS, salt, secret.as_bytes(), &mut hash);
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$pbkdf2-sha512$i={ITERATIONS},l={LENGTH}${salt}${hash}")
}

#[cfg(test)]
mod tests {
    use super::{hash, redirect_uri};

    #[test]
    fn clients_are_sent_to_whole_urls_without_a_fragment() {
        let check = |text, expected: &str| assert_eq!(redirect_uri(text).err().unwrap_or_default(), expected);
        check("https://app.test/back?x=1", "");
        check("app://back", "");
        check("/back", "cannot parse '/back'");
        check("app.test", "cannot parse 'app.test'");
        check("https://app.test/#x", "fragment not allowed in 'https://app.test/#x'");
    }

    #[test]
    fn a_hash_names_its_algorithm_and_its_salt() {
        assert_eq!(
            hash("secret", b"0123456789abcdef"),
            "$pbkdf2-sha512$i=10000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$vmRQw0BpocKqrhRKR3m3G/IeOsJdowFFKr1BqQJRowY"
        );
    }
}
