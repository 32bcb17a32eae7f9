//! Why no route is for a request.

use std::fmt;

use requires_auth::ErrorCode;

use super::path::Ambiguity;

/// Why no route is for a request, which is then refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// Its method has a lower-case letter.
    Method,
    /// It depends on its host which route it has, and it does not say one, or not one alone.
    Host,
    /// Servers could read its path in more than one way.
    Path(Ambiguity),
    /// It has an encoded slash, and no route is for it, be it with that slash.
    SlashWithoutRoute,
    /// It has an encoded slash, and its route does not allow one, or the route does not that it has with a plain slash in
    /// its place.
    Slash,
    /// An earlier route would be for it if case or a last slash were changed.
    Case,
    /// No route is for it.
    Route,
}

impl NotFound {
    /// The code of the refusal.
    pub(crate) const fn code(self) -> ErrorCode {
        match self {
            Self::Method | Self::Host => ErrorCode::AmbiguousRequest,
            Self::Path(_) | Self::SlashWithoutRoute | Self::Slash | Self::Case => ErrorCode::AmbiguousPath,
            Self::Route => ErrorCode::NoRoute,
        }
    }

    /// Whether there might be a route for it with another method.
    pub(crate) const fn is_for_want_of_a_route(self) -> bool {
        matches!(self, Self::Route | Self::SlashWithoutRoute)
    }
}

/// For operators: what is wrong, and the setting that says otherwise, if there is one.
impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "the method has a lower-case letter",
            Self::Host => {
                "a route of this path is for some hosts alone, and the proxy's question does not name the host, or \
                 names what is not a host"
            }
            Self::Path(ambiguity) => return ambiguity.fmt(f),
            Self::SlashWithoutRoute => "the path has an encoded slash, and no route is for it",
            Self::Slash => {
                "the path has an encoded slash: its route, and one that is for it with a plain slash, need \
                 encoded_slash = \"allow\""
            }
            Self::Case => {
                "an earlier route is for it with another case, or a slash more or less: if the application tells them \
                 apart, write case = \"exact\" on that route"
            }
            Self::Route => "no route is for it",
        })
    }
}
