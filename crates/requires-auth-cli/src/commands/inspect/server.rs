//! The server of the page: on loopback, for as long as the command runs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::choices;
use super::gate::{Gate, Wanted};
use super::question;
use super::subject::Subject;
use crate::error::Failure;
use crate::gateway::connection_limit::ConnectionLimit;
use crate::gateway::connections::Connections;
use crate::gateway::listen::Listener;
use crate::pages::{json, problem};
use crate::ports::cannot_listen;

/// What the fields of the page may have together: the longest token, proof and certificate are well below it.
const MOST_BYTES: usize = 128 * 1024;

/// How long the body of a request may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may take: keys may have to be fetched, and an issuer asked.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How many connections there may be at a time: a browser opens six.
const CONNECTIONS: usize = 32;

/// The server, which listens already.
pub(super) struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    gate: Gate,
    subject: Arc<Subject>,
}

impl Server {
    /// Listens on a port of loopback.
    ///
    /// # Errors
    ///
    /// The port is taken.
    pub(super) async fn bind(port: u16, subject: Subject) -> Result<Self, Failure> {
        let failed = |error: io::Error| cannot_listen(Ipv4Addr::LOCALHOST.into(), port, &error);
        let listener =
            TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(failed)?;
        let gate = Gate::new(listener.local_addr().map_err(failed)?)?;
        Ok(Self { listener, shared: Arc::new(Shared { gate, subject: Arc::new(subject) }) })
    }

    /// The address of the page.
    pub(super) fn url(&self) -> String {
        self.shared.gate.url()
    }

    /// Answers until `stop`.
    pub(super) async fn serve(self, stop: impl Future<Output = ()>) {
        let connections = Connections {
            listener: Listener::Tcp(self.listener),
            tls: None,
            limit: ConnectionLimit::new(CONNECTIONS, None),
            is_exempt: Box::new(|_| true),
        };
        let shared = self.shared;
        let handler = move |request: Request<Incoming>, _| {
            let shared = Arc::clone(&shared);
            async move { shared.answer(request).await }
        };
        drop(connections.serve(handler, stop).await);
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        match self.gate.admit(&head) {
            Err(refused) => *refused,
            Ok(Wanted::Asset(asset)) => asset.answer(),
            Ok(Wanted::Choices) => json(StatusCode::OK, &choices::to_json(&self.subject)),
            Ok(Wanted::Explanation) => self.explain(body).await.unwrap_or_else(|refused| *refused),
        }
    }

    async fn explain(&self, body: Incoming) -> Result<Response<Full<Bytes>>, Box<Response<Full<Bytes>>>> {
        let refused = |status, text| Box::new(problem(status, text));
        let bytes = match timeout(BODY_TIMEOUT, Limited::new(body, MOST_BYTES).collect()).await {
            Ok(Ok(collected)) => collected.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(refused(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "that is more than a token and its request can have",
                ));
            }
            Ok(Err(_)) => return Err(refused(StatusCode::BAD_REQUEST, "the body broke off")),
            Err(_) => return Err(refused(StatusCode::REQUEST_TIMEOUT, "the body did not come")),
        };
        let question = question::parse(&bytes).map_err(|wrong| refused(StatusCode::BAD_REQUEST, wrong))?;
        let explained = timeout(ANSWER_TIMEOUT, Arc::clone(&self.subject).explain(question)).await;
        let explained =
            explained.map_err(|_| refused(StatusCode::GATEWAY_TIMEOUT, "no issuer has answered in time"))?;
        let answer = explained.map_err(|wrong| refused(StatusCode::BAD_REQUEST, wrong))?;
        Ok(json(StatusCode::OK, &answer.to_json()))
    }
}
