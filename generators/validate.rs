//! A complete row held against its declaration: either nothing is wrong, or every violation is named.
//!
//! The order of steps follows Kong's `Schema:validate`, since it decides which violations appear together. Rules
//! between fields are in `checks.rs`.

use std::borrow::Cow;

use entities::schema::{
    Check, Choices, Context, Entity, Field, Literal, Named, Row, Subschema, Type, Validator, Violations,
    bytes, is_reference, pattern, sentence,
};
use serde_json::Value;

use crate::checks;
use crate::complete::{Verb, complete_record, numbered};
use crate::numbers::is_integer;

/// What is validated: a row, what the client sent, and what is stored.
pub struct Candidate<'a> {
    pub row: &'a Row,
    /// The client's own words, before completion.
    pub given: &'a Row,
    /// The stored row that `row` was laid over, on an update.
    pub stored: Option<&'a Row>,
}

/// Every violation of a row of `entity`.
pub fn validate(entity: &'static Entity, candidate: &Candidate, verb: Verb, context: &Context) -> Violations {
    let row = candidate.row;
    let subschema = match chosen(entity, row) {
        Ok(subschema) => subschema,
        Err(violations) => return violations,
    };
    let fields: Vec<_> = entity.fields_of(subschema).collect();
    let shape = Shape { fields: &fields, ignored: ignored(entity) };
    let mut violations = shape.validate(row, verb != Verb::Update, context);
    let run = checks::Run {
        fields: &fields,
        row,
        full: verb != Verb::Update,
        updating: verb == Verb::Update,
        context,
    };
    let more = subschema.map_or(&[][..], |subschema| subschema.checks);
    for check in entity.checks.iter().chain(more) {
        run.check(check, &mut violations);
    }
    let more = subschema.map_or(&[][..], |subschema| subschema.transformations);
    for transformation in entity.transformations.iter().chain(more) {
        checks::transformation(transformation, candidate, &mut violations);
    }
    violations
}

/// The stored row and the update differ in a field that cannot change.
pub fn immutable(entity: &'static Entity, update: &Row, stored: &Row) -> Violations {
    let mut violations = Violations::default();
    for (name, field) in entity.fields_of(entity.subschema_of(update)) {
        if let (true, Some(new), Some(old)) = (field.immutable, update.get(name), stored.get(name))
            && !same(new, old)
        {
            violations.set(name, sentence::IMMUTABLE);
        }
    }
    violations
}

/// Equal values; two lists are equal in any order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len()
                && a.iter().all(|item| b.contains(item))
                && b.iter().all(|item| a.contains(item))
        }
        _ => a == b,
    }
}

/// The subschema that a row chooses. Without one, that is the only violation.
fn chosen(entity: &'static Entity, row: &Row) -> Result<Option<&'static Subschema>, Violations> {
    let Some(key) = entity.subschema_key else { return Ok(None) };
    let value = match row.get(key) {
        None | Some(Value::Null) => return Err(Violations::of(key, sentence::REQUIRED)),
        Some(value) => value,
    };
    entity.subschema_of(row).map(Some).ok_or_else(|| {
        let name = match value {
            Value::Array(names) => names.first(),
            other => Some(other),
        };
        let name = match name {
            None => "nil".to_owned(),
            Some(Value::String(name)) => name.clone(),
            Some(other) => other.to_string(),
        };
        Violations::of(key, entity.subschema_error.unwrap_or("unknown type: %s").replace("%s", &name))
    })
}

/// Fields that are not held against a rule: the node writes them itself.
pub fn ignored(entity: &Entity) -> &'static [&'static str] {
    if entity.ttl { &["updated_at", "ttl"] } else { &["updated_at"] }
}

/// The fields of an entity or of a record.
struct Shape<'a> {
    fields: &'a [(&'static str, &'static Field)],
    ignored: &'a [&'a str],
}

impl Shape<'_> {
    /// Violations of single fields; `full` demands the required ones.
    fn validate(&self, row: &Row, full: bool, context: &Context) -> Violations {
        let mut violations = Violations::default();
        // A complete row has its fields in the order of their declaration.
        let mut next = 0;
        for (name, value) in row {
            let declared = |at: &usize| self.fields.get(*at).is_some_and(|(own, _)| own == name);
            let at =
                Some(next).filter(declared).or_else(|| self.fields.iter().position(|(own, _)| own == name));
            next = at.map_or(next, |at| at + 1);
            if self.ignored.contains(&name.as_str()) {
                continue;
            }
            match at.and_then(|at| self.fields.get(at)) {
                None => violations.0.insert(name.clone(), Value::from(sentence::UNKNOWN)),
                Some((_, field)) => match validate_value(field, value, context) {
                    Ok(()) => None,
                    Err(what) => violations.0.insert(name.clone(), what),
                },
            };
        }
        for (name, _) in self.fields.iter().filter(|(_, field)| field.is_required()) {
            let wanting = match row.get(*name) {
                Some(value) => value.is_null(),
                None => full,
            };
            if wanting {
                violations.0.insert((*name).to_owned(), Value::from(sentence::REQUIRED));
            }
        }
        violations
    }
}

/// What is wrong with a value: a sentence, or a tree of them.
pub fn validate_value(field: &Field, value: &Value, context: &Context) -> Result<(), Value> {
    if value.is_null() {
        return null(field).map_or(Ok(()), |what| Err(Value::String(what)));
    }
    if field.eq == Some(Literal::Null) {
        return Err(Value::String(field.err.map_or_else(|| "value must be null".to_owned(), str::to_owned)));
    }
    if field.is_abstract {
        return Err(Value::from(sentence::NOT_SPECIALIZED));
    }
    typed(field, value, context)?;
    if field.referenceable && value.as_str().is_some_and(is_reference) {
        return Ok(());
    }
    match broken_rule(field, value) {
        None => Ok(()),
        Some(what) => Err(Value::String(field.err.map_or(what, str::to_owned))),
    }
}

fn null(field: &Field) -> Option<String> {
    if field.ne == Some(Literal::Null) {
        return Some(field.err.map_or_else(|| "value must not be null".to_owned(), str::to_owned));
    }
    match field.eq {
        Some(wanted) if wanted != Literal::Null => Some(format!("value must be {}", wanted.to_text())),
        _ => field.is_required().then(|| sentence::REQUIRED.to_owned()),
    }
}

/// The value is of the field's type, inside and out.
fn typed(field: &Field, value: &Value, context: &Context) -> Result<(), Value> {
    let wrong = |sentence: &str| Err(Value::from(sentence));
    match field.ty {
        Type::Array(elements) | Type::Elements(elements) => match list(value) {
            Some(items) => validate_elements(elements, items, context),
            None => wrong(sentence::ARRAY),
        },
        Type::Set(elements) => match list(value) {
            Some(items) => validate_elements(elements, items, context),
            None => wrong(sentence::SET),
        },
        Type::Map(keys, values) => match value {
            // Kong tells of one entry, which the hash of the keys chooses; here it is the last.
            Value::Object(entries) => entries.iter().rev().try_for_each(|(key, value)| {
                validate_element(keys, &Value::from(key.as_str()), context)?;
                validate_element(values, value, context)
            }),
            Value::Array(items) if items.is_empty() => Ok(()),
            Value::Array(_) => wrong(sentence::STRING),
            _ => wrong(sentence::MAP),
        },
        Type::Record(fields) => match value {
            Value::Object(row) => validate_record(field, fields, Cow::Borrowed(row), context),
            Value::Array(items) => {
                validate_record(field, fields, Cow::Owned(numbered(items.clone())), context)
            }
            _ => wrong(sentence::RECORD),
        },
        Type::Foreign(entity) => validate_key(entity, value, context),
        Type::Integer => match value {
            Value::Number(number) if is_integer(number) => Ok(()),
            _ => wrong(sentence::INTEGER),
        },
        Type::Number if !value.is_number() => wrong(sentence::NUMBER),
        Type::Boolean if !value.is_boolean() => wrong(sentence::BOOLEAN),
        Type::String if !value.is_string() => wrong(sentence::STRING),
        _ => Ok(()),
    }
}

/// A list's items; an empty object is an empty list, since Lua cannot tell the two apart.
fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        Value::Object(fields) if fields.is_empty() => Some(&[]),
        _ => None,
    }
}

/// An element of a list or a map is not null, unless its declaration says so.
fn validate_element(element: &Field, value: &Value, context: &Context) -> Result<(), Value> {
    if value.is_null() {
        validate_value(&element.required(), value, context)
    } else {
        validate_value(element, value, context)
    }
}

/// Violations by place: right elements are null, so that the list of violations is as long as needed to show them.
fn validate_elements(elements: &Field, items: &[Value], context: &Context) -> Result<(), Value> {
    let mut wrong = Vec::new();
    for (i, item) in items.iter().enumerate() {
        if let Err(what) = validate_element(elements, item, context) {
            wrong.resize(i, Value::Null);
            wrong.push(what);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Value::Array(wrong)) }
}

fn validate_record(
    record: &Field,
    fields: &'static [Named],
    mut row: Cow<Row>,
    context: &Context,
) -> Result<(), Value> {
    // What is complete already stays so; a record in a value that nobody completed is completed here.
    if row.len() != fields.len() || !row.keys().zip(fields).all(|(own, (name, _))| own == name) {
        let whole = complete_record(record, row.into_owned(), Verb::Insert, context);
        row = Cow::Owned(whole.map_err(|found| Value::Object(found.0))?);
    }
    let fields: Vec<_> = fields.iter().map(|(name, field)| (*name, field)).collect();
    let shape = Shape { fields: &fields, ignored: &["updated_at"] };
    let mut violations = shape.validate(&row, true, context);
    let run = checks::Run { fields: &fields, row: &row, full: true, updating: false, context };
    record.checks.iter().for_each(|check: &Check| run.check(check, &mut violations));
    if violations.is_empty() { Ok(()) } else { Err(Value::Object(violations.0)) }
}

/// A reference holds the primary key of the other entity. What is wrong is told of the fields that were given.
fn validate_key(entity: &'static Entity, value: &Value, context: &Context) -> Result<(), Value> {
    let empty = Row::new();
    let given = value.as_object();
    let key = primary_key(entity, given.unwrap_or(&empty), context);
    if key.is_empty() {
        return Ok(());
    }
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        let fields: Vec<_> = entity.fields_of(None).collect();
        let shape = Shape { fields: &fields, ignored: ignored(entity) };
        let mut violations = shape.validate(given, false, context);
        let run = checks::Run { fields: &fields, row: given, full: false, updating: false, context };
        entity.checks.iter().for_each(|check| run.check(check, &mut violations));
        if !violations.is_empty() {
            return Err(Value::Object(violations.0));
        }
    }
    Err(Value::Object(key.0))
}

/// What is wrong with the fields of a primary key; other fields do not count.
pub fn primary_key(entity: &'static Entity, key: &Row, context: &Context) -> Violations {
    let mut violations = Violations::default();
    for name in entity.primary_key {
        let Some(field) = entity.field(name) else { continue };
        match key.get(*name) {
            None | Some(Value::Bool(false)) => violations.set(name, sentence::MISSING_PRIMARY_KEY),
            Some(Value::Null) if field.is_required() || field.auto => {
                violations.set(name, sentence::REQUIRED)
            }
            Some(value) => {
                if let Err(what) = validate_value(field, value, context) {
                    violations.0.insert((*name).to_owned(), what);
                }
            }
        }
    }
    violations
}

/// The first rule that a value of the right type breaks, in Kong's order of rules.
fn broken_rule(field: &Field, value: &Value) -> Option<String> {
    equality(field, value)
        .or_else(|| range(field, value))
        .or_else(|| length(field, value))
        .or_else(|| value.as_str().and_then(|text| form(field, text)))
        .or_else(|| content(field, value))
        .or_else(|| own_rule(field, value))
        .or_else(|| exclusive_subsets(field, value))
        .or_else(|| unstorable(value))
}

fn equality(field: &Field, value: &Value) -> Option<String> {
    if let Some(wanted) = field.eq.filter(|wanted| !wanted.equals(value)) {
        return Some(format!("value must be {}", wanted.to_text()));
    }
    if field.ne.is_some_and(|unwanted| unwanted.equals(value)) {
        return Some(format!("value must not be {value}"));
    }
    if let Some(choices) = field.not_one_of.filter(|choices: &Choices| choices.contains(value)) {
        return Some(format!("must not be one of: {}", choices.listed()));
    }
    let choices = field.one_of.filter(|choices| !choices.contains(value))?;
    Some(format!("expected one of: {}", choices.listed()))
}

fn range(field: &Field, value: &Value) -> Option<String> {
    if let Some(number) = value.as_f64() {
        if let Some(limit) = field.gt.filter(|limit| number <= *limit as f64) {
            return Some(format!("value must be greater than {limit}"));
        }
        if field.timestamp && number <= 0.0 {
            return Some(sentence::TIMESTAMP.to_owned());
        }
        if let Some((min, max)) = field.between.filter(|(min, max)| number < *min || number > *max) {
            // Kong prints both without their fractions.
            return Some(format!("value should be between {} and {}", min as i64, max as i64));
        }
    }
    let text = value.as_str()?;
    if field.uuid && !is_uuid(text) {
        return Some(sentence::UUID.to_owned());
    }
    (field.is_regex && !entities::schema::path::is_regex(text)).then(|| format!("not a valid regex: {text}"))
}

/// The 36 characters of a UUID, in either case.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn length(field: &Field, value: &Value) -> Option<String> {
    let (length, least) = match value {
        Value::String(text) => (text.len(), field.len_min.or(Some(1))),
        Value::Array(items) => (items.len(), field.len_min),
        Value::Object(entries) => (entries.len(), field.len_min),
        _ => return None,
    };
    if let Some(wanted) = field.len_eq.filter(|wanted| length != *wanted) {
        return Some(format!("length must be {wanted}"));
    }
    if let Some(least) = least.filter(|least| length < *least) {
        return Some(format!("length must be at least {least}"));
    }
    let most = field.len_max.filter(|most| length > *most)?;
    Some(format!("length must be at most {most}"))
}

/// How a text is written.
fn form(field: &Field, text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let invalid = || format!("invalid value: {text}");
    let own = |err: &str| if err.is_empty() { invalid() } else { err.to_owned() };
    if let Some(start) = field.starts_with.filter(|start| !text.starts_with(start)) {
        return Some(format!("should start with: {start}"));
    }
    if field.not_match.is_some_and(|pattern| pattern::matches(pattern, bytes)) {
        return Some(invalid());
    }
    if let Some((_, err)) = field.match_none.iter().find(|(pattern, _)| pattern::matches(pattern, bytes)) {
        return Some(own(err));
    }
    if field.matches.is_some_and(|pattern| !pattern::matches(pattern, bytes)) {
        return Some(invalid());
    }
    if let Some((_, err)) = field.match_all.iter().find(|(pattern, _)| !pattern::matches(pattern, bytes)) {
        return Some(own(err));
    }
    let (_, err) = field
        .match_any
        .filter(|(patterns, _)| !patterns.iter().any(|pattern| pattern::matches(pattern, bytes)))?;
    Some(own(err))
}

fn content(field: &Field, value: &Value) -> Option<String> {
    let wanted = field.contains?;
    let holds = value.as_array().is_some_and(|items| items.iter().any(|item| wanted.equals(item)));
    (!holds).then(|| format!("expected to contain: {}", wanted.to_text()))
}

fn own_rule(field: &Field, value: &Value) -> Option<String> {
    match (field.validator?, value) {
        (Validator::Text(rule), Value::String(text)) => rule(text).err(),
        (Validator::Any(rule), value) => rule(value).err(),
        (Validator::Text(_), _) => None,
    }
}

/// What no store can hold, whatever the field: a number beyond 64 bits, bytes that are not UTF-8, a NUL.
fn unstorable(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.contains('\0') => Some("must not contain a NUL character".to_owned()),
        Value::String(text) => bytes::invalid_at(text)
            .map(|at| format!("invalid utf-8 character sequence detected at position {at}")),
        Value::Number(number)
            if number.as_f64().is_some_and(|float| float.fract() == 0.0) && !number.is_i64() =>
        {
            let beyond = number.as_f64().is_some_and(|float| float.abs() >= 9_223_372_036_854_775_807.0);
            beyond.then(|| "value is out of range".to_owned())
        }
        _ => None,
    }
}

fn exclusive_subsets(field: &Field, value: &Value) -> Option<String> {
    let items = value.as_array()?;
    let mut touched: Vec<&[&str]> = Vec::new();
    for item in items.iter().filter_map(Value::as_str) {
        if let Some(subset) = field.mutually_exclusive_subsets.iter().find(|subset| subset.contains(&item))
            && !touched.contains(subset)
        {
            touched.push(subset);
        }
    }
    (touched.len() > 1).then(|| {
        let sets: Vec<_> =
            touched.iter().map(|subset| format!("({})", entities::schema::quoted(subset))).collect();
        format!("these sets are mutually exclusive: {}", sets.join(", "))
    })
}

/// The value at a path such as `config.redis.host`.
pub fn get<'a>(row: &'a Row, path: &str) -> Option<&'a Value> {
    match path.bytes().position(|byte| byte == b'.').and_then(|at| path.split_at_checked(at)) {
        None => row.get(path),
        Some((head, rest)) => get(row.get(head)?.as_object()?, rest.strip_prefix('.')?),
    }
}

/// Whether a value counts as given: null, an empty text and an empty list or object do not.
pub fn is_filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(entries)) => !entries.is_empty(),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use entities::schema::{NUMBER, STRING, map};
    use serde_json::json;

    use super::*;

    fn check(field: &Field, value: Value, expected: Result<(), &str>) {
        let context = Context {
            now_us: 0,
            new_id: &uuid::Uuid::nil,
            new_secret: &String::new,
            router_flavor: entities::schema::Flavor::Traditional,
            without_database: false,
        };
        assert_eq!(validate_value(field, &value, &context), expected.map_err(Value::from), "{value}");
    }

    #[test]
    fn a_range_may_begin_at_a_fraction_which_its_sentence_leaves_out() {
        const DELAY: Field = NUMBER.between_fractions(0.001, 60.0);
        check(&DELAY, json!(0.001), Ok(()));
        check(&DELAY, json!(60), Ok(()));
        check(&DELAY, json!(0.0009), Err("value should be between 0 and 60"));
        check(&DELAY, json!(60.5), Err("value should be between 0 and 60"));
    }

    #[test]
    fn one_entry_of_a_map_is_told_of() {
        const LABELS: Field = map(&STRING, &STRING);
        check(&LABELS, json!({"a": 1, "b": "right", "c": ""}), Err("length must be at least 1"));
        check(&LABELS, json!({"a": 1, "b": "right"}), Err("expected a string"));
    }
}
