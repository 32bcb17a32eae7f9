"""How a refusal leaves Quart: returned, and kept to the end of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from quart import Quart, Response, after_this_request
from quart.ctx import after_this_websocket
from quart.wrappers import Websocket
from werkzeug.routing import RoutingException

from requires_auth._websocket import EXPIRED

if TYPE_CHECKING:
    from collections.abc import Collection

    from quart.wrappers import Request

    from requires_auth import Refusal

DISPATCHERS = {Quart.full_dispatch_request.__code__, Quart.full_dispatch_websocket.__code__}
"""What runs while Quart answers a request."""

_KEPT = ("access-control-", "set-cookie", "vary")
"""Headers that others may have added to a refusal: how their names begin."""


async def refuse(refusal: Refusal, connection: Request | Websocket) -> Response:
    """The answer to a refused request, which is sent whatever the decorators above the guard make of it."""
    is_websocket = isinstance(connection, Websocket)
    scope: Any = connection.scope
    if is_websocket and "websocket.http.response" not in (scope.get("extensions") or {}):
        await cast("Any", connection).close(EXPIRED, refusal.error.code)
    after: Any = after_this_websocket if is_websocket else after_this_request

    def at_last(response: Any) -> Any:
        # The decorators above the guard may have asked for something since: this comes after it.
        after(put_back)
        return response

    def put_back(response: Any) -> Any:
        kept = response_to(refusal)
        for name, value in () if response is None else response.headers.items():
            if name.lower().startswith(_KEPT):
                kept.headers[name] = value
        return kept

    after(at_last)
    return response_to(refusal)


def response_to(refusal: Refusal) -> Response:
    """The answer to a refused request as a response of Quart."""
    response = Response(refusal.body, refusal.status)
    for name, value in refusal.headers:
        response.headers[name] = value
    return response


def add_headers(added: Collection[tuple[str, str]]) -> None:
    """Adds headers to the answer of a view, where that has none of the name."""

    def add(response: Any) -> Any:
        for name, value in added:
            response.headers.setdefault(name, value)
        return response

    if added:
        after_this_request(add)


def answer_of_no_route(connection: Request | Websocket) -> Response | None:
    """The answer to a preflight that no route matches; None for a redirect, which Quart answers itself.

    The application's own handlers of errors are not run: they may show anything.
    """
    if isinstance(connection.routing_exception, RoutingException):
        return None
    return Response(b"", getattr(connection.routing_exception, "code", None) or 404)


def answers_preflights(app: Quart, connection: Request | Websocket) -> bool:
    """Whether a preflight, which shows no token, may run the view: only what is there for `OPTIONS`.

    The view runs by the method that the request has now: the application may have made another one of it.
    """
    rule = connection.url_rule
    if rule is None or connection.method != "OPTIONS":
        return False
    registered = app.view_functions.get(rule.endpoint)
    return rule.methods == {"OPTIONS"} or hasattr(getattr(registered, "view_class", None), "options")
