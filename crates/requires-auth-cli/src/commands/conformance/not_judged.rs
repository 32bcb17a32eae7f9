//! What the vectors show and this command does not judge, with the reason. A test holds this table and the cases against
//! the requirements in the README of the vectors.

/// Why a requirement is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotJudged {
    /// Its rows, such as `A10`; a letter alone is all of its rows that no case has.
    pub(super) rows: &'static [&'static str],
    pub(super) what: &'static str,
    pub(super) why: &'static str,
}

const fn row(rows: &'static [&'static str], what: &'static str, why: &'static str) -> NotJudged {
    NotJudged { rows, what, why }
}

const OURS: &str = "a rule of our own, which no standard demands";
const CLOCK: &str = "needs the clock of the API; how much leeway a guard grants is its own choice";
const KEY_SET: &str =
    "needs other key sets of the issuer, and how soon a guard fetches them is its own choice";
const OTHER_SETUP: &str = "needs another configuration of the API for each case";

pub(super) const NOT_JUDGED: &[NotJudged] = &[
    row(&["A10"], "a token in a form", "needs a route that takes forms"),
    row(&["A12", "A13", "A15", "N"], "tokens in other places: cookies, other headers, subprotocols", OURS),
    row(&["A14"], "a limit for the length of tokens", OURS),
    row(&["B07", "B08"], "which scopes and which places a challenge names", "a choice of the API"),
    row(
        &["B09", "U14"],
        "whether a challenge names all scopes of the route",
        "the scopes in a challenge are optional (RFC 6750 §3)",
    ),
    row(
        &["B10"],
        "the scheme DPoP where it is not switched on",
        "judged by the profile dpop in the other direction",
    ),
    row(&["B11"], "keys that cannot be fetched", "needs an outage of the issuer while the API has no key"),
    row(&["B12", "B15", "B16"], "what an answer does not tell, caching, optional authentication", OURS),
    row(&["B13", "B14"], "headers for browsers (CORS)", "a choice of the API"),
    row(
        &["C17", "C18", "C19", "C20", "C21"],
        "weak RSA keys, salts, Ed448, ML-DSA, points off their curve",
        KEY_SET,
    ),
    row(
        &["C22"],
        "whether RS256 is taken",
        "shown by the good token, which has that algorithm unless --alg names another",
    ),
    row(&["C26"], "the cost of an encrypted token", "a time is not a verdict"),
    row(&["C28"], "the examples of the standards", "they are signed by keys of the standards"),
    row(&["D08"], "a time of issue in the future", OURS),
    row(&["D10"], "scopes that imply others", OURS),
    row(&["D12"], "authorization_details", "a choice of the API (RFC 9396)"),
    row(&["D13", "Y"], "the strength of a login", "a choice of the route (RFC 9470)"),
    row(
        &["D14"],
        "a token with cnf without a proof",
        "judged by the profile dpop; a guard that does not know DPoP ignores cnf (RFC 9449 §7.2)",
    ),
    row(&["D16", "D17", "Q", "P"], "clients, organizations, claim rules, issuers with tenants", OTHER_SETUP),
    row(&["E"], "key sets and their rotation", KEY_SET),
    row(&["S"], "tokens of real providers", "they have the provider's issuer"),
    row(&["T"], "where else metadata are, and how they are cached", OTHER_SETUP),
    row(
        &["J"],
        "the FAPI 2.0 Security Profile",
        "is not a profile of this command; its parts are judged by rfc9068 and dpop",
    ),
    row(&["M"], "codes in the body", OURS),
    row(&["O"], "opaque tokens", "needs an API that asks the issuer about them"),
    row(&["U"], "scopes for each tool, bodies of messages", OTHER_SETUP),
    row(&["V10"], "nonces in proofs", "a choice of the API; where it wants them, the proofs have them"),
    row(&["V18", "V19", "V21", "V"], "other methods of cnf, modes, preflights", OTHER_SETUP),
    row(&["W"], "tokens that are bound to a certificate", "needs TLS with certificates of clients"),
    row(&["X"], "revocations", "needs revocations at the API"),
    row(&["clock"], "a token at the second of its expiry", CLOCK),
];

/// Defects of tokens that no case has: the name, and why.
#[cfg(test)]
pub(super) const DEFECTS: [(&str, &str); 2] =
    [("key_unknown", "kid is a hint (RFC 7515 §4.1.4): a guard may try its other keys"), ("too_large", OURS)];
