//! How the fields of an event are written as text: `name=value`, with every text in quotes, so that a parser of logfmt reads them.

use std::error::Error;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// The field that has the message itself.
const MESSAGE: &str = "message";

/// Writes a message as it is, and after it each field. Numbers and truth values have no quotes.
pub(super) struct Quoted;

impl<'w> FormatFields<'w> for Quoted {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line { writer, is_begun: false, result: Ok(()) };
        fields.record(&mut line);
        line.result
    }
}

struct Line<'w> {
    writer: Writer<'w>,
    is_begun: bool,
    result: fmt::Result,
}

impl Line<'_> {
    fn field(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.result.is_ok() {
            self.result = self.try_field(field.name(), value);
        }
    }

    fn try_field(&mut self, name: &str, value: fmt::Arguments<'_>) -> fmt::Result {
        if std::mem::replace(&mut self.is_begun, true) {
            self.writer.write_char(' ')?;
        }
        match (name, self.writer.has_ansi_escapes()) {
            (MESSAGE, _) => self.writer.write_fmt(value),
            (_, false) => write!(self.writer, "{name}={value}"),
            (_, true) => write!(self.writer, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m{value}"),
        }
    }

    /// A text, in quotes unless it is the message.
    fn text(&mut self, field: &Field, text: &str) {
        if field.name() == MESSAGE {
            self.field(field, format_args!("{text}"));
        } else {
            self.field(field, format_args!("{text:?}"));
        }
    }
}

impl Visit for Line<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, &value.to_string());
    }

    /// What is recorded by its `Display` comes here, too.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, PoisonError};

    use tracing::{info, warn};

    use super::*;

    /// What is written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(has_colours: bool, log: impl FnOnce()) -> String {
        let written = Written::default();
        let make = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_target(false)
            .without_time()
            .with_ansi(has_colours)
            .fmt_fields(Quoted)
            .with_writer(move || make.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = written.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// Names and values as a parser of logfmt finds them: a value without quotes ends at a space.
    fn read(line: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut rest = line.trim_end();
        while let Some((before, after)) = rest.split_once('=') {
            let name = before.rsplit(' ').next().unwrap_or_default().to_owned();
            let (value, left) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').expect("a quote at its end"),
                None => after.split_once(' ').unwrap_or((after, "")),
            };
            found.push((name, value.to_owned()));
            rest = left;
        }
        found
    }

    #[test]
    fn every_text_is_quoted_alike() {
        let cause = "no route is for it";
        let line = logged(false, || {
            info!(code = "auth.no_route", %cause, debug = ?cause.len(), status = 403, is_on = true, nothing = None::<&str>, "refused");
        });
        let expected = " INFO refused code=\"auth.no_route\" cause=\"no route is for it\" debug=\"18\" status=403 is_on=true\n";
        assert_eq!(line, expected);
        let names: Vec<_> = read(&line).into_iter().map(|(_, value)| value).collect();
        assert_eq!(names, ["auth.no_route", "no route is for it", "18", "403", "true"]);
    }

    #[test]
    fn a_quote_or_a_line_break_of_a_value_ends_neither_it_nor_the_line() {
        let value = "a\"b\nc";
        let line = logged(false, || warn!(%value, same = value, "told"));
        assert_eq!(line, " WARN told value=\"a\\\"b\\nc\" same=\"a\\\"b\\nc\"\n");
    }

    #[test]
    fn colours_stand_around_names_alone() {
        let line = logged(true, || info!(code = "a b", "refused"));
        assert!(line.contains("\u{1b}[3mcode\u{1b}[0m\u{1b}[2m=\u{1b}[0m\"a b\""), "{line:?}");
    }
}
