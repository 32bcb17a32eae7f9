use requires_auth::policy::Requirement;
use requires_auth::{AccessToken, RequiresAuth};

/// A request of the framework.
pub struct Request {
    pub method: String,
    /// As the client has sent it, with its query.
    pub url: String,
    /// Every line, also a second one of the same name.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Where a handler finds what the guard has let through.
    pub token: Option<AccessToken>,
}

/// A response of the framework.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

// The adapter begins here.

pub async fn guarded<N>(auth: &RequiresAuth, needs: &Requirement, mut request: Request, next: N) -> Response
where
    N: AsyncFnOnce(Request) -> Response,
{
    let seen = requires_auth::Request::new(&request.method, &request.url, &request.headers);
    if let Some(document) = auth.metadata(&seen) {
        return answer(document.status(), document.headers(), document.body());
    }
    match auth.admit(&seen, needs).await {
        Ok(admission) => {
            request.token = admission.token().cloned();
            let mut response = next(request).await;
            response.headers.extend(admission.headers().map(owned));
            response
        }
        Err(denial) => {
            let refusal = auth.challenge(&seen, &denial);
            let body = if request.method == "HEAD" { &[] } else { refusal.body() };
            answer(refusal.status(), refusal.headers(), body)
        }
    }
}

fn answer<'h>(status: u16, headers: impl Iterator<Item = (&'static str, &'h str)>, body: &[u8]) -> Response {
    Response { status, headers: headers.map(owned).collect(), body: body.to_vec() }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
