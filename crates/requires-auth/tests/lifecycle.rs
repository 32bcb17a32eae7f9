//! Keys that outlive the provider: hours pass in milliseconds, on tokio's paused clock.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use requires_auth::fetch::FetchError;
use requires_auth::guard::Builder;
use requires_auth::{Request, RequiresAuth, danger};
use requires_auth_testkit::{Algorithm, SigningKey};
use support::{AUDIENCE, Answer, MemoryIssuer, TokioClock, verdict};

const ISSUER: &str = "https://issuer.example/oidc";
const HOUR: u64 = 3600;
const LIFE: u64 = 600;

struct World {
    clock: TokioClock,
    issuer: MemoryIssuer,
}

impl World {
    fn new() -> Self {
        Self { clock: TokioClock::new(), issuer: MemoryIssuer::new(ISSUER) }
    }

    fn builder(&self) -> Builder {
        RequiresAuth::builder(ISSUER, AUDIENCE).with_fetch(self.issuer.clone()).with_clock(self.clock.clone())
    }

    fn guard(&self) -> RequiresAuth {
        self.builder().build().expect("a configuration")
    }

    fn long_token(&self) -> String {
        self.issuer.token_at(self.clock.unix(), 100_000)
    }

    fn goes_down(&self) {
        self.issuer.always(Some(Answer::Fail(FetchError::Connect("connection refused".to_owned()))));
    }

    fn comes_back(&self) {
        self.issuer.always(None);
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Judges without waiting; `None` would mean that the request had to wait for a fetch.
fn verdict_now(guard: &RequiresAuth, token: &str) -> Option<bool> {
    let headers = [("authorization", format!("Bearer {token}"))];
    guard.authenticate_now(&Request::new("GET", "/", &headers)).map(|judged| judged.is_ok())
}

#[tokio::test(start_paused = true)]
async fn keys_are_refreshed_ahead_of_their_end_idle_or_not() {
    let world = World::new();
    let guard = world.guard();
    guard.warm().await.expect("keys");
    pass(LIFE * 8 / 10 - 1).await;
    assert_eq!(world.issuer.key_set_requests(), 1, "before 80 %");
    pass(LIFE / 10 + 2).await;
    assert_eq!(world.issuer.key_set_requests(), 2, "after 80 % and the jitter, without a request");
    pass(HOUR).await;
    let fetches = world.issuer.key_set_requests();
    assert!((8..=10).contains(&fetches), "one in 480 to 540 seconds: {fetches}");
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_for_a_routine_refresh() {
    let world = World::new();
    let guard = world.guard();
    guard.warm().await.expect("keys");
    let token = world.long_token();
    for _ in 0..2 * HOUR {
        assert_eq!(verdict_now(&guard, &token), Some(true), "after {} s", world.clock.elapsed());
        pass(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_set_is_a_304_and_lives_on() {
    let world = World::new();
    world.issuer.etag("\"v1\"");
    let guard = world.guard();
    let token = world.long_token();
    assert_eq!(verdict(&guard, &token).await, "ok");
    pass(HOUR).await;
    let requests = world.issuer.key_set_requests();
    assert!(requests > 5);
    assert_eq!(world.issuer.not_modified_answers(), requests - 1);
    assert_eq!(verdict_now(&guard, &token), Some(true));
    world.issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
    world.issuer.etag("\"v2\"");
    pass(LIFE).await;
    assert_eq!(verdict(&guard, &token).await, "key_unknown", "the change was noticed by the refresh");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_felt_for_an_hour_past_the_life_of_the_keys() {
    let world = World::new();
    let guard = world.guard();
    let token = world.long_token();
    assert_eq!(verdict(&guard, &token).await, "ok");
    world.goes_down();
    let before = world.issuer.discovery_requests() + world.issuer.key_set_requests();
    while world.clock.elapsed() < LIFE + 59 * 60 {
        assert_eq!(verdict(&guard, &token).await, "ok", "after {} s", world.clock.elapsed());
        pass(1).await;
    }
    let attempts = world.issuer.discovery_requests() + world.issuer.key_set_requests() - before;
    // From 80 % of the life on: 1, 2, 4 and then 8 s apart, less a fifth.
    let longest = (LIFE / 5 + 59 * 60) * 10 / 64 + 4;
    assert!(attempts as u64 <= longest, "{attempts} attempts, {longest} fit the schedule");
    assert!(attempts > 400, "{attempts} attempts: it keeps trying");
    pass(2 * 60).await;
    assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable", "61 minutes past the life");
    world.comes_back();
    pass(10).await;
    assert_eq!(verdict_now(&guard, &token), Some(true), "served without a request that asks for it");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_back_with_other_keys_is_served_within_ten_seconds() {
    for outage in [5, 90, 91, 92, 93, 94, 95, 96, 97, 98, 3 * HOUR] {
        let world = World::new();
        let guard = world.guard();
        assert_eq!(verdict(&guard, &world.long_token()).await, "ok");
        world.issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
        let new = world.long_token();
        world.goes_down();
        for _ in 0..outage {
            assert_eq!(verdict(&guard, &new).await, "auth.issuer_unavailable", "never a refusal");
            pass(1).await;
        }
        world.comes_back();
        let mut waited = 0;
        while verdict(&guard, &new).await != "ok" {
            assert!(waited < 10, "after an outage of {outage} s");
            pass(1).await;
            waited += 1;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_was_silent_is_served_within_ten_seconds() {
    let world = World::new();
    let guard = world.guard();
    assert_eq!(verdict(&guard, &world.long_token()).await, "ok");
    // Connections hang, in every phase of the back-off and of the five seconds of a fetch.
    for outage in 60..75 {
        world.issuer.always(Some(Answer::Hang));
        world.issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
        let new = world.long_token();
        let begun = world.clock.elapsed();
        while world.clock.elapsed() < begun + outage {
            assert_eq!(verdict(&guard, &new).await, "auth.issuer_unavailable", "never a refusal");
            pass(1).await;
        }
        world.comes_back();
        let back = world.clock.elapsed();
        while verdict(&guard, &new).await != "ok" {
            pass(1).await;
        }
        let waited = world.clock.elapsed() - back;
        assert!(waited <= 10, "{waited} s after an outage of {outage} s");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_stale_time_the_guard_fails_closed() {
    let world = World::new();
    let guard = world.builder().with_stale(Duration::ZERO).build().expect("a configuration");
    let token = world.long_token();
    assert_eq!(verdict(&guard, &token).await, "ok");
    world.goes_down();
    pass(LIFE - 1).await;
    assert_eq!(verdict(&guard, &token).await, "ok");
    pass(1).await;
    assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_restart_during_an_outage_serves_from_the_file() {
    let world = World::new();
    let file = TemporaryFile::new("restart");
    let guard = || world.builder().with_state_file(file.path()).build().expect("a configuration");
    let token = world.long_token();
    assert_eq!(verdict(&guard(), &token).await, "ok");
    file.wait_until_written().await;
    world.goes_down();
    pass(LIFE + HOUR / 2).await;
    let restarted = guard();
    assert_eq!(verdict(&restarted, &token).await, "ok", "from the file");
    pass(HOUR / 2 + 1).await;
    assert_eq!(verdict(&restarted, &token).await, "auth.issuer_unavailable", "the file is too old now");
    assert_eq!(verdict(&guard(), &token).await, "auth.issuer_unavailable", "for a new guard too");
    world.comes_back();
    pass(10).await;
    assert_eq!(verdict(&restarted, &token).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn another_guard_begins_with_the_keys_of_the_one_before() {
    let world = World::new();
    let token = world.long_token();
    let first = world.guard();
    assert_eq!(verdict(&first, &token).await, "ok");
    world.goes_down();
    pass(LIFE).await;
    let next = world.builder().with_keys_of(&first).build().expect("a configuration");
    drop(first);
    assert_eq!(verdict_now(&next, &token), Some(true), "nothing has to be fetched");
    pass(HOUR - 1).await;
    assert_eq!(verdict(&next, &token).await, "ok", "they are as old as they are");
    pass(1).await;
    assert_eq!(verdict(&next, &token).await, "auth.issuer_unavailable");
    let late = world.builder().with_keys_of(&next).build().expect("a configuration");
    assert_eq!(verdict(&late, &token).await, "auth.issuer_unavailable", "what is too old is not taken");
    world.comes_back();
    pass(10).await;
    assert_eq!(verdict(&next, &token).await, "ok", "it fetches by itself");
}

#[tokio::test(start_paused = true)]
async fn keys_from_another_place_or_on_another_trust_are_not_taken() {
    let world = World::new();
    let token = world.long_token();
    let first =
        world.builder().with_jwks_uri("https://issuer.example/jwks").build().expect("a configuration");
    assert_eq!(verdict(&first, &token).await, "ok");
    world.goes_down();
    let builder = || world.builder().with_keys_of(&first);
    let url = "https://issuer.example/jwks";
    let others = [
        ("discovered", builder()),
        ("another URL", builder().with_jwks_uri("https://issuer.example/others")),
        ("other certificates", builder().with_jwks_uri(url).with_ca("-----BEGIN CERTIFICATE-----")),
        ("plain HTTP", danger::allow_http_issuer(builder().with_jwks_uri(url))),
        ("stale keys fail closed", builder().with_jwks_uri(url).with_stale(Duration::ZERO)),
    ];
    pass(LIFE).await;
    for (what, builder) in others {
        let guard = builder.build().expect("a configuration");
        assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable", "{what}");
    }
    let same = builder().with_jwks_uri(url).with_leeway(Duration::ZERO).build().expect("a configuration");
    assert_eq!(verdict_now(&same, &token), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_set_that_was_confirmed_is_as_fresh_in_the_file() {
    let world = World::new();
    world.issuer.etag("\"v1\"");
    let file = TemporaryFile::new("confirmed");
    let guard = || world.builder().with_state_file(file.path()).build().expect("a configuration");
    let first = guard();
    let token = world.long_token();
    assert_eq!(verdict(&first, &token).await, "ok");
    file.wait_until_written().await;
    // Hours of nothing but 304: the set in the file must not grow old meanwhile.
    let fetched_at = |text: &str| {
        let file: serde_json::Value = serde_json::from_str(text).expect("JSON");
        file["issuers"][ISSUER]["fetched_at"].as_u64().expect("a time")
    };
    let before = fetched_at(&file.read());
    pass(3 * HOUR).await;
    while fetched_at(&file.read()) < before + 2 * HOUR {
        tokio::task::yield_now().await;
    }
    world.goes_down();
    drop(first);
    assert_eq!(verdict(&guard(), &token).await, "ok", "from the file");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_to_be_believed_is_not_used() {
    let world = World::new();
    let file = TemporaryFile::new("doubtful");
    let guard = || world.builder().with_state_file(file.path()).build().expect("a configuration");
    let token = world.long_token();
    assert_eq!(verdict(&guard(), &token).await, "ok");
    file.wait_until_written().await;
    world.goes_down();
    let good = file.read();
    assert_eq!(verdict(&guard(), &token).await, "ok");
    for bad in [
        String::new(),
        "{}".to_owned(),
        good[..good.len() / 2].to_owned(),
        good.replace("\"version\":1", "\"version\":2"),
    ] {
        file.write(&bad);
        assert_eq!(verdict(&guard(), &token).await, "auth.issuer_unavailable", "{bad:.40}");
    }
    let of_another = good.replace("issuer.example", "another.example");
    file.write(&of_another);
    assert_eq!(verdict(&guard(), &token).await, "auth.issuer_unavailable", "keys of another issuer");
    file.write(&good);
    assert_eq!(verdict(&guard(), &token).await, "ok");
    #[cfg(unix)]
    {
        assert_eq!(file.mode(), 0o600);
        file.set_mode(0o622);
        assert_eq!(verdict(&guard(), &token).await, "auth.issuer_unavailable", "others may write it");
        file.set_mode(0o600);
        assert_eq!(verdict(&guard(), &token).await, "ok");
        file.become_a_pipe();
        assert_eq!(verdict(&guard(), &token).await, "auth.issuer_unavailable", "a pipe, and nobody waits");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_gives_keys_no_longer_life_than_a_fetch_could() {
    let world = World::new();
    let file = TemporaryFile::new("life");
    let guard = || world.builder().with_state_file(file.path()).build().expect("a configuration");
    let token = world.long_token();
    assert_eq!(verdict(&guard(), &token).await, "ok");
    file.wait_until_written().await;
    world.goes_down();
    let mut content: serde_json::Value = serde_json::from_str(&file.read()).expect("JSON");
    for (life, longest) in [(u64::MAX, 24 * HOUR + HOUR), (0, 60 + HOUR)] {
        content["issuers"][ISSUER]["life"] = life.into();
        content["issuers"][ISSUER]["fetched_at"] = world.clock.unix().into();
        file.write(&content.to_string());
        pass(longest - 1).await;
        assert_eq!(verdict_now(&guard(), &token), Some(true), "{life}");
        pass(1).await;
        assert_eq!(verdict(&guard(), &token).await, "auth.issuer_unavailable", "{life}");
    }
    content["issuers"][ISSUER]["fetched_at"] = u64::MAX.into();
    file.write(&content.to_string());
    assert_eq!(verdict(&guard(), &token).await, "auth.issuer_unavailable", "out of the future");
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_state_file_replaces_a_link_and_not_what_it_leads_to() {
    let world = World::new();
    let file = TemporaryFile::new("link");
    let victim = file.path().with_file_name("victim");
    std::fs::write(&victim, "precious").expect("a file");
    std::os::unix::fs::symlink(&victim, file.path()).expect("a link");
    let guard = world.builder().with_state_file(file.path()).build().expect("a configuration");
    assert_eq!(verdict(&guard, &world.long_token()).await, "ok");
    while file.path().is_symlink() {
        tokio::task::yield_now().await;
    }
    assert!(file.read().contains(ISSUER));
    assert_eq!(file.mode(), 0o600);
    assert_eq!(std::fs::read_to_string(&victim).expect("a file"), "precious");
    let folder = file.path().parent().expect("a folder").read_dir().expect("a folder");
    assert_eq!(folder.count(), 2, "nothing is left beside");
}

#[tokio::test(start_paused = true)]
async fn rotation_under_load_refuses_no_valid_token() {
    let world = World::new();
    let guard = world.guard();
    let mut withdrawn: Option<String> = None;
    for round in 0..30 {
        let token = world.issuer.token_at(world.clock.unix(), 3600);
        let requests: Vec<_> = (0..50)
            .map(|_| {
                let (guard, token) = (guard.clone(), token.clone());
                tokio::spawn(async move { verdict(&guard, &token).await })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.expect("no panic"), "ok", "round {round}");
        }
        if let Some(old) = &withdrawn {
            assert_eq!(verdict(&guard, old).await, "key_unknown", "round {round}");
        }
        withdrawn = Some(token);
        world.issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
        if round == 15 {
            // Twice in a row.
            world.issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
        }
        pass(20).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_kid_does_not_eat_up_the_bucket() {
    let world = World::new();
    let guard = world.guard();
    let old = world.long_token();
    assert_eq!(verdict(&guard, &old).await, "ok");
    world.issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
    assert_eq!(verdict(&guard, &world.long_token()).await, "ok");
    for _ in 0..20 {
        assert_eq!(verdict(&guard, &old).await, "key_unknown");
    }
    assert_eq!(world.issuer.key_set_requests(), 2, "the fetch that removed the kid is enough");
    pass(31).await;
    for _ in 0..20 {
        assert_eq!(verdict(&guard, &old).await, "key_unknown");
    }
    assert_eq!(world.issuer.key_set_requests(), 3, "asked once, then remembered");
    world.issuer.rotate();
    assert_eq!(
        verdict(&guard, &world.long_token()).await,
        "ok",
        "the bucket had one left for a real rotation"
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_set_that_moves_is_found_again() {
    let world = World::new();
    let guard = world.guard();
    assert_eq!(verdict(&guard, &world.long_token()).await, "ok");
    // The old place still answers, with the old keys; new ones are at the new place only.
    let old_keys = requires_auth_testkit::jwk_set([&world.issuer.current_key()]).to_string();
    world.issuer.rotate();
    world.issuer.move_key_set("/moved");
    world.issuer.answer_key_set(Answer::Body(old_keys));
    assert_eq!(verdict(&guard, &world.long_token()).await, "ok", "within the request");
    // The old place is gone: the next refresh asks the metadata.
    world.issuer.move_key_set("/again");
    pass(LIFE).await;
    assert_eq!(verdict(&guard, &world.long_token()).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn places_can_be_pinned() {
    let world = World::new();
    let pinned = world.builder().with_jwks_uri(&format!("{ISSUER}/jwks")).build().expect("a configuration");
    assert_eq!(verdict(&pinned, &world.long_token()).await, "ok");
    assert_eq!(world.issuer.discovery_requests(), 0, "nothing is discovered");
    let inside = "https://inside.example/.well-known/openid-configuration";
    let other_name = world.builder().with_discovery_url(inside).build().expect("a configuration");
    assert_eq!(verdict(&other_name, &world.long_token()).await, "ok");
    assert_eq!(world.issuer.discovery_requests(), 1);
    for unsafe_url in ["http://inside.example/x", "file:///etc/passwd", "x", "https://169.254.169.254/"] {
        assert!(world.builder().with_jwks_uri(unsafe_url).build().is_err(), "{unsafe_url}");
        assert!(world.builder().with_discovery_url(unsafe_url).build().is_err(), "{unsafe_url}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_timer_ends_with_the_last_clone_of_the_guard() {
    let world = World::new();
    let guard = world.guard();
    let clone = guard.clone();
    guard.warm().await.expect("keys");
    drop(guard);
    pass(LIFE).await;
    assert_eq!(world.issuer.key_set_requests(), 2, "a clone keeps it going");
    drop(clone);
    pass(24 * HOUR).await;
    assert_eq!(world.issuer.key_set_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_comes_back_is_noticed_without_a_request() {
    let world = World::new();
    world.goes_down();
    let guard = world.guard();
    assert_eq!(verdict(&guard, &world.long_token()).await, "auth.issuer_unavailable");
    pass(600).await;
    world.comes_back();
    pass(10).await;
    assert_eq!(verdict_now(&guard, &world.long_token()), Some(true), "the keys are there already");
}

#[test]
fn the_timer_moves_to_the_next_runtime_when_its_own_is_gone() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
    };
    let clock = support::ManualClock::new();
    let issuer = MemoryIssuer::new(ISSUER);
    let guard = issuer.guard(&clock);
    runtime().block_on(async { guard.warm().await.expect("keys") });
    clock.advance(LIFE + 1);
    let token = issuer.token(&clock);
    assert_eq!(verdict_now(&guard, &token), Some(true), "stale keys serve where no runtime is");
    runtime().block_on(async {
        assert_eq!(verdict(&guard, &token).await, "ok");
        pass(1).await;
    });
    assert_eq!(issuer.key_set_requests(), 2, "the new runtime's timer has refreshed");
}

/// A file of its own, gone at the end of the test.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("requires-auth-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder.join("keys.json"))
    }

    fn path(&self) -> PathBuf {
        self.0.clone()
    }

    fn read(&self) -> String {
        std::fs::read_to_string(&self.0).expect("a file")
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("a file");
    }

    /// Writing happens on another thread, of which the paused clock knows nothing.
    async fn wait_until_written(&self) {
        while !self.0.exists() {
            tokio::task::yield_now().await;
        }
    }

    #[cfg(unix)]
    fn become_a_pipe(&self) {
        std::fs::remove_file(&self.0).expect("a file");
        let made = std::process::Command::new("mkfifo").arg(&self.0).status().expect("mkfifo");
        assert!(made.success());
    }

    #[cfg(unix)]
    fn mode(&self) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(&self.0).expect("a file").permissions().mode() & 0o777
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(mode)).expect("a file");
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(self.0.parent().expect("a folder")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_may_take_as_long_as_the_setting_says() {
    let world = World::new();
    // Metadata and key set take this long each.
    world.issuer.slow(Duration::from_secs(2));
    let token = world.long_token();
    for (seconds, expected) in [(1, "auth.issuer_unavailable"), (3, "ok")] {
        let guard =
            world.builder().with_fetch_timeout(Duration::from_secs(seconds)).build().expect("a guard");
        assert_eq!(verdict(&guard, &token).await, expected, "{seconds} s");
    }
    // A request gives up before such a fetch ends, which goes on.
    world.issuer.slow(Duration::from_secs(8));
    for (builder, expected) in
        [(world.builder().with_fetch_timeout(Duration::from_secs(10)), Some(true)), (world.builder(), None)]
    {
        let guard = builder.build().expect("a guard");
        assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable");
        pass(20).await;
        assert_eq!(verdict_now(&guard, &token), expected);
    }
}
