//! The answer to the page: what `explain` says in JSON, with what the token says, the request, and the times in words.

use std::time::{Duration, SystemTime};

use requires_auth::credential::TokenPlace;
use serde_json::{Value, json};

use super::curl::Curl;
use crate::commands::explain::anatomy::{Anatomy, Member};
use crate::commands::explain::explained::{Explained, Verdict};
use crate::commands::explain::question::Question;
use crate::commands::explain::unverifiable::Unverifiable;
use crate::output::relative;

/// The last second that a date of HTTP can say: the end of the year 9999.
const LAST_DATE: u64 = 253_402_300_799;

/// What is told of a token.
pub(super) struct Answer {
    pub(super) explained: Explained,
    pub(super) anatomy: Anatomy,
    pub(super) unverifiable: Option<Unverifiable>,
    /// When it was judged.
    pub(super) now: SystemTime,
    pub(super) asked: Asked,
    /// Where the token stands in the request.
    pub(super) place: TokenPlace,
}

/// The request that was asked about. Nothing of the token is in it.
pub(super) struct Asked {
    method: String,
    origin: Option<String>,
    target: Option<String>,
    has_proof: bool,
    has_certificate: bool,
}

impl Asked {
    /// The request of a question; `origin` is that of the API, where the question has none.
    pub(super) fn of(question: &Question, origin: Option<String>) -> Self {
        Self {
            method: question.method.clone(),
            origin: question.origin.clone().or(origin),
            target: question.target.clone(),
            has_proof: question.proof.is_some(),
            has_certificate: question.certificate.is_some(),
        }
    }
}

impl Answer {
    /// As JSON.
    pub(super) fn to_json(&self) -> Value {
        let explained = serde_json::to_value(self.explained.to_json(&self.anatomy));
        // What explain says is an object of texts, which any JSON can hold.
        let mut value = explained.unwrap_or_else(|_| json!({}));
        let members = |part: &Option<Vec<Member>>| {
            let members = part.as_ref()?;
            Some(members.iter().map(|member| self.member(member)).collect::<Vec<_>>())
        };
        value["verdict"] = match &self.explained.verdict {
            Verdict::Allowed => "allowed",
            Verdict::Refused(_) => "refused",
            Verdict::NotJudged => "not judged",
        }
        .into();
        let denial = self.explained.denial();
        value["message"] = denial.map(requires_auth::Denial::message).into();
        if value["hint"].is_null() {
            value["hint"] = denial.map(requires_auth::Denial::hint).into();
        }
        value["kind"] = match self.unverifiable {
            Some(Unverifiable::Opaque) => "opaque",
            Some(Unverifiable::Encrypted) => "encrypted",
            None if self.anatomy.header.is_some() => "jwt",
            None => "unreadable",
        }
        .into();
        value["header"] = members(&self.anatomy.header).into();
        value["claims"] = members(&self.anatomy.claims).into();
        value["route"] = self.explained.route.as_deref().into();
        value["notes"] = self.explained.notes().into();
        value["curl"] = self.curl().into();
        value
    }

    fn member(&self, member: &Member) -> Value {
        json!({
            "name": member.name,
            "value": member.value,
            "ignored": member.is_ignored(),
            "date": member.moment.and_then(date),
            "relative": member.moment.map(|moment| relative(moment, self.now)),
        })
    }

    fn curl(&self) -> String {
        let Asked { method, origin, target, has_proof, has_certificate, .. } = &self.asked;
        let curl = Curl {
            method,
            origin: origin.as_deref(),
            target: target.as_deref().unwrap_or("/"),
            place: &self.place,
            has_proof: *has_proof,
            has_certificate: *has_certificate,
        };
        curl.line()
    }
}

/// A moment as a date, where there is one for it.
fn date(moment: SystemTime) -> Option<String> {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (since <= Duration::from_secs(LAST_DATE)).then(|| httpdate::fmt_http_date(moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_a_date_until_the_year_9999() {
        let at = |seconds| date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0).as_deref(), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
        assert_eq!(at(LAST_DATE).as_deref(), Some("Fri, 31 Dec 9999 23:59:59 GMT"));
        assert_eq!(at(LAST_DATE + 1), None);
        assert_eq!(at(1 << 53), None);
    }
}
