//! Every entity whose rows belong to a workspace, in two of them at once: the same row stands in both, and neither is
//! seen, named, changed or held back from the other. What is sent follows from the declarations; no entity is named.

use std::collections::HashMap;

use entities::schema::{Entity, Row};
use generators::fixtures::{Fixture, Fixtures};
use serde_json::{Value, json};

use super::open;
use crate::support::api::{Api, Store};
use crate::support::client::Answer;

#[tokio::test]
async fn on_sqlite() {
    run(Store::Sqlite).await;
}

#[tokio::test]
async fn on_sqlite_by_sql() {
    run(Store::Uncached).await;
}

#[tokio::test]
async fn on_postgres() {
    run(Store::Postgres).await;
}

async fn run(store: Store) {
    let name = format!("workspaces_{store:?}").to_lowercase();
    let Some(api) = open(store, &name).await else { return };
    let circumstances = api.node.circumstances();
    let context = circumstances.context();
    let fixtures = Fixtures::new(&api.node.declarations, &context);
    let mut battery = Battery { api: &api, fixtures, problems: Vec::new() };
    let served =
        |entity: &&'static Entity| entity.workspaceable && entity.generate_admin_api && entity.stored;
    let mut count = 0;
    for entity in api.node.declarations.entities().filter(served) {
        battery.entity(entity).await;
        count += 1;
    }
    assert!(count > 15, "only {count} entities");
    let problems = battery.problems;
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// The default workspace and another.
const SPACES: [&str; 2] = ["", "/blue"];

/// A row in a workspace, and the rows that it refers to: each path within the workspace, the row itself last.
struct Stand {
    space: &'static str,
    collection: String,
    row: Value,
    paths: Vec<String>,
    /// The ids that the rows were given, by those of the fixture.
    ids: HashMap<String, String>,
}

impl Stand {
    fn id(&self) -> &str {
        self.row["id"].as_str().unwrap_or_default()
    }

    /// The path of the row.
    fn path(&self) -> String {
        format!("{}{}/{}", self.space, self.collection, self.id())
    }

    /// The path that the row would have in the other workspace.
    fn elsewhere(&self, other: &Stand) -> String {
        format!("{}{}/{}", other.space, self.collection, self.id())
    }
}

struct Battery<'a> {
    api: &'a Api,
    fixtures: Fixtures<'a>,
    problems: Vec<String>,
}

impl Battery<'_> {
    async fn entity(&mut self, entity: &'static Entity) {
        let blue = self.send("POST", "/workspaces", &json!({"name": "blue"}), 201).await.json();
        let variant = self.fixtures.variants(entity)[0];
        let fixture = self.fixtures.whole(entity, variant, 0).unwrap();
        let elsewhere = self.fixtures.whole(entity, variant, 1).unwrap();
        let Some(own) = self.stand(SPACES[0], &fixture).await else { return };
        // What is unique over all workspaces is so; another row of that kind stands in the other workspace.
        let shared = entity.unique_fields().any(|(_, field)| field.unique_across_ws);
        if shared {
            let body = Value::Object(self.body(entity, &fixture.row, &HashMap::new()));
            self.send("POST", &format!("{}{}", SPACES[1], own.collection), &body, 409).await;
        }
        let fixture = if shared { &elsewhere } else { &fixture };
        let Some(other) = self.stand(SPACES[1], fixture).await else { return };
        for (a, b) in [(&own, &other), (&other, &own)] {
            self.apart(entity, a, b).await;
        }
        self.below(entity, &own, &other).await;
        let refused = self.send("DELETE", "/workspaces/blue", &Value::Null, 400).await.json();
        self.check(refused["code"] == 4, || format!("DELETE /workspaces/blue: {refused}"));
        self.send("DELETE", &own.path(), &Value::Null, 204).await;
        self.send("GET", &own.path(), &Value::Null, 404).await;
        let kept = self.send("GET", &other.path(), &Value::Null, 200).await.json();
        self.check(kept == other.row, || format!("{} has become {kept}", other.path()));
        // A row that both refer to goes at the second attempt.
        for accepted in [&[204, 404, 400][..], &[204, 404]] {
            for path in own.paths.iter().rev().chain(other.paths.iter().rev()) {
                let answer = self.api.json("DELETE", path, &Value::Null).await;
                self.check(accepted.contains(&answer.status), || format!("DELETE {path}: {}", answer.json()));
            }
        }
        let path = format!("/workspaces/{}", blue["id"].as_str().unwrap_or_default());
        self.send("DELETE", &path, &Value::Null, 204).await;
        self.send("GET", &format!("/blue{}", own.collection), &Value::Null, 404).await;
    }

    /// Neither by id, by name, in a list, by tag nor by a write is the row of `a` seen from the workspace of `b`.
    async fn apart(&mut self, entity: &'static Entity, a: &Stand, b: &Stand) {
        let path = a.path();
        let seen = self.send("GET", &path, &Value::Null, 200).await.json();
        self.check(seen == a.row && seen.get("ws_id").is_none(), || format!("GET {path}: {seen}"));
        let foreign = a.elsewhere(b);
        self.send("GET", &foreign, &Value::Null, 404).await;
        self.send("PATCH", &foreign, &json!({}), 404).await;
        let gone = if entity.nested_only { 404 } else { 204 };
        self.send("DELETE", &foreign, &Value::Null, gone).await;
        if !entity.nested_only {
            let row = self.body(entity, b.row.as_object().unwrap(), &HashMap::new());
            let refused = self.send("PUT", &foreign, &Value::Object(row), 400).await.json();
            self.check(refused["code"] == 3, || format!("PUT {foreign}: {refused}"));
        }
        let still = self.send("GET", &path, &Value::Null, 200).await.json();
        self.check(still == a.row, || format!("{path} has become {still}"));
        if let Some(name) = entity.endpoint_key.and_then(|key| a.row[key].as_str()) {
            let path = format!("{}{}/{name}", a.space, a.collection);
            let found = self.send("GET", &path, &Value::Null, 200).await.json();
            self.check(found == a.row, || format!("GET {path}: {found}"));
        }
        self.listed(&format!("{}{}", a.space, a.collection), a, b).await;
        if let Some(tag) = a.row["tags"][0].as_str() {
            self.listed(&format!("{}{}?tags={tag}", a.space, a.collection), a, b).await;
            self.listed(&format!("{}/tags", a.space), a, b).await;
            self.listed(&format!("{}/tags/{tag}", a.space), a, b).await;
        }
        for name in entity.lookups {
            if let Some(value) = a.row[name].as_str() {
                self.listed(&format!("{}{}?{name}={value}", a.space, a.collection), a, b).await;
            }
        }
    }

    /// A list holds the row of `a` and not that of `b`.
    async fn listed(&mut self, path: &str, a: &Stand, b: &Stand) {
        let list = self.send("GET", path, &Value::Null, 200).await.json();
        let rows = list["data"].as_array().cloned().unwrap_or_default();
        let has = |id: &str| rows.iter().any(|row| row["id"] == *id || row["entity_id"] == *id);
        self.check(has(a.id()) && !has(b.id()), || format!("GET {path}: {list}"));
    }

    /// The row below those that it refers to, and references into the other workspace.
    async fn below(&mut self, entity: &'static Entity, own: &Stand, other: &Stand) {
        for (field, _, parent) in entity.foreign_keys() {
            let parent = self.api.node.declarations.resolve(parent);
            let (Some(mine), Some(theirs)) = (own.row[field]["id"].as_str(), other.row[field]["id"].as_str())
            else {
                continue;
            };
            if !parent.workspaceable || !parent.generate_admin_api {
                continue;
            }
            let below = |id: &str| format!("/{}/{id}/{}", parent.collection(), entity.nested_collection());
            self.listed(&format!("{}{}", own.space, below(mine)), own, other).await;
            self.listed(&format!("{}{}", other.space, below(theirs)), other, own).await;
            self.send("GET", &format!("{}{}", other.space, below(mine)), &Value::Null, 404).await;
            self.send("POST", &format!("{}{}", other.space, below(mine)), &json!({}), 404).await;
            if entity.nested_only {
                continue;
            }
            // A reference into the other workspace is one to a row that is not there.
            let mut reaching = self.body(entity, other.row.as_object().unwrap(), &HashMap::new());
            reaching.insert(field.to_owned(), json!({ "id": mine }));
            let refused = self.send("PATCH", &other.path(), &json!(reaching), 400).await.json();
            self.check(refused["code"] == 4, || format!("PATCH {} {reaching:?}: {refused}", other.path()));
            // So is one by a name that is known there alone.
            let name = parent.endpoint_key.filter(|key| parent.field(key).is_some_and(|key| key.is_unique()));
            let path = format!("{}/{}/{mine}", own.space, parent.collection());
            let above = self.send("GET", &path, &Value::Null, 200).await.json();
            let Some(name) = name.filter(|name| above[name].is_string()) else { continue };
            let only = json!({ name: format!("only-{}", own.id()) });
            if self.api.json("PATCH", &path, &only).await.status == 200 {
                reaching.insert(field.to_owned(), only);
                let refused = self.send("PATCH", &other.path(), &json!(reaching), 400).await.json();
                self.check(refused["code"] == 13, || format!("PATCH {reaching:?}: {refused}"));
                self.send("PATCH", &path, &json!({ name: above[name] }), 200).await;
            }
        }
    }

    /// Writes a fixture's rows into a workspace, under ids that the node makes up.
    async fn stand(&mut self, space: &'static str, fixture: &Fixture) -> Option<Stand> {
        let (collection, row) = (String::new(), Value::Null);
        let mut stand = Stand { space, collection, row, paths: Vec::new(), ids: HashMap::new() };
        let rows = fixture.parents.iter().map(|(entity, row)| (*entity, row));
        for (entity, row) in rows.chain([(fixture.entity, &fixture.row)]) {
            let body = self.body(entity, row, &stand.ids);
            stand.collection = collection_of(entity, &body);
            let path = format!("{space}{}", stand.collection);
            let body = Value::Object(body);
            let answer = match entity.workspaceable {
                true => self.send("POST", &path, &body, 201).await,
                // Such a row is one for all workspaces: the first to come has written it.
                false => {
                    let path = format!("{path}/{}", row["id"].as_str().unwrap_or_default());
                    self.send("PUT", &path, &body, 200).await
                }
            };
            stand.row = answer.json();
            let id = stand.row["id"].as_str()?.to_owned();
            stand.paths.push(format!("{path}/{id}"));
            stand.ids.insert(row.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(), id);
        }
        Some(stand)
    }

    /// A row without its own id, whose references lead to the rows of these ids.
    fn body(&self, entity: &'static Entity, row: &Row, ids: &HashMap<String, String>) -> Row {
        let mut body = row.clone();
        body.shift_remove("id");
        for (name, field) in entity.fields {
            // What a row lists is unique over all workspaces.
            if field.lists.is_some() {
                body.shift_remove(*name);
            }
            let Some(Value::Object(reference)) = body.get_mut(*name).filter(|_| field.foreign().is_some())
            else {
                continue;
            };
            if let Some(id) = reference.get("id").and_then(|id| ids.get(id.as_str()?)) {
                reference.insert("id".to_owned(), Value::from(id.as_str()));
            }
        }
        body
    }

    async fn send(&mut self, method: &str, path: &str, body: &Value, status: u16) -> Answer {
        let answer = self.api.json(method, path, body).await;
        self.check(answer.status == status, || {
            let said = String::from_utf8_lossy(&answer.body);
            format!("{method} {path} {body}: {} instead of {status}: {said}", answer.status)
        });
        answer
    }

    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(what());
        }
    }
}

/// Where a row is posted to: below its parent if it is served there only.
fn collection_of(entity: &'static Entity, row: &Row) -> String {
    let above = entity.foreign_keys().find(|_| entity.nested_only);
    match above.and_then(|(field, _, parent)| Some((parent, row.get(field)?["id"].as_str()?))) {
        None => format!("/{}", entity.collection()),
        Some((parent, id)) => format!("/{}/{id}/{}", parent.collection(), entity.nested_collection()),
    }
}
