//! A table of a declaration, read attribute by attribute: each reader notes what is wrong and goes on without it.

use std::cell::RefCell;

use entities::schema::{Entity, Names, sentence};

use super::{Data, Function, Refused};

/// One conversion: what is known, and what was found to be wrong.
pub(super) struct Converter<'a> {
    pub(super) known: &'a [&'static Entity],
    faults: RefCell<Vec<(String, String)>>,
}

/// A value that lives as long as the process.
pub(super) fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

impl<'a> Converter<'a> {
    pub(super) fn new(known: &'a [&'static Entity]) -> Converter<'a> {
        Converter { known, faults: RefCell::default() }
    }

    /// Notes a fault at a path.
    pub(super) fn fault(&self, path: &str, sentence: impl Into<String>) {
        self.faults.borrow_mut().push((path.to_owned(), sentence.into()));
    }

    /// All faults in the order of their paths; one path is told of once.
    pub(super) fn finish(&self) -> Result<(), Refused> {
        let mut faults = self.faults.take();
        faults.sort();
        faults.dedup_by(|a, b| a.0 == b.0);
        if faults.is_empty() { Ok(()) } else { Err(Refused { faults }) }
    }
}

/// `a` below `path`.
pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A table and the path at which it stands.
pub(super) struct Table<'a> {
    converter: &'a Converter<'a>,
    entries: &'a [(String, Data)],
    pub(super) path: String,
}

impl<'a> Table<'a> {
    /// The data as a table, if it is one.
    pub(super) fn of(converter: &'a Converter<'a>, data: &'a Data, path: &str) -> Option<Table<'a>> {
        match data {
            Data::Table(entries) => Some(Table { converter, entries, path: path.to_owned() }),
            Data::List(items) if items.is_empty() => {
                Some(Table { converter, entries: &[], path: path.to_owned() })
            }
            _ => None,
        }
    }

    /// The value of an attribute; null is no value.
    pub(super) fn get(&self, name: &str) -> Option<&'a Data> {
        self.given(name).filter(|value| **value != Data::Null)
    }

    /// The value of an attribute, which may be null.
    pub(super) fn given(&self, name: &str) -> Option<&'a Data> {
        self.entries.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The names of the table.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// The path of an attribute.
    pub(super) fn path_of(&self, name: &str) -> String {
        below(&self.path, name)
    }

    /// Notes a fault of an attribute.
    pub(super) fn fault(&self, name: &str, sentence: impl Into<String>) {
        self.converter.fault(&self.path_of(name), sentence);
    }

    /// Notes every attribute that is not among `known`.
    pub(super) fn only(&self, known: &[&str]) {
        for (name, value) in self.entries {
            // A place in a list where names are wanted is as unknown as any other name.
            if *value != Data::Null && !known.contains(&name.as_str()) {
                self.fault(name, sentence::UNKNOWN);
            }
        }
    }

    fn read<T>(&self, name: &str, what: &str, read: impl FnOnce(&'a Data) -> Option<T>) -> Option<T> {
        let read = read(self.get(name)?);
        if read.is_none() {
            self.fault(name, what);
        }
        read
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&'static str> {
        self.read(name, sentence::STRING, |data| match data {
            Data::Text(text) => Some(&*text.clone().leak()),
            _ => None,
        })
    }

    /// True or false.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.read(name, sentence::BOOLEAN, |data| match data {
            Data::Bool(flag) => Some(*flag),
            _ => None,
        })
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.read(name, sentence::INTEGER, |data| match data {
            Data::Int(number) => Some(*number),
            _ => None,
        })
    }

    /// A length, which is not negative.
    pub(super) fn length(&self, name: &str) -> Option<usize> {
        let length = self.integer(name)?;
        let fits = usize::try_from(length).ok();
        if fits.is_none() {
            self.fault(name, "a length is not negative");
        }
        fits
    }

    /// A function.
    pub(super) fn function(&self, name: &str) -> Option<Function> {
        self.read(name, "expected a function", |data| match data {
            Data::Function(function) => Some(*function),
            _ => None,
        })
    }

    /// A list.
    pub(super) fn list(&self, name: &str) -> Option<&'a [Data]> {
        self.read(name, sentence::ARRAY, list_of)
    }

    /// A list of texts.
    pub(super) fn names(&self, name: &str) -> Option<Names> {
        let list = self.list(name)?;
        let mut names: Vec<&'static str> = Vec::with_capacity(list.len());
        for (i, item) in list.iter().enumerate() {
            match item {
                Data::Text(text) => names.push(text.clone().leak()),
                _ => {
                    self.converter.fault(&below(&self.path_of(name), &(i + 1).to_string()), sentence::STRING)
                }
            }
        }
        Some(names.leak())
    }

    /// A table.
    pub(super) fn table(&self, name: &str) -> Option<Table<'a>> {
        self.read(name, sentence::RECORD, |data| Table::of(self.converter, data, &self.path_of(name)))
    }

    /// A list of tables, each with the path of its place.
    pub(super) fn tables(&self, name: &str) -> Vec<Table<'a>> {
        let mut tables = Vec::new();
        for (i, item) in self.list(name).unwrap_or_default().iter().enumerate() {
            let path = below(&self.path_of(name), &(i + 1).to_string());
            match Table::of(self.converter, item, &path) {
                Some(table) => tables.push(table),
                None => self.converter.fault(&path, sentence::RECORD),
            }
        }
        tables
    }

    /// A list of tables that hold one name each, as `{{a = …}, {b = …}}`: the name, its value, and its path.
    pub(super) fn pairs(&self, name: &str) -> Vec<(&'a str, &'a Data, String)> {
        let mut pairs = Vec::new();
        for (i, item) in self.list(name).unwrap_or_default().iter().enumerate() {
            let place = below(&self.path_of(name), &(i + 1).to_string());
            match item {
                Data::Table(entries) => match entries.as_slice() {
                    [(own, value)] => pairs.push((own.as_str(), value, below(&self.path_of(name), own))),
                    _ => self.converter.fault(&place, "length must be 1"),
                },
                _ => self.converter.fault(&place, sentence::MAP),
            }
        }
        pairs
    }
}

/// The items of a list; an empty table is an empty list.
pub(super) fn list_of(data: &Data) -> Option<&[Data]> {
    match data {
        Data::List(items) => Some(items),
        Data::Table(entries) if entries.is_empty() => Some(&[]),
        _ => None,
    }
}
