//! Which tokens are refused before they expire.

use std::path::PathBuf;
use std::sync::Arc;

use super::Builder;
use crate::error::ConfigProblem;
use crate::guard::sharing::Sharing;
use crate::revocations::Revocations;
use crate::settings;

impl Builder {
    /// A file with revocations, one in each line, as JSON: tokens that are refused before they expire. Default: none.
    ///
    /// It must be there when the guard is built, be it empty, since a wrong name would revoke nothing. It is read anew within a
    /// second after it has changed. If it cannot be read then, or a line of it is not an entry, what was read before stays in use,
    /// and [`Health::revocations`](crate::guard::Health::revocations) says what is wrong.
    /// [`RequiresAuth::revoke`](crate::RequiresAuth::revoke) appends to it.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use requires_auth::{Policy, Reason, RequiresAuth};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # let path = std::env::temp_dir().join(format!("requires-auth-doc-{}.jsonl", std::process::id()));
    /// std::fs::write(&path, "{\"sub\":\"mallory\",\"until\":4000000000}\n")?;
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_revocations(&path)
    /// #   .with_jwks(jwks)
    ///     .build()?;
    /// # std::fs::remove_file(&path)?;
    /// let verdict = |sub| auth.verify_now(&forge.token().subject(sub).mint(), &Policy::default()).expect("the keys are there");
    /// assert!(verdict("alice").is_ok());
    /// assert_eq!(verdict("mallory").unwrap_err().reason(), Some(Reason::Revoked));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_revocations(self, path: impl Into<PathBuf>) -> Self {
        self.set(settings::REVOCATIONS, path.into())
    }

    /// How many revocations there may be at a time. Default 100,000. There is no room for another one then: a file that has more is
    /// not used, and [`RequiresAuth::revoke`](crate::RequiresAuth::revoke) fails. None is dropped for another. Those that
    /// have ended do not count.
    pub fn with_max_revocations(self, entries: usize) -> Self {
        self.set(settings::MAX_REVOCATIONS, entries)
    }

    /// The revocations of an application that has a feed of its own, shared by every guard that is given them. Default: none. A
    /// file that [`with_revocations`](Self::with_revocations) names is not read then.
    pub fn with_revocations_in(mut self, revocations: &Revocations) -> Self {
        self.revocations = Some(revocations.clone());
        self
    }

    /// Those that were given, else those of the file, which a guard that is to be replaced may have read already.
    pub(super) fn revocations_in_use(
        &self,
        sharing: &Sharing,
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<Revocations> {
        if let Some(given) = &self.revocations {
            return Some(given.clone());
        }
        let most = self.given.count(settings::MAX_REVOCATIONS);
        let before = self.keys_of.as_ref().and_then(|guard| guard.inner.revocations.as_ref());
        let Some(path) = self.given.get(settings::REVOCATIONS) else {
            // Those of all instances alone.
            let kept = before.filter(|before| before.are_of_server(most) && self.shares_with_earlier());
            let new = || Revocations::of_server(most, Arc::clone(&self.clock));
            return sharing.has_revocations().then(|| kept.cloned().unwrap_or_else(new));
        };
        if let Some(before) = before.filter(|before| before.are_of(&path, most) && self.shares_with_earlier())
        {
            return Some(before.clone());
        }
        let unreadable = |error| {
            let found = format!("{}: {error}", path.display());
            let hint = "an empty file is one; `requires-auth revoke` writes a line into it";
            problems.push(ConfigProblem::new(
                "revocations",
                found,
                "a file with a revocation in each line",
                hint,
            ));
        };
        Revocations::of_file(&path, most, Arc::clone(&self.clock)).map_err(unreadable).ok()
    }
}
