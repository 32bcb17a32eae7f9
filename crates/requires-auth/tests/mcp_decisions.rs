//! What reaches logs and metrics of requests to an MCP server: one decision each, whether the token or a message settles it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use requires_auth::mcp::{Body, Scopes};
use requires_auth::{Denial, ErrorCode, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example";
const RESOURCE: &str = "https://api.example/mcp";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The events of decisions since the last time, without what is the same in all.
    fn taken(&self) -> Vec<Value> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].take());
        lines.filter(|fields| fields["message"] == "allowed" || fields["message"] == "refused").collect()
    }
}

/// As an adapter asks.
async fn ask(auth: &RequiresAuth, scopes: &Scopes, token: &str, body: &str) -> Result<(), Denial> {
    let headers =
        [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
    let request = Request::new("POST", "/mcp", &headers);
    let admission = auth.admit(&request, &Scopes::admission()).await?;
    auth.check_mcp(&request, admission.token().unwrap(), scopes, Body::Bytes(body.as_bytes()))
}

fn call(tool: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool } }).to_string()
}

/// One test, because recorder and subscriber are global.
#[tokio::test]
async fn each_request_is_one_decision_that_names_the_operation_where_no_rule_does() {
    let log = Log::default();
    let (writer, subscriber) = (log.clone(), tracing_subscriber::fmt().json());
    let subscriber = subscriber.with_max_level(tracing::Level::DEBUG).with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    recorder.install().unwrap();

    let key = SigningKey::generate(Algorithm::Es256);
    let auth = RequiresAuth::resource_builder(ISSUER, RESOURCE).with_jwks(jwk_set([&key]).to_string());
    let auth = auth.build().unwrap();
    let forge = Forge::new(ISSUER, RESOURCE, key);
    let scopes = Scopes::builder().tool("list", "").tool("create", "write").build().unwrap();
    let token = forge.token().scope("read").mint();

    ask(&auth, &scopes, &token, &call("list")).await.unwrap();
    let [allowed] = &log.taken()[..] else { panic!("one event") };
    assert_eq!((&allowed["message"], &allowed["path"]), (&"allowed".into(), &"/mcp".into()));
    assert_eq!(allowed["token"].as_str().map(str::len), Some(8));

    for (body, code, operation) in [
        (call("create"), ErrorCode::InsufficientScope, None),
        (call("craete"), ErrorCode::McpOperationUnknown, Some("tool craete")),
        (call("a\u{202e}b"), ErrorCode::McpOperationUnknown, Some("tool a\\u{202e}b")),
        ("{".to_owned(), ErrorCode::McpBodyNotJson, None),
    ] {
        let denial = ask(&auth, &scopes, &token, &body).await.unwrap_err();
        assert_eq!(denial.code(), code);
        let [refused] = &log.taken()[..] else { panic!("one event for {code}") };
        assert_eq!((&refused["message"], &refused["code"]), (&"refused".into(), &code.as_str().into()));
        assert_eq!(refused["operation"].as_str(), operation);
    }
    ask(&auth, &scopes, &token, &call(&"x".repeat(2_000))).await.unwrap_err();
    assert_eq!(log.taken()[0]["operation"].as_str().map(str::len), Some(512), "a long name is cut");
    // The token settles it, before a message is looked at.
    let expired = forge.token().issued_at(1_700_000_000).mint();
    ask(&auth, &scopes, &expired, &call("list")).await.unwrap_err();
    assert_eq!(log.taken().len(), 1);

    let mut counted = BTreeMap::new();
    for (key, _, _, value) in snapshots.snapshot().into_vec() {
        let outcome =
            key.key().labels().find(|label| label.key() == "outcome").map(|label| label.value().to_owned());
        if let (Some(outcome), DebugValue::Counter(count)) = (outcome, value) {
            *counted.entry(outcome).or_insert(0) += count;
        }
    }
    assert_eq!(counted, BTreeMap::from([("allowed".to_owned(), 1), ("refused".to_owned(), 6)]));
}
