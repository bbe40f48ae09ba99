//! The metaschema: the rules that every declaration keeps.
//!
//! One `const fn` serves twice: while the program compiles, where a fault is a compile error, and at run time, where
//! it is a value that names the path of the fault. It looks at declarations only, never at rows.

#![expect(
    clippy::indexing_slicing,
    reason = "a const fn has no iterators; each index is bounded by its loop"
)]

use std::fmt;

use super::check::{Check, Names};
use super::entity::{Entity, Subschema};
use super::field::{Field, Named, Type};
use super::literal::{Choices, Literal};
use super::pattern;
use super::shorthand::Shorthand;

/// Where a declaration breaks which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    path: [&'static str; DEPTH],
    /// The rule that is broken.
    pub rule: &'static str,
}

/// How many names of a fault's path are kept.
const DEPTH: usize = 8;

impl Fault {
    const fn new(rule: &'static str) -> Fault {
        Fault { path: [""; DEPTH], rule }
    }

    /// The same fault, seen from one level further out.
    const fn below(mut self, name: &'static str) -> Fault {
        let mut i = DEPTH - 1;
        while i > 0 {
            self.path[i] = self.path[i - 1];
            i -= 1;
        }
        self.path[0] = name;
        self
    }

    /// The path of the fault: `plugins.config.redis.port`.
    pub fn path(&self) -> String {
        self.path.iter().filter(|name| !name.is_empty()).copied().collect::<Vec<_>>().join(".")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path(), self.rule)
    }
}

impl std::error::Error for Fault {}

/// Gives up with a fault, one level further out.
macro_rules! pass_on {
    ($fault:expr, $name:expr) => {
        if let Some(fault) = $fault {
            return Some(fault.below($name));
        }
    };
}

/// States a rule: gives up with it unless the condition holds.
macro_rules! rule {
    ($condition:expr, $rule:literal) => {{
        let holds: bool = $condition;
        if !holds {
            return Some(Fault::new($rule));
        }
    }};
}

/// The first rule that an entity breaks.
pub const fn fault(entity: &Entity) -> Option<Fault> {
    match entity_fault(entity) {
        Some(fault) => Some(fault.below(entity.name)),
        None => None,
    }
}

const fn entity_fault(entity: &Entity) -> Option<Fault> {
    rule!(is_identifier(entity.name), "an entity's name is made of a-z, 0-9 and _");
    rule!(!entity.fields.is_empty(), "an entity has fields");
    rule!(!entity.primary_key.is_empty(), "an entity has a primary key");
    let mut i = 0;
    while i < entity.primary_key.len() {
        rule!(
            find(entity.fields, entity.primary_key[i]).is_some(),
            "the primary key names a field that is not declared"
        );
        i += 1;
    }
    let mut i = 0;
    while i < entity.fields.len() {
        let (name, field) = &entity.fields[i];
        let is_key = contains(entity.primary_key, name) || contains(entity.cache_key, name);
        let may_vary = !is_key && !field.is_unique() && field.foreign().is_none();
        rule!(may_vary || field.flavors.is_empty(), "keys and references exist under every router flavour");
        i += 1;
    }
    if let Some(key) = entity.endpoint_key {
        match find(entity.fields, key) {
            None => return Some(Fault::new("the endpoint key names a field that is not declared")),
            Some(field) => {
                rule!(
                    field.is_unique() || contains(entity.cache_key, key) || contains(entity.primary_key, key),
                    "the endpoint key is unique, alone or within the cache key or the primary key"
                );
                rule!(matches!(field.ty, Type::String), "the endpoint key is a string");
            }
        }
    }
    if let Some(key) = entity.key_below {
        rule!(
            entity.endpoint_key.is_none(),
            "an entity with an endpoint key is named by it below its parent, too"
        );
        rule!(
            contains(entity.cache_key, key),
            "the field that names a row below its parent is in the cache key"
        );
    }
    let mut i = 0;
    while i < entity.cache_key.len() {
        rule!(
            find(entity.fields, entity.cache_key[i]).is_some(),
            "the cache key names a field that is not declared"
        );
        i += 1;
    }
    let mut i = 0;
    while i < entity.lookups.len() {
        match find(entity.fields, entity.lookups[i]) {
            Some(field) => rule!(field.is_unique(), "a collection is asked for by unique fields"),
            None => return Some(Fault::new("a lookup names a field that is not declared")),
        }
        i += 1;
    }
    rule!(
        entity.subschemas.is_empty() || entity.subschema_key.is_some(),
        "an entity with subschemas names the field that chooses one"
    );
    if let Some(key) = entity.subschema_key {
        match find(entity.fields, key) {
            Some(field) => rule!(
                matches!(field.ty, Type::String | Type::Set(_)),
                "the subschema key is a string or a set of strings"
            ),
            None => return Some(Fault::new("the subschema key names a field that is not declared")),
        }
    }
    pass_on!(fields_fault(entity.fields), "fields");
    pass_on!(shorthands_fault(entity.shorthands, entity.fields), "shorthand_fields");
    pass_on!(checks_fault(entity.checks, entity.fields, &[]), "entity_checks");
    let mut i = 0;
    while i < entity.transformations.len() {
        let transformation = &entity.transformations[i];
        let input_is_declared = declared(transformation.input, entity.fields, &[]);
        let is_declared = input_is_declared && declared(transformation.needs, entity.fields, &[]);
        rule!(is_declared, "a transformation names a field that is not declared");
        i += 1;
    }
    let mut i = 0;
    while i < entity.subschemas.len() {
        pass_on!(subschema_fault(entity.subschemas[i].1, entity.fields), entity.subschemas[i].0);
        i += 1;
    }
    None
}

/// The first rule that a subschema of an entity with `fields` breaks.
pub const fn subschema_fault(subschema: &Subschema, fields: &'static [Named]) -> Option<Fault> {
    pass_on!(fields_fault(subschema.fields), "fields");
    let mut i = 0;
    while i < subschema.fields.len() {
        let (name, field) = &subschema.fields[i];
        match find(fields, name) {
            None => return Some(Fault::new("a subschema cannot create a new field").below(name)),
            Some(parent) => {
                if !compatible(parent, field) {
                    return Some(Fault::new("a subschema cannot change the type of a field").below(name));
                }
            }
        }
        i += 1;
    }
    checks_fault(subschema.checks, subschema.fields, fields)
}

const fn compatible(parent: &Field, own: &Field) -> bool {
    match (&parent.ty, &own.ty) {
        (Type::Array(a), Type::Array(b)) | (Type::Set(a), Type::Set(b)) => compatible(a, b),
        (Type::Map(a, b), Type::Map(c, d)) => compatible(a, c) && compatible(b, d),
        (Type::Record(_), Type::Json(_)) => true,
        _ => str_eq(parent.type_name(), own.type_name()),
    }
}

const fn fields_fault(fields: &'static [Named]) -> Option<Fault> {
    let mut i = 0;
    while i < fields.len() {
        let (name, field) = &fields[i];
        if name.is_empty() {
            return Some(Fault::new("a field has a name"));
        }
        let mut j = 0;
        while j < i {
            if str_eq(fields[j].0, name) {
                return Some(Fault::new("two fields have the same name").below(name));
            }
            j += 1;
        }
        if matches!(field.ty, Type::Record(_)) && field.required.is_none() && !field.is_abstract {
            return Some(Fault::new("a record that is a field says whether it is required").below(name));
        }
        pass_on!(field_fault(field), name);
        i += 1;
    }
    None
}

const fn field_fault(field: &Field) -> Option<Fault> {
    rule!(
        !matches!(field.ty, Type::Same | Type::Elements(_)),
        "a field has a type; the field that a check looks at has none"
    );
    match field.ty {
        Type::Array(elements) | Type::Set(elements) => pass_on!(field_fault(elements), "elements"),
        Type::Map(keys, values) => {
            rule!(matches!(keys.ty, Type::String), "the keys of a map are strings");
            pass_on!(field_fault(keys), "keys");
            pass_on!(field_fault(values), "values");
        }
        Type::Record(fields) => {
            rule!(!field.is_abstract || fields.is_empty(), "an abstract record has no fields");
            pass_on!(fields_fault(fields), "fields");
            pass_on!(checks_fault(field.checks, fields, &[]), "entity_checks");
            pass_on!(shorthands_fault(field.shorthands, fields), "shorthand_fields");
        }
        _ => rule!(
            field.checks.is_empty() && field.shorthands.is_empty(),
            "only records have checks and shorthands"
        ),
    }
    if let Some((_, other)) = field.under {
        let one_form = compatible(field, other) && other.under.is_none();
        rule!(one_form, "a field has one type under every router flavour, and one form under each");
        pass_on!(field_fault(other), "under");
    }
    rules_fault(field)
}

/// The rules of a value fit its type, and the default keeps them.
const fn rules_fault(field: &Field) -> Option<Fault> {
    let number = matches!(field.ty, Type::Integer | Type::Number);
    let text = matches!(field.ty, Type::String);
    let list = matches!(field.ty, Type::Array(_) | Type::Set(_));
    let map = matches!(field.ty, Type::Map(..));
    rule!(number || (field.between.is_none() && field.gt.is_none()), "between and gt are for numbers");
    rule!(number || !field.timestamp, "a timestamp is a number");
    rule!(
        text || (field.starts_with.is_none()
            && field.matches.is_none()
            && field.not_match.is_none()
            && field.match_all.is_empty()
            && field.match_none.is_empty()
            && field.match_any.is_none()),
        "patterns are for strings"
    );
    rule!(
        text || (!field.is_regex && !field.uuid && field.normalizer.is_none() && !field.referenceable),
        "is_regex, uuid, normalizer and referenceable are for strings"
    );
    rule!(
        field.counterexamples.is_empty() || (text && field.validator.is_some()),
        "counterexamples are for strings with a rule of their own"
    );
    rule!(
        text || list || map || (field.len_eq.is_none() && field.len_min.is_none() && field.len_max.is_none()),
        "lengths are for strings, lists and maps"
    );
    rule!(list || field.contains.is_none(), "contains is for lists");
    rule!(list || field.mutually_exclusive_subsets.is_empty(), "mutually exclusive subsets are for lists");
    rule!(field.lists.is_none() || (list && field.transient), "a listing of other rows is a transient list");
    rule!(field.on_delete.is_none() || field.foreign().is_some(), "on_delete is for references");
    rule!(
        field.auto as u8 <= (field.uuid || text || field.timestamp || number) as u8,
        "only ids, secrets and stamps are filled in by the node"
    );
    if let Some((min, max)) = field.between {
        rule!(min <= max, "between names the smaller value first");
    }
    if let (Some(min), Some(max)) = (field.len_min, field.len_max) {
        rule!(min <= max, "len_min is at most len_max");
    }
    match (field.one_of, &field.ty) {
        (Some(Choices::Integers(_)), Type::Integer | Type::Number)
        | (Some(Choices::Strings(_)), Type::String)
        | (None, _) => {}
        _ => return Some(Fault::new("the choices are of the field's type")),
    }
    rule!(
        !field.default_secret || (text && field.default.is_none()),
        "a default secret is for strings without another default"
    );
    pass_on!(choices_fault(field), "one_of");
    pass_on!(patterns_fault(field), "match");
    if let Some(default) = field.default {
        pass_on!(value_fault(field, &default), "default");
    }
    let mut i = 0;
    while i < field.examples.len() {
        pass_on!(value_fault(field, &field.examples[i]), "examples");
        i += 1;
    }
    let mut i = 0;
    while i < field.samples.len() {
        pass_on!(value_fault(field, &field.samples[i]), "samples");
        i += 1;
    }
    None
}

/// The choices that need a database are choices, and the default is none of them.
const fn choices_fault(field: &Field) -> Option<Fault> {
    let mut i = 0;
    while i < field.database_choices.len() {
        let choice = field.database_choices[i];
        match field.one_of {
            Some(Choices::Strings(list)) => {
                rule!(contains(list, choice), "a choice that needs a database is a choice")
            }
            _ => return Some(Fault::new("a choice that needs a database is a choice")),
        }
        if let Some(Literal::Str(default)) = field.default {
            rule!(!str_eq(default, choice), "the default is a choice of every node");
        }
        i += 1;
    }
    None
}

const fn patterns_fault(field: &Field) -> Option<Fault> {
    if let Some(pattern) = field.matches {
        rule!(pattern::is_well_formed(pattern), "a pattern is not well formed");
    }
    if let Some(pattern) = field.not_match {
        rule!(pattern::is_well_formed(pattern), "a pattern is not well formed");
    }
    let mut i = 0;
    while i < field.match_all.len() {
        rule!(pattern::is_well_formed(field.match_all[i].0), "a pattern is not well formed");
        i += 1;
    }
    let mut i = 0;
    while i < field.match_none.len() {
        rule!(pattern::is_well_formed(field.match_none[i].0), "a pattern is not well formed");
        i += 1;
    }
    if let Some((patterns, _)) = field.match_any {
        let mut i = 0;
        while i < patterns.len() {
            rule!(pattern::is_well_formed(patterns[i]), "a pattern is not well formed");
            i += 1;
        }
    }
    None
}

/// Whether a literal is a value of the field: its type, its range, its choices.
const fn value_fault(field: &Field, value: &Literal) -> Option<Fault> {
    match (value, &field.ty) {
        (Literal::Null, _) => {
            rule!(!field.is_required(), "null is no value of a required field");
        }
        (Literal::Bool(_), Type::Boolean) | (_, Type::Json(_)) => {}
        (Literal::Int(number), Type::Integer | Type::Number) => {
            if let Some((min, max)) = field.between {
                let number = *number as f64;
                rule!(min <= number && number <= max, "the value lies outside its range");
            }
            if let Some(limit) = field.gt {
                rule!(*number > limit, "the value lies outside its range");
            }
            if let Some(Choices::Integers(list)) = field.one_of {
                let (mut i, mut found) = (0, false);
                while i < list.len() {
                    found |= list[i] == *number;
                    i += 1;
                }
                rule!(found, "the value is not among the choices");
            }
        }
        (Literal::Float(number), Type::Number) => {
            if let Some((min, max)) = field.between {
                rule!(min <= *number && *number <= max, "the value lies outside its range");
            }
        }
        (Literal::Str(text), Type::String) => {
            if let Some(Choices::Strings(list)) = field.one_of {
                rule!(
                    contains(list, text) || contains(field.enterprise_choices, text),
                    "the value is not among the choices"
                );
            }
            let least = match field.len_min {
                Some(least) => least,
                None => 1,
            };
            rule!(text.len() >= least, "the value is too short");
        }
        (Literal::List(items), Type::Array(elements) | Type::Set(elements)) => {
            let mut i = 0;
            while i < items.len() {
                pass_on!(value_fault(elements, &items[i]), "elements");
                i += 1;
            }
        }
        (Literal::Map(entries), Type::Map(_, values)) => {
            let mut i = 0;
            while i < entries.len() {
                pass_on!(value_fault(values, &entries[i].1), entries[i].0);
                i += 1;
            }
        }
        (Literal::Map(entries), Type::Record(fields)) => {
            let mut i = 0;
            while i < entries.len() {
                match find(fields, entries[i].0) {
                    Some(field) => pass_on!(value_fault(field, &entries[i].1), entries[i].0),
                    None => {
                        return Some(
                            Fault::new("the value has a field that is not declared").below(entries[i].0),
                        );
                    }
                }
                i += 1;
            }
        }
        _ => return Some(Fault::new("the value is not of the field's type")),
    }
    None
}

const fn shorthands_fault(shorthands: &'static [Shorthand], fields: &'static [Named]) -> Option<Fault> {
    let mut i = 0;
    while i < shorthands.len() {
        if let Some(field) = find(fields, shorthands[i].name)
            && !str_eq(field.type_name(), shorthands[i].field.type_name())
        {
            return Some(
                Fault::new("a shorthand that has the name of a field has its type").below(shorthands[i].name),
            );
        }
        pass_on!(field_fault(&shorthands[i].field), shorthands[i].name);
        if let Some(deprecation) = shorthands[i].field.deprecation {
            let mut j = 0;
            while j < deprecation.replaced_with.len() {
                if !leads_to_field(deprecation.replaced_with[j], fields) {
                    return Some(
                        Fault::new("what takes the place of a shorthand is declared")
                            .below(shorthands[i].name),
                    );
                }
                j += 1;
            }
        }
        i += 1;
    }
    None
}

/// Whether a path, given by its names, leads to a declared field.
const fn leads_to_field(path: Names, fields: &'static [Named]) -> bool {
    let mut fields = fields;
    let mut i = 0;
    while i < path.len() {
        match find(fields, path[i]) {
            Some(field) => fields = field.fields(),
            None => return false,
        }
        i += 1;
    }
    !path.is_empty()
}

const fn checks_fault(
    checks: &'static [Check],
    fields: &'static [Named],
    more: &'static [Named],
) -> Option<Fault> {
    let mut i = 0;
    while i < checks.len() {
        let sources = checks[i].sources();
        let mut j = 0;
        while j < sources.len() {
            // A custom check may ask for fields that exist under some settings only (a route's `expression`).
            if !matches!(checks[i], Check::Custom { run_with_missing_fields: true, .. })
                && !declared(sources[j], fields, more)
            {
                return Some(
                    Fault::new("a check names a field that is not declared").below(checks[i].name()),
                );
            }
            j += 1;
        }
        i += 1;
    }
    None
}

const fn declared(names: Names, fields: &'static [Named], more: &'static [Named]) -> bool {
    let mut i = 0;
    while i < names.len() {
        if !path_declared(names[i], fields) && !path_declared(names[i], more) {
            return false;
        }
        i += 1;
    }
    true
}

/// Whether a path such as `config.redis.host` leads to a declared field.
const fn path_declared(path: &str, fields: &'static [Named]) -> bool {
    let bytes = path.as_bytes();
    let mut dot = 0;
    while dot < bytes.len() && bytes[dot] != b'.' {
        dot += 1;
    }
    let (head, rest) = path.split_at(dot);
    match find(fields, head) {
        None => false,
        Some(field) => {
            let below = match field.ty {
                Type::Foreign(entity) => entity.fields,
                _ => field.fields(),
            };
            rest.is_empty() || path_declared(rest.split_at(1).1, below)
        }
    }
}

/// The field of that name.
const fn find(fields: &'static [Named], name: &str) -> Option<&'static Field> {
    let mut i = 0;
    while i < fields.len() {
        if str_eq(fields[i].0, name) {
            return Some(&fields[i].1);
        }
        i += 1;
    }
    None
}

const fn contains(names: Names, name: &str) -> bool {
    let mut i = 0;
    while i < names.len() {
        if str_eq(names[i], name) {
            return true;
        }
        i += 1;
    }
    false
}

const fn is_identifier(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !matches!(bytes[i], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        i += 1;
    }
    !bytes.is_empty()
}

const fn str_eq(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
