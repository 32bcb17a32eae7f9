//! Rows U13 and U16: headers that repeat what the body says, and headers alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Post, call, message, read};
use crate::case::Finished;

pub fn cases() -> Vec<Finished> {
    let mut cases = beside_a_body();
    cases.extend(alone());
    cases
}

fn encoded(name: &str) -> String {
    format!("=?base64?{}?=", STANDARD.encode(name))
}

fn beside_a_body() -> Vec<Finished> {
    let post = |id, about: &str| Post::new(id, "U13", about).scope("read write coffee").call("create");
    let name = |id, about: &str, value: &str| post(id, about).header("Mcp-Name", value);
    vec![
        post("mcp-headers-agree", "both headers agree")
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Name", "create")
            .allow(),
        name("mcp-name-encoded", "a name that is encoded", &encoded("create")).allow(),
        name("mcp-name-encoded-not-ascii", "one that has to be", &encoded("caf\u{e9}"))
            .call("caf\u{e9}")
            .allow(),
        name("mcp-name-encoded-other", "another name, encoded", &encoded("list")).mismatch(),
        name("mcp-name-encoding-broken", "an encoding that is broken", "=?base64?Y3JlYXRl*?=").mismatch(),
        name("mcp-name-encoding-case", "its marks have a case", "=?BASE64?Y3JlYXRl?=").mismatch(),
        name("mcp-name-other", "another name", "list").mismatch(),
        name("mcp-name-other-case", "another case", "Create").mismatch(),
        post("mcp-name-raw", "a name that had to be encoded")
            .call("caf\u{e9}")
            .raw_header("Mcp-Name", "caf\u{e9}".as_bytes())
            .mismatch(),
        name("mcp-name-header-twice", "the same name twice", "create")
            .header("Mcp-Name", "create")
            .mismatch(),
        name("mcp-name-header-two", "two names", "create").header("mcp-name", "list").mismatch(),
        post("mcp-method-other", "another method").header("Mcp-Method", "tools/list").mismatch(),
        post("mcp-method-header-twice", "the method twice")
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Method", "tools/call")
            .mismatch(),
        post("mcp-uri-agrees", "a URI").text(read("orders://1")).header("Mcp-Name", "orders://1").allow(),
        post("mcp-uri-other", "another URI")
            .text(read("orders://1"))
            .header("Mcp-Name", "orders://2")
            .mismatch(),
        post("mcp-task", "a method that uses the header for something else")
            .text(message("tasks/get", &json!({ "taskId": "1" })))
            .header("Mcp-Method", "tasks/get")
            .header("Mcp-Name", "1")
            .allow(),
        post("mcp-response-method", "a response has no method")
            .text(r#"{"id":1,"result":{}}"#)
            .header("Mcp-Method", "tools/call")
            .mismatch(),
        post("mcp-list-header", "each message of a list has to agree")
            .text(format!("[{},{}]", call("create"), call("list")))
            .header("Mcp-Name", "create")
            .mismatch(),
    ]
}

fn alone() -> Vec<Finished> {
    let post = |id, about: &str| Post::new(id, "U16", about).scope("read write").hidden();
    let new = |id, about: &str| post(id, about).header("MCP-Protocol-Version", "2026-07-28");
    let call = |id, about: &str| new(id, about).header("Mcp-Method", "tools/call");
    let old = |id, version: &str| {
        let post =
            post(id, "a version whose servers need not compare").header("MCP-Protocol-Version", version);
        post.header("Mcp-Method", "tools/call").header("Mcp-Name", "create")
    };
    vec![
        call("mcp-alone", "a call that headers name").header("Mcp-Name", "create").allow(),
        call("mcp-alone-lacks", "a token without its scope")
            .header("Mcp-Name", "create")
            .scope("read")
            .lacks("read write"),
        call("mcp-alone-encoded", "a name that is encoded").header("Mcp-Name", &encoded("list")).allow(),
        call("mcp-alone-unknown", "a tool that is not named").header("Mcp-Name", "drop").unknown(),
        call("mcp-alone-no-name", "a call without a name").insufficient_headers(),
        call("mcp-alone-two-names", "two names")
            .header("Mcp-Name", "create")
            .header("Mcp-Name", "list")
            .insufficient_headers(),
        new("mcp-alone-other", "a method without a rule").header("Mcp-Method", "tools/list").allow(),
        new("mcp-alone-no-method", "no method").header("Mcp-Name", "create").insufficient_headers(),
        old("mcp-alone-old", "2025-11-25").insufficient_headers(),
        old("mcp-alone-no-date", "draft").insufficient_headers(),
        post("mcp-alone-no-version", "no version")
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Name", "create")
            .insufficient_headers(),
        post("mcp-alone-get", "a GET has no message").method("GET").allow(),
    ]
}
