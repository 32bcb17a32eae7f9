//! A token that is judged as the gateway of a configuration judges it: for the command line and for the page of `inspect`. The
//! gateway serves nobody here.

use std::path::Path;
use std::time::SystemTime;

use requires_auth::config::IssuerConfig;
use requires_auth::credential::TokenPlace;
use requires_auth::settings::{PUBLIC_URL, STATE_FILE};
use requires_auth::{AccessToken, Bearer, Denial, ErrorCode, Request, RequiresAuth};
use serde_json::Value;

use super::anatomy::Anatomy;
use super::explained::{Explained, Verdict};
use super::headers::headers;
use super::question::{Question, Wrong};
use crate::error::{Failure, located, unreached};
use crate::gateway::asked::Asked;
use crate::gateway::config::Config;
use crate::gateway::decide::Gateway;
use crate::gateway::explaining::{self, token_alone};
use crate::output::printable;
use crate::runtime::block_on;

/// The gateway of a configuration file.
pub(in crate::commands) struct Configured {
    pub(in crate::commands) name: String,
    pub(in crate::commands) config: Config,
    gateway: Gateway,
    now: Option<SystemTime>,
}

/// What becomes of a token.
pub(in crate::commands) struct Judged {
    pub(in crate::commands) explained: Explained,
    /// The token, where it is allowed, and was looked at.
    pub(in crate::commands) token: Option<AccessToken>,
    /// Why it could not be judged, where keys are missing.
    pub(in crate::commands) outage: Option<Failure>,
    /// Where the token stands in the request.
    pub(in crate::commands) place: TokenPlace,
}

impl Configured {
    /// The gateway of a file, for tokens that are judged at this moment.
    ///
    /// # Errors
    ///
    /// The file has mistakes.
    pub(in crate::commands) fn read(file: &Path, now: Option<SystemTime>) -> Result<Self, Failure> {
        let mut config = Config::check(file).map_err(|error| located(&error))?;
        // It is written by the gateway that runs.
        config.guard.set(STATE_FILE, None);
        let auth = config.build_with(|builder| match now {
            Some(now) => builder.with_clock(move || now),
            None => builder,
        });
        let auth = auth.map_err(|error| located(&error))?;
        let gateway = Gateway::new(&config, auth).map_err(|error| located(&error))?;
        Ok(Self { name: file.display().to_string(), config, gateway, now })
    }

    /// The time to judge at.
    pub(in crate::commands) fn now(&self) -> SystemTime {
        self.now.unwrap_or_else(SystemTime::now)
    }

    /// Every check of the one token that a command is asked about.
    ///
    /// # Errors
    ///
    /// What is wrong with the question, or the runtime cannot be started.
    pub(in crate::commands) fn explain_once(&self, question: &Question) -> Result<Judged, Failure> {
        let judged = block_on(async {
            self.settle().await;
            self.explain(question).await
        });
        let judged = judged?.map_err(Failure::new)?;
        let has_proof = question.proof.is_some() || !self.config.proofs().are_judged;
        let explained = judged.explained.with_hint_of_proof(&question.token, has_proof);
        Ok(Judged { explained, ..judged })
    }

    /// Waits for what the guard is told of revocations by a server that instances share, five seconds at most.
    async fn settle(&self) {
        let auth = self.gateway.auth();
        if auth.revocations().is_some() && auth.health().shared_state().is_some() {
            // Keys that cannot be fetched are told of where the token needs them.
            auth.warm().await.ok();
        }
    }

    /// Every check of a token.
    ///
    /// # Errors
    ///
    /// What is wrong with the question.
    pub(in crate::commands) async fn explain(&self, question: &Question) -> Result<Judged, Wrong> {
        let issuers = self.issuers(question)?;
        let place = self.place(&Anatomy::of(&question.token));
        let (explained, token) = if let Err(denial) = Bearer::parse(&question.token) {
            (Explained::of_no_token(denial), None)
        } else if question.target.is_some() {
            self.explain_request(question, &place, &issuers).await?
        } else {
            self.explain_token(question, &issuers).await?
        };
        let outage = match explained.denial() {
            Some(denial) => outage(self.gateway.auth(), denial).await,
            None => None,
        };
        Ok(Judged { explained, token, outage, place })
    }

    /// A request, whose route is found as the gateway finds it.
    async fn explain_request(
        &self,
        question: &Question,
        place: &TokenPlace,
        issuers: &[String],
    ) -> Result<(Explained, Option<AccessToken>), Wrong> {
        let headers = headers(question, place)?;
        let origin = question.origin.as_deref().and_then(|origin| origin.split_once("://"));
        let asked = Asked {
            method: &question.method,
            target: question.target.as_deref().unwrap_or("/"),
            host: origin.map(|(_, host)| host),
            client: None,
            certificate: question.certificate,
            headers: &headers,
            has_body: false,
            is_trial: true,
        };
        let told = self.gateway.explain(asked, issuers).await;
        let route = told.route().map(str::to_owned);
        let (explained, token) = of_request(told);
        Ok((Explained { route, ..explained }, token))
    }

    /// A token alone.
    async fn explain_token(
        &self,
        question: &Question,
        issuers: &[String],
    ) -> Result<(Explained, Option<AccessToken>), Wrong> {
        let headers = headers(question, &TokenPlace::authorization())?;
        let request = Request::new(&question.method, "/", &headers).as_token_alone();
        let request = question.certificate.map_or(request, |own| request.with_certificate(own.into()));
        let report = token_alone(self.gateway.auth(), &request, issuers).await;
        let notes = vec!["No route is asked: this is what holds for the token on every route."];
        let explained = Explained { notes, ..Explained::of_report(&report, |_| None) };
        Ok((explained, report.verdict().ok().cloned()))
    }

    /// The issuers that the token has to be of: none is any of the file.
    fn issuers(&self, question: &Question) -> Result<Vec<String>, Wrong> {
        let Some(name) = &question.issuer else { return Ok(Vec::new()) };
        let found = self.config.guard.issuers.iter().find(|issuer| issuer.name() == name);
        found.map(IssuerConfig::names).ok_or("the file has no issuer of this name")
    }

    /// Where a token of its issuer stands in a request: the first of the places that a plain request has.
    fn place(&self, anatomy: &Anatomy) -> TokenPlace {
        let named = anatomy.claim("iss");
        let named = named.as_ref().and_then(Value::as_str);
        let issuers = &self.config.guard.issuers;
        let issuer = issuers
            .iter()
            .find(|issuer| named.is_some_and(|named| issuer.names().iter().any(|own| own == named)));
        let places = issuer.or(issuers.first()).map(|issuer| self.config.guard.token_places_of(issuer));
        let places = places.unwrap_or_default();
        let is_plain = |place: &&TokenPlace| ["authorization", "header", "cookie"].contains(&place.parts().0);
        places
            .iter()
            .find(|place| place.parts().0 == "authorization")
            .or_else(|| places.iter().find(is_plain))
            .cloned()
            .unwrap_or_else(TokenPlace::authorization)
    }

    /// Scheme and host of the API, where the file says them.
    pub(in crate::commands) fn public_url(&self) -> Option<String> {
        self.config.guard.get(PUBLIC_URL).map(|url| url.trim_end_matches('/').to_owned())
    }
}

/// What the gateway says of a request.
fn of_request(told: explaining::Told<'_>) -> (Explained, Option<AccessToken>) {
    match told {
        explaining::Told::Unfound(cause) => {
            let verdict = Verdict::Refused(Denial::new(cause.code()));
            let hint = Some(cause.to_string());
            (Explained { verdict, hint, ..Explained::not_judged() }, None)
        }
        explaining::Told::Public { .. } => {
            let notes = vec!["The route is public: no token is looked at."];
            let public =
                Explained { verdict: Verdict::Allowed, notes, is_public: true, ..Explained::not_judged() };
            (public, None)
        }
        explaining::Told::Judged { report, unfound, is_shadow, has_operations, .. } => {
            let mut explained = Explained::of_report(&report, |_| None);
            if is_shadow {
                explained.notes.push(
                    "The route is in shadow: a refusal is logged, and the request passes all the same.",
                );
            }
            if has_operations {
                explained.notes.push("What a message to the MCP server asks for needs more scopes, which are not looked at here.");
            }
            match (report.verdict(), unfound) {
                (Ok(_), Some(cause)) => {
                    let verdict = Verdict::Refused(Denial::new(cause.code()));
                    (Explained { verdict, hint: Some(cause.to_string()), ..explained }, None)
                }
                (verdict, _) => (explained, verdict.ok().cloned()),
            }
        }
    }
}

/// When a token could not be judged for want of keys, or of what is revoked: what happened, and what to do about it.
async fn outage(auth: &RequiresAuth, denial: &Denial) -> Option<Failure> {
    if denial.code() == ErrorCode::StateUnavailable {
        let health = auth.health();
        let server = health.shared_state()?;
        let cause = server.last_error().unwrap_or("it has not answered");
        let message = format!("what other instances have revoked is not known: {}: {cause}", server.server());
        return Some(Failure::new(printable(&message)).hint(denial.hint()));
    }
    if denial.code() != ErrorCode::IssuerUnavailable {
        return None;
    }
    unreached(&auth.warm().await.err()?).into_iter().next()
}
