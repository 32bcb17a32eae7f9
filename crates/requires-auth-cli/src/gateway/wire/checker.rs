//! Follows the bytes of a connection and tells where they leave the strict form of HTTP/1.1.
//!
//! The server and the programs before and behind it forgive much, each something else, and what one of them forgives
//! makes a request that another does not see (request smuggling, RFC 9112 §11.2). Here nothing is forgiven. It keeps
//! no more of a request than a few bytes, takes time in proportion to what it is shown, and allocates nothing.

use memchr::{memchr, memchr2};

use super::fault::Fault;
use super::field::{Content, Field, Framing, Short};
use super::switch::{Answered, Switch};

/// How a client of HTTP/2 begins (RFC 9113 §3.4). Frames have one reading only.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The beginning of the connection, as long as it is the one of HTTP/2: so many bytes of it were there.
    Preface(usize),
    /// Before a request. An empty line is passed over (RFC 9112 §2.2).
    Start,
    StartLf,
    RequestLine,
    RequestLineLf,
    /// The first byte of a header or trailer, or of the empty line that ends them.
    Line,
    Name,
    Value,
    ValueLf,
    EndLf,
    Body(u64),
    ChunkSize {
        size: u64,
        is_empty: bool,
    },
    ChunkSizeLf(u64),
    ChunkData(u64),
    ChunkDataCr,
    ChunkDataLf,
    /// After a request that may change the protocol: its answer tells how the bytes after it are to be read.
    Answer,
    /// Another protocol.
    Other,
}

/// Which fields the lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Head,
    Trailer,
}

/// The reader of one connection.
#[derive(Debug)]
pub(super) struct Checker {
    state: State,
    section: Section,
    framing: Framing,
    field: Field,
    text: Short,
    last: u8,
    switch: Switch,
}

/// A fault, and at which of the bytes shown it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) at: usize,
    pub(super) fault: Fault,
}

impl Checker {
    pub(super) fn new(switch: Switch) -> Self {
        Self {
            state: State::Preface(0),
            section: Section::Head,
            framing: Framing::default(),
            field: Field::default(),
            text: Short::default(),
            last: 0,
            switch,
        }
    }

    /// Reads on. Nothing may be shown after a fault.
    pub(super) fn check(&mut self, bytes: &[u8]) -> Result<(), Found> {
        if let State::Preface(seen) = self.state {
            let expected = PREFACE.get(seen..).unwrap_or_default();
            let same = expected.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            if same == expected.len() {
                self.state = State::Other;
                return Ok(());
            }
            if same == bytes.len() {
                self.state = State::Preface(seen + same);
                return Ok(());
            }
            self.state = State::Start;
            self.run(PREFACE.get(..seen).unwrap_or_default())?;
        }
        self.run(bytes)
    }

    fn run(&mut self, bytes: &[u8]) -> Result<(), Found> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            at += self.advance(rest).map_err(|found| Found { at: at + found.at, ..found })?;
        }
        Ok(())
    }

    /// Takes at least one of these bytes, and tells how many.
    fn advance(&mut self, bytes: &[u8]) -> Result<usize, Found> {
        match self.state {
            State::Preface(_) | State::Other => Ok(bytes.len()),
            State::RequestLine => self.text_line(bytes, State::RequestLineLf),
            State::Value => self.text_line(bytes, State::ValueLf),
            State::Name => self.name(bytes),
            State::Body(left) => {
                let (taken, left) = take(left, bytes);
                self.state = if left == 0 { State::Start } else { State::Body(left) };
                Ok(taken)
            }
            State::ChunkData(left) => {
                let (taken, left) = take(left, bytes);
                self.state = if left == 0 { State::ChunkDataCr } else { State::ChunkData(left) };
                Ok(taken)
            }
            _ => {
                let byte = bytes.first().copied().unwrap_or_default();
                self.step(byte).map_err(|fault| Found { at: 0, fault })?;
                Ok(1)
            }
        }
    }

    /// Takes text up to the end of its line.
    fn text_line(&mut self, bytes: &[u8], end: State) -> Result<usize, Found> {
        let len = memchr2(b'\r', b'\n', bytes);
        let text = bytes.get(..len.unwrap_or(bytes.len())).unwrap_or_default();
        if self.state == State::RequestLine
            && let Some(at) = memchr(b'#', text)
        {
            // The server would leave it out, and what is behind it: others may not.
            return Err(Found { at, fault: Fault::Fragment });
        }
        if self.state == State::RequestLine || self.field != Field::Other {
            self.text.push(text);
        }
        self.last = text.last().copied().unwrap_or(self.last);
        let Some(at) = len else { return Ok(bytes.len()) };
        if bytes.get(at) == Some(&b'\n') {
            return Err(Found { at, fault: Fault::BareLf });
        }
        self.state = end;
        Ok(at + 1)
    }

    fn step(&mut self, byte: u8) -> Result<(), Fault> {
        self.state = match (self.state, byte) {
            (State::Start, b'\r') => State::StartLf,
            (State::StartLf, b'\n') => State::Start,
            (State::Start | State::Line, b'\n') => return Err(Fault::BareLf),
            (State::Start, _) => self.begin(byte),
            (State::RequestLineLf, b'\n') => {
                self.framing.is_http10 = self.last == b'0';
                self.framing.may_switch = self.text.start().starts_with(b"connect ");
                State::Line
            }
            (State::Line, b'\r') => State::EndLf,
            (State::Line, b' ' | b'\t') => return Err(Fault::Fold),
            (State::Line, _) if !is_token(byte) => return Err(Fault::FieldName),
            (State::Line, _) => {
                self.text.clear();
                self.text.push(&[byte]);
                State::Name
            }
            (State::ValueLf, b'\n') => {
                self.framing.read(self.field, &self.text)?;
                State::Line
            }
            (State::EndLf, b'\n') => self.end_of_fields()?,
            (State::ChunkSize { size, is_empty }, _) => chunk_size(size, is_empty, byte)?,
            (State::ChunkSizeLf(0), b'\n') => {
                self.section = Section::Trailer;
                State::Line
            }
            (State::ChunkSizeLf(size), b'\n') => State::ChunkData(size),
            (State::ChunkDataCr, b'\r') => State::ChunkDataLf,
            (State::ChunkDataLf, b'\n') => State::ChunkSize { size: 0, is_empty: true },
            (State::ChunkDataCr | State::ChunkDataLf, _) => return Err(Fault::ChunkEnd),
            (State::Answer, _) => match self.switch.answered() {
                Some(Answered::Switched) => State::Other,
                Some(Answered::Stayed) => {
                    self.state = State::Start;
                    return self.step(byte);
                }
                None => return Err(Fault::Early),
            },
            // What waits for LF has had CR.
            _ => return Err(Fault::BareCr),
        };
        Ok(())
    }

    /// The first byte of a request.
    fn begin(&mut self, byte: u8) -> State {
        (self.section, self.framing) = (Section::Head, Framing::default());
        self.text.clear();
        self.text.push(&[byte]);
        State::RequestLine
    }

    /// Takes a name, and the colon behind it.
    fn name(&mut self, bytes: &[u8]) -> Result<usize, Found> {
        let len = bytes.iter().position(|byte| !is_token(*byte));
        self.text.push(bytes.get(..len.unwrap_or(bytes.len())).unwrap_or_default());
        let Some(at) = len else { return Ok(bytes.len()) };
        if bytes.get(at) != Some(&b':') {
            return Err(Found { at, fault: Fault::FieldName });
        }
        self.field = Field::named(&self.text);
        self.text.clear();
        match (self.section, self.field) {
            (Section::Trailer, Field::Length | Field::Encoding) => {
                return Err(Found { at, fault: Fault::FramingInTrailer });
            }
            (Section::Trailer, Field::Upgrade) => self.field = Field::Other,
            _ => {}
        }
        self.state = State::Value;
        Ok(at + 1)
    }

    fn end_of_fields(&mut self) -> Result<State, Fault> {
        Ok(match (self.section, self.framing.content()?) {
            // A request with content does not ask for another protocol.
            (Section::Head, Content::Chunks) => State::ChunkSize { size: 0, is_empty: true },
            (Section::Head, Content::Bytes(0)) if self.framing.may_switch => {
                self.switch.forget();
                State::Answer
            }
            (Section::Head, Content::Bytes(length)) if length > 0 => State::Body(length),
            _ => State::Start,
        })
    }
}

/// How many of these bytes belong to what is `left`, and what is left then.
fn take(left: u64, bytes: &[u8]) -> (usize, u64) {
    let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    (taken, left.saturating_sub(taken as u64))
}

const fn chunk_size(size: u64, is_empty: bool, byte: u8) -> Result<State, Fault> {
    let digit = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        b'\r' if !is_empty => return Ok(State::ChunkSizeLf(size)),
        b'\n' if !is_empty => return Err(Fault::BareLf),
        b';' | b' ' | b'\t' if !is_empty => return Err(Fault::ChunkExtension),
        _ => return Err(Fault::ChunkSize),
    };
    match size.checked_mul(16) {
        Some(size) => Ok(State::ChunkSize { size: size + digit as u64, is_empty: false }),
        None => Err(Fault::ChunkSize),
    }
}

/// A character of a token (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};
