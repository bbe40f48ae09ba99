//! Produces what is fuzzed: one function for each way on which the words of strangers come into the program. Each takes
//! any bytes and panics when a promise is broken. `fuzz/` runs them under libFuzzer, the tests run them over the corpus.
//! They deliberately do not say what is accepted and what is not: that is for the tests of each rule.

use std::sync::{Arc, LazyLock};

use entities::ENTITIES;
use entities::schema::{
    Context, Declarations, Entity, Flavor, Profile, Row, address, bytes, expression, jwk, lua, path, pattern,
    pem, text, url,
};
use generators::complete::{Verb, complete, merge, rewrite, transform};
use generators::declare::{self, Data};
use generators::input::{self, Brackets};
use generators::tables::Dialect;
use generators::validate::{Candidate, immutable, validate};
use generators::{declarative, operations, output, schemas, sql, yaml};
use serde_json::{Value, json};
use silverback::lua::Source;
use silverback::{Files, Form, with_plugin};
use uuid::Uuid;

/// What is fuzzed, and the name of its folder in `fuzz/corpus`.
pub type Target = (&'static str, fn(&[u8]));

/// Everything that has a program in `fuzz/`.
pub const TARGETS: [Target; 12] = [
    ("addresses", addresses),
    ("declaration", declaration),
    ("expression", route_expression),
    ("form", form),
    ("json", json_rows),
    ("keys", keys),
    ("lua_loader", lua_loader),
    ("lua_syntax", lua_syntax),
    ("path", paths),
    ("pattern", patterns),
    ("plugin_document", plugin_document),
    ("yaml", configuration),
];

/// A context in which nothing is left to chance.
const CONTEXT: Context = Context {
    now_us: 1_700_000_000_000_000,
    new_id: &Uuid::nil,
    new_secret: &String::new,
    router_flavor: Flavor::TraditionalCompatible,
    without_database: false,
};

/// The first line as the name of an entity, and what follows. A line that names none chooses by its first letter.
fn subject(data: &[u8]) -> (&'static Entity, &[u8]) {
    let (line, rest) = first_line(data);
    let named = ENTITIES.iter().find(|entity| entity.name.as_bytes() == line);
    let first = usize::from(line.first().copied().unwrap_or_default());
    (named.unwrap_or(&ENTITIES[first % ENTITIES.len()]), rest)
}

fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    (&data[..end], data.get(end + 1..).unwrap_or_default())
}

/// Bytes as the program keeps them in a text.
fn marked(data: &[u8]) -> String {
    bytes::marked(data.to_vec())
}

/// A line with an entity, then a form's body or a query.
pub fn form(data: &[u8]) {
    let (entity, body) = subject(data);
    if let Ok(row) = input::form(body) {
        let most = body.split(|byte| *byte == b'&').count();
        assert!(leaves(&row) <= most, "a form of {most} arguments became {row:?}");
        let inferred = input::infer(row, entity);
        assert_eq!(input::infer(inferred.clone(), entity), inferred, "types are inferred once");
        write(entity, &inferred, Verb::Insert);
    }
    let text = marked(body);
    let _ = operations::key(entity, &text, &CONTEXT);
    for brackets in [Brackets::Key, Brackets::Name] {
        if let Ok(arguments) = input::query(&text, brackets)
            && let Ok(page) = operations::page(entity, &arguments)
        {
            let shape = sql::shape_of(&page);
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                let (text, values) = (sql::text, sql::page_values);
                let _ =
                    (text(entity, &shape, operations::Scope::Every, dialect), values(entity, &page, dialect));
            }
        }
    }
}

/// How many values there are that hold no others.
fn leaves(row: &Row) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(of).sum(),
            Value::Object(row) => leaves(row),
            _ => 1,
        }
    }
    row.values().map(of).sum()
}

/// A line with an entity, a line with a JSON row, and a JSON row that is laid over it.
pub fn json_rows(data: &[u8]) {
    let (entity, rows) = subject(data);
    let (first, second) = first_line(rows);
    let Ok(first) = input::json_row(first) else {
        // So that rows with line breaks are read as well.
        let _ = input::json_row(rows).map(|row| write(entity, &row, Verb::Upsert));
        return;
    };
    let stored = write(entity, &first, Verb::Insert);
    if let (Some(stored), Ok(update)) = (stored, input::json_row(second)) {
        change(entity, &stored, &update);
    }
}

/// The row as it would be stored, unless it is refused.
fn write(entity: &'static Entity, given: &Row, verb: Verb) -> Option<Row> {
    let row = complete(entity, given.clone(), verb, &CONTEXT).ok()?;
    let candidate = Candidate { row: &row, given, stored: None };
    let violations = validate(entity, &candidate, verb, &CONTEXT);
    violations.is_empty().then(|| store(entity, row, given)).flatten()
}

fn change(entity: &'static Entity, stored: &Row, given: &Row) {
    let Ok(update) = complete(entity, given.clone(), Verb::Update, &CONTEXT) else { return };
    let fixed = immutable(entity, &update, stored).is_empty();
    let row = merge(entity, &update, stored);
    let candidate = Candidate { row: &row, given, stored: Some(stored) };
    if fixed && validate(entity, &candidate, Verb::Update, &CONTEXT).is_empty() {
        store(entity, row, given);
    }
}

/// What becomes of a valid row: it can be bound to a statement, and what is shown of it is JSON.
fn store(entity: &'static Entity, row: Row, given: &Row) -> Option<Row> {
    let row = rewrite(entity, transform(entity, row, given, &CONTEXT).ok()?);
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let _ = (sql::insert_values(entity, &row, dialect), sql::update_values(entity, &row, dialect));
    }
    let _ = sql::cache_key(entity, &row);
    let shown = output::render(entity, &row);
    assert!(input::json_row(&shown).is_ok(), "{}", String::from_utf8_lossy(&shown));
    Some(row)
}

/// PEM, or a JSON Web Key.
pub fn keys(data: &[u8]) {
    let text = marked(data);
    let is_certificate = pem::certificate(&text).is_ok();
    assert_eq!(pem::digest(&text).is_some(), is_certificate);
    assert_eq!(pem::not_after(&text).is_some(), is_certificate);
    assert!(is_certificate || !pem::is_ca(&text));
    let (private, public) = (pem::private_key(&text).is_ok(), pem::public_key(&text).is_ok());
    assert!(private && public || !pem::same_pair(&text, &text));
    assert!(is_certificate || !pem::matches(&text, &text));
    let _ = (pem::key(&text), pem::key_type(&text), pem::certificate_count(&text));
    let _ = pem::pair(&json!({"private_key": text, "public_key": text}));
    if let Ok(members) = serde_json::from_slice::<Value>(data) {
        let loads = jwk::load(&members).is_some();
        let kid = members.get("kid").and_then(Value::as_str).unwrap_or_default();
        assert!(loads || jwk::jwk(&text, kid).is_err());
    }
}

/// A path, and a regular expression.
pub fn paths(data: &[u8]) {
    let text = marked(data);
    let _ = (path::path(&text), path::normalize(&text));
    let is_regex = path::is_regex(&text);
    assert_eq!(path::router_path(&format!("~{text}")).is_ok(), is_regex, "{text:?}");
    if path::router_path(&text).is_ok() && !text.starts_with('~') {
        assert_eq!(path::normalize(&text), text);
    }
}

/// Hosts, addresses, URLs, names and tags.
pub fn addresses(data: &[u8]) {
    let text = marked(data);
    if let Ok(address) = address::normalize_ip(&text) {
        let _ = (address::format_host(&address, None), address::format_host(&address, Some(8000)));
    }
    for rule in [
        address::host,
        address::host_with_optional_port,
        address::host_with_wildcards,
        address::wildcard_host,
        address::sni,
        address::ip,
        address::ip_or_cidr,
        address::cidr_v4,
        text::name,
        text::utf8_name,
        text::tag,
        text::utf8,
        text::header_name,
        text::cookie_name,
        url::url,
    ] {
        let _ = rule(&text);
    }
    assert_eq!(url::parse(&text).is_none(), text.is_empty());
}

/// A line with a Lua pattern, then a text to match.
pub fn patterns(data: &[u8]) {
    let (written, subject) = first_line(data);
    let _ = pattern::compile_bytes(written);
    let written = marked(written);
    if let Ok(compiled) = pattern::compile(&written) {
        assert!(pattern::is_well_formed(&written), "{written:?} compiles");
        let _ = compiled.is_match(subject);
    }
}

/// A chunk of Lua.
pub fn lua_syntax(data: &[u8]) {
    let chunk = marked(data);
    let _ = (lua::check(&chunk), lua::check_named(&chunk, "=(fuzz)"));
}

/// An expression of a route, and the same text in each of the fields that make one.
pub fn route_expression(data: &[u8]) {
    let text = marked(data);
    let rows = [
        json!({"protocols": ["http"], "expression": text}),
        json!({"protocols": ["tcp"], "expression": text}),
        json!({"protocols": ["http"], "hosts": [text], "methods": [text]}),
        json!({"protocols": ["https"], "snis": [text], "paths": [text, format!("~{text}")]}),
        json!({"protocols": ["grpc"], "headers": {text.clone(): [text, format!("~*{text}")]}}),
        json!({"protocols": ["tls"], "sources": [{"ip": text, "port": 1}], "destinations": [{"ip": text}]}),
    ];
    for row in rows.iter().filter_map(Value::as_object) {
        for flavor in [Flavor::TraditionalCompatible, Flavor::Expressions] {
            let _ = expression::validate_route(row, flavor);
        }
        let _ = expression::route_expression(row);
    }
}

/// A declaration of an entity, and of a variant of one, as data. What is accepted can be used.
pub fn declaration(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let declared = Data::from(value);
    if let Ok(entity) = declare::entity(&declared, ENTITIES) {
        let _ = schemas::entity(entity);
        write(entity, &Row::new(), Verb::Insert);
    }
    let parents = ENTITIES.iter().filter(|entity| entity.subschema_key.is_some());
    for parent in parents {
        if let Ok(subschema) = declare::subschema("fuzzed", &declared, parent, ENTITIES, ("1.0", 1)) {
            let _ = schemas::subschema(subschema);
        }
    }
}

/// The `schema.lua` of a plugin and, behind a line of dashes, its `daos.lua`. Whatever they do, they end, and what is
/// accepted can be used.
pub fn lua_loader(data: &[u8]) {
    plugins("lua_loader", data).into_iter().flatten().for_each(|known| used(&known));
}

/// A plugin as a document, read as YAML and as JSON.
pub fn plugin_document(data: &[u8]) {
    plugins("plugin_document", data).into_iter().flatten().for_each(|known| used(&known));
}

/// What loading the plugin of an input makes of it, in each form that the input can have.
pub fn plugins(target: &str, data: &[u8]) -> Vec<Result<Vec<&'static Entity>, String>> {
    const BETWEEN: &[u8] = b"\n----\n";
    if target == "plugin_document" {
        let forms = [Form::Yaml, Form::Json];
        return forms.map(|form| with_plugin("fuzzed", Files::Document(data.to_vec(), form))).into();
    }
    let between = data.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    let (schema, entities) = match between {
        Some(end) => (data[..end].to_vec(), Some(data[end + BETWEEN.len()..].to_vec())),
        None => (data.to_vec(), None),
    };
    let find = move |module: &str| {
        let text = match module {
            "kong.plugins.fuzzed.schema" => Some(schema.clone()),
            "kong.plugins.fuzzed.daos" => entities.clone(),
            _ => None,
        };
        text.map(|text| Source { name: format!("{module}.lua"), text })
    };
    vec![with_plugin("fuzzed", Files::Scripts(Arc::new(find)))]
}

/// The entities that a plugin brings can be served, and the plugin can be configured.
fn used(known: &[&'static Entity]) {
    for entity in known.iter().filter(|entity| !ENTITIES.iter().any(|own| own.name == entity.name)) {
        let _ = schemas::entity(entity);
        write(entity, &Row::new(), Verb::Insert);
    }
    for parent in known.iter().filter(|entity| entity.subschema_key.is_some()) {
        if let Some(subschema) = parent.subschema("fuzzed") {
            let _ = schemas::subschema(subschema);
            let row = json!({ "name": "fuzzed", "config": {} });
            write(parent, row.as_object().expect("an object"), Verb::Insert);
        }
    }
}

/// A declarative configuration in YAML. What was read is written so that it is read again.
pub fn configuration(data: &[u8]) {
    static DECLARATIONS: LazyLock<Declarations> =
        LazyLock::new(|| Declarations::new(ENTITIES, &Profile::default()));
    let Ok(Some(value)) = yaml::parse(&marked(data)) else { return };
    assert_eq!(yaml::parse(&yaml::write(&value)), Ok(Some(value.clone())), "{}", yaml::write(&value));
    if let Value::Object(row) = value {
        let _ = declarative::load(row, &DECLARATIONS, &CONTEXT, Vec::new);
    }
}
