//! Where tokens stand beside `Authorization`, and how they are taken away from the application.

use http::header::{AUTHORIZATION, COOKIE, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderName, HeaderValue};
use requires_auth::credential::{Protocols, TokenPlace};

use super::header_names::is_folded_like;

/// The header that holds a proof (RFC 9449 §4.1).
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The places that a guard reads, without `Authorization`.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenPlaces {
    all: Vec<TokenPlace>,
    /// Headers that hold a token and nothing else.
    headers: Vec<HeaderName>,
    cookies: Vec<String>,
    has_subprotocol: bool,
    reads_authorization: bool,
    /// Whether proofs of keys are for this gateway alone.
    takes_proofs: bool,
}

/// What becomes of the headers of a request when its tokens are taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// These go.
    pub(crate) removed: Vec<HeaderName>,
    /// These are left with something else in them.
    pub(crate) set: Vec<(HeaderName, HeaderValue)>,
    /// The subprotocol to answer where the application chooses none: a browser fails a connection that is answered without
    /// one that it has offered.
    pub(crate) subprotocol: Option<HeaderValue>,
}

impl TokenPlaces {
    pub(crate) fn new(places: &[TokenPlace]) -> Self {
        let authorization = TokenPlace::authorization();
        let all: Vec<_> = places.iter().filter(|place| **place != authorization).cloned().collect();
        let cookies = all.iter().filter_map(TokenPlace::cookie_name).map(ToOwned::to_owned).collect();
        let is_header = |place: &&TokenPlace| place.parts().0 == "header";
        let headers = all.iter().filter(is_header).filter_map(|place| place.header_name().try_into().ok());
        let has_subprotocol = all.iter().any(|place| place.header_name() == SEC_WEBSOCKET_PROTOCOL.as_str());
        let reads_authorization = places.contains(&authorization);
        Self {
            headers: headers.collect(),
            cookies,
            has_subprotocol,
            reads_authorization,
            takes_proofs: false,
            all,
        }
    }

    /// The same, and whether the proof of a request is taken away as well (RFC 9449): whoever has the token could use it
    /// elsewhere until it is too old.
    pub(crate) fn taking_proofs(self, takes_proofs: bool) -> Self {
        Self { takes_proofs, ..self }
    }

    /// Every place.
    pub(crate) fn all(&self) -> &[TokenPlace] {
        &self.all
    }

    /// Whether a header holds a token, or would for an application that reads names as CGI does.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|own| is_folded_like(own.as_str(), name))
    }

    /// What is to become of the headers of a request. A cookie and a subprotocol that hold no token stay.
    pub(crate) fn take(&self, headers: &HeaderMap) -> Taken {
        let mut taken = self.take_proofs(headers);
        if self.all.is_empty() {
            return taken;
        }
        taken.removed.extend(headers.keys().filter(|name| self.has_header(name.as_str())).cloned());
        // Nobody has judged what it says.
        let is_unread = !self.reads_authorization && headers.contains_key(AUTHORIZATION);
        taken.removed.extend(is_unread.then_some(AUTHORIZATION));
        self.take_cookies(headers, &mut taken);
        self.take_subprotocols(headers, &mut taken);
        taken
    }

    /// What is to become of the headers of a request whose token the application gets: other spellings of a header that
    /// holds one go. Nobody has looked at them, and an application that reads names as CGI does may take one for the token.
    pub(crate) fn take_other_spellings(&self, headers: &HeaderMap) -> Taken {
        let is_other = |name: &&HeaderName| self.has_header(name.as_str()) && !self.headers.contains(name);
        let mut taken = self.take_proofs(headers);
        taken.removed.extend(headers.keys().filter(is_other).cloned());
        taken
    }

    fn take_proofs(&self, headers: &HeaderMap) -> Taken {
        let has_proof = self.takes_proofs && headers.contains_key(&DPOP);
        Taken { removed: has_proof.then_some(DPOP).into_iter().collect(), ..Taken::default() }
    }

    fn take_cookies(&self, headers: &HeaderMap, taken: &mut Taken) {
        if self.cookies.is_empty() || !headers.contains_key(COOKIE) {
            return;
        }
        let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        let pairs: Vec<&[u8]> =
            lines.flat_map(|line| line.split(|&byte| byte == b';')).map(<[u8]>::trim_ascii).collect();
        let holds_token = |pair: &[u8]| {
            let name = pair.split(|&byte| byte == b'=').next().unwrap_or_default().trim_ascii();
            self.cookies.iter().any(|own| own.as_bytes() == name)
        };
        let rest: Vec<_> =
            pairs.iter().copied().filter(|pair| !pair.is_empty() && !holds_token(pair)).collect();
        taken.put(COOKIE, pairs.iter().any(|pair| holds_token(pair)), &rest.join(&b"; "[..]));
    }

    fn take_subprotocols(&self, headers: &HeaderMap, taken: &mut Taken) {
        let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().map(HeaderValue::to_str);
        let Ok(lines) = lines.collect::<Result<Vec<_>, _>>() else {
            // No subprotocol has such a letter (RFC 6455 §4.1), and a token may stand beside it.
            taken.removed.extend(self.has_subprotocol.then_some(SEC_WEBSOCKET_PROTOCOL));
            return;
        };
        let offered: Vec<&str> = lines
            .into_iter()
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .collect();
        if offered.is_empty() {
            return;
        }
        let protocols = Protocols::of(&self.all, &offered);
        let rest: Vec<_> = protocols.others().collect();
        let announcement = protocols.announcement();
        taken.subprotocol = announcement.and_then(|announcement| HeaderValue::from_str(announcement).ok());
        taken.put(SEC_WEBSOCKET_PROTOCOL, rest.len() < offered.len(), rest.join(", ").as_bytes());
    }
}

impl Taken {
    /// Notes what is left of a header that has changed. What cannot be written again goes altogether.
    fn put(&mut self, name: HeaderName, has_changed: bool, rest: &[u8]) {
        match HeaderValue::from_bytes(rest) {
            _ if !has_changed => {}
            Ok(rest) if !rest.is_empty() => self.set.push((name, rest)),
            _ => self.removed.push(name),
        }
    }

    /// Applies it to the headers of a request.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.removed {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(list: &[&str]) -> TokenPlaces {
        TokenPlaces::new(&list.iter().map(|text| text.parse().expect("a place")).collect::<Vec<_>>())
    }

    fn left(list: &[&str], headers: &[(&str, &str)]) -> (Vec<String>, Option<String>) {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().expect("a name"), value.parse::<HeaderValue>().expect("a value"))
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers.iter().map(pair) {
            map.append(name, value);
        }
        let taken = places(list).take(&map);
        taken.apply(&mut map);
        let shown = |value: &HeaderValue| value.to_str().expect("ASCII").to_owned();
        let left = map.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
        (left, taken.subprotocol.as_ref().map(shown))
    }

    #[test]
    fn what_holds_a_token_goes_and_the_rest_stays() {
        let all = ["header=X-Token", "cookie=token", "subprotocol.after=bearer", "subprotocol.prefix=t."];
        for (headers, rest, subprotocol) in [
            (vec![("x-token", "a.b.c"), ("accept", "*/*")], vec!["accept: */*"], None),
            // An application that reads names as CGI does would find the token there.
            (vec![("x_token", "a.b.c")], vec![], None),
            (vec![("cookie", "a=1; token=a.b.c; b=2")], vec!["cookie: a=1; b=2"], None),
            (vec![("cookie", "a=1; token=a.b.c"), ("cookie", "b=2")], vec!["cookie: a=1; b=2"], None),
            (vec![("cookie", "token=a.b.c")], vec![], None),
            (vec![("cookie", "token2=a; Token=b")], vec!["cookie: token2=a; Token=b"], None),
            (
                vec![("sec-websocket-protocol", "chat, bearer, a.b.c, v2")],
                vec!["sec-websocket-protocol: chat, v2"],
                Some("bearer"),
            ),
            (vec![("sec-websocket-protocol", "bearer, a.b.c")], vec![], Some("bearer")),
            (vec![("sec-websocket-protocol", "t.a.b.c, chat")], vec!["sec-websocket-protocol: chat"], None),
            (vec![("sec-websocket-protocol", "chat")], vec!["sec-websocket-protocol: chat"], None),
            // No token is read there, so nobody has judged what it says.
            (vec![("authorization", "Bearer a.b.c"), ("accept", "*/*")], vec!["accept: */*"], None),
        ] {
            assert_eq!(
                left(&all, &headers),
                (rest.into_iter().map(ToOwned::to_owned).collect(), subprotocol.map(ToOwned::to_owned)),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn an_authorization_header_stays_where_it_is_read() {
        let (rest, _) = left(
            &["authorization", "header=X-Token"],
            &[("authorization", "Bearer a.b.c"), ("x-token", "a.b.c")],
        );
        assert_eq!(rest, ["authorization: Bearer a.b.c"]);
    }

    #[test]
    fn a_line_that_is_not_ascii_hides_no_token() {
        let token = HeaderValue::from_bytes(b"bearer, a.b.c, \xc3\xa9").expect("a value");
        let left = |list: &[&str]| {
            let mut map = HeaderMap::from_iter([(SEC_WEBSOCKET_PROTOCOL, token.clone())]);
            places(list).take(&map).apply(&mut map);
            map.len()
        };
        assert_eq!(left(&["subprotocol.after=bearer"]), 0);
        assert_eq!(left(&["subprotocol.prefix=bearer."]), 0);
        assert_eq!(left(&["cookie=token"]), 1, "no token is looked for there");
    }

    #[test]
    fn a_proof_goes_where_it_is_for_the_gateway_alone() {
        let headers = HeaderMap::from_iter([
            (DPOP, HeaderValue::from_static("a.b.c")),
            (AUTHORIZATION, HeaderValue::from_static("DPoP a.b.c")),
        ]);
        for (takes, expected) in [(true, vec![DPOP]), (false, vec![])] {
            let places = places(&["authorization"]).taking_proofs(takes);
            assert_eq!(places.take(&headers).removed, expected);
            assert_eq!(places.take_other_spellings(&headers).removed, expected);
            assert!(places.take(&HeaderMap::new()).removed.is_empty());
        }
    }

    #[test]
    fn a_guard_that_reads_authorization_alone_changes_nothing() {
        let headers =
            [("cookie", "token=a.b.c"), ("x-token", "a.b.c"), ("sec-websocket-protocol", "bearer, a.b.c")];
        let (rest, subprotocol) = left(&["authorization"], &headers);
        assert_eq!((rest.len(), subprotocol), (3, None));
    }
}
