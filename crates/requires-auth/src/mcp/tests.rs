use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::error::ErrorCode::{
    McpBodyEncoded, McpBodyNotJson, McpBodyTooLarge, McpHeaderMismatch, McpHeadersInsufficient,
    McpMessageInvalid, McpOperationUnknown,
};

const NO_HEADERS: [(&str, &str); 0] = [];

/// A server with two tools that are named, a prompt, and resources.
fn orders() -> Scopes {
    let scopes = Scopes::builder()
        .scopes("read:orders")
        .tool("list_orders", "")
        .tool("create_order", "write:orders")
        .tool("caf\u{e9}", "coffee")
        .prompt("refund", "write:refunds")
        .resource("orders://*", "")
        .resource("orders://admin/*", "admin")
        .resource("https://h.example/secret", "admin secret");
    scopes.build().expect("scopes")
}

/// The same, where what is not named needs something else.
fn open() -> Scopes {
    let scopes = Scopes::builder().scopes("base").tool("create_order", "write").any_tool("").any_resource("");
    scopes
        .resource("orders://admin/*", "admin")
        .resource("https://h/admin/*", "admin")
        .build()
        .expect("scopes")
}

fn ask_with(scopes: &Scopes, headers: &[(&str, &str)], body: Body<'_>) -> Result<String, ErrorCode> {
    let headers = headers.to_vec();
    let needed = scopes.needed(&Request::new("POST", "/mcp", &headers), body);
    needed.map(|policy| policy.scope().unwrap_or_default().to_owned()).map_err(|denial| denial.code())
}

fn ask(scopes: &Scopes, body: impl AsRef<[u8]>) -> Result<String, ErrorCode> {
    ask_with(scopes, &[], Body::Bytes(body.as_ref()))
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside refusals")]
fn needs(scopes: &str) -> Result<String, ErrorCode> {
    Ok(scopes.to_owned())
}

fn message(method: &str, member: &str, name: &str) -> String {
    let params = serde_json::json!({ member: name, "arguments": { "a": [1, { "b": null }] } });
    serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

fn call(tool: &str) -> String {
    message("tools/call", "name", tool)
}

fn read(uri: &str) -> String {
    message("resources/read", "uri", uri)
}

#[test]
fn each_operation_needs_the_base_and_its_own_scopes() {
    let orders = orders();
    for (body, expected) in [
        (call("list_orders"), needs("read:orders")),
        (call("create_order"), needs("read:orders write:orders")),
        (call("caf\u{e9}"), needs("read:orders coffee")),
        (call("drop_tables"), Err(McpOperationUnknown)),
        (call("Create_order"), Err(McpOperationUnknown)),
        (call("create_order "), Err(McpOperationUnknown)),
        (call("__0123456789ab_create_order"), Err(McpOperationUnknown)),
        (call(""), Err(McpOperationUnknown)),
        (message("prompts/get", "name", "refund"), needs("read:orders write:refunds")),
        (message("prompts/get", "name", "create_order"), Err(McpOperationUnknown)),
        (read("orders://17"), needs("read:orders")),
        (read("orders://admin/17"), needs("read:orders admin")),
        (message("resources/subscribe", "uri", "orders://admin/17"), needs("read:orders admin")),
        (read("https://h.example/secret"), needs("read:orders admin secret")),
        (read("https://h.example/secrets"), Err(McpOperationUnknown)),
        (message("resources/unsubscribe", "uri", "orders://admin/17"), needs("read:orders")),
        (message("tools/list", "cursor", "x"), needs("read:orders")),
        (message("Tools/Call", "name", "create_order"), needs("read:orders")),
        (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(), needs("read:orders")),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(), needs("read:orders")),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#.to_owned(), needs("read:orders")),
        // A message with both is judged as what a server might run.
        (
            r#"{"result":{},"method":"tools/call","params":{"name":"create_order"}}"#.to_owned(),
            needs("read:orders write:orders"),
        ),
    ] {
        assert_eq!(ask(&orders, &body), expected, "{body}");
    }
}

#[test]
fn to_listen_needs_what_reading_each_resource_needs() {
    let orders = orders();
    let listen = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{params}}}"#)
    };
    for (params, expected) in [
        ("{}", needs("read:orders")),
        (r#"{"notifications":{"toolsListChanged":true}}"#, needs("read:orders")),
        (r#"{"notifications":{"resourceSubscriptions":["orders://17"]}}"#, needs("read:orders")),
        (
            r#"{"notifications":{"resourceSubscriptions":["orders://17","orders://admin/17"]}}"#,
            needs("read:orders admin"),
        ),
        (r#"{"notifications":{"resourceSubscriptions":["other://17"]}}"#, Err(McpOperationUnknown)),
        (r#"{"notifications":{"resourceSubscriptions":"orders://17"}}"#, Err(McpMessageInvalid)),
        (r#"{"notifications":{"resourceSubscriptions":[1]}}"#, Err(McpMessageInvalid)),
        (r#"{"notifications":{"resourcesubscriptions":["orders://admin/17"]}}"#, Err(McpMessageInvalid)),
        (r#"{"Notifications":{"resourceSubscriptions":["orders://admin/17"]}}"#, Err(McpMessageInvalid)),
        ("[]", Err(McpMessageInvalid)),
    ] {
        assert_eq!(ask(&orders, listen(params)), expected, "{params}");
    }
    // Headers alone do not say which.
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "subscriptions/listen")];
    assert_eq!(ask_with(&orders, &headers, Body::Hidden), Err(McpHeadersInsufficient));
}

#[test]
fn a_method_in_another_case_is_judged_as_one() {
    let orders = orders();
    let body = call("create_order");
    let no_headers: [(&str, &str); 0] = [];
    let request = Request::new("post", "/mcp", &no_headers);
    assert!(orders.body_limit(&request).is_some());
    let needed = orders.needed(&request, Body::Bytes(body.as_bytes())).expect("a policy");
    assert_eq!(needed.scope(), Some("read:orders write:orders"));
}

#[test]
fn a_pattern_is_not_the_name_of_a_tool() {
    for name in ["delete_*", "*_order", "one two"] {
        let error = Scopes::builder().tool(name, "write:orders").build().expect_err("a mistake");
        assert!(error.to_string().contains("patterns are for resources alone"), "{error}");
    }
    Scopes::builder().tool("*", "").prompt("one two", "").build().expect("no mistake");
}

#[test]
fn a_list_needs_what_all_of_its_messages_need() {
    let orders = orders();
    let list = |messages: &[String]| format!(" [ {} ]\n", messages.join(" , "));
    let (one, other) = (call("create_order"), message("prompts/get", "name", "refund"));
    let base = message("tools/list", "a", "b");
    for (messages, expected) in [
        (vec![base.clone()], needs("read:orders")),
        (vec![one.clone(), one.clone()], needs("read:orders write:orders")),
        (vec![base.clone(), one.clone(), other], needs("read:orders write:orders write:refunds")),
        (vec![one.clone(), call("other")], Err(McpOperationUnknown)),
        (vec![], Err(McpMessageInvalid)),
        (vec![one.clone(), "null".to_owned()], Err(McpMessageInvalid)),
        (vec![one.clone(), list(std::slice::from_ref(&one))], Err(McpMessageInvalid)),
        (vec![one.clone(), r#"{"method":"x","params":{"a":1,"a":2}}"#.to_owned()], Err(McpBodyNotJson)),
        (vec![one, String::new()], Err(McpBodyNotJson)),
    ] {
        assert_eq!(ask(&orders, list(&messages)), expected, "{messages:?}");
    }
}

#[test]
fn what_two_readers_could_read_in_two_ways_is_refused() {
    let orders = orders();
    let utf_16: Vec<u8> = call("list_orders").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let in_params = |params: &str| format!(r#"{{"method":"tools/call","params":{params}}}"#).into_bytes();
    for (body, expected) in [
        (br#"{"method":"tools/list","method":"tools/call"}"#.to_vec(), McpBodyNotJson),
        (br#"{"method":"tools/list","m\u0065thod":"tools/call"}"#.to_vec(), McpBodyNotJson),
        (
            br#"{"method":"tools/call","params":{"name":"list_orders"},"params":{"name":"create_order"}}"#
                .to_vec(),
            McpBodyNotJson,
        ),
        (in_params(r#"{"name":"list_orders","name":"create_order"}"#), McpBodyNotJson),
        (in_params(r#"{"name":"list_orders","arguments":{"a":[{"b":1,"b":2}]}}"#), McpBodyNotJson),
        (br#"{"method":"tools/list","Method":"tools/call"}"#.to_vec(), McpMessageInvalid),
        (
            r#"{"method":"tools/list","param\u017f":{"name":"create_order"}}"#.as_bytes().to_vec(),
            McpMessageInvalid,
        ),
        (
            "{\"method\":\"tools/list\",\"param\u{17f}\":{\"name\":\"create_order\"}}".as_bytes().to_vec(),
            McpMessageInvalid,
        ),
        (br#"{"id":1,"RESULT":{},"result":{}}"#.to_vec(), McpMessageInvalid),
        ("{\"method\":\"tools/list\",\"\u{131}d\":1}".as_bytes().to_vec(), McpMessageInvalid),
        (in_params(r#"{"name":"list_orders","NAME":"create_order"}"#), McpMessageInvalid),
        (in_params(r#"{"name":"list_orders\u0000create_order"}"#), McpMessageInvalid),
        (in_params(r#"{"name":5}"#), McpMessageInvalid),
        (in_params(r#"{"uri":"a"}"#), McpMessageInvalid),
        (in_params(r#"["list_orders"]"#), McpMessageInvalid),
        (br#"{"method":"tools/call"}"#.to_vec(), McpMessageInvalid),
        (br#"{"method":["tools/call"],"params":{"name":"list_orders"}}"#.to_vec(), McpMessageInvalid),
        (br#"{"method":null}"#.to_vec(), McpMessageInvalid),
        (b"{}".to_vec(), McpMessageInvalid),
        (b"".to_vec(), McpBodyNotJson),
        (b" ".to_vec(), McpBodyNotJson),
        (b"null".to_vec(), McpBodyNotJson),
        ([b"\xef\xbb\xbf", call("list_orders").as_bytes()].concat(), McpBodyNotJson),
        (utf_16, McpBodyNotJson),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), McpBodyNotJson),
        (b"{\"method\":\"tools/list\xff\"}".to_vec(), McpBodyNotJson),
        (format!("{}{}", call("list_orders"), call("create_order")).into_bytes(), McpBodyNotJson),
        (format!("{}\0", call("list_orders")).into_bytes(), McpBodyNotJson),
        (call("list_orders").replace("null", "NaN").into_bytes(), McpBodyNotJson),
        (call("list_orders").into_bytes().split_last().expect("a body").1.to_vec(), McpBodyNotJson),
        (
            format!(r#"{{"method":"a","b":{}{}}}"#, "[".repeat(101), "]".repeat(101)).into_bytes(),
            McpBodyNotJson,
        ),
    ] {
        assert_eq!(ask(&orders, &body), Err(expected), "{}", String::from_utf8_lossy(&body));
    }
    // Names that are like others elsewhere are nobody's business.
    let fine = in_params(r#"{"name":"list_orders","arguments":{"Name":1,"name":2,"METHOD":3}}"#);
    assert_eq!(ask(&orders, fine), needs("read:orders"));
}

#[test]
fn a_body_is_plain_and_within_the_limit() {
    let orders = orders();
    let body = call("create_order");
    let ask = |headers: &[(&str, &str)]| ask_with(&orders, headers, Body::Bytes(body.as_bytes()));
    let good = needs("read:orders write:orders");
    for (name, value, expected) in [
        ("content-encoding", "gzip", Err(McpBodyEncoded)),
        ("content-encoding", "identity, gzip", Err(McpBodyEncoded)),
        ("content-encoding", "", Err(McpBodyEncoded)),
        ("content-encoding", "Identity", good.clone()),
        ("content-type", "application/json", good.clone()),
        ("content-type", "application/json; charset=UTF-8", good.clone()),
        ("content-type", "application/json;charset=\"utf-8\"; a=b", good.clone()),
        ("content-type", "application/json; charset=utf-16", Err(McpBodyEncoded)),
        ("content-type", "application/json; a=b; Charset = utf-7", Err(McpBodyEncoded)),
        ("content-length", "4194304", good.clone()),
        ("content-length", "4194305", Err(McpBodyTooLarge)),
        ("content-length", "18446744073709551615", Err(McpBodyTooLarge)),
    ] {
        assert_eq!(ask(&[(name, value)]), expected, "{name}: {value}");
        let headers = vec![(name, value)];
        let limit = orders.body_limit(&Request::new("POST", "/mcp", &headers));
        assert_eq!(limit, expected.is_ok().then_some(4 << 20), "{name}: {value}");
    }
    let two = [("content-encoding", "identity"), ("content-encoding", "gzip")];
    assert_eq!(ask(&two), Err(McpBodyEncoded));

    let mut padded = body.clone().into_bytes();
    padded.resize(4 << 20, b' ');
    assert_eq!(ask_with(&orders, &[], Body::Bytes(&padded)), good);
    padded.push(b' ');
    assert_eq!(ask_with(&orders, &[], Body::Bytes(&padded)), Err(McpBodyTooLarge));
    assert_eq!(ask_with(&orders, &[], Body::TooLarge), Err(McpBodyTooLarge));
    assert_eq!(ask_with(&orders, &[], Body::Broken), Err(McpBodyNotJson));
}

#[test]
fn nothing_is_read_where_nothing_depends_on_it() {
    let (orders, base) = (orders(), Scopes::builder().scopes("read:orders").build().expect("scopes"));
    let limit = |scopes: &Scopes, method| scopes.body_limit(&Request::new(method, "/mcp", &NO_HEADERS));
    assert_eq!(limit(&orders, "POST"), Some(4 << 20));
    assert_eq!(limit(&base, "POST"), None);
    for method in ["GET", "DELETE", "HEAD", "OPTIONS", "PUT"] {
        assert_eq!(limit(&orders, method), None, "{method}");
        let needed = orders.needed(&Request::new(method, "/mcp", &NO_HEADERS), Body::Bytes(b"{"));
        assert_eq!(needed.expect("the base").scope(), Some("read:orders"), "{method}");
    }
    // Without rules on operations every message needs the same.
    for body in [Body::Bytes(b"{"), Body::Hidden, Body::TooLarge] {
        assert_eq!(ask_with(&base, &[("content-encoding", "gzip")], body), needs("read:orders"));
    }
    let none = Scopes::builder().build().expect("scopes");
    assert_eq!(ask(&none, "{"), needs(""));
}

#[test]
fn headers_agree_with_the_body() {
    let orders = orders();
    let encoded = |name: &str| format!("=?base64?{}?=", STANDARD.encode(name));
    let (right, cafe, other) = (encoded("create_order"), encoded("caf\u{e9}"), encoded("list_orders"));
    let good = || needs("read:orders write:orders");
    let mismatch = || Err(McpHeaderMismatch);
    let method = ("Mcp-Method", "tools/call");
    for (tool, headers, expected) in [
        ("create_order", vec![method, ("Mcp-Name", "create_order")], good()),
        ("create_order", vec![method], good()),
        ("create_order", vec![("mcp-name", "create_order")], good()),
        ("create_order", vec![("mcp-name", &*right)], good()),
        ("caf\u{e9}", vec![("mcp-name", &*cafe)], needs("read:orders coffee")),
        ("create_order", vec![("mcp-name", &*other)], mismatch()),
        ("create_order", vec![("mcp-name", "list_orders")], mismatch()),
        ("create_order", vec![("mcp-name", "Create_order")], mismatch()),
        ("create_order", vec![("mcp-name", "")], mismatch()),
        ("create_order", vec![("mcp-name", "=?base64?Y3JlYXRl*?=")], mismatch()),
        ("create_order", vec![("mcp-name", "=?base64?/w==?=")], mismatch()),
        ("create_order", vec![("mcp-name", "=?BASE64?Y3JlYXRlX29yZGVy?=")], mismatch()),
        // A name that no header can hold must be encoded.
        ("caf\u{e9}", vec![("mcp-name", "caf\u{e9}")], mismatch()),
        ("create_order", vec![("mcp-name", "create_order"), ("mcp-name", "create_order")], mismatch()),
        ("create_order", vec![("mcp-name", "create_order"), ("Mcp-Name", "list_orders")], mismatch()),
        ("create_order", vec![("mcp-method", "tools/list")], mismatch()),
        ("create_order", vec![("mcp-method", "Tools/call")], mismatch()),
        ("create_order", vec![method, method], mismatch()),
    ] {
        let body = call(tool);
        assert_eq!(ask_with(&orders, &headers, Body::Bytes(body.as_bytes())), expected, "{tool} {headers:?}");
    }
    let ask = |headers: &[(&str, &str)], body: &str| ask_with(&orders, headers, Body::Bytes(body.as_bytes()));
    let uri = [("mcp-method", "resources/read"), ("mcp-name", "orders://1")];
    assert_eq!(ask(&uri, &read("orders://1")), needs("read:orders"));
    assert_eq!(ask(&uri, &read("orders://2")), mismatch());
    // A method without a name here may use the header for something else.
    let task = [("mcp-method", "tasks/get"), ("mcp-name", "task-1")];
    assert_eq!(ask(&task, &message("tasks/get", "taskId", "task-1")), needs("read:orders"));
    // A response has no method, and each message of a list has to agree.
    assert_eq!(ask(&[method], r#"{"id":1,"result":{}}"#), mismatch());
    let list = format!("[{},{}]", call("create_order"), call("list_orders"));
    assert_eq!(ask(&[method], &list), good());
    assert_eq!(ask(&[method, ("mcp-name", "list_orders")], &list), mismatch());
}

#[test]
fn headers_alone_count_from_the_version_on_that_compares_them() {
    let orders = orders();
    let ask = |headers: &[(&str, &str)]| ask_with(&orders, headers, Body::Hidden);
    let version = ("mcp-protocol-version", "2026-07-28");
    let (method, name) = (("mcp-method", "tools/call"), ("mcp-name", "create_order"));
    let insufficient = || Err(McpHeadersInsufficient);
    for (headers, expected) in [
        (vec![version, method, name], needs("read:orders write:orders")),
        (vec![("mcp-protocol-version", "2027-01-01"), method, name], needs("read:orders write:orders")),
        (vec![version, method, ("mcp-name", "=?base64?bGlzdF9vcmRlcnM=?=")], needs("read:orders")),
        (vec![version, method, ("mcp-name", "drop_tables")], Err(McpOperationUnknown)),
        (vec![version, ("mcp-method", "tools/list")], needs("read:orders")),
        (
            vec![version, ("mcp-method", "resources/read"), ("mcp-name", "orders://admin/1")],
            needs("read:orders admin"),
        ),
        (vec![method, name], insufficient()),
        (vec![version, name], insufficient()),
        (vec![version, method], insufficient()),
        (vec![version, method, name, name], insufficient()),
        (vec![version, method, method, name], insufficient()),
        (vec![version, version, method, name], insufficient()),
        (vec![version, ("mcp-method", ""), name], insufficient()),
        (vec![version, ("mcp-method", "tools/call "), name], insufficient()),
        (vec![version, method, ("mcp-name", "=?base64?*?=")], insufficient()),
        (vec![], insufficient()),
    ] {
        assert_eq!(ask(&headers), expected, "{headers:?}");
    }
    for old in [
        "2026-07-27",
        "2025-11-25",
        "2025-06-18",
        "",
        "9",
        "DRAFT-2027",
        "2026-07-28x",
        "2026-7-28",
        "9999/01/01",
    ] {
        assert_eq!(ask(&[("mcp-protocol-version", old), method, name]), insufficient(), "{old}");
    }
}

#[test]
fn a_star_covers_what_is_not_named_and_no_other_way_to_what_is() {
    let open = open();
    for (body, expected) in [
        (call("anything"), needs("base")),
        (call("create_order"), needs("base write")),
        (call("__0123456789ab_create_order"), Err(McpOperationUnknown)),
        (call("__0123456789ab_anything"), Err(McpOperationUnknown)),
        (call("__0123456789ag_create_order"), needs("base")),
        (call("__0123456789ab"), needs("base")),
        (read("orders://17"), needs("base")),
        (read("orders://admin/17"), needs("base admin")),
        // Other spellings that a server may read as the same.
        (read("orders://%61dmin/17"), needs("base admin")),
        (read("orders://admin%2F17"), needs("base admin")),
        (read("orders://x/../admin/17"), needs("base")),
        (read("HTTPS://H/admin/17"), needs("base admin")),
        (read("https://h:443/admin/17"), needs("base admin")),
        (read("https://h/x/../admin/17"), needs("base admin")),
        (read("https://h/x/%2e%2e/admin/17"), needs("base admin")),
        (read("https:\\\\h\\admin\\17"), needs("base admin")),
        (read("https://h/%zz%4/\u{e9}"), needs("base")),
        (read("%"), needs("base")),
    ] {
        assert_eq!(ask(&open, &body), expected, "{body}");
    }
    let hashed = Scopes::builder().tool("__0123456789ab_save", "write").build().expect("scopes");
    assert_eq!(ask(&hashed, call("__0123456789ab_save")), needs("write"));
}

#[test]
fn every_policy_is_told() {
    let orders = orders();
    let all: Vec<_> = orders.policies().map(|policy| policy.scope().expect("the base")).collect();
    let named =
        ["read:orders write:refunds", "read:orders coffee", "read:orders write:orders", "read:orders"];
    assert_eq!(all[0], "read:orders");
    assert_eq!(all[1..5], named);
    assert_eq!(all[5..], ["read:orders admin secret", "read:orders admin", "read:orders"]);
    assert_eq!(orders.base().scope(), Some("read:orders"));
}

#[test]
fn a_table_that_cannot_be_meant_is_refused() {
    let long = Scopes::builder()
        .scopes("a\"b")
        .tool("", "a")
        .tool("a\nb", "")
        .tool("one", "a")
        .tool("one", "b")
        .any_tool("a")
        .tool("*", "b")
        .prompt("p", "openid")
        .resource("a*b", "")
        .resource("", "")
        .resource("a%20b", "")
        .resource("x://*", "offline_access")
        .resource("x://*", "")
        .max_body(0);
    let error = long.build().expect_err("all of it is wrong");
    let told: Vec<_> = error.problems().iter().map(|problem| (problem.field(), problem.found())).collect();
    let expected = [
        ("scopes", "`a\"b`"),
        ("prompts", "`openid`"),
        ("resources", "`a*b`"),
        ("resources", "``"),
        ("resources", "`a%20b`"),
        ("resources", "`offline_access`"),
        ("resources", "`x://*` twice"),
        ("tools", "``"),
        ("tools", "`a\\nb`"),
        ("tools", "`one` twice"),
        ("tools", "`*` twice"),
        ("max_body", "`0`"),
    ];
    assert_eq!(told, expected);
    assert!(Scopes::builder().max_body((64 << 20) + 1).build().is_err());
    assert!(Scopes::builder().max_body(64 << 20).build().is_ok());
}

proptest! {
    /// Whatever a body holds: where it is judged at all, it needs at least the base, and a reader that takes the last of
    /// two members finds the tool whose scopes are asked for.
    #[test]
    fn a_judged_call_is_the_call_that_serde_finds(
        members in proptest::collection::vec(("(method|params|Method|id|x)", "(\"tools/call\"|\\{\"name\":\"[a-c]\"(,\"name\":\"[a-c]\")?\\}|1)"), 0..5),
    ) {
        let scopes = Scopes::builder().scopes("base").tool("a", "a").tool("b", "b").any_tool("").build().expect("scopes");
        let mut body = String::from("{");
        for (place, (name, value)) in members.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(body, "{comma}\"{name}\":{value}").expect("a string");
        }
        body.push('}');
        if let Ok(needed) = ask(&scopes, &body) {
            let value: serde_json::Value = serde_json::from_str(&body).expect("JSON");
            let expected = match (value["method"].as_str(), value["params"]["name"].as_str()) {
                (Some("tools/call"), Some("a")) => "base a",
                (Some("tools/call"), Some("b")) => "base b",
                _ => "base",
            };
            prop_assert_eq!(needed, expected);
        }
    }

    #[test]
    fn no_body_and_no_header_panics(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        value in "\\PC{0,40}",
        uri in "\\PC{0,60}",
    ) {
        let open = open();
        drop(ask_with(&open, &[("mcp-name", &value), ("content-type", &value)], Body::Bytes(&body)));
        prop_assert!(ask(&open, read(&uri)).is_ok_and(|needed| needed.starts_with("base")));
    }
}
