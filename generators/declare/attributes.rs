//! Fields: a table of attributes becomes a [`Field`], under the rules of Kong's metaschema (`metaschema.lua`) on which
//! attributes a type needs and which it cannot have.

use entities::schema::{
    Deprecation, Field, JsonSchema, Literal, Named, OnDelete, Pattern, Shorthand, Type, sentence, shorthand,
};

use super::data::MADE_OF;
use super::functions;
use super::table::{Converter, Table, below, leak, list_of};
use super::{Data, typedef};

/// The attributes that a field may have, beside those of its rules.
const ATTRIBUTES: &[&str] = &[
    MADE_OF,
    "typedef",
    "type",
    "required",
    "reference",
    "description",
    "examples",
    "auto",
    "unique",
    "unique_across_ws",
    "on_delete",
    "default",
    "abstract",
    "generate_admin_api",
    "immutable",
    "err",
    "encrypted",
    "referenceable",
    "json_schema",
    "transient",
    "deprecation",
    "elements",
    "keys",
    "values",
    "fields",
    "entity_checks",
    "shorthand_fields",
];

/// The rules of one value.
const RULES: &[&str] = &[
    "between",
    "eq",
    "ne",
    "gt",
    "len_eq",
    "len_min",
    "len_max",
    "match",
    "not_match",
    "match_all",
    "match_none",
    "match_any",
    "starts_with",
    "one_of",
    "not_one_of",
    "contains",
    "is_regex",
    "timestamp",
    "uuid",
    "custom_validator",
    "mutually_exclusive_subsets",
];

/// What a shorthand may have on top.
const OF_SHORTHANDS: &[&str] = &["func", "translate_backwards"];

/// What a type must declare.
const NEEDED: &[(&str, &[&str])] = &[
    ("array", &["elements"]),
    ("set", &["elements"]),
    ("map", &["keys", "values"]),
    ("record", &["fields"]),
    ("json", &["json_schema"]),
];

/// The types that can have an attribute.
const FITTING: &[(&str, &[&str])] = &[
    ("between", &["integer", "number"]),
    ("len_eq", &["array", "set", "string", "map"]),
    ("match", &["string"]),
    ("one_of", &["string", "number", "integer"]),
    ("contains", &["array", "set"]),
    ("is_regex", &["string"]),
    ("timestamp", &["number", "integer"]),
    ("uuid", &["string"]),
    ("unique", &["string", "number", "integer", "foreign"]),
    ("unique_across_ws", &["string", "number", "integer", "foreign"]),
    ("abstract", &["string", "number", "integer", "record", "array", "set", "map"]),
    ("json_schema", &["json"]),
    ("transient", &["string", "number", "integer", "array", "set", "boolean"]),
];

/// The types, in the order in which a message lists them.
const TYPES: &[&str] =
    &["array", "boolean", "foreign", "integer", "json", "map", "number", "record", "set", "string"];

/// What a table of attributes stands for.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// A field; `required` is what a record is unless it says so itself.
    Field {
        required: bool,
    },
    /// The elements, keys or values of a field, which have no name of their own.
    Inside,
    Shorthand,
}

impl Converter<'_> {
    /// The fields that the attribute `name` lists. Records among them are required unless they say otherwise, as long
    /// as nothing but records is around them; so is their content always shown.
    pub(super) fn fields(&self, table: &Table, name: &str, required: bool) -> &'static [Named] {
        let pairs = table.pairs(name);
        let place = Place::Field { required };
        let fields: Vec<Named> = pairs
            .into_iter()
            .map(|(own, data, path)| (&*own.to_owned().leak(), self.field(data, &path, place)))
            .collect();
        fields.leak()
    }

    /// The fields of an entity that refer to nothing.
    pub(super) fn plain_fields(&self, table: &Table) -> Vec<Named> {
        let pairs = table.pairs("fields").into_iter();
        pairs
            .map(|(own, data, path)| (&*own.to_owned().leak(), self.field(data, &path, Place::Inside)))
            .collect()
    }

    fn field(&self, data: &Data, path: &str, place: Place) -> Field {
        let Some(table) = Table::of(self, data, path) else {
            let name = path.rsplit('.').next().unwrap_or(path);
            self.fault(path, format!("'{name}' must be a table"));
            return Field::new(Type::Same);
        };
        let Some(name) = table.text("typedef") else { return self.attributes(&table, place) };
        let Some(Data::Table(mut entries)) = typedef(name) else {
            table.fault("typedef", format!("schema typedef error: definition {name} does not exist"));
            return Field::new(Type::Same);
        };
        if let Data::Table(own) = data {
            for (name, value) in own.iter().filter(|(name, _)| name != "typedef") {
                match entries.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) => *known = value.clone(),
                    None => entries.push((name.clone(), value.clone())),
                }
            }
        }
        let merged = Data::Table(entries);
        Table::of(self, &merged, path).map_or(Field::new(Type::Same), |table| self.attributes(&table, place))
    }

    fn attributes(&self, table: &Table, place: Place) -> Field {
        let known: Vec<&str> = match place {
            Place::Shorthand => [ATTRIBUTES, RULES, OF_SHORTHANDS].concat(),
            _ => [ATTRIBUTES, RULES].concat(),
        };
        table.only(&known);
        let ty = self.type_of(table, place);
        let mut field = Field::new(ty);
        field.required = table.flag("required");
        if matches!(ty, Type::Record(_)) && field.required.is_none() {
            field.required = match place {
                Place::Field { required } => Some(required),
                Place::Inside | Place::Shorthand => None,
            };
        }
        field.description = table.text("description");
        match field.description.map(str::len) {
            Some(length) if length < 10 => table.fault("description", "length must be at least 10"),
            Some(length) if length > 500 && table.get(MADE_OF).is_none() => {
                table.fault("description", "length must be at most 500");
            }
            _ => {}
        }
        field.is_abstract = table.flag("abstract").unwrap_or(false);
        field.auto = table.flag("auto").unwrap_or(false);
        field.unique = table.flag("unique");
        field.unique_across_ws = table.flag("unique_across_ws").unwrap_or(false);
        if field.unique_across_ws && !field.is_unique() {
            table.fault("unique", sentence::REQUIRED);
        }
        field.immutable = table.flag("immutable").unwrap_or(false);
        field.encrypted = table.flag("encrypted").unwrap_or(false);
        field.transient = table.flag("transient").unwrap_or(false);
        // On any other type the attribute says nothing, there as here.
        field.referenceable = table.flag("referenceable").unwrap_or(false) && matches!(ty, Type::String);
        field.without_endpoint = table.flag("generate_admin_api") == Some(false);
        field.on_delete = table.text("on_delete").and_then(|word| {
            let action = [OnDelete::Restrict, OnDelete::Cascade, OnDelete::Null].into_iter();
            let action = action.clone().find(|action| action.name() == word);
            if action.is_none() {
                table.fault("on_delete", "expected one of: restrict, cascade, null");
            }
            action
        });
        field.deprecation = self.deprecation(table);
        field.examples = match table.list("examples") {
            Some(list) => {
                list.iter().filter_map(|item| self.literal(item, &ty, &table.path)).collect::<Vec<_>>().leak()
            }
            None => &[],
        };
        if matches!(ty, Type::Record(_)) {
            field.checks = self.checks(table, "entity_checks");
            field.shorthands = self.shorthands(table);
        }
        self.rules(table, &mut field);
        field.default =
            table.get("default").and_then(|data| self.literal(data, &ty, &table.path_of("default")));
        if let Some(Data::Text(name)) = table.get(MADE_OF)
            && let Some(shared) = entities::typedefs::typedef(name)
        {
            inherit(&mut field, shared);
        }
        field
    }

    fn type_of(&self, table: &Table, place: Place) -> Type {
        let Some(name) = table.text("type") else {
            if table.get("type").is_none() {
                table.fault("type", sentence::REQUIRED);
            }
            return Type::Same;
        };
        let is_abstract = table.flag("abstract") == Some(true);
        let lacks = |attribute: &str| table.get(attribute).is_none() && !(is_abstract && name == "record");
        for (ty, needed) in NEEDED {
            for attribute in needed.iter().filter(|attribute| *ty == name && lacks(attribute)) {
                self.fault(&table.path, format!("field of type '{name}' must declare '{attribute}'"));
            }
        }
        for (attribute, types) in FITTING {
            if !types.contains(&name) && table.get(attribute).is_some() {
                self.fault(
                    &table.path,
                    format!("field of type '{name}' cannot have attribute '{attribute}'"),
                );
            }
        }
        let inside = |attribute: &str| match table.get(attribute) {
            Some(data) => leak(self.field(data, &table.path_of(attribute), Place::Inside)),
            None => leak(Field::new(Type::Same)),
        };
        let required = matches!(place, Place::Field { required: true });
        match name {
            "string" => Type::String,
            "integer" => Type::Integer,
            "number" => Type::Number,
            "boolean" => Type::Boolean,
            "array" => Type::Array(inside("elements")),
            "set" => Type::Set(inside("elements")),
            "map" => Type::Map(inside("keys"), inside("values")),
            "record" if place == Place::Shorthand => {
                table.fault("type", format!("expected one of: {}", TYPES.join(", ")));
                Type::Same
            }
            "record" => Type::Record(self.fields(table, "fields", required)),
            "foreign" => self.foreign(table),
            "json" => self.json_schema(table),
            _ => {
                table.fault("type", format!("expected one of: {}", TYPES.join(", ")));
                Type::Same
            }
        }
    }

    fn foreign(&self, table: &Table) -> Type {
        let name = table.text("reference").unwrap_or("nil");
        match self.known.iter().rev().find(|entity| entity.name == name) {
            Some(entity) => Type::Foreign(entity),
            None => {
                table.fault("reference", format!("schema refers to an invalid foreign entity: {name}"));
                Type::Same
            }
        }
    }

    fn json_schema(&self, table: &Table) -> Type {
        let Some(inner) = table.table("json_schema") else { return Type::Same };
        inner.only(&["namespace", "parent_subschema_key", "optional", "default"]);
        let schema = JsonSchema {
            namespace: inner.text("namespace").unwrap_or_default(),
            parent_subschema_key: inner.text("parent_subschema_key").unwrap_or_default(),
            optional: inner.flag("optional").unwrap_or(false),
            default: inner
                .get("default")
                .and_then(|data| self.free(data, &inner.path))
                .unwrap_or(Literal::Null),
        };
        for name in ["namespace", "parent_subschema_key"] {
            if inner.get(name).is_none() {
                inner.fault(name, sentence::REQUIRED);
            }
        }
        Type::Json(leak(schema))
    }

    fn deprecation(&self, table: &Table) -> Option<&'static Deprecation> {
        let inner = table.table("deprecation")?;
        inner.only(&["message", "removal_in_version", "old_default", "replaced_with"]);
        for name in ["message", "removal_in_version"] {
            if inner.get(name).is_none() {
                inner.fault(name, sentence::REQUIRED);
            }
        }
        let mut paths: Vec<&'static [&'static str]> = Vec::new();
        for successor in inner.tables("replaced_with") {
            successor.only(&["path", "reverse_mapping_function"]);
            paths.extend(successor.names("path"));
        }
        if paths.is_empty() {
            paths.extend(table.names("translate_backwards"));
        }
        Some(leak(Deprecation {
            message: inner.text("message").unwrap_or_default(),
            removal_in_version: inner.text("removal_in_version").unwrap_or_default(),
            old_default: inner
                .get("old_default")
                .and_then(|data| self.free(data, &inner.path_of("old_default"))),
            replaced_with: paths.leak(),
        }))
    }

    /// The shorthands of an entity or a record.
    pub(super) fn shorthands(&self, table: &Table) -> &'static [Shorthand] {
        let mut shorthands = Vec::new();
        for (name, data, path) in table.pairs("shorthand_fields") {
            let mut field = self.field(data, &path, Place::Shorthand);
            let Some(inner) = Table::of(self, data, &path) else { continue };
            let Some(function) = inner.function("func") else {
                if inner.get("func").is_none() {
                    inner.fault("func", sentence::REQUIRED);
                }
                continue;
            };
            if let Some((expand, rule)) = functions::expansion(function, field.validator) {
                field.validator = Some(rule);
                shorthands.push(shorthand(name.to_owned().leak(), field, expand));
            } else {
                inner.fault("func", "a rule of one value expands nothing");
            }
        }
        shorthands.leak()
    }

    /// Reads the rules of one value into a field.
    pub(super) fn rules(&self, table: &Table, field: &mut Field) {
        let text = matches!(field.ty, Type::String | Type::Same);
        field.between =
            table.list("between").and_then(|limits| self.between(limits, &table.path_of("between")));
        field.gt = table.integer("gt");
        field.eq = table.given("eq").and_then(|data| self.literal(data, &field.ty, &table.path_of("eq")));
        field.ne = table.given("ne").and_then(|data| self.literal(data, &field.ty, &table.path_of("ne")));
        field.one_of =
            table.list("one_of").and_then(|list| self.choices(list, field, &table.path_of("one_of")));
        field.not_one_of =
            table.list("not_one_of").and_then(|list| self.choices(list, field, &table.path_of("not_one_of")));
        field.len_eq = table.length("len_eq");
        field.len_min = table.length("len_min");
        field.len_max = table.length("len_max");
        field.starts_with = table.text("starts_with");
        field.matches = table.text("match");
        field.not_match = table.text("not_match");
        field.match_all = self.patterns(table, "match_all");
        field.match_none = self.patterns(table, "match_none");
        field.match_any = table.table("match_any").map(|inner| {
            inner.only(&["patterns", "err"]);
            (inner.names("patterns").unwrap_or_default(), inner.text("err").unwrap_or_default())
        });
        field.contains = table.get("contains").and_then(|data| self.free(data, &table.path_of("contains")));
        field.is_regex = table.flag("is_regex").unwrap_or(false);
        field.uuid = table.flag("uuid").unwrap_or(false);
        field.timestamp = table.flag("timestamp").unwrap_or(false);
        field.err = table.text("err");
        field.validator = table.function("custom_validator").map(functions::validator);
        let sets: Vec<_> = table
            .list("mutually_exclusive_subsets")
            .unwrap_or_default()
            .iter()
            .filter_map(list_of)
            .map(|set| {
                let texts = set.iter().filter_map(|item| match item {
                    Data::Text(text) => Some(&*text.clone().leak()),
                    _ => None,
                });
                &*texts.collect::<Vec<_>>().leak()
            })
            .collect();
        field.mutually_exclusive_subsets = sets.leak();
        if !text && !matches!(field.ty, Type::Array(_) | Type::Set(_) | Type::Map(..)) {
            // Kong reads lengths of these types alone.
            (field.len_eq, field.len_min, field.len_max) = (None, None, None);
        }
    }

    /// The elements of a list in one half of a conditional check.
    pub(super) fn half_elements(&self, table: &Table) -> Type {
        match table.get("elements") {
            None => Type::Same,
            Some(data) => {
                let path = below(&table.path, "elements");
                let mut field = Field::new(Type::Same);
                if let Some(inner) = Table::of(self, data, &path) {
                    field.required = inner.flag("required");
                    self.rules(&inner, &mut field);
                }
                Type::Elements(leak(field))
            }
        }
    }

    fn patterns(&self, table: &Table, name: &str) -> &'static [Pattern] {
        let mut patterns: Vec<Pattern> = Vec::new();
        for inner in table.tables(name) {
            inner.only(&["pattern", "err"]);
            match inner.text("pattern") {
                Some(pattern) => patterns.push((pattern, inner.text("err").unwrap_or_default())),
                None => inner.fault("pattern", sentence::REQUIRED),
            }
        }
        patterns.leak()
    }
}

/// What a shared type has and no declaration can write: choices of another edition, a normal form, samples. They hold
/// as long as the attribute that they belong to is the shared type's own.
fn inherit(field: &mut Field, shared: &Field) {
    if field.one_of == shared.one_of {
        field.enterprise_choices = shared.enterprise_choices;
    }
    field.normalizer = shared.normalizer;
    field.samples = shared.samples;
    field.ty = match (field.ty, shared.ty) {
        (Type::Array(own), Type::Array(shared)) => Type::Array(inherited(own, shared)),
        (Type::Set(own), Type::Set(shared)) => Type::Set(inherited(own, shared)),
        (own, _) => own,
    };
}

fn inherited(own: &'static Field, shared: &'static Field) -> &'static Field {
    if own.enterprise_choices == shared.enterprise_choices || own.one_of != shared.one_of {
        return own;
    }
    let mut copy = *own;
    copy.enterprise_choices = shared.enterprise_choices;
    leak(copy)
}
