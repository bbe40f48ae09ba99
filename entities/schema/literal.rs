//! Literals: the values that a declaration can write down (defaults, choices, examples).
//!
//! A literal is `Copy` and lives in a `static`; [`Literal::to_value`] turns it into JSON. It does not validate.

use serde_json::{Map, Value};

/// A JSON value that a `const` can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'static str),
    List(&'static [Literal]),
    Map(&'static [(&'static str, Literal)]),
}

impl Literal {
    /// The JSON value that this literal stands for.
    pub fn to_value(&self) -> Value {
        match *self {
            Literal::Null => Value::Null,
            Literal::Bool(value) => Value::Bool(value),
            Literal::Int(value) => Value::from(value),
            Literal::Float(value) => Value::from(value),
            Literal::Str(value) => Value::from(value),
            Literal::List(items) => Value::Array(items.iter().map(Literal::to_value).collect()),
            Literal::Map(entries) => Value::Object(
                entries.iter().map(|(key, value)| (key.to_string(), value.to_value())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// Whether `value` is this literal; integers equal floats of the same size, as in Lua.
    pub fn equals(&self, value: &Value) -> bool {
        match (*self, value) {
            (Literal::Null, Value::Null) => true,
            (Literal::Bool(a), Value::Bool(b)) => a == *b,
            (Literal::Int(a), Value::Number(b)) => b.as_i64() == Some(a) || b.as_f64() == Some(a as f64),
            (Literal::Float(a), Value::Number(b)) => b.as_f64() == Some(a),
            (Literal::Str(a), Value::String(b)) => a == b,
            (Literal::List(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (Literal::Map(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(*key).is_some_and(|b| a.equals(b)))
            }
            _ => false,
        }
    }

    /// The literal as Lua's `tostring` prints it in a message.
    pub fn to_text(&self) -> String {
        match *self {
            Literal::Null => "null".to_owned(),
            Literal::Str(text) => text.to_owned(),
            _ => self.to_value().to_string(),
        }
    }
}

/// The values that `one_of` and `not_one_of` list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choices {
    Strings(&'static [&'static str]),
    Integers(&'static [i64]),
}

impl Choices {
    /// Whether `value` is among the choices.
    pub fn contains(&self, value: &Value) -> bool {
        match self {
            Choices::Strings(list) => value.as_str().is_some_and(|text| list.contains(&text)),
            Choices::Integers(list) => list.iter().any(|item| Literal::Int(*item).equals(value)),
        }
    }

    /// The choices as a message lists them: `a, b, c`.
    pub fn listed(&self) -> String {
        match self {
            Choices::Strings(list) => list.join(", "),
            Choices::Integers(list) => list.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
        }
    }

    /// The choices as a JSON array.
    pub fn to_value(&self) -> Value {
        match self {
            Choices::Strings(list) => Value::from(list.to_vec()),
            Choices::Integers(list) => Value::from(list.to_vec()),
        }
    }
}
