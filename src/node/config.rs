//! `/config`: the declarative configuration of a node without a database. A node that has one refuses.

use http::Method;

use crate::admin::{Answer, Refusal, Request};

/// `GET /config`, `POST /config` on a node with a database.
pub async fn refuse(request: &Request) -> Result<Answer, Refusal> {
    if request.method == Method::POST {
        // A body that cannot be read is refused before anybody asks what it is for.
        request.input().await?;
    }
    Err(Refusal::bad_request(
        "this endpoint is only available when Kong is configured to not use a database",
    ))
}
