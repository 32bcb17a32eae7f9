"""Django's own admin site behind the middleware: guarded like all else, or public by its prefix."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django_site
import pytest
from adapters import bearer
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import AsyncClient, Client, override_settings
from django.urls import clear_url_caches, path

from requires_auth.django import requires_auth
from requires_auth.django.middleware import RequiresAuthMiddleware
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]

C = "django.contrib."
APPS = [C + name for name in ("admin", "auth", "contenttypes", "sessions", "messages")]
MIDDLEWARE = [
    C + "sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    C + "auth.middleware.AuthenticationMiddleware",
    C + "messages.middleware.MessageMiddleware",
]
GUARD = "requires_auth.django.middleware.RequiresAuthMiddleware"
CONTEXT = ["django.template.context_processors.request", C + "auth.context_processors.auth"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [*CONTEXT, C + "messages.context_processors.messages"]},
    }
]
BY_USERNAME = "requires_auth.django.users.by_username"
PASSWORD = "for tests"
NEW_GROUP = "/admin/auth/group/add/"

urlpatterns: list[Any] = []


class AdminsOnly(RequiresAuthMiddleware):
    scopes = ("admin:site",)


@pytest.fixture(scope="module", autouse=True)
def site() -> Iterator[None]:
    """A site with the admin, a member of the staff and a user."""
    settings = {
        "INSTALLED_APPS": [*APPS, "requires_auth.django"],
        "TEMPLATES": TEMPLATES,
        "ROOT_URLCONF": __name__,
        "STATIC_URL": "/static/",
    }
    with override_settings(**settings):
        call_command("migrate", verbosity=0, run_syncdb=True)
        users: Any = get_user_model()._default_manager
        users.filter(username__in=("chief", "clerk")).delete()
        users.create_superuser("chief", password=PASSWORD)
        users.create_user("clerk", password=PASSWORD)
        urlpatterns[:] = [
            path("admin/", admin.site.urls),
            path("administrators", django_site.plain),
            path("plain", django_site.plain),
        ]
        clear_url_caches()
        yield
    clear_url_caches()


@contextmanager
def behind(guard: str, issuer: TestIssuer, **settings: Any) -> Iterator[Client]:
    with issuer.replacing(requires_auth), override_settings(MIDDLEWARE=[guard, *MIDDLEWARE], **settings):
        yield Client(enforce_csrf_checks=True)


def groups() -> int:
    from django.contrib.auth.models import Group

    return Group.objects.count()


def check_missing(answer: Any) -> None:
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["code"] == "auth.authorization_header_missing"


@pytest.mark.parametrize("url", ["/admin/", "/admin/login/", "/admin/auth/group/", NEW_GROUP, "/admin/nowhere"])
def test_the_admin_is_guarded(auth_issuer: TestIssuer, auth_token: TokenFactory, url: str) -> None:
    with behind("test_django_admin.AdminsOnly", auth_issuer, REQUIRES_AUTH_USER=BY_USERNAME) as client:
        check_missing(client.get(url))
        wrong = client.get(url, headers=bearer(auth_token("other", sub="chief")))
        assert (wrong.status_code, wrong.json()["code"]) == (403, "insufficient_scope")
        assert 'scope="admin:site"' in wrong.headers["WWW-Authenticate"]
        expired = client.get(url, headers=bearer(auth_token("admin:site", sub="chief", defect="expired")))
        assert (expired.status_code, expired.json()["reason"]) == (401, "expired")
        good = client.get(url, headers=bearer(auth_token("admin:site", sub="chief")))
        assert good.status_code == {"/admin/login/": 302, "/admin/nowhere": 404}.get(url, 200)


def test_the_admin_knows_the_user_of_the_token(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    with behind("test_django_admin.AdminsOnly", auth_issuer, REQUIRES_AUTH_USER=BY_USERNAME) as client:
        answer = client.get("/admin/", headers=bearer(auth_token("admin:site", sub="chief")))
        assert "<strong>chief</strong>" in answer.content.decode()
        # A valid token is not all that the admin asks for: its user has to belong to the staff.
        answer = client.get("/admin/", headers=bearer(auth_token("admin:site", sub="clerk")))
        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/?next=/admin/")
        stranger = client.get("/admin/", headers=bearer(auth_token("admin:site", sub="nobody")))
        assert (stranger.status_code, stranger.json()["code"]) == (403, "access_denied")
        check_missing(client.get("/admin/"))


def test_a_token_without_a_mapped_user_opens_no_admin(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    with behind(GUARD, auth_issuer) as client:
        answer = client.get("/admin/", headers=bearer(auth_token("admin:site", sub="chief")))
        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/?next=/admin/")


def test_the_admin_changes_rows_for_a_good_token_only(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    with behind("test_django_admin.AdminsOnly", auth_issuer, REQUIRES_AUTH_USER=BY_USERNAME) as client:
        before = groups()
        check_missing(client.post(NEW_GROUP, {"name": "none"}))
        assert client.post(NEW_GROUP, {"name": "x"}, headers=bearer(auth_token(sub="chief"))).status_code == 403
        assert groups() == before
        token = auth_token("admin:site", sub="chief")
        made = client.post(NEW_GROUP, {"name": f"group {before}"}, headers=bearer(token))
        assert (made.status_code, made.headers["Location"]) == (302, "/admin/auth/group/")
        assert groups() == before + 1


def test_the_admin_is_guarded_in_asynchronous_servers(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    async def ask() -> None:
        client = AsyncClient()
        check_missing(await client.get("/admin/login/"))
        wrong = await client.get("/admin/login/", headers=bearer(auth_token("other")))
        assert wrong.status_code == 403
        good = await client.get("/admin/login/", headers=bearer(auth_token("admin:site")))
        assert good.status_code == 200

    with behind("test_django_admin.AdminsOnly", auth_issuer):
        asyncio.run(ask())


def test_the_admin_is_public_by_its_prefix(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    with behind(GUARD, auth_issuer, REQUIRES_AUTH_EXEMPT=["/admin/*"]) as client:
        page = client.get("/admin/login/")
        assert page.status_code == 200
        assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
        assert client.get("/admin").headers["Location"] == "/admin/"
        # A browser sends cookies by itself, so the admin goes on asking for its CSRF token.
        form = {"username": "chief", "password": PASSWORD, "next": "/admin/"}
        assert client.post("/admin/login/", form).status_code == 403
        form["csrfmiddlewaretoken"] = client.cookies["csrftoken"].value
        assert client.post("/admin/login/", form).headers["Location"] == "/admin/"
        assert "<strong>chief</strong>" in client.get("/admin/").content.decode()
        # Whoever is logged in there has no access to the rest of the site.
        for url in ("/plain", "/administrators", "/admin/../plain", "/admin//"):
            check_missing(client.get(url))
        assert client.get("/plain", headers=bearer(auth_token(sub="bob"))).json() == {"sub": "bob"}
