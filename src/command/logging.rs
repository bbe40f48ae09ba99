//! The log: lines on standard error, from a level on that is Kong's, as text or as JSON.
//!
//! A line that is written while a request is answered has the request's id, which is looked up when there is a line to
//! write and costs nothing otherwise.

use std::fmt;
use std::io::IsTerminal as _;

use silverback::admin::{ACCESS_LOG, RequestId};
use silverback::settings::{LogFormat, LogLevel};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{self, FormatEvent, FormatFields, Writer};
use tracing_subscriber::layer::{Layer as _, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt as lines, reload};

/// Writes what is at least as grave as `level`, or as the level that is set later by what is returned.
pub fn start(level: LogLevel, format: LogFormat) -> impl Fn(LogLevel) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = lines::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => {
            // A file or a pipe keeps what it is given: there, codes of colours would stand between the words.
            let text = format::Format::default().with_ansi(std::io::stderr().is_terminal());
            lines.event_format(Named(text)).boxed()
        }
        LogFormat::Json => {
            let json = format::Format::default()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false);
            lines.fmt_fields(format::JsonFields::new()).event_format(Named(json)).boxed()
        }
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
    move |level| {
        if let Err(cause) = handle.reload(self::filter(level)) {
            tracing::error!(%cause, "the level of the log could not be changed");
        }
    }
}

/// Kong's levels beyond `error` all mean errors. `notice` is `info` without a line for each request.
fn filter(level: LogLevel) -> Targets {
    let from = |level: LevelFilter| Targets::new().with_default(level);
    match level {
        LogLevel::Debug => from(LevelFilter::DEBUG),
        LogLevel::Info => from(LevelFilter::INFO),
        LogLevel::Notice => from(LevelFilter::INFO).with_target(ACCESS_LOG, LevelFilter::WARN),
        LogLevel::Warn => from(LevelFilter::WARN),
        LogLevel::Error | LogLevel::Crit | LogLevel::Alert | LogLevel::Emerg => from(LevelFilter::ERROR),
    }
}

/// A format, and the id of the request that a line is about.
struct Named<F>(F);

impl<S, N, F> FormatEvent<S, N> for Named<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(id) = RequestId::current() else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let line = line.trim_end_matches('\n');
        match line.strip_suffix('}').filter(|_| line.starts_with('{')) {
            Some(object) => writeln!(writer, "{object},\"request_id\":\"{id}\"}}"),
            None => writeln!(writer, "{line} request_id={id}"),
        }
    }
}
