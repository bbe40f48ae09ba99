//! Produces a node and the one thread that drives it, so that a test that is no future itself can ask and look in
//! turn. Asking is `api`'s work.

use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::api::{Api, Store};

/// A node and the thread that drives it.
pub struct House {
    pub store: Store,
    runtime: Runtime,
    api: Api,
}

impl House {
    /// One node on each kind of store that is installed; `name` is that of the database.
    pub fn each(name: &str) -> Vec<House> {
        let stores = [Store::Sqlite, Store::Uncached, Store::Postgres];
        stores.into_iter().filter_map(|store| House::new(store, name)).collect()
    }

    fn new(store: Store, name: &str) -> Option<House> {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let api = runtime.block_on(Api::open(store, name))?;
        Some(House { store, runtime, api })
    }

    /// The status and the JSON of an answer; a null body is none.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.runtime.block_on(self.api.json(method, path, body));
        (answer.status, answer.json())
    }

    /// What a GET finds.
    pub fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, &Value::Null);
        assert_eq!(status, 200, "{:?}: {path}: {answer}", self.store);
        answer
    }

    /// The rows of every page of a list, page by page.
    pub fn pages(&self, path: &str) -> Vec<Vec<Value>> {
        let (mut pages, mut path) = (Vec::new(), path.to_owned());
        loop {
            let page = self.get(&path);
            pages.push(page["data"].as_array().unwrap().clone());
            assert_eq!(page["next"].is_null(), page.get("offset").is_none(), "{page}");
            match page["next"].as_str() {
                Some(next) => path = next.to_owned(),
                None => return pages,
            }
            assert!(pages.len() < 1000, "{path} never ends");
        }
    }

    /// Deletes the rows of these collections, in this order.
    pub fn empty(&self, collections: &[&str]) {
        for collection in collections {
            for row in self.pages(&format!("/{collection}?size=1000")).concat() {
                let path = format!("/{collection}/{}", row["id"].as_str().unwrap());
                assert_eq!(self.ask("DELETE", &path, &json!(null)).0, 204, "{path}");
            }
        }
    }
}
