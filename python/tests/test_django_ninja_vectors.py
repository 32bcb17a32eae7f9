"""Every vector through `AccessTokenAuth` of Django Ninja."""

from __future__ import annotations

from typing import Any

import django_site  # noqa: F401 - it configures Django
from adapters import WSGI_DIFFERS, Case
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import clear_url_caches, path
from more_vectors import METHODS, Told, check_vectors, run
from ninja import NinjaAPI

from requires_auth import RequiresAuth as Core
from requires_auth.django import RequiresAuth
from requires_auth.django.ninja import AccessTokenAuth

DIFFERS = {"dpop-htu-root": "at the root of an API, Ninja has a view of its own"}

urlpatterns: list[Any] = []


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
def test_all_vectors() -> None:
    state: dict[str, Any] = {}
    api = NinjaAPI(urls_namespace="vectors")

    @api.api_operation(METHODS, "/{path:path}", auth=[lambda request: state["auth"](request)])
    def items(request: HttpRequest, path: str) -> Any:
        state["told"] = dict(request.access_token.claims)  # type: ignore[attr-defined]
        state["ran"] = True
        return ""

    urlpatterns[:] = [path("", api.urls)]
    clear_url_caches()
    client = Client()

    async def ask(case: Case, guard: Core, rule: Case) -> Told:
        auth = RequiresAuth()
        auth.replace_guard(guard)
        state.update(told=None, ran=False, auth=AccessTokenAuth(policy=rule.policy(), auth=auth))
        answer = client.generic(case.method, case.url, RAW_URI=case.url, **case.environ(","))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        body = b"" if case.method == "HEAD" else answer.content
        return Told(answer.status_code, headers, body, state["ran"], state["told"])

    # An operation that takes requests without a token has another authentication beside it.
    run(check_vectors(ask, DIFFERS, lambda case: case.optional or case.id in WSGI_DIFFERS))
