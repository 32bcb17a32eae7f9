//! Which client a token names, and whether it speaks for that client or for a user.

use std::borrow::Cow;

use super::token::Parties;
use crate::claims::Claims;
use crate::error::Reason;

/// The claim that RFC 9068 §2.2 has, and those in which other issuers name the client: Keycloak, Auth0 and Entra ID in
/// `azp`, Okta in `cid`, Entra ID's first version in `appid`.
const DEFAULT: &str = "client_id";
const ELSEWHERE: [&str; 3] = ["azp", "cid", "appid"];

/// The client of a token, by the first of `paths` that is there. Without any, the names in [`ELSEWHERE`] may mean
/// something else at other issuers, so that only a text under them counts. Under `client_id` and under a name that is
/// configured, another type is malformed.
///
/// # Errors
///
/// The claim that is malformed.
pub(super) fn client_id<'t, 'r>(
    paths: &'r [Box<str>],
    claims: &Claims<'t>,
) -> Result<Option<Cow<'t, str>>, (&'r str, Reason)> {
    if paths.is_empty() {
        let elsewhere = || ELSEWHERE.iter().find_map(|name| claims.string_or_null(name).ok().flatten());
        let client_id = claims.string_or_null(DEFAULT).map_err(|reason| (DEFAULT, reason))?;
        return Ok(client_id.or_else(elsewhere));
    }
    for path in paths {
        if let Some(found) = claims.string_at(path).map_err(|reason| (&**path, reason))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// How tokens that a client got for itself are told from those of users: tests in order, of which the first that holds
/// says which it is. If none does, nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientRule {
    /// Each with what it says: true for a client.
    pub(crate) tests: &'static [(ClientTest, bool)],
    /// Whether a token of which nobody knows may be mapped to a user.
    pub(crate) unknown_may_be_user: bool,
}

/// A test of a [`ClientRule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientTest {
    /// The subject is the client (RFC 9068 §5).
    SubjectIsClient,
    /// The subject ends so.
    SubjectEnds(&'static str),
    /// The claim at a path is this text.
    Equals(&'static str, &'static str),
    /// The claim at a path is a text that begins so.
    Begins(&'static str, &'static str),
    /// There is a claim at this path.
    Present(&'static str),
    /// For the last one.
    Always,
}

impl Default for ClientRule {
    fn default() -> Self {
        Self::ANY
    }
}

impl ClientRule {
    /// What holds for any issuer: a subject that is the client is a client, and of others nobody knows.
    pub(crate) const ANY: Self =
        Self { tests: &[(ClientTest::SubjectIsClient, true)], unknown_may_be_user: true };

    /// A rule of a provider. Where it cannot tell, nobody is taken for a user.
    pub(crate) const fn of(tests: &'static [(ClientTest, bool)]) -> Self {
        Self { tests, unknown_may_be_user: false }
    }

    /// Whether a token speaks for its client; `None` if the rule cannot tell.
    pub(super) fn decide(&self, claims: &Claims<'_>, parties: &Parties<'_>) -> Option<bool> {
        let (_, is_client) = self.tests.iter().find(|(test, _)| test.holds(claims, parties))?;
        Some(*is_client)
    }
}

impl ClientTest {
    fn holds(self, claims: &Claims<'_>, parties: &Parties<'_>) -> bool {
        let text_at = |path, fits: &dyn Fn(&str) -> bool| {
            claims.string_at(path).ok().flatten().is_some_and(|text| fits(&text))
        };
        match self {
            Self::SubjectIsClient => parties.subject.is_some() && parties.subject == parties.client_id,
            Self::SubjectEnds(end) => parties.subject.as_ref().is_some_and(|subject| subject.ends_with(end)),
            Self::Equals(path, value) => text_at(path, &|text| text == value),
            Self::Begins(path, start) => text_at(path, &|text| text.starts_with(start)),
            Self::Present(path) => claims.has_at(path),
            Self::Always => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClientTest::{Always, Begins, Equals, Present, SubjectEnds, SubjectIsClient};
    use super::*;

    fn decide(rule: ClientRule, json: &str) -> Option<bool> {
        let claims = Claims::of_text(json);
        let string = |name| claims.string(name).expect("a text");
        let client_id = string("client_id").or_else(|| string("azp")).or_else(|| string("appid"));
        let parties = Parties { subject: string("sub"), client_id };
        rule.decide(&claims, &parties)
    }

    #[track_caller]
    fn decides(tests: &'static [(ClientTest, bool)], cases: &[(&str, Option<bool>)]) {
        let rule = ClientRule { tests, unknown_may_be_user: true };
        for (json, expected) in cases {
            assert_eq!(decide(rule, json), *expected, "{json}");
        }
    }

    #[test]
    fn without_a_rule_only_a_subject_that_is_the_client_is_known() {
        let of = |json| decide(ClientRule::default(), json);
        assert_eq!(of(r#"{"sub":"app","client_id":"app"}"#), Some(true));
        assert_eq!(of(r#"{"sub":"alice","client_id":"app"}"#), None);
        assert_eq!(of(r#"{"sub":"alice"}"#), None);
        assert_eq!(of("{}"), None);
    }

    #[test]
    fn the_first_test_that_holds_decides() {
        // As Entra ID marks its tokens.
        decides(
            &[
                (Equals("idtyp", "app"), true),
                (Present("scp"), false),
                (Present("azp"), true),
                (Present("appid"), true),
            ],
            &[
                (r#"{"sub":"a","azp":"c","idtyp":"app","scp":"x"}"#, Some(true)),
                (r#"{"sub":"a","azp":"c","scp":"x"}"#, Some(false)),
                (r#"{"sub":"a","azp":"c"}"#, Some(true)),
                (r#"{"sub":"a","appid":"c","scp":null}"#, Some(true)),
                (r#"{"sub":"a"}"#, None),
            ],
        );
    }

    #[test]
    fn texts_are_compared_as_texts() {
        decides(
            &[
                (SubjectEnds("@clients"), true),
                (Begins("preferred_username", "service-account-"), true),
                (Always, false),
            ],
            &[
                (r#"{"sub":"abc@clients"}"#, Some(true)),
                (r#"{"sub":"@clients of mine"}"#, Some(false)),
                (r#"{"sub":"u","preferred_username":"service-account-job"}"#, Some(true)),
                (r#"{"sub":"u","preferred_username":"my-service-account-"}"#, Some(false)),
                (r#"{"sub":"u","preferred_username":5}"#, Some(false)),
                ("{}", Some(false)),
            ],
        );
        decides(&[(SubjectIsClient, true), (Always, false)], &[(r#"{"sub":"a","azp":"a"}"#, Some(true))]);
    }
}
