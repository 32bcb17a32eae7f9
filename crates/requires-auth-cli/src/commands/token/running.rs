//! Which development issuer runs on this machine, when nobody says which.
//!
//! An issuer takes the next free port where its own is taken, so the usual port may be that of something else.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use crate::error::Failure;
use crate::http::client;
use crate::ports::ISSUER_PORT;

/// How many ports are looked at, from the usual one on.
const PORTS: u16 = 20;

/// How long a port may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What to do where there is none.
pub(super) const START_ONE: &str =
    "start one with `requires-auth issuer` or `requires-auth demo`, or name another with --issuer";

/// The URL of the one that runs. Where several do, nobody knows which is meant.
pub(super) async fn find() -> Result<String, Failure> {
    find_from(ISSUER_PORT).await
}

async fn find_from(first: u16) -> Result<String, Failure> {
    let client = client()?;
    let last = first.saturating_add(PORTS - 1);
    let asked: Vec<_> = (first..=last).map(|port| tokio::spawn(at(client.clone(), port))).collect();
    let mut found = Vec::new();
    for asked in asked {
        found.extend(asked.await.ok().flatten());
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            Err(Failure::new(format!("there is no development issuer at 127.0.0.1, port {first} to {last}"))
                .hint(START_ONE))
        }
        several => {
            Err(Failure::new(format!("{} development issuers run: {}", several.len(), several.join(", ")))
                .hint("name one with --issuer"))
        }
    }
}

/// The development issuer at a port, if there is one: its metadata name itself and the endpoint that mints.
async fn at(client: Client, port: u16) -> Option<String> {
    let issuer = format!("http://127.0.0.1:{port}/oidc");
    let asked = client.get(format!("{issuer}/.well-known/openid-configuration")).timeout(PATIENCE);
    let answer = asked.send().await.ok()?.error_for_status().ok()?;
    let metadata: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
    let is_one =
        metadata["issuer"] == issuer.as_str() && metadata["token_endpoint"] == format!("{issuer}/token");
    is_one.then_some(issuer)
}

#[cfg(test)]
mod tests {
    use requires_auth_testkit::issuer::DevelopmentIssuer;
    use tokio::net::TcpListener;

    use super::*;

    async fn start(port: u16) -> DevelopmentIssuer {
        DevelopmentIssuer::builder().port_or_next(port).start().await.expect("an issuer")
    }

    #[tokio::test]
    async fn the_one_that_runs_is_found_on_another_port_too() {
        // Somebody else has the first port, and says nothing.
        let other = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let first = other.local_addr().expect("an address").port();
        let issuer = start(first).await;
        assert!(issuer.address().port() > first);
        assert_eq!(find_from(first).await.expect("an issuer"), issuer.issuer());
        let second = start(first).await;
        let unclear = find_from(first).await.expect_err("two run").to_string();
        assert!(unclear.contains(issuer.issuer()) && unclear.contains(second.issuer()), "{unclear}");
    }
}
