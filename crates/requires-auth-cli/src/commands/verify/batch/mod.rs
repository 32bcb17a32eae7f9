//! `verify --batch`: every line answered, in order, in parallel, with bounded memory.

mod caches;
mod line;
mod reader;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use requires_auth::verify::KeySet;
use serde_json::value::RawValue;

use self::caches::{Judges, KeySets};
use self::line::LineInput;
use self::reader::{Line, Lines};
use crate::context::Outcome;
use crate::error::Failure;
use crate::output::{json_line, say};
use crate::verdict::Judge;
use crate::verdict::Settings;
use crate::verdict::{Answer, ErrorBody};

/// Answers every line of a file, or of stdin if the path is `-`.
pub(crate) fn run(path: &Path, settings: Settings, keys: Option<Arc<KeySet>>) -> Result<Outcome, Failure> {
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(path);
        Box::new(opened.map_err(|error| {
            Failure::new(format!("the batch `{}` cannot be read: {error}", path.display()))
                .hint("name a file with one JSON object per line, or `-` for stdin")
        })?)
    };
    let started = Instant::now();
    let batch = Batch { settings, keys, key_sets: KeySets::default(), judges: Judges::default() };
    let counts = batch.answer(Lines::new(input), BufWriter::new(io::stdout().lock()))?;
    let Counts { ok, refused, unreadable } = counts;
    let lines = ok + refused + unreadable;
    let seconds = started.elapsed().as_secs_f64();
    let noun = if lines == 1 { "line" } else { "lines" };
    say(&format!("{lines} {noun}: {ok} ok, {refused} refused, {unreadable} unreadable, in {seconds:.2} s"));
    Ok((ok == lines).into())
}

/// What all lines share.
struct Batch {
    settings: Settings,
    keys: Option<Arc<KeySet>>,
    key_sets: KeySets,
    judges: Judges,
}

/// How many lines came out how.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    ok: u64,
    refused: u64,
    unreadable: u64,
}

enum Kind {
    Ok,
    Refused,
    Unreadable,
}

impl Batch {
    fn answer<R: Read>(&self, mut lines: Lines<R>, mut out: impl Write) -> Result<Counts, Failure> {
        let mut counts = Counts::default();
        loop {
            let arrived = lines
                .arrived()
                .map_err(|error| Failure::new(format!("the batch cannot be read: {error}")))?;
            if arrived.is_empty() {
                return Ok(counts);
            }
            for answered in self.answer_all(&arrived) {
                let (kind, text) = answered?;
                match kind {
                    Kind::Ok => counts.ok += 1,
                    Kind::Refused => counts.refused += 1,
                    Kind::Unreadable => counts.unreadable += 1,
                }
                out.write_all(text.as_bytes())?;
                out.write_all(b"\n")?;
            }
            out.flush()?;
        }
    }

    /// Answers lines on all cores, in order.
    fn answer_all(&self, lines: &[Line]) -> Vec<Result<(Kind, String), Failure>> {
        let workers = thread::available_parallelism().map_or(1, NonZero::get).min(lines.len());
        let answer = |part: &[Line]| part.iter().map(|line| self.answer_line(line)).collect::<Vec<_>>();
        if workers < 2 {
            return answer(lines);
        }
        thread::scope(|scope| {
            let parts = lines.chunks(lines.len().div_ceil(workers));
            let running: Vec<_> = parts.map(|part| scope.spawn(move || answer(part))).collect();
            running
                .into_iter()
                .flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        })
    }

    fn answer_line(&self, line: &Line) -> Result<(Kind, String), Failure> {
        let number = line.number();
        let (id, judged) = match line.text().and_then(LineInput::parse) {
            Ok(input) => {
                let judged = input.read().and_then(|request| self.judge(&request));
                (input.into_id(), judged)
            }
            Err(problem) => (None, Err(problem)),
        };
        let (kind, mut answer) = match judged {
            Ok(answer) if answer.ok => (Kind::Ok, answer),
            Ok(answer) => (Kind::Refused, answer),
            Err(problem) => {
                let error = ErrorBody::invalid_input(format!("line {number}: {problem}"));
                (Kind::Unreadable, Answer::refusal(error))
            }
        };
        answer.id = Some(id.unwrap_or(RawValue::NULL));
        Ok((kind, json_line(&answer)?))
    }

    fn judge(&self, line: &line::Request<'_>) -> Result<Answer<'static>, String> {
        let settings = line.settings(&self.settings)?;
        let given = line.jwks.map(|jwks| self.key_sets.get(jwks.get()));
        let judge = match given.as_ref().or(self.keys.as_ref()) {
            Some(keys) => Judge::new(&settings, Some(keys)),
            None => self.judges.get(&settings),
        };
        let judged = judge.and_then(|judge| judge.verify(&line.token, &settings));
        judged.map(|judged| Answer::new(&judged)).map_err(|failure| failure.to_string())
    }
}
