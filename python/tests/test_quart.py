"""The adapter for Quart."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest
from adapters import ORIGIN, PREFLIGHT, Case, bearer
from more_vectors import METHODS, Told, asgi, check_vectors, run

from requires_auth import ConfigError, Policy
from requires_auth import RequiresAuth as Core
from requires_auth.testing import TestIssuer, TokenFactory

quart = pytest.importorskip("quart", reason="the package quart is not installed")

from quart import Blueprint, Quart, current_app, g, make_response, websocket
from quart.testing import WebsocketResponseError
from quart.testing.connections import WebsocketDisconnectError

from requires_auth.quart import RequiresAuth, current_token, requires_auth

pytest_plugins = ["requires_auth.testing"]


@pytest.fixture
def auth(auth_issuer: TestIssuer) -> RequiresAuth:
    return RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)


@pytest.fixture
def app() -> Quart:
    return Quart(__name__)


async def me() -> Any:
    return {"sub": g.access_token.sub if g.access_token else None}


def get(app: Quart, path: str = "/me", method: str = "GET", headers: dict[str, str] | None = None) -> Any:
    """Status, headers and body of an answer; JSON is read."""

    async def ask() -> Any:
        answer = await app.test_client(use_cookies=False).open(path, method=method, headers=headers)
        is_json = answer.mimetype == "application/json" and method != "HEAD"
        return answer.status_code, answer.headers, await (answer.get_json() if is_json else answer.get_data())

    return asyncio.run(ask())


def test_bare(app: Quart, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app.route("/me")(auth(me))
    assert get(app, headers=bearer(auth_token(sub="bob")))[::2] == (200, {"sub": "bob"})
    status, headers, body = get(app, headers={"Origin": ORIGIN})
    assert (status, headers["WWW-Authenticate"], headers["Cache-Control"]) == (401, "Bearer", "no-store")
    assert headers["Content-Type"] == "application/json"
    assert headers["Access-Control-Expose-Headers"] == "WWW-Authenticate"
    assert body == {
        "code": "auth.authorization_header_missing",
        "status": 401,
        "message": "the request has no Authorization header",
    }


@pytest.mark.parametrize(
    ("needed", "options", "held", "status"),
    [
        (["a", "b"], {}, "a b", 200),
        (["a b"], {}, "a", 403),
        ([], {"any_of": ["a", "b"]}, "b", 200),
        ([], {"any_of": ["a", "b"]}, "c", 403),
        ([], {"policy": Policy().with_claim("sub", path_parameter="name")}, "", 200),
        ([], {"policy": Policy().with_claim("sub", path_parameter="other")}, "", 403),
    ],
)
def test_rules(
    app: Quart, auth: RequiresAuth, auth_token: TokenFactory, needed: Any, options: Any, held: str, status: int
) -> None:
    @app.get("/me/<name>")
    @auth(*needed, **options)
    async def view(name: str) -> str:
        return name

    found, headers, _ = get(app, "/me/alice", headers=bearer(auth_token(held)))
    assert found == status
    if status == 403 and not options:
        assert 'scope="a b"' in headers["WWW-Authenticate"]


def test_optional_and_the_current_token(app: Quart, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    @app.get("/me")
    @auth(optional=True)
    async def view() -> Any:
        return {"sub": current_token.sub if current_token else None}

    @app.get("/open")
    async def public() -> str:
        return str(current_token)

    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert get(app)[2] == {"sub": None}
    assert get(app, headers=bearer(auth_token()))[2] == {"sub": "alice"}
    assert get(app, headers=bearer(auth_token(defect="expired")))[2]["reason"] == "expired"
    assert get(app, "/open")[0] == 500


def test_sync_views_and_stacked_guards(app: Quart, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    @app.get("/sync")
    @auth("a")
    @auth("b")
    def view() -> Any:
        return {"sub": g.access_token.sub}

    assert get(app, "/sync", headers=bearer(auth_token("a b")))[2] == {"sub": "alice"}
    for held in ("a", "b"):
        assert get(app, "/sync", headers=bearer(auth_token(held)))[0] == 403


def test_a_blueprint_and_an_application(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app, orders = Quart(__name__), Blueprint("orders", __name__)
    orders.get("/orders")(me)
    auth.protect(orders, "read:orders")
    app.register_blueprint(orders)
    assert get(app, "/orders")[0] == 401
    assert get(app, "/orders", headers=bearer(auth_token()))[0] == 403
    assert get(app, "/orders", headers=bearer(auth_token("read:orders")))[0] == 200

    whole = Quart(__name__)
    whole.route("/me", methods=["GET", "OPTIONS"])(me)
    whole.get("/health", endpoint="health")(lambda: "fine")
    auth.protect(whole, exempt=["health"])
    assert get(whole, "/health")[2] == b"fine"
    assert get(whole, "/nowhere")[0] == 401
    assert get(whole, "/nowhere", headers=bearer(auth_token()))[0] == 404
    assert get(whole, "/nowhere", "OPTIONS", PREFLIGHT)[0] == 404
    assert get(whole, "/me", "OPTIONS", PREFLIGHT)[::2] == (200, b"")
    assert get(whole, "/me", "OPTIONS")[0] == 401


def test_a_preflight_does_not_run_a_view(app: Quart, auth: RequiresAuth) -> None:
    app.route("/me", methods=["GET", "OPTIONS"])(auth(me))
    assert get(app, "/me", "OPTIONS", PREFLIGHT)[::2] == (200, b"")
    app.route("/own", methods=["OPTIONS"], endpoint="own")(auth(lambda: "own"))
    assert get(app, "/own", "OPTIONS", PREFLIGHT)[2] == b"own"


@pytest.mark.parametrize("kind", ["null", "etag", "later", "raises"])
def test_a_refusal_reaches_the_client_whatever_stands_above(
    app: Quart, auth: RequiresAuth, auth_token: TokenFactory, kind: str
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def above(view: Any) -> Any:
        @functools.wraps(view)
        async def answer() -> Any:
            given = await view()
            if kind == "later":
                quart.after_this_request(lambda _: quart.Response("{}"))
                return given
            if kind == "raises":
                raise RuntimeError
            response = await make_response({"id": None})
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["ETag"] = "x"
            return response

        return answer

    app.get("/me")(above(auth("read:orders")(me)))
    app.errorhandler(401)(lambda error: ("mine", 200))
    app.errorhandler(Exception)(lambda error: ("mine", 200))
    status, headers, body = get(app)
    assert (status, headers["WWW-Authenticate"], body["status"]) == (401, "Bearer", 401)
    assert "ETag" not in headers
    if kind in ("null", "etag"):
        assert headers["Access-Control-Allow-Origin"] == "*"
    assert get(app, headers=bearer(auth_token()))[2]["code"] == "insufficient_scope"
    assert get(app, headers=bearer(auth_token("read:orders")))[0] == 200


def test_settings_of_the_application(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    app, other = Quart(__name__), Quart(__name__)
    for each in (app, other):
        each.get("/me")(requires_auth(me))
    app.config.update(auth_issuer.settings)
    other.config.update({**auth_issuer.settings, "REQUIRES_AUTH_AUDIENCE": "https://other.example"})
    assert get(app, headers=bearer(auth_token()))[0] == 200
    assert get(other, headers=bearer(auth_token()))[2]["reason"] == "audience_mismatch"


def test_init_app(app: Quart, auth_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUIRES_AUTH_ISSUER", "REQUIRES_AUTH_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"REQUIRES_AUTH_ISSUER in app\.config"):
        RequiresAuth().init_app(app)
    url = "https://api.example.com"
    auth = RequiresAuth()
    auth.init_app(app, auth_issuer.issuer, jwks=auth_issuer.jwks, resource=url)
    app.get("/me")(auth(me))
    status, headers, body = get(app, "/.well-known/oauth-protected-resource")
    assert (status, body["resource"], headers["Access-Control-Allow-Origin"]) == (200, url, "*")
    assert "resource_metadata=" in get(app)[1]["WWW-Authenticate"]


def test_headers_of_allowed_answers(app: Quart, auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(
        auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, token_from=[{"cookie": "token"}]
    )

    async def missing() -> Any:
        quart.abort(404)

    async def own() -> Any:
        return quart.Response("x", headers={"Cache-Control": "max-age=60"})

    for name, view in (("me", me), ("missing", missing), ("own", own)):
        app.route(f"/{name}", endpoint=name)(auth(view))
    cookie = {"Cookie": f"token={auth_token()}"}
    for name, said in (("me", "private"), ("missing", "private"), ("own", "max-age=60")):
        assert get(app, f"/{name}", headers=cookie)[1]["Cache-Control"] == said


@pytest.mark.parametrize("registry", [Quart(__name__), Blueprint("orders", __name__)])
def test_a_guard_above_the_route_is_an_error(auth: RequiresAuth, registry: Any) -> None:
    async def view() -> str: ...
    async def socket() -> str: ...

    with pytest.raises(RuntimeError, match="never be called"):
        auth(registry.route("/orders")(view))
    with pytest.raises(RuntimeError, match="never be called"):
        auth("read:orders")(registry.websocket("/live")(socket))


def test_a_view_without_its_guard_is_an_error(app: Quart, auth: RequiresAuth) -> None:
    async def bare() -> str: ...

    auth(bare)
    app.get("/me")(bare)
    with pytest.raises(RuntimeError, match="would be open"):
        auth.init_app(app)


# --- WebSockets


def talking(app: Quart, auth: RequiresAuth, **rule: Any) -> None:
    @app.websocket("/ws")
    @auth(**rule)
    async def talk() -> None:
        await websocket.accept()
        await websocket.send(f"{g.access_token.sub} {websocket.requested_subprotocols}")
        while True:
            await websocket.send(await websocket.receive())


def test_websockets(app: Quart, auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(
        auth_issuer.issuer,
        auth_issuer.audience,
        jwks=auth_issuer.jwks,
        token_from=["authorization", {"subprotocol": {"after": "bearer"}}, {"cookie": "token"}],
    )
    talking(app, auth, any_of=["a"])

    async def ask() -> None:
        client = app.test_client(use_cookies=False)
        token = auth_token("a", sub="bob")
        async with client.websocket("/ws", headers=bearer(token)) as socket:
            assert await socket.receive() == "bob []"
        offered = ["bearer", token, "chat"]
        told = {"Sec-WebSocket-Protocol": ", ".join(offered)}
        async with client.websocket("/ws", headers=told, scope_base={"subprotocols": offered}) as socket:
            assert await socket.receive() == "bob ['bearer', 'chat']"
        cookie = {"Cookie": f"token={token}"}
        for headers, status in ((bearer("x"), 401), (bearer(auth_token()), 403), ({}, 401), (cookie, 403)):
            with pytest.raises(WebsocketResponseError) as refused:
                async with client.websocket("/ws", headers=headers) as socket:
                    await socket.receive()
            assert refused.value.response.status_code == status
            assert (await refused.value.response.get_json())["status"] == status

    asyncio.run(ask())


def test_a_websocket_is_closed_when_its_token_ends(
    app: Quart, auth_issuer: TestIssuer, auth_token: TokenFactory
) -> None:
    token = auth_token()
    now = int(auth_issuer.guard().verify(token).expires_at.timestamp()) + 30 - 1  # a second before the end
    auth = RequiresAuth()
    auth.replace_guard(Core(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, _now=now))
    talking(app, auth)

    async def ask() -> None:
        async with app.test_client().websocket("/ws", headers=bearer(token)) as socket:
            assert await socket.receive() == "alice []"
            await socket.send("x")
            assert await socket.receive() == "x"
            with pytest.raises(WebsocketDisconnectError) as closed:
                await socket.receive()
            assert closed.value.args == (1008,)
            await socket.send("late")

    asyncio.run(ask())


@pytest.mark.parametrize("how", ["view", "application"])
def test_how_a_websocket_is_refused_without_an_answer(app: Quart, auth: RequiresAuth, how: str) -> None:
    async def talk() -> None:
        raise AssertionError

    if how == "application":
        auth.protect(app)
    app.websocket("/ws")(auth(talk) if how == "view" else talk)
    scope = {"type": "websocket", "path": "/ws", "query_string": b"", "headers": [], "scheme": "ws", "extensions": {}}
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app({**scope, "asgi": {"spec_version": "2.3"}}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "auth.authorization_header_missing"}]


# --- all vectors

DIFFERS: dict[str, str] = {}


def test_all_vectors(app: Quart) -> None:
    state: dict[str, Any] = {}

    @app.route("/", defaults={"path": ""}, methods=METHODS)
    @app.route("/<path:path>", methods=METHODS)
    async def items(path: str) -> Any:
        async def view() -> str:
            state["told"] = dict(g.access_token.claims) if g.access_token else None
            state["ran"] = True
            return ""

        assert current_app
        return await state["guard"](view)()

    async def ask(case: Case, guard: Core, rule: Case) -> Told:
        auth = RequiresAuth()
        auth.replace_guard(guard)
        state.update(told=None, ran=False, guard=auth(policy=rule.policy(), optional=rule.optional))
        status, headers, body = await asgi(app, case)
        return Told(status, headers, body, state["ran"], state["told"])

    # Quart leads `//` elsewhere.
    run(check_vectors(ask, DIFFERS, lambda case: "//" in case.url))
