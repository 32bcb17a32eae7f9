//! What can be wrong with the way that a request is written.

use std::fmt;

/// Why a connection is given up: two programs that read these bytes need not see the same requests in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Fragment,
    BareLf,
    BareCr,
    Fold,
    FieldName,
    LengthTwice,
    LengthForm,
    Encoding,
    EncodingTwice,
    EncodingInHttp10,
    LengthAndEncoding,
    ChunkSize,
    ChunkExtension,
    ChunkEnd,
    FramingInTrailer,
    Early,
}

impl Fault {
    /// What is told about it, and where the standard rules on it.
    const fn text(self) -> &'static str {
        match self {
            Self::Fragment => "the target has a fragment (RFC 9112 §3.2)",
            Self::BareLf => "a line ends with LF alone (RFC 9112 §2.2)",
            Self::BareCr => "a CR stands alone (RFC 9112 §2.2)",
            Self::Fold => "a header is folded (RFC 9112 §5.2)",
            Self::FieldName => "the name of a header is not a token (RFC 9112 §5.1)",
            Self::LengthTwice => "`Content-Length` comes twice (RFC 9112 §6.3)",
            Self::LengthForm => "`Content-Length` is not a number of bytes (RFC 9112 §6.3)",
            Self::Encoding => "`Transfer-Encoding` is not `chunked` (RFC 9112 §6.1)",
            Self::EncodingTwice => "`Transfer-Encoding` comes twice (RFC 9112 §6.1)",
            Self::EncodingInHttp10 => "`Transfer-Encoding` in HTTP/1.0 (RFC 9112 §6.1)",
            Self::LengthAndEncoding => "both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.3)",
            Self::ChunkSize => "the size of a chunk is not a number of bytes (RFC 9112 §7.1)",
            Self::ChunkExtension => "a chunk has an extension (RFC 9112 §7.1.1)",
            Self::ChunkEnd => "a chunk is longer than its size (RFC 9112 §7.1)",
            Self::FramingInTrailer => "a trailer tells the length of a body (RFC 9110 §6.5.1)",
            Self::Early => "bytes follow a request before its protocol is agreed on (RFC 9110 §7.8)",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
