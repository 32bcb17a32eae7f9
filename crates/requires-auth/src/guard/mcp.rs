//! Requests to an MCP server: what their messages need.

use super::{RequiresAuth, log};
use crate::credential::Scheme;
use crate::error::Denial;
use crate::mcp::{Body, Scopes, Unmet};
use crate::request::Request;
use crate::telemetry;
use crate::verify::AccessToken;

impl RequiresAuth {
    /// Whether a request to an MCP server, whose token this guard has judged, may do what its messages ask for.
    ///
    /// The last step of an adapter: see the [module](crate::mcp#an-adapter) for the steps before it. The base scopes of the
    /// guard are needed as well. What comes of this is logged and counted as of a route; the admission of the same request,
    /// by [`Scopes::admission`], is not where it lets the request pass.
    ///
    /// # Errors
    ///
    /// Those of [`Scopes::needed`], and 403 `insufficient_scope` with all scopes that the messages need.
    pub fn check_mcp(
        &self,
        request: &Request<'_>,
        token: &AccessToken,
        scopes: &Scopes,
        body: Body<'_>,
    ) -> Result<(), Denial> {
        let judged = scopes.judge(request, body).and_then(|policy| {
            let checked = policy.check_beside(token, request, self.base());
            checked.map_err(Unmet::from)
        });
        match judged {
            Ok(()) => self.passed(request, token),
            Err(unmet) => return Err(self.refused(request, token, scopes, unmet)),
        }
        Ok(())
    }

    /// Counts and logs a request whose messages pass.
    fn passed(&self, request: &Request<'_>, token: &AccessToken) {
        self.inner.allowed.count(self.series_of(token.proof().proven_by().issuer));
        if log::tells_allowed()
            && let Ok(credential) = self.inner.rules.credential(request)
        {
            log::allowed(request, &credential, self.issuer_of(token));
        }
    }

    /// Counts and logs a request whose messages do not pass.
    fn refused(&self, request: &Request<'_>, token: &AccessToken, scopes: &Scopes, unmet: Unmet) -> Denial {
        let Unmet { denial, operation } = unmet;
        let credential = self.inner.rules.credential(request).ok();
        let is_by_dpop = credential.as_ref().is_some_and(|credential| credential.scheme() == Scheme::Dpop);
        let denial = (*denial).by_dpop(is_by_dpop);
        let issuer = self.issuer_of(token);
        telemetry::refused(issuer, &denial);
        log::refused(&denial, denial.hint(), request, credential.as_ref(), issuer, operation.as_deref());
        if let Some(resource) = &self.inner.resource
            && denial.scope().is_some()
        {
            // Those of other operations that the token has are not to be lost.
            resource.know(scopes.policies());
        }
        self.finish(token, denial)
    }
}
