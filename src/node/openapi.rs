//! `/openapi.json` and `/openapi.yaml`: what this node serves, as one document. It follows from the declarations, which
//! do not change while a node runs, so it is made once, when it is first asked for.

use std::sync::Arc;

use bytes::Bytes;
use generators::openapi::{Source, document};
use http::StatusCode;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::endpoints::Format;
use super::{Node, described};
use crate::admin::{Answer, Refusal};

/// The documents, once they have been asked for.
#[derive(Default)]
pub struct OpenApi {
    json: OnceCell<Bytes>,
    yaml: OnceCell<Bytes>,
}

impl OpenApi {
    /// The document in one format.
    pub async fn answer(&self, node: &Node, format: Format) -> Result<Answer, Refusal> {
        Ok(match format {
            Format::Json => {
                let bytes =
                    self.json.get_or_try_init(|| made(node, |document| Some(document.to_string()))).await?;
                Answer::Json(StatusCode::OK, bytes.clone())
            }
            Format::Yaml => {
                let written = |document: &Value| serde_saphyr::to_string(document).ok();
                let bytes = self.yaml.get_or_try_init(|| made(node, written)).await?;
                Answer::Document("application/yaml", bytes.clone())
            }
        })
    }
}

/// Makes the document beside the threads that answer requests.
async fn made(
    node: &Node,
    write: impl Fn(&Value) -> Option<String> + Send + 'static,
) -> Result<Bytes, Refusal> {
    let declarations = Arc::clone(&node.declarations);
    let (role, flavor) = (node.role, node.flavor);
    let making = tokio::task::spawn_blocking(move || {
        let document = document(&Source {
            declarations: &declarations,
            endpoints: &Node::endpoints(&declarations, role),
            flavor,
            version: super::root::VERSION,
            describe: &|endpoint| described::operations(endpoint, &declarations),
            parameter: &described::parameter,
        });
        write(&document)
    });
    let text = making.await.ok().flatten();
    text.map(Bytes::from)
        .ok_or_else(|| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the document could not be made"))
}
