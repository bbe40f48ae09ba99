//! The OpenAPI document: it is valid, it tells of every endpoint, and it is no part of what Kong lists.

use std::fs;

use entities::schema::bytes;
use generators::routes::Target;
use serde_json::{Value, json};

use crate::support::api::{Api, Store};

/// The official meta-schema of OpenAPI 3.1, with that of its schema objects; the licence stands beside them.
const META_SCHEMA: [&str; 4] = ["schema.json", "schema-base.json", "dialect.json", "meta.json"];

fn vendored(name: &str) -> Value {
    let path = format!("{}/tests/openapi/meta-schema/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What is wrong with a document by the official meta-schema.
fn faults(document: &Value) -> Vec<String> {
    let mut registry = jsonschema::Registry::new();
    for name in META_SCHEMA {
        let schema = vendored(name);
        let id = schema["$id"].as_str().unwrap().to_owned();
        registry = registry.add(id, schema).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let validator =
        jsonschema::options().with_registry(&registry).build(&vendored("schema-base.json")).unwrap();
    validator.iter_errors(document).map(|fault| format!("{fault} at {}", fault.instance_path())).collect()
}

async fn document(api: &Api) -> Value {
    let answer = api.get("/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert!(bytes::invalid_at(&String::from_utf8(answer.body.clone()).unwrap()).is_none());
    answer.json()
}

/// Fails with the first thing that is not as it should be in the document of a node.
async fn hold(api: &Api) -> Value {
    let document = document(api).await;
    assert_eq!(faults(&document), Vec::<String>::new());

    // Nothing refers to what is not there.
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 1000, "{}", references.len());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }

    // Every endpoint of an entity is there, with the methods that it knows.
    for endpoint in api.node.endpoints.iter() {
        let item = &document["paths"][&endpoint.path];
        match endpoint.target {
            Target::Hidden => assert!(item.is_null(), "{} leads nowhere", endpoint.path),
            Target::Entity(_) => {
                let own = item.as_object().unwrap_or_else(|| panic!("{} is missing", endpoint.path));
                let methods: Vec<_> =
                    own.keys().filter(|name| *name != "parameters").map(|name| name.to_uppercase()).collect();
                let mut wanted = endpoint.methods.to_vec();
                wanted.sort_unstable();
                assert_eq!(methods, wanted, "{}", endpoint.path);
            }
            Target::Node(_) => {}
        }
    }

    let mut ids: Vec<&str> =
        operations(&document).iter().map(|own| own["operationId"].as_str().unwrap()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "two operations of one name");

    // What is linked to is an operation.
    let creating = operations(&document).into_iter().filter_map(|own| own.pointer("/responses/201/links"));
    let links: Vec<&Value> = creating.flat_map(|links| links.as_object().unwrap().values()).collect();
    for link in &links {
        assert!(ids.binary_search(&link["operationId"].as_str().unwrap()).is_ok(), "{link}");
    }
    document
}

#[tokio::test]
async fn the_document_is_valid_and_complete() {
    let api = Api::open(Store::Sqlite, "openapi").await.unwrap();
    let document = hold(&api).await;
    let services = &document["paths"]["/services"]["post"];
    assert_eq!(
        services.pointer("/responses/201/links/get-services/parameters/services"),
        Some(&json!("$response.body#/id"))
    );
    let bodies: Vec<_> = services["requestBody"]["content"].as_object().unwrap().keys().collect();
    assert_eq!(bodies, ["application/json", "application/x-www-form-urlencoded"]);
    assert_eq!(document["paths"]["/config"], Value::Null, "only a node without a database is loaded");
}

#[tokio::test]
async fn entities_of_third_parties_are_told_like_others() {
    let extensions = [crate::extensions::quarantine::QUARANTINE];
    let settings = crate::extensions::examples();
    let api = Api::open_extended(&settings, Store::Sqlite, "openapi_extended", &extensions).await.unwrap();
    let document = hold(&api).await;
    for path in ["/announcements", "/routes/{routes}/announcements", "/announcements/{announcements}/route"] {
        assert!(document["paths"][path]["get"].is_object(), "{path}");
    }
    let config = document["components"]["schemas"]["plugins.announcement.config.new"].to_string();
    assert!(config.contains("X-Announcement"), "{config}");
}

#[tokio::test]
async fn a_node_without_a_database_tells_how_it_is_loaded() {
    let api = Api::open(Store::Off, "openapi_off").await.unwrap();
    let document = hold(&api).await;
    assert!(document["paths"]["/config"]["post"]["requestBody"].is_object());
    assert!(document["paths"]["/services"]["post"]["responses"]["405"].is_object());
}

/// A document that is not valid is found to be so: the meta-schema is not merely read.
#[test]
fn a_fault_in_a_document_is_found() {
    let sound = json!({ "openapi": "3.1.1", "info": { "title": "t", "version": "1" }, "paths": {} });
    assert_eq!(faults(&sound), Vec::<String>::new());
    for (pointer, fault) in [
        ("/info", json!({ "title": "t" })),
        ("/paths", json!({ "services": {} })),
        ("/paths", json!({ "/services": { "get": { "responses": { "ok": {} } } } })),
    ] {
        let mut document = sound.clone();
        *document.pointer_mut(pointer).unwrap() = fault;
        assert!(!faults(&document).is_empty(), "{document}");
    }
    let mut document = sound;
    document["components"] = json!({ "schemas": { "a": { "type": "text" } } });
    assert!(!faults(&document).is_empty(), "the schema of a schema is asked, too");
}

#[tokio::test]
async fn both_formats_say_the_same_and_kong_lists_neither() {
    let api = Api::open(Store::Sqlite, "openapi_formats").await.unwrap();
    let document = document(&api).await;
    let yaml = api.get("/openapi.yaml").await;
    assert_eq!((yaml.status, yaml.header("content-type")), (200, Some("application/yaml")));
    let read: Value = serde_saphyr::from_str_with_options(
        std::str::from_utf8(&yaml.body).unwrap(),
        serde_saphyr::options! { strict_booleans: true, budget: None },
    )
    .unwrap();
    assert_eq!(read, document);
    let listed = api.get("/endpoints").await.json();
    let paths = listed["data"].as_array().unwrap();
    assert!(
        paths.contains(&json!("/services"))
            && !paths.iter().any(|path| path.as_str().unwrap().contains("openapi"))
    );
}

#[tokio::test]
async fn an_entity_has_a_json_schema() {
    let api = Api::open(Store::Sqlite, "openapi_schemas").await.unwrap();
    let get = async |path: &str| api.get(path).await;
    let schema = get("/schemas/services?format=json-schema").await.json();
    assert_eq!(schema["$schema"], generators::json_schema::DIALECT);
    assert_eq!(schema["properties"]["port"]["maximum"], 65_535);
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&json!({ "url": "http://a.test" })));
    assert!(validator.is_valid(&json!({ "host": "a.test", "path": null })));
    assert!(!validator.is_valid(&json!({ "name": "without a host" })));
    assert!(!validator.is_valid(&json!({ "host": "a.test", "port": 70_000 })));
    assert!(!validator.is_valid(&json!({ "host": "a.test", "colour": "red" })));

    let schema = get("/schemas/plugins/rate-limiting?format=json-schema").await.json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&json!({ "name": "rate-limiting", "config": { "minute": 5 } })));
    assert!(!validator.is_valid(&json!({ "name": "rate-limiting", "config": {} })), "no limit");
    assert!(!validator.is_valid(&json!({ "name": "cors" })), "another plugin");

    // What Kong says is what is said without the argument, or with one that means nothing.
    let plain = get("/schemas/services").await.json();
    assert!(plain["fields"].is_array());
    assert_eq!(get("/schemas/services?format=other").await.json(), plain);
    assert_eq!(get("/schemas/nothing?format=json-schema").await.status, 404);
    assert_eq!(get("/schemas/plugins/nothing?format=json-schema").await.status, 404);
}

#[tokio::test]
async fn what_is_not_allowed_names_what_is() {
    let api = Api::open(Store::Sqlite, "openapi_allow").await.unwrap();
    for (method, path, allow) in [
        ("DELETE", "/services", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/status", "GET, HEAD, OPTIONS"),
        ("TRACE", "/services", "GET, HEAD, OPTIONS, POST"),
    ] {
        let answer = api.json(method, path, &Value::Null).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
    }
}

fn operations(document: &Value) -> Vec<&Value> {
    let items = document["paths"].as_object().unwrap().values();
    let methods = items.flat_map(|item| item.as_object().unwrap().iter());
    methods.filter(|(name, _)| *name != "parameters").map(|(_, operation)| operation).collect()
}

fn collect_references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(entries) => {
            found.extend(entries.get("$ref").and_then(Value::as_str));
            entries.values().for_each(|value| collect_references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
