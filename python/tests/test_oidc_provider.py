"""A real provider, oidc-provider, before a Flask application on a real server."""

from __future__ import annotations

import json
import os
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


# --- opaque tokens

OPAQUE = "https://legacy.example.com"
GATEWAY = """
[server]
listen = "127.0.0.1:{port}"
[forward_auth]
dialects = ["caddy"]
[issuers.main]
issuer = "{issuer}"
audience = "{audience}"
introspection = {{ client_id = "machine", client_secret_env = "MACHINE_SECRET", ttl = 0, negative_ttl = 0 }}
[[routes]]
match = "GET /user/info"
"""


def gateway() -> str | None:
    """The command, which whoever builds it names; else that of a debug build."""
    built = PYTHON.parent / "target" / "debug" / "requires-auth"
    named = os.environ.get("REQUIRES_AUTH_BIN") or (str(built) if built.exists() else None)
    return named and str(Path(named).resolve())


@pytest.fixture(params=["flask", "fastapi", "django", "gateway"])
def opaque_api(request: pytest.FixtureRequest, provider: str, tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    settings = {
        "REQUIRES_AUTH_ISSUER": provider,
        "REQUIRES_AUTH_AUDIENCE": OPAQUE,
        "REQUIRES_AUTH_INTROSPECTION_CLIENT_ID": "machine",
        "REQUIRES_AUTH_INTROSPECTION_CLIENT_SECRET": "machine-secret",
        "REQUIRES_AUTH_INTROSPECTION_TTL": "0",
        "REQUIRES_AUTH_INTROSPECTION_NEGATIVE_TTL": "0",
    }
    gunicorn = python("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "warning")
    if request.param == "flask":
        command = [*gunicorn, "flask_app:app"]
    elif request.param == "django":
        command = [*gunicorn, "django_app:application"]
    elif request.param == "fastapi":
        command = python("-m", "uvicorn", "--port", str(port), "--log-level", "warning", "fastapi_app:app")
    else:
        binary = gateway()
        if not binary:
            pytest.skip("the gateway is not built")
        file = tmp_path / "gateway.toml"
        file.write_text(GATEWAY.format(port=port, issuer=provider, audience=OPAQUE))
        command, settings = [binary, "serve", str(file)], {"MACHINE_SECRET": "machine-secret"}
    with serving(command, settings, PYTHON / "examples", port) as server:
        server.name = request.param
        yield server


def ask(api: Server, token: str) -> tuple[int, str | None]:
    headers = bearer(token)
    if api.name == "gateway":
        headers |= {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/user/info"}
    answer = api.ask("GET", "/forward-auth/caddy" if api.name == "gateway" else "/user/info", headers)
    is_told = answer.headers.get("content-type", "").startswith("application/json")
    assert is_told or answer.status == 200, (answer.status, answer.body)
    return answer.status, answer.json().get("reason") if answer.status != 200 else None


def test_opaque_tokens_until_they_are_revoked(provider: str, opaque_api: Server) -> None:
    opaque = token(provider, "access", OPAQUE)
    assert "." not in opaque
    assert ask(opaque_api, opaque) == (200, None)
    assert ask(opaque_api, "made-up-token") == (401, "inactive")
    token(provider, "revoke", opaque)
    assert ask(opaque_api, opaque) == (401, "inactive")
