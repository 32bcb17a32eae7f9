//! Where the certificate of a client comes from: what a file sets, and how its mistakes are told.

use std::path::PathBuf;

use requires_auth::client_certificate::HeaderFormat;

use super::*;

/// An issuer whose tokens may be bound, and its lines.
const BOUND: &str =
    "[issuers.bound]\nissuer = \"https://bound.example\"\naudience = \"a\"\nclient_certificates = true\n";
const OF_BOUND: u32 = 4;

/// What a file sets that has such an issuer.
fn read(text: &str) -> GatewayConfig {
    tests::read(&format!("{BOUND}{text}"))
}

#[track_caller]
fn refused(text: &str, line: u32, setting: &str, found: &str) {
    tests::refused(&format!("{BOUND}{text}"), OF_BOUND + line, setting, found);
}

#[test]
fn a_header_is_of_use_where_tokens_may_be_bound() {
    let table = "client_certificate = { header = \"Client-Cert\" }\n";
    let error = Config::parse(
        &format!("[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"a\"\n{PROXY}{table}"),
        "auth.toml",
    );
    let settings = |error: ConfigError| {
        let all = error.problems().iter().filter_map(|problem| Some(problem.place()?.setting().to_owned()));
        all.collect::<Vec<_>>()
    };
    assert_eq!(settings(error.expect_err("a mistake")), ["client_certificates"]);
    let issuer = "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"a\"\n";
    let with = |first: &str| Config::parse(&format!("{first}{issuer}{PROXY}{table}"), "auth.toml");
    assert!(with("client_certificates = true\n").is_ok());
    assert_eq!(
        settings(with("client_certificates = false\n").expect_err("a mistake")),
        ["client_certificates"]
    );
    // The setting of a guard has no peers to trust.
    let of_guard = "client_certificates = true\nclient_cert_header = \"Client-Cert\"\n";
    assert_eq!(settings(with(of_guard).expect_err("a mistake")), ["client_cert_header"]);
    let asked = format!("{of_guard}{issuer}[forward_auth]\ndialects = \"nginx\"\n");
    assert_eq!(settings(Config::parse(&asked, "auth.toml").expect_err("a mistake")), ["client_cert_header"]);
}

const PROXY: &str = "[reverse_proxy]\nupstream = \"http://127.0.0.1:8080\"\n";

/// The header and its format, as `[forward_auth]` of these dialects says it.
fn told(dialects: &str, table: &str) -> Option<(String, HeaderFormat)> {
    let config = read(&format!("[forward_auth]\ndialects = {dialects}\n{table}"));
    let header = config.certificate_header().cloned()?;
    Some((header.name().to_owned(), header.format()))
}

#[test]
fn no_header_is_read_until_it_is_named() {
    assert_eq!(told("\"nginx\"", ""), None);
    assert_eq!(read(PROXY).certificate_header(), None);
}

#[test]
fn the_format_is_that_of_the_dialect_unless_it_is_said() {
    for (dialects, format) in [
        ("\"nginx\"", HeaderFormat::EscapedPem),
        ("\"caddy\"", HeaderFormat::Rfc9440),
        ("\"haproxy\"", HeaderFormat::Rfc9440),
        ("\"traefik\"", HeaderFormat::Traefik),
        ("\"envoy\"", HeaderFormat::Xfcc),
        ("[\"envoy\", \"envoy-grpc\"]", HeaderFormat::Xfcc),
    ] {
        let found = told(dialects, "client_certificate = { header = \"X-Cert\" }\n");
        assert_eq!(found, Some(("x-cert".to_owned(), format)), "{dialects}");
    }
    for format in HeaderFormat::ALL {
        let table = format!("client_certificate = {{ header = \"X-Cert\", format = \"{format}\" }}\n");
        assert_eq!(told("[\"caddy\", \"nginx\"]", &table), Some(("x-cert".to_owned(), *format)));
    }
    let own = read(&format!("{PROXY}client_certificate = {{ header = \"Client-Cert\" }}\n"));
    assert_eq!(
        own.certificate_header().map(requires_auth::client_certificate::CertificateHeader::format),
        Some(HeaderFormat::Rfc9440)
    );
    let at = "forward_auth.client_certificate.format";
    let text =
        "[forward_auth]\ndialects = [\"caddy\", \"nginx\"]\nclient_certificate = { header = \"X-Cert\" }\n";
    refused(text, 2, at, "nothing");
}

#[test]
fn a_header_that_says_something_else_is_refused() {
    for name in [
        "Authorization",
        "Cookie",
        "DPoP",
        "Host",
        "Connection",
        "X-Request-Id",
        "X_Cert",
        "X.Cert",
        "",
        "a b",
    ] {
        let text =
            format!("[forward_auth]\ndialects = \"nginx\"\nclient_certificate = {{ header = \"{name}\" }}\n");
        refused(&text, 2, "forward_auth.client_certificate.header", &format!("`{name}`"));
    }
    let text = "[forward_auth]\ndialects = \"nginx\"\nclient_certificate = { header = \"X-Cert\", format = \"pem\" }\n";
    refused(text, 2, "forward_auth.client_certificate.format", "`pem`");
    let text = "[forward_auth]\ndialects = \"nginx\"\nclient_certificate = { format = \"xfcc\" }\n";
    refused(text, 2, "forward_auth.client_certificate.header", "nothing");
}

#[test]
fn those_who_may_tell_a_certificate_are_loopback_or_named() {
    let peers = |more: &str| {
        let config = read(&format!("{PROXY}client_certificate = {{ header = \"Client-Cert\" }}\n{more}"));
        config.reverse_proxy.expect("a reverse proxy").trusted_peers
    };
    assert_eq!(peers(""), Network::LOOPBACK);
    assert_eq!(peers("trusted_peers = \"10.0.0.0/8\"\n"), ["10.0.0.0/8".parse().expect("a network")]);
    assert_eq!(peers("trusted_peers = []\n"), []);
    let alone = format!("{PROXY}trusted_peers = \"10.0.0.0/8\"\n");
    refused(&alone, 0, "reverse_proxy.client_certificate", "nothing beside `trusted_peers`");
    let wrong =
        format!("{PROXY}client_certificate = {{ header = \"Client-Cert\" }}\ntrusted_peers = \"all\"\n");
    refused(&wrong, 3, "reverse_proxy.trusted_peers", "`all`");
}

#[test]
fn certificates_of_clients_lead_to_a_file_unless_any_is_taken() {
    let server = |more: &str| {
        format!(
            "[server]\nlisten = \"127.0.0.1:9180\"\ntls = {{ certificate = \"a.pem\", key = \"b.pem\"{more} }}\n"
        )
    };
    let wanted =
        |more: &str| read(&server(more)).server.expect("a server").tls.expect("TLS").client_certificates;
    let ca = || PathBuf::from("conf/ca.pem");
    assert_eq!(wanted(""), None);
    assert_eq!(wanted(", client_certificates = \"any\""), Some(ClientCertificates::Any));
    let with_ca = |kind| wanted(&format!(", client_certificates = \"{kind}\", client_ca = \"ca.pem\""));
    assert_eq!(with_ca("optional"), Some(ClientCertificates::Optional { ca: ca() }));
    assert_eq!(with_ca("required"), Some(ClientCertificates::Required { ca: ca() }));
    assert_eq!(with_ca("required").and_then(|own| own.ca().cloned()), Some(ca()));
    for (more, setting, found) in [
        (", client_certificates = \"optional\"", "client_ca", "nothing"),
        (", client_certificates = \"required\"", "client_ca", "nothing"),
        (
            ", client_certificates = \"any\", client_ca = \"c.pem\"",
            "client_certificates",
            "\"any\" beside `client_ca`",
        ),
        (", client_ca = \"c.pem\"", "client_certificates", "nothing beside `client_ca`"),
    ] {
        refused(&server(more), 2, &format!("server.tls.{setting}"), found);
    }
}
