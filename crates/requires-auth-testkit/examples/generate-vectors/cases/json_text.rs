//! Header and claims as JSON: what is no JSON object, and what several parsers read differently.

use crate::case::{Case, Finished};
use crate::tokens::{Text, with_claims, with_header};

/// Mints a token with this text as one of its parts.
type Mint = fn(Vec<u8>) -> String;

pub fn cases() -> Vec<Finished> {
    let parts: [(&str, Text, Mint); 2] =
        [("header", Text::header(), with_header), ("claims", Text::claims(), with_claims)];
    let mut cases = Vec::new();
    for (part, good, token) in parts {
        cases.extend(malformed(part, &good, token));
        cases.extend(odd_but_good(part, &good, token));
    }
    cases.extend(odd_header());
    cases.extend(duplicates());
    cases
}

fn malformed(part: &str, good: &Text, token: Mint) -> Vec<Finished> {
    let json = good.json();
    let inner = &json[1..json.len() - 1];
    let texts: Vec<(&str, &str, Vec<u8>)> = vec![
        ("array", "an array around the object", format!("[{json}]").into()),
        ("array-of-members", "an array", b"[1,2]".into()),
        ("string", "a string", b"\"text\"".into()),
        ("number", "a number", b"1".into()),
        ("true", "true", b"true".into()),
        ("null", "null", b"null".into()),
        ("empty", "no text", b"".into()),
        ("white-space", "white space only", b" \n".into()),
        ("no-json", "no JSON", b"hello".into()),
        ("cut", "the closing brace is missing", json[..json.len() - 1].into()),
        ("unopened", "the opening brace is missing", json[1..].into()),
        ("byte-order-mark", "a byte order mark", format!("\u{feff}{json}").into()),
        ("trailing-text", "text after the object", format!("{json}x").into()),
        ("trailing-object", "an object after the object", format!("{json}{{}}").into()),
        ("trailing-nul", "a NUL after the object", format!("{json}\0").into()),
        ("trailing-comma", "a comma after the last member", format!("{{{inner},}}").into()),
        ("single-quotes", "single quotes", json.replace('"', "'").into()),
        ("unquoted-name", "a name without quotes", format!("{{{inner},x:1}}").into()),
        ("comment", "a comment", format!("{{/**/{inner}}}").into()),
        ("control-character", "a bare line break in a string", format!("{{{inner},\"x\":\"a\nb\"}}").into()),
        ("not-a-number", "NaN", format!("{{{inner},\"x\":NaN}}").into()),
        ("leading-zero", "a number with a leading zero", format!("{{{inner},\"x\":01}}").into()),
        ("hexadecimal", "a hexadecimal number", format!("{{{inner},\"x\":0x1}}").into()),
        ("bad-escape", "an escape that JSON does not know", format!("{{{inner},\"x\":\"\\a\"}}").into()),
        ("latin-1", "bytes that are not UTF-8", [b"{\"x\":\"\xe9\",", inner.as_bytes(), b"}"].concat()),
        (
            "overlong-utf-8",
            "a letter in more bytes than UTF-8 allows",
            [b"{\"x\":\"\xc1\x81\",", inner.as_bytes(), b"}"].concat(),
        ),
        ("utf-16", "UTF-16", json.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("nested-110", "nesting of 110", nested(inner, 110)),
        ("nested-1000", "nesting of 1000", nested(inner, 1000)),
        ("nested-5000", "nesting of 5000, enough to overflow a stack", nested(inner, 5000)),
        ("nested-unclosed", "5000 opening brackets and nothing else", "[".repeat(5000).into()),
        ("nested-objects-110", "objects in objects, 110 deep", nested_objects(inner, 110)),
    ];
    let texts = texts.into_iter().map(|(id, about, text)| {
        Case::new(format!("{part}-json-{id}"), "C03", format!("{part}: {about}"))
            .token(token(text))
            .refuse("malformed")
    });
    texts.collect()
}

fn nested(inner: &str, depth: usize) -> Vec<u8> {
    format!("{{{inner},\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into()
}

fn nested_objects(inner: &str, depth: usize) -> Vec<u8> {
    format!("{{{inner},\"x\":{}1{}}}", "{\"a\":".repeat(depth), "}".repeat(depth)).into()
}

fn odd_but_good(part: &str, good: &Text, token: Mint) -> Vec<Finished> {
    let json = good.json();
    let inner = &json[1..json.len() - 1];
    let texts: Vec<(&str, &str, Vec<u8>)> = vec![
        (
            "spaced",
            "white space where JSON allows it",
            format!(" \r\n\t{} \n", json.replace("\":", "\" : ")).into(),
        ),
        (
            "reordered",
            "an unknown member first",
            format!("{{\"x\":{{\"y\":[1,2.5,null,true]}},{inner}}}").into(),
        ),
        (
            "escaped-name",
            "a member name with an escape",
            json.replace("\"alg\"", "\"\\u0061lg\"").replace("\"aud\"", "\"\\u0061ud\"").into(),
        ),
        (
            "unicode",
            "letters outside ASCII",
            format!("{{{inner},\"n\u{e4}me\":\"\u{1f600} \\ud83d\\ude00\"}}").into(),
        ),
        ("nested-90", "nesting of 90", nested(inner, 90)),
        (
            "prototype",
            "a member name that JavaScript gives a meaning",
            format!("{{{inner},\"__proto__\":{{\"admin\":true}}}}").into(),
        ),
    ];
    let texts = texts.into_iter().map(|(id, about, text)| {
        Case::new(format!("{part}-json-{id}"), "C03", format!("{part}: {about}")).token(token(text)).accept()
    });
    texts.collect()
}

/// What a header may carry, but would not come through every JSON library as it is in expected claims.
fn odd_header() -> Vec<Finished> {
    let members = [
        ("great-number", "a number that no machine type holds", "123456789012345678901234567890"),
        (
            "magic-name",
            "a member name that a JSON library uses inside",
            r#"{"$serde_json::private::RawValue":"{}"}"#,
        ),
        (
            "magic-number",
            "a member name that a JSON library uses inside",
            r#"{"$serde_json::private::Number":"1"}"#,
        ),
    ];
    let cases = members.map(|(id, about, json)| {
        let token = with_header(Text::header().set("x", json).json());
        Case::new(format!("header-json-{id}"), "C03", format!("header: {about}")).token(token).accept()
    });
    cases.into()
}

fn duplicates() -> Vec<Finished> {
    let header = |id: &str, about: &str, text: &Text| {
        Case::new(format!("header-duplicate-{id}"), "C04", about)
            .token(with_header(text.json()))
            .refuse("malformed")
    };
    let claims = |id: &str, about: &str, text: &Text| {
        Case::new(format!("claims-duplicate-{id}"), "C04", about)
            .token(with_claims(text.json()))
            .refuse("malformed")
    };
    let (good_header, good_claims) = (Text::header(), Text::claims());
    let two_levels = good_claims.clone().add("act", r#"{"sub":"a","act":{"sub":"a"}}"#);
    vec![
        Case::new("claims-same-name-on-two-levels", "C04", "one name on three levels is not a duplicate")
            .token(with_claims(two_levels.json()))
            .accept(),
        header("alg", "alg twice, first good", &good_header.clone().add("alg", "\"none\"")),
        header("alg-same", "alg twice, both the same", &good_header.clone().add("alg", "\"ES384\"")),
        header("typ", "typ twice", &good_header.clone().add("typ", "\"JWT\"")),
        header("kid", "kid twice", &good_header.clone().add("kid", "\"other\"")),
        header(
            "escaped",
            "alg and the same name with an escape",
            &good_header.clone().add("\\u0061lg", "\"none\""),
        ),
        header("unknown", "an unknown member twice", &good_header.clone().add("x", "1").add("x", "2")),
        header("nested", "a name twice inside an unknown member", &good_header.add("x", r#"{"y":1,"y":1}"#)),
        claims(
            "aud",
            "aud twice, the second one ours",
            &good_claims
                .clone()
                .set("aud", "\"https://another-api.example.test\"")
                .add("aud", "\"https://api.example.test\""),
        ),
        claims(
            "aud-first",
            "aud twice, the first one ours",
            &good_claims.clone().add("aud", "\"https://another-api.example.test\""),
        ),
        claims(
            "iss",
            "iss twice, both ours",
            &good_claims.clone().add("iss", "\"https://issuer.example.test/oidc\""),
        ),
        claims("exp", "exp twice", &good_claims.clone().add("exp", "1900000000")),
        claims("sub", "sub twice", &good_claims.clone().add("sub", "\"admin\"")),
        claims("scope", "scope twice", &good_claims.clone().add("scope", "\"admin\"")),
        claims("same-value", "a claim twice with one value", &good_claims.clone().add("sub", "\"alice\"")),
        claims(
            "escaped",
            "aud and the same name with an escape",
            &good_claims.clone().add("\\u0061ud", "\"https://another-api.example.test\""),
        ),
        claims("unknown", "an unknown claim twice", &good_claims.clone().add("x", "1").add("x", "2")),
        claims(
            "in-cnf",
            "a name twice inside cnf",
            &good_claims.clone().add("cnf", r#"{"jkt":"a","jkt":"b"}"#),
        ),
        claims(
            "in-act",
            "a name twice inside act",
            &good_claims.clone().add("act", r#"{"sub":"a","sub":"b"}"#),
        ),
        claims(
            "in-array",
            "a name twice inside an object inside an array",
            &good_claims.add("x", r#"[1,{"y":1,"y":2}]"#),
        ),
    ]
}
