"""Notices a guard in the wrong place among the decorators of a view of Flask or Quart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Flask

from requires_auth import _order
from requires_auth._flask_refusal import DISPATCHERS
from requires_auth._options import Adapter
from requires_auth._order import cache_among, cache_calling, caches_of, check_function, has_guard, holders

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable
    from types import CodeType

_ADVICE = (
    "the guard stands above `@app.route` and would never be called, so the view would be open. "
    "Write the guard below it, next to `def`:\n"
    '    @app.route("/path")\n    @requires_auth\n    def {name}(): ...\n'
    "A view that is registered elsewhere is guarded by `protect(app)`."
)
_CLASS_ADVICE = (
    "write `decorators = [requires_auth]` in the class, or `method_decorators = [requires_auth]` in a `Resource`"
)
_REGISTRIES = ("view_functions", "before_request_funcs", "before_websocket_funcs")
SOCKETIO = "socketio"
"""Where Flask-SocketIO keeps itself in an application, and the name by which `exempt` leaves it alone."""


def check_order(view: Callable[..., Any]) -> None:
    """Refuses to guard what Flask would call without the guard.

    Decorators run from the bottom up: with the guard above `@app.route`, Flask has registered the bare function by
    the time that the guard sees it, and would go on to call it without the guard.

    Raises:
        RuntimeError: an application, a blueprint or Flask-SocketIO holds the function already.
        TypeError: it is a class, or no function at all.
    """
    check_function(view, _CLASS_ADVICE)
    _order.check_order(view, _is_registry, _ADVICE)


def check_views(app: Any, guarded: Iterable[Callable[..., Any]]) -> None:
    """Looks through the views that an application has so far.

    Args:
        app: the application.
        guarded: functions that a guard stands above.

    Raises:
        RuntimeError: a view is open as for `check_uncalled`, or a cache stands above a guard.
    """
    check_uncalled(app, guarded)
    for endpoint, view in app.view_functions.items():
        check_caches(endpoint, view)


def check_uncalled(app: Any, guarded: Iterable[Callable[..., Any]]) -> None:
    """Looks for views of an application whose guard is never called.

    Raises:
        RuntimeError: one of these functions is registered without its guard, or a class has its guard where nothing
            looks for it.
    """
    bare = list(guarded)
    for endpoint, view in app.view_functions.items():
        if any(view is function for function in bare):
            name = getattr(view, "__name__", "view")
            raise RuntimeError(f"{endpoint}: {_ADVICE.format(name=name)}")
        _check_class(endpoint, getattr(view, "view_class", None))


def _check_class(endpoint: str, view_class: object) -> None:
    """Refuses a guard in `method_decorators` that a class does not apply.

    Only the resources of Flask-RESTful and Flask-RESTX read this attribute; a dictionary has names of methods in lower
    case.
    """
    decorators = getattr(view_class, "method_decorators", None)
    entries = cast("dict[str, Any]", decorators) if isinstance(decorators, dict) else {"": decorators or ()}
    names = [name for name, each in entries.items() if any(map(_is_guard, each if _is_list(each) else [each]))]
    if not names:
        return
    if not _reads_method_decorators(view_class):
        raise RuntimeError(
            f"{endpoint}: nothing reads `method_decorators` in this class, so the view would be open: write "
            "`decorators = [requires_auth]`"
        )
    for name in names:
        if name != name.lower():
            raise RuntimeError(
                f"{endpoint}: `method_decorators` has {name!r}, which no method is called, so it would be open: write "
                f"{name.lower()!r}"
            )


def _reads_method_decorators(view_class: object) -> bool:
    """Whether a method of the class names the attribute."""
    classes: Iterable[type] = getattr(view_class, "__mro__", ())
    code = [getattr(member, "__code__", None) for cls in classes for member in vars(cls).values()]
    return any("method_decorators" in (*each.co_names, *each.co_consts) for each in code if each is not None)


def _is_list(decorators: object) -> bool:
    return isinstance(decorators, (list, tuple))


def _is_guard(decorator: object) -> bool:
    return isinstance(decorator, Adapter) or has_guard(decorator)


def check_caches(endpoint: str | None, view: object) -> None:
    """Refuses a view that keeps answers above its guard: it would give those of one caller to all others.

    Raises:
        RuntimeError: a cache stands above the guard.
    """
    view_class = getattr(view, "view_class", None)
    later = getattr(view_class, "method_decorators", ())
    lists = list(cast("dict[str, Any]", later).values()) if isinstance(later, dict) else [later]
    cache = caches_of(view) or next(filter(None, (cache_among(each, _is_guard) for each in lists)), None)
    if cache is not None:
        raise _cache_above(endpoint, cache)


def check_call(endpoint: str | None, view: object, dispatchers: Container[CodeType] = DISPATCHERS) -> bool:
    """Looks at the view of the current request when its guard is first asked.

    Args:
        endpoint: its name.
        view: what the application has registered.
        dispatchers: the code that runs while the framework answers a request.

    Returns:
        Whether there is a guard among its decorators, so that it need not be looked at again.

    Raises:
        RuntimeError: a cache stands above the guard, or has called a function with a guard.
    """
    check_caches(endpoint, view)
    cache = cache_calling(dispatchers)
    if cache is not None:
        raise _cache_above(endpoint, cache)
    return has_guard(view)


def _cache_above(endpoint: str | None, cache: str) -> RuntimeError:
    return RuntimeError(
        f"{endpoint}: {cache} stands above the guard, so what one caller may see is given to everybody. "
        f"Write the guard above it:\n"
        f'    @app.route("/path")\n    @requires_auth\n    @cache.cached()\n    def view(): ...'
    )


def check_socketio(app: object) -> None:
    """Refuses to protect an application as a whole that also answers Socket.IO, which Flask never sees.

    Raises:
        RuntimeError: the application has Flask-SocketIO.
    """
    if isinstance(app, Flask) and SOCKETIO in app.extensions:
        raise RuntimeError(
            "protect(app) does not cover Flask-SocketIO, whose events pass Flask by. Guard the `connect` handler "
            'of each namespace, and then say so with `exempt=["static", "socketio"]`:\n'
            '    @socketio.on("connect")\n    @requires_auth\n    def connect(*_): ...'
        )


def _is_registry(holder: object, view: object) -> bool:
    """Whether this is the `view_functions` of an application, or a list of its `before_request_funcs`."""
    if isinstance(holder, list):
        return any(_is_attribute(owner) for owner in holders(cast("object", holder)))
    return _is_attribute(holder)


def _is_attribute(registry: object) -> bool:
    """Whether this is a dictionary that an application or a blueprint has as one of its registries."""
    if not isinstance(registry, dict):
        return False
    for owner in holders(cast("object", registry)):
        # Depending on the Python, an object holds its attributes itself or by a dictionary.
        if isinstance(owner, dict):
            attributes = cast("dict[str, object]", owner)
            if any(attributes.get(name) is registry for name in _REGISTRIES):
                return True
        elif any(getattr(owner, "__dict__", {}).get(name) is registry for name in _REGISTRIES):
            return True
    return False
