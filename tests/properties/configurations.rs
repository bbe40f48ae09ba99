//! Whatever a store holds and a document says: what a dry run finds can be done, nothing is left to do afterwards, and
//! a dump of the result means the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use entities::schema::Row;
use generators::declarative::{Form, Selection};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use silverback::node::Node;
use silverback::node::configuration::{self, Trouble, Wish};
use silverback::settings::Settings;
use silverback::store::{Database, Location, Progress};
use uuid::Uuid;

use super::cases;

/// So few ids and names that they meet.
const FEW: usize = 3;

/// A row: its id and its name, if it has them, something that differs, and what it refers to, as far as that is there.
type Numbers = (Option<usize>, Option<usize>, usize, [Option<usize>; 3]);

fn numbers() -> impl Strategy<Value = Vec<Numbers>> {
    let few = || option::of(0..FEW);
    vec((few(), few(), 0..FEW, [few(), few(), few()]), 0..5)
}

/// A document of four kinds of rows. Of rows with one id or one name the first counts.
fn document(kinds: &[Vec<Numbers>; 4]) -> Row {
    let names = ["name", "name", "username", "instance_name"];
    let lists = ["services", "routes", "consumers", "plugins"];
    let mut document = Row::from_iter([("_format_version".to_owned(), json!("3.0"))]);
    let mut there: [BTreeSet<usize>; 4] = Default::default();
    for (kind, rows) in kinds.iter().enumerate() {
        let (mut ids, mut unique) = (BTreeSet::new(), BTreeSet::new());
        let mut list = Vec::new();
        for (id, name, other, above) in rows {
            let is_twice =
                id.is_some_and(|id| !ids.insert(id)) || name.is_some_and(|name| there[kind].contains(&name));
            let to = |kind: usize, above: Option<usize>| {
                above.filter(|above| there[kind].contains(above)).map(|above| format!("n{above}"))
            };
            // Only one of the plugins can depend on a consumer.
            let references = (to(0, above[0]), to(1, above[1]), to(2, above[2].filter(|_| *other == 2)));
            if is_twice || kind == 3 && !unique.insert((*other, references.clone())) {
                continue;
            }
            let id = id.map(|id| {
                Uuid::from_u128((kind as u128) << 64 | 0x4000_8000_0000 << 16 | id as u128).to_string()
            });
            let mut row = match kind {
                0 => json!({"host": "h.test", "port": 80 + other}),
                1 => json!({"paths": [format!("/{other}")], "service": references.0}),
                2 => json!({"custom_id": Value::Null, "username": "u"}),
                _ => json!({
                    "name": (["cors", "bot-detection", "ip-restriction"][*other]),
                    "config": if *other == 2 { json!({"allow": ["10.0.0.1"]}) } else { json!({}) },
                    "service": references.0,
                    "route": references.1,
                    "consumer": references.2,
                }),
            };
            row[names[kind]] = json!(name.map(|name| format!("n{name}")));
            if kind == 2 && name.is_none() {
                row["custom_id"] = json!(format!("c{}-{other}", list.len()));
            }
            let row = row.as_object_mut().unwrap();
            row.extend(id.map(|id| ("id".to_owned(), json!(id))));
            row.retain(|_, value| !value.is_null());
            there[kind].extend(*name);
            list.push(Value::Object(row.clone()));
        }
        document.insert(lists[kind].to_owned(), Value::Array(list));
    }
    document
}

/// What is created, updated and deleted; `None` for a document in which something is wrong.
async fn synchronize(node: &Node, document: &Row, dry_run: bool) -> Option<[u64; 3]> {
    let wish = Wish { document: document.clone(), selection: Selection::default(), dry_run };
    match configuration::synchronize(node, node.store.default_space(), wish, &Progress::default()).await {
        Ok(report) => Some(["created", "updated", "deleted"].map(|name| report[name].as_u64().unwrap())),
        Err(Trouble::Document(_)) => None,
        Err(trouble) => panic!("{:?}: {}", trouble.details(), Value::Object(document.clone())),
    }
}

async fn holds(node: &Node, documents: [Row; 2]) {
    const NOTHING: Option<[u64; 3]> = Some([0; 3]);
    let empty = Row::from_iter([("_format_version".to_owned(), json!("3.0"))]);
    synchronize(node, &empty, false).await.unwrap();
    for document in &documents {
        let Some(found) = synchronize(node, document, true).await else { return };
        assert_eq!(synchronize(node, document, false).await, Some(found));
        assert_eq!(synchronize(node, document, true).await, NOTHING, "nothing is left to do");
    }
    let dump = configuration::dump(node, node.store.default_space(), Form::default()).await.unwrap();
    assert_eq!(synchronize(node, &dump, true).await, NOTHING, "a dump means what there is: {dump:?}");
    synchronize(node, &empty, false).await.unwrap();
    synchronize(node, &dump, false).await.unwrap();
    assert_eq!(configuration::dump(node, node.store.default_space(), Form::default()).await.unwrap(), dump);
}

#[test]
fn a_store_becomes_what_a_document_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = Database::Sqlite { location: Location::Memory, read_cache: true };
    let node: Arc<Node> = runtime.block_on(silverback::node(&Settings::default(), &database)).unwrap();
    let kinds = || [numbers(), numbers(), numbers(), numbers()];
    proptest!(cases(32), |(one in kinds(), other in kinds())| {
        runtime.block_on(holds(&node, [document(&one), document(&other)]));
    });
}
