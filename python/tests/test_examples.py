"""The examples, each started with the command that its first lines give."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from adapters import EXAMPLES, ORIGIN, PREFLIGHT, Server, bearer, free_port, python, serving

from requires_auth.testing import TestIssuer

PACKAGES = {
    "flask_app": "flask",
    "fastapi_app": "fastapi",
    "django_app": "django",
    "aiohttp_app": "aiohttp",
    "quart_app": "quart",
    "litestar_app": "litestar",
    "ninja_app": "ninja",
    "channels_app": "channels",
}
NAMES = [name for name, package in PACKAGES.items() if find_spec(package)]
WITHOUT_CORS = ("django_app", "ninja_app", "channels_app")


@pytest.fixture(scope="module")
def issuer() -> Iterator[TestIssuer]:
    issuer = TestIssuer()
    issuer.serve()
    yield issuer
    issuer.stop()


def environment(issuer: TestIssuer, port: int) -> dict[str, str]:
    return {
        "REQUIRES_AUTH_ISSUER": issuer.issuer,
        "REQUIRES_AUTH_AUDIENCE": issuer.audience,
        "REQUIRES_AUTH_ALGORITHMS": "ES384",
        "PORT": str(port),
    }


@pytest.fixture(scope="module", params=NAMES)
def example(request: pytest.FixtureRequest, issuer: TestIssuer) -> Iterator[Server]:
    port = free_port()
    with serving(python(f"{request.param}.py"), environment(issuer, port), EXAMPLES, port) as server:
        server.name = request.param
        yield server


def test_the_routes_of_every_example(example: Server, issuer: TestIssuer) -> None:
    info = example.ask("GET", "/user/info", bearer(issuer.token(sub="bob")))
    assert (info.status, info.json()) == (200, {"sub": "bob"})
    made = example.ask("POST", "/orders", {**bearer(issuer.token("write:orders")), "Content-Length": "0"})
    assert (made.status, made.json()) == (201, {"created_by": "alice"})
    items = example.ask("GET", "/api/items", bearer(issuer.token("read:items")))
    assert (items.status, items.json()) == (200, ["apples", "pears"])
    assert b"everybody" in example.ask("GET", "/public").body


def test_the_refusals_of_every_example(example: Server, issuer: TestIssuer) -> None:
    missing = example.ask("GET", "/user/info")
    assert (missing.status, missing.headers["www-authenticate"]) == (401, "Bearer")
    assert missing.json()["code"] == "auth.authorization_header_missing"
    scope = example.ask("GET", "/api/items", bearer(issuer.token("write:items")))
    assert (scope.status, scope.json()["code"]) == (403, "insufficient_scope")
    expired = example.ask("GET", "/api/items", bearer(issuer.token("read:items", defect="expired")))
    assert (expired.status, expired.json()["reason"]) == (401, "expired")


def test_preflights(example: Server) -> None:
    preflight = example.ask("OPTIONS", "/api/items", PREFLIGHT)
    assert preflight.status in (200, 204)
    if example.name not in WITHOUT_CORS:
        assert preflight.headers["access-control-allow-origin"] in ("*", ORIGIN)


def test_a_file_with_keys(issuer: TestIssuer, tmp_path: Path) -> None:
    offline = TestIssuer()
    (tmp_path / "keys.json").write_text(offline.jwks)
    port = free_port()
    keys = {"REQUIRES_AUTH_JWKS": str(tmp_path / "keys.json")}
    with serving(python("flask_app.py"), {**environment(offline, port), **keys}, EXAMPLES, port) as server:
        assert server.ask("GET", "/api/items", bearer(offline.token("read:items"))).status == 200


@pytest.mark.parametrize("name", NAMES)
def test_without_configuration_it_says_what_is_missing(name: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("REQUIRES_AUTH_")}
    command = [sys.executable, f"{name}.py"]
    run = subprocess.run(
        command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert run.returncode != 0
    assert "REQUIRES_AUTH_ISSUER" in run.stderr
