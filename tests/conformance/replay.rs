//! Produces the verdict on recorded Admin API exchanges: plays each recorded case against a client and says
//! where the answers differ. It deliberately knows nothing of the server behind the client, and of no case by
//! name.
//!
//! A recording is a file of JSON lines, a case each: `{"case": NAME, "steps": [{"request", "response"}]}`. A
//! case starts from an empty store: every entity is deleted over the API first. What must be equal: the
//! status, the recorded headers, and the JSON body, with these allowances:
//! - a UUID, or a random secret, that the recorded server made up stands for the one that this server made
//!   up, in later requests of the case too (so `/services/<recorded id>` asks for this server's id);
//! - `ttl` may have lost up to 3 seconds; `one_of`, a schema's `fields` and the names in an entity check may
//!   be in any order, in messages too; what a TLS library says behind `invalid certificate`, `invalid key` or
//!   `could not load …` does not count;
//! - `created_at`, `updated_at` and similar stamps that no request set: any number;
//! - `offset` and the offset inside `next`: any string where a string was recorded;
//! - the order of rows in a list's `data` (rows are sorted by generated ids);
//! - where an HTML page was recorded, only the status counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Number, Value, json};

/// What a server makes up: UUIDs, and random secrets and request ids of 32 or 44 characters.
static MADE_UP: LazyLock<Regex> = LazyLock::new(|| {
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    pattern(&format!(r"(?i)\b(?:{uuid}|[0-9A-Za-z]{{32}}|[0-9A-Za-z]{{44}})\b"))
});

/// What stands in front of words that a TLS library chose.
static TLS_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(invalid certificate|invalid key|could not load (?:private|public) ?key)[^;)]*")
});

/// Messages that list names in an order that a Lua table's hash decided.
static LISTS_NAMES: LazyLock<Regex> = LazyLock::new(|| pattern("these fields must be|expected one of"));
static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\w@.~*/-]+"));
static OFFSET: LazyLock<Regex> = LazyLock::new(|| pattern("([?&])offset=[^&]*"));
static STAMP: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{9,13}\b"));

/// Lists whose order a Lua table's hash decides: the names that an entity check speaks of, the choices of a
/// field.
const UNORDERED: [&str; 9] = [
    "one_of",
    "enabled_plugins",
    "at_least_one_of",
    "mutually_exclusive",
    "mutually_required",
    "only_one_of",
    "conditional_at_least_one_of",
    "distinct",
    "fields",
];

/// Numbers that the server takes from its clock.
const STAMPS: [&str; 4] = ["created_at", "updated_at", "last_seen", "last_update"];

/// The lists that make a store empty, children before parents.
const COLLECTIONS: [&str; 12] = [
    "plugins",
    "routes",
    "services",
    "consumers",
    "snis",
    "upstreams",
    "certificates",
    "ca_certificates",
    "vaults",
    "keys",
    "key-sets",
    "filter-chains",
];

/// Headers whose recorded value counts, but for spaces.
const EXACT_HEADERS: [&str; 5] = [
    "allow",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "location",
];

/// What a case is played against.
pub trait Client {
    /// Sends one request and gives the answer's status, headers (names in any case) and body.
    /// The path comes as recorded, with its query; a body is sent as it is, with no header added.
    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> (u16, Vec<(String, String)>, Vec<u8>);

    /// Whether rows are only loaded together, from a declarative configuration.
    fn is_without_database(&self) -> bool {
        false
    }
}

/// What came of the cases. Its text shows each failed case with its first differences.
#[derive(Debug, Default)]
pub struct Report {
    /// How many cases were answered as recorded.
    pub passed: usize,
    /// The cases that were not, each with every difference.
    pub failed: Vec<(String, Vec<String>)>,
    /// How many cases differ and are meant to.
    pub deviated: usize,
}

impl Report {
    /// Takes in what came of other cases.
    pub fn add(&mut self, other: Report) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.deviated += other.deviated;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (case, problems) in &self.failed {
            writeln!(out, "FAIL {case}")?;
            for problem in problems.iter().take(3) {
                writeln!(out, "     {problem}")?;
            }
            if problems.len() > 3 {
                writeln!(out, "     … and {} more", problems.len() - 3)?;
            }
        }
        write!(out, "{} passed, {} failed, {} differ as meant", self.passed, self.failed.len(), self.deviated)
    }
}

/// Plays every case of one recording. A case that differs and is named in `deviations` is counted apart.
///
/// # Panics
/// When the recording cannot be read: then there is nothing to say about the server.
pub async fn replay<C: Client>(client: &mut C, file: &Path, deviations: &HashSet<String>) -> Report {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut report = Report::default();
    for line in text.lines() {
        let recorded: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = string(&recorded, "case").to_owned();
        empty(client).await;
        let problems = play(client, &recorded).await;
        if problems.is_empty() {
            report.passed += 1;
        } else if deviations.contains(&name) {
            report.deviated += 1;
        } else {
            report.failed.push((name, problems));
        }
    }
    report
}

/// Deletes every entity over the API. It goes round again while something refuses to go, for that may refer
/// to, or be referred to by, what goes later; after four rounds the case itself will tell.
///
/// A node without a database is emptied by a configuration without rows.
async fn empty<C: Client>(client: &mut C) {
    if client.is_without_database() {
        let json = [("content-type".to_owned(), "application/json".to_owned())];
        client.send("POST", "/config", &json, Some(br#"{"_format_version":"3.0"}"#.to_vec())).await;
        return;
    }
    for _ in 0..4 {
        let mut left = 0;
        for name in COLLECTIONS {
            loop {
                let (status, _, body) = client.send("GET", &format!("/{name}?size=1000"), &[], None).await;
                let list: Value = serde_json::from_slice(&body).unwrap_or_default();
                let rows = match list["data"].as_array() {
                    Some(rows) if status == 200 && !rows.is_empty() => rows,
                    _ => break,
                };
                let mut gone = 0;
                for row in rows {
                    let path = format!("/{name}/{}", string(row, "id"));
                    gone += usize::from(client.send("DELETE", &path, &[], None).await.0 == 204);
                }
                left += rows.len() - gone;
                if gone == 0 {
                    break;
                }
            }
        }
        if left == 0 {
            return;
        }
    }
}

/// Sends the requests of one case and gives every difference, in order.
async fn play<C: Client>(client: &mut C, recorded: &Value) -> Vec<String> {
    let (mut case, mut problems) = (Case::new(recorded), Vec::new());
    for (step, number) in steps(recorded).iter().zip(1..) {
        let (request, want) = (&step["request"], &step["response"]);
        let (method, path) = (string(request, "method"), string(request, "path"));
        let body = request["body"].as_str().map(|body| case.to_ours(body).into_bytes());
        let (status, headers, body) =
            client.send(method, &case.to_ours(path), &pairs(&request["headers"]), body).await;
        let headers: HashMap<String, String> =
            headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();

        let mut found = Vec::new();
        if want["status"].as_u64() != Some(status.into()) {
            found.push(format!("status: want {}, got {status}", want["status"]));
        }
        for (name, value) in pairs(&want["headers"]) {
            let got = headers.get(&name);
            let bare = |value: &str| value.replace(' ', "");
            if EXACT_HEADERS.contains(&name.as_str()) && bare(got.map_or("", String::as_str)) != bare(&value)
            {
                found.push(format!("header {name}: want {value:?}, got {got:?}"));
            }
        }
        let json = |kind: &str| kind.starts_with("application/json");
        let (wanted, given) = (string(&want["headers"], "content-type"), headers.get("content-type"));
        if json(wanted) && method != "HEAD" && !given.is_some_and(|kind| json(kind)) {
            found.push(format!("header content-type: got {given:?}"));
        }
        // A recorded HTML page is the recorded server's front end speaking: only its status counts.
        if method != "HEAD" && !wanted.contains("text/html") {
            let text = String::from_utf8_lossy(&body);
            let got = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
            case.diff(&want["body"], &got, "body", "", &mut found);
        }
        problems.extend(found.into_iter().map(|problem| format!("step {number} {method} {path}: {problem}")));
    }
    problems
}

/// What is known of one case while it is played: which made-up texts stand for each other.
struct Case {
    theirs_to_ours: HashMap<String, String>,
    ours_to_theirs: HashMap<String, String>,
    /// Texts that look made up but came from the client, and so must come back unchanged.
    client_chosen: HashSet<String>,
    stamps_in_requests: HashSet<i128>,
}

impl Case {
    fn new(recorded: &Value) -> Case {
        let mut case = Case {
            theirs_to_ours: HashMap::new(),
            ours_to_theirs: HashMap::new(),
            client_chosen: HashSet::new(),
            stamps_in_requests: HashSet::new(),
        };
        // What is first seen in an answer is the server's own; the rest was chosen by the client.
        let mut answered = HashSet::new();
        for step in steps(recorded) {
            let request =
                format!("{}\n{}", string(&step["request"], "path"), string(&step["request"], "body"));
            case.client_chosen.extend(made_up(&request).into_iter().filter(|text| !answered.contains(text)));
            case.stamps_in_requests
                .extend(STAMP.find_iter(&request).filter_map(|found| found.as_str().parse::<i128>().ok()));
            answered.extend(made_up(&step["response"]["body"].to_string()));
        }
        case
    }

    /// A recorded request's text with this server's own ids in place of the recorded ones.
    fn to_ours(&self, text: &str) -> String {
        let ours = |found: &regex::Captures<'_>| {
            let theirs = &found[0];
            self.theirs_to_ours.get(&fold(theirs)).map_or_else(|| theirs.to_owned(), String::clone)
        };
        MADE_UP.replace_all(text, ours).into_owned()
    }

    /// Whether two made-up texts may stand for each other; remembers a new pair.
    fn pair(&mut self, want: String, got: String) -> bool {
        if self.client_chosen.contains(&want) {
            return want == got;
        }
        if self.theirs_to_ours.contains_key(&want) || self.ours_to_theirs.contains_key(&got) {
            return self.theirs_to_ours.get(&want) == Some(&got);
        }
        self.ours_to_theirs.insert(got.clone(), want.clone());
        self.theirs_to_ours.insert(want, got);
        true
    }

    fn same_text(&mut self, want: &str, got: &str) -> bool {
        let (want, got) = (TLS_WORDS.replace_all(want, "$1"), TLS_WORDS.replace_all(got, "$1"));
        if want != got && LISTS_NAMES.is_match(&want) {
            return words(&want) == words(&got);
        }
        let (theirs, ours) = (made_up(&want), made_up(&got));
        MADE_UP.replace_all(&want, "#") == MADE_UP.replace_all(&got, "#")
            && theirs.len() == ours.len()
            && theirs.into_iter().zip(ours).all(|(want, got)| self.pair(want, got))
    }

    /// Adds to `found` where `got` differs. `at` says where the values stand; `key` is the name of the member
    /// that holds them, empty for an element of a list.
    fn diff(&mut self, want: &Value, got: &Value, at: &str, key: &str, found: &mut Vec<String>) {
        // A list or an object says itself where it differs, and then there is nothing to add.
        let settled = match (want, got) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(want), Value::Bool(got)) => want == got,
            (Value::Number(want), Value::Number(got)) => self.same_number(want, got, key),
            (Value::String(want), Value::String(got)) => match key {
                "offset" | "node_id" | "hostname" => true,
                "next" => {
                    let cut = |text| OFFSET.replace_all(text, "${1}offset=").into_owned();
                    self.same_text(&cut(want), &cut(got))
                }
                _ => self.same_text(want, got),
            },
            (Value::Array(want), Value::Array(got)) if want.len() == got.len() => {
                let (mut want, mut got): (Vec<_>, Vec<_>) = (want.iter().collect(), got.iter().collect());
                if unordered(key, &want, &got) {
                    want.sort_by_cached_key(|row| anonymous(row));
                    got.sort_by_cached_key(|row| anonymous(row));
                }
                for (index, (want, got)) in want.into_iter().zip(got).enumerate() {
                    self.diff(want, got, &format!("{at}[{index}]"), "", found);
                }
                true
            }
            (Value::Array(want), Value::Array(got)) => {
                let (wanted, given) = (show(&json!(want)), show(&json!(got)));
                found.push(format!("{at}: want {} items, got {}: {wanted} / {given}", want.len(), got.len()));
                true
            }
            (Value::Object(want), Value::Object(got)) => {
                self.diff_members(want, got, at, found);
                true
            }
            _ => false,
        };
        if !settled {
            found.push(format!("{at}: want {}, got {}", show(want), show(got)));
        }
    }

    fn diff_members(
        &mut self,
        want: &Map<String, Value>,
        got: &Map<String, Value>,
        at: &str,
        found: &mut Vec<String>,
    ) {
        for (key, value) in want.iter().filter(|(key, _)| !got.contains_key(*key)) {
            found.push(format!("{at}.{key}: missing, want {}", show(value)));
        }
        for (key, value) in got.iter().filter(|(key, _)| !want.contains_key(*key)) {
            found.push(format!("{at}.{key}: not expected, got {}", show(value)));
        }
        for (key, value) in want {
            if let Some(other) = got.get(key) {
                self.diff(value, other, &format!("{at}.{key}"), key, found);
            }
        }
    }

    fn same_number(&self, want: &Number, got: &Number, key: &str) -> bool {
        let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
        let equal = match (integer(want), integer(got)) {
            (Some(want), Some(got)) => want == got,
            _ => float(want) == float(got),
        };
        let stamped = integer(want).is_some_and(|want| self.stamps_in_requests.contains(&want));
        equal
            || (STAMPS.contains(&key) && !stamped)
            || (key == "ttl" && (float(want) - float(got)).abs() <= 3.0)
    }
}

/// Whether the order of two lists does not count: rows of a page, and the lists that come out of a hash.
fn unordered(key: &str, want: &[&Value], got: &[&Value]) -> bool {
    let mut all = want.iter().chain(got);
    if key == "data" {
        all.all(|row| row.is_object())
    } else {
        UNORDERED.contains(&key) && !all.any(|row| row.is_null())
    }
}

/// A sort key that holds nothing the server made up.
fn anonymous(row: &Value) -> String {
    fn clean(value: &Value, key: &str) -> Value {
        match value {
            _ if STAMPS.contains(&key) => Value::String(String::new()),
            Value::Object(members) => {
                let sorted: BTreeMap<_, _> = members.iter().collect();
                Value::Object(
                    sorted.into_iter().map(|(key, value)| (key.clone(), clean(value, key))).collect(),
                )
            }
            Value::Array(elements) => {
                Value::Array(elements.iter().map(|element| clean(element, "")).collect())
            }
            Value::String(text) => Value::String(MADE_UP.replace_all(text, "#").into_owned()),
            other => other.clone(),
        }
    }
    clean(row, "").to_string()
}

/// Case does not count in a UUID, but does in a secret.
fn fold(text: &str) -> String {
    if text.contains('-') { text.to_lowercase() } else { text.to_owned() }
}

/// Every made-up text in a text, folded, in order.
fn made_up(text: &str) -> Vec<String> {
    MADE_UP.find_iter(text).map(|found| fold(found.as_str())).collect()
}

fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<_> = WORD.find_iter(text).map(|word| word.as_str()).collect();
    words.sort_unstable();
    words
}

/// The number without loss if it is whole, so that `1.0` equals `1` and no two large integers are taken for
/// one.
fn integer(number: &Number) -> Option<i128> {
    let whole = |float: f64| (float.fract() == 0.0 && float.abs() < 1e30).then_some(float as i128);
    number.as_i128().or_else(|| number.as_f64().and_then(whole))
}

/// A value as a difference shows it: at most 160 characters.
fn show(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 160 { text } else { text.chars().take(157).chain("...".chars()).collect() }
}

fn steps(recorded: &Value) -> &[Value] {
    recorded["steps"].as_array().map_or(&[], Vec::as_slice)
}

/// The text of a member; empty where there is none.
fn string<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Headers as pairs.
fn pairs(headers: &Value) -> Vec<(String, String)> {
    let members = headers.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file compiles")
}
