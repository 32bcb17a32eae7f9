"""The adapters for Django and Django REST framework."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import django_site
import pytest
from adapters import ORIGIN, PREFLIGHT, WSGI_DIFFERS, bearer, vectors
from django.contrib.auth import get_user_model
from django.core.checks.registry import registry
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings

from requires_auth import ConfigError, Policy
from requires_auth.django import RequiresAuth, checks, requires_auth, users
from requires_auth.django.middleware import RequiresAuthMiddleware
from requires_auth.django.rest_framework import TokenUser
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]

MIDDLEWARE = "requires_auth.django.middleware.RequiresAuthMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"


@pytest.fixture(autouse=True)
def trusting(auth_issuer: TestIssuer) -> Iterator[None]:
    with auth_issuer.replacing(requires_auth):
        yield


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def check_missing(answer: Any) -> None:
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert json.loads(answer.content) == {
        "code": "auth.authorization_header_missing",
        "status": 401,
        "message": "the request has no Authorization header",
    }


# --- the decorator


def test_bare(client: Client, auth_token: TokenFactory) -> None:
    answer = client.get("/me", headers=bearer(auth_token(sub="bob")))
    assert (answer.status_code, answer.json()["sub"]) == (200, "bob")
    refused = client.get("/me")
    check_missing(refused)
    assert refused.headers["Content-Type"] == "application/json"
    assert "Access-Control-Expose-Headers" not in refused.headers
    refused = client.get("/me", headers={"Origin": ORIGIN})
    assert refused.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate"
    assert (django_site.me.__name__, django_site.me.__doc__) == ("me", "Says who asks.")


@pytest.mark.parametrize(
    ("url", "held", "status"),
    [
        ("/orders", "read:orders", 200),
        ("/orders", "write:orders", 403),
        ("/either", "a", 200),
        ("/either", "b", 200),
        ("/either", "c", 403),
        ("/around", "", 403),
        ("/around", "read:orders", 200),
        ("/async", "", 200),
        ("/sync/5", "", 200),
    ],
)
def test_rules_of_sync_and_async_views(auth_token: TokenFactory, url: str, held: str, status: int) -> None:
    headers = bearer(auth_token(held))
    assert Client().get(url, headers=headers).status_code == status
    check_missing(Client().get(url))

    async def ask() -> None:
        client = AsyncClient()
        assert (await client.get(url, headers=headers)).status_code == status
        check_missing(await client.get(url))

    asyncio.run(ask())


def test_optional(client: Client, auth_token: TokenFactory) -> None:
    assert client.get("/perhaps").json()["sub"] is None
    assert client.get("/perhaps", headers=bearer(auth_token())).json()["sub"] == "alice"
    assert client.get("/perhaps", headers=bearer(auth_token(defect="expired"))).json()["reason"] == "expired"


def test_class_based_views(client: Client, auth_token: TokenFactory) -> None:
    assert client.get("/sync/5", headers=bearer(auth_token())).json()["number"] == 5
    assert client.post("/sync/5", headers=bearer(auth_token())).status_code == 403
    assert client.post("/sync/5", headers=bearer(auth_token("write"))).json() == {"made": 5}


def test_a_view_that_demands_a_token_needs_no_csrf_token(client: Client, auth_token: TokenFactory) -> None:
    for url in ("/me", "/sync/5", "/async"):
        assert client.post(url, headers=bearer(auth_token("write"))).status_code == 200, url
        check_missing(client.post(url))
    # An anonymous request may come from a browser with a session.
    assert client.post("/perhaps").status_code == 403
    assert client.post("/perhaps", headers=bearer(auth_token())).status_code == 403


def test_preflights(client: Client, auth_token: TokenFactory) -> None:
    for url in ("/me", "/orders", "/sync/5", "/async", "/perhaps"):
        answer = client.options(url, headers=PREFLIGHT)
        assert (answer.status_code, answer.content) == (204, b""), url
    assert client.options("/own-options", headers=PREFLIGHT).headers["Access-Control-Allow-Origin"] == "*"
    check_missing(client.options("/me"))
    assert client.options("/me", headers=bearer(auth_token())).json()["sub"] == "alice"


def test_a_guard_with_an_issuer(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)

    @auth(policy=Policy.all_of("a"))
    def view(request: HttpRequest) -> HttpResponse:
        return JsonResponse({"sub": request.access_token.sub})  # type: ignore[attr-defined]

    request = RequestFactory().get("/", headers=bearer(auth_token("a")))
    assert view(request).status_code == 200
    assert view(RequestFactory().get("/")).status_code == 401
    with pytest.raises(TypeError, match="only one"):
        auth("a", any_of=["b"])


def test_the_settings_configure_it(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = RequiresAuth()
    with override_settings(**auth_issuer.settings):
        assert auth.verify(auth_token()).sub == "alice"
    with pytest.raises(ConfigError, match=r"(?i)issuer"):
        _ = RequiresAuth().guard
    with override_settings(REQUIRES_AUTH_USER="requires_auth.django.users.by_username", **auth_issuer.settings):
        assert RequiresAuth().guard is not None


def test_settings_may_change_in_tests(client: Client, auth_issuer: TestIssuer) -> None:
    requires_auth.replace_guard(None)
    for issuer in (auth_issuer, TestIssuer("https://other.example.com")):
        with override_settings(**issuer.settings):
            assert client.get("/me", headers=bearer(issuer.token())).status_code == 200
    with pytest.raises(ConfigError):
        client.get("/me")


def test_keys_are_fetched_in_async_views() -> None:
    issuer = TestIssuer()
    auth = RequiresAuth(issuer.serve(), issuer.audience)

    @auth
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")

    try:
        request = RequestFactory().get("/", headers=bearer(issuer.token()))
        assert asyncio.run(view(request)).status_code == 200
    finally:
        issuer.stop()


# --- the middleware


@pytest.mark.parametrize("middleware", [[MIDDLEWARE, CSRF], [CSRF, MIDDLEWARE]])
@pytest.mark.parametrize("url", ["/plain", "/plain-async"])
def test_the_middleware(client: Client, auth_token: TokenFactory, middleware: list[str], url: str) -> None:
    with override_settings(MIDDLEWARE=middleware):
        assert client.get(url, headers=bearer(auth_token())).json() == {"sub": "alice"}
        check_missing(client.get(url))
        assert client.get("/open").content == b"fine"
        assert client.get("/nowhere").status_code == 404
        assert client.options(url, headers=PREFLIGHT).status_code == 204
        check_missing(client.options(url))
        assert client.get("/orders", headers=bearer(auth_token())).status_code == 403

        async def ask() -> None:
            client = AsyncClient()
            assert (await client.get(url, headers=bearer(auth_token()))).status_code == 200
            assert (await client.get("/open")).content == b"fine"
            check_missing(await client.get(url))

        asyncio.run(ask())


def test_the_middleware_spares_requests_with_a_token_the_csrf_token(client: Client, auth_token: TokenFactory) -> None:
    with override_settings(MIDDLEWARE=[MIDDLEWARE, CSRF]):
        assert client.post("/plain", headers=bearer(auth_token())).status_code == 200
        check_missing(client.post("/plain"))


class Orders(RequiresAuthMiddleware):
    scopes = ("read:orders",)


class Perhaps(RequiresAuthMiddleware):
    optional = True


class Either(RequiresAuthMiddleware):
    policy = Policy.any_of(["a", "b"])


def test_a_middleware_of_your_own(auth_token: TokenFactory) -> None:
    with override_settings(MIDDLEWARE=["test_django.Orders"]):
        client = Client()
        assert client.get("/plain", headers=bearer(auth_token())).status_code == 403
        assert client.get("/plain", headers=bearer(auth_token("read:orders"))).status_code == 200
    with override_settings(MIDDLEWARE=["test_django.Perhaps", CSRF]):
        client = Client(enforce_csrf_checks=True)
        assert client.get("/plain").json() == {"sub": None}
        assert client.get("/plain", headers=bearer("x")).status_code == 401
        assert client.post("/plain").status_code == 403
    with override_settings(MIDDLEWARE=["test_django.Either"]):
        client = Client()
        assert client.get("/plain", headers=bearer(auth_token("b"))).status_code == 200


def test_the_exempt_paths_of_the_middleware(auth_token: TokenFactory) -> None:
    with override_settings(MIDDLEWARE=[MIDDLEWARE], REQUIRES_AUTH_EXEMPT=["/sync/*", "/plain-async"]):
        client = Client()
        assert client.get("/plain-async").status_code == 200
        check_missing(client.get("/plain"))
        # Exempt from the middleware, these views still have a guard of their own.
        assert client.get("/sync/1").json()["code"] == "auth.authorization_header_missing"
    with override_settings(MIDDLEWARE=[MIDDLEWARE], REQUIRES_AUTH_EXEMPT=["/pl/*", "/plain-async/*"]):
        client = Client()
        check_missing(client.get("/plain"))
        check_missing(client.get("/plain-async"))
    for wrong, error in (("/plain", TypeError), (["plain"], ConfigError)):
        with (
            override_settings(MIDDLEWARE=[MIDDLEWARE], REQUIRES_AUTH_EXEMPT=wrong),
            pytest.raises(error, match="REQUIRES_AUTH_EXEMPT"),
        ):
            Client().get("/plain")


# --- users


@pytest.fixture(scope="module")
def table() -> Iterator[Any]:
    call_command("migrate", verbosity=0, run_syncdb=True)
    manager = get_user_model()._default_manager
    manager.create(username="alice")
    manager.create(username="robot")
    manager.create(username="gone", is_active=False)
    return manager


BY_USERNAME = "requires_auth.django.users.by_username"


@pytest.mark.parametrize("url", ["/me", "/rest", "/plain"])
def test_tokens_are_mapped_to_users(client: Client, auth_token: TokenFactory, table: Any, url: str) -> None:
    middleware = [MIDDLEWARE] if url == "/plain" else []
    with override_settings(REQUIRES_AUTH_USER=BY_USERNAME, MIDDLEWARE=middleware):
        answer = client.get(url, headers=bearer(auth_token(sub="alice")))
        assert answer.status_code == 200
        assert answer.json().get("user", "alice") == "alice"
        for refused in (
            auth_token(sub="nobody"),
            auth_token(sub="gone"),
            auth_token(sub="robot", client_id="robot"),
        ):
            answer = client.get(url, headers=bearer(refused))
            assert answer.status_code == 403, url
            assert answer.json()["code"] == "access_denied"
            assert "WWW-Authenticate" not in answer.headers
        check_missing(client.get(url))


def test_a_function_of_your_own(client: Client, auth_token: TokenFactory) -> None:
    with override_settings(REQUIRES_AUTH_USER=lambda token: f"user of {token.sub}"):
        assert client.get("/me", headers=bearer(auth_token())).json()["user"] == "user of alice"
        assert client.get("/perhaps").json()["user"] is None
        assert client.get("/orders", headers=bearer(auth_token("read:orders"))).json()["user"] == "user of alice"


# --- REST framework


def test_rest_framework(client: Client, auth_token: TokenFactory) -> None:
    answer = client.get("/rest", headers=bearer(auth_token(sub="bob")))
    assert answer.status_code == 200
    assert answer.json() == {"sub": "bob", "user": "bob", "auth": "bob"}
    assert client.post("/rest", headers=bearer(auth_token())).status_code == 201
    for url in ("/rest", "/rest/scope", "/rest/either", "/rest/function", "/rest/permission-alone"):
        check_missing(client.get(url))
    assert client.get("/rest/permission-alone", headers=bearer(auth_token())).json()["sub"] == "alice"
    refused = client.get("/rest", headers={"Origin": ORIGIN, **bearer(auth_token(defect="expired"))})
    assert refused.status_code == 401
    assert refused.json() == {
        "code": "invalid_token",
        "status": 401,
        "message": "the token has expired",
        "reason": "expired",
    }
    assert refused.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate"


@pytest.mark.parametrize(
    ("url", "held", "status"),
    [
        ("/rest/scope", "read:orders", 200),
        ("/rest/scope", "", 403),
        ("/rest/function", "read:orders", 200),
        ("/rest/function", "", 403),
        ("/rest/either", "b", 200),
        ("/rest/either", "c", 403),
        ("/rest/open", "", 200),
        ("/rest/standard", "", 200),
    ],
)
def test_permissions(client: Client, auth_token: TokenFactory, url: str, held: str, status: int) -> None:
    answer = client.get(url, headers=bearer(auth_token(held)))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "insufficient_scope"
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_anonymous_requests(client: Client, auth_token: TokenFactory) -> None:
    assert client.get("/rest/open").json()["sub"] is None
    assert client.get("/rest/open", headers=bearer("x.y.z")).status_code == 401
    standard = client.get("/rest/standard")
    assert standard.status_code == 401
    assert standard.headers["WWW-Authenticate"] == "Bearer"


def test_other_schemes(client: Client, table: Any) -> None:
    basic = {"Authorization": "Basic bm9ib2R5Om5v"}  # BasicAuthentication knows nobody of this name
    answer = client.get("/rest/two-schemes", headers=basic)
    assert answer.status_code == 401
    assert "Invalid username/password" in answer.json()["detail"]
    assert client.get("/rest", headers=basic).json()["code"] == "auth.authorization_token_type_not_supported"


def test_a_preflight_does_not_describe_a_view(client: Client, auth_token: TokenFactory) -> None:
    answer = client.options("/rest", headers=PREFLIGHT)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.options("/rest/own-options", headers=PREFLIGHT).json() == {"own": True}
    check_missing(client.options("/rest"))
    assert client.options("/rest", headers=bearer(auth_token())).json()["name"] == "Rest"


def test_a_body_that_is_no_json(client: Client, auth_issuer: TestIssuer) -> None:
    guard = auth_issuer.guard(error_format=lambda error: ("text/plain", b"no"))
    requires_auth.replace_guard(guard)
    assert client.get("/rest").json() == {"detail": "no"}
    assert client.get("/me").content == b"no"


def test_the_user_of_a_token(auth_issuer: TestIssuer) -> None:
    def user(**wanted: Any) -> TokenUser:
        return TokenUser(auth_issuer.guard().verify(auth_issuer.token(**wanted)))

    alice, robot = user(scope="a b", sub="alice", client_id="app"), user(sub="robot", client_id="robot")
    assert (alice.pk, alice.id, alice.username, alice.get_username(), str(alice)) == ("alice",) * 5
    assert (alice.is_client, robot.is_client) == (False, True)
    assert alice.is_authenticated
    assert alice.is_active
    assert not any((alice.is_anonymous, alice.is_staff, alice.is_superuser))
    assert alice.has_perm("a")
    assert alice.has_perms(["a", "b"])
    assert not alice.has_perms(["a", "c"])
    assert alice == user(sub="alice")
    assert hash(alice) == hash(user(sub="alice"))
    assert alice != robot
    assert alice != "alice"


# --- system checks


def ids(found: Any) -> list[str]:
    return [message.id for message in found]


def test_system_checks(auth_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_guard() == []
    assert checks.check_user() == []
    assert checks.check_names() == []

    monkeypatch.setattr(checks, "requires_auth", RequiresAuth())
    assert ids(checks.check_guard()) == ["requires_auth.E001"]
    with override_settings(REQUIRES_AUTH_ISSUER="http://issuer.example", REQUIRES_AUTH_AUDIENCE="a"):
        assert ids(checks.check_guard()) == ["requires_auth.E001"]
    with override_settings(REQUIRES_AUTH_USER="no.such.function"):
        assert ids(checks.check_user()) == ["requires_auth.E002"]
    with override_settings(REQUIRES_AUTH_USER=5):
        assert ids(checks.check_user()) == ["requires_auth.E002"]
    with override_settings(REQUIRES_AUTH_USER=BY_USERNAME):
        assert checks.check_user() == []
    with override_settings(REQUIRES_AUTH_AUDIENCES="a", REQUIRES_AUTH_ZZZ=1):
        found = checks.check_names()
        assert ids(found) == ["requires_auth.W001"] * 2
        assert found[0].hint == "did you mean REQUIRES_AUTH_AUDIENCE?"
        assert "REQUIRES_AUTH_ISSUER" in (found[1].hint or "")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"issuer": "https://a.example", "audience": "a"}, 0),
        ({"issuers": [("https://a.example", "a"), ("https://b.example", "a")]}, 1),
        ({"issuer": "https://{tenant}.example/x", "audience": "a", "tenants": ["one", "two"]}, 1),
        ({"issuer": "https://a.example", "audience": "a", "resolver": lambda issuer: None}, 1),
        ({"resolver": lambda issuer: None}, 1),
    ],
)
def test_a_subject_alone_names_nobody_where_there_are_several_issuers(
    options: dict[str, Any], found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "requires_auth", RequiresAuth(**options))
    with override_settings(REQUIRES_AUTH_USER=BY_USERNAME):
        assert ids(checks.check_subjects()) == ["requires_auth.W003"] * found
    with override_settings(REQUIRES_AUTH_USER=users.by_username):
        assert ids(checks.check_subjects()) == ["requires_auth.W003"] * found
    for own in (None, lambda token: None, "no.such.function"):
        with override_settings(REQUIRES_AUTH_USER=own):
            assert checks.check_subjects() == []


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"LEEWAY": 5, "issuer": "secret", "REQUIRES_AUTH_CACHE": 1, "USER": 1}, ["LEEWAY", "ISSUER", "CACHE"]),
        ({}, ["ISSUER", "AUDIENCE"]),
        (True, ["ISSUER", "AUDIENCE"]),
    ],
)
def test_settings_in_a_dict_are_told(value: Any, names: list[str]) -> None:
    with override_settings(REQUIRES_AUTH=value):
        [found] = checks.check_names()
    assert found.id == "requires_auth.W001"
    assert found.msg == "REQUIRES_AUTH is not read"
    assert found.hint == f"write each setting by itself: {', '.join(f'REQUIRES_AUTH_{name} = ..' for name in names)}"
    assert checks.check_names() == []


@pytest.mark.parametrize(
    ("configured", "found"),
    [
        ({"DEFAULT_AUTHENTICATION_CLASSES": ["requires_auth.django.rest_framework.AccessTokenAuthentication"]}, 1),
        (
            {
                "DEFAULT_AUTHENTICATION_CLASSES": ["requires_auth.django.rest_framework.AccessTokenAuthentication"],
                "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
            },
            0,
        ),
        ({"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"]}, 0),
        ({}, 0),
    ],
)
def test_an_authentication_without_a_permission_is_told(configured: Any, found: int) -> None:
    with override_settings(REST_FRAMEWORK=configured):
        assert ids(checks.check_rest_framework()) == ["requires_auth.W002"] * found


def test_the_checks_are_registered() -> None:
    call_command("check")
    assert set(checks.ALL) <= set(registry.get_checks())


# --- all vectors


def claims_of(request: HttpRequest) -> HttpResponse:
    token = request.access_token  # type: ignore[attr-defined]
    return JsonResponse(token.claims if token else {})


@pytest.mark.parametrize("asynchronous", [False, True])
def test_all_vectors(asynchronous: bool) -> None:
    auth = RequiresAuth()
    factory = RequestFactory()
    for case, guard in vectors():
        if case.id in WSGI_DIFFERS:
            continue
        ran = False

        def view(request: HttpRequest) -> HttpResponse:
            nonlocal ran
            ran = True
            return claims_of(request)

        async def view_async(request: HttpRequest) -> HttpResponse:
            nonlocal ran
            ran = True
            return claims_of(request)

        auth.replace_guard(guard)
        rule = auth(policy=case.policy(), optional=case.optional)
        request = factory.generic(case.method, case.url, **case.environ(","))
        answer = asyncio.run(rule(view_async)(request)) if asynchronous else rule(view)(request)
        body = b"" if case.method == "HEAD" else answer.content  # the server leaves it out
        case.check(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body, ran)
        if case.expect.get("claims"):
            assert json.loads(answer.content) == case.expect["claims"], case.id


def test_all_vectors_through_rest_framework() -> None:
    before = requires_auth.replace_guard(None)
    client = Client()
    try:
        for case, guard in vectors():
            if case.id in WSGI_DIFFERS or case.policy() or case.optional or "/items/" in case.url:
                continue
            requires_auth.replace_guard(guard)
            # A URL that no route matches never comes to a view.
            url = case.url.replace("/items", "/rest").replace("/nothing-here", "/rest")
            answer: Any = client.generic(case.method, url, **case.environ(", "))
            if case.expect["outcome"] == "allow":
                assert answer.status_code in (200, 201), case.id
            else:
                headers = {k.lower(): v for k, v in answer.headers.items()}
                case.check(answer.status_code, headers, answer.content, False)
    finally:
        requires_auth.replace_guard(before)


def test_users_are_only_looked_up_if_the_settings_say_so() -> None:
    assert not users.are_mapped()
