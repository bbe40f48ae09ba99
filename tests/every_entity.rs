//! The battery: every served entity, with every verb and in every place that its declaration gives it, on each
//! store. What is sent follows from the declarations (`generators::fixtures`), and so does what must come back; no
//! entity is named here. What is special to one entity is not asked.

mod encodings;
mod items;
mod nested;
mod paths;
mod refused;

use std::collections::{HashMap, HashSet};

use entities::schema::{Context, Entity, Field, Row};
use generators::fixtures::{Fixture, Fixtures};
use generators::graph::Graph;
use generators::operations::id_of;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::api::{Api, Store, contains};
use crate::support::client::Answer;

#[tokio::test]
async fn on_sqlite() {
    run(Store::Sqlite, 0).await;
}

#[tokio::test]
async fn on_postgres() {
    run(Store::Postgres, 2).await;
}

async fn run(store: Store, first_way: usize) {
    let Some(api) = Api::open(store, "every_entity").await else { return };
    let circumstances = api.node.circumstances();
    let context = circumstances.context();
    let mut battery = Battery::new(&api, &context, first_way);
    let declarations = &api.node.declarations;
    for entity in declarations.entities().filter(|entity| entity.generate_admin_api && entity.stored) {
        for (i, variant) in battery.fixtures.variants(entity).into_iter().enumerate() {
            let of = variant.map_or(entity.name.to_owned(), |variant| format!("{} {variant}", entity.name));
            battery.about(&of);
            // What is the same for all variants is asked of the first.
            battery.items(entity, variant, i == 0).await;
            battery.encodings(entity, variant).await;
            battery.refused(entity, variant, i == 0).await;
        }
        battery.about(entity.name);
        battery.unreadable(entity).await;
        battery.clean().await;
        battery.lists(entity).await;
        battery.unique(entity).await;
        battery.nested(entity).await;
    }
    battery.about("paths");
    battery.paths().await;
    let problems = battery.problems;
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// The tests of one node, and what they found. A test leaves no rows but those that others refer to.
struct Battery<'a> {
    api: &'a Api,
    fixtures: Fixtures<'a>,
    graph: Graph,
    known: HashMap<(&'static str, Option<&'static str>, usize), Fixture>,
    /// Which of the ways to send an invalid row comes first.
    first_way: usize,
    problems: Vec<String>,
    about: String,
}

impl<'a> Battery<'a> {
    fn new(api: &'a Api, context: &'a Context<'a>, first_way: usize) -> Battery<'a> {
        let declarations = &api.node.declarations;
        let fixtures = Fixtures::new(declarations, context);
        let graph = Graph::new(declarations);
        let (known, problems, about) = (HashMap::new(), Vec::new(), String::new());
        Battery { api, fixtures, graph, known, first_way, problems, about }
    }

    fn about(&mut self, what: &str) {
        what.clone_into(&mut self.about);
    }

    fn problem(&mut self, what: &str) {
        self.problems.push(format!("{}: {what}", self.about));
    }

    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.problem(&what());
        }
    }

    /// Sends a request that must be answered with that status.
    async fn send(&mut self, method: &str, path: &str, body: &Value, status: u16) -> Answer {
        let answer = self.api.json(method, path, body).await;
        self.answered(method, path, body, &answer, status);
        answer
    }

    fn answered(&mut self, method: &str, path: &str, body: &Value, answer: &Answer, status: u16) {
        self.check(answer.status == status, || {
            let said = String::from_utf8_lossy(&answer.body);
            format!("{method} {path} {body}: {} instead of {status}: {said}", answer.status)
        });
    }

    /// Sends a request that must be refused with that status and code, and leaves the store as it was.
    async fn refuse(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
        status: u16,
        code: Option<u8>,
    ) -> Value {
        let before = self.api.state().await;
        let answer = self.send(method, path, body, status).await.json();
        let told = answer["code"].as_u64();
        self.check(told == code.map(u64::from), || {
            format!("{method} {path} {body}: code {code:?} wanted: {answer}")
        });
        self.unchanged(&before, &format!("{method} {path} {body}")).await;
        answer
    }

    async fn unchanged(&mut self, before: &str, by: &str) {
        let after = self.api.state().await;
        let lines: HashSet<_> = before.lines().collect();
        let more: Vec<_> = after.lines().filter(|line| !lines.contains(line)).collect();
        self.check(before == after, || format!("{by} changed the store: {}", more.join("\n")));
    }

    /// Sends a request that must succeed, and compares the answer's row with what must be in it.
    async fn write(&mut self, method: &str, path: &str, row: &Row, status: u16, expected: &Row) -> Value {
        let body = Value::Object(row.clone());
        let answer = self.send(method, path, &body, status).await.json();
        self.holds(&format!("{method} {path} {body}"), &answer, expected);
        answer
    }

    fn holds(&mut self, what: &str, answer: &Value, expected: &Row) {
        for (name, value) in expected {
            self.check(answer.get(name).is_some_and(|own| contains(own, value)), || {
                format!("{what}: {name} is {:?} instead of {value}", answer.get(name))
            });
        }
    }

    /// A valid row, or a problem.
    fn whole(
        &mut self,
        entity: &'static Entity,
        variant: Option<&'static str>,
        serial: usize,
    ) -> Option<Fixture> {
        let key = (entity.name, variant, serial);
        if let Some(known) = self.known.get(&key) {
            return Some(known.clone());
        }
        let made = self.fixtures.whole(entity, variant, serial);
        let made = self.made(made)?;
        self.known.insert(key, made.clone());
        Some(made)
    }

    fn made<T>(&mut self, made: Result<T, generators::fixtures::NoFixture>) -> Option<T> {
        made.map_err(|none| self.problem(&none.to_string())).ok()
    }

    /// Writes the rows that a fixture's row refers to, as far as they are not there.
    async fn parents(&mut self, fixture: &Fixture) {
        for (parent, row) in &fixture.parents {
            let path = self.path_of(parent, row);
            if self.api.get(&path).await.status == 404 {
                self.send("POST", &self.collection(parent, row), &json!(row), 201).await;
            }
        }
    }

    /// The path of the collection that a row is posted to: below its parent if it is served there only.
    fn collection(&self, entity: &'static Entity, row: &Row) -> String {
        let mut above = entity.foreign_keys().filter(|_| entity.nested_only);
        match above.next() {
            None => format!("/{}", entity.collection()),
            Some((field, _, parent)) => {
                let id = at(row, field)[parent.primary_key[0]].as_str().unwrap_or_default();
                format!("/{}/{id}/{}", parent.collection(), entity.nested_collection())
            }
        }
    }

    fn path_of(&self, entity: &'static Entity, row: &Row) -> String {
        format!("{}/{}", self.collection(entity, row), id_of(entity, row).unwrap_or_default())
    }

    /// What a row of that input shows, but for what the node fills in.
    fn shown(&self, entity: &'static Entity, row: &Row) -> Row {
        let stored = self.fixtures.stored(entity, row).unwrap_or_default();
        let fields: Vec<_> = entity.fields_of(entity.subschema_of(row)).collect();
        let mut shown = foreseeable(&fields, &stored, row);
        shown.shift_remove("updated_at");
        shown
    }

    /// Deletes every row, children first.
    async fn clean(&mut self) {
        let declarations = &self.api.node.declarations;
        let entities: Vec<_> =
            declarations.entities().filter(|entity| entity.generate_admin_api && entity.stored).collect();
        for _ in 0..3 {
            let mut left = false;
            for entity in entities.iter().rev().filter(|entity| !entity.nested_only) {
                let path = format!("/{}", entity.collection());
                let rows = self.api.get(&path).await.json();
                for row in rows["data"].as_array().into_iter().flatten() {
                    let item = format!("{path}/{}", row["id"].as_str().unwrap_or_default());
                    left |= self.api.json("DELETE", &item, &Value::Null).await.status != 204;
                }
            }
            if !left {
                return;
            }
        }
        self.problem("rows are left that cannot be deleted");
    }
}

/// An id that no row has.
fn nobody() -> String {
    Uuid::nil().to_string().replace("0000-0000-0000", "0000-4000-8000")
}

/// The stored values that follow from what was given, and not from what the node fills in.
fn foreseeable(fields: &[(&'static str, &'static Field)], stored: &Row, given: &Row) -> Row {
    let mut shown = Row::new();
    for (name, field) in fields {
        let (Some(value), own) = (stored.get(*name), at(given, name)) else { continue };
        let is_made = field.auto || field.lists.is_some();
        match (value, field.fields()) {
            _ if own.is_null() && is_made => {}
            (Value::Object(record), inner) if !inner.is_empty() => {
                let inner: Vec<_> = inner.iter().map(|(name, field)| (*name, field)).collect();
                let record = foreseeable(&inner, record, own.as_object().unwrap_or(&Row::new()));
                shown.insert((*name).to_owned(), Value::Object(record));
            }
            _ => {
                shown.insert((*name).to_owned(), value.clone());
            }
        }
    }
    shown
}

/// The value of a field; null where the row has none.
fn at<'r>(row: &'r Row, name: &str) -> &'r Value {
    row.get(name).unwrap_or(&Value::Null)
}
