//! A secret among the settings.
//!
//! A type of its own keeps it out of logs and messages by default: whoever shows it has to write `text()` first.

use std::fmt;

/// A secret of this API, such as that of a client. `Debug` does not show it, and no message repeats it.
/// ```
/// use requires_auth::settings::Secret;
///
/// let secret = Secret::new("secret of the API");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(secret.text(), "secret of the API");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// This text, as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Take care where it goes.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
