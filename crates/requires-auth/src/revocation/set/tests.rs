use std::hash::RandomState;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::claims::Claims;
use crate::revocation::RevocationKind;

impl Set {
    /// A set of at most this many entries, without those that have ended.
    ///
    /// # Errors
    ///
    /// There are more.
    fn of(
        entries: impl IntoIterator<Item = Revocation>,
        seed: &Seed,
        now: NumericDate,
        most: usize,
    ) -> Result<Self, Full> {
        let mut set = Self::default();
        for entry in entries {
            set.add(entry, seed, now, most)?;
        }
        Ok(set)
    }
}

const ISSUER: &str = "https://issuer.example";

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A token of these claims, which all are texts but `iat`.
struct Token {
    jti: Option<&'static str>,
    sub: Option<&'static str>,
    sid: Option<&'static str>,
    client: Option<&'static str>,
    iat: Option<u64>,
}

const TOKEN: Token =
    Token { jti: Some("t-1"), sub: Some("u-1"), sid: Some("s-1"), client: Some("c-1"), iat: Some(1000) };

fn claim_of(token: &Token) -> impl Fn(&str) -> Option<String> {
    |name| (if name == "jti" { token.jti } else { token.sid }).map(ToOwned::to_owned)
}

fn named<'t>(
    token: &Token,
    issued_at: Option<NumericDate>,
    claim: &'t dyn Fn(&str) -> Option<String>,
) -> Named<'t> {
    Named { issuer: ISSUER, subject: token.sub, client: token.client, issued_at, claim }
}

fn refuses(set: &Set, seed: &Seed, token: &Token, now: u64) -> bool {
    let members = [
        token.jti.map(|jti| format!("\"jti\":\"{jti}\"")),
        token.sid.map(|sid| format!("\"sid\":\"{sid}\"")),
        token.iat.map(|iat| format!("\"iat\":{iat}")),
    ];
    let payload = format!("{{{}}}", members.into_iter().flatten().collect::<Vec<_>>().join(","));
    let marks = Marks::of(seed, &Claims::of_text(&payload), token.sub, token.client);
    set.look(&marks, at(now).into(), &named(token, marks.issued_at, &claim_of(token))) == Found::Refused
}

fn set(seed: &Seed, entries: impl IntoIterator<Item = Revocation>) -> Set {
    Set::of(entries, seed, at(1000).into(), 100).expect("room")
}

fn seed() -> Seed {
    Seed::new(RandomState::new())
}

#[test]
fn each_kind_refuses_the_token_that_it_names_and_no_other() {
    let seed = seed();
    let other =
        Token { jti: Some("t-2"), sub: Some("u-2"), sid: Some("s-2"), client: Some("c-2"), iat: Some(1000) };
    // The values of one kind are not those of another.
    let crossed =
        Token { jti: Some("u-1"), sub: Some("t-1"), sid: Some("c-1"), client: Some("s-1"), iat: Some(1000) };
    let nameless = Token { jti: None, sub: None, sid: None, client: None, iat: None };
    for entry in [
        Revocation::of_token("t-1", at(2000)),
        Revocation::of_subject("u-1", at(2000)),
        Revocation::of_session("s-1", at(2000)),
        Revocation::of_client("c-1", at(2000)),
    ] {
        let set = set(&seed, [entry.clone()]);
        assert!(refuses(&set, &seed, &TOKEN, 1000), "{entry:?}");
        for token in [&other, &crossed, &nameless] {
            assert!(!refuses(&set, &seed, token, 1000), "{entry:?}");
        }
    }
}

#[test]
fn an_entry_with_an_issuer_is_for_its_tokens_alone() {
    let seed = seed();
    let of = |issuer: &str| set(&seed, [Revocation::of_subject("u-1", at(2000)).at_issuer(issuer)]);
    assert!(refuses(&of(ISSUER), &seed, &TOKEN, 1000));
    assert!(!refuses(&of("https://issuer.example/"), &seed, &TOKEN, 1000));
}

#[test]
fn what_is_issued_later_is_good_and_what_does_not_say_is_not() {
    let seed = seed();
    let set = set(&seed, [Revocation::of_subject("u-1", at(2000)).issued_before(at(1000))]);
    let issued = |iat| Token { iat, ..TOKEN };
    assert!(refuses(&set, &seed, &issued(Some(999)), 1000));
    assert!(!refuses(&set, &seed, &issued(Some(1000)), 1000));
    assert!(refuses(&set, &seed, &issued(None), 1000));
}

#[test]
fn an_entry_holds_for_as_long_as_a_clock_may_be_behind_and_then_ends() {
    let seed = seed();
    let set = set(&seed, [Revocation::of_token("t-1", at(2000))]);
    assert!(refuses(&set, &seed, &TOKEN, 2299));
    assert!(!refuses(&set, &seed, &TOKEN, 2300));
    assert_eq!(crate::verify::Rules::MAX_LEEWAY, Duration::from_secs(300));
}

#[test]
fn only_a_token_without_any_entry_need_not_be_looked_up_again() {
    let seed = seed();
    let marks = Marks::of(&seed, &Claims::of_text(r#"{"jti":"t-1","sid":"s-1"}"#), Some("u-1"), Some("c-1"));
    let claim = claim_of(&TOKEN);
    let look = |entries: &[Revocation], now| {
        let set = set(&seed, entries.iter().cloned());
        set.look(&marks, at(now).into(), &named(&TOKEN, Some(at(1000).into()), &claim))
    };
    assert_eq!(look(&[], 1000), Found::Nothing);
    assert_eq!(look(&[Revocation::of_subject("u-2", at(2000))], 1000), Found::Nothing);
    let own = Revocation::of_subject("u-1", at(2000));
    assert_eq!(look(std::slice::from_ref(&own), 1000), Found::Refused);
    // A clock that is set back would make it hold again.
    assert_eq!(look(std::slice::from_ref(&own), 3000), Found::Others);
    assert_eq!(look(&[own.clone().issued_before(at(1000))], 1000), Found::Others);
    assert_eq!(look(&[own.clone().at_issuer("https://other.example")], 1000), Found::Others);
    let others = [own.issued_before(at(1000)), Revocation::of_client("c-1", at(2000))];
    assert_eq!(look(&others, 1000), Found::Refused);
}

#[test]
fn a_full_set_refuses_an_entry_and_drops_none() {
    let seed = seed();
    let entry = |number: u64, until| Revocation::of_token(&format!("t-{number}"), at(until));
    let mut set =
        Set::of((0..3).map(|number| entry(number, 2000 + number)), &seed, at(1000).into(), 3).expect("room");
    let mut add = |entry, now| set.add(entry, &seed, at(now).into(), 3).map(|()| set.len());
    assert_eq!(add(entry(3, 9000), 1000), Err(Full { most: 3 }));
    // The same token again needs no room, and may get a later end.
    assert_eq!(add(entry(1, 2001), 1000), Ok(3));
    assert_eq!(add(entry(1, 5000), 1000), Ok(3));
    // One has ended, and makes room for one.
    assert_eq!(add(entry(3, 9000), 2300), Ok(3));
    assert_eq!(add(entry(4, 9000), 2300), Err(Full { most: 3 }));
    assert!(refuses(&set, &seed, &TOKEN, 4000));
    // One that has ended when it comes takes no room.
    assert_eq!(set.add(entry(5, 100), &seed, at(2300).into(), 3), Ok(()));
}

#[test]
fn an_entry_takes_the_place_of_those_that_it_covers() {
    let seed = seed();
    let entry = || Revocation::of_subject("u-1", at(2000));
    let len = |entries: [Revocation; 2]| set(&seed, entries).len();
    assert_eq!(len([entry().issued_before(at(5)), entry().issued_before(at(6))]), 1);
    assert_eq!(len([entry(), entry().issued_before(at(6))]), 1);
    assert_eq!(len([entry().at_issuer(ISSUER), entry()]), 1);
    assert_eq!(len([entry(), Revocation::of_subject("u-1", at(3000))]), 1);
    assert_eq!(
        len([entry().at_issuer(ISSUER), Revocation::of_subject("u-1", at(3000)).at_issuer(ISSUER)]),
        1
    );
    // Of two moments the later one stays, in whichever order they come; the same one again changes nothing.
    let moments = |first, second| [first, second].map(|moment| entry().issued_before(at(moment)));
    assert_eq!(len(moments(5, 5)), 1);
    for (first, second) in [(5, 6), (6, 5)] {
        let set = set(&seed, moments(first, second));
        assert!(refuses(&set, &seed, &Token { iat: Some(5), ..TOKEN }, 1000), "{first} {second}");
        assert_eq!(set.len(), 1);
    }
    // Neither refuses all that the other one does.
    assert_eq!(len([entry(), Revocation::of_subject("u-1", at(3000)).issued_before(at(6))]), 2);
    assert_eq!(len([entry().at_issuer("https://a.example"), entry().at_issuer("https://b.example")]), 2);
    assert_eq!(len([entry(), Revocation::of_client("u-1", at(2000))]), 2);
}

#[test]
fn a_change_copies_one_part() {
    let seed = seed();
    let before = set(&seed, (0..90).map(|number| Revocation::of_token(&number.to_string(), at(2000))));
    let mut after = before.clone();
    after.add(Revocation::of_token("another", at(2000)), &seed, at(1000).into(), 100).expect("room");
    let shared = before.parts.iter().zip(&after.parts).filter(|(one, other)| Arc::ptr_eq(one, other)).count();
    assert_eq!((shared, before.len(), after.len()), (PARTS - 1, 90, 91));
    assert_eq!(after.iter().count(), 91);
}

/// A token of a guard that is told of no revocations has no marks.
#[test]
fn a_token_without_marks_is_compared_with_every_entry() {
    let seed = seed();
    let claim = claim_of(&TOKEN);
    let refused = |listed: &[Revocation], added: &[Revocation]| {
        let mut sets = Sets::new(1);
        sets.listed = set(&seed, listed.iter().cloned());
        sets.added = set(&seed, added.iter().cloned());
        sets.refuse_named(at(1000).into(), &named(&TOKEN, Some(at(1000).into()), &claim))
    };
    let (own, other) = (Revocation::of_session("s-1", at(2000)), Revocation::of_session("s-2", at(2000)));
    assert!(!refused(&[], &[]));
    assert!(!refused(std::slice::from_ref(&other), std::slice::from_ref(&other)));
    assert!(refused(&[other.clone(), own.clone()], &[]));
    assert!(refused(&[], &[own, other]));
}

/// The mark of an entry only finds it: another token could have the same one.
#[test]
fn an_entry_is_compared_by_its_whole_value_and_not_by_its_mark() {
    let claim = claim_of(&TOKEN);
    let token = named(&TOKEN, None, &claim);
    for (kind, own) in RevocationKind::ALL.into_iter().zip(["t-1", "u-1", "s-1", "c-1"]) {
        let refuses = |value: &str| Revocation::of(kind, value, at(2000)).refuses(&token, at(1000).into());
        assert!(refuses(own), "{kind:?}");
        for other in ["t-2", "T-1", "u-2", "s-2", "c-2", ""] {
            assert!(!refuses(other), "{kind:?} {other}");
        }
    }
    let entry = Revocation::of_subject("u-1", at(2000));
    assert!(entry.covers(&entry));
    assert!(!entry.covers(&Revocation::of_client("u-1", at(2000))));
    assert!(!entry.covers(&Revocation::of_subject("u-2", at(2000))));
}

/// Parts have several entries each here, so that one that has ended stands beside one that has not.
#[test]
fn room_is_made_again_and_again_and_what_has_not_ended_stays() {
    let seed = seed();
    let most = PARTS * 6;
    let entry =
        |number: usize| Revocation::of_session(&number.to_string(), at([2000, 5000, 9000][number % 3]));
    let mut set = Set::of((0..most).map(entry), &seed, at(1000).into(), most).expect("room");
    for (now, ended) in [(2400, 1), (5400, 2)] {
        let mut add =
            |jti: String| set.add(Revocation::of_token(&jti, at(9000)), &seed, at(now).into(), most);
        add(format!("first at {now}")).expect("a third has ended");
        for number in 1..most / 3 {
            add(format!("{number} at {now}")).expect("room");
        }
        assert_eq!(add("one more".to_owned()), Err(Full { most }));
        assert_eq!((set.len(), set.iter().count()), (most, most));
        let stays = |number: usize| set.iter().any(|other| *other == entry(number));
        assert!((0..most).all(|number| stays(number) == (number % 3 >= ended)), "{now}");
    }
}

/// A token has one moment at which it was issued: whoever names it by its `jti` means it.
#[test]
fn an_entry_for_one_token_has_no_moment() {
    let (moment, end) = (at(1_000), at(2_000));
    let entry = |kind| Revocation::of(kind, "a", end).issued_before(moment);
    assert_eq!(entry(RevocationKind::Token).before(), None);
    for kind in [RevocationKind::Subject, RevocationKind::Session, RevocationKind::Client] {
        assert_eq!(entry(kind).before(), Some(moment), "{kind:?}");
    }
}

proptest! {
    /// The set says what a look at every entry says.
    #[test]
    fn agrees_with_a_list(
        entries in proptest::collection::vec((0_usize..4, 0_u8..4, 900_u64..3000, proptest::option::of(900_u64..1100)), 0..30),
        token in (0_u8..4, 0_u8..4, 0_u8..4, 0_u8..4, 900_u64..1100),
        now in 1000_u64..3500,
    ) {
        const NAMES: [&str; 4] = ["0", "1", "2", "3"];
        let entries: Vec<_> = entries.into_iter().map(|(kind, value, until, before)| {
            let kind = RevocationKind::ALL[kind];
            let entry = Revocation::of(kind, NAMES[usize::from(value)], at(until));
            match before { Some(before) => entry.issued_before(at(before)), None => entry }
        }).collect();
        let name = |value: u8| Some(NAMES[usize::from(value)]);
        let token = Token { jti: name(token.0), sub: name(token.1), sid: name(token.2), client: name(token.3), iat: Some(token.4) };
        let claim = claim_of(&token);
        let named = named(&token, token.iat.map(|iat| at(iat).into()), &claim);
        let expected = entries.iter().any(|entry| entry.refuses(&named, at(now).into()));
        let seed = seed();
        let set = set(&seed, entries);
        prop_assert_eq!(refuses(&set, &seed, &token, now), expected);
        prop_assert_eq!(set.iter().count(), set.len());
    }
}
