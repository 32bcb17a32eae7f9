//! `serve` as a reverse proxy in front of an application that is not to see tokens, wherever they stand.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::io::{Read as _, Write as _};

use self::support::application::Received;
use self::support::gateway::{AUDIENCE, ISSUER, Proxy, Stage, ask, connect, read_until, status};
use self::support::run;

const PLACES: &str = r#"
token_from = ["authorization", { header = "X-Token" }, { cookie = "token" }, { subprotocol = { after = "bearer" } }]
leeway = 0
"#;

impl Proxy {
    fn new(name: &str, settings: &str) -> Self {
        Self::with(name, &format!("{PLACES}{settings}"), "")
    }

    /// With these settings of the guard, and of the reverse proxy.
    fn with(name: &str, settings: &str, of_proxy: &str) -> Self {
        Self::start(name, |stage, upstream| {
            stage.write(&format!(
                "{settings}[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
                 public_url = \"https://api.example\"\n[reverse_proxy]\nupstream = \"{upstream}\"\n{of_proxy}\
                 [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
                 [[routes]]\nmatch = [\"GET /*\", \"POST /*\"]\n"
            ));
        })
    }

    fn ask(&self, request: &str, headers: &str) -> (u16, String, Option<Received>) {
        let head = format!("{request} HTTP/1.1\r\nHost: a\r\n{headers}");
        let (status, answer) = ask(self.address(), &head);
        (status, answer, self.application.received().pop())
    }
}

#[test]
fn a_token_is_taken_away_where_it_was_read() {
    let proxy = Proxy::new("places", "");
    let token = proxy.stage.token("x");
    let (code, answer, received) = proxy.ask("GET /a", &format!("X-Token: {token}\r\nX_Token: {token}\r\n"));
    assert_eq!(code, 200, "{answer}");
    let head = received.expect("it may pass").head;
    assert!(!head.contains(&token), "{head}");
    assert!(answer.contains("cache-control: private"), "{answer}");

    let cookies = format!("Cookie: a=1; token={token}; b=2\r\n");
    let (code, _, received) = proxy.ask("GET /a", &cookies);
    assert_eq!(code, 200);
    assert_eq!(received.expect("it may pass").all("cookie"), ["a=1; b=2"]);
    let (code, answer, received) = proxy.ask("POST /a", &format!("{cookies}Content-Length: 0\r\n"));
    assert_eq!((code, received.is_none()), (403, true), "{answer}");
    assert!(answer.contains("auth.cross_site"), "{answer}");
    // The origin of `server.public_url` may use cookies.
    let own = format!("{cookies}Origin: https://api.example\r\nContent-Length: 0\r\n");
    assert_eq!(proxy.ask("POST /a", &own).0, 200);

    // A token in Authorization needs no header for caches.
    let (code, answer, _) = proxy.ask("GET /a", &format!("Authorization: Bearer {token}\r\n"));
    assert_eq!(code, 200);
    assert!(!answer.contains("cache-control"), "{answer}");
}

#[test]
fn an_application_that_gets_the_token_gets_it_under_its_name_alone() {
    let proxy = Proxy::with("pass", PLACES, "pass_token = true\n");
    let token = proxy.stage.token("x");
    // An application that reads names as CGI does would take either for the token that was judged.
    let spellings = format!("X-Token: {token}\r\nX_Token: a.b.c\r\nX.Token: a.b.c\r\n");
    let (code, answer, received) = proxy.ask("GET /a", &spellings);
    assert_eq!(code, 200, "{answer}");
    let received = received.expect("it may pass");
    assert_eq!(received.all("x-token"), [token]);
    assert!(!received.head.contains("a.b.c"), "{}", received.head);
}

#[test]
fn an_authorization_header_that_nobody_reads_is_not_passed_on_as_a_token() {
    let settings = "token_from = [{ cookie = \"token\" }]\n";
    let proxy = Proxy::with("pass-cookie", settings, "pass_token = true\n");
    let token = proxy.stage.token("x");
    let headers = format!("Cookie: token={token}\r\nAuthorization: Bearer a.b.c\r\n");
    let (code, answer, received) = proxy.ask("GET /a", &headers);
    assert_eq!(code, 200, "{answer}");
    let received = received.expect("it may pass");
    assert_eq!(received.all("cookie"), [format!("token={token}")]);
    assert!(!received.head.contains("a.b.c"), "{}", received.head);
}

fn handshake(headers: &str) -> String {
    format!(
        "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\
         {headers}\r\n"
    )
}

#[test]
fn the_subprotocol_that_announces_a_token_is_answered() {
    let proxy = Proxy::new("subprotocol", "");
    let token = proxy.stage.token("x");
    for (offered, passed) in
        [(format!("bearer, {token}"), vec![]), (format!("chat, bearer, {token}"), vec!["chat"])]
    {
        let mut stream = connect(proxy.address());
        let asked = handshake(&format!("Sec-WebSocket-Protocol: {offered}\r\n"));
        stream.write_all(asked.as_bytes()).expect("it reads");
        let answer = read_until(&mut stream, "\r\n\r\n");
        assert_eq!(status(&answer), 101, "{answer}");
        assert!(answer.contains("sec-websocket-protocol: bearer\r\n"), "{answer}");
        assert_eq!(proxy.application.received()[0].all("sec-websocket-protocol"), passed);
    }
}

#[test]
fn a_websocket_ends_with_its_token() {
    let lives = |name, settings| {
        let proxy = Proxy::new(name, settings);
        let token = proxy.stage.forge.token().lifetime(2).mint();
        let mut stream = connect(proxy.address());
        let asked = handshake(&format!("Authorization: Bearer {token}\r\n"));
        stream.write_all(asked.as_bytes()).expect("it reads");
        assert_eq!(status(&read_until(&mut stream, "\r\n\r\n")), 101);
        (proxy, stream)
    };
    let (_proxy, mut stream) = lives("expiry", "");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("an end");
    assert_eq!(rest, [&[0x88, 23, 0x03, 0xf0][..], b"the token has expired"].concat());

    let (_proxy, mut stream) = lives("no-expiry", "close_on_expiry = false\n");
    std::thread::sleep(std::time::Duration::from_secs(3));
    stream.write_all(b"\x81\x00").expect("it reads");
    stream.read_exact(&mut [0; 2]).expect("an echo");
}

#[test]
fn check_tells_where_the_tokens_of_a_provider_are_not_read() {
    let stage = Stage::new("unread");
    let check = |token_from: &str| {
        stage.write(&format!(
            "{token_from}[issuers.access]\nissuer = \"acme\"\nprovider = \"cloudflare_access\"\naudience = \"a\"\n"
        ));
        let run = run(&["check", stage.file().to_str().expect("UTF-8")], "");
        assert_eq!(run.code(), 0, "{run:?}");
        format!("{}{}", run.stdout(), run.stderr()).contains(
            "issuers.access: tokens of Cloudflare Access come in `header=Cf-Access-Jwt-Assertion`, which is not read",
        )
    };
    assert!(check("token_from = [\"authorization\"]\n"));
    assert!(!check(""));
    assert!(!check("token_from = [\"authorization\", { header = \"Cf-Access-Jwt-Assertion\" }]\n"));
}
