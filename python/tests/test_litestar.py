"""The guard for Litestar."""

# No `from __future__ import annotations`: Litestar could not resolve names that are local to a test.

import asyncio
import logging
from typing import Any

import pytest
from adapters import ORIGIN, PREFLIGHT, Case, bearer
from more_vectors import METHODS, Told, asgi, check_vectors, run

from requires_auth import AccessToken, ConfigError, Policy
from requires_auth import RequiresAuth as Core
from requires_auth.starlette import ResourceMetadataMiddleware
from requires_auth.testing import TestIssuer, TokenFactory

litestar = pytest.importorskip("litestar", reason="the package litestar is not installed")

from litestar import Controller, HttpMethod, Litestar, Request, Response, WebSocket, get, route, websocket
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.testing import TestClient

from requires_auth.litestar import RequiresAuth, access_token

pytest_plugins = ["requires_auth.testing"]


@pytest.fixture
def auth(auth_issuer: TestIssuer) -> RequiresAuth:
    return RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged to `requires_auth` at ERROR. An application of Litestar takes the handlers of the root away."""
    found: list[str] = []
    handler = logging.Handler(logging.ERROR)
    monkeypatch.setattr(handler, "emit", lambda record: found.append(record.getMessage()))
    monkeypatch.setattr(logging.getLogger("requires_auth"), "handlers", [handler])
    return found


def site(auth: RequiresAuth, *handlers: Any, **options: Any) -> Litestar:
    return Litestar(list(handlers), plugins=[auth], **options)


def handler_with(*guards: Any, path: str = "/me", **options: Any) -> Any:
    @get(path, guards=list(guards), **options)
    async def me(request: Request) -> dict[str, Any]:
        assert request.state.access_token is request.auth
        return {"sub": request.auth.sub if request.auth else None}

    return me


def ask(app: Any, path: str = "/me", method: str = "GET", headers: Any = None) -> Any:
    """Status, headers and body of an answer; JSON is read."""
    given = [(name, value.encode()) for name, value in (headers or {}).items()]
    status, found, body = asyncio.run(asgi(app, Case("", {}, None, method, path, given, {})))
    is_json = found.get("content-type", "").startswith("application/json") and body
    return status, found, litestar.serialization.decode_json(body) if is_json else body


def test_bare(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app = site(auth, handler_with(auth))
    assert ask(app, headers=bearer(auth_token(sub="bob")))[::2] == (200, {"sub": "bob"})
    status, headers, body = ask(app, headers={"Origin": ORIGIN})
    assert (status, headers["www-authenticate"], headers["cache-control"]) == (401, "Bearer", "no-store")
    assert headers["content-type"] == "application/json"
    assert headers["access-control-expose-headers"] == "WWW-Authenticate"
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
def test_rules(auth: RequiresAuth, auth_token: TokenFactory, needed: Any, options: Any, held: str, status: int) -> None:
    app = site(auth, handler_with(auth(*needed, **options), path="/me/{name:str}"))
    found, headers, _ = ask(app, "/me/alice", headers=bearer(auth_token(held)))
    assert found == status
    if status == 403 and "policy" not in options:
        assert 'scope="a b"' in headers["www-authenticate"]


@pytest.mark.filterwarnings("ignore:.*Inferred dependency")
def test_optional_and_the_dependency(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    @get("/me", guards=[auth(optional=True)])
    async def me(token: AccessToken | None) -> dict[str, Any]:
        return {"sub": token.sub if token else None}

    @get("/mine", guards=[auth])
    async def mine(token: AccessToken) -> str:
        return str(token.sub)

    @get("/open")
    async def public(token: AccessToken) -> str:
        return "open"

    app = site(auth, me, mine, public, dependencies={"token": Provide(access_token)})
    assert ask(app)[2] == {"sub": None}
    assert ask(app, headers=bearer(auth_token()))[2] == {"sub": "alice"}
    assert ask(app, headers=bearer(auth_token(defect="expired")))[2]["reason"] == "expired"
    assert ask(app, "/mine", headers=bearer(auth_token()))[2] == b"alice"
    assert ask(app, "/open")[0] == 500


def test_layers_ask_for_all(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    class Items(Controller):
        path = "/items"
        guards = (auth("a"),)

        @get(guards=[auth("b")])
        async def items(self) -> str:
            return "items"

    app = site(auth, Items, guards=[auth])
    assert ask(app, "/items", headers=bearer(auth_token("a b")))[2] == b"items"
    for held in ("a", "b"):
        assert ask(app, "/items", headers=bearer(auth_token(held)))[0] == 403
    assert ask(app, "/items")[0] == 401
    assert ask(app, "/items", "OPTIONS")[0] == 401
    assert ask(app, "/items", "OPTIONS", PREFLIGHT)[0] == 204


def test_a_preflight_does_not_run_a_handler(auth: RequiresAuth) -> None:
    @route("/both", http_method=[HttpMethod.GET, HttpMethod.OPTIONS], guards=[auth])
    async def both() -> str:
        return "secret"

    @route("/own", http_method=HttpMethod.OPTIONS, guards=[auth])
    async def own() -> str:
        return "own"

    app = site(auth, both, own)
    assert ask(app, "/both", "OPTIONS", PREFLIGHT)[::2] == (204, b"")
    assert ask(app, "/own", "OPTIONS", PREFLIGHT)[2] == b"own"
    assert ask(app, "/both", "OPTIONS")[0] == 401


def test_a_refusal_reaches_the_client_whatever_handles_errors(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    def mine(request: Any, error: Exception) -> Response[Any]:
        return Response({"mine": True}, status_code=200, headers={"ETag": "x"})

    def rewriting(app: Any) -> Any:
        async def middleware(scope: Any, receive: Any, send: Any) -> None:
            async def rewrite(message: Any) -> None:
                await send({**message, "status": 200} if message["type"] == "http.response.start" else message)

            await app(scope, receive, rewrite)

        return middleware

    handlers = {HTTPException: mine, Exception: mine, 401: mine, 403: mine, 500: mine}
    inner = handler_with(auth("read:orders"), exception_handlers=handlers)
    cors = CORSConfig(allow_origins=[ORIGIN])
    app = site(auth, inner, exception_handlers=handlers, middleware=[rewriting], cors_config=cors)
    status, headers, body = ask(app, headers={"Origin": ORIGIN})
    assert (status, headers["www-authenticate"], body["status"]) == (401, "Bearer", 401)
    assert "etag" not in headers
    assert headers["access-control-allow-origin"] == ORIGIN
    assert ask(app, headers=bearer(auth_token()))[2]["code"] == "insufficient_scope"
    assert ask(app, headers=bearer(auth_token("read:orders")))[0] == 200


def test_headers_of_allowed_answers(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(
        auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, token_from=[{"cookie": "token"}]
    )

    @get("/missing", guards=[auth])
    async def missing() -> None:
        raise NotFoundException

    @get("/own", guards=[auth])
    async def own() -> Response[dict[str, str]]:
        return Response({}, headers={"Cache-Control": "max-age=60"})

    app = site(auth, handler_with(auth), missing, own)
    cookie = {"Cookie": f"token={auth_token()}"}
    for path, said in (("/me", "private"), ("/missing", "private"), ("/own", "max-age=60")):
        assert ask(app, path, headers=cookie)[1]["cache-control"] == said


def test_the_metadata_document(auth_issuer: TestIssuer) -> None:
    url = "https://api.example.com"
    auth = RequiresAuth(auth_issuer.issuer, jwks=auth_issuer.jwks, resource=url)
    app = ResourceMetadataMiddleware(site(auth, handler_with(auth)), auth=auth)  # type: ignore[arg-type]
    status, _, body = ask(app, "/.well-known/oauth-protected-resource")
    assert (status, body["resource"]) == (200, url)
    assert "resource_metadata=" in ask(app)[1]["www-authenticate"]


# --- mistakes


def test_without_the_plugin_every_request_fails(
    auth: RequiresAuth, auth_token: TokenFactory, errors: list[str]
) -> None:
    app = Litestar([handler_with(auth)], debug=True)
    for headers in ({}, bearer(auth_token())):
        status, _, body = ask(app, headers=headers)
        assert status == 500
        assert b"plugins=[auth]" in body
    assert ["write plugins=[auth] in Litestar(..)" in message for message in errors] == [True, True]
    errors.clear()
    assert ask(site(auth, handler_with(auth)))[0] == 401
    assert not errors


def test_a_forgotten_variable_stops_the_start(monkeypatch: pytest.MonkeyPatch, auth_issuer: TestIssuer) -> None:
    for name in ("REQUIRES_AUTH_ISSUER", "REQUIRES_AUTH_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    ready = RequiresAuth()
    with pytest.raises(ConfigError, match="set REQUIRES_AUTH_AUDIENCE"):
        site(ready, handler_with(ready))
    monkeypatch.setenv("REQUIRES_AUTH_ISSUER", auth_issuer.issuer)
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENCE", auth_issuer.audience)
    assert ask(site(ready, handler_with(ready)))[0] == 401


def test_settings_that_went_wrong_later_are_logged(
    monkeypatch: pytest.MonkeyPatch, errors: list[str], auth_issuer: TestIssuer
) -> None:
    for name in ("REQUIRES_AUTH_ISSUER", "REQUIRES_AUTH_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    ready = RequiresAuth()
    with auth_issuer.replacing(ready):
        app = site(ready, handler_with(ready("a")))
        assert ask(app)[0] == 401
    assert not errors
    assert ask(app)[0] == 500
    assert "set REQUIRES_AUTH_ISSUER" in errors[0]


def test_mistakes_say_what_to_write(auth: RequiresAuth) -> None:
    mistaken: Any = auth
    with pytest.raises(TypeError, match=r'write auth\("read:x"\)'):
        mistaken(scopes=["read:x"])
    with pytest.raises(TypeError, match="not a decorator"):
        mistaken(test_bare)
    with pytest.raises(ConfigError, match='write "a", "b"'):
        auth("a,b")
    with pytest.raises(TypeError, match=r'not a decorator: write guards=\[auth\("a", "b"\)\]'):
        mistaken("a b")(test_bare)
    with pytest.raises(TypeError, match=r"not a decorator: write guards=\[auth\(\.\.\)\]"):
        mistaken(any_of=["a"])(test_bare)


def test_what_litestar_is_given_in_the_wrong_form(auth: RequiresAuth) -> None:
    ours: Any = auth
    kind: Any = RequiresAuth

    @get("/alone", guards=ours("a"))
    async def alone() -> str:
        return "ran"

    @get("/bare", guards=ours)
    async def bare() -> str:
        return "ran"

    with pytest.raises(TypeError, match=r'in a list: write guards=\[auth\("a"\)\]'):
        site(auth, alone)
    with pytest.raises(TypeError, match=r"in a list: write guards=\[auth\]"):
        site(auth, bare)
    with pytest.raises(TypeError, match=r"in a list: .*plugins=\[auth\]"):
        Litestar([], plugins=ours)
    with pytest.raises(TypeError, match=r"the guard itself: write plugins=\[auth\]"):
        Litestar([], plugins=[ours("a")])
    with pytest.raises(TypeError, match=r"write RequiresAuth\(issuer, audience\)"):
        Litestar([], plugins=[kind])
    with pytest.raises(TypeError, match=r"write RequiresAuth\(issuer, audience\)"):
        site(auth, handler_with(kind))


def test_the_environment_configures_it(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    ready = RequiresAuth()
    ready.configure(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)
    app = site(ready, handler_with(ready))
    assert ask(app, headers=bearer(auth_token()))[0] == 200


@pytest.mark.filterwarnings("ignore:.*Inferred dependency")
def test_a_token_of_another_middleware_is_not_ours() -> None:
    def other(app: Any) -> Any:
        async def middleware(scope: Any, receive: Any, send: Any) -> None:
            scope["auth"] = {"from": "elsewhere"}
            await app(scope, receive, send)

        return middleware

    @get("/")
    async def handler(token: AccessToken) -> str:
        return "ran"

    app = Litestar([handler], middleware=[other], dependencies={"token": Provide(access_token)})
    assert ask(app, "/")[0] == 500


# --- the document


def test_openapi(auth: RequiresAuth) -> None:
    described = RequiresAuth(
        "https://issuer.example", "a", scopes={"a": "does a"}, scheme_name="login", openid_connect=True
    )
    app = Litestar(
        [
            handler_with(auth("read:orders"), path="/a"),
            handler_with(auth, path="/b"),
            handler_with(auth(optional=True), path="/c"),
            handler_with(path="/open"),
            handler_with(described("a"), path="/d"),
        ],
        plugins=[auth, described],
    )
    schema: Any = app.openapi_schema.to_schema()
    schemes = schema["components"]["securitySchemes"]
    assert (schemes["RequiresAuth"]["type"], schemes["RequiresAuth"]["scheme"]) == ("http", "bearer")
    assert "- `read:orders`" in schemes["RequiresAuth"]["description"]
    assert schemes["login"]["type"] == "openIdConnect"
    assert schemes["login"]["openIdConnectUrl"] == "https://issuer.example/.well-known/openid-configuration"
    assert "- `a` does a" in schemes["login"]["description"]

    def operation(path: str) -> Any:
        return schema["paths"][path]["get"]

    assert operation("/a")["security"] == [{"RequiresAuth": ["read:orders"]}]
    assert operation("/b")["security"] == [{"RequiresAuth": []}]
    assert operation("/c")["security"] == [{"RequiresAuth": []}, {}]
    assert operation("/d")["security"] == [{"login": ["a"]}]
    assert "security" not in operation("/open")
    for path in ("/a", "/b", "/c", "/d"):
        answers = operation(path)["responses"]
        assert {"200", "401", "403", "503"} <= set(answers)
        content = answers["401"]["content"]["application/json"]["schema"]["$ref"]
        assert content.endswith("RequiresAuthRefusal")
    assert "401" not in operation("/open")["responses"]
    model = schema["components"]["schemas"]["RequiresAuthRefusal"]
    assert set(model["required"]) == {"code", "status", "message"}


# --- WebSockets


def talking(*guards: Any) -> Any:
    @websocket("/ws", guards=list(guards))
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json([socket.auth.sub, socket.scope["subprotocols"]])
        while True:
            await socket.send_text(await socket.receive_text())

    return talk


def test_websockets(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(
        auth_issuer.issuer,
        auth_issuer.audience,
        jwks=auth_issuer.jwks,
        token_from=["authorization", {"subprotocol": {"after": "bearer"}}],
    )
    token = auth_token("a", sub="bob")
    with TestClient(site(auth, talking(auth("a")))) as client:
        with client.websocket_connect("/ws", headers=bearer(token)) as socket:
            assert socket.receive_json() == ["bob", []]
        with client.websocket_connect("/ws", subprotocols=["bearer", token, "chat"]) as socket:
            assert socket.receive_json() == ["bob", ["bearer", "chat"]]


@pytest.mark.parametrize("can_answer", [False, True])
def test_how_a_websocket_is_refused(auth: RequiresAuth, can_answer: bool) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    own = {"path": "/ws", "raw_path": b"/ws", "query_string": b"", "headers": [], "subprotocols": []}
    extensions = {"websocket.http.response": {}} if can_answer else {}
    app: Any = site(auth, talking(auth))
    asyncio.run(app({"type": "websocket", "root_path": "", **own, "extensions": extensions}, receive, send))
    if can_answer:
        assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 401)
        assert b"auth.authorization_header_missing" in sent[1]["body"]
        assert len(sent) == 2
    else:
        assert sent == [{"type": "websocket.close", "code": 1008, "reason": "auth.authorization_header_missing"}]


def test_a_websocket_is_closed_when_its_token_ends(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    token = auth_token()
    now = int(auth_issuer.guard().verify(token).expires_at.timestamp()) + 30 - 1  # a second before the end
    auth = RequiresAuth()
    auth.replace_guard(Core(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, _now=now))
    sent: list[Any] = []
    come: list[Any] = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "early"}]

    async def asking() -> None:
        closed = asyncio.Event()

        async def receive() -> Any:
            if not come:
                await closed.wait()
                return {"type": "websocket.receive", "text": "late"}
            return come.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)
            if message["type"] == "websocket.close":
                closed.set()

        own = {"path": "/ws", "raw_path": b"/ws", "query_string": b"", "subprotocols": [], "extensions": {}}
        headers = [(b"authorization", f"Bearer {token}".encode())]
        app: Any = site(auth, talking(auth))
        await app({"type": "websocket", "root_path": "", **own, "headers": headers}, receive, send)

    asyncio.run(asking())
    assert [message["type"] for message in sent] == ["websocket.accept", *["websocket.send"] * 2, "websocket.close"]
    assert (sent[-1]["code"], sent[-1]["reason"]) == (1008, "the token has expired")


# --- all vectors

DIFFERS: dict[str, str] = {}


def test_all_vectors() -> None:
    state: dict[str, Any] = {}

    async def judged(connection: Any, handler: Any) -> None:
        await state["guard"](connection, handler)

    @route(["/", "/{path:path}"], http_method=[HttpMethod(method) for method in METHODS], guards=[judged])
    async def items(request: Request) -> Response[bytes]:
        state["told"] = dict(request.auth.claims) if request.auth else None
        state["ran"] = True
        return Response(b"")

    app = site(RequiresAuth("https://issuer.example", "a"), items)

    async def asked(case: Case, guard: Core, rule: Case) -> Told:
        auth = RequiresAuth()
        auth.replace_guard(guard)
        state.update(told=None, ran=False, guard=auth(policy=rule.policy(), optional=rule.optional))
        status, headers, body = await asgi(app, case)
        return Told(status, headers, body, state["ran"], state["told"])

    run(check_vectors(asked, DIFFERS))
