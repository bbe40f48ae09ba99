//! URLs as Kong takes them apart: the rules of LuaSocket's parser.
//!
//! That parser splits and never validates, so most texts are a URL of some kind. Nothing is decoded, lower-cased or
//! resolved, and a port stays the text that was written: what the parts must be is for the fields they end up in.

/// The parts of a URL. A part is `None` where its delimiter is missing; a port may be present and empty (`h:`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// `https` in `https://…`, in the letters it was written in.
    pub scheme: Option<String>,
    /// Everything between `//` and the next slash.
    pub authority: Option<String>,
    /// What stands before the first `@` of the authority.
    pub userinfo: Option<String>,
    /// The host, without the brackets of an IPv6 address. Without a slash after it, it includes the query.
    pub host: Option<String>,
    /// What stands after the last colon of the authority.
    pub port: Option<String>,
    /// What remains when all other parts are cut out, with its leading slash.
    pub path: Option<String>,
    /// What stands after the first semicolon.
    pub params: Option<String>,
    /// What stands after the first question mark.
    pub query: Option<String>,
    /// What stands after the first `#`.
    pub fragment: Option<String>,
}

/// Takes a URL apart, in the order fragment, scheme, authority, query, params, path. Only the empty text is none.
pub fn parse(text: &str) -> Option<Url> {
    if text.is_empty() {
        return None;
    }
    let mut url = Url::default();
    let mut rest = cut(text, '#', &mut url.fragment);
    if let Some((scheme, after)) = split_scheme(rest) {
        url.scheme = Some(scheme.to_owned());
        rest = after;
    }
    let mut authority = None;
    if let Some(after) = rest.strip_prefix("//") {
        let (found, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        authority = Some(found);
        rest = path;
    }
    rest = cut(rest, '?', &mut url.query);
    rest = cut(rest, ';', &mut url.params);
    url.path = some(rest);
    if let Some(authority) = authority {
        url.authority = Some(authority.to_owned());
        let mut host = authority;
        if let Some((userinfo, after)) = host.split_once('@') {
            url.userinfo = Some(userinfo.to_owned());
            host = after;
        }
        // A colon before a closing bracket belongs to the address, not to a port.
        if let Some((before, port)) = host.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            url.port = Some(port.to_owned());
            host = before;
        }
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        url.host = some(bare.filter(|inner| !inner.is_empty()).unwrap_or(host));
    }
    Some(url)
}

/// A URL with a scheme and a host; both may be anything.
///
/// # Errors
/// The part that is missing.
pub fn url(text: &str) -> Result<(), String> {
    let Some(url) = parse(text) else {
        return Err("could not parse url. invalid url".to_owned());
    };
    if url.host.is_none() {
        return Err("missing host in url".to_owned());
    }
    if url.scheme.is_none() {
        return Err("missing scheme in url".to_owned());
    }
    Ok(())
}

/// What stands before the first `mark`; what stands after it goes to `part`.
fn cut<'a>(text: &'a str, mark: char, part: &mut Option<String>) -> &'a str {
    match text.split_once(mark) {
        Some((before, after)) => {
            *part = Some(after.to_owned());
            before
        }
        None => text,
    }
}

/// A scheme starts with a letter or a digit and goes on with those and `+ - .` up to a colon.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, after) = text.split_once(':')?;
    let first = scheme.bytes().next()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    (first.is_ascii_alphanumeric() && scheme.bytes().all(fits)).then_some((scheme, after))
}

/// Text, unless it is empty.
fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scheme, host, port and path, with `-` for a missing part.
    fn parts(text: &str) -> String {
        let url = parse(text).unwrap();
        [url.scheme, url.host, url.port, url.path]
            .map(|part| part.unwrap_or_else(|| "-".to_owned()))
            .join(" ")
    }

    #[test]
    fn parts_of_urls() {
        for (text, expected) in [
            ("http://one.test", "http one.test - -"),
            ("https://one.test:8443/v1/api", "https one.test 8443 /v1/api"),
            ("//h:443", "- h 443 -"),
            ("http://user:secret@h/p?q=1#f", "http h - /p"),
            ("http://h/p;v=1?q", "http h - /p"),
            ("http://h?q=1", "http h?q=1 - -"),
            ("http://[::1]:80/x", "http ::1 80 /x"),
            ("http://[::1]", "http ::1 - -"),
            ("http://[]", "http [] - -"),
            ("http://h:", "http h  -"),
            ("http://:80", "http - 80 -"),
            ("http://a:b:80", "http a:b 80 -"),
            ("/only/a/path", "- - - /only/a/path"),
            ("no-scheme-here", "- - - no-scheme-here"),
            ("localhost:8000", "localhost - - 8000"),
            ("mailto:a@b", "mailto - - a@b"),
            (":x", "- - - :x"),
            (" ", "- - -  "),
            ("http://é.test/ü", "http é.test - /ü"),
            ("#only", "- - - -"),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
        assert_eq!(parse(""), None);
    }

    #[test]
    fn parts_that_are_cut_off() {
        let url = parse("http://u:p@w@h:1/p;a;b?c?d#e#f").unwrap();
        assert_eq!(url.userinfo.as_deref(), Some("u:p"));
        assert_eq!(url.host.as_deref(), Some("w@h"));
        assert_eq!(url.authority.as_deref(), Some("u:p@w@h:1"));
        assert_eq!(url.params.as_deref(), Some("a;b"));
        assert_eq!(url.query.as_deref(), Some("c?d"));
        assert_eq!(url.fragment.as_deref(), Some("e#f"));
    }

    #[test]
    fn a_scheme_and_a_host_are_needed() {
        assert_eq!(url("https://example.test/x?y"), Ok(()));
        assert_eq!(url(""), Err("could not parse url. invalid url".to_owned()));
        assert_eq!(url("http:///x"), Err("missing host in url".to_owned()));
        assert_eq!(url("value"), Err("missing host in url".to_owned()));
        assert_eq!(url("//h/x"), Err("missing scheme in url".to_owned()));
    }
}
