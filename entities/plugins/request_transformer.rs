//! request-transformer adds, changes and removes headers, arguments and members of bodies on their way upstream.
//!
//! A value may be a template that computes it from the request (`template.rs`); it is compiled here, and never run.

mod template;

use super::BUNDLED;
use crate::schema::types::{HTTP_METHOD, PROTOCOLS_ANY};
use crate::schema::{Field, Literal::*, STRING, Subschema, array, record, text};

const NAMES: Field = array(&STRING).required().default(List(&[]));
const VALUES: Field = array(&STRING.text_validator(&named_value)).required().default(List(&[]));

const HEADERS: Field = array(&STRING.text_validator(&header)).required().default(List(&[]));
const HEADER_VALUES: Field =
    array(&STRING.matches("^[^:]+:.*$").text_validator(&header)).required().default(List(&[]));
const RENAMED_HEADERS: Field =
    array(&STRING.matches("^[^:]+:.*$").text_validator(&renamed_header)).required().default(List(&[]));

const GIVEN: Field =
    record(&[("body", VALUES), ("headers", HEADER_VALUES), ("querystring", VALUES)]).required();

#[rustfmt::skip]
pub static REQUEST_TRANSFORMER: Subschema = Subschema::new("request-transformer").plugin(BUNDLED, 801).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("http_method", HTTP_METHOD),
        ("remove",      record(&[("body", NAMES), ("headers", HEADERS), ("querystring", NAMES)]).required()),
        ("rename",      record(&[("body", VALUES), ("headers", RENAMED_HEADERS), ("querystring", VALUES)]).required()),
        ("replace",     record(&[("body", VALUES), ("headers", HEADER_VALUES), ("querystring", VALUES), ("uri", STRING)]).required()),
        ("add",         GIVEN),
        ("append",      GIVEN),
    ]).required()),
]);

/// `name:value`, cut at the first colons. There may be no name.
fn cut(entry: &str) -> (Option<&str>, &str) {
    match entry.split_once(':') {
        Some(("", _)) => (None, ""),
        Some((name, rest)) => (Some(name), rest.trim_start_matches(':')),
        None => (Some(entry), ""),
    }
}

/// A name and a value, which is a template.
fn named_value(entry: &str) -> Result<(), String> {
    let (name, value) = cut(entry);
    if value.is_empty() {
        return Err(format!("key '{}' has no value", name.unwrap_or_default()));
    }
    template::check(value)
        .map_err(|fault| format!("value '{value}' is not in supported format, error:{fault}"))
}

/// The name of a header, perhaps with a value.
fn header(entry: &str) -> Result<(), String> {
    header_name(cut(entry).0)
}

/// The name of a header and its new name.
pub(super) fn renamed_header(entry: &str) -> Result<(), String> {
    let (name, new) = cut(entry);
    header_name(name)?;
    header_name(Some(new))
}

/// Says of a name that is missing what Lua prints for it.
fn header_name(name: Option<&str>) -> Result<(), String> {
    match name.map(text::header_name) {
        Some(Ok(())) => Ok(()),
        _ => Err(format!("'{}' is not a valid header", name.unwrap_or("nil"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_cut_at_its_first_colons() {
        let check = |entry, expected| assert_eq!(cut(entry), expected, "{entry}");
        check("a:b", (Some("a"), "b"));
        check("a::b:c", (Some("a"), "b:c"));
        check("a", (Some("a"), ""));
        check("a:", (Some("a"), ""));
        check(":a", (None, ""));
        check("ü:ö", (Some("ü"), "ö"));
    }

    #[test]
    fn headers_and_values_are_checked() {
        let fault = |result: Result<(), String>| result.err().unwrap_or_default();
        assert_eq!(fault(named_value("https")), "key 'https' has no value");
        assert_eq!(fault(named_value("a:$(headers.x)")), "");
        assert_eq!(
            fault(named_value("a:$(1 +)")),
            "value '$(1 +)' is not in supported format, error:[string \"TMP\"]:1: unexpected symbol near ')'"
        );
        assert_eq!(fault(header("a b:c d")), "'a b' is not a valid header");
        assert_eq!(fault(header("a:c d")), "");
        assert_eq!(fault(header(":a")), "'nil' is not a valid header");
        assert_eq!(fault(renamed_header("a:c d")), "'c d' is not a valid header");
        assert_eq!(fault(renamed_header("a:")), "'' is not a valid header");
    }
}
