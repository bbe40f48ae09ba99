//! A pattern whose set never ends.

use entities::schema::types::UUID;
use entities::schema::{Entity, STRING};

static THINGS: Entity =
    Entity::new("things").fields(&[("id", UUID), ("name", STRING.matches("^[a-z"))]).build();

fn main() {
    println!("{}", THINGS.name);
}
