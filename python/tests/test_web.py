"""Views of requests."""

from __future__ import annotations

from typing import Any

import pytest

from requires_auth._web import asgi_request, wsgi_request


def wsgi(**environ: str) -> tuple[str, str, list[tuple[str, str]]]:
    return wsgi_request({"REQUEST_METHOD": "GET", **environ})


def asgi(**scope: Any) -> tuple[str, str, list[tuple[bytes, bytes]]]:
    return asgi_request({"headers": [], **scope})


def test_urls_of_wsgi() -> None:
    assert wsgi()[:2] == ("GET", "")
    assert wsgi(SCRIPT_NAME="/api", PATH_INFO="/orders", QUERY_STRING="page=2")[1] == "/api/orders?page=2"
    # The server has decoded `%3F`, `%0A` and UTF-8: none of them may become part of something else.
    assert wsgi(PATH_INFO="/a?access_token=x")[1] == "/a%3Faccess_token=x"
    assert wsgi(PATH_INFO="/a\nb")[1] == "/a%0Ab"
    assert wsgi(PATH_INFO="/\xc3\xa9")[1] == "/%C3%A9"


def test_urls_of_asgi() -> None:
    assert asgi(path="/orders", query_string=b"page=2&q=\xe9") == ("GET", "/orders?page=2&q=\xe9", [])
    assert asgi(method="POST", path="/a?access_token=x", query_string=b"")[:2] == ("POST", "/a%3Faccess_token=x")
    assert asgi(path="/é\n")[1] == "/%C3%A9%0A"


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("Bearer a", ["Bearer a"]),
        ("Bearer a, Bearer b", ["Bearer a", "Bearer b"]),
        ("Bearer a,Bearer b,Basic c", ["Bearer a", "Bearer b", "Basic c"]),
        ("Bearer a, \t Basic c", ["Bearer a", "Basic c"]),
        ("Bearer a, x", ["Bearer a, x"]),
        ("Bearer a,x", ["Bearer a,x"]),
        ("Bearer a,", ["Bearer a,"]),
        ('Digest username="alice", realm="x"', ['Digest username="alice", realm="x"']),
    ],
)
def test_the_comma_rule_of_wsgi(value: str, parts: list[str]) -> None:
    assert wsgi(HTTP_AUTHORIZATION=value)[2] == [("authorization", part) for part in parts]


def test_only_what_a_guard_reads() -> None:
    environ = {
        "HTTP_ORIGIN": "o",
        "HTTP_COOKIE": "c",
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET",
        "HTTP_X_REQUEST_ID": "1",
    }
    assert wsgi(**environ)[2] == [("origin", "o"), ("access-control-request-method", "GET"), ("x-request-id", "1")]
    headers = [(b"authorization", b"a"), (b"cookie", b"c"), (b"authorization", b"b")]
    assert asgi(path="/", headers=headers)[2] == [headers[0], headers[2]]
