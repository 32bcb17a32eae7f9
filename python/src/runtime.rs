//! One tokio runtime per process, started when keys have to be fetched for the first time.
//!
//! Its one thread drives sockets and timers; whoever needs keys waits on the thread that asked. A forked child has
//! none of its parent's threads: it leaves what it inherited untouched, locks and all, and starts its own.

use std::future::Future;
use std::mem;
use std::pin::pin;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict};
use tokio::runtime::{Builder, Handle, Runtime};

/// How long Ctrl-C may go unnoticed while a thread waits for keys.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// How often a greenlet looks whether its keys are there.
const GREENLET_INTERVAL: Duration = Duration::from_millis(5);

static CURRENT: ArcSwapOption<Running> = ArcSwapOption::const_empty();

/// How many forks lie between the process that loaded the module and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

struct Running {
    process: u32,
    runtime: Runtime,
}

/// The runtime of this process.
pub(crate) fn handle() -> PyResult<Handle> {
    let process = process::id();
    loop {
        let current = CURRENT.load();
        if let Some(running) = current.as_ref().filter(|running| running.process == process) {
            return Ok(running.runtime.handle().clone());
        }
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("requires-auth").enable_all().build();
        let runtime = runtime.map_err(|error| PyOSError::new_err(error.to_string()))?;
        let started = Some(Arc::new(Running { process, runtime }));
        let before = CURRENT.compare_and_swap(&current, started);
        // Another thread may have been first: then this one's runtime ends here, and the other's is used. A runtime
        // of the parent is never dropped, which would wait for threads that do not exist.
        let is_inherited = before.as_ref().is_some_and(|running| running.process != process);
        if is_inherited {
            mem::forget(arc_swap::Guard::into_inner(before));
            mem::forget(arc_swap::Guard::into_inner(current));
        }
    }
}

/// Waits for `future` where something outside this process may have to be asked; elsewhere it is ready at once, and needs
/// no runtime.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    is_remote: bool,
    future: impl Future<Output = T> + Send,
) -> PyResult<T> {
    if is_remote {
        return wait(py, future);
    }
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => wait(py, future),
    }
}

/// Waits for `future` on this thread, without the interpreter lock, and lets signals through meanwhile. Where gevent
/// has patched the interpreter, only the greenlet waits.
///
/// # Errors
///
/// A signal handler raised, `KeyboardInterrupt` for one, or gevent in the waiting greenlet.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method has no lifetime that fits all")]
pub(crate) fn wait<T: Send>(py: Python<'_>, future: impl Future<Output = T> + Send) -> PyResult<T> {
    if let Some(sleep) = gevent_sleep(py)? {
        return wait_in_greenlet(py, &sleep, future);
    }
    py.detach(|| {
        handle()?.block_on(async {
            let mut future = pin!(future);
            loop {
                match tokio::time::timeout(SIGNAL_INTERVAL, &mut future).await {
                    Ok(output) => return Ok(output),
                    Err(_) => Python::attach(|py| py.check_signals())?,
                }
            }
        })
    })
}

/// Looks again and again whether `future` is done, and lets other greenlets run in between.
///
/// What it waits for makes progress on the runtime's own thread.
fn wait_in_greenlet<T: Send>(
    py: Python<'_>,
    sleep: &Bound<'_, PyAny>,
    future: impl Future<Output = T> + Send,
) -> PyResult<T> {
    // On the heap: greenlets take turns on one stack, and a waiting future is known to other threads by its address.
    let mut future = Box::pin(future);
    let handle = handle()?;
    loop {
        let looked =
            py.detach(|| handle.block_on(async { tokio::time::timeout(Duration::ZERO, &mut future).await }));
        match looked {
            Ok(output) => return Ok(output),
            Err(_) => sleep.call1((GREENLET_INTERVAL.as_secs_f64(),))?,
        };
    }
}

/// `gevent.sleep`, if the program lets greenlets take the place of threads.
fn gevent_sleep(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let Some(monkey) = modules.get_item("gevent.monkey")? else { return Ok(None) };
    if !monkey.call_method1("is_module_patched", ("time",))?.is_truthy()? {
        return Ok(None);
    }
    Ok(Some(py.import("gevent")?.getattr("sleep")?))
}

/// Which process this is, in the line of forks. What belongs to another one must not be used.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Lets the interpreter say when it has forked.
pub(crate) fn watch_forks(py: Python<'_>) -> PyResult<()> {
    let os = py.import("os")?;
    // Windows has no fork.
    let Some(register) = os.getattr_opt("register_at_fork")? else { return Ok(()) };
    let after = PyCFunction::new_closure(py, None, None, |_, _| {
        GENERATION.fetch_add(1, Ordering::Relaxed);
    })?;
    let arguments = PyDict::new(py);
    arguments.set_item("after_in_child", after)?;
    register.call((), Some(&arguments)).map(drop)
}
