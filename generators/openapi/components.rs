//! What operations share: the schemas of rows, keys, pages and errors, the parameters of lists, and the refusals.

use std::collections::BTreeMap;

use entities::schema::{Context, Declarations, Entity, Row, Type};
use serde_json::{Map, Value, json};

use super::{new_row, schema};
use crate::complete::{Verb, complete};
use crate::fixtures::Fixtures;
use crate::json_schema::{self, RULES, Shape, Standing, Variant, variants};
use crate::operations::{MAX_PAGE_SIZE, PAGE_SIZE};
use crate::output;
use crate::validate::{Candidate, validate};

/// A filter by tags: up to five of them, all of which a row has, or any of which.
const TAGS: &str = "^[^\\x00-\\x1F,/\\x7F]+(,[^\\x00-\\x1F,/\\x7F]+){0,4},?$|^[^\\x00-\\x1F,/\\x7F]+(/[^\\x00-\\x1F,/\\x7F]+){0,4}/?$";

/// The shared parts, made as they are asked for.
pub struct Components<'a> {
    pub declarations: &'a Declarations,
    context: &'a Context<'a>,
    schemas: BTreeMap<String, Value>,
    examples: BTreeMap<String, Value>,
}

impl<'a> Components<'a> {
    /// With what every document has.
    pub fn new(declarations: &'a Declarations, context: &'a Context<'a>) -> Components<'a> {
        let schemas = BTreeMap::from_iter([("error".to_owned(), error()), ("form".to_owned(), form())]);
        Components { declarations, context, schemas, examples: BTreeMap::new() }
    }

    /// The rows in answers.
    pub fn read(&mut self, entity: &'static Entity) -> Value {
        self.rows(entity, entity.name.to_owned(), Shape::Read, None)
    }

    /// The body that makes a row, below the reference that the path gives.
    pub fn new_body(&mut self, entity: &'static Entity, above: Option<&str>) -> Value {
        let name = match above {
            None => new_row(entity.name),
            Some(field) => format!("{}-with-{field}", new_row(entity.name)),
        };
        self.rows(entity, name, Shape::New, above)
    }

    /// The body that changes a row.
    pub fn change_body(&mut self, entity: &'static Entity) -> Value {
        self.rows(entity, format!("{}.change", entity.name), Shape::Change, None)
    }

    /// A key in a path.
    pub fn key(&mut self, entity: &'static Entity, standing: Standing) -> Value {
        let (declarations, context) = (self.declarations, self.context);
        let own = json_schema::key(declarations, entity, standing, context);
        let mut name = format!("{}.key", entity.name);
        // Most keys are the same wherever they stand.
        if self.schemas.get(&name).is_some_and(|known| *known != own) {
            name.push_str(match standing {
                Standing::Alone => "-alone",
                Standing::Above(_) => "-above",
                Standing::Below => "-below",
            });
        }
        self.put(&name, || own);
        schema(&name)
    }

    /// A page of rows.
    pub fn page(&mut self, entity: &'static Entity) -> Value {
        let rows = self.read(entity);
        let name = format!("{}.page", entity.name);
        self.put(&name, || page_of(rows));
        schema(&name)
    }

    fn put(&mut self, name: &str, make: impl FnOnce() -> Value) {
        if !self.schemas.contains_key(name) {
            let schema = make();
            self.schemas.insert(name.to_owned(), schema);
        }
    }

    fn rows(&mut self, entity: &'static Entity, name: String, shape: Shape, above: Option<&str>) -> Value {
        if self.schemas.contains_key(&name) {
            return schema(&name);
        }
        let list = variants(entity);
        let whole = match list.as_slice() {
            [only] => self.row(entity, only, shape, above),
            several => self.choice(entity, several, &name, shape, above),
        };
        let whole = self.with_nothing(entity, whole, shape, above);
        self.schemas.insert(name.clone(), whole);
        schema(&name)
    }

    /// One of several variants, each shared under the first value that chooses it.
    fn choice(
        &mut self,
        entity: &'static Entity,
        list: &[Variant],
        name: &str,
        shape: Shape,
        above: Option<&str>,
    ) -> Value {
        let mut references = Vec::new();
        let mut mapping = Map::new();
        for variant in list {
            let Some(first) = variant.names.first() else { continue };
            let own = name.replacen(entity.name, &format!("{}.{first}", entity.name), 1);
            let row = self.row(entity, variant, shape, above);
            self.schemas.insert(own.clone(), row);
            references.push(schema(&own));
            for value in &variant.names {
                mapping.insert((*value).to_owned(), format!("#/components/schemas/{own}").into());
            }
        }
        // A body that changes a row need not say which variant the row is of.
        let word = if shape == Shape::Change { "anyOf" } else { "oneOf" };
        let mut schema = json!({ word: references });
        let key = entity
            .subschema_key
            .filter(|key| entity.field(key).is_some_and(|field| matches!(field.ty, Type::String)));
        if let (Some(key), Some(schema), true) = (key, schema.as_object_mut(), shape != Shape::Change) {
            schema.insert("discriminator".to_owned(), json!({ "propertyName": key, "mapping": mapping }));
        }
        schema
    }

    /// The rows of one variant; a record of its own, such as the configuration of a plugin, is shared.
    fn row(
        &mut self,
        entity: &'static Entity,
        variant: &Variant,
        shape: Shape,
        above: Option<&str>,
    ) -> Value {
        let mut row = json_schema::row(entity, variant, shape, above, self.context);
        let own = variant.subschema.map_or(&[][..], |subschema| subschema.fields);
        for (field, declared) in own {
            let (true, Some(first)) = (matches!(declared.ty, Type::Record(_)), variant.names.first()) else {
                continue;
            };
            let kind = match shape {
                Shape::Read => "",
                Shape::Change => ".change",
                Shape::Row | Shape::New => ".new",
            };
            let name = format!("{}.{first}.{field}{kind}", entity.name);
            if let Some(property) =
                row.get_mut("properties").and_then(|properties| properties.get_mut(*field))
            {
                self.schemas.insert(name.clone(), std::mem::replace(property, schema(&name)));
            }
        }
        if let (Some(object), Shape::Read) = (row.as_object_mut(), shape)
            && let Some(example) = self.example(entity, variant.names.first().copied())
        {
            object.insert("examples".to_owned(), json!([example]));
        }
        row
    }

    /// Adds the body that is an empty list, where one that is an empty object would do.
    fn with_nothing(
        &self,
        entity: &'static Entity,
        whole: Value,
        shape: Shape,
        above: Option<&str>,
    ) -> Value {
        match shape {
            Shape::Row | Shape::Read => whole,
            Shape::New | Shape::Change if self.is_body_needed(entity, shape, above) => whole,
            Shape::New | Shape::Change => json!({ "anyOf": [whole, { "enum": [[]] }] }),
        }
    }

    /// Whether a request without a body is refused.
    pub fn is_body_needed(&self, entity: &'static Entity, shape: Shape, above: Option<&str>) -> bool {
        if shape == Shape::Change {
            return false;
        }
        let parent = json!({ "id": uuid::Uuid::nil().to_string() });
        let row: Row = above.into_iter().map(|field| (field.to_owned(), parent.clone())).collect();
        let Ok(row) = complete(entity, row, Verb::Insert, self.context) else { return true };
        let candidate = Candidate { row: &row, given: &row, stored: None };
        validate(entity, &candidate, Verb::Insert, self.context).into_result().is_err()
    }

    /// The examples of a body: the least that each variant of a row needs.
    pub fn examples(&mut self, entity: &'static Entity, above: Option<&str>) -> Map<String, Value> {
        let list = variants(entity);
        let names = list.iter().map(|variant| variant.names.first().copied());
        let mut examples = Map::new();
        for variant in names {
            let Some(row) = self.least(entity, variant) else { continue };
            let mut name =
                variant.map_or(entity.name.to_owned(), |variant| format!("{}.{variant}", entity.name));
            if let Some(field) = above.filter(|field| row.contains_key(*field)) {
                name = format!("{name}-with-{field}");
                let rest: Row = row.into_iter().filter(|(name, _)| name != field).collect();
                self.examples.insert(name.clone(), json!({ "value": rest }));
            }
            let reference = json!({ "$ref": format!("#/components/examples/{name}") });
            examples.insert(variant.unwrap_or(entity.name).to_owned(), reference);
        }
        examples
    }

    /// The least row of a variant, which is kept as an example.
    fn least(&mut self, entity: &'static Entity, variant: Option<&'static str>) -> Option<Row> {
        let name = variant.map_or(entity.name.to_owned(), |variant| format!("{}.{variant}", entity.name));
        if let Some(known) = self.examples.get(&name) {
            return known.get("value").and_then(Value::as_object).cloned();
        }
        let fixtures = Fixtures::new(self.declarations, self.context);
        let row = fixtures.least(entity, variant, 0).ok()?.row;
        self.examples.insert(name, json!({ "value": row }));
        Some(row)
    }

    /// A row as an answer shows it.
    fn example(&mut self, entity: &'static Entity, variant: Option<&'static str>) -> Option<Value> {
        let row = self.least(entity, variant)?;
        let stored = Fixtures::new(self.declarations, self.context).stored(entity, &row).ok()?;
        serde_json::from_slice(&output::render(entity, &stored)).ok()
    }

    /// The `components` of the document.
    pub fn build(self) -> Value {
        json!({
            "schemas": self.schemas,
            "examples": self.examples,
            "parameters": parameters(),
            "responses": refusals(),
        })
    }
}

/// A page of what a schema describes.
pub fn page_of(rows: Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "data": { "type": "array", "items": rows },
            "next": { "type": ["string", "null"], "description": "The path of the next page; null on the last one." },
            "offset": { "type": "string", "description": "What `offset` is to be for the next page." },
        },
        "required": ["data", "next"],
        "additionalProperties": false,
    })
}

fn parameters() -> Value {
    json!({
        "size": {
            "name": "size", "in": "query", "description": "How many rows a page has.",
            "schema": { "type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE },
        },
        "offset": {
            "name": "offset", "in": "query", "description": "Where a page begins: the `offset` of the page before.",
            "schema": { "type": "string", "minLength": 1, "format": "page-offset" },
        },
        "tags": {
            "name": "tags", "in": "query",
            "description": "Only rows with these tags: `a,b` those that have both, `a/b` those that have either.",
            "schema": { "type": "string", "pattern": TAGS },
        },
    })
}

/// What a form says of a row.
fn form() -> Value {
    json!({
        "type": "object",
        "description": "The fields of the JSON body as a form: `config.minute=60` is a field of a record, `tags[]=a` an \
            item of a list, and an empty value is null. Texts take the types of their fields.",
        "additionalProperties": { "type": ["string", "array"], "items": { "type": "string" } },
        RULES: ["says what the JSON body may say"],
    })
}

/// What every refusal says.
fn error() -> Value {
    json!({
        "type": "object",
        "properties": {
            "message": { "type": "string", "description": "What is wrong, for people." },
            "name": { "type": "string", "description": "What the error is called." },
            "code": { "type": "integer", "description": "Kong's number of the error." },
            "fields": { "type": ["object", "array"], "description": "What is wrong, by field." },
            "options": { "type": "object", "description": "What is wrong, by argument of the query." },
            "flattened_errors": { "type": ["array", "object"], "description": "What is wrong, by row of a configuration." },
            "request_id": { "type": "string" },
        },
        "required": ["message"],
        "additionalProperties": false,
        "examples": [{
            "message": "schema violation (host: required field missing)",
            "name": "schema violation",
            "code": 2,
            "fields": { "host": "required field missing" },
        }],
    })
}

/// The refusals by status; each is called by the words of its status.
pub const REFUSALS: &[(u16, &str, &str)] = &[
    (400, "refused", "The request is refused; nothing has changed."),
    (404, "not-found", "What the path names is not there."),
    (405, "not-allowed", "This cannot be done here."),
    (408, "too-slow", "The body did not arrive in time."),
    (409, "conflict", "A value that must be unique is taken."),
    (413, "too-large", "The body is larger than the node takes."),
    (415, "unsupported-media-type", "The body is written in a way that the node does not read."),
    (429, "too-many-requests", "The client asks for more than the node allows."),
    (501, "not-implemented", "The node does not do this."),
    (503, "unavailable", "The store cannot be reached, or the request took too long."),
];

fn refusals() -> Value {
    let answer = |(status, name, description): &(u16, &str, &str)| {
        let mut answer = json!({
            "description": description,
            "content": { "application/json": { "schema": schema("error") } },
        });
        let header = match status {
            405 => Some((
                "Allow",
                json!({ "description": "The methods of the path.", "schema": { "type": "string" } }),
            )),
            429 | 503 => Some((
                "Retry-After",
                json!({ "description": "Seconds until it is worth trying again.", "schema": { "type": "integer" } }),
            )),
            _ => None,
        };
        if let (Some((name, header)), Some(answer)) = (header, answer.as_object_mut()) {
            answer.insert("headers".to_owned(), json!({ name: header }));
        }
        ((*name).to_owned(), answer)
    };
    Value::Object(REFUSALS.iter().map(answer).collect())
}

/// A reference to the refusal of a status.
pub fn refusal(status: u16) -> Option<Value> {
    let (_, name, _) = REFUSALS.iter().find(|(own, ..)| *own == status)?;
    Some(json!({ "$ref": format!("#/components/responses/{name}") }))
}
