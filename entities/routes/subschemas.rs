//! The kinds of routes: what each family of protocols forbids, and what it must match on at least.

use super::{HEADERS, STRIP_PATH};
use crate::none_of;
use crate::schema::types::{DESTINATIONS, HOSTS, METHODS, ROUTER_PATHS, SOURCES};
use crate::schema::{
    Check, ConditionalAtLeastOneOf, Flavor, Literal::*, Otherwise, SAME, STRING, Subschema, elements,
};

/// The router flavours under which no HTTP or gRPC route can match on addresses.
const BY_FIELDS: &[Flavor] = &[Flavor::Traditional, Flavor::TraditionalCompatible];

/// Rules of HTTP routes, which can match on addresses under the flavour `expressions` alone.
#[rustfmt::skip]
pub static HTTP: Subschema = Subschema::new("http")
    .fields(&[
        ("sources",      none_of!(SOURCES, "A null value representing no sources.")
            .err("cannot set 'sources' when 'protocols' is 'http' or 'https'").flavors(BY_FIELDS)),
        ("destinations", none_of!(DESTINATIONS, "A null value representing no destinations.")
            .err("cannot set 'destinations' when 'protocols' is 'http' or 'https'").flavors(BY_FIELDS)),
    ])
    .checks(&[Check::ConditionalAtLeastOneOf(&ConditionalAtLeastOneOf {
        if_field: "protocols",
        if_match: SAME.contains(Str("https")),
        then_at_least_one_of: &["methods", "hosts", "headers", "paths", "snis", "expression"],
        then_err: Some("must set one of %s when 'protocols' is 'https'"),
        otherwise: Some(Otherwise {
            else_match: SAME.contains(Str("http")),
            else_then_at_least_one_of: &["methods", "hosts", "headers", "paths", "expression"],
            else_then_err: Some("must set one of %s when 'protocols' is 'http'"),
        }),
    })]);

/// Rules of routes for streams of bytes, in which there is nothing of HTTP to match on.
#[rustfmt::skip]
pub static STREAM: Subschema = Subschema::new("tcp")
    .fields(&[
        ("methods", none_of!(METHODS, "A null value representing no methods.")
            .err("cannot set 'methods' when 'protocols' is 'tcp', 'tls', 'tls_passthrough' or 'udp'")),
        ("hosts",   none_of!(HOSTS, "A null value representing no hosts.")
            .err("cannot set 'hosts' when 'protocols' is 'tcp', 'tls', 'tls_passthrough' or 'udp'")),
        ("paths",   none_of!(ROUTER_PATHS, "A null value representing no router paths.")
            .err("cannot set 'paths' when 'protocols' is 'tcp', 'tls', 'tls_passthrough' or 'udp'")),
        ("headers", none_of!(HEADERS, "A null value representing no headers.")
            .err("cannot set 'headers' when 'protocols' is 'tcp', 'tls', 'tls_passthrough' or 'udp'")),
    ])
    .checks(&[
        Check::ConditionalAtLeastOneOf(&ConditionalAtLeastOneOf {
            if_field: "protocols",
            if_match: elements(&STRING.one_of(&["tcp", "tls", "udp"])),
            then_at_least_one_of: &["sources", "destinations", "snis", "expression"],
            then_err: Some("must set one of %s when 'protocols' is 'tcp', 'tls' or 'udp'"),
            otherwise: None,
        }),
        Check::ConditionalAtLeastOneOf(&ConditionalAtLeastOneOf {
            if_field: "protocols",
            if_match: elements(&STRING.one_of(&["tls_passthrough"])),
            then_at_least_one_of: &["snis", "expression"],
            then_err: Some("must set snis when 'protocols' is 'tls_passthrough'"),
            otherwise: None,
        }),
    ]);

/// Rules of gRPC routes: those of HTTP, but the method is always POST.
#[rustfmt::skip]
pub static GRPC: Subschema = Subschema::new("grpc")
    .fields(&[
        // The path of a gRPC request names the method that is called, so no part of it can be taken away.
        ("strip_path",   STRIP_PATH.default(Bool(false)).ne(Bool(true))
            .err("cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'")),
        ("methods",      none_of!(METHODS, "A null value representing no methods.")
            .err("cannot set 'methods' when 'protocols' is 'grpc' or 'grpcs'")),
        ("sources",      none_of!(SOURCES, "A null value representing no sources.")
            .err("cannot set 'sources' when 'protocols' is 'grpc' or 'grpcs'").flavors(BY_FIELDS)),
        ("destinations", none_of!(DESTINATIONS, "A null value representing no destinations.")
            .err("cannot set 'destinations' when 'protocols' is 'grpc' or 'grpcs'").flavors(BY_FIELDS)),
    ])
    .checks(&[Check::ConditionalAtLeastOneOf(&ConditionalAtLeastOneOf {
        if_field: "protocols",
        if_match: SAME.contains(Str("grpcs")),
        then_at_least_one_of: &["hosts", "headers", "paths", "snis", "expression"],
        then_err: Some("must set one of %s when 'protocols' is 'grpcs'"),
        otherwise: Some(Otherwise {
            else_match: SAME.contains(Str("grpc")),
            else_then_at_least_one_of: &["hosts", "headers", "paths", "expression"],
            else_then_err: Some("must set one of %s when 'protocols' is 'grpc'"),
        }),
    })]);
