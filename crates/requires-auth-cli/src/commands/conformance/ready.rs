//! Whether the API can be judged: it takes a good token and refuses a request without one.

use std::time::{Duration, Instant};

use super::mint::{Setup, no_credentials};
use super::run::Runner;
use super::send::Answer;
use crate::error::Failure;

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Sends a good token until it is accepted or the time is up, then no token.
pub(super) async fn ready(runner: &Runner, wait: Duration) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        let good = runner.exchange(|mint| mint.send(&mint.token())).await.1;
        if good.as_ref().is_ok_and(Answer::is_success) {
            break;
        }
        if started.elapsed() >= wait {
            return Err(not_accepted(&runner.setup, &good));
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

fn not_accepted(setup: &Setup, answer: &Result<Answer, String>) -> Failure {
    let url = &setup.url;
    let answer = match answer {
        Ok(answer) => answer,
        Err(reason) => {
            return Failure::new(format!("{url} does not answer: {reason}"))
                .hint("start the API, or let this command wait for it: --wait 60");
        }
    };
    let challenge = answer.challenges.first().map(|line| line.chars().take(200).collect::<String>());
    let challenge = challenge.map(|line| format!(", {line}")).unwrap_or_default();
    let failure = Failure::new(format!(
        "{url} answers {}{challenge} to a good token, and cannot be judged",
        answer.status
    ));
    let trust = format!(
        "let the API trust the issuer {} for the audience {}, with tokens signed by {}",
        setup.issuer,
        setup.audience,
        setup.forge.key().algorithm()
    );
    match answer.status {
        401 => failure
            .hint(trust)
            .hint("start the API after this command, which then waits for it (--wait 60): the keys are fresh")
            .hint("docs/conformance.md shows how, for each framework"),
        403 => failure.hint("name the scopes that the route needs: --scope \"read:items\""),
        404 | 405 => failure.hint("name the URL of a route that answers with success, and its method (--method)"),
        500.. => failure.hint(trust).hint("look into the log of the API: perhaps it cannot fetch the keys of the issuer"),
        _ => failure.hint("name the URL of a route that answers with success; --method, --header and --data say how it is asked"),
    }
}
