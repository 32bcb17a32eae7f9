//! Sends the cases, and writes down what came back.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::bait::Bait;
use super::case::{Case, Expect};
use super::judge::{Observed, judge, pointer};
use super::mint::{Attempt, Mint, Setup};
use super::report::Row;
use super::send::{Answer, Sender};
use crate::error::Failure;

/// What a run has beside its cases.
pub(super) struct Runner {
    pub(super) setup: Setup,
    pub(super) sender: Sender,
    pub(super) bait: Option<Bait>,
    /// The nonce that the API wants in proofs, as it has last said (RFC 9449 §9).
    pub(super) nonce: Mutex<Option<String>>,
}

impl Runner {
    /// Sends a request that `make` makes, once more where the API wants a nonce in its proof.
    pub(super) async fn exchange(
        &self,
        make: impl Fn(&Mint<'_>) -> Attempt,
    ) -> (Attempt, Result<Answer, String>) {
        let mint = Mint { setup: &self.setup, nonce: self.nonce() };
        let attempt = make(&mint);
        let answer = self.sender.send(&attempt).await;
        let Some(nonce) = self.learn(&answer) else { return (attempt, answer) };
        let attempt = make(&Mint { setup: &self.setup, nonce: Some(nonce) });
        let answer = self.sender.send(&attempt).await;
        self.learn(&answer);
        (attempt, answer)
    }

    fn nonce(&self) -> Option<String> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the nonce of an answer, and gives it if the request is to be sent again with it.
    fn learn(&self, answer: &Result<Answer, String>) -> Option<String> {
        let answer = answer.as_ref().ok()?;
        let nonce = answer.nonce.clone()?;
        *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.clone());
        let is_wanted = answer.challenges.iter().any(|line| line.contains("use_dpop_nonce"));
        is_wanted.then_some(nonce)
    }

    /// Judges one case.
    pub(super) async fn row(&self, case: &'static Case) -> (Row, Attempt) {
        let (attempt, answer) = self.exchange(|mint| case.attempt(mint)).await;
        let document = match (&answer, case.expect) {
            (Ok(answer), Expect::Document(_)) => self.document(answer).await,
            _ => None,
        };
        let was_followed = self.bait.as_ref().is_some_and(|bait| bait.was_fetched(case.name));
        let seen = Observed { answer, was_followed, document };
        let judgement = judge(case, &self.setup, &seen);
        (Row::new(case, &attempt, &seen, judgement), attempt)
    }

    /// The document to which a challenge points, if it is of the same origin: nothing else is asked.
    async fn document(&self, answer: &Answer) -> Option<Result<serde_json::Value, String>> {
        let place = pointer(&answer.challenges)?;
        let url = match Url::parse(&place) {
            Ok(url) if url.origin() == self.setup.url.origin() => url,
            _ => return Some(Err(format!("the metadata are not at this server: {place:?}"))),
        };
        Some(self.sender.document(url).await)
    }
}

/// Judges these cases, at most `parallel` at the same time, and gives their rows in the order of the cases.
pub(super) async fn run(
    runner: &Arc<Runner>,
    cases: &[&'static Case],
    parallel: usize,
    progress: impl Fn(usize, &str),
) -> Result<Vec<Row>, Failure> {
    let turns = Arc::new(Semaphore::new(parallel.max(1)));
    let mut tasks = JoinSet::new();
    for (index, case) in cases.iter().copied().enumerate() {
        let (runner, turns) = (Arc::clone(runner), Arc::clone(&turns));
        tasks.spawn(async move {
            // Closed by nobody.
            let _turn = turns.acquire().await.ok();
            (index, runner.row(case).await.0)
        });
    }
    let mut rows = Vec::with_capacity(cases.len());
    while let Some(done) = tasks.join_next().await {
        let (index, row) = done.map_err(|error| Failure::new(format!("a case has not ended: {error}")))?;
        progress(rows.len() + 1, row.name);
        rows.push((index, row));
    }
    rows.sort_by_key(|(index, _)| *index);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}
