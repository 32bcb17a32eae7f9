//! What a token is measured by: issuers with their audiences, algorithms, profile, leeway.

use std::collections::HashMap;
use std::ops::Index;
use std::sync::Arc;
use std::time::Duration;

use super::Marks;
use super::audience::Audience;
use super::client::ClientRule;
use super::implied::ImpliedScopes;
use crate::binding::proof::ProofRules;
use crate::binding::{DpopMode, Methods, public_base};
use crate::client_certificate::CertificateHeader;
use crate::credential::{PlaceSet, Places};
use crate::jose::alg::{Algorithm, AlgorithmSet};
use crate::revocation::Seed;

/// Which shape of token is an access token.
///
/// Leave it at [`Profile::Jwt`] unless the issuer follows RFC 9068: most do not, and the stricter profile then refuses
/// every token. Where the issuer does, [`Profile::AccessTokenJwt`] tells access tokens from all other JWTs that it signs
/// by their type alone, which is what RFC 8725 §3.11 recommends.
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
/// use requires_auth::{Policy, Profile, Reason, RequiresAuth};
///
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let jwks = jwk_set([&key]).to_string();
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_profile(Profile::AccessTokenJwt)
///     .with_jwks(jwks)
///     .build()?;
/// // A token without the type may be anything that the issuer signs.
/// let token = forge.token().header("typ", "JWT").mint();
/// let denial = auth.verify_now(&token, &Policy::default()).expect("the keys are there").unwrap_err();
/// assert_eq!(denial.reason(), Some(Reason::TypeNotAllowed));
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// RFC 9068: `typ` must be `at+jwt`; `sub`, `client_id`, `iat` and `jti` are required too.
    AccessTokenJwt,
    /// Any signed JWT that is not marked as something else: `typ` is `at+jwt`, `JWT` or absent, and the
    /// claims are not those of an ID token. `iss`, `aud` and `exp` are required.
    #[default]
    Jwt,
    /// As [`AccessTokenJwt`](Self::AccessTokenJwt), with what the FAPI 2.0 Security Profile demands of an API (§5.3.4, §5.4): signed
    /// with PS256, ES256 or `EdDSA`, bound to a key or a certificate that each request shows, and in the `Authorization` header
    /// alone. The guard needs `dpop` or `client_certificates` and an https `public_url`, and clocks may differ by 10 seconds at most.
    Fapi2,
}

impl Profile {
    /// Every profile.
    pub(crate) const ALL: [Self; 3] = [Self::Jwt, Self::AccessTokenJwt, Self::Fapi2];

    /// The name in configuration: `jwt`, `at+jwt` or `fapi2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessTokenJwt => "at+jwt",
            Self::Jwt => "jwt",
            Self::Fapi2 => "fapi2",
        }
    }

    /// Whether tokens have the shape of RFC 9068.
    pub(crate) const fn is_of_rfc_9068(self) -> bool {
        match self {
            Self::AccessTokenJwt | Self::Fapi2 => true,
            Self::Jwt => false,
        }
    }
}

/// Which kinds of tokens an issuer may send. A token that has the three parts of a JWT is judged as one and never
/// introspected, also not when it is refused; any other token is opaque, and its issuer is asked about it.
///
/// ```
/// use requires_auth::RequiresAuth;
/// use requires_auth::introspect::Introspection;
/// use requires_auth::verify::Tokens;
///
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_introspection(Introspection::discovered().with_client_secret("orders-api", "secret-of-the-api"))
///     .with_accepted_tokens(Tokens::Opaque)
///     .build()?;
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
/// | | a JWT | an opaque token | needs |
/// | --- | --- | --- | --- |
/// | [`Jwt`](Self::Jwt) | judged by its signature and claims | 401 | keys of the issuer |
/// | [`Opaque`](Self::Opaque) | 401 | the issuer is asked | `introspection` |
/// | [`Both`](Self::Both) | judged by its signature and claims | the issuer is asked | both |
///
/// The default is `Jwt`, and `Both` for an issuer with `introspection` that is not asked about every JWT anyway. Opaque
/// tokens of two issuers, or without `introspection`, are a mistake that
/// [`Builder::build`](crate::guard::Builder::build) reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tokens {
    /// JWTs alone. What the issuer is asked, if anything, is whether it confirms them.
    #[default]
    Jwt,
    /// Opaque tokens alone (RFC 7662).
    Opaque,
    /// Both.
    Both,
}

impl Tokens {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Jwt, Self::Opaque, Self::Both];

    /// The name in configuration: `jwt`, `opaque` or `both`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Opaque => "opaque",
            Self::Both => "both",
        }
    }
}

/// How the answers of an issuer about its tokens are judged.
#[derive(Clone, Debug)]
pub(crate) struct IntrospectionRules {
    /// Whether `token_type` may be absent from an answer. A refresh token is active too, and may be told by this alone.
    pub(crate) is_type_optional: bool,
    /// Whether the issuer has to confirm JWTs too.
    pub(crate) is_always: bool,
    /// For how long a good answer is remembered.
    pub(crate) ttl: Duration,
}

/// One issuer and the audience that its tokens must have: they belong together.
#[derive(Clone, Debug)]
pub(crate) struct IssuerRules {
    /// What `iss` must equal byte for byte; `None` compares nothing, which only a static key set allows.
    pub(crate) issuer: Option<Arc<str>>,
    pub(crate) audience: Audience,
    /// Only these; `None` is what the guard takes.
    pub(crate) algorithms: Option<AlgorithmSet>,
    /// Where its scopes are; `None` is where the guard looks.
    pub(crate) scope_claims: Option<Vec<Box<str>>>,
    pub(crate) tokens: Tokens,
    /// `None` if it is never asked about a token.
    pub(crate) introspection: Option<IntrospectionRules>,
    /// Which shape its access tokens have; `None` is that of the guard.
    pub(crate) profile: Option<Profile>,
    /// What tells its access tokens from everything else that it signs.
    pub(crate) marks: Marks,
    /// Other names that it has in `iss`: tokens under them count as tokens under its own.
    pub(crate) aliases: Vec<Arc<str>>,
    /// What is known of it by the table of providers.
    pub(crate) provider: Option<OfTable>,
    /// Where its client is; `None` is where the guard looks.
    pub(crate) client_claims: Option<Vec<Box<str>>>,
    /// How its tokens for clients are told from those for users.
    pub(crate) client_rule: ClientRule,
    /// Where its tokens may stand.
    pub(crate) places: PlaceSet,
    /// Which bindings of its tokens a request may prove.
    pub(crate) methods: Methods,
    /// Which tenant it is, where it is one of several that share a pattern or a resolver.
    pub(crate) tenant: Option<Tenancy>,
}

/// The provider of an issuer by its name in the table, and the settings that came from its row.
#[derive(Clone, Debug)]
pub(crate) struct OfTable {
    pub(crate) name: &'static str,
    pub(crate) settings: Vec<&'static str>,
}

/// What makes an issuer one of several tenants.
#[derive(Clone, Debug)]
pub(crate) struct Tenancy {
    /// Its name: what stands for the placeholder of the pattern.
    pub(crate) name: Option<Box<str>>,
    /// Claims that must equal the name.
    pub(crate) claims: Vec<Box<str>>,
}

impl IssuerRules {
    /// An issuer with the algorithms and scope claims of the guard; `None` is any issuer.
    pub(crate) fn new(issuer: Option<&str>, audience: Audience) -> Self {
        Self {
            issuer: issuer.map(Into::into),
            audience,
            algorithms: None,
            scope_claims: None,
            tokens: Tokens::Jwt,
            introspection: None,
            places: PlaceSet::ANY,
            client_claims: None,
            client_rule: ClientRule::default(),
            profile: None,
            marks: Marks::default(),
            aliases: Vec::new(),
            provider: None,
            methods: Methods::default(),
            tenant: None,
        }
    }

    /// Whether a token may call its issuer so.
    pub(crate) fn is_called(&self, claimed: &str) -> bool {
        self.issuer.as_deref().is_none_or(|issuer| issuer == claimed)
            || self.aliases.iter().any(|alias| **alias == *claimed)
    }
}

/// The issuers of a guard, by place and by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Issuers {
    rules: Vec<IssuerRules>,
    by_name: HashMap<Arc<str>, usize>,
    of_opaque: Option<usize>,
    /// The place of the first. Tenants have rules of their own each, and a place that no other has.
    first: usize,
    /// Patterns that other issuers may fit, for people to read.
    patterns: Vec<Arc<str>>,
}

impl Issuers {
    /// One tenant, at a place that no other issuer has.
    pub(crate) fn of_tenant(place: usize, rules: IssuerRules) -> Self {
        Self { rules: vec![rules], first: place, ..Self::default() }
    }

    /// Tells of a pattern, whose tenants are looked for elsewhere.
    pub(crate) fn push_pattern(&mut self, pattern: Arc<str>) {
        self.patterns.push(pattern);
    }

    /// The place of the first issuer.
    pub(crate) fn first(&self) -> Option<usize> {
        (!self.rules.is_empty()).then_some(self.first)
    }

    /// Adds an issuer; `false` if there is one of that name. One of its other names that is taken stays as it is.
    pub(crate) fn push(&mut self, rules: IssuerRules) -> bool {
        if let Some(name) = &rules.issuer
            && self.by_name.insert(Arc::clone(name), self.rules.len()).is_some()
        {
            return false;
        }
        if rules.tokens != Tokens::Jwt && self.of_opaque.is_none() {
            self.of_opaque = Some(self.rules.len());
        }
        for alias in &rules.aliases {
            self.by_name.entry(Arc::clone(alias)).or_insert(self.rules.len());
        }
        self.rules.push(rules);
        true
    }

    /// The place of the issuer whose name equals `claimed` byte for byte, or that takes any.
    pub(crate) fn find(&self, claimed: &str) -> Option<usize> {
        match self.rules.as_slice() {
            [only] => only.is_called(claimed).then_some(self.first),
            _ => self.by_name.get(claimed).copied(),
        }
    }

    /// The one issuer that takes opaque tokens. Nothing in such a token says whose it is, so there is no second one.
    pub(crate) fn of_opaque_tokens(&self) -> Option<(usize, &IntrospectionRules)> {
        let place = self.of_opaque?;
        Some((place, self.rules.get(place)?.introspection.as_ref()?))
    }

    pub(crate) fn first_mut(&mut self) -> Option<&mut IssuerRules> {
        self.rules.first_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &IssuerRules> {
        self.rules.iter()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let patterns = self.patterns.iter().map(AsRef::as_ref);
        self.rules.iter().filter_map(|rules| rules.issuer.as_deref()).chain(patterns)
    }

    /// The only issuer's name.
    pub(crate) fn only(&self) -> Option<&str> {
        match self.rules.as_slice() {
            [only] if self.patterns.is_empty() => only.issuer.as_deref(),
            _ => None,
        }
    }
}

impl Index<usize> for Issuers {
    type Output = IssuerRules;

    fn index(&self, place: usize) -> &IssuerRules {
        &self.rules[place - self.first]
    }
}

/// Which guard made an [`AccessToken`](super::AccessToken), so that no guard takes another's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GuardId(pub(crate) u64);

/// What a token is measured by. The same rules and keys always give the same verdict.
///
/// This is the verifier without any IO, for tools; a server wants [`RequiresAuth`](crate::RequiresAuth), which brings keys,
/// a clock, a cache and logs. Keys and time are arguments here, so that a token of last year can be looked at as it was
/// seen then:
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
/// use std::sync::Arc;
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use requires_auth::verify::{KeySet, Rules};
/// use requires_auth::{Bearer, Reason};
///
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let jwks = jwk_set([&key]).to_string();
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// # let token = forge.token().issued_at(1_700_000_000).mint();
/// let rules = Rules::new(Some("https://issuer.example"), "https://api.example");
/// let keys = Arc::new(KeySet::parse(jwks)?);
/// let at = |unix| rules.verify(Bearer::parse(&token).unwrap(), &keys, UNIX_EPOCH + Duration::from_secs(unix));
///
/// assert!(at(1_700_000_000).is_ok());
/// assert_eq!(at(1_800_000_000).unwrap_err().reason(), Some(Reason::Expired));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Rules {
    pub(crate) issuers: Issuers,
    /// What any of the issuers takes: this is looked at before it is known which one it is.
    pub(crate) algorithms: Option<AlgorithmSet>,
    pub(crate) leeway: Duration,
    pub(crate) profile: Profile,
    pub(crate) max_token_bytes: usize,
    pub(crate) scope_claims: Vec<Box<str>>,
    /// Audiences of single routes: a token for one of these passes with a policy that names it, and with no other.
    pub(crate) route_audiences: Vec<Box<str>>,
    pub(crate) client_claims: Vec<Box<str>>,
    pub(crate) implied_scopes: ImpliedScopes,
    /// Where a request may have its token; `None` for the `Authorization` header alone.
    pub(crate) places: Option<Box<Places>>,
    /// Where a proxy tells the certificate of the client, if one does.
    pub(crate) certificate_header: Option<Box<CertificateHeader>>,
    /// Whether a token in the query refuses a request, also where it is the only one.
    pub(crate) refuses_query_tokens: bool,
    /// Whether a token may come by the scheme `DPoP`: whether any issuer lets it.
    pub(crate) takes_dpop: bool,
    /// What proofs of keys are measured by; `None` where none can hold.
    pub(crate) proofs: Option<Arc<ProofRules>>,
    /// What tokens are looked up by among revocations; `None` for a guard that is told of none.
    pub(crate) revocation_seed: Option<Seed>,
    pub(crate) guard: GuardId,
}

impl Rules {
    /// By default a token may be this long, in bytes: an ML-DSA-87 signature alone is 4,627 bytes.
    pub const DEFAULT_MAX_TOKEN_BYTES: usize = 16 * 1024;

    /// By default clocks may differ by this much.
    pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

    /// Clocks may never be taken to differ by more than this: beyond it a leeway is a longer life for stolen tokens.
    pub const MAX_LEEWAY: Duration = Duration::from_secs(300);

    /// Rules for tokens of `issuer`, or of whoever owns the keys if `None`, for `audience`. With `None`, `iss` may be
    /// anything, so the keys alone decide: they must not be those of an issuer with many tenants.
    pub fn new(issuer: Option<&str>, audience: impl Into<Audience>) -> Self {
        let mut issuers = Issuers::default();
        issuers.push(IssuerRules::new(issuer, audience.into()));
        Self {
            issuers,
            algorithms: None,
            leeway: Self::DEFAULT_LEEWAY,
            profile: Profile::default(),
            max_token_bytes: Self::DEFAULT_MAX_TOKEN_BYTES,
            route_audiences: Vec::new(),
            scope_claims: Vec::new(),
            client_claims: Vec::new(),
            implied_scopes: ImpliedScopes::default(),
            places: None,
            certificate_header: None,
            refuses_query_tokens: false,
            takes_dpop: false,
            proofs: None,
            revocation_seed: None,
            guard: GuardId::default(),
        }
    }

    /// Only these algorithms. Default: each key's own. An empty list refuses every token.
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// The shape that any of the issuers may send: this is looked at before it is known which one it is.
    pub(crate) fn profile_of_any(&self) -> Profile {
        let mut profiles = self.issuers.iter().map(|issuer| issuer.profile.unwrap_or(self.profile));
        match profiles.next() {
            // Where none is configured by name, it is not known yet whose token it may be.
            None => self.profile,
            Some(first) if first == Profile::Jwt || profiles.any(|other| other == Profile::Jwt) => {
                Profile::Jwt
            }
            Some(_) => Profile::AccessTokenJwt,
        }
    }

    /// Takes tokens that are bound to a key with a proof of it (DPoP, RFC 9449), for requests to this URL of the API. Default:
    /// a bound token is refused.
    ///
    /// Whether a proof was used before, these rules do not ask. No proof holds for a URL that is not one.
    ///
    /// ```
    /// use requires_auth::verify::Rules;
    ///
    /// let rules = Rules::new(Some("https://issuer.example"), "https://api.example.com");
    /// let rules = rules.with_dpop("https://api.example.com");
    /// # let _ = rules;
    /// ```
    pub fn with_dpop(mut self, public_url: &str) -> Self {
        self.proofs = public_base(public_url).map(|base| Arc::new(ProofRules::new(base)));
        self.takes_dpop = true;
        self.issuers.rules.iter_mut().for_each(|issuer| issuer.methods.dpop = DpopMode::Allowed);
        self
    }

    /// How far the clocks may differ; more than 300 s counts as 300 s. Default 30 s.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(Self::MAX_LEEWAY);
        self
    }

    /// Which shape of token is an access token. Default [`Profile::Jwt`].
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuers(names: &[&str]) -> Issuers {
        let mut issuers = Issuers::default();
        for name in names {
            assert!(issuers.push(IssuerRules::new(Some(name), Audience::Any)), "{name}");
        }
        issuers
    }

    #[test]
    fn issuers_are_found_by_their_whole_name() {
        let one = issuers(&["https://a.example"]);
        assert_eq!(
            (one.find("https://a.example"), one.find("https://a.example/"), one.find("")),
            (Some(0), None, None)
        );
        let two = issuers(&["https://a.example", "https://b.example"]);
        assert_eq!((two.find("https://b.example"), two.find("https://c.example")), (Some(1), None));
        assert_eq!(two.names().collect::<Vec<_>>(), ["https://a.example", "https://b.example"]);
        assert_eq!((one.only(), two.only()), (Some("https://a.example"), None));
    }

    #[test]
    fn an_issuer_without_a_name_is_any() {
        let mut any = Issuers::default();
        any.push(IssuerRules::new(None, Audience::Any));
        assert_eq!(
            (any.find("https://whoever.example"), any.only(), any.names().count()),
            (Some(0), None, 0)
        );
    }

    #[test]
    fn a_name_is_taken_once() {
        let mut issuers = issuers(&["https://a.example"]);
        assert!(!issuers.push(IssuerRules::new(Some("https://a.example"), Audience::Any)));
    }

    #[test]
    fn a_leeway_is_at_most_300_seconds() {
        let rules = Rules::new(None, Audience::Absent).with_leeway(Duration::from_secs(301));
        assert_eq!(rules.leeway, Duration::from_secs(300));
    }
}
