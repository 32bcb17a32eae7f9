//! How the verifier of a run is configured, and the keys that it trusts.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::DecodingKey;
use requires_auth::verify::{KeySet, Rules};
use requires_auth::{Audience, Profile};
use requires_auth_testkit::vectors::Config;
use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};
use serde_json::Value;

/// One configuration, the same for the library and for the oracle.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What `iss` has to equal; `None` compares nothing.
    pub issuer: Option<String>,
    /// Of which `aud` has to name one; none means that there must be no `aud`.
    pub audiences: Vec<String>,
    /// The allowed algorithms, by name; `None` leaves it to the keys.
    pub algorithms: Option<Vec<String>>,
    /// The time, in seconds since 1970.
    pub now: u32,
    /// How far clocks may differ, in seconds.
    pub leeway: u32,
    /// Whether the profile is `at+jwt` instead of `jwt`.
    pub at_jwt: bool,
    /// Whether the keys of the set have a `kid`.
    pub kids: bool,
}

impl Setting {
    /// The configuration of a vector.
    pub fn of(config: &Config) -> Self {
        Self {
            issuer: config.issuer.clone(),
            audiences: config.audience.clone(),
            algorithms: config.alg.clone(),
            now: config.now.try_into().unwrap_or_default(),
            // The verifier never grants more.
            leeway: config.leeway.unwrap_or(30).min(300),
            at_jwt: config.profile.as_deref() == Some("at+jwt"),
            kids: true,
        }
    }

    /// The configuration as the library takes it.
    pub fn rules(&self) -> Rules {
        let audience = match self.audiences.as_slice() {
            [] => Audience::Absent,
            some => Audience::from(some.to_vec()),
        };
        let rules = Rules::new(self.issuer.as_deref(), audience)
            .with_leeway(Duration::from_secs(self.leeway.into()))
            .with_profile(if self.at_jwt { Profile::AccessTokenJwt } else { Profile::Jwt });
        match &self.algorithms {
            Some(names) => rules.with_algorithms(names.iter().filter_map(|name| name.parse().ok())),
            None => rules,
        }
    }

    /// The key set that counts.
    pub fn key_set(&self) -> &'static Arc<KeySet> {
        if self.kids { &KEYS.named } else { &KEYS.nameless }
    }

    /// The time as the library takes it.
    pub fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.now.into())
    }
}

/// The keys of every run: two algorithms that are fast, so that most of the time is spent on parsing.
pub static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);

/// Fixed keys, so that an input means the same in every run.
#[derive(Debug)]
pub struct Keys {
    /// Signs with `EdDSA`.
    pub ed25519: &'static SigningKey,
    /// Signs with ES256.
    pub es256: &'static SigningKey,
    /// Signs with `EdDSA` and is in no set.
    pub stranger: &'static SigningKey,
    /// [`Self::ed25519`] as the oracle takes it.
    pub ed25519_public: DecodingKey,
    /// [`Self::es256`] as the oracle takes it.
    pub es256_public: DecodingKey,
    named: Arc<KeySet>,
    nameless: Arc<KeySet>,
}

impl Keys {
    fn new() -> Self {
        let (ed25519, es256) = (SigningKey::fixed(Algorithm::Ed25519), SigningKey::fixed(Algorithm::Es256));
        let set = jwk_set([ed25519, es256]);
        let mut without_kid = set.clone();
        for key in without_kid["keys"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            key.remove("kid");
        }
        let key_set = |set: &Value| Arc::new(KeySet::parse(set.to_string()).expect("a JWK Set"));
        let member =
            |index: usize, name: &str| set["keys"][index][name].as_str().expect("a string").to_owned();
        Self {
            ed25519,
            es256,
            stranger: SigningKey::second(Algorithm::Ed25519),
            ed25519_public: DecodingKey::from_ed_components(&member(0, "x")).expect("a key"),
            es256_public: DecodingKey::from_ec_components(&member(1, "x"), &member(1, "y")).expect("a key"),
            named: key_set(&set),
            nameless: key_set(&without_kid),
        }
    }
}
