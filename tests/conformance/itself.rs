//! Produces the proof that the comparison in `replay.rs` sees: recordings played against their own answers
//! pass, also with other made-up ids, and every changed answer fails. It deliberately says nothing about a
//! server.

use std::collections::{HashSet, VecDeque};
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use super::replay::{Client, Report, replay};

/// How many requests find out that the store is empty before a case starts.
const EMPTYING: usize = 12;

/// Answers from a recording, after `change` had its way with each case.
struct Recorded {
    answers: VecDeque<Value>,
}

impl Recorded {
    fn new(file: &Path, change: impl Fn(&mut Value)) -> Recorded {
        let mut answers = VecDeque::new();
        for line in read_to_string(file).unwrap().lines() {
            let mut case: Value = serde_json::from_str(line).unwrap();
            change(&mut case);
            let none = json!({"response": {"status": 200, "headers": {}, "body": {"data": []}}});
            answers.extend(vec![none; EMPTYING]);
            answers.extend(case["steps"].as_array().unwrap().iter().cloned());
        }
        Recorded { answers }
    }
}

impl Client for Recorded {
    async fn send(
        &mut self,
        method: &str,
        path: &str,
        _: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let step = self.answers.pop_front().expect("no more requests than recorded");
        if let Some(request) = step.get("request") {
            assert_eq!(request["method"], method);
            assert_eq!(request["path"], path);
            assert_eq!(request["body"].as_str().map(str::as_bytes), body.as_deref());
        }
        let response = &step["response"];
        let headers = response["headers"].as_object().unwrap();
        let headers =
            headers.iter().map(|(name, value)| (name.to_uppercase(), value.as_str().unwrap().into()));
        let body = match &response["body"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (response["status"].as_u64().unwrap() as u16, headers.collect(), body.into_bytes())
    }
}

/// Plays every recording against its own, changed, answers.
fn play(change: impl Fn(&mut Value)) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut report = Report::default();
    for file in super::recordings("recordings") {
        let mut client = Recorded::new(&file, &change);
        report.add(runtime.block_on(replay(&mut client, &file, &HashSet::new())));
        assert!(client.answers.is_empty(), "{}: every step is asked for", file.display());
    }
    report
}

/// Checks that exactly the cases which `change` alters fail.
fn check_seen(change: impl Fn(&mut Value)) {
    let altered = super::recordings("recordings").into_iter().flat_map(cases).filter(|case| {
        let mut other = case.clone();
        change(&mut other);
        other != *case
    });
    let altered: Vec<_> = altered.map(|case| case["case"].as_str().unwrap().to_owned()).collect();
    let failed: Vec<_> = play(change).failed.into_iter().map(|(name, _)| name).collect();
    assert!(altered.len() > 10, "the change does something");
    assert_eq!(failed, altered);
}

fn cases(file: PathBuf) -> Vec<Value> {
    read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The answers of a case whose body counts.
fn answers(case: &mut Value) -> impl Iterator<Item = &mut Value> {
    let steps = case["steps"].as_array_mut().unwrap().iter_mut();
    let steps = steps.filter(|step| step["request"]["method"] != "HEAD").map(|step| &mut step["response"]);
    steps
        .filter(|answer| answer["headers"]["content-type"].as_str().is_some_and(|kind| kind.contains("json")))
}

#[test]
fn recorded_answers_pass() {
    let report = play(|_| ());
    assert!(report.failed.is_empty() && report.passed > 300, "{report}");
}

#[test]
fn rows_in_another_order_pass() {
    let report = play(|case| {
        for answer in answers(case) {
            if let Some(Value::Array(rows)) = answer["body"].get_mut("data") {
                // Rows that only their ids tell apart keep their order, for nothing else could pair them.
                let mut names = HashSet::new();
                if rows.iter().all(|row| row["name"].is_string() && names.insert(row["name"].to_string())) {
                    rows.reverse();
                }
            }
        }
    });
    assert!(report.failed.is_empty(), "{report}");
}

#[test]
fn other_made_up_ids_pass() {
    let report = play(|case| {
        let (mut asked, mut made_up) = (String::new(), Vec::new());
        for step in case["steps"].as_array().unwrap() {
            asked += &step["request"].to_string();
            made_up.extend(step["response"]["body"]["id"].as_str().filter(|id| !asked.contains(id)));
        }
        // Requests change with the answers: a later request has to ask for the new id.
        let renamed = made_up.into_iter().fold(case.to_string(), |text, id| {
            text.replace(id, &Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes()).to_string())
        });
        *case = serde_json::from_str(&renamed).unwrap();
    });
    assert!(report.failed.is_empty(), "{report}");
}

#[test]
fn another_status_is_seen() {
    check_seen(|case| {
        let last = case["steps"].as_array_mut().unwrap().last_mut().unwrap();
        let status = &mut last["response"]["status"];
        *status = json!(status.as_u64().unwrap() + 1);
    });
}

#[test]
fn another_header_is_seen() {
    check_seen(|case| {
        for step in case["steps"].as_array_mut().unwrap() {
            if let Some(origin) = step["response"]["headers"].get_mut("access-control-allow-origin") {
                *origin = json!("http://example.test");
            }
        }
    });
}

#[test]
fn another_member_is_seen() {
    check_seen(|case| {
        for answer in answers(case) {
            if let Some(members) = answer["body"].as_object_mut() {
                members.insert("unexpected".into(), Value::Null);
            }
        }
    });
}

#[test]
fn another_text_is_seen() {
    check_seen(|case| {
        for answer in answers(case) {
            if let Some(Value::String(text)) = answer["body"].get_mut("message") {
                text.insert_str(0, "other ");
            }
        }
    });
}

#[test]
fn an_id_of_another_row_is_seen() {
    check_seen(|case| {
        let mut first = None;
        for answer in answers(case) {
            let Some(Value::String(id)) = answer["body"].get_mut("id") else { continue };
            match &first {
                None => first = Some(id.clone()),
                Some(first) if first == id => *id = "7f3e2d1c-0000-4000-8000-000000000000".into(),
                Some(_) => {}
            }
        }
    });
}
