//! Declarations that arrive as data: what becomes of them, and what is said about wrong ones.

use entities::ENTITIES;
use entities::schema::{Check, Context, Declarations, Flavor, Literal, Profile, Row, Type};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::complete::{Verb, complete};
use crate::schemas;
use crate::validate::{Candidate, validate};

fn plugins() -> &'static Entity {
    ENTITIES.iter().find(|entity| entity.name == "plugins").unwrap()
}

fn plugin(data: impl Into<Data>) -> Result<&'static Subschema, Refused> {
    subschema("mine", &data.into(), plugins(), ENTITIES, ("1.0.0", 10))
}

fn refusal(data: Value) -> String {
    plugin(data).err().unwrap().to_string()
}

/// A plugin whose configuration has these fields.
fn configured(fields: Value) -> Value {
    json!({"name": "mine", "fields": [{"config": {"type": "record", "fields": fields}}]})
}

/// What is wrong with a configuration of the plugin.
fn violations(subschema: &'static Subschema, config: Value) -> Value {
    let mut parent = *plugins();
    parent.subschemas = vec![("mine", subschema)].leak();
    let parent = leak(parent);
    let context = Context {
        now_us: 1_700_000_000_000_000,
        new_id: &|| Uuid::nil(),
        new_secret: &|| "secret".to_owned(),
        router_flavor: Flavor::TraditionalCompatible,
        without_database: false,
    };
    let row = Row::from_iter([("name".to_owned(), json!("mine")), ("config".to_owned(), config)]);
    let row = complete(parent, row, Verb::Insert, &context).unwrap();
    let candidate = Candidate { row: &row, given: &row, stored: None };
    Value::Object(validate(parent, &candidate, Verb::Insert, &context).0)
}

#[test]
fn a_plugin_is_declared_like_a_built_in_one() {
    let declared = plugin(json!({
        "name": "another name",
        "fields": [
            {"consumer": {"typedef": "no_consumer"}},
            {"protocols": {"typedef": "protocols_http"}},
            {"config": {"type": "record", "fields": [
                {"url": {"typedef": "url", "required": true}},
                {"port": {"typedef": "port", "default": 80}},
                {"mode": {"type": "string", "one_of": ["a", "b"], "default": "a"}},
                {"inner": {"type": "record", "fields": [{"x": {"type": "number", "default": 0.5}}]}},
                {"list": {"type": "array", "default": {}, "elements": {"type": "record", "fields": [
                    {"deep": {"type": "record", "fields": []}},
                ]}}},
            ]}},
        ],
        "entity_checks": [
            {"conditional": {"if_field": "config.mode", "if_match": {"eq": "b"},
                "then_field": "config.port", "then_match": {"gt": 1000}}},
            {"conditional": {"if_field": "config.mode", "if_match": {},
                "then_field": "config.url", "then_match": {"ne": "http://no"}}},
        ],
    }))
    .unwrap();
    assert_eq!((declared.name, declared.version, declared.priority), ("mine", "1.0.0", 10));
    let config = &declared.fields[2].1;
    assert_eq!(config.required, Some(true));
    let field = |name: &str| config.fields().iter().find(|(own, _)| *own == name).unwrap().1;
    assert_eq!(field("inner").required, Some(true));
    assert_eq!(field("list").default, Some(Literal::List(&[])));
    assert!(field("url").validator.is_some());
    assert_eq!(violations(declared, json!({"url": "http://x"})), json!({}));
    assert_eq!(
        violations(declared, json!({"url": "nothing", "port": 99_999, "extra": 1})),
        json!({
            "config": {
                "url": "missing host in url",
                "port": "value should be between 0 and 65535",
                "extra": "unknown field",
            },
            "@entity": ["failed conditional validation given value of field 'config.mode'"],
        })
    );
    let always = violations(declared, json!({"url": "http://no", "mode": "b"}));
    assert_eq!(always["@entity"].as_array().unwrap().len(), 2);
    let shown = schemas::subschema(declared);
    assert_eq!(shown["fields"][2]["config"]["fields"][1]["port"]["between"], json!([0, 65_535]));
}

#[test]
fn an_entity_is_declared_with_its_endpoints() {
    let data = Data::from(json!({
        "name": "things_of_mine",
        "primary_key": ["id"],
        "endpoint_key": "name",
        "admin_api_name": "things-of-mine",
        "workspaceable": true,
        "fields": [
            {"id": {"typedef": "uuid"}},
            {"created_at": {"typedef": "auto_timestamp_s"}},
            {"name": {"typedef": "name", "required": true}},
            {"consumer": {"type": "foreign", "reference": "consumers", "on_delete": "cascade"}},
            {"parent": {"type": "foreign", "reference": "things_of_mine"}},
            {"tags": {"typedef": "tags"}},
        ],
        "entity_checks": [{"at_least_one_of": ["name", "tags"]}],
    }));
    let before = entity(&data, ENTITIES).unwrap();
    let taken = interned();
    assert!(std::ptr::eq(before, entity(&data, ENTITIES).unwrap()));
    assert!(interned().declarations >= taken.declarations);
    let list: Vec<_> = ENTITIES.iter().copied().chain([before]).collect();
    let declarations = Declarations::new(&list, &Profile::default());
    let endpoints = crate::routes::Endpoints::<()>::new(&declarations, Vec::new());
    assert!(endpoints.find("/consumers/a/things-of-mine/b").is_some());
    assert!(endpoints.find("/things-of-mine/b/parent").is_some());
    assert!(matches!(before.checks, [Check::AtLeastOneOf(_)]));
    assert!(
        matches!(before.field("parent").unwrap().ty, Type::Foreign(parent) if parent.name == "things_of_mine")
    );
}

#[test]
fn the_form_of_before_1_0_is_refused_in_kongs_words() {
    assert_eq!(
        refusal(json!({"no_consumer": true, "fields": {"a": {"type": "string"}, "b": {"type": "number"}}})),
        "fields: expected an array; name: field required for entity check; no_consumer: unknown field"
    );
}

#[test]
fn faults_have_their_path() {
    for (fields, expected) in [
        (json!([{"a": {"type": "string", "enum": ["x"]}}]), "fields.config.fields.a.enum: unknown field"),
        (json!([{"a": {"type": "map"}}]), "fields.config.fields.a: field of type 'map' must declare 'keys'"),
        (
            json!([{"a": {"type": "strin"}}]),
            "fields.config.fields.a.type: expected one of: array, boolean, foreign, integer, json, map, number, record, set, string",
        ),
        (json!([{"a": {"default": 1}}]), "fields.config.fields.a.type: required field missing"),
        (
            json!([{"a": {"type": "string", "required": "yes"}}]),
            "fields.config.fields.a.required: expected a boolean",
        ),
        (
            json!([{"a": {"type": "boolean", "between": [1, 2]}}]),
            "fields.config.fields.a: field of type 'boolean' cannot have attribute 'between'",
        ),
        (
            json!([{"a": {"type": "string", "default": ""}}]),
            "fields.config.fields.a.default: the value is too short",
        ),
        (
            json!([{"a": {"type": "foreign", "reference": "nothings"}}]),
            "fields.config.fields.a.reference: schema refers to an invalid foreign entity: nothings",
        ),
        (
            json!([{"a": {"typedef": "run_on_first"}}]),
            "fields.config.fields.a.typedef: schema typedef error: definition run_on_first does not exist",
        ),
        (json!([{"a": 1}]), "fields.config.fields.a: 'a' must be a table"),
        (
            json!([{"a": {"type": "string"}, "b": {"type": "string"}}]),
            "fields.config.fields.1: length must be 1",
        ),
        (json!(["a"]), "fields.config.fields.1: expected a map"),
        (
            json!([{"a": {"type": "string", "description": "short"}}]),
            "fields.config.fields.a.description: length must be at least 10",
        ),
    ] {
        let said = refusal(configured(fields));
        assert!(said.contains(expected), "{said}\ninstead of {expected}");
    }
    assert_eq!(plugin(Value::from(1)).err().unwrap().to_string(), "expected a declaration as a table");
    assert!(entity(&Data::from(json!({"fields": []})), ENTITIES).is_err());
}

/// A function that answers as it is told.
fn function(name: &'static str, answers: &'static [Value]) -> Data {
    let script = leak(move |_: &[Value]| match answers {
        [Value::String(raised)] => Err(raised.clone()),
        answers => Ok(answers.to_vec()),
    });
    Data::Function(Function { name, body: Body::Script(script) })
}

fn with(data: Value, path: &str, function: Data) -> Data {
    let mut data = Data::from(data);
    fn put(data: &mut Data, names: &[&str], function: Data) {
        match (data, names) {
            (Data::List(items), [place, rest @ ..]) => {
                put(&mut items[place.parse::<usize>().unwrap()], rest, function)
            }
            (Data::Table(entries), [name]) => entries.push(((*name).to_owned(), function)),
            (Data::Table(entries), [name, rest @ ..]) => {
                put(&mut entries.iter_mut().find(|(own, _)| own == name).unwrap().1, rest, function)
            }
            _ => panic!("no such place"),
        }
    }
    put(&mut data, &path.split('.').collect::<Vec<_>>(), function);
    data
}

#[test]
fn functions_judge_values() {
    let validator = |function| {
        let data = with(
            configured(json!([{"a": {"type": "string"}}])),
            "fields.0.config.fields.0.a.custom_validator",
            function,
        );
        violations(plugin(data).unwrap(), json!({"a": "value"}))
    };
    let of_a = |sentence: &str| json!({"config": {"a": sentence}});
    assert_eq!(validator(function("yes", leak([json!(true)]))), json!({}));
    assert_eq!(validator(function("no", leak([json!(null), json!("because")]))), of_a("because"));
    assert_eq!(
        validator(function("silent", leak([json!(false), json!(null)]))),
        of_a("failed validating: value")
    );
    assert_eq!(validator(function("raised", leak([json!("it broke")]))), of_a("it broke"));
}

#[test]
fn functions_judge_records_and_entities() {
    let data = with(
        configured(json!([{"a": {"type": "string"}}])),
        "fields.0.config.custom_validator",
        function("record", leak([json!(null), json!("not so")])),
    );
    assert_eq!(violations(plugin(data).unwrap(), json!({})), json!({"config": "not so"}));

    let mut data = configured(json!([{"a": {"type": "string"}}]));
    data["entity_checks"] = json!([{"custom_entity_check": {"field_sources": ["config.a"]}}]);
    let data = with(
        data,
        "entity_checks.0.custom_entity_check.fn",
        function("check", leak([json!(null), json!("no")])),
    );
    assert_eq!(violations(plugin(data).unwrap(), json!({"a": "x"})), json!({"@entity": ["no"]}));
}

#[test]
fn a_shorthand_expands_or_says_why_not() {
    let data = |answer| {
        let mut data = configured(json!([{"a": {"type": "string"}}]));
        data["fields"][0]["config"]["shorthand_fields"] = json!([{"old": {"type": "string"}}]);
        with(data, "fields.0.config.shorthand_fields.0.old.func", answer)
    };
    let declared = plugin(data(function("expands", leak([json!({"a": "new"})])))).unwrap();
    assert_eq!(violations(declared, json!({"old": "x"})), json!({}));
    let declared = plugin(data(function("raises", leak([json!("cannot")])))).unwrap();
    let refused = refusal(configured(json!([{"a": {"type": "string", "shorthand_fields": []}, "b": {}}])));
    assert!(refused.contains("length must be 1"));
    let rule = declared.fields[0].1.shorthands[0].field.validator.unwrap();
    let entities::schema::Validator::Any(rule) = rule else { panic!("a rule of any value") };
    assert_eq!(rule(&json!("x")), Err("cannot".to_owned()));
}

#[test]
fn shared_types_survive_the_way_through_data() {
    for (name, shared) in typedefs() {
        let data = typedef(name).unwrap();
        let fields = Data::Table(vec![
            ("name".to_owned(), Data::Text(format!("of_{name}"))),
            ("primary_key".to_owned(), Data::List(vec![Data::Text("id".to_owned())])),
            (
                "fields".to_owned(),
                Data::List(vec![
                    Data::Table(vec![("id".to_owned(), typedef("uuid").unwrap())]),
                    Data::Table(vec![("field".to_owned(), data)]),
                ]),
            ),
        ]);
        let declared = entity(&fields, ENTITIES).unwrap_or_else(|refused| panic!("{name}: {refused}"));
        let field = declared.field("field").unwrap();
        let (mut own, mut expected) = (schemas::field(field), schemas::field(shared));
        // A record that is a field is required unless it says otherwise.
        for shown in [&mut own, &mut expected] {
            shown.as_object_mut().unwrap().shift_remove("required");
        }
        if !matches!(shared.ty, Type::Record(_)) {
            assert_eq!(own, expected, "{name}");
        }
        assert_eq!(field.validator.is_some(), shared.validator.is_some(), "{name}");
        let elements = |field: &Field| field.elements().is_some_and(|elements| elements.validator.is_some());
        assert_eq!(elements(field), elements(shared), "{name}");
        assert_eq!(field.enterprise_choices, shared.enterprise_choices, "{name}");
    }
    assert!(reference().contains("| `port` | integer, 0 to 65535 |"));
}
