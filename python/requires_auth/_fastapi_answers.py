"""How an application of Starlette or FastAPI learns to answer what this package raises."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketState

from requires_auth import AuthError, IssuerUnavailable, Refusal, StateUnavailable
from requires_auth._answers import Answer, answer_to
from requires_auth.starlette import refuse, with_headers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Receive, Scope, Send

_REFUSAL = "requires_auth.refusal"
_ADDED = "requires_auth.headers"
_TAUGHT = "_requires_auth_taught"
_NO_HANDLERS: tuple[dict[Any, Any]] = ({},)
"""Outside of an application: what is added here answers nothing."""


class Preflight(Exception):
    """Answers a preflight that no CORS middleware has taken: without a token it must not run a route."""


def refused(scope: Scope, refusal: Refusal) -> AuthError | IssuerUnavailable | StateUnavailable:
    """The exception for a refusal, which our handler finds again in the scope."""
    scope[_REFUSAL] = refusal
    return refusal.error


def add_headers(scope: Scope, added: Iterable[tuple[str, str]]) -> None:
    """Adds headers to the answer of the route, whatever makes it, where it has none of the name."""
    if (headers := scope.get(_ADDED)) is not None:
        headers.extend(added)


def teach_applications() -> None:
    """Lets every application that starts from now on answer errors that `verify` raises in a route, and add headers.

    Such a route need not depend on a guard, so no code of ours runs in the application before the error leaves it.
    Starlette has no other place for handlers that come with a package. And what a dependency of FastAPI adds to its
    `Response` is lost where the route returns a response of its own, or an exception handler does.
    """
    made: Any = ExceptionMiddleware.__init__
    if hasattr(made, _TAUGHT):
        return
    called: Any = ExceptionMiddleware.__call__

    @wraps(made)
    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        _add_handlers(self._exception_handlers)

    @wraps(called)
    async def call(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # A list, as a copy of the scope further in has the same one.
            send = with_headers(send, scope.setdefault(_ADDED, []))
        await called(self, scope, receive, send)

    setattr(make, _TAUGHT, True)
    ExceptionMiddleware.__init__ = make  # type: ignore[method-assign]
    ExceptionMiddleware.__call__ = call  # type: ignore[method-assign]


def teach(scope: Scope) -> None:
    """As `teach_applications`, for the application that serves this connection, however it was started."""
    if Preflight not in (handlers := scope.get("starlette.exception_handlers", _NO_HANDLERS)[0]):
        _add_handlers(handlers)


def _add_handlers(handlers: dict[Any, Any]) -> None:
    """Adds our handlers to those of the application, where it has none of its own."""
    handlers.setdefault(AuthError, _answer)
    handlers.setdefault(IssuerUnavailable, _answer)
    handlers.setdefault(StateUnavailable, _answer)
    handlers[Preflight] = _answer_preflight


async def _answer(
    connection: HTTPConnection, error: AuthError | IssuerUnavailable | StateUnavailable
) -> ASGIApp | None:
    refusal: Answer | None = connection.scope.get(_REFUSAL)
    answer = refusal if refusal is not None and refusal.error is error else answer_to(error)

    async def send_answer(scope: Scope, receive: Receive, send: Send) -> None:
        state = getattr(connection, "application_state", WebSocketState.CONNECTING)
        if state is WebSocketState.CONNECTING:
            await refuse(answer, scope, send)
        elif WebSocketState.DISCONNECTED not in (state, getattr(connection, "client_state", None)):
            # An accepted WebSocket has had its answer: it can only be closed.
            await send({"type": "websocket.close", "code": 1008, "reason": error.code})

    if isinstance(connection, WebSocket):
        # Not every Starlette sends what a handler of a WebSocket returns.
        await send_answer(connection.scope, connection.receive, connection.send)
        return None
    return send_answer


async def _answer_preflight(connection: HTTPConnection, error: Exception) -> Response:
    return Response(status_code=204)
