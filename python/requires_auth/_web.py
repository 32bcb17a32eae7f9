"""Views of a request for the guard, and answers that need no framework. Nothing is decided here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requires_auth import AuthError, IssuerUnavailable

Headers = list[tuple[str, str]]
"""Headers in their order."""

READ = ("authorization", "origin", "access-control-request-method", "x-request-id")
"""The headers that a guard reads. The others stay where they are, which saves copying them."""

_ENVIRON = tuple(("HTTP_" + name.upper().replace("-", "_"), name) for name in READ)
_ASGI = frozenset(name.encode() for name in READ)

# The comma rule of WSGI: servers join repeated header lines with one, so `Bearer a, Bearer b` was two headers.
_ANOTHER_SCHEME = re.compile(r",[ \t]*(?=[!#$%&'*+.^_`|~0-9A-Za-z-]+ )")

_SAFE_IN_PATHS = "/:@!$&'()*+,;=~"
_is_safe_path = re.compile(f"[-._0-9A-Za-z{re.escape(_SAFE_IN_PATHS)}]*").fullmatch


def wsgi_request(environ: Mapping[str, Any]) -> tuple[str, str, Headers]:
    """Method, URL and headers of a WSGI (or Django) request."""
    headers = [(name, environ[key]) for key, name in _ENVIRON if key in environ]
    if headers and headers[0][0] == "authorization" and "," in headers[0][1]:
        headers[:1] = [("authorization", value) for value in _ANOTHER_SCHEME.split(headers[0][1])]
    url: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    if not _is_safe_path(url):
        # Servers decode the path: a `?` in it would begin the query too early.
        url = quote(url, safe=_SAFE_IN_PATHS, encoding="latin-1", errors="replace")
    if query := environ.get("QUERY_STRING"):
        url = f"{url}?{query}"
    return environ["REQUEST_METHOD"], url, headers


def asgi_request(scope: Mapping[str, Any]) -> tuple[str, str, list[tuple[bytes, bytes]]]:
    """Method, URL and headers of an ASGI connection; a WebSocket begins as a GET."""
    headers = [pair for pair in scope["headers"] if pair[0] in _ASGI]
    url: str = scope["path"]
    if not _is_safe_path(url):
        url = quote(url, safe=_SAFE_IN_PATHS, errors="replace")
    if query := scope.get("query_string"):
        url = f"{url}?{query.decode('latin-1')}"
    return scope.get("method", "GET"), url, headers


class Answer(Protocol):
    """An answer to a refused request, as `requires_auth.Refusal` is one."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> bytes: ...
    @property
    def error(self) -> AuthError | IssuerUnavailable: ...


@dataclass(frozen=True)
class OwnAnswer:
    """An answer that no guard has written."""

    status: int
    headers: Headers
    body: bytes
    error: AuthError | IssuerUnavailable


def answer_to(error: AuthError | IssuerUnavailable) -> OwnAnswer:
    """The answer to an error that was raised outside of a door, by `verify` for example."""
    body = {"code": error.code, "status": error.status, "message": error.message}
    if error.reason is not None:
        body["reason"] = error.reason
    headers = [(name, value) for name, value in error.headers if name != "content-type"]
    headers.insert(0, ("content-type", "application/json"))
    if error.status < 500 and not error.headers:
        headers.append(("cache-control", "no-store"))
    return OwnAnswer(error.status, headers, json.dumps(body, separators=(",", ":")).encode(), error)
