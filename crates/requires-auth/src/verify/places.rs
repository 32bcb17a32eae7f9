//! Where requests have their tokens, by the rules of a guard and of each issuer.

use super::rules::Rules;
use super::token::AccessToken;
use crate::client_certificate::CertificateHeader;
use crate::credential::{Credential, has_query_token, misplaced, shows_no_token};
use crate::error::{Denial, ErrorCode};
use crate::request::Request;

impl Rules {
    /// The one token of a request.
    #[inline]
    pub(crate) fn credential<'a>(&self, request: &Request<'a>) -> Result<Credential<'a>, Denial> {
        let told;
        let request = match &self.certificate_header {
            None => request,
            Some(header) => {
                told = with_certificate(header, request)?;
                &told
            }
        };
        // FAPI 2.0 Security Profile §5.3.4: never in the query (RFC 6750 §2.3).
        if self.refuses_query_tokens && has_query_token(request.query()) {
            return Err(Denial::new(ErrorCode::InvalidRequest));
        }
        match &self.places {
            Some(_) if request.is_token_alone() => {
                Credential::from_request(request).map(Credential::in_any_place)
            }
            Some(places) => places.credential(request, self.takes_dpop),
            None => Credential::read(request, self.takes_dpop),
        }
    }

    /// Whether a request shows no token, good or bad, in any place that is read.
    pub(crate) fn shows_no_token(&self, request: &Request<'_>) -> bool {
        if self.refuses_query_tokens && has_query_token(request.query()) {
            return false;
        }
        match &self.places {
            Some(places) => places.show_no_token(request),
            None => shows_no_token(request),
        }
    }

    /// What to do about a refusal: where there is a token that is not read, what is wrong with the header of a proxy, else what
    /// holds for all.
    pub(crate) fn hint_of(&self, request: &Request<'_>, denial: &Denial) -> &'static str {
        let header =
            self.certificate_header.as_ref().filter(|_| denial.code() == ErrorCode::AmbiguousRequest);
        if let Some(Err(fault)) = header.map(|header| header.read(request.headers())) {
            return fault.hint();
        }
        let is_missing = matches!(
            denial.code(),
            ErrorCode::AuthorizationHeaderMissing | ErrorCode::AuthorizationTokenTypeNotSupported
        );
        let is_missing =
            is_missing || self.refuses_query_tokens && denial.code() == ErrorCode::InvalidRequest;
        is_missing.then(|| misplaced(request, self.places.as_deref())).flatten().unwrap_or(denial.hint())
    }
}

/// The request with the certificate that a proxy tells in this header, unless it has one already.
#[cold]
fn with_certificate<'a>(header: &CertificateHeader, request: &Request<'a>) -> Result<Request<'a>, Denial> {
    if request.certificate().is_some() {
        return Ok(*request);
    }
    let found = header.read(request.headers()).map_err(|_| Denial::new(ErrorCode::AmbiguousRequest))?;
    Ok(found.map_or(*request, |certificate| request.with_certificate(certificate.into())))
}

/// Whether a token stands where its issuer's tokens may. Elsewhere it counts as not there. It is asked for each request,
/// whether the token was just judged or is remembered.
#[inline]
pub(crate) fn check_place(token: &AccessToken, credential: &Credential<'_>) -> Result<(), Denial> {
    if credential.places().meets(token.places()) {
        return Ok(());
    }
    Err(Denial::new(ErrorCode::AuthorizationHeaderMissing))
}
