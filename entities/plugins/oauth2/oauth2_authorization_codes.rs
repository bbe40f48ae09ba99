//! A code that a user gave an application, which turns it into a token.

use super::oauth2_credentials::OAUTH2_CREDENTIALS;
use crate::plugins::PLUGIN_CONFIGURATIONS;
use crate::schema::types::{AUTO_TIMESTAMP_S, UUID};
use crate::schema::{Entity, Literal::*, OnDelete, STRING, foreign};
use crate::services::SERVICES;

#[rustfmt::skip]
pub static OAUTH2_AUTHORIZATION_CODES: Entity = Entity::new("oauth2_authorization_codes")
    .doc("A code that an application turns into a token, once.")
    .workspaceable()
    .ttl()
    .without_admin_api()
    .without_db_export()
    .fields(&[
        ("id",                   UUID),
        ("created_at",           AUTO_TIMESTAMP_S),
        ("service",              foreign(&SERVICES).default(Null).on_delete(OnDelete::Cascade)),
        ("credential",           foreign(&OAUTH2_CREDENTIALS).required().on_delete(OnDelete::Cascade)),
        ("code",                 STRING.optional().unique().auto()),
        ("authenticated_userid", STRING.optional()),
        ("scope",                STRING),
        ("challenge",            STRING.optional()),
        ("challenge_method",     STRING.optional().one_of(&["S256"])),
        ("plugin",               foreign(&PLUGIN_CONFIGURATIONS).default(Null).on_delete(OnDelete::Cascade)),
    ])
    .build();
