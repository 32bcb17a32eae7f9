//! Row Q25: claim rules that look at the path of the request.

use serde_json::{Value, json};

use super::Request;
use crate::case::Finished;
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let ask = |id: &'static str, about: &str, org: Value, url: &'static str| {
        Request::new(id, "Q25", about)
            .route("/orgs/{org}/items")
            .claim("organization_id", json!({ "path": "org" }))
            .url(url)
            .token(good(es384()).claim("organization_id", org).mint())
            .bearer()
    };
    vec![
        ask("path-same", "the claim is what the path has", json!("acme"), "/orgs/acme/items").allow(),
        ask("path-other", "the path has something else", json!("acme"), "/orgs/other/items").access_denied(),
        ask("path-case", "case counts", json!("acme"), "/orgs/ACME/items").access_denied(),
        ask("path-longer", "a longer name", json!("acme"), "/orgs/acme-2/items").access_denied(),
        ask("path-encoded", "the path is decoded once", json!("a b"), "/orgs/a%20b/items").allow(),
        ask("path-number", "a number by its digits", json!(42), "/orgs/42/items").allow(),
        ask("path-number-zero", "other digits of the same number", json!(42), "/orgs/042/items")
            .access_denied(),
        ask("path-fraction", "a number with a fraction is not a name", json!(4.5), "/orgs/4.5/items")
            .access_denied(),
        ask("path-true", "true is not a name", json!(true), "/orgs/true/items").access_denied(),
        ask("path-array", "an array is not a name", json!(["acme"]), "/orgs/acme/items").access_denied(),
        ask("path-null", "null is nothing", Value::Null, "/orgs/null/items").access_denied(),
        ask("path-query", "a query changes nothing", json!("acme"), "/orgs/acme/items?org=other").allow(),
        ask(
            "path-no-token",
            "without a token there is nothing to compare",
            json!("acme"),
            "/orgs/acme/items",
        )
        .without_headers()
        .header_missing(),
    ]
}
