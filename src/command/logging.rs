//! The log: lines on standard error, from a level on that is Kong's, as text or as JSON; and, where it is wanted, a file
//! with a line for each request.
//!
//! A line that is written while a request is answered has the request's id, which is looked up when there is a line to
//! write and costs nothing otherwise.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use silverback::admin::{ACCESS_LOG, RequestId};
use silverback::settings::{LogFormat, LogLevel};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{self, FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt as lines, reload};

/// Writes what is at least as grave as `level`, or as the level that is set later by what is returned; and each request
/// into the file `access`, which is opened again whenever a level is set, so that it can be moved away.
///
/// # Errors
/// Why the file cannot be opened.
pub fn start(
    level: LogLevel,
    format: LogFormat,
    access: Option<&Path>,
) -> io::Result<impl Fn(LogLevel) + use<>> {
    let file = access.map(AccessFile::open).transpose()?;
    let is_kept = file.is_some();
    let (filter, handle) = reload::Layer::new(filter(level, is_kept));
    let are_shown = Arc::new(AtomicBool::new(shows_requests(level)));
    let shown = Arc::clone(&are_shown);
    let colours = std::io::stderr().is_terminal();
    let lines = Only {
        lines: layer(format, std::io::stderr, colours),
        wants: move |target: &str| target != ACCESS_LOG || shown.load(Ordering::Relaxed),
    };
    let requests = file
        .clone()
        .map(|file| Only { lines: layer(format, file, false), wants: |target: &str| target == ACCESS_LOG });
    tracing_subscriber::registry().with(filter).with(lines).with(requests).init();
    Ok(move |level| {
        are_shown.store(shows_requests(level), Ordering::Relaxed);
        if let Err(cause) = handle.reload(self::filter(level, is_kept)) {
            tracing::error!(%cause, "the level of the log could not be changed");
        }
        if let Some(Err(cause)) = file.as_ref().map(AccessFile::open_again) {
            tracing::error!(%cause, "the access log could not be opened again");
        }
    })
}

/// Lines of which only those are written whose target is wanted.
///
/// A filter of tracing's own for each layer remembers by thread what it refused, and takes it for the next line's where
/// that is about something that is never refused; so lines got lost.
struct Only<L, F> {
    lines: L,
    wants: F,
}

impl<S, L, F> Layer<S> for Only<L, F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    L: Layer<S>,
    F: Fn(&str) -> bool + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.lines.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.lines.on_record(id, values, context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if (self.wants)(event.metadata().target()) {
            self.lines.on_event(event, context);
        }
    }
}

/// Lines of that format. A file or a pipe keeps what it is given: there, codes of colours would stand between the words.
fn layer<S, W>(format: LogFormat, writer: W, colours: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = lines::layer().with_writer(writer);
    match format {
        LogFormat::Text => lines.event_format(Named(format::Format::default().with_ansi(colours))).boxed(),
        LogFormat::Json => {
            let json = format::Format::default()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false);
            lines.fmt_fields(format::JsonFields::new()).event_format(Named(json)).boxed()
        }
    }
}

/// Kong's levels beyond `error` all mean errors. Lines of requests are as grave as `info`, and go into their file whatever
/// the level is.
fn filter(level: LogLevel, is_kept: bool) -> Targets {
    let least = match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info | LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error | LogLevel::Crit | LogLevel::Alert | LogLevel::Emerg => LevelFilter::ERROR,
    };
    let requests = if is_kept || shows_requests(level) { LevelFilter::INFO } else { LevelFilter::OFF };
    Targets::new().with_default(least).with_target(ACCESS_LOG, requests)
}

/// `notice` is `info` without a line for each request.
fn shows_requests(level: LogLevel) -> bool {
    matches!(level, LogLevel::Debug | LogLevel::Info)
}

/// The file of the access log.
#[derive(Clone)]
struct AccessFile {
    path: PathBuf,
    file: Arc<Mutex<Arc<File>>>,
}

impl AccessFile {
    fn open(path: &Path) -> io::Result<AccessFile> {
        Ok(AccessFile { path: path.to_owned(), file: Arc::new(Mutex::new(Arc::new(appended(path)?))) })
    }

    fn open_again(&self) -> io::Result<()> {
        let file = Arc::new(appended(&self.path)?);
        *self.lock() = file;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn appended(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

impl<'a> MakeWriter<'a> for AccessFile {
    type Writer = Arc<File>;

    fn make_writer(&'a self) -> Arc<File> {
        Arc::clone(&self.lock())
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
