//! Whether a request shows the key or the certificate that its token is bound to (RFC 9449 §7.2, RFC 8705 §3).
//!
//! It is asked for each request, also where the token is remembered: who sends the token is another question than
//! whether the token is good. No binding can be switched on yet, so a bound token is refused whatever the request
//! shows: it must never count as a token that is not bound.

use crate::claims::Confirmation;
use crate::credential::Credential;
use crate::error::Reason;
use crate::jose::digest::sha256;
use crate::request::{Certificate, HeaderValues};

/// A token's binding, if it has one, and what the request shows beside the token.
pub(crate) struct Binding<'b> {
    confirmation: Option<&'b Confirmation>,
    credential: &'b Credential<'b>,
}

impl<'b> Binding<'b> {
    pub(crate) const fn new(confirmation: Option<&'b Confirmation>, credential: &'b Credential<'b>) -> Self {
        Self { confirmation, credential }
    }

    /// Refuses a bound token.
    pub(crate) const fn check(&self) -> Result<(), Reason> {
        match self.confirmation {
            None => Ok(()),
            Some(_) => Err(Reason::BindingMismatch),
        }
    }

    /// What the check wants, and what the request shows instead, for people to read.
    pub(crate) fn expected(&self) -> String {
        let Some(confirmation) = self.confirmation else {
            return "no cnf: the request showed no key and no certificate".to_owned();
        };
        let Confirmation { key, certificate, has_others } = confirmation;
        let methods = [
            key.map(|_| "a key (jkt)"),
            certificate.map(|_| "a certificate (x5t#S256)"),
            has_others.then_some("something else"),
        ];
        let methods: Vec<_> = methods.into_iter().flatten().collect();
        let bound = if methods.is_empty() { "nothing".to_owned() } else { methods.join(" and ") };
        let proof = match self.credential.proof() {
            HeaderValues::Absent => "no DPoP proof",
            HeaderValues::One(_) => "a DPoP proof",
            HeaderValues::Several => "several DPoP proofs",
        };
        let shown = self.shown_certificate(certificate.as_ref());
        format!(
            "no cnf: the token is bound to {bound}, which is not checked here; the request shows {proof} and {shown}"
        )
    }

    fn shown_certificate(&self, bound: Option<&[u8; 32]>) -> &'static str {
        let shown = match self.credential.certificate() {
            None => return "no certificate",
            Some(Certificate::Der(der)) => sha256(der),
            Some(Certificate::Sha256(digest)) => digest,
        };
        match bound {
            None => "a certificate",
            Some(bound) if *bound == shown => "that certificate",
            Some(_) => "another certificate",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    const DER: &[u8] = b"a certificate";

    fn by_certificate() -> Confirmation {
        Confirmation { certificate: Some(sha256(DER)), ..Confirmation::default() }
    }

    #[test]
    fn only_a_token_that_is_not_bound_passes_whatever_the_request_shows() {
        let headers = [("authorization", "Bearer abc"), ("dpop", "a.b.c")];
        let request = Request::new("GET", "/", &headers).with_certificate(Certificate::Der(DER));
        let credential = Credential::from_request(&request).expect("a credential");
        assert_eq!(Binding::new(None, &credential).check(), Ok(()));
        for bound in [
            Confirmation::default(),
            Confirmation { key: Some([0; 32]), ..Confirmation::default() },
            Confirmation { has_others: true, ..Confirmation::default() },
            by_certificate(),
        ] {
            let refused = Binding::new(Some(&bound), &credential).check();
            assert_eq!(refused, Err(Reason::BindingMismatch), "{bound:?}");
        }
    }

    #[test]
    fn the_text_says_what_the_request_shows() {
        let headers = [("authorization", "Bearer abc")];
        let request = Request::new("GET", "/", &headers);
        let told = |request: &Request<'_>, bound: &Confirmation| {
            let credential = Credential::from_request(request).expect("a credential");
            Binding::new(Some(bound), &credential).expected()
        };
        let bound = by_certificate();
        assert!(told(&request, &bound).ends_with("the request shows no DPoP proof and no certificate"));
        let same = request.with_certificate(Certificate::Sha256(sha256(DER)));
        assert!(told(&same, &bound).ends_with("and that certificate"));
        let other = request.with_certificate(Certificate::Der(b"another"));
        assert!(told(&other, &bound).ends_with("and another certificate"));
        let by_key = Confirmation { key: Some([0; 32]), ..Confirmation::default() };
        assert!(told(&other, &by_key).contains("bound to a key (jkt), which"));
        assert!(told(&other, &by_key).ends_with("and a certificate"));
        let headers = [("authorization", "Bearer abc"), ("dpop", "a.b.c")];
        let proven = Request::new("GET", "/", &headers);
        assert!(told(&proven, &by_key).ends_with("the request shows a DPoP proof and no certificate"));
        assert!(told(&request, &Confirmation::default()).contains("bound to nothing, which"));
    }
}
