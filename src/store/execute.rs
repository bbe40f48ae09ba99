//! Operations carried out: every write of the Admin API, within one transaction.
//!
//! The order of steps is Kong's (`kong/db/dao/init.lua`, `kong/api/endpoints.lua`), since it decides which error a
//! client sees. What needs no database (completion, validation, merging) is asked of the generators.

use entities::schema::{Context, Declarations, Entity, Row, Violations};
use generators::complete::{Verb, complete, merge, rewrite, transform};
use generators::errors::{Error, Unresolved};
use generators::graph::Graph;
use generators::operations::{
    Action, Key, Operation, expiry, id_of, key, primary, reference, seconds_left, take_ttl, unique,
};
use generators::routes::Place;
use generators::sql::EXPIRY;
use generators::validate::{Candidate, immutable, primary_key, validate, validate_value};
use generators::{input, listings};
use serde_json::Value;

use super::conversation::{Conversation, permit, permit_deletion};
use super::failure::{Failure, NOT_FOUND};
use super::parts::{declared, keeps_name, shares_value, stored};

/// One operation in one transaction.
pub struct Execution<'a, S> {
    pub session: &'a mut S,
    pub declarations: &'a Declarations,
    pub graph: &'a Graph,
    pub context: &'a Context<'a>,
}

impl<S: Conversation> Execution<'_, S> {
    /// Carries out an operation, up to what is gathered and not sent yet.
    pub(super) async fn carry_out(&mut self, operation: Operation) -> Result<Option<Row>, Failure> {
        let Operation { action, place, parameters, row, textual } = operation;
        let segment = |i: usize| parameters.get(i).map_or("", String::as_str);
        let given = Given { row, textual };
        match (place, action) {
            (Place::Collection(entity), Action::Expire) => self.expire(entity).await.map(|()| None),
            (Place::Collection(entity), Action::Create) => self.insert(entity, given).await.map(Some),
            (Place::Item(entity), action) => self.item(entity, segment(0), action, given).await,
            (Place::Children { parent, child, field }, Action::Create) => {
                let above = self.must_find(parent, segment(0), Some(child)).await?;
                self.insert(child, given.with(field, key_row(parent, &above))).await.map(Some)
            }
            (Place::Child { parent, child, field }, action) => {
                let above = self.must_find(parent, segment(0), Some(child)).await?;
                self.child(Below { parent, child, field, above }, segment(1), action, given).await
            }
            (Place::Parent { child, parent, field }, action) => {
                let below = self.must_find(child, segment(0), None).await?;
                self.parent(child, parent, field, below, action, given).await
            }
            _ => Err(Failure::NotAllowed),
        }
    }

    /// The key that a path's segment stands for, through another entity's where the declaration says so.
    async fn key_of(&mut self, entity: &'static Entity, segment: &str) -> Result<Option<Key>, Failure> {
        match self.through(entity, segment).await? {
            Through::Own => Ok(Some(key(entity, segment, self.context)?)),
            Through::Led(id) => Ok(Some(Key::Primary(id))),
            Through::Nowhere => Ok(None),
        }
    }

    /// Where a name of another entity leads.
    async fn through(&mut self, entity: &'static Entity, segment: &str) -> Result<Through, Failure> {
        let Some((name, _)) = entity.reached_through else { return Ok(Through::Own) };
        let Some(other) = self.declarations.entity(name) else { return Ok(Through::Own) };
        if generators::validate::is_uuid(segment) {
            return Ok(Through::Own);
        }
        let found = self.session.get(other, &key(other, segment, self.context)?).await?;
        Ok(match found.and_then(|row| reference_to(other, entity, &row)) {
            Some(id) => Through::Led(id),
            None => Through::Nowhere,
        })
    }

    /// The row of a path's segment, or 404. `below` is the child through which the parent is looked at: a name that
    /// leads to the parent is known on its own path and below it for the rows that lead there.
    async fn must_find(
        &mut self,
        entity: &'static Entity,
        segment: &str,
        below: Option<&'static Entity>,
    ) -> Result<Row, Failure> {
        let led = entity.reached_through.filter(|(name, _)| below.is_some_and(|below| below.name == *name));
        let key = match led {
            Some((_, sentence)) => self.key_of(entity, segment).await?.ok_or(Failure::Absent(sentence))?,
            None => key(entity, segment, self.context)?,
        };
        self.session.get(entity, &key).await?.ok_or(Failure::Absent(NOT_FOUND))
    }

    /// `/services/{services}`
    async fn item(
        &mut self,
        entity: &'static Entity,
        segment: &str,
        action: Action,
        mut given: Given,
    ) -> Result<Option<Row>, Failure> {
        let key = self.key_of(entity, segment).await;
        let key = match (key, entity.reached_through) {
            (Ok(Some(key)), _) => key,
            // A PUT to a name that leads nowhere makes a new row.
            (Ok(None), Some(_)) if action == Action::Replace => {
                Key::Primary((self.context.new_id)().to_string())
            }
            (Ok(None), reached) => {
                return Err(Failure::Absent(reached.map_or(NOT_FOUND, |(_, sentence)| sentence)));
            }
            (Err(failure), _) => return Err(failure),
        };
        if let Some((name, _, _)) = entity.listing() {
            let own = entity.reached_through.is_some() && !generators::validate::is_uuid(segment);
            listings::of_item(&mut given.row, name, own.then_some(segment), action == Action::Replace);
        }
        match action {
            Action::Create | Action::Expire | Action::Write => Err(Failure::NotAllowed),
            Action::Replace => self.upsert(entity, key, given).await.map(Some),
            Action::Update => self.update(entity, key, given).await.map(Some),
            Action::Delete => {
                if let Some(row) = self.session.get(entity, &key).await? {
                    permit_deletion(self.session, self.declarations, entity, &row, &key).await?;
                    self.delete(entity, row).await?;
                }
                Ok(None)
            }
        }
    }

    /// `/services/{services}/routes/{routes}`
    async fn child(
        &mut self,
        below: Below,
        segment: &str,
        action: Action,
        given: Given,
    ) -> Result<Option<Row>, Failure> {
        let Below { parent, child, field, above } = below;
        let above_id = id_of(parent, &above).unwrap_or_default();
        let mut key = below_key(child, field, &above_id, segment, self.context)?;
        let mut given = given;
        if action == Action::Replace
            && let (Some(name), Key::Within { value, .. }) = (child.key_below, &key)
        {
            // The name in the path says which row is meant; the row may get another one from the body.
            if given.row.get(name).is_none_or(|given| *given == Value::Bool(false)) {
                given.row.insert(name.to_owned(), Value::from(value.as_str()));
            }
            let id = self.session.get(child, &key).await?.and_then(|row| id_of(child, &row));
            key = Key::Primary(id.unwrap_or_else(|| (self.context.new_id)().to_string()));
        }
        if action == Action::Replace && !child.nested_only {
            return self.upsert(child, key, given.with(field, key_row(parent, &above))).await.map(Some);
        }
        let stored = self.session.get(child, &key).await?.filter(|row| {
            row.get(field).and_then(|value| reference(value, parent)).as_deref() == Some(above_id.as_str())
        });
        let stored = stored.ok_or_else(|| absent_below(child, &key))?;
        match action {
            Action::Delete => {
                permit_deletion(self.session, self.declarations, child, &stored, &key).await?;
                self.delete(child, stored).await.map(|()| None)
            }
            _ => {
                let given = match given.row.get(field) {
                    Some(value) if *value != Value::Bool(false) => given,
                    _ => given.with(field, key_row(parent, &above)),
                };
                let key = match key {
                    Key::Within { .. } => Key::Primary(id_of(child, &stored).unwrap_or_default()),
                    key => key,
                };
                self.update(child, key, given).await.map(Some)
            }
        }
    }

    /// `/routes/{routes}/service`
    async fn parent(
        &mut self,
        child: &'static Entity,
        parent: &'static Entity,
        field: &'static str,
        below: Row,
        action: Action,
        given: Given,
    ) -> Result<Option<Row>, Failure> {
        let above = below.get(field).and_then(|value| reference(value, parent));
        match (action, above) {
            (Action::Replace, Some(id)) => self.upsert(parent, Key::Primary(id), given).await.map(Some),
            (Action::Replace, None) => {
                let id = (self.context.new_id)().to_string();
                let row = self.upsert(parent, Key::Primary(id), given).await?;
                let link = Row::from_iter([(field.to_owned(), Value::Object(key_row(parent, &row)))]);
                let key = Key::Primary(id_of(child, &below).unwrap_or_default());
                self.update(child, key, Given { row: link, textual: false }).await?;
                Ok(Some(row))
            }
            (_, None) => Err(Failure::Absent(NOT_FOUND)),
            (Action::Update, Some(id)) => self.update(parent, Key::Primary(id), given).await.map(Some),
            _ => Err(Failure::NotAllowed),
        }
    }

    async fn insert(&mut self, entity: &'static Entity, given: Given) -> Result<Row, Failure> {
        let mut given = given.inferred(entity);
        let ttl = take_ttl(entity, &mut given)?;
        self.expire(entity).await?;
        let listed = self.listed(entity, &given, None).await?;
        normalize(entity, &mut given)?;
        let row = complete(entity, given.clone(), Verb::Insert, self.context)?;
        let row = self.valid(entity, row, &given, None, Verb::Insert).await?;
        // A null key is no key; the database would say so in words of its own.
        if let Some(name) = entity.primary_key.iter().find(|name| row.get(**name).is_none_or(Value::is_null))
        {
            return Err(
                Error::PrimaryKeyViolation(Row::from_iter([((*name).to_owned(), Value::Null)])).into()
            );
        }
        permit::<S>("create", entity, None)?;
        let row = self.lasting(entity, row, ttl, None);
        self.session.insert(entity, stored(entity, &row))?;
        self.shown(entity, row, listed).await
    }

    async fn update(&mut self, entity: &'static Entity, key: Key, given: Given) -> Result<Row, Failure> {
        let mut given = given;
        if let (true, Some(name)) = (entity.keeps_subschema, entity.subschema_key)
            && given.row.get(name).is_none()
        {
            let row = self.session.get(entity, &key).await?.ok_or(Failure::Absent(NOT_FOUND))?;
            given.row.insert(name.to_owned(), row.get(name).cloned().unwrap_or_default());
        }
        let mut given = given.inferred(entity);
        let ttl = take_ttl(entity, &mut given)?;
        let id = match &key {
            Key::Primary(id) => Some(id.clone()),
            _ => self.session.get(entity, &key).await?.and_then(|row| id_of(entity, &row)),
        };
        let listed = self.listed(entity, &given, id.as_deref()).await?;
        let update = complete(entity, given.clone(), Verb::Update, self.context)?;
        let before = self.session.get(entity, &key).await?.ok_or_else(|| key.not_found(entity))?;
        immutable(entity, &update, &before).into_result()?;
        let mut row = merge(entity, &update, &declared(entity, &before));
        // The id is the path's; a valid one in the body changes nothing.
        let mut violations = primary_key(entity, &row, self.context);
        if violations.is_empty() {
            for name in entity.primary_key {
                row.insert((*name).to_owned(), before.get(*name).cloned().unwrap_or_default());
            }
        } else {
            violations = Violations::default();
        }
        violations.into_result()?;
        let row = self.valid(entity, row, &given, Some(&before), Verb::Update).await?;
        keeps_name(entity, &before, &row)?;
        permit::<S>("update", entity, Some(&key))?;
        let row = self.lasting(entity, row, ttl, Some(&before));
        let mut stored = stored(entity, &row);
        normalize(entity, &mut stored)?;
        self.session.update(entity, before, stored)?;
        self.shown(entity, row, listed).await
    }

    async fn upsert(&mut self, entity: &'static Entity, key: Key, given: Given) -> Result<Row, Failure> {
        let mut given = given.inferred(entity);
        let ttl = take_ttl(entity, &mut given)?;
        self.expire(entity).await?;
        if let Key::Primary(id) = &key {
            given.extend(primary(entity, id));
        }
        let before = self.session.get(entity, &key).await?;
        let id = before.as_ref().and_then(|row| id_of(entity, row));
        let listed = self.listed(entity, &given, id.as_deref()).await?;
        let mut row = complete(entity, given.clone(), Verb::Upsert, self.context)?;
        match &key {
            Key::Primary(id) => row.extend(primary(entity, id)),
            Key::Unique { field, value } | Key::Within { by: field, value, .. } => {
                row.insert((*field).to_owned(), Value::from(value.as_str()));
            }
        }
        let row = self.valid(entity, row, &given, None, Verb::Upsert).await?;
        permit::<S>("create or update", entity, Some(&key))?;
        let mut row = self.lasting(entity, row, ttl, None);
        match before {
            Some(before) => {
                keeps_name(entity, &before, &row)?;
                for name in entity.primary_key {
                    row.insert((*name).to_owned(), before.get(*name).cloned().unwrap_or_default());
                }
                self.session.update(entity, before, stored(entity, &row))?;
            }
            None => self.session.insert(entity, stored(entity, &row))?,
        }
        self.shown(entity, row, listed).await
    }

    /// Resolves references by name, holds the row against its declaration and runs its transformations.
    async fn valid(
        &mut self,
        entity: &'static Entity,
        row: Row,
        given: &Row,
        before: Option<&Row>,
        verb: Verb,
    ) -> Result<Row, Failure> {
        let row = self.resolve(entity, row).await?;
        let candidate = Candidate { row: &row, given, stored: before };
        validate(entity, &candidate, verb, self.context).into_result()?;
        self.agrees(entity, &row).await?;
        let row = transform(entity, row, given, self.context);
        row.map(|row| rewrite(entity, row))
            .map_err(|why| Failure::Broken(format!("transformation failed: {why}")))
    }

    /// References such as `{"name": "billing"}` become `{"id": …}`.
    async fn resolve(&mut self, entity: &'static Entity, mut row: Row) -> Result<Row, Failure> {
        let mut unresolved = Vec::new();
        for (field, _, parent) in entity.foreign_keys() {
            let parent = self.declarations.resolve(parent);
            let Some(Value::Object(value)) = row.get(field) else { continue };
            if primary_key(parent, value, self.context).is_empty() {
                let key = key_row(parent, value);
                row.insert(field.to_owned(), Value::Object(key));
                continue;
            }
            let value = value.clone();
            let mut failed = Vec::new();
            for (by, declared) in parent.unique_fields() {
                let Some(wanted) = value.get(by).filter(|wanted| !wanted.is_null()) else { continue };
                let (true, Some(text)) =
                    (validate_value(declared, wanted, self.context).is_ok(), wanted.as_str())
                else {
                    continue;
                };
                let key = unique(parent, by, text, self.context)?;
                if let Some(found) = self.session.get(parent, &key).await? {
                    row.insert(field.to_owned(), Value::Object(key_row(parent, &found)));
                    failed.clear();
                    break;
                }
                failed.push(Unresolved { field, by, value: wanted.clone(), parent: parent.name });
            }
            unresolved.append(&mut failed);
        }
        if unresolved.is_empty() { Ok(row) } else { Err(Error::ForeignKeysUnresolved(unresolved).into()) }
    }

    /// The rule that a row shares a value with the rows it hangs on, where the declaration states one.
    pub(super) async fn agrees(&mut self, entity: &'static Entity, row: &Row) -> Result<(), Failure> {
        let Some(agreement) = entity.agreement else { return Ok(()) };
        let own = row.get(agreement.field);
        for (through, across, sentence) in agreement.with {
            let Some(above) = entity.field(through).and_then(|field| field.foreign()) else { continue };
            let above = self.declarations.resolve(above);
            let Some(id) = row.get(*through).and_then(|value| reference(value, above)) else { continue };
            let others = match across {
                None => self.session.get(above, &Key::Primary(id)).await?.into_iter().collect(),
                Some((name, field)) => match self.declarations.entity(name) {
                    Some(other) => self.session.children(other, field, &id).await?,
                    None => Vec::new(),
                },
            };
            let shares = |other: &Row| shares_value(own, other.get(agreement.field));
            if !others.is_empty() && !others.iter().any(shares) {
                return Err(Error::violation(agreement.field, *sentence).into());
            }
            break;
        }
        Ok(())
    }

    /// The row with the moment at which it is gone: as the client wants it, else as it was.
    fn lasting(&self, entity: &Entity, mut row: Row, ttl: Option<i64>, before: Option<&Row>) -> Row {
        if !entity.ttl {
            return row;
        }
        let now_ms = self.context.now_ms();
        let expires_at = match ttl {
            Some(0) => None,
            Some(seconds) => Some(expiry(entity, &row, seconds, before.is_some(), now_ms)),
            None => before.and_then(|before| before.get(EXPIRY)?.as_i64()),
        };
        row.insert("ttl".to_owned(), Value::from(expires_at.map(|at| seconds_left(at, now_ms))));
        row.insert(EXPIRY.to_owned(), Value::from(expires_at));
        row
    }

    /// The names that a row is to list: known, free of doubles, and not another row's.
    async fn listed(
        &mut self,
        entity: &'static Entity,
        given: &Row,
        id: Option<&str>,
    ) -> Result<Option<Vec<String>>, Failure> {
        let Some((name, other, by)) = entity.listing() else { return Ok(None) };
        let Some(other) = self.declarations.entity(other) else { return Ok(None) };
        let Some(names) = listings::names(name, given)? else { return Ok(None) };
        for listed in &names {
            let found = self.session.get(other, &unique(other, by, listed, self.context)?).await?;
            let owner = found.and_then(|row| reference_to(other, entity, &row));
            if let Some(owner) = owner.filter(|owner| Some(owner.as_str()) != id) {
                let what = reference_field(other, entity).unwrap_or(entity.name);
                let sentence = format!("{listed} already associated with existing {what} '{owner}'");
                return Err(Error::violation(name, sentence).into());
            }
        }
        Ok(Some(names))
    }

    /// The row as the client sees it, after the rows that it lists have been written.
    async fn shown(
        &mut self,
        entity: &'static Entity,
        mut row: Row,
        listed: Option<Vec<String>>,
    ) -> Result<Row, Failure> {
        let Some((name, other, by)) = entity.listing() else { return Ok(row) };
        let (Some(other), Some(id)) = (self.declarations.entity(other), id_of(entity, &row)) else {
            return Ok(row);
        };
        let Some(field) = reference_field(other, entity) else { return Ok(row) };
        let existing = self.session.children(other, field, &id).await?;
        let name_of = |row: &Row| row.get(by).and_then(Value::as_str).unwrap_or_default().to_owned();
        let names = match listed {
            None => listings::sorted(existing.iter().map(name_of)),
            Some(names) => {
                for child in &names {
                    if !existing.iter().any(|row| name_of(row) == *child) {
                        let given = Row::from_iter([
                            (by.to_owned(), Value::from(child.as_str())),
                            (field.to_owned(), Value::Object(primary(entity, &id))),
                        ]);
                        Box::pin(self.insert(other, Given { row: given, textual: false })).await?;
                    }
                }
                for child in existing {
                    if !names.contains(&name_of(&child)) {
                        Box::pin(self.delete(other, child)).await?;
                    }
                }
                names
            }
        };
        row.insert(name.to_owned(), Value::from(names));
        Ok(row)
    }
}

/// What the client sent.
struct Given {
    row: Row,
    textual: bool,
}

impl Given {
    fn with(mut self, field: &str, key: Row) -> Given {
        self.row.insert(field.to_owned(), Value::Object(key));
        self
    }

    /// The input with its types, where it was written as text.
    fn inferred(self, entity: &'static Entity) -> Row {
        if self.textual { input::infer(self.row, entity) } else { self.row }
    }
}

/// A parent's row and the way from it to its children.
struct Below {
    parent: &'static Entity,
    child: &'static Entity,
    field: &'static str,
    above: Row,
}

enum Through {
    /// The segment is the entity's own key.
    Own,
    /// It leads to the row of this id.
    Led(String),
    Nowhere,
}

/// The key of a child below its parent. A child that lives below its parent only, or has a name only there, is
/// looked up there by that name, as written; any other name is the endpoint key's.
pub fn below_key(
    child: &'static Entity,
    field: &'static str,
    parent: &str,
    segment: &str,
    context: &Context,
) -> Result<Key, Failure> {
    match child.key_below.or(child.endpoint_key.filter(|_| child.nested_only)) {
        Some(by) if !generators::validate::is_uuid(segment) => {
            Ok(Key::Within { field, parent: parent.to_owned(), by, value: segment.to_owned() })
        }
        _ => Ok(key(child, segment, context)?),
    }
}

/// The failure for a child that is not there.
pub fn absent_below(child: &Entity, key: &Key) -> Failure {
    match key {
        Key::Within { .. } if child.key_below.is_some() => Failure::Unnamed,
        _ => Failure::Absent(NOT_FOUND),
    }
}

/// The primary key of a row, as a reference holds it.
fn key_row(entity: &Entity, row: &Row) -> Row {
    entity.primary_key.iter().filter_map(|name| Some(((*name).to_owned(), row.get(*name)?.clone()))).collect()
}

/// The field through which `child` refers to `parent`.
pub fn reference_field(child: &'static Entity, parent: &'static Entity) -> Option<&'static str> {
    child.foreign_keys().find(|(_, _, entity)| entity.name == parent.name).map(|(field, _, _)| field)
}

/// The id of the row of `parent` that a row of `child` refers to.
pub fn reference_to(child: &'static Entity, parent: &'static Entity, row: &Row) -> Option<String> {
    reference(row.get(reference_field(child, parent)?)?, parent)
}

/// Brings texts into their normal form; the first that has none is the only violation.
fn normalize(entity: &'static Entity, row: &mut Row) -> Result<(), Failure> {
    for (name, field) in entity.fields {
        let (Some(normalizer), Some(Value::String(text))) = (field.normalizer, row.get(*name)) else {
            continue;
        };
        let normal = normalizer(text).map_err(|sentence| Error::violation(name, sentence))?;
        row.insert((*name).to_owned(), Value::from(normal));
    }
    Ok(())
}
