//! Documents and what they become, over declarations made for the purpose.

use entities::schema::{
    Context, Declarations, Entity, Flavor, INTEGER, OnDelete, Profile, STRING, array, foreign, types::UUID,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::load;
use crate::errors::Error;

static SHELVES: Entity = Entity::new("shelves")
    .endpoint_key("name")
    .fields(&[("id", UUID), ("name", STRING.unique()), ("code", STRING.unique()), ("height", INTEGER)])
    .build();

static BOOKS: Entity = Entity::new("books")
    .endpoint_key("title")
    .fields(&[
        ("id", UUID),
        ("title", STRING.required().unique()),
        ("shelf", foreign(&SHELVES).required().on_delete(OnDelete::Cascade)),
        ("tags", array(&STRING)),
    ])
    .build();

static NOTES: Entity = Entity::new("notes")
    .cache_key(&["book", "text"])
    .fields(&[("id", UUID), ("book", foreign(&BOOKS)), ("text", STRING.required())])
    .build();

fn with<T>(run: impl FnOnce(&Declarations, &Context) -> T) -> T {
    let context = Context {
        now_us: 0,
        new_id: &|| Uuid::from_u128(1),
        new_secret: &String::new,
        router_flavor: Flavor::Traditional,
        without_database: true,
    };
    run(&Declarations::new(&[&SHELVES, &BOOKS, &NOTES], &Profile::default()), &context)
}

/// Rows, each with its kind.
type Rows = Vec<(String, Value)>;

/// The rows of a document as `kind: row`, or what is wrong with it, as a whole and row by row.
fn check(document: Value) -> Result<Rows, (String, Vec<Value>)> {
    let Value::Object(document) = document else { panic!("a document is an object") };
    with(|declarations, context| match load(document.clone(), declarations, context, Vec::new) {
        Ok(rows) => {
            Ok(rows.into_iter().map(|row| (row.entity.name.to_owned(), Value::Object(row.stored))).collect())
        }
        Err(refused) => {
            let message = refused.error().message();
            let again = load(document, declarations, context, Vec::new);
            let (_, rows) = again
                .err()
                .map(|refused| refused.flattened())
                .unwrap_or((Error::DeclarativeConfig(Default::default()), Vec::new()));
            Err((message.replace("declarative config is invalid: ", ""), rows))
        }
    })
}

#[test]
fn rows_below_rows_refer_to_them() {
    let rows = check(json!({
        "_format_version": "3.0",
        "_comment": "mine",
        "shelves": [{"name": "a", "books": [{"title": "b", "notes": [{"text": "c"}], "_ignore": [1]}]}],
        "books": [{"title": "d", "shelf": "a"}],
    }))
    .unwrap();
    let kinds: Vec<_> = rows.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["shelves", "books", "books", "notes"]);
    let shelf = Uuid::new_v5(&Uuid::new_v5(&super::ids::ROOT, b"shelves"), b"a").to_string();
    let book = Uuid::new_v5(&Uuid::new_v5(&super::ids::ROOT, b"books"), b"b").to_string();
    let note = format!("notes:*:{book}:c");
    let note = Uuid::new_v5(&Uuid::new_v5(&super::ids::ROOT, b"notes"), note.as_bytes()).to_string();
    assert_eq!(rows[0].1["id"], json!(shelf));
    assert_eq!(rows[1].1, json!({"id": book, "title": "b", "shelf": {"id": shelf}, "tags": null}));
    assert_eq!(rows[2].1["shelf"], json!({"id": shelf}));
    assert_eq!(rows[3].1, json!({"id": note, "book": {"id": book}, "text": "c"}));
}

#[test]
fn everything_that_is_wrong_is_told_in_its_place() {
    for (document, message) in [
        (json!({}), r#"{_format_version="required field missing"}"#),
        (json!({"_format_version": "3.0", "x": 1}), r#"{x="unknown field"}"#),
        (json!({"_format_version": "3.0", "books": 5}), r#"{books="expected an array"}"#),
        (json!({"_format_version": "3.0", "shelves": [1]}), r#"{shelves={"expected a record"}}"#),
        (
            json!({"_format_version": "3.0", "shelves": [{}, {"height": "x", "books": [{"shelf": "y"}]}]}),
            r#"{shelves={[2]={books={{shelf="value must be null",title="required field missing"}},height="expected an integer"}}}"#,
        ),
        (
            json!({"_format_version": "3.0", "books": [{"title": "b", "shelf": "none"}]}),
            r#"{books={b={"invalid reference 'shelf: none' (no such entry in 'shelves')"}}}"#,
        ),
        (
            json!({"_format_version": "3.0", "shelves": [{"name": "a"}, {"name": "a"}]}),
            r#"{shelves={[2]="uniqueness violation: 'shelves' entity with name set to 'a' already declared"}}"#,
        ),
        (
            json!({"_format_version": "3.0", "shelves": [{"name": "a", "code": "1"}, {"name": "b", "code": "1"}]}),
            r#"{shelves={b="uniqueness violation: 'shelves' entity with code set to '1' already declared"}}"#,
        ),
    ] {
        assert_eq!(check(document).unwrap_err().0, message);
    }
}

#[test]
fn flattened_errors_name_the_row_at_any_depth() {
    let document = json!({
        "_format_version": "3.0",
        "shelves": [{"id": "e0000000-0000-4000-8000-000000000001", "height": "x", "books": [{"tags": [], "title": 1}]}],
    });
    let (_, rows) = check(document).unwrap_err();
    assert_eq!(
        rows,
        [
            json!({
                "entity_tags": {},
                "entity_type": "book",
                "entity": {"tags": {}, "title": 1, "shelf": {"id": "e0000000-0000-4000-8000-000000000001"}},
                "errors": [{"type": "field", "field": "title", "message": "expected a string"}],
            }),
            json!({
                "entity_id": "e0000000-0000-4000-8000-000000000001",
                "entity_type": "shelve",
                "entity": {"id": "e0000000-0000-4000-8000-000000000001", "height": "x"},
                "errors": [{"type": "field", "field": "height", "message": "expected an integer"}],
            }),
        ]
    );
}
