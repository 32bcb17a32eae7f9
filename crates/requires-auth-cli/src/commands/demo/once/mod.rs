//! `demo --once`: the requests made over real HTTP, each answer compared with the right one.

mod cases;
mod exchange;
mod table;

use serde_json::json;

use self::exchange::Exchange;
use super::tour::TokenSource;
use crate::context::Format;
use crate::context::Outcome;
use crate::error::Failure;
use crate::http::client;
use crate::output::{print_json, say};

/// Makes the requests, prints the answers, and says whether each is right.
pub(super) async fn run(api: &str, tokens: &TokenSource<'_>, format: Format) -> Result<Outcome, Failure> {
    let client = client()?;
    let mut exchanges = Vec::new();
    for case in cases::all(tokens) {
        exchanges.push(Exchange::make(&client, api, tokens, case).await?);
    }
    let wrong = exchanges.iter().filter(|exchange| !exchange.is_right()).count();
    match format {
        Format::Json => {
            let requests: Vec<_> = exchanges.iter().map(Exchange::to_json).collect();
            print_json(&json!({ "ok": wrong == 0, "requests": requests }))?;
        }
        Format::Text => {
            if !table::print(&exchanges)?.are_all() {
                say("for the whole answers: --output json, or a wider terminal");
            }
        }
    }
    let total = exchanges.len();
    say(&match wrong {
        0 => format!("{total} requests, each answered right"),
        _ => format!("{total} requests, {wrong} answered wrong"),
    });
    Ok((wrong == 0).into())
}
