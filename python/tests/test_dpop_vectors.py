"""Every vector of `dpop.json` through every adapter: what came before the request, the request, and its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import django_site  # noqa: F401 - Django is set up
import pytest
from adapters import VECTORS, Case, header_value
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from fastapi import FastAPI, Request
from fastapi.security import SecurityScopes
from flask import Flask
from rest_framework.views import APIView
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from requires_auth import Admission, Refusal, RequiresAuth
from requires_auth import django as django_adapter
from requires_auth import fastapi as fastapi_adapter
from requires_auth import flask as flask_adapter
from requires_auth.django.rest_framework import HasAccessToken
from requires_auth.starlette import RequiresAuthMiddleware

Answer = tuple[int, dict[str, str], bytes, bool]
Ask = Callable[[Case], Answer]
"""Makes an application that is guarded as the case says, and asks it."""


def steps() -> list[tuple[list[tuple[Case, str]], Case]]:
    """Each case: the requests before it, with what comes of each, and the request itself."""
    found = []
    for case in json.loads((VECTORS / "dpop.json").read_text())["cases"]:

        def asked(request: dict[str, Any], expect: dict[str, Any], case: dict[str, Any] = case) -> Case:
            token = case["token"]
            headers = [(name, header_value(value, token)) for name, value in request["headers"]]
            url = request["url"].replace("{token}", token)
            return Case(case["id"], case["config"], case["jwks"], request["method"], url, headers, expect)

        before = [(asked(request, {}), request["outcome"]) for request in case["before"]]
        found.append((before, asked(case["request"], case["expect"])))
    assert len(found) > 250
    return found


def outcome_of(answer: Answer) -> str:
    status, _, _, ran = answer
    if status >= 400:
        return "deny"
    return "allow" if ran else "preflight"


def check_all(made: Callable[[Case, RequiresAuth], Ask], skipped: Callable[[Case], bool] = lambda case: False) -> None:
    asked = 0
    for before, case in steps():
        if skipped(case):
            continue
        guard = case.guard()
        assert guard is not None, case.id
        ask = made(case, guard)
        for request, outcome in before:
            assert outcome_of(ask(request)) == outcome, case.id
        case.check(*ask(case))
        asked += 1
    assert asked > 200


# --- the guard itself


def told(outcome: Admission | Refusal) -> Answer:
    if isinstance(outcome, Admission):
        return 204 if outcome.kind == "preflight" else 200, {}, b"", outcome.kind != "preflight"
    assert len({name for name, _ in outcome.headers}) == len(outcome.headers), "each name is there once"
    return outcome.status, dict(outcome.headers), outcome.body, False


def environ_of(case: Case, separator: str = ",") -> dict[str, Any]:
    path, _, query = case.url.partition("?")
    decoded = bytes(path, "utf-8")
    own = {"PATH_INFO": decoded.decode("latin-1"), "QUERY_STRING": query, "RAW_URI": case.url}
    return {"REQUEST_METHOD": case.method, **own, **case.environ(separator)}


def scope_of(case: Case) -> dict[str, Any]:
    path, _, query = case.url.partition("?")
    headers = [(name.lower().encode(), value) for name, value in case.headers]
    own = {"path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": case.method,
        "root_path": "",
        **own,
    }


def without_body(case: Case, answer: Answer) -> Answer:
    """An answer to HEAD has no body."""
    status, headers, body, ran = answer
    return status, headers, b"" if case.method == "HEAD" else body, ran


def test_the_guard() -> None:
    def admit(case: Case, guard: RequiresAuth) -> Ask:
        rule = (case.policy(), case.optional)
        return lambda asked: without_body(asked, told(guard.admit(asked.method, asked.url, asked.headers, *rule)))

    def admit_wsgi(case: Case, guard: RequiresAuth) -> Ask:
        rule = (case.policy(), case.optional)
        return lambda asked: without_body(asked, told(guard.admit_wsgi(environ_of(asked), *rule)))

    def admit_asgi(case: Case, guard: RequiresAuth) -> Ask:
        rule = (case.policy(), case.optional)
        return lambda asked: without_body(asked, told(guard.admit_asgi(scope_of(asked), *rule)))

    check_all(admit)
    check_all(admit_wsgi)
    check_all(admit_asgi)


def is_preflight(case: Case) -> bool:
    return case.expect.get("outcome") == "preflight"


# --- adapters


def wsgi_answer(app: Any, case: Case, ran: list[bool]) -> Answer:
    began: list[Any] = []
    environ = {
        **environ_of(case),
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": None,
        "wsgi.errors": None,
    }
    ran.clear()
    chunks = app(environ, lambda status, headers, *_: began.append((status, headers)))
    body = b"".join(chunks)
    status, headers = began[-1]
    return int(status.split()[0]), {name.lower(): value for name, value in headers}, body, bool(ran)


def asgi_answer(app: Any, case: Case, ran: list[bool]) -> Answer:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    ran.clear()
    asyncio.run(app(scope_of(case), receive, send))
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], headers, b"" if case.method == "HEAD" else body, bool(ran)


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]


def test_flask() -> None:
    def made(case: Case, guard: RequiresAuth) -> Ask:
        auth, ran = flask_adapter.RequiresAuth(), list[bool]()
        auth.replace_guard(guard)
        app = Flask(__name__)

        @app.route("/", defaults={"path": ""}, methods=METHODS)
        @app.route("/<path:path>", methods=METHODS)
        @auth(policy=case.policy(), optional=case.optional)
        def view(path: str) -> str:
            ran.append(True)
            return ""

        return lambda asked: wsgi_answer(app, asked, ran)

    # Flask leads `//` elsewhere.
    check_all(made, lambda case: "//" in case.url)


def test_starlette() -> None:
    def made(case: Case, guard: RequiresAuth) -> Ask:
        ran = list[bool]()

        async def view(request: Request) -> PlainTextResponse:
            ran.append(True)
            return PlainTextResponse("")

        inner = Starlette(routes=[Route("/{path:path}", view, methods=METHODS)])
        app = RequiresAuthMiddleware(inner, auth=guard, policy=case.policy(), optional=case.optional)
        return lambda asked: asgi_answer(app, asked, ran)

    check_all(made, is_preflight)  # the application answers one


def test_fastapi() -> None:
    def made(case: Case, guard: RequiresAuth) -> Ask:
        auth, ran = fastapi_adapter.RequiresAuth(), list[bool]()
        auth.replace_guard(guard)
        dependency = auth(policy=case.policy(), optional=case.optional)
        app = FastAPI()

        @app.api_route("/{path:path}", methods=METHODS)
        async def view(request: Request) -> str:
            await dependency(connection=request, security_scopes=SecurityScopes())
            ran.append(True)
            return ""

        return lambda asked: asgi_answer(app, asked, ran)

    check_all(made)


def django_answer(view: Any, case: Case, ran: list[bool]) -> Answer:
    ran.clear()
    request = RequestFactory().generic(case.method, case.url, RAW_URI=case.url, **case.environ(","))
    answer = view(request)
    if asyncio.iscoroutine(answer):
        answer = asyncio.run(answer)
    if hasattr(answer, "render"):
        answer.render()
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return without_body(case, (answer.status_code, headers, answer.content, bool(ran)))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_django(asynchronous: bool) -> None:
    def made(case: Case, guard: RequiresAuth) -> Ask:
        auth, ran = django_adapter.RequiresAuth(), list[bool]()
        auth.replace_guard(guard)

        def view(request: HttpRequest) -> HttpResponse:
            ran.append(True)
            return HttpResponse()

        async def view_async(request: HttpRequest) -> HttpResponse:
            ran.append(True)
            return HttpResponse()

        guarded = auth(policy=case.policy(), optional=case.optional)(view_async if asynchronous else view)
        return lambda asked: django_answer(guarded, asked, ran)

    check_all(made)


def test_django_rest_framework() -> None:
    before = django_adapter.requires_auth.replace_guard(None)

    def made(case: Case, guard: RequiresAuth) -> Ask:
        django_adapter.requires_auth.replace_guard(guard)
        ran = list[bool]()

        class Items(APIView):
            permission_classes = (HasAccessToken,)

            def answer(self, request: Any) -> HttpResponse:
                ran.append(True)
                return HttpResponse()

            get = post = put = patch = delete = head = options = answer

        return lambda asked: django_answer(Items.as_view(), asked, ran)

    try:
        # A view says itself what a route needs, and answers preflights.
        check_all(made, lambda case: is_preflight(case) or bool(case.optional or case.config.get("scope")))
    finally:
        django_adapter.requires_auth.replace_guard(before)
