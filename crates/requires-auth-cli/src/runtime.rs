//! The tokio runtime, for the commands that need a network.

use std::future::Future;
use std::io;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::error::Failure;

/// Waits for a future, on a runtime that is started on first need and serves every thread. Two threads are enough for
/// a command, which fetches a few things.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    static RUNTIME: OnceLock<Result<Runtime, io::Error>> = OnceLock::new();
    let start = || Builder::new_multi_thread().worker_threads(2).enable_all().build();
    RUNTIME.get_or_init(start).as_ref().map(|runtime| runtime.block_on(future)).map_err(cannot_start)
}

/// Waits for a future that is a whole server, on a runtime of its own: with a thread for each processor that this
/// process may use.
pub(crate) fn serve<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(|error| cannot_start(&error))?;
    Ok(runtime.block_on(future))
}

fn cannot_start(error: &io::Error) -> Failure {
    Failure::new(format!("the tokio runtime cannot be started: {error}"))
}

/// What ends when the user or the system asks the process to stop, from this call on.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::new(format!("the process cannot listen for signals: {error}")))
        };
        let (mut interrupt, mut terminate) =
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Without a handler the signal ends the process anyway.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
