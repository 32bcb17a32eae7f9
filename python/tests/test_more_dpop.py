"""`dpop="required"` on a route, and the nonces of allowed answers, in aiohttp, Quart, Litestar and Channels."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import django_site  # noqa: F401 - it configures Django
import pytest
from adapters import Case, bearer
from more_vectors import asgi
from proofs import Client

from requires_auth import RequiresAuth as Core
from requires_auth.testing import TestIssuer

Ask = Callable[[Core, dict[str, str]], tuple[int, dict[str, str]]]
"""Asks `GET /` of an application with this guard, whose route needs a proof."""

URL = "https://api.example"
SECRET = "0123456789abcdef0123456789abcdef"


def asked(app: Any, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    given = [(name, value.encode()) for name, value in headers.items()]
    return asyncio.run(asgi(app, Case("", {}, None, "GET", "/", given, {})))[:2]


def by_aiohttp(guard: Core, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    web = pytest.importorskip("aiohttp.web")
    from aiohttp.test_utils import make_mocked_request

    from requires_auth.aiohttp import RequiresAuth

    auth = RequiresAuth()
    auth.replace_guard(guard)

    @auth(dpop="required")
    async def handler(request: Any) -> Any:
        return web.Response()

    async def ask() -> Any:
        app = web.Application()
        app.router.add_get("/", handler)
        app.freeze()
        return await app._handle(make_mocked_request("GET", "/", headers))

    answer = asyncio.run(ask())
    return answer.status, {name.lower(): value for name, value in answer.headers.items()}


def by_quart(guard: Core, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    quart = pytest.importorskip("quart")
    from requires_auth.quart import RequiresAuth

    auth, app = RequiresAuth(), quart.Quart(__name__)
    auth.replace_guard(guard)
    app.get("/")(auth(dpop="required")(lambda: "x"))
    return asked(app, headers)


def by_litestar(guard: Core, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    litestar = pytest.importorskip("litestar")
    from requires_auth.litestar import RequiresAuth

    auth = RequiresAuth()
    auth.replace_guard(guard)

    @litestar.get("/", guards=[auth(dpop="required")])
    async def handler() -> str:
        return "x"

    return asked(litestar.Litestar([handler], plugins=[auth]), headers)


def by_channels(guard: Core, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    from requires_auth.django import RequiresAuth
    from requires_auth.django.channels import RequiresAuthMiddleware

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    auth = RequiresAuth()
    auth.replace_guard(guard)
    return asked(RequiresAuthMiddleware(app, dpop="required", auth=auth), headers)


@pytest.mark.parametrize("ask", [by_aiohttp, by_quart, by_litestar, by_channels])
def test_a_route_may_need_a_proof_and_its_answer_has_the_next_nonce(ask: Ask, auth_issuer: TestIssuer) -> None:
    steady = int(time.time()) // 60 * 60 + 30  # the middle of a step of nonces
    early, late = (
        Core(
            auth_issuer.issuer,
            auth_issuer.audience,
            jwks=auth_issuer.jwks,
            public_url=URL,
            dpop={"mode": "allowed", "nonce_secret": SECRET},
            _now=now,
        )
        for now in (steady, steady + 60)
    )
    client = Client()
    token = client.token(auth_issuer)
    assert ask(early, bearer(auth_issuer.token()))[0] == 401
    status, headers = ask(early, client.headers("GET", f"{URL}/", token, steady))
    assert (status, 'DPoP error="use_dpop_nonce"' in headers["www-authenticate"]) == (401, True)
    nonce = headers["dpop-nonce"]
    proven = client.headers("GET", f"{URL}/", token, steady, nonce=nonce)
    status, headers = ask(early, proven)
    assert (status, "dpop-nonce" in headers) == (200, False)
    assert ask(early, proven)[0] == 401
    status, headers = ask(late, client.headers("GET", f"{URL}/", token, steady + 60, nonce=nonce))
    assert status == 200
    assert headers["dpop-nonce"] not in ("", nonce)
