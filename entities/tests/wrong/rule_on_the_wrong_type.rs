//! A rule for numbers on a string.

use entities::schema::types::UUID;
use entities::schema::{Entity, STRING};

static THINGS: Entity = Entity::new("things").fields(&[("id", UUID), ("seen", STRING.timestamp())]).build();

fn main() {
    println!("{}", THINGS.name);
}
