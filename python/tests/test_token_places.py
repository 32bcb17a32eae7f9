"""Tokens in other places than `Authorization`, through every adapter; and the end of a WebSocket with its token."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import django_site  # noqa: F401 - the site that is asked
import pytest
from adapters import PYTHON, bearer
from django.test import Client, override_settings
from fastapi import Depends, FastAPI, HTTPException, WebSocket
from flask import Flask, Response, g
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from requires_auth import AccessToken, AuthError, ConfigError, Issuer, Refusal, RequiresAuth
from requires_auth import fastapi as fastapi_adapter
from requires_auth._websocket import Guarded
from requires_auth.django import requires_auth as django_auth
from requires_auth.flask import RequiresAuth as FlaskAuth
from requires_auth.starlette import RequiresAuthMiddleware
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]

COOKIE = ["authorization", {"cookie": "token"}]
AFTER = ["authorization", {"subprotocol": {"after": "bearer"}}]
K8S = "base64url.bearer.authorization.k8s.io."


def guard_of(issuer: TestIssuer, **options: Any) -> RequiresAuth:
    return RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks, **options)


def code(outcome: Any) -> str:
    return outcome.error.code if isinstance(outcome, Refusal) else "ok"


# --- a request whose method is not told


def test_a_cookie_counts_on_a_request_of_unknown_method_only_from_the_same_site(auth_issuer: TestIssuer) -> None:
    guard = guard_of(auth_issuer, token_from=COOKIE)
    cookie = {"cookie": f"token={auth_issuer.token()}"}
    # What it is called for may be a POST of another site: browsers send the cookie with it.
    with pytest.raises(AuthError) as refused:
        guard.authenticate(cookie)
    assert (refused.value.status, refused.value.code) == (403, "auth.cross_site")
    with pytest.raises(AuthError):
        guard.authenticate(cookie, method="POST")
    assert guard.authenticate(cookie, method="GET").sub == "alice"
    assert guard.authenticate({**cookie, "sec-fetch-site": "same-origin"}).sub == "alice"
    assert guard.authenticate(bearer(auth_issuer.token())).sub == "alice"


# --- settings


def test_places_are_written_as_a_list_of_names_and_dicts(auth_issuer: TestIssuer) -> None:
    everything = [
        "authorization",
        {"header": "X-Token"},
        {"cookie": "token"},
        {"subprotocol": {"prefix": K8S}},
        {"subprotocol": {"after": "bearer"}},
    ]
    assert guard_of(auth_issuer, token_from=everything)
    for wrong in (
        "X-Token",
        ["query"],
        [{"header": "a b"}],
        [{"header": "a", "cookie": "b"}],
        [{"cookie": 5}],
        5,
        [None],
    ):
        with pytest.raises(ConfigError) as raised:
            guard_of(auth_issuer, token_from=wrong)
        assert raised.value.problems[0].field == "token_from"
        assert "authorization" in raised.value.problems[0].hint
    with pytest.raises(ConfigError):
        guard_of(auth_issuer, token_from=[])


def test_places_come_from_the_environment_and_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, auth_issuer: TestIssuer, auth_token: TokenFactory
) -> None:
    (tmp_path / "keys.json").write_text(auth_issuer.jwks)
    monkeypatch.setenv("REQUIRES_AUTH_TOKEN_FROM", "header=X-Token cookie=token subprotocol.after=bearer")
    monkeypatch.setenv("REQUIRES_AUTH_CLOSE_ON_EXPIRY", "false")
    guard = RequiresAuth.from_env(issuer=auth_issuer.issuer, audience=auth_issuer.audience, jwks=auth_issuer.jwks)
    assert code(guard.admit("GET", "/", [("x-token", auth_token())])) == "ok"
    monkeypatch.delenv("REQUIRES_AUTH_TOKEN_FROM")
    file = tmp_path / "auth.toml"
    file.write_text(
        'token_from = [{ subprotocol = { prefix = "token." } }, { cookie = "token" }]\ncookie_origins = "https://app.example"\n'
        f'[issuers.main]\nissuer = "{auth_issuer.issuer}"\naudience = "{auth_issuer.audience}"\njwks = "keys.json"\n'
    )
    guard = RequiresAuth.from_file(file)
    assert code(guard.admit("GET", "/", [("sec-websocket-protocol", "token." + auth_token())])) == "ok"
    posted = [("cookie", "token=" + auth_token()), ("origin", "https://app.example")]
    assert code(guard.admit("POST", "/", posted)) == "ok"
    assert code(guard.admit("POST", "/", posted[:1])) == "auth.cross_site"


def test_an_issuer_says_where_its_tokens_may_stand(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    own = Issuer(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, token_from=[{"header": "X-Token"}])
    other = TestIssuer()
    guard = RequiresAuth(issuers=[own, Issuer(other.issuer + "/2", other.audience, jwks=other.jwks)])
    assert code(guard.admit("GET", "/", [("X-Token", auth_token())])) == "ok"
    assert code(guard.admit("GET", "/", list(bearer(auth_token()).items()))) == "auth.authorization_header_missing"


def test_a_token_by_itself_is_verified_whatever_the_places(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    guard = guard_of(auth_issuer, token_from=[{"cookie": "token"}])
    assert guard.verify(auth_token(sub="bob")).sub == "bob"
    assert guard.explain(auth_token())["ok"] is True


# --- frameworks


def flask_app(issuer: TestIssuer, **options: Any) -> Flask:
    app = Flask(__name__)
    auth = FlaskAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks, **options)

    @app.route("/", methods=["GET", "POST"])
    @auth
    def index() -> str:
        return str(g.access_token.sub)

    @app.route("/cached")
    @auth
    def cached() -> Response:
        return Response("x", headers={"Cache-Control": "max-age=60"})

    return app


def test_flask(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    client = flask_app(
        auth_issuer, token_from=[*COOKIE, {"header": "X-Token"}], public_url="https://api.example"
    ).test_client(use_cookies=False)
    token = auth_token(sub="bob")
    cookie = {"Cookie": f"a=b; token={token}"}
    answer = client.get("/", headers=cookie)
    assert (answer.text, answer.headers["Cache-Control"]) == ("bob", "private")
    assert client.get("/cached", headers=cookie).headers["Cache-Control"] == "max-age=60"
    assert "Cache-Control" not in client.get("/", headers=bearer(token)).headers
    assert client.post("/", headers=cookie).json["code"] == "auth.cross_site"
    assert client.post("/", headers={**cookie, "Origin": "https://api.example"}).status_code == 200
    assert client.post("/", headers={**cookie, "Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert client.get("/", headers={"X-Token": token}).text == "bob"
    # A server joins two lines with a comma.
    assert client.get("/", headers={"X-Token": f"{token}, {token}"}).status_code == 400
    assert client.get("/", headers={**cookie, **bearer(auth_token(sub="eve"))}).status_code == 400


def test_starlette(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    async def index(request: Request) -> PlainTextResponse:
        headers = {"Cache-Control": "max-age=60"} if "own" in request.query_params else {}
        return PlainTextResponse(request.state.access_token.sub, headers=headers)

    app = Starlette(routes=[Route("/", index, methods=["GET", "POST"])])
    app.add_middleware(RequiresAuthMiddleware, auth=guard_of(auth_issuer, token_from=COOKIE))
    client = TestClient(app)
    token = auth_token(sub="bob")
    cookie = {"Cookie": f"token={token}"}
    answer = client.get("/", headers=cookie)
    assert (answer.text, answer.headers["cache-control"]) == ("bob", "private")
    assert client.get("/?own", headers=cookie).headers["cache-control"] == "max-age=60"
    assert "cache-control" not in client.get("/", headers=bearer(token)).headers
    assert client.post("/", headers=cookie).status_code == 403


async def echo(websocket: WebSocket) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(await websocket.receive_text())


def fastapi_app(auth: fastapi_adapter.RequiresAuth) -> FastAPI:
    app = FastAPI()

    @app.post("/")
    @app.get("/")
    async def index(token: AccessToken = Depends(auth)) -> dict[str, Any]:  # noqa: B008
        return {"sub": token.sub}

    @app.websocket("/ws")
    async def talk(websocket: WebSocket, token: AccessToken = Depends(auth)) -> None:  # noqa: B008
        await websocket.accept(subprotocol="bearer" if "bearer" in websocket.scope["subprotocols"] else None)
        await websocket.send_json([token.sub, websocket.scope["subprotocols"]])
        await echo(websocket)

    return app


def test_fastapi(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = fastapi_adapter.RequiresAuth(
        auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, token_from=COOKIE
    )
    client = TestClient(fastapi_app(auth))
    cookie = {"Cookie": f"token={auth_token(sub='bob')}"}
    assert client.get("/", headers=cookie).json() == {"sub": "bob"}
    assert client.post("/", headers=cookie).json()["code"] == "auth.cross_site"
    # A server may leave out what a handshake has: that it is a WebSocket is enough.
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers=cookie):
        pass
    with client.websocket_connect("/ws", headers={**cookie, "Sec-Fetch-Site": "same-origin"}) as socket:
        assert socket.receive_json()[0] == "bob"


def test_fastapi_says_that_an_answer_is_private_however_it_is_made(
    auth_issuer: TestIssuer, auth_token: TokenFactory
) -> None:
    auth = fastapi_adapter.RequiresAuth(
        auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, token_from=COOKIE
    )
    app, inner = fastapi_app(auth), fastapi_app(auth)
    app.mount("/inner", inner)

    @inner.get("/own", dependencies=[Depends(auth)])
    @app.get("/own", dependencies=[Depends(auth)])
    async def own() -> PlainTextResponse:
        return PlainTextResponse("x")

    @app.get("/cached", dependencies=[Depends(auth)])
    async def cached() -> PlainTextResponse:
        return PlainTextResponse("x", headers={"Cache-Control": "max-age=60"})

    @app.get("/missing", dependencies=[Depends(auth(optional=True))])
    async def missing() -> None:
        raise HTTPException(404)

    @app.get("/public")
    async def public() -> str:
        return "x"

    client = TestClient(app)
    token = auth_token()
    cookie = {"Cookie": f"token={token}"}

    def said(path: str, headers: dict[str, str]) -> list[str]:
        return client.get(path, headers=headers).headers.get_list("cache-control")

    for path in ["/", "/own", "/missing", "/inner/", "/inner/own"]:
        assert said(path, cookie) == ["private"], path
        assert said(path, bearer(token)) == [], path
    assert said("/cached", cookie) == ["max-age=60"]
    assert said("/public", cookie) == []
    assert said("/missing", {}) == []
    # A refusal says more than that.
    assert said("/", {"Cookie": "token=x"}) == ["no-store"]

    both = fastapi_app(auth)
    both.add_middleware(RequiresAuthMiddleware, auth=auth)
    assert TestClient(both).get("/", headers=cookie).headers.get_list("cache-control") == ["private"]


@pytest.fixture
def django_client(auth_issuer: TestIssuer) -> Iterator[Client]:
    before = django_auth.replace_guard(guard_of(auth_issuer, token_from=COOKIE, public_url="https://api.example"))
    yield Client(enforce_csrf_checks=True)
    django_auth.replace_guard(before)


@pytest.mark.parametrize("path", ["/me", "/async", "/rest", "/sync/1"])
def test_django(django_client: Client, auth_token: TokenFactory, path: str) -> None:
    cookie = {"Cookie": f"a=b; token={auth_token(sub='bob')}"}
    answer = django_client.get(path, headers=cookie)
    assert (answer.json()["sub"], answer.headers["Cache-Control"]) == ("bob", "private")
    assert "Cache-Control" not in django_client.get(path, headers=bearer(auth_token())).headers
    refused = django_client.post(path, headers=cookie)
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.cross_site")


def test_django_middleware(django_client: Client, auth_token: TokenFactory) -> None:
    cookie = {"Cookie": f"token={auth_token(sub='bob')}"}
    middleware = ["requires_auth.django.middleware.RequiresAuthMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
    with override_settings(MIDDLEWARE=middleware):
        answer = django_client.get("/plain", headers=cookie)
        assert (answer.json()["sub"], answer.headers["Cache-Control"]) == ("bob", "private")
        assert django_client.post("/plain", headers=cookie).status_code == 403
        own = {**cookie, "Origin": "https://api.example"}
        assert django_client.post("/plain", headers=own).json()["sub"] == "bob"


# --- WebSockets


@pytest.fixture(params=["fastapi", "starlette"])
def websocket_client(request: pytest.FixtureRequest, auth_issuer: TestIssuer) -> Any:
    def client(**options: Any) -> TestClient:
        if request.param == "fastapi":
            given = {"jwks": auth_issuer.jwks, **options}
            return TestClient(
                fastapi_app(fastapi_adapter.RequiresAuth(auth_issuer.issuer, auth_issuer.audience, **given))
            )

        async def talk(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.send_json([websocket.state.access_token.sub, websocket.scope["subprotocols"]])
            await echo(websocket)

        app = Starlette(routes=[WebSocketRoute("/ws", talk)])
        app.add_middleware(RequiresAuthMiddleware, auth=guard_of(auth_issuer, **options))
        return TestClient(app)

    return client


def test_a_token_in_a_subprotocol_is_not_passed_on(websocket_client: Any, auth_token: TokenFactory) -> None:
    client = websocket_client(token_from=AFTER)
    token = auth_token(sub="bob")
    with client.websocket_connect("/ws", subprotocols=["bearer", token, "chat"]) as socket:
        assert socket.receive_json() == ["bob", ["bearer", "chat"]]
        assert socket.accepted_subprotocol == "bearer"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", subprotocols=["bearer", "a.b.c"]):
        pass
    client = websocket_client(token_from=[{"subprotocol": {"prefix": K8S}}])
    encoded = base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()
    with client.websocket_connect("/ws", subprotocols=[K8S + encoded, "chat"]) as socket:
        assert socket.receive_json() == ["bob", ["chat"]]


def test_a_websocket_is_closed_when_its_token_ends(
    websocket_client: Any, auth_token: TokenFactory, auth_issuer: TestIssuer
) -> None:
    token = auth_token(sub="bob")
    # The guard's clock stands still a second before the end.
    now = int(guard_of(auth_issuer).verify(token).expires_at.timestamp()) + 30 - 1
    with websocket_client(_now=now).websocket_connect("/ws", headers=bearer(token)) as socket:
        socket.receive_json()
        socket.send_text("x")
        assert socket.receive_text() == "x"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert (closed.value.code, closed.value.reason) == (1008, "the token has expired")


def test_closing_can_be_switched_off(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    scope = {"type": "websocket", "path": "/", "headers": [(b"authorization", b"Bearer " + auth_token().encode())]}
    admitted: Any = guard_of(auth_issuer).admit_asgi(scope)
    assert 3000 < admitted.closes_in < 3700
    assert guard_of(auth_issuer, close_on_expiry=False).admit_asgi(scope).closes_in is None  # type: ignore[union-attr]
    assert guard_of(auth_issuer).admit_asgi({**scope, "type": "http", "method": "GET"}).closes_in is None  # type: ignore[union-attr]


def test_nothing_of_the_client_passes_after_the_end() -> None:
    sent: list[Any] = []
    received: list[Any] = []
    waiting: list[Any] = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "early"}]

    async def app(receive: Any, send: Any) -> None:
        received.append(await receive())
        await send({"type": "websocket.accept"})
        received.append(await receive())
        await asyncio.sleep(0.05)
        waiting.append({"type": "websocket.receive", "text": "late"})
        received.append(await receive())
        await send({"type": "websocket.send", "text": "late"})

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guarded(receive, send, None, set()).run(app, 0.01))
    assert [message["type"] for message in received] == [
        "websocket.connect",
        "websocket.receive",
        "websocket.disconnect",
    ]
    assert received[-1]["code"] == 1008
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[-1]["code"] == 1008


def test_an_application_cannot_answer_with_a_token() -> None:
    sent: list[Any] = []

    async def app(receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept", "subprotocol": "a.b.c"})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("not asked")

    asyncio.run(Guarded(receive, send, "bearer", {"a.b.c"}).run(app, None))
    assert sent == [{"type": "websocket.accept", "subprotocol": "bearer"}]


# --- the documentation


def test_the_snippets_of_the_documentation_run() -> None:
    page = (PYTHON.parent / "docs" / "token-places.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "token-places.md", "exec"), {"__name__": "snippet"})
