//! The adapter of the guide "Write your own adapter", for a made-up framework.

use requires_auth_testkit::vectors::RequestCase;

use super::{Answer, Guarded};

mod guide;

use guide::{Request, Response};

/// What stands in the guide.
pub const CODE: &str = include_str!("own/guide.rs");

/// The lines of the adapter itself, without those that are blank.
pub fn lines() -> usize {
    let (_, adapter) = CODE.split_once("// The adapter begins here.").unwrap();
    adapter.lines().filter(|line| !line.trim().is_empty()).count()
}

/// `None` for a refusal of `HEAD`, whose answer says less: only the status is known.
pub async fn ask(guarded: &Guarded, case: &RequestCase) -> Option<Answer> {
    let headers = case.headers.clone();
    let request = Request { method: case.method.clone(), url: case.url.clone(), headers, token: None };
    let mut passed = None;
    let handler = async |request: Request| {
        passed = Some(request.token.map_or(Answer::NoToken, |token| Answer::Token(token.claims().unwrap())));
        Response { status: 200, headers: Vec::new(), body: Vec::new() }
    };
    let response = guide::guarded(&guarded.auth, &guarded.requirement, request, handler).await;
    if passed.is_some() {
        return passed;
    }
    if case.method == "HEAD" {
        assert!(response.body.is_empty() && response.status >= 400, "{}", case.id);
        return None;
    }
    let headers = response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Some(Answer::refused(response.status, headers, &response.body))
}
