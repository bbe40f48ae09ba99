//! A key is a public key, perhaps with its private one, as a JSON Web Key or as PEM. Its `kid` is unique in its set.

use serde_json::Value;

use crate::key_sets::KEY_SETS;
use crate::schema::types::{AUTO_TIMESTAMP_S, PEM, TAGS, UUID};
use crate::schema::{
    Check, Context, Entity, OnDelete, Row, STRING, custom, foreign, is_reference, jwk, sentence,
};

#[rustfmt::skip]
pub static KEYS: Entity = Entity::new("keys")
    .doc("A public key, perhaps with its private one.")
    .workspaceable()
    .endpoint_key("name")
    .cache_key(&["kid", "set"])
    .fields(&[
        ("id",         UUID),
        ("set",        foreign(&KEY_SETS).optional().on_delete(OnDelete::Cascade)
            .doc("The id of the Key Set with which to associate the key.")),
        ("name",       STRING.optional().unique()
            .doc("The name to associate with the given keys.")),
        ("kid",        STRING.required().not_unique()
            .doc("A unique identifier for a key.")),
        ("jwk",        STRING.referenceable().encrypted()
            .doc("A JSON Web Key represented as a string.")),
        ("pem",        PEM),
        ("tags",       TAGS),
        ("created_at", AUTO_TIMESTAMP_S),
        ("updated_at", AUTO_TIMESTAMP_S),
    ])
    .checks(&[
        Check::MutuallyExclusive(&["pem", "jwk"]),
        Check::AtLeastOneOf(&["pem", "jwk"]),
        custom(&["jwk", "pem", "kid"], &jwk_is_valid),
    ])
    .build();

/// The members of a JSON Web Key that are texts.
const TEXTS: &[&str] = &[
    "issuer", "kty", "use", "alg", "kid", "x5u", "x5t", "x5t#S256", "k", "x", "y", "crv", "n", "e", "d", "p",
    "q", "dp", "dq", "qi", "oth", "r", "t",
];

/// The members of a JSON Web Key that are lists of texts.
const LISTS: &[&str] = &["key_ops", "x5c"];

/// A JSON Web Key is JSON with the row's `kid`, loads as a key, and has no members but the known ones. A reference to
/// one cannot be looked into; a pair of PEM keys is checked by the type of its field.
fn jwk_is_valid(row: &Row, _: &Context) -> Result<(), String> {
    let Some(text) = row.get("jwk").and_then(Value::as_str).filter(|text| !is_reference(text)) else {
        return Ok(());
    };
    let kid = row.get("kid").and_then(Value::as_str).unwrap_or_default();
    let members = jwk::jwk(text, kid)?;
    let mut wrong: Vec<String> = members
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(format!("{name}: {}", member_fault(name, value)?)))
        .collect();
    wrong.sort_unstable();
    if wrong.is_empty() { Ok(()) } else { Err(listed(&wrong)) }
}

/// What is wrong with a member of a JSON Web Key.
fn member_fault(name: &str, value: &Value) -> Option<String> {
    if TEXTS.contains(&name) {
        return text_fault(value);
    }
    if !LISTS.contains(&name) {
        return Some(sentence::UNKNOWN.to_owned());
    }
    match value {
        Value::Null => None,
        Value::Array(items) => {
            let wrong: Vec<String> = items.iter().filter_map(text_fault).collect();
            (!wrong.is_empty()).then(|| listed(&wrong))
        }
        _ => Some(sentence::ARRAY.to_owned()),
    }
}

fn text_fault(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => Some("length must be at least 1".to_owned()),
        Value::String(_) => None,
        _ => Some(sentence::STRING.to_owned()),
    }
}

fn listed(wrong: &[String]) -> String {
    format!("Validation error: {}", wrong.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::member_fault;

    #[test]
    fn members_of_a_key_are_known_and_of_their_type() {
        let check = |name, value, expected: Option<&str>| {
            assert_eq!(member_fault(name, &value).as_deref(), expected, "{name}: {value}");
        };
        check("x5t#S256", json!("a"), None);
        check("alg", json!(null), None);
        check("alg", json!(1), Some("expected a string"));
        check("alg", json!(""), Some("length must be at least 1"));
        check("key_ops", json!(["sign"]), None);
        check("key_ops", json!("sign"), Some("expected an array"));
        check("x5c", json!(["a", 1]), Some("Validation error: expected a string"));
        check("colour", json!("red"), Some("unknown field"));
    }
}
