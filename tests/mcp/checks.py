"""What a guard of an MCP server must answer: each check asks, and says what came and whether it is right."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from tokens import BASE, EVERYTHING, Mint
from wire import Answer, ask, bearer, call, initialize

ORIGIN = ("Origin", "http://localhost:6274")  # a page on this machine, as the MCP Inspector is one
WELL_KNOWN = "/.well-known/oauth-protected-resource"


@dataclass
class Target:
    """A guarded server: where it is, what it was configured with, and what its provider would sign."""

    url: str
    issuer: str
    mint: Mint

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def with_token(self, token: str) -> Answer:
        return initialize(self.url, bearer(token))

    def document(self) -> dict:
        return ask("GET", self.origin + WELL_KNOWN + urlsplit(self.mint.resource).path).json()


@dataclass
class Verdict:
    text: str
    right: bool


@dataclass
class Check:
    """A row of the table."""

    name: str
    asked: str
    """What the standard asks, with the section."""
    measure: Callable[[Target], Verdict]
    about_audience: bool = False
    without_provider: bool = False
    of_bare_host: bool = False
    """Whether the resource is a URL without a path."""


def challenged(answer: Answer, status: int, *, error: str | None, scope: str | None = None) -> Verdict:
    """An answer with a challenge that a client can act upon."""
    wrong = []
    if answer.status == status:
        if answer.parameter("error") != error:
            wrong.append(f'`error="{answer.parameter("error")}"`' if answer.parameter("error") else "no `error`")
        if not answer.parameter("resource_metadata"):
            wrong.append("no `resource_metadata`")
        if scope and not set(scope.split()) <= set((answer.parameter("scope") or "").split()):
            wrong.append(
                "no `scope`" if answer.parameter("scope") is None else f'`scope="{answer.parameter("scope")}"`'
            )
    else:
        # Of an answer with another status, the code of the challenge says what a client will do.
        code = answer.parameter("error")
        wrong.append(f"`{code}`" if code else "")
    text = ", ".join(part for part in [str(answer.status), *wrong] if part)
    return Verdict(text, answer.status == status and not wrong)


def without_token(target: Target) -> Verdict:
    return challenged(initialize(target.url), 401, error=None, scope=BASE)


def empty_bearer(target: Target) -> Verdict:
    answer = initialize(target.url, [("Authorization", "Bearer ")])
    return challenged(answer, 401, error=answer.parameter("error"), scope=BASE)


def refused(token: Callable[[Mint], str]) -> Callable[[Target], Verdict]:
    """A token that is not for this resource, or not any more, is an invalid token."""

    def measure(target: Target) -> Verdict:
        return challenged(target.with_token(token(target.mint)), 401, error="invalid_token", scope=BASE)

    return measure


def two_headers(target: Target) -> Verdict:
    token = target.mint.token()
    answer = initialize(target.url, bearer(token) + bearer("other"))
    return Verdict(str(answer.status), answer.status in (400, 401))


def in_the_query(target: Target) -> Verdict:
    answer = initialize(f"{target.url}?access_token={target.mint.token()}")
    return Verdict(str(answer.status), answer.status in (400, 401))


def scope_is_missing(target: Target) -> Verdict:
    answer = target.with_token(target.mint.token(scope="profile"))
    return challenged(answer, 403, error="insufficient_scope", scope=BASE)


def tool_needs_more(target: Target) -> Verdict:
    answer = call(target.url, "create_order", bearer(target.mint.token()))
    verdict = challenged(answer, 403, error="insufficient_scope", scope=EVERYTHING)
    if answer.status == 200:
        verdict.text = "200, the tool runs" if b"created" in answer.body else '200, "Unknown tool"'
    return verdict


def provider_is_down(target: Target) -> Verdict:
    answer = target.with_token(target.mint.token())
    verdict = Verdict(str(answer.status), answer.status == 503)
    if code := answer.parameter("error"):
        verdict.text += f", `{code}`"
    return verdict


def document_at(place: Callable[[Target], str], *, required: bool = False) -> Callable[[Target], Verdict]:
    def measure(target: Target) -> Verdict:
        answer = ask("GET", target.origin + place(target))
        served = answer.status == 200 and answer.headers.get_content_type() == "application/json"
        return Verdict("served" if served else str(answer.status), served or not required)

    return measure


def bytes_of(member: Callable[[dict], str], configured: Callable[[Target], str]) -> Callable[[Target], Verdict]:
    def measure(target: Target) -> Verdict:
        found, expected = member(target.document()), configured(target)
        if found == expected:
            return Verdict("identical", True)
        return Verdict("a slash is added" if found == f"{expected}/" else "other bytes", False)

    return measure


def cors_of_document(target: Target) -> Verdict:
    answer = ask("GET", target.origin + WELL_KNOWN + target.path, [ORIGIN])
    readable = answer.headers.get("Access-Control-Allow-Origin") in ("*", ORIGIN[1])
    return Verdict("readable" if readable else "not readable", readable)


def preflight_of(path: Callable[[Target], str], method: str, headers: str) -> Callable[[Target], Verdict]:
    # Who lets no page in may answer 403 or 405; a 401 says that a preflight could have had a token.
    right = {200, 204} if method == "GET" else {200, 204, 403, 404, 405}

    def measure(target: Target) -> Verdict:
        asks = [ORIGIN, ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", headers)]
        answer = ask("OPTIONS", target.origin + path(target), asks)
        return Verdict(str(answer.status), answer.status in right)

    return measure


CHECKS = [
    Check(
        "no token",
        "401 without `error` (RFC 6750 §3.1), with `resource_metadata` (RFC 9728 §5.1) and `scope` (MCP, Scope "
        "Selection Strategy: SHOULD)",
        without_token,
    ),
    Check(
        "`Authorization: Bearer` and nothing else",
        "the same; `error` may be there, as RFC 6750 §3.1 does not say whether that is no token or a malformed one",
        empty_bearer,
    ),
    Check(
        "token for another resource",
        "401 `invalid_token` (MCP, Token Handling; RFC 9068 §4)",
        refused(lambda mint: mint.token(aud="https://other.example.com/mcp")),
        about_audience=True,
    ),
    Check(
        "token for a sibling on the same host",
        "401 `invalid_token` (RFC 8707 §2; RFC 9728 §7.4)",
        refused(lambda mint: mint.token(aud=mint.resource.replace("/mcp", "/other/mcp"))),
        about_audience=True,
    ),
    Check(
        "token without `aud`",
        "401 `invalid_token` (RFC 9068 §2.2; MCP, Access Token Privilege Restriction)",
        refused(lambda mint: mint.token(aud=None)),
        about_audience=True,
    ),
    Check(
        "ID token",
        "401 `invalid_token` (RFC 9068 §4, RFC 8725 §3.12)",
        refused(lambda mint: mint.id_token()),
        about_audience=True,
    ),
    Check("expired token", "401 `invalid_token` (MCP, Token Handling)", refused(lambda mint: mint.expired())),
    Check(
        "expired token without scope",
        "401 `invalid_token`, not 403 (MCP, Token Handling)",
        refused(lambda mint: mint.expired(scope=None)),
    ),
    Check("token in the query", "401 (MCP, Token Requirements)", in_the_query),
    Check("two `Authorization` headers", "400 or 401 (RFC 9110 §5.3)", two_headers),
    Check(
        "scope of the server is missing",
        "403 `insufficient_scope` with `scope` (RFC 6750 §3.1; MCP, Error Handling)",
        scope_is_missing,
    ),
    Check(
        "scope of a tool is missing",
        "403 `insufficient_scope` with all scopes of the call (MCP, Runtime Insufficient Scope Errors)",
        tool_needs_more,
    ),
    Check(
        "the provider cannot be reached, keys are not known yet",
        "503 (RFC 9110 §15.6.4): a 401 would say that the token is bad",
        provider_is_down,
        without_provider=True,
    ),
    Check(
        "document at the inserted path",
        "there (RFC 9728 §3.1)",
        document_at(lambda target: WELL_KNOWN + target.path, required=True),
    ),
    Check(
        "document at the root",
        "nothing; clients ask there next (MCP, Protected Resource Metadata Discovery)",
        document_at(lambda _target: WELL_KNOWN),
    ),
    Check(
        "document below the path",
        "nothing; rmcp asks there",
        document_at(lambda target: target.path + WELL_KNOWN),
    ),
    Check(
        "`resource` in the document",
        "identical to the URL (RFC 9728 §3.3)",
        bytes_of(lambda document: document["resource"], lambda target: target.mint.resource),
    ),
    Check(
        "`resource` that is a bare host",
        "the same",
        bytes_of(lambda document: document["resource"], lambda target: target.mint.resource),
        of_bare_host=True,
    ),
    Check(
        "issuer that is a bare host",
        "identical to the issuer (RFC 8414 §3.3)",
        bytes_of(lambda document: document["authorization_servers"][0], lambda target: target.issuer),
    ),
    Check("document asked by a page in a browser", "`Access-Control-Allow-Origin` (Fetch)", cors_of_document),
    Check(
        "preflight of the document",
        "2xx (Fetch)",
        preflight_of(lambda target: WELL_KNOWN + target.path, "GET", "mcp-protocol-version"),
    ),
    Check(
        "preflight of the endpoint",
        "not 401: a preflight has no token (Fetch)",
        preflight_of(lambda target: target.path, "POST", "authorization,content-type,mcp-protocol-version"),
    ),
]
