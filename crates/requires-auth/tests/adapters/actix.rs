//! An application of actix-web: a guard around all of it, another around the resource.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, test, web};
use http::{Request, Response};
use requires_auth::actix::{AuthMiddleware, OptionalToken};
use requires_auth::policy::Presence;
use requires_auth::{AccessToken, Denial, Policy};

use super::tower::{Passed, answer};
use super::{Answer, Document, Guarded};

pub async fn ask(guarded: &Guarded, path: Option<&str>, request: Request<()>) -> Answer {
    let route = web::resource(path.unwrap_or("/{path:.*}")).wrap(inner(guarded)).to(handler);
    let app = test::init_service(App::new().wrap(outer(guarded)).service(route)).await;
    let response = test::call_service(&app, request_of(&request).to_request()).await;
    answer(&response_of(response.map_into_boxed_body()).await)
}

/// Asks an application with a guard around it for a document.
pub async fn metadata(guarded: &Guarded, request: Request<()>) -> Option<Document> {
    let app = App::new().wrap(outer(guarded)).route("/mcp", web::to(handler));
    let response =
        test::call_service(&test::init_service(app).await, request_of(&request).to_request()).await;
    Document::of(&response_of(response.map_into_boxed_body()).await)
}

/// The same where a guard stands around one route alone, and the application is configured with the route of the document.
pub async fn configured_metadata(guarded: &Guarded, request: Request<()>) -> Option<Document> {
    let route = web::resource("/mcp").wrap(inner(guarded)).to(handler);
    let app = App::new().configure(guarded.auth.metadata_service()).service(route);
    let response =
        test::call_service(&test::init_service(app).await, request_of(&request).to_request()).await;
    Document::of(&response_of(response.map_into_boxed_body()).await)
}

/// What stands around the application.
fn outer(guarded: &Guarded) -> AuthMiddleware {
    match guarded.requirement.presence() {
        Presence::Optional => guarded.auth.optional_middleware(),
        _ => guarded.auth.middleware(),
    }
}

/// What stands around the route.
fn inner(guarded: &Guarded) -> AuthMiddleware {
    let policy = guarded.requirement.policy();
    if *policy == Policy::default() { outer(guarded) } else { guarded.auth.requires_policy(policy.clone()) }
}

async fn handler(request: HttpRequest, OptionalToken(token): OptionalToken) -> HttpResponse {
    assert_eq!(request.extensions().get::<AccessToken>().is_some(), token.is_some());
    let mut response = HttpResponse::Ok().finish();
    response.extensions_mut().insert(Passed::with(token.as_ref()));
    response
}

/// actix-web is on the types of an older `http`.
fn request_of(request: &Request<()>) -> test::TestRequest {
    let method = request.method().as_str().parse().unwrap();
    let mut test = test::TestRequest::with_uri(&request.uri().to_string()).method(method);
    for (name, value) in request.headers() {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        test = test.append_header((name.as_str().parse::<HeaderName>().unwrap(), value));
    }
    test
}

async fn response_of(response: actix_web::dev::ServiceResponse) -> Response<Vec<u8>> {
    let mut converted = Response::builder().status(response.status().as_u16());
    for (name, value) in response.headers() {
        converted = converted.header(name.as_str(), value.as_bytes());
    }
    let passed = response.response().extensions().get::<Passed>().cloned();
    let denial = response.response().extensions().get::<Denial>().cloned();
    let mut converted = converted.body(test::read_body(response).await.to_vec()).unwrap();
    passed.map(|passed| converted.extensions_mut().insert(passed));
    denial.map(|denial| converted.extensions_mut().insert(denial));
    converted
}
