//! How a plugin reaches a Redis server: the record that several plugins share, and the flat fields it once was.

use crate::schema::types::{HOST, PORT, SNI, TIMEOUT};
use crate::schema::{BOOLEAN, Field, INTEGER, Literal::*, Named, STRING, record};

#[rustfmt::skip]
pub(crate) const REDIS: Field = record(&[
    ("host",        HOST),
    ("port",        PORT.default(Int(6379))),
    ("timeout",     TIMEOUT.default(Int(2000))),
    ("username",    STRING.referenceable()
        .doc("Username to use for Redis connections. If undefined, ACL authentication won't be performed. This requires Redis v6.0.0+. To be compatible with Redis v5.x.y, you can set it to `default`.")),
    ("password",    STRING.len_min(0).referenceable().encrypted()
        .doc("Password to use for Redis connections. If undefined, no AUTH commands are sent to Redis.")),
    ("database",    INTEGER.default(Int(0))
        .doc("Database to use for the Redis connection when using the `redis` strategy")),
    ("ssl",         BOOLEAN.optional().default(Bool(false))
        .doc("If set to true, uses SSL to connect to Redis.")),
    ("ssl_verify",  BOOLEAN.optional().default(Bool(false))
        .doc("If set to true, verifies the validity of the server SSL certificate. If setting this parameter, also configure `lua_ssl_trusted_certificate` in `kong.conf` to specify the CA (or server) certificate used by your Redis server. You may also need to configure `lua_ssl_verify_depth` accordingly.")),
    ("server_name", SNI.optional()),
])
.required()
.doc("Redis configuration");

/// How many fields [`redis_with`] gives.
pub(super) const REDIS_WITH_ONE_MORE: usize = REDIS.fields().len() + 1;

/// The fields of the record, and behind them one that a plugin adds.
pub(super) const fn redis_with(more: Named) -> [Named; REDIS_WITH_ONE_MORE] {
    let mut all = [more; REDIS_WITH_ONE_MORE];
    let (mut fields, mut places) = (REDIS.fields(), all.as_mut_slice());
    while let (Some((field, other_fields)), Some((place, other_places))) =
        (fields.split_first(), places.split_first_mut())
    {
        *place = *field;
        (fields, places) = (other_fields, other_places);
    }
    all
}

/// The shorthands of a configuration whose `redis` record was once a row of fields `redis_host`, `redis_port`, …
macro_rules! redis_shorthands {
    ($plugin:literal) => {
        &[
            redis_shorthands!($plugin, "host", $crate::schema::STRING),
            redis_shorthands!($plugin, "port", $crate::schema::INTEGER),
            redis_shorthands!($plugin, "password", $crate::schema::STRING.len_min(0)),
            redis_shorthands!($plugin, "username", $crate::schema::STRING),
            redis_shorthands!($plugin, "ssl", $crate::schema::BOOLEAN),
            redis_shorthands!($plugin, "ssl_verify", $crate::schema::BOOLEAN),
            redis_shorthands!($plugin, "server_name", $crate::schema::STRING),
            redis_shorthands!($plugin, "timeout", $crate::schema::INTEGER),
            redis_shorthands!($plugin, "database", $crate::schema::INTEGER),
        ]
    };
    ($plugin:literal, $field:literal, $type:expr) => {
        $crate::moved!(
            concat!("redis_", $field),
            $type,
            &["redis", $field],
            concat!(
                $plugin,
                ": config.redis_",
                $field,
                " is deprecated, please use config.redis.",
                $field,
                " instead"
            )
        )
    };
}

pub(super) use redis_shorthands;
