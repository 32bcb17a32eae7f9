//! The members of the setting `introspection`: how an issuer is asked about tokens.
//!
//! In a file they are the keys of a table within an issuer, in the environment variables with the prefix
//! `REQUIRES_AUTH_INTROSPECTION_`, in Python the keys of a dict, and in Rust the methods of
//! [`Introspection`](crate::introspect::Introspection).
//!
//! | members | what they choose |
//! | --- | --- |
//! | `endpoint`, `discovered` | where the issuer is asked (RFC 8414 §2) |
//! | `client_id`, `client_secret`, `private_key` and their `_env` and `_file` | which client asks, and its one credential |
//! | `auth_method` | how the client authenticates (RFC 6749 §2.3.1, RFC 7523 §2.2) |
//! | `ttl`, `negative_ttl`, `max_entries` | how long answers are remembered, in seconds, and how many |
//! | `in_flight`, `calls_per_second` | how much an issuer is asked |
//! | `signed`, `always`, `token_type` | what counts as an answer (RFC 9701), and which tokens are asked about |
//!
//! A secret is given in one place: by itself in code, and by the name of a variable or a file elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use super::row::{Key, Kind, Limits, Scope, Setting, table};
use super::secret::Secret;

table! {
    /// Every member, in the order in which a reader wants to know of them.
    MEMBERS;

    ENDPOINT: String = "endpoint", Issuer, Kind::Url;
    doc "Where the introspection endpoint is.";
    without "The metadata of the issuer say so.";
    aliases "url";
    examples ["\"https://login.example.com/introspect\""];

    DISCOVERED: bool = "discovered", Issuer, Kind::Switch;
    doc "Says that the metadata of the issuer name the endpoint, which holds without `endpoint` anyway.";
    examples ["true"];

    CLIENT_ID: String = "client_id", Issuer, Kind::Text;
    doc "The client that this API is at the issuer.";
    without "It has to be given.";
    examples ["\"orders-api\""];

    CLIENT_SECRET: Secret = "client_secret", Issuer, Kind::Secret;
    doc "The secret of the client. A file says where it is: `{ env = \"NAME\" }` or `{ file = \"path\" }`.";
    without "None.";
    examples ["{\"env\": \"INTROSPECTION_SECRET\"}"];

    CLIENT_SECRET_ENV: String = "client_secret_env", Issuer, Kind::Text;
    doc "The variable of the environment that has the secret of the client.";
    without "None.";
    examples ["\"INTROSPECTION_SECRET\""];

    CLIENT_SECRET_FILE: PathBuf = "client_secret_file", Issuer, Kind::Path;
    doc "The file that has the secret of the client. A line break at its end is left out.";
    without "None.";
    examples ["\"/run/secrets/introspection\""];

    PRIVATE_KEY: Secret = "private_key", Issuer, Kind::Secret;
    doc "The private key of the client, as PEM or a JWK, for `private_key_jwt`.";
    without "None.";
    examples ["{\"file\": \"client-key.pem\"}"];

    PRIVATE_KEY_ENV: String = "private_key_env", Issuer, Kind::Text;
    doc "The variable of the environment that has the private key of the client.";
    without "None.";
    examples ["\"INTROSPECTION_KEY\""];

    PRIVATE_KEY_FILE: PathBuf = "private_key_file", Issuer, Kind::Path;
    doc "The file that has the private key of the client, as PEM or a JWK.";
    without "None.";
    examples ["\"client-key.pem\""];

    AUTH_METHOD: &'static str = "auth_method", Issuer, Kind::Choice {
        names: &["client_secret_basic", "client_secret_post", "private_key_jwt"],
        expected: "client_secret_basic, client_secret_post or private_key_jwt",
    };
    doc "How the client says who it is: by its secret in the header (RFC 6749 §2.3.1) or in the body, or by a JWT that its \
         private key has signed (RFC 7523), which is the default where a key is given.";
    examples ["\"client_secret_post\""];

    TTL: Duration = "ttl", Issuer, Kind::Duration(Limits {
        default: 60,
        least: 0,
        most: 60 * 60,
        expected: "at most 1 h",
        hint: "a token that is revoked keeps working for this long; the default is 60 s",
    });
    doc "For how long the answer about a good token is remembered, never past its `exp`: a token that is revoked works on for \
         so long. 0 asks about each request.";
    examples ["\"30s\""];

    NEGATIVE_TTL: Duration = "negative_ttl", Issuer, Kind::Duration(Limits {
        default: 10,
        least: 0,
        most: 300,
        expected: "at most 300 s",
        hint: "an issuer may call a token inactive while its own storage is down; the default is 10 s",
    });
    doc "For how long it is remembered that a token was refused.";
    examples ["\"5s\""];

    MAX_ENTRIES: usize = "max_entries", Issuer, Kind::Count(Limits::any(10_000));
    doc "How many refused tokens are remembered. Good ones stand among those of `cache`.";
    examples ["1000"];

    IN_FLIGHT: usize = "in_flight", Issuer, Kind::Count(Limits {
        default: 64,
        least: 1,
        most: 10_000,
        expected: "1 to 10000 calls",
        hint: "the default is 64",
    });
    doc "How many calls there may be at a time. Requests beyond are answered with 503; a quarter is kept for tokens that were \
         good before.";
    examples ["16"];

    CALLS_PER_SECOND: usize = "calls_per_second", Issuer, Kind::Count(Limits {
        default: 100,
        least: 1,
        most: 1_000_000,
        expected: "1 to 1000000 calls",
        hint: "the default is 100",
    });
    doc "How many calls a second there may be about tokens that are not known. Requests beyond are answered with 503.";
    examples ["20"];

    SIGNED: bool = "signed", Issuer, Kind::Switch;
    doc "Asks for answers that are signed by a key of the issuer (RFC 9701), and takes no other.";
    examples ["true"];

    ALWAYS: bool = "always", Issuer, Kind::Switch;
    doc "Also asks about JWTs, once they are good by their signature and claims, so that a revoked one is refused.";
    examples ["true"];

    TOKEN_TYPE: &'static str = "token_type", Issuer, Kind::Choice {
        names: &["required", "optional"],
        expected: "required or optional",
    };
    doc "Whether an answer must have `token_type`. It is `Bearer` or `DPoP` in any case. Some servers call refresh tokens \
         active too, and leave it out there alone: with `optional`, those pass.";
    examples ["\"optional\""];
}
