//! Wrong declarations: those in the program's text do not compile, and those made at run time are refused by the
//! same rules, with the path of the fault.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in what it calls")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use entities::schema::types::{PORT, UUID};
use entities::schema::{
    BOOLEAN, Check, Entity, Field, INTEGER, Literal, Named, OnDelete, STRING, Subschema, array, custom, map,
    record, set, shorthand,
};

/// Each declaration in `tests/wrong`: what is wrong in it, what would be right, and what the compiler says.
const WRONG: [(&str, &str, &str, &str); 7] = [
    ("default_outside_its_range", "Int(11)", "Int(10)", "the value lies outside its range"),
    ("ill_formed_pattern", "^[a-z", "^[a-z]", "a pattern is not well formed"),
    ("misspelt_attribute", "requird", "required", "no method named `requird` found"),
    ("misspelt_field_in_check", "protocl", "protocol", "a check names a field that is not declared"),
    ("rule_on_the_wrong_type", "timestamp", "uuid", "a timestamp is a number"),
    ("two_fields_of_one_name", "(\"name\", INTEGER)", "(\"size\", INTEGER)", "two fields have the same name"),
    ("unknown_endpoint_key", "nmae", "name", "the endpoint key names a field that is not declared"),
];

/// The compiler is asked directly, with the library that this test is linked to: a project of its own for each
/// declaration would build every dependency once more.
#[test]
fn what_is_wrong_does_not_compile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), WRONG.len(), "a file is not in the list");
    let library = library();
    for (name, wrong, right, sentence) in WRONG {
        let text = fs::read_to_string(folder.join(name).with_extension("rs")).unwrap();
        assert!(text.contains(wrong), "{name}");
        let said = compile(&library, name, &text).expect_err(name);
        assert!(said.contains(sentence), "{name}: {said}");
        // The compiler points at the declaration, not only at the rule.
        assert!(said.contains(&format!("{name}.rs:")), "{name}: {said}");
        compile(&library, name, &text.replace(wrong, right)).unwrap_or_else(|said| panic!("{name}: {said}"));
    }
}

/// The library beside this test: the last that was built.
fn library() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let libraries = files.filter(|file| {
        let name = file.file_name().into_string().unwrap_or_default();
        name.starts_with("libentities-") && name.ends_with(".rlib")
    });
    libraries.max_by_key(|file| file.metadata().unwrap().modified().unwrap()).unwrap().path()
}

/// Compiles a program that uses the library; the error is what the compiler says.
fn compile(library: &Path, name: &str, text: &str) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(name).with_extension("rs");
    fs::write(&file, text).unwrap();
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--emit", "metadata", "--out-dir"])
        .arg(folder)
        .arg("--extern")
        .arg(format!("entities={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", library.parent().unwrap().display()))
        .arg(&file)
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

const THINGS: Entity = Entity::new("things");

/// Holds a declaration against the rules: the fault as people read it, or nothing.
#[track_caller]
fn hold(entity: Entity, expected: &str) {
    let fault = entity.checked().err().map(|fault| fault.to_string());
    assert_eq!(fault.unwrap_or_default(), expected);
}

/// Likewise for an entity with an id and one more field.
#[track_caller]
fn hold_field(field: Named, expected: &str) {
    let fields: &'static [Named] = vec![("id", UUID), field].leak();
    hold(THINGS.fields(fields), expected);
}

/// The same for a declaration that is written down: its parts live as long as the program.
macro_rules! check {
    ($entity:expr, $expected:expr $(,)?) => {{
        const ENTITY: Entity = $entity;
        hold(ENTITY, $expected)
    }};
}

macro_rules! check_field {
    ($field:expr, $expected:expr $(,)?) => {{
        const FIELD: Named = $field;
        hold_field(FIELD, $expected)
    }};
}

#[test]
fn what_is_right_is_accepted() {
    check!(THINGS.fields(&[("id", UUID)]), "");
    const CONFIG: Field = record(&[("port", PORT.default(Literal::Int(80))), ("on", BOOLEAN)]).required();
    check_field!(("config", CONFIG.checks(&[Check::AtLeastOneOf(&["port", "on"])])), "");
}

#[test]
fn keys_are_declared() {
    check!(THINGS, "things: an entity has fields");
    check!(
        Entity::new("Things").fields(&[("id", UUID)]),
        "Things: an entity's name is made of a-z, 0-9 and _"
    );
    check!(THINGS.fields(&[("name", STRING)]), "things: the primary key names a field that is not declared");
    const NAMED: Entity = THINGS.fields(&[("id", UUID), ("name", STRING)]);
    check!(NAMED.endpoint_key("nmae"), "things: the endpoint key names a field that is not declared");
    check!(
        NAMED.endpoint_key("name"),
        "things: the endpoint key is unique, alone or within the cache key or the primary key",
    );
    check!(NAMED.cache_key(&["name", "kind"]), "things: the cache key names a field that is not declared");
    check!(NAMED.lookups(&["name"]), "things: a collection is asked for by unique fields");
    check!(NAMED.subschema_key("kind"), "things: the subschema key names a field that is not declared");
}

#[test]
fn fields_have_names_and_types() {
    check!(
        THINGS.fields(&[("id", UUID), ("name", STRING), ("name", INTEGER)]),
        "things.fields.name: two fields have the same name",
    );
    check_field!(("", STRING), "things.fields: a field has a name");
    const INNER: Field = record(&[("port", INTEGER), ("port", STRING)]).required();
    check_field!(
        ("config", record(&[("redis", INNER)]).required()),
        "things.fields.config.fields.redis.fields.port: two fields have the same name",
    );
    check_field!(
        ("config", record(&[("port", INTEGER)])),
        "things.fields.config: a record that is a field says whether it is required",
    );
    check_field!(("labels", map(&INTEGER, &STRING)), "things.fields.labels: the keys of a map are strings");
}

#[test]
fn rules_fit_the_type() {
    check_field!(("name", STRING.between(1, 2)), "things.fields.name: between and gt are for numbers");
    check_field!(
        ("list", array(&STRING.gt(1))),
        "things.fields.list.elements: between and gt are for numbers",
    );
    check_field!(("port", INTEGER.matches("^1")), "things.fields.port: patterns are for strings");
    check_field!(("on", BOOLEAN.len_min(1)), "things.fields.on: lengths are for strings, lists and maps");
    check_field!(("name", STRING.contains(Literal::Null)), "things.fields.name: contains is for lists");
    check_field!(
        ("name", STRING.on_delete(OnDelete::Cascade)),
        "things.fields.name: on_delete is for references"
    );
    check_field!(("port", INTEGER.one_of(&["a"])), "things.fields.port: the choices are of the field's type");
    check_field!(("name", STRING.len_min(3).len_max(2)), "things.fields.name: len_min is at most len_max");
}

#[test]
fn patterns_are_well_formed() {
    for pattern in ["[a-z", "%", "(", ")", "[%"] {
        hold_field(
            ("name", STRING.matches(pattern)),
            "things.fields.name.match: a pattern is not well formed",
        );
    }
    check_field!(
        ("names", set(&STRING.match_none(&[("a", "no a"), ("(", "no end")]))),
        "things.fields.names.elements.match: a pattern is not well formed",
    );
}

#[test]
fn defaults_keep_the_rules() {
    use Literal::{Int, List, Map, Null, Str};
    const OUTSIDE: &str = "things.fields.port.default: the value lies outside its range";
    check_field!(("port", PORT.default(Int(65_536))), OUTSIDE);
    check_field!(("port", INTEGER.gt(0).default(Int(0))), OUTSIDE);
    check_field!(
        ("port", INTEGER.default(Str("80"))),
        "things.fields.port.default: the value is not of the field's type"
    );
    check_field!(
        ("name", STRING.one_of(&["a", "b"]).default(Str("c"))),
        "things.fields.name.default: the value is not among the choices",
    );
    check_field!(("name", STRING.default(Str(""))), "things.fields.name.default: the value is too short");
    check_field!(
        ("on", BOOLEAN.required().default(Null)),
        "things.fields.on.default: null is no value of a required field",
    );
    check_field!(
        ("ports", array(&PORT).default(List(&[Int(1), Int(-1)]))),
        "things.fields.ports.default.elements: the value lies outside its range",
    );
    check_field!(
        ("config", record(&[("port", PORT)]).required().default(Map(&[("prot", Int(1))]))),
        "things.fields.config.default.prot: the value has a field that is not declared",
    );
    check_field!(
        ("port", PORT.examples(&[Int(1), Int(-1)])),
        "things.fields.port.examples: the value lies outside its range",
    );
}

#[test]
fn checks_and_shorthands_name_fields() {
    const THREE: Entity = THINGS.fields(&[("id", UUID), ("path", STRING), ("protocol", STRING)]);
    let undeclared =
        |check: &str| format!("things.entity_checks.{check}: a check names a field that is not declared");
    check!(THREE.checks(&[Check::AtLeastOneOf(&["path", "hots"])]), &undeclared("at_least_one_of"));
    check!(THREE.checks(&[entities::null_if!("pth", "protocol", &["tcp"])]), &undeclared("conditional"));
    check!(THREE.checks(&[custom(&["nobody"], &|_, _| Ok(()))]), &undeclared("custom_entity_check"));
    check_field!(
        ("config", record(&[("port", INTEGER)]).required().checks(&[Check::Distinct(&["host"])])),
        "things.fields.config.entity_checks.distinct: a check names a field that is not declared",
    );
    check!(
        THREE.shorthands(&[shorthand("path", INTEGER, &|_| None)]),
        "things.shorthand_fields.path: a shorthand that has the name of a field has its type",
    );
}

#[test]
fn a_subschema_stays_within_its_entity() {
    const UNKNOWN: &Subschema = &Subschema::new("unknown").fields(&[("extra", STRING)]);
    const OTHER_TYPE: &Subschema = &Subschema::new("other").fields(&[("config", STRING)]);
    const WITH_KINDS: Entity = THINGS.subschema_key("name").fields(&[
        ("id", UUID),
        ("name", STRING.required()),
        ("config", record(&[]).is_abstract().required()),
    ]);
    check!(
        WITH_KINDS.subschemas(&[("unknown", UNKNOWN)]),
        "things.unknown.extra: a subschema cannot create a new field"
    );
    check!(
        WITH_KINDS.subschemas(&[("other", OTHER_TYPE)]),
        "things.other.config: a subschema cannot change the type of a field",
    );
}
