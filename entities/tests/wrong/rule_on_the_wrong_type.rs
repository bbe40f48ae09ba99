//! A rule for lists on a string.

use entities::schema::types::UUID;
use entities::schema::{Entity, Literal, STRING};

static THINGS: Entity = Entity::new("things")
    .fields(&[("id", UUID), ("name", STRING.contains(Literal::Str("x")))])
    .build();

fn main() {
    println!("{}", THINGS.name);
}
