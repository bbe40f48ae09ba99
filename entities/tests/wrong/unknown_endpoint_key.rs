//! An endpoint key that is no field.

use entities::schema::types::UUID;
use entities::schema::{Entity, STRING};

static THINGS: Entity =
    Entity::new("things").endpoint_key("nmae").fields(&[("id", UUID), ("name", STRING.unique())]).build();

fn main() {
    println!("{}", THINGS.name);
}
