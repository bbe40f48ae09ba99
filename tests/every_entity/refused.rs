//! Rows that break a rule: each is refused where it breaks it, whichever way it comes, and leaves nothing behind.

use entities::schema::Entity;
use generators::fixtures::{Invalid, leads_to};
use serde_json::{Value, json};

use super::{Battery, nobody};

impl Battery<'_> {
    /// Every row that breaks a rule of the entity; or, unless `all`, of the variant alone.
    pub async fn refused(&mut self, entity: &'static Entity, variant: Option<&'static str>, all: bool) {
        let invalid = self.fixtures.invalid(entity, variant);
        let (Some(mut invalid), Some(whole)) = (self.made(invalid), self.whole(entity, variant, 0)) else {
            return;
        };
        let subschema = variant.and_then(|name| entity.subschema(name));
        if let Some(subschema) = subschema.filter(|_| !all) {
            let own = |case: &Invalid| {
                let place = &case.at[0];
                entity.field(place).is_none() || subschema.fields.iter().any(|(name, _)| name == place)
            };
            invalid.retain(own);
        }
        // The parent that a path names stands for the one in the body.
        let overridden = entity.foreign_keys().map(|(field, ..)| field).filter(|_| entity.nested_only);
        for field in overridden {
            invalid.retain(|case| case.at[0] != field);
        }
        self.parents(&whole).await;
        let collection = self.collection(entity, &whole.row);
        self.send("POST", &collection, &json!(whole.row), 201).await;
        let path = self.path_of(entity, &whole.row);
        let absent = format!("{collection}/{}", nobody());
        let before = self.api.state().await;
        let validate = format!("/schemas/{}/validate", entity.name);
        // Each goes one way, the next another; the other store begins elsewhere.
        for (way, case) in (self.first_way..).zip(&invalid) {
            let names_key = entity.primary_key.contains(&case.at[0].as_str());
            let whole = json!(case.row);
            match (way % 4, &case.field) {
                (0, _) => self.refused_at("POST", &validate, &whole, case).await,
                (1, _) if !entity.nested_only && !names_key => {
                    self.refused_at("PUT", &absent, &whole, case).await
                }
                (2, Some(field)) => {
                    self.refused_at("PATCH", &path, &json!({ field: whole[field] }), case).await
                }
                _ => self.refused_at("POST", &collection, &whole, case).await,
            }
        }
        self.unchanged(&before, "an invalid row").await;
        self.send("DELETE", &path, &Value::Null, 204).await;
    }

    async fn refused_at(&mut self, method: &str, path: &str, body: &Value, case: &Invalid) {
        let answer = self.send(method, path, body, 400).await.json();
        let elsewhere = answer["code"] == 2 && !leads_to(&answer["fields"], &case.at);
        self.check(!elsewhere, || {
            format!("{method} {path} {body}: nothing at {} ({}): {answer}", case.at.join("."), case.rule)
        });
    }
}
