//! What users have granted to clients: the codes and refresh tokens of a login, each of which counts once.
//!
//! Code and refresh token have two halves, the name of the grant and a secret. So a secret that has been used before still
//! names its grant, which ends then with all that came of it (RFC 6749 §4.1.2 and §10.5, RFC 9700 §4.14.2).

use super::bounded::Bounded;
use super::oauth_error::{ErrorCode, OAuthError};
use super::pkce::Challenge;
use super::random::{Fingerprint, fingerprint, random_name};
use super::redirect_uri::RedirectUri;
use super::scope::words;

/// How long a code counts, in seconds.
pub(super) const CODE_LIFE: i64 = 60;

/// How long a login can be refreshed, in seconds: 30 days.
const REFRESH_LIFE: i64 = 30 * 24 * 60 * 60;

/// How many grants are remembered; the oldest ends for the next.
const CAPACITY: usize = 10_000;

/// What a user has let a client do.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) client_id: String,
    pub(super) redirect_uri: RedirectUri,
    pub(super) challenge: Challenge,
    pub(super) subject: Option<String>,
    pub(super) scope: Option<String>,
    /// The APIs that its tokens may be for; one at least.
    pub(super) audience: Vec<String>,
    /// What an ID token repeats (OIDC Core §3.1.2.1).
    pub(super) nonce: Option<String>,
    /// The thumbprint of the key that the code is for (RFC 9449 §10), and once it is redeemed with a proof by a public client,
    /// that of its refresh tokens (§5).
    pub(super) bound_key: Option<String>,
    /// Whether the client is given refresh tokens.
    pub(super) refreshes: bool,
}

struct Grant {
    login: Login,
    /// The code, until it is used.
    code: Option<Fingerprint>,
    code_expires: i64,
    /// The refresh token that counts.
    refresh: Option<Fingerprint>,
    refresh_expires: i64,
}

/// Who redeems a code or a refresh token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Redeemer<'a> {
    pub(super) client_id: &'a str,
    /// Whether nothing but its key binds its refresh tokens to it.
    pub(super) is_public: bool,
    /// The thumbprint of the key that it has proven.
    pub(super) key: Option<&'a str>,
}

/// What a code or a refresh token was good for.
#[derive(Debug)]
pub(super) struct Redeemed {
    /// The name of the grant.
    pub(super) grant: String,
    pub(super) login: Login,
    /// The refresh token that counts from now on.
    pub(super) refresh_token: Option<String>,
}

/// The grants that have not ended, by their names.
pub(super) struct Grants(Bounded<String, Grant>);

impl Default for Grants {
    fn default() -> Self {
        Self(Bounded::new(CAPACITY))
    }
}

impl Grants {
    /// Begins a grant, and returns its code.
    pub(super) fn begin(&mut self, login: Login, now: i64) -> String {
        let (name, secret) = (random_name(), random_name());
        let grant = Grant {
            login,
            code: Some(fingerprint(&secret)),
            code_expires: now.saturating_add(CODE_LIFE),
            refresh: None,
            refresh_expires: now.saturating_add(REFRESH_LIFE),
        };
        self.0.insert(name.clone(), grant);
        format!("{name}.{secret}")
    }

    /// Takes a code. Whatever is wrong ends the grant: a code has one try.
    ///
    /// # Errors
    ///
    /// `invalid_grant` for a code that is unknown, used, expired, of another client, redirect URI or key, or begun with the
    /// challenge of another verifier.
    pub(super) fn take_code(
        &mut self,
        code: &str,
        redeemer: Redeemer<'_>,
        redirect_uri: Option<&str>,
        verifier: &str,
        now: i64,
    ) -> Result<Redeemed, OAuthError> {
        let (name, secret) = halves(code);
        let name = name.to_owned();
        let unknown = || OAuthError::invalid_grant("the code is not known, or has been used before");
        let grant = self.0.get_mut(&name).ok_or_else(unknown)?;
        let login = &grant.login;
        let mistake = if grant.code.take() != Some(fingerprint(secret)) {
            Some(unknown())
        } else if grant.code_expires <= now {
            Some(OAuthError::invalid_grant("the code has expired: it counts for 60 seconds"))
        } else if login.client_id != redeemer.client_id {
            Some(OAuthError::invalid_grant("the code is of another client"))
        } else if redirect_uri.is_some_and(|uri| uri != login.redirect_uri.as_str()) {
            Some(OAuthError::invalid_grant("redirect_uri is not that of the authorization request"))
        } else if !login.challenge.is_of(verifier) {
            Some(OAuthError::invalid_grant("code_verifier is not that of the code_challenge"))
        } else if login.bound_key.is_some() && login.bound_key.as_deref() != redeemer.key {
            Some(OAuthError::invalid_grant("the proof is not by the key of dpop_jkt"))
        } else {
            None
        };
        if let Some(mistake) = mistake {
            self.0.remove(&name);
            return Err(mistake);
        }
        Ok(renewed(name, grant, redeemer))
    }

    /// Takes a refresh token, whose place another one takes.
    ///
    /// # Errors
    ///
    /// `invalid_grant` for a token that is unknown, expired, used or of another client; the last two end the grant, as one
    /// of the two who have it is a thief. A token that is bound to a key is of no use to a thief, so one without its proof ends
    /// nothing. `invalid_scope` and `invalid_target` for more than was granted; the token counts on then.
    pub(super) fn take_refresh(
        &mut self,
        token: &str,
        redeemer: Redeemer<'_>,
        wanted: &Wanted,
        now: i64,
    ) -> Result<Redeemed, OAuthError> {
        let (name, secret) = halves(token);
        let name = name.to_owned();
        let unknown = || OAuthError::invalid_grant("the refresh token is not known, or has been used before");
        let grant = self.0.get_mut(&name).ok_or_else(unknown)?;
        let is_current = grant.refresh.is_some_and(|refresh| refresh == fingerprint(secret));
        if !is_current || grant.login.client_id != redeemer.client_id || grant.refresh_expires <= now {
            self.0.remove(&name);
            return Err(unknown());
        }
        let bound = grant.login.bound_key.as_deref().filter(|_| redeemer.is_public);
        if bound.is_some() && bound != redeemer.key {
            return Err(OAuthError::invalid_grant(
                "the refresh token is bound to a key, and needs a proof by it",
            ));
        }
        wanted.within(&grant.login)?;
        Ok(renewed(name, grant, redeemer))
    }

    /// Ends the grant of a refresh token.
    ///
    /// # Errors
    ///
    /// `invalid_grant` if it was issued to another client (RFC 7009 §2.1).
    pub(super) fn revoke(&mut self, token: &str, client_id: &str) -> Result<(), OAuthError> {
        let name = halves(token).0.to_owned();
        let Some(grant) = self.0.get(&name).filter(|grant| grant.code.is_none()) else { return Ok(()) };
        if grant.login.client_id != client_id {
            return Err(OAuthError::invalid_grant("the token was issued to another client"));
        }
        self.0.remove(&name);
        Ok(())
    }

    /// Whether a grant has not ended.
    pub(super) fn lives(&self, name: &String) -> bool {
        self.0.get(name).is_some()
    }
}

/// What a request asks for again, out of what was granted.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The scopes; all that were granted without them.
    pub(super) scope: Option<String>,
    /// The APIs; all that were granted if empty.
    pub(super) audience: Vec<String>,
}

impl Wanted {
    /// Checks that all of it was granted.
    ///
    /// # Errors
    ///
    /// `invalid_scope` (RFC 6749 §6) and `invalid_target` (RFC 8707 §2.2).
    pub(super) fn within(&self, login: &Login) -> Result<(), OAuthError> {
        let granted = |word: &str| words(login.scope.as_deref().unwrap_or_default()).any(|own| own == word);
        if !words(self.scope.as_deref().unwrap_or_default()).all(granted) {
            return Err(OAuthError::new(ErrorCode::InvalidScope, "the scope is more than was granted"));
        }
        if !self.audience.iter().all(|audience| login.audience.contains(audience)) {
            return Err(OAuthError::new(
                ErrorCode::InvalidTarget,
                "the resource is not one that was granted",
            ));
        }
        Ok(())
    }
}

/// What comes of a code or refresh token that has been taken.
fn renewed(name: String, grant: &mut Grant, redeemer: Redeemer<'_>) -> Redeemed {
    if redeemer.is_public && redeemer.key.is_some() {
        grant.login.bound_key = redeemer.key.map(str::to_owned);
    }
    let secret = grant.login.refreshes.then(random_name);
    grant.refresh = secret.as_deref().map(fingerprint);
    let refresh_token = secret.map(|secret| format!("{name}.{secret}"));
    Redeemed { grant: name, login: grant.login.clone(), refresh_token }
}

fn halves(text: &str) -> (&str, &str) {
    text.split_once('.').unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::super::parameters::Parameters;
    use super::{CAPACITY, Challenge, Grants, Login, Redeemer, RedirectUri, Wanted};

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const ALL: Wanted = Wanted { scope: None, audience: Vec::new() };

    /// A public client without a proof.
    fn by(client_id: &str) -> Redeemer<'_> {
        Redeemer { client_id, is_public: true, key: None }
    }

    fn with(key: &str) -> Redeemer<'_> {
        Redeemer { key: Some(key), ..by("client") }
    }

    fn login() -> Login {
        let pairs = [
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Login {
            client_id: "client".to_owned(),
            redirect_uri: RedirectUri::parse("app:/callback").expect("a redirect URI"),
            challenge: Challenge::of(&Parameters::new(pairs.into())).expect("a challenge"),
            subject: None,
            scope: Some("a b".to_owned()),
            audience: vec!["https://api.example".to_owned()],
            nonce: None,
            bound_key: None,
            refreshes: true,
        }
    }

    #[test]
    fn a_code_counts_once_for_a_minute_and_its_second_use_ends_the_grant() {
        let mut grants = Grants::default();
        let code = grants.begin(login(), 0);
        let redeemed =
            grants.take_code(&code, by("client"), Some("app:/callback"), VERIFIER, 59).expect("good");
        let refresh = redeemed.refresh_token.expect("a refresh token");
        assert!(grants.lives(&redeemed.grant));
        assert!(grants.take_code(&code, by("client"), Some("app:/callback"), VERIFIER, 59).is_err());
        assert!(!grants.lives(&redeemed.grant));
        assert!(grants.take_refresh(&refresh, by("client"), &ALL, 59).is_err());
    }

    #[test]
    fn a_code_has_one_try() {
        for (client, uri, verifier, now) in [
            ("other", Some("app:/callback"), VERIFIER, 0),
            ("client", Some("app:/other"), VERIFIER, 0),
            ("client", None, "another", 0),
            ("client", None, VERIFIER, 60),
        ] {
            let mut grants = Grants::default();
            let code = grants.begin(login(), 0);
            assert!(
                grants.take_code(&code, by(client), uri, verifier, now).is_err(),
                "{client} {uri:?} {now}"
            );
            assert!(grants.take_code(&code, by("client"), None, VERIFIER, 0).is_err());
        }
        let mut grants = Grants::default();
        let code = grants.begin(login(), 0);
        assert!(grants.take_code(&format!("{code}x"), by("client"), None, VERIFIER, 0).is_err());
        assert!(grants.take_code(&code, by("client"), None, VERIFIER, 0).is_err());
        for unknown in ["", ".", "a.b"] {
            assert!(grants.take_code(unknown, by("client"), None, VERIFIER, 0).is_err());
        }
    }

    #[test]
    fn a_refresh_token_counts_once_and_only_for_what_was_granted() {
        let mut grants = Grants::default();
        let code = grants.begin(login(), 0);
        let first = grants.take_code(&code, by("client"), None, VERIFIER, 0).expect("good");
        let first = first.refresh_token.expect("a refresh token");
        let scope = |scope: &str| Wanted { scope: Some(scope.to_owned()), audience: Vec::new() };
        let audience = |one: &str| Wanted { scope: None, audience: vec![one.to_owned()] };
        for more in [scope("a c"), audience("https://other.example")] {
            assert!(grants.take_refresh(&first, by("client"), &more, 0).is_err());
        }
        let second = grants.take_refresh(&first, by("client"), &scope("b"), 0).expect("counts on");
        let second = second.refresh_token.expect("a refresh token");
        let third =
            grants.take_refresh(&second, by("client"), &audience("https://api.example"), 0).expect("good");
        let third = third.refresh_token.expect("a refresh token");
        assert!(grants.take_refresh(&first, by("client"), &ALL, 0).is_err());
        assert!(grants.take_refresh(&third, by("client"), &ALL, 0).is_err());
    }

    #[test]
    fn another_client_the_end_of_its_life_and_revocation_end_a_grant() {
        let grant = || {
            let mut grants = Grants::default();
            let code = grants.begin(login(), 0);
            let redeemed = grants.take_code(&code, by("client"), None, VERIFIER, 0).expect("good");
            (grants, redeemed.grant, redeemed.refresh_token.expect("a refresh token"))
        };
        for (client, now) in [("other", 0), ("client", 30 * 24 * 60 * 60)] {
            let (mut grants, name, token) = grant();
            assert!(grants.take_refresh(&token, by(client), &ALL, now).is_err());
            assert!(!grants.lives(&name));
        }
        let (mut grants, name, token) = grant();
        assert!(grants.revoke(&token, "other").is_err());
        assert!(grants.revoke("unknown", "client").is_ok());
        assert!(grants.lives(&name));
        assert!(grants.revoke(&token, "client").is_ok());
        assert!(!grants.lives(&name));
    }

    #[test]
    fn a_code_for_a_key_needs_its_proof() {
        for (redeemer, is_good) in [(with("key"), true), (with("other"), false), (by("client"), false)] {
            let mut grants = Grants::default();
            let code = grants.begin(Login { bound_key: Some("key".to_owned()), ..login() }, 0);
            assert_eq!(grants.take_code(&code, redeemer, None, VERIFIER, 0).is_ok(), is_good, "{redeemer:?}");
        }
    }

    #[test]
    fn refresh_tokens_of_a_public_client_are_bound_to_its_first_key_and_a_wrong_key_ends_nothing() {
        let mut grants = Grants::default();
        let code = grants.begin(login(), 0);
        let first = grants.take_code(&code, with("key"), None, VERIFIER, 0).expect("good");
        let first = first.refresh_token.expect("a refresh token");
        for thief in [by("client"), with("other")] {
            assert!(grants.take_refresh(&first, thief, &ALL, 0).is_err());
        }
        assert!(grants.take_refresh(&first, with("key"), &ALL, 0).is_ok());

        // A client with a secret is known by it, and may change its key.
        let code = grants.begin(login(), 0);
        let known = |key| Redeemer { is_public: false, ..with(key) };
        let first = grants.take_code(&code, known("key"), None, VERIFIER, 0).expect("good");
        let first = first.refresh_token.expect("a refresh token");
        assert!(grants.take_refresh(&first, known("other"), &ALL, 0).is_ok());
    }

    #[test]
    fn a_client_without_refresh_tokens_has_none_to_use() {
        let mut grants = Grants::default();
        let code = grants.begin(Login { refreshes: false, ..login() }, 0);
        let redeemed = grants.take_code(&code, by("client"), None, VERIFIER, 0).expect("good");
        assert_eq!(redeemed.refresh_token, None);
        assert!(grants.take_refresh(&format!("{}.", redeemed.grant), by("client"), &ALL, 0).is_err());
    }

    #[test]
    fn the_oldest_grant_ends_when_the_memory_is_full() {
        let mut grants = Grants::default();
        let codes: Vec<_> = (0..=CAPACITY).map(|_| grants.begin(login(), 0)).collect();
        assert!(grants.take_code(&codes[0], by("client"), None, VERIFIER, 0).is_err());
        assert!(grants.take_code(&codes[1], by("client"), None, VERIFIER, 0).is_ok());
    }
}
