//! What is written to stderr while a command runs: events of the library, and what the gateway says of itself.

use std::io::{self, IsTerminal as _, Write};
use std::sync::OnceLock;

use clap::ValueEnum;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use tracing::warn;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer as Text;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

mod escape;
mod fields;
mod limit;
mod request_id;
mod writer;

use self::fields::Quoted;
use self::limit::Limit;
use self::writer::Queue;

pub(crate) use self::escape::{Escape, short};
pub(crate) use self::request_id::RequestId;

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

impl LogFormat {
    const fn escape(self) -> Escape {
        match self {
            Self::Text => Escape::Text,
            Self::Json => Escape::Json,
        }
    }
}

/// The log of the gateway, once it has started.
static GATEWAY: OnceLock<Log> = OnceLock::new();

/// What is logged, and how.
pub(crate) struct Logging {
    /// The filter where `RUST_LOG` has none.
    pub(crate) filter: &'static str,
    /// How the gateway writes its log, if it is the gateway that runs.
    pub(crate) gateway: Option<LogFormat>,
}

/// Starts to log.
pub(crate) fn start(logging: &Logging) {
    let wanted = std::env::var("RUST_LOG").ok().map(|text| filter(&text));
    let is_unclear = matches!(wanted, Some(Err(_)));
    let filter = wanted.and_then(Result::ok).or_else(|| filter(logging.filter).ok()).unwrap_or_default();
    listen(logging, filter);
    if is_unclear {
        warn!("`RUST_LOG` is not used: write levels or `target=level`, with commas between them");
    }
}

/// The filter of such a text: levels and `target=level`, with commas between them. Nothing at all is `error`.
fn filter(text: &str) -> Result<Targets, ParseError> {
    let parts: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Ok(Targets::new().with_default(LevelFilter::ERROR));
    }
    parts.join(",").parse()
}

/// Writes what passes the filter from now on.
fn listen(logging: &Logging, filter: Targets) {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let has_colours = io::stderr().is_terminal() && !is_plain;
    let Some(format) = logging.gateway else {
        let log = Log { format: LogFormat::Text, has_colours, queue: None };
        let events =
            tracing_subscriber::fmt::layer().with_target(false).with_ansi(has_colours).fmt_fields(Quoted);
        return tracing_subscriber::registry().with(filter).with(events.with_writer(log)).init();
    };
    let log = GATEWAY.get_or_init(|| Log::of_gateway(format, has_colours)).clone();
    let events = tracing_subscriber::fmt::layer().with_target(false);
    let limit =
        Limit::new(|left_out| tell("WARN", &format!("{left_out} more like the next one were left out")));
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => {
            let events = events.with_ansi(has_colours).fmt_fields(Quoted).with_writer(log);
            registry.with(events).with(limit).init();
        }
        LogFormat::Json => {
            let events = events.json().flatten_event(true).with_span_list(false).with_writer(log);
            registry.with(events).with(limit).init();
            std::panic::set_hook(Box::new(|panic| tell("ERROR", &panic.to_string())));
        }
    }
}

/// Says something of the gateway itself: a line to read, or a JSON object, as its log is. It does not wait.
pub(crate) fn tell(level: &str, message: &str) {
    if let Some(log) = GATEWAY.get() {
        log.write_line(&log.format.line(level, message));
    }
}

/// Whether stderr gets JSON and nothing else.
pub(crate) fn is_json() -> bool {
    GATEWAY.get().is_some_and(|log| log.format == LogFormat::Json)
}

/// Waits a moment for what is not written yet.
pub(crate) fn flush() {
    if let Some(queue) = GATEWAY.get().and_then(|log| log.queue.as_ref()) {
        queue.flush();
    }
}

impl LogFormat {
    /// A line with a message that no event is behind.
    fn line(self, level: &str, message: &str) -> String {
        match self {
            // What everybody wants to know has no level in front of it.
            Self::Text if level == "INFO" => format!("{message}\n"),
            Self::Text => format!("{level} {message}\n"),
            Self::Json => {
                let mut time = String::new();
                // A text takes all that is written to it.
                SystemTime.format_time(&mut Text::new(&mut time)).ok();
                format!("{}\n", json!({ "timestamp": time, "level": level, "message": message }))
            }
        }
    }

    /// An event with the id of its request, which has no letter that would have to be escaped.
    fn with_id(self, event: &str, id: &str) -> String {
        let event = event.trim_end_matches('\n');
        match (self, event.strip_suffix('}')) {
            (Self::Json, Some(members)) => format!(r#"{members},"span":{{"id":"{id}","name":"request"}}}}"#),
            _ => format!("{event} id={id}"),
        }
    }
}

/// Writes lines to stderr, without what could drive a terminal or look like another line.
#[derive(Clone)]
struct Log {
    format: LogFormat,
    has_colours: bool,
    /// There is none where a command may wait for whoever reads.
    queue: Option<Queue>,
}

impl Log {
    fn of_gateway(format: LogFormat, has_colours: bool) -> Self {
        let describe = move |dropped| {
            format.line("WARN", &format!("{dropped} lines of the log were dropped")).into_bytes()
        };
        Self { format, has_colours, queue: Queue::start(io::stderr(), describe).ok() }
    }

    fn write_line(&self, line: &str) {
        let text = line.strip_suffix('\n').unwrap_or(line);
        let mut line = escape::line(text, self.format.escape(), self.has_colours).into_owned();
        line.push('\n');
        match &self.queue {
            Some(queue) => queue.send(line.into_bytes()),
            // Where stderr is closed there is nobody to tell.
            None => drop(io::stderr().write_all(line.as_bytes())),
        }
    }
}

impl Write for Log {
    /// Each call is a whole event.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let event = String::from_utf8_lossy(bytes);
        match RequestId::current() {
            Some(id) => self.write_line(&self.format.with_id(&event, &id)),
            None => self.write_line(&event),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn an_event_has_the_id_of_its_request() {
        let id = "night-7";
        assert_eq!(LogFormat::Text.with_id("INFO refused\n", id), "INFO refused id=night-7");
        let json = LogFormat::Json.with_id("{\"level\":\"INFO\"}\n", id);
        let event: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(event, json!({ "level": "INFO", "span": { "id": "night-7", "name": "request" } }));
    }

    #[test]
    fn the_log_is_filtered_by_levels_and_targets() {
        let passes = |text, target| {
            let filter = filter(text).expect("a filter");
            let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
            levels.iter().take_while(|level| filter.would_enable(target, level)).count()
        };
        for (text, own, other) in [
            ("", 1, 1),
            (" , ", 1, 1),
            ("warn", 2, 2),
            ("DEBUG", 4, 4),
            ("off", 0, 0),
            ("requires_auth=info", 3, 0),
            ("warn, requires_auth=debug", 4, 2),
            ("warn,requires_auth::gateway=off", 0, 2),
            ("info,requires_auth::gateway::connections=warn", 3, 3),
            ("requires_auth", 5, 0),
        ] {
            assert_eq!(
                (passes(text, "requires_auth::gateway"), passes(text, "hyper")),
                (own, other),
                "{text}"
            );
        }
        for text in ["requires_auth=loud", "a=b=c", "[request{id=3}]=debug"] {
            filter(text).expect_err(text);
        }
    }
}
