//! A field: its type, its attributes and the rules that a single value must keep.
//!
//! Fields are built by chaining on a type (`INTEGER.between(0, 65_535).default(Int(80))`), in `const` context, so
//! that a declaration costs nothing at run time. Rules between fields are checks (`check.rs`); whether a field
//! makes sense at all is the metaschema's business (`metaschema.rs`). Nothing here looks at input.

use serde_json::Value;

use super::check::Check;
use super::entity::{Edition, Entity};
use super::expression::Flavor;
use super::literal::{Choices, Literal};
use super::shorthand::{Deprecation, Shorthand};

/// A named field, as it stands in a declaration.
pub type Named = (&'static str, Field);

/// A rule of one field that no word of the language expresses: gets the value, says what is wrong with it.
#[derive(Clone, Copy)]
pub enum Validator {
    /// Looks at a string.
    Text(&'static (dyn Fn(&str) -> Result<(), String> + Send + Sync)),
    /// Looks at a value of any type.
    Any(&'static (dyn Fn(&Value) -> Result<(), String> + Send + Sync)),
}

/// Brings a text into its normal form (a target's address), or says why it has none.
pub type Normalizer = &'static (dyn Fn(&str) -> Result<String, String> + Send + Sync);

/// Writes a text as it stood in declarative configurations before format 3.0 the way it is written now.
pub type Upgrade = &'static (dyn Fn(&str) -> String + Send + Sync);

/// What a value is made of.
#[derive(Clone, Copy)]
pub enum Type {
    String,
    Integer,
    Number,
    Boolean,
    /// A list; its elements are all of one kind.
    Array(&'static Field),
    /// A list without doubles.
    Set(&'static Field),
    /// An object with free keys: the kind of its keys and of its values.
    Map(&'static Field, &'static Field),
    /// An object with known fields.
    Record(&'static [Named]),
    /// A reference to another entity by its primary key.
    Foreign(&'static Entity),
    /// Any JSON value that keeps the rules of a JSON Schema.
    Json(&'static JsonSchema),
    /// Only in the two halves of a conditional check: the type of the field that is looked at.
    Same,
    /// Only there, too: a list whose elements keep these rules.
    Elements(&'static Field),
}

/// Where the JSON Schema of a [`Type::Json`] field is found (proxy-wasm filters).
#[derive(Clone, Copy)]
pub struct JsonSchema {
    pub namespace: &'static str,
    pub parent_subschema_key: &'static str,
    pub optional: bool,
    pub default: Literal,
}

/// What happens to a row when the row it refers to is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// The deletion is refused. This is also what an undeclared `on_delete` means.
    Restrict,
    /// The row is deleted, too.
    Cascade,
    /// The reference becomes null.
    Null,
}

impl OnDelete {
    /// The word of the declaration.
    pub const fn name(self) -> &'static str {
        match self {
            OnDelete::Restrict => "restrict",
            OnDelete::Cascade => "cascade",
            OnDelete::Null => "null",
        }
    }
}

/// A pattern (in Lua's notation) and what to say about a value that fails it.
pub type Pattern = (&'static str, &'static str);

/// The declaration of a field. `None` and `false` mean "not declared"; `Some(false)` is shown in `/schemas`.
#[derive(Clone, Copy)]
pub struct Field {
    pub ty: Type,
    pub required: Option<bool>,
    pub unique: Option<bool>,
    pub default: Option<Literal>,
    pub default_secret: bool,
    pub auto: bool,
    pub unique_across_ws: bool,
    pub immutable: bool,
    pub referenceable: bool,
    pub encrypted: bool,
    pub transient: bool,
    pub is_abstract: bool,
    pub on_delete: Option<OnDelete>,
    pub description: Option<&'static str>,
    pub examples: &'static [Literal],
    /// Values that the field's own rule accepts, where nothing else in the declaration leads to one.
    pub samples: &'static [Literal],
    /// Texts that the field's own rule refuses, where nothing about them looks odd.
    pub counterexamples: &'static [&'static str],
    pub deprecation: Option<&'static Deprecation>,
    pub edition: Edition,
    /// The router flavours under which the field exists; none named: under any.
    pub flavors: &'static [Flavor],
    /// What the field is under another router flavour.
    pub under: Option<(Flavor, &'static Field)>,
    pub err: Option<&'static str>,

    pub between: Option<(f64, f64)>,
    pub gt: Option<i64>,
    pub eq: Option<Literal>,
    pub ne: Option<Literal>,
    pub one_of: Option<Choices>,
    pub enterprise_choices: &'static [&'static str],
    pub database_choices: &'static [&'static str],
    pub not_one_of: Option<Choices>,
    pub len_eq: Option<usize>,
    pub len_min: Option<usize>,
    pub len_max: Option<usize>,
    pub starts_with: Option<&'static str>,
    pub matches: Option<&'static str>,
    pub not_match: Option<&'static str>,
    pub match_all: &'static [Pattern],
    pub match_none: &'static [Pattern],
    pub match_any: Option<(&'static [&'static str], &'static str)>,
    pub contains: Option<Literal>,
    pub is_regex: bool,
    pub uuid: bool,
    pub timestamp: bool,
    pub mutually_exclusive_subsets: &'static [&'static [&'static str]],
    pub validator: Option<Validator>,
    /// String only: the regular expression of ECMA-262 that says what the rule in Rust says.
    pub pattern: Option<&'static str>,
    /// String only: the name of the form that the rule in Rust asks for, where no expression says it.
    pub format: Option<&'static str>,

    /// Record only: rules between its fields.
    pub checks: &'static [Check],
    /// Record only: input that is written as other fields.
    pub shorthands: &'static [Shorthand],
    /// String only: the form in which the value is stored and looked up.
    pub normalizer: Option<Normalizer>,
    /// String only: how a text of an older declarative configuration is written now.
    pub upgrade: Option<Upgrade>,
    /// Transient array only: it lists this field of the rows of that entity which refer to the row.
    pub lists: Option<(&'static str, &'static str)>,
    /// Reference only: the row referred to has no endpoint below the row that refers to it.
    pub without_endpoint: bool,
    /// Reference only: the row uses the row referred to, and is not written below it where configurations nest.
    pub written_apart: bool,
    /// UUID elements of an array only: rows of that entity, which cannot be deleted while they are named here.
    pub names: Option<&'static str>,
}

impl Field {
    /// A field of that type with no attribute and no rule.
    pub const fn new(ty: Type) -> Field {
        Field {
            ty,
            required: None,
            unique: None,
            default: None,
            default_secret: false,
            auto: false,
            unique_across_ws: false,
            immutable: false,
            referenceable: false,
            encrypted: false,
            transient: false,
            is_abstract: false,
            on_delete: None,
            description: None,
            examples: &[],
            samples: &[],
            counterexamples: &[],
            deprecation: None,
            edition: Edition::Community,
            flavors: &[],
            under: None,
            err: None,
            between: None,
            gt: None,
            eq: None,
            ne: None,
            one_of: None,
            enterprise_choices: &[],
            database_choices: &[],
            not_one_of: None,
            len_eq: None,
            len_min: None,
            len_max: None,
            starts_with: None,
            matches: None,
            not_match: None,
            match_all: &[],
            match_none: &[],
            match_any: None,
            contains: None,
            is_regex: false,
            uuid: false,
            timestamp: false,
            mutually_exclusive_subsets: &[],
            validator: None,
            pattern: None,
            format: None,
            checks: &[],
            shorthands: &[],
            normalizer: None,
            upgrade: None,
            lists: None,
            without_endpoint: false,
            written_apart: false,
            names: None,
        }
    }
}

/// Writes the builder methods: `name(argument: type) sets attribute to value;`, one line each.
macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident ( $($arg:ident : $ty:ty),* ) $attribute:ident = $value:expr;)*) => {
        impl Field {
            $($(#[$doc])* #[must_use] pub const fn $name(mut self $(, $arg: $ty)*) -> Field {
                self.$attribute = $value;
                self
            })*
        }
    };
}

#[rustfmt::skip]
attributes! {
    /// A value must be given, or come from the default.
    required() required = Some(true);
    /// Declared as not required, which `/schemas` shows.
    optional() required = Some(false);
    /// No two rows share a value.
    unique() unique = Some(true);
    /// Declared as not unique, which `/schemas` shows.
    not_unique() unique = Some(false);
    /// The value of a field that is not given.
    default(value: Literal) default = Some(value);
    /// The value of a field that is not given is a secret that the node makes up once (`Profile::secret`).
    default_secret() default_secret = true;
    /// The node fills the field in: ids, stamps, random secrets.
    auto() auto = true;
    /// Unique over all workspaces, not only within one.
    unique_across_ws() unique_across_ws = true;
    /// Cannot be changed once written.
    immutable() immutable = true;
    /// A reference such as `{vault://env/secret}` may stand for the value.
    referenceable() referenceable = true;
    /// Encrypted at rest where a key is set.
    encrypted() encrypted = true;
    /// Not stored.
    transient() transient = true;
    /// Its content is declared by the subschema.
    is_abstract() is_abstract = true;
    /// What happens when the row referred to is deleted.
    on_delete(action: OnDelete) on_delete = Some(action);
    /// What the field is for, in the words that users read.
    doc(text: &'static str) description = Some(text);
    /// Values that are valid, for documentation.
    examples(values: &'static [Literal]) examples = values;
    /// Valid values that tests are made of; unlike examples, they are shown to nobody. The samples of fields that
    /// belong together stand in the same order.
    samples(values: &'static [Literal]) samples = values;
    /// Texts that break the field's own rule, for tests, too.
    counterexamples(texts: &'static [&'static str]) counterexamples = texts;
    /// The field is on its way out.
    deprecated(by: &'static Deprecation) deprecation = Some(by);
    /// The field exists in that edition only.
    edition(edition: Edition) edition = edition;
    /// The field exists under these router flavours only.
    flavors(list: &'static [Flavor]) flavors = list;
    /// Under that router flavour the field is another one, of the same type.
    under(flavor: Flavor, field: &'static Field) under = Some((flavor, field));
    /// What to say instead of a rule's own sentence.
    err(text: &'static str) err = Some(text);
    /// Smallest and largest value.
    between(min: i64, max: i64) between = Some((min as f64, max as f64));
    /// Smallest and largest value, where one of them is no integer.
    between_fractions(min: f64, max: f64) between = Some((min, max));
    /// The value is greater than this.
    gt(limit: i64) gt = Some(limit);
    /// The value is this one.
    eq(value: Literal) eq = Some(value);
    /// The value is not this one.
    ne(value: Literal) ne = Some(value);
    /// The value is one of these texts.
    one_of(list: &'static [&'static str]) one_of = Some(Choices::Strings(list));
    /// The value is one of these integers.
    one_of_integers(list: &'static [i64]) one_of = Some(Choices::Integers(list));
    /// Further choices of the Enterprise edition.
    enterprise_choices(list: &'static [&'static str]) enterprise_choices = list;
    /// Those of the choices that exist only where a node has a database.
    database_choices(list: &'static [&'static str]) database_choices = list;
    /// The value is none of these texts.
    not_one_of(list: &'static [&'static str]) not_one_of = Some(Choices::Strings(list));
    /// Exact length: bytes of a text, elements of a list, entries of a map.
    len_eq(length: usize) len_eq = Some(length);
    /// Smallest length. A string is not empty unless it declares 0.
    len_min(length: usize) len_min = Some(length);
    /// Largest length.
    len_max(length: usize) len_max = Some(length);
    /// How the text begins.
    starts_with(text: &'static str) starts_with = Some(text);
    /// A Lua pattern that the text matches.
    matches(pattern: &'static str) matches = Some(pattern);
    /// A Lua pattern that the text does not match.
    not_match(pattern: &'static str) not_match = Some(pattern);
    /// Lua patterns that the text matches, each with its message.
    match_all(patterns: &'static [Pattern]) match_all = patterns;
    /// Lua patterns that the text does not match, each with its message.
    match_none(patterns: &'static [Pattern]) match_none = patterns;
    /// Lua patterns of which the text matches one, with one message.
    match_any(patterns: &'static [&'static str], err: &'static str) match_any = Some((patterns, err));
    /// A value that the list holds.
    contains(value: Literal) contains = Some(value);
    /// The text is a regular expression.
    is_regex() is_regex = true;
    /// The text is a UUID.
    uuid() uuid = true;
    /// The number is a point in time (greater than 0).
    timestamp() timestamp = true;
    /// Values of at most one of these sets stand together.
    mutually_exclusive_subsets(sets: &'static [&'static [&'static str]]) mutually_exclusive_subsets = sets;
    /// A rule of a string in Rust.
    text_validator(rule: &'static (dyn Fn(&str) -> Result<(), String> + Send + Sync)) validator = Some(Validator::Text(rule));
    /// A rule of a value in Rust.
    validator(rule: &'static (dyn Fn(&Value) -> Result<(), String> + Send + Sync)) validator = Some(Validator::Any(rule));
    /// The rule in Rust as a regular expression of ECMA-262, for documents.
    pattern(text: &'static str) pattern = Some(text);
    /// What the form that the rule in Rust asks for is called in documents.
    format(name: &'static str) format = Some(name);
    /// Rules between the fields of a record.
    checks(checks: &'static [Check]) checks = checks;
    /// Shorthands of a record.
    shorthands(shorthands: &'static [Shorthand]) shorthands = shorthands;
    /// The form in which the text is stored.
    normalizer(rule: Normalizer) normalizer = Some(rule);
    /// How a text of a declarative configuration before format 3.0 is written now.
    upgrade(rule: Upgrade) upgrade = Some(rule);
    /// Lists field `field` of the rows of `entity` that refer to this row; writing it creates and deletes such rows.
    lists(entity: &'static str, field: &'static str) lists = Some((entity, field));
    /// The row referred to is not served below this one (`/snis/{snis}/certificate`).
    without_endpoint() without_endpoint = true;
    /// The row uses the row referred to; a configuration does not list it below that (`client_certificate`).
    written_apart() written_apart = true;
    /// The elements are ids of that entity's rows.
    names(entity: &'static str) names = Some(entity);
}

impl Field {
    /// Whether a value must be present.
    pub const fn is_required(&self) -> bool {
        matches!(self.required, Some(true))
    }

    /// Whether no two rows share a value.
    pub const fn is_unique(&self) -> bool {
        matches!(self.unique, Some(true))
    }

    /// Whether the field holds a reference to another entity.
    pub const fn foreign(&self) -> Option<&'static Entity> {
        match self.ty {
            Type::Foreign(entity) => Some(entity),
            _ => None,
        }
    }

    /// The kind of a list's elements.
    pub const fn elements(&self) -> Option<&'static Field> {
        match self.ty {
            Type::Array(elements) | Type::Set(elements) | Type::Elements(elements) => Some(elements),
            _ => None,
        }
    }

    /// The fields of a record; empty for any other type.
    pub const fn fields(&self) -> &'static [Named] {
        match self.ty {
            Type::Record(fields) => fields,
            _ => &[],
        }
    }

    /// Whether a column of a table holds the field.
    pub const fn is_stored(&self) -> bool {
        !self.transient
    }

    /// The name of the type, as `/schemas` and Kong's declarations write it.
    pub const fn type_name(&self) -> &'static str {
        match self.ty {
            Type::String => "string",
            Type::Integer => "integer",
            Type::Number => "number",
            Type::Boolean => "boolean",
            Type::Array(_) => "array",
            Type::Set(_) => "set",
            Type::Map(..) => "map",
            Type::Record(_) => "record",
            Type::Foreign(_) => "foreign",
            Type::Json(_) => "json",
            Type::Same | Type::Elements(_) => "any",
        }
    }

    /// This field with the attributes and rules that `other` declares put over its own; a conditional check's half
    /// is read against the field it looks at in this way.
    #[must_use]
    pub const fn overlaid(mut self, other: &Field) -> Field {
        self.ty = match (self.ty, other.ty) {
            (_, Type::Same) => self.ty,
            (Type::Set(_), Type::Elements(elements)) => Type::Set(elements),
            (_, Type::Elements(elements)) => Type::Array(elements),
            (_, other) => other,
        };
        macro_rules! overlay {
            ($($attribute:ident)*) => { $(if other.$attribute.is_some() { self.$attribute = other.$attribute; })* };
        }
        overlay!(required between gt eq ne one_of not_one_of len_eq len_min len_max starts_with matches not_match
            match_any contains validator pattern format err);
        if !other.match_all.is_empty() {
            self.match_all = other.match_all;
        }
        if !other.match_none.is_empty() {
            self.match_none = other.match_none;
        }
        self.is_regex |= other.is_regex;
        self
    }
}

/// A text. Not empty, unless `len_min(0)` says so.
pub const STRING: Field = Field::new(Type::String);
/// A whole number.
pub const INTEGER: Field = Field::new(Type::Integer);
/// A number.
pub const NUMBER: Field = Field::new(Type::Number);
/// True or false.
pub const BOOLEAN: Field = Field::new(Type::Boolean);
/// The field that a conditional check looks at; rules are chained on it.
pub const SAME: Field = Field::new(Type::Same);

/// A list.
pub const fn array(elements: &'static Field) -> Field {
    Field::new(Type::Array(elements))
}

/// A list without doubles.
pub const fn set(elements: &'static Field) -> Field {
    Field::new(Type::Set(elements))
}

/// An object with free keys.
pub const fn map(keys: &'static Field, values: &'static Field) -> Field {
    Field::new(Type::Map(keys, values))
}

/// An object with known fields.
pub const fn record(fields: &'static [Named]) -> Field {
    Field::new(Type::Record(fields))
}

/// A reference to a row of `entity`.
pub const fn foreign(entity: &'static Entity) -> Field {
    Field::new(Type::Foreign(entity))
}

/// A JSON value under a JSON Schema.
pub const fn json(schema: &'static JsonSchema) -> Field {
    Field::new(Type::Json(schema))
}

/// In a conditional check: a list whose elements keep these rules.
pub const fn elements(rules: &'static Field) -> Field {
    Field::new(Type::Elements(rules))
}
