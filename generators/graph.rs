//! Who refers to whom: the reverse of the references that declarations hold.
//!
//! Deleting a row asks this graph which rows hang on it; writing a listing asks it which entity the listed rows are.

use std::collections::HashMap;

use entities::schema::{Declarations, Entity, OnDelete};

/// A field through which rows of `child` refer to a row.
#[derive(Clone, Copy)]
pub struct Referrer {
    pub child: &'static Entity,
    pub field: &'static str,
    pub on_delete: OnDelete,
}

/// A field whose elements name rows of an entity without a foreign key.
#[derive(Clone, Copy)]
pub struct Naming {
    pub entity: &'static Entity,
    pub field: &'static str,
}

/// The references among the entities of a node.
pub struct Graph {
    referrers: HashMap<&'static str, Vec<Referrer>>,
    naming: HashMap<&'static str, Vec<Naming>>,
}

impl Graph {
    /// Reads the references off the declarations.
    pub fn new(declarations: &Declarations) -> Graph {
        let mut graph = Graph { referrers: HashMap::new(), naming: HashMap::new() };
        for entity in declarations.entities().filter(|entity| entity.stored) {
            for (field, declared, parent) in entity.foreign_keys() {
                let on_delete = declared.on_delete.unwrap_or(OnDelete::Restrict);
                graph.referrers.entry(parent.name).or_default().push(Referrer {
                    child: entity,
                    field,
                    on_delete,
                });
            }
            for (field, declared) in entity.fields {
                if let Some(named) = declared.names {
                    graph.naming.entry(named).or_default().push(Naming { entity, field });
                }
            }
        }
        // The rows that an entity lists belong to it: they go when it goes.
        for entity in declarations.entities() {
            if let Some((_, listed, _)) = entity.listing() {
                for referrer in graph.referrers.entry(entity.name).or_default() {
                    if referrer.child.name == listed {
                        referrer.on_delete = OnDelete::Cascade;
                    }
                }
            }
        }
        graph
    }

    /// The fields of other entities that refer to rows of `entity`.
    pub fn referrers(&self, entity: &Entity) -> &[Referrer] {
        self.referrers_of(entity.name)
    }

    /// The fields of other entities that refer to rows of the entity of that name.
    pub fn referrers_of(&self, name: &str) -> &[Referrer] {
        self.referrers.get(name).map_or(&[], Vec::as_slice)
    }

    /// The fields of other entities that name rows of `entity`.
    pub fn naming(&self, entity: &Entity) -> &[Naming] {
        self.naming.get(entity.name).map_or(&[], Vec::as_slice)
    }
}
