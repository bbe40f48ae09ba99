//! What a client sent -> a row: query strings, forms, multipart bodies and JSON.
//!
//! Only JSON has types. A form's texts get theirs from the declaration ([`infer`]). Nothing here checks a value: a
//! text that is no number stays a text, and validation says what is wrong with it. Reading the parts of a multipart
//! body off the wire, and choosing by content type, are the HTTP layer's business.

use std::mem;

use entities::schema::bytes::marked;
use entities::schema::{Entity, Field, Named, Row, Shorthand, Type};
use serde_json::Value;

pub use crate::arguments::{Brackets, TooMany};
pub use crate::json_text::BadJson;
pub use crate::numbers::lua_number;
use crate::{arguments, json_text};

/// A part of a `multipart/form-data` body. Its content type and its file name change nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: Option<String>,
    pub data: Vec<u8>,
}

/// The arguments of a query string, without its `?`.
///
/// The values are texts, true for a name without `=`, and lists or objects where the names say so.
pub fn query(raw: &str, brackets: Brackets) -> Result<Row, TooMany> {
    arguments::decode(raw.as_bytes(), brackets)
}

/// The arguments of an `application/x-www-form-urlencoded` body, typed as those of [`query`].
pub fn form(body: &[u8]) -> Result<Row, TooMany> {
    arguments::decode(body, Brackets::Key)
}

/// The arguments of a multipart body, all of them texts. Of parts with one name the last counts, lists (`tags[]`)
/// included; a part without a name does not count.
pub fn multipart(parts: Vec<Part>) -> Row {
    let mut texts: indexmap::IndexMap<String, String> = indexmap::IndexMap::new();
    for part in parts {
        if let Some(name) = part.name.filter(|name| !name.is_empty()) {
            texts.insert(name, marked(part.data));
        }
    }
    arguments::nest(texts)
}

/// The value of a JSON body.
pub fn json(body: &[u8]) -> Result<Value, BadJson> {
    json_text::parse(body)
}

/// The row of a JSON body. An array is a row whose fields are its positions, counted from 1, as it is in Lua; a
/// value of any other kind is no row.
pub fn json_row(body: &[u8]) -> Result<Row, BadJson> {
    match json(body)? {
        Value::Object(row) => Ok(row),
        Value::Array(items) => Ok((1..).map(|position: usize| position.to_string()).zip(items).collect()),
        _ => Err(BadJson),
    }
}

/// The row with its texts turned into what the entity's fields hold.
///
/// The row may choose a subschema: then its fields count. Inferring a row again changes nothing, so that a caller
/// may add the field that chooses (the name of a stored plugin) and infer once more.
pub fn infer(mut row: Row, entity: &Entity) -> Row {
    infer_row(&mut row, entity);
    row
}

fn infer_row(row: &mut Row, entity: &Entity) {
    let subschema = entity.subschema_of(row);
    for (name, field) in entity.fields_of(subschema) {
        infer_entry(row, name, field);
    }
    for Shorthand { name, field, .. } in entity.shorthands {
        infer_entry(row, name, field);
    }
    if entity.ttl
        && let Some(ttl) = row.get_mut("ttl")
    {
        infer_number(ttl);
    }
}

fn infer_entry(row: &mut Row, name: &str, field: &Field) {
    if let Some(value) = row.get_mut(name) {
        infer_value(value, field);
    }
}

/// The value that a text stands for in this field: an empty one for null, any other for what the type reads in it.
pub fn infer_value(value: &mut Value, field: &Field) {
    if value.as_str() == Some("") {
        *value = Value::Null;
    }
    if value.is_null() {
        return;
    }
    match field.ty {
        Type::Integer | Type::Number => infer_number(value),
        Type::Boolean => match value.as_str() {
            Some("true") => *value = Value::Bool(true),
            Some("false") => *value = Value::Bool(false),
            _ => {}
        },
        Type::Array(elements) | Type::Set(elements) => {
            if !value.is_array() && !value.is_object() {
                *value = Value::Array(vec![mem::take(value)]);
            }
            for item in value.as_array_mut().into_iter().flatten() {
                infer_value(item, elements);
            }
        }
        Type::Map(_, values) => match value {
            Value::Object(entries) => entries.values_mut().for_each(|value| infer_value(value, values)),
            Value::Array(items) => items.iter_mut().for_each(|value| infer_value(value, values)),
            _ => {}
        },
        Type::Record(fields) if !field.is_abstract => {
            if let Value::Object(record) = value {
                infer_record(record, fields, field.shorthands);
            }
        }
        Type::Foreign(entity) => {
            if let Value::Object(row) = value {
                infer_row(row, entity);
            }
        }
        Type::Record(_) | Type::String | Type::Json(_) | Type::Same | Type::Elements(_) => {}
    }
}

fn infer_record(record: &mut Row, fields: &[Named], shorthands: &[Shorthand]) {
    for (name, field) in fields {
        infer_entry(record, name, field);
    }
    for Shorthand { name, field, .. } in shorthands {
        infer_entry(record, name, field);
    }
}

fn infer_number(value: &mut Value) {
    if let Some(number) = value.as_str().and_then(lua_number) {
        *value = Value::Number(number);
    }
}

#[cfg(test)]
mod tests {
    use entities::schema::{
        BOOLEAN, Entity, Field, INTEGER, NUMBER, STRING, Shorthand, Subschema, array, foreign, map, record,
        set, shorthand,
    };
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{BadJson, Brackets, Part, TooMany, form, infer, json_row, multipart, query};

    static OWNERS: Entity = Entity::new("owners")
        .endpoint_key("name")
        .fields(&[("id", STRING.uuid()), ("name", STRING.unique()), ("rank", INTEGER)])
        .build();

    static COUNTER: Subschema = Subschema::new("counter").fields(&[(
        "config",
        record(&[
            ("limit", NUMBER),
            ("words", array(&STRING)),
            ("store", record(&[("port", INTEGER), ("ssl", BOOLEAN)]).required()),
        ])
        .required()
        .shorthands(&[shorthand("store_port", INTEGER, &|_| None)]),
    )]);

    const SIZES: &[Shorthand] = &[shorthand("sizes", array(&INTEGER), &|_| None)];
    const HEADERS: Field = map(&STRING, &array(&STRING));

    static THINGS: Entity = Entity::new("things")
        .subschema_key("name")
        .subschemas(&[("counter", &COUNTER)])
        .shorthands(SIZES)
        .ttl()
        .fields(&[
            ("id", STRING.uuid()),
            ("name", STRING.required()),
            ("port", INTEGER),
            ("weight", NUMBER),
            ("enabled", BOOLEAN),
            ("tags", set(&STRING)),
            ("codes", array(&INTEGER)),
            ("headers", HEADERS),
            ("limits", map(&STRING, &NUMBER)),
            ("owner", foreign(&OWNERS)),
            ("config", record(&[]).is_abstract().required()),
        ])
        .build();

    fn check(body: &str, expect: Value) {
        let row = infer(form(body.as_bytes()).unwrap(), &THINGS);
        assert_eq!(Value::Object(row.clone()), expect, "{body}");
        assert_eq!(infer(row.clone(), &THINGS), row, "{body}, inferred again");
    }

    #[test]
    fn scalars() {
        check("name=123&port=8080&weight=1.5", json!({"name": "123", "port": 8080, "weight": 1.5}));
        check("port=0x50&weight=+2.0+", json!({"port": 80, "weight": 2}));
        check("port=eighty", json!({"port": "eighty"}));
        check("port&name&enabled", json!({"port": true, "name": true, "enabled": true}));
        check("enabled=true", json!({"enabled": true}));
        check("enabled=false", json!({"enabled": false}));
        check("enabled=yes", json!({"enabled": "yes"}));
        check("name=true", json!({"name": "true"}));
        check("port=1&port=2", json!({"port": ["1", "2"]}));
        check("unknown=1&other=", json!({"unknown": "1", "other": ""}));
    }

    #[test]
    fn an_empty_text_is_null() {
        check(
            "name=&port=&enabled=&tags=&headers=&owner=&config=",
            json!({
                "name": null, "port": null, "enabled": null, "tags": null, "headers": null, "owner": null,
                "config": null
            }),
        );
        check("tags[]=&codes=1&codes=", json!({"tags": [null], "codes": [1, null]}));
    }

    #[test]
    fn lists_take_a_single_value() {
        check("tags=a", json!({"tags": ["a"]}));
        check("tags=a,b", json!({"tags": ["a,b"]}));
        check("tags", json!({"tags": [true]}));
        check("codes=1&codes=x&codes=3", json!({"codes": [1, "x", 3]}));
        check("codes[1]=1&codes[3]=3", json!({"codes": {"1": "1", "3": "3"}}));
        check("codes.1=1", json!({"codes": {"1": "1"}}));
        check("sizes=7", json!({"sizes": [7]}));
    }

    #[test]
    fn maps_and_records() {
        check("headers.X-A=1", json!({"headers": {"X-A": ["1"]}}));
        check("headers[X-A]=1&headers[X-B][]=2", json!({"headers": {"X-A": ["1"], "X-B": ["2"]}}));
        check("headers=1", json!({"headers": "1"}));
        check("limits.a=1&limits.b=x", json!({"limits": {"a": 1, "b": "x"}}));
    }

    #[test]
    fn foreign_fields() {
        check("owner.id=5&owner.rank=5", json!({"owner": {"id": "5", "rank": 5}}));
        check("owner.name=", json!({"owner": {"name": null}}));
        check("owner=x", json!({"owner": "x"}));
    }

    #[test]
    fn the_subschema_is_chosen_by_the_row() {
        check(
            "name=counter&config.limit=1&config.words=a&config.store.port=9&config.store.ssl=true&config.x=1",
            json!({
                "name": "counter",
                "config": {"limit": 1, "words": ["a"], "store": {"port": 9, "ssl": true}, "x": "1"}
            }),
        );
        check("name=counter&config.store_port=9", json!({"name": "counter", "config": {"store_port": 9}}));
        check("name=nobody&config.limit=1", json!({"name": "nobody", "config": {"limit": "1"}}));
        check("config.limit=1", json!({"config": {"limit": "1"}}));

        let mut row = infer(form(b"config.limit=1").unwrap(), &THINGS);
        row.insert("name".to_owned(), json!("counter"));
        assert_eq!(Value::Object(infer(row, &THINGS)), json!({"config": {"limit": 1}, "name": "counter"}));
    }

    #[test]
    fn ttl_is_a_number() {
        check("ttl=60", json!({"ttl": 60}));
        check("ttl=soon", json!({"ttl": "soon"}));
        let row = infer(form(b"ttl=60").unwrap(), &OWNERS);
        assert_eq!(Value::Object(row), json!({"ttl": "60"}));
    }

    #[test]
    fn queries() {
        let row = query("size=0x10&offset=%5B%5D&tags=a&tags=b&x[y]=1", Brackets::Name).unwrap();
        let expect = json!({"size": "0x10", "offset": "[]", "tags": ["a", "b"], "x[y]": "1"});
        assert_eq!(Value::Object(infer(row, &THINGS)), expect);
        assert_eq!(query(&"a&".repeat(1000), Brackets::Name), Err(TooMany));
    }

    #[test]
    fn of_parts_with_one_name_the_last_counts() {
        let part =
            |name: &str, data: &str| Part { name: Some(name.to_owned()), data: data.as_bytes().to_vec() };
        let parts = vec![
            part("port", "8080"),
            part("tags[]", "x"),
            part("tags[]", "y"),
            Part { name: None, data: b"lost".to_vec() },
            part("", "lost"),
            part("headers.x-a[1]", "v"),
            Part { name: Some("name".to_owned()), data: b"ab\xC3".to_vec() },
        ];
        let expect =
            json!({"port": 8080, "tags": ["y"], "headers": {"x-a": ["v"]}, "name": "ab\u{10FFFF}\u{C3}"});
        assert_eq!(Value::Object(infer(multipart(parts), &THINGS)), expect);
        assert_eq!(multipart(Vec::new()).len(), 0);
    }

    #[test]
    fn json_rows() {
        let row = |text: &str| json_row(text.as_bytes()).map(Value::Object);
        assert_eq!(row("{\"port\":8.0e3,\"name\":\"\"}"), Ok(json!({"port": 8000, "name": ""})));
        assert_eq!(row(" [ ] "), Ok(json!({})));
        assert_eq!(row("[{\"name\":\"x\"}]"), Ok(json!({"1": {"name": "x"}})));
        assert_eq!(row("[1, 2]"), Ok(json!({"1": 1, "2": 2})));
        for text in ["null", "true", "1", "\"x\"", "", "{"] {
            assert_eq!(row(text), Err(BadJson), "{text}");
        }
    }

    proptest! {
        #[test]
        fn inferring_twice_is_inferring_once(
            body in "((name|port|tags|codes|headers|limits|owner|config|ttl)(\\[\\]|\\[1\\]|\\.a|)(=|)(counter|1|0x1|true|)&){0,8}"
        ) {
            let row = infer(form(body.as_bytes()).unwrap(), &THINGS);
            prop_assert_eq!(infer(row.clone(), &THINGS), row);
        }
    }
}
