//! The log: lines on standard error, from a level on that is Kong's, as text or as JSON; and, where it is wanted, a file
//! with a line for each request.
//!
//! A line that is written while a request is answered has the request's id, which is looked up when there is a line to
//! write and costs nothing otherwise.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use silverback::admin::{ACCESS_LOG, RequestId};
use silverback::settings::{LogFormat, LogLevel};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{self, FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
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
    let (filter, handle) = reload::Layer::new(filter(level));
    let file = access.map(AccessFile::open).transpose()?;
    let colours = std::io::stderr().is_terminal();
    let requests = file.clone().map(|file| {
        layer(format, file, false).with_filter(Targets::new().with_target(ACCESS_LOG, LevelFilter::INFO))
    });
    tracing_subscriber::registry()
        .with(layer(format, std::io::stderr, colours).with_filter(filter))
        .with(requests)
        .init();
    Ok(move |level| {
        if let Err(cause) = handle.reload(self::filter(level)) {
            tracing::error!(%cause, "the level of the log could not be changed");
        }
        if let Some(Err(cause)) = file.as_ref().map(AccessFile::open_again) {
            tracing::error!(%cause, "the access log could not be opened again");
        }
    })
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
