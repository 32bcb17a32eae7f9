//! The development issuers of the demo, and the guards that take their tokens.

use std::io;
use std::net::Ipv4Addr;

use requires_auth::dpop::Dpop;
use requires_auth::guard::Builder;
use requires_auth::introspect::Introspection;
use requires_auth::{ConfigError, RequiresAuth};
use requires_auth_testkit::issuer::DevelopmentIssuer;
use requires_auth_testkit::{Algorithm, SigningKey};

use crate::error::Failure;
use crate::ports::cannot_listen;

/// The tenant that the API takes tokens of, and one that it does not.
const OURS: &str = "acme";
const OTHER: &str = "globex";

/// Starts an issuer at this port or the next free one.
pub(super) async fn start_issuer(port: u16, audience: &str) -> Result<DevelopmentIssuer, Failure> {
    let started = DevelopmentIssuer::builder().audience(audience).port_or_next(port).start().await;
    started.map_err(|error| failed(port, &error))
}

fn failed(port: u16, error: &io::Error) -> Failure {
    cannot_listen(Ipv4Addr::LOCALHOST.into(), port, error)
}

/// An issuer, and a tenant of another one.
pub(super) struct Development {
    pub(super) issuer: DevelopmentIssuer,
    pub(super) tenant: DevelopmentIssuer,
    /// The key of a client, to which its tokens are bound.
    pub(super) client: SigningKey,
}

impl Development {
    /// Starts both: the issuer at this port or the next free one, the tenant at any free one.
    pub(super) async fn start(port: u16, audience: &str) -> Result<Self, Failure> {
        let issuer = start_issuer(port, audience).await?;
        let tenant = DevelopmentIssuer::builder().audience(audience).path(OURS).start().await;
        let tenant = tenant.map_err(|error| failed(port, &error))?;
        Ok(Self { issuer, tenant, client: SigningKey::generate(Algorithm::Es256) })
    }

    /// A guard that asks the issuer about opaque tokens. It takes any client, so that there is no secret to keep.
    pub(super) fn asking(&self, audience: &str) -> Result<RequiresAuth, ConfigError> {
        let introspection = Introspection::discovered().with_client_secret("demo-api", "demo-secret");
        RequiresAuth::builder(self.issuer.issuer(), audience).with_introspection(introspection).build()
    }

    /// A guard for one tenant of an issuer with many.
    pub(super) fn tenants(&self, audience: &str) -> Result<RequiresAuth, ConfigError> {
        RequiresAuth::builder(&self.issuer_of("{tenant}"), audience).with_tenants([OURS]).build()
    }

    /// A guard that takes tokens with a proof of their key alone; it has to know the URL of the API.
    pub(super) fn proving(&self, audience: &str) -> Builder {
        RequiresAuth::builder(self.issuer.issuer(), audience).with_dpop(Dpop::required())
    }

    /// The claim that a token of the other tenant has.
    pub(super) fn other_tenant(&self) -> String {
        format!("iss={}", self.issuer_of(OTHER))
    }

    /// The issuer of a tenant: each has a path of its own.
    fn issuer_of(&self, tenant: &str) -> String {
        format!("http://{}/{tenant}", self.tenant.address())
    }
}

#[cfg(test)]
mod tests {
    use requires_auth::{Policy, Reason};
    use requires_auth_testkit::issuer::Endpoint;

    use super::*;

    #[tokio::test]
    async fn a_token_of_another_tenant_is_refused_without_a_fetch() {
        let development = Development::start(0, "https://api.example").await.expect("they start");
        let guard = development.tenants("https://api.example").expect("a guard");
        let fetched = || -> u64 { Endpoint::ALL.into_iter().map(|at| development.tenant.requests(at)).sum() };

        let forge = development.tenant.forge();
        let token = forge.token().claim("iss", development.issuer_of(OTHER)).mint();
        let denial = guard.verify(&token, &Policy::default()).await.expect_err("another tenant");
        assert_eq!((denial.reason(), fetched()), (Some(Reason::IssuerMismatch), 0));

        let token = guard.verify(&forge.token().mint(), &Policy::default()).await.expect("ours");
        assert_eq!(token.tenant(), Some(OURS));
        assert!(fetched() > 0);
    }
}
