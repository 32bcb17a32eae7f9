//! Rows U09 to U12: bodies that are not read in one way by everybody.

use super::{Post, call};
use crate::case::Finished;

/// The limit unless another is set.
const LIMIT: usize = 4 << 20;

pub fn cases() -> Vec<Finished> {
    let mut cases = json_texts();
    cases.extend(shapes());
    cases.extend(encodings());
    cases.extend(sizes());
    cases
}

/// With all scopes, so that only the body can be refused.
fn post(id: &'static str, row: &'static str, about: &str) -> Post {
    Post::new(id, row, about).scope("read write coffee")
}

fn params(params: &str) -> String {
    format!(r#"{{"method":"tools/call","params":{params}}}"#)
}

fn json_texts() -> Vec<Finished> {
    let text = |id, about: &str, body: &str| post(id, "U09", about).text(body);
    let utf_16: Vec<u8> = call("list").encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        text("mcp-method-twice", "`method` twice", r#"{"method":"tools/list","method":"tools/call"}"#)
            .not_json(),
        text("mcp-method-twice-escaped", "once with an escape", r#"{"method":"a","m\u0065thod":"b"}"#)
            .not_json(),
        text(
            "mcp-params-twice",
            "`params` twice",
            r#"{"method":"tools/call","params":{"name":"list"},"params":{"name":"create"}}"#,
        )
        .not_json(),
        text("mcp-name-twice", "`name` twice", &params(r#"{"name":"list","name":"create"}"#)).not_json(),
        text(
            "mcp-argument-twice",
            "an argument twice",
            &params(r#"{"name":"list","arguments":{"a":[{"b":1,"b":2}]}}"#),
        )
        .not_json(),
        text(
            "mcp-argument-once",
            "the same name in two objects",
            &params(r#"{"name":"list","arguments":{"name":1}}"#),
        )
        .allow(),
        text("mcp-list-twice", "in a list", r#"[{"method":"a","params":{"b":1,"b":2}}]"#).not_json(),
        text("mcp-cut-off", "a body that is cut off", &call("list")[..40]).not_json(),
        text("mcp-two-texts", "two texts", &format!("{}{}", call("list"), call("list"))).not_json(),
        text("mcp-nul-behind", "a NUL behind the text", &format!("{}\0", call("list"))).not_json(),
        text("mcp-nan", "a number that JSON does not have", &call("list").replace("null", "NaN")).not_json(),
        text("mcp-empty", "an empty body", "").not_json(),
        text("mcp-spaces", "white space around", &format!(" \r\n{}\t\n", call("list"))).allow(),
        post("mcp-bom", "U09", "a byte order mark").text(format!("\u{feff}{}", call("list"))).not_json(),
        post("mcp-utf-16", "U09", "UTF-16").bytes(&utf_16).not_json(),
        post("mcp-latin-1", "U09", "a byte that is not UTF-8").bytes(b"{\"method\":\"caf\xe9\"}").not_json(),
        post("mcp-gzip-unsaid", "U09", "gzip that no header tells of")
            .bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")
            .not_json(),
    ]
}

fn shapes() -> Vec<Finished> {
    let text = |id, about: &str, body: &str| post(id, "U10", about).text(body);
    vec![
        text(
            "mcp-method-case",
            "`Method` beside `method`",
            r#"{"method":"tools/list","Method":"tools/call"}"#,
        )
        .invalid(),
        text("mcp-params-long-s", "a letter that folds into an s", "{\"method\":\"a\",\"param\u{17f}\":{}}")
            .invalid(),
        text("mcp-name-case", "`NAME` beside `name`", &params(r#"{"name":"list","NAME":"create"}"#))
            .invalid(),
        text(
            "mcp-arguments-case",
            "names of arguments are not looked at",
            &params(r#"{"name":"list","arguments":{"Name":1,"name":2}}"#),
        )
        .allow(),
        text("mcp-name-nul", "a NUL in the name", &params(r#"{"name":"list\u0000create"}"#)).invalid(),
        text("mcp-name-number", "a name that is a number", &params(r#"{"name":5}"#)).invalid(),
        text("mcp-name-absent", "a call without a name", &params(r#"{"uri":"list"}"#)).invalid(),
        text("mcp-params-list", "parameters in a list", &params(r#"["list"]"#)).invalid(),
        text("mcp-params-absent", "a call without parameters", r#"{"method":"tools/call"}"#).invalid(),
        text(
            "mcp-method-list",
            "a method in a list",
            r#"{"method":["tools/call"],"params":{"name":"list"}}"#,
        )
        .invalid(),
        text("mcp-nothing", "neither a method nor a result", "{}").invalid(),
        text("mcp-list-empty", "an empty list", "[]").invalid(),
        text("mcp-list-nested", "a list in a list", &format!("[[{}]]", call("list"))).invalid(),
    ]
}

fn encodings() -> Vec<Finished> {
    let with =
        |id, about: &str, name: &str, value: &str| post(id, "U11", about).header(name, value).call("create");
    vec![
        with("mcp-gzip", "a content encoding", "Content-Encoding", "gzip").encoded(),
        with("mcp-gzip-second", "a content encoding behind another", "Content-Encoding", "identity, gzip")
            .encoded(),
        with("mcp-identity", "no encoding, said so", "Content-Encoding", "identity").allow(),
        with("mcp-charset", "UTF-8, said so", "Content-Type", "application/json; charset=UTF-8").allow(),
        with("mcp-charset-other", "another charset", "Content-Type", "application/json; charset=utf-16")
            .encoded(),
    ]
}

fn sizes() -> Vec<Finished> {
    let size = |id, about: &str| post(id, "U12", about);
    vec![
        size("mcp-size-limit", "a body of 4 MiB").padded(call("create"), LIMIT).allow(),
        size("mcp-size-over", "and one byte more").padded(call("create"), LIMIT + 1).too_large(),
        size("mcp-size-set", "a limit that is set").max_body(200).padded(call("create"), 200).allow(),
        size("mcp-size-set-over", "and one byte more").max_body(200).padded(call("create"), 201).too_large(),
    ]
}
