//! Data: JSON and functions, which is what a declaration outside the program's text is made of; and shared types as
//! data, so that a declaration can override their attributes.

use entities::schema::{Field, Validator};
use serde_json::Value;

use crate::schemas;

/// A value of a declaration.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Data>),
    /// Names with their values, in the order of the source. An empty one may stand for an empty list, since a script
    /// cannot tell the two apart.
    Table(Vec<(String, Data)>),
    Function(Function),
}

/// A function of a script: gets values, gives values, or says what it raised.
pub type Script = dyn Fn(&[Value]) -> Result<Vec<Value>, String> + Send + Sync;

/// A function in a declaration.
#[derive(Clone, Copy)]
pub struct Function {
    /// Tells it apart from every other function.
    pub name: &'static str,
    pub body: Body,
}

/// What a function is.
#[derive(Clone, Copy)]
pub enum Body {
    /// A rule of one value, in Rust.
    Rule(Validator),
    /// A function of a script.
    Script(&'static Script),
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "function({})", self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.name == other.name
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Data {
        match value {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(value),
            Value::Number(number) => match number.as_i64() {
                Some(number) => Data::Int(number),
                None => number_of(number.as_f64().unwrap_or(f64::MAX)),
            },
            Value::String(text) => Data::Text(text),
            Value::Array(items) => Data::List(items.into_iter().map(Data::from).collect()),
            Value::Object(entries) => {
                Data::Table(entries.into_iter().map(|(name, value)| (name, Data::from(value))).collect())
            }
        }
    }
}

/// A number without a fraction is an integer, as it is for a script.
pub(super) fn number_of(number: f64) -> Data {
    /// The largest number up to which every integer has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.fract() == 0.0 && number.abs() <= EXACT {
        true => Data::Int(number as i64),
        false => Data::Float(number),
    }
}

/// The mark that says which shared type a table was made of; it is no attribute.
pub const MADE_OF: &str = "@typedef";

/// The shared type of that name as data, with its rules as functions.
pub fn typedef(name: &str) -> Option<Data> {
    let (name, field) = entities::typedefs::TYPEDEFS.iter().find(|(own, _)| *own == name)?;
    let mut data = of_field(field, &format!("typedefs.{name}"));
    if let Data::Table(entries) = &mut data {
        entries.insert(0, (MADE_OF.to_owned(), Data::Text((*name).to_owned())));
    }
    Some(data)
}

/// A field as data: what `/schemas` shows, and its rules in Rust.
fn of_field(field: &Field, path: &str) -> Data {
    let mut data = Data::from(schemas::field(field));
    add_rules(&mut data, field, path);
    data
}

fn add_rules(data: &mut Data, field: &Field, path: &str) {
    let Data::Table(entries) = data else { return };
    for (name, value) in entries.iter_mut() {
        let path = format!("{path}.{name}");
        match (name.as_str(), field.elements(), value) {
            ("elements", Some(elements), value) => add_rules(value, elements, &path),
            ("keys" | "values", _, value) => {
                if let entities::schema::Type::Map(keys, values) = field.ty {
                    add_rules(value, if name == "keys" { keys } else { values }, &path);
                }
            }
            ("fields", _, Data::List(list)) => {
                let inner = list.iter_mut().filter_map(|item| match item {
                    Data::Table(entry) => entry.first_mut(),
                    _ => None,
                });
                for ((name, value), (_, field)) in inner.zip(field.fields()) {
                    add_rules(value, field, &format!("{path}.{name}"));
                }
            }
            _ => {}
        }
    }
    if let Some(rule) = field.validator {
        // There are as many of these names as there are shared types with rules: each is made once.
        let function = Function { name: super::interned::name(path), body: Body::Rule(rule) };
        entries.push(("custom_validator".to_owned(), Data::Function(function)));
    }
}
