//! Fixtures: rows that a declaration accepts, and for each of its rules a row that breaks it.
//!
//! Everything follows from the declaration: choices, ranges, defaults, samples, and texts of common forms held against
//! the field's own rules. A rule in Rust over several fields says nothing of what breaks it, so no row is made to
//! break one. Nothing here is random: the same declaration and serial number give the same row.

mod compose;
mod faults;
mod values;

use entities::schema::{Context, Declarations, Entity, Row, Subschema, Violations};
use serde_json::Value;

use crate::complete::{Verb, complete, rewrite, transform};
use crate::operations::id_of;
use crate::validate::{Candidate, ignored, validate};
use compose::Composition;
use values::Values;

pub use faults::{Invalid, leads_to};

/// A row that its declaration accepts.
#[derive(Clone)]
pub struct Fixture {
    pub entity: &'static Entity,
    pub row: Row,
    /// The rows that must exist before it can be written, in the order in which they can be.
    pub parents: Vec<(&'static Entity, Row)>,
}

/// A declaration for which no valid row was found: a field of it needs samples.
#[derive(Debug, thiserror::Error)]
#[error("no valid row of {entity}{} was found; declare samples for: {}", variant.map(|name| format!(" ({name})")).unwrap_or_default(), Value::Object(violations.0.clone()))]
pub struct NoFixture {
    pub entity: &'static str,
    pub variant: Option<&'static str>,
    pub violations: Violations,
}

/// The fixtures of a node's declarations.
pub struct Fixtures<'a> {
    declarations: &'a Declarations,
    context: &'a Context<'a>,
}

impl<'a> Fixtures<'a> {
    /// Fixtures that are valid at the time and under the router that `context` names.
    pub fn new(declarations: &'a Declarations, context: &'a Context<'a>) -> Fixtures<'a> {
        Fixtures { declarations, context }
    }

    /// What an entity's rows choose between: a name for each of its subschemas, or nothing once.
    pub fn variants(&self, entity: &'static Entity) -> Vec<Option<&'static str>> {
        let mut seen: Vec<&Subschema> = Vec::new();
        let mut names = Vec::new();
        for (name, subschema) in entity.subschemas {
            if !seen.iter().any(|other| std::ptr::eq(*other, *subschema)) {
                seen.push(subschema);
                names.push(Some(*name));
            }
        }
        if names.is_empty() { vec![None] } else { names }
    }

    /// A row with the fields that it cannot do without.
    pub fn least(
        &self,
        entity: &'static Entity,
        variant: Option<&'static str>,
        serial: usize,
    ) -> Result<Fixture, NoFixture> {
        let row = self.least_row(entity, variant, serial)?;
        self.fixture(entity, row, serial)
    }

    /// A row with every field that it can have, each with a value that is not its default where there is another.
    pub fn whole(
        &self,
        entity: &'static Entity,
        variant: Option<&'static str>,
        serial: usize,
    ) -> Result<Fixture, NoFixture> {
        let values = self.values(entity, serial);
        let least = self.least_row(entity, variant, serial)?;
        let agreed = entity.agreement.map(|agreement| agreement.field);
        let judge = |row: &Row| self.judge(entity, row);
        let row = composition(entity, &least, &values, &judge).whole(least.clone(), agreed);
        self.fixture(entity, row, serial)
    }

    /// A row with the fields that it cannot do without, its key, and a reference through `field`; of the first variant
    /// that may refer to something there.
    pub fn referring(
        &self,
        entity: &'static Entity,
        field: &'static str,
        serial: usize,
    ) -> Result<Option<Fixture>, NoFixture> {
        let values = self.values(entity, serial);
        for variant in self.variants(entity) {
            let least = self.identified(entity, variant, serial)?;
            let judge = |row: &Row| self.judge(entity, row);
            let row = composition(entity, &least, &values, &judge).with(least.clone(), field);
            if row.get(field).is_some_and(|value| !value.is_null()) {
                return self.fixture(entity, row, serial).map(Some);
            }
        }
        Ok(None)
    }

    /// Rows that break the rules of an entity's fields and of its checks, one for each rule.
    pub fn invalid(
        &self,
        entity: &'static Entity,
        variant: Option<&'static str>,
    ) -> Result<Vec<Invalid>, NoFixture> {
        let values = self.values(entity, 0);
        let base = self.least_row(entity, variant, 0)?;
        Ok(faults::of_entity(&values, entity, &base))
    }

    /// The row as it is stored after a POST.
    pub fn stored(&self, entity: &'static Entity, row: &Row) -> Result<Row, Violations> {
        let normal = values::normal(entity, row.clone());
        let completed = complete(entity, normal.clone(), Verb::Insert, self.context)?;
        let candidate = Candidate { row: &completed, given: &normal, stored: None };
        validate(entity, &candidate, Verb::Insert, self.context).into_result()?;
        let transformed = transform(entity, completed, &normal, self.context)
            .map_err(|why| Violations::of("@entity", why))?;
        Ok(rewrite(entity, transformed))
    }

    fn values(&self, entity: &'static Entity, serial: usize) -> Values<'a> {
        Values { declarations: self.declarations, context: self.context, entity: entity.name, serial }
    }

    /// How much is wrong with a row: its violations, and beside them the fields that are not stored as they were given.
    fn judge(&self, entity: &'static Entity, row: &Row) -> usize {
        match self.stored(entity, row) {
            Ok(stored) => row.iter().filter(|(name, given)| !kept(given, stored.get(*name))).count(),
            Err(violations) => compose::weight(&Value::Object(violations.0)) * compose::VIOLATION,
        }
    }

    fn least_row(
        &self,
        entity: &'static Entity,
        variant: Option<&'static str>,
        serial: usize,
    ) -> Result<Row, NoFixture> {
        let values = self.values(entity, serial);
        let mut chosen = Row::new();
        if let (Some(key), Some(name)) = (entity.subschema_key, variant) {
            let is_set = entity.field(key).is_some_and(|field| field.elements().is_some());
            let value = if is_set { Value::from(vec![name]) } else { Value::from(name) };
            chosen.insert(key.to_owned(), value);
        }
        let judge = |row: &Row| self.judge(entity, row);
        let row = composition(entity, &chosen, &values, &judge).least(chosen.clone());
        match self.stored(entity, &row) {
            Ok(_) => Ok(row),
            Err(violations) => Err(NoFixture { entity: entity.name, variant, violations }),
        }
    }

    /// A least row that can be referred to: with an id of its own, and with what is unique about it.
    fn identified(
        &self,
        entity: &'static Entity,
        variant: Option<&'static str>,
        serial: usize,
    ) -> Result<Row, NoFixture> {
        let values = self.values(entity, serial);
        let mut row = self.least_row(entity, variant, serial)?;
        let judge = |row: &Row| self.judge(entity, row);
        for name in entity.primary_key.iter().copied().chain(entity.endpoint_key) {
            row = composition(entity, &row, &values, &judge).with(row.clone(), name);
        }
        Ok(row)
    }

    fn fixture(&self, entity: &'static Entity, row: Row, serial: usize) -> Result<Fixture, NoFixture> {
        let mut parents = Vec::new();
        self.collect_parents(entity, &row, serial, &mut parents)?;
        Ok(Fixture { entity, row, parents })
    }

    /// The rows that a row refers to, each behind those that it refers to in turn.
    fn collect_parents(
        &self,
        entity: &'static Entity,
        row: &Row,
        serial: usize,
        parents: &mut Vec<(&'static Entity, Row)>,
    ) -> Result<(), NoFixture> {
        for (name, field) in entity.fields {
            let named = field.elements().and_then(|_| self.declarations.entity(field.names?));
            let parent = field.foreign().map(|parent| self.declarations.resolve(parent)).or(named);
            let Some(parent) = parent.filter(|_| row.get(*name).is_some_and(|value| !value.is_null())) else {
                continue;
            };
            let variant = self.variants(parent).into_iter().next().flatten();
            let above = self.identified(parent, variant, serial)?;
            let id = id_of(parent, &above);
            if !parents.iter().any(|(other, row)| other.name == parent.name && id_of(other, row) == id) {
                self.collect_parents(parent, &above, serial, parents)?;
                parents.push((parent, above));
            }
        }
        Ok(())
    }
}

/// A composition of the fields and checks that a row of `entity` has, by the subschema that it chooses.
fn composition<'a>(
    entity: &'static Entity,
    row: &Row,
    values: &'a Values<'a>,
    judge: &'a dyn Fn(&Row) -> usize,
) -> Composition<'a> {
    let subschema = entity.subschema_of(row);
    let more = subschema.map_or(&[][..], |subschema| subschema.checks);
    Composition {
        fields: entity.fields_of(subschema).collect(),
        checks: entity.checks.iter().chain(more).collect(),
        values,
        fixed: entity.subschema_key,
        ignored: ignored(entity),
        judge,
    }
}

/// Whether a value is stored as it was given; a record may gain fields.
fn kept(given: &Value, stored: Option<&Value>) -> bool {
    match (given, stored) {
        (Value::Object(given), Some(Value::Object(stored))) => {
            given.iter().all(|(name, value)| kept(value, stored.get(name)))
        }
        (Value::Array(given), Some(Value::Array(stored))) => {
            given.len() == stored.len()
                && given.iter().zip(stored).all(|(given, stored)| kept(given, Some(stored)))
        }
        (given, stored) => stored == Some(given),
    }
}

#[cfg(test)]
mod tests;
