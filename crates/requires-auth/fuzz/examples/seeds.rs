//! Writes a corpus for each target from the vectors of the testkit: `cargo run --example seeds`.
//!
//! Files are named after their number, so that a second run changes nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use arbitrary::{Arbitrary, Unstructured};
use requires_auth_fuzz::base64url;
use requires_auth_fuzz::plan::Plan;
use requires_auth_fuzz::proven::{CLIENT, TOKEN, URL, proof};
use requires_auth_testkit::vectors::{Config, RequestCase, mcp_cases, request_cases, token_cases};

/// URLs that the vectors do not have: what may be fetched, what may not, and what looks like the other.
const ODD_URLS: [&str; 16] = [
    "http://localhost:9100/oidc",
    "http://localhost.example/oidc",
    "http://127.0.0.1:9100/oidc",
    "http://127.255.255.255",
    "http://128.0.0.1",
    "http://[::1]:9100/oidc",
    "http://[::2]",
    "http://[::ffff:127.0.0.1]",
    "https://169.254.169.254/latest",
    "https://[fe80::1]/oidc",
    "https://[febf::1]",
    "https://[fec0::1]",
    "https://[::ffff:169.254.169.254]",
    "https://user:password@issuer.example.test/oidc",
    "https://issuer.example.test/oidc?tenant=a#top",
    "ftp://issuer.example.test/oidc",
];

/// What binds a token, and what only looks like it; `JKT` stands for the thumbprint of the client's key.
const CONFIRMATIONS: [&str; 8] = [
    r#"{"jkt":"JKT"}"#,
    r#"{"jkt":"JKT","kc-jkt-type":"dpop"}"#,
    r#"{"jkt":"JKT","kid":"one"}"#,
    r#"{"jkt":"JKT","x5t#S256":"JKT"}"#,
    r#"{"jwk":{"kty":"EC"},"jku":"https://a.example","jwe":"a"}"#,
    "{}",
    "null",
    "[\"jkt\"]",
];

/// So many plans are drawn; of each kind the first is kept.
const DRAWN_PLANS: usize = 20_000;

const MAX_PLANS: usize = 300;

fn main() -> io::Result<()> {
    let (tokens, requests) = (token_cases(), request_cases());
    let part = |index: usize| {
        tokens.iter().filter_map(move |case| base64url::decode(case.token.split('.').nth(index)?))
    };
    let issuers: Vec<_> = tokens.iter().filter_map(|case| case.config.issuer.as_deref()).collect();

    write("credential", requests.iter().map(credential))?;
    write("compact", tokens.iter().map(|case| case.token.clone().into_bytes()))?;
    write("header", part(0))?;
    write("claims", part(1))?;
    write("key_set", tokens.iter().map(|case| case.jwks.to_string().into_bytes()))?;

    let of_issuers = issuers.iter().map(|issuer| discovery(issuer, &format!("{issuer}/jwks")));
    let odd = ODD_URLS.iter().map(|url| discovery(issuers[0], url));
    write("discovery", of_issuers.chain(odd))?;

    let of_vectors = tokens.iter().map(|case| configuration(&case.config));
    let odd = ODD_URLS.iter().map(|url| format!("issuer {url}\naudience a").into_bytes());
    write("configuration", of_vectors.chain(odd))?;

    write("client_certificate", certificate_headers())?;

    write("proof", proofs())?;
    write("confirmation", CONFIRMATIONS.iter().map(|cnf| cnf.replace("JKT", CLIENT.thumbprint()).into_bytes()))?;

    // One that is padded to the limit teaches nothing.
    let bodies = mcp_cases().into_iter().filter_map(|case| case.body);
    write("mcp", bodies.filter(|body| body.len() < 1024))?;

    write("differential", plans())
}

fn write(target: &str, seeds: impl Iterator<Item = Vec<u8>>) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    let seeds: BTreeSet<_> = seeds.collect();
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("vector-{number:04}")), seed)?;
    }
    println!("{target}: {} seeds", seeds.len());
    Ok(())
}

fn credential(case: &RequestCase) -> Vec<u8> {
    let values = case.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    values.fold(case.url.clone().into_bytes(), |lines, (_, value)| [&lines[..], b"\n", value].concat())
}

/// A small certificate as each proxy writes it, behind the number of its format.
fn certificate_headers() -> impl Iterator<Item = Vec<u8>> {
    let (base64, hash) = ("MAkwADAAAwMAAQI=", "0f".repeat(32));
    let pem = "-----BEGIN%20CERTIFICATE-----%0AMAkwADAAAwMAAQI%3D%0A-----END%20CERTIFICATE-----%0A";
    let values = [
        (0, format!(":{base64}:")),
        (0, "::".to_owned()),
        (1, pem.to_owned()),
        (2, format!("{base64},{base64}")),
        (3, format!("By=spiffe://a;Hash={hash};Subject=\"CN=a\\\",b\";URI=spiffe://c")),
        (3, format!("Cert=\"{pem}\";Chain=\"{pem}\"")),
        (4, base64.to_owned()),
    ];
    values.into_iter().map(|(format, value)| [&[format][..], value.as_bytes()].concat())
}

/// Claims and header of a good proof, and the proof as it is sent, behind the number that says which it is.
fn proofs() -> impl Iterator<Item = Vec<u8>> {
    let good = proof(&TOKEN).nonce("n").mint();
    let part = |index: usize| base64url::decode(good.split('.').nth(index).expect("a part")).expect("base64url");
    let claims = |claims: Vec<u8>| [&[0][..], &claims].concat();
    let edited = ["HTTPS://API.example.com:443/v1/./%6frders", "https://api.example.com/v1/orders?a#b"];
    let edited: Vec<_> = edited
        .iter()
        .map(|url| String::from_utf8(part(1)).expect("UTF-8").replace(URL, url).into_bytes())
        .map(claims)
        .collect();
    let rest = [claims(part(1)), [&[1][..], &part(0)].concat(), [&[2][..], good.as_bytes()].concat()];
    edited.into_iter().chain(rest)
}

fn discovery(issuer: &str, jwks_uri: &str) -> Vec<u8> {
    format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}"}}"#).into()
}

fn configuration(config: &Config) -> Vec<u8> {
    let mut lines = vec![format!("issuer {}", config.issuer.as_deref().unwrap_or_default())];
    lines.extend(config.audience.iter().map(|audience| format!("audience {audience}")));
    lines.extend(config.alg.iter().flatten().map(|name| format!("algorithm {name}")));
    lines.extend(config.leeway.map(|seconds| format!("leeway {seconds}")));
    lines.extend(config.scope.iter().map(|scope| format!("implied {scope} read write")));
    lines.push("scope_claim realm_access.roles".to_owned());
    lines.join("\n").into()
}

/// Every vector signed as it is, and one plan of each kind that a few thousand draws bring up.
fn plans() -> impl Iterator<Item = Vec<u8>> {
    let bases = (0..Plan::bases()).filter_map(|index| u16::try_from(index).ok()).map(Plan::encode_base);
    let (mut random, mut kinds) = (Random(1), BTreeSet::new());
    let drawn = (0..DRAWN_PLANS).map(move |_| random.bytes()).filter(move |bytes| {
        let plan = Plan::arbitrary_take_rest(Unstructured::new(bytes));
        plan.is_ok_and(|plan| kinds.insert(plan.kind()))
    });
    bases.chain(drawn.take(MAX_PLANS))
}

/// xorshift64 (Marsaglia 2003): the same seeds in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..8 + self.next() % 8).flat_map(|_| self.next().to_le_bytes()).collect()
    }
}
