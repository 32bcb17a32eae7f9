"""Django REST framework: permissions that are combined, tests that authenticate by force, and OpenAPI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import django_site
import pytest
from adapters import PREFLIGHT, bearer
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache
from django.test import override_settings
from django.urls import clear_url_caches, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from drf_spectacular.generators import SchemaGenerator
from rest_framework.authentication import BasicAuthentication
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from requires_auth import Policy
from requires_auth.django import requires_auth
from requires_auth.django.rest_framework import AccessTokenAuthentication, HasAccessToken, HasScope
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]

urlpatterns: list[Any] = []


@pytest.fixture(autouse=True)
def trusting(auth_issuer: TestIssuer) -> Iterator[None]:
    cache.clear()
    with auth_issuer.replacing(requires_auth), override_settings(ROOT_URLCONF=__name__):
        yield
    urlpatterns.clear()


@pytest.fixture
def client() -> APIClient:
    return APIClient()


class Never(BasePermission):
    message = "never"

    def has_permission(self, request: Any, view: Any) -> bool:
        return False


def serve(*permissions: Any) -> None:
    class View(django_site.Rest):
        permission_classes = permissions

    urlpatterns[:] = [path("x", View.as_view())]
    clear_url_caches()


@pytest.mark.parametrize(("held", "status"), [("a", 200), ("b", 200), ("a b", 200), ("c", 403), ("", 403)])
def test_scopes_are_combined_by_or(client: APIClient, auth_token: TokenFactory, held: str, status: int) -> None:
    serve(HasScope("a") | HasScope("b"))
    answer = client.get("/x", headers=bearer(auth_token(held)))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "insufficient_scope"
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    missing = client.get("/x")
    assert (missing.status_code, missing.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert missing.json()["code"] == "auth.authorization_header_missing"
    expired = client.get("/x", headers=bearer(auth_token(held, defect="expired")))
    assert (expired.status_code, expired.json()["reason"]) == (401, "expired")


@pytest.mark.parametrize(("held", "status"), [("a b", 200), ("a", 403), ("b", 403)])
def test_scopes_are_combined_by_and(client: APIClient, auth_token: TokenFactory, held: str, status: int) -> None:
    serve(HasScope("a") & HasScope("b"))
    assert client.get("/x", headers=bearer(auth_token(held))).status_code == status


def test_another_permission_refuses_with_its_own_words(client: APIClient, auth_token: TokenFactory) -> None:
    serve(HasScope("a") | HasScope("b"), Never)
    answer = client.get("/x", headers=bearer(auth_token("b")))
    assert (answer.status_code, answer.json()) == (403, {"detail": "never"})
    serve(Never | HasScope("a"))
    assert client.get("/x", headers=bearer(auth_token("a"))).status_code == 200
    assert client.get("/x", headers=bearer(auth_token("b"))).json()["code"] == "insufficient_scope"


# --- beside another authentication class


@pytest.mark.parametrize("permission", [AllowAny, HasAccessToken])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_dpop_token_is_never_somebody_anonymous(
    client: APIClient, auth_token: TokenFactory, permission: Any, is_first: bool
) -> None:
    both = [AccessTokenAuthentication, BasicAuthentication]

    class View(django_site.Rest):
        authentication_classes = tuple(both if is_first else reversed(both))
        permission_classes = (permission,)

    urlpatterns[:] = [path("x", View.as_view())]
    clear_url_caches()
    for token in (auth_token("a"), "opaque", "a.b.c"):
        refused = client.get("/x", headers={"Authorization": f"DPoP {token}"})
        assert refused.status_code == 401
        assert refused.json()["code"] == "auth.authorization_token_type_not_supported"
        assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/x", headers=bearer(auth_token("a", sub="bob"))).json()["auth"] == "bob"
    # Another scheme is for the other class, which cannot read this one.
    basic = client.get("/x", headers={"Authorization": "Basic YWI="})
    assert basic.json()["detail"].startswith("Invalid basic header")
    if permission is AllowAny:
        assert client.get("/x").json()["auth"] is None


# --- force_authenticate


@pytest.mark.parametrize("permission", [HasAccessToken, HasScope("a"), HasScope(any_of=["a", "b"])])
def test_a_user_by_force(client: APIClient, permission: Any) -> None:
    serve(permission)
    client.force_authenticate(User(username="bob"))
    answer = client.get("/x")
    assert (answer.status_code, answer.json()["user"]) == (200, "bob")
    assert APIClient().get("/x").status_code == 401


def test_a_token_by_force_is_judged(client: APIClient, auth_token: TokenFactory) -> None:
    client.force_authenticate(AnonymousUser(), requires_auth.verify(auth_token("b c", sub="bob")))
    for permission, status in [
        (HasAccessToken, 200),
        (HasScope("b"), 200),
        (HasScope("b c"), 200),
        (HasScope("b", "a"), 403),
        (HasScope(any_of=["a", "c"]), 200),
        (HasScope(any_of=["a"]), 403),
        (HasScope("a") | HasScope("c"), 200),
        (HasScope(policy=Policy.all_of("a")), 200),
    ]:
        serve(permission)
        answer = client.get("/x")
        assert answer.status_code == status
        if status == 200:
            assert answer.json()["sub"] == "bob"
        else:
            assert answer.json()["code"] == "insufficient_scope"


# --- caches and documents


def test_a_cache_around_the_whole_view_keeps_nothing(client: APIClient, auth_token: TokenFactory) -> None:
    @method_decorator(cache_page(60), name="dispatch")
    class View(django_site.Rest):
        permission_classes = (HasScope("a"),)

    urlpatterns[:] = [path("x", View.as_view())]
    clear_url_caches()
    assert client.get("/x", headers=bearer(auth_token("a", sub="bob"))).json()["sub"] == "bob"
    assert client.get("/x").status_code == 401
    assert client.get("/x", headers=bearer(auth_token("a", sub="eve"))).json()["sub"] == "eve"


class Described(APIView):
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response()


class Answering(Described):
    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response({"own": True})


def test_a_preflight_does_not_describe_a_view_that_the_decorator_guards(
    client: APIClient, auth_token: TokenFactory
) -> None:
    urlpatterns[:] = [path("x", requires_auth(Described.as_view())), path("own", requires_auth(Answering.as_view()))]
    clear_url_caches()
    preflight = client.options("/x", headers=PREFLIGHT)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert client.options("/own", headers=PREFLIGHT).json() == {"own": True}
    assert client.options("/x").status_code == 401
    assert client.options("/x", headers=bearer(auth_token())).json()["name"] == "Described"


def test_the_scheme_is_in_the_document_of_spectacular() -> None:
    class Other(AccessTokenAuthentication): ...

    class View(django_site.Rest):
        serializer_class = None
        authentication_classes = (Other,)

    urlpatterns[:] = [path("x", django_site.Rest.as_view()), path("y", View.as_view())]
    document = SchemaGenerator(patterns=urlpatterns).get_schema(public=True)
    assert document["components"]["securitySchemes"] == {
        "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    for url in ("/x", "/y"):
        assert document["paths"][url]["get"]["security"] == [{"accessToken": []}]
