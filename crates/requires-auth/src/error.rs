//! What can go wrong, in three tables: codes, reasons, and problems of a configuration.
//!
//! A refusal at run time is a [`Denial`]; a mistake in the configuration is a [`ConfigError`] and
//! happens before the first request. They are never mixed. Codes and reasons are forever: match on
//! them, not on messages. This module is the only place that spells a code.
//!
//! | type | when | who reads it |
//! | --- | --- | --- |
//! | [`ConfigError`] with its [`ConfigProblem`]s | a guard is built | whoever starts the server |
//! | [`Denial`] with its [`ErrorCode`] | a request is refused | the client, the log, a metric |
//! | [`Reason`] | the code is `invalid_token` or `invalid_dpop_proof` | the same, and whoever asks why a token was refused |
//!
//! Each code and each reason has a `message` for the client, one fixed sentence, and a `hint` for whoever runs the API.
//! Neither ever holds a value of the configuration or anything of a token, so both may be logged and sent as they are.

use std::fmt;

mod config;
mod denial;

pub use config::{ConfigError, ConfigProblem, Place};
pub(crate) use config::{escaped, quoted};
pub use denial::Denial;

/// Declares an enum whose variants carry one row of a table each.
macro_rules! table {
    (
        $(#[$meta:meta])* $name:ident -> $row:ident;
        $( $(#[$doc:meta])* $variant:ident = $wire:literal => $value:expr, )+
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $( $(#[$doc])* $variant, )+ }

        impl $name {
            /// Every entry of the table, in alphabetical order. Later versions may add entries.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The name on the wire; it never changes, so clients and dashboards may rely on it.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $wire, )+ }
            }

            const fn row(self) -> $row {
                match self { $( Self::$variant => $value, )+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

struct CodeRow {
    status: u16,
    challenge: ChallengeKind,
    message: &'static str,
    hint: &'static str,
}

struct ReasonRow {
    code: ErrorCode,
    message: &'static str,
    hint: &'static str,
}

/// What `WWW-Authenticate` says for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChallengeKind {
    /// The scheme alone: the request showed no credential that we understand (RFC 6750 §3.1).
    Bare,
    /// The scheme with this `error` (RFC 6750 §3.1, RFC 9470 §3, RFC 9449 §7.1).
    Error(&'static str),
    /// No challenge: another credential would not help.
    Absent,
}

use ChallengeKind::{Absent, Bare, Error};

const fn code(status: u16, challenge: ChallengeKind, message: &'static str, hint: &'static str) -> CodeRow {
    CodeRow { status, challenge, message, hint }
}

/// Why a token is not valid.
const fn reason(message: &'static str, hint: &'static str) -> ReasonRow {
    ReasonRow { code: ErrorCode::InvalidToken, message, hint }
}

/// Why a proof is not valid.
const fn of_proof(message: &'static str, hint: &'static str) -> ReasonRow {
    ReasonRow { code: ErrorCode::InvalidDpopProof, message, hint }
}

table! {
    /// What a refused request is told: the `code` of the body, and through it status and challenge.
    ///
    /// A 401 asks for another token, a 403 says that another token of the same user would not help unless it has more
    /// scopes, and a 503 that nobody can tell at the moment. Entries marked "Gateway" come from the command
    /// `requires-auth serve` alone.
    ///
    /// ```
    /// use requires_auth::ErrorCode;
    ///
    /// /// What a client of this API does about a refusal.
    /// fn advice(code: ErrorCode) -> &'static str {
    ///     match code {
    ///         ErrorCode::InvalidToken | ErrorCode::AuthorizationHeaderMissing => "log in again",
    ///         ErrorCode::InsufficientScope => "ask for the scopes of the challenge",
    ///         ErrorCode::IssuerUnavailable => "try again after Retry-After",
    ///         // The table grows: decide by the status what is not known here.
    ///         other if other.status() == 401 => "log in again",
    ///         _ => "show the message",
    ///     }
    /// }
    /// assert_eq!(advice(ErrorCode::InsufficientUserAuthentication), "log in again");
    ///
    /// // The whole table, for the documentation of an API.
    /// for code in ErrorCode::ALL {
    ///     println!("{} {code}: {}", code.status(), code.message());
    /// }
    /// ```
    ErrorCode -> CodeRow;

    /// A claim rule of the policy does not hold.
    AccessDenied = "access_denied" => code(403, Absent,
        "the claims of the token do not allow this request",
        "compare the claims of the token with the claim rules of the route"),
    /// Gateway: the path can be read in more than one way.
    AmbiguousPath = "auth.ambiguous_path" => code(400, Absent,
        "the path can be read in more than one way",
        "send the path in its plain form, without dot segments, double slashes or encoded separators"),
    /// Gateway: the method or a header can be read in more than one way, or says another thing than the proxy does.
    AmbiguousRequest = "auth.ambiguous_request" => code(400, Absent,
        "the method or a header of the request can be read in more than one way",
        "write the method in capitals (PATCH, not patch), and send no header that belongs to the proxy, to the gateway or to another method, in whatever spelling"),
    /// The request has no `Authorization` header.
    AuthorizationHeaderMissing = "auth.authorization_header_missing" => code(401, Bare,
        "the request has no Authorization header",
        "send `Authorization: Bearer <access token>`; only the header is read, never the query, a form or a cookie"),
    /// The header is not exactly a scheme and one token.
    AuthorizationTokenInvalidFormat = "auth.authorization_token_invalid_format" => code(401, Error("invalid_token"),
        "the Authorization header must be the word Bearer, a space and one token",
        "look for a missing token, quotes, line breaks or a second word in the header"),
    /// The header uses a scheme other than `Bearer`.
    AuthorizationTokenTypeNotSupported = "auth.authorization_token_type_not_supported" => code(401, Bare,
        "the authorization scheme is not supported: use Bearer",
        "send the access token as `Authorization: Bearer <access token>`"),
    /// A token in a cookie on a request that another site may have caused.
    CrossSite = "auth.cross_site" => code(403, Absent,
        "a token in a cookie is not taken from another site",
        "send the request from a page of this site, or name the origin of the page in `cookie_origins`"),
    /// A scope that the route needs is missing.
    InsufficientScope = "insufficient_scope" => code(403, Error("insufficient_scope"),
        "the token lacks a scope that this route needs",
        "ask the identity provider for the scope, and check that the user's or client's role grants it"),
    /// The login is too weak or too old for the route (RFC 9470 §3).
    InsufficientUserAuthentication = "insufficient_user_authentication" => code(401, Error("insufficient_user_authentication"),
        "a stronger or more recent login is required",
        "send the user through the login again with the acr_values or max_age of the challenge"),
    /// The DPoP proof does not hold (RFC 9449 §7.1).
    InvalidDpopProof = "invalid_dpop_proof" => code(401, Error("invalid_dpop_proof"),
        "the DPoP proof is not valid",
        "make a fresh proof for this method, URL and token"),
    /// The request carries more than one access token.
    InvalidRequest = "invalid_request" => code(400, Error("invalid_request"),
        "the request carries more than one access token",
        "send one Authorization header and no access_token parameter"),
    /// The token failed a check; the [`Reason`] says which.
    InvalidToken = "invalid_token" => code(401, Error("invalid_token"),
        "the token is not valid",
        "run `requires-auth explain` on the token"),
    /// Keys or introspection are out of reach: nobody can tell whether the token is good.
    IssuerUnavailable = "auth.issuer_unavailable" => code(503, Absent,
        "the identity provider cannot be reached at the moment, try again later",
        "check that this machine reaches the issuer's discovery document and key set"),
    /// MCP: the body of a message is compressed or in another encoding than UTF-8.
    McpBodyEncoded = "auth.mcp_body_encoded" => code(415, Absent,
        "the body of a message must be JSON in UTF-8, without a content encoding",
        "send the message without Content-Encoding, and with no other charset than UTF-8: what cannot be read cannot be judged"),
    /// MCP: the body of a message is not strict JSON.
    McpBodyNotJson = "auth.mcp_body_not_json" => code(400, Absent,
        "the body of a message must be JSON without duplicate members",
        "look for a member that stands twice, a byte order mark, another encoding than UTF-8, or a body that is cut off"),
    /// MCP: the body of a message is longer than the limit.
    McpBodyTooLarge = "auth.mcp_body_too_large" => code(413, Absent,
        "the body of the message is too large",
        "raise `max_body` where the tools are named if messages are that large, and keep in mind that each is held in memory"),
    /// MCP: a header says another method or name than the body.
    McpHeaderMismatch = "auth.mcp_header_mismatch" => code(400, Absent,
        "Mcp-Method or Mcp-Name does not agree with the body of the message",
        "send Mcp-Method and Mcp-Name at most once each, equal to `method` and to `params.name` or `params.uri` of the body"),
    /// MCP: only headers are seen, and they do not say which operation is asked for.
    McpHeadersInsufficient = "auth.mcp_headers_insufficient" => code(403, Absent,
        "the headers do not say which operation the message asks for",
        "only clients from protocol version 2026-07-28 on name the operation in headers: for others the body must be seen, as by `[reverse_proxy]`"),
    /// MCP: the body is JSON, but not a message that every server reads in the same way.
    McpMessageInvalid = "auth.mcp_message_invalid" => code(400, Absent,
        "the body must be one message, or a list of them, each with a method or a result",
        "send JSON-RPC 2.0: `method` is a string, `params.name` of tools/call and prompts/get and `params.uri` of resources/read are strings, no member differs from these in its case alone, and a list has 100 messages at most"),
    /// MCP: no rule is for the tool, prompt or resource.
    McpOperationUnknown = "auth.mcp_operation_unknown" => code(403, Absent,
        "no rule allows this tool, prompt or resource",
        "name it with the scopes that it needs, or say under \"*\" what all those need that are not named"),
    /// Gateway: no route matches.
    NoRoute = "auth.no_route" => code(403, Absent,
        "no route allows this request",
        "add a route for this method and path"),
    /// A store that has to be asked about the request, such as that of used proofs, is full or out of reach.
    StateUnavailable = "auth.state_unavailable" => code(503, Absent,
        "a store that this server needs cannot be used at the moment, try again later",
        "look at the store of used DPoP proofs or of revocations: it is full, or cannot be reached"),
    /// A key, or a client with its subject, has used so many proofs that its share of the store of used proofs is full.
    TooManyProofs = "auth.too_many_proofs" => code(429, Absent,
        "too many DPoP proofs of this client are remembered at the moment, try again later",
        "the client sends more requests than its share of the store of used proofs has room for: raise `max_entries` of `dpop` if it may"),
    /// The DPoP proof needs a nonce of this server (RFC 9449 §9).
    UseDpopNonce = "use_dpop_nonce" => code(401, Error("use_dpop_nonce"),
        "the DPoP proof needs the nonce of this server",
        "repeat the request with the nonce of the DPoP-Nonce header"),
}

table! {
    /// Why a token is `invalid_token`, or a proof `invalid_dpop_proof`: the first check that it failed.
    ///
    /// Every reason is a 401, and the body has it as `reason`; [`code`](Self::code) says of which of the two it is. It tells a client nothing that the token does not say itself,
    /// and a developer where to look.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey, jwk_set};
    /// use requires_auth::{Policy, Reason, RequiresAuth};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let reason = |token: String| {
    ///     let verdict = auth.verify_now(&token, &Policy::default()).expect("the keys are there");
    ///     verdict.err().and_then(|denial| denial.reason())
    /// };
    /// // One check after the other: a token that is wrong in two ways has the reason of the earlier check.
    /// let token = forge.token().defect(Defect::AudienceMismatch).defect(Defect::SignatureMismatch).mint();
    /// assert_eq!(reason(token), Some(Reason::SignatureMismatch));
    ///
    /// // The deliberate mistakes of `requires-auth-testkit` have the names of these reasons.
    /// for defect in Defect::ALL {
    ///     let token = forge.token().defect(defect).mint();
    ///     assert_eq!(reason(token).map(Reason::as_str), Some(defect.name()));
    /// }
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    Reason -> ReasonRow;

    /// The header's algorithm is unknown, not in the list, or not one of the named key.
    AlgorithmNotAllowed = "algorithm_not_allowed" => reason(
        "the signature algorithm of the token is not allowed",
        "allow the algorithm in the configuration if you trust it; `none` and HS256 are never allowed"),
    /// `aud` does not name this API.
    AudienceMismatch = "audience_mismatch" => reason(
        "the token is meant for another audience",
        "ask the identity provider for this API: the `resource` (Logto) or `audience` (Auth0) parameter, or an audience mapper (Keycloak)"),
    /// The token is bound to a key or certificate (`cnf`) that the request did not prove.
    BindingMismatch = "binding_mismatch" => reason(
        "the token is bound to a key or certificate that was not shown",
        "a token with `cnf` counts for its holder alone: switch on `dpop` and send it by the scheme DPoP with a proof, or ask the identity \
         provider for one that is not bound; and where a proof is required, a token has to be bound"),
    /// A claim has the wrong type or is out of range.
    ClaimMalformed = "claim_malformed" => reason(
        "a claim of the token is malformed",
        "times are numbers of seconds since 1970, `iss` is one string, `aud` a string or an array of strings"),
    /// A claim that the profile requires is absent.
    ClaimMissing = "claim_missing" => reason(
        "a required claim is missing from the token",
        "`iss`, `aud` and `exp` are always required; the profile at+jwt also wants `sub`, `client_id`, `iat` and `jti`"),
    /// The header has `crit`, or an unencoded payload.
    CriticalHeader = "critical_header" => reason(
        "the token has a critical header that is not supported",
        "no `crit` extension is supported: configure the identity provider without it"),
    /// The token is a JWE: five parts.
    Encrypted = "encrypted" => reason(
        "the token is encrypted: a signed token is required",
        "switch off access token encryption for this API at the identity provider"),
    /// `exp` has passed.
    Expired = "expired" => reason(
        "the token has expired",
        "get a new token; if it is new, compare the clocks of this machine and of the identity provider"),
    /// The issuer was asked about the token, and says that it is not active (RFC 7662 §2.2).
    Inactive = "inactive" => reason(
        "the identity provider says that the token is not active",
        "the token has expired, was revoked or was never given out by this provider: get a new one; with `always`, a \
         provider that does not know its own JWTs at its introspection endpoint says this of every one"),
    /// `iss` is not the configured issuer.
    IssuerMismatch = "issuer_mismatch" => reason(
        "the token is from another issuer",
        "issuers are compared byte for byte: look for a trailing slash, another tenant, or http instead of https"),
    /// No usable key of the set has the token's `kid`, or fits its algorithm.
    KeyUnknown = "key_unknown" => reason(
        "the key that signed the token is not known",
        "the issuer's key set has no usable key of this kid: was the token made by another environment, or the key rotated away"),
    /// The token is not three base64url parts of well-formed JSON.
    Malformed = "malformed" => reason(
        "the token is not a well-formed signed JWT",
        "look for truncation, padding or a changed character; header and claims must be JSON objects without duplicate members"),
    /// `nbf` or `iat` lies in the future.
    NotYetValid = "not_yet_valid" => reason(
        "the token is not valid yet",
        "compare the clocks of this machine and of the identity provider"),
    /// The token has no dot: an opaque token.
    Opaque = "opaque" => reason(
        "the token is opaque: a signed JWT is required",
        "the identity provider gave an opaque token: ask Logto for a `resource`, Auth0 for an `audience`; \
         if there are none but opaque ones, set `introspection` for this issuer"),
    /// The key in the header of the DPoP proof cannot be used: it is private, weak, or not of the algorithm (RFC 9449 §4.3).
    ProofKey = "proof_key" => of_proof(
        "the key of the DPoP proof cannot be used",
        "put the public key alone into `jwk`, of the type that `alg` needs; RSA needs 2048 bits"),
    /// The DPoP proof is not one well-formed JWT of the right type, with an allowed algorithm and all its claims (RFC 9449 §4.2).
    ProofMalformed = "proof_malformed" => of_proof(
        "the DPoP proof is not one well-formed proof",
        "send one header DPoP with one JWT: `typ` dpop+jwt, an `alg` of the challenge, `jwk`, and the claims jti, htm, htu, iat and ath"),
    /// `htm` is not the method of the request (RFC 9449 §4.3).
    ProofMethod = "proof_method" => of_proof(
        "the DPoP proof is for another method",
        "make a proof for each request; `htm` is the method as it is sent, and case counts"),
    /// The token came by the scheme DPoP, and without a proof (RFC 9449 §7.1).
    ProofMissing = "proof_missing" => of_proof(
        "the request has no DPoP proof",
        "send a header DPoP with a proof for this request beside the token; a proxy on the way may have to pass it on"),
    /// The DPoP proof was used before (RFC 9449 §11.1).
    ProofReused = "proof_reused" => of_proof(
        "the DPoP proof was used before",
        "make a new proof for each request, also when a request is repeated"),
    /// The key of the DPoP proof has not signed it (RFC 9449 §4.3).
    ProofSignature = "proof_signature" => of_proof(
        "the signature of the DPoP proof does not match",
        "the proof was changed after signing, or signed by another key than the one in its header"),
    /// `iat` of the DPoP proof is too long ago, or lies in the future (RFC 9449 §11.1).
    ProofTime = "proof_time" => of_proof(
        "the DPoP proof is too old, or from the future",
        "make the proof right before the request, and compare the clocks of the client and of this machine"),
    /// `ath` of the DPoP proof is not the hash of the token (RFC 9449 §4.3).
    ProofToken = "proof_token" => of_proof(
        "the DPoP proof is for another token",
        "`ath` is the base64url of the SHA-256 of the access token that goes with the proof"),
    /// `htu` is not the URL of the request (RFC 9449 §4.3).
    ProofUrl = "proof_url" => of_proof(
        "the DPoP proof is for another URL",
        "`htu` is the URL without query and fragment as the client sends it: compare it with `public_url`, and look for a proxy that changes the path"),
    /// The token has been revoked.
    Revoked = "revoked" => reason(
        "the token has been revoked",
        "get a new token"),
    /// No key that fits verifies the signature.
    SignatureMismatch = "signature_mismatch" => reason(
        "the signature of the token does not match",
        "the token was changed after signing, or signed by another key of the same kid"),
    /// The token is longer than the limit.
    TooLarge = "too_large" => reason(
        "the token is too large",
        "the limit is 16 KiB; put less into the token"),
    /// `typ`, `cty` or the claims say that this is not an access token.
    TypeNotAllowed = "type_not_allowed" => reason(
        "the token is not an access token",
        "send the access token, not the ID token; the profile at+jwt wants `typ: at+jwt`"),
}

impl ErrorCode {
    /// The HTTP status of the answer: 400, 401, 403, 413, 415, 429 or 503.
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// One fixed sentence for the client. It never carries a configured value or anything of the token. The wording may
    /// change between versions.
    pub const fn message(self) -> &'static str {
        self.row().message
    }

    /// What to do about it, for the person who debugs: for logs and consoles, not for the body of an answer.
    pub const fn hint(self) -> &'static str {
        self.row().hint
    }

    pub(crate) const fn challenge(self) -> ChallengeKind {
        self.row().challenge
    }
}

impl Reason {
    /// The code that it explains: `invalid_token` or `invalid_dpop_proof`.
    pub const fn code(self) -> ErrorCode {
        self.row().code
    }

    /// One fixed sentence for the client. It never carries a configured value or anything of the token. The wording may
    /// change between versions.
    pub const fn message(self) -> &'static str {
        self.row().message
    }

    /// What to do about it, for the person who debugs: for logs and consoles, not for the body of an answer.
    pub const fn hint(self) -> &'static str {
        self.row().hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6750 §3: `error` and `error_description` stay within %x20-21 / %x23-5B / %x5D-7E.
    #[test]
    fn every_text_fits_a_challenge() {
        let texts = ErrorCode::ALL
            .iter()
            .map(|code| code.message())
            .chain(Reason::ALL.iter().map(|reason| reason.message()));
        for text in texts {
            assert!(text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{text}");
        }
    }

    /// Clients look for the parameters of a challenge by their names alone, without reading its grammar.
    #[test]
    fn no_text_of_a_challenge_has_the_name_of_a_parameter() {
        let errors = ErrorCode::ALL.iter().filter_map(|code| match code.challenge() {
            Error(error) => Some(error),
            Bare | Absent => None,
        });
        let messages = ErrorCode::ALL.iter().map(|code| code.message());
        let texts = messages.chain(Reason::ALL.iter().map(|reason| reason.message())).chain(errors);
        for text in texts {
            for parameter in ["scope=", "error=", "resource_metadata="] {
                assert!(!text.contains(parameter), "{text}");
            }
        }
    }

    /// RFC 9110 §15.5.2: a 401 has a challenge.
    #[test]
    fn every_401_has_a_challenge() {
        for code in ErrorCode::ALL.iter().filter(|code| code.status() == 401) {
            assert_ne!(code.challenge(), Absent, "{code}");
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> =
            ErrorCode::ALL.iter().map(|c| c.as_str()).chain(Reason::ALL.iter().map(|r| r.as_str())).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
