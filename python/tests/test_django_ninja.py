"""Django Ninja: `AccessTokenAuth` as the authentication of an API, of a router, or of an operation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import django_site  # noqa: F401 - it configures Django
import pytest
from adapters import PREFLIGHT, bearer
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import clear_url_caches, path
from django.views.decorators.cache import cache_page
from ninja import NinjaAPI, Router
from ninja.decorators import decorate_view
from ninja.errors import AuthenticationError, HttpError
from ninja.security import HttpBasicAuth

from requires_auth import AuthError, ConfigError, Policy
from requires_auth import RequiresAuth as Core
from requires_auth.django import RequiresAuth, requires_auth
from requires_auth.django.ninja import AccessTokenAuth
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]

KEEP = "requires_auth.django.refusals.KeepRefusals"
BASIC = {"Authorization": "Basic Ym9iOnNlY3JldA=="}  # bob:secret
NUMBERS = count()
DEAD = RequiresAuth()
"""A guard whose keys cannot be fetched."""

urlpatterns: list[Any] = []


class Basic(HttpBasicAuth):
    def authenticate(self, request: HttpRequest, username: str, password: str) -> str | None:
        return username if password == "secret" else None


def new_api(**options: Any) -> NinjaAPI:
    # Older versions of Ninja take each name of an API once.
    return NinjaAPI(urls_namespace=f"api-{next(NUMBERS)}", **options)


def whoever(request: HttpRequest) -> str:
    return "whoever"


@pytest.fixture(autouse=True)
def trusting(auth_issuer: TestIssuer) -> Iterator[None]:
    cache.clear()
    with auth_issuer.replacing(requires_auth), override_settings(ROOT_URLCONF=__name__):
        yield
    urlpatterns.clear()


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def api() -> NinjaAPI:
    api = new_api(auth=AccessTokenAuth())

    @api.get("/me")
    def me(request: HttpRequest) -> Any:
        return about(request)

    @api.get("/orders", auth=AccessTokenAuth("read:orders"))
    def orders(request: HttpRequest, page: int = 1) -> Any:
        return about(request)

    @api.get("/later", auth=AccessTokenAuth("read:orders"))
    async def later(request: HttpRequest) -> Any:
        return about(request)

    @api.get("/either", auth=AccessTokenAuth(any_of=["a", "b"]))
    @api.get("/policy", auth=AccessTokenAuth(policy=Policy.any_of(["a", "b"])))
    def either(request: HttpRequest) -> Any:
        return about(request)

    @api.get("/both", auth=[AccessTokenAuth("read:orders"), Basic()])
    @api.get("/turned", auth=[Basic(), AccessTokenAuth("read:orders")])
    @api.get("/perhaps", auth=[AccessTokenAuth("read:orders"), whoever])
    def both(request: HttpRequest) -> Any:
        return about(request)

    @api.get("/dead", auth=AccessTokenAuth(auth=DEAD))
    def dead(request: HttpRequest) -> Any:
        return "secret"

    @api.get("/open", auth=None)
    def open_to_all(request: HttpRequest) -> Any:
        return "fine"

    @api.api_operation(["OPTIONS", "POST"], "/options")
    def options(request: HttpRequest) -> Any:
        return "secret"

    router = Router(auth=AccessTokenAuth("admin"))

    @router.get("/users")
    def users(request: HttpRequest) -> Any:
        return about(request)

    api.add_router("/admin", router)
    return api


@pytest.fixture(params=["alone", "handlers", "middleware"], autouse=True)
def site(request: pytest.FixtureRequest, api: NinjaAPI) -> Iterator[None]:
    """The API is served as it is; with handlers of its own for all that is raised; behind our middleware."""
    if request.param == "handlers":
        for error in (Exception, HttpError, AuthenticationError, AuthError):
            api.add_exception_handler(error, lambda request, exc: api.create_response(request, "mine", status=200))
    urlpatterns[:] = [path("", api.urls)]
    clear_url_caches()
    with override_settings(MIDDLEWARE=[KEEP] if request.param == "middleware" else []):
        yield


def about(request: Any) -> dict[str, Any]:
    token = getattr(request, "access_token", None)
    same = token is not None and request.auth is token
    return {"sub": token.sub if token else None, "auth": "token" if same else request.auth}


def check_missing(answer: Any) -> None:
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {
        "code": "auth.authorization_header_missing",
        "status": 401,
        "message": "the request has no Authorization header",
    }


@pytest.mark.parametrize(
    ("url", "good", "wrong"),
    [
        ("/me", "", None),
        ("/orders", "read:orders", "other"),
        ("/orders?page=no-number", "read:orders", "other"),
        ("/later", "read:orders", "other"),
        ("/either", "b", "c"),
        ("/policy", "a", "c"),
        ("/admin/users", "admin", "read:orders"),
    ],
)
def test_operations_are_guarded(
    client: Client, auth_token: TokenFactory, url: str, good: str, wrong: str | None
) -> None:
    check_missing(client.get(url))
    if wrong is not None:
        answer = client.get(url, headers=bearer(auth_token(wrong)))
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
        assert good in answer.headers["WWW-Authenticate"]
    expired = client.get(url, headers=bearer(auth_token(good, defect="expired")))
    assert (expired.status_code, expired.json()["reason"]) == (401, "expired")
    assert 'error="invalid_token"' in expired.headers["WWW-Authenticate"]
    answer = client.get(url, headers=bearer(auth_token(good, sub="bob")))
    if "?" in url:  # a stranger is not told what is wrong with parameters
        assert answer.status_code == 422
    else:
        assert (answer.status_code, answer.json()) == (200, {"sub": "bob", "auth": "token"})


def test_a_forgotten_setting_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, client: Client
) -> None:
    for name in ("REQUIRES_AUTH_ISSUER", "REQUIRES_AUTH_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    forgotten = RequiresAuth()
    api = new_api(auth=AccessTokenAuth(auth=forgotten))
    api.get("/me")(whoever)
    decorated = forgotten(lambda request: HttpResponse("ran"))
    urlpatterns[:] = [path("api/", api.urls), path("view", decorated)]
    clear_url_caches()
    for url in ("/api/me", "/view"):
        caplog.clear()
        assert client.get(url).status_code == 500
        [told] = [record for record in caplog.records if record.name == "requires_auth"]
        assert told.levelname == "ERROR"
        assert "set REQUIRES_AUTH_ISSUER in the settings or in the environment" in told.getMessage()
    with override_settings(REQUIRES_AUTH_ISSUER="https://issuer.example", REQUIRES_AUTH_AUDIENCE="a"):
        caplog.clear()
        assert client.get("/api/me").status_code == 401
        assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_asynchronous_servers(auth_token: TokenFactory) -> None:
    async def ask() -> None:
        client = AsyncClient()
        for url in ("/orders", "/later"):
            check_missing(await client.get(url))
            assert (await client.get(url, headers=bearer(auth_token()))).status_code == 403
            good = await client.get(url, headers=bearer(auth_token("read:orders", sub="bob")))
            assert good.json() == {"sub": "bob", "auth": "token"}

    asyncio.run(ask())


def test_what_is_public_stays_public(client: Client) -> None:
    assert client.get("/open", headers=bearer("bad")).json() == "fine"


@pytest.mark.parametrize("url", ["/both", "/turned"])
def test_another_authentication_beside_it(client: Client, auth_token: TokenFactory, url: str) -> None:
    assert client.get(url, headers=BASIC).json() == {"sub": None, "auth": "bob"}
    good = client.get(url, headers=bearer(auth_token("read:orders", sub="alice")))
    assert good.json() == {"sub": "alice", "auth": "token"}
    check_missing(client.get(url))
    wrong = client.get(url, headers={"Authorization": "Basic Ym9iOndyb25n"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "auth.authorization_token_type_not_supported")
    assert client.get(url, headers=bearer(auth_token())).json()["code"] == "insufficient_scope"


def test_a_bad_token_is_not_left_to_the_others(client: Client, auth_token: TokenFactory) -> None:
    assert client.get("/perhaps").json() == {"sub": None, "auth": "whoever"}
    for headers, status in [
        (bearer(auth_token("read:orders", defect="expired")), 401),
        (bearer(auth_token("other")), 403),
        (bearer(""), 401),
        ({"Authorization": "DPoP " + auth_token("read:orders")}, 401),
    ]:
        answer = client.get("/perhaps", headers=headers)
        assert answer.status_code == status, headers
        assert "code" in answer.json()
    assert client.get("/perhaps", headers=bearer(auth_token("read:orders"))).status_code == 200


def test_a_preflight_does_not_run_an_operation(client: Client) -> None:
    answer = client.options("/options", headers=PREFLIGHT)
    assert (answer.status_code, answer.content) == (204, b"")
    check_missing(client.options("/options"))


def test_an_outage_is_not_a_refusal(client: Client, auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    # Nothing listens on port 1.
    DEAD.replace_guard(Core(auth_issuer.issuer, auth_issuer.audience, jwks_uri="http://127.0.0.1:1/jwks"))
    check_missing(client.get("/dead"))
    answer = client.get("/dead", headers=bearer(auth_token()))
    assert (answer.status_code, answer.json()["code"]) == (503, "auth.issuer_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_tokens_are_mapped_to_users(client: Client, auth_token: TokenFactory) -> None:
    with override_settings(REQUIRES_AUTH_USER=lambda token: token.sub if token.sub == "alice" else None):
        assert client.get("/me", headers=bearer(auth_token(sub="alice"))).status_code == 200
        answer = client.get("/me", headers=bearer(auth_token(sub="bob")))
        assert (answer.status_code, answer.json()["code"]) == (403, "access_denied")


def test_errors_of_the_operation_are_its_own(client: Client, auth_token: TokenFactory) -> None:
    api = new_api(auth=[AccessTokenAuth(), whoever])

    @api.get("/own")
    def own(request: HttpRequest) -> Any:
        raise AuthenticationError(message="mine")

    urlpatterns[:] = [path("", api.urls)]
    clear_url_caches()
    for headers in ({}, bearer(auth_token())):
        answer = client.get("/own", headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"detail": "mine"})


def test_a_cache_above_it_keeps_nothing(client: Client, auth_token: TokenFactory) -> None:
    api = new_api(auth=AccessTokenAuth())

    @api.get("/cached")
    @decorate_view(cache_page(60))
    def cached(request: HttpRequest) -> Any:
        return about(request)

    urlpatterns[:] = [path("", api.urls)]
    clear_url_caches()
    for sub in ("bob", "eve"):
        assert client.get("/cached", headers=bearer(auth_token(sub=sub))).json()["sub"] == sub
        check_missing(client.get("/cached"))


def test_the_scheme_is_in_the_document(api: NinjaAPI) -> None:
    document: Any = api.get_openapi_schema()
    assert document["components"]["securitySchemes"]["AccessTokenAuth"] == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    paths = document["paths"]
    for url in ("/me", "/orders", "/admin/users"):
        assert paths[url]["get"]["security"] == [{"AccessTokenAuth": []}]
    assert paths["/both"]["get"]["security"] == [{"AccessTokenAuth": []}, {"Basic": []}]
    assert "security" not in paths["/open"]["get"]


def test_mistakes_say_what_to_write() -> None:
    make: Any = AccessTokenAuth
    with pytest.raises(TypeError, match=r'write auth\("read:x"\)'):
        make(scopes=["read:x"])
    with pytest.raises(TypeError, match="without brackets"):
        make(["read:x"])
    with pytest.raises(ConfigError, match='write "a", "b"'):
        make("a,b")
    with pytest.raises(TypeError, match="only one of them"):
        make("a", any_of=["b"])
