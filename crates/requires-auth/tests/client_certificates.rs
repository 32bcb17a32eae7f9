//! Tokens that are bound to a certificate of their client (RFC 8705 §3): which connection they count on, and where the
//! certificate comes from.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use requires_auth::client_certificate::{CertificateHeader, ClientCertificate, HeaderFormat};
use requires_auth::guard::{Admission, Builder};
use requires_auth::policy::Requirement;
use requires_auth::request::Certificate;
use requires_auth::{Denial, Policy, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};
use serde_json::json;
use support::AUDIENCE;
use tower::ServiceExt as _;

const ISSUER: &str = "https://issuer.example/oidc";
const OTHER: &str = "https://other.example";

/// A small certificate, and the same in the header of RFC 9440.
const DER: [u8; 11] = [0x30, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2];
const TOLD: &str = ":MAkwADAAAwMAAQI=:";
const ANOTHER: &str = ":MAkwADAAAwMAAQM=:";

/// The first use, and two of a token that may be remembered.
const USES: usize = 3;

/// `x5t#S256` of a certificate.
fn thumbprint_of(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(ClientCertificate::from_der(der).sha256())
}

struct World {
    forge: Forge,
    of_other: Forge,
    jwks: String,
}

impl World {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Ed25519);
        let jwks = jwk_set([&key]).to_string();
        let of_other = Forge::new(OTHER, AUDIENCE, key.clone());
        Self { forge: Forge::new(ISSUER, AUDIENCE, key), of_other, jwks }
    }

    fn builder(&self) -> Builder {
        RequiresAuth::builder(ISSUER, AUDIENCE)
            .with_jwks(self.jwks.clone())
            .with_issuer(OTHER, AUDIENCE)
            .with_jwks(self.jwks.clone())
    }

    fn guard(&self) -> RequiresAuth {
        self.builder().with_client_certificates(true).build().expect("a guard")
    }

    fn bound(&self) -> TokenBuilder {
        self.forge.token().scope("read:orders").bound_to_certificate(&DER)
    }
}

/// What comes of a request with this token each time that it is sent.
fn verdict(
    auth: &RequiresAuth,
    token: &str,
    headers: &[(&str, &str)],
    shown: Option<Certificate<'_>>,
) -> Result<Admission, Denial> {
    let bearer = format!("Bearer {token}");
    let headers = [&[("authorization", bearer.as_str())], headers].concat();
    let request = Request::new("GET", "/orders", &headers);
    let request = shown.map_or(request, |certificate| request.with_certificate(certificate));
    let admit = || auth.admit_now(&request, &Requirement::default()).expect("the keys are there");
    let first = admit();
    for _ in 1..USES {
        assert_eq!(
            admit().map(|own| own.token().is_some()),
            first.as_ref().map(|_| true).map_err(Clone::clone)
        );
    }
    first
}

#[track_caller]
fn refused(verdict: Result<Admission, Denial>, reason: Reason) {
    let denial = verdict.expect_err("a refusal");
    assert_eq!((denial.status(), denial.reason()), (401, Some(reason)));
    assert_eq!(denial.code().as_str(), "invalid_token");
}

#[test]
fn a_bound_token_counts_on_a_connection_with_its_certificate_alone() {
    let world = World::new();
    let (on, off) = (world.guard(), world.builder().build().expect("a guard"));
    let token = world.bound().mint();
    let shown = || Some(Certificate::Der(&DER));
    let digest = ClientCertificate::from_der(&DER);
    assert!(verdict(&on, &token, &[], shown()).is_ok());
    assert!(verdict(&on, &token, &[], Some(digest.into())).is_ok());
    for other in [None, Some(Certificate::Der(b"another")), Some(Certificate::Sha256([0; 32]))] {
        refused(verdict(&on, &token, &[], other), Reason::BindingMismatch);
    }
    // It is off unless it is switched on.
    refused(verdict(&off, &token, &[], shown()), Reason::BindingMismatch);
    // A header is not looked at unless it is named.
    refused(verdict(&on, &token, &[("client-cert", TOLD)], None), Reason::BindingMismatch);
    // A token that is bound to nothing counts with and without one.
    let plain = world.forge.token().mint();
    assert!(verdict(&on, &plain, &[], shown()).is_ok() && verdict(&on, &plain, &[], None).is_ok());
}

#[test]
fn each_method_of_cnf_has_to_be_shown() {
    let world = World::new();
    let auth = world.guard();
    let shown = || Some(Certificate::Der(&DER));
    let thumbprint = thumbprint_of(&DER);
    let key = thumbprint_of(b"a key");
    for (cnf, is_good) in [
        (json!({ "x5t#S256": thumbprint }), true),
        // What is not known is ignored beside what is shown (RFC 7800 §3.1).
        (json!({ "x5t#S256": thumbprint, "kc-type": "x" }), true),
        // No proof of a key is taken here.
        (json!({ "x5t#S256": thumbprint, "jkt": key }), false),
        (json!({ "x5t#S256": thumbprint, "kid": "one" }), false),
        (json!({ "x5t#S256": thumbprint, "jwk": {} }), false),
        (json!({ "x5t": thumbprint }), false),
        (json!({ "x5t#S256": thumbprint.to_lowercase() }), false),
    ] {
        let token = world.forge.token().claim("cnf", cnf.clone()).mint();
        assert_eq!(verdict(&auth, &token, &[], shown()).is_ok(), is_good, "{cnf}");
        assert!(verdict(&auth, &token, &[], None).is_err(), "{cnf}");
    }
}

#[test]
fn an_issuer_may_have_its_own_word() {
    let world = World::new();
    let verdicts = |builder: Builder| {
        let auth = builder.build().expect("a guard");
        let token = |forge: &Forge| forge.token().bound_to_certificate(&DER).mint();
        [&world.forge, &world.of_other]
            .map(|forge| verdict(&auth, &token(forge), &[], Some(Certificate::Der(&DER))).is_ok())
    };
    // The issuer named last is the other one.
    assert_eq!(verdicts(world.builder().with_issuer_client_certificates(true)), [false, true]);
    let on = || world.builder().with_client_certificates(true);
    assert_eq!(verdicts(on().with_issuer_client_certificates(false)), [true, false]);
    assert_eq!(verdicts(on()), [true, true]);
}

#[test]
fn a_header_is_read_where_it_is_named() {
    let world = World::new();
    let header = CertificateHeader::new("Client-Cert", HeaderFormat::Rfc9440);
    let auth = world.builder().with_client_certificates(true).with_client_cert_header(header).build();
    let auth = auth.expect("a guard");
    let (token, plain) = (world.bound().mint(), world.forge.token().mint());
    let told = |headers: &[(&str, &str)]| verdict(&auth, &token, headers, None);
    let admission = told(&[("CLIENT-CERT", TOLD)]).expect("its certificate");
    // RFC 9440 §2.4.
    assert_eq!(
        admission.headers().collect::<Vec<_>>(),
        [("cache-control", "no-store"), ("vary", "client-cert")]
    );
    assert_eq!(verdict(&auth, &plain, &[("client-cert", TOLD)], None).expect("a token").headers().count(), 0);
    for none in ["", "::"] {
        refused(told(&[("client-cert", none)]), Reason::BindingMismatch);
    }
    refused(told(&[]), Reason::BindingMismatch);
    refused(told(&[("client-cert", ANOTHER)]), Reason::BindingMismatch);
    refused(told(&[("client_cert", TOLD)]), Reason::BindingMismatch);
    // What cannot be read is refused, whatever the token is bound to.
    let chain = format!("{TOLD}, {TOLD}");
    for headers in [
        &[("client-cert", TOLD), ("Client-Cert", TOLD)][..],
        &[("client-cert", chain.as_str())],
        &[("client-cert", "MAkwADAAAwMAAQI=")],
        &[(
            "client-cert",
            "-----BEGIN%20CERTIFICATE-----%0AMAkwADAAAwMAAQI%3D%0A-----END%20CERTIFICATE-----",
        )],
    ] {
        for token in [&token, &plain] {
            let denial = verdict(&auth, token, headers, None).expect_err("a refusal");
            assert_eq!((denial.status(), denial.code().as_str()), (400, "auth.ambiguous_request"));
        }
    }
    // What the server says itself goes before.
    assert!(verdict(&auth, &token, &[("client-cert", ANOTHER)], Some(Certificate::Der(&DER))).is_ok());
    assert!(auth.token_headers().iter().any(|name| **name == *"client-cert"));
}

#[test]
fn a_file_says_the_same() {
    let world = World::new();
    let guard = |more: &str, of_issuer: &str| {
        let text = format!(
            "{more}[issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = '''{}'''\n{of_issuer}",
            world.jwks
        );
        let config = requires_auth::config::Config::parse(&text, "auth.toml").expect("no mistakes");
        config.build_with(|builder| builder).expect("a guard")
    };
    let token = world.bound().mint();
    let on = "client_certificates = true\n";
    let short = guard(&format!("{on}client_cert_header = \"Client-Cert\"\n"), "");
    assert!(verdict(&short, &token, &[("client-cert", TOLD)], None).is_ok());
    let table = "client_cert_header = { header = \"X-Cert\", format = \"der-base64\" }\n";
    let whole = guard(table, on);
    assert!(verdict(&whole, &token, &[("x-cert", "MAkwADAAAwMAAQI=")], None).is_ok());
    assert!(verdict(&guard(on, ""), &token, &[("client-cert", TOLD)], None).is_err());
}

#[tokio::test]
async fn a_layer_finds_the_certificate_of_the_connection() {
    let world = World::new();
    let header = CertificateHeader::new("Client-Cert", HeaderFormat::Rfc9440);
    let behind_proxy = world
        .builder()
        .with_client_certificates(true)
        .with_client_cert_header(header)
        .build()
        .expect("a guard");
    let (shown, token) = (ClientCertificate::from_der(&DER), world.bound().mint());
    let ask = async |auth: &RequiresAuth, told: Option<&str>, shown: Option<ClientCertificate>| {
        let app = axum::Router::new().route("/orders", axum::routing::get(async || "orders"));
        let app: axum::Router = app.layer(auth.require_policy(Policy::all_of(["read:orders"])));
        let mut request = http::Request::get("/orders").header("authorization", format!("Bearer {token}"));
        if let Some(told) = told {
            request = request.header("client-cert", told);
        }
        let mut request = request.body(axum::body::Body::empty()).expect("a request");
        if let Some(shown) = shown {
            request.extensions_mut().insert(shown);
        }
        let (parts, _) = app.oneshot(request).await.expect("an answer").into_parts();
        (parts.status, parts.headers)
    };
    let status = |(status, _): (StatusCode, HeaderMap)| status.as_u16();
    let own = world.guard();
    assert_eq!(status(ask(&own, None, Some(shown)).await), 200);
    assert_eq!(status(ask(&own, Some(TOLD), None).await), 401);
    let (refused, headers) = ask(&own, None, Some(ClientCertificate::from_sha256([0; 32]))).await;
    assert_eq!(refused, 401);
    let challenge = headers["www-authenticate"].to_str().expect("ASCII");
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
    assert_eq!(headers["cache-control"], "no-store");
    // Where a proxy tells it, the connection is that of the proxy.
    let (status_of_told, headers) =
        ask(&behind_proxy, Some(TOLD), Some(ClientCertificate::from_sha256([0; 32]))).await;
    assert_eq!((status_of_told.as_u16(), &headers["vary"]), (200, &"client-cert".parse().expect("a value")));
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(status(ask(&behind_proxy, None, Some(shown)).await), 401);
}

#[test]
fn the_document_of_a_resource_says_so() {
    const MEMBER: &str = "tls_client_certificate_bound_access_tokens";
    let world = World::new();
    let document = |builder: Builder| {
        let auth = builder.with_resource("https://api.example.com/mcp").build().expect("a guard");
        let headers: [(&str, &str); 0] = [];
        let request = Request::new("GET", "/.well-known/oauth-protected-resource/mcp", &headers);
        let answer = auth.metadata(&request).expect("the document");
        serde_json::from_slice::<serde_json::Value>(answer.body()).expect("JSON")
    };
    assert_eq!(document(world.builder().with_client_certificates(true))[MEMBER], true);
    assert_eq!(document(world.builder().with_issuer_client_certificates(true))[MEMBER], true);
    assert!(document(world.builder()).get(MEMBER).is_none());
}
