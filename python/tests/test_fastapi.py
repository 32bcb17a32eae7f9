"""The adapter for FastAPI."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a test.

import inspect
import pydoc
import sys
from functools import partial
from typing import Annotated, Any

import pytest
from adapters import ORIGIN, PREFLIGHT, bearer, vectors
from fastapi import APIRouter, Depends, FastAPI, Request, Security, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse
from fastapi.security import SecurityScopes
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from requires_auth import AccessToken, AuthError, ConfigError, Issuer, Policy, flask
from requires_auth import RequiresAuth as Core
from requires_auth import fastapi as adapter
from requires_auth.fastapi import RequiresAuth
from requires_auth.starlette import RequiresAuthMiddleware
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]


@pytest.fixture
def auth(auth_issuer: TestIssuer) -> RequiresAuth:
    return RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)


def client_of(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=True)


def app_with(dependency: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/me")
    async def me(request: Request, token: Any = dependency) -> Any:
        assert request.state.access_token is token
        return {"sub": token.sub if token else None}

    return app


def test_any_valid_token(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    client = client_of(app_with(Depends(auth)))
    allowed = client.get("/me", headers=bearer(auth_token(sub="bob")))
    assert (allowed.status_code, allowed.json()) == (200, {"sub": "bob"})

    refused = client.get("/me", headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["cache-control"] == "no-store"
    assert refused.headers["content-type"] == "application/json"
    assert refused.headers["access-control-expose-headers"] == "WWW-Authenticate"
    assert refused.json() == {
        "code": "auth.authorization_header_missing",
        "status": 401,
        "message": "the request has no Authorization header",
    }


@pytest.mark.parametrize("form", ["depends", "security", "both", "alias"])
def test_scopes(auth: RequiresAuth, auth_token: TokenFactory, form: str) -> None:
    dependency = {
        "depends": lambda: Depends(auth("read:orders", "write:orders")),
        "alias": lambda: Depends(auth("read:orders write:orders")),
        "security": lambda: Security(auth, scopes=["read:orders", "write:orders"]),
        "both": lambda: Security(auth("write:orders"), scopes=["read:orders"]),
    }[form]()
    app = app_with(dependency)
    client = client_of(app)
    assert client.get("/me", headers=bearer(auth_token("read:orders write:orders"))).status_code == 200
    refused = client.get("/me", headers=bearer(auth_token("read:orders")))
    assert refused.status_code == 403
    assert refused.json()["code"] == "insufficient_scope"
    assert 'scope="read:orders write:orders"' in refused.headers["www-authenticate"]

    operation = app.openapi()["paths"]["/me"]["get"]
    assert operation["security"] == [{"RequiresAuth": ["read:orders", "write:orders"]}]
    assert "parameters" not in operation
    assert "requestBody" not in operation


@pytest.mark.parametrize(("held", "status"), [("a", 200), ("b", 200), ("c", 403)])
def test_any_of(auth: RequiresAuth, auth_token: TokenFactory, held: str, status: int) -> None:
    app = app_with(Depends(auth(any_of=["a", "b"])))
    answer = client_of(app).get("/me", headers=bearer(auth_token(held)))
    assert answer.status_code == status
    if status == 403:
        assert 'scope="a b"' in answer.headers["www-authenticate"]
    assert app.openapi()["paths"]["/me"]["get"]["security"] == [{"RequiresAuth": []}]


def test_any_of_inside_security(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    client = client_of(app_with(Security(auth(any_of=["a", "b"]), scopes=["c"])))
    assert client.get("/me", headers=bearer(auth_token("a c"))).status_code == 200
    assert client.get("/me", headers=bearer(auth_token("a"))).status_code == 403
    assert client.get("/me", headers=bearer(auth_token("c"))).status_code == 403


def test_a_policy(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    client = client_of(app_with(Depends(auth(policy=Policy.all_of("a")))))
    assert client.get("/me", headers=bearer(auth_token("a"))).status_code == 200
    assert client.get("/me", headers=bearer(auth_token("b"))).status_code == 403
    with pytest.raises(TypeError, match="only one"):
        auth("a", policy=Policy.all_of("b"))


def test_optional(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    client = client_of(app_with(Depends(auth(optional=True))))
    assert client.get("/me").json() == {"sub": None}
    assert client.get("/me", headers=bearer(auth_token())).json() == {"sub": "alice"}
    assert client.get("/me", headers=bearer(auth_token(defect="expired"))).json()["reason"] == "expired"
    client = client_of(app_with(Depends(auth("a", optional=True))))
    assert client.get("/me").json() == {"sub": None}
    assert client.get("/me", headers=bearer(auth_token())).status_code == 403


def test_dependencies_of_dependencies(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    async def user(scopes: SecurityScopes, token: Annotated[AccessToken, Depends(auth)]) -> dict[str, Any]:
        return {"sub": token.sub, "asked": scopes.scopes}

    app = FastAPI()

    @app.get("/me")
    async def me(user: Annotated[dict[str, Any], Security(user, scopes=["me"])]) -> dict[str, Any]:
        return user

    @app.get("/both")
    async def both(
        reader: Annotated[AccessToken, Depends(auth("read"))],
        writer: Annotated[AccessToken, Depends(auth("write"))],
    ) -> bool:
        return reader.sub == writer.sub

    client = client_of(app)
    assert client.get("/me", headers=bearer(auth_token("me"))).json() == {"sub": "alice", "asked": ["me"]}
    assert client.get("/me", headers=bearer(auth_token("you"))).status_code == 403
    assert client.get("/both", headers=bearer(auth_token("read write"))).json() is True
    assert client.get("/both", headers=bearer(auth_token("read"))).status_code == 403
    assert client.get("/both", headers=bearer(auth_token("write"))).status_code == 403


def test_a_router_an_application_and_a_mounted_one(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    router = APIRouter(dependencies=[Depends(auth("read"))])
    router.get("/orders")(lambda: "orders")
    inner = FastAPI(dependencies=[Depends(auth)])
    inner.get("/orders")(lambda: "inner orders")
    app = FastAPI()
    app.include_router(router)
    app.mount("/inner", inner)

    client = client_of(app)
    assert client.get("/orders").status_code == 401
    assert client.get("/orders", headers=bearer(auth_token())).status_code == 403
    assert client.get("/orders", headers=bearer(auth_token("read"))).json() == "orders"
    assert client.get("/inner/orders").json()["code"] == "auth.authorization_header_missing"
    assert client.get("/inner/orders", headers=bearer(auth_token())).json() == "inner orders"


def test_sync_routes(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app = FastAPI()

    @app.get("/me")
    def me(token: Annotated[AccessToken, Depends(auth)]) -> str | None:
        return token.sub

    assert client_of(app).get("/me", headers=bearer(auth_token())).json() == "alice"


def test_claims_are_returned_as_json(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app = FastAPI()

    @app.get("/claims")
    async def claims(token: Annotated[AccessToken, Depends(auth)]) -> dict[str, Any]:
        return token.claims  # type: ignore[return-value]

    assert client_of(app).get("/claims", headers=bearer(auth_token(sub="bob"))).json()["sub"] == "bob"


def test_openapi(auth_issuer: TestIssuer) -> None:
    auth = RequiresAuth(
        auth_issuer.issuer,
        auth_issuer.audience,
        jwks=auth_issuer.jwks,
        scopes={"read:orders": "reads orders"},
    )
    app = FastAPI()
    app.get("/a", dependencies=[Depends(auth("read:orders"))])(lambda: "")
    app.get("/b", dependencies=[Depends(auth("write:orders", "admin"))])(lambda: "")
    app.get("/c", dependencies=[Depends(auth(optional=True))])(lambda: "")
    schema = app.openapi()
    scheme = schema["components"]["securitySchemes"]["RequiresAuth"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    listed = [line for line in scheme["description"].splitlines() if line.startswith("- ")]
    assert listed == ["- `admin`", "- `read:orders` reads orders", "- `write:orders`"]
    assert schema["paths"]["/b"]["get"]["security"] == [{"RequiresAuth": ["write:orders", "admin"]}]
    assert client_of(app).get("/docs").status_code == 200


def test_openapi_with_a_login(auth_issuer: TestIssuer) -> None:
    auth = RequiresAuth(
        auth_issuer.issuer,
        auth_issuer.audience,
        jwks=auth_issuer.jwks,
        scheme_name="login",
        authorization_url="https://issuer.example/auth",
        token_url="https://issuer.example/token",
    )
    app = app_with(Depends(auth("read:orders")))
    assert app.openapi()["components"]["securitySchemes"] == {
        "login": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": "https://issuer.example/auth",
                    "tokenUrl": "https://issuer.example/token",
                    "scopes": {"read:orders": ""},
                }
            },
        }
    }


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "https://issuer.example/.well-known/openid-configuration"),
        ({"issuer": "https://issuer.example/realm/"}, "https://issuer.example/realm/.well-known/openid-configuration"),
        ({"discovery_url": "https://issuer.example/own"}, "https://issuer.example/own"),
        ({"issuer": "acme", "provider": "logto"}, "https://acme.logto.app/oidc/.well-known/openid-configuration"),
        ({"openid_connect": False}, None),
        ({"jwks_uri": "https://issuer.example/jwks"}, None),
        ({"issuer": None, "issuers": [("https://issuer.example", "a"), ("https://other.example", "a")]}, None),
    ],
)
def test_openapi_names_where_an_issuer_is_discovered(options: Any, url: str | None) -> None:
    audience = None if "issuers" in options else "a"
    given = {"issuer": "https://issuer.example", "audience": audience, "openid_connect": True, **options}
    app = app_with(Depends(RequiresAuth(**given, scopes={"a": "does a"})))
    scheme = app.openapi()["components"]["securitySchemes"]["RequiresAuth"]
    assert "- `a` does a" in scheme["description"]
    assert (scheme["type"], scheme.get("openIdConnectUrl")) == ("openIdConnect" if url else "http", url)
    assert app.openapi()["paths"]["/me"]["get"]["security"] == [{"RequiresAuth": []}]


def test_openapi_of_a_guard_that_nobody_has_configured(
    monkeypatch: pytest.MonkeyPatch, auth_issuer: TestIssuer
) -> None:
    for name in ("REQUIRES_AUTH_ISSUER", "REQUIRES_AUTH_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)

    def scheme() -> Any:
        auth = RequiresAuth(openid_connect=True)
        return app_with(Depends(auth)).openapi()["components"]["securitySchemes"]["RequiresAuth"]

    assert scheme()["type"] == "http"
    monkeypatch.setenv("REQUIRES_AUTH_ISSUER", "https://issuer.example")
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENCE", "a")
    assert scheme()["openIdConnectUrl"] == "https://issuer.example/.well-known/openid-configuration"


@pytest.mark.parametrize("form", ["bare", "scopes", "any_of", "optional", "router", "nested"])
def test_openapi_has_the_refusals_of_guarded_operations(auth: RequiresAuth, form: str) -> None:
    async def nested(token: Annotated[AccessToken, Depends(auth)]) -> AccessToken:
        return token

    dependency: Any = {
        "bare": auth,
        "scopes": auth("a"),
        "any_of": auth(any_of=["a"]),
        "optional": auth(optional=True),
        "router": auth,
        "nested": nested,
    }[form]
    app, router = FastAPI(), APIRouter(dependencies=[Depends(dependency)] if form == "router" else [])
    own = {503: {"description": "mine"}}
    router.get("/me", dependencies=[Depends(dependency)] if form != "router" else [], responses=own)(lambda: "")
    app.include_router(router)
    app.get("/open")(lambda: "")
    document = app.openapi()
    answers = document["paths"]["/me"]["get"]["responses"]
    assert set(answers) == {"200", "401", "403", "503"}
    assert answers["503"]["description"] == "mine"
    assert "WWW-Authenticate" in answers["401"]["headers"]
    reference = answers["403"]["content"]["application/json"]["schema"]["$ref"]
    model = document["components"]["schemas"][reference.rpartition("/")[2]]
    assert set(document["paths"]["/open"]["get"]["responses"]) == {"200"}

    body = client_of(app).get("/me", headers=bearer("x")).json()
    assert set(model["required"]) <= body.keys() <= set(model["properties"])


@pytest.mark.parametrize("error_body", ["problem", lambda error: ("text/plain", b"no")])
def test_openapi_has_the_body_that_is_sent(auth_issuer: TestIssuer, error_body: Any) -> None:
    auth = RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, error_body=error_body)
    app = app_with(Depends(auth))
    document = app.openapi()
    answer = document["paths"]["/me"]["get"]["responses"]["401"]
    refused = client_of(app).get("/me", headers=bearer("x"))
    if error_body != "problem":
        assert "content" not in answer
        assert "RequiresAuthRefusal" not in str(document)
        return
    assert refused.headers["content-type"] in answer["content"]
    model = document["components"]["schemas"]["RequiresAuthRefusal"]
    assert set(model["required"]) <= refused.json().keys() <= set(model["properties"])


def test_what_fastapi_sees(auth: RequiresAuth) -> None:
    assert list(inspect.signature(auth).parameters) == ["connection", "security_scopes"]
    assert list(inspect.signature(auth(any_of=["a"])).parameters) == ["connection", "security_scopes"]


# --- refusals


def test_a_handler_of_your_own_goes_first(auth: RequiresAuth) -> None:
    app = app_with(Depends(auth))

    @app.exception_handler(AuthError)
    async def answer(request: Request, error: AuthError) -> PlainTextResponse:
        return PlainTextResponse(f"no: {error.code}", error.status)

    answer_ = client_of(app).get("/me")
    assert (answer_.status_code, answer_.text) == (401, "no: auth.authorization_header_missing")


def test_an_error_of_verify_in_a_handler(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app = FastAPI()

    @app.get("/me", dependencies=[Depends(auth)])
    async def me(token: str) -> str | None:
        return (await auth.verify_async(token)).sub

    client = client_of(app)
    good = bearer(auth_token())
    assert client.get("/me", params={"token": auth_token(sub="bob")}, headers=good).json() == "bob"
    refused = client.get("/me", params={"token": auth_token(defect="expired")}, headers=good)
    assert refused.status_code == 401
    assert refused.json() == {
        "code": "invalid_token",
        "status": 401,
        "message": "the token has expired",
        "reason": "expired",
    }
    assert refused.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


def test_the_headers_of_an_error_are_for_a_handler_of_your_own(auth: RequiresAuth) -> None:
    app = app_with(Depends(auth))

    @app.exception_handler(AuthError)
    async def answer(request: Request, error: AuthError) -> PlainTextResponse:
        return PlainTextResponse("no", error.status, dict(error.headers))

    assert client_of(app).get("/me", headers=bearer("x")).headers["www-authenticate"].startswith("Bearer error=")


def test_verify_by_hand_is_a_refusal_from_the_first_request_on(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app = FastAPI()

    @app.get("/async")
    async def by_hand(token: str) -> str | None:
        return (await auth.verify_async(token)).sub

    @app.get("/sync")
    def by_hand_in_a_thread(token: str) -> str | None:
        return auth.verify(token).sub

    for path in ("/async", "/sync"):
        app.middleware_stack = None  # as if the application had just started
        client = client_of(app)
        refused = client.get(path, params={"token": auth_token(defect="expired")})
        assert (refused.status_code, refused.json()["reason"]) == (401, "expired")
        assert refused.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
        assert client.get(path, params={"token": auth_token()}).json() == "alice"


def test_verify_by_hand_when_the_issuer_is_out_of_reach(auth_token: TokenFactory) -> None:
    auth = RequiresAuth("http://127.0.0.1:1", "https://api.example.com")
    app = FastAPI()

    @app.get("/")
    async def by_hand(token: str) -> str | None:
        return (await auth.verify_async(token)).sub

    issuer = TestIssuer()
    token = issuer.token(claims={"iss": "http://127.0.0.1:1"})
    answer = client_of(app).get("/", params={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (503, "auth.issuer_unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("accepted", [False, True])
def test_verify_by_hand_in_a_websocket(auth: RequiresAuth, auth_token: TokenFactory, accepted: bool) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def talk(websocket: WebSocket) -> None:
        if accepted:
            await websocket.accept()
        token = await auth.verify_async(websocket.query_params["token"])
        if not accepted:
            await websocket.accept()
        await websocket.send_text(token.sub or "")
        await websocket.close()

    client = client_of(app)
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/ws?token=x") as socket:
        socket.receive_text()
    if accepted:
        assert (closed.value.code, closed.value.reason) == (1008, "invalid_token")
    else:
        assert getattr(getattr(closed.value, "response", None), "status_code", 401) == 401
    with client.websocket_connect("/ws?token=" + auth_token(sub="bob")) as socket:
        assert socket.receive_text() == "bob"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="every FastAPI sees the mark of a coroutine function there")
def test_a_fastapi_that_awaits_nothing_does_not_run_the_route(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    def ask(dependency: Any, token: str) -> Any:
        headers = [(b"authorization", f"Bearer {token}".encode())]
        connection = Request({"type": "http", "method": "GET", "path": "/", "headers": headers})
        return dependency(connection=connection, security_scopes=SecurityScopes())

    for dependency in (auth, auth(any_of=["a"]), auth(optional=True)):
        assert ask(dependency, auth_token("a")).sub == "alice"
        with pytest.raises(AuthError):
            ask(dependency, "x")


# --- mistakes


def test_a_guard_is_not_a_decorator(auth: RequiresAuth) -> None:
    def route() -> str:
        return "secret"

    for decorator in (auth, auth("a"), auth(any_of=["a"]), auth(optional=True)):
        with pytest.raises(TypeError, match=r"write token: Annotated\[AccessToken, Depends\(auth\)\]"):
            decorator(route)  # type: ignore[call-overload, operator]


@pytest.mark.parametrize(
    ("arguments", "options", "hint"),
    [
        ((), {"scopes": ["a", "b"]}, r'write auth\("a", "b"\)'),
        ((), {"scope": "a b"}, r'write auth\("a", "b"\)'),
        ((["a"],), {}, "scopes: expected strings, found list"),
        (("a,b",), {}, 'write "a", "b"'),
        ((), {"any_of": ["a,b"]}, 'write "a", "b"'),
        ((), {"any_of": [1]}, "any_of: expected a list of strings"),
        ((), {"any_of": 1}, "any_of: expected a list of strings"),
        ((), {"policy": "a"}, "policy: expected a Policy"),
        ((), {"optional": "no"}, "optional: expected True or False"),
        ((), {"roles": ["a"]}, "roles: there is no such argument"),
    ],
)
def test_a_mistake_says_what_to_write(auth: RequiresAuth, arguments: Any, options: Any, hint: str) -> None:
    with pytest.raises((TypeError, ConfigError), match=hint):
        auth(*arguments, **options)


def test_a_scope_with_a_comma_is_a_policy(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    client = client_of(app_with(Depends(auth(policy=Policy.all_of("a,b")))))
    assert client.get("/me", headers=bearer(auth_token("a,b"))).status_code == 200
    assert client.get("/me", headers=bearer(auth_token("a b"))).status_code == 403


# --- tests of applications


@pytest.mark.parametrize(
    "form",
    [
        lambda auth: Depends(auth("a")),
        lambda auth: Security(auth, scopes=["a"]),
        lambda auth: Depends(auth(any_of=["a", "b"])),
        lambda auth: Depends(auth(policy=Policy.all_of("a"))),
        lambda auth: Depends(auth(optional=True)),
        lambda auth: Depends(auth("a", optional=True)),
        lambda auth: Security(auth(any_of=["a"]), scopes=["c"]),
    ],
)
def test_an_override_of_the_guard_reaches_every_form(auth: RequiresAuth, auth_token: TokenFactory, form: Any) -> None:
    app, dependency = FastAPI(), form(auth)

    @app.get("/me")
    async def me(token: Any = dependency) -> Any:
        return token.sub if token else None

    client = client_of(app)
    token = auth.verify(auth_token(sub="stand-in"))
    before = client.get("/me", headers=bearer("x")).status_code

    async def stand_in(request: Request, name: str = "") -> Any:
        return token

    app.dependency_overrides[auth] = stand_in
    assert client.get("/me").json() == "stand-in"
    app.dependency_overrides[auth] = lambda number: token
    assert client.get("/me").status_code == 422
    app.dependency_overrides.clear()
    assert client.get("/me", headers=bearer("x")).status_code == before == 401


def test_an_override_is_the_state_of_the_request(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    token = auth.verify(auth_token(sub="stand-in"))
    for form in (auth("a"), auth(any_of=["a"]), auth(optional=True)):
        app = app_with(Depends(form))
        app.dependency_overrides[auth] = lambda: token
        assert client_of(app).get("/me").json() == {"sub": "stand-in"}


def test_replacing_keeps_what_the_guard_has_of_its_own(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(
        "https://issuer.example",
        "https://elsewhere.example",
        algorithms=["RS256"],
        scope_claims=["permissions"],
        implied_scopes={"admin": "read"},
        error_format="problem",
    )
    client = client_of(app_with(Depends(auth("read"))))
    with auth_issuer.replacing(auth):
        good = auth_token(claims={"permissions": ["admin"]})
        assert client.get("/me", headers=bearer(good)).status_code == 200
        refused = client.get("/me", headers=bearer(auth_token("read")))
        assert refused.status_code == 403
        assert refused.headers["content-type"] == "application/problem+json"


# --- configuration of an application factory


def test_configure_for_an_application_factory(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(scope_claims=["permissions"])
    app = app_with(Depends(auth("read")))
    with pytest.raises(ConfigError, match="audience: expected"):
        auth.configure(auth_issuer.issuer, jwks=auth_issuer.jwks)
    auth.configure(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)
    client = client_of(app)
    held = auth_token(claims={"permissions": ["read"]})
    assert client.get("/me", headers=bearer(held)).status_code == 200
    assert client.get("/me", headers=bearer(auth_token("read"))).status_code == 403
    auth.configure("https://other.example", auth_issuer.audience, jwks=auth_issuer.jwks)
    assert client.get("/me", headers=bearer(held)).json()["reason"] == "issuer_mismatch"


def test_configure_refuses_a_guard_that_has_an_issuer(auth: RequiresAuth) -> None:
    with pytest.raises(TypeError, match="with an issuer already"):
        auth.configure("https://other.example", "https://api.example.com")


def test_the_body_is_replaceable(auth_issuer: TestIssuer) -> None:
    auth = RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, error_format="problem")
    refused = client_of(app_with(Depends(auth))).get("/me")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["title"] == "Unauthorized"


# --- browsers


def test_a_browser_can_read_a_refusal(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app = app_with(Depends(auth))
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_headers=["Authorization"])
    client = client_of(app)
    preflight = client.options("/me", headers=PREFLIGHT)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    refused = client.get("/me", headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "*"
    assert refused.headers["access-control-expose-headers"] == "WWW-Authenticate"
    assert client.get("/me", headers={"Origin": ORIGIN, **bearer(auth_token())}).status_code == 200


def test_a_preflight_does_not_run_a_route(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app = FastAPI()
    app.api_route("/", methods=["GET", "OPTIONS"], dependencies=[Depends(auth)])(lambda: "secret")
    client = client_of(app)
    answer = client.options("/", headers=PREFLIGHT)
    assert (answer.status_code, answer.text) == (204, "")
    assert client.options("/").status_code == 401
    assert client.options("/", headers=bearer(auth_token())).json() == "secret"


def test_a_route_for_options_alone_runs(auth: RequiresAuth) -> None:
    app = FastAPI()
    app.options("/", dependencies=[Depends(auth)])(lambda: "preflight")
    assert client_of(app).options("/", headers=PREFLIGHT).json() == "preflight"


# --- WebSockets


def test_websockets(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def talk(websocket: WebSocket, token: Annotated[AccessToken, Depends(auth("talk"))]) -> None:
        await websocket.accept()
        await websocket.send_text(token.sub or "")
        await websocket.close()

    client = client_of(app)
    with client.websocket_connect("/ws", headers=bearer(auth_token("talk", sub="bob"))) as socket:
        assert socket.receive_text() == "bob"
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/ws"):
        pass
    refused = getattr(closed.value, "response", None) or closed.value
    assert getattr(refused, "status_code", 401) == 401


# --- configuration


def test_the_ready_instance(monkeypatch: pytest.MonkeyPatch, auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    client = client_of(app_with(Depends(adapter.requires_auth)))
    with pytest.raises(ConfigError, match=r"(?i)issuer"):
        client.get("/me")
    with auth_issuer.replacing(adapter.requires_auth):
        assert client.get("/me", headers=bearer(auth_token())).status_code == 200

    for name, value in auth_issuer.settings.items():
        monkeypatch.setenv(name, value)
    client = client_of(app_with(Depends(RequiresAuth(jwks=auth_issuer.jwks))))
    assert client.get("/me", headers=bearer(auth_token())).status_code == 200


# --- all vectors


def test_all_vectors() -> None:
    auth = RequiresAuth()
    ran = False
    app = FastAPI()
    state: dict[str, Any] = {}

    async def judged(request: Request) -> Any:
        return await state["dependency"](connection=request, security_scopes=SecurityScopes())

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
    async def items(token: Annotated[Any, Depends(judged)]) -> Any:
        nonlocal ran
        ran = True
        return dict(token.claims) if token else None

    with client_of(app) as client:
        for case, guard in vectors():
            auth.replace_guard(guard)
            state["dependency"] = auth(policy=case.policy(), optional=case.optional)
            ran = False
            headers = [(name.encode(), value) for name, value in case.headers]
            answer = client.request(case.method, case.url, headers=headers)
            case.check(answer.status_code, dict(answer.headers), answer.content, ran)
            if case.expect.get("claims"):
                assert answer.json() == case.expect["claims"], case.id


class OwnArguments(Core):
    def __init__(self, issuer: str, audience: str) -> None:
        super().__init__(issuer, audience)


CLASSES = [Core, OwnArguments, RequiresAuth, flask.RequiresAuth, RequiresAuthMiddleware, Issuer, Policy, AccessToken]
"""FastAPI would make an object of these, of arguments from the query."""


@pytest.mark.parametrize("mistaken", CLASSES)
def test_a_class_is_no_dependency(mistaken: Any) -> None:
    def annotated(token: Any) -> None: ...

    annotated.__annotations__["token"] = Annotated[mistaken, Depends()]
    app = FastAPI()
    for make in (
        lambda: app.get("/", dependencies=[Depends(mistaken)]),
        lambda: app.get("/", dependencies=[Security(mistaken, scopes=["read:x"])]),
        lambda: app.get("/", dependencies=[Depends(partial(mistaken))]),
        lambda: APIRouter(dependencies=[Depends(mistaken)]).get("/"),
        lambda: FastAPI(dependencies=[Depends(mistaken)]).get("/"),
        lambda: app.websocket("/", dependencies=[Depends(mistaken)]),
    ):
        with pytest.raises(TypeError, match=r"Depends\(auth|guards nothing"):
            make()(lambda: "secret")
    with pytest.raises(TypeError, match=r"Depends\(auth|guards nothing"):
        app.get("/")(annotated)


@pytest.mark.parametrize("mistaken", [Core("https://a.example", "b"), flask.RequiresAuth("https://a.example", "b")])
def test_a_guard_of_another_module_is_no_dependency(mistaken: Any) -> None:
    with pytest.raises(TypeError, match=r"Depends\(auth"):
        FastAPI().get("/", dependencies=[Depends(mistaken)])(lambda: "secret")


def test_classes_keep_their_signature_for_everybody_else(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    for cls in (Core, OwnArguments, RequiresAuth, flask.RequiresAuth, RequiresAuthMiddleware, Issuer):
        assert "issuer" in inspect.signature(cls).parameters
        assert "issuer" in pydoc.render_doc(cls)
    app = FastAPI()

    async def asks() -> int:
        return len(inspect.signature(Core).parameters)

    @app.get("/", dependencies=[Depends(auth)])
    async def documents(count: Annotated[int, Depends(asks)]) -> bool:
        return count == len(inspect.signature(Core).parameters) > 2

    assert client_of(app).get("/", headers=bearer(auth_token())).json() is True
    assert client_of(app).get("/").status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        lambda auth: auth,
        lambda auth: auth("read:x"),
        lambda auth: auth(any_of=["read:x"]),
        lambda auth: auth(optional=True),
        lambda auth: auth.guard,
        lambda auth: flask.RequiresAuth("https://a.example", "b"),
    ],
)
def test_a_guard_without_depends_is_an_error(auth: RequiresAuth, form: Any) -> None:
    guard = form(auth)

    def default(token=guard) -> str:
        return "secret"

    def typed(token: Any = guard) -> str:
        return "secret"

    def annotated(token: Annotated[str, guard]) -> str:
        return "secret"

    def nested(token: Annotated[str, Depends(default)]) -> str:
        return "secret"

    app = FastAPI()
    for route in (default, typed, annotated, nested):
        with pytest.raises(TypeError, match=r"without Depends.* write Annotated\[AccessToken, Depends\(auth\)\]"):
            app.get("/")(route)
    assert isinstance(guard, type(guard))
    assert guard.__class__ is type(guard)
    assert not isinstance(guard, str)
