//! Rows in memory, rendered, with everything by which they are found: ids, unique values, references, tags.
//!
//! Rows of different workspaces are held apart. Many rows are put in their places at once, which is cheaper than one
//! by one. Who may look at them, and when, is `mirror.rs`' business.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound::{self, Excluded, Included, Unbounded};
use std::ops::Range;

use bytes::Bytes;
use entities::schema::{Declarations, Entity, Row};
use generators::operations::{Key, Page, Scope, Tags, reference};
use generators::output;
use generators::sql::EXPIRY;
use serde_json::Value;
use uuid::Uuid;

use super::session::Change;

/// The rows of every entity whose rows are known by a UUID.
pub struct Rows {
    /// By workspace, each with its rows by entity; rows that belong to none stand under the nil UUID.
    spaces: HashMap<Uuid, HashMap<&'static str, Collection>>,
    /// The entities whose rows are held.
    held: HashSet<&'static str>,
    /// What a workspace has of an entity of which it has nothing.
    nothing: Box<Collection>,
    /// Grows with every change.
    version: u64,
    count: usize,
    /// Whether a page that is exactly full says that it goes on, as Kong without a database does.
    pub(super) open_ended: bool,
}

/// The rows that a workspace has of one entity.
#[derive(Default)]
pub struct Collection {
    pub(super) rows: BTreeMap<Uuid, Bytes>,
    unique: HashMap<&'static str, HashMap<Box<str>, Uuid>>,
    /// By field: whom a row refers to, and the row.
    children: HashMap<&'static str, BTreeSet<(Uuid, Uuid)>>,
    tags: HashMap<Box<str>, BTreeSet<Uuid>>,
    /// When rows are gone, in milliseconds since 1970.
    expiring: HashMap<Uuid, i64>,
    /// That of the rows, after the last change of the collection.
    pub(super) version: u64,
}

/// A row on its way into memory.
pub struct Entry {
    pub entity: &'static Entity,
    pub id: Uuid,
    /// The row, rendered.
    json: Bytes,
    /// Where the row stands in a text that is not complete yet.
    place: Option<Range<usize>>,
    unique: Vec<(&'static str, Option<Box<str>>)>,
    parents: Vec<(&'static str, Uuid)>,
    tags: Vec<Box<str>>,
    expires_at: Option<i64>,
}

/// A part of a collection: the rows, and the id behind which it goes on.
#[derive(Debug, Default)]
pub struct Slice {
    pub rows: Vec<Bytes>,
    pub goes_on_after: Option<String>,
    /// The version of the collection, where rows in memory answered.
    pub version: Option<u64>,
}

impl Slice {
    pub(super) fn fill<'a>(
        &mut self,
        size: usize,
        open_ended: bool,
        rows: impl Iterator<Item = (Uuid, &'a Bytes)>,
    ) {
        let mut last = None;
        for (id, row) in rows {
            if self.rows.len() == size {
                self.goes_on_after = last.map(|id: Uuid| id.to_string());
                return;
            }
            self.rows.push(row.clone());
            last = Some(id);
        }
        if open_ended && self.rows.len() == size {
            self.goes_on_after = last.map(|id| id.to_string());
        }
    }
}

impl Rows {
    /// No rows yet.
    pub fn new(declarations: &Declarations) -> Rows {
        Rows::of(declarations.entities().filter(|entity| entity.stored && is_mirrored(entity)), false)
    }

    /// No rows yet, of a store that has no other place for them: rows that expire are held, too.
    pub fn alone(declarations: &Declarations) -> Rows {
        Rows::of(declarations.entities().filter(|entity| entity.stored && entity.has_uuid()), true)
    }

    fn of(held: impl Iterator<Item = &'static Entity>, open_ended: bool) -> Rows {
        Rows {
            spaces: HashMap::new(),
            held: held.map(|entity| entity.name).collect(),
            nothing: Box::default(),
            version: 0,
            count: 0,
            open_ended,
        }
    }

    /// Begins to count versions at a number that no rows before these had.
    pub fn begin(&mut self, version: u64) {
        self.version = version;
        self.nothing.version = version;
        let collections = self.spaces.values_mut().flat_map(HashMap::values_mut);
        collections.for_each(|collection| collection.version = version);
    }

    /// The rows that a workspace has of an entity. `None`: such rows, or those of every workspace at once, are not to be
    /// had here.
    fn collection(&self, scope: Scope, entity: &Entity) -> Option<&Collection> {
        let space = match scope {
            _ if !entity.workspaceable => Uuid::nil(),
            Scope::Workspace(id) => id,
            Scope::Every => return None,
        };
        match self.spaces.get(&space).and_then(|space| space.get(entity.name)) {
            None => self.held.contains(entity.name).then_some(&self.nothing),
            found => found,
        }
    }

    /// The rows of an entity, unless some of them expire: those must be looked at one by one.
    pub(super) fn lasting(&self, scope: Scope, entity: &Entity) -> Option<&Collection> {
        self.collection(scope, entity).filter(|collection| collection.expiring.is_empty())
    }

    /// The row of a key, as it was held, and when it is gone.
    pub fn row(&self, scope: Scope, entity: &Entity, key: &Key) -> Option<(Bytes, Option<i64>)> {
        let collection = self.collection(scope, entity)?;
        let id = collection.id(key)??;
        Some((collection.rows.get(&id)?.clone(), collection.expiring.get(&id).copied()))
    }

    /// Rows behind an id, or those of them that refer to a row.
    pub fn rows(&self, scope: Scope, entity: &Entity, page: &Page) -> Vec<(Bytes, Option<i64>)> {
        let Some(collection) = self.collection(scope, entity) else { return Vec::new() };
        let after = page.after.as_deref().and_then(|id| Uuid::parse_str(id).ok());
        let tagged = page.tags.as_ref().map(|tags| collection.tagged(tags, Unbounded, usize::MAX));
        let wanted = |id: &Uuid| {
            after.is_none_or(|after| *id > after)
                && tagged.as_ref().is_none_or(|tagged| tagged.binary_search(id).is_ok())
        };
        let found =
            |id: &Uuid| Some((collection.rows.get(id)?.clone(), collection.expiring.get(id).copied()));
        match &page.within {
            None => collection.rows.keys().filter(|id| wanted(id)).filter_map(found).collect(),
            Some((field, parent)) => {
                let Ok(parent) = Uuid::parse_str(parent) else { return Vec::new() };
                let ids = collection.children(field, parent, Unbounded);
                ids.filter(wanted).filter_map(|id| found(&id)).collect()
            }
        }
    }

    /// Rows that carry a tag, or any, behind an id: entity, id and row, in the order of ids.
    pub fn tagged(
        &self,
        scope: Scope,
        tag: Option<&str>,
        from: Option<Uuid>,
    ) -> Vec<(&'static str, Uuid, Bytes)> {
        let mut found = Vec::new();
        let is_seen = |space: &Uuid| space.is_nil() || scope == Scope::Workspace(*space);
        let seen = self.spaces.iter().filter(|(space, _)| is_seen(space));
        for (entity, collection) in seen.flat_map(|(_, space)| space) {
            let sets = collection.tags.iter().filter(|(name, _)| tag.is_none_or(|tag| tag == &***name));
            let ids: BTreeSet<_> =
                sets.flat_map(|(_, ids)| ids).filter(|id| from.is_none_or(|from| **id >= from)).collect();
            found.extend(
                ids.into_iter().filter_map(|id| Some((*entity, *id, collection.rows.get(id)?.clone()))),
            );
        }
        found.sort_by_key(|(_, id, _)| *id);
        found
    }

    pub fn expire(&mut self, entity: &'static Entity, now_ms: i64) {
        for collection in self.spaces.values_mut().filter_map(|space| space.get_mut(entity.name)) {
            let over = collection.expiring.iter().filter(|(_, at)| **at <= now_ms);
            for id in over.map(|(id, _)| *id).collect::<Vec<_>>() {
                let json = collection.rows.remove(&id);
                if let Some(row) = json.and_then(|json| serde_json::from_slice(&json).ok()) {
                    collection.forget(Entry::of(entity, id, &row));
                    self.count -= 1;
                }
                collection.expiring.remove(&id);
                self.version += 1;
                collection.version = self.version;
            }
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Takes over a change.
    pub fn apply(&mut self, change: &Change) {
        let entity = change.entity;
        if !self.held.contains(entity.name) {
            return;
        }
        let Ok(id) = Uuid::parse_str(&change.id) else { return };
        let collection = self.changing(entity, change.workspace);
        let mut count = 0;
        if let Some(before) = &change.before {
            collection.forget(Entry::of(entity, id, before));
            count -= isize::from(collection.rows.remove(&id).is_some());
        }
        if let Some(after) = &change.after {
            count += isize::from(collection.learn(Entry::rendered(entity, id, after)));
        }
        self.count = self.count.saturating_add_signed(count);
        if change.after.is_none() && entity.default_workspace.is_some() {
            // A workspace that goes is empty.
            self.spaces.remove(&id);
        }
    }

    /// Puts the first rows of an entity in their places, all at once.
    pub fn settle(&mut self, entity: &'static Entity, workspace: Option<Uuid>, entries: Vec<Entry>) {
        if self.held.contains(entity.name) {
            self.count += entries.len();
            self.changing(entity, workspace).settle(entries);
        }
    }

    /// A collection that changes.
    fn changing(&mut self, entity: &'static Entity, workspace: Option<Uuid>) -> &mut Collection {
        self.version += 1;
        let space = self.spaces.entry(workspace.unwrap_or_default()).or_default();
        let collection = space.entry(entity.name).or_default();
        collection.version = self.version;
        collection
    }
}

/// Whether rows of an entity are held: those with one UUID as their key, which do not expire.
fn is_mirrored(entity: &Entity) -> bool {
    entity.has_uuid() && !entity.ttl
}

impl Collection {
    /// The id of a key's row. The outer `None`: not known here.
    pub(super) fn id(&self, key: &Key) -> Option<Option<Uuid>> {
        match key {
            Key::Primary(id) => Some(Uuid::parse_str(id).ok()),
            Key::Unique { field, value } => Some(self.unique.get(field)?.get(value.as_str()).copied()),
            Key::Within { .. } => None,
        }
    }

    /// The rows that refer to a row through a field, behind an id.
    pub(super) fn children(
        &self,
        field: &str,
        parent: Uuid,
        after: Bound<Uuid>,
    ) -> impl Iterator<Item = Uuid> {
        let first = match after {
            Included(id) => Included((parent, id)),
            Excluded(id) => Excluded((parent, id)),
            Unbounded => Included((parent, Uuid::nil())),
        };
        let pairs =
            self.children.get(field).map(|pairs| pairs.range((first, Included((parent, Uuid::max())))));
        pairs.into_iter().flatten().map(|(_, child)| *child)
    }

    /// Whether a row refers to another through a field.
    pub(super) fn is_child(&self, field: &str, parent: Uuid, id: Uuid) -> bool {
        self.children.get(field).is_some_and(|pairs| pairs.contains(&(parent, id)))
    }

    /// Takes a row over. Whether its id is new.
    fn learn(&mut self, entry: Entry) -> bool {
        let id = entry.id;
        for (field, text) in entry.unique {
            self.unique.entry(field).or_default().extend(text.map(|text| (text, id)));
        }
        for (field, parent) in entry.parents {
            self.children.entry(field).or_default().insert((parent, id));
        }
        for tag in entry.tags {
            self.tags.entry(tag).or_default().insert(id);
        }
        if let Some(at) = entry.expires_at {
            self.expiring.insert(id, at);
        }
        self.rows.insert(id, entry.json).is_none()
    }

    /// Takes many rows over, where there are none yet.
    fn settle(&mut self, mut entries: Vec<Entry>) {
        entries.sort_unstable_by_key(|entry| entry.id);
        let mut children: HashMap<&'static str, Vec<(Uuid, Uuid)>> = HashMap::new();
        let mut tags: HashMap<Box<str>, Vec<Uuid>> = HashMap::new();
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            let id = entry.id;
            for (field, text) in entry.unique {
                self.unique.entry(field).or_default().extend(text.map(|text| (text, id)));
            }
            for (field, parent) in entry.parents {
                children.entry(field).or_default().push((parent, id));
            }
            for tag in entry.tags {
                tags.entry(tag).or_default().push(id);
            }
            self.expiring.extend(entry.expires_at.map(|at| (id, at)));
            rows.push((id, entry.json));
        }
        // Trees that are made of sorted lists are dense.
        self.rows = rows.into_iter().collect();
        self.children =
            children.into_iter().map(|(field, pairs)| (field, pairs.into_iter().collect())).collect();
        self.tags = tags.into_iter().map(|(tag, ids)| (tag, ids.into_iter().collect())).collect();
    }

    fn forget(&mut self, entry: Entry) {
        let id = entry.id;
        for (field, text) in entry.unique {
            if let (Some(known), Some(text)) = (self.unique.get_mut(field), text)
                && known.get(&text) == Some(&id)
            {
                known.remove(&text);
            }
        }
        for (field, parent) in entry.parents {
            if let Some(pairs) = self.children.get_mut(field) {
                pairs.remove(&(parent, id));
            }
        }
        for tag in entry.tags {
            if let Some(ids) = self.tags.get_mut(&tag) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.tags.remove(&tag);
                }
            }
        }
    }

    /// The ids of the first rows that carry the tags, in order.
    pub(super) fn tagged(&self, tags: &Tags, after: Bound<Uuid>, limit: usize) -> Vec<Uuid> {
        let sets: Vec<_> = tags.names.iter().map(|name| self.tags.get(name.as_str())).collect();
        if tags.all {
            let Some(mut sets) = sets.into_iter().collect::<Option<Vec<_>>>() else { return Vec::new() };
            sets.sort_by_key(|set| set.len());
            let Some((smallest, rest)) = sets.split_first() else { return Vec::new() };
            let ids = smallest.range((after, Unbounded));
            return ids.filter(|id| rest.iter().all(|set| set.contains(id))).take(limit).copied().collect();
        }
        let any: BTreeSet<Uuid> = sets
            .into_iter()
            .flatten()
            .flat_map(|set| set.range((after, Unbounded)).take(limit))
            .copied()
            .collect();
        any.into_iter().take(limit).collect()
    }
}

impl Entry {
    /// What a row is found by.
    pub fn of(entity: &'static Entity, id: Uuid, row: &Row) -> Entry {
        let (mut unique, mut parents) = (Vec::new(), Vec::new());
        for (name, field) in entity.fields {
            match field.foreign() {
                Some(parent) => {
                    let value = row.get(*name).unwrap_or(&Value::Null);
                    let parent = reference(value, parent).and_then(|id| Uuid::parse_str(&id).ok());
                    parents.extend(parent.map(|parent| (*name, parent)));
                }
                None if field.is_unique() => {
                    let text = row.get(*name).and_then(Value::as_str);
                    unique.push((*name, text.map(Box::from)));
                }
                None => {}
            }
        }
        let tags = row.get("tags").and_then(Value::as_array).into_iter().flatten();
        let tags = tags.filter_map(Value::as_str).map(Box::from).collect();
        let expires_at = row.get(EXPIRY).and_then(Value::as_i64);
        Entry { entity, id, json: Bytes::new(), place: None, unique, parents, tags, expires_at }
    }

    /// The same with the row itself.
    pub fn rendered(entity: &'static Entity, id: Uuid, row: &Row) -> Entry {
        Entry { json: output::render(entity, row).into(), ..Entry::of(entity, id, row) }
    }

    /// Notes where the row stands in a text that is shared later, unless it has bytes of its own.
    pub fn stands_at(&mut self, place: Range<usize>) {
        self.place = Some(place).filter(|_| self.json.is_empty());
    }

    /// Takes the row's bytes from the text that it stands in.
    pub(super) fn share(&mut self, text: &Bytes) {
        if let Some(place) = self.place.take().filter(|place| place.end <= text.len()) {
            self.json = text.slice(place);
        }
    }
}
