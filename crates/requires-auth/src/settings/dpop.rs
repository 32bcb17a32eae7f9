//! The members of the setting `dpop`: whether tokens come with a proof of the key that they are bound to (RFC 9449).
//!
//! In a file they are the keys of a table, or the mode alone stands in its place (`dpop = "required"`); in the environment
//! variables with the prefix `REQUIRES_AUTH_DPOP_`, in Python the keys of a dict, and in Rust the methods of
//! [`Dpop`](crate::dpop::Dpop).
//!
//! | members | what they choose |
//! | --- | --- |
//! | `mode` | whether proofs are taken, or needed |
//! | `max_age`, `future`, `algorithms`, `max_proof_bytes` | which proofs hold |
//! | `nonce_secret` with `_env` and `_file` | whether a proof needs a nonce of this server |
//! | `max_entries` | how many used proofs are remembered |
//!
//! An issuer may have a mode of its own; all else is of the guard.

use std::path::PathBuf;
use std::time::Duration;

use super::row::{Key, Kind, Limits, Scope, Setting, table};
use super::secret::Secret;
use crate::binding::DpopMode;
use crate::binding::proof::ProofRules;

table! {
    /// Every member, in the order in which a reader wants to know of them.
    MEMBERS;

    MODE: DpopMode = "mode", Either, Kind::Choice {
        names: &["off", "allowed", "required", "pass"],
        expected: "off, allowed, required or pass",
    };
    doc "Whether a token may come with a proof of its key: not at all, if it is bound to one, or always. With `pass` it is as with \
         `allowed`, but whether a proof was used before is left to the application behind this guard, which checks it as well.";
    examples ["\"required\""];

    MAX_AGE: Duration = "max_age", Guard, Kind::Duration(Limits {
        default: ProofRules::DEFAULT_MAX_AGE.as_secs(),
        least: 1,
        most: 300,
        expected: "1 to 300 s",
        hint: "a proof is made for one request, right before it; the default is 60 s",
    });
    doc "How long ago a proof may have been made (`iat`), at most 5 minutes.";
    examples ["\"30s\"", "300"];

    FUTURE: Duration = "future", Guard, Kind::Duration(Limits {
        default: ProofRules::DEFAULT_FUTURE.as_secs(),
        least: 0,
        most: 300,
        expected: "at most 300 s",
        hint: "this is for clients whose clocks are ahead; the default is 5 s",
    });
    doc "How far the clock of a client may be ahead of that of this server.";
    examples ["\"10s\""];

    ALGORITHMS: Vec<String> = "algorithms", Guard, Kind::Algorithms;
    doc "Only these signature algorithms of proofs. Challenges name them.";
    without "Ed25519, ES256, ES384, ES512, and RS256 and PS256 with their longer forms.";
    examples ["[\"ES256\", \"Ed25519\"]"];

    NONCE_SECRET: Secret = "nonce_secret", Guard, Kind::Secret;
    doc "A text of at least 32 characters that nobody can guess. Every proof needs a nonce of this server then (RFC 9449 §9), which \
         is made of it: servers that share it take each other's. A file says where it is: `{ env = \"NAME\" }` or `{ file = \"path\" }`.";
    without "No nonces are demanded.";
    examples ["{\"env\": \"DPOP_NONCE_SECRET\"}"];

    NONCE_SECRET_ENV: String = "nonce_secret_env", Guard, Kind::Text;
    doc "The variable of the environment that has the secret of the nonces.";
    without "None.";
    examples ["\"DPOP_NONCE_SECRET\""];

    NONCE_SECRET_FILE: PathBuf = "nonce_secret_file", Guard, Kind::Path;
    doc "The file that has the secret of the nonces. A line break at its end is left out.";
    without "None.";
    examples ["\"/run/secrets/dpop-nonce\""];

    MAX_ENTRIES: usize = "max_entries", Guard, Kind::Count(Limits {
        default: 1_000_000,
        least: 1_000,
        most: 1_000_000_000,
        expected: "1000 to 1000000000 proofs",
        hint: "each request with a proof is one entry for about a minute; the default is 1000000",
    });
    doc "How many used proofs are remembered in memory, of one client (by its key) at most a sixteenth. When they are all in use, \
         requests with a proof are answered with 503.";
    examples ["100000"];

    MAX_PROOF_BYTES: usize = "max_proof_bytes", Guard, Kind::Count(Limits {
        default: ProofRules::DEFAULT_MAX_BYTES as u64,
        least: 256,
        most: 64 * 1024,
        expected: "256 to 65536 bytes",
        hint: "the default is 8192; a proof by ES256 has about 500 bytes",
    });
    doc "How long a proof may be. A longer one is refused before it is decoded.";
    examples ["16384"];
}
