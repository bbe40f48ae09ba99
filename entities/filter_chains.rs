//! A filter chain is a list of proxy-wasm filters around a service or a route. While no node runs wasm, chains are
//! declared but not served, no filter exists, and a chain in a declarative configuration is refused.

use crate::routes::ROUTES;
use crate::schema::types::{AUTO_TIMESTAMP_S, TAGS, UTF8_NAME, UUID};
use crate::schema::{
    BOOLEAN, Check, Context, Entity, Field, JsonSchema, Literal::*, OnDelete, Row, STRING, array, foreign,
    json, record,
};
use crate::services::SERVICES;

/// A filter that brings no JSON Schema takes a text, or nothing.
const FILTER_CONFIG: JsonSchema = JsonSchema {
    namespace: "proxy-wasm-filters",
    parent_subschema_key: "name",
    optional: true,
    default: Map(&[
        ("$schema", Str("http://json-schema.org/draft-04/schema#")),
        ("type", List(&[Str("string"), Str("null")])),
    ]),
};

#[rustfmt::skip]
const FILTER: Field = record(&[
    ("name",    STRING.required().one_of(&[]).err("no such filter")),
    ("enabled", BOOLEAN.required().default(Bool(true))),
    ("config",  json(&FILTER_CONFIG).optional()),
]);

#[rustfmt::skip]
pub static FILTER_CHAINS: Entity = Entity::new("filter_chains")
    .doc("A list of proxy-wasm filters around a service or a route.")
    .workspaceable()
    .without_admin_api()
    .admin_api_name("filter-chains")
    .endpoint_key("name")
    .cache_key(&["route", "service"])
    .fields(&[
        ("id",         UUID),
        ("name",       UTF8_NAME),
        ("enabled",    BOOLEAN.required().default(Bool(true))),
        ("route",      foreign(&ROUTES).unique().default(Null).on_delete(OnDelete::Cascade)),
        ("service",    foreign(&SERVICES).unique().default(Null).on_delete(OnDelete::Cascade)),
        ("filters",    array(&FILTER).required().len_min(1)),
        ("created_at", AUTO_TIMESTAMP_S),
        ("updated_at", AUTO_TIMESTAMP_S),
        ("tags",       TAGS),
    ])
    .checks(&[
        Check::MutuallyExclusive(&["service", "route"]),
        Check::AtLeastOneOf(&["service", "route"]),
        Check::Custom {
            sources: &["filters"],
            run_with_missing_fields: false,
            run_with_invalid_fields: true,
            flavors: &[],
            rule: &wasm_is_enabled,
        },
    ])
    .build();

/// Says why no filter is known, beside the violation of each filter's name.
fn wasm_is_enabled(_: &Row, _: &Context) -> Result<(), String> {
    Err("wasm support is not enabled".to_owned())
}
