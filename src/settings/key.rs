//! What is said of one key of the settings, and of a namespace in which any key is accepted.
//!
//! Which keys there are is the table's concern (`keys.rs`).

use super::values::Kind;

/// What a key means to this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It changes what the server does; the sentence says how.
    Acts(&'static str),
    /// It is checked and reported, and changes nothing; the sentence says why.
    Accepted(&'static str),
}

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As in `kong.conf`; the environment variable is `KONG_` and this in capitals.
    pub name: &'static str,
    /// How the value is read.
    pub kind: Kind,
    /// Written as in `kong.conf`; empty if the key has none.
    pub default: &'static str,
    /// Whether it acts here.
    pub meaning: Meaning,
    /// Whether the value is hidden in answers, messages and logs.
    pub secret: bool,
    /// Whether a new value takes effect while the node runs, when the settings are read again.
    pub reloads: bool,
    /// The keys that take this one's value unless they are set themselves: new names of an old key, and the nginx
    /// directives that a key stands for. Chains are not followed.
    pub also: &'static [&'static str],
}

impl Key {
    /// It is hidden.
    pub(super) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// It can change at run time.
    pub(super) const fn reloads(self) -> Self {
        Self { reloads: true, ..self }
    }

    /// Those keys follow it.
    pub(super) const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }
}

/// A key that acts: its name, how it is read, its default, and what it does.
pub(super) const fn acts(name: &'static str, kind: Kind, default: &'static str, how: &'static str) -> Key {
    Key { name, kind, default, meaning: Meaning::Acts(how), secret: false, reloads: false, also: &[] }
}

/// A key that does not act: its name, how it is read, its default, and why.
pub(super) const fn inert(name: &'static str, kind: Kind, default: &'static str, why: &'static str) -> Key {
    Key { name, kind, default, meaning: Meaning::Accepted(why), secret: false, reloads: false, also: &[] }
}

/// Keys whose last part is an nginx directive, or a name that the user chose, and so cannot be listed.
#[derive(Clone, Copy, Debug)]
pub struct Namespace {
    /// What the keys begin with, up to and with the last underscore.
    pub prefix: &'static str,
    /// The list in `GET /` that shows the directives of this namespace.
    pub shown_as: Option<&'static str>,
    /// Whether the values are hidden like those of a secret key.
    pub secret: bool,
}

/// A namespace of nginx directives: what they begin with, and the list that shows them.
pub(super) const fn directives(prefix: &'static str, shown_as: &'static str) -> Namespace {
    Namespace { prefix, shown_as: Some(shown_as), secret: false }
}
