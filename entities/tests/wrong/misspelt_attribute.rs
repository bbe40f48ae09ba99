//! A word that the language does not have.

use entities::schema::types::UUID;
use entities::schema::{Entity, STRING};

static THINGS: Entity = Entity::new("things").fields(&[("id", UUID), ("name", STRING.requird())]).build();

fn main() {
    println!("{}", THINGS.name);
}
