//! Functions of a script as the rules, checks, shorthands and transformations that the schema language knows.
//!
//! A script says "wrong" by a first value that is nil or false, and why by a second one. What it raises is a sentence
//! like any other: a script can refuse a row, and nothing worse.

use entities::schema::{Context, CustomCheck, Expand, Names, Row, Transform, Validator};
use serde_json::Value;

use super::table::leak;
use super::{Body, Function, Script};

/// The values of a call that found nothing wrong, or why it found something wrong.
fn accepted(values: &[Value]) -> Result<(), Option<String>> {
    match values.first() {
        None | Some(Value::Null | Value::Bool(false)) => {
            Err(values.get(1).filter(|why| !why.is_null()).map(text))
        }
        Some(_) => Ok(()),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn judge(script: &Script, value: &Value) -> Result<(), String> {
    let values = script(std::slice::from_ref(value))?;
    accepted(&values).map_err(|why| why.unwrap_or_else(|| format!("failed validating: {}", text(value))))
}

/// A rule of one value.
pub(super) fn validator(function: Function) -> Validator {
    match function.body {
        Body::Rule(rule) => rule,
        Body::Script(script) => Validator::Any(leak(move |value: &Value| judge(script, value))),
    }
}

/// A rule over several fields. `sources` is what it names, for the sentence of one that gives no reason.
pub(super) fn check(function: Function, sources: Names) -> Option<CustomCheck> {
    let Body::Script(script) = function.body else { return None };
    Some(leak(move |row: &Row, _: &Context| {
        let values = script(&[Value::Object(nested(row))])?;
        accepted(&values).map_err(|why| {
            why.unwrap_or_else(|| match sources.is_empty() {
                true => "entity check failed".to_owned(),
                false => {
                    format!("failed entity check: custom_entity_check({})", entities::schema::quoted(sources))
                }
            })
        })
    }))
}

/// A row whose names are paths, as the tree that a script sees: `{"config.a": 1}` is `{"config": {"a": 1}}`.
fn nested(row: &Row) -> Row {
    let mut tree = Row::new();
    for (path, value) in row {
        let names: Vec<&str> = path.split('.').collect();
        insert(&mut tree, &names, value);
    }
    tree
}

fn insert(tree: &mut Row, names: &[&str], value: &Value) {
    match names {
        [] => {}
        [name] => {
            tree.insert((*name).to_owned(), value.clone());
        }
        [name, rest @ ..] => {
            let inner = tree.entry(*name).or_insert_with(|| Value::Object(Row::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// What a shorthand's function makes of a value; and a rule that tells of a value on which it raises, on top of the
/// shorthand's own. A shorthand has no other way to refuse a value.
pub(super) fn expansion(function: Function, own: Option<Validator>) -> Option<(Expand, Validator)> {
    let Body::Script(script) = function.body else { return None };
    let expand =
        leak(move |value: &Value| match script(std::slice::from_ref(value)).ok()?.into_iter().next() {
            Some(Value::Object(row)) => Some(row),
            _ => None,
        });
    let rule = leak(move |value: &Value| {
        match (own, value) {
            (Some(Validator::Any(rule)), value) => rule(value)?,
            (Some(Validator::Text(rule)), Value::String(text)) => rule(text)?,
            _ => {}
        }
        script(std::slice::from_ref(value)).map(drop)
    });
    Some((expand, Validator::Any(rule)))
}

/// A transformation: the script gets the values of `input` and `needs` one after another, and gives fields.
pub(super) fn transform(function: Function, input: Names, needs: Names) -> Option<Transform> {
    let Body::Script(script) = function.body else { return None };
    Some(leak(move |row: &Row, _: &Context| {
        let arguments: Vec<Value> =
            input.iter().chain(needs).map(|name| row.get(*name).cloned().unwrap_or_default()).collect();
        let mut values = script(&arguments)?.into_iter();
        match (values.next(), values.next()) {
            (Some(Value::Object(row)), _) => Ok(row),
            (_, Some(why)) if !why.is_null() => Err(text(&why)),
            _ => Ok(Row::new()),
        }
    }))
}
