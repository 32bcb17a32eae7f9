//! The page of `requires-auth inspect` and the live view of a gateway, as a browser and as a stranger ask for them.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;

use requires_auth_testkit::{Algorithm, Defect, ProofBuilder, SigningKey, TokenBuilder};
use serde_json::{Value, json};

use self::support::gateway::{AUDIENCE, ISSUER, Stage, exchange, get};
use self::support::{Server, run};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const POLICY: &str = "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";

/// A configuration with these lines in `[server]`.
fn configure(stage: &Stage, of_server: &str) {
    stage.write(&format!(
        "public_url = \"https://api.example.com\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{of_server}\n[forward_auth]\ndialects = [\"caddy\"]\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = [\"GET /orders\", \"GET /orders/{{id}}\"]\nscopes = [\"read:orders\"]\n\
         [[routes]]\nmatch = \"GET /health\"\npublic = true\n\
         [[routes]]\nmatch = \"GET /new\"\nenforce = \"shadow\"\nscopes = [\"new\"]\n"
    ));
}

fn token(stage: &Stage) -> TokenBuilder {
    stage.forge.token().subject("alice").scope("read:orders")
}

/// A page that is served, and how its own script asks.
struct Page {
    server: Server,
    host: String,
    path: String,
}

impl Page {
    fn start(args: &[&str]) -> Self {
        let server = Server::start(args);
        let url = server.address("url").trim_start_matches("http://").to_owned();
        let (host, path) = url.split_once('/').expect("a path");
        Self { host: host.to_owned(), path: format!("/{path}"), server }
    }

    /// Sends a request with these lines in its head, and this body.
    fn send(&self, line: &str, head: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let request =
            format!("{line} HTTP/1.1\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        exchange(&format!("http://{}", self.host), &request)
    }

    fn get(&self, name: &str) -> (u16, String) {
        self.send(&format!("GET {}{name}", self.path), &format!("Host: {}\r\n", self.host), "")
    }

    /// What the script of the page sends.
    fn ask(&self, name: &str, body: &str) -> (u16, String) {
        let head =
            format!("Host: {0}\r\nOrigin: http://{0}\r\nContent-Type: application/json\r\n", self.host);
        self.send(&format!("POST {}{name}", self.path), &head, body)
    }

    /// The answer about a token and its request.
    fn explain(&self, fields: &Value) -> Value {
        let (status, answer) = self.ask("explain", &fields.to_string());
        assert_eq!(status, 200, "{answer}");
        body(&answer)
    }
}

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn outcome<'v>(answer: &'v Value, check: &str) -> &'v str {
    let mut checks = answer["checks"].as_array().expect("checks").iter();
    let found = checks.find(|own| own["check"] == check).unwrap_or_else(|| panic!("{check} in {answer}"));
    found["outcome"].as_str().expect("a word")
}

#[test]
fn the_page_shows_what_the_gateway_would_say() {
    let stage = Stage::new("inspect-page");
    configure(&stage, "");
    let page = Page::start(&["inspect", stage.file().to_str().expect("UTF-8")]);
    let own = token(&stage).mint();

    let answer = page.explain(&json!({ "token": own, "method": "GET", "url": "/orders/7" }));
    assert_eq!(answer["verdict"], "allowed");
    assert_eq!((outcome(&answer, "signature"), outcome(&answer, "scope")), ("passed", "passed"));
    assert_eq!(answer["route"], "GET /orders");
    assert_eq!(
        answer["curl"],
        "curl -i -H \"Authorization: Bearer $TOKEN\" https://api.example.com/orders/7"
    );
    let told = answer["claims"].as_array().expect("claims");
    let end = told.iter().find(|own| own["name"] == "exp").expect("exp");
    assert!(end["relative"].as_str().is_some_and(|text| text.starts_with("in ")), "{end}");
    assert!(end["date"].as_str().is_some_and(|text| text.ends_with(" GMT")), "{end}");

    let expired = token(&stage).defect(Defect::Expired).mint();
    let answer = page.explain(&json!({ "token": expired, "url": "/orders" }));
    assert_eq!((answer["verdict"].as_str(), outcome(&answer, "exp")), (Some("refused"), "failed"));
    assert_eq!(outcome(&answer, "scope"), "not reached");
    assert_eq!((&answer["error"]["status"], &answer["error"]["reason"]), (&json!(401), &json!("expired")));
    assert!(answer["hint"].as_str().is_some_and(|hint| hint.contains("new token")), "{answer}");

    let weak = token(&stage).scope("other").mint();
    let answer = page.explain(&json!({ "token": weak, "url": "/orders" }));
    assert_eq!((outcome(&answer, "exp"), outcome(&answer, "scope")), ("passed", "failed"));
    // The same token is good where nothing is asked of it.
    assert_eq!(page.explain(&json!({ "token": weak }))["verdict"], "allowed");
    let answer = page.explain(&json!({ "token": weak, "url": "/new" }));
    assert_eq!(answer["verdict"], "refused");
    assert!(answer["notes"][0].as_str().is_some_and(|note| note.contains("shadow")), "{answer}");
    let answer = page.explain(&json!({ "token": "nothing", "url": "/health" }));
    assert_eq!((answer["verdict"].as_str(), outcome(&answer, "parts")), (Some("allowed"), "not reached"));
    let answer = page.explain(&json!({ "token": own, "url": "/elsewhere" }));
    assert_eq!(
        (answer["verdict"].as_str(), &answer["error"]["code"]),
        (Some("refused"), &json!("auth.no_route"))
    );

    assert_eq!(page.explain(&json!({ "token": own, "issuer": "main" }))["verdict"], "allowed");
    assert_eq!(page.ask("explain", &json!({ "token": own, "issuer": "other" }).to_string()).0, 400);
    let opaque = page.explain(&json!({ "token": "q1VlUGmLrWsb8Ce3ig4W9gq7Kp0t" }));
    assert_eq!((opaque["kind"].as_str(), opaque["verdict"].as_str()), (Some("opaque"), Some("refused")));
}

#[test]
fn the_ladder_is_that_of_explain() {
    let stage = Stage::new("inspect-explain");
    let keys = stage.folder.join("keys.json");
    let flags = ["--jwks", keys.to_str().expect("UTF-8"), "--issuer", ISSUER, "--audience", AUDIENCE];
    let page = Page::start(&[&["inspect"], &flags[..]].concat());
    for defect in Defect::ALL {
        let own = token(&stage).defect(defect).mint();
        let told = run(&[&["explain", "--output", "json"], &flags[..]].concat(), own.clone()).json();
        let answer = page.explain(&json!({ "token": own }));
        for member in ["ok", "error", "ignored", "checks"] {
            // Both look at the clock, one a moment after the other.
            let text = |value: &Value| value[member].to_string().replace(|c: char| c.is_ascii_digit(), "0");
            assert_eq!(text(&answer), text(&told), "{defect:?}");
        }
    }
}

#[test]
fn a_proof_and_a_certificate_come_with_a_token_and_nothing_is_used_up() {
    let stage = Stage::new("inspect-proof");
    stage.write(&format!(
        "public_url = \"https://api.example.com\"\ndpop = \"allowed\"\nclient_certificates = true\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = \"POST /orders\"\n"
    ));
    let page = Page::start(&["inspect", stage.file().to_str().expect("UTF-8")]);
    let keys = stage.folder.join("keys.json");
    let flags =
        ["inspect", "--jwks", keys.to_str().expect("UTF-8"), "--issuer", ISSUER, "--audience", AUDIENCE];
    let of_flags = Page::start(&flags);
    let client = SigningKey::generate(Algorithm::Es256);
    let own = token(&stage).bound_to(&client).mint();
    let url = "https://api.example.com/orders";
    let proof = |method: &str| ProofBuilder::new(&client, method, url).token(own.as_str()).mint();
    for page in [&page, &of_flags] {
        let ask = |fields: &Value| page.explain(fields);
        let good = json!({ "token": own, "method": "POST", "url": url, "proof": proof("POST") });
        // As often as one likes: whoever looks into a request does not send it.
        for _ in 0..2 {
            let answer = ask(&good);
            let signature = outcome(&answer, "dpop_signature");
            assert_eq!((answer["verdict"].as_str(), signature), (Some("allowed"), "passed"), "{answer}");
            let curl = answer["curl"].as_str().expect("a line");
            assert!(curl.contains("DPoP $TOKEN") && curl.contains("DPoP: $PROOF"), "{curl}");
        }
        let answer = ask(&json!({ "token": own, "method": "POST", "url": url, "proof": proof("GET") }));
        assert_eq!((answer["verdict"].as_str(), outcome(&answer, "dpop_htm")), (Some("refused"), "failed"));
        let answer = ask(&json!({ "token": own, "method": "POST", "url": url }));
        assert_eq!((answer["verdict"].as_str(), outcome(&answer, "cnf")), (Some("refused"), "failed"));
    }
    // Nobody knows which URL is meant.
    let fields = json!({ "token": own, "url": "/orders", "proof": proof("GET") });
    assert_eq!(of_flags.ask("explain", &fields.to_string()).0, 400);

    let certificate =
        |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate").cert;
    let (shown, other) = (certificate("client.example"), certificate("other.example"));
    let bound = stage.bound_token(shown.der());
    for (pem, verdict) in [(shown.pem(), "allowed"), (other.pem(), "refused"), (String::new(), "refused")] {
        let fields = json!({ "token": bound, "method": "POST", "url": "/orders", "certificate": pem });
        assert_eq!(page.explain(&fields)["verdict"], verdict);
    }
}

#[test]
fn a_token_stands_where_its_issuer_reads_it() {
    let stage = Stage::new("inspect-place");
    let issuer = |name: &str, url: &str, place: &str| {
        format!(
            "[issuers.{name}]\nissuer = \"{url}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
             token_from = [{place}]\n"
        )
    };
    let (one, other) = (
        issuer("main", ISSUER, "{ cookie = \"t\" }"),
        issuer("other", "https://other.example", "\"authorization\""),
    );
    stage.write(&format!("{one}{other}[[routes]]\nmatch = [\"GET /orders\", \"POST /orders\"]\n"));
    let page = Page::start(&["inspect", stage.file().to_str().expect("UTF-8")]);
    let own = token(&stage).mint();
    let answer = page.explain(&json!({ "token": own, "url": "/orders" }));
    assert_eq!(answer["verdict"], "allowed", "{answer}");
    assert_eq!(answer["curl"], "curl -i -H \"Cookie: t=$TOKEN\" \"$API\"/orders");
    let fields = json!({ "token": own, "method": "POST", "url": "/orders" });
    assert_eq!(page.explain(&fields)["verdict"], "allowed");
    // One that has to be of another issuer is refused, as on a route that names it.
    for (name, verdict) in [("main", "allowed"), ("other", "refused")] {
        let fields = json!({ "token": own, "url": "/orders", "issuer": name });
        assert_eq!(page.explain(&fields)["verdict"], verdict, "{name}");
    }
}

#[test]
fn without_an_issuer_a_token_is_shown_and_not_judged() {
    let stage = Stage::new("inspect-nothing");

    let page = Page::start(&["inspect", "--port", "0"]);
    let answer = page.explain(&json!({ "token": token(&stage).mint() }));
    assert_eq!(
        (answer["verdict"].as_str(), outcome(&answer, "signature")),
        (Some("not judged"), "not reached")
    );
    assert_eq!(answer["kind"], "jwt");
}

#[test]
fn whoever_does_not_come_from_the_page_gets_nothing() {
    let stage = Stage::new("inspect-stranger");
    configure(&stage, "");
    let page = Page::start(&["inspect", stage.file().to_str().expect("UTF-8")]);
    let (host, path) = (&page.host, &page.path);
    let (status, answer) = page.get("");
    assert!(status == 200 && answer.contains("<h1>Token inspector</h1>"), "{answer}");
    for line in [
        POLICY,
        "referrer-policy: no-referrer\r\n",
        "cache-control: no-store\r\n",
        "x-content-type-options: nosniff\r\n",
        "x-frame-options: DENY\r\n",
    ] {
        assert!(answer.contains(line), "{line} in {answer}");
        // Refusals, too.
        assert!(page.ask("nothing", "{}").1.contains(line), "{line}");
    }
    let fields = json!({ "token": "a" }).to_string();
    let json = "Content-Type: application/json\r\n";
    let own = format!("Host: {host}\r\nOrigin: http://{host}\r\n");
    for (line, head, expected) in [
        (format!("POST {path}explain"), format!("Host: {host}\r\n{json}"), 403),
        (
            format!("POST {path}explain"),
            format!("Host: {host}\r\nOrigin: http://evil.example\r\n{json}"),
            403,
        ),
        (
            format!("POST {path}explain"),
            format!("Host: evil.example\r\nOrigin: http://{host}\r\n{json}"),
            403,
        ),
        (format!("POST {path}explain"), format!("{own}Sec-Fetch-Site: cross-site\r\n{json}"), 403),
        (format!("POST {path}explain"), own.clone(), 415),
        (format!("GET {path}explain"), own.clone(), 405),
        (format!("GET {path}choices"), own.clone(), 405),
        ("POST /explain".to_owned(), format!("{own}{json}"), 404),
        ("POST /AAAAAAAAAAAAAAAAAAAAAA/explain".to_owned(), format!("{own}{json}"), 404),
        ("GET /".to_owned(), format!("Host: {host}\r\n"), 404),
        (format!("GET {path}?token=a"), format!("Host: {host}\r\n"), 404),
        (format!("GET {path}"), "Host: localhost\r\n".to_owned(), 403),
        (format!("POST {path}explain"), format!("{own}{json}"), 200),
    ] {
        let (status, answer) = page.send(&line, &head, &fields);
        assert_eq!(status, expected, "{line}\n{head}\n{answer}");
    }
    // Whoever has forwarded another port is told which one it is.
    let (_, answer) = page.send(&format!("GET {path}"), "Host: localhost:8080\r\n", "");
    assert!(answer.contains(&format!("open http://{host}/... as it was printed")), "{answer}");
    assert!(!answer.contains(path.trim_matches('/')), "{answer}");
    // Nobody else on the network reaches it.
    assert!(host.starts_with("127.0.0.1:"), "{host}");
    assert!(page.get("shared.js").1.contains("content-type: text/javascript"));
}

#[test]
fn a_body_has_a_limit() {
    let stage = Stage::new("inspect-limit");
    configure(&stage, "");
    let page = Page::start(&["inspect", stage.file().to_str().expect("UTF-8")]);
    let fields = |length: usize| json!({ "token": "a".repeat(length) }).to_string();
    assert_eq!(page.ask("explain", &fields(100 * 1024)).0, 200);
    assert_eq!(page.ask("explain", &fields(128 * 1024)).0, 413);
    let head = format!("Host: {0}\r\nOrigin: http://{0}\r\nContent-Type: application/json\r\n", page.host);
    let chunk = "a".repeat(0x8000);
    let body = format!("8000\r\n{chunk}\r\n").repeat(5);
    let request = format!(
        "POST {}explain HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{body}0\r\n\r\n",
        page.path
    );
    assert_eq!(exchange(&format!("http://{}", page.host), &request).0, 413);
}

#[test]
fn nothing_of_a_token_is_logged_or_told_back() {
    let stage = Stage::new("inspect-secret");
    configure(&stage, "");
    let mut page = Page::start(&["inspect", "-vv", stage.file().to_str().expect("UTF-8")]);
    let own = token(&stage).claim("email", "s3cr3t@example.com").mint();
    let signature = own.rsplit('.').next().expect("a signature").to_owned();
    let answers = [
        page.ask("explain", &json!({ "token": own, "url": "/orders" }).to_string()).1,
        page.ask("explain", &json!({ "token": token(&stage).defect(Defect::Expired).mint() }).to_string()).1,
        page.ask("explain", &json!({ "token": own, "proof": own, "url": "/orders" }).to_string()).1,
    ];
    let errors = [
        page.ask("explain", &json!({ "tokne": own }).to_string()).1,
        page.ask("explain", &json!({ own.as_str(): "a" }).to_string()).1,
        page.ask("explain", &json!([own]).to_string()).1,
        page.ask("explain", &format!("{{\"token\": \"{own}")).1,
        page.ask("explain", &json!({ "token": "a", "url": own }).to_string()).1,
        page.ask("explain", &json!({ "token": "a", "method": format!("{own} a") }).to_string()).1,
        page.ask("explain", &json!({ "token": "a", "certificate": own }).to_string()).1,
        page.get(&own).1,
    ];
    page.server.signal("TERM");
    let log = page.server.stderr();
    for answer in answers.iter().chain(&errors).chain([&log]) {
        assert!(!answer.contains(&own) && !answer.contains(&signature), "{answer}");
    }
    for answer in errors.iter().chain([&log]) {
        assert!(!answer.contains("s3cr3t") && !answer.contains(&own[..40]), "{answer}");
    }
    for error in &errors[..7] {
        assert!(error.starts_with("HTTP/1.1 400 ") && error.contains("\"error\""), "{error}");
    }
}

/// A gateway with its admin listener, and some decisions.
fn decided(name: &str, of_server: &str) -> (Stage, Server) {
    let stage = Stage::new(name);
    fs::write(stage.folder.join("admin-token"), format!("{SECRET}\n")).expect("a file");
    configure(&stage, of_server);
    let server = stage.start();
    let ask = |path: &str, token: Option<&str>| {
        let authorization =
            token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let question = format!(
            "GET /forward-auth/caddy HTTP/1.1\r\nHost: gateway\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: {path}\r\n\
             {authorization}Connection: close\r\n\r\n"
        );
        exchange(server.address("listen"), &question).0
    };
    let own = token(&stage).mint();
    assert_eq!([ask("/orders", Some(&own)), ask("/orders/s3cr3t", Some(&own))], [200, 200]);
    assert_eq!(ask("/orders/s3cr3t?a=s3cr3t", Some(&token(&stage).defect(Defect::Expired).mint())), 401);
    assert_eq!(ask("/orders", None), 401);
    assert_eq!(ask("/s3cr3t", Some(&own)), 403);
    assert_eq!(ask("/new", Some(&own)), 200);
    (stage, server)
}

/// What the page of the live view sends, with these lines in the head.
fn state(server: &Server, line: &str, head: &str) -> (u16, String) {
    let request =
        format!("{line} HTTP/1.1\r\nHost: gateway\r\n{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
    exchange(server.address("admin"), &request)
}

#[test]
fn an_operator_sees_what_is_decided() {
    let (_stage, server) = decided("inspect-live", "admin_token = { file = \"admin-token\" }");
    let (status, answer) = get(server.address("admin"), "/live");
    assert!(status == 200 && answer.contains(POLICY) && answer.contains("Gateway, live"), "{answer}");
    for name in ["style.css", "shared.js", "live.js"] {
        assert_eq!(get(server.address("admin"), &format!("/live/{name}")).0, 200, "{name}");
    }
    let own = format!("Authorization: Bearer {SECRET}\r\n");
    let (status, answer) = state(&server, "POST /live/state", &own);
    assert_eq!(status, 200, "{answer}");
    // Only names of the configuration, codes, counts and times.
    assert!(!answer.contains("s3cr3t") && !answer.contains("alice") && !answer.contains(SECRET), "{answer}");
    let told = body(&answer);
    let total = |route: &str, outcome: &str| -> u64 {
        let rows = told["decisions"].as_array().expect("rows").iter();
        let own = rows.filter(|row| row["route"] == route && row["outcome"] == outcome);
        own.filter_map(|row| row["total"].as_u64()).sum()
    };
    assert_eq!((total("GET /orders", "allowed"), total("GET /orders", "refused")), (2, 2));
    assert_eq!((total("", "refused"), total("GET /new", "shadow")), (1, 1));
    let refusals: Vec<_> = told["refusals"].as_array().expect("refusals").iter().collect();
    let short = |own: &Value| {
        let text = |name: &str| own[name].as_str().unwrap_or("-").to_owned();
        (text("route"), own["status"].as_u64().unwrap_or_default(), text("code"), text("reason"))
    };
    let refusals: Vec<_> = refusals.into_iter().map(short).collect();
    let row =
        |route: &str, status, code: &str, reason: &str| (route.into(), status, code.into(), reason.into());
    assert_eq!(
        refusals,
        [
            row("GET /new", 403, "insufficient_scope", "-"),
            row("", 403, "auth.no_route", "-"),
            row("GET /orders", 401, "auth.authorization_header_missing", "-"),
            row("GET /orders", 401, "invalid_token", "expired"),
        ]
    );
    assert_eq!(
        (&told["issuers"][0]["issuer"], &told["issuers"][0]["state"]),
        (&json!(ISSUER), &json!("fresh"))
    );
    assert_eq!((&told["issuers"][0]["keys"], &told["issuers"][0]["source"]), (&json!(1), &json!("static")));
    assert_eq!((&told["ready"], &told["timed"]["count"]), (&json!(true), &json!(6)));
}

#[test]
fn a_stranger_sees_nothing_of_it() {
    let (stage, mut server) = decided("inspect-live-stranger", "admin_token = { file = \"admin-token\" }");
    let bearer = |secret: &str| format!("Authorization: Bearer {secret}\r\n");
    for (line, head, expected) in [
        ("POST /live/state", String::new(), 401),
        ("POST /live/state", bearer("0123456789abcdef0123456789abcdeg"), 401),
        ("POST /live/state", bearer(SECRET).repeat(2), 401),
        ("POST /live/state", format!("{}Sec-Fetch-Site: cross-site\r\n", bearer(SECRET)), 403),
        ("GET /live/state", bearer(SECRET), 405),
        ("POST /live", bearer(SECRET), 405),
        ("POST /live/state", bearer(&token(&stage).scope("revoke:tokens").mint()), 401),
    ] {
        let (status, answer) = state(&server, line, &head);
        assert!(status == expected && !answer.contains("GET /orders"), "{line} {head}: {answer}");
    }
    // Never where requests come in.
    assert_eq!(get(server.address("listen"), "/live").0, 404);
    server.signal("TERM");
    let log = server.stderr();
    assert!(
        log.contains("a request for the live view is not an operator's") && !log.contains(SECRET),
        "{log}"
    );
}

#[test]
fn without_a_secret_there_is_no_live_view() {
    for (name, of_server) in [("none", ""), ("scopes", "admin_scopes = [\"revoke:tokens\"]")] {
        let (stage, server) = decided(&format!("inspect-live-{name}"), of_server);
        for path in ["/live", "/live/live.js", "/live/style.css"] {
            assert_eq!(get(server.address("admin"), path).0, 404, "{path}");
        }
        let scoped = format!("Authorization: Bearer {}\r\n", token(&stage).scope("revoke:tokens").mint());
        for head in ["", &scoped, &format!("Authorization: Bearer {SECRET}\r\n")] {
            // As any other page that is not there.
            assert_eq!(state(&server, "GET /live/state", head).0, 404);
            assert_eq!(state(&server, "POST /live/state", head).0, 405);
        }
    }
}
