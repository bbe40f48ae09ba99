//! A check that names a field which is not declared.

use entities::schema::types::UUID;
use entities::schema::{Entity, STRING};

static THINGS: Entity = Entity::new("things")
    .fields(&[("id", UUID), ("path", STRING), ("protocol", STRING)])
    .checks(&[entities::null_if!("path", "protocl", &["tcp", "udp"])])
    .build();

fn main() {
    println!("{}", THINGS.name);
}
