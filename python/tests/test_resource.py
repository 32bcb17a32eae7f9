"""A guard with a resource: its document, through each adapter, and what challenges say of it (RFC 9728)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import django_site  # noqa: F401  # configures Django
import pytest
from django.http import HttpRequest, JsonResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path as django_path
from fastapi import Depends, FastAPI
from flask import Blueprint, Flask, g
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from requires_auth import AccessToken, ConfigError, MetadataAnswer, Policy, RequiresAuth
from requires_auth import django as django_adapter
from requires_auth import fastapi as fastapi_adapter
from requires_auth import flask as flask_adapter
from requires_auth.starlette import RequiresAuthMiddleware, ResourceMetadataMiddleware
from requires_auth.testing import TestIssuer

RESOURCE = "https://api.example.com/mcp"
DOCUMENT = "/.well-known/oauth-protected-resource/mcp"
PLACES = [DOCUMENT, "/.well-known/oauth-protected-resource", "/mcp/.well-known/oauth-protected-resource"]
POINTER = f'resource_metadata="https://api.example.com{DOCUMENT}"'


@pytest.fixture
def issuer() -> TestIssuer:
    return TestIssuer(audience=RESOURCE)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


Call = Callable[..., Answer]


def options_of(issuer: TestIssuer) -> dict[str, Any]:
    return {"jwks": issuer.jwks, "resource": RESOURCE, "base_scopes": "read:orders", "resource_name": "Orders"}


def flask_call(issuer: TestIssuer) -> Call:
    app = Flask("orders")
    auth = flask_adapter.RequiresAuth(issuer.issuer, **options_of(issuer))
    auth.init_app(app)

    @app.route("/mcp", methods=["GET", "POST"])
    @auth("write:orders")
    def call() -> dict[str, Any]:
        return {"sub": g.access_token.sub}

    @app.route("/<path:rest>", methods=["GET", "POST"])
    def page(rest: str) -> str:
        return f"<html>{rest}"

    client = app.test_client()

    def ask(method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        answer = client.open(path, method=method, headers=headers)
        return Answer(
            answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.get_json(silent=True)
        )

    return ask


def asked_by(client: TestClient) -> Call:
    def ask(method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        answer = client.request(method, path, headers=headers)
        is_json = answer.headers.get("content-type", "").startswith("application/json") and answer.content
        return Answer(answer.status_code, dict(answer.headers), answer.json() if is_json else None)

    return ask


async def starlette_view(request: Request) -> JSONResponse:
    return JSONResponse({"sub": request.state.access_token.sub})


def starlette_call(issuer: TestIssuer) -> Call:
    options = {**options_of(issuer), "scope": "write:orders", "exempt": ["/.well-known/*"]}
    guard = Middleware(RequiresAuthMiddleware, issuer.issuer, **options)
    routes = [Route("/mcp", starlette_view, methods=["GET", "POST"])]
    return asked_by(TestClient(Starlette(routes=routes, middleware=[guard])))


def fastapi_call(issuer: TestIssuer) -> Call:
    app = FastAPI()
    auth = fastapi_adapter.RequiresAuth(issuer.issuer, **options_of(issuer))
    app.add_middleware(ResourceMetadataMiddleware, auth=auth)

    @app.api_route("/mcp", methods=["GET", "POST"])
    async def call(token: AccessToken = Depends(auth("write:orders"))) -> dict[str, Any]:  # noqa: B008
        return {"sub": token.sub}

    return asked_by(TestClient(app))


@django_adapter.requires_auth("write:orders")
def django_view(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"sub": request.access_token.sub})  # type: ignore[attr-defined]


urlpatterns = [django_path("mcp", django_view)]


@pytest.fixture(params=["flask", "starlette", "fastapi", "django", "django alone", "core"])
def ask(request: pytest.FixtureRequest, issuer: TestIssuer) -> Any:
    """A request to an API whose `/mcp` needs `read:orders` and `write:orders`."""
    calls = {"flask": flask_call, "starlette": starlette_call, "fastapi": fastapi_call, "core": core_call}
    if request.param in calls:
        yield calls[request.param](issuer)
        return
    name = "ResourceMetadataMiddleware" if request.param.endswith("alone") else "RequiresAuthMiddleware"
    settings = {
        "ROOT_URLCONF": __name__,
        "MIDDLEWARE": [f"requires_auth.django.middleware.{name}"],
        "REQUIRES_AUTH_ISSUER": issuer.issuer,
        **{f"REQUIRES_AUTH_{key.upper()}": value for key, value in options_of(issuer).items()},
    }
    with override_settings(**settings):
        client = Client()

        def ask(method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
            answer = client.generic(method, path, headers=headers or {})
            is_json = answer.headers.get("Content-Type", "").startswith("application/json") and answer.content
            own = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status_code, own, answer.json() if is_json else None)

        yield ask


def core_call(issuer: TestIssuer) -> Call:
    """What an adapter of one's own does."""
    auth = RequiresAuth(issuer.issuer, **options_of(issuer))
    policy = Policy.all_of("write:orders")
    auth.know_scopes_of(policy)

    def ask(method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        answer = auth.metadata(method, path)
        if answer is not None:
            assert isinstance(answer, MetadataAnswer)
            body = json_of(answer.body)
            return Answer(answer.status, dict(answer.headers), body)
        verdict = auth.admit(method, path, list((headers or {}).items()), policy)
        if not verdict:
            return Answer(verdict.status, dict(verdict.headers), None)
        assert verdict.token is not None
        return Answer(200, {}, {"sub": verdict.token.sub})

    return ask


def json_of(body: bytes) -> Any:
    import json

    return json.loads(body) if body else None


@pytest.mark.parametrize("path", PLACES)
def test_the_document_is_at_each_of_its_places(ask: Call, issuer: TestIssuer, path: str) -> None:
    answer = ask("GET", path)
    assert answer.status == 200
    assert answer.body == {
        "resource": RESOURCE,
        "authorization_servers": [issuer.issuer],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["read:orders"],
        "resource_name": "Orders",
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_it_answers_head_and_preflights_and_no_other_method(ask: Call) -> None:
    length = ask("GET", DOCUMENT).headers["content-length"]
    head = ask("HEAD", DOCUMENT)
    assert (head.status, head.body, head.headers["content-length"]) == (200, None, length)
    preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
    options = ask("OPTIONS", DOCUMENT, preflight)
    assert (options.status, options.headers["access-control-allow-headers"]) == (204, "*")
    assert "content-length" not in options.headers
    posted = ask("POST", DOCUMENT)
    assert (posted.status, posted.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_other_paths_have_no_document(ask: Call) -> None:
    for path in (f"{DOCUMENT}/", "/.well-known/oauth-protected-resource/other"):
        assert "resource" not in (ask("GET", path).body or {})


def test_without_a_token_the_challenge_points_to_the_document(ask: Call) -> None:
    answer = ask("POST", "/mcp")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == f'Bearer scope="read:orders", {POINTER}'


def test_a_scope_that_is_missing_is_named_with_those_that_there_are(ask: Call, issuer: TestIssuer) -> None:
    refused = ask("POST", "/mcp", bearer(issuer.token(scope="read:orders")))
    assert refused.status == 403
    assert 'scope="read:orders write:orders"' in refused.headers["www-authenticate"]
    assert refused.headers["www-authenticate"].endswith(POINTER)
    # A token with the scope of the route alone lacks that of every request.
    assert ask("POST", "/mcp", bearer(issuer.token(scope="write:orders"))).status == 403
    passed = ask("POST", "/mcp", bearer(issuer.token(scope="read:orders write:orders", sub="alice")))
    assert (passed.status, passed.body) == (200, {"sub": "alice"})


def test_a_token_for_another_resource_is_refused(ask: Call, issuer: TestIssuer) -> None:
    other = issuer.token(scope="read:orders write:orders", claims={"aud": "https://api.example.com/other"})
    assert ask("POST", "/mcp", bearer(other)).status == 401


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_scopes_of_other_routes_are_kept(issuer: TestIssuer) -> None:
    auth = flask_adapter.RequiresAuth(issuer.issuer, **options_of(issuer))
    app = Flask("orders")
    auth.init_app(app)

    # Both views come after the guard, and the second is never called.
    @app.post("/one")
    @auth("write:orders")
    def one() -> str:
        return "one"

    @app.post("/two")
    @auth("delete:orders")
    def two() -> str:
        return "two"

    token = issuer.token(scope="read:orders delete:orders foreign")
    challenge = app.test_client().post("/one", headers=bearer(token)).headers["WWW-Authenticate"]
    named = challenge.split('scope="')[1].split('"')[0].split()
    assert set(named) == {"delete:orders", "read:orders", "write:orders"}


def test_a_guard_of_settings_knows_the_scopes_of_its_routes(
    issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Flask("orders")
    auth = flask_adapter.RequiresAuth()
    app.config["REQUIRES_AUTH_ISSUER"] = issuer.issuer
    app.config["REQUIRES_AUTH_JWKS"] = issuer.jwks
    # As in the environment: several, separated by spaces.
    app.config["REQUIRES_AUTH_BASE_SCOPES"] = "read:orders read:stock"
    app.config["REQUIRES_AUTH_RESOURCE"] = RESOURCE

    @app.post("/one")
    @auth("write:orders")
    def one() -> str:
        return "one"

    auth.init_app(app)
    token = issuer.token(scope="read:orders read:stock")
    challenge = app.test_client().post("/one", headers=bearer(token)).headers["WWW-Authenticate"]
    assert 'scope="read:orders read:stock write:orders"' in challenge


def test_a_document_that_nothing_serves_is_told_once(issuer: TestIssuer, caplog: pytest.LogCaptureFixture) -> None:
    app = Flask("orders")
    auth = flask_adapter.RequiresAuth(issuer.issuer, **options_of(issuer))

    @app.post("/one")
    @auth
    def one() -> str:
        return "one"

    client = app.test_client()
    with caplog.at_level(logging.WARNING, "requires_auth"):
        assert client.post("/one").status_code == 401
        assert client.post("/one").status_code == 401
    told = [record.getMessage() for record in caplog.records if "nothing serves" in record.getMessage()]
    assert told == [
        f"nothing serves the metadata document of {RESOURCE}: call auth.init_app(app), or auth.protect(app)"
    ]


def test_a_guard_without_a_resource_serves_nothing(issuer: TestIssuer) -> None:
    app = Flask("orders")
    auth = flask_adapter.RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    auth.protect(app)
    assert app.test_client().get(DOCUMENT).status_code == 401
    assert RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks).metadata("GET", DOCUMENT) is None


def test_the_document_of_a_guard_that_stands_in_is_served(issuer: TestIssuer) -> None:
    app = Flask("orders")
    auth = flask_adapter.RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    auth.protect(app)
    auth.replace_guard(RequiresAuth(issuer.issuer, **options_of(issuer)))
    assert app.test_client().get(DOCUMENT).get_json()["resource"] == RESOURCE


def test_protect_serves_the_document(issuer: TestIssuer) -> None:
    app = Flask("orders")
    flask_adapter.RequiresAuth(issuer.issuer, **options_of(issuer)).protect(app)
    client = app.test_client()
    assert client.get(DOCUMENT).get_json()["resource"] == RESOURCE
    assert client.get("/other").status_code == 401


@pytest.mark.parametrize("order", ["init_app, protect", "protect, init_app", "protect, protect", "init_app, blueprint"])
def test_flask_looks_for_the_document_once(issuer: TestIssuer, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    look = flask_adapter.RequiresAuth._metadata

    def counted(self: flask_adapter.RequiresAuth) -> Any:
        asked.append("once")
        return look(self)

    monkeypatch.setattr(flask_adapter.RequiresAuth, "_metadata", counted)
    auth = flask_adapter.RequiresAuth(issuer.issuer, **options_of(issuer))
    app, part = Flask("orders"), Blueprint("part", "part")
    for step in order.split(", "):
        {"init_app": auth.init_app, "protect": auth.protect, "blueprint": lambda _: auth.protect(part)}[step](app)
    part.add_url_rule("/part", view_func=lambda: "part")
    app.register_blueprint(part)
    client = app.test_client()
    for path, status in ((DOCUMENT, 200), ("/part", 401)):
        asked.clear()
        assert (client.get(path).status_code, asked) == (status, ["once"])


def test_a_mounted_flask_application_serves_its_own_part(issuer: TestIssuer) -> None:
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.test import Client as WsgiClient

    app = Flask("orders")
    flask_adapter.RequiresAuth(issuer.issuer, **options_of(issuer)).init_app(app)
    client = WsgiClient(DispatcherMiddleware(Flask("outer"), {"/mcp": app}))
    assert client.get("/mcp/.well-known/oauth-protected-resource").get_json()["resource"] == RESOURCE
    assert client.get(DOCUMENT).status_code == 404


def test_a_mounted_starlette_application_serves_its_own_part(issuer: TestIssuer) -> None:
    inner = Starlette(
        routes=[Route("/", starlette_view)],
        middleware=[Middleware(RequiresAuthMiddleware, issuer.issuer, **options_of(issuer))],
    )
    client = TestClient(Starlette(routes=[Mount("/mcp", inner)]))
    assert client.get("/mcp/.well-known/oauth-protected-resource").json()["resource"] == RESOURCE
    assert client.get(DOCUMENT).status_code == 404
    outer = Starlette(
        routes=[Mount("/mcp", Starlette(routes=[Route("/", starlette_view)]))],
        middleware=[Middleware(RequiresAuthMiddleware, issuer.issuer, **options_of(issuer))],
    )
    assert TestClient(outer).get(DOCUMENT).json()["resource"] == RESOURCE


def test_the_document_needs_no_keys() -> None:
    auth = RequiresAuth("http://127.0.0.1:1", resource=RESOURCE)
    app = ResourceMetadataMiddleware(Starlette(), auth=auth)
    assert TestClient(app).get(DOCUMENT).status_code == 200


def test_an_asynchronous_project_of_django(issuer: TestIssuer) -> None:
    from asgiref.sync import async_to_sync

    settings = {
        "ROOT_URLCONF": __name__,
        "MIDDLEWARE": ["requires_auth.django.middleware.RequiresAuthMiddleware"],
        "REQUIRES_AUTH_ISSUER": issuer.issuer,
        **{f"REQUIRES_AUTH_{key.upper()}": value for key, value in options_of(issuer).items()},
    }
    with override_settings(**settings):
        answer = async_to_sync(AsyncClient().get)(DOCUMENT)
        assert (answer.status_code, answer.json()["resource"]) == (200, RESOURCE)


def test_what_is_not_a_guard_serves_no_document() -> None:
    with pytest.raises(TypeError, match="expected a guard"):
        ResourceMetadataMiddleware(Starlette(), auth="https://issuer.example")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"resource": "http://api.example.com/mcp"}, "https"),
        ({"resource": "https://api.example.com/mcp#part"}, "fragment"),
        ({"resource": RESOURCE, "base_scopes": ["offline_access"]}, "offline_access"),
        ({"resource_name": "Orders"}, "resource"),
    ],
)
def test_mistakes_show_when_the_guard_is_made(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        RequiresAuth("https://issuer.example", "https://api.example.com", **options)
