//! What is revoked by one instance and refused by all: a stream in Redis, which each reads from its beginning.
//!
//! It is read by a thread of its own, since an instance has to know of revocations whether or not requests come. While the
//! server is away, what was read before stays in use for [`SharedState::with_max_lag`](super::SharedState::with_max_lag);
//! then nobody can say what is revoked, and requests are refused with 503.
//!
//! Messages that are published and not kept would be lost by whoever is away for a moment, so they are not used: a stream is a log, and
//! each instance reads on from the entry that it has read last. A new one reads from the beginning, and refuses requests until it has
//! read what was there. Entries of more than 90 days are taken out by whoever writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use std::{io, thread};

use redis::{RedisError, from_redis_value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::link::Link;
use super::options::Options;
use super::target::{Connection, LONGEST_CONNECT, Target};
use crate::clock::Clock;
use crate::revocation::Revocation;
use crate::revocations::{Feed, Revocations, WeakRevocations};
use crate::telemetry;

/// The one field of an entry: a revocation as a line of the file has it.
const FIELD: &str = "entry";

/// Entries that are older are taken out of the stream, so none may hold for longer.
const LONGEST_LIFE: Duration = Duration::from_secs(90 * 86_400);

/// How long the server may wait for something new before it says that there is nothing.
const BLOCK_MS: u64 = 1_000;

/// So many entries are read at a time.
const PAGE: usize = 512;

/// How long the server may take to answer, beside what it waits itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// The stream, as the revocations of a guard use it.
pub(super) struct Stream {
    is_current: AtomicBool,
    orders: mpsc::UnboundedSender<Order>,
}

/// A revocation that is to be told, and who waits for it.
struct Order {
    entry: Revocation,
    done: std::sync::mpsc::SyncSender<Result<(), String>>,
}

/// What the thread works with.
struct Reader {
    key: String,
    target: Target,
    clock: Arc<dyn Clock>,
    max_lag: Duration,
    stream: Arc<Stream>,
    revocations: WeakRevocations,
    /// The last entry that was read.
    last: Option<String>,
    begun: Instant,
    /// Milliseconds after `begun` at which the server has last said what there is.
    heard: Arc<AtomicU64>,
}

/// Why nothing more is read from a connection.
enum End {
    /// Nobody needs it any more.
    Unneeded,
    /// To be tried again.
    Failed(String),
}

impl Stream {
    /// Lets these revocations be those of the stream, too, unless they have a feed already.
    pub(super) fn follow(revocations: &Revocations, options: &Options, clock: Arc<dyn Clock>) {
        let (orders, received) = mpsc::unbounded_channel();
        let stream = Arc::new(Self { is_current: AtomicBool::new(false), orders });
        let feed: Arc<dyn Feed> = Arc::<Self>::clone(&stream);
        if !revocations.feed_from(feed) {
            return;
        }
        let key = format!("ra:{}:rev", options.namespace);
        let (options, revocations) = (options.clone(), revocations.downgrade());
        let run = move || -> io::Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let reader = Reader {
                    key: key.clone(),
                    target: options.target.clone(),
                    clock: Arc::clone(&clock),
                    max_lag: options.max_lag,
                    stream,
                    revocations,
                    last: None,
                    begun: Instant::now(),
                    heard: Arc::default(),
                };
                tokio::spawn(publish_all(key, options.target.clone(), clock, received));
                reader.run().await;
            });
            Ok(())
        };
        // Without the thread nothing is current, and all is refused.
        let named = thread::Builder::new().name("requires-auth-stream".to_owned());
        let told = |error: io::Error| tracing::error!(%error, "the stream of revocations cannot be read");
        if let Err(error) = named.spawn(move || run().map_err(told)) {
            told(error);
        }
    }
}

impl Feed for Stream {
    fn publish(&self, entry: &Revocation) -> Result<(), String> {
        let (done, outcome) = std::sync::mpsc::sync_channel(1);
        let gone = "the thread that tells it is gone";
        self.orders.send(Order { entry: entry.clone(), done }).map_err(|_| gone.to_owned())?;
        outcome
            .recv_timeout(LONGEST_CONNECT + PATIENCE)
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    fn is_current(&self) -> bool {
        self.is_current.load(Ordering::Relaxed)
    }
}

/// Tells revocations to the server, one after the other.
async fn publish_all(
    key: String,
    target: Target,
    clock: Arc<dyn Clock>,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    let link = Arc::new(Link::new(target, PATIENCE));
    while let Some(Order { entry, done }) = orders.recv().await {
        let now = clock.now();
        let outcome = if entry.until().duration_since(now).is_ok_and(|life| life > LONGEST_LIFE) {
            Err("it would hold for more than 90 days".to_owned())
        } else {
            let oldest = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(LONGEST_LIFE);
            let mut command = redis::cmd("XADD");
            command.arg(&key).arg("MINID").arg("~").arg(oldest.as_millis().to_string()).arg("*");
            command.arg(FIELD).arg(entry.to_json());
            let timed = telemetry::shared_state("revocation");
            let told = link.ask(&command).await.map(drop).map_err(|failure| failure.to_string());
            timed.end(if told.is_ok() { "told" } else { "unavailable" });
            told
        };
        // Whoever has waited may be gone.
        drop(done.send(outcome));
    }
}

impl Reader {
    async fn run(mut self) {
        let lag = watch_lag(Arc::clone(&self.stream), Arc::clone(&self.heard), self.begun, self.max_lag);
        let lag = tokio::spawn(lag);
        let mut pause = Duration::from_millis(100);
        let mut is_told = false;
        loop {
            let heard = self.heard.load(Ordering::Relaxed);
            let End::Failed(cause) = self.read_on().await else { break };
            // It is tried again all the time, and told once.
            if self.heard.load(Ordering::Relaxed) != heard {
                (pause, is_told) = (Duration::from_millis(100), false);
            }
            if !is_told {
                let server = self.target.place();
                tracing::warn!(
                    server,
                    error = cause,
                    "the stream of revocations cannot be read at the moment"
                );
                is_told = true;
            }
            if self.revocations.upgrade().is_none() {
                break;
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
        lag.abort();
    }

    /// Connects, reads all that is new, and then what comes, until something fails.
    async fn read_on(&mut self) -> End {
        let connected = timeout(LONGEST_CONNECT, self.target.connect()).await;
        let mut connection = match connected {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return End::failed(&error),
            Err(_) => return End::Failed("no connection in time".to_owned()),
        };
        loop {
            match self.page(&mut connection).await {
                Ok(entries) if entries.is_empty() => break,
                Ok(entries) => {
                    if let Err(end) = self.take(&entries) {
                        return end;
                    }
                }
                Err(end) => return end,
            }
        }
        self.hear();
        loop {
            let entries = match self.news(&mut connection).await {
                Ok(entries) => entries,
                Err(end) => return end,
            };
            if let Err(end) = self.take(&entries) {
                return end;
            }
            self.hear();
        }
    }

    /// What is there already, from the last entry on.
    async fn page(&self, connection: &mut Connection) -> Result<Vec<Entry>, End> {
        let from = self.last.as_ref().map_or_else(|| "-".to_owned(), |last| format!("({last}"));
        let mut command = redis::cmd("XRANGE");
        command.arg(&self.key).arg(from).arg("+").arg("COUNT").arg(PAGE);
        let answer = timeout(PATIENCE, connection.send(&command)).await.map_err(|_| End::in_time())?;
        from_redis_value(answer.map_err(|error| End::failed(&error))?).map_err(|_| End::unreadable())
    }

    /// What comes, which may be nothing for a while.
    async fn news(&self, connection: &mut Connection) -> Result<Vec<Entry>, End> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(PAGE).arg("BLOCK").arg(BLOCK_MS).arg("STREAMS").arg(&self.key);
        command.arg(self.last.as_deref().unwrap_or("0-0"));
        let patience = PATIENCE + Duration::from_millis(BLOCK_MS);
        let answer = timeout(patience, connection.send(&command)).await.map_err(|_| End::in_time())?;
        let streams: Option<Vec<(String, Vec<Entry>)>> =
            from_redis_value(answer.map_err(|error| End::failed(&error))?).map_err(|_| End::unreadable())?;
        Ok(streams.into_iter().flatten().flat_map(|(_, entries)| entries).collect())
    }

    /// Uses entries. One that is not a revocation is told and left out; where there is no room, nothing is current any more.
    fn take(&mut self, entries: &[Entry]) -> Result<(), End> {
        let Some(revocations) = self.revocations.upgrade() else { return Err(End::Unneeded) };
        let Some((last, _)) = entries.last().cloned() else { return Ok(()) };
        let read = |(id, fields): &Entry| {
            let json = fields.chunks_exact(2).find(|pair| pair[0] == FIELD.as_bytes()).map(|pair| &pair[1]);
            let json = json.and_then(|json| std::str::from_utf8(json).ok());
            let entry = json.and_then(|json| Revocation::parse(json).ok());
            if entry.is_none() {
                tracing::error!(
                    key = self.key,
                    id,
                    "an entry of the stream is not a revocation, and is not used"
                );
            }
            entry
        };
        let entries: Vec<_> = entries.iter().filter_map(read).collect();
        if let Err(error) = revocations.receive(entries, self.clock.now()) {
            tracing::error!(%error, "revocations of the stream cannot be used");
            self.stream.is_current.store(false, Ordering::Relaxed);
            return Err(End::Failed(error.to_string()));
        }
        self.last = Some(last);
        Ok(())
    }

    /// Everything that the server knows is known.
    fn hear(&self) {
        self.heard.store(milliseconds(self.begun).max(1), Ordering::Relaxed);
        self.stream.is_current.store(true, Ordering::Relaxed);
    }
}

/// The id of an entry, and its fields with their values.
type Entry = (String, Vec<Vec<u8>>);

impl End {
    fn failed(error: &RedisError) -> Self {
        Self::Failed(super::link::shown(error).to_string())
    }

    fn in_time() -> Self {
        Self::Failed("no answer in time".to_owned())
    }

    fn unreadable() -> Self {
        Self::Failed("an answer that is not that of a stream".to_owned())
    }
}

/// Says when what was read is too old to go by.
async fn watch_lag(stream: Arc<Stream>, heard: Arc<AtomicU64>, begun: Instant, max_lag: Duration) {
    loop {
        sleep(Duration::from_millis(250)).await;
        let ago = milliseconds(begun).saturating_sub(heard.load(Ordering::Relaxed));
        if u128::from(ago) > max_lag.as_millis() && stream.is_current.swap(false, Ordering::Relaxed) {
            let hint = "requests are refused with 503 until the server answers again";
            tracing::error!(hint, "nobody knows what was revoked meanwhile");
        }
    }
}

fn milliseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
