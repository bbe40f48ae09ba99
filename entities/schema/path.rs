//! Paths: of services, and of routes, where a leading `~` makes a path a regular expression.
//!
//! Whether a path starts with a slash and has no empty segment is said by patterns of the fields. Whether the router
//! can compile a regular expression is the router's own check; here it is only held against PCRE2's grammar.

mod pcre;

/// A path of the characters of RFC 3986, percent-encoded properly.
///
/// # Errors
/// The path, or the part of it that is badly encoded.
pub fn path(text: &str) -> Result<(), String> {
    if !is_rfc3986(text) {
        return Err(format!(
            "invalid path: '{text}' (characters outside of the reserved list of RFC 3986 found)"
        ));
    }
    match broken_encoding(text) {
        Some(part) => Err(format!("invalid url-encoded value: '{part}'")),
        None => Ok(()),
    }
}

/// A path of a route: `/…` in normal form, or `~/…` with a regular expression behind the `~`.
///
/// The encoding is looked at only where the characters are those of RFC 3986, as in Kong: so never behind `~`.
///
/// # Errors
/// The part that is badly encoded, the normal form, or PCRE2's words.
pub fn router_path(text: &str) -> Result<(), String> {
    if is_rfc3986(text) {
        path(text)?;
    }
    if let Some(pattern) = text.strip_prefix('~') {
        return pcre::check(pattern.as_bytes()).map_err(|fault| {
            format!("invalid regex: '{pattern}' (PCRE returned: {})", fault.sentence(pattern))
        });
    }
    let normal = normalize(text);
    if text == normal {
        return Ok(());
    }
    Err(format!("non-normalized path, consider use '{normal}' instead"))
}

/// A path of a route as it was written before format 3.0, the way it is written now: what has more than the plain
/// characters was a regular expression, in which encoded characters were decoded; anything else gets its normal form.
pub fn upgrade(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~/%".contains(&byte);
    if text.bytes().all(is_plain) {
        return normalize(text);
    }
    let mut pattern = String::from("~");
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        pattern.push_str(before);
        let code = behind.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| Some((code, u8::from_str_radix(code, 16).ok()?))) {
            Some((code, byte)) => {
                match char::from(byte) {
                    letter if RESERVED.contains(letter) => {
                        pattern.push_str(&format!("%{}", code.to_uppercase()))
                    }
                    letter if ".^-{}\\|".contains(letter) => pattern.extend(['\\', letter]),
                    letter if letter.is_ascii() => pattern.push(letter),
                    _ => pattern.push_str(&format!("%{code}")),
                }
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                pattern.push('%');
                rest = behind;
            }
        }
    }
    pattern + rest
}

/// Characters that keep their encoding in an upgraded regular expression.
const RESERVED: &str = "!#$%&'()*+,/:;=?@[]";

/// Whether PCRE2 compiles the text.
pub fn is_regex(text: &str) -> bool {
    pcre::check(text.as_bytes()).is_ok()
}

/// The normal form of a path: encoded characters that are not reserved are decoded, those that stay get large
/// digits, the segments `.` and `..` are resolved and repeated slashes are merged. Bytes that are no UTF-8 after
/// decoding are shown as U+FFFD.
pub fn normalize(text: &str) -> String {
    let decoded = decode(text.as_bytes());
    let mut rest = decoded.as_slice();
    let mut segments: Vec<&[u8]> = Vec::new();
    if !rest.contains(&b'.') && !rest.windows(2).any(|pair| pair == b"//") {
        segments.push(rest);
        rest = b"";
    }
    while !rest.is_empty() {
        rest = match rest {
            b"/." => b"/",
            b"/.." => {
                segments.pop();
                b"/"
            }
            b"." | b".." => b"",
            [b'.', b'.', b'/', after @ ..] | [b'.', b'/', after @ ..] => after,
            [b'/', after @ ..] | [b'/', b'.', after @ ..] if after.first() == Some(&b'/') => after,
            [b'/', b'.', b'.', after @ ..] if after.first() == Some(&b'/') => {
                segments.pop();
                after
            }
            _ => {
                let next = rest.iter().skip(1).position(|byte| *byte == b'/');
                let (segment, after) = rest.split_at(next.map_or(rest.len(), |slash| slash + 1));
                segments.push(segment);
                after
            }
        };
    }
    String::from_utf8_lossy(&segments.concat()).into_owned()
}

/// Decodes what stands for an unreserved character or for one of no meaning in URLs.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        let &[high, low, ref behind @ ..] = after else {
            decoded.push(*first);
            continue;
        };
        let (b'%', Some(upper), Some(lower)) = (*first, hexadecimal(high), hexadecimal(low)) else {
            decoded.push(*first);
            continue;
        };
        let byte = upper << 4 | lower;
        if b"!*'();:@&=+$,/?%#[]".contains(&byte) {
            decoded.extend([b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()]);
        } else {
            decoded.push(byte);
        }
        rest = behind;
    }
    decoded
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Whether the text starts with a slash and is made of characters that a path may hold.
fn is_rfc3986(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~/%:@!$&'()*+,;=".contains(&byte);
    text.starts_with('/') && text.bytes().all(fits)
}

/// The first `%` without two digits behind it and up to two characters more. Every good triplet reads `___`, also
/// in what is shown.
fn broken_encoding(text: &str) -> Option<String> {
    let mut raw = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(window) = raw.get_mut(at..) {
        match window {
            [] => break,
            [percent @ b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (*percent, *high, *low) = (b'_', b'_', b'_');
                at += 3;
            }
            _ => at += 1,
        }
    }
    let start = raw.iter().position(|byte| *byte == b'%')?;
    let shown: Vec<u8> = raw.into_iter().skip(start).take(3).collect();
    Some(String::from_utf8_lossy(&shown).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_services() {
        for good in ["/", "/trailing/", "/a.b-c_d~e", "/caf%C3%A9", "/!$&'()*+,;=:@", "/../up", "/%2f"] {
            assert_eq!(path(good), Ok(()), "{good}");
        }
        for bad in ["/a?b=c", "/sp ace", "/tilde|pipe", "a", "", "/é", "/a\n"] {
            assert_eq!(
                path(bad),
                Err(format!(
                    "invalid path: '{bad}' (characters outside of the reserved list of RFC 3986 found)"
                ))
            );
        }
        for (bad, part) in
            [("/100%", "%"), ("/a%zz", "%zz"), ("/%41%4", "%4"), ("/%%41", "%__"), ("/%z%41x", "%z_")]
        {
            assert_eq!(path(bad), Err(format!("invalid url-encoded value: '{part}'")));
        }
    }

    #[test]
    fn normal_forms() {
        for (text, expected) in [
            ("", ""),
            ("/", "/"),
            ("/a/../b", "/b"),
            ("/a/./b", "/a/b"),
            ("/a/b/..", "/a/"),
            ("/a/b/.", "/a/b/"),
            ("/../..", "/"),
            ("/../a", "/a"),
            ("/a//b", "/a/b"),
            ("//a", "/a"),
            ("a/b", "a/b"),
            ("./a", "a"),
            ("../a", "a"),
            (".", ""),
            ("..", ""),
            ("/a.b/c", "/a.b/c"),
            ("/...", "/..."),
            ("/%41", "/A"),
            ("/caf%c3%a9", "/café"),
            ("/tr%2fx", "/tr%2Fx"),
            ("/%2e%2E/x", "/x"),
            ("/a%20b", "/a b"),
            ("/%%41", "/%A"),
            ("/%4", "/%4"),
            ("/%ff", "/\u{fffd}"),
            ("/é/../ü", "/ü"),
        ] {
            assert_eq!(normalize(text), expected, "{text}");
        }
    }

    #[test]
    fn paths_of_routes() {
        for good in [
            "/",
            "/ok%2Fx",
            "/wei rd",
            "/日本",
            "/a{b}",
            "/a|b",
            "/~tilde",
            "~/a/./b",
            "~/%zz",
            "~/users/(?<id>\\d+)$",
        ] {
            assert_eq!(router_path(good), Ok(()), "{good}");
        }
        for (bad, expected) in [
            ("/bad%", "invalid url-encoded value: '%'"),
            ("/a/../b", "non-normalized path, consider use '/b' instead"),
            ("/%ff", "non-normalized path, consider use '/\u{fffd}' instead"),
            (
                "~/(unclosed",
                "invalid regex: '/(unclosed' (PCRE returned: pcre2_compile() failed: missing closing parenthesis in \
                 \"/(unclosed\")",
            ),
            (
                "~/a{2,1}",
                "invalid regex: '/a{2,1}' (PCRE returned: pcre2_compile() failed: numbers out of order in {} \
                 quantifier in \"/a{2,1}\" at \"}\")",
            ),
        ] {
            assert_eq!(router_path(bad), Err(expected.to_owned()));
        }
        assert!(is_regex("(curl|wget)/\\d") && !is_regex("(open") && !is_regex("[[:") && !is_regex("**"));
    }
}
