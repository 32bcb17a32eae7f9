//! Size, characters, number of parts and base64url.

use requires_auth_testkit::{Algorithm, SigningKey};

use crate::case::{Case, Finished};
use crate::key_sets::KeySet;
use crate::recorded::PROVIDERS;
use crate::tokens::{Text, encode, es384, good, parts, signed_parts};

const MAX_TOKEN_BYTES: usize = 16 * 1024;
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub fn cases() -> Vec<Finished> {
    let mut cases = sizes();
    cases.extend(characters());
    cases.extend(part_counts());
    cases.extend(base64url());
    cases
}

fn case(id: &str, row: &'static str, about: &str) -> Case {
    Case::new(id, row, about)
}

fn sizes() -> Vec<Finished> {
    let case = |id, about: &str| case(id, "A14", about);
    vec![
        case("size-at-limit", "16384 bytes").token(of_size(MAX_TOKEN_BYTES)).accept(),
        case("size-over-limit", "16385 bytes").token(of_size(MAX_TOKEN_BYTES + 1)).refuse("too_large"),
        case("size-over-limit-opaque", "too large is found before the missing dots")
            .alg(None)
            .token("a".repeat(MAX_TOKEN_BYTES + 1))
            .refuse("too_large"),
        case("size-at-limit-opaque", "an opaque token of 16384 bytes is merely opaque")
            .alg(None)
            .token("a".repeat(MAX_TOKEN_BYTES))
            .refuse("opaque"),
    ]
}

/// A good token of exactly this size, by padding in the claims and, where base64url skips a length, in the header.
fn of_size(size: usize) -> String {
    for header in 0..4 {
        let padded = |claims: usize| {
            good(es384()).header("x", "x".repeat(header)).claim("padding", "x".repeat(claims)).mint()
        };
        let missing = size - padded(0).len();
        for claims in missing * 3 / 4 - 4..missing * 3 / 4 + 4 {
            let token = padded(claims);
            if token.len() == size {
                return token;
            }
        }
    }
    panic!("no token has {size} bytes");
}

fn characters() -> Vec<Finished> {
    // Ed25519 signs the same way twice, so that these strings stay as they are.
    let token = good(SigningKey::fixed(Algorithm::Ed25519)).mint();
    let (header, claims, signature) = parts(&token);
    let case =
        |id, row, about: &str| case(id, row, about).alg("EdDSA").keys(KeySet::fixed(Algorithm::Ed25519));
    let no_token = |id, about: &str, token: String| case(id, "A04", about).token(token).refuse_format();
    let flattened =
        format!("{{\"payload\":\"{claims}\",\"protected\":\"{header}\",\"signature\":\"{signature}\"}}");
    let inserted = |text: &str| format!("{header}.{claims}{text}.{signature}");
    vec![
        case("characters-empty", "A04", "no character at all").alg(None).token("").refuse_format(),
        no_token("characters-space", "a space between two parts", inserted(" ")),
        no_token("characters-tab", "a tab between two parts", inserted("\t")),
        no_token("characters-line-break", "a line break between two parts", inserted("\r\n")),
        no_token("characters-line-break-at-end", "a line break after the token", format!("{token}\n")),
        no_token("characters-nul", "a NUL byte", inserted("\0")),
        no_token("characters-comma", "a comma", inserted(",")),
        no_token("characters-quote", "a quote", inserted("\"")),
        no_token("characters-percent", "a percent sign", inserted("%41")),
        no_token("characters-non-ascii", "a letter outside ASCII", inserted("\u{e9}")),
        no_token(
            "characters-full-width-dot",
            "a dot of full width",
            format!("{header}\u{ff0e}{claims}.{signature}"),
        ),
        no_token("characters-flattened-json", "the flattened JSON form of a JWS", flattened),
        no_token(
            "characters-padding-inside",
            "padding before a dot is no b64token",
            format!("{header}=.{claims}.{signature}"),
        ),
        case("characters-none-wrong", "A04", "every character belongs there").token(&*token).accept(),
        case("characters-plus-and-slash", "C02", "b64token, but no base64url")
            .token(format!("{header}.{claims}+/.{signature}"))
            .refuse("malformed"),
        case("characters-tilde", "C02", "a tilde is b64token, but no base64url")
            .token(format!("{token}~"))
            .refuse("malformed"),
    ]
}

fn part_counts() -> Vec<Finished> {
    let token = good(es384()).mint();
    let (header, claims, signature) = parts(&token);
    let case = |id, about: &str| case(id, "C01", about);
    let sealed = |id, row, about: &str, header: &str| {
        let token = format!("{}.AAAA.AAECAwQFBgcICQoL.AAAA.AAECAwQFBgcICQoLDA0ODw", encode(header));
        Case::new(id, row, about).alg(None).token(token).refuse("encrypted")
    };
    vec![
        case("parts-three", "three parts").token(&*token).accept(),
        case("parts-one", "no dot")
            .alg(None)
            .token("0-pT9OHOEtn2SB8OyopLM7vnmW23SRPMUcGpcVcPQBb")
            .refuse("opaque"),
        case("parts-one-letter", "no dot, one letter").alg(None).token("a").refuse("opaque"),
        case("parts-header-only", "the header alone").token(header).refuse("opaque"),
        case("parts-two", "header and claims").token(format!("{header}.{claims}")).refuse("malformed"),
        case("parts-two-trailing-dot", "a header and a dot").token(format!("{header}.")).refuse("malformed"),
        case("parts-leading-dot", "four parts, the first one empty")
            .token(format!(".{token}"))
            .refuse("malformed"),
        case("parts-trailing-dot", "four parts, the last one empty")
            .token(format!("{token}."))
            .refuse("malformed"),
        case("parts-four", "four parts").token(format!("{token}.{signature}")).refuse("malformed"),
        case("parts-six", "six parts").token(format!("{token}.{token}")).refuse("malformed"),
        case("parts-only-dots-two", "three empty parts").alg(None).token("..").refuse("malformed"),
        case("parts-only-dots-four", "five empty parts").alg(None).token("....").refuse("encrypted"),
        case("parts-only-dot", "one dot").alg(None).token(".").refuse("malformed"),
        case("parts-five-recorded", "an encrypted token of oidc-provider")
            .alg(None)
            .token(PROVIDERS.token("oidc-sealed-only"))
            .refuse("encrypted"),
        case("parts-five-signed-first", "a signed token with two more parts")
            .token(format!("{token}.AAAA.AAAA"))
            .refuse("encrypted"),
        sealed(
            "encrypted-many-rounds",
            "C26",
            "a password-based key with far too many rounds",
            r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2s":"AAAAAAAAAAA","p2c":2147483647}"#,
        ),
        sealed(
            "encrypted-compressed",
            "C26",
            "a compressed payload",
            r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#,
        ),
        sealed("encrypted-rsa1-5", "C26", "RSAES-PKCS1-v1.5", r#"{"alg":"RSA1_5","enc":"A128CBC-HS256"}"#),
        sealed("encrypted-broken-header", "C01", "five parts are not decoded", "{"),
        case("parts-empty-header", "an empty header")
            .alg(None)
            .token(signed_parts(es384(), "", claims))
            .refuse("malformed"),
        case("parts-empty-claims", "empty claims under a good signature")
            .token(signed_parts(es384(), header, ""))
            .refuse("malformed"),
    ]
}

fn base64url() -> Vec<Finished> {
    let malformed =
        |id: &str, about: &str, token: String| case(id, "C02", about).token(token).refuse("malformed");
    let key = es384();
    let token = good(key).mint();
    let (header, claims, signature) = parts(&token);
    // A header and claims whose last letter has unused bits.
    let (loose_header, loose_claims) = (loose(&Text::header()), loose(&Text::claims()));
    let es256 = SigningKey::fixed(Algorithm::Es256);
    let es256_token = good(es256).mint();
    let es256_set = || KeySet::fixed(Algorithm::Es256);
    vec![
        malformed(
            "base64-header-bits",
            "unused bits at the end of the header are set",
            signed_parts(key, &next_letter(&loose_header), claims),
        ),
        malformed(
            "base64-claims-bits",
            "unused bits at the end of the claims are set",
            signed_parts(key, header, &next_letter(&loose_claims)),
        ),
        case("base64-loose-ends", "C02", "unused bits at the end of header and claims are not set")
            .token(signed_parts(key, &loose_header, &loose_claims))
            .accept(),
        case("base64-signature-bits", "C02", "unused bits at the end of the signature are set")
            .alg("ES256")
            .keys(es256_set())
            .token(next_letter(&es256_token))
            .refuse("malformed"),
        case("base64-signature-padded", "C02", "padding at the end of the signature")
            .alg("ES256")
            .keys(es256_set())
            .token(format!("{es256_token}=="))
            .refuse("malformed"),
        malformed("base64-signature-padded-needlessly", "padding where none belongs", format!("{token}=")),
        malformed(
            "base64-header-length",
            "a header of one letter more than a whole number of bytes",
            signed_parts(key, &format!("{}A", whole(&Text::header())), claims),
        ),
        malformed(
            "base64-claims-length",
            "claims of one letter more than a whole number of bytes",
            signed_parts(key, header, &format!("{}A", whole(&Text::claims()))),
        ),
        malformed(
            "base64-signature-length",
            "a signature of one letter more than a whole number of bytes",
            format!("{header}.{claims}.{signature}A"),
        ),
        malformed(
            "base64-standard-alphabet",
            "the alphabet with + and /",
            signed_parts(key, &standard_alphabet(), claims),
        ),
    ]
}

/// The text in base64url, with white space at its end so that the last letter has unused bits.
fn loose(text: &Text) -> String {
    spaced(text, |length| length % 4 == 3)
}

/// The text in base64url, with white space at its end so that no letter has unused bits.
fn whole(text: &Text) -> String {
    spaced(text, |length| length % 4 == 0)
}

fn spaced(text: &Text, fits: impl Fn(usize) -> bool) -> String {
    let mut json = text.json();
    while !fits(encode(&json).len()) {
        json.push(' ');
    }
    encode(json)
}

/// The text with its last letter replaced by the next one, which decodes to the same bytes.
fn next_letter(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    let place = ALPHABET.iter().position(|letter| [*letter] == *last.as_bytes()).expect("base64url");
    format!("{rest}{}", char::from(ALPHABET[place + 1]))
}

/// A header that has both `-` and `_` in base64url, in the alphabet of standard base64.
fn standard_alphabet() -> String {
    let encoded = encode(Text::header().set("x", "\"\u{fe}\u{ff}??>>>~~~\u{3ff}\u{7ff}\"").json());
    assert!(encoded.contains('-') || encoded.contains('_'), "{encoded}");
    encoded.replace('-', "+").replace('_', "/")
}
