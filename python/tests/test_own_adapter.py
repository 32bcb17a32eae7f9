"""The adapter of `docs/guides/own-adapter-python.md`: its lines are run, and every vector is asked of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from adapters import PYTHON, WSGI_DIFFERS, Case
from more_vectors import Told, check_vectors, run
from test_dpop_vectors import environ_of

from requires_auth import RequiresAuth
from requires_auth.testing import TestIssuer

pytest_plugins = ["requires_auth.testing"]

PAGE = (PYTHON.parent / "docs" / "guides" / "own-adapter-python.md").read_text()
ADAPTER = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
FOUND: dict[str, Any] = {}
exec(compile(ADAPTER, "own-adapter-python.md", "exec"), FOUND)


def asked(app: Any, environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    began: list[Any] = []
    own = {"SERVER_NAME": "testserver", "SERVER_PORT": "80", "wsgi.url_scheme": "http", **environ}
    body = b"".join(app(own, lambda status, headers, *_: began.append((status, headers))))
    status, headers = began[-1]
    return int(status.split()[0]), {name.lower(): value for name, value in headers}, body


def test_it_has_thirty_lines() -> None:
    assert len([line for line in ADAPTER.splitlines() if line.strip()]) <= 30


@pytest.mark.parametrize("resource", [None, "https://api.example.com"])
def test_the_document_of_a_resource(auth_issuer: TestIssuer, resource: str | None) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("404 Not Found", [])
        return []

    auth = auth_issuer.guard(resource=resource)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/.well-known/oauth-protected-resource"}
    assert asked(FOUND["Guarded"](app, auth), environ)[0] == (401 if resource is None else 200)


def test_all_vectors() -> None:
    seen: dict[str, Any] = {}

    def app(environ: Any, start_response: Any) -> list[bytes]:
        token = environ["requires_auth.token"]
        seen.update(ran=True, told=dict(token.claims) if token else None)
        start_response("200 OK", [])
        return []

    async def ask(case: Case, guard: RequiresAuth, rule: Case) -> Told:
        seen.update(ran=False, told=None)
        guarded = FOUND["Guarded"](app, guard, rule.policy(), rule.optional)
        return Told(*asked(guarded, environ_of(case)), seen["ran"], seen["told"])

    run(check_vectors(ask, dict.fromkeys(WSGI_DIFFERS, "joined by a comma, it looks like one header")))
