"""The middleware for ASGI."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest
from adapters import ORIGIN, PREFLIGHT, bearer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from requires_auth import ConfigError, Policy, RequiresAuth
from requires_auth import fastapi as fastapi_adapter
from requires_auth.starlette import RequiresAuthMiddleware
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]


async def me(request: Request) -> JSONResponse:
    token = request.state.access_token
    return JSONResponse({"sub": token.sub if token else None})


async def health(request: Request) -> PlainTextResponse:
    return PlainTextResponse("fine")


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.state.access_token.sub)
    await websocket.close()


ROUTES = [Route("/me", me), Route("/health", health), WebSocketRoute("/ws", talk)]


def client_of(
    issuer: TestIssuer, *before: Middleware, after: tuple[Middleware, ...] = (), **options: Any
) -> TestClient:
    guard = Middleware(RequiresAuthMiddleware, issuer.issuer, issuer.audience, jwks=issuer.jwks, **options)
    return TestClient(Starlette(routes=ROUTES, middleware=[*before, guard, *after]))


def test_a_whole_application(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    client = client_of(auth_issuer, exempt=["/health"])
    assert client.get("/me", headers=bearer(auth_token(sub="bob"))).json() == {"sub": "bob"}
    assert client.get("/health").text == "fine"
    refused = client.get("/me")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-length"] == str(len(refused.content))
    assert refused.json()["code"] == "auth.authorization_header_missing"
    assert client.get("/nowhere").status_code == 401
    assert client.get("/health/").status_code == 401
    head = client.head("/me")
    assert (head.status_code, head.content) == (401, b"")


@pytest.mark.parametrize(
    ("options", "held", "status"),
    [
        ({"scope": "a b"}, "a", 403),
        ({"scope": "a b"}, "a b", 200),
        ({"any_of": ["a", "b"]}, "b", 200),
        ({"any_of": ["a", "b"]}, "c", 403),
        ({"policy": Policy.all_of("a")}, "b", 403),
    ],
)
def test_rules(
    auth_issuer: TestIssuer, auth_token: TokenFactory, options: dict[str, Any], held: str, status: int
) -> None:
    client = client_of(auth_issuer, **options)
    assert client.get("/me", headers=bearer(auth_token(held))).status_code == status


def test_optional(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    client = client_of(auth_issuer, optional=True)
    assert client.get("/me").json() == {"sub": None}
    assert client.get("/me", headers=bearer(auth_token())).json() == {"sub": "alice"}
    assert client.get("/me", headers=bearer(auth_token(defect="expired"))).status_code == 401


@pytest.mark.parametrize("inside", [False, True])
def test_preflights_pass_in_either_order(auth_issuer: TestIssuer, inside: bool) -> None:
    cors = Middleware(CORSMiddleware, allow_origins=["*"], allow_headers=["Authorization"])
    client = client_of(auth_issuer, after=(cors,)) if inside else client_of(auth_issuer, cors)
    told = pytest.warns(RuntimeWarning, match="add CORSMiddleware last") if inside else nullcontext()
    with told:
        preflight = client.options("/me", headers=PREFLIGHT)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    refused = client.get("/me", headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["access-control-expose-headers"] == "WWW-Authenticate"
    assert ("access-control-allow-origin" in refused.headers) is not inside


def test_websockets(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    client = client_of(auth_issuer)
    with client.websocket_connect("/ws", headers=bearer(auth_token(sub="bob"))) as socket:
        assert socket.receive_text() == "bob"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers=bearer("x")):
        pass


def sent_to(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize("extensions", [{}, None, {"websocket.http.response": {}}])
def test_how_a_websocket_is_refused(auth_issuer: TestIssuer, extensions: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    guarded = RequiresAuthMiddleware(app, auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)
    scope = {"type": "websocket", "path": "/ws", "query_string": b"", "headers": [], "extensions": extensions}
    sent = sent_to(guarded, scope)
    if extensions:
        assert [message["type"] for message in sent] == [
            "websocket.http.response.start",
            "websocket.http.response.body",
        ]
        assert sent[0]["status"] == 401
        assert (b"www-authenticate", b"Bearer") in sent[0]["headers"]
        assert b"auth.authorization_header_missing" in sent[1]["body"]
    else:
        assert sent == [{"type": "websocket.close", "code": 1008, "reason": "auth.authorization_header_missing"}]


def test_lifespan_passes(auth_issuer: TestIssuer) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    guarded = RequiresAuthMiddleware(app, auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)
    sent_to(guarded, {"type": "lifespan"})
    assert seen == ["lifespan"]


def test_a_guard_of_your_own(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    guard = RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)
    adapter = fastapi_adapter.RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)
    for auth in (guard, adapter):
        app = RequiresAuthMiddleware(Starlette(routes=ROUTES), auth=auth)
        client = TestClient(app)
        assert client.get("/me").status_code == 401
        assert client.get("/me", headers=bearer(auth_token())).status_code == 200
    with pytest.raises(TypeError, match="not both"):
        RequiresAuthMiddleware(Starlette(), "https://issuer.example", auth=guard)


def test_the_environment_configures_it(
    monkeypatch: pytest.MonkeyPatch, auth_issuer: TestIssuer, auth_token: TokenFactory
) -> None:
    client = TestClient(RequiresAuthMiddleware(Starlette(routes=ROUTES)))
    with pytest.raises(ConfigError):
        client.get("/me")
    monkeypatch.setenv("REQUIRES_AUTH_ISSUER", auth_issuer.issuer)
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENCE", auth_issuer.audience)
    client = TestClient(RequiresAuthMiddleware(Starlette(routes=ROUTES), jwks=auth_issuer.jwks))
    assert client.get("/me", headers=bearer(auth_token())).status_code == 200


def test_paths_of_a_mounted_application(auth_issuer: TestIssuer) -> None:
    inner = RequiresAuthMiddleware(
        Starlette(routes=ROUTES),
        auth_issuer.issuer,
        auth_issuer.audience,
        jwks=auth_issuer.jwks,
        exempt=["/health"],
    )
    client = TestClient(Starlette(routes=[Mount("/api", app=inner)]))
    assert client.get("/api/health").text == "fine"
    assert client.get("/api/me").status_code == 401


def test_keys_are_fetched_without_blocking_the_loop(auth_token: TokenFactory) -> None:
    issuer = TestIssuer()
    url = issuer.serve()
    try:
        client = TestClient(RequiresAuthMiddleware(Starlette(routes=ROUTES), url, issuer.audience))
        assert client.get("/me", headers=bearer(issuer.token())).status_code == 200
        issuer.rotate()
        assert client.get("/me", headers=bearer(issuer.token())).status_code == 200
    finally:
        issuer.stop()


@pytest.mark.parametrize("exempt", ["/docs", b"/docs", 1, [1]])
def test_exempt_takes_a_list_of_paths_only(auth_issuer: TestIssuer, exempt: Any) -> None:
    with pytest.raises(TypeError, match="exempt: expected a list of strings"):
        RequiresAuthMiddleware(
            Starlette(), auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, exempt=exempt
        )


@pytest.mark.parametrize(
    ("exempt", "hint"),
    [
        (["health"], "begin with a slash"),
        ([""], "begin with a slash"),
        (["/*"], "exempt everything"),
        (["/static*"], "after a slash"),
        (["/*/health"], "after a slash"),
        (["/a/*/*"], "after a slash"),
        (["/health?x=1"], "leave out the query"),
        (["/static/../*"], "as it is in URLs"),
        (["//*"], "as it is in URLs"),
    ],
)
def test_exempt_refuses_what_matches_nothing_or_everything(
    auth_issuer: TestIssuer, exempt: list[str], hint: str
) -> None:
    with pytest.raises(ConfigError, match="exempt: expected a path") as raised:
        RequiresAuthMiddleware(
            Starlette(), auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, exempt=exempt
        )
    assert hint in raised.value.problems[0].hint


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/static/", 200),
        ("/static/css/a.css", 200),
        ("/static/a;v=1", 200),
        ("/static/..a", 200),
        ("/static", 401),
        ("/staticfoo", 401),
        ("/Static/a", 401),
        ("/x/static/a", 401),
        ("/static/%2e%2e/me", 401),
        ("/static/a/%2E", 401),
        ("/static/..;/me", 401),
        ("/static//me", 401),
        ("/static/%5c..%5cme", 401),
        ("/static/%252e%252e/me", 401),
        ("/static/%0a", 401),
        ("/health", 200),
        ("/health/", 401),
    ],
)
def test_prefixes_stay_public(auth_issuer: TestIssuer, path: str, status: int) -> None:
    inner = Starlette(routes=[Route("/{path:path}", health)])
    app = RequiresAuthMiddleware(
        inner, auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, exempt=["/static/*", "/health"]
    )
    assert TestClient(app).get(f"http://api.example{path}").status_code == status


def test_cors_inside_a_wrapped_application_is_told(auth_issuer: TestIssuer) -> None:
    inner = Starlette(routes=ROUTES, middleware=[Middleware(CORSMiddleware, allow_origins=["*"])])
    with pytest.warns(RuntimeWarning, match="no browser can read a refusal"):
        RequiresAuthMiddleware(inner, auth=auth_issuer.guard())


@pytest.mark.parametrize(
    ("options", "error", "found"),
    [
        ({"auth": RequiresAuth}, TypeError, "auth: expected a guard, found <class"),
        ({"auth": "guard"}, TypeError, "auth: expected a guard, found 'guard'"),
        ({"scope": ["a", "b"]}, TypeError, 'found list: write scope="a b"'),
        ({"scopes": "a"}, TypeError, "scopes: there is no such argument: did you mean `scope`?"),
        ({"scope": ""}, ConfigError, "scope"),
        ({"scope": "a,b"}, ConfigError, 'write "a", "b"'),
        ({"any_of": []}, ConfigError, "scope"),
        ({"optional": 1}, TypeError, "optional: expected True or False"),
    ],
)
def test_arguments_of_the_wrong_kind(auth_issuer: TestIssuer, options: Any, error: type, found: str) -> None:
    with pytest.raises(error, match=found):
        RequiresAuthMiddleware(Starlette(), **{"auth": auth_issuer.guard(), **options})
