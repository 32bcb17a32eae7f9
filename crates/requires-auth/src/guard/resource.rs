//! The protected resource that a guard stands before: its document, its base scopes, and the scopes that it has.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::RequiresAuth;
use crate::error::Denial;
use crate::metadata::{ChallengeScopes, Metadata, MetadataAnswer, Resource};
use crate::policy::{Policy, union};
use crate::request::Request;
use crate::verify::AccessToken;

/// How many scopes of policies are remembered. A program has as many as its routes name.
const MOST_SCOPES: usize = 4096;

/// A protected resource, as its guard has it.
pub(super) struct Guarded {
    metadata: Arc<Metadata>,
    /// What every request with a token needs.
    base: Option<Policy>,
    /// Scopes that policies of this guard have named, beside those of its settings.
    named: RwLock<BTreeSet<Box<str>>>,
    siblings: Siblings,
}

/// How many resources share their keys.
#[derive(Clone, Default)]
pub(super) struct Siblings(Arc<AtomicUsize>);

impl Guarded {
    /// One more of its siblings.
    pub(super) fn new(metadata: Metadata, base: Option<Policy>, siblings: Siblings) -> Self {
        siblings.0.fetch_add(1, Ordering::Relaxed);
        Self { metadata: Arc::new(metadata), base, named: RwLock::default(), siblings }
    }

    pub(super) fn metadata(&self) -> Arc<Metadata> {
        Arc::clone(&self.metadata)
    }

    /// Remembers the scopes that policies name as those of this resource.
    pub(super) fn know<'p>(&self, policies: impl IntoIterator<Item = &'p Policy>) {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let is_new = |scope: &&str| {
            named.len() < MOST_SCOPES && !self.metadata.scopes.knows(scope) && !named.contains(*scope)
        };
        let scopes = policies.into_iter().filter_map(Policy::scope).flat_map(|scopes| scopes.split(' '));
        let new: Vec<&str> = scopes.filter(is_new).collect();
        drop(named);
        // Most are told again, which holds up nobody.
        if new.is_empty() {
            return;
        }
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        for scope in new {
            if named.len() < MOST_SCOPES {
                named.insert(scope.into());
            }
        }
    }

    /// Of the scopes of a token, those that this resource has, space-separated.
    fn kept(&self, token: &AccessToken) -> Option<Arc<str>> {
        if self.metadata.scopes.challenged == ChallengeScopes::Needed {
            return None;
        }
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let is_own = |scope: &&str| self.metadata.scopes.knows(scope) || named.contains(*scope);
        union(token.scopes().filter(is_own)).map(Into::into)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.siblings.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RequiresAuth {
    /// The protected resource that this guard stands before, if it was given one.
    pub fn resource(&self) -> Option<&Resource> {
        self.inner.resource.as_ref().map(|guarded| guarded.metadata.resource())
    }

    /// The answer to a request for the metadata document of the [`resource`](Self::resource) (RFC 9728 §3); `None` for any other
    /// request, and without a resource.
    ///
    /// The layers of axum and tower ask this by themselves. An adapter for another framework asks it before it looks for a
    /// token, and sends the answer as it is: the document is public, and is there also while the issuer is down.
    ///
    /// It is served before the path of the resource (`/.well-known/oauth-protected-resource/mcp`), behind it
    /// (`/mcp/.well-known/oauth-protected-resource`), at the root unless several resources
    /// [share their keys](Self::for_other_resource), and where
    /// [`with_metadata_url`](crate::guard::Builder::with_metadata_url) says. Of a mounted application, give the path with what the
    /// application is mounted at.
    ///
    /// ```
    /// use requires_auth::{Request, RequiresAuth};
    ///
    /// /// What an adapter begins with.
    /// fn answer(auth: &RequiresAuth, request: &Request<'_>) -> Option<(u16, Vec<(&'static str, String)>, Vec<u8>)> {
    ///     let answer = auth.metadata(request)?;
    ///     let headers = answer.headers().map(|(name, value)| (name, value.to_owned())).collect();
    ///     Some((answer.status(), headers, answer.into_body()))
    /// }
    /// # let auth = RequiresAuth::for_resource("https://issuer.example", "https://api.example/mcp")?;
    /// # let no_headers: [(&str, &str); 0] = [];
    /// # let request = Request::new("GET", "/.well-known/oauth-protected-resource/mcp", &no_headers);
    /// # assert_eq!(answer(&auth, &request).expect("the document").0, 200);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn metadata(&self, request: &Request<'_>) -> Option<MetadataAnswer> {
        let guarded = self.inner.resource.as_ref()?;
        let is_only = || guarded.siblings.0.load(Ordering::Relaxed) <= 1;
        guarded.metadata.matches(request.method(), request.target_path(), request.query(), is_only)
    }

    /// The values of `WWW-Authenticate` for a refusal of this guard, with the place of its document: for answers that are not HTTP
    /// responses of a route, such as a message of another protocol. Empty where another credential would not help.
    ///
    /// ```
    /// use requires_auth::{Denial, ErrorCode, RequiresAuth};
    ///
    /// let auth = RequiresAuth::for_resource("https://issuer.example", "https://api.example/mcp")?;
    /// // Some clients of MCP read the challenge of a tool call in the result of the tool.
    /// let values = auth.www_authenticate(&Denial::new(ErrorCode::AuthorizationHeaderMissing));
    /// let meta = serde_json::json!({ "mcp/www_authenticate": values });
    /// # let url = "https://api.example/.well-known/oauth-protected-resource/mcp";
    /// # assert_eq!(meta["mcp/www_authenticate"][0], format!("Bearer resource_metadata=\"{url}\""));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn www_authenticate(&self, denial: &Denial) -> Vec<String> {
        self.inner.style.www_authenticate(denial)
    }

    /// Tells the guard which scopes its resource has: those that this policy names.
    ///
    /// The challenge of a request that lacks a scope also lists the scopes of the resource that its token has, and this is how the
    /// guard knows them, beside `base_scopes` and `scopes_supported`. The layers of axum and tower say it by themselves; an adapter
    /// for another framework says it when a route is built, and not for each request. Without a resource it does nothing.
    ///
    /// ```
    /// use requires_auth::{Policy, RequiresAuth};
    ///
    /// let auth = RequiresAuth::for_resource("https://issuer.example", "https://api.example/mcp")?;
    /// let route = Policy::all_of(["write:orders"]);
    /// auth.know_scopes_of(&route);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn know_scopes_of(&self, policy: &Policy) {
        if let Some(guarded) = &self.inner.resource {
            guarded.know([policy]);
        }
    }

    /// What every request with a token needs.
    pub(super) fn base(&self) -> Option<&Policy> {
        self.inner.resource.as_ref()?.base.as_ref()
    }

    /// A refusal of a good token, with what its challenge names beside the scopes that are needed.
    pub(super) fn finish(&self, token: &AccessToken, denial: Denial) -> Denial {
        match &self.inner.resource {
            Some(guarded) if denial.scope().is_some() => {
                let kept = guarded.kept(token);
                denial.keeping(kept)
            }
            _ => denial,
        }
    }

    /// The metadata of the resource.
    #[cfg(feature = "axum")]
    pub(crate) fn resource_metadata(&self) -> Option<&Metadata> {
        self.inner.resource.as_ref().map(|guarded| &*guarded.metadata)
    }
}
