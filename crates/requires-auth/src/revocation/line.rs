//! Entries as JSON: one object, and a file with one in each line.

use super::entry::{InvalidRevocation, Revocation, RevocationKind};
use crate::claims::NumericDate;
use crate::jose::json::Object;

/// A longer line is not an entry.
const MAX_LINE: usize = 8 * 1024;

/// A line that is not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {cause}")]
pub(crate) struct LineError {
    line: usize,
    cause: InvalidRevocation,
}

impl Revocation {
    /// Reads an entry from JSON: an object with one of `jti`, `sub`, `sid` and `client_id`; with `until`, in seconds since 1970;
    /// and if wanted with `iss`, and with `before`, in seconds since 1970.
    ///
    /// ```
    /// use requires_auth::revocation::{Revocation, RevocationKind};
    ///
    /// let entry = Revocation::parse(r#"{"sid":"s-1","iss":"https://login.example.com","until":1800003600}"#)?;
    /// assert_eq!((entry.kind(), entry.value()), (RevocationKind::Session, "s-1"));
    ///
    /// // A member that is not known is a mistake: what was meant may refuse more than what was read.
    /// assert!(Revocation::parse(r#"{"subject":"u-17","until":1800003600}"#).is_err());
    /// # Ok::<(), requires_auth::revocation::InvalidRevocation>(())
    /// ```
    ///
    /// # Errors
    ///
    /// It is not such an object, has a member twice or one that is not known, or has no end.
    pub fn parse(json: &str) -> Result<Self, InvalidRevocation> {
        if json.len() > MAX_LINE {
            return Err(InvalidRevocation("it has more than 8 KiB"));
        }
        let object = Object::parse(json.as_bytes())
            .map_err(|_| InvalidRevocation("it is not one JSON object without a member twice"))?;
        let (mut named, mut issuer, mut before, mut until) = (None, None, None, None);
        for (name, value) in object.iter() {
            let text =
                || value.as_str().ok_or(InvalidRevocation("jti, sub, sid, client_id and iss are strings"));
            let time = || {
                NumericDate::parse(value)
                    .ok_or(InvalidRevocation("until and before are seconds since 1970, as numbers"))
            };
            match (name, RevocationKind::ALL.into_iter().find(|kind| kind.as_str() == name)) {
                (_, Some(_)) if named.is_some() => {
                    return Err(InvalidRevocation("it has more than one of jti, sub, sid and client_id"));
                }
                (_, Some(kind)) => named = Some((kind, text()?)),
                ("iss", None) => issuer = Some(text()?),
                ("before", None) => before = Some(time()?),
                ("until", None) => until = Some(time()?),
                _ => {
                    return Err(InvalidRevocation(
                        "it has a member other than jti, sub, sid, client_id, iss, before and until",
                    ));
                }
            }
        }
        let (kind, value) = named.ok_or(InvalidRevocation("it has none of jti, sub, sid and client_id"))?;
        let until =
            until.ok_or(InvalidRevocation("it has no until: when the last token expires that it is for"))?;
        if kind == RevocationKind::Token && before.is_some() {
            return Err(InvalidRevocation("before has no meaning beside jti"));
        }
        let issuer = issuer.map(Into::into);
        let before = before.map(NumericDate::rounded_up);
        let entry = Self { issuer, before, ..Self::new(kind, &value, until) };
        entry.check().map(|()| entry)
    }

    /// The entry as JSON, in one line: what [`parse`](Self::parse) reads.
    pub fn to_json(&self) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let named = format!("\"{}\":{}", self.kind.as_str(), text(&self.value));
        let issuer = self.issuer().map(|issuer| format!("\"iss\":{}", text(issuer)));
        let before = self.before.map(|before| format!("\"before\":{before}"));
        let until = format!("\"until\":{}", self.until);
        let members: Vec<_> = [Some(named), issuer, before, Some(until)].into_iter().flatten().collect();
        format!("{{{}}}", members.join(","))
    }
}

/// Reads a file with an entry in each line. Empty lines are passed over; any other line that is not an entry is a mistake.
pub(crate) fn read_lines(content: &[u8]) -> impl Iterator<Item = Result<Revocation, LineError>> {
    let lines = content.split(|&byte| byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    lines.map(|(place, line)| {
        let text = str::from_utf8(line).map_err(|_| InvalidRevocation("it is not UTF-8"));
        text.and_then(|text| Revocation::parse(text.trim_ascii()))
            .map_err(|cause| LineError { line: place + 1, cause })
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_is_one_object_with_known_members() {
        for good in [
            r#"{"jti":"a","until":1}"#,
            r#" { "until" : 1.5e3 , "sub" : "u" , "before" : 7 , "iss" : "https://i.example" } "#,
            r#"{"sid":"caf\u00e9","until":9007199254740992}"#,
            r#"{"client_id":"c","before":0,"until":0}"#,
        ] {
            let entry = Revocation::parse(good).unwrap_or_else(|error| panic!("{good}: {error}"));
            assert_eq!(Revocation::parse(&entry.to_json()), Ok(entry), "{good}");
        }
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"until":1}"#,
            r#"{"jti":"a"}"#,
            r#"{"jti":"a","sub":"b","until":1}"#,
            r#"{"jti":"a","jti":"b","until":1}"#,
            r#"{"jti":"a","until":1,"before":1}"#,
            r#"{"jti":"","until":1}"#,
            r#"{"jti":null,"until":1}"#,
            r#"{"sub":7,"until":1}"#,
            r#"{"sub":"u","until":"1"}"#,
            r#"{"sub":"u","until":-1}"#,
            r#"{"sub":"u","until":null}"#,
            r#"{"sub":"u","until":1,"iss":""}"#,
            r#"{"sub":"u","until":1,"Before":1}"#,
            r#"{"sub":"u","until":1} {"sub":"v","until":1}"#,
            r#"{"sub":"u","until":1},"#,
        ] {
            assert!(Revocation::parse(bad).is_err(), "{bad}");
        }
        let long = |length| format!(r#"{{"sub":"{}","until":1}}"#, "x".repeat(length));
        assert!(Revocation::parse(&long(2048)).is_ok());
        assert!(Revocation::parse(&long(2049)).is_err());
        // What is longer than any entry is not read.
        let padded = |length| format!("{:<length$}", r#"{"sub":"u","until":1}"#);
        assert!(Revocation::parse(&padded(MAX_LINE)).is_ok());
        let error = Revocation::parse(&padded(MAX_LINE + 1)).expect_err("too long");
        assert_eq!(error.to_string(), error.cause());
        assert_eq!(error.cause(), "it has more than 8 KiB");
    }

    #[test]
    fn a_fraction_of_a_second_makes_an_entry_hold_longer() {
        let entry = Revocation::parse(r#"{"sub":"u","before":1.25,"until":2.5}"#).expect("an entry");
        assert_eq!(entry.to_json(), r#"{"sub":"u","before":2,"until":3}"#);
        let entry = Revocation::of_subject("u", UNIX_EPOCH + Duration::from_millis(2500));
        assert_eq!(
            entry.issued_before(UNIX_EPOCH + Duration::from_millis(1250)).to_json(),
            r#"{"sub":"u","before":2,"until":3}"#
        );
    }

    #[test]
    fn a_broken_line_is_named_by_its_number_alone() {
        let read = |content: &str| read_lines(content.as_bytes()).collect::<Result<Vec<_>, _>>();
        let two = "{\"jti\":\"a\",\"until\":1}\n\n  \r\n{\"jti\":\"b\",\"until\":1}\r\n";
        assert_eq!(read(two).map(|entries| entries.len()), Ok(2));
        assert_eq!(read("").map(|entries| entries.len()), Ok(0));
        let error = read(&format!("{two}{{\"sub\":\"alice\"}}")).expect_err("no end");
        assert_eq!(error.to_string(), "line 5: it has no until: when the last token expires that it is for");
        assert!(read_lines(b"{\"jti\":\"\xff\",\"until\":1}").all(|line| line.is_err()));
    }

    proptest! {
        #[test]
        fn any_text_survives_being_written_and_read(value in "\\PC{1,40}", iss in "[ -~]{1,40}", until in 0_u64..1 << 53) {
            let entry = Revocation::of_session(&value, UNIX_EPOCH + Duration::from_secs(until)).at_issuer(&iss);
            let json = entry.to_json();
            prop_assert!(!json.contains('\n'));
            prop_assert_eq!(Revocation::parse(&json), Ok(entry));
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(read_lines(&bytes).collect::<Vec<_>>());
        }
    }
}
