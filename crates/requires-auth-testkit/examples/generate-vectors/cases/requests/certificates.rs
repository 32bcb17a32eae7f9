//! Rows W01 to W06: tokens that are bound to a certificate of their client, which a proxy tells in a header.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::Request;
use crate::answers;
use crate::case::Finished;
use crate::tokens::{es384, good};

/// The outline of a certificate: three elements in one (RFC 5280 §4.1), as no more of it is looked at.
const DER: [u8; 11] = [0x30, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2];
/// Another one.
const OTHER: [u8; 11] = [0x30, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 3];

/// The certificate of RFC 9440, appendix A, as it stands in `Client-Cert` there, without the colons.
const RFC_9440: &str = "MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIElud\
GVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/Incw\
alRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVH\
Q8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6b\
MjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=";

/// The certificate of RFC 8705, appendix A.
const RFC_8705: &str = "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA\
1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wC\
gYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=";

/// Its thumbprint, as it stands there.
const RFC_8705_X5T: &str = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";

pub fn cases() -> Vec<Finished> {
    let mut cases = bound();
    cases.extend(standards());
    cases.extend(confirmations());
    cases.extend(rfc9440());
    cases.extend(formats());
    cases
}

fn base64(der: &[u8]) -> String {
    STANDARD.encode(der)
}

fn rfc(der: &[u8]) -> String {
    format!(":{}:", base64(der))
}

fn escaped_pem(der: &[u8]) -> String {
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64(der));
    let letter = |letter: u8| match letter {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => char::from(letter).to_string(),
        other => format!("%{other:02X}"),
    };
    pem.bytes().map(letter).collect()
}

/// `x5t#S256`, as the testkit puts it into a token.
fn thumbprint(der: &[u8]) -> String {
    let token = good(es384()).bound_to_certificate(der).mint();
    let claims = token.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    let claims: Value = serde_json::from_slice(&claims.expect("claims")).expect("JSON");
    claims["cnf"]["x5t#S256"].as_str().expect("a text").to_owned()
}

/// A request with a token that is bound to [`DER`], at a guard that reads this header.
fn told_in(header: &str, format: &str) -> impl Fn(&'static str, &'static str, &str) -> Request {
    let told = json!({ "header": header, "format": format });
    move |id, row, about| {
        Request::new(id, row, about)
            .setting("client_certificates", true)
            .setting("client_cert_header", told.clone())
            .token(good(es384()).bound_to_certificate(&DER).mint())
            .bearer()
    }
}

impl Request {
    fn ambiguous(self) -> Finished {
        self.deny(&answers::ambiguous_request())
    }

    fn not_shown(self) -> Finished {
        self.invalid_token("binding_mismatch")
    }
}

fn bound() -> Vec<Finished> {
    let request = told_in("Client-Cert", "rfc9440");
    let off = |id, about| {
        let token = good(es384()).bound_to_certificate(&DER).mint();
        Request::new(id, "W05", about).token(token).bearer().header("Client-Cert", &rfc(&DER))
    };
    vec![
        request("certificate", "W01", "the certificate of the token")
            .header("Client-Cert", &rfc(&DER))
            .allow(),
        request("certificate-case", "W01", "names of headers have no case")
            .header("cLIENT-cERT", &rfc(&DER))
            .allow(),
        request("certificate-none", "W01", "no certificate").not_shown(),
        request("certificate-other", "W01", "another certificate")
            .header("Client-Cert", &rfc(&OTHER))
            .not_shown(),
        request("certificate-empty", "W01", "an empty header tells that there is none")
            .header("Client-Cert", "")
            .not_shown(),
        request("certificate-empty-sequence", "W01", "an empty byte sequence tells it, too")
            .header("Client-Cert", "::")
            .not_shown(),
        request("certificate-named", "W05", "the header that is named is read, whatever else is there")
            .header("X-SSL-Client-Cert", &escaped_pem(&OTHER))
            .header("Client-Cert", &rfc(&DER))
            .allow(),
        request("certificate-elsewhere", "W05", "a header that is not named is not read")
            .header("X-SSL-Client-Cert", &escaped_pem(&DER))
            .not_shown(),
        off("certificate-off", "without the setting nothing is shown").not_shown(),
        off("certificate-no-header", "without a header that is named nothing is shown")
            .setting("client_certificates", true)
            .not_shown(),
        request("certificate-unbound", "W06", "a token that is bound to nothing counts with a certificate")
            .token(good(es384()).mint())
            .header("Client-Cert", &rfc(&DER))
            .allow(),
        request("certificate-unbound-none", "W06", "and without one").token(good(es384()).mint()).allow(),
    ]
}

/// What the standards print.
fn standards() -> Vec<Finished> {
    let request = told_in("Client-Cert", "rfc9440");
    let of_9440 = STANDARD.decode(RFC_9440).expect("base64");
    let sequence = |base64: &str| format!(":{base64}:");
    let of_8705 = |id, about: &str| {
        let token = good(es384()).claim("cnf", json!({ "x5t#S256": RFC_8705_X5T }));
        request(id, "W01", about).token(token.mint())
    };
    let of_9440 = |id, about: &str| {
        request(id, "W03", about).token(good(es384()).bound_to_certificate(&of_9440).mint())
    };
    vec![
        of_8705("certificate-rfc8705", "RFC 8705, appendix A: the certificate and the claim")
            .header("Client-Cert", &sequence(RFC_8705))
            .allow(),
        of_8705("certificate-rfc8705-other", "the claim of RFC 8705, appendix A, and another certificate")
            .header("Client-Cert", &sequence(RFC_9440))
            .not_shown(),
        of_9440("certificate-rfc9440", "RFC 9440, appendix A: the header of the example")
            .header("Client-Cert", &sequence(RFC_9440))
            .allow(),
        of_9440(
            "certificate-rfc9440-chain",
            "with a chain beside it (RFC 9440 §2.3), which counts for nothing",
        )
        .header("Client-Cert", &sequence(RFC_9440))
        .header("Client-Cert-Chain", &format!("{}, {}", sequence(RFC_8705), rfc(&OTHER)))
        .allow(),
        of_9440("certificate-rfc9440-in-chain", "the certificate stands in the chain alone")
            .header("Client-Cert", &sequence(RFC_8705))
            .header("Client-Cert-Chain", &sequence(RFC_9440))
            .not_shown(),
    ]
}

fn confirmations() -> Vec<Finished> {
    let request = told_in("Client-Cert", "rfc9440");
    let with = |id, about, cnf: Value| {
        request(id, "W02", about)
            .token(good(es384()).claim("cnf", cnf).mint())
            .header("Client-Cert", &rfc(&DER))
    };
    let own = thumbprint(&DER);
    let zeros = URL_SAFE_NO_PAD.encode([0; 32]);
    vec![
        with(
            "certificate-more-members",
            "unknown members beside it are ignored",
            json!({ "x5t#S256": own, "x": 1 }),
        )
        .allow(),
        with(
            "certificate-and-key",
            "a key beside it is not shown by a certificate",
            json!({ "x5t#S256": own, "jkt": zeros }),
        )
        .not_shown(),
        with(
            "certificate-and-kid",
            "a method beside it that cannot be proven",
            json!({ "x5t#S256": own, "kid": "one" }),
        )
        .not_shown(),
        with(
            "certificate-sha1",
            "a thumbprint of SHA-1 is not this method",
            json!({ "x5t": URL_SAFE_NO_PAD.encode([0; 20]) }),
        )
        .not_shown(),
        with("certificate-key-alone", "a key alone is not shown by a certificate", json!({ "jkt": zeros }))
            .not_shown(),
    ]
}

fn rfc9440() -> Vec<Finished> {
    let request = told_in("Client-Cert", "rfc9440");
    let with = |id, about, value: &str| request(id, "W03", about).header("Client-Cert", value);
    let (own, other) = (rfc(&DER), rfc(&OTHER));
    vec![
        request("certificate-twice", "W03", "two lines of the header, also if they are the same")
            .header("Client-Cert", &own)
            .header("Client-Cert", &own)
            .ambiguous(),
        with("certificate-list", "a list of two", &format!("{own}, {other}")).ambiguous(),
        with("certificate-chain", "a chain that begins with it", &format!("{own},{other},{other}"))
            .ambiguous(),
        with("certificate-no-colons", "base64 without colons", &base64(&DER)).ambiguous(),
        with(
            "certificate-escaped-pem",
            "what nginx writes, under the name of the standard",
            &escaped_pem(&DER),
        )
        .ambiguous(),
        with("certificate-base64url", "another alphabet", ":MAkwADAAAwMAAQI_:").ambiguous(),
        with("certificate-no-padding", "base64 without padding", ":MAkwADAAAwMAAQI:").ambiguous(),
        with("certificate-stray-bits", "bits that nobody reads", ":MAkwADAAAwMAAQJ=:").ambiguous(),
        with("certificate-parameters", "parameters behind it", &format!("{own};a=1")).ambiguous(),
        with("certificate-longer", "bytes behind the certificate", &rfc(&[&DER[..], &[0]].concat()))
            .ambiguous(),
        with("certificate-not-one", "bytes that are not a certificate", &rfc(&[0x30, 0])).ambiguous(),
        request(
            "certificate-unbound-chain",
            "W03",
            "what cannot be read is refused whatever the token is bound to",
        )
        .token(good(es384()).mint())
        .header("Client-Cert", &format!("{own}, {other}"))
        .ambiguous(),
    ]
}

fn formats() -> Vec<Finished> {
    let pem = told_in("X-SSL-Client-Cert", "escaped-pem");
    let traefik = told_in("X-Forwarded-Tls-Client-Cert", "traefik");
    let xfcc = told_in("X-Forwarded-Client-Cert", "xfcc");
    let der = told_in("X-ARR-ClientCert", "der-base64");
    let hash = |der: &[u8]| {
        let digest = URL_SAFE_NO_PAD.decode(thumbprint(der)).expect("base64url");
        digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    };
    let (own, other) = (hash(&DER), hash(&OTHER));
    let in_pem = |request: Request, value: &str| request.header("X-SSL-Client-Cert", value);
    let in_xfcc = |request: Request, value: &str| request.header("X-Forwarded-Client-Cert", value);
    let in_traefik = |request: Request, value: &str| request.header("X-Forwarded-Tls-Client-Cert", value);
    vec![
        in_pem(pem("pem", "W04", "an escaped PEM text"), &escaped_pem(&DER)).allow(),
        in_pem(
            pem("pem-plain-signs", "W04", "with = as it is, as AWS writes it"),
            &escaped_pem(&DER).replace("%3D", "="),
        )
        .allow(),
        in_pem(pem("pem-other", "W04", "another certificate"), &escaped_pem(&OTHER)).not_shown(),
        in_pem(
            pem("pem-chain", "W04", "a chain instead of one certificate"),
            &(escaped_pem(&DER) + &escaped_pem(&OTHER)),
        )
        .ambiguous(),
        in_pem(pem("pem-half-escape", "W04", "an escape without its end"), &(escaped_pem(&DER) + "%0"))
            .ambiguous(),
        in_pem(pem("pem-rfc9440", "W04", "another format"), &rfc(&DER)).ambiguous(),
        in_traefik(traefik("traefik", "W04", "the base64 of the DER"), &base64(&DER)).allow(),
        in_traefik(
            traefik("traefik-chain", "W04", "the certificate of the client stands first"),
            &format!("{},{}", base64(&DER), base64(&OTHER)),
        )
        .allow(),
        in_traefik(
            traefik("traefik-issuer-first", "W04", "one that issued it counts for nothing"),
            &format!("{},{}", base64(&OTHER), base64(&DER)),
        )
        .not_shown(),
        in_xfcc(
            xfcc("xfcc", "W04", "the hash in an element of Envoy"),
            &format!("By=spiffe://a/b;Hash={own};Subject=\"CN=a,O=b;c\""),
        )
        .allow(),
        in_xfcc(
            xfcc("xfcc-pem", "W04", "the certificate itself there"),
            &format!("Cert=\"{}\"", escaped_pem(&DER)),
        )
        .allow(),
        in_xfcc(xfcc("xfcc-other", "W04", "another hash"), &format!("Hash={other}")).not_shown(),
        in_xfcc(xfcc("xfcc-two", "W04", "two elements"), &format!("Hash={own},Hash={other}")).ambiguous(),
        in_xfcc(
            xfcc("xfcc-injected", "W04", "a name in the certificate that goes on as the proxy would"),
            &format!("Hash={other};URI=spiffe://a;Hash={own}"),
        )
        .ambiguous(),
        in_xfcc(
            xfcc("xfcc-contradiction", "W04", "hash and certificate that differ"),
            &format!("Hash={own};Cert=\"{}\"", escaped_pem(&OTHER)),
        )
        .ambiguous(),
        der("der", "W04", "the base64 of the DER").header("X-ARR-ClientCert", &base64(&DER)).allow(),
        der("der-other", "W04", "another certificate")
            .header("X-ARR-ClientCert", &base64(&OTHER))
            .not_shown(),
        der("der-rfc9440", "W04", "another format").header("X-ARR-ClientCert", &rfc(&DER)).ambiguous(),
    ]
}
