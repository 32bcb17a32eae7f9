"""Notices a guard in the wrong place among the decorators of a Django view, and views that lack it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast
from weakref import WeakSet

from django.http import HttpRequest
from django.urls import URLPattern, get_resolver

from requires_auth import _order
from requires_auth._order import cache_calling, caches_of, check_function, has_guard, holders

__all__ = ["check_cache", "check_order", "refuse_requests", "wrong_views"]

_ADVICE = (
    "the view is registered without the guard, and would be open. Write the guard next to `def`, below what registers "
    'the view:\n    @requires_auth\n    def {name}(request): ...\n    urlpatterns = [path("path", {name})]'
)
_CLASS_ADVICE = 'write `@method_decorator(requires_auth, name="dispatch")`'
_REQUEST_ADVICE = (
    "the guard is a decorator of views, and was given a request: write it above `def`; "
    'for auth= of Django Ninja, take requires_auth.django.ninja.AccessTokenAuth("read:orders")'
)
_CACHE_ADVICE = (
    "{cache} stands above the guard, so what one caller may see would be given to everybody. "
    "Write the guard above it:\n    @requires_auth\n    @cache_page(60)\n    def view(request): ..."
)

_bare: WeakSet[Any] = WeakSet()
"""The functions that a guard stands above."""


def check_order(view: Callable[..., Any]) -> None:
    """Refuses to guard what Django, or Django Ninja, would call without the guard.

    Raises:
        RuntimeError: `path(..)` or a decorator of Ninja has the function already.
        TypeError: it is a class, a request, or not a function at all.
    """
    refuse_requests(view)
    check_function(view, _CLASS_ADVICE)
    if has_guard(view):
        return  # then it is not open
    _order.check_order(view, _is_registry, _ADVICE)
    with suppress(TypeError):  # what cannot be referred to weakly is made anew each time, and registered nowhere
        _bare.add(view)


def refuse_requests(*arguments: object) -> None:
    """Refuses a request where a view or scopes are expected: what the guard returned would be taken for a yes.

    Raises:
        TypeError: one of the arguments is a request.
    """
    if any(isinstance(argument, HttpRequest) for argument in arguments):
        raise TypeError(_REQUEST_ADVICE)


def check_cache(view: object) -> bool:
    """Refuses a view that keeps answers above its guard. Says whether there is a guard, so that once is enough.

    Raises:
        RuntimeError: a cache stands above the guard, or has called a function with a guard.
    """
    cache = caches_of(view) or cache_calling()
    if cache is not None:
        raise RuntimeError(f"{_name(view)}: {_CACHE_ADVICE.format(cache=cache)}")
    return has_guard(view)


def wrong_views() -> Iterator[str]:
    """What is wrong with views of the project: a guard that is never called, or a cache above it."""
    for view in _views(get_resolver().url_patterns):
        if view in _bare:
            yield f"{_name(view)}: {_ADVICE.format(name=getattr(view, '__name__', 'view'))}"
        try:
            check_cache(view)
        except RuntimeError as error:
            yield str(error)


def _views(patterns: Any) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.callback
        else:
            yield from _views(pattern.url_patterns)


def _name(view: object) -> str:
    return str(getattr(view, "__qualname__", repr(view)))


def _is_registry(holder: object, view: object) -> bool:
    # Depending on the Python, an object holds its attributes itself or by a dictionary.
    if isinstance(holder, dict):
        attributes = cast("dict[str, object]", holder)
        if attributes.get("callback") is not view and attributes.get("view_func") is not view:
            return False
        return any(_is_route(owner) for owner in holders(attributes))
    return _is_route(holder)


def _is_route(owner: object) -> bool:
    return isinstance(owner, URLPattern) or type(owner).__module__ == "ninja.operation"
