//! Another configuration while the gateway runs: on `SIGHUP`, and when one of its files has changed.
//!
//! Nothing is taken on trust: the file is read and checked as a whole, its own `[[tests]]` hold, and the keys of its
//! issuers are there, before it takes the place of the one before. Else that one stays. A request ends with the
//! configuration that it began with. Keys that are there already are taken over, so that nothing but a new issuer has to
//! be reached.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use metrics::NoopRecorder;
use tokio::time::Instant;
use tracing::subscriber::NoSubscriber;
use tracing::{error, warn};

use super::config::{Config, Listen, ServerConfig};
use super::current::Current;
use super::notify::{State, notify};
use super::prepare::{Made, Prepared};
use super::self_test::{self, TestResult};
use super::service::Service;
use super::stamps::{Stamp, Stamps};
use super::telemetry;
use super::tls::Tls;
use crate::error::{Failure, unreached};
use crate::logging::tell;

/// How often to look at the files. A change counts once it has stood still for as long: of a file that is being
/// written, a part could be a configuration too, and a laxer one.
const TICK: Duration = Duration::from_millis(500);

/// How long the keys of new issuers may take.
const KEYS_TIMEOUT: Duration = Duration::from_secs(15);

/// After how long to try again what only the keys were missing for.
const RETRY: Duration = Duration::from_secs(10);

/// What a file makes.
pub(crate) struct Loaded {
    pub(crate) service: Service,
    pub(crate) server: ServerConfig,
    pub(crate) tls: Option<Tls>,
    files: Stamps,
}

impl Loaded {
    /// Reads a file, and all that it names, and runs its tests. It listens at `listen`, if that is given, and not where the
    /// file says. It begins with the keys of the gateway before, if there is one. It blocks, and touches no network.
    pub(crate) fn read(
        file: &Path,
        listen: Option<&Listen>,
        before: Option<&Service>,
    ) -> Result<Self, Failure> {
        let mut prepared = Prepared::read(file, listen, before)?;
        let server = prepared.server.take().ok_or_else(|| {
            Failure::new(format!("{}: no [server]", file.display()))
                .hint("write [server], and below it listen = \"127.0.0.1:9180\"")
        })?;
        let files = std::mem::take(&mut prepared.files);
        tests_hold(file, &prepared.config)?;
        for note in prepared.config.gateway.without_effect() {
            warn!("{note}");
        }
        let Made { mut service, tls } = prepared.made()?;
        if let Some(before) = before {
            service.take_over(before);
        }
        Ok(Self { service, server, tls, files })
    }
}

/// Runs the tests of a file, on a runtime of their own: what they do is neither logged nor counted.
fn tests_hold(file: &Path, config: &Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let results = tracing::subscriber::with_default(NoSubscriber::default(), || {
        metrics::with_local_recorder(&NoopRecorder, || runtime.block_on(self_test::run_tests(config)))
    })?;
    let failed = results.iter().filter(|result| !result.holds).map(|result| {
        let TestResult { line, request, expected, found, .. } = result;
        Failure::new(format!("{}:{line}: {request}: expected {expected}, got {found}", file.display()))
    });
    let failed: Vec<_> = failed.collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::all(failed)) }
}

/// Puts other configurations in the place of the one that is in use.
pub(crate) struct Reloader {
    file: PathBuf,
    /// Where it was told to listen, beside the file.
    listen: Option<Listen>,
    current: Arc<Current>,
    tls: Option<Arc<Tls>>,
    /// What the listeners were made of.
    server: ServerConfig,
    generation: u32,
    /// The files as they were when they were last read.
    loaded: Stamps,
    retry: Option<Instant>,
}

impl Reloader {
    /// Serves with what was loaded first.
    pub(crate) fn new(file: PathBuf, listen: Option<Listen>, first: Loaded) -> Self {
        telemetry::took(1);
        Self {
            file,
            listen,
            current: Arc::new(Current::new(first.service)),
            tls: first.tls.map(Arc::new),
            server: first.server,
            generation: 1,
            loaded: first.files,
            retry: None,
        }
    }

    pub(crate) const fn current(&self) -> &Arc<Current> {
        &self.current
    }

    pub(crate) const fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    pub(crate) const fn server(&self) -> &ServerConfig {
        &self.server
    }

    /// Reloads whenever that is asked for or due. It does not end.
    pub(crate) async fn run(mut self, mut asked: Hangups) {
        let mut seen = self.loaded.clone();
        loop {
            let is_asked = tokio::select! {
                () = asked.next() => true,
                () = tokio::time::sleep(TICK) => false,
            };
            let now: Stamps = self.loaded.keys().map(|path| (path.clone(), Stamp::of(path))).collect();
            let is_settled = now == seen;
            let is_due = self.retry.is_some_and(|at| at <= Instant::now());
            if is_asked || (is_settled && (now != self.loaded || is_due)) {
                self.reload(now).await;
                seen.clone_from(&self.loaded);
            } else {
                seen = now;
            }
        }
    }

    async fn reload(&mut self, now: Stamps) {
        notify(State::Reloading);
        // What cannot be taken is not read again until it has changed.
        self.loaded = now;
        self.retry = None;
        if let Err(failure) = self.try_reload().await {
            for (problem, hint) in failure.apart() {
                error!(problem, hint, "the configuration is not taken, and the one before stays in use");
            }
            telemetry::reload_failed(true);
        }
        notify(State::Ready);
    }

    async fn try_reload(&mut self) -> Result<(), Failure> {
        let (file, listen, before) = (self.file.clone(), self.listen.clone(), self.current.service());
        let read =
            tokio::task::spawn_blocking(move || Loaded::read(&file, listen.as_ref(), Some(&before))).await;
        let Loaded { service, server, tls, files } =
            read.map_err(|error| Failure::new(format!("it could not be read: {error}")))??;
        self.warm(&service).await?;
        if server != self.server {
            warn!("[server] has changed: where to listen takes effect after a restart");
        }
        self.loaded = files;
        if let (Some(shown), Some(tls)) = (&self.tls, tls) {
            shown.replace(tls);
        }
        self.current.replace(service);
        self.generation = self.generation.saturating_add(1);
        telemetry::took(self.generation);
        tell("INFO", &format!("configuration {} is in use", self.generation));
        Ok(())
    }

    /// Fetches the keys, so that no request has to wait for them.
    async fn warm(&mut self, service: &Service) -> Result<(), Failure> {
        let failure = match tokio::time::timeout(KEYS_TIMEOUT, service.gateway().auth().warm()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failures)) => Failure::all(unreached(&failures)),
            Err(_) => Failure::new(format!("the keys have not come within {} s", KEYS_TIMEOUT.as_secs())),
        };
        self.retry = Some(Instant::now() + RETRY);
        Err(failure)
    }
}

/// `SIGHUP`, from when this is made: until then it ends the process.
pub(crate) struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangups {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}
