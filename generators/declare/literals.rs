//! Literals of a declaration: defaults, choices and examples, read by the type of the field that they belong to.

use entities::schema::{Choices, Field, Literal, Type, sentence};

use super::Data;
use super::table::{Converter, below};

impl Converter<'_> {
    /// A value of a field of that type. An empty table is what the type makes of it.
    pub(super) fn literal(&self, data: &Data, ty: &Type, path: &str) -> Option<Literal> {
        match (data, ty) {
            (Data::Table(entries), Type::Array(elements) | Type::Set(elements)) if entries.is_empty() => {
                let _ = elements;
                Some(Literal::List(&[]))
            }
            (Data::List(items), Type::Array(elements) | Type::Set(elements)) => {
                self.items(items, &elements.ty, path)
            }
            (Data::List(items), Type::Map(..) | Type::Record(_)) if items.is_empty() => {
                Some(Literal::Map(&[]))
            }
            (Data::Table(entries), Type::Map(_, values)) => self.entries(entries, path, |_| values.ty),
            (Data::Table(entries), Type::Record(fields)) => self.entries(entries, path, |name| {
                fields.iter().find(|(own, _)| *own == name).map_or(Type::Same, |(_, field)| field.ty)
            }),
            _ => self.free(data, path),
        }
    }

    /// A value of which nothing is known.
    pub(super) fn free(&self, data: &Data, path: &str) -> Option<Literal> {
        match data {
            Data::Null => Some(Literal::Null),
            Data::Bool(value) => Some(Literal::Bool(*value)),
            Data::Int(value) => Some(Literal::Int(*value)),
            Data::Float(value) => Some(Literal::Float(*value)),
            Data::Text(text) => Some(Literal::Str(text.clone().leak())),
            Data::List(items) => self.items(items, &Type::Same, path),
            Data::Table(entries) => self.entries(entries, path, |_| Type::Same),
            Data::Function(_) => {
                self.fault(path, "a function is no value");
                None
            }
        }
    }

    fn items(&self, items: &[Data], ty: &Type, path: &str) -> Option<Literal> {
        let items: Option<Vec<_>> = items.iter().map(|item| self.literal(item, ty, path)).collect();
        items.map(|items| Literal::List(items.leak()))
    }

    fn entries(&self, entries: &[(String, Data)], path: &str, ty: impl Fn(&str) -> Type) -> Option<Literal> {
        let entries: Option<Vec<_>> = entries
            .iter()
            .map(|(name, value)| {
                let value = self.literal(value, &ty(name), &below(path, name))?;
                Some((&*name.clone().leak(), value))
            })
            .collect();
        entries.map(|entries| Literal::Map(entries.leak()))
    }

    /// The values that `one_of` lists: texts for a text, integers for a number.
    pub(super) fn choices(&self, list: &[Data], field: &Field, path: &str) -> Option<Choices> {
        let texts = || {
            list.iter().filter_map(|item| match item {
                Data::Text(text) => Some(&*text.clone().leak()),
                _ => None,
            })
        };
        let integers = || {
            list.iter().filter_map(|item| match item {
                Data::Int(number) => Some(*number),
                _ => None,
            })
        };
        match field.ty {
            // A choice of another type can never be chosen.
            Type::String => Some(Choices::Strings(texts().collect::<Vec<_>>().leak())),
            Type::Integer | Type::Number => {
                if list.iter().any(|item| matches!(item, Data::Float(_))) {
                    self.fault(path, "the choices of a number are integers");
                    return None;
                }
                Some(Choices::Integers(integers().collect::<Vec<_>>().leak()))
            }
            _ if texts().count() > 0 || list.is_empty() => {
                Some(Choices::Strings(texts().collect::<Vec<_>>().leak()))
            }
            _ => Some(Choices::Integers(integers().collect::<Vec<_>>().leak())),
        }
    }

    /// The smallest and the largest value.
    pub(super) fn between(&self, limits: &[Data], path: &str) -> Option<(f64, f64)> {
        let number = |data: &Data| match data {
            Data::Int(number) => Some(*number as f64),
            Data::Float(number) => Some(*number),
            _ => None,
        };
        match limits {
            [min, max] => match (number(min), number(max)) {
                (Some(min), Some(max)) => Some((min, max)),
                _ => {
                    self.fault(path, sentence::NUMBER);
                    None
                }
            },
            _ => {
                self.fault(path, "length must be 2");
                None
            }
        }
    }
}
