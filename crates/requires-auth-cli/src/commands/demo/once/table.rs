//! The table of requests and answers, as wide as there is room for.

use std::io::{self, IsTerminal as _, Write as _};

use super::cases::Answer;
use super::exchange::Exchange;
use crate::output::{BAD, DIM, GOOD};

/// The room where nobody says how much there is: that of a plain terminal, in columns.
const PLAIN_WIDTH: usize = 80;

/// Between two cells.
const GAP: usize = 2;

/// What is shown besides name, status and code: the challenge goes first where room is scarce, then the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    request: bool,
    challenge: bool,
}

impl Columns {
    /// Whether nothing was left out.
    pub(super) const fn are_all(self) -> bool {
        self.request && self.challenge
    }
}

/// How wide the cells are, in characters.
#[derive(Clone, Copy)]
struct Widths {
    about: usize,
    request: usize,
    code: usize,
    challenge: usize,
}

impl Widths {
    fn of(exchanges: &[Exchange]) -> Self {
        let width = |cell: &dyn Fn(&Exchange) -> usize| exchanges.iter().map(cell).max().unwrap_or_default();
        let of_answers = |cell: &dyn Fn(&Answer) -> usize| {
            width(&|exchange| {
                cell(&exchange.answer).max(if exchange.is_right() { 0 } else { cell(&exchange.right) })
            })
        };
        Self {
            about: width(&|exchange| exchange.about.len()),
            request: width(&|exchange| exchange.request.len()),
            code: of_answers(&|answer| code(answer).len()),
            challenge: of_answers(&|answer| challenge(answer).len()),
        }
    }

    /// What there is room for.
    const fn columns_within(self, room: usize) -> Columns {
        // A mark, a space, the name, the status, the code.
        let least = 2 + self.about + GAP + STATUS.len() + GAP + self.code;
        let with_request = least + GAP + self.request;
        let request = with_request <= room;
        Columns { request, challenge: request && with_request + GAP + self.challenge <= room }
    }
}

const STATUS: &str = "status";

/// Prints the table: request, status, code with reason, challenge. Says which columns there was room for.
pub(super) fn print(exchanges: &[Exchange]) -> io::Result<Columns> {
    let widths = Widths::of(exchanges);
    let columns = widths.columns_within(room());
    let about = widths.about;
    let mut out = anstream::stdout().lock();
    let titles = line(columns, widths, "request", STATUS, "code", "challenge");
    writeln!(out, "  {DIM}{:about$}{titles}{DIM:#}", "")?;
    for exchange in exchanges {
        let (style, mark) = if exchange.is_right() { (GOOD, '✓') } else { (BAD, '✗') };
        let told = answer(columns, widths, &exchange.request, &exchange.answer);
        writeln!(out, "{style}{mark}{style:#} {:about$}{told}", exchange.about)?;
        if !exchange.is_right() {
            let right = answer(columns, widths, "", &exchange.right);
            writeln!(out, "  {BAD}{:about$}{BAD:#}{right}", "expected")?;
        }
    }
    out.flush()?;
    Ok(columns)
}

/// How many columns the terminal has; a pipe or a file gets the plain width, so that its content is always the same.
fn room() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(io::stdout())
        && io::stdout().is_terminal()
        && size.ws_col > 0
    {
        return size.ws_col.into();
    }
    PLAIN_WIDTH
}

fn answer(columns: Columns, widths: Widths, request: &str, answer: &Answer) -> String {
    line(columns, widths, request, &answer.status.to_string(), &code(answer), challenge(answer))
}

/// The cells after the name.
fn line(
    columns: Columns,
    widths: Widths,
    request: &str,
    status: &str,
    code: &str,
    challenge: &str,
) -> String {
    let mut line = String::new();
    let mut cell = |text: &str, width: usize| line.extend([format!("{:GAP$}{text:width$}", "")]);
    if columns.request {
        cell(request, widths.request);
    }
    cell(status, STATUS.len());
    cell(code, widths.code);
    if columns.challenge {
        cell(challenge, 0);
    }
    line.truncate(line.trim_end().len());
    line
}

fn challenge(answer: &Answer) -> &str {
    answer.challenge.as_deref().unwrap_or("-")
}

fn code(answer: &Answer) -> String {
    match (&answer.code, &answer.reason) {
        (Some(code), Some(reason)) => format!("{code} {reason}"),
        (Some(code), None) => code.clone(),
        (None, _) => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_the_challenge_first() {
        let widths = Widths { about: 22, request: 28, code: 43, challenge: 100 };
        let within = |room| {
            let Columns { request, challenge } = widths.columns_within(room);
            (request, challenge)
        };
        assert_eq!(within(80), (false, false));
        assert_eq!(within(106), (false, false));
        assert_eq!(within(107), (true, false));
        assert_eq!(within(208), (true, false));
        assert_eq!(within(209), (true, true));
    }
}
