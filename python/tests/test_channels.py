"""The middleware for consumers of Django Channels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import django_site  # noqa: F401 - it configures Django
import pytest
from adapters import PREFLIGHT, VECTORS, Case, bearer
from asgiref.testing import ApplicationCommunicator
from django.test import override_settings
from django.urls import path
from more_vectors import Told, asgi, check_vectors, run, scope_of
from test_dpop_vectors import steps

from requires_auth import ConfigError, Policy
from requires_auth import RequiresAuth as Core
from requires_auth.django import RequiresAuth, requires_auth
from requires_auth.django.channels import RequiresAuthMiddleware
from requires_auth.testing import TestIssuer, TokenFactory

channels = pytest.importorskip("channels", reason="the package channels is not installed")

from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter

pytest_plugins = ["requires_auth.testing"]


class Live(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.accept()
        await self.send(text_data=f"{self.scope['access_token'].sub} {self.scope['subprotocols']}")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data)


class Sync(WebsocketConsumer):
    def connect(self) -> None:
        self.accept()
        token = self.scope["access_token"]
        self.send(text_data=f"{token.sub if token else None}")


class Orders(AsyncHttpConsumer):
    async def handle(self, body: bytes) -> None:
        await self.send_response(200, self.scope["access_token"].sub.encode())


def guarded(consumer: Any, *scopes: str, **rule: Any) -> RequiresAuthMiddleware:
    return RequiresAuthMiddleware(consumer.as_asgi(), *scopes, **rule)


OWN = Policy().with_claim("sub", path_parameter="name")
SITE = ProtocolTypeRouter(
    {
        "http": URLRouter([path("orders", guarded(Orders, "read:orders"))]),
        "websocket": RequiresAuthMiddleware(
            URLRouter(
                [
                    path("live", Live.as_asgi()),
                    path("sync", Sync.as_asgi()),
                    path("scoped", guarded(Live, "read:live")),
                    path("own/<str:name>", guarded(Sync, policy=OWN)),
                ]
            )
        ),
        "channel": guarded(Live),
    }
)


@pytest.fixture(autouse=True)
def trusting(auth_issuer: TestIssuer) -> Iterator[None]:
    with auth_issuer.replacing(requires_auth):
        yield


def connect(path: str, headers: dict[str, str], subprotocols: list[str] | None = None, site: Any = SITE) -> Any:
    """What a client of a WebSocket is told first: a text, or the code that it is closed with."""
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    if subprotocols:
        pairs.append((b"sec-websocket-protocol", ", ".join(subprotocols).encode()))

    async def ask() -> Any:
        socket = socket_of(site, path, pairs, subprotocols)
        await socket.send_input({"type": "websocket.connect"})
        answer = await socket.receive_output(timeout=10)
        if answer["type"] == "websocket.close":
            return answer.get("code", 1000)
        text = (await socket.receive_output(timeout=10))["text"]
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(timeout=10)
        return (text, answer["subprotocol"]) if subprotocols else text

    return asyncio.run(ask())


def socket_of(site: Any, path: str, headers: Any, subprotocols: list[str] | None = None) -> ApplicationCommunicator:
    own = {"path": path, "query_string": b"", "headers": headers, "subprotocols": subprotocols or []}
    return ApplicationCommunicator(site, {"type": "websocket", **own})


def test_websockets(auth_token: TokenFactory) -> None:
    assert connect("/live", bearer(auth_token(sub="bob"))) == "bob []"
    assert connect("/sync", bearer(auth_token(sub="bob"))) == "bob"
    for headers in ({}, bearer("x"), bearer(auth_token(defect="expired"))):
        assert connect("/live", headers) == 1008
    assert connect("/scoped", bearer(auth_token("read:live"))) == "alice []"
    assert connect("/scoped", bearer(auth_token())) == 1008
    assert connect("/own/alice", bearer(auth_token())) == "alice"
    assert connect("/own/bob", bearer(auth_token())) == 1008


def test_optional(auth_token: TokenFactory) -> None:
    site = guarded(Sync, optional=True)
    assert connect("/", {}, site=site) == "None"
    assert connect("/", bearer(auth_token()), site=site) == "alice"
    assert connect("/", bearer("x"), site=site) == 1008


def test_other_places(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(
        auth_issuer.issuer,
        auth_issuer.audience,
        jwks=auth_issuer.jwks,
        token_from=[{"subprotocol": {"after": "bearer"}}, {"cookie": "token"}],
        cookie_origins=["https://app.example"],
    )
    site, token = guarded(Live, auth=auth), auth_token(sub="bob")
    assert connect("/", {}, ["bearer", token, "chat"], site) == ("bob ['bearer', 'chat']", "bearer")
    cookie = {"Cookie": f"token={token}"}
    assert connect("/", cookie, site=site) == 1008
    assert connect("/", {**cookie, "Origin": "https://app.example"}, site=site) == "bob []"


def test_a_websocket_is_closed_when_its_token_ends(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    token = auth_token()
    now = int(auth_issuer.guard().verify(token).expires_at.timestamp()) + 30 - 1  # a second before the end
    auth = RequiresAuth()
    auth.replace_guard(Core(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, _now=now))

    async def ask() -> None:
        socket = socket_of(guarded(Live, auth=auth), "/", [(b"authorization", f"Bearer {token}".encode())])
        await socket.send_input({"type": "websocket.connect"})
        assert (await socket.receive_output(timeout=10))["type"] == "websocket.accept"
        assert (await socket.receive_output(timeout=10))["text"] == "alice []"
        ended = await socket.receive_output(timeout=10)
        assert ended == {"type": "websocket.close", "code": 1008, "reason": "the token has expired"}
        await socket.send_input({"type": "websocket.disconnect", "code": 1008})
        await socket.wait(timeout=10)

    asyncio.run(ask())


def test_the_answer_to_a_handshake() -> None:
    sent: list[Any] = []

    async def never() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/live",
        "query_string": b"",
        "headers": [],
        "extensions": {"websocket.http.response": {}},
    }
    asyncio.run(SITE(scope, never, send))
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 401)
    assert (b"www-authenticate", b"Bearer") in sent[0]["headers"]


def ask(method: str = "GET", headers: dict[str, str] | None = None) -> Any:
    pairs = [(name, value.encode()) for name, value in (headers or {}).items()]
    return asyncio.run(asgi(SITE, Case("", {}, None, method, "/orders", pairs, {})))


def test_http(auth_token: TokenFactory) -> None:
    status, headers, body = ask()
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert b"auth.authorization_header_missing" in body
    assert ask(headers=bearer(auth_token()))[0] == 403
    assert ask(headers=bearer(auth_token("read:orders")))[::2] == (200, b"alice")
    # A consumer answers any method, so a preflight must not run it.
    assert ask("OPTIONS", PREFLIGHT)[::2] == (204, b"")
    assert ask("OPTIONS")[0] == 401


def test_tokens_are_mapped_to_users(auth_token: TokenFactory) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope.get("user"))
        await send({"type": "websocket.close"})

    site = RequiresAuthMiddleware(app, optional=True)
    with override_settings(REQUIRES_AUTH_USER=lambda token: token.sub if token.sub == "alice" else None):
        assert connect("/", bearer(auth_token(sub="alice")), site=site) == 1000
        assert connect("/", bearer(auth_token(sub="bob")), site=site) == 1008
        assert connect("/", {}, site=site) == 1000
    assert seen == ["alice", None]


def test_what_is_no_connection_passes() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(RequiresAuthMiddleware(app)({"type": "channel"}, None, None))  # type: ignore[arg-type]
    assert seen == ["channel"]


def test_mistakes_say_what_to_write() -> None:
    mistaken: Any = RequiresAuthMiddleware
    with pytest.raises(TypeError, match=r'write auth\("read:x"\)'):
        mistaken(Live.as_asgi(), scopes=["read:x"])
    with pytest.raises(TypeError, match=r"write Consumer\.as_asgi"):
        mistaken("read:x")
    with pytest.raises(ConfigError, match='write "a", "b"'):
        guarded(Live, "a,b")


# --- all vectors

DIFFERS: dict[str, str] = {}


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_all_vectors(kind: str) -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        token = scope["access_token"]
        seen.update(ran=True, told=dict(token.claims) if token else None)
        await send({"type": f"{prefix}.response.start", "status": 200, "headers": []})
        await send({"type": f"{prefix}.response.body", "body": b""})

    prefix = "http" if kind == "http" else "websocket.http"

    async def ask(case: Case, guard: Core, rule: Case) -> Told:
        auth = RequiresAuth()
        auth.replace_guard(guard)
        seen.update(ran=False, told=None)
        site = RequiresAuthMiddleware(app, policy=rule.policy(), optional=rule.optional, auth=auth)
        if kind == "http":
            return Told(*await asgi(site, case), seen["ran"], seen["told"])
        return Told(*await as_websocket(site, case), seen["ran"], seen["told"])

    # A handshake is a GET, and says where it comes from if the token is in a cookie. Tokens are judged as in HTTP.
    skip = is_no_handshake if kind == "websocket" else lambda case: False
    run(check_vectors(ask, DIFFERS, skip, 300 if kind == "websocket" else 1200))


def has_cookie(case: Case) -> bool:
    return any(name.lower() == "cookie" for name, _ in case.headers)


TOKENS = {case["id"] for file in VECTORS.glob("tokens-*.json") for case in json.loads(file.read_text())["cases"]}


BEFORE = {case.id for before, case in steps() if any(asked.method != "GET" or has_cookie(asked) for asked, _ in before)}


def is_no_handshake(case: Case) -> bool:
    return case.method != "GET" or has_cookie(case) or case.id in TOKENS | BEFORE


async def as_websocket(site: Any, case: Case) -> tuple[int, dict[str, str], bytes]:
    async def webs(scope: Any, receive: Any, send: Any) -> None:
        del scope["method"]
        extensions = {"websocket.http.response": {}}
        await site({**scope, "type": "websocket", "extensions": extensions}, receive, send)

    assert scope_of(case)["method"] == "GET"
    return await asgi(webs, case)
