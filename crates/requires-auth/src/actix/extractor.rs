//! The access token as an argument of a handler.

use std::cell::OnceCell;
use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};

use super::request::{Passed, view};
use super::response::{refusal, response};
use crate::challenge::{BodyFormat, Challenge};
use crate::error::Denial;
use crate::guard::RequiresAuth;
use crate::request::Request;
use crate::verify::{AccessToken, ClaimsError};

const NO_GUARD: &str = "no access-token guard stands before this route: add `.wrap(auth.middleware())`";

/// The token that the request has passed the guard with. Refuses an anonymous request with 401; without a guard around the
/// route it answers 500.
///
/// ```
/// use actix_web::web;
/// use requires_auth::verify::ClaimsError;
/// use requires_auth::{AccessToken, RequiresAuth};
///
/// #[derive(serde::Deserialize)]
/// struct Profile {
///     email: String,
/// }
///
/// // `?` on the claims is a 403 `access_denied`, and the log says where the type does not fit.
/// async fn email(token: AccessToken) -> Result<String, ClaimsError> {
///     let profile: Profile = token.claims()?;
///     Ok(profile.email)
/// }
///
/// fn routes(auth: &RequiresAuth) -> actix_web::Resource {
///     web::resource("/email").route(web::get().to(email).wrap(auth.middleware()))
/// }
/// ```
impl FromRequest for AccessToken {
    type Error = AccessTokenRejection;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match passed(request) {
            Some(Passed::Token(token)) => Ok(token),
            Some(Passed::NoToken(auth)) => Err(AccessTokenRejection::new(request, Some(auth))),
            None => Err(AccessTokenRejection::new(request, None)),
        })
    }
}

/// The token of a request, or `None` for an anonymous one, which only
/// [`optional_middleware`](RequiresAuth::optional_middleware) lets through.
///
/// Take this, and not `Option<AccessToken>`: actix-web makes `None` of whatever goes wrong with an argument that is an `Option`,
/// so that a guard which was forgotten would make everybody anonymous. This argument answers 500 then.
///
/// A bad token never gets here as `None`: the guard refuses it, so that a client notices that its token has expired.
///
/// ```
/// use actix_web::{App, test, web};
/// use requires_auth::RequiresAuth;
/// use requires_auth::actix::OptionalToken;
///
/// async fn prices(OptionalToken(token): OptionalToken) -> &'static str {
///     match token {
///         Some(token) if token.has_scope("wholesale") => "1.20",
///         _ => "1.90",
///     }
/// }
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
/// let app = App::new().wrap(auth.optional_middleware()).route("/prices", web::get().to(prices));
/// let app = test::init_service(app).await;
///
/// let anonymous = || test::TestRequest::get().uri("/prices");
/// assert_eq!(test::call_service(&app, anonymous().to_request()).await.status(), 200);
/// let bad_token = anonymous().insert_header(("authorization", "Bearer opaque"));
/// assert_eq!(test::call_service(&app, bad_token.to_request()).await.status(), 401);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OptionalToken(pub Option<AccessToken>);

impl FromRequest for OptionalToken {
    type Error = AccessTokenRejection;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match passed(request) {
            Some(Passed::Token(token)) => Ok(Self(Some(token))),
            Some(Passed::NoToken(_)) => Ok(Self(None)),
            None => Err(AccessTokenRejection::new(request, None)),
        })
    }
}

fn passed(request: &HttpRequest) -> Option<Passed> {
    Passed::of(&request.extensions())
}

/// A handler asks for an [`AccessToken`], and the request has none.
///
/// actix-web makes the response of it; a handler sees it only if it takes `Result<AccessToken, AccessTokenRejection>`, which is for
/// answers of its own, such as a page instead of JSON.
pub struct AccessTokenRejection {
    request: HttpRequest,
    /// The guard that has let the request pass without a token; `None` if there is no guard.
    auth: Option<RequiresAuth>,
    /// Found, counted and logged with the answer, as an argument that is an `Option` gives none.
    denial: OnceCell<Denial>,
}

impl AccessTokenRejection {
    fn new(request: &HttpRequest, auth: Option<RequiresAuth>) -> Self {
        if auth.is_none() {
            tracing::error!(method = request.method().as_str(), path = request.uri().path(), "{NO_GUARD}");
        }
        Self { request: request.clone(), auth, denial: OnceCell::new() }
    }

    /// Why the request is refused; `None` if there is no guard around the route, which is a mistake of the server.
    pub fn denial(&self) -> Option<&Denial> {
        let auth = self.auth.as_ref()?;
        Some(self.denial.get_or_init(|| auth.refuse_anonymous(&view(self.request.head()))))
    }
}

impl ResponseError for AccessTokenRejection {
    fn status_code(&self) -> StatusCode {
        let known = self.denial().and_then(|denial| StatusCode::from_u16(denial.status()).ok());
        known.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        match (&self.auth, self.denial()) {
            (Some(auth), Some(denial)) => refusal(auth, self.request.head(), denial.clone()),
            _ => HttpResponseBuilder::new(StatusCode::INTERNAL_SERVER_ERROR)
                .content_type("text/plain; charset=utf-8")
                .body(NO_GUARD),
        }
    }
}

impl fmt::Debug for AccessTokenRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The request has the headers of the client, and is not shown.
        f.debug_struct("AccessTokenRejection").field("denial", &self.denial.get()).finish_non_exhaustive()
    }
}

impl fmt::Display for AccessTokenRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denial() {
            Some(denial) => denial.fmt(f),
            None => f.write_str(NO_GUARD),
        }
    }
}

impl std::error::Error for AccessTokenRejection {}

/// 403 `access_denied`, as JSON: the token is good, and a claim that the handler needs is absent or of another type.
///
/// It is logged, as the mistake may as well be in the type that was asked for. The body has the default format, since the error
/// does not know which guard the request has passed; convert it to a [`Denial`] for another one.
impl ResponseError for ClaimsError {
    fn status_code(&self) -> StatusCode {
        StatusCode::FORBIDDEN
    }

    fn error_response(&self) -> HttpResponse {
        tracing::warn!(error = %self, "a handler cannot read a good token as the type that it asks for");
        // It is not known for which request or which guard: the format is the default.
        let headers: [(&str, &str); 0] = [];
        let (request, denial): (_, Denial) = (Request::new("-", "-", &headers), (*self).into());
        response(Challenge::new(&denial, &request, &BodyFormat::default()), denial)
    }
}
