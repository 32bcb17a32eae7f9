//! What a case is: a request that is sent, and what a guard has to answer.

use requires_auth_testkit::{Algorithm, Defect, ProofDefect};
use serde::Serialize;

use super::mint::{Attempt, Mint};

/// How much a standard asks for what a case shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Level {
    /// What is accepted against it is dangerous.
    Must,
    /// What is accepted against it is wrong.
    Should,
}

impl Level {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        }
    }
}

/// What has to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// A status of success.
    Accept,
    /// 401.
    Refuse,
    /// 400 or 401.
    Malformed,
    /// 401 with a challenge of the scheme.
    Challenge,
    /// A challenge without a parameter `error`.
    Bare,
    /// A challenge whose `error` is one of these.
    Error(&'static [&'static str]),
    /// 401 or 403.
    Withhold,
    /// 403.
    Forbid,
    /// 401 or 403 with a challenge whose `error` is this.
    ForbidAs(&'static str),
    /// A refusal whose challenge does not repeat this text of the request.
    Quiet(&'static str),
    /// A challenge with a parameter `algs`.
    Algorithms,
    /// A challenge whose `resource_metadata` is a URL of the same origin.
    Pointer,
    /// The document to which the challenge points has this.
    Document(Member),
}

/// What a metadata document of a protected resource has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// `resource` is the URL that was asked.
    Resource,
    /// `authorization_servers` has the issuer.
    Issuer,
}

/// What has to be so for a case to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// `--scope` names the scopes of the route.
    Scope,
    /// The issuer signs with RSA.
    Rsa,
    /// The issuer signs with ECDSA.
    Ec,
}

impl Needs {
    /// Why a case is not judged; `None` if it can be.
    pub(super) fn missing(self, scope: &str, algorithm: Algorithm) -> Option<&'static str> {
        let family = algorithm.name().get(..2).unwrap_or_default();
        match self {
            Self::Scope if scope.is_empty() => Some("needs the scopes of the route: --scope"),
            Self::Rsa if !["RS", "PS"].contains(&family) => Some("needs a key of RSA: --alg RS256"),
            Self::Ec if family != "ES" => Some("needs a key of ECDSA: --alg ES256"),
            _ => None,
        }
    }
}

/// How the request of a case is made.
#[derive(Clone, Copy)]
pub(super) enum Make {
    /// A good token with one thing wrong.
    Token(Defect),
    /// A good token beside a proof with one thing wrong.
    Proof(ProofDefect),
    /// Any request.
    With(fn(&Mint<'_>) -> Attempt),
}

/// One fact about a guard.
pub(crate) struct Case {
    /// For `--case`: letters, digits and hyphens.
    pub(super) name: &'static str,
    /// The row of the requirements of the vectors, such as `A05`.
    pub(super) row: &'static str,
    /// The section of the standard.
    pub(super) rule: &'static str,
    pub(super) level: Level,
    /// What is sent, as a sentence without its end.
    pub(super) about: &'static str,
    pub(super) expect: Expect,
    pub(super) make: Make,
    pub(super) needs: Needs,
}

impl Case {
    const fn new(
        level: Level,
        [name, row, rule, about]: [&'static str; 4],
        expect: Expect,
        make: Make,
    ) -> Self {
        Self { name, row, rule, level, about, expect, make, needs: Needs::Nothing }
    }

    pub(super) const fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    /// The request.
    pub(super) fn attempt(&self, mint: &Mint<'_>) -> Attempt {
        match self.make {
            Make::Token(defect) => mint.send(&mint.good().defect(defect).mint()),
            Make::Proof(defect) => mint.proven(defect),
            Make::With(make) => make(mint),
        }
    }
}

/// A case of which the standard says that it must be so: name, row, section, what is sent.
pub(super) const fn must(texts: [&'static str; 4], expect: Expect, make: fn(&Mint<'_>) -> Attempt) -> Case {
    Case::new(Level::Must, texts, expect, Make::With(make))
}

/// A case of which the standard says that it should be so.
pub(super) const fn should(texts: [&'static str; 4], expect: Expect, make: fn(&Mint<'_>) -> Attempt) -> Case {
    Case::new(Level::Should, texts, expect, Make::With(make))
}

/// A token with a defect, which must be refused.
pub(super) const fn defect(defect: Defect, texts: [&'static str; 4]) -> Case {
    Case::new(Level::Must, texts, Expect::Refuse, Make::Token(defect))
}

/// A proof with a defect, which has to be refused.
pub(super) const fn proof(level: Level, defect: ProofDefect, texts: [&'static str; 4]) -> Case {
    Case::new(level, texts, Expect::Malformed, Make::Proof(defect))
}
