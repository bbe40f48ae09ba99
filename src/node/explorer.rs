//! `/docs`: a page in which the API is read and tried. It reads `/openapi.json` like any client and shows it by Stoplight
//! Elements, which is part of the program (`explorer/README.md` says from where and why).
//!
//! The files hold nothing of the node, so anybody may have them: a token is asked for by what the page asks. Nothing is
//! fetched from anywhere else, and the page's own policy forbids it.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::admin::{Answer, Refusal, Request};

/// What the page may load: its own files, and styles that the component writes into itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The headers of each file.
const HEADERS: &[(HeaderName, &str)] = &[
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // A browser asks again after an upgrade.
    (CACHE_CONTROL, "max-age=600"),
];

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The files by their name below `/docs`, with their types; the page itself has none.
const FILES: &[(&str, &str, &[u8])] = &[
    ("", HTML, include_bytes!("explorer/page.html")),
    ("page.js", SCRIPT, include_bytes!("explorer/page.js")),
    ("page.css", STYLE, include_bytes!("explorer/page.css")),
];

/// The files that are kept compressed.
const COMPRESSED: &[(&str, &str, &[u8])] = &[
    ("elements.js", SCRIPT, include_bytes!("explorer/elements.js.gz")),
    ("elements.css", STYLE, include_bytes!("explorer/elements.css.gz")),
];

/// Answers with a file.
///
/// # Errors
/// 404, and 406 where the client takes no gzip.
pub fn answer(name: &str, request: &Request) -> Result<Answer, Refusal> {
    let of = |files: &'static [(&str, &'static str, &'static [u8])]| {
        files.iter().find(|(own, ..)| *own == name).map(|(_, media_type, bytes)| (*media_type, *bytes))
    };
    let mut headers = HEADERS.to_vec();
    let (media_type, bytes) = match (of(FILES), of(COMPRESSED)) {
        (Some(file), _) => file,
        (None, Some(file)) if takes_gzip(&request.headers) => {
            headers.push((CONTENT_ENCODING, "gzip"));
            file
        }
        (None, Some(_)) => {
            return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "this file is sent as gzip only"));
        }
        (None, None) => return Err(Refusal::not_found()),
    };
    Ok(Answer::File { media_type, headers, bytes: Bytes::from_static(bytes) })
}

/// Whether a client says that it takes gzip. Every browser does.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
        matches!(name.trim(), "gzip" | "*") && !refused
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for (given, wanted) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("*", true),
            ("identity", false),
            ("gzip;q=0, br", false),
            ("gzip; q=0.0", false),
            ("xgzip", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(given))]);
            assert_eq!(takes_gzip(&headers), wanted, "{given}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
