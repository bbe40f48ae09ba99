//! What a form and JSON can both say, they say alike.

use entities::schema::types::UUID;
use entities::schema::{BOOLEAN, Entity, INTEGER, NUMBER, STRING, array, map, record, set};
use generators::input::{form, infer, json_row};
use generators::output::escape;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

use super::cases;

static FORMS: Entity = Entity::new("forms")
    .fields(&[
        ("id", UUID),
        ("text", STRING),
        ("count", INTEGER),
        ("share", NUMBER),
        ("on", BOOLEAN),
        ("words", array(&STRING)),
        ("codes", set(&INTEGER)),
        ("labels", map(&STRING, &STRING)),
        ("headers", map(&STRING, &array(&STRING))),
        (
            "config",
            record(&[
                ("text", STRING),
                ("flags", array(&BOOLEAN)),
                ("store", record(&[("port", INTEGER), ("hosts", set(&STRING))]).optional()),
            ])
            .optional(),
        ),
    ])
    .build();

/// A value in both notations: JSON, and the ends of a form's arguments (`[port]=1`).
type Both = (Value, Vec<String>);

/// An empty text means null in a form, so it is no text here.
fn text() -> BoxedStrategy<Both> {
    let text = prop_oneof!["[a-z]{1,8}", ".{1,8}", "true|false|1|0x10|null|%41|a\\+b|a=b&c|\\[\\]"];
    let text = text.prop_filter("an empty text is null", |text: &String| !text.is_empty());
    text.prop_map(|text| (Value::from(text.as_str()), vec![format!("={}", escape(&text))])).boxed()
}

fn scalar(values: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Both> {
    values.prop_map(|value| (value.clone(), vec![format!("={}", escape(&value.to_string()))])).boxed()
}

fn integer() -> BoxedStrategy<Both> {
    scalar(prop_oneof![-10..10_i64, any::<i64>()].prop_map(Value::from))
}

fn boolean() -> BoxedStrategy<Both> {
    scalar(any::<bool>().prop_map(Value::from))
}

/// Anything, or null.
fn nullable(value: BoxedStrategy<Both>) -> BoxedStrategy<Both> {
    prop_oneof![4 => value, 1 => Just((Value::Null, vec!["=".to_owned()]))].boxed()
}

/// A list of scalars: by empty brackets, by positions, or by repeating the name.
fn list(elements: BoxedStrategy<Both>) -> BoxedStrategy<Both> {
    (vec(elements, 1..4), 0..3)
        .prop_map(|(items, style)| {
            let (values, ends): (Vec<Value>, Vec<Vec<String>>) = items.into_iter().unzip();
            let ends = ends.concat().into_iter().enumerate().map(|(i, end)| match style {
                0 => format!("[]{end}"),
                1 => format!("[{}]{end}", i + 1),
                _ => end,
            });
            (Value::from(values), ends.collect())
        })
        .boxed()
}

/// An object of named values, each behind a point or in brackets.
fn object(fields: Vec<(String, BoxedStrategy<Both>)>) -> BoxedStrategy<Both> {
    let fields =
        fields.into_iter().map(|(name, value)| (Just(name), proptest::option::of(value), any::<bool>()));
    fields
        .collect::<Vec<_>>()
        .prop_filter("an empty object cannot be written", |fields| {
            fields.iter().any(|(_, value, _)| value.is_some())
        })
        .prop_map(|fields| {
            let given = fields.into_iter().filter_map(|(name, value, point)| Some((name, value?, point)));
            joined(given)
        })
        .boxed()
}

fn entries(values: BoxedStrategy<Both>) -> BoxedStrategy<Both> {
    btree_map("[a-z][a-z0-9-]{0,5}", (values, any::<bool>()), 1..4)
        .prop_map(|entries| joined(entries.into_iter().map(|(name, (value, point))| (name, value, point))))
        .boxed()
}

fn joined(given: impl Iterator<Item = (String, Both, bool)>) -> Both {
    let (mut row, mut all) = (serde_json::Map::new(), Vec::new());
    for (name, (value, ends), point) in given {
        let name_in = |end: &String| if point { format!(".{name}{end}") } else { format!("[{name}]{end}") };
        all.extend(ends.iter().map(name_in));
        row.insert(name, value);
    }
    (Value::Object(row), all)
}

fn row() -> BoxedStrategy<Both> {
    let named = |fields: Vec<(&str, BoxedStrategy<Both>)>| {
        object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let share = scalar((-1000..1000_i32).prop_map(|share| Value::from(f64::from(share) / 8.0)));
    let store = named(vec![("port", integer()), ("hosts", list(text()))]);
    let config = named(vec![("text", nullable(text())), ("flags", list(boolean())), ("store", store)]);
    named(vec![
        ("text", nullable(text())),
        ("count", nullable(integer())),
        ("share", share),
        ("on", nullable(boolean())),
        ("words", list(text())),
        ("codes", list(integer())),
        ("labels", entries(text())),
        ("headers", entries(list(text()))),
        ("config", config),
        ("unknown", text()),
    ])
}

/// `[port]=1` of the outermost object is `port=1`.
fn argument(end: &str) -> String {
    match end.strip_prefix('.') {
        Some(bare) => bare.to_owned(),
        None => end.trim_start_matches('[').replacen(']', "", 1),
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_form_says_what_json_says((value, ends) in row()) {
        let arguments: Vec<String> = ends.iter().map(|end| argument(end)).collect();
        let body = arguments.join("&");
        let from_form = infer(form(body.as_bytes()).unwrap(), &FORMS);
        let from_json = json_row(value.to_string().as_bytes()).unwrap();
        // A number without a fraction is written as an integer when the row is made complete.
        let plain = |row: serde_json::Map<String, Value>| numbers(Value::Object(row));
        prop_assert_eq!(plain(from_form), plain(from_json), "{}", body);
    }
}

/// The value with every number as a float.
fn numbers(value: Value) -> Value {
    match value {
        Value::Number(number) if !number.is_i64() => Value::from(number.as_f64()),
        Value::Array(items) => items.into_iter().map(numbers).collect(),
        Value::Object(row) => {
            Value::Object(row.into_iter().map(|(name, value)| (name, numbers(value))).collect())
        }
        other => other,
    }
}
