"""MCP servers behind `requires_auth.mcp.protect`, and those of fastmcp."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from requires_auth import ConfigError, RequiresAuth
from requires_auth.mcp import TokenVerifier, access_token, protect
from requires_auth.starlette import RequiresAuthMiddleware, ResourceMetadataMiddleware
from requires_auth.testing import TestIssuer

RESOURCE = "https://api.example.com/mcp"
DOCUMENT = "/.well-known/oauth-protected-resource/mcp"
POINTER = f'resource_metadata="https://api.example.com{DOCUMENT}"'
TOOLS = {"create_order": "write:orders", "*": ""}


@pytest.fixture
def issuer() -> TestIssuer:
    return TestIssuer(audience=RESOURCE)


async def show(request: Request) -> JSONResponse:
    """What the server sees."""
    token = access_token()
    return JSONResponse(
        {
            "sub": token and token.sub,
            "of_state": request.state.access_token.sub,
            "body": (await request.body()).decode(),
            "headers": sorted(request.headers),
        }
    )


async def health(_: Request) -> PlainTextResponse:
    return PlainTextResponse("fine")


def server(*routes: Route) -> Starlette:
    methods = ["GET", "POST", "DELETE"]
    return Starlette(routes=[Route("/mcp", show, methods=methods), Route("/health", health), *routes])


def client_of(issuer: TestIssuer, app: Any = None, **options: Any) -> TestClient:
    own = {"scope": "read:orders", "tools": TOOLS, **options}
    return TestClient(protect(app or server(), issuer.issuer, RESOURCE, jwks=issuer.jwks, **own))


def call(tool: str) -> str:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
    return json.dumps(message)


def bearer(issuer: TestIssuer, scope: str = "read:orders", **more: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.token(scope=scope, **more)}"}


def test_a_client_that_knows_the_url_alone_learns_where_to_log_in(issuer: TestIssuer) -> None:
    client = client_of(issuer)
    refused = client.post("/mcp", content=call("list_orders"))
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, f'Bearer scope="read:orders", {POINTER}')
    document = client.get(DOCUMENT).json()
    assert (document["resource"], document["authorization_servers"]) == (RESOURCE, [issuer.issuer])


def test_a_call_needs_the_scope_of_its_tool(issuer: TestIssuer) -> None:
    client = client_of(issuer)
    headers = bearer(issuer, sub="alice")
    passed = client.post("/mcp", content=call("list_orders"), headers=headers)
    assert (passed.status_code, passed.json()["sub"], passed.json()["of_state"]) == (200, "alice", "alice")
    refused = client.post("/mcp", content=call("create_order"), headers=headers)
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert 'scope="read:orders write:orders"' in refused.headers["www-authenticate"]
    assert POINTER in refused.headers["www-authenticate"]
    more = bearer(issuer, "read:orders write:orders")
    assert client.post("/mcp", content=call("create_order"), headers=more).status_code == 200


def test_the_server_gets_the_message_and_no_token(issuer: TestIssuer) -> None:
    seen = client_of(issuer).post("/mcp", content=call("list_orders"), headers=bearer(issuer)).json()
    assert seen["body"] == call("list_orders")
    assert "authorization" not in seen["headers"]


def test_a_tool_that_is_not_named_is_refused_without_a_star(issuer: TestIssuer) -> None:
    client = client_of(issuer, tools={"create_order": "write:orders"})
    assert client.post("/mcp", content=call("list_orders"), headers=bearer(issuer)).status_code == 403
    # As is the other name under which fastmcp calls a tool.
    more = bearer(issuer, "read:orders write:orders")
    assert client.post("/mcp", content=call("abcdef12_create_order"), headers=more).status_code == 403


def test_other_methods_need_the_base_scope(issuer: TestIssuer) -> None:
    client = client_of(issuer)
    for method in ("GET", "DELETE"):
        assert client.request(method, "/mcp", headers=bearer(issuer)).status_code == 200
        assert client.request(method, "/mcp", headers=bearer(issuer, "other")).status_code == 403
        assert client.request(method, "/mcp").status_code == 401


def test_a_token_for_another_server_is_refused(issuer: TestIssuer) -> None:
    other = bearer(issuer, claims={"aud": "https://api.example.com/other"})
    assert client_of(issuer).post("/mcp", content=call("list_orders"), headers=other).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list"}', 400, -32700),
        (b"{", 400, -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}', 400, -32600),
    ],
)
def test_a_message_that_could_be_read_in_two_ways_is_refused(
    issuer: TestIssuer, body: bytes, status: int, code: int
) -> None:
    refused = client_of(issuer).post("/mcp", content=body, headers=bearer(issuer))
    assert refused.status_code == status
    assert (refused.json()["jsonrpc"], refused.json()["error"]["code"]) == ("2.0", code)


def test_headers_and_message_must_agree(issuer: TestIssuer) -> None:
    names = {"Mcp-Method": "tools/call", "Mcp-Name": "list_orders", "MCP-Protocol-Version": "2026-07-28"}
    client = client_of(issuer)
    agreed = client.post("/mcp", content=call("list_orders"), headers={**bearer(issuer), **names})
    assert agreed.status_code == 200
    refused = client.post("/mcp", content=call("create_order"), headers={**bearer(issuer), **names})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32020)


def test_a_message_has_a_limit(issuer: TestIssuer) -> None:
    client = client_of(issuer, max_body=len(call("list_orders")))
    assert client.post("/mcp", content=call("list_orders"), headers=bearer(issuer)).status_code == 200
    assert client.post("/mcp", content=call("list_orders") + " ", headers=bearer(issuer)).status_code == 413


class Untouched:
    """A body that nobody may read."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        raise AssertionError("the body was read")

    async def send(self, message: Any) -> None:
        self.sent.append(message)


def scope_of(method: str = "POST", headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": "/mcp", "query_string": b"", "headers": headers or []}


async def never(*_: Any) -> None:
    raise AssertionError("the server was called")


@pytest.mark.parametrize("token", [None, "expired", "foreign"])
def test_nothing_is_read_of_a_request_that_is_not_authenticated(issuer: TestIssuer, token: str | None) -> None:
    given = {
        None: [],
        "expired": [(b"authorization", b"Bearer " + issuer.token(lifetime=-3600).encode())],
        "foreign": [(b"authorization", b"Bearer " + issuer.token(claims={"aud": "other"}).encode())],
    }[token]
    app = protect(never, issuer.issuer, RESOURCE, jwks=issuer.jwks, tools=TOOLS)
    wire = Untouched()
    asyncio.run(main(app, scope_of(headers=given), wire))
    assert wire.sent[0]["status"] == 401


def test_a_method_in_another_case_is_judged_as_one(issuer: TestIssuer) -> None:
    answered = client_of(issuer).request("post", "/mcp", content=call("create_order"), headers=bearer(issuer))
    wire = Sent()
    given = [(b"authorization", bearer(issuer)["Authorization"].encode())]
    app = protect(never, issuer.issuer, RESOURCE, scope="read:orders", tools=TOOLS, jwks=issuer.jwks)
    asyncio.run(main(app, scope_of("post", given), wire))
    assert (answered.status_code, wire.sent[0]["status"]) == (403, 403)


class Sent(Untouched):
    """A body that calls a tool."""

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": call("create_order").encode(), "more_body": False}


async def main(app: Any, scope: dict[str, Any], wire: Untouched) -> None:
    await app(scope, wire.receive, wire.send)


def test_a_websocket_is_closed_and_only_a_lifespan_passes_unread(issuer: TestIssuer) -> None:
    app = protect(never, issuer.issuer, RESOURCE, jwks=issuer.jwks, tools=TOOLS)
    wire = Untouched()
    headers = [(b"authorization", bearer(issuer)["Authorization"].encode())]
    asyncio.run(main(app, {**scope_of("GET", headers), "type": "websocket"}, wire))
    assert [(message["type"], message["code"]) for message in wire.sent] == [("websocket.close", 1008)]


def test_no_line_of_the_log_can_be_forged(issuer: TestIssuer, caplog: pytest.LogCaptureFixture) -> None:
    app = protect(never, issuer.issuer, RESOURCE, scope="read:orders", tools=TOOLS, jwks=issuer.jwks)
    headers = [(b"authorization", bearer(issuer)["Authorization"].encode())]
    with caplog.at_level(logging.INFO, "requires_auth"):
        asyncio.run(main(app, {**scope_of("POST", headers), "path": "/mcp\nforged\x1b[31m"}, Sent()))
    told = [record.getMessage() for record in caplog.records]
    assert any("/mcp%0Aforged%1B" in line for line in told)
    assert not any("\n" in line or "\x1b" in line for line in told)


def test_a_token_from_another_header_is_not_passed_on_either(issuer: TestIssuer) -> None:
    client = client_of(issuer, token_from=["authorization", {"header": "X-Token"}])
    token = issuer.token(scope="read:orders")
    seen = client.post("/mcp", content=call("list_orders"), headers={"X-Token": token})
    assert (seen.status_code, "x-token" in seen.json()["headers"]) == (200, False)


def test_who_listens_to_a_resource_needs_what_reading_it_needs(issuer: TestIssuer) -> None:
    client = client_of(issuer, resources={"orders://secret*": "admin", "*": ""})

    def listen(*uris: str) -> int:
        params = {"notifications": {"resourceSubscriptions": list(uris)}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
        return client.post("/mcp", json=message, headers=bearer(issuer)).status_code

    assert (listen("orders://1"), listen("orders://1", "orders://secret/1")) == (200, 403)


def test_a_client_that_hangs_up_is_not_answered(issuer: TestIssuer) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    wire = Untouched()
    given = [(b"authorization", f"Bearer {issuer.token()}".encode())]
    app = protect(never, issuer.issuer, RESOURCE, jwks=issuer.jwks, tools=TOOLS)
    wire.receive = receive  # type: ignore[method-assign]
    asyncio.run(main(app, scope_of(headers=given), wire))
    assert wire.sent == []


def test_answers_are_streamed(issuer: TestIssuer) -> None:
    async def events() -> AsyncIterator[bytes]:
        yield b"data: one\n\n"
        yield b"data: two\n\n"

    async def stream(_: Request) -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    streaming = Starlette(routes=[Route("/mcp", stream, methods=["POST"])])
    app = protect(streaming, issuer.issuer, RESOURCE, jwks=issuer.jwks, tools=TOOLS)
    bodies: list[bytes] = []
    message = {"type": "http.request", "body": call("list_orders").encode(), "more_body": False}
    waiting = asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal message
        if message:
            given, message = message, {}
            return given
        await waiting.wait()
        return {"type": "http.disconnect"}

    async def send(sent: Any) -> None:
        if sent["type"] == "http.response.body":
            bodies.append(sent["body"])

    async def main() -> None:
        headers = [(b"authorization", f"Bearer {issuer.token()}".encode())]
        await app(scope_of(headers=headers), receive, send)

    asyncio.run(main())
    assert bodies[:2] == [b"data: one\n\n", b"data: two\n\n"]


def test_the_lifespan_is_the_servers(issuer: TestIssuer) -> None:
    states: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        states.append("started")
        yield
        states.append("stopped")

    app = Starlette(routes=[Route("/mcp", show, methods=["POST"])], lifespan=lifespan)
    with client_of(issuer, app) as client:
        assert client.post("/mcp", content=call("list_orders"), headers=bearer(issuer)).status_code == 200
    assert states == ["started", "stopped"]


def test_a_path_may_be_public(issuer: TestIssuer) -> None:
    assert client_of(issuer, exempt=["/health"]).get("/health").text == "fine"
    assert client_of(issuer).get("/health").status_code == 401


def test_pages_of_a_named_origin_may_call(issuer: TestIssuer) -> None:
    client = client_of(issuer, cors_origins=["https://app.example.com"])
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, mcp-name"}
    ours = {"Origin": "https://app.example.com"}
    preflight = client.options("/mcp", headers={**asked, **ours})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, ours["Origin"])
    refused = client.post("/mcp", content=call("list_orders"), headers=ours)
    assert refused.headers["access-control-allow-origin"] == ours["Origin"]
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]
    foreign = {"Origin": "https://evil.example.com"}
    assert client.options("/mcp", headers={**asked, **foreign}).status_code == 400
    assert "access-control-allow-origin" not in client.post("/mcp", headers=foreign).headers
    # The document is for everybody.
    assert client.get(DOCUMENT, headers=foreign).headers["access-control-allow-origin"] == "*"


def test_while_the_issuer_is_down_nobody_is_told_to_log_in(issuer: TestIssuer) -> None:
    down = protect(server(), issuer.issuer, RESOURCE, jwks_uri="http://127.0.0.1:1/jwks", tools=TOOLS)
    client = TestClient(down)
    refused = client.post("/mcp", content=call("list_orders"), headers=bearer(issuer))
    assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    assert "www-authenticate" not in refused.headers
    assert client.get(DOCUMENT).status_code == 200


def test_a_guard_of_ones_own_may_be_given(issuer: TestIssuer) -> None:
    guard = RequiresAuth(issuer.issuer, resource=RESOURCE, jwks=issuer.jwks)
    client = TestClient(protect(server(), auth=guard, tools=TOOLS))
    assert client.post("/mcp", content=call("list_orders"), headers=bearer(issuer)).status_code == 200
    with pytest.raises(TypeError, match="not both"):
        protect(server(), issuer.issuer, auth=guard)
    with pytest.raises(ConfigError, match="REQUIRES_AUTH_RESOURCE"):
        protect(server(), auth=RequiresAuth(issuer.issuer, "https://api.example.com", jwks=issuer.jwks))


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"tools": {"": "write:orders"}}, "tools"),
        ({"tools": {"create_order": 'write"orders'}}, "tools"),
        ({"tools": {"delete_*": "write:orders"}}, "patterns are for resources"),
        ({"tools": ["create_order"]}, "a dict from name to scopes"),
        ({"tools": {"create_order": None}}, "NoneType for 'create_order'"),
        ({"tools": {}}, "tools: expected a dict from name to scopes, found an empty dict"),
        ({"resources": {}}, "resources: .* found an empty dict"),
        ({"exempt": ["health"]}, "paths begin with a slash"),
        ({"prompts": {"greet": "a,b"}}, "prompts"),
        ({"scope": "read:orders,write:orders"}, "scope"),
        ({"max_body": "1MB"}, "a number of bytes"),
    ],
)
def test_mistakes_show_when_the_server_is_made(issuer: TestIssuer, options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        protect(server(), issuer.issuer, RESOURCE, jwks=issuer.jwks, **options)


@pytest.mark.parametrize(
    ("origin", "hint"),
    [
        ("*", "name each origin"),
        ("https://*.example.com", "name each origin"),
        ("app.example.com", "write it with its scheme"),
        ("", "write it with its scheme"),
        ("null", "write it with its scheme"),
        ("https://app.example.com/", "browsers send 'https://app.example.com'"),
        ("https://app.example.com/page", "browsers send 'https://app.example.com'"),
        ("https://App.example.com", "browsers send 'https://app.example.com'"),
        ("https://app.example.com:443", "browsers send 'https://app.example.com'"),
        ("https://app.example.com:99999", "write it with its scheme"),
        ("https://a.example.com,https://b.example.com", "one origin in each string"),
    ],
)
def test_an_origin_that_no_browser_sends_is_a_mistake(issuer: TestIssuer, origin: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(hint)) as refused:
        client_of(issuer, cors_origins=["https://ok.example.com", origin])
    assert [problem.field for problem in refused.value.problems] == ["cors_origins"]


def test_each_form_of_an_origin_is_taken(issuer: TestIssuer) -> None:
    for origin in ("https://app.example.com", "http://localhost:3000", "https://[2001:db8::1]:8443"):
        client = client_of(issuer, cors_origins=[origin])
        assert client.get("/mcp", headers={"Origin": origin}).headers["access-control-allow-origin"] == origin


def test_all_mistakes_are_told_at_once(issuer: TestIssuer) -> None:
    wrong: dict[str, Any] = {
        "leeway": 100_000,
        "tools": {"delete_*": "write:orders"},
        "cors_origins": ["app.example.com"],
        "exempt": ["health"],
    }
    with pytest.raises(ConfigError) as refused:
        protect(server(), issuer.issuer, RESOURCE, jwks=issuer.jwks, **wrong)
    assert [problem.field for problem in refused.value.problems] == ["leeway", "tools", "cors_origins", "exempt"]


def test_an_application_that_is_mounted_is_warned_about_once(
    issuer: TestIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    def warnings(app: Any, **options: Any) -> list[str]:
        caplog.clear()
        client = TestClient(app, **options)
        for _ in range(2):
            assert client.get("/mcp/").status_code == 401
        told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        return [line for line in told if "metadata document" in line]

    def guarded(**options: Any) -> Any:
        return protect(server(), issuer.issuer, RESOURCE, jwks=issuer.jwks, **options)

    [told] = warnings(Starlette(routes=[Mount("/mcp", guarded())]))
    assert "mounted at /mcp" in told
    assert f"https://api.example.com{DOCUMENT}" in told
    middleware = [Middleware(RequiresAuthMiddleware, issuer.issuer, resource=RESOURCE, jwks=issuer.jwks)]
    assert len(warnings(Starlette(routes=[Mount("/mcp", Starlette(middleware=middleware))]))) == 1
    # The outermost one, also behind a proxy that has cut a prefix off; mounted at the root; with its document below.
    assert warnings(guarded()) == []
    assert warnings(guarded(), root_path="/mcp") == []
    assert warnings(Starlette(routes=[Mount("/", guarded())])) == []
    below = "https://api.example.com/mcp/.well-known/oauth-protected-resource"
    assert warnings(Starlette(routes=[Mount("/mcp", guarded(metadata_url=below))])) == []
    # The document of the same guard is served around it.
    guard = RequiresAuth(issuer.issuer, resource=RESOURCE, jwks=issuer.jwks)
    inner = Starlette(routes=[Mount("/mcp", protect(server(), auth=guard))])
    assert warnings(ResourceMetadataMiddleware(inner, auth=guard)) == []


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"scopes": "read:orders"}, "did you mean `scope`?"),
        ({"tool": TOOLS}, "did you mean `tools`?"),
        ({"leway": 1}, "did you mean `leeway`?"),
        ({"cors_origins": "https://app.example.com"}, "write cors_origins=['https://app.example.com']"),
        ({"scope": ["read:orders", 1]}, "scope: expected a list of strings"),
        ({"unlike_any": 1}, "unlike_any"),
    ],
)
def test_an_argument_that_cannot_be_meant_is_refused(issuer: TestIssuer, options: dict[str, Any], hint: str) -> None:
    with pytest.raises(TypeError, match=re.escape(hint)):
        protect(server(), issuer.issuer, RESOURCE, jwks=issuer.jwks, **options)


def test_tokens_may_have_another_audience_than_the_url(issuer: TestIssuer) -> None:
    client = client_of(issuer, audience="api://orders")
    for audience, status in (("api://orders", 200), (RESOURCE, 401)):
        headers = bearer(issuer, claims={"aud": audience})
        assert client.post("/mcp", content=call("list_orders"), headers=headers).status_code == status
    assert client.get(DOCUMENT).json()["resource"] == RESOURCE


def test_a_long_message_is_judged_as_a_short_one(issuer: TestIssuer) -> None:
    client = client_of(issuer)
    for tool, status in (("list_orders", 200), ("create_order", 403)):
        padded = call(tool).ljust(100_000)
        assert client.post("/mcp", content=padded, headers=bearer(issuer)).status_code == status


def test_the_url_of_the_server_is_needed(issuer: TestIssuer) -> None:
    for arguments in ((), (issuer.issuer,)):
        with pytest.raises(ConfigError, match="REQUIRES_AUTH_RESOURCE"):
            protect(server(), *arguments)


def test_the_url_of_the_server_may_be_in_the_environment(issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRES_AUTH_RESOURCE", RESOURCE)
    client = TestClient(protect(server(), issuer.issuer, jwks=issuer.jwks, tools=TOOLS))
    assert client.get(DOCUMENT).json()["resource"] == RESOURCE
    assert client.post("/mcp", content=call("list_orders"), headers=bearer(issuer)).status_code == 200


class Unfinished:
    """A server that is not an application yet."""

    def streamable_http_app(self) -> None: ...


@pytest.mark.parametrize(
    ("app", "hint"),
    [
        (Unfinished(), "streamable_http_app()"),
        (Unfinished().streamable_http_app, "parentheses"),
        (None, "found NoneType"),
    ],
)
def test_what_is_not_an_application_is_refused_at_once(app: Any, hint: str) -> None:
    with pytest.raises(TypeError, match=re.escape(hint)):
        protect(app, "https://issuer.example", RESOURCE)


def test_the_verifier_checks_the_audience(issuer: TestIssuer) -> None:
    pytest.importorskip("mcp")
    verifier = TokenVerifier(RequiresAuth(issuer.issuer, resource=RESOURCE, jwks=issuer.jwks))
    known = asyncio.run(verifier.verify_token(issuer.token(sub="alice", scope="read:orders")))
    assert (known.subject, known.scopes, known.resource, known.token) == ("alice", ["read:orders"], RESOURCE, "")
    assert asyncio.run(verifier.verify_token(issuer.token(claims={"aud": "other"}))) is None


# --- servers of the packages


@pytest.fixture
def of_mcp() -> Any:
    return pytest.importorskip("mcp")


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
JSON = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def test_a_server_of_mcp_knows_who_calls(issuer: TestIssuer, of_mcp: Any) -> None:
    # Version 1 calls it `mcp.server.fastmcp.FastMCP`.
    is_new = hasattr(of_mcp.server, "MCPServer")
    module = importlib.import_module("mcp.server" if is_new else "mcp.server.fastmcp")
    Server = module.MCPServer if is_new else module.FastMCP  # noqa: N806
    from mcp.server.auth.middleware.auth_context import get_access_token

    mcp = Server("orders")

    @mcp.tool()  # type: ignore[untyped-decorator]
    def list_orders() -> str:
        token, known = access_token(), get_access_token()
        assert token is not None
        assert known is not None
        return f"{token.sub} {known.subject} {known.scopes} {known.token!r}"

    answers = _session(issuer, mcp.streamable_http_app(), "alice")
    assert "alice alice ['read:orders'] ''" in answers


def test_a_server_of_fastmcp_knows_who_calls(issuer: TestIssuer) -> None:
    fastmcp = pytest.importorskip("fastmcp")
    from fastmcp.server.dependencies import get_access_token

    from requires_auth.fastmcp import RequiresAuth as Auth

    mcp = fastmcp.FastMCP(
        "orders", auth=Auth(issuer.issuer, RESOURCE, scope="read:orders", tools=TOOLS, jwks=issuer.jwks)
    )

    @mcp.tool  # type: ignore[untyped-decorator]
    def list_orders() -> str:
        token, known = access_token(), get_access_token()
        assert token is not None
        assert known is not None
        return f"{token.sub} {known.subject} {known.scopes} {known.token!r}"

    app = mcp.http_app(path="/mcp")
    assert "alice alice ['read:orders'] ''" in _session(issuer, app, "alice", guarded=True)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        assert client.get(DOCUMENT).json()["resource"] == RESOURCE
        refused = client.post("/mcp", content=call("create_order"), headers={**bearer(issuer), **JSON})
        assert refused.status_code == 403
        assert 'scope="read:orders write:orders"' in refused.headers["www-authenticate"]
    with pytest.raises(ConfigError):
        Auth(issuer.issuer, RESOURCE, jwks=issuer.jwks, tools={"": "write:orders"})
    with pytest.raises(ConfigError, match="paths begin with a slash"):
        Auth(issuer.issuer, RESOURCE, jwks=issuer.jwks, exempt=["health"])
    with pytest.raises(ConfigError) as refused_arguments:
        Auth(issuer.issuer, RESOURCE, jwks=issuer.jwks, exempt=["health"], cors_origins=["*"], tools={})
    assert {problem.field for problem in refused_arguments.value.problems} == {"exempt", "cors_origins", "tools"}
    with pytest.raises(TypeError, match="did you mean `scope`"):
        Auth(issuer.issuer, RESOURCE, jwks=issuer.jwks, scopes="read:orders")  # type: ignore[call-arg]


def test_another_guard_of_that_name_is_not_one_for_fastmcp(issuer: TestIssuer) -> None:
    fastmcp = pytest.importorskip("fastmcp")
    from requires_auth import fastapi, flask
    from requires_auth.fastmcp import RequiresAuth as Auth

    for other in (RequiresAuth, fastapi.RequiresAuth, flask.RequiresAuth):
        guard = other(issuer.issuer, resource=RESOURCE, jwks=issuer.jwks)
        with pytest.raises(TypeError, match="import RequiresAuth from requires_auth\\.fastmcp"):
            fastmcp.FastMCP("orders", auth=guard).http_app()
        # As the message says.
        fastmcp.FastMCP("orders", auth=Auth(auth=guard)).http_app()


def _session(issuer: TestIssuer, app: Any, sub: str, guarded: bool = False) -> str:
    """All that a server answers to a client that starts a session and calls `list_orders`."""
    if not guarded:
        app = protect(app, issuer.issuer, RESOURCE, scope="read:orders", tools=TOOLS, jwks=issuer.jwks)
    headers = {**bearer(issuer, sub=sub), **JSON}
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        begun = client.post("/mcp", json=INITIALIZE, headers=headers)
        assert begun.status_code == 200, begun.text
        if "mcp-session-id" in begun.headers:
            headers["Mcp-Session-Id"] = begun.headers["mcp-session-id"]
        headers["MCP-Protocol-Version"] = "2025-06-18"
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert client.post("/mcp", json=ready, headers=headers).status_code == 202
        answered = client.post("/mcp", content=call("list_orders"), headers=headers)
        assert answered.status_code == 200, answered.text
        told: str = answered.text
        return told
