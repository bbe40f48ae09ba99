//! The JSON Schemas of the declarations: what a declaration accepts its schemas accept, and what breaks a rule that a
//! schema can say they refuse.

use entities::ENTITIES;
use entities::schema::{Context, Declarations, Flavor, Profile};
use generators::fixtures::{Fixtures, Invalid};
use generators::json_schema::{self, Shape, variants};
use generators::output;
use jsonschema::{Draft, Validator};
use serde_json::Value;

const CONTEXT: Context = Context {
    now_us: 1_700_000_000_000_000,
    new_id: &uuid::Uuid::new_v4,
    new_secret: &String::new,
    router_flavor: Flavor::TraditionalCompatible,
    without_database: false,
};

fn compiled(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(schema)
        .unwrap_or_else(|why| panic!("{why}: {schema}"))
}

fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|fault| format!("{} at {}", fault, fault.instance_path())).collect()
}

#[test]
fn what_is_valid_fits_its_schema() {
    let declarations = Declarations::new(ENTITIES, &Profile::default());
    let fixtures = Fixtures::new(&declarations, &CONTEXT);
    let mut problems = Vec::new();
    for entity in declarations.entities().filter(|entity| entity.generate_admin_api && entity.stored) {
        let document = compiled(&json_schema::entity(entity, &CONTEXT));
        for variant in variants(entity) {
            let name = variant.names.first().copied();
            let [row, new, change, read] = [Shape::Row, Shape::New, Shape::Change, Shape::Read]
                .map(|shape| compiled(&json_schema::row(entity, &variant, shape, None, &CONTEXT)));
            for fixture in
                [fixtures.least(entity, name, 0).unwrap(), fixtures.whole(entity, name, 0).unwrap()]
            {
                let given = Value::Object(fixture.row.clone());
                let stored = fixtures.stored(entity, &fixture.row).unwrap();
                let shown: Value = serde_json::from_slice(&output::render(entity, &stored)).unwrap();
                for (what, validator, value) in [
                    ("document", &document, &given),
                    ("row", &row, &given),
                    ("new", &new, &given),
                    ("change", &change, &given),
                    ("read", &read, &shown),
                ] {
                    let found = faults(validator, value);
                    if !found.is_empty() {
                        problems.push(format!("{} {name:?}, {what}: {found:?}\n  {value}", entity.name));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn what_breaks_a_rule_does_not_fit_unless_the_rule_is_told_in_words() {
    let declarations = Declarations::new(ENTITIES, &Profile::default());
    let fixtures = Fixtures::new(&declarations, &CONTEXT);
    let (mut refused, mut told, mut missed) = (0, 0, Vec::new());
    for entity in declarations.entities().filter(|entity| entity.generate_admin_api && entity.stored) {
        for variant in variants(entity) {
            let name = variant.names.first().copied();
            let schema = json_schema::row(entity, &variant, Shape::New, None, &CONTEXT);
            let new = compiled(&schema);
            for Invalid { row, rule, at, .. } in fixtures.invalid(entity, name).unwrap() {
                let row = Value::Object(row);
                if !new.is_valid(&row) {
                    refused += 1;
                } else if tells(&schema, &at) {
                    told += 1;
                } else {
                    missed.push(format!("{} {name:?}: {rule} at {at:?}: {row}", entity.name));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} rules are neither said nor told\n{}", missed.len(), missed.join("\n"));
    assert!(refused > 20 * told, "{told} rules are told in words, and only {refused} said");
}

/// Whether a schema tells a rule in words at a place, or at something that the place lies in.
fn tells(schema: &Value, at: &[String]) -> bool {
    if schema.get(json_schema::RULES).is_some() {
        return true;
    }
    let alternatives = schema["anyOf"].as_array().into_iter().flatten();
    if alternatives.into_iter().any(|alternative| tells(alternative, at)) {
        return true;
    }
    let Some((first, rest)) = at.split_first() else { return false };
    let inner = [&schema["properties"][first], &schema["items"], &schema["additionalProperties"]];
    // What is wrong with a shorthand of a record is told without the record's name.
    let records = schema["properties"].as_object().into_iter().flat_map(|fields| fields.values());
    inner.into_iter().any(|schema| tells(schema, rest))
        || records.into_iter().any(|record| tells(&record["properties"][first], rest))
}
