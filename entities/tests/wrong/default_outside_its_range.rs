//! A default that its own field refuses.

use entities::schema::types::UUID;
use entities::schema::{Entity, INTEGER, Literal};

static THINGS: Entity = Entity::new("things")
    .fields(&[("id", UUID), ("retries", INTEGER.between(0, 10).default(Literal::Int(11)))])
    .build();

fn main() {
    println!("{}", THINGS.name);
}
