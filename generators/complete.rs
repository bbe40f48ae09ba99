//! A row made complete: shorthands written out, defaults and automatic fields filled in, sets without doubles.
//!
//! This is what happens to input before it is validated (`validate.rs`), and how a partial update is laid over the
//! stored row. The order of steps and the treatment of nulls are those of Kong's `Schema:process_auto_fields`.

use entities::schema::{Context, Entity, Field, Named, Row, Shorthand, Transformation, Type, Violations};
use serde_json::Value;

use crate::validate::{get, is_filled, validate_value};

/// What a row is made complete for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A new row: defaults and automatic fields are filled in.
    Insert,
    /// Part of a row: only `updated_at` is filled in.
    Update,
    /// A whole row that replaces another or is new.
    Upsert,
}

/// The row of `entity`, made complete. Wrong shorthands are violations; everything else is left to validation.
pub fn complete(entity: &'static Entity, row: Row, verb: Verb, context: &Context) -> Result<Row, Violations> {
    let row = expand(entity.shorthands, row, context)?;
    let subschema = entity.subschema_of(&row);
    fill(entity.fields_of(subschema), row, verb, context)
}

/// The content of a record, made complete.
pub fn complete_record(record: &Field, row: Row, verb: Verb, context: &Context) -> Result<Row, Violations> {
    let row = expand(record.shorthands, row, context)?;
    fill(named(record.fields()), row, verb, context)
}

fn named(fields: &'static [Named]) -> impl Iterator<Item = (&'static str, &'static Field)> {
    fields.iter().map(|(name, field)| (*name, field))
}

/// Writes shorthands out as the fields that they stand for.
fn expand(shorthands: &[Shorthand], mut row: Row, context: &Context) -> Result<Row, Violations> {
    let mut violations = Violations::default();
    for shorthand in shorthands {
        let Some(value) = row.get(shorthand.name) else { continue };
        if let Err(what) = validate_value(&shorthand.field, value, context) {
            violations.0.insert(shorthand.name.to_owned(), what);
            continue;
        }
        if let Some(sentence) = mismatch(shorthand, value, &row) {
            violations.0.insert(shorthand.name.to_owned(), Value::String(sentence));
            continue;
        }
        let Some(value) = row.shift_remove(shorthand.name) else { continue };
        let yields = shorthand.field.deprecation.is_some();
        for (name, value) in (shorthand.expand)(&value).unwrap_or_default() {
            merge_shorthand(&mut row, name, value, yields);
        }
    }
    violations.into_result().map(|()| row)
}

/// A deprecated shorthand yields to the field that took its place; any other shorthand wins.
fn merge_shorthand(row: &mut Row, name: String, value: Value, yields: bool) {
    match (row.get_mut(&name), value) {
        (Some(Value::Object(own)), Value::Object(new)) => {
            for (name, value) in new {
                if !yields || own.get(&name).is_none_or(Value::is_null) {
                    own.insert(name, value);
                }
            }
        }
        (Some(own), value) if value.is_object() || !yields || own.is_null() => *own = value,
        (Some(_), _) => {}
        (None, value) => {
            row.insert(name, value);
        }
    }
}

/// The sentence for a deprecated field that stands beside its successor with another value.
fn mismatch(shorthand: &Shorthand, value: &Value, row: &Row) -> Option<String> {
    let deprecation = shorthand.field.deprecation?;
    if value.is_null() {
        return None;
    }
    deprecation.replaced_with.iter().find_map(|path| {
        let successor = at_path(row, path).filter(|successor| !successor.is_null())?;
        (successor != value).then(|| {
            format!(
                "both deprecated and new field are used but their values mismatch: {} = {} vs {} = {}",
                shorthand.name,
                printed(value),
                path.join("."),
                printed(successor)
            )
        })
    })
}

fn at_path<'a>(row: &'a Row, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(row.get(*first)?, |value, name| value.get(name))
}

fn printed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Fills in every field in turn.
fn fill(
    fields: impl Iterator<Item = (&'static str, &'static Field)>,
    row: Row,
    verb: Verb,
    context: &Context,
) -> Result<Row, Violations> {
    let fields: Vec<_> = fields.collect();
    let mut given: Vec<Option<Value>> = Vec::new();
    given.resize_with(fields.len(), || None);
    let mut unknown = Row::new();
    // A row that was filled before has its fields in order, which saves looking for them.
    let mut next = 0;
    for (name, value) in row {
        let declared = |at: &usize| fields.get(*at).is_some_and(|(own, _)| *own == name);
        let at = Some(next).filter(declared).or_else(|| fields.iter().position(|(own, _)| *own == name));
        match at.and_then(|at| given.get_mut(at)) {
            Some(given) => *given = Some(value),
            None => drop(unknown.insert(name, value)),
        }
        next = at.map_or(next, |at| at + 1);
    }
    let mut filled = Row::with_capacity(fields.len() + unknown.len());
    for ((name, field), given) in fields.into_iter().zip(given) {
        let value = automatic(name, field, given, verb, context);
        if let Some(value) = adjust(field, value, verb, context)? {
            filled.insert(name.to_owned(), value);
        }
    }
    filled.append(&mut unknown);
    Ok(filled)
}

/// The value of a field that the node fills in, or what was given.
fn automatic(
    name: &str,
    field: &Field,
    given: Option<Value>,
    verb: Verb,
    context: &Context,
) -> Option<Value> {
    if !field.auto {
        return given;
    }
    let new = verb != Verb::Update;
    if field.uuid {
        return given.or_else(|| new.then(|| Value::from((context.new_id)().to_string())));
    }
    match field.ty {
        Type::String => given.or_else(|| new.then(|| Value::from((context.new_secret)()))),
        Type::Integer | Type::Number => {
            let wanted = match name {
                "created_at" => new && given.as_ref().is_none_or(Value::is_null),
                "updated_at" => true,
                _ => false,
            };
            match (wanted, field.ty) {
                (false, _) => given,
                (true, Type::Integer) => Some(Value::from(context.now())),
                (true, _) => Some(Value::from(context.now_us as f64 / 1_000_000.0)),
            }
        }
        _ => given,
    }
}

/// Completes what lies inside a value, and supplies a value that is missing.
pub(crate) fn adjust(
    field: &Field,
    value: Option<Value>,
    verb: Verb,
    context: &Context,
) -> Result<Option<Value>, Violations> {
    if field.is_abstract {
        return Ok(value);
    }
    let value = match (field.ty, value) {
        (Type::Record(_), None) if verb != Verb::Update && field.is_required() => {
            missing_record(field, verb, context)?
        }
        // Kong takes false for a record that was not given.
        (Type::Record(_), Some(Value::Bool(false))) => missing_record(field, verb, context)?,
        (Type::Record(_), Some(Value::Object(row))) => {
            Some(Value::Object(complete_record(field, row, verb, context)?))
        }
        (Type::Record(_), Some(Value::Array(items))) => {
            Some(Value::Object(complete_record(field, numbered(items), verb, context)?))
        }
        (Type::Array(elements), Some(Value::Array(items))) => {
            Some(Value::Array(adjust_all(elements, items, verb, context)?))
        }
        (Type::Set(elements), Some(Value::Array(items))) => {
            Some(Value::Array(adjust_all(elements, without_doubles(items), verb, context)?))
        }
        (Type::Array(_) | Type::Set(_), Some(Value::Object(fields))) if fields.is_empty() => {
            Some(Value::Array(Vec::new()))
        }
        (Type::Map(..), Some(Value::Array(items))) if items.is_empty() => Some(Value::Object(Row::new())),
        (Type::Map(_, values), Some(Value::Object(fields))) => {
            let mut adjusted = Row::new();
            for (name, value) in fields {
                if let Some(value) = adjust(values, Some(value), verb, context)? {
                    adjusted.insert(name, value);
                }
            }
            Some(Value::Object(adjusted))
        }
        (Type::Integer | Type::Number, Some(Value::Number(number))) => Some(whole(number)),
        (_, other) => other,
    };
    match value {
        None if verb != Verb::Update => missing(field, context),
        value => Ok(value),
    }
}

fn adjust_all(
    elements: &Field,
    items: Vec<Value>,
    verb: Verb,
    context: &Context,
) -> Result<Vec<Value>, Violations> {
    // An element is replaced as a whole, so that it is completed as a whole even on an update.
    let verb = if verb == Verb::Update { Verb::Insert } else { verb };
    items
        .into_iter()
        .map(|item| adjust(elements, Some(item), verb, context).map(Option::unwrap_or_default))
        .collect()
}

/// The value of a record that was not given, made complete.
fn missing_record(field: &Field, verb: Verb, context: &Context) -> Result<Option<Value>, Violations> {
    match missing(field, context)? {
        Some(Value::Object(row)) => {
            complete_record(field, row, verb, context).map(|row| Some(Value::Object(row)))
        }
        other => Ok(other),
    }
}

/// The value of a field that was not given.
fn missing(field: &Field, context: &Context) -> Result<Option<Value>, Violations> {
    if let Some(default) = &field.default {
        return match (field.ty, default.to_value()) {
            (Type::Array(elements) | Type::Set(elements), Value::Array(items)) => {
                adjust_all(elements, items, Verb::Insert, context).map(|items| Some(Value::Array(items)))
            }
            (_, value) => Ok(Some(value)),
        };
    }
    if !field.is_required() {
        return Ok(Some(Value::Null));
    }
    match field.ty {
        Type::Record(_) if !field.is_abstract => {
            complete_record(field, Row::new(), Verb::Insert, context).map(|row| Some(Value::Object(row)))
        }
        _ => Ok(None),
    }
}

/// A list where a record is wanted: its items under their numbers, which no record declares.
pub fn numbered(items: Vec<Value>) -> Row {
    items.into_iter().enumerate().map(|(i, item)| ((i + 1).to_string(), item)).collect()
}

/// A set keeps the first of equal scalars. Two equal records are two, as two tables are in Lua.
fn without_doubles(items: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::with_capacity(items.len());
    let mut seen = std::collections::HashSet::new();
    for item in items {
        if item.is_object() || item.is_array() || seen.insert(item.to_string()) {
            kept.push(item);
        }
    }
    kept
}

/// A number without a fraction is written as an integer.
fn whole(number: serde_json::Number) -> Value {
    /// The largest integer up to which every integer has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => {
            Value::from(float as i64)
        }
        _ => Value::Number(number),
    }
}

/// The row as it is stored: shorthands that bear the name of a field run once more over the complete row, so that a
/// field and its default agree (an upstream's `algorithm` and `hash_on`). Kong does this whenever it reads a row.
pub fn rewrite(entity: &'static Entity, mut row: Row) -> Row {
    for shorthand in entity.rewriting_shorthands() {
        let Some(value) = row.get(shorthand.name) else { continue };
        for (name, value) in (shorthand.expand)(value).unwrap_or_default() {
            row.insert(name, value);
        }
    }
    row
}

/// `top` laid over `bottom`: records are merged field by field, everything else is replaced.
pub fn merge(entity: &'static Entity, top: &Row, bottom: &Row) -> Row {
    let subschema = entity.subschema_of(bottom);
    merge_fields(entity.fields_of(subschema), top, bottom)
}

fn merge_fields(
    fields: impl Iterator<Item = (&'static str, &'static Field)>,
    top: &Row,
    bottom: &Row,
) -> Row {
    let mut output = bottom.clone();
    for (name, value) in top {
        output.insert(name.clone(), value.clone());
    }
    for (name, field) in fields {
        if let (Type::Record(inner), Some(Value::Object(top)), Some(Value::Object(bottom)), false) =
            (field.ty, top.get(name), bottom.get(name), field.is_abstract)
        {
            output.insert(name.to_owned(), Value::Object(merge_fields(named(inner), top, bottom)));
        }
    }
    output
}

/// The transformations of a row: the entity's, then its subschema's.
pub fn transformations(
    entity: &'static Entity,
    row: &Row,
) -> impl Iterator<Item = &'static Transformation> + use<> {
    let more = entity.subschema_of(row).into_iter().flat_map(|subschema| subschema.transformations);
    entity.transformations.iter().chain(more)
}

/// Runs the transformations of a row that is about to be written: the entity's, then its subschema's.
///
/// `given` is what the client sent; a transformation runs only when all of its input was given.
pub fn transform(
    entity: &'static Entity,
    mut row: Row,
    given: &Row,
    context: &Context,
) -> Result<Row, String> {
    for transformation in transformations(entity, &row) {
        let Some(on_write) = transformation.on_write else { continue };
        let filled = |row: &Row, name: &str| is_filled(get(row, name));
        if transformation.input.iter().all(|name| filled(given, name))
            && transformation.needs.iter().all(|name| filled(&row, name))
        {
            let arguments = transformation
                .input
                .iter()
                .chain(transformation.needs)
                .filter_map(|name| Some(((*name).to_owned(), get(&row, name)?.clone())))
                .collect();
            let changes = on_write(&arguments, context)?;
            row = merge(entity, &changes, &row);
        }
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use entities::schema::Literal::{List, Map, Str};
    use entities::schema::{Flavor, STRING, array, record};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_elements_of_a_default_are_complete() {
        const METRIC: Field = record(&[("name", STRING), ("unit", STRING)]);
        const METRICS: Field = array(&METRIC).default(List(&[Map(&[("name", Str("latency"))])]));
        let context = Context {
            now_us: 0,
            new_id: &Uuid::nil,
            new_secret: &String::new,
            router_flavor: Flavor::Traditional,
            without_database: false,
        };
        let row =
            complete_record(&record(&[("metrics", METRICS)]), Row::new(), Verb::Insert, &context).unwrap();
        assert_eq!(Value::Object(row), json!({"metrics": [{"name": "latency", "unit": null}]}));
    }
}
