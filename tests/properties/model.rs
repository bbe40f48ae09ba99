//! Every store behaves like a map: random writes are answered as a model in memory says, and what is there in the
//! end is what the model holds, on each store alike.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::cases;
use crate::support::house::House;

/// The kinds of rows, children before parents: their collection, and the field that names them.
const KINDS: [(&str, &str); 3] = [("routes", "name"), ("services", "name"), ("consumers", "username")];
const ROUTES: usize = 0;
const SERVICES: usize = 1;
/// So few ids and names of each kind that they meet.
const FEW: usize = 4;

/// What a client may ask for. Ids, names and parents are numbers of a few.
#[derive(Clone, Debug)]
enum Step {
    Post { kind: usize, id: usize, row: Row },
    PostBelow { parent: usize, id: usize, row: Row },
    Put { kind: usize, id: usize, row: Row },
    PutByName { kind: usize, name: usize, id: usize, row: Row },
    Patch { kind: usize, id: usize, row: Row },
    PatchName { kind: usize, by: usize, name: Option<usize> },
    Delete { kind: usize, id: usize },
    DeleteByName { kind: usize, name: usize },
    DeleteBelow { parent: usize, id: usize },
    GetByName { kind: usize, name: usize },
}

/// What distinguishes rows here.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: Option<usize>,
    /// Routes only: the service.
    parent: Option<usize>,
}

type Rows = [BTreeMap<usize, Row>; KINDS.len()];

fn id(kind: usize, id: usize) -> String {
    Uuid::from_u128(0x1000_4000_8000_0000_0000_0000 + ((kind as u128) << 32) + id as u128).to_string()
}

fn name(name: usize) -> String {
    format!("name-{name}")
}

fn body(kind: usize, number: usize, row: &Row) -> Value {
    let mut body = json!({ KINDS[kind].1: row.name.map(name) });
    let own = match kind {
        ROUTES => {
            json!({"hosts": ["h.test"], "service": row.parent.map(|parent| json!({"id": id(SERVICES, parent)}))})
        }
        SERVICES => json!({"host": format!("h{number}.test")}),
        // A consumer has one of two names; this one is never the same.
        _ => json!({"custom_id": Uuid::new_v4()}),
    };
    body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    body
}

fn with_id(kind: usize, number: usize, row: &Row) -> Value {
    let mut body = body(kind, number, row);
    body["id"] = json!(id(kind, number));
    body
}

impl Step {
    fn request(&self) -> (&'static str, String, Value) {
        let one = |kind: usize, number: usize| format!("/{}/{}", KINDS[kind].0, id(kind, number));
        let by_name = |kind: usize, number: usize| format!("/{}/{}", KINDS[kind].0, name(number));
        match self {
            Step::Post { kind, id, row } => {
                ("POST", format!("/{}", KINDS[*kind].0), with_id(*kind, *id, row))
            }
            Step::PostBelow { parent, id, row } => {
                let path = format!("{}/routes", one(SERVICES, *parent));
                ("POST", path, with_id(ROUTES, *id, row))
            }
            Step::Put { kind, id, row } => ("PUT", one(*kind, *id), body(*kind, *id, row)),
            Step::PutByName { kind, name, id, row } => {
                ("PUT", by_name(*kind, *name), with_id(*kind, *id, row))
            }
            Step::Patch { kind, id, row } => ("PATCH", one(*kind, *id), body(*kind, *id, row)),
            Step::PatchName { kind, by, name: new } => {
                ("PATCH", by_name(*kind, *by), json!({ KINDS[*kind].1: new.map(name) }))
            }
            Step::Delete { kind, id } => ("DELETE", one(*kind, *id), Value::Null),
            Step::DeleteByName { kind, name } => ("DELETE", by_name(*kind, *name), Value::Null),
            Step::DeleteBelow { parent, id: route } => {
                ("DELETE", format!("{}/routes/{}", one(SERVICES, *parent), id(ROUTES, *route)), Value::Null)
            }
            Step::GetByName { kind, name } => ("GET", by_name(*kind, *name), Value::Null),
        }
    }

    /// Does to the model what the request does to the store; gives the status of the answer.
    fn run(&self, rows: &mut Rows) -> u16 {
        let named = |rows: &Rows, kind: usize, name: usize| {
            rows[kind].iter().find(|(_, row)| row.name == Some(name)).map(|(id, _)| *id)
        };
        match self {
            Step::Post { kind, id, row } => insert(rows, *kind, *id, row),
            Step::PostBelow { parent, id, row } => match rows[SERVICES].contains_key(parent) {
                true => insert(rows, ROUTES, *id, &Row { parent: Some(*parent), ..row.clone() }),
                false => 404,
            },
            Step::Put { kind, id, row } => write(rows, *kind, *id, row),
            Step::PutByName { kind, name, id, row } => {
                let row = Row { name: Some(*name), ..row.clone() };
                match named(rows, *kind, *name) {
                    Some(found) => write(rows, *kind, found, &row),
                    None => match insert(rows, *kind, *id, &row) {
                        201 => 200,
                        refused => refused,
                    },
                }
            }
            Step::Patch { kind, id, row } => match rows[*kind].contains_key(id) {
                true => write(rows, *kind, *id, row),
                false => 404,
            },
            Step::PatchName { kind, by, name } => match named(rows, *kind, *by) {
                Some(found) => {
                    let row = Row { name: *name, ..rows[*kind][&found].clone() };
                    write(rows, *kind, found, &row)
                }
                None => 404,
            },
            Step::Delete { kind, id } => delete(rows, *kind, Some(*id)),
            Step::DeleteByName { kind, name } => {
                let found = named(rows, *kind, *name);
                delete(rows, *kind, found)
            }
            Step::DeleteBelow { parent, id } => {
                match rows[ROUTES].get(id).is_some_and(|route| route.parent == Some(*parent)) {
                    true => delete(rows, ROUTES, Some(*id)),
                    false => 404,
                }
            }
            Step::GetByName { kind, name } => {
                if named(rows, *kind, *name).is_some() {
                    200
                } else {
                    404
                }
            }
        }
    }
}

/// A new row: a taken id is refused before a taken name, and that before a parent that is not there.
fn insert(rows: &mut Rows, kind: usize, id: usize, row: &Row) -> u16 {
    if rows[kind].contains_key(&id) {
        return 400;
    }
    match write(rows, kind, id, row) {
        200 => 201,
        refused => refused,
    }
}

fn write(rows: &mut Rows, kind: usize, id: usize, row: &Row) -> u16 {
    let parent = row.parent.filter(|_| kind == ROUTES);
    let taken = |(other, own): (&usize, &Row)| *other != id && own.name.is_some() && own.name == row.name;
    if rows[kind].iter().any(taken) {
        return 409;
    }
    if parent.is_some_and(|parent| !rows[SERVICES].contains_key(&parent)) {
        return 400;
    }
    rows[kind].insert(id, Row { parent, ..row.clone() });
    200
}

/// A service stays while a route is on it. What is not there is gone already.
fn delete(rows: &mut Rows, kind: usize, id: Option<usize>) -> u16 {
    let Some(id) = id.filter(|id| rows[kind].contains_key(id)) else { return 204 };
    if kind == SERVICES && rows[ROUTES].values().any(|route| route.parent == Some(id)) {
        return 400;
    }
    rows[kind].remove(&id);
    204
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (kind, few) = (|| 0..KINDS.len(), || 0..FEW);
    let row = || (option::of(0..FEW), option::of(0..FEW)).prop_map(|(name, parent)| Row { name, parent });
    let step = prop_oneof![
        4 => (kind(), few(), row()).prop_map(|(kind, id, row)| Step::Post { kind, id, row }),
        2 => (few(), few(), row()).prop_map(|(parent, id, row)| Step::PostBelow { parent, id, row }),
        3 => (kind(), few(), row()).prop_map(|(kind, id, row)| Step::Put { kind, id, row }),
        2 => (kind(), few(), few(), row()).prop_map(|(kind, name, id, row)| Step::PutByName { kind, name, id, row }),
        2 => (kind(), few(), row()).prop_map(|(kind, id, row)| Step::Patch { kind, id, row }),
        2 => (kind(), few(), option::of(few())).prop_map(|(kind, by, name)| Step::PatchName { kind, by, name }),
        2 => (kind(), few()).prop_map(|(kind, id)| Step::Delete { kind, id }),
        1 => (kind(), few()).prop_map(|(kind, name)| Step::DeleteByName { kind, name }),
        1 => (few(), few()).prop_map(|(parent, id)| Step::DeleteBelow { parent, id }),
        1 => (kind(), few()).prop_map(|(kind, name)| Step::GetByName { kind, name }),
    ];
    vec(step, 1..40)
}

/// What a store holds of a kind: the rows in the model's words, and all that is shown but the stamps.
fn held(house: &House, kind: usize) -> (BTreeMap<usize, Row>, Vec<Value>) {
    let number = |text: &Value| text.as_str().and_then(|text| text.rsplit('-').next()?.parse().ok());
    let place = |kind: usize, text: &Value| (0..FEW).find(|number| json!(id(kind, *number)) == *text);
    let mut shown = house.pages(&format!("/{}?size=3", KINDS[kind].0)).concat();
    let rows = shown.iter().map(|row| {
        let parent = row.get("service").and_then(|service| place(SERVICES, &service["id"]));
        (place(kind, &row["id"]).unwrap(), Row { name: number(&row[KINDS[kind].1]), parent })
    });
    let rows = rows.collect();
    for row in &mut shown {
        row["created_at"].take();
        row["updated_at"].take();
    }
    (rows, shown)
}

#[test]
fn every_store_behaves_like_a_map() {
    let houses = House::each("model");
    proptest!(cases(24), |(steps in steps())| {
        for house in &houses {
            house.empty(&KINDS.map(|(collection, _)| collection));
        }
        let mut rows = Rows::default();
        for step in &steps {
            let (method, path, body) = step.request();
            let expected = step.run(&mut rows);
            for house in &houses {
                let (status, answer) = house.ask(method, &path, &body);
                prop_assert_eq!(status, expected, "{:?}: {:?}: {}", house.store, step, answer);
            }
        }
        for kind in 0..KINDS.len() {
            let everywhere: Vec<_> = houses.iter().map(|house| held(house, kind)).collect();
            for (house, (held, shown)) in houses.iter().zip(&everywhere) {
                prop_assert_eq!(held, &rows[kind], "{:?}: {}", house.store, KINDS[kind].0);
                prop_assert_eq!(shown, &everywhere[0].1, "{:?} and {:?}", house.store, houses[0].store);
            }
        }
    });
}
