//! The schemas of texts: choices, lengths, and the patterns that a regular expression of ECMA-262 says exactly.

use entities::schema::{Choices, Field, pattern};
use serde_json::{Map, Value, json};

use super::RULES;

/// How many bytes a letter has at most.
const LETTER: usize = 4;

/// The schema of a text, without null.
pub fn text(field: &Field) -> Map<String, Value> {
    let mut out = Map::from_iter([("type".to_owned(), "string".into())]);
    if let Some(choices) = field.one_of {
        out.insert("enum".to_owned(), chosen(&choices, field));
        return out;
    }
    let mut words = Vec::new();
    lengths(field, &mut out, &mut words);
    if field.uuid {
        out.insert("format".to_owned(), "uuid".into());
    }
    if let Some(format) = field.format.or(field.is_regex.then_some("pcre")) {
        out.insert("format".to_owned(), format.into());
        words.push(format!("has the form: {format}"));
    } else if field.validator.is_some() && field.pattern.is_none() {
        words.push("has a rule of its own".to_owned());
    }
    let mut parts = Vec::new();
    forms(field, &mut parts, &mut words);
    if let Some(choices) = field.not_one_of {
        parts.push(json!({ "not": { "enum": choices.to_value() } }));
    }
    match <[Value; 1]>::try_from(parts) {
        Ok([Value::Object(only)]) => out.extend(only),
        Ok(_) => {}
        Err(parts) if parts.is_empty() => {}
        Err(parts) => drop(out.insert("allOf".to_owned(), parts.into())),
    }
    if !words.is_empty() {
        out.insert(RULES.to_owned(), words.into());
    }
    out
}

/// The choices that are left.
pub fn chosen(choices: &Choices, field: &Field) -> Value {
    let mut list = choices.to_value();
    if let (Some(list), Some(unwanted)) = (list.as_array_mut(), field.not_one_of) {
        list.retain(|value| !unwanted.contains(value));
    }
    list
}

/// Lengths count bytes in a declaration and letters in a schema.
fn lengths(field: &Field, out: &mut Map<String, Value>, words: &mut Vec<String>) {
    let least = field.len_eq.or(field.len_min).unwrap_or(1);
    if least > 0 && !field.uuid {
        out.insert("minLength".to_owned(), least.div_ceil(LETTER).into());
    }
    if least > 1 {
        words.push(format!("has at least {least} bytes"));
    }
    if let Some(most) = field.len_eq.or(field.len_max) {
        out.insert("maxLength".to_owned(), most.into());
        words.push(format!("has at most {most} bytes"));
    }
}

/// How the text is written.
fn forms(field: &Field, parts: &mut Vec<Value>, words: &mut Vec<String>) {
    if let Some(start) = field.starts_with {
        parts.push(json!({ "pattern": format!("^{}", literally(start)) }));
    }
    if let Some(pattern) = field.pattern {
        parts.push(json!({ "pattern": pattern }));
    }
    let wanted = field.matches.into_iter().chain(field.match_all.iter().map(|(pattern, _)| *pattern));
    for pattern in wanted {
        match pattern::ecma(pattern) {
            Some(pattern) => parts.push(json!({ "pattern": pattern })),
            None => words.push(format!("matches the Lua pattern {pattern}")),
        }
    }
    let unwanted = field.not_match.into_iter().chain(field.match_none.iter().map(|(pattern, _)| *pattern));
    for pattern in unwanted {
        match pattern::ecma(pattern) {
            Some(pattern) => parts.push(json!({ "not": { "pattern": pattern } })),
            None => words.push(format!("does not match the Lua pattern {pattern}")),
        }
    }
    if let Some((patterns, _)) = field.match_any {
        let translated: Option<Vec<_>> = patterns.iter().map(|pattern| pattern::ecma(pattern)).collect();
        match translated {
            Some(list) => {
                let list: Vec<_> = list.into_iter().map(|pattern| json!({ "pattern": pattern })).collect();
                parts.push(json!({ "anyOf": list }));
            }
            None => words.push(format!("matches one of the Lua patterns {}", patterns.join(" "))),
        }
    }
}

/// A text as a regular expression that matches it.
fn literally(text: &str) -> String {
    text.chars()
        .flat_map(|letter| letter.is_ascii_punctuation().then_some('\\').into_iter().chain([letter]))
        .collect()
}
