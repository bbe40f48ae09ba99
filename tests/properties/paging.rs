//! Pages, joined, are the rows: all of them, each once, in the order of ids, whatever the size and the filter.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use super::cases;
use crate::support::house::House;

/// Whether a filter lets a row with these tags through.
type Keeps = fn(&[&str]) -> bool;

/// Filters, and what they let through of the tags that a row has.
const FILTERS: [(&str, Keeps); 7] = [
    ("", |_| true),
    ("a", |tags| tags.contains(&"a")),
    ("a,", |tags| tags.contains(&"a")),
    ("a,b", |tags| tags.contains(&"a") && tags.contains(&"b")),
    ("c,a,b", |tags| tags.len() == 3),
    ("a/b", |tags| tags.contains(&"a") || tags.contains(&"b")),
    ("nobody", |_| false),
];

type Tagged = (Uuid, Vec<&'static str>);

/// Rows with ids and tags.
fn rows() -> impl Strategy<Value = Vec<Tagged>> {
    let ids = btree_set(any::<[u8; 16]>(), 0..25);
    (ids, vec(any::<[bool; 3]>(), 25), vec(any::<Index>(), 25)).prop_map(|(ids, tags, order)| {
        let ids = ids.into_iter().map(|bytes| Builder::from_random_bytes(bytes).into_uuid());
        let tags = tags.into_iter().map(|has| {
            let named = ["a", "b", "c"].into_iter().zip(has);
            named.filter(|(_, has)| *has).map(|(tag, _)| tag).collect()
        });
        let mut rows: Vec<Tagged> = ids.zip(tags).collect();
        // The order of writing is not that of ids.
        for (i, other) in order.iter().enumerate().take(rows.len()) {
            let other = other.index(rows.len());
            rows.swap(i, other);
        }
        rows
    })
}

fn ids(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_joined_are_the_rows() {
    let houses = House::each("paging");
    proptest!(cases(12), |(rows in rows(), size in 1..30_usize)| {
        let wanted = |keeps: Keeps| {
            let kept = rows.iter().filter(|(_, tags)| keeps(tags)).map(|(id, _)| id.to_string());
            let mut ids: Vec<String> = kept.collect();
            ids.sort();
            ids
        };
        for house in &houses {
            house.empty(&["routes", "services", "consumers"]);
            let parent = Uuid::new_v4();
            let (status, answer) = house.ask("POST", "/services", &json!({"id": parent, "host": "h.test"}));
            prop_assert_eq!(status, 201, "{}", answer);
            for (id, tags) in &rows {
                let consumer = json!({"id": id, "username": id.to_string(), "tags": tags});
                let (status, answer) = house.ask("POST", "/consumers", &consumer);
                prop_assert_eq!(status, 201, "{}", answer);
                let path = format!("/services/{parent}/routes");
                let (status, answer) = house.ask("POST", &path, &json!({"id": id, "hosts": ["h.test"]}));
                prop_assert_eq!(status, 201, "{}", answer);
            }
            for (filter, keeps) in FILTERS {
                let path = match filter {
                    "" => format!("/consumers?size={size}"),
                    filter => format!("/consumers?size={size}&tags={filter}"),
                };
                let pages = house.pages(&path);
                let (last, full) = pages.split_last().unwrap();
                prop_assert!(full.iter().all(|page| page.len() == size), "{:?}: {}", house.store, path);
                prop_assert!(last.len() <= size && (full.is_empty() || !last.is_empty()), "{:?}: {}", house.store, path);
                prop_assert_eq!(ids(&pages.concat(), "id"), wanted(keeps), "{:?}: {}", house.store, path);
            }
            let below = house.pages(&format!("/services/{parent}/routes?size={size}")).concat();
            prop_assert_eq!(ids(&below, "id"), wanted(|_| true), "{:?}", house.store);
            let tagged = house.pages(&format!("/tags/a?size={size}")).concat();
            prop_assert_eq!(ids(&tagged, "entity_id"), wanted(|tags| tags.contains(&"a")), "{:?}", house.store);
            let all = house.pages(&format!("/tags?size={size}")).concat();
            let pairs = all.iter().map(|row| (row["entity_id"].to_string(), row["tag"].to_string()));
            let mut wanted: Vec<_> = rows
                .iter()
                .flat_map(|(id, tags)| tags.iter().map(move |tag| (json!(id).to_string(), json!(tag).to_string())))
                .collect();
            wanted.sort();
            prop_assert_eq!(pairs.collect::<Vec<_>>(), wanted, "{:?}", house.store);
        }
    });
}
