//! Values as Kong's messages print them: Lua tables, on one line (`{id="…"}`) or over several.
//!
//! The form is that of Penlight's `pretty.write`, which clients see inside `message`. Nulls in an array are holes;
//! elsewhere a null is printed as Lua prints `ngx.null`.

use serde_json::Value;

const KEYWORDS: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
    "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// The value on one line, without spaces: `{name="a",port=80}`.
pub fn compact(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, None);
    out
}

/// The value over several lines, indented by two spaces a level.
pub fn indented(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, Some(0));
    out
}

fn write(out: &mut String, value: &Value, level: Option<usize>) {
    match value {
        Value::Null => out.push_str("\"userdata: NULL\""),
        Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        Value::String(text) => out.push_str(&quote(text)),
        Value::Array(items) => {
            let dense = items.iter().take_while(|item| !item.is_null()).count();
            let entries = items.iter().enumerate().filter(|(_, item)| !item.is_null()).map(|(i, item)| {
                let key = if i < dense { None } else { Some(format!("[{}]", i + 1)) };
                (key, item)
            });
            write_table(out, entries, level);
        }
        Value::Object(fields) => {
            // What stands at places of a list comes first, without a key as far as no place is left out.
            let place = |key: &str| key.parse::<usize>().ok().filter(|place| *place > 0);
            let mut fields: Vec<_> = fields.iter().map(|(key, item)| (place(key), key, item)).collect();
            fields.sort_by(|a, b| (a.0.is_none(), a.0, a.1).cmp(&(b.0.is_none(), b.0, b.1)));
            let dense =
                fields.iter().zip(1..).take_while(|((place, ..), next)| *place == Some(*next)).count();
            let entries = fields.into_iter().enumerate().map(|(i, (place, key, item))| match place {
                Some(_) if i < dense => (None, item),
                Some(place) => (Some(format!("[{place}]")), item),
                None => (Some(index(key)), item),
            });
            write_table(out, entries, level);
        }
    }
}

fn write_table<'a>(
    out: &mut String,
    entries: impl Iterator<Item = (Option<String>, &'a Value)>,
    level: Option<usize>,
) {
    out.push('{');
    let mut first = true;
    for (key, item) in entries {
        if !first {
            out.push(',');
        }
        first = false;
        break_line(out, level.map(|level| level + 1));
        if let Some(key) = key {
            out.push_str(&key);
            out.push_str(if level.is_some() { " = " } else { "=" });
        }
        write(out, item, level.map(|level| level + 1));
    }
    break_line(out, level);
    out.push('}');
}

fn break_line(out: &mut String, level: Option<usize>) {
    if let Some(level) = level {
        out.push('\n');
        out.push_str(&"  ".repeat(level));
    }
}

/// A key: bare where Lua allows it, else in brackets and quotes.
fn index(key: &str) -> String {
    let mut bytes = key.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if starts_well
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !KEYWORDS.contains(&key)
    {
        key.to_owned()
    } else {
        format!("[{}]", quote(key))
    }
}

/// A text in quotes; in long brackets where it has line breaks or brackets of its own.
fn quote(text: &str) -> String {
    let equals = long_bracket(&format!("{text}]"));
    if (text.contains('\n') || equals.is_some()) && !text.contains('\r') {
        let equals = "=".repeat(equals.map_or(0, |count| count + 1));
        let opening = if text.starts_with('\n') { "\n" } else { "" };
        return format!("[{equals}[{opening}{text}]{equals}]");
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            '\n' => out.push_str("\\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\000"),
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// The longest run of `=` between two like brackets in the text, if there are such brackets.
fn long_bracket(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut longest = None;
    for (start, bracket) in bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'[' | b']')) {
        let rest = bytes.get(start + 1..).unwrap_or_default();
        let equals = rest.iter().take_while(|byte| **byte == b'=').count();
        if rest.get(equals) == Some(bracket) {
            longest = longest.max(Some(equals));
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{compact, indented};

    #[test]
    fn one_line() {
        assert_eq!(compact(&json!({"id": "a", "end": 1})), r#"{["end"]=1,id="a"}"#);
        assert_eq!(compact(&json!({"set": null, "kid": "same"})), r#"{kid="same",set="userdata: NULL"}"#);
    }

    #[test]
    fn places_in_a_list_come_first() {
        let value = json!({"host": "x", "1": "a", "2": {"3": "b"}, "4": "c"});
        assert_eq!(compact(&value), r#"{"a",{[3]="b"},[4]="c",host="x"}"#);
    }

    #[test]
    fn several_lines() {
        let value = json!({"@entity": ["x"], "items": [null, "say \"hi\""], "text": "[a]"});
        let expected = "{\n  [\"@entity\"] = {\n    \"x\"\n  },\n  items = {\n    [2] = \"say \\\"hi\\\"\"\n  },\n  text = [=[[a]]=]\n}";
        assert_eq!(indented(&value), expected);
    }
}
