"""The adapter for aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from adapters import ORIGIN, PREFLIGHT, Case, bearer
from more_vectors import Told, check_vectors, run

from requires_auth import ConfigError, Policy
from requires_auth import RequiresAuth as Core
from requires_auth.testing import TestIssuer, TokenFactory

web = pytest.importorskip("aiohttp.web", reason="the package aiohttp is not installed")

from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from multidict import CIMultiDict, CIMultiDictProxy

from requires_auth import aiohttp as adapter
from requires_auth.aiohttp import ACCESS_TOKEN, RequiresAuth

pytest_plugins = ["requires_auth.testing"]


@pytest.fixture
def auth(auth_issuer: TestIssuer) -> RequiresAuth:
    return RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)


async def me(request: Any) -> Any:
    token = request.get(ACCESS_TOKEN)
    return web.json_response({"sub": token.sub if token else None})


def app_of(*routes: Any, middlewares: Any = (), setup: RequiresAuth | None = None) -> Any:
    app = web.Application(middlewares=middlewares)
    if setup is not None:
        setup.setup(app)
    app.add_routes(routes)
    return app


def asked(app: Any, ask: Callable[[TestClient[Any, Any]], Awaitable[Any]]) -> Any:
    """What `ask` finds out about an application that listens."""

    async def asking() -> Any:
        async with TestClient(TestServer(app)) as client:
            return await ask(client)

    return asyncio.run(asking())


def get(app: Any, path: str = "/me", method: str = "GET", **headers: str) -> Any:
    """Status, headers and body of an answer; JSON is read."""

    async def ask(client: TestClient[Any, Any]) -> Any:
        async with client.request(method, path, headers=headers) as answer:
            is_json = answer.content_type == "application/json" and method != "HEAD"
            return answer.status, answer.headers, await answer.json() if is_json else await answer.read()

    return asked(app, ask)


@pytest.mark.parametrize("setup", [False, True])
def test_bare(auth: RequiresAuth, auth_token: TokenFactory, setup: bool) -> None:
    def app() -> Any:
        return app_of(web.get("/me", auth(me)), setup=auth if setup else None)

    assert get(app(), **bearer(auth_token(sub="bob")))[::2] == (200, {"sub": "bob"})
    status, headers, body = get(app(), Origin=ORIGIN)
    assert (status, headers["WWW-Authenticate"], headers["Cache-Control"]) == (401, "Bearer", "no-store")
    assert (headers["Content-Type"], headers["Access-Control-Expose-Headers"]) == (
        "application/json",
        "WWW-Authenticate",
    )
    assert body == {
        "code": "auth.authorization_header_missing",
        "status": 401,
        "message": "the request has no Authorization header",
    }
    status, headers, body = get(app(), method="HEAD")
    assert (status, headers["WWW-Authenticate"], body) == (401, "Bearer", b"")


@pytest.mark.parametrize(
    ("needed", "options", "held", "status"),
    [
        (["a", "b"], {}, "a b", 200),
        (["a b"], {}, "a", 403),
        ([], {"any_of": ["a", "b"]}, "b", 200),
        ([], {"any_of": ["a", "b"]}, "c", 403),
        ([], {"policy": Policy.all_of("a")}, "b", 403),
        ([], {"policy": Policy().with_claim("sub", path_parameter="name")}, "", 200),
        ([], {"policy": Policy().with_claim("sub", path_parameter="other")}, "", 403),
    ],
)
def test_rules(auth: RequiresAuth, auth_token: TokenFactory, needed: Any, options: Any, held: str, status: int) -> None:
    app = app_of(web.get("/me/{name}", auth(*needed, **options)(me)))
    found, headers, _ = get(app, "/me/alice", **bearer(auth_token(held)))
    assert found == status
    if status == 403 and "policy" not in options:
        assert 'scope="a b"' in headers["WWW-Authenticate"]


def test_optional(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    def app() -> Any:
        return app_of(web.get("/me", auth(optional=True)(me)))

    assert get(app())[2] == {"sub": None}
    assert get(app(), **bearer(auth_token()))[2] == {"sub": "alice"}
    assert get(app(), **bearer(auth_token(defect="expired")))[2]["reason"] == "expired"


def test_classes_and_methods(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    class Items(web.View):  # type: ignore[name-defined,misc]
        @auth("read:items")
        async def get(self) -> Any:
            return web.json_response(self.request[ACCESS_TOKEN].sub)

        @auth
        async def options(self) -> Any:
            return web.json_response("options")

    class Handlers:
        @auth
        async def answer(self, request: Any) -> Any:
            return web.json_response(request[ACCESS_TOKEN].sub)

    def app() -> Any:
        return app_of(web.view("/items", Items), web.get("/own", Handlers().answer))

    assert get(app(), "/items", **bearer(auth_token("read:items")))[2] == "alice"
    assert get(app(), "/items", **bearer(auth_token()))[0] == 403
    assert get(app(), "/items", "OPTIONS", **PREFLIGHT)[2] == "options"
    assert get(app(), "/own", **bearer(auth_token()))[2] == "alice"
    assert get(app(), "/own")[0] == 401


def test_a_middleware(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    def app() -> Any:
        guarding = auth.middleware("read:orders", exempt=["/health", "/static/*"])
        routes = [web.route("*", path, me) for path in ("/me", "/health", "/static/{name}")]
        return app_of(*routes, web.options("/cors", me), middlewares=[guarding])

    assert get(app(), **bearer(auth_token("read:orders")))[2] == {"sub": "alice"}
    assert get(app(), **bearer(auth_token()))[0] == 403
    assert get(app())[0] == 401
    assert get(app(), "/nowhere")[0] == 401
    assert get(app(), "/nowhere", **bearer(auth_token("read:orders")))[0] == 404
    for path in ("/health", "/static/a"):
        assert get(app(), path)[2] == {"sub": None}
    assert get(app(), "/static/..%2Fme")[0] == 401
    # A preflight runs what is there for it, and nothing else.
    assert get(app(), "/me", "OPTIONS", **PREFLIGHT)[::2] == (204, b"")
    assert get(app(), "/cors", "OPTIONS", **PREFLIGHT)[2] == {"sub": None}
    assert get(app(), "/nowhere", "OPTIONS", **PREFLIGHT)[0] == 404
    assert get(app(), "/me", "OPTIONS")[0] == 401


def test_a_preflight_does_not_run_a_handler(auth: RequiresAuth) -> None:
    assert get(app_of(web.route("*", "/me", auth(me))), "/me", "OPTIONS", **PREFLIGHT)[::2] == (204, b"")
    assert get(app_of(web.options("/me", auth(me))), "/me", "OPTIONS", **PREFLIGHT)[2] == {"sub": None}


@pytest.mark.parametrize("kind", ["catches", "rewrites", "fails"])
def test_a_refusal_reaches_the_client_whatever_stands_above(
    auth: RequiresAuth, auth_token: TokenFactory, kind: str
) -> None:
    def above(handler: Any) -> Any:
        async def answer(request: Any) -> Any:
            await handler(request)
            if kind == "fails":
                raise RuntimeError
            return web.json_response({"id": 1}, headers={"ETag": "x", "Access-Control-Allow-Origin": "*"})

        return answer

    @web.middleware  # type: ignore[untyped-decorator]
    async def catching(request: Any, handler: Any) -> Any:
        try:
            answer = await handler(request)
        except web.HTTPException:
            return web.json_response("mine")
        return answer if kind == "catches" else web.json_response("mine", status=200)

    def app() -> Any:
        guarded = auth("read:orders")(me)
        handler = guarded if kind == "catches" else above(guarded)
        return app_of(
            web.get("/me", handler),
            middlewares=[catching] if kind != "fails" else [],
            setup=None if kind == "catches" else auth,
        )

    status, headers, body = get(app())
    assert (status, headers["WWW-Authenticate"], body["status"]) == (401, "Bearer", 401)
    assert "ETag" not in headers
    status, headers, body = get(app(), **bearer(auth_token()))
    assert (status, body["code"]) == (403, "insufficient_scope")
    assert get(app(), **bearer(auth_token("read:orders")))[0] == (500 if kind == "fails" else 200)


def test_cors_headers_of_others_stay(auth: RequiresAuth) -> None:
    async def cors(request: Any, response: Any) -> None:
        response.headers["Access-Control-Allow-Origin"] = "*"

    app = app_of(web.get("/me", auth(me)), setup=auth)
    app.on_response_prepare.append(cors)
    assert get(app)[1]["Access-Control-Allow-Origin"] == "*"


def test_the_metadata_document(auth_issuer: TestIssuer) -> None:
    url = "https://api.example.com"
    auth = RequiresAuth(auth_issuer.issuer, jwks=auth_issuer.jwks, resource=url)

    def app() -> Any:
        return app_of(web.get("/me", auth(me)), setup=auth)

    status, headers, body = get(app(), "/.well-known/oauth-protected-resource")
    assert (status, body["resource"], headers["Access-Control-Allow-Origin"]) == (200, url, "*")
    assert "resource_metadata=" in get(app())[1]["WWW-Authenticate"]
    assert get(app(), "/.well-known/oauth-protected-resource", "POST")[0] == 405


def test_headers_of_allowed_answers(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(
        auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, token_from=[{"cookie": "token"}]
    )

    async def missing(request: Any) -> Any:
        raise web.HTTPNotFound

    async def own(request: Any) -> Any:
        return web.Response(headers={"Cache-Control": "max-age=60"})

    cookie = {"Cookie": f"token={auth_token()}"}
    for handler, said in ((me, "private"), (missing, "private"), (own, "max-age=60")):
        assert get(app_of(web.get("/me", auth(handler))), **cookie)[1]["Cache-Control"] == said


# --- mistakes


def test_a_guard_above_the_route_is_an_error(auth: RequiresAuth) -> None:
    routes = web.RouteTableDef()
    app = web.Application()

    async def first(request: Any) -> Any: ...
    async def second(request: Any) -> Any: ...

    app.router.add_get("/second", second)
    with pytest.raises(RuntimeError, match="never be called"):
        auth(routes.get("/first")(first))
    with pytest.raises(RuntimeError, match="never be called"):
        auth("read:orders")(second)


def test_a_handler_that_is_registered_without_its_guard_is_an_error(auth: RequiresAuth) -> None:
    async def bare(request: Any) -> Any: ...

    auth(bare)
    with pytest.raises(RuntimeError, match="would be open"):
        asyncio.run(web.AppRunner(app_of(web.get("/me", bare), setup=auth)).setup())


def test_mistakes_say_what_to_write(auth: RequiresAuth, monkeypatch: pytest.MonkeyPatch) -> None:
    mistaken: Any = auth
    with pytest.raises(TypeError, match=r'write auth\("read:x"\)'):
        mistaken(scopes=["read:x"])
    with pytest.raises(TypeError, match="above each method"):
        mistaken(web.View)
    with pytest.raises(TypeError, match="expected a list of strings"):
        mistaken.middleware(exempt="/docs")
    with pytest.raises(ConfigError, match='write "a", "b"'):
        auth("a,b")
    with pytest.raises(TypeError, match="none of the arguments is a request"):
        asyncio.run(mistaken(me)("request"))
    for name in ("REQUIRES_AUTH_ISSUER", "REQUIRES_AUTH_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="REQUIRES_AUTH_ISSUER"):
        RequiresAuth().setup(web.Application())


def test_the_ready_instance(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    ready = RequiresAuth()
    ready.configure(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)
    assert get(app_of(web.get("/me", ready(me))), **bearer(auth_token()))[0] == 200
    assert isinstance(adapter.requires_auth, RequiresAuth)


def test_an_outage_is_not_a_refusal(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth()
    auth.replace_guard(Core(auth_issuer.issuer, auth_issuer.audience, jwks_uri="http://127.0.0.1:1/jwks"))
    status, headers, body = get(app_of(web.get("/me", auth(me))), **bearer(auth_token()))
    assert (status, body["code"]) == (503, "auth.issuer_unavailable")
    assert int(headers["Retry-After"]) > 0


# --- WebSockets


def talking(auth: RequiresAuth) -> Any:
    @auth
    async def talk(request: Any) -> Any:
        socket = web.WebSocketResponse(protocols=("bearer",))
        await socket.prepare(request)
        await socket.send_str(request[ACCESS_TOKEN].sub)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    return talk


def test_websockets(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(
        auth_issuer.issuer,
        auth_issuer.audience,
        jwks=auth_issuer.jwks,
        token_from=["authorization", {"cookie": "token"}, {"subprotocol": {"after": "bearer"}}],
    )

    async def ask(client: TestClient[Any, Any]) -> None:
        for headers, protocols in ((bearer(auth_token(sub="bob")), []), ({}, ["bearer", auth_token(sub="bob")])):
            async with client.ws_connect("/ws", headers=headers, protocols=protocols) as socket:
                assert await socket.receive_str() == "bob"
                assert socket.protocol == ("bearer" if protocols else None)
        async with client.get("/ws", headers=upgrade(bearer("x"))) as refused:
            assert (refused.status, (await refused.json())["code"]) == (401, "invalid_token")
        # A cookie counts only where the page may use it.
        async with client.get("/ws", headers=upgrade({"Cookie": f"token={auth_token()}"})) as refused:
            assert (refused.status, (await refused.json())["code"]) == (403, "auth.cross_site")

    asked(app_of(web.get("/ws", talking(auth))), ask)


def upgrade(headers: dict[str, str]) -> dict[str, str]:
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
        **headers,
    }


@pytest.mark.parametrize("setup", [False, True])
def test_a_websocket_is_closed_when_its_token_ends(
    auth_issuer: TestIssuer, auth_token: TokenFactory, setup: bool
) -> None:
    token = auth_token()
    now = int(auth_issuer.guard().verify(token).expires_at.timestamp()) + 30 - 1  # a second before the end
    auth = RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)
    auth.replace_guard(Core(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, _now=now))

    async def ask(client: TestClient[Any, Any]) -> None:
        async with client.ws_connect("/ws", headers=bearer(token)) as socket:
            assert await socket.receive_str() == "alice"
            ended = await socket.receive(timeout=10)
            assert ended.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
            if setup:
                assert (ended.data, ended.extra) == (1008, "the token has expired")

    asked(app_of(web.get("/ws", talking(auth)), setup=auth if setup else None), ask)


# --- all vectors

DIFFERS: dict[str, str] = {}


def request_of(case: Case) -> Any:
    """The request as the server of aiohttp makes it."""
    request = make_mocked_request(case.method, case.url)
    headers = [(name, value.decode("utf-8", "surrogateescape")) for name, value in case.headers]
    raw_headers = tuple((name.encode(), value) for name, value in case.headers)
    request._headers = CIMultiDictProxy(CIMultiDict(headers))
    request._message = request._message._replace(headers=request._headers, raw_headers=raw_headers)
    return request


def test_all_vectors() -> None:
    state: dict[str, Any] = {}

    async def handler(request: Any) -> Any:
        async def inner(request: Any) -> Any:
            token = request.get(ACCESS_TOKEN)
            state["told"] = dict(token.claims) if token else None
            state["ran"] = True
            return web.Response()

        return await state["guard"](inner)(request)

    app = app_of(web.route("*", "/{path:.*}", handler))

    async def ask(case: Case, guard: Core, rule: Case) -> Told:
        auth = RequiresAuth()
        auth.replace_guard(guard)
        state.update(told=None, ran=False, guard=auth(policy=rule.policy(), optional=rule.optional))
        answer = await app._handle(request_of(case))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Told(answer.status, headers, b"" if case.method == "HEAD" else answer.body, state["ran"], state["told"])

    async def everything() -> None:
        app.freeze()
        await check_vectors(ask, DIFFERS)

    run(everything())
