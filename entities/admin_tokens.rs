//! A token by which the Admin API knows whoever presents it. What is stored is not the token but its digest.

use serde_json::Value;

use crate::schema::access::{Access, SHORTEST_TOKEN, Token, digest};
use crate::schema::types::{AUTO_TIMESTAMP_S, NAME, TAGS, UUID};
use crate::schema::{Entity, INTEGER, Row, STRING, set, shorthand};

#[rustfmt::skip]
pub static ADMIN_TOKENS: Entity = Entity::new("admin_tokens")
    .doc("A token by which the Admin API knows whoever presents it, and the roles that it stands for.")
    .admin_api_name("admin-tokens")
    .without_admin_api()
    .without_db_export()
    .access(Access::Tokens { digest: "digest", read: &token })
    .endpoint_key("name")
    .fields(&[
        ("id",         UUID),
        ("name",       NAME.required()
            .doc("Who presents the token; the change log keeps the name.")),
        ("comment",    STRING),
        ("digest",     STRING.required().unique().match_all(&[("^[0-9a-f]+$", "must be in hexadecimal")]).len_eq(64)
            .doc("The SHA-256 of the token, in hexadecimal. The token itself is kept nowhere.")),
        ("roles",      set(&STRING.required()).required().len_min(1)
            .doc("The names of roles; one that does not exist allows nothing.")),
        ("expires_at", INTEGER.timestamp()
            .doc("When the token ends, in seconds since 1970.")),
        ("created_at", AUTO_TIMESTAMP_S),
        ("updated_at", AUTO_TIMESTAMP_S),
        ("tags",       TAGS),
    ])
    .shorthands(&[shorthand("token", STRING.len_min(SHORTEST_TOKEN).encrypted(), &digested)])
    .build();

fn digested(value: &Value) -> Option<Row> {
    let token = value.as_str()?;
    Some(Row::from_iter([("digest".to_owned(), Value::from(digest(token)))]))
}

fn token(row: &Row) -> Token {
    let roles = row.get("roles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Token {
        name: row.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        roles: roles.iter().filter_map(|role| role.as_str().map(str::to_owned)).collect(),
        expires_at: row.get("expires_at").and_then(Value::as_i64),
    }
}
