//! The default: HTTP with rustls on aws-lc, as keys are fetched.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};

use super::{Introspect, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse};
use crate::fetch::{FetchError, HttpFetch, classify, read_body};

/// Asks over HTTP, by the client of an [`HttpFetch`]: redirects are not followed, loopback is reached without a proxy, and
/// a name that leads to link-local addresses alone leads nowhere. The default of a guard.
#[derive(Debug)]
pub struct HttpIntrospect {
    http: HttpFetch,
}

impl HttpIntrospect {
    /// As this client fetches, with the certificates that it trusts.
    pub const fn new(http: HttpFetch) -> Self {
        Self { http }
    }
}

impl Introspect for HttpIntrospect {
    fn introspect(&self, request: IntrospectionRequest) -> IntrospectionFuture {
        let client = match self.http.client_for(request.url()) {
            Ok(client) => client,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let mut post = client
            .post(request.url().clone())
            .header(ACCEPT, request.accept())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(request.body().to_owned());
        if let Some(value) = request.authorization() {
            let Ok(mut value) = HeaderValue::try_from(value) else {
                let cause = "the credentials cannot stand in a header".to_owned();
                return Box::pin(std::future::ready(Err(FetchError::Protocol(cause))));
            };
            value.set_sensitive(true);
            post = post.header(AUTHORIZATION, value);
        }
        let sent = post.send();
        Box::pin(async move {
            let mut answer = sent.await.map_err(|error| classify(&error))?;
            let status = answer.status().as_u16();
            // What it says beside a refusal is not needed, and may be long.
            let body =
                if status == 200 { read_body(&mut answer, request.max_bytes()).await? } else { Vec::new() };
            Ok(IntrospectionResponse::new(status, body))
        })
    }
}
