"""The path of a request, as its client wrote it: real servers decode it, and the guard has to see it as it was."""

from __future__ import annotations

import http.client
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from adapters import Server, free_port, python, serving

from requires_auth import RequiresAuth

TESTS = Path(__file__).parent

PATHS = [
    "/orders",
    "/a%2fb",
    "/a%2Fb",
    "/a;x=1/b",
    "/a//b",
    "//a",
    "/%7euser/%41",
    "/caf%c3%a9",
    "/a%20b",
    "/a/../b",
    "/%3F",
]


def command_of(name: str, port: int) -> list[str]:
    uvicorn = python("-m", "uvicorn", "--port", str(port), "--log-level", "warning")
    gunicorn = python("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "warning")
    return {
        "gunicorn": [*gunicorn, "path_site:wsgi"],
        "gunicorn behind a proxy": [*gunicorn, "path_site:behind_proxy"],
        "gunicorn with django": [*gunicorn, "path_site:django_wsgi"],
        "werkzeug": python("path_site.py", str(port)),
        "uvicorn": [*uvicorn, "path_site:asgi"],
        "uvicorn with h11": [*uvicorn, "--http", "h11", "path_site:asgi"],
        "uvicorn behind a proxy": [*uvicorn, "--root-path", "/api", "path_site:asgi"],
        "uvicorn with django": [*uvicorn, "path_site:django_asgi"],
    }[name]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    with ExitStack() as running:
        found: dict[str, Server] = {}

        class Started(dict[str, Server]):
            def __missing__(self, name: str) -> Server:
                port = free_port()
                server = running.enter_context(serving(command_of(name, port), {}, TESTS, port))
                self[name] = server
                return server

        found = Started()
        yield found


def told(server: Server, target: bytes, *headers: str) -> str:
    """The path that the guard has read from a request with this target."""
    head = b"\r\n".join([b"GET " + target + b" HTTP/1.1", b"Host: x", b"Connection: close", *map(str.encode, headers)])
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head + b"\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 200
        return response.read().decode()


EACH = ["gunicorn", "gunicorn with django", "werkzeug", "uvicorn", "uvicorn with h11", "uvicorn with django"]


@pytest.mark.parametrize("name", EACH)
def test_a_path_is_seen_as_it_was_sent(servers: dict[str, Server], name: str) -> None:
    for path in PATHS:
        if (name, path) != ("werkzeug", "//a"):  # http.server of Python takes one of the slashes away
            assert told(servers[name], path.encode() + b"?q=%2f") == path, path
    if name != "uvicorn with h11":  # it takes the whole URL for a path, which no route has
        assert told(servers[name], b"http://other.test/a%2fb?q") == "/a%2fb"


@pytest.mark.parametrize("name", ["gunicorn", "werkzeug", "uvicorn", "uvicorn with h11"])
def test_the_path_that_an_application_is_mounted_at_is_a_part_of_it(servers: dict[str, Server], name: str) -> None:
    for path in ["/mount/a%2fb", "/mount/a//b", "/mount/mount/a", "/%6dount/a", "/mount/"]:
        assert told(servers[name], path.encode()) == path


def test_what_a_proxy_has_taken_away_is_put_before_it(servers: dict[str, Server]) -> None:
    flask = servers["gunicorn behind a proxy"]
    assert told(flask, b"/a%2fb", "X-Forwarded-Prefix: /api") == "/api/a%2fb"
    assert told(flask, b"/api/a%2fb", "X-Forwarded-Prefix: /api") == "/api/api/a%2fb"
    assert told(flask, b"/a%2fb") == "/a%2fb"
    assert told(servers["uvicorn behind a proxy"], b"/a%2fb") == "/api/a%2fb"


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ({"path": "/a b/c"}, "/a%20b/c"),
        ({"path": "/a/b", "raw_path": None}, "/a/b"),
        ({"path": "/a/b", "raw_path": b""}, "/a/b"),
        ({"path": "/a/b", "raw_path": b"/a%2fb"}, "/a%2fb"),
        ({"path": "/a/b", "raw_path": b"*"}, "/a/b"),
        ({"path": "/a", "raw_path": b"/a%2"}, "/a%2"),
        ({"path": "/a", "raw_path": b"/a%zz%"}, "/a%zz%"),
        ({"path": "/a", "raw_path": b"/a#\nb\x00\xff"}, "/a%23%0Ab%00%FF"),
        ({"path": "/a", "raw_path": b"/a", "root_path": "/api"}, "/api/a"),
        ({"path": "/api/a", "raw_path": b"/a", "root_path": "/api"}, "/api/a"),
        ({"path": "/api/a", "raw_path": b"/%61pi/a", "root_path": "/api"}, "/%61pi/a"),
        ({"path": "/apis", "raw_path": b"/apis", "root_path": "/api"}, "/api/apis"),
        ({"path": "/api", "raw_path": b"/api", "root_path": "/api/"}, "/api"),
        ({"path": "/a", "root_path": "/api"}, "/api/a"),
        ({"path": "/api/a", "root_path": "/api"}, "/api/a"),
        ({"path": "/é", "raw_path": b"/%C3%A9", "root_path": "/ü"}, "/%C3%BC/%C3%A9"),
    ],
)
def test_what_a_scope_tells(
    guard: RequiresAuth, caplog: pytest.LogCaptureFixture, scope: dict[str, Any], path: str
) -> None:
    caplog.set_level(logging.INFO, "requires_auth")
    guard.admit_asgi({"type": "http", "method": "GET", "headers": [], **scope})
    assert caplog.records[-1].__dict__["requires_auth"]["path"] == path


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/a b"}, "/api/a%20b"),
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/api/a"}, "/api/api/a"),
        ({"PATH_INFO": "/a/b", "REQUEST_URI": "/a%2fb?x"}, "/a%2fb"),
        ({"PATH_INFO": "/a/b", "RAW_URI": "/a%2fb?x", "REQUEST_URI": "/other"}, "/a%2fb"),
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/a", "REQUEST_URI": "https://x/api/a"}, "/api/a"),
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/a", "REQUEST_URI": "/a"}, "/api/a"),
        ({"SCRIPT_NAME": "/", "PATH_INFO": "/a", "REQUEST_URI": "/a"}, "/a"),
        ({"PATH_INFO": "/a", "REQUEST_URI": "https://x"}, "/a"),
        ({"PATH_INFO": "/a", "REQUEST_URI": "*"}, "/a"),
        ({"PATH_INFO": "/rewritten", "REQUEST_URI": "/a"}, "/a"),
    ],
)
def test_what_an_environment_tells(
    guard: RequiresAuth, caplog: pytest.LogCaptureFixture, environ: dict[str, str], path: str
) -> None:
    caplog.set_level(logging.INFO, "requires_auth")
    guard.admit_wsgi({"REQUEST_METHOD": "GET", **environ})
    assert caplog.records[-1].__dict__["requires_auth"]["path"] == path
