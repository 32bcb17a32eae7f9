//! What there is to try with curl: each line works when it is pasted.

use super::development::Development;

/// Where tokens for the demo API come from.
pub(super) enum TokenSource<'a> {
    /// The development issuers, which mint any.
    Development(&'a Development),
    /// A real provider; a token of it may have been given.
    Provider { issuer: &'a str, audience: &'a str, token: Option<&'a str> },
}

/// One thing to try.
pub(super) struct Stop {
    /// The status that comes back, and why.
    pub(super) title: String,
    /// The line to paste.
    pub(super) command: String,
}

impl TokenSource<'_> {
    /// What to try, in this order.
    pub(super) fn curl_lines(&self, api: &str) -> Vec<Stop> {
        let mut stops = vec![
            stop("200: anyone may call this", format!("curl -i {api}/public")),
            stop("401: no token", format!("curl -i {api}/api/me")),
        ];
        let with_token = |token: &str, path: &str| curl(api, token, path);
        match self {
            Self::Development(development) => {
                stops.extend(of_development(development, api));
            }
            Self::Provider { issuer, audience, .. } => {
                let explain =
                    format!("requires-auth explain --issuer {issuer} --audience {audience} \"$TOKEN\"");
                stops.extend([
                    stop(
                        "200: a valid token; ask the provider for one with this audience (Logto: `resource`, Auth0: \
                         `audience`)",
                        with_token("$TOKEN", "/api/me"),
                    ),
                    stop("200 with the scope read:items, else 403", with_token("$TOKEN", "/api/items")),
                    stop("why a token is refused", explain),
                ]);
            }
        }
        stops
    }
}

/// What to try with tokens of the development issuers.
fn of_development(development: &Development, api: &str) -> Vec<Stop> {
    let with_token = |token: &str, path: &str| curl(api, token, path);
    let minted = |endpoint: &str, query: &str, path: &str| {
        with_token(&format!("$(curl -s '{endpoint}{query}')"), path)
    };
    let with = |query: &str, path: &str| minted(development.issuer.token_endpoint(), query, path);
    let of_tenant = |query: &str| minted(development.tenant.token_endpoint(), query, "/tenants/me");
    vec![
        stop("200: a valid token", with("?sub=alice", "/api/me")),
        stop("403: the token lacks the scope read:items", with("?sub=alice", "/api/items")),
        stop("200: with the scope", with("?scope=read:items", "/api/items")),
        stop(
            "201: with another scope, to write",
            with("?scope=write:items&sub=alice", "/api/items") + " -X POST",
        ),
        stop(
            "200: an opaque token; the API asks the issuer about it",
            with("?opaque=true&sub=alice", "/opaque/me"),
        ),
        stop("200: a tenant that the API knows, of an issuer with many", of_tenant("?sub=alice")),
        stop(
            "401: another tenant; nothing is fetched for it",
            of_tenant(&format!("?sub=alice&claim={}", development.other_tenant())),
        ),
        stop(
            "401: a stolen token, as it counts with a proof of its client's key alone (`requires-auth proof`)",
            with(&format!("?sub=alice&jkt={}", development.client.thumbprint()), "/bound/me"),
        ),
        stop("401: expired", with("?scope=read:items&defect=expired", "/api/items")),
        stop("401: meant for another API", with("?scope=read:items&defect=audience_mismatch", "/api/items")),
        stop("401: tampered with", with("?scope=read:items&defect=signature_mismatch", "/api/items")),
        stop(
            "200: rotate the key; old and new tokens count",
            format!("curl -i -X POST {}", development.issuer.rotation_endpoint()),
        ),
        stop("200: the new key is found at once", with("?scope=read:items", "/api/items")),
    ]
}

/// A line that shows a token to the API.
fn curl(api: &str, token: &str, path: &str) -> String {
    format!("curl -i {api}{path} -H \"Authorization: Bearer {token}\"")
}

fn stop(title: &str, command: String) -> Stop {
    Stop { title: title.to_owned(), command }
}
