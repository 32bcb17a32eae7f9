//! The members of the setting `shared_state`: where instances of an API keep what they have to know of each other.
//!
//! In a file they are the keys of a table above the issuers, in the environment variables with the prefix
//! `REQUIRES_AUTH_SHARED_STATE_`, in Python the keys of a dict, and in Rust the methods of `shared::SharedState` (feature
//! `redis`). A URL alone is short for a table with `url`.
//!
//! | members | what they choose |
//! | --- | --- |
//! | `url`, `cluster`, `ca` | where Redis or Valkey is, and whom its TLS has to be certified by |
//! | `username`, `password` and its `_env` and `_file` | as whom to log in |
//! | `namespace` | what tells the state of this API from that of others on the same server |
//! | `timeout_ms`, `on_outage` | how long a request waits, and what holds while the server does not answer |
//! | `revocations`, `max_lag` | whether revocations are told to all instances, and how old they may be |

use std::path::PathBuf;
use std::time::Duration;

use super::row::{Key, Kind, Limits, Scope, Setting, table};
use super::secret::Secret;
use super::value::Document;

table! {
    /// Every member, in the order in which a reader wants to know of them.
    MEMBERS;

    URL: String = "url", Guard, Kind::Url;
    doc "Where the server is: `redis://host:6379/0`, or `rediss://` with TLS. A user or a password in it is a mistake: see \
         `password`.";
    without "None; either this or `cluster` has to be given.";
    examples ["\"rediss://redis.internal:6379\""];

    CLUSTER: Vec<String> = "cluster", Guard, Kind::Words;
    doc "Some nodes of a cluster, each as in `url`; the others are found.";
    without "None.";
    examples ["[\"redis://redis-1.internal:6379\", \"redis://redis-2.internal:6379\"]"];

    NAMESPACE: String = "namespace", Guard, Kind::Text;
    doc "What keys begin with, so that several APIs can use one server: up to 64 letters, digits, `.`, `_` and `-`. Instances of \
         one API have the same. A gateway and an application behind it that checks proofs again need different ones, or the \
         second takes each proof for a copy.";
    without "`api`, and in the gateway `gateway`.";
    examples ["\"orders\""];

    USERNAME: String = "username", Guard, Kind::Text;
    doc "The user to log in as, where the server has users (ACL).";
    without "The default user.";
    examples ["\"orders-api\""];

    PASSWORD: Secret = "password", Guard, Kind::Secret;
    doc "The password to log in with. A file says where it is: `{ env = \"NAME\" }` or `{ file = \"path\" }`.";
    without "None.";
    examples ["{\"env\": \"REDIS_PASSWORD\"}"];

    PASSWORD_ENV: String = "password_env", Guard, Kind::Text;
    doc "The variable of the environment that has the password.";
    without "None.";
    examples ["\"REDIS_PASSWORD\""];

    PASSWORD_FILE: PathBuf = "password_file", Guard, Kind::Path;
    doc "The file that has the password. A line break at its end is left out.";
    without "None.";
    examples ["\"/run/secrets/redis\""];

    CA: Document = "ca", Guard, Kind::Document { holds: "certificates in PEM", file: "a readable file of certificates" };
    doc "Certificates to trust instead of those of the platform, in PEM, for `rediss://` with a private CA.";
    without "Those of the platform.";
    examples ["\"redis-ca.pem\""];

    TIMEOUT_MS: usize = "timeout_ms", Guard, Kind::Count(Limits {
        default: 150,
        least: 10,
        most: 5_000,
        expected: "10 to 5000 milliseconds",
        hint: "the default is 150; a request waits for so long, and is then refused with 503",
    });
    doc "For how many milliseconds a request waits for the server before it is refused with 503.";
    examples ["50"];

    ON_OUTAGE: &'static str = "on_outage", Guard, Kind::Choice {
        names: &["refuse", "memory"],
        expected: "refuse or memory",
    };
    doc "What happens to requests with a proof (DPoP) while the server does not answer: 503, or each instance knows the proofs \
         alone that it has seen itself, so that a copied request may pass once at each.";
    examples ["\"memory\""];

    REVOCATIONS: bool = "revocations", Guard, Kind::Switch;
    doc "Tells revocations to all instances, within a second, and refuses what any of them has revoked. Redis has to keep them over a \
         restart then (`appendonly yes`).";
    examples ["true"];

    MAX_LAG: Duration = "max_lag", Guard, Kind::Duration(Limits {
        default: 60,
        least: 1,
        most: 60 * 60,
        expected: "1 s to 1 h",
        hint: "the default is 60 s; a token that is revoked meanwhile works on for so long",
    });
    doc "With `revocations`: for how long they may be as old as the last answer of the server, before requests are refused with 503.";
    examples ["\"10s\""];
}
