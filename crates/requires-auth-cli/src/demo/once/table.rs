//! The table of requests and answers.

use std::io::{self, Write as _};

use super::cases::Answer;
use super::exchange::Exchange;
use crate::output::{BAD, DIM, GOOD};

/// Prints the table: request, status, code with reason, challenge.
pub(super) fn print(exchanges: &[Exchange]) -> io::Result<()> {
    let width = |cell: &dyn Fn(&Exchange) -> usize| exchanges.iter().map(cell).max().unwrap_or_default();
    let about = width(&|exchange| exchange.about.len());
    let request = width(&|exchange| exchange.request.len());
    let code = width(&|exchange| code(&exchange.answer).len());
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "  {DIM}{:about$}  {:request$}  status  {:code$}  challenge{DIM:#}",
        "", "request", "code"
    )?;
    for exchange in exchanges {
        let (style, mark) = if exchange.is_right() { (GOOD, '✓') } else { (BAD, '✗') };
        write!(out, "{style}{mark}{style:#} {:about$}  {:request$}  ", exchange.about, exchange.request)?;
        write_answer(&mut out, &exchange.answer, code)?;
        if !exchange.is_right() {
            write!(out, "  {BAD}{:about$}  {:request$}{BAD:#}  ", "", "expected")?;
            write_answer(&mut out, &exchange.right, code)?;
        }
    }
    out.flush()
}

fn write_answer(out: &mut impl io::Write, answer: &Answer, width: usize) -> io::Result<()> {
    let challenge = answer.challenge.as_deref().unwrap_or("-");
    writeln!(out, "{:<6}  {:width$}  {challenge}", answer.status, code(answer))
}

fn code(answer: &Answer) -> String {
    match (&answer.code, &answer.reason) {
        (Some(code), Some(reason)) => format!("{code} {reason}"),
        (Some(code), None) => code.clone(),
        (None, _) => "-".to_owned(),
    }
}
