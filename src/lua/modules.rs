//! The modules that a script can require: those of Kong and its libraries that schemas are known to use, written anew
//! for what a schema needs of them.

/// A module's name and its text.
type Module = (&'static str, &'static str);

macro_rules! modules {
    ($($name:literal from $file:literal,)*) => { &[$(($name, include_str!(concat!("modules/", $file)))),*] };
}

/// The globals, and what is taken away from them.
pub const SANDBOX: &str = include_str!("modules/sandbox.lua");

/// The embedded modules.
#[rustfmt::skip]
const MODULES: &[Module] = modules! {
    "cjson"                                         from "cjson.lua",
    "cjson.safe"                                    from "cjson.lua",
    "kong.constants"                                from "kong.constants.lua",
    "kong.db.errors"                                from "kong.db.errors.lua",
    "kong.db.schema"                                from "kong.db.schema.lua",
    "kong.db.schema.typedefs"                       from "kong.db.schema.typedefs.lua",
    "kong.deprecation"                              from "kong.deprecation.lua",
    "kong.meta"                                     from "kong.meta.lua",
    "kong.observability.tracing.propagation.schema" from "shared_type.lua",
    "kong.tools.cjson"                              from "cjson.lua",
    "kong.tools.http"                               from "kong.tools.http.lua",
    "kong.tools.ip"                                 from "kong.tools.ip.lua",
    "kong.tools.module"                             from "kong.tools.module.lua",
    "kong.tools.queue_schema"                       from "shared_type.lua",
    "kong.tools.rand"                               from "kong.tools.rand.lua",
    "kong.tools.redis.schema"                       from "shared_type.lua",
    "kong.tools.string"                             from "kong.tools.string.lua",
    "kong.tools.table"                              from "kong.tools.table.lua",
    "kong.tools.uri"                                from "kong.tools.uri.lua",
    "kong.tools.utils"                              from "kong.tools.utils.lua",
    "kong.tools.uuid"                               from "kong.tools.uuid.lua",
    "ngx"                                           from "ngx.lua",
    "ngx.re"                                        from "ngx.re.lua",
    "pl.pretty"                                     from "pl.pretty.lua",
    "pl.stringx"                                    from "pl.stringx.lua",
    "pl.tablex"                                     from "pl.tablex.lua",
    "pl.template"                                   from "pl.template.lua",
    "pl.types"                                      from "pl.types.lua",
    "pl.utils"                                      from "pl.utils.lua",
    "resty.aes"                                     from "resty.aes.lua",
    "resty.openssl.pkey"                            from "resty.openssl.lua",
    "resty.openssl.x509"                            from "resty.openssl.lua",
    "socket.url"                                    from "socket.url.lua",
};

/// The text of an embedded module.
pub fn embedded(name: &str) -> Option<&'static str> {
    MODULES.iter().find(|(own, _)| *own == name).map(|(_, text)| *text)
}

/// The names of the embedded modules, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

/// Whether a text is the name of a file or a folder and leads nowhere else.
pub fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The parts of a module's name, if it is one that a file can have.
pub fn parts(name: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = name.split('.').collect();
    parts.iter().all(|part| is_plain(part)).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        assert_eq!(parts("kong.plugins.my-plugin.schema").unwrap().len(), 4);
        for name in ["", ".", "a..b", "../a", "a/b", "a.b.", "a b", "ä"] {
            assert!(parts(name).is_none(), "{name}");
        }
        assert!(names().collect::<Vec<_>>().is_sorted());
    }
}
