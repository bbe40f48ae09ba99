//! The schemas of values: what a field may hold, in the shape that is asked for.

use entities::schema::{Context, Entity, Field, Literal, Type};
use serde_json::{Map, Value, json};

use super::{RULES, Shape, record, texts};
use crate::complete::{Verb, adjust};
use crate::validate::validate_value;

/// What every text that may be a reference to a secret can be.
pub const REFERENCE: &str = r"^\{vault:\/\/[\s\S]*\}$";

/// The schemas of values in one shape.
pub struct Values<'a> {
    pub shape: Shape,
    pub context: &'a Context<'a>,
}

impl Values<'_> {
    /// A property of an object: what the field may hold, and what is told of it.
    pub fn property(&self, field: &Field, nullable: bool) -> Value {
        let mut schema = self.with_null(self.value(field, false), nullable);
        let deprecation = field.deprecation;
        let mut words: Vec<&str> = field.description.into_iter().collect();
        words.extend(deprecation.map(|deprecation| deprecation.message));
        if !words.is_empty() {
            schema.insert("description".to_owned(), words.join("\n\n").into());
        }
        if deprecation.is_some() {
            schema.insert("deprecated".to_owned(), true.into());
        }
        // A secret that the node made up is nobody's default but its own.
        let default = field.default.filter(|_| !field.default_secret);
        if let (Some(default), Shape::Row | Shape::New) = (default, self.shape) {
            schema.insert("default".to_owned(), default.to_value());
        }
        if !field.examples.is_empty() {
            let examples = field.examples.iter().map(Literal::to_value).collect();
            schema.insert("examples".to_owned(), Value::Array(examples));
        }
        Value::Object(schema)
    }

    /// The field by which a row chooses this variant, perhaps without naming it.
    pub fn choosing(&self, field: &Field, names: &[&str], by_default: bool) -> Value {
        let default = field.default.filter(|_| by_default);
        let mut schema = self.property(&Field { default, ..*field }, false);
        let place = match field.elements() {
            Some(_) => schema.get_mut("items").and_then(Value::as_object_mut),
            None => schema.as_object_mut(),
        };
        if let Some(place) = place {
            place.shift_remove("enum");
            match names {
                [only] => place.insert("const".to_owned(), (*only).into()),
                _ => place.insert("enum".to_owned(), names.to_vec().into()),
            };
        }
        schema
    }

    /// A field that the node writes itself, whatever is given.
    pub fn ignored(&self, field: &Field) -> Value {
        json!({ "readOnly": true, "description": field.description.unwrap_or_default() })
    }

    /// Whether the field may be null.
    pub fn takes_null(&self, field: &Field) -> bool {
        match self.shape {
            Shape::Read => !field.is_required(),
            _ => validate_value(field, &Value::Null, self.context).is_ok(),
        }
    }

    /// Whether a row without the field is not completed to a valid one.
    pub fn must_be_given(&self, field: &Field) -> bool {
        if field.auto {
            return false;
        }
        match adjust(field, None, Verb::Insert, self.context) {
            Ok(None) => field.is_required(),
            Ok(Some(value)) => validate_value(field, &value, self.context).is_err(),
            Err(_) => true,
        }
    }

    /// The value of a field that was not given.
    pub fn absent(&self, field: &Field) -> Value {
        adjust(field, None, Verb::Insert, self.context).ok().flatten().unwrap_or_default()
    }

    /// Whether the node takes that value for the field.
    pub fn accepts(&self, field: &Field, value: Value) -> bool {
        match adjust(field, Some(value), Verb::Insert, self.context) {
            Ok(Some(value)) => validate_value(field, &value, self.context).is_ok(),
            Ok(None) | Err(_) => false,
        }
    }

    /// The schema of a value that is not null; `inner` says that it is an element, a key or a value of a map.
    pub fn value(&self, field: &Field, inner: bool) -> Map<String, Value> {
        if field.eq == Some(Literal::Null) {
            return Map::from_iter([("type".to_owned(), "null".into())]);
        }
        let mut out = match field.ty {
            Type::String => texts::text(field),
            Type::Integer => self.number(field, "integer"),
            Type::Number => self.number(field, "number"),
            Type::Boolean => Map::from_iter([("type".to_owned(), "boolean".into())]),
            Type::Array(elements) | Type::Elements(elements) => self.list(field, elements, false),
            Type::Set(elements) => self.list(field, elements, true),
            Type::Map(keys, values) => self.map(field, keys, values),
            Type::Record(_) if field.is_abstract => Map::from_iter([("type".to_owned(), "object".into())]),
            Type::Record(_) => record(self, field),
            Type::Foreign(entity) => self.reference(entity),
            Type::Json(_) | Type::Same => Map::new(),
        };
        if field.validator.is_some() && is_composite(field) {
            let words = out.entry(RULES).or_insert_with(|| json!([]));
            words.as_array_mut().into_iter().for_each(|words| words.push("has a rule of its own".into()));
        }
        if let Some(wanted) = field.eq {
            out.insert("const".to_owned(), wanted.to_value());
        }
        if let Some(unwanted) = field.ne.filter(|unwanted| *unwanted != Literal::Null) {
            out.insert("not".to_owned(), json!({ "const": unwanted.to_value() }));
        }
        if self.shape == Shape::New || self.shape == Shape::Change {
            out = self.with_other_spellings(field, out, inner);
        }
        if field.referenceable && matches!(field.ty, Type::String) && out.len() > 1 {
            out = or_a_reference(out);
        }
        out
    }

    /// Adds the ways to write an empty value that the node takes: Lua cannot tell an empty list from an empty object.
    fn with_other_spellings(
        &self,
        field: &Field,
        schema: Map<String, Value>,
        inner: bool,
    ) -> Map<String, Value> {
        let candidates = match field.ty {
            Type::Array(_) | Type::Set(_) => vec![json!({})],
            Type::Map(..) => vec![json!([])],
            Type::Record(_) if !field.is_abstract => vec![json!([]), json!(false)],
            _ => return schema,
        };
        let judge = if inner { field.required() } else { *field };
        let taken = |value: &Value| match adjust(field, Some(value.clone()), Verb::Insert, self.context) {
            Ok(Some(value)) => validate_value(&judge, &value, self.context).is_ok(),
            Ok(None) | Err(_) => false,
        };
        let others: Vec<_> = candidates.into_iter().filter(taken).collect();
        if others.is_empty() {
            return schema;
        }
        let any_of = json!([schema, { "enum": others }]);
        Map::from_iter([("anyOf".to_owned(), any_of)])
    }

    /// The schema, or null. A rule about objects or texts says nothing of null, and so must not be turned around.
    fn with_null(&self, mut schema: Map<String, Value>, nullable: bool) -> Map<String, Value> {
        if !nullable || schema.is_empty() || schema.get("type").is_some_and(|name| name == "null") {
            return schema;
        }
        if let (1, Some(Value::Array(alternatives))) = (schema.len(), schema.get_mut("anyOf")) {
            alternatives.push(json!({ "type": "null" }));
            return schema;
        }
        if ["allOf", "anyOf", "not", "const"].iter().any(|word| schema.contains_key(*word)) {
            let any_of = json!([schema, { "type": "null" }]);
            return Map::from_iter([("anyOf".to_owned(), any_of)]);
        }
        if let Some(name) = schema.get_mut("type") {
            *name = json!([name.take(), "null"]);
        }
        if let Some(Value::Array(choices)) = schema.get_mut("enum") {
            choices.push(Value::Null);
        }
        schema
    }

    fn number(&self, field: &Field, name: &str) -> Map<String, Value> {
        let mut out = Map::from_iter([("type".to_owned(), name.into())]);
        if let Some(choices) = field.one_of {
            out.insert("enum".to_owned(), texts::chosen(&choices, field));
            return out;
        }
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        if let Some((least, most)) = field.between {
            put("minimum", whole(least));
            put("maximum", whole(most));
        } else {
            let limit = field.gt.or(field.timestamp.then_some(0));
            match limit {
                Some(limit) => put("exclusiveMinimum", limit.into()),
                None => put("minimum", i64::MIN.into()),
            };
            put("maximum", i64::MAX.into());
        }
        if let Some(choices) = field.not_one_of {
            put("not", json!({ "enum": choices.to_value() }));
        }
        out
    }

    fn list(&self, field: &Field, elements: &Field, is_set: bool) -> Map<String, Value> {
        let mut out = Map::from_iter([
            ("type".to_owned(), "array".into()),
            ("items".to_owned(), Value::Object(self.value(elements, true))),
        ]);
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        if let Some(least) = field.len_eq.or(field.len_min).filter(|least| *least > 0) {
            put("minItems", least.into());
        }
        if let Some(most) = field.len_eq.or(field.len_max) {
            put("maxItems", most.into());
        }
        // Doubles in input are taken out; two equal records are two.
        if is_set && matches!(self.shape, Shape::Read | Shape::Row) && elements.fields().is_empty() {
            put("uniqueItems", true.into());
        }
        if let Some(wanted) = field.contains {
            put("contains", json!({ "const": wanted.to_value() }));
        }
        let subsets = field.mutually_exclusive_subsets;
        if !subsets.is_empty() {
            let others = |own: &[&str]| -> Vec<&str> {
                subsets.iter().filter(|set| **set != own).flat_map(|set| set.iter().copied()).collect()
            };
            let any_of = subsets.iter().map(|set| json!({ "items": { "not": { "enum": others(set) } } }));
            put("anyOf", any_of.collect::<Vec<_>>().into());
        }
        out
    }

    fn map(&self, field: &Field, keys: &Field, values: &Field) -> Map<String, Value> {
        let mut out = Map::from_iter([("type".to_owned(), "object".into())]);
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        let mut names = self.value(keys, true);
        if names.get("type").is_some_and(|name| name == "string") {
            names.shift_remove("type");
        }
        put("propertyNames", Value::Object(names));
        put("additionalProperties", Value::Object(self.value(values, true)));
        if let Some(least) = field.len_eq.or(field.len_min).filter(|least| *least > 0) {
            put("minProperties", least.into());
        }
        if let Some(most) = field.len_eq.or(field.len_max) {
            put("maxProperties", most.into());
        }
        out
    }

    /// A reference holds the id of a row; a client may write what is unique about the row instead.
    fn reference(&self, entity: &'static Entity) -> Map<String, Value> {
        let by = |name: &str, field: &Field| {
            let schema = Value::Object(self.value(field, true));
            json!({ "required": [name], "properties": { name: schema } })
        };
        let keys = entity.primary_key.iter().filter_map(|name| Some((*name, entity.field(name)?)));
        let mut out = Map::from_iter([("type".to_owned(), "object".into())]);
        match self.shape {
            Shape::Read => {
                let keys: Vec<_> = keys.collect();
                let properties = keys
                    .iter()
                    .map(|(name, field)| ((*name).to_owned(), Value::Object(self.value(field, true))));
                out.insert("properties".to_owned(), Value::Object(properties.collect()));
                out.insert(
                    "required".to_owned(),
                    keys.iter().map(|(name, _)| *name).collect::<Vec<_>>().into(),
                );
                out.insert("additionalProperties".to_owned(), false.into());
            }
            Shape::Row | Shape::New | Shape::Change => {
                let ways: Vec<_> =
                    keys.chain(entity.unique_fields()).map(|(name, field)| by(name, field)).collect();
                out.insert("anyOf".to_owned(), ways.into());
                out.insert(RULES.to_owned(), json!([format!("leads to one of: {}", entity.name)]));
            }
        }
        out
    }
}

fn is_composite(field: &Field) -> bool {
    matches!(field.ty, Type::Array(_) | Type::Set(_) | Type::Map(..) | Type::Record(_))
}

/// A schema, or a reference to a secret that is kept elsewhere.
fn or_a_reference(schema: Map<String, Value>) -> Map<String, Value> {
    Map::from_iter([("anyOf".to_owned(), json!([schema, { "type": "string", "pattern": REFERENCE }]))])
}

/// A number without a fraction is written as an integer.
fn whole(value: f64) -> Value {
    if value.fract() == 0.0 { Value::from(value as i64) } else { Value::from(value) }
}
