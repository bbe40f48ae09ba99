//! A PATCH lays its row over the stored one: the laws of that, and that a GET afterwards shows it.

use entities::schema::types::UUID;
use entities::schema::{Entity, INTEGER, Row, STRING, array, record};
use generators::complete::merge;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::cases;
use crate::support::house::House;

static DEVICES: Entity = Entity::new("devices")
    .fields(&[
        ("id", UUID),
        ("name", STRING),
        ("ports", array(&INTEGER)),
        (
            "config",
            record(&[
                ("port", INTEGER),
                ("inner", record(&[("text", STRING), ("ports", array(&INTEGER))]).optional()),
            ])
            .optional(),
        ),
    ])
    .build();

/// A row of those of the fields that are drawn.
fn some_of(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let drawn =
        fields.into_iter().map(|(name, value)| option::of(value).prop_map(move |value| (name, value)));
    drawn
        .collect::<Vec<_>>()
        .prop_map(|fields| {
            let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Value::Object(given.collect())
        })
        .boxed()
}

fn one_of(values: Vec<Value>) -> BoxedStrategy<Value> {
    proptest::sample::select(values).boxed()
}

fn number(range: std::ops::Range<i64>) -> BoxedStrategy<Value> {
    range.prop_map(Value::from).boxed()
}

fn device() -> BoxedStrategy<Row> {
    let ports = || one_of(vec![json!([]), json!([1]), json!([1, 2]), json!(null)]);
    let text = || one_of(vec![json!("a"), json!("b"), json!(null)]);
    let inner = some_of(vec![("text", text()), ("ports", ports())]);
    let config = some_of(vec![("port", number(0..3)), ("inner", inner)]);
    let row = some_of(vec![("id", text()), ("name", text()), ("ports", ports()), ("config", config)]);
    row.prop_map(|row| row.as_object().cloned().unwrap_or_default()).boxed()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn merging_is_laying_over(a in device(), b in device(), c in device()) {
        let over = |top: &Row, bottom: &Row| merge(&DEVICES, top, bottom);
        prop_assert_eq!(over(&Row::new(), &b), b.clone(), "nothing changes nothing");
        prop_assert_eq!(over(&a, &Row::new()), a.clone(), "over nothing, it is itself");
        prop_assert_eq!(over(&a, &over(&a, &b)), over(&a, &b), "twice is once");
        prop_assert_eq!(over(&a, &over(&b, &c)), over(&over(&a, &b), &c), "it does not matter where one begins");
        prop_assert_eq!(leaves(&over(&a, &b)), leaves_over(&a, &b), "what is given wins, what is not stays");
    }
}

/// The paths and values of what is no record.
fn leaves(row: &Row) -> std::collections::BTreeMap<String, Value> {
    let mut found = std::collections::BTreeMap::new();
    for (name, value) in row {
        match value {
            Value::Object(inner) => {
                found.extend(leaves(inner).into_iter().map(|(path, leaf)| (format!("{name}.{path}"), leaf)));
            }
            leaf => {
                found.insert(name.clone(), leaf.clone());
            }
        }
    }
    found
}

fn leaves_over(top: &Row, bottom: &Row) -> std::collections::BTreeMap<String, Value> {
    let mut all = leaves(bottom);
    all.extend(leaves(top));
    all
}

fn tags() -> BoxedStrategy<Value> {
    one_of(vec![json!(["x"]), json!(["y", "x"]), json!([]), json!(null)])
}

fn service() -> BoxedStrategy<Value> {
    some_of(vec![
        ("host", one_of(vec![json!("a.test"), json!("b.test")])),
        ("port", number(0..65_536)),
        ("retries", number(0..32_768)),
        ("path", one_of(vec![json!("/"), json!("/a/b"), json!(null)])),
        ("read_timeout", number(1..1000)),
        ("enabled", any::<bool>().prop_map(Value::from).boxed()),
        ("tags", tags()),
    ])
}

fn upstream() -> BoxedStrategy<Value> {
    let statuses = || one_of(vec![json!([200]), json!([500, 503]), json!([])]);
    let healthy = some_of(vec![("interval", number(0..100)), ("http_statuses", statuses())]);
    let unhealthy = some_of(vec![("tcp_failures", number(0..10)), ("timeouts", number(0..10))]);
    let active = some_of(vec![
        ("concurrency", number(1..20)),
        ("healthy", healthy),
        ("unhealthy", unhealthy.clone()),
        ("headers", one_of(vec![json!({"x-a": ["1"]}), json!({"x-b": ["2"], "x-c": ["3"]})])),
    ]);
    let passive = some_of(vec![("unhealthy", unhealthy)]);
    let healthchecks = some_of(vec![("active", active), ("passive", passive), ("threshold", number(0..100))]);
    some_of(vec![("slots", number(10..1000)), ("healthchecks", healthchecks), ("tags", tags())])
}

#[test]
fn a_patch_is_the_stored_row_with_the_given_one_laid_over() {
    let houses = House::each("merging");
    let entity = |name| *entities::ENTITIES.iter().find(|entity| entity.name == name).unwrap();
    let (services, upstreams) = (entity("services"), entity("upstreams"));
    proptest!(cases(24), |(rows in [service(), service()], others in [upstream(), upstream()])| {
        for (entity, [first, patch], needed) in [
            (services, &rows, json!({"host": "needed.test"})),
            (upstreams, &others, json!({"name": "needed.test"})),
        ] {
            let collection = format!("/{}", entity.collection());
            let mut new = needed.as_object().unwrap().clone();
            new.extend(first.as_object().unwrap().clone());
            for house in &houses {
                let (status, before) = house.ask("POST", &collection, &Value::Object(new.clone()));
                prop_assert_eq!(status, 201, "{}", before);
                let path = format!("{collection}/{}", before["id"].as_str().unwrap());
                prop_assert_eq!(&house.get(&path), &before, "{:?}", house.store);
                let (status, answer) = house.ask("PATCH", &path, patch);
                prop_assert_eq!(status, 200, "{}", answer);
                let after = house.get(&path);
                prop_assert_eq!(&after, &answer, "{:?}", house.store);
                let mut wanted = merge(entity, patch.as_object().unwrap(), before.as_object().unwrap());
                wanted.insert("updated_at".to_owned(), after["updated_at"].clone());
                prop_assert_eq!(&after, &Value::Object(wanted), "{:?}", house.store);
                prop_assert_eq!(house.ask("DELETE", &path, &Value::Null).0, 204);
            }
        }
    });
}
