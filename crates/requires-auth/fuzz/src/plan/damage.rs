//! Damage to a finished token, which no signature survives, or should not.

use arbitrary::Arbitrary;

/// One change to the text of a token.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Damage {
    /// Puts another character in a place.
    Replace {
        /// Where.
        at: u16,
        /// Which.
        character: u8,
    },
    /// Puts a character between two others.
    Insert {
        /// Where.
        at: u16,
        /// Which.
        character: u8,
    },
    /// Takes some characters out.
    Cut {
        /// Where.
        at: u16,
        /// How many.
        length: u8,
    },
    /// Puts something at the end.
    Append {
        /// What.
        ending: u8,
    },
    /// Leaves out a part.
    DropPart {
        /// Which.
        part: u8,
    },
    /// Makes two parts change places.
    SwapParts {
        /// One of them.
        part: u8,
    },
}

const ENDINGS: &[&str] = &["=", "==", ".", "..", ".e30", "A", "AA", "AAAA", "~", "\n", " "];

/// All that a token may hold, and some that it may not.
const CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=~+/ ,\"\t%";

impl Damage {
    /// What kind of damage it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Replace { .. } => "replace",
            Self::Insert { .. } => "insert",
            Self::Cut { .. } => "cut",
            Self::Append { .. } => "append",
            Self::DropPart { .. } => "drop part",
            Self::SwapParts { .. } => "swap parts",
        }
    }

    pub(super) fn apply(self, token: &str) -> String {
        let place = |at: u16| usize::from(at) % (token.len() + 1);
        let character = |index: u8| char::from(CHARACTERS[usize::from(index) % CHARACTERS.len()]);
        let (start, end, inserted) = match self {
            Self::Replace { at, character: index } => {
                (place(at), place(at) + 1, character(index).to_string())
            }
            Self::Insert { at, character: index } => (place(at), place(at), character(index).to_string()),
            Self::Cut { at, length } => (place(at), place(at) + usize::from(length), String::new()),
            Self::Append { ending } => {
                (token.len(), token.len(), ENDINGS[usize::from(ending) % ENDINGS.len()].to_owned())
            }
            Self::DropPart { part } => {
                return with_parts(token, |parts| {
                    parts.remove(usize::from(part) % parts.len());
                });
            }
            Self::SwapParts { part } => {
                return with_parts(token, |parts| {
                    let one = usize::from(part) % parts.len();
                    let other = (one + 1) % parts.len();
                    parts.swap(one, other);
                });
            }
        };
        let end = end.min(token.len());
        // All text here is ASCII, so every place is one between characters.
        format!("{}{inserted}{}", &token[..start], &token[end..])
    }
}

fn with_parts(token: &str, change: impl FnOnce(&mut Vec<&str>)) -> String {
    let mut parts: Vec<_> = token.split('.').collect();
    change(&mut parts);
    parts.join(".")
}
