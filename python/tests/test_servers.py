"""Real servers: gunicorn and uvicorn, with requests over the wire."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from adapters import EXAMPLES, ORIGIN, PREFLIGHT, Server, bearer, free_port, python, serving

from requires_auth.testing import TestIssuer

TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def issuer() -> Iterator[TestIssuer]:
    issuer = TestIssuer()
    issuer.serve()
    yield issuer
    issuer.stop()


def environment(issuer: TestIssuer) -> dict[str, str]:
    return {"REQUIRES_AUTH_ISSUER": issuer.issuer, "REQUIRES_AUTH_AUDIENCE": issuer.audience}


def gunicorn(*arguments: str, port: int) -> list[str]:
    return python("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "warning", *arguments)


@pytest.fixture(scope="module")
def guide(issuer: TestIssuer) -> Iterator[Server]:
    port = free_port()
    with serving(gunicorn("guide_app:app", port=port), environment(issuer), TESTS, port) as server:
        yield server


def test_the_guides_application_under_gunicorn(guide: Server, issuer: TestIssuer) -> None:
    preflight = guide.ask("OPTIONS", "/user/info", PREFLIGHT)
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()

    missing = guide.ask("GET", "/user/info", {"Origin": ORIGIN})
    assert missing.status == 401
    assert missing.json()["code"] == "auth.authorization_header_missing"
    assert missing.headers["www-authenticate"] == "Bearer"
    assert missing.headers["access-control-expose-headers"] == "WWW-Authenticate"
    assert missing.headers["access-control-allow-origin"] in ("*", ORIGIN)

    allowed = guide.ask("GET", "/user/info", {"Origin": ORIGIN, **bearer(issuer.token(sub="user-1"))})
    assert (allowed.status, allowed.json()) == (200, {"userId": "user-1"})
    assert allowed.headers["access-control-allow-origin"] in ("*", ORIGIN)


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        (["Bearer {}", "Bearer {}"], 400, "invalid_request"),
        (["Bearer {}", "Basic YQ=="], 400, "invalid_request"),
        (["Bearer {}, x"], 401, "auth.authorization_token_invalid_format"),
        (["bearer   {}"], 200, None),
        (["Basic YQ=="], 401, "auth.authorization_token_type_not_supported"),
        (["Bearer"], 401, "auth.authorization_token_invalid_format"),
        (["Bearer \xe9"], 401, "auth.authorization_token_invalid_format"),
    ],
)
@pytest.mark.parametrize("adapter", ["flask", "fastapi", "django"])
def test_headers_over_the_wire(
    guide: Server,
    others: dict[str, Server],
    issuer: TestIssuer,
    adapter: str,
    values: list[str],
    status: int,
    code: str,
) -> None:
    server = guide if adapter == "flask" else others[adapter]
    lines = "".join(f"Authorization: {value.format(issuer.token())}\r\n" for value in values)
    request = f"GET /user/info HTTP/1.1\r\nHost: localhost\r\n{lines}Connection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(request.encode("latin-1"))
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read().decode()
    assert response.status == status
    if code:
        assert f'"{code}"' in body


@pytest.fixture(scope="module")
def others(issuer: TestIssuer) -> Iterator[dict[str, Server]]:
    ports = {"fastapi": free_port(), "django": free_port()}
    uvicorn = python("-m", "uvicorn", "--port", str(ports["fastapi"]), "--log-level", "warning", "fastapi_app:app")
    django = gunicorn("django_app:application", port=ports["django"])
    with (
        serving(uvicorn, environment(issuer), EXAMPLES, ports["fastapi"]) as fastapi,
        serving(django, environment(issuer), EXAMPLES, ports["django"]) as with_django,
    ):
        yield {"fastapi": fastapi, "django": with_django}


@pytest.mark.parametrize("name", ["fastapi", "django"])
def test_the_other_examples_on_their_servers(others: dict[str, Server], issuer: TestIssuer, name: str) -> None:
    server = others[name]
    assert server.ask("GET", "/api/items", bearer(issuer.token("read:items"))).json() == ["apples", "pears"]
    assert server.ask("GET", "/api/items").status == 401
    assert server.ask("OPTIONS", "/api/items", PREFLIGHT).status in (200, 204)
    head = server.ask("HEAD", "/user/info")
    assert (head.status, head.body) in ((401, b""), (405, b""))


def test_django_under_uvicorn(issuer: TestIssuer) -> None:
    port = free_port()
    command = python("-m", "uvicorn", "--port", str(port), "--log-level", "warning", "asgi_site:application")
    with serving(command, environment(issuer), TESTS, port) as server:
        assert server.ask("GET", "/me", bearer(issuer.token(sub="bob"))).json()["sub"] == "bob"
        assert server.ask("GET", "/orders", bearer(issuer.token("read:orders"))).status == 200
        assert server.ask("GET", "/orders").json()["code"] == "auth.authorization_header_missing"
        lines = [
            "GET /orders HTTP/1.1",
            "Host: x",
            "Authorization: Bearer a",
            "Authorization: Bearer b",
            "",
            "",
        ]
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall("\r\n".join(lines).encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("worker", [(), ("--threads", "4")])
def test_gunicorn_with_preload_serves_from_the_first_request_of_each_worker(
    issuer: TestIssuer, worker: tuple[str, ...]
) -> None:
    port = free_port()
    command = gunicorn("--preload", "--workers", "4", *worker, "preloaded_app:app", port=port)
    headers = bearer(issuer.token())
    with serving(command, environment(issuer), TESTS, port) as server:
        workers: set[int] = set()
        failures: list[int] = []
        deadline = time.monotonic() + 60

        def ask() -> None:
            while len(workers) < 4 and not failures and time.monotonic() < deadline:
                answer = server.ask("GET", "/pid", headers)
                if answer.status == 200:
                    workers.add(answer.json()["pid"])
                else:
                    failures.append(answer.status)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(workers) == 4
