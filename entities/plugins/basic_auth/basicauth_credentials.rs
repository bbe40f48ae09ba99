//! A name and a password by which basic-auth knows a consumer. What is stored is not the password but its hash.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::Value;

use crate::consumers::CONSUMERS;
use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UUID};
use crate::schema::{Entity, OnDelete, Row, STRING, Transformation, foreign};

#[rustfmt::skip]
pub static BASICAUTH_CREDENTIALS: Entity = Entity::new("basicauth_credentials")
    .doc("A name and a password by which basic-auth knows a consumer.")
    .workspaceable()
    .endpoint_key("username")
    .cache_key(&["username"])
    .admin_api_name("basic-auths")
    .admin_api_nested_name("basic-auth")
    .fields(&[
        ("id",         UUID),
        ("created_at", AUTO_TIMESTAMP_S),
        ("consumer",   foreign(&CONSUMERS).required().on_delete(OnDelete::Cascade)),
        ("username",   STRING.required().unique()),
        ("password",   STRING.required().encrypted()),
        ("tags",       TAGS),
    ])
    .transformations(&[Transformation {
        input: &["password"], needs: &["consumer.id"], on_write: Some(&|row, _| Ok(hashed(row))), on_read: None,
    }])
    .build();

/// The password as it is stored. The consumer's id is the salt, so that the same password of two consumers differs;
/// the proxy computes the same, which is why it is not a slower hash.
fn hashed(row: &Row) -> Row {
    let text = |name| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let salted = format!("{}{}", text("password"), text("consumer.id"));
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, salted.as_bytes());
    let hexadecimal: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Row::from_iter([("password".to_owned(), Value::from(hexadecimal))])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::hashed;

    #[test]
    fn a_password_is_salted_with_the_id_of_its_consumer() {
        let row = json!({"password": "secret", "consumer.id": "55555555-eeee-4eee-8eee-0000000000a1"});
        let hashed = hashed(row.as_object().unwrap());
        assert_eq!(hashed["password"], "07f9d2bdcad949e8ae9d28e04e357b473cc0bc38");
    }
}
