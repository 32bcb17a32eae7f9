//! Names of headers as applications read them: CGI and WSGI make the same of `X-A`, `X_A` and `X.A`.

use std::borrow::Cow;

/// A byte of a name as CGI and WSGI have it.
const fn fold(byte: u8) -> u8 {
    if matches!(byte, b'_' | b'.') { b'-' } else { byte.to_ascii_lowercase() }
}

/// A name in the one spelling that stands for all that CGI and WSGI make the same of.
pub(crate) fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte == fold(byte)) {
        return Cow::Borrowed(name);
    }
    name.chars().map(|letter| u8::try_from(letter).map_or(letter, |byte| fold(byte).into())).collect()
}

/// Whether two names are the same but for case, and for `-`, `_` and `.`.
pub(crate) fn is_folded_like(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().map(fold).eq(other.bytes().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_an_application_cannot_tell_apart() {
        for (name, expected) in [
            ("x-auth-subject", true),
            ("X_Auth_Subject", true),
            ("x.auth.subject", true),
            ("x-auth-subjects", false),
            ("xauthsubject", false),
            ("x-auth+subject", false),
        ] {
            assert_eq!(is_folded_like("x-auth-subject", name), expected, "{name}");
            assert_eq!(folded(name) == "x-auth-subject", expected, "{name}");
        }
    }
}
