//! Validators of names, tags and tokens, in Kong's words.
//!
//! Lua's classes know ASCII alone, and so do these validators. Bytes that are not UTF-8 arrive marked (`bytes.rs`).

use super::bytes::invalid_at;

/// What [`name`] allows, as a regular expression of ECMA-262.
pub const NAME: &str = r"^[A-Za-z0-9._~-]+$";

/// Letters, digits and `. - _ ~`.
///
/// # Errors
/// The value, and the characters that are allowed.
pub fn name(text: &str) -> Result<(), String> {
    if !text.is_empty() && text.bytes().all(is_name_byte) {
        return Ok(());
    }
    Err(format!("invalid value '{text}': it must only contain alphanumeric and '., -, _, ~' characters"))
}

/// What [`utf8_name`] allows, as a regular expression of ECMA-262.
pub const UTF8_NAME: &str = r"^[^\x00-,/:-@\[-^`{-}\x7F]+$";

/// As [`name`], with every character beyond ASCII allowed as well.
///
/// # Errors
/// The value, and the ASCII characters that are allowed; before that, the position of a byte that is not UTF-8.
pub fn utf8_name(text: &str) -> Result<(), String> {
    utf8(text)?;
    if !text.is_empty() && text.bytes().all(|byte| is_name_byte(byte) || !byte.is_ascii()) {
        return Ok(());
    }
    Err(format!(
        "invalid value '{text}': the only accepted ascii characters are alphanumerics or ., -, _, and ~"
    ))
}

/// What [`tag`] allows, as a regular expression of ECMA-262.
pub const TAG: &str = r"^[^\x00-\x1F,/\x7F]+$";

/// Printable characters; a comma and a slash are not, because tag filters are written with them.
///
/// # Errors
/// The tag, and what a tag is made of; before that, the position of a byte that is not UTF-8.
pub fn tag(text: &str) -> Result<(), String> {
    utf8(text)?;
    let allowed = |byte: u8| !matches!(byte, 0..=0x1f | b',' | b'/' | 0x7f);
    if !text.is_empty() && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "invalid tag '{text}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences"
    ))
}

/// Any text, as long as the client sent it in UTF-8.
///
/// # Errors
/// The position of the first byte that is not, counted from 1.
pub fn utf8(text: &str) -> Result<(), String> {
    match invalid_at(text) {
        None => Ok(()),
        Some(position) => Err(format!("invalid utf-8 character sequence detected at position {position}")),
    }
}

/// What [`header_name`] allows, as a regular expression of ECMA-262.
pub const HEADER_NAME: &str = r"^[A-Za-z0-9_-]+$";

/// The name of an HTTP header as nginx takes it: letters, digits, `-` and `_`.
///
/// # Errors
/// The name, and the characters that are allowed.
pub fn header_name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("no header name provided".to_owned());
    }
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Ok(());
    }
    Err(format!("bad header name '{text}', allowed characters are A-Z, a-z, 0-9, '_', and '-'"))
}

/// What [`cookie_name`] allows, as a regular expression of ECMA-262.
pub const COOKIE_NAME: &str = r"^[!#$%&'*+.0-9A-Z^_`a-z|~-]+$";

/// The name of a cookie: a token of RFC 2616.
///
/// # Errors
/// The characters that a token must not hold.
pub fn cookie_name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("no token provided".to_owned());
    }
    let separator = |byte: u8| br#" ()<>@,;:\"/?={}[]"#.contains(&byte);
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_control() && !separator(byte)) {
        return Ok(());
    }
    Err("contains one or more invalid characters. ASCII control characters (0-31;127), space, tab and the \
         characters ()<>@,;:\\\"/?={}[] are not allowed."
        .to_owned())
}

/// A byte of Lua's `[%w%.%-%_~]`.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::super::bytes::marked;
    use super::*;

    #[test]
    fn an_expression_says_what_its_rule_says() {
        type Rule = fn(&str) -> Result<(), String>;
        let rules: [(&str, Rule); 5] = [
            (NAME, name),
            (UTF8_NAME, utf8_name),
            (TAG, tag),
            (HEADER_NAME, header_name),
            (COOKIE_NAME, cookie_name),
        ];
        for (expression, rule) in rules {
            let regex = Regex::new(expression).unwrap();
            for letter in ('\0'..'\u{250}').chain(['日', '\u{FFFD}', '😀']) {
                for text in [letter.to_string(), format!("a{letter}"), format!("{letter}a"), String::new()] {
                    assert_eq!(regex.is_match(&text), rule(&text).is_ok(), "{expression} on {text:?}");
                }
            }
        }
    }

    #[test]
    fn names() {
        for good in ["a", "A.b-c_d~9"] {
            assert_eq!(name(good), Ok(()));
        }
        for bad in ["", "a b", "a/b", "é", "a\n"] {
            assert_eq!(
                name(bad),
                Err(format!(
                    "invalid value '{bad}': it must only contain alphanumeric and '., -, _, ~' characters"
                ))
            );
        }
    }

    #[test]
    fn names_beyond_ascii() {
        for good in ["café", "日本", "a~b", "\u{fffd}"] {
            assert_eq!(utf8_name(good), Ok(()));
        }
        assert_eq!(
            utf8_name("with space"),
            Err("invalid value 'with space': the only accepted ascii characters are alphanumerics or ., -, _, and ~"
                .to_owned())
        );
    }

    #[test]
    fn tags() {
        for good in ["a", "with space", "{brace}:!", "ünïcode", "a+b-c.d"] {
            assert_eq!(tag(good), Ok(()));
        }
        for bad in ["", "a,b", "a/b", "tab\t", "\u{7f}"] {
            assert!(tag(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            tag("a,b"),
            Err("invalid tag 'a,b': expected printable ascii (except `,` and `/`) or valid utf-8 sequences"
                .to_owned())
        );
        assert_eq!(utf8("any\u{0}thing"), Ok(()));
    }

    #[test]
    fn bytes_that_are_not_utf8() {
        let sentence =
            |position| Err(format!("invalid utf-8 character sequence detected at position {position}"));
        assert_eq!(utf8_name(&marked(b"ab\xC3".to_vec())), sentence(3));
        assert_eq!(tag(&marked(b"\xE6\x97".to_vec())), sentence(1));
        assert_eq!(utf8(&marked(b"\xC3\xA9\xFF".to_vec())), sentence(3));
    }

    #[test]
    fn headers_and_cookies() {
        assert_eq!(header_name("X-Real_IP"), Ok(()));
        assert_eq!(
            header_name("a b"),
            Err("bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'".to_owned())
        );
        assert_eq!(header_name(""), Err("no header name provided".to_owned()));
        assert_eq!(cookie_name("session.id!#$%&'*+-^_`|~"), Ok(()));
        assert_eq!(cookie_name(""), Err("no token provided".to_owned()));
        for bad in ["a b", "a\tb", "a;b", "a\\b", "a\"b", "é", "a\u{7f}", "a[b]", "a=b"] {
            assert_eq!(
                cookie_name(bad).unwrap_err(),
                "contains one or more invalid characters. ASCII control characters (0-31;127), space, tab and the \
                 characters ()<>@,;:\\\"/?={}[] are not allowed."
            );
        }
    }
}
