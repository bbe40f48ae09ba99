//! Rows below what they refer to, and what they refer to below them; references that lead nowhere; and what becomes
//! of a row when the one that it refers to is deleted.

use entities::schema::{Entity, OnDelete, Row};
use generators::fixtures::Fixture;
use generators::operations::id_of;
use serde_json::{Value, json};

use super::{Battery, at, nobody};

/// A reference: `child` to `parent` through `field`.
#[derive(Clone, Copy)]
struct Reference {
    child: &'static Entity,
    field: &'static str,
    parent: &'static Entity,
}

impl Battery<'_> {
    /// Every reference of an entity.
    pub async fn nested(&mut self, entity: &'static Entity) {
        for (field, declared, parent) in entity.foreign_keys() {
            let parent = self.api.node.declarations.resolve(parent);
            if !parent.generate_admin_api {
                continue;
            }
            let reference = Reference { child: entity, field, parent };
            let first = self.fixtures.referring(entity, field, 0);
            let other = self.fixtures.referring(entity, field, 1);
            let (Some(first), Some(other)) = (self.made(first), self.made(other)) else { continue };
            let (Some(first), Some(other)) = (first, other) else { continue };
            self.parents(&first).await;
            self.parents(&other).await;
            self.children(reference, &first, &other).await;
            if !declared.without_endpoint && !entity.nested_only {
                self.parent(reference, &first).await;
            }
            if !entity.nested_only {
                self.leads_nowhere(reference, &first).await;
            }
            self.deleted(reference, &first).await;
            self.clean().await;
        }
        for (field, declared) in entity.fields {
            let named = declared.names.and_then(|name| self.api.node.declarations.entity(name));
            if let Some(named) = named {
                self.named(entity, field, named).await;
            }
        }
    }

    /// `/services/{services}/routes` and what lies below it.
    async fn children(&mut self, reference: Reference, first: &Fixture, other: &Fixture) {
        let Reference { child, field, parent } = reference;
        let below = |id: &str| format!("/{}/{id}/{}", parent.collection(), child.nested_collection());
        let above = at(&first.row, field).clone();
        let id = above["id"].as_str().unwrap_or_default();
        let (collection, elsewhere) =
            (below(id), below(at(&other.row, field)["id"].as_str().unwrap_or_default()));
        let mut row = first.row.clone();
        row.shift_remove(field);
        let expected = Row::from_iter([(field.to_owned(), above.clone())]);
        let created = self.write("POST", &collection, &row, 201, &expected).await;
        let item = created["id"].as_str().unwrap_or_default().to_owned();
        let path = format!("{collection}/{item}");
        let named = parent.endpoint_key.and_then(|key| {
            let (_, row) = first
                .parents
                .iter()
                .find(|(own, row)| own.name == parent.name && id_of(own, row).as_deref() == Some(id))?;
            Some(below(row.get(key)?.as_str()?))
        });
        for collection in [Some(collection.clone()), named].into_iter().flatten() {
            let list = self.send("GET", &collection, &Value::Null, 200).await.json();
            let ids: Vec<_> = list["data"].as_array().into_iter().flatten().map(|row| &row["id"]).collect();
            self.check(ids == [&created["id"]], || format!("GET {collection}: {list}"));
        }
        if child.newest_first {
            let list = self.send("GET", &format!("{collection}/all"), &Value::Null, 200).await.json();
            self.check(list["data"][0]["id"] == created["id"], || format!("GET {collection}/all: {list}"));
        }
        self.send("HEAD", &collection, &Value::Null, 200).await;
        let found = self.send("GET", &path, &Value::Null, 200).await.json();
        self.check(found == created, || format!("GET {path}: {found} instead of {created}"));
        if let Some(name) = child.endpoint_key.and_then(|key| created[key].as_str()) {
            self.send("GET", &format!("{collection}/{name}"), &Value::Null, 200).await;
        }
        self.write("PATCH", &path, &Row::new(), 200, &expected).await;
        self.write("PUT", &path, &row, 200, &expected).await;
        for method in ["GET", "HEAD", "DELETE"] {
            self.send(method, &format!("{elsewhere}/{item}"), &Value::Null, 404).await;
        }
        self.refuse("PATCH", &format!("{elsewhere}/{item}"), &json!({}), 404, None).await;
        self.send("DELETE", &path, &Value::Null, 204).await;
        self.send("GET", &path, &Value::Null, 404).await;
        self.send("DELETE", &path, &Value::Null, 404).await;
        let lost = below(&nobody());
        self.send("GET", &lost, &Value::Null, 404).await;
        self.refuse("POST", &lost, &json!(row), 404, None).await;
        for method in ["PUT", "PATCH", "DELETE"] {
            self.refuse(method, &format!("{lost}/{item}"), &json!(row), 404, None).await;
        }
    }

    /// `/routes/{routes}/service`
    async fn parent(&mut self, reference: Reference, first: &Fixture) {
        let Reference { child, field, parent } = reference;
        self.send("POST", &format!("/{}", child.collection()), &json!(first.row), 201).await;
        let path = format!("{}/{field}", self.path_of(child, &first.row));
        let above = at(&first.row, field).as_object().cloned().unwrap_or_default();
        let found = self.send("GET", &path, &Value::Null, 200).await.json();
        self.holds(&format!("GET {path}"), &found, &above);
        self.send("HEAD", &path, &Value::Null, 200).await;
        self.write("PATCH", &path, &Row::new(), 200, &above).await;
        let row =
            first.parents.iter().find(|(own, row)| own.name == parent.name && *at(row, "id") == above["id"]);
        let mut row = row.map(|(_, row)| row.clone()).unwrap_or_default();
        row.shift_remove("id");
        self.write("PUT", &path, &row, 200, &above).await;
        self.refuse("DELETE", &path, &Value::Null, 405, None).await;
        self.refuse("POST", &path, &json!(row), 405, None).await;
        self.send("DELETE", &self.path_of(child, &first.row), &Value::Null, 204).await;
        for method in ["GET", "DELETE"] {
            self.refuse(method, &path, &Value::Null, 404, None).await;
        }
    }

    /// References to rows that are not there.
    async fn leads_nowhere(&mut self, reference: Reference, first: &Fixture) {
        let Reference { child, field, parent } = reference;
        let collection = format!("/{}", child.collection());
        let mut row = first.row.clone();
        let mut refer = |value: Value| {
            row.insert(field.to_owned(), value);
            json!(row)
        };
        let by_id = refer(json!({"id": nobody()}));
        let answer = self.refuse("POST", &collection, &by_id, 400, Some(4)).await;
        self.check(answer["fields"][field]["id"] == nobody(), || {
            format!("POST {collection} {by_id}: {answer}")
        });
        let texts = parent.unique_fields().filter(|(_, field)| field.foreign().is_none());
        let by_name = texts.map(|(name, _)| refer(json!({name: "example-9"}))).next();
        if let Some(by_name) = by_name {
            self.refuse("POST", &collection, &by_name, 400, Some(13)).await;
        }
        let by_key =
            parent.endpoint_key.filter(|key| parent.field(key).is_some_and(|field| field.is_unique()));
        let own = first
            .parents
            .iter()
            .find(|(own, row)| own.name == parent.name && *at(row, "id") == at(&first.row, field)["id"]);
        if let (Some(key), Some((_, above))) = (by_key, own)
            && let Some(name) = above.get(key)
        {
            let by_name = refer(json!({key: name}));
            let created = self.send("POST", &collection, &by_name, 201).await.json();
            self.check(created[field] == *at(&first.row, field), || {
                format!("POST {collection} {by_name}: {created}")
            });
            self.send("DELETE", &self.path_of(child, &first.row), &Value::Null, 204).await;
        }
    }

    /// The row that is referred to is deleted.
    async fn deleted(&mut self, reference: Reference, first: &Fixture) {
        let Reference { child, field, parent } = reference;
        let on_delete = self
            .graph
            .referrers(parent)
            .iter()
            .find(|own| own.child.name == child.name && own.field == field);
        let on_delete = on_delete.map_or(OnDelete::Restrict, |own| own.on_delete);
        self.send("POST", &self.collection(child, &first.row), &json!(first.row), 201).await;
        let path = self.path_of(child, &first.row);
        let above =
            format!("/{}/{}", parent.collection(), at(&first.row, field)["id"].as_str().unwrap_or_default());
        match on_delete {
            OnDelete::Restrict => {
                let answer = self.refuse("DELETE", &above, &Value::Null, 400, Some(4)).await;
                let by = &answer["fields"]["@referenced_by"];
                self.check(*by == child.name, || format!("DELETE {above}: {answer}"));
            }
            OnDelete::Cascade => {
                self.send("DELETE", &above, &Value::Null, 204).await;
                self.send("GET", &path, &Value::Null, 404).await;
            }
            OnDelete::Null => {
                self.send("DELETE", &above, &Value::Null, 204).await;
                let loose = self.send("GET", &path, &Value::Null, 200).await.json();
                self.check(loose[field].is_null(), || format!("GET {path}: {loose}"));
            }
        }
    }

    /// A row that is named in a list cannot be deleted.
    async fn named(&mut self, entity: &'static Entity, field: &str, named: &'static Entity) {
        let variant = self.fixtures.variants(entity)[0];
        let Some(whole) = self.whole(entity, variant, 0) else { return };
        let Some(id) = whole.row.get(field).and_then(|ids| ids[0].as_str()) else {
            return self.problem(&format!("no valid row names something in {field}"));
        };
        self.parents(&whole).await;
        self.send("POST", &self.collection(entity, &whole.row), &json!(whole.row), 201).await;
        self.refuse("DELETE", &format!("/{}/{id}", named.collection()), &Value::Null, 400, Some(19)).await;
        self.clean().await;
    }
}
