//! Links: what can be done with a row that was just created, by the id in the answer.
//!
//! They follow from the paths alone: what stands below a collection is about one of its rows.
//!
//! ```text
//! POST /services/{services}/routes  201  ->  GET, PUT, PATCH, DELETE /services/{services}/routes/{routes}
//! ```

use serde_json::{Map, Value, json};

/// Adds to each operation that creates a row the links to those on that row.
pub fn add(paths: &mut Map<String, Value>) {
    let found: Vec<(String, Map<String, Value>)> =
        paths.keys().filter_map(|path| Some((path.clone(), links(paths, path)?))).collect();
    for (path, links) in found {
        let created = paths.get_mut(&path).and_then(|item| item.pointer_mut("/post/responses/201"));
        if let Some(created) = created.and_then(Value::as_object_mut) {
            created.insert("links".to_owned(), links.into());
        }
    }
}

/// The links of what a POST to a path creates; `None`: there is nothing to link to.
fn links(paths: &Map<String, Value>, path: &str) -> Option<Map<String, Value>> {
    paths.get(path)?.pointer("/post/responses/201")?;
    let below = |other: &&String| {
        let rest = other.strip_prefix(path).and_then(|rest| rest.strip_prefix("/{"));
        rest.and_then(|rest| rest.strip_suffix('}')).is_some_and(|name| !name.contains(['/', '}']))
    };
    let item = paths.keys().find(below)?;
    let names: Vec<&str> = parameters(item).collect();
    let (own, above) = names.split_last()?;
    let mut values: Map<String, Value> =
        above.iter().map(|name| ((*name).to_owned(), format!("$request.path.{name}").into())).collect();
    values.insert((*own).to_owned(), "$response.body#/id".into());
    let operations = paths.get(item)?.as_object()?.iter().filter(|(method, _)| *method != "parameters");
    let links = operations.filter_map(|(_, operation)| {
        let id = operation.get("operationId")?;
        let link = json!({ "operationId": id, "parameters": values });
        Some((id.as_str()?.to_owned(), link))
    });
    Some(links.collect())
}

/// The names of a path's parameters.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_created_leads_to_itself() {
        let created = || json!({ "post": { "responses": { "201": {} } } });
        let item = |id: &str| json!({ "parameters": [], "get": { "operationId": id } });
        let mut paths = Map::from_iter([
            ("/a".to_owned(), created()),
            ("/a/{a}".to_owned(), item("get-a")),
            ("/a/{a}/b".to_owned(), created()),
            ("/a/{a}/b/all".to_owned(), item("all")),
            ("/a/{a}/b/{b}".to_owned(), item("get-b")),
            ("/a/{a}/b/{b}/c".to_owned(), item("get-c")),
            ("/d".to_owned(), created()),
        ]);
        add(&mut paths);
        let links = |path: &str| paths[path].pointer("/post/responses/201/links").cloned();
        let own = json!({ "operationId": "get-a", "parameters": { "a": "$response.body#/id" } });
        assert_eq!(links("/a"), Some(json!({ "get-a": own })));
        let own = json!({ "operationId": "get-b", "parameters": { "a": "$request.path.a", "b": "$response.body#/id" } });
        assert_eq!(links("/a/{a}/b"), Some(json!({ "get-b": own })));
        assert_eq!(links("/d"), None);
    }
}
