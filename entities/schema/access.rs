//! Who may do what: what tokens and roles say, and whether that covers a request. Where they are kept, and who presents
//! a token, is not known here.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::Row;

/// What the rows of an entity decide about who may do what.
#[derive(Clone, Copy)]
pub enum Access {
    /// A row lets in whoever presents its token.
    Tokens {
        /// The unique field that holds the token's [`digest`].
        digest: &'static str,
        read: &'static (dyn Fn(&Row) -> Token + Send + Sync),
    },
    /// A row says what its name allows.
    Roles {
        /// The roles that need no row.
        built_in: &'static [(&'static str, &'static [Standing])],
        read: &'static (dyn Fn(&Row) -> Vec<Permission> + Send + Sync),
    },
}

/// The role that may do everything.
pub const ADMIN: &str = "admin";

/// The fewest characters that a token may have: what cannot be guessed needs no slow hash.
pub const SHORTEST_TOKEN: usize = 20;

/// A permission in the program's text: methods and paths.
pub type Standing = (&'static [&'static str], &'static [&'static str]);

/// Whom a token lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The name that the change log keeps.
    pub name: String,
    /// The names of roles; one that names no role allows nothing.
    pub roles: Vec<String>,
    /// Seconds since 1970 at which the token ends; `None`: never.
    pub expires_at: Option<i64>,
}

/// What a role allows: these methods on these paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// HTTP methods; `GET` stands for HEAD as well.
    pub methods: Vec<String>,
    /// Patterns of paths: `*` is one segment, `**` at the end is any number of them.
    pub paths: Vec<String>,
    /// Where there are any, only rows that carry one of these tags are meant.
    pub tags: Vec<String>,
}

impl Permission {
    /// A permission as it stands in the program's text, about all rows.
    pub fn standing((methods, paths): Standing) -> Permission {
        let owned = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
        Permission { methods: owned(methods), paths: owned(paths), tags: Vec::new() }
    }

    fn covers(&self, method: &str, segments: &[Cow<'_, str>]) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        self.methods.iter().any(|own| own == method) && self.paths.iter().any(|path| matches(path, segments))
    }
}

/// What permissions allow of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Nothing.
    Denied,
    /// What concerns rows that carry one of these tags, sorted.
    Tagged(Vec<String>),
    /// Everything.
    Full,
}

/// What the permissions allow of a request by that method to the path of these segments, which are decoded.
pub fn grant<'a>(
    permissions: impl IntoIterator<Item = &'a Permission>,
    method: &str,
    segments: &[Cow<'_, str>],
) -> Grant {
    let mut tags = Vec::new();
    for permission in permissions.into_iter().filter(|permission| permission.covers(method, segments)) {
        if permission.tags.is_empty() {
            return Grant::Full;
        }
        tags.extend_from_slice(&permission.tags);
    }
    tags.sort_unstable();
    tags.dedup();
    if tags.is_empty() { Grant::Denied } else { Grant::Tagged(tags) }
}

/// Whether a pattern covers a path.
fn matches(pattern: &str, segments: &[Cow<'_, str>]) -> bool {
    let mut rest = segments.iter();
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        match (part, rest.next()) {
            ("**", _) => return true,
            ("*", Some(_)) => {}
            (literal, Some(segment)) if literal == segment => {}
            _ => return false,
        }
    }
    rest.next().is_none()
}

/// A token's SHA-256.
pub type Digested = [u8; 32];

/// The SHA-256 of a token. Tokens are long and random, so that a slow hash would protect them no better.
pub fn digested(token: &str) -> Digested {
    Sha256::digest(token.as_bytes()).into()
}

/// The form in which a token is kept: its SHA-256 in hexadecimal.
pub fn digest(token: &str) -> String {
    hexadecimal(&digested(token))
}

/// A digest as it is kept.
pub fn hexadecimal(digested: &Digested) -> String {
    digested.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &str) -> Vec<Cow<'_, str>> {
        path.split('/').filter(|part| !part.is_empty()).map(Cow::Borrowed).collect()
    }

    #[test]
    fn patterns_cover_paths_segment_by_segment() {
        for (pattern, path, covered) in [
            ("/**", "/", true),
            ("/**", "/services/a/routes", true),
            ("/", "/", true),
            ("/", "/services", false),
            ("/services", "/services", true),
            ("/services", "/services/a", false),
            ("/services/*", "/services/a", true),
            ("/services/*", "/services", false),
            ("/services/*", "/services/a/routes", false),
            ("/services/**", "/services", true),
            ("/services/**", "/servicesandmore", false),
            ("/services/*/routes", "/services/a/routes", true),
            ("/services/a*", "/services/ab", false),
        ] {
            assert_eq!(matches(pattern, &segments(path)), covered, "{pattern} {path}");
        }
    }

    #[test]
    fn permissions_add_up() {
        let read = Permission::standing((&["GET"], &["/**"]));
        let tagged = |tag: &str| Permission {
            methods: vec!["PATCH".to_owned()],
            paths: vec!["/services/*".to_owned()],
            tags: vec![tag.to_owned()],
        };
        let own = [read, tagged("b"), tagged("a"), tagged("b")];
        assert_eq!(grant(&own, "HEAD", &segments("/services")), Grant::Full);
        assert_eq!(
            grant(&own, "PATCH", &segments("/services/x")),
            Grant::Tagged(vec!["a".into(), "b".into()])
        );
        assert_eq!(grant(&own, "PATCH", &segments("/routes/x")), Grant::Denied);
        assert_eq!(grant(&own, "DELETE", &segments("/services/x")), Grant::Denied);
        assert_eq!(grant([], "GET", &[]), Grant::Denied);
    }

    #[test]
    fn a_digest_is_sha_256() {
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
