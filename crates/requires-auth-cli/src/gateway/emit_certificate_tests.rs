//! The proxies' side of client certificates, as it is printed.

use std::path::Path;

use super::config::Config;
use super::dialect::{self, Part, Wanted};
use super::emit::emit;

const GATEWAY: &str = "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"https://api.example.com\"\n\
                       [server]\nlisten = \"127.0.0.1:9180\"\n\
                       [forward_auth]\ndialects = [\"caddy\", \"envoy\", \"envoy-grpc\", \"haproxy\", \"nginx\", \"traefik\"]\n";

fn print(name: &str, certificate: &str, part: Option<Part>) -> Result<String, String> {
    let switch = if certificate.is_empty() { "" } else { "client_certificates = true\n" };
    let text = format!("{switch}{GATEWAY}{certificate}");
    let config = Config::parse(&text, "/etc/auth.toml").expect("no mistakes");
    let wanted = Wanted { part, ..Wanted::default() };
    let dialect = dialect::named(name).expect(name);
    emit(dialect, &config, Path::new("auth.toml"), &wanted).map_err(|failure| failure.to_string())
}

fn told(header: &str, format: &str) -> String {
    format!("client_certificate = {{ header = \"{header}\", format = \"{format}\" }}\n")
}

/// Each proxy with its header, the format, and what it says of them.
const PROXIES: [(&str, &str, &str, &[&str]); 6] = [
    (
        "caddy",
        "Client-Cert",
        "rfc9440",
        &[
            ":443 {\n    tls {",
            "mode request",
            "        request_header Client-Cert \":{http.request.tls.client.certificate_der_base64}:\"\n",
            "        request_header @bare -Client-Cert\n",
            "header_up -Client-Cert\n",
        ],
    ),
    ("envoy", "x-forwarded-client-cert", "xfcc", &ENVOY),
    ("envoy-grpc", "X-Forwarded-Client-Cert", "xfcc", ENVOY.split_at(3).0),
    (
        "haproxy",
        "Client-Cert",
        "rfc9440",
        &[
            "bind :443 ssl crt ",
            "verify optional",
            "del-header Client-Cert\n    http-request set-header Client-Cert :%[ssl_c_der,base64]: if { ssl_c_used }\n",
            "# The certificate of the client is for the gateway alone.\n    http-request del-header Client-Cert\n",
        ],
    ),
    (
        "nginx",
        "X-SSL-Client-Cert",
        "escaped-pem",
        &[
            "listen 443 ssl;",
            "ssl_verify_client optional_no_ca;",
            "proxy_set_header X-Ssl-Client-Cert $ssl_client_escaped_cert;",
            "proxy_set_header X-Ssl-Client-Cert \"\";",
        ],
    ),
    (
        "traefik",
        "X-Forwarded-Tls-Client-Cert",
        "traefik",
        &[
            "passTLSClientCert:\n        pem: true",
            "- requires-auth-forged\n        - requires-auth-certificate\n        - requires-auth\n        - requires-auth-clear\n",
            "clientAuthType: RequestClientCert",
            "X-Forwarded-Tls-Client-Cert: \"\"",
        ],
    ),
];

const ENVOY: [&str; 4] = [
    "forward_client_cert_details: SANITIZE_SET",
    "trust_chain_verification: ACCEPT_UNTRUSTED",
    "port_value: 8443",
    "x[-_.]forwarded[-_.]client[-_.]cert",
];

#[test]
fn each_proxy_tells_the_certificate_and_keeps_it_from_the_application() {
    for (name, header, format, said) in PROXIES {
        let (with, without) = (print(name, &told(header, format), None), print(name, "", None));
        let (with, without) = (with.expect(name), without.expect(name));
        for text in said {
            assert!(with.contains(text), "{name}: {text}\n{with}");
            assert!(!without.contains(text), "{name}: {text}");
        }
        assert!(!without.to_ascii_lowercase().contains(&header.to_ascii_lowercase()), "{name}");
    }
}

#[test]
fn both_questions_of_nginx_tell_it() {
    let certificate = told("X-SSL-Client-Cert", "escaped-pem");
    let part = |part| print("nginx", &certificate, Some(part)).expect("a part");
    let (server, location) = (part(Part::Server), part(Part::Location));
    assert_eq!(server.matches("X-Ssl-Client-Cert $ssl_client_escaped_cert;").count(), 2);
    assert!(server.contains("ssl_verify_client optional_no_ca;"));
    // A location without its part would pass on what the client has sent.
    assert!(server.contains("if ($http_x_ssl_client_cert) { return 400; }"));
    assert!(location.contains("proxy_set_header X-Ssl-Client-Cert \"\";"));
    assert!(!part(Part::Http).contains("Client-Cert"));
}

#[test]
fn over_grpc_envoy_tells_it_beside_the_headers() {
    let printed = |name| print(name, "# no header\n", None).expect(name);
    let grpc = printed("envoy-grpc");
    for text in ["include_peer_certificate: true\n", ENVOY[1], ENVOY[2]] {
        assert!(grpc.contains(text), "{text}\n{grpc}");
    }
    assert!(!grpc.contains(ENVOY[0]) && !grpc.contains("<beside>"));
    for name in ["caddy", "envoy", "haproxy", "nginx", "traefik"] {
        assert_eq!(printed(name), print(name, "", None).expect(name), "{name} has no other place");
    }
    let by_header = print("envoy-grpc", &told("X-Forwarded-Client-Cert", "xfcc"), None).expect("a text");
    assert!(!by_header.contains("include_peer_certificate") && !by_header.contains("<beside>"));
}

#[test]
fn what_a_proxy_does_not_write_is_refused() {
    for (name, header, format, _) in PROXIES {
        for (_, other, another, _) in PROXIES.iter().filter(|(.., another, _)| *another != format) {
            let failure = print(name, &told(other, another), None).expect_err(name);
            assert!(failure.contains(&format!("does not write {another}")), "{failure}");
        }
        // Some choose the name themselves.
        let renamed = print(name, &told("X-Other", format), None);
        let is_free = ["caddy", "haproxy", "nginx"].contains(&name);
        assert_eq!(renamed.is_ok(), is_free, "{name} {header}");
    }
}
