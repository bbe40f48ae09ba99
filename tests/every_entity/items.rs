//! One row in its own place: every verb, by id and by name; lists of such rows; and what is unique about them.

use entities::schema::Entity;
use generators::fixtures::Fixture;
use serde_json::{Value, json};

use super::{Battery, at, nobody};

impl Battery<'_> {
    /// POST, GET, HEAD, OPTIONS, PATCH, PUT and DELETE of a row; `all`: also what does not depend on the variant.
    pub async fn items(&mut self, entity: &'static Entity, variant: Option<&'static str>, all: bool) {
        let Some(first) = self.whole(entity, variant, 0) else { return };
        let second = if all { self.whole(entity, variant, 1) } else { Some(first.clone()) };
        let least = self.fixtures.least(entity, variant, 0);
        let (Some(second), Some(least)) = (second, self.made(least)) else { return };
        for fixture in [&first, &second, &least] {
            self.parents(fixture).await;
        }
        let (collection, path) = (self.collection(entity, &first.row), self.path_of(entity, &first.row));
        let shown = self.shown(entity, &first.row);
        let created = self.write("POST", &collection, &first.row, 201, &shown).await;
        let by_name = entity
            .endpoint_key
            .and_then(|key| Some(format!("{collection}/{}", first.row.get(key)?.as_str()?)));
        self.read(&path, &created).await;
        if let Some(path) = &by_name {
            self.read(path, &created).await;
        }
        let unchanged = self.send("PATCH", &path, &json!({}), 200).await.json();
        self.holds(&format!("PATCH {path} {{}}"), &unchanged, &shown);
        self.update(entity, &first, &second).await;
        if all && entity.ttl {
            self.expiring(&path).await;
        }
        self.replace(entity, &first, &least).await;
        self.send("DELETE", &path, &Value::Null, 204).await;
        self.send("GET", &path, &Value::Null, 404).await;
        if !all {
            return;
        }
        self.send("HEAD", &path, &Value::Null, 404).await;
        let again = if entity.nested_only { 404 } else { 204 };
        self.send("DELETE", &path, &Value::Null, again).await;
        self.refuse("PATCH", &path, &json!({}), 404, code_of_absent(entity)).await;
        self.create_by_put(entity, &first).await;
        let shown = self.shown(entity, &least.row);
        let created = self.write("POST", &collection, &least.row, 201, &shown).await;
        let path = format!("{collection}/{}", created["id"].as_str().unwrap_or_default());
        self.send("DELETE", &path, &Value::Null, 204).await;
    }

    /// A row that is there, read in every way.
    async fn read(&mut self, path: &str, row: &Value) {
        let found = self.send("GET", path, &Value::Null, 200).await;
        self.check(found.json() == *row, || format!("GET {path}: {} instead of {row}", found.json()));
        let json = found.header("content-type") == Some("application/json; charset=utf-8");
        self.check(json, || format!("GET {path}: {:?}", found.headers));
        let head = self.send("HEAD", path, &Value::Null, 200).await;
        let same = head.header("content-type") == found.header("content-type");
        self.check(same, || format!("HEAD {path}: {:?}", head.headers));
        let options = self.send("OPTIONS", path, &Value::Null, 204).await;
        let methods = options.header("allow").unwrap_or_default();
        self.check(methods == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT", || {
            format!("OPTIONS {path}: {methods}")
        });
    }

    /// A row that lives for a while says how long.
    async fn expiring(&mut self, path: &str) {
        let written = self.send("PATCH", path, &json!({"ttl": 3600}), 200).await.json();
        let found = self.send("GET", path, &Value::Null, 200).await.json();
        for row in [written, found] {
            let left = row["ttl"].as_f64().unwrap_or_default();
            self.check((3500.0..3600.0).contains(&left), || format!("PATCH {path} with a ttl: {row}"));
        }
        self.refuse("PATCH", path, &json!({"ttl": -1}), 400, Some(11)).await;
    }

    /// A PATCH with what another row has.
    async fn update(&mut self, entity: &'static Entity, first: &Fixture, second: &Fixture) {
        let path = self.path_of(entity, &first.row);
        let mut row = second.row.clone();
        row.retain(|name, _| {
            let immutable = entity.field(name).is_some_and(|field| field.immutable);
            let parent =
                entity.nested_only && entity.field(name).is_some_and(|field| field.foreign().is_some());
            !entity.primary_key.contains(&name.as_str()) && !immutable && !parent
        });
        let mut shown = self.shown(entity, &second.row);
        shown.retain(|name, _| row.contains_key(name));
        let updated = self.write("PATCH", &path, &row, 200, &shown).await;
        self.check(updated["id"] == *at(&first.row, "id"), || {
            format!("PATCH {path} changed the id: {updated}")
        });
        let stored = self.send("GET", &path, &Value::Null, 200).await.json();
        self.check(stored == updated, || format!("PATCH {path} answered {updated} but stored {stored}"));
        // Back again, so that what is unique is free for others.
        let mut shown = self.shown(entity, &first.row);
        shown.retain(|name, _| first.row.contains_key(name));
        self.write("PATCH", &path, &first.row, 200, &shown).await;
    }

    /// A PUT of a row of few fields over one of many: the others get their defaults.
    async fn replace(&mut self, entity: &'static Entity, first: &Fixture, least: &Fixture) {
        let path = self.path_of(entity, &first.row);
        if entity.nested_only {
            self.write("PUT", &path, &first.row, 200, &first.row).await;
            return;
        }
        let mut shown = self.shown(entity, &least.row);
        shown.shift_remove("id");
        let replaced = self.write("PUT", &path, &least.row, 200, &shown).await;
        self.check(replaced["id"] == *at(&first.row, "id"), || {
            format!("PUT {path} changed the id: {replaced}")
        });
        let stored = self.send("GET", &path, &Value::Null, 200).await.json();
        self.check(stored == replaced, || format!("PUT {path} answered {replaced} but stored {stored}"));
    }

    /// A PUT of a row that is not there yet, by id and by name.
    async fn create_by_put(&mut self, entity: &'static Entity, first: &Fixture) {
        let path = self.path_of(entity, &first.row);
        let mut row = first.row.clone();
        entity.primary_key.iter().for_each(|name| {
            row.shift_remove(*name);
        });
        if entity.nested_only {
            self.refuse("PUT", &path, &json!(row), 404, None).await;
            return;
        }
        let shown = self.shown(entity, &first.row);
        self.write("PUT", &path, &row, 200, &shown).await;
        self.send("DELETE", &path, &Value::Null, 204).await;
        let unique =
            entity.endpoint_key.filter(|key| entity.field(key).is_some_and(|field| field.is_unique()));
        let Some((key, name)) = unique.and_then(|key| Some((key, row.shift_remove(key)?))) else { return };
        let path = format!("/{}/{}", entity.collection(), name.as_str().unwrap_or_default());
        let mut shown = self.shown(entity, &first.row);
        shown.shift_remove("id");
        self.write("PUT", &path, &row, 200, &shown).await;
        let stored = self.send("GET", &path, &Value::Null, 200).await.json();
        self.check(stored[key] == name, || format!("PUT {path} stored {stored}"));
        self.send("DELETE", &path, &Value::Null, 204).await;
        self.send("GET", &path, &Value::Null, 404).await;
    }

    /// Lists: whole, page by page, by tag, by a unique field.
    pub async fn lists(&mut self, entity: &'static Entity) {
        let variant = self.fixtures.variants(entity)[0];
        let mut rows = Vec::new();
        for serial in 0..3 {
            let Some(mut fixture) = self.whole(entity, variant, serial) else { return };
            if entity.nested_only && serial > 0 {
                // They all hang on the first one's parent.
                let first: &Fixture = &rows[0];
                for (field, ..) in entity.foreign_keys() {
                    fixture.row.insert(field.to_owned(), at(&first.row, field).clone());
                }
                fixture.parents.clear();
            }
            self.parents(&fixture).await;
            let collection = self.collection(entity, &fixture.row);
            self.send("POST", &collection, &json!(fixture.row), 201).await;
            rows.push(fixture);
        }
        let collection = self.collection(entity, &rows[0].row);
        let mut expected: Vec<_> = rows.iter().map(|fixture| at(&fixture.row, "id").clone()).collect();
        expected.sort_by_key(Value::to_string);
        let mut found = Vec::new();
        let mut next = format!("{collection}?size=1");
        for _ in 0..5 {
            let page = self.send("GET", &next, &Value::Null, 200).await.json();
            let rows = page["data"].as_array().cloned().unwrap_or_default();
            self.check(rows.len() == 1, || format!("GET {next}: {page}"));
            found.extend(rows.iter().map(|row| row["id"].clone()));
            let Some(path) = page["next"].as_str() else { break };
            self.check(page["offset"].is_string(), || format!("GET {next}: no offset: {page}"));
            // A nested list's next page has the usual size.
            next = if path.contains("size=") { path.to_owned() } else { format!("{path}&size=1") };
        }
        if entity.newest_first {
            found.sort_by_key(Value::to_string);
        }
        self.check(found == expected, || {
            format!("pages of {collection} show {found:?} instead of {expected:?}")
        });
        self.send("HEAD", &collection, &Value::Null, 200).await;
        if !entity.nested_only {
            self.filters(entity, &rows).await;
        }
        self.clean().await;
    }

    async fn filters(&mut self, entity: &'static Entity, rows: &[Fixture]) {
        let tagged = rows[1].row.get("tags").map(|tags| ("tags", tags[0].clone()));
        let looked_up =
            entity.lookups.iter().filter_map(|name| Some((*name, rows[1].row.get(*name)?.clone())));
        for (name, value) in tagged.into_iter().chain(looked_up) {
            let path = format!("/{}?{name}={}", entity.collection(), value.as_str().unwrap_or_default());
            let page = self.send("GET", &path, &Value::Null, 200).await.json();
            let ids: Vec<_> = page["data"].as_array().into_iter().flatten().map(|row| &row["id"]).collect();
            self.check(ids == [at(&rows[1].row, "id")], || format!("GET {path}: {page}"));
        }
        for query in ["size=0", "size=1001", "size=x", "offset=x", "tags="] {
            if query != "tags=" || entity.field("tags").is_some() {
                self.send("GET", &format!("/{}?{query}", entity.collection()), &Value::Null, 400).await;
            }
        }
    }

    /// What is unique is taken once: by POST, PUT and PATCH.
    pub async fn unique(&mut self, entity: &'static Entity) {
        let variant = self.fixtures.variants(entity)[0];
        let (Some(first), Some(second)) = (self.whole(entity, variant, 0), self.whole(entity, variant, 1))
        else {
            return;
        };
        self.parents(&first).await;
        self.parents(&second).await;
        let collection = self.collection(entity, &first.row);
        let stored = self.send("POST", &collection, &json!(first.row), 201).await.json();
        let mut takes = Vec::new();
        for (name, field) in entity.unique_fields().filter(|(name, _)| !entity.primary_key.contains(name)) {
            let value = &stored[name];
            if value.is_null() || field.foreign().is_some() {
                continue;
            }
            let mut row = second.row.clone();
            row.insert(name.to_owned(), value.clone());
            let keeps = self.fixtures.stored(entity, &row).is_ok_and(|stored| at(&stored, name) == value);
            if keeps {
                takes.push((row, vec![name]));
            }
        }
        if entity.cache_key.len() > 1 {
            let mut row = second.row.clone();
            for name in entity.cache_key {
                row.insert((*name).to_owned(), stored[*name].clone());
            }
            takes.push((row, entity.cache_key.to_vec()));
        }
        let mut again = second.row.clone();
        again.insert("id".to_owned(), at(&first.row, "id").clone());
        for (row, _) in &takes {
            let answer = self.refuse("POST", &collection, &json!(row), 409, Some(5)).await;
            self.check(answer["fields"].is_object(), || format!("{answer}"));
        }
        self.refuse("POST", &collection, &json!(again), 400, Some(3)).await;
        // A second row that is there already cannot take it either.
        let second_collection = self.collection(entity, &second.row);
        self.send("POST", &second_collection, &json!(second.row), 201).await;
        let path = self.path_of(entity, &second.row);
        for (row, names) in &takes {
            let part: serde_json::Map<_, _> =
                names.iter().map(|name| ((*name).to_owned(), at(row, name).clone())).collect();
            self.refuse("PATCH", &path, &json!(part), 409, Some(5)).await;
            self.refuse("PUT", &path, &json!(row), 409, Some(5)).await;
        }
        let absent = format!("{collection}/{}", nobody());
        self.refuse("PATCH", &absent, &json!({}), 404, code_of_absent(entity)).await;
        self.clean().await;
    }
}

/// The code of a refusal to change a row that is not there; some say only that it is not.
fn code_of_absent(entity: &Entity) -> Option<u8> {
    (!entity.keeps_subschema && !entity.nested_only).then_some(6)
}
