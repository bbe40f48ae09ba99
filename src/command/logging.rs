//! The log: lines on standard error, from a level on that is Kong's.

use silverback::settings::LogLevel;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Writes what is at least as grave as `level`. Kong's levels beyond `error` all mean errors.
pub fn start(level: LogLevel) {
    let level = match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info | LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error | LogLevel::Crit | LogLevel::Alert | LogLevel::Emerg => LevelFilter::ERROR,
    };
    tracing_subscriber::registry().with(level).with(fmt::layer().with_writer(std::io::stderr)).init();
}
