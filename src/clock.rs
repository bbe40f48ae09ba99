//! The time, fresh ids and fresh secrets: the one place where the program asks the world for them.

use std::time::{SystemTime, UNIX_EPOCH};

use entities::schema::{Context, Flavor};
use uuid::Uuid;

/// What a request is completed and validated with.
pub struct Circumstances {
    now_us: i64,
    flavor: Flavor,
    without_database: bool,
}

impl Circumstances {
    /// The circumstances of this moment.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks for the time; everyone else is told"
    )]
    pub fn now(flavor: Flavor, without_database: bool) -> Circumstances {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_us = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        Circumstances { now_us, flavor, without_database }
    }

    /// As rules and defaults see them.
    pub fn context(&self) -> Context<'_> {
        Context {
            now_us: self.now_us,
            new_id: &Uuid::new_v4,
            new_secret: &secret,
            router_flavor: self.flavor,
            without_database: self.without_database,
        }
    }
}

/// Now, in whole seconds since 1970.
pub fn now() -> i64 {
    Circumstances::now(Flavor::default(), false).context().now()
}

/// Forty-four letters and digits, for a key that a declaration leaves to the node.
pub fn long_secret() -> String {
    let both = secret() + &secret();
    both.chars().take(44).collect()
}

/// Random bytes, for keys and nonces.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(randomness()).for_each(|(byte, random)| *byte = random);
    bytes
}

/// Bytes from the operating system's source of randomness, without an end.
fn randomness() -> impl Iterator<Item = u8> {
    // A version 4 UUID fixes six of its bits; those bytes are left out.
    let bytes = |id: Uuid| id.into_bytes().into_iter().enumerate().filter(|(i, _)| *i != 6 && *i != 8);
    std::iter::repeat_with(Uuid::new_v4).flat_map(bytes).map(|(_, byte)| byte)
}

/// Thirty-two random letters and digits.
fn secret() -> String {
    const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzKb";
    randomness()
        .take(32)
        .filter_map(|byte| LETTERS.get(usize::from(byte % 64)))
        .map(|letter| char::from(*letter))
        .collect()
}
