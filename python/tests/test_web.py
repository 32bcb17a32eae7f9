"""Requests as WSGI and ASGI show them."""

from __future__ import annotations

import logging
from collections import UserDict
from typing import TYPE_CHECKING, Any

import pytest

from requires_auth import Admission, RequiresAuth
from requires_auth._core import TestIssuer

if TYPE_CHECKING:
    from requires_auth import Refusal


@pytest.fixture
def bearer(issuer: TestIssuer) -> str:
    return f"Bearer {issuer.token()}"


def wsgi(guard: RequiresAuth, **environ: str) -> Admission | Refusal:
    return guard.admit_wsgi({"REQUEST_METHOD": "GET", "PATH_INFO": "/", **environ})


def asgi(guard: RequiresAuth, *headers: tuple[bytes, bytes], **scope: Any) -> Admission | Refusal:
    return guard.admit_asgi({"type": "http", "path": "/", "headers": headers, **scope})


def reason(outcome: Admission | Refusal) -> str:
    """Why the request is refused; empty if it is not."""
    return "" if isinstance(outcome, Admission) else (outcome.error.reason or outcome.error.code)


def path_in_log(caplog: pytest.LogCaptureFixture) -> str:
    [record] = caplog.records
    path: str = record.__dict__["requires_auth"]["path"]
    return path


def test_both_admit_a_token(issuer: TestIssuer, guard: RequiresAuth, bearer: str) -> None:
    for outcome in (
        wsgi(guard, HTTP_AUTHORIZATION=bearer),
        asgi(guard, (b"authorization", bearer.encode())),
        asgi(guard, (b"Authorization", bearer.encode()), type="websocket"),
        guard.admit_asgi({"path": "/", "headers": [[b"authorization", bearer.encode()]]}),
        guard.admit_wsgi(UserDict(REQUEST_METHOD="GET", HTTP_AUTHORIZATION=bearer)),
    ):
        assert isinstance(outcome, Admission)
        assert outcome.kind == "token"
    assert reason(wsgi(guard)) == reason(asgi(guard)) == "auth.authorization_header_missing"


def test_two_header_lines_stay_two(guard: RequiresAuth, bearer: str) -> None:
    line = (b"authorization", bearer.encode())
    assert reason(asgi(guard, line, line)) == "invalid_request"


def test_what_the_server_has_decoded_does_not_begin_the_query(guard: RequiresAuth, bearer: str) -> None:
    """`/a%3Faccess_token=x` is a path; `/a?access_token=x` has a token in its query beside the header."""
    path, query = "/a?access_token=x", "access_token=x"
    line = (b"authorization", bearer.encode())
    assert reason(wsgi(guard, PATH_INFO=path, HTTP_AUTHORIZATION=bearer)) == ""
    assert reason(wsgi(guard, SCRIPT_NAME=path, HTTP_AUTHORIZATION=bearer)) == ""
    assert reason(asgi(guard, line, path=path, query_string=b"")) == ""
    assert reason(wsgi(guard, PATH_INFO="/a", QUERY_STRING=query, HTTP_AUTHORIZATION=bearer)) == "invalid_request"
    assert reason(asgi(guard, line, path="/a", query_string=query.encode())) == "invalid_request"


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/orders", "QUERY_STRING": "page=2"}, "/api/orders"),
        # The server has decoded `%0A`, `%3F` and UTF-8.
        ({"PATH_INFO": "/a\nb?c"}, "/a%0Ab%3Fc"),
        ({"PATH_INFO": "/\xc3\xa9"}, "/%C3%A9"),
        ({"PATH_INFO": "/\u20ac"}, "/%FF"),
    ],
)
def test_paths_of_wsgi(
    guard: RequiresAuth, caplog: pytest.LogCaptureFixture, environ: dict[str, str], path: str
) -> None:
    caplog.set_level(logging.INFO, "requires_auth")
    wsgi(guard, **environ)
    assert path_in_log(caplog) == path


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ({"path": "/orders", "query_string": b"page=2&q=\xe9"}, "/orders"),
        ({"path": "/\u00e9\n"}, "/%C3%A9%0A"),
        ({"path": "/a b/;x=1"}, "/a%20b/;x=1"),
    ],
)
def test_paths_of_asgi(guard: RequiresAuth, caplog: pytest.LogCaptureFixture, scope: dict[str, Any], path: str) -> None:
    caplog.set_level(logging.INFO, "requires_auth")
    asgi(guard, (b"x-request-id", b"r-1"), method="POST", **scope)
    assert path_in_log(caplog) == path
    fields = caplog.records[0].__dict__["requires_auth"]
    assert (fields["method"], fields["request_id"]) == ("POST", "r-1")


@pytest.mark.parametrize("glue", [", ", ",", ", \t "])
@pytest.mark.parametrize("other", ["Bearer b", "Basic c", "Bearer b,Basic c"])
def test_lines_that_a_server_has_joined_are_two(guard: RequiresAuth, bearer: str, glue: str, other: str) -> None:
    assert reason(wsgi(guard, HTTP_AUTHORIZATION=f"{bearer}{glue}{other}")) == "invalid_request"


@pytest.mark.parametrize("rest", [", x", ",x", ",", " ,"])
def test_a_comma_without_a_scheme_behind_it_is_part_of_the_value(guard: RequiresAuth, bearer: str, rest: str) -> None:
    assert reason(wsgi(guard, HTTP_AUTHORIZATION=bearer + rest)) == "auth.authorization_token_invalid_format"
    digest = 'Digest username="alice", realm="x"'
    assert reason(wsgi(guard, HTTP_AUTHORIZATION=digest)) == "auth.authorization_token_type_not_supported"


def test_preflights(guard: RequiresAuth) -> None:
    own = {"HTTP_ORIGIN": "https://app.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}
    passed = wsgi(guard, **{**own, "REQUEST_METHOD": "OPTIONS"})
    assert isinstance(passed, Admission)
    assert passed.kind == "preflight"
    lines = [(b"origin", b"https://app.example"), (b"access-control-request-method", b"GET")]
    passed = asgi(guard, *lines, method="OPTIONS")
    assert isinstance(passed, Admission)
    assert passed.kind == "preflight"


def test_what_is_no_request(guard: RequiresAuth) -> None:
    with pytest.raises(KeyError, match="REQUEST_METHOD"):
        guard.admit_wsgi({})
    with pytest.raises(KeyError, match="headers"):
        guard.admit_asgi({"path": "/"})
    with pytest.raises(TypeError, match="path"):
        guard.admit_asgi({"path": b"/", "headers": []})
    with pytest.raises(TypeError):
        guard.admit_asgi({"path": "/", "headers": [("authorization", "x")]})
    with pytest.raises(TypeError):
        guard.admit_wsgi([])  # type: ignore[arg-type]
