//! What the library has to say, for Python's `logging`: the logger `requires_auth`.
//!
//! A refusal is one record, at INFO or WARNING; so is a fetch of keys. An allowed request is one at DEBUG, if that
//! was on when a guard was made. The fields are in the message as `key="value"`, numbers without quotes as the
//! gateway writes them, and as a dict in the record's `requires_auth`.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber, callsite};

/// Levels of Python's `logging`.
const DEBUG: u8 = 10;
const INFO: u8 = 20;
const WARNING: u8 = 30;
const ERROR: u8 = 40;

static DEBUG_IS_ON: AtomicBool = AtomicBool::new(false);

/// Sends to Python what is logged from now on.
pub(crate) fn install() {
    // It fails only where this module has been loaded before, and then it is there already.
    drop(tracing::subscriber::set_global_default(PythonLogging));
}

/// Notes whether anybody wants to hear of allowed requests: asking each time would cost more than the verification.
pub(crate) fn refresh(py: Python<'_>) -> PyResult<()> {
    let is_on = logger(py)?.call_method1("isEnabledFor", (DEBUG,))?.is_truthy()?;
    if DEBUG_IS_ON.swap(is_on, Ordering::Relaxed) != is_on {
        callsite::rebuild_interest_cache();
    }
    Ok(())
}

fn logger(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("logging")?.call_method1("getLogger", ("requires_auth",))
}

struct PythonLogging;

impl Subscriber for PythonLogging {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_own = metadata.target().split("::").next() == Some("requires_auth");
        let is_loud = *metadata.level() <= Level::INFO;
        let is_heard = is_loud || (*metadata.level() == Level::DEBUG && DEBUG_IS_ON.load(Ordering::Relaxed));
        // `tracing::enabled!` asks with what is neither.
        is_own && !metadata.is_span() && is_heard
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = match *event.metadata().level() {
            Level::ERROR => ERROR,
            Level::WARN => WARNING,
            Level::INFO => INFO,
            _ => DEBUG,
        };
        // When the interpreter is on its way out there is nobody left to tell.
        Python::try_attach(|py| {
            if let Err(error) = fields.log(py, level) {
                error.write_unraisable(py, None);
            }
        });
    }

    // The library has no spans.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The value of a field.
enum Said {
    /// Stands in quotes, with escapes, so that whoever parses a line finds its end.
    Text(String),
    /// A number, `true` or `false`.
    Bare(String),
}

/// The fields of an event, as text.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Said)>,
}

impl Fields {
    fn log(self, py: Python<'_>, level: u8) -> PyResult<()> {
        let logger = logger(py)?;
        if !logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
            return Ok(());
        }
        let mut message = self.message;
        let fields = PyDict::new(py);
        for (name, value) in self.others {
            // Writing to a String cannot fail.
            let (Said::Text(text) | Said::Bare(text)) = &value;
            let _ = match &value {
                Said::Text(text) => write!(message, " {name}={text:?}"),
                Said::Bare(text) => write!(message, " {name}={text}"),
            };
            fields.set_item(name, text)?;
        }
        let (arguments, extra) = (PyDict::new(py), PyDict::new(py));
        extra.set_item("requires_auth", fields)?;
        arguments.set_item("extra", extra)?;
        logger.call_method("log", (level, "%s", message), Some(&arguments)).map(drop)
    }

    fn push(&mut self, field: &Field, value: Said) {
        match (field.name(), value) {
            ("message", Said::Text(text) | Said::Bare(text)) => self.message = text,
            (name, value) => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, Said::Text(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, Said::Bare(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, Said::Bare(value.to_string()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, Said::Bare(value.to_string()));
    }

    /// What is recorded by its `Display` comes here, too.
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, Said::Text(format!("{value:?}")));
    }
}
