//! Shorthands and deprecations: input that is written as other fields, and fields on their way out.

use serde_json::{Map, Value};

use super::field::Field;

/// An input field that is not stored; it is written as other fields (`url` of a service).
///
/// A shorthand may have the name of a field, of the same type. It then rewrites that field (`hash_on` of an upstream
/// decides on `algorithm`), and since a default may undo that, it does so again when a row is read.
#[derive(Clone, Copy)]
pub struct Shorthand {
    pub name: &'static str,
    pub field: Field,
    /// The fields that the value stands for. `None`: none.
    pub expand: Expand,
    /// The paths of the fields that the value may be written to; none named: any.
    pub writes: &'static [&'static [&'static str]],
}

impl Shorthand {
    /// Names the paths of the fields that the value is written to.
    #[must_use]
    pub const fn writes(mut self, paths: &'static [&'static [&'static str]]) -> Shorthand {
        self.writes = paths;
        self
    }
}

/// Turns a shorthand's value into the fields it stands for.
pub type Expand = &'static (dyn Fn(&Value) -> Option<Map<String, Value>> + Send + Sync);

/// `name` is accepted as input and written as what `expand` makes of it.
///
/// A shorthand without a deprecation wins over the fields it stands for; a deprecated one yields to them.
pub const fn shorthand(name: &'static str, field: Field, expand: Expand) -> Shorthand {
    Shorthand { name, field, expand, writes: &[] }
}

/// `name` is what the field at `path` was called before; the value is written there.
///
/// The old name is announced to be removed in version 4.0, as every name of that kind is.
#[macro_export]
macro_rules! moved {
    ($name:expr, $field:expr, $path:expr, $message:expr) => {
        $crate::schema::shorthand(
            $name,
            $field.deprecated(&$crate::schema::Deprecation {
                message: $message,
                removal_in_version: "4.0",
                old_default: None,
                replaced_with: &[$path],
            }),
            &|value| Some($crate::schema::row_at($path, value)),
        )
        .writes(&[$path])
    };
}

/// A field that is still stored, although others took its place; `$message` says which.
///
/// A value other than `$old_default` deserves a warning. The field is announced to be removed in version 4.0.
#[macro_export]
macro_rules! superseded {
    ($field:expr, $message:expr, $old_default:expr) => {
        $field.deprecated(&$crate::schema::Deprecation {
            message: $message,
            removal_in_version: "4.0",
            old_default: Some($old_default),
            replaced_with: &[],
        })
    };
}

/// The row that has `value` at `path` and nothing else: `{"redis": {"host": value}}`.
pub fn row_at(path: &[&str], value: &Value) -> Map<String, Value> {
    match path {
        [] => Map::new(),
        [name] => Map::from_iter([(name.to_string(), value.clone())]),
        [name, rest @ ..] => Map::from_iter([(name.to_string(), Value::Object(row_at(rest, value)))]),
    }
}

/// Why a field should no longer be used, and what to use.
#[derive(Clone, Copy)]
pub struct Deprecation {
    pub message: &'static str,
    pub removal_in_version: &'static str,
    /// A value that needs no warning, since it is what everybody has.
    pub old_default: Option<super::literal::Literal>,
    /// The paths of the fields that took its place; the first is shown under the old name in answers.
    pub replaced_with: &'static [&'static [&'static str]],
}
