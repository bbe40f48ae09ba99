//! A key by which jwt knows the issuer of a token, and what the token's signature is checked with.

use crate::consumers::CONSUMERS;
use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UUID};
use crate::schema::{Check, Conditional, Entity, Literal::*, OnDelete, SAME, STRING, foreign, pem};

const ALGORITHMS: &[&str] = &[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384",
    "PS512", "EdDSA",
];

/// The algorithms whose public key is checked. Those of elliptic curves but EdDSA are not among them.
const CHECKED: &[&str] = &["^RS256$", "^RS384$", "^RS512$", "^PS256$", "^PS384$", "^PS512$", "^EdDSA$"];

#[rustfmt::skip]
pub static JWT_SECRETS: Entity = Entity::new("jwt_secrets")
    .doc("A key by which jwt knows the issuer of a token, with the secret or the public key of its signatures.")
    .workspaceable()
    .endpoint_key("key")
    .cache_key(&["key"])
    .admin_api_name("jwts")
    .admin_api_nested_name("jwt")
    .fields(&[
        ("id",             UUID),
        ("created_at",     AUTO_TIMESTAMP_S),
        ("consumer",       foreign(&CONSUMERS).required().on_delete(OnDelete::Cascade)),
        ("key",            STRING.optional().unique().auto()),
        ("secret",         STRING.auto()),
        ("rsa_public_key", STRING),
        ("algorithm",      STRING.one_of(ALGORITHMS).default(Str("HS256"))),
        ("tags",           TAGS),
    ])
    .checks(&[Check::Conditional(&Conditional {
        if_field:   "algorithm",
        if_match:   SAME.match_any(CHECKED, ""),
        then_field: "rsa_public_key",
        then_match: SAME.required().text_validator(&|text| pem::key(text).map_err(|_| "invalid key".to_owned())),
        then_err:   None,
    })])
    .build();
