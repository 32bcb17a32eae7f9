//! Tokens that no public key can verify, whoever has it.

use requires_auth::verify::Rules;
use requires_auth::{Audience, Bearer, Reason};

use crate::error::Failure;
use crate::verdict::no_keys;

/// A token that no public key can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Unverifiable {
    /// It has no parts: only its issuer knows what it stands for (RFC 7662).
    Opaque,
    /// It is a JWE (RFC 7516 §7.1).
    Encrypted,
}

impl Unverifiable {
    /// What a token is, if it is one of these.
    pub(in crate::commands) fn of(token: &str) -> Option<Self> {
        // The verifier tells it before it looks for a key.
        let rules = Rules::new(None, Audience::Any);
        let bearer = Bearer::parse(token).ok()?;
        let denial = rules.verify(bearer, &no_keys(), std::time::SystemTime::UNIX_EPOCH).err()?;
        match denial.reason()? {
            Reason::Opaque => Some(Self::Opaque),
            Reason::Encrypted => Some(Self::Encrypted),
            _ => None,
        }
    }

    /// What to do about it.
    pub(in crate::commands) const fn hint(self) -> &'static str {
        self.reason().hint()
    }

    /// Why it is not judged.
    pub(in crate::commands) fn failure(self) -> Failure {
        let failure = match self {
            Self::Opaque => Failure::new("the token is opaque: no key can verify it, only its issuer can tell").hint(
                "with `introspection` in a configuration, `requires-auth doctor FILE --token -` asks the issuer about it",
            ),
            Self::Encrypted => Failure::new("the token is encrypted: no key of its issuer can verify it"),
        };
        failure.hint(self.hint())
    }

    const fn reason(self) -> Reason {
        match self {
            Self::Opaque => Reason::Opaque,
            Self::Encrypted => Reason::Encrypted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_key_can_verify_is_told_from_what_lacks_one() {
        for (token, expected) in [
            ("q1VlUGmLrWsb8Ce3ig4W9gq7Kp0t_0Wl2aX8o2yVnXk", Some(Unverifiable::Opaque)),
            ("a.b.c.d.e", Some(Unverifiable::Encrypted)),
            ("eyJhbGciOiJFUzI1NiJ9.e30.YQ", None),
            ("a.b", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(Unverifiable::of(token), expected, "{token}");
        }
    }
}
