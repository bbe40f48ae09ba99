//! The settings whose value is one word of a fixed few, as enums, and the names that `bundled` stands for.
//!
//! What a word makes the server do is not decided here.

/// Declares an enum together with the words that `kong.conf` uses for its variants, so that the parser, the
/// messages and the reference cannot list different words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$about])* $variant),+ }

        impl $name {
            /// Every accepted word, in the order in which messages name them.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word that stands for this value in `kong.conf` and in answers.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value that a word stands for; letter case counts, as it does in Kong.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// The least severe message that is still logged (`log_level`).
    LogLevel {
        Debug = "debug",
        Info = "info",
        Notice = "notice",
        Warn = "warn",
        Error = "error",
        Crit = "crit",
        Alert = "alert",
        Emerg = "emerg",
    }
}

words! {
    /// What a line of the log is (`log_format`).
    LogFormat {
        Text = "text",
        /// One object for each line.
        Json = "json",
    }
}

words! {
    /// Where entities are stored (`database`).
    Database {
        /// One file on this machine.
        Sqlite = "sqlite",
        /// A PostgreSQL server, which several nodes may share.
        Postgres = "postgres",
        /// Memory only, filled from a declarative configuration.
        Off = "off",
    }
}

words! {
    /// Which route fields exist and how regular expressions in paths are judged (`router_flavor`).
    RouterFlavor {
        TraditionalCompatible = "traditional_compatible",
        Traditional = "traditional",
        Expressions = "expressions",
    }
}

words! {
    /// The part that this node plays in a hybrid deployment (`role`).
    Role {
        Traditional = "traditional",
        ControlPlane = "control_plane",
        DataPlane = "data_plane",
    }
}

words! {
    /// The set of features that the node reports to its clients (`edition`).
    Edition {
        Community = "community",
        /// Fields, choices and entities of the Enterprise edition are known, too.
        Enterprise = "enterprise",
    }
}

/// The plugins that the word `bundled` stands for in `plugins`, as of Kong 3.10.
pub const BUNDLED_PLUGINS: &[&str] = &[
    "jwt",
    "acl",
    "correlation-id",
    "cors",
    "oauth2",
    "tcp-log",
    "udp-log",
    "file-log",
    "http-log",
    "key-auth",
    "hmac-auth",
    "basic-auth",
    "ip-restriction",
    "request-transformer",
    "response-transformer",
    "request-size-limiting",
    "rate-limiting",
    "response-ratelimiting",
    "syslog",
    "loggly",
    "datadog",
    "ldap-auth",
    "statsd",
    "bot-detection",
    "aws-lambda",
    "request-termination",
    "prometheus",
    "proxy-cache",
    "session",
    "acme",
    "grpc-gateway",
    "grpc-web",
    "pre-function",
    "post-function",
    "azure-functions",
    "zipkin",
    "opentelemetry",
    "ai-proxy",
    "ai-prompt-decorator",
    "ai-prompt-template",
    "ai-prompt-guard",
    "ai-request-transformer",
    "ai-response-transformer",
    "standard-webhooks",
    "redirect",
];

/// The vaults that the word `bundled` stands for in `vaults`, as of Kong 3.10.
pub const BUNDLED_VAULTS: &[&str] = &["env"];

/// The names that a list such as `plugins` selects: `bundled` is replaced by `bundled`'s names, a leading `off`
/// selects nothing, a later `off` is skipped, and no name appears twice.
pub(super) fn select(list: &[String], bundled: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if list.first().is_some_and(|first| first == "off") {
        return names;
    }
    for word in list.iter().filter(|word| *word != "off") {
        let chosen = if word == "bundled" { bundled } else { &[word.as_str()] };
        for name in chosen {
            if !names.iter().any(|known| known == name) {
                names.push((*name).to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn every_word_reads_back() {
        for word in LogLevel::WORDS {
            assert_eq!(LogLevel::from_word(word).map(LogLevel::word), Some(*word));
        }
        assert_eq!(Database::from_word("Postgres"), None);
    }

    #[test]
    fn bundled_and_off() {
        assert!(select(&list(&["off", "cors"]), BUNDLED_PLUGINS).is_empty());
        assert!(select(&[], BUNDLED_PLUGINS).is_empty());
        assert_eq!(select(&list(&["mine", "off", "mine"]), BUNDLED_PLUGINS), ["mine"]);
        let both = select(&list(&["bundled", "cors", "mine"]), BUNDLED_PLUGINS);
        assert_eq!(both.len(), BUNDLED_PLUGINS.len() + 1);
        assert_eq!(both.last().map(String::as_str), Some("mine"));
    }
}
