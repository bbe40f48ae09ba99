//! JSON Schema (draft 2020-12) of declarations: of a row as people write it, of the bodies that requests carry, and of
//! the rows that answers hold.
//!
//! What JSON Schema cannot say of a row (a rule in Rust, one that counts bytes, one that asks other rows) stands in
//! words under `x-rules`, beside what it is about. Nothing here knows of HTTP.

mod rules;
mod texts;
mod values;

use entities::schema::types::MAX_TTL;
use entities::schema::{
    Check, Context, Declarations, Entity, Field, Literal, Named, Row, Shorthand, Subschema,
};
use serde_json::{Map, Value, json};

use crate::docs::words_of_check;
use crate::validate::ignored;
use rules::Rules;
use values::Values;

/// The dialect that the schemas are written in.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Where the words stand that say what a schema cannot.
pub const RULES: &str = "x-rules";

/// What a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A row as people write it down.
    Row,
    /// The body of a request that makes a row. It may also be written in a few ways that mean the same: an empty
    /// list for an empty object and the other way around, and false for a record that is not given.
    New,
    /// The body of a request that changes a row.
    Change,
    /// A row in an answer.
    Read,
}

impl Shape {
    /// Whether a client writes it.
    fn is_input(self) -> bool {
        self != Shape::Read
    }
}

/// A subschema and the values that choose it; `None`, and no values, where an entity has none.
#[derive(Clone)]
pub struct Variant {
    pub names: Vec<&'static str>,
    pub subschema: Option<&'static Subschema>,
}

/// The variants of an entity's rows, in the order of their declaration.
pub fn variants(entity: &Entity) -> Vec<Variant> {
    let mut list: Vec<Variant> = Vec::new();
    for (name, subschema) in entity.subschemas {
        let known = list
            .iter_mut()
            .find(|variant| variant.subschema.is_some_and(|own| std::ptr::eq(own, *subschema)));
        match known {
            Some(variant) => variant.names.push(name),
            None => list.push(Variant { names: vec![name], subschema: Some(subschema) }),
        }
    }
    if list.is_empty() {
        list.push(Variant { names: Vec::new(), subschema: None });
    }
    list
}

/// The schema of an entity's rows as a document of its own: `GET /schemas/services?format=json-schema`.
pub fn entity(entity: &'static Entity, context: &Context) -> Value {
    let schemas: Vec<_> =
        variants(entity).iter().map(|variant| row(entity, variant, Shape::Row, None, context)).collect();
    let mut document = Map::from_iter([
        ("$schema".to_owned(), DIALECT.into()),
        ("title".to_owned(), entity.name.into()),
        ("description".to_owned(), entity.description.into()),
    ]);
    match <[Value; 1]>::try_from(schemas) {
        Ok([Value::Object(only)]) => document.extend(only),
        Ok([other]) => return other,
        Err(several) => drop(document.insert("oneOf".to_owned(), several.into())),
    }
    Value::Object(document)
}

/// The schema of the rows that one variant of an entity has: `GET /schemas/plugins/cors?format=json-schema`.
pub fn subschema(entity: &'static Entity, name: &str, context: &Context) -> Option<Value> {
    let variant = variants(entity).into_iter().find(|variant| variant.names.contains(&name))?;
    let mut document = Map::from_iter([
        ("$schema".to_owned(), DIALECT.into()),
        ("title".to_owned(), format!("{}: {}", entity.name, variant.names.join(", ")).into()),
    ]);
    if let Value::Object(schema) = row(entity, &variant, Shape::Row, None, context) {
        document.extend(schema);
    }
    Some(Value::Object(document))
}

/// The schema of one variant's rows. `above` is the reference that a path gives (`/services/{services}/routes`), so that
/// nobody asks what a body says about it.
pub fn row(
    entity: &'static Entity,
    variant: &Variant,
    shape: Shape,
    above: Option<&str>,
    context: &Context,
) -> Value {
    let values = Values { shape, context };
    let fields: Vec<Named> =
        entity.fields_of(variant.subschema).map(|(name, field)| (name, *field)).collect();
    let mut object = Object::new(&values);
    for (name, field) in &fields {
        let schema = match () {
            () if entity.subschema_key == Some(*name) => {
                values.choosing(field, &variant.names, chosen_by_default(entity, name, field, variant))
            }
            () if shape.is_input() && (ignored(entity).contains(name) || above == Some(*name)) => {
                values.ignored(field)
            }
            () => values.property(field, values.takes_null(field) && !entity.primary_key.contains(name)),
        };
        object.put(name, schema);
    }
    if shape.is_input() {
        object.shorthands(entity.shorthands, &fields);
    }
    if entity.ttl {
        object.put("ttl", ttl());
    }
    match shape {
        Shape::Read => object.required = fields.iter().map(|(name, _)| *name).collect(),
        Shape::Change => {}
        Shape::Row | Shape::New => {
            object.demand(&fields, entity.shorthands, |name, field| {
                if entity.subschema_key == Some(name) {
                    !chosen_by_default(entity, name, field, variant)
                } else {
                    !ignored(entity).contains(&name) && above != Some(name)
                }
            });
            let rules = Rules { values: &values, fields: &fields, shorthands: entity.shorthands };
            let own = variant.subschema.map_or(&[][..], |subschema| subschema.checks);
            entity.checks.iter().chain(own).for_each(|check| object.rule(&rules, check));
            object.words.extend(words_of_entity(entity, variant));
        }
    }
    Value::Object(object.build())
}

/// The schema of a record's content.
fn record(values: &Values, field: &Field) -> Map<String, Value> {
    let fields = field.fields();
    let mut object = Object::new(values);
    for (name, field) in fields {
        object.put(name, values.property(field, values.takes_null(field)));
    }
    match values.shape {
        Shape::Read => {
            object.required = fields.iter().map(|(name, _)| *name).collect();
            // An old name is shown with the value of the field that took its place.
            for shorthand in field.shorthands {
                let Some(successor) = successor(shorthand, fields) else { continue };
                if !fields.iter().any(|(name, _)| *name == shorthand.name) {
                    let shown = Field { deprecation: shorthand.field.deprecation, ..*successor };
                    object.put(shorthand.name, values.property(&shown, true));
                    object.required.push(shorthand.name);
                }
            }
        }
        Shape::Change => object.shorthands(field.shorthands, fields),
        Shape::Row | Shape::New => {
            object.shorthands(field.shorthands, fields);
            object.demand(fields, field.shorthands, |_, _| true);
            let rules = Rules { values, fields, shorthands: field.shorthands };
            field.checks.iter().for_each(|check| object.rule(&rules, check));
        }
    }
    object.build()
}

/// The field that took the place of a shorthand.
fn successor<'a>(shorthand: &Shorthand, fields: &'a [Named]) -> Option<&'a Field> {
    let (first, rest) = shorthand.field.deprecation?.replaced_with.first()?.split_first()?;
    let named = |fields: &'a [Named], wanted: &str| {
        fields.iter().find(|(name, _)| *name == wanted).map(|(_, field)| field)
    };
    rest.iter().try_fold(named(fields, first)?, |field, name| named(field.fields(), name))
}

/// An object with known properties, while its schema is put together.
struct Object<'a> {
    values: &'a Values<'a>,
    properties: Map<String, Value>,
    required: Vec<&'static str>,
    all_of: Vec<Value>,
    words: Vec<String>,
}

impl<'a> Object<'a> {
    fn new(values: &'a Values<'a>) -> Object<'a> {
        Object { values, properties: Map::new(), required: Vec::new(), all_of: Vec::new(), words: Vec::new() }
    }

    fn put(&mut self, name: &str, schema: Value) {
        self.properties.insert(name.to_owned(), schema);
    }

    /// Input that is written as other fields; where it has the name of a field, that field's schema stands.
    fn shorthands(&mut self, list: &[Shorthand], fields: &[Named]) {
        for shorthand in list {
            if !self.properties.contains_key(shorthand.name) {
                let nullable =
                    self.values.takes_null(&shorthand.field) && takes_null(shorthand, fields, self.values);
                self.put(shorthand.name, self.values.property(&shorthand.field, nullable));
            }
        }
    }

    /// Demands the fields that are not completed to something valid, unless a shorthand may stand for them.
    fn demand(&mut self, fields: &[Named], shorthands: &[Shorthand], asked: impl Fn(&str, &Field) -> bool) {
        for (name, field) in fields {
            if !asked(name, field) || !self.values.must_be_given(field) {
                continue;
            }
            let instead: Vec<_> = shorthands
                .iter()
                .filter(|shorthand| writes_to(shorthand, &[*name]) && shorthand.name != *name)
                .map(|shorthand| json!({ "required": [shorthand.name] }))
                .collect();
            if instead.is_empty() {
                self.required.push(name);
            } else {
                let own = std::iter::once(json!({ "required": [name] }));
                self.all_of.push(json!({ "anyOf": own.chain(instead).collect::<Vec<_>>() }));
            }
        }
    }

    /// A rule between fields, as a schema; in words where there is none, or where it says less than the rule.
    fn rule(&mut self, rules: &Rules, check: &Check) {
        let schema = rules.of(check);
        if schema.is_none() || rules.is_suspended(check) {
            self.words.push(words_of_check(check));
        }
        self.all_of.extend(schema);
    }

    fn build(self) -> Map<String, Value> {
        let mut schema = Map::from_iter([("type".to_owned(), "object".into())]);
        let mut put = |name: &str, value: Value| schema.insert(name.to_owned(), value);
        put("properties", Value::Object(self.properties));
        if !self.required.is_empty() {
            put("required", self.required.into());
        }
        put("additionalProperties", false.into());
        if !self.all_of.is_empty() {
            put("allOf", self.all_of.into());
        }
        if !self.words.is_empty() {
            put(RULES, self.words.into());
        }
        schema
    }
}

/// Whether a shorthand may write to the field at a path, or to a part of it.
fn writes_to(shorthand: &Shorthand, path: &[&str]) -> bool {
    let touches = |written: &&[&str]| written.iter().zip(path).all(|(a, b)| a == b);
    shorthand.writes.is_empty() || shorthand.writes.iter().any(touches)
}

/// Whether what a shorthand makes of null can be stored.
fn takes_null(shorthand: &Shorthand, fields: &[Named], values: &Values) -> bool {
    (shorthand.expand)(&Value::Null).unwrap_or_default().iter().all(|(name, value)| {
        let field = fields.iter().find(|(own, _)| own == name);
        field.is_none_or(|(_, field)| values.accepts(field, value.clone()))
    })
}

/// Whether a row that does not name a variant has this one.
fn chosen_by_default(entity: &Entity, key: &str, field: &Field, variant: &Variant) -> bool {
    let default = field.default.unwrap_or(Literal::Null).to_value();
    let chosen = entity.subschema_of(&Row::from_iter([(key.to_owned(), default)]));
    matches!((chosen, variant.subschema), (Some(a), Some(b)) if std::ptr::eq(a, b))
}

/// What is asked of a whole row and of others than the row itself.
fn words_of_entity(entity: &Entity, variant: &Variant) -> Vec<String> {
    let listed = |names: &[&str]| names.join(", ");
    let own = variant.subschema.map_or(&[][..], |subschema| subschema.transformations);
    let together = entity.transformations.iter().chain(own).filter_map(|transformation| {
        let names: Vec<_> = transformation.input.iter().chain(transformation.needs).copied().collect();
        (names.len() > 1).then(|| format!("given together or not at all: {}", listed(&names)))
    });
    let agreement = entity.agreement.map(|agreement| {
        let with: Vec<_> = agreement.with.iter().map(|(through, ..)| *through).collect();
        format!("{} has a value in common with that of: {}", agreement.field, listed(&with))
    });
    together.chain(agreement).collect()
}

fn ttl() -> Value {
    json!({
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": MAX_TTL,
        "description": "The number of seconds after which the row is gone; none or 0: never.",
    })
}

/// Where in a path a key stands, which decides what else than an id leads to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// `/services/{services}`: also through another entity's name, where the declaration says so.
    Alone,
    /// `/services/{services}/routes`: also through a name of the child.
    Above(&'static str),
    /// `/services/{services}/routes/{routes}`: also by what names the row there and nowhere else.
    Below,
}

/// The schema of a key in a path: an id, or what else leads to a row of the entity.
pub fn key(
    declarations: &Declarations,
    entity: &'static Entity,
    standing: Standing,
    context: &Context,
) -> Value {
    let values = Values { shape: Shape::Row, context };
    let texts = |field: &Field| Value::Object(values.value(field, true));
    let through = entity.reached_through.map(|(name, _)| name).filter(|name| match standing {
        Standing::Alone => true,
        Standing::Above(child) => child == *name,
        Standing::Below => false,
    });
    let through = through.and_then(|name| declarations.entity(name));
    let named = |entity: &'static Entity| entity.endpoint_key.and_then(|name| entity.field(name));
    let own = entity.key_below.filter(|_| standing == Standing::Below).and_then(|name| entity.field(name));
    let mut ways: Vec<Value> =
        entity.primary_key.iter().filter_map(|name| entity.field(name)).map(texts).collect();
    ways.extend([named(entity), own, through.and_then(named)].into_iter().flatten().map(texts));
    let any_text = json!({ "type": "string", "minLength": 1 });
    if ways.contains(&any_text) {
        return any_text;
    }
    match <[Value; 1]>::try_from(ways) {
        Ok([only]) => only,
        Err(ways) => json!({ "anyOf": ways }),
    }
}
