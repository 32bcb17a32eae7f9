//! The time, as an argument: the system's, or one that a test sets.

use std::time::SystemTime;

/// Tells the time. It is read once per request, and decides whether a token has expired, how old a login is, and when keys
/// are fetched again.
///
/// A server leaves it at the default, [`SystemClock`]. A test gives its own with
/// [`Builder::with_clock`](crate::guard::Builder::with_clock), so that it need not sleep. Every function without
/// arguments that returns a [`SystemTime`] is a clock:
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use requires_auth::{Policy, Reason, RequiresAuth};
///
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let jwks = jwk_set([&key]).to_string();
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// let seconds = Arc::new(AtomicU64::new(1_800_000_000));
/// let clock = Arc::clone(&seconds);
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_jwks(jwks)
///     .with_clock(move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed)))
///     .build()?;
///
/// // A token for a minute is good for 30 seconds longer: the clocks of two machines may differ by the leeway.
/// let token = forge.token().issued_at(1_800_000_000).lifetime(60).mint();
/// let verdict = || auth.verify_now(&token, &Policy::default()).expect("the keys are there").map(drop);
/// seconds.fetch_add(89, Ordering::Relaxed);
/// assert!(verdict().is_ok());
/// seconds.fetch_add(1, Ordering::Relaxed);
/// assert_eq!(verdict().unwrap_err().reason(), Some(Reason::Expired));
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The time now. It may go backwards, as the clock of a machine does; keys are then fetched again when in doubt.
    ///
    /// It is called on the path of every request, so it must not block.
    fn now(&self) -> SystemTime;
}

/// The clock of this machine: the default of a guard. It must be synchronised (NTP); the leeway covers the small rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl<F: Fn() -> SystemTime + Send + Sync + 'static> Clock for F {
    fn now(&self) -> SystemTime {
        self()
    }
}
