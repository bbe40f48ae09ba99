//! A token that oauth2 gave out.

use super::oauth2_credentials::OAUTH2_CREDENTIALS;
use crate::schema::types::{AUTO_TIMESTAMP_S, UUID};
use crate::schema::{Entity, INTEGER, Literal::*, OnDelete, STRING, foreign};
use crate::services::SERVICES;

#[rustfmt::skip]
pub static OAUTH2_TOKENS: Entity = Entity::new("oauth2_tokens")
    .doc("A token that an application was given, for one service or for all that share tokens.")
    .workspaceable()
    .ttl()
    .endpoint_key("access_token")
    .cache_key(&["access_token"])
    .fields(&[
        ("id",                   UUID),
        ("created_at",           AUTO_TIMESTAMP_S),
        ("service",              foreign(&SERVICES).default(Null).on_delete(OnDelete::Cascade)),
        ("credential",           foreign(&OAUTH2_CREDENTIALS).required().on_delete(OnDelete::Cascade)),
        ("token_type",           STRING.required().one_of(&["bearer"]).default(Str("bearer"))),
        ("expires_in",           INTEGER.required()),
        ("access_token",         STRING.optional().unique().auto()),
        ("refresh_token",        STRING.optional().unique()),
        ("authenticated_userid", STRING.optional()),
        ("scope",                STRING),
    ])
    .build();
