"""A real provider, oidc-provider, before a Flask application on a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from adapters import PYTHON, Server, bearer, free_port, python, serving

PROVIDER = PYTHON.parent / "tests" / "providers" / "oidc-provider"
TESTS = Path(__file__).parent
AUDIENCES = {"ES384": "https://orders.example.com", "RS256": "https://reports.example.com"}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    node = shutil.which("node")
    if not node:
        pytest.skip("oidc-provider needs node")
    if not (PROVIDER / "node_modules").is_dir():
        pytest.skip("oidc-provider needs `npm ci` in tests/providers/oidc-provider")
    process = subprocess.Popen([node, "server.mjs"], cwd=PROVIDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        yield json.loads(line)["issuer"]
    finally:
        process.terminate()
        process.communicate(timeout=10)


def token(issuer: str, *arguments: str) -> str:
    node = shutil.which("node") or "node"
    command = [node, "tokens.mjs", issuer, *arguments]
    return subprocess.run(command, cwd=PROVIDER, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module", params=AUDIENCES)
def api(request: pytest.FixtureRequest, provider: str) -> Iterator[Server]:
    port = free_port()
    audience = AUDIENCES[request.param]
    environment = {"REQUIRES_AUTH_ISSUER": provider, "REQUIRES_AUTH_AUDIENCE": audience}
    command = python("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "flask_app:app")
    with serving(command, environment, PYTHON / "examples", port) as server:
        server.name = audience
        yield server


def test_its_access_tokens(provider: str, api: Server) -> None:
    answer = api.ask("GET", "/user/info", bearer(token(provider, "access", api.name)))
    assert (answer.status, answer.json()) == (200, {"sub": "machine"})

    order = {**bearer(token(provider, "access", api.name, "write:orders")), "Content-Length": "0"}
    assert api.ask("POST", "/orders", order).status == 201
    order = {**bearer(token(provider, "access", api.name, "read:orders")), "Content-Length": "0"}
    refused = api.ask("POST", "/orders", order)
    assert (refused.status, refused.json()["code"]) == (403, "insufficient_scope")


def test_what_is_no_access_token_for_this_api(provider: str, api: Server) -> None:
    reasons = {
        "opaque": token(provider, "access", "https://legacy.example.com"),
        "audience_mismatch": token(provider, "access", next(a for a in AUDIENCES.values() if a != api.name)),
        "type_not_allowed": token(provider, "id", "a-nonce"),
    }
    for reason, each in reasons.items():
        answer = api.ask("GET", "/user/info", bearer(each))
        assert (answer.status, answer.json()["reason"]) == (401, reason)
