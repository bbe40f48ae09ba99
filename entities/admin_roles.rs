//! A role says what whoever has it may do with the Admin API: methods, paths, and tags that rows must carry.

use serde_json::Value;

use crate::schema::access::{ADMIN, Access, Permission, Standing};
use crate::schema::types::{AUTO_TIMESTAMP_S, NAME, TAG, TAGS, UUID};
use crate::schema::{Entity, Literal, Row, STRING, array, record, set};

/// The role that may look at everything.
const READ_ONLY: &str = "read-only";

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

const BUILT_IN: &[(&str, &[Standing])] =
    &[(ADMIN, &[(METHODS, &["/**"])]), (READ_ONLY, &[(&["GET"], &["/**"])])];

#[rustfmt::skip]
pub static ADMIN_ROLES: Entity = Entity::new("admin_roles")
    .doc("What whoever has the role may do with the Admin API. The roles admin and read-only are always there.")
    .admin_api_name("admin-roles")
    .without_admin_api()
    .without_db_export()
    .access(Access::Roles { built_in: BUILT_IN, read: &permissions })
    .endpoint_key("name")
    .fields(&[
        ("id",          UUID),
        ("name",        NAME.required().not_one_of(&[ADMIN, READ_ONLY])),
        ("comment",     STRING),
        ("permissions", array(&record(&[
            ("methods", set(&STRING.one_of(METHODS)).required().default(Literal::List(&[Literal::Str("GET")]))
                .doc("The methods that are allowed; GET stands for HEAD as well.")),
            ("paths",   set(&STRING.starts_with("/").text_validator(&ends_with_any).counterexamples(&["/**/x"])).required().len_min(1)
                .doc("Paths of the Admin API: * stands for one segment, ** at the end for any number of them.")),
            ("tags",    set(&TAG)
                .doc("Where there are any, only rows that carry one of these tags may be seen and written.")),
        ])).required().default(Literal::List(&[]))),
        ("created_at",  AUTO_TIMESTAMP_S),
        ("updated_at",  AUTO_TIMESTAMP_S),
        ("tags",        TAGS),
    ])
    .build();

/// A pattern of paths says that anything may follow, or does not say it.
fn ends_with_any(path: &str) -> Result<(), String> {
    match path.split_once("/**") {
        Some((_, rest)) if !rest.is_empty() => Err("may have /** at its end only".to_owned()),
        _ => Ok(()),
    }
}

fn permissions(row: &Row) -> Vec<Permission> {
    let texts = |value: Option<&Value>| -> Vec<String> {
        let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let list = row.get("permissions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|permission| Permission {
            methods: texts(permission.get("methods")),
            paths: texts(permission.get("paths")),
            tags: texts(permission.get("tags")),
        })
        .collect()
}
