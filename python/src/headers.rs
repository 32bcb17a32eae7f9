//! The headers of a Python request: pairs of `str` or `bytes`, as WSGI and ASGI have them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString};
use requires_auth::request::Headers;

/// The headers of one request. Their text stays where Python has it.
pub(crate) struct HeaderList(Vec<(Text, Text)>);

impl HeaderList {
    pub(crate) fn with_capacity(headers: usize) -> Self {
        Self(Vec::with_capacity(headers))
    }

    pub(crate) fn push(&mut self, name: &'static str, value: Text) {
        self.0.push((Text::Known(name), value));
    }

    /// A header that only this guard reads.
    pub(crate) fn push_named(&mut self, name: &[u8], value: Text) {
        self.0.push((Text::Encoded(name.to_vec()), value));
    }

    /// Whether one of them has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own.bytes().eq_ignore_ascii_case(name.as_bytes()))
    }

    pub(crate) fn new(pairs: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut headers = Vec::with_capacity(pairs.len().unwrap_or_default());
        for pair in pairs.try_iter()? {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            headers.push((Text::new(&name)?, Text::new(&value)?));
        }
        Ok(Self(headers))
    }
}

impl Headers for HeaderList {
    fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        for (own, value) in &self.0 {
            if own.bytes().eq_ignore_ascii_case(name.as_bytes()) {
                visit(value.bytes());
            }
        }
    }
}

/// The one header that a token needs.
pub(crate) struct BearerHeader(Vec<u8>);

impl BearerHeader {
    pub(crate) fn new(token: &str) -> Self {
        Self([b"Bearer ", token.as_bytes()].concat())
    }
}

impl Headers for BearerHeader {
    fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        if name == "authorization" {
            visit(&self.0);
        }
    }
}

/// A name or a value.
pub(crate) enum Text {
    Bytes(PyBackedBytes),
    Encoded(Vec<u8>),
    Known(&'static str),
    Str(PyBackedStr),
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Encoded(bytes)
    }
}

impl Text {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone().into()));
        }
        let Ok(text) = object.cast::<PyString>() else {
            let found = object.get_type().name()?;
            return Err(PyTypeError::new_err(format!("headers are pairs of str or bytes, not {found}")));
        };
        match text.to_str() {
            Ok(plain) if plain.is_ascii() => Ok(Self::Str(text.clone().try_into()?)),
            // WSGI decodes what came over the wire as Latin-1, whatever it was.
            _ => Ok(Self::Encoded(latin_1(&text.to_string_lossy()))),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Encoded(bytes) => bytes,
            Self::Known(name) => name.as_bytes(),
            Self::Str(text) => text.as_bytes(),
        }
    }
}

/// As Latin-1; what it does not have becomes a byte that no header may have, and never a letter.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(0xFF)).collect()
}
