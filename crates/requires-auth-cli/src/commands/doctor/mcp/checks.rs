//! Everything that is looked at: its name, the section that rules, and what to do where it is not so.

use super::super::finding::{Finding, Level};

/// One thing that is looked at.
#[derive(Debug)]
pub(super) struct Check {
    /// Its name, for programs.
    pub(super) code: &'static str,
    /// The section of a standard that rules.
    pub(super) rule: &'static str,
    /// What to do, where the place that finds it knows nothing better.
    pub(super) hint: &'static str,
}

impl Check {
    pub(super) fn ok(&self, subject: &str, what: impl Into<String>) -> Finding {
        self.found(Level::Ok, subject, what)
    }

    pub(super) fn warn(&self, subject: &str, what: impl Into<String>) -> Finding {
        self.found(Level::Warn, subject, what)
    }

    pub(super) fn fail(&self, subject: &str, what: impl Into<String>) -> Finding {
        self.found(Level::Fail, subject, what)
    }

    pub(super) fn skip(&self, subject: &str, what: impl Into<String>) -> Finding {
        self.found(Level::Skip, subject, what)
    }

    fn found(&self, level: Level, subject: &str, what: impl Into<String>) -> Finding {
        Finding::new(level, self.code, subject, what).hint(self.hint).rule(self.rule)
    }
}

macro_rules! checks {
    ($($name:ident: $code:literal, $rule:literal, $hint:literal;)*) => {
        $(pub(super) const $name: Check = Check { code: $code, rule: $rule, hint: $hint };)*

        /// All of them, in the order in which they are made.
        #[cfg(test)]
        pub(super) const ALL: &[&Check] = &[$(&$name),*];
    };
}

checks! {
    URL: "mcp.url", "RFC 9728 §1.2",
        "publish the URL in the form that clients send: https, lower-case host, no default port, no query";
    REACHED: "mcp.reached", "RFC 9110 §9.1",
        "give the URL that clients use; it must be reachable from here";
    POST: "mcp.post", "MCP authorization, Error Handling",
        "a request without a token must be 401 before anything else looks at it";
    GET: "mcp.get", "MCP authorization, Error Handling",
        "some clients begin with GET at this URL: guard every method";
    BODY: "mcp.body", "RFC 6750 §3",
        "let the guard answer before the body is read: else whoever has no token can make the server read and parse";
    SLASH: "mcp.slash", "MCP authorization, Canonical Server URI",
        "clients that follow a redirect lose the token or the body: serve both spellings, or answer 404 to one";

    BEARER: "mcp.challenge", "RFC 6750 §3, MCP authorization, Protected Resource Metadata Discovery Requirements",
        "send one WWW-Authenticate that begins with `Bearer `, with a parameter after it: clients look no further";
    NO_ERROR: "mcp.challenge.error", "RFC 6750 §3.1",
        "leave `error` out where no token was sent: some clients then take their login for broken, and start none";
    POINTER: "mcp.challenge.resource_metadata", "RFC 9728 §5.1",
        "name the document in `resource_metadata`, by its public https URL on the host of this server";
    SCOPE: "mcp.challenge.scope", "MCP authorization, Scope Selection Strategy",
        "name in `scope` what this server needs for its plainest request, without offline_access and openid";
    WORDS: "mcp.challenge.words", "RFC 6750 §3",
        "clients look for `scope=`, `error=` and `resource_metadata=` anywhere in the header: keep them out of other values";
    SAME_CHALLENGE: "mcp.challenge.get", "RFC 9728 §5.1",
        "send the same challenge whatever the method";

    DOCUMENT: "mcp.document", "RFC 9728 §3",
        "serve the document as application/json with status 200 where clients look, and 404 elsewhere";
    CONTENT_TYPE: "mcp.document.type", "RFC 9728 §3.2",
        "send it with `Content-Type: application/json`";
    RESOURCE: "mcp.document.resource", "RFC 9728 §3.3",
        "`resource` must be the URL that clients are given, byte for byte";
    SERVERS: "mcp.document.authorization_servers", "MCP authorization, Authorization Server Location",
        "name at least one issuer in `authorization_servers`, as its metadata spell it";
    DOCUMENT_SCOPES: "mcp.document.scopes_supported", "MCP authorization, Refresh Tokens",
        "take offline_access and openid out: they are between a client and its provider";
    METHODS: "mcp.document.bearer_methods_supported", "RFC 9728 §2, MCP authorization, Token Requirements",
        "write [\"header\"], or leave it out";
    EMPTY: "mcp.document.empty", "RFC 9728 §3.2",
        "leave members out that have no value";
    SAME_DOCUMENT: "mcp.document.same", "RFC 9728 §3.3",
        "clients read the first document that they find: let every place say the same";
    SLASH_DOCUMENT: "mcp.document.slash", "RFC 9728 §3.1",
        "the document of the other spelling must name that spelling, or not be there";

    ISSUER_URL: "mcp.issuer.url", "RFC 8414 §2",
        "an issuer is an https URL without query and fragment";
    ISSUER_METADATA: "mcp.issuer.metadata", "MCP authorization, Authorization Server Metadata Discovery",
        "one of the forms must answer with the metadata, and those before it with 404";
    ISSUER_SAME: "mcp.issuer.identical", "RFC 8414 §3.3",
        "write the issuer in `authorization_servers` as its metadata do: clients must not use others";
    ENDPOINTS: "mcp.issuer.endpoints", "RFC 8414 §2",
        "clients need authorization_endpoint and token_endpoint, over https";
    PKCE: "mcp.issuer.pkce", "MCP authorization, Authorization Code Protection",
        "the metadata must have \"code_challenge_methods_supported\": [\"S256\"]: clients must refuse an issuer without";
    PUBLIC_CLIENTS: "mcp.issuer.public_clients", "RFC 8414 §2",
        "MCP clients mostly have no secret: let the issuer take `none` as token_endpoint_auth_methods_supported";
    REGISTRATION: "mcp.issuer.registration", "MCP authorization, Client Registration",
        "switch on client ID metadata documents or dynamic registration, or tell users which client_id to set";
    ISSUER_SCOPES: "mcp.issuer.scopes_supported", "RFC 8414 §2",
        "some issuers refuse a registration or login that names a scope they do not know: add it there";
    RESOURCES: "mcp.issuer.protected_resources", "RFC 9728 §4",
        "add this resource to the issuer's `protected_resources`, byte for byte";

    CORS_DOCUMENT: "mcp.cors.document", "Fetch §3.2 (CORS protocol)",
        "send `Access-Control-Allow-Origin: *` with the document, and answer its preflight with 204";
    CORS_CHALLENGE: "mcp.cors.challenge", "Fetch §3.2 (CORS protocol)",
        "send Access-Control-Allow-Origin with the 401, and `Access-Control-Expose-Headers: WWW-Authenticate`";
    CORS_ENDPOINT: "mcp.cors.endpoint", "Fetch §3.2 (CORS protocol)",
        "for clients in browsers answer the preflight before the guard does, with authorization, content-type and \
         mcp-protocol-version in Access-Control-Allow-Headers";

    BAD_TOKEN: "mcp.token.bad", "MCP authorization, Token Handling",
        "a token that does not verify must be 401 with error=\"invalid_token\": other answers end a client's login or log it out";
    NO_BEARER: "mcp.token.none", "RFC 6750 §3",
        "answer other schemes and an empty `Bearer` as a request without a token: 401 with the challenge";
    TWO_TOKENS: "mcp.token.two", "RFC 6750 §3.1",
        "refuse a request with two Authorization headers with 400: the server may read the one that the guard did not";
    QUERY_TOKEN: "mcp.token.query", "MCP authorization, Token Requirements",
        "never read `access_token` of the query: URLs are logged, and kept by browsers and proxies";
    TOKEN: "mcp.token", "MCP authorization, Token Handling",
        "`requires-auth explain` tells what is wrong with a token";
    AUDIENCE: "mcp.token.audience", "RFC 8707 §2, MCP authorization, Token Audience Binding and Validation",
        "have the issuer put the URL of this server into `aud`; where it cannot, the server must check another name of its own";
    TOOLS: "mcp.tools", "MCP authorization, Runtime Insufficient Scope Errors",
        "--call-tools asks for each with arguments that fit no tool";
    TOOL: "mcp.tool", "MCP authorization, Runtime Insufficient Scope Errors",
        "answer 403 with error=\"insufficient_scope\", the `scope` that is needed, and `resource_metadata`";
    TIME: "mcp.time", "RFC 9110 §9.1",
        "the server takes long to answer: see what holds it";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::super::checks;
    use super::*;
    use crate::reference::{code, hold, table};

    #[test]
    fn each_check_has_a_name_of_its_own_a_rule_and_a_hint() {
        let codes: BTreeSet<_> = ALL.iter().map(|check| check.code).collect();
        assert_eq!(codes.len(), ALL.len());
        for check in ALL {
            assert!(check.code.starts_with("mcp."), "{check:?}");
            assert!(
                !check.rule.is_empty() && !check.hint.ends_with('.') && check.hint.len() < 160,
                "{check:?}"
            );
        }
    }

    #[test]
    fn reference() {
        let rows = ALL.iter().map(|check| [code(check.code), check.rule.to_owned(), check.hint.to_owned()]);
        hold("doctor.md", "checks", &table(["check", "what rules", "if it is not so"], rows));
        for (part, checks) in
            [("issuers", checks::ISSUERS), ("guard", checks::GUARD), ("probes", checks::PROBES)]
        {
            let rows =
                checks.iter().map(|own| [code(own.code), own.right.to_owned(), own.otherwise.to_owned()]);
            hold("doctor.md", part, &table(["check", "what is right", "if it is not so"], rows));
        }
    }
}
