//! One request and what came back.

use requires_auth_testkit::{ProofBuilder, SigningKey};
use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use super::super::development::Development;
use super::super::tour::TokenSource;
use super::cases::{Answer, Case, Proof, Wanted};
use crate::error::Failure;
use crate::http::{cause, url};

/// A request that was answered.
pub(super) struct Exchange {
    pub(super) about: String,
    /// Method and path.
    pub(super) request: String,
    pub(super) answer: Answer,
    pub(super) right: Answer,
}

impl Exchange {
    /// Makes the request of a case.
    pub(super) async fn make(
        client: &Client,
        api: &str,
        tokens: &TokenSource<'_>,
        case: Case,
    ) -> Result<Self, Failure> {
        let failed =
            |error: reqwest::Error| Failure::new(format!("a request of the demo failed: {}", cause(&error)));
        let token = match (case.token, tokens) {
            (None, _) => String::new(),
            (Some(_), TokenSource::Provider { token, .. }) => token.unwrap_or_default().to_owned(),
            (Some(wanted), TokenSource::Development(development)) => {
                mint(client, development, wanted).await?
            }
        };
        // The methods of the cases are methods of HTTP.
        let method = Method::from_bytes(case.method.as_bytes()).unwrap_or_default();
        let mut request = client.request(method, format!("{api}{}", case.path));
        for value in &case.authorization {
            request = request.header(AUTHORIZATION, value.replace("{}", &token));
        }
        for (name, value) in &case.headers {
            request = request.header(*name, *value);
        }
        if let (Some(proof), TokenSource::Development(development)) = (case.proof, tokens) {
            let url = format!("{api}{}", case.path);
            request = request.header("DPoP", proof.mint(development, case.method, &url, &token));
            // A request without a body can be sent again.
            if let (Proof::Copied, Some(first)) = (proof, request.try_clone()) {
                first.send().await.and_then(Response::error_for_status).map_err(failed)?;
            }
        }
        let answer = read(request.send().await.map_err(failed)?).await.map_err(failed)?;
        Ok(Self {
            about: case.about,
            request: format!("{} {}", case.method, case.path),
            answer,
            right: case.right,
        })
    }

    /// Whether the answer is the right one.
    pub(super) fn is_right(&self) -> bool {
        self.answer == self.right
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> Value {
        let Answer { status, code, reason, challenge } = &self.answer;
        let mut json = json!({
            "about": self.about, "request": self.request, "ok": self.is_right(),
            "status": status, "code": code, "reason": reason, "challenge": challenge,
        });
        if !self.is_right() {
            let Answer { status, code, reason, challenge } = &self.right;
            json["expected"] =
                json!({ "status": status, "code": code, "reason": reason, "challenge": challenge });
        }
        json
    }
}

/// A token over HTTP, as anybody gets it.
async fn mint(client: &Client, development: &Development, wanted: Wanted) -> Result<String, Failure> {
    let issuer =
        if matches!(wanted, Wanted::Tenant { .. }) { &development.tenant } else { &development.issuer };
    let rotate = || client.post(issuer.rotation_endpoint()).send();
    let failed = |error: reqwest::Error| Failure::new(format!("the issuer gave no token: {}", cause(&error)));
    if matches!(wanted, Wanted::AfterRotation) {
        rotate().await.map_err(failed)?;
    }
    let mut query = vec![("sub", "alice")];
    if let Wanted::Fresh { scope, defect } = wanted {
        query.push(("scope", scope));
        query.extend(defect.map(|defect| ("defect", defect.name())));
    }
    if matches!(wanted, Wanted::Bound) {
        query.push(("jkt", development.client.thumbprint()));
    }
    let other_tenant = development.other_tenant();
    if matches!(wanted, Wanted::Tenant { is_ours: false }) {
        query.push(("claim", &other_tenant));
    }
    if matches!(wanted, Wanted::Opaque) {
        query.push(("opaque", "true"));
    }
    let answer = client.get(url(issuer.token_endpoint(), "", &query)?).send().await.map_err(failed)?;
    let token = answer.error_for_status().map_err(failed)?.text().await.map_err(failed)?;
    match wanted {
        Wanted::BeforeRotation => {
            rotate().await.map_err(failed)?;
            Ok(token)
        }
        Wanted::Tampered => Ok(tampered(&token)),
        _ => Ok(token),
    }
}

impl Proof {
    /// A proof for a request with this token.
    fn mint(self, development: &Development, method: &str, url: &str, token: &str) -> String {
        let thief = SigningKey::generate(development.client.algorithm());
        let key = if self == Self::Thief { &thief } else { &development.client };
        ProofBuilder::new(key, method, url).token(token).mint()
    }
}

/// The token with a character of its claims changed, which keeps it base64url.
fn tampered(token: &str) -> String {
    let Some((header, rest)) = token.split_once('.') else { return token.to_owned() };
    // The fourth character of the claims holds bits of the first name: `{"jti"` becomes `{"iti"` or alike.
    let changed = |(at, c): (usize, char)| match (at, c) {
        (3, 'p') => 'q',
        (3, _) => 'p',
        (_, c) => c,
    };
    format!("{header}.{}", rest.chars().enumerate().map(changed).collect::<String>())
}

async fn read(response: Response) -> Result<Answer, reqwest::Error> {
    let status = response.status();
    let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
    let challenges: Vec<_> =
        challenges.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    let body: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(ToOwned::to_owned);
    let (code, reason) = if status.is_success() { (None, None) } else { (text("code"), text("reason")) };
    Ok(Answer {
        status: status.as_u16(),
        code,
        reason,
        challenge: (!challenges.is_empty()).then(|| challenges.join(", ")),
    })
}
