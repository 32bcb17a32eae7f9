"""Notices a guard above what registers a handler of aiohttp, and handlers that are registered without theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from requires_auth import _order
from requires_auth._order import check_function, has_guard, holders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ADVICE = (
    "the guard stands above `@routes.get` and would never be called, so the handler would be open. "
    "Write the guard below it, next to `def`:\n"
    '    @routes.get("/path")\n    @requires_auth\n    async def {name}(request): ...'
)
_CLASS_ADVICE = "write the guard above each method of the `web.View`, or take `auth.middleware()`"


def check_order(handler: Callable[..., Any]) -> None:
    """Refuses to guard what aiohttp would call without the guard.

    Raises:
        RuntimeError: a route has the function already.
        TypeError: it is a class, or not a function at all.
    """
    check_function(handler, _CLASS_ADVICE)
    if not has_guard(handler):  # what has one already is not open
        _order.check_order(handler, _is_registry, _ADVICE)


def check_middleware(args: Iterable[object]) -> None:
    """Refuses what aiohttp calls a middleware with: the guard, or the method that makes one, is among the middlewares.

    Raises:
        TypeError: an argument is an application or a request.
    """
    if any(isinstance(argument, (web.Application, web.BaseRequest)) for argument in args):
        raise TypeError("a middleware is made by a call: write middlewares=[requires_auth.middleware()]")


def check_routes(app: web.Application, guarded: Iterable[object]) -> None:
    """Looks through the routes of an application.

    Raises:
        RuntimeError: one of these functions is a handler without its guard.
    """
    bare = list(guarded)
    for route in app.router.routes():
        if any(route.handler is function for function in bare):
            name = getattr(route.handler, "__name__", "handler")
            raise RuntimeError(f"{route!r}: {_ADVICE.format(name=name)}")


def _is_registry(holder: object, handler: object) -> bool:
    # Depending on the Python, an object holds its attributes itself or by a dictionary.
    if isinstance(holder, dict):
        attributes = cast("dict[str, object]", holder)
        if attributes.get("_handler") is not handler and attributes.get("handler") is not handler:
            return False
        return any(map(_is_route, holders(cast("object", attributes))))
    return _is_route(holder)


def _is_route(owner: object) -> bool:
    return isinstance(owner, (web.RouteDef, web.AbstractRoute))
