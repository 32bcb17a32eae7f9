"""Where the guard stands among the decorators of Django's views."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import django_site  # noqa: F401 - it configures Django
import pytest
from adapters import bearer
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.http import etag
from ninja import NinjaAPI

from requires_auth.django import checks, public, requires_auth
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]

KEEP = "requires_auth.django.refusals.KeepRefusals"
GUARD = "requires_auth.django.middleware.RequiresAuthMiddleware"
SITE_CACHE = ["django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"]
SECRET = b'{"sub": "s"}'

urlpatterns: list[Any] = []


@pytest.fixture(autouse=True)
def trusting(auth_issuer: TestIssuer) -> Iterator[None]:
    cache.clear()
    with auth_issuer.replacing(requires_auth), override_settings(ROOT_URLCONF=__name__):
        yield
    urlpatterns.clear()


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def answers(request: HttpRequest) -> HttpResponse:
    return HttpResponse(SECRET)


def serve(view: Any) -> None:
    from django.urls import clear_url_caches

    urlpatterns[:] = [path("x", view)]
    clear_url_caches()


def check_answers(client: Client, token: TokenFactory) -> None:
    """Without a token, with a wrong scope, and with a good one."""
    good = client.get("/x", headers=bearer(token("read:x")))
    assert (good.status_code, good.content) == (200, SECRET)
    missing = client.get("/x")
    assert (missing.status_code, missing.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert missing.json()["code"] == "auth.authorization_header_missing"
    wrong = client.get("/x", headers=bearer(token("other")))
    assert (wrong.status_code, wrong.json()["code"]) == (403, "insufficient_scope")
    assert 'scope="read:x"' in wrong.headers["WWW-Authenticate"]
    assert client.get("/x", headers=bearer(token("read:x"))).content == SECRET


# --- the order


def test_a_view_that_is_registered_without_its_guard_is_an_error() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(SECRET)

    serve(view)
    with pytest.raises(RuntimeError, match=r"view: the view is registered without the guard"):
        requires_auth(view)
    with pytest.raises(RuntimeError, match=r"path\(\"path\", view\)"):
        requires_auth("read:x")(view)


def test_the_checks_find_one_that_was_registered_later() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(SECRET)

    guarded = requires_auth(view)
    serve(guarded)
    assert checks.check_views() == []
    serve(view)
    (error,) = checks.check_views()
    assert error.id == "requires_auth.E003"
    assert "registered without the guard" in error.msg


def test_a_guard_above_ninja_is_an_error(client: Client, auth_token: TokenFactory) -> None:
    api = NinjaAPI(urls_namespace="order")
    with pytest.raises(RuntimeError, match="wrong: the view is registered without the guard"):

        @requires_auth
        @api.get("/wrong")
        def wrong(request: HttpRequest) -> Any:
            return {"sub": "s"}

    @api.get("/x")
    @requires_auth("read:x")
    def right(request: HttpRequest) -> Any:
        return {"sub": "s"}

    urlpatterns[:] = api.urls[0]
    check_answers(client, auth_token)


def test_a_class_is_not_guarded() -> None:
    with pytest.raises(TypeError, match=r"X is a class.*method_decorator"):

        @requires_auth
        class X(View): ...


def test_a_guard_is_no_test_of_a_request(client: Client, auth_token: TokenFactory) -> None:
    api = NinjaAPI(urls_namespace="auth")

    @api.get("/bare", auth=requires_auth)
    @api.get("/called", auth=requires_auth("read:x"))
    def view(request: HttpRequest) -> Any:
        return {"sub": "s"}

    urlpatterns[:] = api.urls[0]
    for url in ("/bare", "/called"):
        for headers in ({}, bearer(auth_token("read:x"))):
            answer = client.get(url, headers=headers)
            assert answer.status_code == 500
            assert SECRET not in answer.content
    with pytest.raises(TypeError, match=r"auth=.*AccessTokenAuth"):
        Client().get("/bare")


def test_public_takes_views_only() -> None:
    from django.contrib.auth import urls

    with pytest.raises(TypeError, match=r"REQUIRES_AUTH_EXEMPT"):
        public((urls.urlpatterns, "auth", "auth"))


# --- decorators that rewrite what a view returns


def to_null(view: Any) -> Any:
    @functools.wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        view(request)
        return JsonResponse({"id": None}, headers={"Access-Control-Allow-Origin": "*", "ETag": '"x"'})

    return answer


def test_a_refusal_reaches_the_client_whatever_stands_above(client: Client, auth_token: TokenFactory) -> None:
    serve(to_null(requires_auth("read:x")(answers)))
    for middleware in (KEEP, GUARD):
        with override_settings(MIDDLEWARE=[middleware]):
            refused = client.get("/x", headers=bearer(auth_token("other")))
            assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
            assert "ETag" not in refused.headers
            assert client.get("/x", headers=bearer(auth_token("read:x"))).json() == {"id": None}
    with override_settings(MIDDLEWARE=[KEEP]):
        refused = client.get("/x")
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert refused.headers["Access-Control-Allow-Origin"] == "*"
        assert refused.headers["Cache-Control"] == "no-store"


@override_settings(MIDDLEWARE=[KEEP])
def test_what_was_not_changed_stays(client: Client, auth_token: TokenFactory) -> None:
    serve(etag(lambda request: '"x"')(requires_auth("read:x")(answers)))
    check_answers(client, auth_token)


async def ask_async(token: str) -> Any:
    return await AsyncClient().get("/x", headers=bearer(token))


def test_asynchronous_refusals_are_put_back(auth_token: TokenFactory) -> None:
    import asyncio

    @requires_auth("read:x")
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(SECRET)

    @functools.wraps(view)
    async def nulled(request: HttpRequest) -> HttpResponse:
        await view(request)
        return JsonResponse({"id": None})

    serve(nulled)
    with override_settings(MIDDLEWARE=[KEEP]):
        assert asyncio.run(ask_async(auth_token("other"))).status_code == 403
        assert asyncio.run(ask_async(auth_token("read:x"))).status_code == 200


# --- caches


@method_decorator(cache_page(60), name="dispatch")
@method_decorator(requires_auth("read:x"), name="dispatch")
class CachedOutside(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(SECRET)


@method_decorator(requires_auth("read:x"), name="dispatch")
class Guarded(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(SECRET)


@method_decorator(requires_auth("read:x"), name="dispatch")
@method_decorator(cache_page(60), name="dispatch")
class CachedInside(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(SECRET)


@pytest.mark.parametrize(
    "view",
    [
        cache_page(60)(requires_auth("read:x")(answers)),
        requires_auth(cache_page(60)(requires_auth("read:x")(answers))),
        CachedOutside.as_view(),
        cache_page(60)(Guarded.as_view()),
    ],
)
def test_a_cache_above_the_guard_is_an_error(client: Client, auth_token: TokenFactory, view: Any) -> None:
    serve(view)
    (error,) = checks.check_views()
    assert (error.id, "cache_page stands above the guard" in error.msg) == ("requires_auth.E003", True)
    for headers in (bearer(auth_token("read:x")), {}, bearer(auth_token("read:x"))):
        answer = client.get("/x", headers=headers)
        assert answer.status_code == 500
        assert SECRET not in answer.content


def test_a_cache_above_the_guard_of_one_of_two_urls_is_an_error(client: Client, auth_token: TokenFactory) -> None:
    view = requires_auth("read:x")(answers)
    serve(view)
    urlpatterns.append(path("cached", cache_page(60)(view)))
    check_answers(client, auth_token)
    for headers in (bearer(auth_token("read:x")), {}):
        answer = client.get("/cached", headers=headers)
        assert answer.status_code == 500
        assert SECRET not in answer.content
    check_answers(client, auth_token)


@pytest.mark.parametrize("view", [requires_auth("read:x")(cache_page(60)(answers)), CachedInside.as_view()])
def test_a_cache_below_the_guard_is_right(client: Client, auth_token: TokenFactory, view: Any) -> None:
    serve(view)
    assert checks.check_views() == []
    check_answers(client, auth_token)


@pytest.mark.parametrize("view", [requires_auth("read:x")(answers), Guarded.as_view()])
def test_a_cache_of_the_whole_site_keeps_no_guarded_answer(client: Client, auth_token: TokenFactory, view: Any) -> None:
    serve(view)
    first, last = SITE_CACHE
    with override_settings(MIDDLEWARE=[first, last]):
        check_answers(client, auth_token)
    with override_settings(MIDDLEWARE=[first, GUARD, last]):
        assert client.get("/x", headers=bearer(auth_token("read:x"))).content == SECRET
        assert client.get("/x").status_code == 401


def test_a_cache_of_the_whole_site_keeps_what_is_public(client: Client) -> None:
    runs = []

    def view(request: HttpRequest) -> HttpResponse:
        runs.append(1)
        return HttpResponse("public")

    serve(view)
    with override_settings(MIDDLEWARE=SITE_CACHE):
        assert [client.get("/x").content for _ in range(2)] == [b"public"] * 2
    assert len(runs) == 1
