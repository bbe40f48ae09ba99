//! Deleting a row: what hangs on it goes before it, or holds it back.

use entities::schema::{Entity, OnDelete, Row};
use generators::errors::Error;
use generators::operations::{Scope, id_of};
use serde_json::Value;
use uuid::Uuid;

use super::conversation::Conversation;
use super::execute::Execution;
use super::failure::Failure;

impl<S: Conversation> Execution<'_, S> {
    /// Deletes the rows of an entity whose time is over, in whichever workspace they are.
    pub(super) async fn expire(&mut self, entity: &'static Entity) -> Result<(), Failure> {
        if !entity.ttl {
            return Ok(());
        }
        let scope = self.session.turn_to(Scope::Every);
        let expired = self.delete_expired(entity).await;
        self.session.turn_to(scope);
        expired
    }

    async fn delete_expired(&mut self, entity: &'static Entity) -> Result<(), Failure> {
        for row in self.session.expired(entity).await? {
            self.delete(entity, row).await?;
        }
        Ok(())
    }

    /// Deletes a row and what hangs on it, or refuses because something would hang in the air.
    pub(super) async fn delete(&mut self, entity: &'static Entity, row: Row) -> Result<(), Failure> {
        let Some(id) = id_of(entity, &row) else { return Ok(()) };
        if entity.default_workspace.is_some() {
            self.is_empty(entity, &id).await?;
        }
        if entity.workspaceable {
            self.cut_loose(entity, &id).await?;
        } else {
            // What belongs to no workspace may be referred to from each.
            let scope = self.session.turn_to(Scope::Every);
            let cut = self.cut_loose(entity, &id).await;
            self.session.turn_to(scope);
            cut?;
        }
        self.session.delete(entity, row)
    }

    /// Deletes what hangs on a row, or refuses.
    async fn cut_loose(&mut self, entity: &'static Entity, id: &str) -> Result<(), Failure> {
        for naming in self.graph.naming(entity) {
            if let Some(found) = self.session.naming(naming.entity, naming.field, id).await? {
                let what = entity.name.strip_suffix('s').unwrap_or(entity.name).replace('_', " ");
                let by = id_of(naming.entity, &found).unwrap_or_default();
                let name = naming.entity.name;
                let sentence = format!("{what} {id} is still referenced by {name} (id = {by})");
                return Err(Error::ReferencedByOthers(sentence).into());
            }
        }
        for referrer in self.graph.referrers(entity) {
            let children = self.session.children(referrer.child, referrer.field, id).await?;
            for child in children {
                match referrer.on_delete {
                    OnDelete::Restrict => {
                        let (parent, child) = (entity.name, referrer.child.name);
                        return Err(Error::StillReferenced { parent, child }.into());
                    }
                    OnDelete::Cascade => Box::pin(self.delete(referrer.child, child)).await?,
                    OnDelete::Null => {
                        let mut loose = child.clone();
                        loose.insert(referrer.field.to_owned(), Value::Null);
                        self.session.update(referrer.child, child, loose)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Refuses to delete a workspace that has rows, or that must always be there.
    async fn is_empty(&mut self, workspaces: &'static Entity, id: &str) -> Result<(), Failure> {
        let Ok(id) = Uuid::parse_str(id) else { return Ok(()) };
        if workspaces.default_workspace.is_some_and(|default| default.id == id) {
            let name = workspaces.endpoint_key.unwrap_or("id");
            return Err(Error::violation(name, "the default workspace cannot be deleted").into());
        }
        let scope = self.session.turn_to(Scope::Workspace(id));
        let mut found = Ok(None);
        for entity in self.declarations.entities().filter(|entity| entity.stored && entity.workspaceable) {
            match self.session.any(entity).await {
                Ok(false) => continue,
                Ok(true) => found = Ok(Some(entity)),
                Err(failure) => found = Err(failure),
            }
            break;
        }
        self.session.turn_to(scope);
        match found? {
            Some(child) => Err(Error::StillReferenced { parent: workspaces.name, child: child.name }.into()),
            None => Ok(()),
        }
    }
}
