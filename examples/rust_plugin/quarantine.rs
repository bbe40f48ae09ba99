//! quarantine holds back requests with a marked header. Its configuration and its entity are declared as the program's
//! own are: as constants, which the compiler holds against the rules.

use entities::schema::types::{AUTO_TIMESTAMP_S, HEADER_NAME, NAME, PROTOCOLS_HTTP, TAGS, UUID};
use entities::schema::{
    BOOLEAN, Check, Entity, INTEGER, Literal::*, OnDelete, STRING, Subschema, foreign, record,
};
use entities::typedefs::{CONSUMERS, NO_CONSUMER};
use silverback::Extension;

/// What [`silverback::node_with`] takes.
pub const QUARANTINE: Extension = Extension { plugins: &[&PLUGIN], entities: &[&SUSPECTS] };

#[rustfmt::skip]
static PLUGIN: Subschema = Subschema::new("quarantine").plugin("2.0.1", 2500).fields(&[
    ("consumer",  NO_CONSUMER),
    ("protocols", PROTOCOLS_HTTP),
    ("config",    record(&[
        ("header",  HEADER_NAME.required().default(Str("X-Suspicious"))),
        ("words",   STRING.text_validator(&words)
            .doc("The words that a value must hold to be suspicious, separated by spaces.")),
        ("status",  INTEGER.between(400, 599).default(Int(403))),
        ("report",  BOOLEAN.required().default(Bool(true))),
    ]).required()),
])
.checks(&[Check::AtLeastOneOf(&["config.words", "config.header"])]);

#[rustfmt::skip]
static SUSPECTS: Entity = Entity::new("suspects")
    .doc("A consumer whose requests are held back.")
    .workspaceable()
    .endpoint_key("name")
    .fields(&[
        ("id",         UUID),
        ("created_at", AUTO_TIMESTAMP_S),
        ("updated_at", AUTO_TIMESTAMP_S),
        ("name",       NAME.required()),
        ("consumer",   foreign(&CONSUMERS).on_delete(OnDelete::Cascade)),
        ("reason",     STRING.len_max(100)),
        ("tags",       TAGS),
    ])
    .build();

/// Words of letters alone.
fn words(text: &str) -> Result<(), String> {
    match text.split(' ').find(|word| word.is_empty() || !word.chars().all(char::is_alphabetic)) {
        None => Ok(()),
        Some(word) => Err(format!("not a word: '{word}'")),
    }
}
