//! Requests to an MCP server: what their messages need.

use super::RequiresAuth;
use crate::error::Denial;
use crate::mcp::{Body, Scopes};
use crate::request::Request;
use crate::verify::AccessToken;

impl RequiresAuth {
    /// Whether a request to an MCP server, whose token this guard has judged, may do what its messages ask for.
    ///
    /// The last step of an adapter: see the [module](crate::mcp#an-adapter) for the steps before it. The base scopes of the
    /// guard are needed as well. A refusal is logged and counted as that of a route, beside the admission of the same request,
    /// which was logged and counted as allowed.
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
        let checked =
            scopes.needed(request, body).and_then(|policy| policy.check_beside(token, request, self.base()));
        checked.map_err(|denial| {
            if let Some(resource) = &self.inner.resource
                && denial.scope().is_some()
            {
                // Those of other operations that the token has are not to be lost.
                resource.know(scopes.policies());
            }
            self.refuse_later(request, token, denial)
        })
    }
}
