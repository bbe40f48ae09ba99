//! Produces the answers of `GET /schemas/…`: a declaration as JSON, in the words of Kong's own declarations.
//!
//! Rules in Rust are left out, as is what no client needs: how a field is stored and which edition knows it. Names of
//! unknown entities are not judged here.

use entities::schema::{
    Check, Conditional, ConditionalAtLeastOneOf, Deprecation, Entity, Field, JsonSchema, Named, Pattern,
    Shorthand, Subschema, Type,
};
use serde_json::{Map, Value, json};

/// An entity: `GET /schemas/services`.
///
/// `{"fields": [{"id": {"type": "string", …}}, …], "entity_checks": [{"at_least_one_of": […]}, …]}`
pub fn entity(entity: &Entity) -> Value {
    schema(entity.fields, entity.checks)
}

/// A variant of an entity: `GET /schemas/plugins/cors`, `GET /schemas/vaults/env`. The shape is that of [`entity`].
pub fn subschema(subschema: &Subschema) -> Value {
    schema(subschema.fields, subschema.checks)
}

/// A record, such as a plugin's `config`: `GET /plugins/schema/cors`. The shape is that of [`entity`].
pub fn record(field: &Field) -> Value {
    schema(field.fields(), field.checks)
}

fn schema(fields: &[Named], checks: &[Check]) -> Value {
    json!({ "fields": named(fields), "entity_checks": listed(checks, check) })
}

fn named(fields: &[Named]) -> Value {
    listed(fields, |(name, declaration)| entry(name, field(declaration)))
}

pub(crate) fn field(field: &Field) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), value);
        }
    };
    let flag = |set: bool| set.then_some(Value::Bool(true));
    put("type", has_type(field).then(|| field.type_name().into()));
    put("description", field.description.map(Value::from));
    put("required", field.required.map(Value::from));
    put("unique", field.unique.map(Value::from));
    put("default", field.default.map(|value| table(value.to_value())));
    put("auto", flag(field.auto));
    put("unique_across_ws", flag(field.unique_across_ws));
    put("immutable", flag(field.immutable));
    put("referenceable", flag(field.referenceable));
    put("encrypted", flag(field.encrypted));
    put("transient", flag(field.transient));
    put("abstract", flag(field.is_abstract));
    put("on_delete", field.on_delete.map(|action| action.name().into()));
    put("examples", given(field.examples, |value| table(value.to_value())));
    put("deprecation", field.deprecation.map(deprecation));
    put("err", field.err.map(Value::from));
    put("between", field.between.map(|(min, max)| json!([number(min), number(max)])));
    put("gt", field.gt.map(Value::from));
    put("eq", field.eq.map(|value| table(value.to_value())));
    put("ne", field.ne.map(|value| table(value.to_value())));
    put("one_of", field.one_of.map(|choices| choices.to_value()));
    put("not_one_of", field.not_one_of.map(|choices| choices.to_value()));
    put("len_eq", field.len_eq.map(Value::from));
    put("len_min", field.len_min.map(Value::from));
    put("len_max", field.len_max.map(Value::from));
    put("starts_with", field.starts_with.map(Value::from));
    put("match", field.matches.map(Value::from));
    put("not_match", field.not_match.map(Value::from));
    put("match_all", given(field.match_all, pattern));
    put("match_none", given(field.match_none, pattern));
    put("match_any", field.match_any.map(|(patterns, err)| with_err(json!({ "patterns": patterns }), err)));
    put("contains", field.contains.map(|value| table(value.to_value())));
    put("is_regex", flag(field.is_regex));
    put("uuid", flag(field.uuid));
    put("timestamp", flag(field.timestamp));
    put(
        "mutually_exclusive_subsets",
        given(field.mutually_exclusive_subsets, |set| Value::from(set.to_vec())),
    );
    put("entity_checks", given(field.checks, check));
    put("shorthand_fields", given(field.shorthands, shorthand));
    match field.ty {
        Type::Array(elements) | Type::Set(elements) | Type::Elements(elements) => {
            put("elements", Some(self::field(elements)));
        }
        Type::Map(keys, values) => {
            put("keys", Some(self::field(keys)));
            put("values", Some(self::field(values)));
        }
        Type::Record(fields) => put("fields", (!field.is_abstract).then(|| named(fields))),
        Type::Foreign(entity) => put("reference", Some(entity.name.into())),
        Type::Json(schema) => put("json_schema", Some(json_schema(schema))),
        Type::String | Type::Integer | Type::Number | Type::Boolean | Type::Same => {}
    }
    Value::Object(out)
}

/// A number without a fraction is shown as an integer.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 { Value::from(value as i64) } else { Value::from(value) }
}

/// The two halves of a conditional check have the type of the field that they look at, and do not say so.
fn has_type(field: &Field) -> bool {
    !matches!(field.ty, Type::Same | Type::Elements(_))
}

fn shorthand(shorthand: &Shorthand) -> Value {
    entry(shorthand.name, field(&shorthand.field))
}

fn deprecation(deprecation: &Deprecation) -> Value {
    let mut out = Map::new();
    out.insert("message".to_owned(), deprecation.message.into());
    out.insert("removal_in_version".to_owned(), deprecation.removal_in_version.into());
    if let Some(value) = deprecation.old_default {
        out.insert("old_default".to_owned(), table(value.to_value()));
    }
    if let Some(paths) = given(deprecation.replaced_with, |path| json!({ "path": path })) {
        out.insert("replaced_with".to_owned(), paths);
    }
    Value::Object(out)
}

fn json_schema(schema: &JsonSchema) -> Value {
    json!({
        "namespace": schema.namespace,
        "parent_subschema_key": schema.parent_subschema_key,
        "optional": schema.optional,
        "default": table(schema.default.to_value()),
    })
}

fn pattern((pattern, err): &Pattern) -> Value {
    with_err(json!({ "pattern": pattern }), err)
}

fn check(check: &Check) -> Value {
    let rule = match check {
        Check::AtLeastOneOf(names)
        | Check::OnlyOneOf(names)
        | Check::Distinct(names)
        | Check::MutuallyRequired(names)
        | Check::MutuallyExclusive(names)
        | Check::AllOrNothing(names) => json!(names),
        Check::MutuallyExclusiveSets { set1, set2 } => json!({ "set1": set1, "set2": set2 }),
        Check::Conditional(check) => conditional(check),
        Check::ConditionalAtLeastOneOf(check) => conditional_at_least_one_of(check),
        Check::Custom { sources, run_with_missing_fields, run_with_invalid_fields, .. } => {
            let mut rule = Map::from_iter([("field_sources".to_owned(), json!(sources))]);
            if *run_with_missing_fields {
                rule.insert("run_with_missing_fields".to_owned(), true.into());
            }
            if *run_with_invalid_fields {
                rule.insert("run_with_invalid_fields".to_owned(), true.into());
            }
            Value::Object(rule)
        }
    };
    entry(check.name(), rule)
}

fn conditional(check: &Conditional) -> Value {
    let mut rule = json!({
        "if_field": check.if_field,
        "if_match": table(field(&check.if_match)),
        "then_field": check.then_field,
        "then_match": table(field(&check.then_match)),
    });
    if let (Some(err), Some(rule)) = (check.then_err, rule.as_object_mut()) {
        rule.insert("then_err".to_owned(), err.into());
    }
    rule
}

fn conditional_at_least_one_of(check: &ConditionalAtLeastOneOf) -> Value {
    let mut rule = Map::from_iter([
        ("if_field".to_owned(), check.if_field.into()),
        ("if_match".to_owned(), table(field(&check.if_match))),
        ("then_at_least_one_of".to_owned(), json!(check.then_at_least_one_of)),
    ]);
    if let Some(err) = check.then_err {
        rule.insert("then_err".to_owned(), err.into());
    }
    if let Some(otherwise) = &check.otherwise {
        rule.insert("else_match".to_owned(), table(field(&otherwise.else_match)));
        rule.insert("else_then_at_least_one_of".to_owned(), json!(otherwise.else_then_at_least_one_of));
        if let Some(err) = otherwise.else_then_err {
            rule.insert("else_then_err".to_owned(), err.into());
        }
    }
    Value::Object(rule)
}

/// `err` is shown where a rule has a sentence of its own.
fn with_err(mut rule: Value, err: &str) -> Value {
    if let (false, Some(rule)) = (err.is_empty(), rule.as_object_mut()) {
        rule.insert("err".to_owned(), err.into());
    }
    rule
}

/// A value as Kong's serializer prints a Lua table: what is empty is a list.
fn table(value: Value) -> Value {
    match value {
        Value::Object(map) if map.is_empty() => Value::Array(Vec::new()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(name, value)| (name, table(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(table).collect()),
        other => other,
    }
}

fn entry(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

fn listed<T>(list: &[T], show: impl Fn(&T) -> Value) -> Value {
    Value::Array(list.iter().map(show).collect())
}

/// The list, unless it is empty: an attribute that nothing was declared for is not shown.
fn given<T>(list: &[T], show: impl Fn(&T) -> Value) -> Option<Value> {
    (!list.is_empty()).then(|| listed(list, show))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use entities::ENTITIES;
    use entities::schema::{Declarations, Profile};

    use super::*;

    /// Attributes whose values have no order of their own: Kong lists some of them differently at each start.
    const UNORDERED: &[&str] = &["one_of", "not_one_of", "at_least_one_of", "mutually_exclusive"];

    fn reference(name: &str) -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/reference")
            .join(name)
            .with_extension("json");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        sorted(serde_json::from_str(&text).unwrap())
    }

    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(map) => Value::Object(
                map.into_iter()
                    .map(|(name, value)| {
                        let mut value = sorted(value);
                        if let (true, Some(list)) = (UNORDERED.contains(&name.as_str()), value.as_array_mut())
                        {
                            list.sort_by_key(Value::to_string);
                        }
                        (name, value)
                    })
                    .collect(),
            ),
            Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
            other => other,
        }
    }

    /// The paths at which two documents differ, with what stands there.
    fn differences(path: &str, shown: &Value, expected: &Value, out: &mut Vec<String>) {
        let missing = Value::String("(absent)".to_owned());
        match (shown, expected) {
            (Value::Object(a), Value::Object(b)) => {
                for name in a.keys().chain(b.keys().filter(|name| !a.contains_key(*name))) {
                    let [a, b] = [a, b].map(|map| map.get(name).unwrap_or(&missing));
                    differences(&format!("{path}.{name}"), a, b, out);
                }
            }
            (Value::Array(a), Value::Array(b)) => {
                for index in 0..a.len().max(b.len()) {
                    let [a, b] = [a, b].map(|list| list.get(index).unwrap_or(&missing));
                    differences(&format!("{path}[{index}]"), a, b, out);
                }
            }
            _ if shown == expected => {}
            _ => out.push(format!("{path}: {shown} instead of {expected}")),
        }
    }

    #[test]
    fn every_declaration_is_shown_as_kong_shows_it() {
        // The secret that the node made up when the reference was taken.
        let secret =
            reference("plugin-session")["fields"][2]["config"]["fields"][0]["secret"]["default"].clone();
        let profile = Profile { secret: secret.as_str().map(str::to_owned), ..Profile::default() };
        let declarations = Declarations::new(ENTITIES, &profile);
        let mut out = Vec::new();
        // Kong has no entities of tokens and roles to compare with.
        for declared in declarations.entities().filter(|declared| declared.access.is_none()) {
            let name = format!("entity-{}", declared.name);
            differences(&name, &sorted(entity(declared)), &reference(&name), &mut out);
            // Variants that a client names, and is told about if it names an unknown one, have a page of their own.
            let has_pages = declared.subschema_error.is_some();
            for (name, variant) in declared.subschemas.iter().filter(|_| has_pages) {
                let name = format!("{}-{name}", declared.name.trim_end_matches('s'));
                differences(&name, &sorted(subschema(variant)), &reference(&name), &mut out);
            }
        }
        assert!(out.is_empty(), "\n{}", out.join("\n"));
    }

    #[test]
    fn a_record_is_shown_without_its_own_attributes() {
        let variant = ENTITIES.iter().find_map(|declared| declared.subschema("rate-limiting")).unwrap();
        let (_, config) = variant.fields[1];
        let shown = record(&config);
        assert_eq!(shown.as_object().unwrap().keys().collect::<Vec<_>>(), ["fields", "entity_checks"]);
        assert_eq!(shown["fields"][0]["second"]["gt"], 0);
        assert_eq!(shown["entity_checks"], json!([]));
    }

    #[test]
    fn an_empty_table_is_a_list() {
        assert_eq!(table(json!({"a": {}, "b": [{}], "c": 1})), json!({"a": [], "b": [[]], "c": 1}));
    }
}
