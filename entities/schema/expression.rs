//! The check that routes make through Kong's router before they are stored: the violation "Router Expression failed
//! validation: …", decided by `atc-router`, the engine that Kong's data planes run.
//!
//! Deliberately not here: matching requests, priorities between routes, splitting a route by its paths, and the rules
//! of the single fields. Nothing is cached but the two schemas of field names, and a row is never changed.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::OnceLock;

use atc_router::ast::Type;
use atc_router::router::Router;
use atc_router::schema::Schema;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Kong's setting `router_flavor`: how a node's router reads routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavor {
    /// Routes are matched by their fields, which are turned into expressions.
    #[default]
    TraditionalCompatible,
    /// Routes are matched by their fields without the expression engine.
    Traditional,
    /// Routes may carry an `expression` of their own.
    Expressions,
}

/// The fields that make an expression; a route with an expression of its own has none of them.
const MATCH_FIELDS: [&str; 7] = ["snis", "sources", "destinations", "methods", "hosts", "paths", "headers"];

const EXPRESSION_AND_FIELDS: &str = "cannot set 'expression' with 'methods', 'hosts', 'paths', 'headers', 'snis', \
                                     'sources' or 'destinations' simultaneously";
const REGEX_PRIORITY_AND_EXPRESSION: &str = "cannot set 'regex_priority' with 'expression' simultaneously";
const PRIORITY_AND_FIELDS: &str = "cannot set 'priority' with 'methods', 'hosts', 'paths', 'headers', 'snis', \
                                   'sources' or 'destinations' simultaneously";
const BAD_SEGMENTS: &str = "illformed http.path.segments.* field";

// Kong's process dies on what the next three sentences name, so they are no words of Kong's.
const BAD_NOT_IN: &str = "the operator 'not in' must be written with exactly one space";
const TOO_DEEP: &str = "the expression is nested too deeply";
const UNCHECKED: &str = "the expression is too large to be checked";

/// Kong reads the engine's message through a buffer of this many bytes and drops the rest.
const MESSAGE_LEN_MAX: usize = 4096;

/// The engine recurses per parenthesis and per `&&` or `||`. These bytes of stack hold one step of an unoptimised
/// build twice over.
const STACK_PER_NESTING: usize = 8 * 1024;
const STACK_PER_OPERATOR: usize = 2 * 1024;
/// What the calling thread may be asked to spare; more than this moves the work to a thread of its own.
const STACK_INLINE: usize = 192 * 1024;
const STACK_BASE: usize = 1024 * 1024;
const NESTING_MAX: usize = 1000;
/// The engine's parse takes some hundred bytes of memory for each byte of an expression.
const EXPRESSION_LEN_MAX: usize = 4 * 1024 * 1024;

/// Checks a completed route as the router of the given flavour would read it.
///
/// Absent fields, null, `[]` and `{}` are empty, and a route that is empty in every match field passes. The error is
/// the whole sentence for the entity, which may have line breaks: the engine draws where the expression is wrong.
/// Values of a wrong type are left out of the expression, because the checks of their fields report them.
pub fn validate_route(row: &Map<String, Value>, flavor: Flavor) -> Result<(), String> {
    if flavor == Flavor::Traditional {
        return Ok(());
    }
    check(row).map_err(|reason| format!("Router Expression failed validation: {reason}"))
}

fn check(row: &Map<String, Value>) -> Result<(), Cow<'static, str>> {
    let expression = row.get("expression").filter(|value| !value.is_null());
    let has_fields = MATCH_FIELDS.iter().any(|name| !is_empty(row.get(*name)));
    match expression {
        Some(_) if has_fields => Err(EXPRESSION_AND_FIELDS.into()),
        Some(_) if is_nonzero(row.get("regex_priority")) => Err(REGEX_PRIORITY_AND_EXPRESSION.into()),
        Some(Value::String(text)) => check_expression(text, is_stream(row)),
        Some(_) => Ok(()),
        None if has_fields && is_nonzero(row.get("priority")) => Err(PRIORITY_AND_FIELDS.into()),
        None if is_plain(row) => Ok(()),
        None => route_expression(row).map_or(Ok(()), |text| check_expression(&text, is_stream(row))),
    }
}

/// Whether the row's expression is valid by construction, so that the engine need not be asked: only strings that are
/// quoted as they stand, no regular expression, no address, no header name.
fn is_plain(row: &Map<String, Value>) -> bool {
    let quotable = |name: &str| {
        let Some(value) = row.get(name).filter(|value| !is_empty(Some(value))) else { return true };
        value.as_array().is_some_and(|items| {
            items.iter().all(|item| {
                item.as_str().is_some_and(|text| !text.starts_with('~') && !text.contains(['"', '\0']))
            })
        })
    };
    !is_stream(row)
        && ["sources", "destinations", "headers"].iter().all(|name| is_empty(row.get(*name)))
        && ["snis", "methods", "hosts", "paths"].iter().all(|name| quotable(name))
}

/// The expression that the router makes of a route's match fields; None when all of them are empty.
///
/// `{"methods": ["GET"], "hosts": ["*.a.test:80"]}` becomes
/// `(http.method == r#"GET"#) && ((http.host =^ r#".a.test"# && net.dst.port == 80))`. Stream routes (by their first
/// protocol) are made of server names and addresses alone. Headers come in the row's order.
pub fn route_expression(row: &Map<String, Value>) -> Option<String> {
    if MATCH_FIELDS.iter().all(|name| is_empty(row.get(*name))) {
        return None;
    }
    let stream = is_stream(row);
    let mut terms = Vec::new();
    terms.extend(any_of(strings(row.get("snis")).map(sni_predicate)).map(|any| {
        // A connection without TLS has no server name, and is then not to be held to one.
        let tls = if stream { "tls" } else { "https" };
        format!("(net.protocol != r#\"{tls}\"# || {any})")
    }));
    terms.extend(nets("net.src", row.get("sources")));
    terms.extend(nets("net.dst", row.get("destinations")));
    if !stream {
        let methods = strings(row.get("methods")).map(|method| format!("http.method == {}", quoted(method)));
        terms.extend(any_of(methods));
        terms.extend(any_of(strings(row.get("hosts")).map(host_predicate)));
        terms.extend(any_of(strings(row.get("paths")).map(path_predicate)));
        for (name, values) in row.get("headers").and_then(Value::as_object).into_iter().flatten() {
            // A header without values gives `()`, which the engine refuses.
            let any = any_of(strings(Some(values)).map(|value| header_predicate(name, value)));
            terms.push(any.unwrap_or_else(|| "()".to_owned()));
        }
    }
    Some(terms.join(" && "))
}

fn sni_predicate(sni: &str) -> String {
    if !sni.starts_with('*')
        && let Some(prefix) = sni.strip_suffix('*')
    {
        return format!("tls.sni ^= {}", quoted(prefix));
    }
    // The dot that ends a fully qualified name is not part of what clients send.
    let name = if sni.len() > 1 { sni.strip_suffix('.').unwrap_or(sni) } else { sni };
    match name.strip_prefix('*') {
        Some(postfix) => format!("tls.sni =^ {}", quoted(postfix)),
        None => format!("tls.sni == {}", quoted(name)),
    }
}

fn host_predicate(host: &str) -> String {
    // Only digits count as a port: `[::1]:80` keeps its colons and stays one name.
    let with_port = host.split_once(':').and_then(|(name, port)| {
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        port.parse::<u32>().ok().filter(|_| digits).map(|port| (name, port))
    });
    let name = with_port.map_or(host, |(name, _)| name);
    let (operator, name) = match (name.strip_prefix('*'), name.strip_suffix('*')) {
        (Some(postfix), _) => ("=^", postfix),
        (None, Some(prefix)) => ("^=", prefix),
        (None, None) => ("==", name),
    };
    match with_port {
        Some((_, port)) => format!("(http.host {operator} r#\"{name}\"# && net.dst.port == {port})"),
        None => format!("http.host {operator} r#\"{name}\"#"),
    }
}

fn path_predicate(path: &str) -> String {
    match path.strip_prefix('~') {
        // The traditional router anchors at the start and names groups as PCRE does.
        Some(regex) => format!("http.path ~ {}", quoted(&format!("^{}", regex.replace("?<", "?P<")))),
        None => format!("http.path ^= {}", quoted(path)),
    }
}

fn header_predicate(name: &str, value: &str) -> String {
    let (operator, value) = value.strip_prefix("~*").map_or(("==", value), |regex| ("~", regex));
    let field = name.to_ascii_lowercase().replace('-', "_");
    format!("any(lower(http.headers.{field})) {operator} {}", quoted(&value.to_ascii_lowercase()))
}

/// `(net.src.ip in 10.0.0.0/8 || net.src.port == 80)`; None when there is nothing to match, or an element says nothing.
fn nets(side: &str, value: Option<&Value>) -> Option<String> {
    let mut predicates = Vec::new();
    for element in value?.as_array()? {
        let ip = element.get("ip").and_then(Value::as_str).map(|ip| match block(ip) {
            Some((address, mask)) => format!("{side}.ip in {address}/{mask}"),
            None => format!("{side}.ip == {}", ip.split('/').next().unwrap_or(ip)),
        });
        let port = element.get("port").and_then(integer).map(|port| format!("{side}.port == {port}"));
        predicates.push(match (ip, port) {
            (Some(ip), Some(port)) => format!("({ip} && {port})"),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return None,
        });
    }
    any_of(predicates.into_iter())
}

/// The address and mask of an address block. The bits outside an IPv4 mask are cleared; those of IPv6 are left, and
/// so are those of `/0`, whose shift by the full width moves nothing in Kong's arithmetic.
fn block(ip: &str) -> Option<(Cow<'_, str>, u32)> {
    let (address, mask) = ip.split_once('/')?;
    let mask: u32 = mask.parse().ok()?;
    let Ok(v4) = address.parse::<Ipv4Addr>() else { return Some((Cow::Borrowed(address), mask)) };
    let shift = 32_u32.wrapping_sub(mask) % 32;
    Some((Cow::Owned(Ipv4Addr::from_bits((v4.to_bits() >> shift) << shift).to_string()), mask))
}

/// `(a || b)`, or None without predicates.
fn any_of(predicates: impl Iterator<Item = String>) -> Option<String> {
    let predicates: Vec<String> = predicates.collect();
    (!predicates.is_empty()).then(|| format!("({})", predicates.join(" || ")))
}

/// A string literal of the expression language: raw where possible, escaped where the value would end the raw form.
fn quoted(text: &str) -> String {
    if text.contains("\"#") {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("r#\"{text}\"#")
    }
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(members)) => members.is_empty(),
        Some(_) => false,
    }
}

fn is_nonzero(value: Option<&Value>) -> bool {
    value.and_then(Value::as_f64).is_some_and(|number| number != 0.0)
}

/// An integer, whether it is written `80` or `80.0`.
fn integer(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64))
}

/// Whether the route's first protocol makes it a stream route; the others are of the same kind.
fn is_stream(row: &Map<String, Value>) -> bool {
    let first = strings(row.get("protocols")).next();
    matches!(first, Some("tcp" | "udp" | "tls" | "tls_passthrough"))
}

/// The fields an expression may name: HTTP and gRPC routes share one schema, stream routes have the other.
fn schema(stream: bool) -> &'static Schema {
    static HTTP: OnceLock<Schema> = OnceLock::new();
    static STREAM: OnceLock<Schema> = OnceLock::new();
    let cell = if stream { &STREAM } else { &HTTP };
    cell.get_or_init(|| {
        let mut schema = Schema::default();
        for field in ["net.protocol", "tls.sni"] {
            schema.add_field(field, Type::String);
        }
        for side in ["net.src", "net.dst"] {
            schema.add_field(&format!("{side}.ip"), Type::IpAddr);
            schema.add_field(&format!("{side}.port"), Type::Int);
        }
        if !stream {
            for field in ["method", "host", "path", "path.segments.*", "headers.*", "queries.*"] {
                schema.add_field(&format!("http.{field}"), Type::String);
            }
            schema.add_field("http.path.segments.len", Type::Int);
        }
        schema
    })
}

/// Asks the engine about one expression.
fn check_expression(expression: &str, stream: bool) -> Result<(), Cow<'static, str>> {
    let amended = amended(expression);
    // The engine takes a C string, so that a NUL byte ends the expression.
    let text = amended.split('\0').next().unwrap_or_default();
    let stack = stack_needed(text)?;
    let ask = || {
        let mut router = Router::new(schema(stream));
        router.add_matcher(0, Uuid::nil(), text).map_err(|message| Cow::Owned(shortened(message)))?;
        match router.fields.keys().all(|field| is_wellformed(field)) {
            true => Ok(()),
            false => Err(Cow::Borrowed(BAD_SEGMENTS)),
        }
    };
    if stack <= STACK_INLINE {
        return ask();
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BASE.saturating_add(stack));
        thread.spawn_scoped(scope, ask).ok()?.join().ok()
    })
    .unwrap_or(Err(Cow::Borrowed(UNCHECKED)))
}

fn shortened(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(MESSAGE_LEN_MAX));
    message
}

/// The expression with the deprecated `net.port` read as `net.dst.port` wherever a comparison follows it.
fn amended(expression: &str) -> Cow<'_, str> {
    const DEPRECATED: &str = "net.port";
    let mut pieces = expression.split(DEPRECATED);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    if text.len() == expression.len() {
        return Cow::Borrowed(expression);
    }
    for piece in pieces {
        let next = piece.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
        text.push_str(if next.starts_with(['=', '>', '<', '!']) { "net.dst.port" } else { DEPRECATED });
        text.push_str(piece);
    }
    Cow::Owned(text)
}

/// Whether a field under `http.path.segments.` is `len`, one index (`0`) or a range that ascends (`0_2`).
fn is_wellformed(field: &str) -> bool {
    let Some(suffix) = field.strip_prefix("http.path.segments.") else { return true };
    let is_number = |text: &str| {
        text == "0"
            || (!text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match suffix.split_once('_') {
        None => suffix == "len" || is_number(suffix),
        Some((from, to)) => {
            let ascends = from.parse::<f64>().ok() < to.parse::<f64>().ok();
            is_number(from) && is_number(to) && ascends
        }
    }
}

/// The bytes of stack that the engine may use for a text, estimated outside its string literals.
///
/// Texts that the grammar allows and the engine does not survive are refused here: nesting or length without bound,
/// and a `not in` whose words are apart by anything but one space.
fn stack_needed(text: &str) -> Result<usize, &'static str> {
    let (mut depth, mut deepest, mut operators) = (0_usize, 0_usize, 0_usize);
    // Whether what was read last can be the left side of a predicate, so that a word is an operator.
    let mut operand = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word_end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
        let (word, after_word) = rest.split_at(word_end.unwrap_or(rest.len()));
        if !word.is_empty() {
            if let Some(tail) = rest.strip_prefix("not").filter(|_| operand)
                && tail.trim_start_matches([' ', '\t', '\r', '\n']).starts_with("in")
                && !tail.starts_with(" in")
            {
                return Err(BAD_NOT_IN);
            }
            operand = !operand;
            rest = after_word;
            continue;
        }
        // A `#` stands nowhere but at the edges of a raw literal.
        if let Some(raw) = rest.strip_prefix("#\"") {
            rest = raw.split_once("\"#").map_or("", |(_, tail)| tail);
            operand = false;
            continue;
        }
        let mut tail = rest.chars();
        tail.next();
        match first {
            ' ' | '\t' | '\r' | '\n' => {}
            '"' => {
                while let Some(c) = tail.next() {
                    match c {
                        '\\' => _ = tail.next(),
                        '"' => break,
                        _ => {}
                    }
                }
                operand = false;
            }
            ')' => {
                depth = depth.saturating_sub(1);
                operand = true;
            }
            _ => {
                depth += usize::from(first == '(');
                deepest = deepest.max(depth);
                operators += usize::from(first == '&' || first == '|');
                operand = false;
            }
        }
        rest = tail.as_str();
    }
    if deepest > NESTING_MAX {
        return Err(TOO_DEEP);
    }
    if text.len() > EXPRESSION_LEN_MAX {
        return Err(UNCHECKED);
    }
    // Both characters of an operator were counted.
    Ok(deepest * STACK_PER_NESTING + (operators / 2).saturating_mul(STACK_PER_OPERATOR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    /// Checks a row and compares what follows the sentence's opening; "" means that the row passes.
    #[track_caller]
    fn check(value: Value, reason: &str) {
        let found = validate_route(&row(value), Flavor::Expressions).err().unwrap_or_default();
        assert_eq!(found.strip_prefix("Router Expression failed validation: ").unwrap_or(&found), reason);
    }

    #[track_caller]
    fn makes(value: Value, expression: &str) {
        assert_eq!(route_expression(&row(value)).unwrap_or_default(), expression);
    }

    #[test]
    fn fields_make_an_expression() {
        makes(json!({}), "");
        makes(json!({"hosts": [], "paths": null, "headers": {}}), "");
        makes(
            json!({"hosts": ["a.test", "*.b.test:081", "c.*", "[::1]:80"], "methods": ["GET"]}),
            r##"(http.method == r#"GET"#) && (http.host == r#"a.test"# || (http.host =^ r#".b.test"# && net.dst.port == 81) || http.host ^= r#"c."# || http.host == r#"[::1]:80"#)"##,
        );
        makes(
            json!({"paths": ["/a", "~/(?<n>\\d+)", "/q\"#\\"]}),
            r##"(http.path ^= r#"/a"# || http.path ~ r#"^/(?P<n>\d+)"# || http.path ^= "/q\"#\\")"##,
        );
        makes(
            json!({"headers": {"X-Re": ["~*V\\D", "One"], "b": ["2"]}}),
            r##"(any(lower(http.headers.x_re)) ~ r#"v\d"# || any(lower(http.headers.x_re)) == r#"one"#) && (any(lower(http.headers.b)) == r#"2"#)"##,
        );
        makes(
            json!({"snis": ["a.test.", "*.b.test", "c.*"]}),
            r##"(net.protocol != r#"https"# || (tls.sni == r#"a.test"# || tls.sni =^ r#".b.test"# || tls.sni ^= r#"c."#))"##,
        );
        makes(
            json!({"protocols": ["tls"], "snis": ["a.test"], "destinations": [{"port": 443.0}], "paths": ["/no"]}),
            r##"(net.protocol != r#"tls"# || (tls.sni == r#"a.test"#)) && (net.dst.port == 443)"##,
        );
        makes(
            json!({"sources": [{"ip": "10.1.2.3/8", "port": 1}, {"ip": "::1", "port": null}, {"ip": "1.2.3.4/0"}]}),
            "((net.src.ip in 10.0.0.0/8 && net.src.port == 1) || net.src.ip == ::1 || net.src.ip in 1.2.3.4/0)",
        );
    }

    #[test]
    fn the_engine_draws_where_an_expression_is_wrong() {
        check(
            json!({"paths": ["~/a(?=b)"]}),
            " --> 1:14\n  |\n1 | (http.path ~ r#\"^/a(?=b)\"#)\n  |              ^-----------^\n  |\n  = regex parse error:\n    \
             ^/a(?=b)\n       ^^^\nerror: look-around, including look-ahead and look-behind, is not supported",
        );
        check(
            json!({"headers": {"x-empty": []}}),
            " --> 1:2\n  |\n1 | ()\n  |  ^---\n  |\n  = expected term",
        );
        check(
            json!({"protocols": ["tcp"], "sources": [{"ip": "fe80::1/64"}]}),
            " --> 1:16\n  |\n1 | (net.src.ip in fe80::1/64)\n  |                ^--------^\n  |\n  = host part of address was not zero",
        );
        check(
            json!({"expression": "http.path ^="}),
            " --> 1:13\n  |\n1 | http.path ^=\n  |             ^---\n  |\n  = expected rhs",
        );
        check(json!({"expression": "http.path == \"/a\"\0 &&"}), "");
        check(json!({"expression": "nope.field == \"x\""}), "Unknown LHS field");
        check(json!({"expression": "http.path == \"/a\"", "protocols": ["grpc"]}), "");
        check(json!({"expression": "http.path == \"/a\"", "protocols": ["tcp"]}), "Unknown LHS field");
        check(
            json!({"expression": "http.path == 1"}),
            "Type mismatch between the LHS and RHS values of predicate",
        );
    }

    #[test]
    fn expressions_stand_alone() {
        let text = "http.path == \"/a\"";
        check(json!({"expression": text, "priority": 7, "regex_priority": 0, "paths": [], "hosts": {}}), "");
        check(json!({"expression": text, "paths": ["/a"]}), EXPRESSION_AND_FIELDS);
        check(json!({"expression": text, "regex_priority": 1}), REGEX_PRIORITY_AND_EXPRESSION);
        check(json!({"paths": ["/a"], "priority": 1}), PRIORITY_AND_FIELDS);
        check(json!({"paths": ["/a"], "priority": 0.0, "regex_priority": 3}), "");
        let broken = row(json!({"expression": "("}));
        assert_eq!(validate_route(&broken, Flavor::Traditional), Ok(()));
        assert_eq!(Flavor::default(), Flavor::TraditionalCompatible);
    }

    #[test]
    fn path_segments_are_an_index_or_an_ascending_range() {
        for (suffix, good) in
            [("0", true), ("12", true), ("0_2", true), ("9_10", true), ("2_2", false), ("3_1", false)]
        {
            assert_eq!(is_wellformed(&format!("http.path.segments.{suffix}")), good, "{suffix}");
        }
        check(json!({"expression": "http.path.segments.len == 2 && http.path.segments.0_1 == \"a/b\""}), "");
        for suffix in ["", "01", "0_0", "1_", "_1", "x", "1_2_3"] {
            check(json!({"expression": format!("http.path.segments.{suffix} == \"a\"")}), BAD_SEGMENTS);
        }
    }

    #[test]
    fn the_deprecated_port_is_read_as_the_destination_port() {
        assert_eq!(amended("net.port == 1 && net.port\t>2"), "net.dst.port == 1 && net.dst.port\t>2");
        assert_eq!(amended("net.port in x || http.path == \"é\""), "net.port in x || http.path == \"é\"");
        check(json!({"expression": "net.port == 80"}), "");
    }

    #[test]
    fn what_the_engine_would_not_survive_is_refused() {
        for text in
            ["net.src.ip notin 10.0.0.0/8", "net.src.ip not\nin 10.0.0.0/8", "lower(http.path)not  in ::1"]
        {
            check(json!({"expression": text}), BAD_NOT_IN);
        }
        check(json!({"expression": "net.src.ip not in 10.0.0.0/8 && http.path != \"x not  in y\""}), "");
        check(
            json!({"expression": "http.headers.notin == r#\"\\\"# && http.path containsr#\"a notin\"#"}),
            "",
        );
        check(json!({"expression": "(".repeat(100_000)}), TOO_DEEP);
        check(
            json!({"expression": format!("{}http.path == \"a\"{}", "!(".repeat(1000), ")".repeat(1000))}),
            "",
        );
    }

    #[test]
    fn long_lists_do_not_exhaust_the_stack() {
        let mut paths = vec!["/a"; 30_000];
        paths.push("~/a");
        check(json!({"paths": paths}), "");
        paths.push("~/[");
        let found =
            validate_route(&row(json!({"paths": paths})), Flavor::default()).expect_err("a broken regex");
        assert_eq!(found.len(), "Router Expression failed validation: ".len() + MESSAGE_LEN_MAX);
    }

    #[test]
    fn messages_are_cut_between_characters() {
        let cut = shortened("é".repeat(MESSAGE_LEN_MAX) + "x");
        assert_eq!(cut.len(), MESSAGE_LEN_MAX);
        assert_eq!(shortened(format!("x{}", "é".repeat(MESSAGE_LEN_MAX))).len(), MESSAGE_LEN_MAX - 1);
    }

    #[test]
    fn plain_rows_need_no_engine() {
        let plain = row(json!({
            "snis": ["*.a.test"], "methods": ["GET"], "hosts": ["*.b.test:80", "é\n"], "paths": ["/a\\", "/net.port =1"],
        }));
        assert!(is_plain(&plain));
        assert_eq!(check_expression(&route_expression(&plain).expect("fields"), false), Ok(()));
        for value in [json!({"paths": ["~/a"]}), json!({"hosts": ["a\""]}), json!({"headers": {"x": ["y"]}})]
        {
            assert!(!is_plain(&row(value)));
        }
    }

    #[test]
    fn values_of_a_wrong_type_do_not_panic() {
        for value in
            [json!(5), json!("*"), json!(["", "*", "~", ".", ":", "é", {}, [], null]), json!({"x": 1})]
        {
            for stream in ["http", "tcp"] {
                let mut row = row(json!({"protocols": [stream]}));
                for field in MATCH_FIELDS {
                    row.insert(field.to_owned(), value.clone());
                    _ = validate_route(&row, Flavor::default());
                }
                row = Map::from_iter([
                    ("expression".to_owned(), value.clone()),
                    ("protocols".to_owned(), value.clone()),
                ]);
                _ = validate_route(&row, Flavor::Expressions);
            }
        }
        check(json!({"protocols": ["tcp"], "sources": [{"ip": "1.2.3.4/99999999999", "port": "x"}]}), "");
    }
}
