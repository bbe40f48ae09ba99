//! Every path of the endpoint table, with every method: what a path does not know it refuses, and it says what it
//! knows.

use generators::routes::Target;
use serde_json::Value;

use super::{Battery, nobody};
use crate::support::client::Answer;

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FETCH"];

impl Battery<'_> {
    /// Asks each path with each method that it does not know, and for those that it does.
    pub async fn paths(&mut self) {
        let endpoints: Vec<_> = self.api.node.endpoints.iter().cloned().collect();
        for endpoint in endpoints {
            let fill = |segment: &str| if segment.starts_with('{') { nobody() } else { segment.to_owned() };
            let path = endpoint.path.split('/').map(fill).collect::<Vec<_>>().join("/");
            for method in METHODS.into_iter().filter(|method| !endpoint.knows(method)) {
                self.send(method, &path, &Value::Null, 405).await;
            }
            if matches!(endpoint.target, Target::Hidden) {
                for method in METHODS.into_iter().filter(|method| endpoint.knows(method)) {
                    self.send(method, &path, &Value::Null, 404).await;
                }
                continue;
            }
            let answer = self.api.json("OPTIONS", &path, &Value::Null).await;
            if answer.status != 204 {
                self.closed(&path, &answer).await;
                continue;
            }
            for header in ["allow", "access-control-allow-methods"] {
                let told = answer.header(header);
                self.check(told == Some(&endpoint.allow()), || format!("OPTIONS {path}: {header}: {told:?}"));
            }
            for other in [format!("{path}/no-such-path"), format!("/{path}")] {
                let found = self.api.node.endpoints.find(&other).is_some();
                if !found {
                    self.send("GET", &other, &Value::Null, 404).await;
                }
            }
            let text = self.api.send("POST", &path, &[("content-type", "text/plain")], b"x".to_vec()).await;
            self.answered("POST", &path, &Value::from("text/plain"), &text, 415);
        }
    }

    /// A path of what this node does not do: it says so to every method.
    async fn closed(&mut self, path: &str, answer: &Answer) {
        self.check(answer.status == 400, || format!("OPTIONS {path}: {}", answer.status));
        for method in METHODS.into_iter().filter(|method| {
            self.api.node.endpoints.find(path).is_some_and(|found| found.endpoint.knows(method))
        }) {
            let other = self.send(method, path, &Value::Null, answer.status).await;
            let same = other.message() == answer.message() || method == "HEAD";
            self.check(same, || format!("{method} {path}: {}", other.message()));
        }
    }
}
