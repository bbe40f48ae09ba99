//! The fields of a row that are kept encrypted: a row with each of their texts made into another. How a text is sealed or
//! opened is not known here.

use entities::schema::{Entity, Field, Row, Type};
use serde_json::Value;

/// A text of an encrypted field.
pub struct Place<'a> {
    /// The entity and the path of the field: `plugins.config.secret`.
    pub path: &'a str,
    /// Whether no other row may have the same, alone or together with other fields.
    pub unique: bool,
}

/// Whether rows of the entity have encrypted fields.
pub fn has_any(entity: &Entity) -> bool {
    let own = entity.fields.iter().map(|(_, field)| field);
    let variants = entity.subschemas.iter().flat_map(|(_, variant)| variant.fields).map(|(_, field)| field);
    own.chain(variants).any(is_or_holds)
}

fn is_or_holds(field: &Field) -> bool {
    field.encrypted
        || match field.ty {
            Type::Array(inner) | Type::Set(inner) | Type::Map(_, inner) => is_or_holds(inner),
            Type::Record(fields) => fields.iter().any(|(_, field)| is_or_holds(field)),
            _ => false,
        }
}

/// Makes each text of an encrypted field into another.
///
/// # Errors
/// The first that `make` gives; the row is then changed in part.
pub fn map<E>(
    entity: &Entity,
    row: &mut Row,
    make: &impl Fn(&Place, &str) -> Result<String, E>,
) -> Result<(), E> {
    for (name, field) in entity.fields_of(entity.subschema_of(row)) {
        if is_or_holds(field)
            && let Some(value) = row.get_mut(name)
        {
            let unique = field.is_unique() || entity.cache_key.contains(&name);
            each(field, Place { path: &format!("{}.{name}", entity.name), unique }, value, make)?;
        }
    }
    Ok(())
}

fn each<E>(
    field: &Field,
    place: Place,
    value: &mut Value,
    make: &impl Fn(&Place, &str) -> Result<String, E>,
) -> Result<(), E> {
    let Place { path, unique } = place;
    match (value, field.ty) {
        (Value::String(text), _) if field.encrypted => *text = make(&place, text)?,
        (Value::Array(list), Type::Array(inner) | Type::Set(inner)) => {
            let inner = Field { encrypted: field.encrypted || inner.encrypted, ..*inner };
            list.iter_mut().try_for_each(|item| each(&inner, Place { path, unique }, item, make))?;
        }
        (Value::Object(map), Type::Map(_, inner)) => {
            let inner = Field { encrypted: field.encrypted || inner.encrypted, ..*inner };
            map.values_mut().try_for_each(|item| each(&inner, Place { path, unique }, item, make))?;
        }
        (Value::Object(map), Type::Record(fields)) => {
            for (name, inner) in fields {
                if let Some(item) = map.get_mut(*name) {
                    each(inner, Place { path: &format!("{path}.{name}"), unique }, item, make)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use entities::schema::types::UUID;
    use entities::schema::{STRING, array, map as table, record};
    use serde_json::json;

    use super::*;

    static THINGS: Entity = Entity::new("things")
        .fields(&[
            ("id", UUID),
            ("plain", STRING),
            ("key", STRING.unique().encrypted()),
            ("many", array(&STRING.encrypted())),
            (
                "config",
                record(&[("deep", table(&STRING, &STRING.encrypted())), ("other", STRING)]).required(),
            ),
        ])
        .build();

    #[test]
    fn only_encrypted_fields_are_made_into_others() {
        let row = json!({
            "id": "i", "plain": "p", "key": "k", "many": ["a", "b"],
            "config": {"deep": {"x": "y"}, "other": "o"}, "unknown": "u",
        });
        let mut row = row.as_object().cloned().unwrap();
        let make = |place: &Place, text: &str| {
            Ok::<_, ()>(format!("{}{}:{text}", if place.unique { "!" } else { "" }, place.path))
        };
        map(&THINGS, &mut row, &make).unwrap();
        assert_eq!(
            Value::Object(row),
            json!({
                "id": "i", "plain": "p", "key": "!things.key:k", "many": ["things.many:a", "things.many:b"],
                "config": {"deep": {"x": "things.config.deep:y"}, "other": "o"}, "unknown": "u",
            })
        );
        assert!(has_any(&THINGS));
    }
}
