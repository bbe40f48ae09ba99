//! `/debug/…/log-level`: the level of the log, asked for and changed while the node runs.
//!
//! A change lasts for a time, after which the level of the settings is back. What the level makes of the log is
//! decided by whoever writes it, who is told of every change; nothing here writes a line.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use generators::numbers::lua_number;
use http::StatusCode;
use serde_json::{Value, json};

use super::Node;
use crate::admin::{Answer, Refusal, Request};
use crate::settings::LogLevel;

/// How many seconds a change lasts unless the request says otherwise, as in Kong.
const LASTS: f64 = 60.0;

/// Hears of every change of the level.
type Listener = Box<dyn Fn(LogLevel) + Send + Sync>;

/// The level of the log, as it is at the moment.
pub struct CurrentLevel {
    state: Mutex<State>,
    listener: OnceLock<Listener>,
}

struct State {
    /// The level that the settings name.
    configured: LogLevel,
    level: LogLevel,
    /// Counts the changes, so that the end of one does not end a later one.
    changes: u64,
}

impl CurrentLevel {
    /// The level that the settings name.
    pub fn new(configured: LogLevel) -> Arc<CurrentLevel> {
        let state = Mutex::new(State { configured, level: configured, changes: 0 });
        Arc::new(CurrentLevel { state, listener: OnceLock::new() })
    }

    /// Names who writes the log. Only the first one is told of changes.
    pub fn written_by(&self, listener: impl Fn(LogLevel) + Send + Sync + 'static) {
        let _known_already = self.listener.set(Box::new(listener));
    }

    /// The level at this moment.
    pub fn get(&self) -> LogLevel {
        self.lock().level
    }

    /// Changes the level for some time.
    pub fn change(self: &Arc<Self>, level: LogLevel, lasts: Duration) {
        let change = {
            let mut state = self.lock();
            state.changes += 1;
            self.enter(&mut state, level);
            state.changes
        };
        let own = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(lasts).await;
            let mut state = own.lock();
            if state.changes == change {
                let configured = state.configured;
                own.enter(&mut state, configured);
            }
        });
    }

    /// Takes the level that the settings name now; it ends a change.
    pub fn configure(&self, level: LogLevel) {
        let mut state = self.lock();
        state.changes += 1;
        state.configured = level;
        self.enter(&mut state, level);
    }

    /// Sets the level while the state is held, so that the listener hears of changes in their order.
    fn enter(&self, state: &mut State, level: LogLevel) {
        state.level = level;
        if let Some(listener) = self.listener.get() {
            listener(level);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose log a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This node's.
    Node,
    /// That of every node on the same database.
    Cluster,
}

/// `GET /debug/node/log-level`
pub fn show(node: &Node) -> Answer {
    Answer::ok(&json!({ "message": format!("log level: {}", node.log_level.get().word()) }))
}

/// `PUT /debug/node/log-level/debug?timeout=30`
pub async fn change(node: &Node, word: &str, reach: Reach, request: &Request) -> Result<Answer, Refusal> {
    let mut arguments = request.arguments()?;
    arguments.extend(request.input().await?.row);
    if node.declarations.without_database() {
        let sentence = "cannot change log level when not using a database";
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, sentence));
    }
    let level = LogLevel::from_word(word);
    let level = level.ok_or_else(|| Refusal::bad_request(&format!("unknown log level: {word}")))?;
    let lasts = seconds(arguments.get("timeout"))?;
    if node.log_level.get() == level {
        return Ok(Answer::ok(&json!({ "message": format!("log level is already {word}") })));
    }
    if reach == Reach::Cluster {
        node.announce(&format!("log-level {word} {lasts}")).await?;
    }
    node.log_level.change(level, Duration::from_secs(lasts));
    Ok(Answer::ok(&json!({ "message": "log level changed" })))
}

/// The `timeout` of a request: whole seconds, rounded up. What is no number does not count.
fn seconds(timeout: Option<&Value>) -> Result<u64, Refusal> {
    let given = match timeout {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => lua_number(text).and_then(|number| number.as_f64()),
        _ => None,
    };
    let seconds = given.unwrap_or(LASTS).ceil();
    if seconds < 0.0 {
        return Err(Refusal::bad_request("timeout must be greater than or equal to 0"));
    }
    Ok(seconds as u64)
}

/// Does what another node was told some time ago: the level, and for how many seconds. What is over is not begun.
pub fn follow(node: &Node, words: &[&str], age: Duration) {
    let [level, lasts] = words else { return };
    if let (Some(level), Ok(lasts)) = (LogLevel::from_word(level), lasts.parse())
        && let Some(left) = Duration::from_secs(lasts).checked_sub(age)
    {
        node.log_level.change(level, left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_ends_and_a_later_one_is_not_ended_by_it() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let level = CurrentLevel::new(LogLevel::Notice);
        let ear = Arc::clone(&heard);
        level.written_by(move |level| ear.lock().unwrap().push(level.word()));
        level.change(LogLevel::Debug, Duration::from_millis(200));
        tokio::time::sleep(Duration::from_millis(100)).await;
        level.change(LogLevel::Warn, Duration::from_millis(600));
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(level.get(), LogLevel::Warn);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(level.get(), LogLevel::Notice);
        assert_eq!(*heard.lock().unwrap(), ["debug", "warn", "notice"]);
        level.change(LogLevel::Debug, Duration::from_millis(100));
        level.configure(LogLevel::Error);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(level.get(), LogLevel::Error);
        assert_eq!(heard.lock().unwrap()[3..], ["debug", "error"]);
    }

    #[test]
    fn a_timeout_is_rounded_up_and_not_negative() {
        for (timeout, lasts) in [
            (None, Some(60)),
            (Some(json!("0")), Some(0)),
            (Some(json!("0x10")), Some(16)),
            (Some(json!("1.2")), Some(2)),
            (Some(json!(7)), Some(7)),
            (Some(json!("soon")), Some(60)),
            (Some(json!(true)), Some(60)),
            (Some(json!("-0.5")), Some(0)),
            (Some(json!("-1.5")), None),
        ] {
            assert_eq!(seconds(timeout.as_ref()).ok(), lasts, "{timeout:?}");
        }
    }
}
