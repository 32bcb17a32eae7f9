"""How a refusal leaves Flask: returned and kept to the end of the request, or raised where no HTTP answer is made."""

from __future__ import annotations

from importlib import import_module
from inspect import currentframe
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Response, after_this_request, request

from requires_auth import AuthorizationHeaderMissing

if TYPE_CHECKING:
    from types import FrameType

    from requires_auth import AuthError, IssuerUnavailable, StateUnavailable

_EXPOSE = "Access-Control-Expose-Headers"
_STALE = (
    *("Content-Encoding", "Content-Disposition", "Content-Language", "Content-Location", "Content-Range"),
    *("Content-MD5", "Content-Digest", "Digest", "Repr-Digest", "ETag", "Last-Modified", "Expires", "Accept-Ranges"),
    *("Transfer-Encoding", "Trailer", "Location", "Refresh", "X-Sendfile", "X-Accel-Redirect"),
)
"""Headers that describe another body, or by which a client or a proxy gets one."""

DISPATCHERS = {Flask.wsgi_app.__code__, Flask.full_dispatch_request.__code__}
"""What runs while Flask answers an HTTP request."""


def kept(refusal: Response, error: AuthError | IssuerUnavailable | StateUnavailable) -> Response:
    """Has a refusal sent as it is, whatever the decorators above the guard make of the view's return value.

    Raises:
        AuthError: nobody would send it. What is called by Flask-SocketIO or by a job answers no HTTP request, and its
            caller takes a returned response for success.
        IssuerUnavailable: likewise.
    """
    if _is_event():
        raise _for_socketio(error)
    put_back = _putting_back(refusal)

    @after_this_request
    def at_last(response: Any) -> Any:
        # The decorators above the guard may have asked for something since: this comes after it.
        after_this_request(put_back)
        return response

    if not _is_dispatching():
        raise error
    return refusal


def check_dispatching() -> None:
    """Has a preflight answered only where an answer is sent.

    Raises:
        AuthError: nobody would send it.
    """
    error = AuthorizationHeaderMissing()
    if _is_event():
        raise _for_socketio(error)
    if not _is_dispatching():
        raise error


def _putting_back(refusal: Response) -> Any:
    status, body, headers = refusal.status_code, refusal.get_data(), list(refusal.headers)

    def put_back(response: Any) -> Any:
        same = all(response.headers.get(name) == value for name, value in headers if name != _EXPOSE)
        same = same and not any(name in response.headers for name in _STALE)
        if response.status_code == status and same and not response.is_streamed and response.get_data() == body:
            return response
        for name in _STALE:
            response.headers.pop(name, None)
        replaced = response.response
        response.direct_passthrough = False
        response.status_code = status
        response.set_data(body)
        if hasattr(replaced, "close"):
            replaced.close()
        for name, value in headers:
            if name != _EXPOSE or name not in response.headers:  # `@cross_origin` may have one with more in it
                response.headers[name] = value
        return response

    return put_back


def _is_event() -> bool:
    """Whether Flask-SocketIO calls, which gives each of its requests these attributes."""
    return all(hasattr(request, name) for name in ("sid", "namespace", "event"))


def _is_dispatching() -> bool:
    frame: FrameType | None = currentframe()
    while frame is not None:
        if frame.f_code in DISPATCHERS:
            return True
        frame = frame.f_back
    return False


def _for_socketio(error: AuthError | IssuerUnavailable | StateUnavailable) -> Exception:
    """The error to raise in an event of Socket.IO: only its own kind turns a client away at `connect`.

    Flask-SocketIO hands any other to the application's handler of errors, and lets the client in if that returns.
    """
    if cast("Any", request).event.get("message") != "connect":
        return error
    turned_away = import_module("socketio.exceptions").ConnectionRefusedError
    kind: Any = type(type(error).__name__, (type(error), turned_away), {"__module__": __name__})
    refused = kind(error.message, headers=error.headers)
    for name, value in vars(error).items():
        setattr(refused, name, value)
    refused.error_args = {"message": error.message, "data": {"code": error.code, "status": error.status}}
    return cast("Exception", refused)
