//! Whether the API can be judged: it takes a good token and refuses a request without one.

use std::time::{Duration, Instant};

use super::mint::no_credentials;
use super::refusal::not_accepted;
use super::run::Runner;
use super::send::Answer;
use crate::error::Failure;

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Sends a good token until it is accepted or the time is up, then no token.
pub(super) async fn ready(runner: &Runner, wait: Duration) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        let (attempt, good) = runner.exchange(|mint| mint.send(&mint.token()).keep_body()).await;
        if good.as_ref().is_ok_and(Answer::is_success) {
            break;
        }
        if started.elapsed() >= wait {
            return Err(not_accepted(&runner.setup, &attempt, &good));
        }
        tokio::time::sleep(PAUSE).await;
    }
    match runner.exchange(no_credentials).await.1 {
        Ok(answer) if answer.is_success() => {
            let message =
                format!("{} answers {} without a token: nothing guards it", runner.setup.url, answer.status);
            Err(Failure::new(message).hint("name the URL of a route that needs a token"))
        }
        Ok(_) => Ok(()),
        Err(reason) => Err(Failure::new(format!("{} does not answer: {reason}", runner.setup.url))),
    }
}
