"""Claim rules on a path parameter, through each adapter: the claim is compared with what the view gets."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import django_site  # noqa: F401  (settings)
import pytest
from adapters import bearer
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from flask import Flask
from starlette.applications import Starlette

from requires_auth import ConfigError, Policy, Refusal
from requires_auth import fastapi as fastapi_adapter
from requires_auth import flask as flask_adapter
from requires_auth.django import requires_auth
from requires_auth.starlette import RequiresAuthMiddleware
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]

POLICY = Policy().with_claim("org", path_parameter="org")

UUID = "5f0c6b9e-8f7e-4a57-9f0e-4a3d8f1b6a11"

Ask = Callable[[str, Any], int]
"""The status of `GET` of a path with a token that has this claim `org`."""


@requires_auth(policy=POLICY)
def view(request: HttpRequest, org: object) -> HttpResponse:
    return HttpResponse(f"{org}")


@requires_auth(policy=POLICY)
async def async_view(request: HttpRequest, org: object) -> HttpResponse:
    return HttpResponse(f"{org}")


urlpatterns = [
    path("orgs/<str:org>/items", view),
    path("async/<str:org>/items", async_view),
    path("numbers/<int:org>", view),
    path("uuids/<uuid:org>", view),
    path("rest/<path:org>", view),
]


def flask_ask(issuer: TestIssuer, token_of: TokenFactory) -> Ask:
    auth = flask_adapter.RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    app = Flask(__name__)
    guarded = auth(policy=POLICY)(lambda org: f"{org}")
    for number, rule in enumerate(
        ("/orgs/<org>/items", "/numbers/<int:org>", "/uuids/<uuid:org>", "/rest/<path:org>", "/async/<org>/items")
    ):
        app.add_url_rule(rule, f"view-{number}", guarded)
    client = app.test_client()
    return lambda url, org: client.get(url, headers=bearer(token_of(claims={"org": org}))).status_code


def django_ask(issuer: TestIssuer, token_of: TokenFactory) -> Ask:
    client = Client()
    return lambda url, org: client.get(url, headers=bearer(token_of(claims={"org": org}))).status_code


def fastapi_ask(issuer: TestIssuer, token_of: TokenFactory) -> Ask:
    auth = fastapi_adapter.RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    app = FastAPI()
    guarded = [Depends(auth(policy=POLICY))]

    @app.get("/orgs/{org}/items", dependencies=guarded)
    @app.get("/async/{org}/items", dependencies=guarded)
    async def items(org: str) -> str:
        return org

    @app.get("/numbers/{org}", dependencies=guarded)
    async def numbers(org: int) -> int:
        return org

    @app.get("/uuids/{org}", dependencies=guarded)
    async def uuids(org: uuid.UUID) -> str:
        return str(org)

    @app.get("/rest/{org:path}", dependencies=guarded)
    async def rest(org: str) -> str:
        return org

    client = TestClient(app)
    return lambda url, org: client.get(url, headers=bearer(token_of(claims={"org": org}))).status_code


@pytest.fixture(params=[flask_ask, django_ask, fastapi_ask])
def ask(request: pytest.FixtureRequest, auth_issuer: TestIssuer, auth_token: TokenFactory) -> Iterator[Ask]:
    with override_settings(ROOT_URLCONF=__name__), auth_issuer.replacing(requires_auth):
        yield request.param(auth_issuer, auth_token)


@pytest.mark.parametrize(
    ("url", "org", "status"),
    [
        ("/orgs/acme/items", "acme", 200),
        ("/async/acme/items", "acme", 200),
        ("/async/acme/items", "other", 403),
        ("/orgs/acme/items", "other", 403),
        ("/orgs/acme/items", ["acme"], 403),
        ("/orgs/a%20b/items", "a b", 200),
        ("/orgs/a%252Fb/items", "a%2Fb", 403),
        ("/numbers/42", 42, 200),
        ("/numbers/42", "42", 200),
        ("/numbers/42", 43, 403),
        (f"/uuids/{UUID}", UUID, 200),
        (f"/uuids/{UUID}", UUID.replace("5", "6"), 403),
        ("/rest/acme", "acme", 200),
        ("/rest/a/b", "a/b", 403),
    ],
)
def test_the_claim_is_what_the_view_gets(ask: Ask, url: str, org: Any, status: int) -> None:
    # The client for tests of ASGI applications decodes twice, so that no view is found.
    assert ask(url, org) in ((403, 404) if "%25" in url else (status,))


def test_without_path_parameters_a_rule_on_one_refuses(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    guard = auth_issuer.guard()
    headers = bearer(auth_token(claims={"org": "acme"})).items()
    admitted = [guard.admit("GET", "/", headers, POLICY, False, given) for given in ({"org": "acme"}, {}, None)]
    assert [isinstance(answer, Refusal) for answer in admitted] == [False, True, True]


def test_a_middleware_cannot_know_path_parameters(auth_issuer: TestIssuer) -> None:
    with pytest.raises(ConfigError, match="give this policy to the route"):
        RequiresAuthMiddleware(
            Starlette(), auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, policy=POLICY
        )


def test_rules_that_mean_nothing_are_refused() -> None:
    assert POLICY.path_parameters == ["org"]
    assert "path_parameter='org'" in repr(POLICY)
    for mistake in ({"prefix": ""}, {"path_parameter": ""}):
        with pytest.raises(ValueError, match="must not be empty"):
            Policy().with_claim("org", **mistake)
    with pytest.raises(TypeError, match="give one of equals, contains"):
        Policy().with_claim("org", prefix="a", equals="b")
