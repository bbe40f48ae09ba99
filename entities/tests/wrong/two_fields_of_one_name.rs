//! Two fields of one name.

use entities::schema::types::UUID;
use entities::schema::{Entity, INTEGER, STRING};

static THINGS: Entity =
    Entity::new("things").fields(&[("id", UUID), ("name", STRING), ("name", INTEGER)]).build();

fn main() {
    println!("{}", THINGS.name);
}
