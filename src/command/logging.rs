//! The log: lines on standard error, from a level on that is Kong's.

use std::io::IsTerminal as _;

use silverback::settings::LogLevel;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, reload};

/// Writes what is at least as grave as `level`, or as the level that is set later by what is returned.
pub fn start(level: LogLevel) -> impl Fn(LogLevel) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = fmt::layer().with_writer(std::io::stderr);
    // A file or a pipe keeps what it is given: there, codes of colours would stand between the words.
    let lines = if std::io::stderr().is_terminal() { lines } else { lines.with_ansi(false) };
    tracing_subscriber::registry().with(filter).with(lines).init();
    move |level| {
        if let Err(cause) = handle.reload(self::filter(level)) {
            tracing::error!(%cause, "the level of the log could not be changed");
        }
    }
}

/// Kong's levels beyond `error` all mean errors.
fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info | LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error | LogLevel::Crit | LogLevel::Alert | LogLevel::Emerg => LevelFilter::ERROR,
    }
}
