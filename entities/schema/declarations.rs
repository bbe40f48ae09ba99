//! The declarations as one node sees them: the list of entities, narrowed to the node's edition, plugins and router
//! flavour, with what only the node knows (whether it has a database, a secret of its own).
//!
//! Invariant: the rest of the program gets its entities from here and never from a `static`, so that a declaration
//! made at run time cannot be told from one in the program's text.

use std::collections::HashMap;

use super::check::{Check, ConditionalAtLeastOneOf, Names, Otherwise};
use super::context::Flavor;
use super::entity::{Edition, Entity, Subschema};
use super::field::{Field, Named, Type};
use super::literal::{Choices, Literal};

/// What narrows the declarations.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    pub edition: Edition,
    /// How routes are matched, which decides what they can say.
    pub router_flavor: Flavor,
    /// The enabled subschemas by entity (`plugins` -> names). An entity without an entry keeps all of its own.
    pub enabled: HashMap<String, Vec<String>>,
    /// Whether choices that need a database are left out: in DB-less mode, and on a control plane, whose data planes
    /// have none.
    pub without_database: bool,
    /// The default of fields that declare `default_secret`: a random text that the node makes up when it starts.
    /// `None`: they have no default.
    pub secret: Option<String>,
    /// Whether clients may make workspaces beside the default one.
    pub workspaces: bool,
    /// Whether clients are known by tokens.
    pub tokens: bool,
}

/// The entities of a node, in the order of their declaration.
pub struct Declarations {
    entities: Vec<&'static Entity>,
    by_name: HashMap<&'static str, &'static Entity>,
    without_database: bool,
}

impl Declarations {
    /// The entities that exist under `profile`.
    ///
    /// An entity that is narrowed is copied and lives as long as the process; that happens once for each node.
    pub fn new(list: &[&'static Entity], profile: &Profile) -> Declarations {
        let entities: Vec<_> = list
            .iter()
            .filter(|entity| entity.edition <= profile.edition)
            .map(|entity| narrowed(entity, profile))
            .collect();
        let by_name = entities.iter().map(|entity| (entity.name, *entity)).collect();
        Declarations { entities, by_name, without_database: profile.without_database }
    }

    /// Whether the node has no database, as its profile said.
    pub fn without_database(&self) -> bool {
        self.without_database
    }

    /// Every entity, in the order of declaration.
    pub fn entities(&self) -> impl Iterator<Item = &'static Entity> + '_ {
        self.entities.iter().copied()
    }

    /// The entity of that name.
    pub fn entity(&self, name: &str) -> Option<&'static Entity> {
        self.by_name.get(name).copied()
    }

    /// The entity whose rows are the workspaces of other entities' rows.
    pub fn workspaces(&self) -> Option<&'static Entity> {
        self.entities().find(|entity| entity.default_workspace.is_some())
    }

    /// The entity as this node sees it, for one that a declaration refers to.
    pub fn resolve(&self, entity: &'static Entity) -> &'static Entity {
        self.entity(entity.name).unwrap_or(entity)
    }
}

fn narrowed(entity: &'static Entity, profile: &Profile) -> &'static Entity {
    let fields = fields(entity.fields, profile);
    let dormant: &'static [Named] = match fields {
        Some(kept) => {
            entity.fields.iter().filter(|(name, _)| !is_named(kept, name)).copied().collect::<Vec<_>>().leak()
        }
        None => &[],
    };
    let subschemas = subschemas(entity, profile, dormant);
    let checks = checks(entity.checks, profile, dormant);
    let is_opened =
        profile.workspaces && entity.default_workspace.is_some() || profile.tokens && entity.access.is_some();
    if subschemas.is_none() && fields.is_none() && checks.is_none() && !is_opened {
        return entity;
    }
    let mut copy = *entity;
    copy.subschemas = subschemas.unwrap_or(entity.subschemas);
    copy.fields = fields.unwrap_or(entity.fields);
    copy.dormant = dormant;
    copy.checks = checks.unwrap_or(entity.checks);
    copy.generate_admin_api |= is_opened;
    leak(copy)
}

fn is_named(list: &[Named], name: &str) -> bool {
    list.iter().any(|(own, _)| *own == name)
}

/// A subschema under the name that chooses it.
type Variant = (&'static str, &'static Subschema);

/// The subschemas that exist under `profile`; `None` when that changes nothing. Names that shared one still do.
fn subschemas(entity: &'static Entity, profile: &Profile, dormant: &[Named]) -> Option<&'static [Variant]> {
    let enabled = profile.enabled.get(entity.name);
    let mut changed = false;
    let mut kept: Vec<Variant> = Vec::with_capacity(entity.subschemas.len());
    let mut known: Vec<(&'static Subschema, &'static Subschema)> = Vec::new();
    for (name, subschema) in entity.subschemas {
        let is_enabled = enabled.is_none_or(|list| list.iter().any(|item| item == name));
        if subschema.edition > profile.edition || !is_enabled {
            changed = true;
            continue;
        }
        let seen =
            known.iter().find(|(before, _)| std::ptr::eq(*before, *subschema)).map(|(_, after)| *after);
        let after = seen.unwrap_or_else(|| {
            match (fields(subschema.fields, profile), checks(subschema.checks, profile, dormant)) {
                (None, None) => subschema,
                (fields, checks) => leak(Subschema {
                    fields: fields.unwrap_or(subschema.fields),
                    checks: checks.unwrap_or(subschema.checks),
                    ..**subschema
                }),
            }
        });
        known.push((subschema, after));
        changed |= !std::ptr::eq(after, *subschema);
        kept.push((name, after));
    }
    changed.then(|| &*Vec::leak(kept))
}

/// The fields that exist under `profile`; `None` when that changes nothing.
fn fields(list: &'static [Named], profile: &Profile) -> Option<&'static [Named]> {
    let mut changed = false;
    let mut kept = Vec::with_capacity(list.len());
    for (name, field) in list {
        if field.edition > profile.edition || !includes(field.flavors, profile) {
            changed = true;
            continue;
        }
        match narrowed_field(field, profile) {
            Some(field) => {
                changed = true;
                kept.push((*name, field));
            }
            None => kept.push((*name, *field)),
        }
    }
    changed.then(|| &*Vec::leak(kept))
}

/// Whether the profile's router flavour is among these, of which none means any.
fn includes(flavors: &[Flavor], profile: &Profile) -> bool {
    flavors.is_empty() || flavors.contains(&profile.router_flavor)
}

/// The checks that exist under `profile`; `None` when that changes nothing. Where one of several fields must be
/// given, only fields that the node knows are named.
fn checks(list: &'static [Check], profile: &Profile, dormant: &[Named]) -> Option<&'static [Check]> {
    let known = |names: Names| -> Option<Names> {
        let kept: Vec<_> = names.iter().copied().filter(|name| !is_named(dormant, name)).collect();
        (kept.len() < names.len()).then(|| &*kept.leak())
    };
    let mut changed = false;
    let mut kept = Vec::with_capacity(list.len());
    for check in list {
        let after = match check {
            Check::Custom { flavors, .. } if !includes(flavors, profile) => {
                changed = true;
                continue;
            }
            Check::AtLeastOneOf(names) => known(names).map(Check::AtLeastOneOf),
            Check::ConditionalAtLeastOneOf(check) => {
                let then = known(check.then_at_least_one_of);
                let otherwise = check.otherwise.and_then(|otherwise| {
                    let names = known(otherwise.else_then_at_least_one_of)?;
                    Some(Otherwise { else_then_at_least_one_of: names, ..otherwise })
                });
                (then.is_some() || otherwise.is_some()).then(|| {
                    Check::ConditionalAtLeastOneOf(leak(ConditionalAtLeastOneOf {
                        then_at_least_one_of: then.unwrap_or(check.then_at_least_one_of),
                        otherwise: otherwise.or(check.otherwise),
                        ..**check
                    }))
                })
            }
            _ => None,
        };
        changed |= after.is_some();
        kept.push(after.unwrap_or(*check));
    }
    changed.then(|| &*kept.leak())
}

/// The field as it is under `profile`; `None` when that changes nothing.
fn narrowed_field(field: &Field, profile: &Profile) -> Option<Field> {
    if let Some((flavor, other)) = field.under
        && flavor == profile.router_flavor
    {
        return Some(narrowed_field(other, profile).unwrap_or(*other));
    }
    let mut copy = *field;
    let ty = match field.ty {
        Type::Record(list) => fields(list, profile).map(Type::Record),
        Type::Array(elements) => narrowed_field(elements, profile).map(|field| Type::Array(leak(field))),
        Type::Set(elements) => narrowed_field(elements, profile).map(|field| Type::Set(leak(field))),
        Type::Map(keys, values) => narrowed_field(values, profile).map(|field| Type::Map(keys, leak(field))),
        _ => None,
    };
    let choices = choices(field, profile);
    let secret = profile.secret.as_ref().filter(|_| field.default_secret);
    if ty.is_none() && choices.is_none() && secret.is_none() {
        return None;
    }
    copy.ty = ty.unwrap_or(field.ty);
    copy.one_of = choices.or(field.one_of);
    copy.default = secret.map(|text| Literal::Str(text.clone().leak())).or(field.default);
    Some(copy)
}

/// The choices that exist under `profile`; `None` when that changes nothing.
fn choices(field: &Field, profile: &Profile) -> Option<Choices> {
    let Some(Choices::Strings(list)) = field.one_of else {
        return None;
    };
    let more = profile.edition >= Edition::Enterprise && !field.enterprise_choices.is_empty();
    let fewer = profile.without_database && !field.database_choices.is_empty();
    if !more && !fewer {
        return None;
    }
    let mut kept = list.to_vec();
    if fewer {
        kept.retain(|choice| !field.database_choices.contains(choice));
    }
    if more {
        kept.extend(field.enterprise_choices);
    }
    Some(Choices::Strings(Vec::leak(kept)))
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::types::UUID;
    use crate::schema::{SAME, STRING, record};

    static VARIANT: Subschema = Subschema::new("variant").fields(&[(
        "config",
        record(&[
            ("secret", STRING.default_secret()),
            ("policy", STRING.one_of(&["local", "cluster", "redis"]).database_choices(&["cluster"])),
            ("protocol", STRING.one_of(&["http"]).enterprise_choices(&["ws"])),
        ])
        .required(),
    )]);

    static FLAVORED: Subschema = Subschema::new("flavored")
        .fields(&[("size", STRING.len_eq(0).flavors(&[Flavor::Traditional]))])
        .checks(&[Check::ConditionalAtLeastOneOf(&ConditionalAtLeastOneOf {
            if_field: "name",
            if_match: SAME.eq(Literal::Str("flavored")),
            then_at_least_one_of: &["size", "rule"],
            then_err: None,
            otherwise: None,
        })]);

    static ROUTED: Entity = Entity::new("routed")
        .subschema_key("name")
        .subschemas(&[("flavored", &FLAVORED)])
        .fields(&[
            ("id", UUID),
            ("name", STRING.required()),
            ("size", STRING.under(Flavor::Traditional, &STRING.len_max(3))),
            ("rule", STRING.flavors(&[Flavor::Expressions])),
        ])
        .checks(&[Check::Custom {
            sources: &["size"],
            run_with_missing_fields: false,
            run_with_invalid_fields: false,
            flavors: &[Flavor::Expressions],
            rule: &|_, _| Ok(()),
        }])
        .build();

    #[test]
    fn a_router_flavor_has_fields_and_checks_of_its_own() {
        for (router_flavor, fields, checks, len_max, own, names) in [
            (Flavor::TraditionalCompatible, 3, 0, None, 0, &["size"][..]),
            (Flavor::Traditional, 3, 0, Some(3), 1, &["size"]),
            (Flavor::Expressions, 4, 1, None, 0, &["size", "rule"]),
        ] {
            let declarations =
                Declarations::new(&[&ROUTED], &Profile { router_flavor, ..Profile::default() });
            let routed = declarations.entity("routed").unwrap();
            assert_eq!((routed.fields.len(), routed.checks.len()), (fields, checks), "{router_flavor:?}");
            assert_eq!(routed.fields.len() + routed.dormant.len(), ROUTED.fields.len());
            assert_eq!(routed.field("size").unwrap().len_max, len_max);
            let flavored = routed.subschema("flavored").unwrap();
            assert_eq!(flavored.fields.len(), own, "{router_flavor:?}");
            let [Check::ConditionalAtLeastOneOf(check)] = flavored.checks else { panic!("one check") };
            assert_eq!(check.then_at_least_one_of, names);
        }
    }

    static THINGS: Entity = Entity::new("things")
        .subschema_key("name")
        .subschemas(&[("one", &VARIANT), ("another", &VARIANT), ("off", &VARIANT)])
        .fields(&[("id", UUID), ("name", STRING.required()), ("config", record(&[]).is_abstract())])
        .build();

    /// The default of the secret, the policies and the protocols of variant `one` under `profile`.
    fn seen(profile: &Profile) -> (Option<Literal>, Option<String>, Option<String>) {
        let declarations = Declarations::new(&[&THINGS], profile);
        let things = declarations.entity("things").unwrap();
        let config = &things.subschema("one").unwrap().fields[0].1;
        let [(_, secret), (_, policy), (_, protocol)] = config.fields() else { panic!("three fields") };
        let listed = |field: &Field| field.one_of.map(|choices| choices.listed());
        (secret.default, listed(policy), listed(protocol))
    }

    #[test]
    fn a_subschema_is_narrowed_as_an_entity_is() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(seen(&Profile::default()), (None, text("local, cluster, redis"), text("http")));
        let profile = Profile {
            edition: Edition::Enterprise,
            without_database: true,
            secret: text("made up"),
            ..Profile::default()
        };
        assert_eq!(seen(&profile), (Some(Literal::Str("made up")), text("local, redis"), text("http, ws")));
    }

    #[test]
    fn what_changes_nothing_is_not_copied_and_what_was_shared_stays_shared() {
        let same = Declarations::new(&[&THINGS], &Profile::default());
        assert!(std::ptr::eq(same.entity("things").unwrap(), &THINGS));

        let enabled = HashMap::from([("things".to_owned(), vec!["one".to_owned(), "another".to_owned()])]);
        let profile = Profile { enabled, without_database: true, ..Profile::default() };
        let things = Declarations::new(&[&THINGS], &profile).entity("things").unwrap();
        assert!(things.subschema("off").is_none());
        assert!(std::ptr::eq(things.subschema("one").unwrap(), things.subschema("another").unwrap()));
    }
}
