//! What tokens are measured by: the gateway of a configuration file, the flags of the command, or nothing.

use std::path::Path;
use std::sync::Arc;

use requires_auth::config::IssuerConfig;
use requires_auth::credential::TokenPlace;
use requires_auth::settings::{PUBLIC_URL, STATE_FILE};
use requires_auth::verify::KeySet;
use requires_auth::{Bearer, Denial, ErrorCode, Request, RequiresAuth};

use super::answer::{Answer, Asked as Told};
use super::headers::headers;
use super::question::{Question, Wrong};
use crate::commands::explain::anatomy::Anatomy;
use crate::commands::explain::explained::{Explained, Verdict};
use crate::commands::explain::unverifiable::Unverifiable;
use crate::error::{Failure, located};
use crate::gateway::asked::Asked;
use crate::gateway::config::Config;
use crate::gateway::decide::Gateway;
use crate::gateway::explaining::{self, token_alone};
use crate::output::printable;
use crate::verdict::{Judge, Proven, Settings};

/// What tokens are measured by.
pub(super) enum Subject {
    File(Box<OfFile>),
    Flags(Box<OfFlags>),
}

/// The gateway of a configuration file. It serves nobody here.
pub(super) struct OfFile {
    pub(super) name: String,
    pub(super) config: Config,
    gateway: Gateway,
}

/// The flags of the command.
pub(super) struct OfFlags {
    pub(super) settings: Settings,
    keys: Option<Arc<KeySet>>,
    /// Nobody judges where no flag says by what.
    judge: Option<Judge>,
}

impl Subject {
    /// The gateway of a file.
    ///
    /// # Errors
    ///
    /// The file has mistakes.
    pub(super) fn of_file(file: &Path) -> Result<Self, Failure> {
        let mut config = Config::check(file).map_err(|error| located(&error))?;
        // It is written by the gateway that runs.
        config.guard.set(STATE_FILE, None);
        let auth = config.build_with(|builder| builder).map_err(|error| located(&error))?;
        let gateway = Gateway::new(&config, auth).map_err(|error| located(&error))?;
        Ok(Self::File(Box::new(OfFile { name: file.display().to_string(), config, gateway })))
    }

    /// What the flags say.
    ///
    /// # Errors
    ///
    /// They do not go together.
    pub(super) fn of_flags(settings: Settings, keys: Option<Arc<KeySet>>) -> Result<Self, Failure> {
        let is_given = keys.is_some() || settings.names_issuer();
        let judge = is_given.then(|| Judge::new(&settings, keys.as_ref())).transpose()?;
        Ok(Self::Flags(Box::new(OfFlags { settings, keys, judge })))
    }

    /// What it is, for whoever has started the command.
    pub(super) fn told(&self) -> String {
        match self {
            Self::File(own) => {
                format!("tokens are judged as the gateway of {} judges them", printable(&own.name))
            }
            Self::Flags(own) if own.judge.is_some() => "tokens are judged by the flags".to_owned(),
            Self::Flags(_) => {
                "tokens are shown, and not judged: name an issuer, or a configuration file".to_owned()
            }
        }
    }

    /// Whether anything is judged.
    pub(super) fn judges(&self) -> bool {
        match self {
            Self::File(_) => true,
            Self::Flags(own) => own.judge.is_some(),
        }
    }

    /// Every check of a token.
    ///
    /// # Errors
    ///
    /// What is wrong with a field.
    pub(super) async fn explain(self: Arc<Self>, question: Question) -> Result<Answer, Wrong> {
        let answer = match &*self {
            Self::File(own) => own.explain(&question).await?,
            Self::Flags(_) => {
                // It waits for keys, on a thread that may.
                let judged = tokio::task::spawn_blocking(move || match &*self {
                    Self::Flags(own) => own.explain(&question),
                    Self::File(_) => Err("the file is judged elsewhere"),
                });
                return judged.await.unwrap_or(Err("nothing is known of it"));
            }
        };
        Ok(answer)
    }
}

impl OfFlags {
    fn explain(&self, question: &Question) -> Result<Answer, Wrong> {
        let mut settings = self.settings.clone();
        if let Some(proof) = question.proof.clone() {
            let (Some(origin), Some(target)) = (question.origin.clone(), question.target.clone()) else {
                return Err("a proof is for one URL: write the whole of it, as the client has sent it");
            };
            settings.proven = Some(Proven { proof, method: question.method.clone(), origin, target });
        }
        let explained = match &self.judge {
            None => {
                let hint = Unverifiable::of(&question.token).map(|it| it.hint().to_owned());
                Explained { hint, ..Explained::not_judged() }
            }
            Some(judge) => {
                // A proof is measured by its URL, which the guard has to know.
                let proving = settings.proven.as_ref().map(|_| Judge::new(&settings, self.keys.as_ref()));
                let proving = proving.transpose().map_err(|_| "no guard can be made for this URL")?;
                let judge = proving.as_ref().unwrap_or(judge);
                let judged =
                    judge.explain(&question.token, &settings).map_err(|_| "the runtime cannot be used")?;
                let outage = judged.as_ref().ok().and_then(|report| report.verdict().err().cloned());
                let outage = outage.and_then(|denial| judge.outage(&denial));
                with_outage(Explained::new(judged, &settings), outage)
            }
        };
        Ok(Answer {
            explained,
            anatomy: Anatomy::of(&question.token),
            unverifiable: Unverifiable::of(&question.token),
            now: settings.now(),
            asked: Told::of(question, None, None),
            place: TokenPlace::authorization(),
            notes: Vec::new(),
        })
    }
}

impl OfFile {
    async fn explain(&self, question: &Question) -> Result<Answer, Wrong> {
        let issuers = self.issuers(question)?;
        let anatomy = Anatomy::of(&question.token);
        let place = self.place(&anatomy);
        let mut notes = Vec::new();
        let mut route = None;
        let explained = if let Err(denial) = Bearer::parse(&question.token) {
            Explained::of_no_token(denial)
        } else if let Some(target) = &question.target {
            let headers = headers(question, &place)?;
            let host =
                question.origin.as_deref().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
            let asked = Asked {
                method: &question.method,
                target,
                host,
                client: None,
                certificate: question.certificate,
                headers: &headers,
                has_body: false,
                is_trial: true,
            };
            let told = self.gateway.explain(asked, &issuers).await;
            route = told.route().map(str::to_owned);
            explained(told, &mut notes)
        } else {
            let headers = headers(question, &TokenPlace::authorization())?;
            let request = Request::new(&question.method, "/", &headers).as_token_alone();
            let request = question.certificate.map_or(request, |own| request.with_certificate(own.into()));
            notes.push("No route is asked: this is what holds for the token on every route.");
            Explained::of_report(&token_alone(self.gateway.auth(), &request, &issuers).await, |_| None)
        };
        let outage = match explained.denial() {
            Some(denial) => outage(self.gateway.auth(), denial).await,
            None => None,
        };
        Ok(Answer {
            explained: with_outage(explained, outage),
            unverifiable: Unverifiable::of(&question.token),
            anatomy,
            now: std::time::SystemTime::now(),
            asked: Told::of(question, self.public_url(), route),
            place,
            notes,
        })
    }

    /// The issuers that the token has to be of: none is any of the file.
    fn issuers(&self, question: &Question) -> Result<Vec<String>, Wrong> {
        let Some(name) = &question.issuer else { return Ok(Vec::new()) };
        let found = self.config.guard.issuers.iter().find(|issuer| issuer.name() == name);
        found.map(IssuerConfig::names).ok_or("the file has no issuer of this name")
    }

    /// Where a token of its issuer stands in a request: the first of the places that a plain request has.
    fn place(&self, anatomy: &Anatomy) -> TokenPlace {
        let claims = anatomy.claims.iter().flatten();
        let named =
            claims.filter(|member| member.name == "iss").map(|member| member.value.trim_matches('"')).next();
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
    fn public_url(&self) -> Option<String> {
        self.config.guard.get(PUBLIC_URL).map(|url| url.trim_end_matches('/').to_owned())
    }
}

/// What the gateway says of a request.
fn explained(told: explaining::Told<'_>, notes: &mut Vec<&'static str>) -> Explained {
    match told {
        explaining::Told::Unfound(cause) => {
            let verdict = Verdict::Refused(Denial::new(cause.code()));
            Explained { verdict, hint: Some(cause.to_string()), ..Explained::not_judged() }
        }
        explaining::Told::Public { .. } => {
            notes.push("The route is public: no token is looked at.");
            Explained { verdict: Verdict::Allowed, ..Explained::not_judged() }
        }
        explaining::Told::Judged { report, unfound, is_shadow, has_operations, .. } => {
            let explained = Explained::of_report(&report, |_| None);
            if is_shadow {
                notes.push(
                    "The route is in shadow: a refusal is logged, and the request passes all the same.",
                );
            }
            if has_operations {
                notes.push("What a message to the MCP server asks for needs more scopes, which are not looked at here.");
            }
            match unfound.filter(|_| explained.denial().is_none()) {
                Some(cause) => {
                    let verdict = Verdict::Refused(Denial::new(cause.code()));
                    Explained { verdict, hint: Some(cause.to_string()), ..explained }
                }
                None => explained,
            }
        }
    }
}

/// When a token could not be judged for want of keys: what happened, and what to do about it.
async fn outage(auth: &RequiresAuth, denial: &Denial) -> Option<Failure> {
    if denial.code() != ErrorCode::IssuerUnavailable {
        return None;
    }
    let unavailable = auth.warm().await.err()?;
    let (issuer, failure) = unavailable.failures().next()?;
    let message = format!("the keys of {issuer} could not be fetched: {failure}");
    Some(Failure::new(message).hint(failure.hint()))
}

fn with_outage(explained: Explained, outage: Option<Failure>) -> Explained {
    match outage {
        Some(outage) => Explained { hint: Some(outage.told()), ..explained },
        None => explained,
    }
}
