//! Every check of a request's token, for people: the rule of the request is found as for any other, and the guard's own
//! report says the rest. Nothing is counted, and no proof is used up.

use requires_auth::explain::Report;
use requires_auth::policy::{ClaimTest, Presence};
use requires_auth::{Policy, Request, RequiresAuth};

use super::asked::Asked;
use super::decide::Gateway;
use super::found::find;
use super::routes::NotFound;

/// What is told of a request.
pub(crate) enum Told<'g> {
    /// No rule is for it.
    Unfound(NotFound),
    /// Its rule looks at no token.
    Public { route: &'g str },
    /// Its token was judged.
    Judged {
        route: &'g str,
        report: Box<Report>,
        /// Why it is refused all the same with a good token.
        unfound: Option<NotFound>,
        /// Whether a refusal is only logged.
        is_shadow: bool,
        /// Whether what its body asks for is judged, too, which is not told here.
        has_operations: bool,
    },
}

impl<'g> Told<'g> {
    /// The name of the rule, if there is one.
    pub(crate) const fn route(&self) -> Option<&'g str> {
        match self {
            Self::Unfound(_) => None,
            Self::Public { route } | Self::Judged { route, .. } => Some(route),
        }
    }
}

impl Gateway {
    /// What becomes of a request, where its token has to be of one of these issuers; of any of the configuration if none is
    /// named.
    pub(crate) async fn explain(&self, asked: Asked<'_>, issuers: &[String]) -> Told<'_> {
        let request = asked.request();
        let routes = &self.config().routes;
        let found = match find(self.resources(), routes, self.has_audience(), asked, &request) {
            Ok(found) => found,
            Err(cause) => return Told::Unfound(cause),
        };
        let route = found.name();
        if found.rule.requirement.presence() == Presence::Ignored {
            return Told::Public { route };
        }
        let parameters = found.rule.path_parameters(asked.method, asked.target);
        let request = request.as_ordinary().with_path_parameters(&parameters);
        let policy = of_issuers(found.rule.requirement.policy().clone(), issuers);
        let report = Box::new(found.auth(self.auth()).explain(&request, &policy).await);
        Told::Judged {
            route,
            report,
            unfound: found.unfound,
            is_shadow: found.rule.is_shadow,
            has_operations: found.has_operations(),
        }
    }
}

/// Every check of the token of a request that is for no route.
pub(crate) async fn token_alone(auth: &RequiresAuth, request: &Request<'_>, issuers: &[String]) -> Report {
    auth.explain(request, &of_issuers(Policy::default(), issuers)).await
}

/// The rule that a route has which names these issuers.
fn of_issuers(policy: Policy, issuers: &[String]) -> Policy {
    if issuers.is_empty() { policy } else { policy.with_claim("iss", ClaimTest::one_of(issuers.to_vec())) }
}
