//! The table: one row per setting.
//!
//! A new setting is one row here, its use, and one line in each of the builder (`guard/builder`), the constructor in
//! Python (`requires_auth/_guard.py`) and its options (`requires_auth/_options.py`). Tests name what is missing.

use std::path::PathBuf;
use std::time::Duration;

use super::client_cert_header::{HEADER as CERT_HEADER, MEMBERS as CERT_HEADER_MEMBERS};
use super::dpop::{MEMBERS as DPOP_MEMBERS, MODE as DPOP_MODE};
use super::introspection::MEMBERS as INTROSPECTION_MEMBERS;
use super::row::{Key, Kind, Limits, Scope, Setting, table};
use super::shared_state::{self, MEMBERS as SHARED_STATE_MEMBERS};
use super::value::{Document, Table};
use crate::credential::TokenPlace;
use crate::metadata::ChallengeScopes;
use crate::providers;
use crate::verify::{Audience, Profile, Rules, Tokens};

table! {
    /// Every setting, in the order in which a reader wants to know of them.
    ALL;

    ISSUER: String = "issuer", Issuer, Kind::Url;
    doc "Whose tokens to take: compared byte for byte with `iss`. An https URL, or http on loopback; any text where `jwks` or \
         `jwks_uri` says where its keys are.";
    examples ["\"https://tenant-id.logto.app/oidc\""];

    PROVIDER: &'static str = "provider", Issuer, Kind::Name {
        names: providers::NAMES,
        expected: "the name of a provider",
    };
    doc "The make of the issuer, by its name in the table of providers (`docs/providers`): it knows what the tokens of this \
         provider look like. Settings that are given win. The issuer may be a short name then, such as a tenant, and is \
         left out where the provider has only one.";
    without "Nothing is known of it.";
    examples ["\"logto\""];

    TENANTS: Vec<String> = "tenants", Issuer, Kind::Words;
    doc "Whose tokens to take where `issuer` has a placeholder: what stands in the place of `{tenant}`, byte for byte.";
    without "An issuer has no placeholder.";
    examples ["\"9188040d-6c67-4c5b-b112-36a304b66dad\"", "[\"contoso\", \"fabrikam\"]"];

    TENANT_CLAIMS: Vec<String> = "tenant_claims", Issuer, Kind::Words;
    doc "Claims that must equal the tenant in the issuer of a token.";
    without "None; `tid` where the keys of the issuer say that they are for many tenants, as at Entra ID.";
    examples ["\"tid\""];

    AUDIENCE: Audience = "audience", Issuer, Kind::Audience;
    doc "The identifier of this API at the issuer: `aud` of a token must name one of these, byte for byte. With `prefix`, one \
         that begins so and goes on. With `claim` and `one_of`, for issuers that leave `aud` out: another claim must be one \
         of these, and a token with `aud` is refused.";
    examples [
        "\"https://api.example.com\"",
        "[\"api://orders\", \"api://stock\"]",
        "{\"prefix\": \"urn:logto:organization:\"}",
        "{\"claim\": \"client_id\", \"one_of\": [\"5d3kq0v1\"]}"
    ];

    JWKS: Document = "jwks", Issuer, Kind::Document { holds: "a JWK Set", file: "a readable JWK Set file" };
    doc "The keys of the issuer, if they are not to be fetched: a JWK Set, a public key or the certificate of one in PEM, or a \
         JSON object from `kid` to certificate. A rotation of keys needs a new guard then.";
    without "The key set is found by discovery, and fetched.";
    examples ["\"keys.json\"", "\"signing-key.pem\""];

    JWKS_URI: String = "jwks_uri", Issuer, Kind::Url;
    doc "Where the key set of the issuer is, if it is not to be discovered.";
    without "The metadata of the issuer say so.";
    examples ["\"https://login.partner.example/keys\""];

    DISCOVERY_URL: String = "discovery_url", Issuer, Kind::Url;
    doc "Where the metadata of the issuer are, if this server reaches it by another name than tokens do.";
    without "Derived from the issuer.";
    examples ["\"https://internal.example/.well-known/openid-configuration\""];

    ACCEPT_TOKENS: Tokens = "accept_tokens", Issuer, Kind::Choice {
        names: &["jwt", "opaque", "both"],
        expected: "jwt, opaque or both",
    };
    doc "Which kinds of tokens the issuer may send. A token that has the three parts of a JWT is never introspected instead. \
         Where `introspection` is given without `always`, it is `both` unless this says otherwise. One issuer of a guard \
         takes opaque tokens, as nothing in one says whose it is.";
    examples ["\"opaque\""];

    INTROSPECTION: Table = "introspection", Issuer, Kind::Table { members: INTROSPECTION_MEMBERS, short: None };
    doc "How the issuer is asked about tokens (RFC 7662): about opaque ones, which mean something to it alone.";
    without "It is never asked, and opaque tokens are refused.";
    examples ["{\"client_id\": \"orders-api\", \"client_secret_env\": \"INTROSPECTION_SECRET\"}"];

    FETCH_TOKEN_FILE: PathBuf = "fetch_token_file", Issuer, Kind::Path;
    doc "A file with a Bearer token for the metadata and the keys of the issuer, as Kubernetes wants one. It is read at each \
         fetch, and sent to the origin of the issuer and to that of `jwks_uri` alone.";
    without "Metadata and keys are public.";
    examples ["\"/var/run/secrets/kubernetes.io/serviceaccount/token\""];

    ALGORITHMS: Vec<String> = "algorithms", Either, Kind::Algorithms;
    doc "Only these signature algorithms. A list of one breaks when the issuer rotates to another type of key. An \
         issuer's own list replaces that for all.";
    without "Each key's own, by its type, curve and `alg`. `none` and HMAC are never allowed.";
    examples ["\"ES384\"", "[\"ES384\", \"RS256\"]"];

    SCOPE_CLAIMS: Vec<String> = "scope_claims", Either, Kind::Words;
    doc "The claims that hold scopes, by dotted path; all count together. An issuer's own list replaces that for all.";
    without "`scope`, else `scp`.";
    aliases "scopes_from";
    examples ["\"scp\"", "[\"scope\", \"realm_access.roles\"]"];

    CLIENT_CLAIMS: Vec<String> = "client_claims", Either, Kind::Words;
    doc "The claims that name the client, by dotted path; the first that is there counts. An issuer's own list replaces that \
         for all.";
    without "`client_id`, else `azp`, `cid` or `appid`.";
    examples ["\"azp\"", "[\"client_id\", \"app.id\"]"];

    IMPLIED_SCOPES: Vec<(String, String)> = "implied_scopes", Guard, Kind::Scopes;
    doc "Scopes that include others.";
    without "None does.";
    examples ["{\"admin\": \"read write\", \"write\": [\"read\"]}"];

    TOKEN_FROM: Vec<TokenPlace> = "token_from", Either, Kind::Places;
    doc "Where a request has its token: one token in all of these places together, and never in the query. A cookie counts on \
         requests that may change something, and on WebSockets, only if they come from a page of this site. An issuer's own \
         list replaces that for all.";
    without "The `Authorization` header alone.";
    examples ["[\"authorization\", {\"cookie\": \"__Host-token\"}]", "[{\"header\": \"Cf-Access-Jwt-Assertion\"}]"];

    COOKIE_ORIGINS: Vec<String> = "cookie_origins", Guard, Kind::Words;
    doc "Origins whose pages may use a token in a cookie, beside pages of the same origin: scheme, host and port.";
    without "The origin of `public_url`.";
    examples ["\"https://app.example.com\""];

    DPOP: Table = "dpop", Either, Kind::Table { members: DPOP_MEMBERS, short: Some(DPOP_MODE.setting) };
    doc "Whether tokens come with a proof of the key that they are bound to (DPoP, RFC 9449), so that a stolen token is worthless. \
         `public_url` says which URLs proofs are for. An issuer may have a mode of its own.";
    without "`off`: a token that is bound to a key is refused.";
    examples ["\"required\"", "{\"mode\": \"allowed\", \"max_age\": \"300s\"}"];

    CLIENT_CERTIFICATES: bool = "client_certificates", Either, Kind::Switch;
    doc "Whether a token may be bound to a certificate that its client shows on the TLS connection (RFC 8705): it counts only for a \
         client that does. An issuer may say something else.";
    examples ["true"];

    CLIENT_CERT_HEADER: Table = "client_cert_header", Guard, Kind::Table {
        members: CERT_HEADER_MEMBERS,
        short: Some(CERT_HEADER.setting),
    };
    doc "The header in which a proxy tells the certificate of the client. Only where every request comes through a proxy that \
         overwrites or removes what clients send under this name. The gateway has `client_certificate` in its sections instead.";
    without "None is read.";
    examples ["\"Client-Cert\"", "{\"header\": \"X-SSL-Client-Cert\", \"format\": \"escaped-pem\"}"];

    PUBLIC_URL: String = "public_url", Guard, Kind::Url;
    doc "The URL of this API as its clients know it: scheme, host and port, and a path if a proxy strips one. It is never taken \
         from a request.";
    without "Not known.";
    examples ["\"https://api.example.com\""];

    RESOURCE: String = "resource", Guard, Kind::Url;
    doc "The URL of this API as its clients are given it, byte for byte (RFC 9728). Tokens must name it as their audience where an \
         issuer has no `audience` of its own, a document at a well-known place says where to log in, and challenges point to that.";
    without "The API has no document, and challenges point to none.";
    examples ["\"https://api.example.com/mcp\""];

    BASE_SCOPES: Vec<String> = "base_scopes", Guard, Kind::Words;
    doc "Scopes of the `resource` that every request with a token needs, beside those of its route. Challenges tell clients to ask \
         for them first.";
    without "None.";
    examples ["\"read:orders\"", "[\"read:orders\", \"read:stock\"]"];

    SCOPES_SUPPORTED: Vec<String> = "scopes_supported", Guard, Kind::Words;
    doc "The scopes that the document of the `resource` names: the few that a client needs to begin with.";
    without "Those of `base_scopes`.";
    examples ["[\"read:orders\", \"write:orders\"]"];

    CHALLENGE_SCOPES: ChallengeScopes = "challenge_scopes", Guard, Kind::Choice {
        names: &["keep", "needed"],
        expected: "keep or needed",
    };
    doc "Which scopes the challenge of a request names that lacks one: with `needed` those that the request needs; with `keep` also \
         those of the `resource` that its token has, since some clients ask for exactly what they are told, and would lose them.";
    examples ["\"needed\""];

    RESOURCE_NAME: String = "resource_name", Guard, Kind::Text;
    doc "The name of the `resource` for people, in its document.";
    without "None.";
    examples ["\"Orders\""];

    RESOURCE_DOCUMENTATION: String = "resource_documentation", Guard, Kind::Url;
    doc "A page for developers about the `resource`, in its document.";
    without "None.";
    examples ["\"https://docs.example.com/orders\""];

    RESOURCE_POLICY_URI: String = "resource_policy_uri", Guard, Kind::Url;
    doc "A page about how clients may use the data of the `resource`, in its document.";
    without "None.";
    examples ["\"https://example.com/policy\""];

    RESOURCE_TOS_URI: String = "resource_tos_uri", Guard, Kind::Url;
    doc "The terms of service of the `resource`, in its document.";
    without "None.";
    examples ["\"https://example.com/terms\""];

    AUTHORIZATION_SERVERS: Vec<String> = "authorization_servers", Guard, Kind::Words;
    doc "The authorization servers that the document of the `resource` names, if they are not the issuers: most clients log in at the \
         first one.";
    without "The issuers, in their order.";
    examples ["\"https://login.example.com\""];

    METADATA_URL: String = "metadata_url", Guard, Kind::Url;
    doc "Where clients find the document of the `resource`, if a proxy lets them reach it elsewhere than RFC 9728 says. It is \
         served there, too.";
    without "The well-known place before the path of the `resource`.";
    examples ["\"https://api.example.com/v1/.well-known/oauth-protected-resource/mcp\""];

    ALLOW_RESOURCE_QUERY: bool = "allow_resource_query", Guard, Kind::Switch;
    doc "Lets the `resource` have a query. RFC 9728 advises against it, and many clients leave it out of the place of the document.";
    examples ["true"];

    CLOSE_ON_EXPIRY: bool = "close_on_expiry", Guard, Kind::SwitchedOn;
    doc "Closes a WebSocket when its token ends, with code 1008.";
    examples ["false"];

    LEEWAY: Duration = "leeway", Guard, Kind::Duration(Limits {
        default: Rules::DEFAULT_LEEWAY.as_secs(),
        least: 0,
        most: Rules::MAX_LEEWAY.as_secs(),
        expected: "at most 300 s",
        hint: "synchronise the clocks; a large leeway keeps expired tokens alive",
    });
    doc "How far the clocks of this server and of the issuers may differ, at most 5 minutes.";
    examples ["\"10s\"", "60"];

    PROFILE: Profile = "profile", Either, Kind::Choice {
        names: &["jwt", "at+jwt", "fapi2"],
        expected: "jwt, at+jwt or fapi2",
    };
    doc "Which shape of token is an access token: any signed JWT that is not marked as something else; only that of RFC 9068 \
         (`at+jwt`); or what FAPI 2.0 demands of an API beside that (`fapi2`): PS256, ES256 or EdDSA, bound to a key or a certificate, \
         in the `Authorization` header alone, a leeway of 10 s at most. An issuer's own replaces that for all.";
    examples ["\"at+jwt\""];

    MAX_TOKEN_BYTES: usize = "max_token_bytes", Guard, Kind::Count(Limits {
        default: Rules::DEFAULT_MAX_TOKEN_BYTES as u64,
        least: 1,
        most: u64::MAX,
        expected: "a number of bytes",
        hint: "the default is 16384; an ES384 token of Logto has about 560 bytes",
    });
    doc "How long a token may be. A longer one is refused before it is decoded.";
    examples ["8192"];

    CACHE: usize = "cache", Guard, Kind::Count(Limits::any(10_000));
    doc "How many accepted tokens are remembered; 0 verifies every token anew. The times, the keys and the policy are \
         checked on every use.";
    examples ["0", "100000"];

    STALE: Duration = "stale", Guard, Kind::Duration(Limits::any(60 * 60));
    doc "For how long cached keys keep working after they expire, while the issuer is down; 0 fails closed.";
    examples ["\"0s\"", "\"2h\""];

    FETCH_TIMEOUT: Duration = "fetch_timeout", Guard, Kind::Duration(Limits {
        default: 5,
        least: 1,
        most: 30,
        expected: "1 to 30 s",
        hint: "the default is 5 s; a request waits for keys for at most 5 s in any case",
    });
    doc "How long fetching one document of an issuer may take: its metadata or its key set, 1 to 30 seconds. A request waits \
         for keys for at most 5 seconds whatever this says; a fetch that takes longer goes on, and serves later requests.";
    examples ["\"10s\"", "2"];

    STATE_FILE: PathBuf = "state_file", Guard, Kind::Path;
    doc "A file that keeps the last good keys, so that a restart during an outage has some.";
    without "None.";
    examples ["\"requires-auth.keys\""];

    SHARED_STATE: Table = "shared_state", Guard, Kind::Table {
        members: SHARED_STATE_MEMBERS,
        short: Some(shared_state::URL.setting),
    };
    doc "A server with Redis or Valkey, where the instances of this API keep what they have to know of each other: which proofs \
         were used before, and what is revoked.";
    without "Each instance knows what it has seen itself.";
    examples ["\"rediss://redis.internal:6379\""];

    REVOCATIONS: PathBuf = "revocations", Guard, Kind::Path;
    doc "A file with revocations, one in each line, as JSON: tokens that are refused before they expire, by `jti`, `sub`, `sid` or \
         client. It must be there at start, be it empty, and is read anew within a second after it has changed.";
    without "A token is good until it expires.";
    examples ["\"revoked.jsonl\""];

    MAX_REVOCATIONS: usize = "max_revocations", Guard, Kind::Count(Limits {
        default: 100_000,
        least: 1,
        most: 10_000_000,
        expected: "1 to 10000000",
        hint: "the default is 100000; those that have ended do not count",
    });
    doc "How many revocations there may be at a time. There is no room for another one then: none is dropped for it.";
    examples ["1000000"];

    CA: Document = "ca", Guard, Kind::Document { holds: "certificates in PEM", file: "a readable file of certificates" };
    doc "Certificates to trust beside those of the platform, in PEM: for an issuer with a private CA.";
    without "Those of the platform alone.";
    examples ["\"ca.pem\""];

    ERROR_BODY: &'static str = "error_body", Guard, Kind::Choice {
        names: &["json", "problem"],
        expected: "json or problem",
    };
    doc "What the bodies of refusals look like: JSON of this project, or problem details (RFC 9457).";
    aliases "error_format";
    examples ["\"problem\""];

    DANGEROUSLY_ALLOW_HTTP_ISSUER: bool = "dangerously_allow_http_issuer", Guard, Kind::Switch;
    doc "Lets an issuer and its keys be fetched over plain http beyond loopback. Whoever is on the way between this \
         server and the issuer can forge any token then. For private networks without TLS, such as those of containers.";
    examples ["true"];

    DANGEROUSLY_ALLOW_PUBLIC_TEST_KEYS: bool = "dangerously_allow_public_test_keys", Guard, Kind::Switch;
    doc "Lets keys be used whose private halves are published for tests. Anyone can sign with them.";
    examples ["true"];

    DANGEROUSLY_ANY_TENANT: bool = "dangerously_any_tenant", Issuer, Kind::Switch;
    doc "Takes tokens of every tenant of the provider, where `issuer` has a placeholder. Anyone who opens an account there \
         has a tenant: the API has to look at the tenant itself.";
    examples ["true"];

    DANGEROUSLY_ANY_AUDIENCE: bool = "dangerously_any_audience", Issuer, Kind::Switch;
    doc "Takes every token of the issuer, also one that was made for another API. For issuers that serve nobody else.";
    examples ["true"];
}

/// The setting that is called so, now or in earlier versions.
pub fn find(key: &str) -> Option<&'static Setting> {
    ALL.iter().copied().find(|setting| setting.is_called(key))
}
