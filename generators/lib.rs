//! HOW: pure functions from declarations (and input) to values. No entity is named here, nothing awaits.

/// Arguments of forms and query strings as a tree, by their names.
mod arguments;
/// Rules between fields, run over a row.
mod checks;
/// A row made complete: shorthands, defaults, automatic fields; merged with a stored one; transformed.
pub mod complete;
/// A declarative configuration as rows.
pub mod declarative;
/// Declarations that come as data: from a file, from a script.
pub mod declare;
/// The reference of the Admin API.
pub mod docs;
/// The errors of requests about entities: code, name, message, fields.
pub mod errors;
/// Rows that a declaration accepts, and rows that it refuses.
pub mod fixtures;
/// Who refers to whom.
pub mod graph;
/// Query strings, forms, multipart bodies and JSON as rows.
pub mod input;
/// Declarations as JSON Schema.
pub mod json_schema;
/// JSON text as a value.
mod json_text;
/// Fields that list rows of another entity.
pub mod listings;
/// Values as Lua prints them in Kong's messages.
mod lua;
/// Texts as numbers.
pub mod numbers;
/// The OpenAPI document.
pub mod openapi;
/// Keys and pages, from paths and query arguments.
pub mod operations;
/// Rows as clients read them.
pub mod output;
/// The endpoint table.
pub mod routes;
/// Declarations as `GET /schemas/…` shows them.
pub mod schemas;
/// The fields of a row that are kept encrypted.
pub mod sealed;
/// Statements, their values, and rows from columns.
pub mod sql;
/// Tables and their migration by difference.
pub mod tables;
/// A row held against its declaration.
pub mod validate;
/// YAML text as a value.
pub mod yaml;
