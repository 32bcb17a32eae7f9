//! Where requests have their tokens: what is chosen, and what cannot work.

use url::Url;

use super::{Builder, Common, IssuerSettings};
use crate::credential::{PlaceSet, Places, TokenPlace};
use crate::error::{ConfigProblem, quoted};
use crate::settings::{self, Given};

const ORIGIN_HINT: &str = "write scheme, host and port alone: https://app.example.com";

impl Builder {
    /// Where a request may have its token, instead of the `Authorization` header alone. All places together hold one token:
    /// the same bytes in two of them are one, and anything else is 400 `invalid_request`. The query is never read.
    ///
    /// ```
    /// use requires_auth::credential::TokenPlace;
    /// use requires_auth::{Policy, Request, RequiresAuth};
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let token = Forge::new("https://issuer.example", "https://api.example", key).token().mint();
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_jwks(jwks)
    ///     .with_token_from([TokenPlace::header("Cf-Access-Jwt-Assertion")?])
    ///     .build()?;
    /// let headers = [("cf-access-jwt-assertion", &token)];
    /// assert!(auth.authenticate_now(&Request::new("GET", "/", &headers)).expect("keys").is_ok());
    ///
    /// // A place that is not named counts for nothing.
    /// let headers = [("authorization", format!("Bearer {token}"))];
    /// assert!(auth.authenticate_now(&Request::new("GET", "/", &headers)).expect("keys").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_token_from(self, places: impl IntoIterator<Item = TokenPlace>) -> Self {
        self.set(settings::TOKEN_FROM, places.into_iter().collect())
    }

    /// Where tokens of the issuer named last may stand, whatever [`with_token_from`](Self::with_token_from) says for all. A
    /// token of this issuer in another place counts as not there. Default: what holds for all.
    /// For one issuer behind a proxy beside others that are called directly:
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::credential::TokenPlace;
    ///
    /// let auth = RequiresAuth::builder("https://login.example", "https://api.example")
    ///     .with_issuer("https://team.cloudflareaccess.com", "4714c1358e65fe4b408ad6d432a5f878")
    ///     .with_issuer_token_from([TokenPlace::header("Cf-Access-Jwt-Assertion")?])
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// All issuers together may have 32 different places at most.
    pub fn with_issuer_token_from(self, places: impl IntoIterator<Item = TokenPlace>) -> Self {
        self.set_for_issuer(settings::TOKEN_FROM, places.into_iter().collect())
    }

    /// Origins whose pages may use a token in a cookie on requests that may change something, and on opening a `WebSocket`, beside pages
    /// of the same origin; another page gets 403 `auth.cross_site`. Default: the origin of
    /// [`with_public_url`](Self::with_public_url).
    /// An origin is scheme, host and, unless it is the scheme's own, port (RFC 6454 §4), without a path.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::credential::TokenPlace;
    ///
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_token_from([TokenPlace::authorization(), TokenPlace::cookie("__Host-token")?])
    ///     .with_cookie_origins(["https://app.example"])
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_cookie_origins<T: Into<String>>(self, origins: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::COOKIE_ORIGINS, origins.into_iter().map(Into::into).collect())
    }

    /// The URL of this API as its clients know it: scheme, host and port, and a path if a proxy strips one. Default: not known.
    /// It is never taken from a request, since `Host` and the headers of proxies are what a client may choose. A user, a
    /// password, a query or a fragment in it is a mistake that [`build`](Self::build) reports.
    pub fn with_public_url(self, url: &str) -> Self {
        self.set(settings::PUBLIC_URL, url.to_owned())
    }

    /// Whether a `WebSocket` is closed when its token ends, with code 1008. Default: it is. What closes it is the adapter; see
    /// [`RequiresAuth::closes_in`](crate::RequiresAuth::closes_in).
    /// Code 1008 is that of a violated policy (RFC 6455 §7.4.1). Without it a connection outlives its token, and the handler has
    /// to look at [`token_end`](crate::RequiresAuth::token_end) itself.
    pub fn with_close_on_expiry(self, closes: bool) -> Self {
        self.set(settings::CLOSE_ON_EXPIRY, closes)
    }

    /// The places of the guard and of all its issuers.
    pub(super) fn all_places(&self, problems: &mut Vec<ConfigProblem>) -> Vec<TokenPlace> {
        let for_all = self.given.get(settings::TOKEN_FROM).unwrap_or_else(authorization);
        let of_named = self
            .issuers
            .iter()
            .flat_map(|issuer| issuer.given.get(settings::TOKEN_FROM).unwrap_or_else(|| for_all.clone()));
        // Issuers that are found later have none of their own.
        let of_others = self.resolver.iter().flat_map(|_| for_all.clone());
        let mut all: Vec<TokenPlace> = Vec::new();
        for place in of_named.chain(of_others) {
            if !all.contains(&place) {
                all.push(place);
            }
        }
        if all.len() > Places::MOST {
            let hint = "give issuers the same places, or make several guards";
            let found = format!("{} different places", all.len());
            problems.push(ConfigProblem::new("token_from", found, "at most 32 places", hint));
            return authorization();
        }
        all
    }

    /// Warns of issuers whose tokens stand where nobody looks. It is no mistake: a proxy may put them elsewhere.
    pub(super) fn warn_of_unread_places(&self) {
        for (issuer, place) in self.unread_places() {
            let hint = "add the place to `token_from`: without it, no token of this issuer is found";
            tracing::warn!(issuer, %place, hint, "the provider's tokens come in a place that is not read");
        }
    }

    /// Issuers of a provider, each with the place of its tokens, which is not one of those that are read.
    fn unread_places(&self) -> Vec<(String, TokenPlace)> {
        let for_all = self.given.get(settings::TOKEN_FROM);
        let unread = |issuer: &IssuerSettings| {
            let read = issuer.given.get(settings::TOKEN_FROM).or_else(|| for_all.clone());
            let place = issuer.from_table.provider()?.unread_place(&read.unwrap_or_else(authorization))?;
            Some((issuer.issuer(), place))
        };
        self.issuers.iter().filter_map(unread).collect()
    }

    /// What is read; `None` for the `Authorization` header alone.
    pub(super) fn places(common: &Common, cookie_origins: Vec<Box<str>>) -> Option<Places> {
        (!is_default(&common.places)).then(|| Places::new(common.places.clone(), cookie_origins))
    }
}

impl Common {
    /// Where tokens of an issuer may stand.
    pub(super) fn places_of(&self, issuer: &IssuerSettings) -> PlaceSet {
        match issuer.given.get(settings::TOKEN_FROM) {
            None if is_default(&self.places) => PlaceSet::ANY,
            own => {
                let own = own.or_else(|| self.token_from.clone()).unwrap_or_else(authorization);
                PlaceSet::of(&self.places, &own)
            }
        }
    }
}

impl Common {
    /// An issuer that is found later, and whose tokens stand where this guard never looks.
    pub(super) fn check_places_of(&self, issuer: &IssuerSettings) -> Result<(), ConfigProblem> {
        let own = issuer.given.get(settings::TOKEN_FROM).unwrap_or_default();
        match own.first() {
            Some(place) if !own.iter().any(|place| self.places.contains(place)) => {
                let hint = "add the place to `token_from` of the guard: what an issuer of a resolver names is read only if the \
                            guard reads it, too";
                let found = format!("`{place}` for an issuer of a resolver");
                Err(ConfigProblem::new("token_from", found, "a place that the guard reads", hint))
            }
            _ => Ok(()),
        }
    }
}

fn authorization() -> Vec<TokenPlace> {
    vec![TokenPlace::authorization()]
}

fn is_default(places: &[TokenPlace]) -> bool {
    places.iter().all(|place| *place == TokenPlace::authorization())
}

pub(super) fn check_places(given: &Given, problems: &mut Vec<ConfigProblem>) {
    let Some(places) = given.get(settings::TOKEN_FROM) else { return };
    let mut report = |found: String, hint| {
        problems.push(ConfigProblem::new("token_from", found, "different places, at least one", hint));
    };
    if places.is_empty() {
        report("an empty list".to_owned(), "leave the setting out to read the Authorization header");
    }
    let again = places.iter().enumerate().find(|(at, place)| places[..*at].contains(place));
    if let Some((_, place)) = again {
        report(format!("`{place}` twice"), "name each place once");
    }
}

/// The origin of `public_url`, if that is chosen.
pub(super) fn public_origin(given: &Given, problems: &mut Vec<ConfigProblem>) -> Option<String> {
    let text = given.get(settings::PUBLIC_URL)?;
    let url = Url::parse(&text).ok().filter(|url| {
        is_web(url)
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    // The text itself is not shown: it may have a user.
    let Some(url) = url.filter(|_| ConfigProblem::of_unseen("public_url", &text).is_none()) else {
        let hint = "write scheme and host as clients know them: https://api.example.com";
        problems.push(ConfigProblem::new("public_url", "another text", "an https URL without query", hint));
        return None;
    };
    Some(url.origin().ascii_serialization())
}

/// Origins whose pages may use a cookie, as browsers write them.
pub(super) fn cookie_origins(given: &Given, problems: &mut Vec<ConfigProblem>) -> Vec<Box<str>> {
    let Some(chosen) = given.get(settings::COOKIE_ORIGINS) else {
        return public_origin(given, &mut Vec::new()).into_iter().map(Into::into).collect();
    };
    let mut origins = Vec::new();
    for text in &chosen {
        if let Some(origin) = origin(text) {
            origins.push(origin.into());
        } else {
            let found = if text.contains('@') { "a URL with a user".to_owned() } else { quoted(text) };
            problems.push(ConfigProblem::new("cookie_origins", found, "an origin", ORIGIN_HINT));
        }
    }
    origins
}

/// RFC 6454 §6.2: scheme, host and port, and nothing behind them.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(is_web)?;
    let origin = url.origin().ascii_serialization();
    let is_bare = url.as_str().trim_end_matches('/') == origin;
    (is_bare && ConfigProblem::of_unseen("cookie_origins", text).is_none()).then_some(origin)
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http") && url.has_host()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(builder: Builder) -> Vec<String> {
        let mut builder = builder;
        builder.look_up_providers();
        builder.unread_places().into_iter().map(|(issuer, place)| format!("{issuer} {place}")).collect()
    }

    #[test]
    fn the_place_of_a_provider_is_told_where_nobody_reads_it() {
        let header = TokenPlace::header("Cf-Access-Jwt-Assertion").expect("a header");
        let cookie = TokenPlace::cookie("token").expect("a cookie");
        let access = || Builder::new("acme", "an-audience").with_provider("cloudflare_access");
        let told = "https://acme.cloudflareaccess.com header=Cf-Access-Jwt-Assertion";
        // The row chooses the place where nobody else does.
        assert_eq!(unread(access()), [""; 0]);
        assert_eq!(unread(access().with_token_from([TokenPlace::authorization()])), [told]);
        assert_eq!(unread(access().with_token_from([cookie.clone(), header.clone()])), [""; 0]);
        assert_eq!(unread(access().with_issuer_token_from([cookie.clone()])), [told]);
        assert_eq!(
            unread(access().with_token_from([cookie.clone()]).with_issuer_token_from([header])),
            [""; 0]
        );
        let plain = Builder::new("https://issuer.example", "an-audience").with_token_from([cookie]);
        assert_eq!(unread(plain), [""; 0], "its tokens may be anywhere");
    }
}
