use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use super::*;

/// A file of its own, gone at the end of the test.
struct Listing {
    folder: PathBuf,
}

impl Listing {
    fn new(content: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "requires-auth-revocations-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let own = Self { folder };
        own.write(content);
        own
    }

    fn path(&self) -> PathBuf {
        self.folder.join("revoked.jsonl")
    }

    fn write(&self, content: &str) {
        fs::write(self.path(), content).expect("a file");
    }

    fn open(&self, most: usize) -> Result<Revocations, UnreadableRevocations> {
        Revocations::of_file(&self.path(), most, Arc::new(now))
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1000)
}

fn entry(sub: &str) -> Revocation {
    Revocation::of_subject(sub, now() + Duration::from_secs(100))
}

fn line(sub: &str) -> String {
    entry(sub).to_json() + "\n"
}

fn subjects(revocations: &Revocations) -> Vec<String> {
    let mut all: Vec<_> = revocations.list().iter().map(|entry| entry.value().to_owned()).collect();
    all.sort();
    all
}

#[test]
fn a_file_is_the_whole_truth_about_what_is_listed() {
    let listing = Listing::new(&line("a"));
    let revocations = listing.open(10).expect("a file");
    assert_eq!(subjects(&revocations), ["a"]);
    // As long as before, and within the time that a file system cannot tell apart.
    for subject in ["b", "c", "d"] {
        listing.write(&line(subject));
        revocations.refresh().expect("a file");
        assert_eq!(subjects(&revocations), [subject]);
    }
    listing.write(&(line("e") + &line("f")));
    revocations.refresh().expect("a file");
    assert_eq!(subjects(&revocations), ["e", "f"]);
    listing.write("");
    revocations.refresh().expect("a file");
    assert!(revocations.is_empty());
}

#[test]
fn a_broken_file_changes_nothing_and_says_so_until_it_is_mended() {
    let listing = Listing::new(&line("a"));
    let revocations = listing.open(10).expect("a file");
    let broken = line("b") + "{\"sub\":\"c\"";
    listing.write(&broken);
    for _ in 0..2 {
        let failure = revocations.refresh().expect_err("a broken line");
        assert!(failure.to_string().starts_with("line 2: "), "{failure}");
        assert_eq!((subjects(&revocations), revocations.failure()), (vec!["a".to_owned()], Some(failure)));
    }
    fs::remove_file(listing.path()).expect("a file");
    assert!(revocations.refresh().is_err());
    // It comes back as it was, and is as broken.
    listing.write(&broken);
    assert!(revocations.refresh().is_err());
    assert_eq!(subjects(&revocations), ["a"]);
    listing.write(&line("b"));
    assert_eq!((revocations.refresh(), revocations.failure()), (Ok(()), None));
    assert_eq!(subjects(&revocations), ["b"]);
}

#[test]
fn who_watches_waits_for_content_that_takes_something_away_to_stand_still() {
    let listing = Listing::new(&(line("a") + &line("b")));
    // Without a thread that looks at it, too.
    let revocations = Revocations::new(10, None, Arc::new(now));
    let listed = Listed::new(listing.path());
    let look = || (listed.look(&revocations.inner, true), subjects(&revocations)).1;
    assert_eq!(look(), ["a", "b"]);
    // What is longer is used at once.
    listing.write(&(line("a") + &line("b") + &line("c")));
    assert_eq!(look(), ["a", "b", "c"]);
    // An editor empties the file, then writes it.
    listing.write("");
    assert_eq!(look(), ["a", "b", "c"]);
    listing.write(&line("a"));
    assert_eq!(look(), ["a", "b", "c"]);
    listing.write(&(line("a") + &line("c")));
    assert_eq!(look(), ["a", "b", "c"]);
    assert_eq!(look(), ["a", "c"], "it has stood still");
    // One that never stands still is used all the same.
    for content in ["x", "y", "z"] {
        listing.write(&line(content));
        assert_eq!(look(), ["a", "c"]);
    }
    listing.write(&line("w"));
    assert_eq!(look(), ["w"]);
}

#[test]
fn a_file_without_which_a_guard_would_revoke_nothing_is_a_mistake_at_start() {
    let listing = Listing::new("{}");
    assert!(listing.open(10).is_err());
    fs::remove_file(listing.path()).expect("a file");
    assert!(listing.open(10).is_err());
    fs::create_dir(listing.path()).expect("a folder");
    assert!(listing.open(10).is_err());
    assert!(Listing::new("").open(10).is_ok(), "an empty file is one");
}

#[test]
fn a_file_with_more_than_there_is_room_for_changes_nothing() {
    let listing = Listing::new(&(line("a") + &line("b")));
    let revocations = listing.open(2).expect("a file");
    // What has ended takes no room.
    let ended = Revocation::of_subject("old", UNIX_EPOCH).to_json();
    listing.write(&format!("{ended}\n{}{}", line("a"), line("c")));
    revocations.refresh().expect("room");
    assert_eq!(subjects(&revocations), ["a", "c"]);
    listing.write(&(line("a") + &line("b") + &line("c")));
    assert!(revocations.refresh().is_err());
    assert_eq!(subjects(&revocations), ["a", "c"]);
    assert!(Listing::new(&(line("a") + &line("b"))).open(1).is_err());
}

#[test]
fn what_is_added_is_in_use_at_once_and_in_the_file_for_others() {
    let listing = Listing::new(line("a").trim_end());
    let (one, other) = (listing.open(3).expect("a file"), listing.open(3).expect("a file"));
    one.add(&entry("b"), now()).expect("room");
    assert_eq!(subjects(&one), ["a", "b"]);
    other.refresh().expect("a file");
    assert_eq!(subjects(&other), ["a", "b"]);
    one.refresh().expect("a file");
    assert_eq!(subjects(&one), ["a", "b"]);
    one.add(&entry("c"), now()).expect("room");
    assert!(matches!(one.add(&entry("d"), now()), Err(RevokeError::Full { most: 3 })));
    assert!(matches!(one.add(&Revocation::of_subject("", now()), now()), Err(RevokeError::Invalid(_))));
    assert_eq!(fs::read_to_string(listing.path()).expect("a file"), line("a") + &line("b") + &line("c"));
}

#[test]
fn what_cannot_be_kept_is_not_in_use() {
    let listing = Listing::new("");
    let revocations = listing.open(3).expect("a file");
    fs::remove_file(listing.path()).expect("a file");
    assert!(matches!(revocations.add(&entry("a"), now()), Err(RevokeError::NotKept(_))));
    assert!(revocations.is_empty() && !listing.path().exists());
}

#[test]
fn several_writers_lose_no_line() {
    let listing = Listing::new("");
    let path = listing.path();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for number in 0..25 {
                    append_to_file(path, &entry(&format!("{writer}-{number}"))).expect("a line");
                }
            });
        }
    });
    assert_eq!(listing.open(1000).expect("a file").len(), 100);
}

#[test]
fn a_set_in_memory_takes_what_there_is_room_for() {
    let revocations = Revocations::in_memory(1);
    let same = revocations.clone();
    revocations.add(&entry("a"), now()).expect("room");
    assert!(matches!(revocations.add(&entry("b"), now()), Err(RevokeError::Full { most: 1 })));
    assert_eq!((subjects(&same), same.file(), same.refresh()), (vec!["a".to_owned()], None, Ok(())));
    assert!(!format!("{same:?} {:?}", same.list()).contains("\"a\""));
}

#[test]
fn the_file_is_watched_without_being_asked() {
    let listing = Listing::new("");
    let revocations = listing.open(10).expect("a file");
    append_to_file(&listing.path(), &entry("a")).expect("a line");
    let waited = std::time::Instant::now();
    while revocations.is_empty() {
        assert!(waited.elapsed() < Duration::from_secs(20), "the file is not watched");
        std::thread::sleep(Duration::from_millis(5));
    }
    let inner = Arc::downgrade(&revocations.inner);
    drop(revocations);
    while inner.strong_count() > 0 {
        assert!(waited.elapsed() < Duration::from_secs(20), "nobody uses it any more");
        std::thread::sleep(Duration::from_millis(5));
    }
}
