//! Rows U01 to U06 and U13 to U15: what an operation needs, and what its challenge says.

use serde_json::json;

use super::{Post, call, message, read};
use crate::answers;
use crate::case::Finished;
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = tools();
    cases.extend(prompts_and_resources());
    cases.extend(others());
    cases.extend(tokens());
    cases.extend(challenges());
    cases
}

fn tools() -> Vec<Finished> {
    let post = Post::new;
    vec![
        post("mcp-tool-base", "U01", "a tool that needs no more than the base").call("list").allow(),
        post("mcp-tool", "U01", "a tool with a scope of its own").scope("read write").call("create").allow(),
        post("mcp-tool-lacks", "U01", "a token without the scope of the tool")
            .call("create")
            .lacks("read write"),
        post("mcp-tool-not-ascii", "U01", "a name that is not ASCII")
            .scope("read coffee")
            .call("caf\u{e9}")
            .allow(),
        post("mcp-tool-not-ascii-lacks", "U01", "the same without its scope")
            .call("caf\u{e9}")
            .lacks("read coffee"),
        post("mcp-tool-escaped", "U01", "a name that is written with escapes")
            .text(call("create").replace("create", "cr\\u0065ate"))
            .lacks("read write"),
        post("mcp-tool-unknown", "U02", "a tool that is not named")
            .scope("read write")
            .call("drop")
            .unknown(),
        post("mcp-tool-case", "U02", "the case of a name counts")
            .scope("read write")
            .call("Create")
            .unknown(),
        post("mcp-tool-space", "U02", "a space behind the name")
            .scope("read write")
            .call("create ")
            .unknown(),
        post("mcp-tool-empty", "U02", "an empty name").scope("read write").call("").unknown(),
        post("mcp-tool-hashed", "U02", "a name that reaches a tool of FastMCP past its listed one")
            .scope("read write")
            .call("__0123456789ab_create")
            .unknown(),
        post("mcp-star", "U02", "a star covers what is not named").open().call("drop").allow(),
        post("mcp-star-named", "U02", "and not what is").open().call("create").lacks("read write"),
        post("mcp-star-hashed", "U02", "nor a name that reaches it past its listed one")
            .open()
            .call("__0123456789ab_create")
            .unknown(),
        post("mcp-star-case", "U02", "nor its name in another case").open().call("Create").unknown(),
        post("mcp-star-blank", "U02", "nor its name with a blank behind it").open().call("create ").unknown(),
        post("mcp-star-tab-and-case", "U02", "nor with both, as headers carry it")
            .open()
            .header("Mcp-Name", "=?base64?wqBDUkVBVEU=?=")
            .call("\u{a0}CREATE")
            .unknown(),
        post("mcp-star-alike", "U02", "a name that only begins so is another").open().call("create2").allow(),
        post("mcp-star-scope", "U02", "a star with a scope")
            .names("tools", json!({ "*": "any" }))
            .call("drop")
            .lacks("read any"),
        post("mcp-hashed-named", "U02", "such a name that is named itself")
            .names("tools", json!({ "__0123456789ab_save": "" }))
            .call("__0123456789ab_save")
            .allow(),
        post("mcp-no-names", "U02", "where nothing is named, a message is not looked at")
            .names("tools", json!({}))
            .text("{")
            .allow(),
    ]
}

fn prompts_and_resources() -> Vec<Finished> {
    let prompts = json!({ "refund": "refunds" });
    let reads = json!({ "orders://*": "", "orders://admin/*": "admin", "https://h.example/one": "one" });
    let open = json!({ "*": "", "orders://admin/*": "admin", "https://h.example/admin/*": "admin" });
    let prompt = |id, about: &str, name: &str| {
        let post = Post::new(id, "U03", about).names("prompts", prompts.clone());
        post.text(message("prompts/get", &json!({ "name": name })))
    };
    let resource = |id, about: &str, uri: &str| {
        Post::new(id, "U04", about).names("reads", reads.clone()).text(read(uri))
    };
    let spelled =
        |id, about: &str, uri: &str| Post::new(id, "U05", about).names("reads", open.clone()).text(read(uri));
    vec![
        prompt("mcp-prompt", "a prompt with a scope", "refund").scope("read refunds").allow(),
        prompt("mcp-prompt-lacks", "a token without it", "refund").lacks("read refunds"),
        prompt("mcp-prompt-unknown", "a prompt that is not named", "list").unknown(),
        Post::new("mcp-prompt-free", "U03", "without named prompts each needs the base")
            .text(message("prompts/get", &json!({ "name": "refund" })))
            .allow(),
        resource("mcp-resource", "a URI that begins as the pattern", "orders://1").allow(),
        resource("mcp-resource-longest", "of two patterns the longer", "orders://admin/1")
            .lacks("read admin"),
        resource("mcp-resource-longest-allowed", "the same with its scope", "orders://admin/1")
            .scope("read admin")
            .allow(),
        resource("mcp-resource-exact", "a pattern without a star", "https://h.example/one").lacks("read one"),
        resource("mcp-resource-longer", "is that URI alone", "https://h.example/one/two").unknown(),
        resource("mcp-resource-unknown", "a URI that no pattern fits", "users://1").unknown(),
        resource("mcp-subscribe", "subscribing needs what reading needs", "")
            .text(message("resources/subscribe", &json!({ "uri": "orders://admin/1" })))
            .lacks("read admin"),
        spelled("mcp-uri-plain", "a URI with one reading", "orders://a%20b/1").allow(),
        spelled("mcp-uri-escape", "an escape that need not be one", "orders://%61dmin/1").lacks("read admin"),
        spelled("mcp-uri-slash", "an escaped slash", "orders://admin%2F1").lacks("read admin"),
        spelled("mcp-uri-case", "scheme and host in capitals", "HTTPS://H.example/admin/1")
            .lacks("read admin"),
        spelled("mcp-uri-port", "the port that the scheme has anyway", "https://h.example:443/admin/1")
            .lacks("read admin"),
        spelled("mcp-uri-dots", "dot segments", "https://h.example/x/../admin/1").lacks("read admin"),
        spelled("mcp-uri-escaped-dots", "escaped dot segments", "https://h.example/x/%2e%2e/admin/1")
            .lacks("read admin"),
        spelled("mcp-uri-allowed", "another spelling, with the scope", "orders://%61dmin/1")
            .scope("read admin")
            .allow(),
    ]
}

fn others() -> Vec<Finished> {
    let post = Post::new;
    let list = |bodies: &[String]| format!("[{}]", bodies.join(","));
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    vec![
        post("mcp-other-method", "U06", "a method without a rule")
            .text(message("tools/list", &json!({})))
            .allow(),
        post("mcp-other-method-lacks", "U06", "it needs the base")
            .scope("other")
            .text(message("tools/list", &json!({})))
            .lacks("read"),
        post("mcp-notification", "U06", "a notification")
            .text(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .allow(),
        post("mcp-response", "U06", "a response").text(response).allow(),
        post("mcp-response-and-call", "U06", "a response with a method is judged by its method")
            .text(r#"{"id":1,"result":{},"method":"tools/call","params":{"name":"create"}}"#)
            .lacks("read write"),
        post("mcp-list", "U07", "a list of calls").text(list(&[call("list"), call("list")])).allow(),
        post("mcp-list-lacks", "U07", "one of which lacks a scope")
            .text(list(&[call("list"), call("create"), response.to_owned()]))
            .lacks("read write"),
        post("mcp-list-unknown", "U07", "one of which is not named")
            .scope("read write")
            .text(list(&[call("create"), call("drop")]))
            .unknown(),
        post("mcp-list-hundred", "U07", "a list of a hundred").text(list(&vec![call("list"); 100])).allow(),
        post("mcp-list-too-many", "U07", "a list of more: their scopes have to stand in one header")
            .text(list(&vec![call("list"); 101]))
            .invalid(),
        post("mcp-get", "U08", "a GET needs the base").method("GET").text("{").allow(),
        post("mcp-get-lacks", "U08", "a GET without it").scope("other").method("GET").lacks("read"),
        post("mcp-delete", "U08", "a DELETE").method("DELETE").allow(),
    ]
}

fn tokens() -> Vec<Finished> {
    let post = Post::new;
    vec![
        post("mcp-no-token", "U15", "without a token the body does not matter")
            .without_token()
            .text("{")
            .unauthorized(answers::no_credentials("auth.authorization_header_missing")),
        post("mcp-expired", "U15", "an expired token, and a scope that it lacks")
            .token(good(es384()).issued_at(1_700_000_000).scope("other").mint())
            .call("create")
            .unauthorized(answers::invalid_token("expired")),
        post("mcp-sibling", "U15", "a token for another resource")
            .token(good(es384()).scope("read").claim("aud", "https://api.example.test/other/mcp").mint())
            .call("list")
            .unauthorized(answers::invalid_token("audience_mismatch")),
        post("mcp-outage", "U15", "the issuer is out of reach").out_of_reach().call("list").unavailable(),
    ]
}

fn challenges() -> Vec<Finished> {
    let post = Post::new;
    vec![
        post("mcp-union", "U14", "a token without any scope learns all of them at once")
            .scope("other")
            .call("create")
            .lacks("read write"),
        post("mcp-kept", "U14", "of two tools in turn, the scope for the first is not lost")
            .scope("read coffee other")
            .call("create")
            .lacks("read write coffee"),
        post("mcp-needed", "U14", "unless challenges name what is needed alone")
            .setting("challenge_scopes", "needed")
            .scope("read coffee")
            .call("create")
            .lacks("read write"),
        post("mcp-implied", "U14", "a broader scope that includes the others")
            .setting("implied_scopes", json!({ "admin": "read write" }))
            .scope("admin")
            .call("create")
            .allow(),
    ]
}
