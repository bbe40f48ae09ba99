//! The reference of the Admin API, in Markdown: every entity with its endpoints, its fields and the rules between
//! them, and the endpoints of the node.
//!
//! Everything is read off the declarations and the endpoint table. How the API behaves as a whole (lists, errors, body
//! types) is true of every entity and is not told here.

use entities::schema::{
    Check, Choices, Conditional, ConditionalAtLeastOneOf, Declarations, Entity, Field, Literal, Named,
    OnDelete, Shorthand, Subschema, Type,
};

use crate::routes::{Endpoint, Endpoints, Place, Target};

/// The reference of a node with these declarations and these endpoints.
pub fn reference<N: Copy>(declarations: &Declarations, endpoints: &Endpoints<N>) -> String {
    let mut out = String::from(
        "# Admin API reference\n\n\
         <!-- Made from the declarations by `SNAPSHOTS=write cargo test --test main snapshots`. -->\n\n\
         An item is named in a path by its `id`, or by the field that its section names. Every `GET` has a `HEAD`, \
         and every path an `OPTIONS`.\n",
    );
    let served: Vec<_> = declarations.entities().filter(|entity| !of(endpoints, entity).is_empty()).collect();
    out.push_str("\n## Contents\n\n- [The node](#the-node)\n");
    for entity in &served {
        out.push_str(&format!("- [{0}](#{0})\n", entity.name));
    }
    out.push_str("\n## The node\n\n| Methods | Path |\n|---|---|\n");
    for endpoint in endpoints.iter().filter(|endpoint| matches!(endpoint.target, Target::Node(_))) {
        out.push_str(&row(&[endpoint.methods.join(", "), code(&endpoint.path)]));
    }
    for entity in served {
        out.push_str(&section(entity, &of(endpoints, entity)));
    }
    out
}

/// The endpoints that answer with rows of an entity.
fn of<'a, N: Copy>(endpoints: &'a Endpoints<N>, entity: &Entity) -> Vec<(&'a Endpoint<N>, Place)> {
    let place = |endpoint: &'a Endpoint<N>| match endpoint.target {
        Target::Entity(place) => Some((endpoint, place)),
        Target::Node(_) | Target::Hidden => None,
    };
    let answers = |(_, place): &(&Endpoint<N>, Place)| {
        let with = match place {
            Place::Collection(own) | Place::Item(own) => own,
            Place::Children { child, .. } | Place::AllChildren { child, .. } | Place::Child { child, .. } => {
                child
            }
            Place::Parent { parent, .. } => parent,
        };
        with.name == entity.name
    };
    endpoints.iter().filter_map(place).filter(answers).collect()
}

fn section<N>(entity: &'static Entity, endpoints: &[(&Endpoint<N>, Place)]) -> String {
    let mut out = format!("\n## {}\n\n{}\n", entity.name, text(entity.description));
    out.push_str("\n| Methods | Path | |\n|---|---|---|\n");
    for (endpoint, place) in endpoints {
        out.push_str(&row(&[endpoint.methods.join(", "), code(&endpoint.path), words_of_place(place)]));
    }
    out.push_str(&fields(entity.fields));
    if entity.ttl {
        out.push_str("\nA row may be given a `ttl`: the number of seconds after which it is gone.\n");
    }
    out.push_str(&shorthands(entity.shorthands));
    out.push_str(&checks("Rules between fields:", entity.checks));
    if entity.cache_key.len() > 1 {
        out.push_str(&format!("\nTogether, {} are unique.\n", listed(entity.cache_key, "and")));
    }
    let mut told: Vec<&Subschema> = Vec::new();
    for (_, subschema) in entity.subschemas {
        if told.iter().any(|other| std::ptr::eq(*other, *subschema)) {
            continue;
        }
        told.push(subschema);
        let same = entity.subschemas.iter().filter(|(_, other)| std::ptr::eq(*other, *subschema));
        let names: Vec<_> = same.map(|(name, _)| *name).collect();
        out.push_str(&variant(entity, subschema, &names));
    }
    out
}

/// What a subschema declares in place of its entity's fields.
fn variant(entity: &Entity, subschema: &Subschema, names: &[&str]) -> String {
    let mut out = format!("\n### {}: {}\n", entity.name, names.join(", "));
    if !subschema.version.is_empty() {
        out.push_str(&format!("\nVersion {}, priority {}.\n", subschema.version, subschema.priority));
    }
    out.push_str(&fields(subschema.fields));
    for (name, field) in subschema.fields {
        let below: Vec<_> =
            field.shorthands.iter().map(|shorthand| (format!("{name}."), shorthand)).collect();
        out.push_str(&shorthand_table(&below));
        out.push_str(&checks(&format!("Rules between fields of `{name}`:"), field.checks));
    }
    out.push_str(&checks("Rules between fields:", subschema.checks));
    out
}

/// What an endpoint's rows are.
fn words_of_place(place: &Place) -> String {
    match place {
        Place::Collection(_) => "all of them".to_owned(),
        Place::Item(entity) => match (entity.endpoint_key, entity.reached_through) {
            (Some(key), _) => format!("one, by `id` or {}", code(key)),
            (None, Some((other, _))) => format!("one, by `id` or through one of its {}", code(other)),
            (None, None) => "one, by `id`".to_owned(),
        },
        Place::Children { field, .. } => format!("those whose {} is that one", code(field)),
        Place::AllChildren { field, .. } => {
            format!("those whose {} is that one, in the order of their ids", code(field))
        }
        Place::Child { child, field, .. } => {
            let key = child.endpoint_key.or(child.key_below);
            let key = key.map(|key| format!(" or {}", code(key))).unwrap_or_default();
            format!("one of those whose {} is that one, by `id`{key}", code(field))
        }
        Place::Parent { field, .. } => format!("the {} of that one", code(field)),
    }
}

fn fields(list: &[Named]) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "\n| Field | Type | Required | Default | Rules | Description |\n|---|---|---|---|---|---|\n",
    );
    for (name, field) in list {
        out.push_str(&lines(name, field));
    }
    out
}

/// The line of a field, then those of what lies inside it.
fn lines(name: &str, field: &Field) -> String {
    let required = if field.is_required() { "yes" } else { "" };
    let default = match field.default {
        Some(default) if !matches!(field.ty, Type::Record(_)) => code(&default.to_value().to_string()),
        _ => String::new(),
    };
    let rules = rules(field).join("; ");
    let description = field.description.map(text).unwrap_or_default();
    let mut out = row(&[code(name), type_name(field), required.to_owned(), default, rules, description]);
    let (inner, within) = inside(field);
    for (own, field) in inner {
        out.push_str(&lines(&format!("{name}{within}.{own}"), field));
    }
    out
}

/// The fields of the records inside a field, and how a path goes there.
fn inside(field: &Field) -> (&'static [Named], &'static str) {
    match field.ty {
        Type::Record(fields) => (fields, ""),
        Type::Array(elements) | Type::Set(elements) => (elements.fields(), "[]"),
        Type::Map(_, values) => (values.fields(), ".*"),
        _ => (&[], ""),
    }
}

fn type_name(field: &Field) -> String {
    match field.ty {
        Type::Array(elements) | Type::Set(elements) => {
            format!("{} of {}", field.type_name(), type_name(elements))
        }
        Type::Map(keys, values) => format!("map of {} to {}", type_name(keys), type_name(values)),
        Type::Foreign(entity) => format!("reference to [{0}](#{0})", entity.name),
        Type::Json(_) => "any".to_owned(),
        _ => field.type_name().to_owned(),
    }
}

/// The rules of a value, in words.
fn rules(field: &Field) -> Vec<String> {
    let mut out = own_rules(field);
    let mut add = |words: String| out.push(words);
    if field.auto {
        add("made by the node".to_owned());
    }
    if field.default_secret {
        add("a secret of the node unless given".to_owned());
    }
    if field.is_unique() {
        add("unique".to_owned());
    }
    if field.immutable {
        add("cannot be changed".to_owned());
    }
    if field.referenceable {
        add("may be a reference to a secret".to_owned());
    }
    if let Some(entity) = field.names {
        add(format!("ids of [{entity}](#{entity}), which cannot be deleted while they are named here"));
    }
    if let Some((entity, listed)) = field.lists {
        add(format!("the {} of the [{entity}](#{entity}) that refer to this one", code(listed)));
    }
    if field.foreign().is_some() {
        add(match field.on_delete.unwrap_or(OnDelete::Restrict) {
            OnDelete::Restrict => "what is referred to cannot be deleted".to_owned(),
            OnDelete::Cascade => "deleted with what it refers to".to_owned(),
            OnDelete::Null => "null once what it refers to is deleted".to_owned(),
        });
    }
    if let Some(deprecation) = field.deprecation {
        add(format!("deprecated: {}", text(deprecation.message)));
    }
    match field.ty {
        Type::Array(elements) | Type::Set(elements) => {
            out.extend(own_rules(elements).into_iter().map(|words| format!("each: {words}")));
        }
        Type::Map(keys, values) => {
            out.extend(own_rules(keys).into_iter().map(|words| format!("each key: {words}")));
            out.extend(own_rules(values).into_iter().map(|words| format!("each value: {words}")));
        }
        _ => {}
    }
    // A record's own checks are told where it is declared; a deeper one's here.
    if !field.fields().is_empty() {
        out.extend(field.checks.iter().map(words_of_check));
    }
    out
}

/// What a value must be like.
fn own_rules(field: &Field) -> Vec<String> {
    let mut out = Vec::new();
    let mut add = |words: Option<String>| out.extend(words);
    add(field.between.map(|(least, most)| format!("from {} to {}", number(least), number(most))));
    add(field.gt.map(|limit| format!("greater than {limit}")));
    add(field.eq.map(|value| literal(&value)));
    add(field.ne.map(|value| format!("not {}", literal(&value))));
    add(field.one_of.map(|choices| choices_listed(&choices, ["", "one of "], "or")));
    add(field.not_one_of.map(|choices| choices_listed(&choices, ["not ", "none of "], "and")));
    let sized = |length: usize| match (length, field.ty) {
        (1, Type::String) => "1 byte".to_owned(),
        (_, Type::String) => format!("{length} bytes"),
        (0, _) => "empty".to_owned(),
        (1, _) => "1 entry".to_owned(),
        _ => format!("{length} entries"),
    };
    add(field.len_eq.map(sized));
    add(field.len_min.filter(|length| *length > 0).map(|length| format!("at least {}", sized(length))));
    add((field.len_min == Some(0)).then(|| "may be empty".to_owned()));
    add(field.len_max.map(|length| format!("at most {}", sized(length))));
    add(field.starts_with.map(|start| format!("starts with {}", code(start))));
    add(field.matches.map(|pattern| format!("matches {}", code(pattern))));
    add(field.not_match.map(|pattern| format!("does not match {}", code(pattern))));
    for (pattern, sentence) in field.match_all {
        add(Some(told(sentence, || format!("matches {}", code(pattern)))));
    }
    for (pattern, sentence) in field.match_none {
        add(Some(told(sentence, || format!("does not match {}", code(pattern)))));
    }
    add(field
        .match_any
        .map(|(patterns, sentence)| told(sentence, || format!("matches {}", listed(patterns, "or")))));
    add(field.contains.map(|value| format!("holds {}", literal(&value))));
    add(field.is_regex.then(|| "a regular expression".to_owned()));
    add(field.uuid.then(|| "a UUID".to_owned()));
    add(field.timestamp.then(|| "a point in time".to_owned()));
    if !field.mutually_exclusive_subsets.is_empty() {
        let sets: Vec<_> = field.mutually_exclusive_subsets.iter().map(|set| listed(set, "and")).collect();
        add(Some(format!("not of two of these sets: {}", sets.join(" \\| "))));
    }
    out
}

/// The sentence of a rule, where it has one.
fn told(sentence: &str, otherwise: impl FnOnce() -> String) -> String {
    if sentence.is_empty() { otherwise() } else { text(sentence) }
}

fn shorthands(list: &'static [Shorthand]) -> String {
    let own: Vec<_> = list.iter().map(|shorthand| (String::new(), shorthand)).collect();
    shorthand_table(&own)
}

/// Input that is written as other fields, with the path before each name.
fn shorthand_table(list: &[(String, &Shorthand)]) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "\nAlso accepted, and written as other fields:\n\n| Input | Type | Rules |\n|---|---|---|\n",
    );
    for (before, Shorthand { name, field, .. }) in list {
        out.push_str(&row(&[code(&format!("{before}{name}")), type_name(field), rules(field).join("; ")]));
    }
    out
}

fn checks(title: &str, list: &[Check]) -> String {
    if list.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = list.iter().map(|check| format!("- {}\n", words_of_check(check))).collect();
    format!("\n{title}\n\n{}", lines.concat())
}

pub(crate) fn words_of_check(check: &Check) -> String {
    match check {
        Check::AtLeastOneOf(names) => at_least_one(names),
        Check::OnlyOneOf(names) => format!("exactly one of {} is given", listed(names, "and")),
        Check::Distinct(names) => format!("{} differ", listed(names, "and")),
        Check::MutuallyRequired(names) | Check::AllOrNothing(names) => {
            format!("all of {} are given, or none", listed(names, "and"))
        }
        Check::MutuallyExclusive(names) => format!("at most one of {} is given", listed(names, "and")),
        Check::MutuallyExclusiveSets { set1, set2 } => {
            format!("nothing of {} is given together with {}", listed(set1, "and"), listed(set2, "or"))
        }
        Check::Conditional(check) => conditional(check),
        Check::ConditionalAtLeastOneOf(check) => conditional_at_least_one_of(check),
        Check::Custom { sources: [name], .. } => format!("{} has a check of its own", code(name)),
        Check::Custom { sources, .. } => format!("{} are checked together", listed(sources, "and")),
    }
}

fn at_least_one(names: &[&str]) -> String {
    let before = if names.len() == 1 { "" } else { "at least one of " };
    format!("{before}{} is given", listed(names, "and"))
}

fn conditional(check: &Conditional) -> String {
    format!(
        "if {} {}, {} {}",
        code(check.if_field),
        condition(&check.if_match),
        code(check.then_field),
        condition(&check.then_match)
    )
}

fn conditional_at_least_one_of(check: &ConditionalAtLeastOneOf) -> String {
    let field = code(check.if_field);
    let names = at_least_one(check.then_at_least_one_of);
    let mut out = format!("if {field} {}, {names}", condition(&check.if_match));
    if let Some(otherwise) = &check.otherwise {
        let names = at_least_one(otherwise.else_then_at_least_one_of);
        let condition = condition(&otherwise.else_match);
        out.push_str(&format!("; otherwise, if it {condition}, {names}"));
    }
    out
}

/// What a condition says of a field: `is one of …`.
fn condition(rules: &Field) -> String {
    let verb = |words: &str| {
        let has_own =
            ["matches ", "does not ", "starts ", "holds "].iter().any(|start| words.starts_with(start));
        if has_own { words.to_owned() } else { format!("is {words}") }
    };
    let mut parts: Vec<_> = own_rules(rules).iter().map(|words| verb(words)).collect();
    if rules.is_required() {
        parts.push("is given".to_owned());
    }
    if let Type::Elements(elements) = rules.ty {
        parts.extend(own_rules(elements).iter().map(|words| format!("has elements that are each {words}")));
    }
    if parts.is_empty() { "is anything".to_owned() } else { parts.join(" and ") }
}

/// `` `a` `` behind the first words, or `` `a` or `b` `` behind the others.
fn choices_listed(choices: &Choices, [before_one, before_several]: [&str; 2], last: &str) -> String {
    let texts: Vec<_> = match choices {
        Choices::Strings(list) => list.iter().map(|text| (*text).to_owned()).collect(),
        Choices::Integers(list) => list.iter().map(i64::to_string).collect(),
    };
    let names: Vec<_> = texts.iter().map(String::as_str).collect();
    let before = if names.len() == 1 { before_one } else { before_several };
    format!("{before}{}", listed(&names, last))
}

/// `a`, `b` and `c`
fn listed(names: &[&str], last: &str) -> String {
    match names {
        [] => "nothing".to_owned(),
        [name] => code(name),
        [names @ .., name] => {
            let names: Vec<_> = names.iter().map(|name| code(name)).collect();
            format!("{} {last} {}", names.join(", "), code(name))
        }
    }
}

fn literal(value: &Literal) -> String {
    code(&value.to_text())
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { value.to_string() }
}

/// A line of a table.
fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A text in code font; a bar would end the cell.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    format!("{fence}{}{fence}", text.replace('|', "\\|"))
}

/// A text as prose on one line of a table.
fn text(prose: &str) -> String {
    let line = prose.split_whitespace().collect::<Vec<_>>().join(" ");
    without_anchors(&line).replace('|', "\\|").replace('<', "&lt;")
}

/// A text whose links to sections of the page that it was written for are plain words: `[Notes](#notes)` is `Notes`.
fn without_anchors(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](#") {
        let Some(((lead, words), (_, tail))) = before.rsplit_once('[').zip(after.split_once(')')) else {
            break;
        };
        out.extend([lead, words]);
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use entities::schema::{
        BOOLEAN, Check, Declarations, Entity, INTEGER, Literal::*, Profile, STRING, Subschema, array,
        foreign, map, record, types::UUID,
    };

    use super::{reference, text};
    use crate::routes::{Endpoint, Endpoints};

    static OWNERS: Entity = Entity::new("owners").doc("Who owns.").fields(&[("id", UUID)]).build();

    static ROUND: Subschema = Subschema::new("round")
        .fields(&[("config", record(&[("radius", INTEGER.gt(0).required())]).required())]);

    static THINGS: Entity = Entity::new("things")
        .doc("What is owned,\nby <whom>.")
        .endpoint_key("name")
        .subschema_key("shape")
        .subschemas(&[("round", &ROUND), ("ball", &ROUND)])
        .fields(&[
            ("id", UUID),
            ("name", STRING.unique().match_none(&[("%|", "no | here")]).doc("Its name.")),
            ("shape", STRING.required().one_of(&["round", "ball"]).default(Str("round"))),
            ("sizes", array(&INTEGER.between(1, 5)).len_min(1)),
            ("labels", map(&STRING, &STRING.starts_with("/"))),
            ("place", record(&[("x", INTEGER), ("y", BOOLEAN.default(Bool(true)))]).optional()),
            ("config", record(&[]).is_abstract()),
            ("owner", foreign(&OWNERS)),
        ])
        .checks(&[Check::AtLeastOneOf(&["name", "sizes"]), RULE])
        .build();

    const RULE: Check = entities::null_if!("owner", "shape", &["ball"]);

    #[test]
    fn a_declaration_is_told_in_words() {
        let declarations = Declarations::new(&[&OWNERS, &THINGS], &Profile::default());
        let endpoints = Endpoints::new(&declarations, vec![Endpoint::node("/status", &["GET"], ())]);
        let told = reference(&declarations, &endpoints);
        for line in [
            "| GET | `/status` |",
            "What is owned, by &lt;whom>.",
            "| GET, POST | `/things` | all of them |",
            "| DELETE, GET, PATCH, PUT | `/things/{things}` | one, by `id` or `name` |",
            "| GET, POST | `/owners/{owners}/things` | those whose `owner` is that one |",
            "| `name` | string |  |  | no \\| here; unique | Its name. |",
            "| `shape` | string | yes | `\"round\"` | one of `round` or `ball` |  |",
            "| `sizes` | array of integer |  |  | at least 1 entry; each: from 1 to 5 |  |",
            "| `labels` | map of string to string |  |  | each value: starts with `/` |  |",
            "| `place.y` | boolean |  | `true` |  |  |",
            "| `owner` | reference to [owners](#owners) |  |  | what is referred to cannot be deleted |  |",
            "- at least one of `name` and `sizes` is given",
            "- if `shape` is `ball`, `owner` is `null`",
            "### things: round, ball",
            "| `config.radius` | integer | yes |  | greater than 0 |  |",
        ] {
            assert!(told.lines().any(|own| own == line), "{line}\n---\n{told}");
        }
    }

    #[test]
    fn links_within_another_page_are_words() {
        for (prose, wanted) in [
            ("See [Notes](#notes) and  [more](#x).", "See Notes and more."),
            ("See [Notes](https://a.test/#b).", "See [Notes](https://a.test/#b)."),
            ("](# [a](#", "](# [a](#"),
            ("a|b <c>", "a\\|b &lt;c>"),
        ] {
            assert_eq!(text(prose), wanted);
        }
    }
}
