//! Rules between fields as schemas of the object that holds the fields.
//!
//! A rule is about the completed row, while the schema sees what was written: a field that is not there counts with
//! the value that it is completed to. What no schema says exactly is `None`, and told in words.

use entities::schema::{Check, Conditional, ConditionalAtLeastOneOf, Field, Named, Shorthand};
use serde_json::{Map, Value, json};

use super::values::Values;
use super::{RULES, writes_to};
use crate::validate::{is_filled, validate_value};

/// The rules of one object.
pub struct Rules<'a> {
    pub values: &'a Values<'a>,
    pub fields: &'a [Named],
    pub shorthands: &'a [Shorthand],
}

/// What is asked of a field: the schema of a value that has it, and whether a value has it.
struct Asked<'a> {
    schema: Value,
    holds: &'a dyn Fn(&Value) -> bool,
}

impl Rules<'_> {
    /// The schema of an object that keeps the rule; `None` where there is none.
    pub fn of(&self, check: &Check) -> Option<Value> {
        let any = |names: &[&str]| json!({ "anyOf": self.each_filled(names) });
        let schema = match check {
            Check::AtLeastOneOf(names) => any(names),
            Check::OnlyOneOf(names) => json!({ "oneOf": self.each_filled(names) }),
            Check::MutuallyExclusive(names) => {
                let none = std::iter::once(json!({ "not": any(names) }));
                json!({ "oneOf": none.chain(self.each_filled(names)).collect::<Vec<_>>() })
            }
            Check::MutuallyExclusiveSets { set1, set2 } => {
                json!({ "not": { "allOf": [any(set1), any(set2)] } })
            }
            Check::MutuallyRequired(names) | Check::AllOrNothing(names) => {
                json!({ "anyOf": [{ "allOf": self.each_filled(names) }, { "not": any(names) }] })
            }
            Check::Conditional(check) => self.conditional(check)?,
            Check::ConditionalAtLeastOneOf(check) => self.conditional_at_least_one_of(check)?,
            Check::Distinct(_) | Check::Custom { .. } => return None,
        };
        Some(self.unless_suspended(check, schema))
    }

    fn conditional(&self, check: &Conditional) -> Option<Value> {
        let wanted = self.exactly_keeps(check.if_field, &check.if_match)?;
        let then = self.keeps(check.then_field, &check.then_match)?;
        Some(json!({ "if": wanted, "then": then }))
    }

    fn conditional_at_least_one_of(&self, check: &ConditionalAtLeastOneOf) -> Option<Value> {
        let any = |names: &[&str]| json!({ "anyOf": self.each_filled(names) });
        let wanted = self.exactly_keeps(check.if_field, &check.if_match)?;
        let mut schema = json!({ "if": wanted, "then": any(check.then_at_least_one_of) });
        if let (Some(otherwise), Some(schema)) = (&check.otherwise, schema.as_object_mut()) {
            let wanted = self.exactly_keeps(check.if_field, &otherwise.else_match)?;
            let then = any(otherwise.else_then_at_least_one_of);
            schema.insert("else".to_owned(), json!({ "if": wanted, "then": then }));
        }
        Some(schema)
    }

    /// A rule does not run where one of its fields is a reference to a secret, and a shorthand may write what it asks
    /// for.
    fn unless_suspended(&self, check: &Check, rule: Value) -> Value {
        let names = || check.sources().into_iter().flatten().copied();
        let mut ways = vec![rule];
        for name in names() {
            if self.field(name).is_some_and(|field| field.referenceable) {
                let schema = json!({ "type": "string", "pattern": super::values::REFERENCE });
                ways.push(self.asked(name, &Asked { schema, holds: &|_| false }));
            }
        }
        let by_shorthand = self.suspending(check).map(|shorthand| json!({ "required": [shorthand.name] }));
        ways.extend(by_shorthand);
        match <[Value; 1]>::try_from(ways) {
            Ok([only]) => only,
            Err(ways) => json!({ "anyOf": ways }),
        }
    }

    /// Whether a schema cannot say all of the rule, since a shorthand may write what the rule asks for.
    pub fn is_suspended(&self, check: &Check) -> bool {
        self.suspending(check).next().is_some()
    }

    fn suspending<'b>(&'b self, check: &'b Check) -> impl Iterator<Item = &'b Shorthand> {
        self.shorthands.iter().filter(move |shorthand| {
            let mut names = check.sources().into_iter().flatten();
            !self.is_field(shorthand.name)
                && names.any(|name| writes_to(shorthand, &name.split('.').collect::<Vec<_>>()))
        })
    }

    fn each_filled(&self, names: &[&str]) -> Vec<Value> {
        let empty = json!({ "not": { "enum": [null, "", [], {}] } });
        let holds = |value: &Value| is_filled(Some(value));
        names.iter().map(|name| self.asked(name, &Asked { schema: empty.clone(), holds: &holds })).collect()
    }

    /// The field keeps its own rules and those of a condition.
    fn keeps(&self, path: &str, rules: &Field) -> Option<Value> {
        let field = self.field(path)?.overlaid(rules);
        let holds = |value: &Value| validate_value(&field, value, self.values.context).is_ok();
        let untold = Field { description: None, default: None, deprecation: None, ..field };
        let schema = self.values.property(&untold, holds(&Value::Null));
        Some(self.asked(path, &Asked { schema, holds: &holds }))
    }

    /// The same as a condition, which must not leave a rule to words: what comes after it would be asked too often.
    fn exactly_keeps(&self, path: &str, rules: &Field) -> Option<Value> {
        self.keeps(path, rules).filter(|schema| !tells(schema))
    }

    fn is_field(&self, name: &str) -> bool {
        self.fields.iter().any(|(own, _)| *own == name)
    }

    fn field(&self, path: &str) -> Option<Field> {
        let mut names = path.split('.');
        let first = named(self.fields, names.next()?)?;
        names.try_fold(first, |field, name| named(field.fields(), name)).copied()
    }

    /// The schema of an object whose field at `path` has what is asked, be it given or completed.
    fn asked(&self, path: &str, asked: &Asked) -> Value {
        let names: Vec<_> = path.split('.').collect();
        self.below(self.fields, &names, asked)
    }

    fn below(&self, fields: &[Named], path: &[&str], asked: &Asked) -> Value {
        let Some((first, rest)) = path.split_first() else { return asked.schema.clone() };
        let field = named(fields, first);
        let mut inner = self.below(field.map_or(&[], |field| field.fields()), rest, asked);
        if let (false, false, Some(inner)) =
            (rest.is_empty(), (asked.holds)(&Value::Null), inner.as_object_mut())
        {
            inner.insert("type".to_owned(), "object".into());
        }
        let completed = field.map(|field| self.values.absent(field)).unwrap_or_default();
        let found = rest.iter().try_fold(&completed, |value, name| value.get(name)).unwrap_or(&Value::Null);
        let mut schema = Map::from_iter([("properties".to_owned(), json!({ *first: inner }))]);
        if !(asked.holds)(found) {
            schema.insert("required".to_owned(), json!([first]));
        }
        Value::Object(schema)
    }
}

fn named<'a>(fields: &'a [Named], name: &str) -> Option<&'a Field> {
    fields.iter().find(|(own, _)| *own == name).map(|(_, field)| field)
}

/// Whether a schema tells a rule in words.
fn tells(schema: &Value) -> bool {
    match schema {
        Value::Object(entries) => entries.contains_key(RULES) || entries.values().any(tells),
        Value::Array(items) => items.iter().any(tells),
        _ => false,
    }
}
