//! What tokens are measured by: the gateway of a configuration file, the flags of the command, or nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use requires_auth::credential::TokenPlace;
use requires_auth::verify::KeySet;

use super::answer::{Answer, Asked};
use crate::commands::explain::anatomy::Anatomy;
use crate::commands::explain::configured::Configured;
use crate::commands::explain::explained::Explained;
use crate::commands::explain::question::{Question, Wrong};
use crate::commands::explain::unverifiable::Unverifiable;
use crate::error::Failure;
use crate::output::printable;
use crate::verdict::{Judge, Proven, Settings};

/// What tokens are measured by.
pub(super) enum Subject {
    File(Box<Configured>),
    Flags(Box<OfFlags>),
}

/// The flags of the command.
pub(super) struct OfFlags {
    pub(super) settings: Settings,
    keys: Option<Arc<KeySet>>,
    /// Nobody judges where no flag says by what.
    judge: Option<Judge>,
}

impl Subject {
    /// The gateway of a file, for tokens that are judged at this moment.
    ///
    /// # Errors
    ///
    /// The file has mistakes.
    pub(super) fn of_file(file: &Path, now: Option<SystemTime>) -> Result<Self, Failure> {
        Ok(Self::File(Box::new(Configured::read(file, now)?)))
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
            Self::File(own) => by_file(own, &question).await?,
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
            asked: Asked::of(question, None),
            place: TokenPlace::authorization(),
        })
    }
}

/// Every check of a token, by the gateway of a file.
async fn by_file(own: &Configured, question: &Question) -> Result<Answer, Wrong> {
    let judged = own.explain(question).await?;
    Ok(Answer {
        explained: with_outage(judged.explained, judged.outage),
        anatomy: Anatomy::of(&question.token),
        unverifiable: Unverifiable::of(&question.token),
        now: own.now(),
        asked: Asked::of(question, own.public_url()),
        place: judged.place,
    })
}

fn with_outage(explained: Explained, outage: Option<Failure>) -> Explained {
    match outage {
        Some(outage) => Explained { hint: Some(outage.told()), ..explained },
        None => explained,
    }
}
