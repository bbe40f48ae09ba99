//! Rules between fields, run over a row.
//!
//! A check sees the fields that it names. Whether it runs while some of them are missing or wrong, and the sentence
//! that it leaves under `@entity`, are those of Kong's `run_entity_check`.

use entities::schema::{
    Check, Conditional, ConditionalAtLeastOneOf, Context, Field, Row, Transformation, Violations,
    is_reference, quoted, sentence,
};
use serde_json::Value;

use crate::validate::{Candidate, get, is_filled, validate_value};

/// One run of checks over a row.
pub struct Run<'a> {
    /// The row's fields, a subschema's in place of the entity's.
    pub fields: &'a [(&'static str, &'static Field)],
    pub row: &'a Row,
    /// Whether the row is whole; a part of one skips checks none of whose fields it has.
    pub full: bool,
    /// Whether sentences say that this is an update.
    pub updating: bool,
    pub context: &'a Context<'a>,
}

impl Run<'_> {
    /// Runs one check; what is wrong is added to `violations`.
    pub fn check(&self, check: &Check, violations: &mut Violations) {
        if let Check::Conditional(check) = check
            && self.is_another(check.if_field, &check.if_match)
        {
            return;
        }
        let names = || check.sources().into_iter().flatten().copied();
        let mut present = false;
        for name in names() {
            if let Some(value) = get(self.row, name) {
                present = true;
                let refers = value.as_str().is_some_and(is_reference);
                if refers && self.field(name).is_some_and(|field| field.referenceable) {
                    return;
                }
            }
        }
        let invalid = !violations.0.is_empty() && names().any(|name| violations.0.contains_key(name));
        let rules = running_rules(check);
        if invalid && !rules.with_invalid || !(present || rules.with_missing && self.full) {
            return;
        }
        let missing: Vec<_> = if rules.with_missing {
            Vec::new()
        } else {
            demanded(check).into_iter().filter(|name| get(self.row, name).is_none()).collect()
        };
        if !missing.is_empty() {
            let suffix = if self.updating { sentence::AFTER_UPDATING } else { "" };
            for name in missing {
                violations.set(name, format!("{}{suffix}", sentence::REQUIRED_FOR_CHECK));
            }
            return;
        }
        if let Some(sentence) = self.broken(check, violations) {
            violations.add_entity(sentence);
        }
    }

    fn field(&self, path: &str) -> Option<&'static Field> {
        let mut names = path.split('.');
        let first = names.next()?;
        let field = self.fields.iter().find(|(name, _)| *name == first).map(|(_, field)| *field)?;
        names.try_fold(field, |field, name| {
            field.fields().iter().find(|(own, _)| *own == name).map(|(_, field)| field)
        })
    }

    fn filled(&self, names: &[&str]) -> usize {
        names.iter().filter(|name| is_filled(get(self.row, name))).count()
    }

    /// The sentence of a check that fails.
    fn broken(&self, check: &Check, violations: &mut Violations) -> Option<String> {
        let fails =
            |failed: bool, what: &str, names: &[&str]| failed.then(|| format!("{what}: {}", quoted(names)));
        match check {
            Check::AtLeastOneOf(names) => fails(
                self.filled(names) == 0,
                &self.phrase("at least one of these fields must be non-empty"),
                names,
            ),
            Check::OnlyOneOf(names) => {
                fails(self.filled(names) != 1, "exactly one of these fields must be non-empty", names)
            }
            Check::Distinct(names) => {
                fails(self.repeats(names), "values of these fields must be distinct", names)
            }
            Check::MutuallyRequired(names) | Check::AllOrNothing(names) => {
                let filled = self.filled(names);
                fails(filled != 0 && filled != names.len(), "all or none of these fields must be set", names)
            }
            Check::MutuallyExclusive(names) => {
                fails(self.filled(names) > 1, "only one or none of these fields must be set", names)
            }
            Check::MutuallyExclusiveSets { set1, set2 } => {
                let filled = |set: &[&'static str]| -> Vec<&'static str> {
                    set.iter().copied().filter(|name| is_filled(get(self.row, name))).collect()
                };
                let (first, second) = (filled(set1), filled(set2));
                (!first.is_empty() && !second.is_empty()).then(|| {
                    format!("these sets are mutually exclusive: ({}), ({})", quoted(&first), quoted(&second))
                })
            }
            Check::Conditional(check) => self.conditional(check, violations),
            Check::ConditionalAtLeastOneOf(check) => self.conditional_at_least_one_of(check),
            Check::Custom { sources, rule, .. } => {
                let mut part = Row::with_capacity(sources.len());
                for name in *sources {
                    if let Some(value) = get(self.row, name) {
                        part.insert((*name).to_owned(), value.clone());
                    }
                }
                rule(&part, self.context).err()
            }
        }
    }

    fn phrase(&self, words: &str) -> String {
        if self.updating { format!("{}{words}", sentence::WHEN_UPDATING) } else { words.to_owned() }
    }

    fn repeats(&self, names: &[&str]) -> bool {
        let mut seen: Vec<&Value> = Vec::new();
        names.iter().filter_map(|name| get(self.row, name)).filter(|value| is_filled(Some(value))).any(
            |value| {
                let again = !value.is_object() && !value.is_array() && seen.contains(&value);
                seen.push(value);
                again
            },
        )
    }

    /// Whether the field at `path` keeps its own rules and those of a condition.
    fn keeps(&self, path: &str, rules: &Field) -> Result<(), Value> {
        let value = get(self.row, path).unwrap_or(&Value::Null);
        match self.field(path) {
            Some(field) => validate_value(&field.overlaid(rules), value, self.context),
            None => Ok(()),
        }
    }

    /// Whether a condition that names values names others than the field's: then nothing more need be looked at.
    fn is_another(&self, path: &str, condition: &Field) -> bool {
        get(self.row, path).filter(|value| !value.is_null()).is_some_and(|value| {
            condition.one_of.is_some_and(|choices| !choices.contains(value))
                || condition.eq.is_some_and(|wanted| !wanted.equals(value))
        })
    }

    fn conditional(&self, check: &Conditional, violations: &mut Violations) -> Option<String> {
        self.keeps(check.if_field, &check.if_match).ok()?;
        let value = get(self.row, check.then_field).unwrap_or(&Value::Null);
        if check.then_match.is_required() && value.is_null() {
            violations.set(check.then_field, sentence::REQUIRED);
        } else {
            let what = self.keeps(check.then_field, &check.then_match).err()?;
            violations.set(check.then_field, what);
            if let Some(sentence) = check.then_err {
                return Some(sentence.replace("%s", check.if_field));
            }
        }
        Some(format!("failed conditional validation given value of field '{}'", check.if_field))
    }

    fn conditional_at_least_one_of(&self, check: &ConditionalAtLeastOneOf) -> Option<String> {
        get(self.row, check.if_field)?;
        let (names, err) = if self.keeps(check.if_field, &check.if_match).is_ok() {
            (check.then_at_least_one_of, check.then_err)
        } else {
            let otherwise = check.otherwise.as_ref()?;
            self.keeps(check.if_field, &otherwise.else_match).ok()?;
            (otherwise.else_then_at_least_one_of, otherwise.else_then_err)
        };
        (self.filled(names) == 0).then(|| match err {
            Some(sentence) => sentence.replace("%s", &quoted(names)),
            None => {
                format!(
                    "{}: {}",
                    self.phrase("at least one of these fields must be non-empty"),
                    quoted(names)
                )
            }
        })
    }
}

/// When a kind of check runs.
struct Running {
    with_missing: bool,
    with_invalid: bool,
}

fn running_rules(check: &Check) -> Running {
    let (with_missing, with_invalid) = match check {
        Check::AtLeastOneOf(_) | Check::ConditionalAtLeastOneOf(_) => (true, true),
        Check::OnlyOneOf(_) | Check::Distinct(_) | Check::Conditional(_) => (false, true),
        Check::MutuallyRequired(_)
        | Check::MutuallyExclusive(_)
        | Check::MutuallyExclusiveSets { .. }
        | Check::AllOrNothing(_) => (true, false),
        Check::Custom { run_with_missing_fields, run_with_invalid_fields, .. } => {
            (*run_with_missing_fields, *run_with_invalid_fields)
        }
    };
    Running { with_missing, with_invalid }
}

/// The fields without which a check cannot run.
fn demanded(check: &Check) -> Vec<&'static str> {
    match check {
        Check::Conditional(check) => vec![check.if_field],
        Check::OnlyOneOf(names) | Check::Distinct(names) => names.to_vec(),
        Check::Custom { sources, .. } => sources.to_vec(),
        _ => Vec::new(),
    }
}

/// The fields that a transformation takes are given all together or not at all.
pub fn transformation(transformation: &Transformation, candidate: &Candidate, violations: &mut Violations) {
    let Transformation { input, needs, .. } = transformation;
    let given = |name: &str| get(candidate.given, name);
    let any_given = input.iter().any(|name| is_filled(given(name)));
    let needs_changed = candidate.stored.is_some_and(|stored| {
        needs
            .iter()
            .any(|name| given(name).unwrap_or(&Value::Null) != get(stored, name).unwrap_or(&Value::Null))
    });
    if !any_given && !needs_changed {
        return;
    }
    let all: Vec<&str> = input.iter().chain(*needs).copied().collect();
    let source = if needs_changed { candidate.given } else { candidate.row };
    let lacks = |source: &Row, names: &[&str]| {
        let filled = names.iter().filter(|name| is_filled(get(source, name))).count();
        filled != 0 && filled != names.len()
    };
    for (source, names) in [(source, all.as_slice()), (candidate.given, *input)] {
        if lacks(source, names) {
            violations.add_entity(format!("all or none of these fields must be set: {}", quoted(names)));
            return;
        }
    }
}
