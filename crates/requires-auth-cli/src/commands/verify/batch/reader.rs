//! Lines as they arrive, each with its number and a limit on its length.

use std::io::{self, BufRead as _, BufReader, Read};

/// A line may be this long, in bytes: a key set of 16 MiB and a token.
const MAX_LINE_BYTES: usize = 17 * 1024 * 1024;

/// How much is read at once, in bytes.
const BUFFER_BYTES: usize = 1024 * 1024;

/// A line that is not blank.
pub(super) struct Line {
    number: u64,
    /// `None` if it is too long.
    text: Option<Vec<u8>>,
}

impl Line {
    /// The number of the line, counted from 1, blank ones included.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The text, without its end.
    pub(super) fn text(&self) -> Result<&[u8], String> {
        self.text.as_deref().ok_or_else(|| format!("the line is longer than {} MiB", MAX_LINE_BYTES >> 20))
    }
}

/// Reads lines.
pub(super) struct Lines<R> {
    input: BufReader<R>,
    number: u64,
    limit: usize,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(BUFFER_BYTES, input), number: 0, limit: MAX_LINE_BYTES }
    }

    /// Waits for a line, and returns it with those that have arrived with it; none at the end of the input.
    ///
    /// Who writes a line and waits for its answer gets it, and a large file never has to fit into memory.
    pub(super) fn arrived(&mut self) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        while lines.is_empty() || self.input.buffer().contains(&b'\n') {
            let Some(line) = self.next()? else { break };
            let is_blank = line.text.as_ref().is_some_and(|text| text.trim_ascii().is_empty());
            if !is_blank {
                lines.push(line);
            }
        }
        Ok(lines)
    }

    fn next(&mut self) -> io::Result<Option<Line>> {
        let mut text = Vec::new();
        let limit = self.limit as u64 + 1;
        if self.input.by_ref().take(limit).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if text.last() == Some(&b'\n') {
            text.pop();
        } else if text.len() > self.limit {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Line { number: self.number, text: None }));
        }
        // Some editors put a byte order mark before a file.
        if self.number == 1 && text.starts_with(b"\xEF\xBB\xBF") {
            text.drain(..3);
        }
        Ok(Some(Line { number: self.number, text: Some(text) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], limit: usize) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines { limit, ..Lines::new(input) };
        let mut all = Vec::new();
        loop {
            let arrived = lines.arrived().expect("a slice can be read");
            if arrived.is_empty() {
                return all;
            }
            let text = |line: Line| line.text.map(|text| String::from_utf8(text).expect("UTF-8"));
            all.extend(arrived.into_iter().map(|line| (line.number, text(line))));
        }
    }

    #[test]
    fn blank_lines_count_and_are_skipped() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(read(b"\xEF\xBB\xBFa\n\n \r\nb", 10), [(1, text("a")), (4, text("b"))]);
        assert_eq!(read(b"", 10), []);
        assert_eq!(read(b"\n\n", 10), []);
    }

    #[test]
    fn a_long_line_is_passed_over() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(read(b"1234\n12345\n1\n", 4), [(1, text("1234")), (2, None), (3, text("1"))]);
        assert_eq!(read(b"12345", 4), [(1, None)]);
    }

    /// Gives one line per read, as a pipe does.
    struct Pipe(Vec<&'static [u8]>);

    impl Read for Pipe {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let piece = self.0.pop().expect("the test reads no further");
            out[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn a_line_does_not_wait_for_the_next() {
        let mut lines = Lines::new(Pipe(vec![b"a\nb\n"]));
        assert_eq!(lines.arrived().expect("two lines").len(), 2);
    }
}
