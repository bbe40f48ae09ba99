//! Checks: rules between the fields of an entity or a record. Field names may be paths (`config.redis.host`).
//!
//! What a check means stands here; running it is the validator's work.

use serde_json::{Map, Value};

use super::context::{Context, Flavor};
use super::field::Field;

/// Names of fields, as a check lists them.
pub type Names = &'static [&'static str];

/// What a custom check looks at: the fields it named, nothing else. It answers with a sentence on the whole entity,
/// or with nothing at all where Kong says only that the check failed.
pub type CustomCheck = &'static (dyn Fn(&Map<String, Value>, &Context) -> Result<(), String> + Send + Sync);

/// A rule between fields.
#[derive(Clone, Copy)]
pub enum Check {
    AtLeastOneOf(Names),
    OnlyOneOf(Names),
    Distinct(Names),
    MutuallyRequired(Names),
    MutuallyExclusive(Names),
    MutuallyExclusiveSets {
        set1: Names,
        set2: Names,
    },
    AllOrNothing(Names),
    Conditional(&'static Conditional),
    ConditionalAtLeastOneOf(&'static ConditionalAtLeastOneOf),
    Custom {
        sources: Names,
        run_with_missing_fields: bool,
        run_with_invalid_fields: bool,
        /// The router flavours under which the check exists; none named: under any.
        flavors: &'static [Flavor],
        rule: CustomCheck,
    },
}

/// If one field keeps some rules, another must keep others.
#[derive(Clone, Copy)]
pub struct Conditional {
    pub if_field: &'static str,
    pub if_match: Field,
    pub then_field: &'static str,
    pub then_match: Field,
    /// Said instead of "failed conditional validation given value of field '…'".
    pub then_err: Option<&'static str>,
}

/// If one field keeps some rules, at least one of others must be given; else, if it keeps other rules, of others.
#[derive(Clone, Copy)]
pub struct ConditionalAtLeastOneOf {
    pub if_field: &'static str,
    pub if_match: Field,
    pub then_at_least_one_of: Names,
    /// `%s` stands for the quoted names.
    pub then_err: Option<&'static str>,
    pub otherwise: Option<Otherwise>,
}

/// The second half of a [`ConditionalAtLeastOneOf`].
#[derive(Clone, Copy)]
pub struct Otherwise {
    pub else_match: Field,
    pub else_then_at_least_one_of: Names,
    pub else_then_err: Option<&'static str>,
}

/// If `if_field` is one of `values`, `then_field` is null.
#[macro_export]
macro_rules! null_if {
    ($then:literal, $field:literal, $values:expr) => {
        $crate::schema::Check::Conditional(&$crate::schema::Conditional {
            if_field: $field,
            if_match: $crate::schema::SAME.one_of($values),
            then_field: $then,
            then_match: $crate::schema::SAME.eq($crate::schema::Literal::Null),
            then_err: None,
        })
    };
}

/// Unless `if_field` is one of `values`, `then_field` is null.
#[macro_export]
macro_rules! null_unless {
    ($then:literal, $field:literal, $values:expr) => {
        $crate::schema::Check::Conditional(&$crate::schema::Conditional {
            if_field: $field,
            if_match: $crate::schema::SAME.not_one_of($values),
            then_field: $then,
            then_match: $crate::schema::SAME.eq($crate::schema::Literal::Null),
            then_err: None,
        })
    };
}

/// If `if_field` is `value`, `then_field` is required.
#[macro_export]
macro_rules! required_if {
    ($then:literal, $field:literal, $value:literal) => {
        $crate::schema::Check::Conditional(&$crate::schema::Conditional {
            if_field: $field,
            if_match: $crate::schema::SAME.eq($crate::schema::Literal::Str($value)),
            then_field: $then,
            then_match: $crate::schema::SAME.required(),
            then_err: None,
        })
    };
}

/// If `if_field` is `value`, at least one of the fields `names` is given; else the sentence, where `%s` stands for
/// their names.
#[macro_export]
macro_rules! at_least_one_if {
    ($names:expr, $field:literal, $value:literal, $err:literal) => {
        $crate::schema::Check::ConditionalAtLeastOneOf(&$crate::schema::ConditionalAtLeastOneOf {
            if_field: $field,
            if_match: $crate::schema::SAME.one_of(&[$value]),
            then_at_least_one_of: $names,
            then_err: Some($err),
            otherwise: None,
        })
    };
}

/// A rule in Rust over the fields it names; it does not run when one of them is missing or invalid.
pub const fn custom(sources: Names, rule: CustomCheck) -> Check {
    Check::Custom {
        sources,
        run_with_missing_fields: false,
        run_with_invalid_fields: false,
        flavors: &[],
        rule,
    }
}

impl Check {
    /// The name of the check in Kong's declarations and in `/schemas`.
    pub const fn name(&self) -> &'static str {
        match self {
            Check::AtLeastOneOf(_) => "at_least_one_of",
            Check::OnlyOneOf(_) => "only_one_of",
            Check::Distinct(_) => "distinct",
            Check::MutuallyRequired(_) => "mutually_required",
            Check::MutuallyExclusive(_) => "mutually_exclusive",
            Check::MutuallyExclusiveSets { .. } => "mutually_exclusive_sets",
            Check::AllOrNothing(_) => "all_or_nothing",
            Check::Conditional(_) => "conditional",
            Check::ConditionalAtLeastOneOf(_) => "conditional_at_least_one_of",
            Check::Custom { .. } => "custom_entity_check",
        }
    }

    /// Every field that the check speaks of, by path: up to four lists.
    pub const fn sources(&self) -> [Names; 3] {
        match self {
            Check::AtLeastOneOf(names)
            | Check::OnlyOneOf(names)
            | Check::Distinct(names)
            | Check::MutuallyRequired(names)
            | Check::MutuallyExclusive(names)
            | Check::AllOrNothing(names) => [names, &[], &[]],
            Check::MutuallyExclusiveSets { set1, set2 } => [set1, set2, &[]],
            Check::Conditional(check) => [as_names(&check.if_field), as_names(&check.then_field), &[]],
            Check::ConditionalAtLeastOneOf(check) => [
                as_names(&check.if_field),
                check.then_at_least_one_of,
                match &check.otherwise {
                    Some(otherwise) => otherwise.else_then_at_least_one_of,
                    None => &[],
                },
            ],
            Check::Custom { sources, .. } => [sources, &[], &[]],
        }
    }
}

const fn as_names(name: &'static &'static str) -> Names {
    std::slice::from_ref(name)
}
