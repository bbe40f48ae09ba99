//! azure-functions answers requests with what a function at Azure makes of them.

use super::BUNDLED;
use crate::schema::types::PROTOCOLS_ANY;
use crate::schema::{BOOLEAN, Literal::*, NUMBER, STRING, Subschema, record};

#[rustfmt::skip]
pub static AZURE_FUNCTIONS: Subschema = Subschema::new("azure-functions").plugin(BUNDLED, 749).fields(&[
    ("protocols", PROTOCOLS_ANY),
    ("config",    record(&[
        ("timeout",      NUMBER.default(Int(600_000))
            .doc("Timeout in milliseconds before closing a connection to the Azure Functions server.")),
        ("keepalive",    NUMBER.default(Int(60_000))
            .doc("Time in milliseconds during which an idle connection to the Azure Functions server lives before being closed.")),
        ("https",        BOOLEAN.default(Bool(true))
            .doc("Use of HTTPS to connect with the Azure Functions server.")),
        ("https_verify", BOOLEAN.default(Bool(false))
            .doc("Set to `true` to authenticate the Azure Functions server.")),
        ("apikey",       STRING.encrypted().referenceable()
            .doc("The apikey to access the Azure resources. If provided, it is injected as the `x-functions-key` header.")),
        ("clientid",     STRING.encrypted().referenceable()
            .doc("The `clientid` to access the Azure resources. If provided, it is injected as the `x-functions-clientid` header.")),
        ("appname",      STRING.required()
            .doc("The Azure app name.")),
        ("hostdomain",   STRING.required().default(Str("azurewebsites.net"))
            .doc("The domain where the function resides.")),
        ("routeprefix",  STRING.default(Str("api"))
            .doc("Route prefix to use.")),
        ("functionname", STRING.required()
            .doc("Name of the Azure function to invoke.")),
    ]).required()),
]);
