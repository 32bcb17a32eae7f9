//! A key set that nobody should fetch: tokens name its URL in their header.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::Request;
use requires_auth_testkit::{SigningKey, jwk_set};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server on loopback that has the key of a stranger; dropping it stops it.
pub(super) struct Bait {
    url: String,
    fetched: Arc<Mutex<HashSet<String>>>,
    task: JoinHandle<()>,
}

impl Bait {
    /// Starts it on any free port.
    pub(super) async fn start(stranger: &SigningKey) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let fetched = Arc::<Mutex<HashSet<String>>>::default();
        let (seen, keys) = (Arc::clone(&fetched), jwk_set([stranger]).to_string());
        let answer = move |request: Request| {
            let path = request.uri().path().trim_start_matches('/').to_owned();
            seen.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
            let keys = keys.clone();
            async move { ([("content-type", "application/json")], keys) }
        };
        let task = tokio::spawn(async move {
            axum::serve(listener, Router::new().fallback(answer)).await.ok();
        });
        Ok(Self { url, fetched, task })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Whether somebody has come for this case.
    pub(super) fn was_fetched(&self, case: &str) -> bool {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).contains(case)
    }
}

impl Drop for Bait {
    fn drop(&mut self) {
        self.task.abort();
    }
}
