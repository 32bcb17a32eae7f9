//! The one connection of a guard to the shared server: made on first need, given up when it is broken, and made again.
//!
//! While the server is out of reach, requests do not wait for it one by one: an attempt is made now and then, and between
//! two of them every request is told at once.
//!
//! | state | a command | what ends it |
//! | --- | --- | --- |
//! | not connected | connects first, with all others that wait | an answer, or the end of the time for it |
//! | connected | is sent on the connection that all share | an error of the connection, or five commands in a row without an answer in time |
//! | paused after a failure | is told at once that there is no server | the end of the pause: 100 ms at first, then twice as long, at most 2 s |
//!
//! A command is never sent again by itself. What was sent and not answered may have been done.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::health::{SharedHealth, SharedStatus};
use super::info::Info;
use super::target::{Connection, LONGEST_CONNECT, Target};
use crate::telemetry;

/// The pause after an attempt that failed; it doubles with each, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// After so many commands in a row that were not answered in time, the connection counts as broken: nothing tells of a peer
/// that is gone without a word.
const UNANSWERED: u32 = 5;

/// An outage is logged once in this time.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Why a command has no answer.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// It was not sent, or was answered by an error before anything was done.
    Refused(Arc<str>),
    /// The server has no memory left.
    Full,
    /// Whether it was done is not known.
    Unknown(Arc<str>),
}

/// The connection, or the way to one.
pub(crate) struct Link {
    target: Target,
    /// For how long a request waits.
    wait: Duration,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// Counts connections, so that what one has come to is not said of the next.
    number: u64,
    unanswered: u32,
    pause: Duration,
    failure: Option<Arc<str>>,
    logged: Option<Instant>,
    info: Info,
    /// When `info` was read.
    informed: Instant,
}

/// An answer of the server.
pub(super) struct Answer {
    pub(super) value: Value,
    /// For how long it has been running, at least: what it was told before that it may have forgotten.
    pub(super) age: Duration,
}

enum Phase {
    /// Nobody has asked yet, or the next who asks may try.
    Idle,
    /// Not before this time.
    Pausing(Instant),
    /// The outcome is told here. The channel is closed if the task is gone, as it is with its runtime.
    Connecting(watch::Receiver<bool>),
    Up(Connection),
}

/// What to do about a request for the connection.
enum Next {
    Use(Connection, u64),
    Wait(watch::Receiver<bool>),
    Give(Failure),
}

impl Link {
    pub(super) fn new(target: Target, wait: Duration) -> Self {
        let state = State {
            phase: Phase::Idle,
            number: 0,
            unanswered: 0,
            pause: FIRST_PAUSE,
            failure: None,
            logged: None,
            info: Info::default(),
            informed: Instant::now(),
        };
        Self { target, wait, state: Mutex::new(state) }
    }

    /// Sends a command once, and waits for its answer as long as a request may.
    pub(super) async fn ask(self: &Arc<Self>, command: &Cmd) -> Result<Answer, Failure> {
        let mut number = None;
        let asked = timeout(self.wait, async {
            let (mut connection, own) = self.connection().await?;
            number = Some(own);
            let value = connection.send(command).await.map_err(|error| failure_of(&error, self, own))?;
            Ok(Answer { value, age: self.age() })
        });
        let outcome = asked.await.unwrap_or_else(|_| Err(Failure::Unknown("no answer in time".into())));
        match (&outcome, number) {
            (Ok(_), Some(number)) => self.answered(number),
            (Err(Failure::Unknown(cause)), Some(number)) => self.unanswered(number, cause),
            // The server has spoken, and the connection is good.
            (Err(failure), Some(_)) => self.state().tell(self.target.place(), failure.to_string().into()),
            (_, None) => {}
        }
        outcome
    }

    /// Connects, if there is no connection. That it cannot is logged.
    pub(crate) async fn warm(self: &Arc<Self>) {
        drop(timeout(LONGEST_CONNECT, self.connection()).await);
    }

    pub(crate) fn health(&self) -> SharedHealth {
        let state = self.state();
        let status = match state.phase {
            _ if state.failure.is_some() => SharedStatus::Down,
            Phase::Up(_) => SharedStatus::Up,
            Phase::Idle | Phase::Connecting(_) | Phase::Pausing(_) => SharedStatus::Idle,
        };
        SharedHealth {
            server: self.target.place().to_owned(),
            status,
            last_error: state.failure.as_deref().map(ToOwned::to_owned),
            warnings: state.info.warnings.clone(),
        }
    }

    async fn connection(self: &Arc<Self>) -> Result<(Connection, u64), Failure> {
        loop {
            let mut outcome = match self.next() {
                Next::Use(connection, number) => return Ok((connection, number)),
                Next::Give(failure) => return Err(failure),
                Next::Wait(outcome) => outcome,
            };
            // An error is a task that is gone, and somebody else tries then.
            drop(outcome.wait_for(|is_over| *is_over).await);
        }
    }

    fn next(self: &Arc<Self>) -> Next {
        let mut state = self.state();
        match &state.phase {
            Phase::Up(connection) => return Next::Use(connection.clone(), state.number),
            Phase::Connecting(outcome) if outcome.has_changed().is_ok() => {
                return Next::Wait(outcome.clone());
            }
            Phase::Pausing(until) if Instant::now() < *until => {
                let cause = state.failure.clone().unwrap_or_else(|| "it is down".into());
                return Next::Give(Failure::Refused(cause));
            }
            Phase::Idle | Phase::Connecting(_) | Phase::Pausing(_) => {}
        }
        let (done, outcome) = watch::channel(false);
        state.phase = Phase::Connecting(outcome.clone());
        drop(state);
        // A task of its own: a request that waits no longer leaves the attempt to those after it.
        tokio::spawn(Arc::clone(self).connect(done));
        Next::Wait(outcome)
    }

    async fn connect(self: Arc<Self>, done: watch::Sender<bool>) {
        let attempt = timeout(LONGEST_CONNECT, async {
            let mut connection = self.target.connect().await?;
            let info = connection.send(&redis::cmd("INFO")).await;
            Ok::<_, RedisError>((connection, info.map_or_else(|_| String::new(), |info| text_of(&info))))
        });
        let attempt: Result<_, Arc<str>> = match attempt.await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(error)) => Err(shown(&error)),
            Err(_) => Err("no connection in time".into()),
        };
        match attempt {
            Ok((connection, info)) => self.is_up(connection, Info::read(&info)),
            Err(cause) => self.is_down(cause),
        }
        done.send_replace(true);
    }

    fn is_up(&self, connection: Connection, info: Info) {
        let server = self.target.place();
        let mut state = self.state();
        state.phase = Phase::Up(connection);
        state.number += 1;
        state.unanswered = 0;
        state.pause = FIRST_PAUSE;
        state.logged = None;
        let was_down = state.failure.take().is_some();
        if was_down {
            tracing::info!(server, "the shared state is back");
        }
        if state.info.warnings != info.warnings {
            for warning in &info.warnings {
                tracing::warn!(server, "shared state: {warning}");
            }
        }
        state.info = info;
        state.informed = Instant::now();
        drop(state);
        telemetry::shared_state_up(true);
    }

    fn age(&self) -> Duration {
        let state = self.state();
        Duration::from_secs(state.info.uptime.unwrap_or(0)).saturating_add(state.informed.elapsed())
    }

    fn is_down(&self, cause: Arc<str>) {
        let mut state = self.state();
        state.phase = Phase::Pausing(Instant::now() + state.pause);
        state.pause = (state.pause * 2).min(LONGEST_PAUSE);
        state.tell(self.target.place(), cause);
    }

    fn answered(&self, number: u64) {
        let mut state = self.state();
        if state.number == number && (state.unanswered > 0 || state.failure.is_some()) {
            state.unanswered = 0;
            if state.failure.take().is_some() {
                state.logged = None;
                tracing::info!(server = self.target.place(), "the shared state is back");
                telemetry::shared_state_up(true);
            }
        }
    }

    fn unanswered(&self, number: u64, cause: &Arc<str>) {
        let mut state = self.state();
        if state.number != number {
            return;
        }
        state.unanswered += 1;
        if state.unanswered >= UNANSWERED && matches!(state.phase, Phase::Up(_)) {
            state.phase = Phase::Idle;
        }
        state.tell(self.target.place(), Arc::clone(cause));
    }

    /// The connection is broken: the next who asks makes another.
    fn broken(&self, number: u64) {
        let mut state = self.state();
        if state.number == number && matches!(state.phase, Phase::Up(_)) {
            state.phase = Phase::Idle;
        }
    }

    /// Nothing in the lock can panic half way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps why the server does not answer, and logs it now and then.
    fn tell(&mut self, server: &str, cause: Arc<str>) {
        let now = Instant::now();
        if self.logged.is_none_or(|last| now.duration_since(last) >= LOG_PAUSE) {
            let hint = "requests that need it are refused with 503 meanwhile";
            tracing::warn!(server, error = &*cause, hint, "the shared state does not answer");
            self.logged = Some(now);
        }
        self.failure = Some(cause);
        telemetry::shared_state_up(false);
    }
}

/// What an error says about the command, with what it says about the connection.
fn failure_of(error: &RedisError, link: &Link, number: u64) -> Failure {
    let kind = error.kind();
    // The server says so before it does anything.
    if error.code() == Some("OOM") {
        return Failure::Full;
    }
    if matches!(kind, ErrorKind::Server(_) | ErrorKind::Extension) {
        use ServerErrorKind::{MasterDown, Moved, ReadOnly};
        if matches!(kind, ErrorKind::Server(MasterDown | Moved | ReadOnly)) {
            link.broken(number);
        }
        return Failure::Refused(shown(error));
    }
    if error.is_unrecoverable_error() || error.is_connection_dropped() {
        link.broken(number);
    }
    Failure::Unknown(shown(error))
}

/// A short text without control characters.
pub(super) fn shown(error: &RedisError) -> Arc<str> {
    error.to_string().chars().filter(|c| !c.is_control()).take(200).collect::<String>().into()
}

/// All texts in an answer: a cluster answers with those of its nodes.
fn text_of(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned() + "\n",
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => format!("{text}\n"),
        Value::Array(values) | Value::Set(values) => values.iter().map(text_of).collect(),
        Value::Map(pairs) => pairs.iter().map(|(_, value)| text_of(value)).collect(),
        _ => String::new(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(cause) | Self::Unknown(cause) => f.write_str(cause),
            Self::Full => f.write_str("the server has no memory left"),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("target", &self.target).finish_non_exhaustive()
    }
}

/// What an answer that says nothing is worth.
pub(super) fn is_nil(value: &Value) -> bool {
    matches!(value, Value::Nil)
}

/// Whether a command was done.
pub(super) fn is_ok(value: &Value) -> bool {
    matches!(value, Value::Okay) || matches!(value, Value::SimpleString(text) if text == "OK")
}
