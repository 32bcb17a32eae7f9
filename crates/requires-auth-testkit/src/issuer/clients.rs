//! The clients that the issuer knows, and what each may do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bounded::Bounded;
use super::random::{Fingerprint, fingerprint};
use super::redirect_uri::RedirectUri;
use super::used::Used;
use crate::keys::VerifyingKey;

/// How many clients that register themselves are remembered; the oldest is forgotten for the next.
const CAPACITY: usize = 1_000;

/// A grant that the token endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

impl GrantType {
    /// Every grant, in the order of the metadata.
    pub(super) const ALL: [Self; 3] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    /// The value of `grant_type`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }
}

/// A client, with what it may do.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: String,
    /// One of them has to be shown; a client without any is public (RFC 6749 §2.1).
    pub(super) credentials: Vec<Credential>,
    pub(super) redirect_uris: Vec<RedirectUri>,
    /// Whether the port of a redirect URI on loopback is left open until the login (RFC 8252 §7.3).
    pub(super) is_port_free: bool,
    pub(super) grants: Vec<GrantType>,
    /// Whether it gets no token without a proof (RFC 9449 §5.2).
    pub(super) binds_tokens: bool,
}

/// How a client says who it is (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Clone, Debug)]
pub(super) enum Credential {
    /// Any secret, and none: the client is not known, and the issuer knows no clients.
    Anything,
    /// A secret in the header: `client_secret_basic`.
    Basic(Fingerprint),
    /// A secret in the body: `client_secret_post`.
    Post(Fingerprint),
    /// The signature of a key: `private_key_jwt`.
    Keys(Vec<VerifyingKey>),
}

impl Client {
    /// A public client that may do all, and cannot log anyone in before it has a redirect URI.
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            credentials: Vec::new(),
            redirect_uris: Vec::new(),
            is_port_free: true,
            grants: GrantType::ALL.to_vec(),
            binds_tokens: false,
        }
    }

    pub(super) fn is_public(&self) -> bool {
        self.credentials.is_empty()
    }

    pub(super) fn may(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant)
    }

    /// Whether an answer may be sent to this URI.
    pub(super) fn is_sent_to(&self, uri: &RedirectUri) -> bool {
        self.redirect_uris.iter().any(|registered| uri.is(registered, self.is_port_free))
    }
}

/// The known clients: those that the builder names, and those that register themselves. If the builder names none, every
/// client id that has not been registered is accepted, and its secret ignored.
pub(super) struct Clients {
    configured: Vec<Client>,
    registered: Mutex<Bounded<String, Arc<Client>>>,
    assertions: Mutex<Used>,
}

impl Default for Clients {
    fn default() -> Self {
        let registered = Mutex::new(Bounded::new(CAPACITY));
        Self { configured: Vec::new(), registered, assertions: Mutex::default() }
    }
}

impl Clients {
    /// Knows a client by a secret, which it may send in both ways.
    pub(super) fn add_secret(&mut self, id: &str, secret: &str) {
        let secret = fingerprint(secret);
        self.configured(id).credentials.extend([Credential::Basic(secret), Credential::Post(secret)]);
    }

    /// Knows a client by a key.
    pub(super) fn add_key(&mut self, id: &str, key: VerifyingKey) {
        self.configured(id).credentials.push(Credential::Keys(vec![key]));
    }

    /// Lets a client log users in, who come back to this URI.
    pub(super) fn add_redirect_uri(&mut self, id: &str, uri: RedirectUri) {
        self.configured(id).redirect_uris.push(uri);
    }

    fn configured(&mut self, id: &str) -> &mut Client {
        let index = self.configured.iter().position(|client| client.id == id).unwrap_or_else(|| {
            self.configured.push(Client::new(id));
            self.configured.len() - 1
        });
        &mut self.configured[index]
    }

    /// Remembers a client that registers itself.
    pub(super) fn register(&self, client: Client) {
        self.registered().insert(client.id.clone(), Arc::new(client));
    }

    /// The client of this id.
    pub(super) fn named(&self, id: &str) -> Option<Arc<Client>> {
        if let Some(client) = self.configured.iter().find(|client| client.id == id) {
            return Some(Arc::new(client.clone()));
        }
        if let Some(client) = self.registered().get(&id.to_owned()) {
            return Some(Arc::clone(client));
        }
        let anyone = || Client { credentials: vec![Credential::Anything], ..Client::new(id) };
        self.configured.is_empty().then(|| Arc::new(anyone()))
    }

    /// The assertions that have been shown. Nothing that holds the lock panics or waits, so poison is ignored.
    pub(super) fn assertions(&self) -> MutexGuard<'_, Used> {
        self.assertions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn registered(&self) -> MutexGuard<'_, Bounded<String, Arc<Client>>> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Client, Clients, RedirectUri};

    #[test]
    fn the_oldest_registered_client_is_forgotten_and_a_configured_one_is_not() {
        let mut clients = Clients::default();
        clients.add_secret("configured", "secret");
        (0..=CAPACITY).for_each(|number| clients.register(Client::new(&number.to_string())));
        assert!(clients.named("0").is_none());
        assert!(clients.named("1").is_some() && clients.named("configured").is_some());
    }

    #[test]
    fn a_redirect_uri_does_not_make_a_client_with_a_secret_public() {
        let uri = || RedirectUri::parse("app:/callback").expect("a redirect URI");
        let mut clients = Clients::default();
        assert!(!clients.named("web").expect("anyone").is_public());
        clients.add_redirect_uri("web", uri());
        assert!(clients.named("web").expect("known").is_public());
        clients.add_secret("web", "secret");
        let client = clients.named("web").expect("known");
        assert!(!client.is_public() && client.is_sent_to(&uri()));
        assert!(clients.named("other").is_none());
    }
}
