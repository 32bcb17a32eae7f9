"""A preflight, which shows no token, that the application itself makes another method of on its way to the view."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from adapters import PREFLIGHT

from requires_auth.testing import TestIssuer

pytest_plugins = ["requires_auth.testing"]

HEADER = "X-HTTP-Method-Override"
AS_POST = {**PREFLIGHT, HEADER: "POST"}
RAN = "post ran"


@pytest.fixture
def options(auth_issuer: TestIssuer) -> dict[str, Any]:
    return {"issuer": auth_issuer.issuer, "audience": auth_issuer.audience, "jwks": auth_issuer.jwks}


def test_a_guard_outside_of_what_overrides(options: dict[str, Any]) -> None:
    from requires_auth.starlette import RequiresAuthMiddleware

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        method = headers.get(HEADER.lower().encode(), scope["method"].encode())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": method})

    app = RequiresAuthMiddleware(inner, scope="write:orders", **options)

    async def status(headers: dict[str, str]) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request"}

        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "OPTIONS", "path": "/v", "query_string": b"", "headers": raw}
        await app(scope, receive, send)
        return int(sent[0]["status"])

    assert asyncio.run(status(PREFLIGHT)) == 200
    assert asyncio.run(status(AS_POST)) == 401


def test_flask(options: dict[str, Any]) -> None:
    flask = pytest.importorskip("flask")
    from flask.views import MethodView

    from requires_auth.flask import RequiresAuth

    auth = RequiresAuth(**options)
    app = flask.Flask(__name__)

    @app.before_request
    def override() -> None:
        flask.request.method = flask.request.headers.get(HEADER, flask.request.method)

    class View(MethodView):
        decorators: ClassVar[Any] = [auth("write:orders")]

        def options(self) -> str:
            return "options ran"

        def post(self) -> str:
            return RAN

    app.add_url_rule("/v", view_func=View.as_view("v"))
    client = app.test_client()
    assert client.options("/v", headers=PREFLIGHT).text == "options ran"
    assert client.options("/v", headers=AS_POST).text != RAN


def test_quart(options: dict[str, Any]) -> None:
    quart = pytest.importorskip("quart")
    from quart.views import MethodView

    from requires_auth.quart import RequiresAuth

    auth = RequiresAuth(**options)
    app = quart.Quart(__name__)

    @app.before_request
    async def override() -> None:
        quart.request.method = quart.request.headers.get(HEADER, quart.request.method)

    class View(MethodView):
        decorators: ClassVar[Any] = [auth("write:orders")]

        async def options(self) -> str:
            return "options ran"

        async def post(self) -> str:
            return RAN

    app.add_url_rule("/v", view_func=View.as_view("v"))

    async def told(headers: dict[str, str]) -> str:
        answer = await app.test_client().open("/v", method="OPTIONS", headers=headers)
        return str(await answer.get_data(as_text=True))

    assert asyncio.run(told(PREFLIGHT)) == "options ran"
    assert asyncio.run(told(AS_POST)) != RAN


def test_aiohttp(options: dict[str, Any]) -> None:
    web = pytest.importorskip("aiohttp.web")
    from aiohttp.test_utils import TestClient, TestServer

    from requires_auth.aiohttp import RequiresAuth

    auth = RequiresAuth(**options)

    @web.middleware
    async def override(request: Any, handler: Any) -> Any:
        return await handler(request.clone(method=request.headers.get(HEADER, request.method)))

    class View(web.View):
        async def options(self) -> Any:
            return web.Response(text="options ran")

        @auth("write:orders")
        async def post(self) -> Any:
            return web.Response(text=RAN)

    async def told(headers: dict[str, str]) -> tuple[int, str]:
        app = web.Application(middlewares=[auth.middleware(), override])
        app.router.add_view("/v", View)
        async with TestClient(TestServer(app)) as client, client.options("/v", headers=headers) as answer:
            return answer.status, await answer.text()

    assert asyncio.run(told(PREFLIGHT)) == (200, "options ran")
    status, text = asyncio.run(told(AS_POST))
    assert status == 401
    assert text != RAN


@pytest.mark.parametrize("is_rest", [False, True])
def test_django(auth_issuer: TestIssuer, is_rest: bool) -> None:
    django_site = pytest.importorskip("django_site")
    from django.http import HttpResponse
    from django.test import RequestFactory
    from django.utils.decorators import method_decorator
    from django.views import View

    from requires_auth.django import requires_auth
    from requires_auth.django.rest_framework import HasScope

    class Answers:
        def options(self, request: Any) -> HttpResponse:
            return HttpResponse("options ran")

        def post(self, request: Any) -> HttpResponse:
            return HttpResponse(RAN)

    class Rest(Answers, django_site.Rest):  # type: ignore[misc, name-defined]
        permission_classes = (HasScope("write:orders"),)

    @method_decorator(requires_auth("write:orders"), name="dispatch")
    class Plain(Answers, View):
        pass

    def told(method: str) -> Any:
        request = RequestFactory().options("/v", headers=PREFLIGHT)
        request.method = method
        answer = (Rest if is_rest else Plain).as_view()(request)
        return getattr(answer, "rendered_content", answer.content) if answer.status_code == 200 else answer.status_code

    with auth_issuer.replacing(requires_auth):
        assert told("OPTIONS") == b"options ran"
        assert told("POST") == 204
