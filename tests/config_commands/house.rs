//! Produces a store that holds a row of every kind, each with every field that it can have; written over the Admin
//! API, so that nothing here knows how rows become files.

use std::collections::HashSet;
use std::sync::LazyLock;

use entities::schema::{Context, Entity, Flavor, Row};
use generators::fixtures::{Fixture, Fixtures};
use generators::operations::{id_of, reference};
use serde_json::Value;
use silverback::settings::{self, Settings};
use uuid::Uuid;

use crate::support::api::{Api, Store};
use crate::support::block_on;
use crate::support::client::Connection;

/// How many fixtures are tried until one can stand beside the others.
const TRIES: usize = 8;

/// Writes a row of every kind.
pub fn fill(connection: &mut Connection) {
    for (path, body) in HOUSE.iter() {
        let answer = connection.json("POST", path, body).unwrap();
        assert_eq!(answer.status, 201, "{path} {body}: {}", answer.json());
    }
}

/// What is posted, and where; found out once.
static HOUSE: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| block_on(built()));

async fn built() -> Vec<(String, Value)> {
    let api = Api::open(Store::Sqlite, "house").await.unwrap();
    // What a node without a database takes, any node takes.
    let mut settings = Settings::default();
    settings.database = settings::Database::Off;
    let declarations = silverback::declarations(&settings).unwrap();
    let context = Context {
        now_us: 1_700_000_000_000_000,
        new_id: &Uuid::new_v4,
        new_secret: &|| Uuid::new_v4().to_string(),
        router_flavor: Flavor::TraditionalCompatible,
        without_database: true,
    };
    let fixtures = Fixtures::new(&declarations, &context);
    let mut house = House { api, posted: Vec::new(), written: HashSet::new() };
    for entity in declarations.entities().filter(|entity| entity.generate_admin_api && entity.stored) {
        for (i, variant) in fixtures.variants(entity).into_iter().enumerate() {
            // Variants share what is unique about the fixtures of one number.
            let mut is_there = false;
            for serial in i..i + TRIES {
                if let Ok(fixture) = fixtures.whole(entity, variant, serial)
                    && house.add(&fixture).await
                {
                    is_there = true;
                    break;
                }
            }
            assert!(is_there, "no {} {variant:?}", entity.name);
            // A row with nothing but what it needs may be one that is there already.
            if let Ok(fixture) = fixtures.least(entity, variant, i + 1) {
                house.add(&fixture).await;
            }
        }
    }
    house.posted
}

struct House {
    api: Api,
    posted: Vec<(String, Value)>,
    written: HashSet<(&'static str, Option<String>)>,
}

impl House {
    /// Writes a row and those that it refers to, as far as they are not there. Whether that went well.
    async fn add(&mut self, fixture: &Fixture) -> bool {
        for (entity, row) in fixture.parents.iter().chain([&(fixture.entity, fixture.row.clone())]) {
            let key = (entity.name, id_of(entity, row));
            if key.1.is_some() && self.written.contains(&key) {
                continue;
            }
            let (path, body) = (collection(entity, row), Value::Object(row.clone()));
            if self.api.json("POST", &path, &body).await.status != 201 {
                return false;
            }
            self.posted.push((path, body));
            self.written.insert(key);
        }
        true
    }
}

/// The path of the collection that a row is posted to: below its parent if it is served there only.
fn collection(entity: &'static Entity, row: &Row) -> String {
    let above = entity.foreign_keys().find(|_| entity.nested_only);
    match above.and_then(|(field, _, parent)| Some((parent, reference(row.get(field)?, parent)?))) {
        None => format!("/{}", entity.collection()),
        Some((parent, id)) => format!("/{}/{id}/{}", parent.collection(), entity.nested_collection()),
    }
}
