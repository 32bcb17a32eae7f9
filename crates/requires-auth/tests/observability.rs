//! What reaches logs and metrics: decisions with code and reason, and nothing of a token.
#![cfg(feature = "metrics")]

mod support;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use requires_auth::fetch::FetchError;
use requires_auth::{Policy, Request};
use requires_auth_testkit::{Defect, Forge, SigningKey};
use support::{AUDIENCE, Answer, ManualClock, MemoryIssuer};
use tracing_subscriber::fmt::MakeWriter;

const ISSUER: &str = "https://issuer.example/oidc";

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("log").clone()).expect("UTF-8")
    }
}

/// One test, because recorder and subscriber are global.
#[tokio::test(start_paused = true)]
async fn decisions_are_counted_and_logged_without_the_token() {
    let log = Captured::default();
    let subscriber =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).expect("the first subscriber");
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    recorder.install().expect("the first recorder");

    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let forge = Forge::new(ISSUER, AUDIENCE, issuer.current_key());
    let token = || {
        forge.token().issued_at(clock.unix()).subject("alice-the-subject").client_id("the-client").scope("a")
    };
    let mut tokens = vec![token().mint()];
    tokens.extend(Defect::ALL.iter().map(|&defect| token().defect(defect).mint()));
    tokens.push(
        token()
            .key(&SigningKey::generate(requires_auth_testkit::Algorithm::Es256).with_kid("kid-of-a-stranger"))
            .mint(),
    );
    let authorize = async |token: &str, scope: &str| {
        let headers = [("authorization", format!("Bearer {token}")), ("x-request-id", "req-42".to_owned())];
        let request = Request::new("GET", "/orders?secret=query-value", &headers);
        guard.authorize(&request, &Policy::all_of([scope])).await.is_ok()
    };
    // An outage first: it has its own result, and a line that names the issuer and says what to do.
    issuer.always(Some(Answer::Fail(FetchError::TooLarge)));
    assert!(!authorize(&tokens[0], "a").await);
    issuer.always(None);
    clock.advance(1);
    assert!(authorize(&tokens[0], "a").await);
    assert!(authorize(&tokens[0], "a").await, "from memory");
    assert!(!authorize(&tokens[0], "b").await);
    for token in &tokens[1..] {
        assert!(!authorize(token, "a").await);
    }

    // A later outage: the keys at hand still serve.
    clock.advance(30);
    issuer.always(Some(Answer::Fail(FetchError::Connect("refused".to_owned()))));
    let newer = SigningKey::generate(requires_auth_testkit::Algorithm::Es256).with_kid("kid-of-a-stranger");
    tokens.push(token().key(&newer).mint());
    assert!(!authorize(tokens.last().expect("a token"), "a").await);

    let log = log.text();
    for token in &tokens {
        let parts = token.split('.').filter(|part| part.len() > 20);
        for part in parts {
            assert!(!log.contains(&part[..20]), "a part of a token is in the log");
        }
    }
    for secret in ["alice-the-subject", "the-client", "kid-of-a-stranger", "query-value"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let refusal = |reason: &str| {
        let found = lines.iter().find(|line| line["fields"]["reason"] == reason);
        found.unwrap_or_else(|| panic!("no line for {reason}")).clone()
    };
    assert_eq!(refusal("expired")["level"], "INFO");
    assert_eq!(refusal("signature_mismatch")["level"], "WARN");
    let fields = refusal("signature_mismatch")["fields"].clone();
    assert_eq!(
        (&fields["issuer"], &fields["path"], &fields["request_id"]),
        (&ISSUER.into(), &"/orders".into(), &"req-42".into())
    );
    assert_eq!(fields["token"].as_str().map(str::len), Some(8), "8 hex digits of the SHA-256");
    let allowed = lines.iter().filter(|line| line["fields"]["message"] == "allowed").count();
    let refused = lines.iter().filter(|line| line["fields"]["message"] == "refused").count();
    assert_eq!((allowed, refused), (2, 1 + tokens.len()), "each decision is logged once");
    assert_outages_are_told(&lines);

    let mut counters = BTreeMap::new();
    for (key, _, _, value) in snapshots.snapshot().into_vec() {
        let labels: Vec<_> =
            key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        if let DebugValue::Counter(count) = value {
            *counters.entry(format!("{} {}", key.key().name(), labels.join(" "))).or_insert(0) += count;
        }
    }
    let count = |name: &str| counters.get(name).copied().unwrap_or_default();
    let decision = |outcome: &str, code: &str, reason: &str| {
        count(&format!(
            "requires_auth_decisions_total issuer={ISSUER} outcome={outcome} code={code} reason={reason}"
        ))
    };
    assert_eq!(decision("allowed", "", ""), 2);
    assert_eq!(decision("refused", "insufficient_scope", ""), 1);
    assert_eq!(decision("refused", "invalid_token", "expired"), 1);
    assert_eq!(
        count(&format!("requires_auth_key_fetch_total issuer={ISSUER} result=ok")),
        4,
        "cold, and in doubt two about signatures and one about a kid"
    );
    assert_eq!(count(&format!("requires_auth_key_fetch_total issuer={ISSUER} result=too_large")), 1);
    assert_eq!(
        decision("refused", "auth.issuer_unavailable", ""),
        2,
        "without keys, and when nobody can tell"
    );
    assert_eq!(count("requires_auth_token_cache_hits_total "), 2);
    assert!(count("requires_auth_token_cache_misses_total ") > 10);
}

/// A failed fetch says which URL failed, whether requests still pass and until when, and what to set.
fn assert_outages_are_told(lines: &[serde_json::Value]) {
    let outage =
        lines.iter().find(|line| line["fields"]["result"] == "too_large").expect("a line for the outage");
    assert_eq!((&outage["level"], &outage["fields"]["issuer"]), (&"WARN".into(), &ISSUER.into()));
    let has = |line: &serde_json::Value, field: &str, part: &str| {
        assert!(line["fields"][field].as_str().is_some_and(|text| text.contains(part)), "{field}: {line}");
    };
    has(outage, "hint", "issuer");
    has(outage, "url", "https://issuer.example/oidc/.well-known/openid-configuration");
    has(outage, "message", "every token gets a 503");
    has(outage, "message", "state_file");
    let later = lines
        .iter()
        .find(|line| line["fields"]["result"] == "connect")
        .expect("a line for the second outage");
    has(later, "url", "https://issuer.example/oidc/jwks");
    has(later, "hint", "jwks_uri");
    has(later, "message", "still pass");
    // Fetched a second after the start of the clock, good for 10 minutes and an hour.
    has(later, "served_until", "2027-01-15T09:10:01Z");
}
