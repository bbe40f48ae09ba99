//! `/docs`: its files, their headers, and that Kong's list knows nothing of them. What a browser makes of them is asked
//! by `tests/clients/browser.sh`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use silverback::settings::Settings;

use crate::support::api::{Api, Store};

#[tokio::test]
async fn the_page_has_all_that_it_names() {
    let api = Api::open(Store::Off, "explorer").await.unwrap();
    let page = api.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let text = String::from_utf8(page.body).unwrap();
    let named: BTreeSet<&str> =
        text.split('"').filter(|word| word.starts_with('/') || word.contains("://")).collect();
    assert!(!named.is_empty() && named.iter().all(|path| path.starts_with("/docs/")), "{named:?}");
    for path in named {
        let file = api.send("GET", path, &[("accept-encoding", "gzip, br")], Vec::new()).await;
        let wanted = if path.ends_with(".js") { "text/javascript" } else { "text/css" };
        let own = file.header("content-type").unwrap();
        assert!(file.status == 200 && own.starts_with(wanted) && !file.body.is_empty(), "{path}: {own}");
        let is_gzip = file.body.starts_with(&[0x1f, 0x8b]);
        assert_eq!(file.header("content-encoding"), is_gzip.then_some("gzip"), "{path}");
        assert!(!is_gzip || api.get(path).await.status == 406, "{path}");
        for name in ["content-security-policy", "x-content-type-options", "referrer-policy"] {
            assert!(file.header(name).is_some(), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn it_only_reads_and_is_no_part_of_kong() {
    let api = Api::open(Store::Off, "explorer_edges").await.unwrap();
    assert_eq!(api.get("/docs/").await.status, 200);
    for path in
        ["/docs/nothing.js", "/docs/page.html", "/docs/..%2Fpage.js", "/docs/elements.js.gz", "/docs/a/b"]
    {
        let answer = api.get(path).await;
        assert_eq!((answer.status, answer.message().as_str()), (404, "Not found"), "{path}");
    }
    for path in ["/docs", "/docs/page.js"] {
        let answer = api.json("POST", path, &json!({})).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{path}");
    }
    let listed = api.get("/endpoints").await.json();
    let is_docs = |path: &Value| path.as_str().unwrap().starts_with("/docs");
    assert!(!listed["data"].as_array().unwrap().iter().any(is_docs), "{listed}");
}

#[tokio::test]
async fn anybody_may_have_the_page_and_nothing_else() {
    let mut settings = Settings::default();
    settings.access.enforced = true;
    let api = Api::open_with(&settings, Store::Sqlite, "explorer_public").await.unwrap();
    for (method, path, status) in [
        ("GET", "/docs", 200),
        ("HEAD", "/docs/page.js", 200),
        ("GET", "/docs/nothing", 404),
        ("POST", "/docs", 405),
        ("GET", "/openapi.json", 401),
        ("GET", "/docs/a/b", 401),
        ("GET", "/", 401),
    ] {
        assert_eq!(api.json(method, path, &Value::Null).await.status, status, "{method} {path}");
    }
}

/// What the component brings is named with its licences, and the page asks nobody else.
#[test]
fn what_is_vendored_says_what_it_is() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/node/explorer/");
    let read = |name: &str| fs::read_to_string(format!("{folder}{name}")).unwrap();
    assert!(read("LICENSE.txt").contains("Apache License"));
    assert!(read("THIRD-PARTY.txt").contains("React v16"));
    for name in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        let own = ["page.html", "page.css", "page.js", "README.md"].contains(&name.as_str());
        assert!(own || read("README.md").contains(&format!("`{name}`")), "{name} comes from nowhere");
    }
    for name in ["page.html", "page.css", "page.js"] {
        assert!(!read(name).contains("://"), "{name} asks somebody else");
    }
}
