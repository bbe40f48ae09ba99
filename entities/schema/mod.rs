//! The schema language: the words in which entities are declared.
//!
//! An [`Entity`] is a `static` value made of [`Field`]s and [`Check`]s by chaining; [`metaschema`] decides whether
//! it makes sense, at compile time for declarations in the program's text and at run time for all others. The
//! language only describes. What follows from a description (validation, SQL, endpoints, documents) is made by the
//! generators, which name no entity.

pub mod access;
pub mod address;
pub mod bytes;
mod check;
mod context;
mod declarations;
mod entity;
pub mod expression;
mod field;
pub mod jwk;
mod literal;
pub mod lua;
mod metaschema;
pub mod path;
pub mod pattern;
pub mod pem;
mod reference;
pub mod samples;
mod shorthand;
pub mod text;
pub mod types;
pub mod url;
mod violations;

pub use check::{Check, Conditional, ConditionalAtLeastOneOf, CustomCheck, Names, Otherwise, custom};
pub use context::{Context, Flavor};
pub use declarations::{Declarations, Profile};
pub use entity::{Agreement, DefaultWorkspace, Edition, Entity, Subschema, Transform, Transformation};
pub use field::{
    BOOLEAN, Field, INTEGER, JsonSchema, NUMBER, Named, Normalizer, OnDelete, Pattern, SAME, STRING, Type,
    Validator, array, elements, foreign, json, map, record, set,
};
pub use literal::{Choices, Literal};
pub use metaschema::Fault;
pub use reference::is_reference;
pub use shorthand::{Deprecation, Expand, Shorthand, row_at, shorthand};
pub use violations::{ENTITY, Violations, quoted, sentence};

/// A row of an entity: its fields by name. A field that is absent was not given; null was given as null.
pub type Row = serde_json::Map<String, serde_json::Value>;
