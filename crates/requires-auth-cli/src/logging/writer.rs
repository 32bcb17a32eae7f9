//! Lines on their way to stderr. Whoever logs does not wait for whoever reads: what does not fit is dropped and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes and lines wait at most.
const MOST_BYTES: usize = 1024 * 1024;
const MOST_LINES: usize = 8192;

/// How long the end of the process waits for what is not written yet.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Clone)]
pub(super) struct Queue {
    sender: SyncSender<Vec<u8>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    waiting: AtomicUsize,
    dropped: AtomicU64,
}

impl Queue {
    /// Starts to write to `out`, in a thread of its own. `describe` makes the line that tells how many were dropped.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        describe: impl Fn(u64) -> Vec<u8> + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, lines) = sync_channel(MOST_LINES);
        let state = Arc::<State>::default();
        let queue = Self { sender, state: Arc::clone(&state) };
        thread::Builder::new().name("log".to_owned()).spawn(move || state.write(&lines, out, describe))?;
        Ok(queue)
    }

    /// Sends a line. It never waits.
    pub(super) fn send(&self, line: Vec<u8>) {
        let length = line.len();
        let waiting = self.state.waiting.fetch_add(length, Ordering::Relaxed);
        if waiting + length > MOST_BYTES || self.sender.try_send(line).is_err() {
            self.state.waiting.fetch_sub(length, Ordering::Relaxed);
            self.state.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits a moment for what is not written yet.
    pub(super) fn flush(&self) {
        let begun = Instant::now();
        while self.state.waiting.load(Ordering::Relaxed) > 0 && begun.elapsed() < LAST_WORDS {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl State {
    fn write(&self, lines: &Receiver<Vec<u8>>, mut out: impl Write, describe: impl Fn(u64) -> Vec<u8>) {
        for line in lines {
            // Where stderr is closed there is nobody to tell.
            out.write_all(&line).ok();
            let dropped = self.dropped.swap(0, Ordering::Relaxed);
            if dropped > 0 {
                out.write_all(&describe(dropped)).ok();
            }
            out.flush().ok();
            self.waiting.fetch_sub(line.len(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A reader that reads nothing until it is let.
    struct Stuck(Receiver<()>, mpsc::Sender<Vec<u8>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().ok();
            self.1.send(bytes.to_vec()).ok();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_stuck_holds_nobody_up_and_learns_how_much_it_missed() {
        let ((go_on, stuck), (sender, written)) = (mpsc::channel(), mpsc::channel());
        let describe = |dropped| format!("{dropped} dropped\n").into_bytes();
        let queue = Queue::start(Stuck(stuck, sender), describe).expect("a thread");
        let line = vec![b'a'; MOST_BYTES / 4];
        for _ in 0..10 {
            queue.send(line.clone());
        }
        assert!(queue.state.waiting.load(Ordering::Relaxed) <= MOST_BYTES);
        drop(go_on);
        let mut dropped = None;
        let mut whole = 0;
        for bytes in written.iter().take(5) {
            if bytes == line { whole += 1 } else { dropped = Some(String::from_utf8(bytes).expect("UTF-8")) }
        }
        assert_eq!((whole, dropped.as_deref()), (4, Some("6 dropped\n")));
        queue.flush();
        assert_eq!(queue.state.waiting.load(Ordering::Relaxed), 0);
    }
}
