//! Checks and transformations of a declaration.

use entities::schema::{
    Check, Conditional, ConditionalAtLeastOneOf, Field, Named, Otherwise, SAME, Transformation, custom,
    sentence,
};

use super::functions;
use super::table::{Converter, Table, leak};

/// The attributes of one half of a conditional check.
const HALF: &[&str] = &[
    "required",
    "elements",
    "keys",
    "values",
    "between",
    "eq",
    "ne",
    "gt",
    "len_eq",
    "len_min",
    "len_max",
    "match",
    "not_match",
    "match_all",
    "match_none",
    "match_any",
    "starts_with",
    "one_of",
    "not_one_of",
    "contains",
    "is_regex",
    "timestamp",
    "uuid",
    "custom_validator",
    "mutually_exclusive_subsets",
    "err",
];

impl Converter<'_> {
    /// The checks that the attribute `name` lists.
    pub(super) fn checks(&self, table: &Table, name: &str) -> &'static [Check] {
        let mut checks = Vec::new();
        for entry in table.tables(name) {
            let mut kinds = entry.keys();
            match (kinds.next(), kinds.next()) {
                (Some(kind), None) => checks.extend(self.check(&entry, kind)),
                _ => self.fault(&entry.path, "exactly one of these fields must be non-empty: the checks"),
            }
        }
        checks.leak()
    }

    fn check(&self, entry: &Table, kind: &str) -> Option<Check> {
        match kind {
            "at_least_one_of" => entry.names(kind).map(Check::AtLeastOneOf),
            "only_one_of" => entry.names(kind).map(Check::OnlyOneOf),
            "distinct" => entry.names(kind).map(Check::Distinct),
            "mutually_required" => entry.names(kind).map(Check::MutuallyRequired),
            "mutually_exclusive" => entry.names(kind).map(Check::MutuallyExclusive),
            "mutually_exclusive_sets" => {
                let rule = entry.table(kind)?;
                rule.only(&["set1", "set2"]);
                Some(Check::MutuallyExclusiveSets {
                    set1: rule.names("set1").unwrap_or_default(),
                    set2: rule.names("set2").unwrap_or_default(),
                })
            }
            "conditional" => self.conditional(&entry.table(kind)?),
            "conditional_at_least_one_of" => self.conditional_at_least_one_of(&entry.table(kind)?),
            "custom_entity_check" => self.custom(&entry.table(kind)?),
            _ => {
                entry.fault(kind, sentence::UNKNOWN);
                None
            }
        }
    }

    fn conditional(&self, rule: &Table) -> Option<Check> {
        rule.only(&["if_field", "if_match", "then_field", "then_match", "then_err"]);
        Some(Check::Conditional(leak(Conditional {
            if_field: self.needed(rule, "if_field")?,
            if_match: self.half(rule, "if_match")?,
            then_field: self.needed(rule, "then_field")?,
            then_match: self.half(rule, "then_match")?,
            then_err: rule.text("then_err"),
        })))
    }

    fn conditional_at_least_one_of(&self, rule: &Table) -> Option<Check> {
        rule.only(&[
            "if_field",
            "if_match",
            "then_at_least_one_of",
            "then_err",
            "else_match",
            "else_then_at_least_one_of",
            "else_then_err",
        ]);
        let otherwise = match rule.get("else_match") {
            None => None,
            Some(_) => Some(Otherwise {
                else_match: self.half(rule, "else_match")?,
                else_then_at_least_one_of: rule.names("else_then_at_least_one_of").unwrap_or_default(),
                else_then_err: rule.text("else_then_err"),
            }),
        };
        Some(Check::ConditionalAtLeastOneOf(leak(ConditionalAtLeastOneOf {
            if_field: self.needed(rule, "if_field")?,
            if_match: self.half(rule, "if_match")?,
            then_at_least_one_of: rule.names("then_at_least_one_of").unwrap_or_default(),
            then_err: rule.text("then_err"),
            otherwise,
        })))
    }

    fn needed(&self, rule: &Table, name: &str) -> Option<&'static str> {
        if rule.get(name).is_none() {
            rule.fault(name, sentence::REQUIRED);
        }
        rule.text(name)
    }

    /// One half of a conditional check; one without rules always holds.
    fn half(&self, rule: &Table, name: &str) -> Option<Field> {
        if rule.get(name).is_none() {
            rule.fault(name, sentence::REQUIRED);
        }
        let half = rule.table(name)?;
        half.only(HALF);
        let mut field = SAME;
        field.required = half.flag("required");
        self.rules(&half, &mut field);
        field.ty = self.half_elements(&half);
        Some(field)
    }

    fn custom(&self, rule: &Table) -> Option<Check> {
        rule.only(&["field_sources", "fn", "run_with_missing_fields", "run_with_invalid_fields"]);
        let sources = rule.names("field_sources").unwrap_or_default();
        if rule.get("fn").is_none() {
            rule.fault("fn", sentence::REQUIRED);
        }
        let Some(check) = functions::check(rule.function("fn")?, sources) else {
            rule.fault("fn", "a rule of one value checks no entity");
            return None;
        };
        let missing = rule.flag("run_with_missing_fields").unwrap_or(false);
        let invalid = rule.flag("run_with_invalid_fields").unwrap_or(false);
        Some(run_also(custom(sources, check), missing, invalid))
    }

    /// The function `check` of an entity, which looks at all of its fields.
    pub(super) fn own_check(&self, table: &Table, fields: &'static [Named]) -> Option<Check> {
        let function = table.function("check")?;
        let sources: Vec<&'static str> = fields.iter().map(|(name, _)| *name).collect();
        Some(run_also(custom(sources.leak(), functions::check(function, &[])?), false, true))
    }

    /// The transformations of an entity or a variant.
    pub(super) fn transformations(&self, table: &Table) -> &'static [Transformation] {
        let mut transformations = Vec::new();
        for entry in table.tables("transformations") {
            entry.only(&["input", "needs", "on_write", "on_read"]);
            let (input, needs) =
                (entry.names("input").unwrap_or_default(), entry.names("needs").unwrap_or_default());
            if input.is_empty() {
                entry.fault("input", "a transformation names the fields that it takes");
            }
            let function =
                |name| entry.function(name).and_then(|function| functions::transform(function, input, needs));
            let (on_write, on_read) = (function("on_write"), function("on_read"));
            if on_write.is_none() && on_read.is_none() {
                self.fault(
                    &entry.path,
                    "at least one of these fields must be non-empty: 'on_write', 'on_read'",
                );
            }
            transformations.push(Transformation { input, needs, on_write, on_read });
        }
        transformations.leak()
    }
}

/// A custom check that also runs while fields that it names are missing, or invalid.
fn run_also(mut check: Check, missing: bool, invalid: bool) -> Check {
    if let Check::Custom { run_with_missing_fields, run_with_invalid_fields, .. } = &mut check {
        *run_with_missing_fields = missing;
        *run_with_invalid_fields = invalid;
    }
    check
}
