//! The reference of shared types for authors of declarations, as a Markdown table made from the types themselves.

use std::fmt::Write;

use entities::schema::{Field, Type};

/// One line for each shared type: its name, what a value is, and what it is for.
pub fn reference() -> String {
    let mut text = String::from("| Shared type | Value | Meaning |\n|---|---|---|\n");
    for (name, field) in entities::typedefs::TYPEDEFS {
        let meaning = field.description.unwrap_or_default().replace('|', "\\|");
        // Writing to a string does not fail.
        let _ = writeln!(text, "| `{name}` | {} | {} |", value(field), meaning.trim());
    }
    text
}

/// What a value of a field is, in a few words.
fn value(field: &Field) -> String {
    if field.eq == Some(entities::schema::Literal::Null) {
        return "null".to_owned();
    }
    let mut words = match field.ty {
        Type::Array(elements) => format!("array of {}", value(elements)),
        Type::Set(elements) => format!("set of {}", value(elements)),
        Type::Map(_, values) => format!("map to {}", value(values)),
        Type::Record(fields) => {
            let names: Vec<_> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
            format!("record: {}", names.join(", "))
        }
        _ => field.type_name().to_owned(),
    };
    if let Some((min, max)) = field.between {
        let _ = write!(words, ", {min} to {max}");
    }
    if let Some(choices) = field.one_of {
        let _ = write!(words, ": {}", choices.listed());
    }
    if let Some(start) = field.starts_with {
        let _ = write!(words, " that starts with `{start}`");
    }
    words
}
