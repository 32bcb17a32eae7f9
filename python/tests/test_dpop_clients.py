"""DPoP clients of others, and a thief of what they send, at the examples on real servers with oidc-provider."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from adapters import EXAMPLES, PYTHON, Server, free_port, python, serving
from test_oidc_provider import provider  # noqa: F401 - a fixture

CLIENTS = PYTHON.parent / "tests" / "dpop"
ORDERS = "https://orders.example.com"
COMMANDS = {
    "flask": ("gunicorn", "flask_app:app"),
    "django": ("gunicorn", "django_app:application"),
    "fastapi": ("uvicorn", "fastapi_app:app"),
}


@pytest.fixture(scope="module", params=[(name, nonces) for name in COMMANDS for nonces in (False, True)], ids=str)
def api(request: pytest.FixtureRequest, provider: str) -> Iterator[Server]:  # noqa: F811
    if not (CLIENTS / "node_modules").is_dir():
        pytest.skip("the DPoP clients need `npm ci` in tests/dpop")
    (name, has_nonces), port = request.param, free_port()
    settings = {
        "REQUIRES_AUTH_ISSUER": provider,
        "REQUIRES_AUTH_AUDIENCE": ORDERS,
        "REQUIRES_AUTH_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "REQUIRES_AUTH_DPOP_MODE": "required",
    }
    if has_nonces:
        settings["REQUIRES_AUTH_DPOP_NONCE_SECRET"] = "a secret that makes the nonces of this test"
    server, app = COMMANDS[name]
    arguments = ["--bind", f"127.0.0.1:{port}"] if server == "gunicorn" else ["--port", str(port)]
    command = python("-m", server, *arguments, "--log-level", "warning", app)
    with serving(command, settings, EXAMPLES, port) as running:
        running.name = "nonces" if has_nonces else ""
        yield running


def told(client: str, issuer: str, api: Server, algorithm: str) -> dict[str, Any]:
    node = shutil.which("node") or "node"
    urls = (f"{api.url}/user/info", algorithm, f"{api.url}/api/items")
    command = [node, "client.mjs", client, issuer, ORDERS, *urls]
    ended = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


@pytest.mark.parametrize(
    ("client", "algorithm"), [("openid-client", "ES256"), ("oauth4webapi", "Ed25519"), ("dpop", "ES256")]
)
def test_a_client_passes_once_and_a_thief_never(
    provider: str,  # noqa: F811
    api: Server,
    client: str,
    algorithm: str,
) -> None:
    answer = told(client, provider, api, algorithm)
    assert (answer["status"], json.loads(answer["body"])) == (200, {"sub": "machine"})
    assert (answer["type"].lower(), answer["algorithm"]) == ("dpop", algorithm)
    # One more where the first answer gave the nonce.
    assert answer["requests"] == (2 if api.name else 1)
    assert answer["another_method"] in ("401 invalid_dpop_proof proof_method", "405")
    thefts = ("copied", "elsewhere", "without_proof", "as_bearer", "by_stranger")
    assert {theft: answer[theft] for theft in thefts} == {
        "copied": "401 invalid_dpop_proof proof_reused",
        "elsewhere": "401 invalid_dpop_proof proof_url",
        "without_proof": "401 invalid_dpop_proof proof_missing",
        "as_bearer": "401 invalid_token binding_mismatch",
        "by_stranger": "401 invalid_token binding_mismatch",
    }
