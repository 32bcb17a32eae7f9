"""Finds a guard that stands where it is never asked: above what registers a view, or below what keeps its answers.

Decorators run from the bottom up. A guard above `@app.route` guards a function that nobody calls, because the bare one
is registered already. Above the guard, a decorator that keeps answers hands those of one caller to all others.
"""

from __future__ import annotations

import gc
from functools import lru_cache
from types import CellType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    _View = TypeVar("_View", bound=Callable[..., Any])

_MARK = "__requires_auth__"
_CACHES = {"flask_caching", "flask_cache", "cachetools"}
"""Packages whose decorators keep what a view returns."""

_CACHE_MIDDLEWARE = "django.middleware.cache"
_LRU_CACHE = type(lru_cache(lambda: None))


def mark(guarded: _View) -> _View:
    """Marks a function as a guard. `functools.wraps` copies the mark, so only a guard's own mark names itself."""
    vars(guarded)[_MARK] = guarded
    return guarded


def has_guard(view: object) -> bool:
    """Whether a guard is among a view's decorators, or the function itself is one."""
    return hasattr(view, _MARK)


def check_not_class(view: object, advice: str) -> None:
    """Refuses to guard a class: its views are made elsewhere, and would not be guarded.

    Raises:
        TypeError: it is a class.
    """
    if isinstance(view, type):
        raise TypeError(f"{view.__qualname__} is a class, and the guard takes a function: {advice}")


def check_order(view: Callable[..., Any], is_registry: Callable[[object, object], bool], advice: str) -> None:
    """Refuses to guard a function that a framework already has as a view.

    Args:
        view: the function.
        is_registry: whether an object that holds the function is one of the framework's registries.
        advice: what is wrong and how to write it, after the name of the function; `{name}` is that name.

    Raises:
        RuntimeError: the framework holds the function already.
    """
    if isinstance(view, MethodType) or not _is_registered(view, is_registry):
        return  # a bound method is made anew each time that it is asked for
    gc.collect()  # an application that nobody uses any longer does not count
    if _is_registered(view, is_registry):
        name = getattr(view, "__qualname__", repr(view))
        raise RuntimeError(f"{name}: {advice.format(name=getattr(view, '__name__', 'view'))}")


def holders(held: object) -> list[object]:
    """The objects that refer to another one."""
    return cast("list[object]", gc.get_referrers(held))


def _is_registered(view: Callable[..., Any], is_registry: Callable[[object, object], bool]) -> bool:
    return any(
        is_registry(holder, view) or (isinstance(holder, CellType) and _is_deferred(holder)) for holder in holders(view)
    )


def _is_deferred(cell: CellType) -> bool:
    """Whether this belongs to a function with which a package registers a view, or calls it."""
    return any(
        isinstance(function, FunctionType) and function.__closure__ is closure and _keeps(function)
        for closure in holders(cell)
        if isinstance(closure, tuple)
        for function in holders(cast("object", closure))
    )


def _keeps(function: FunctionType) -> bool:
    package = _package(function)
    return package == "flask_socketio" or (package == "flask" and "add_url_rule" in function.__qualname__)


def _package(function: object) -> str:
    """The package that a function was written in, whatever `functools.wraps` made of its name."""
    return str(getattr(function, "__globals__", {}).get("__name__", "")).partition(".")[0]


# --- caches


def cache_above(view: object) -> str | None:
    """The decorator that keeps answers and stands above a guard, by name; None if there is none."""
    cache: str | None = None
    for member in _chain(view):
        if cache is None:
            cache = _cache_of(member)
        elif getattr(member, _MARK, None) is member:
            return cache
    return None


def cache_among(decorators: Iterable[object]) -> str | None:
    """As `cache_above`, of decorators that have not been applied yet, the innermost first."""
    guarded = False
    for decorator in decorators:
        if guarded and (cache := _cache_of(decorator)):
            return cache
        guarded = guarded or has_guard(decorator)
    return None


def _chain(view: object) -> Iterator[object]:
    """A view and the functions that it wraps, from the outermost."""
    seen: set[int] = set()
    while view is not None and id(view) not in seen:
        seen.add(id(view))
        yield view
        view = getattr(view, "__wrapped__", None)


def _cache_of(member: object) -> str | None:
    """The name of the cache if this function keeps what it returns."""
    if isinstance(member, _LRU_CACHE):
        return "functools.lru_cache"
    package = _package(member)
    if package in _CACHES:
        return package
    if package == "django" and _holds_cache_middleware(member, 2):
        return "cache_page"
    return None


def _holds_cache_middleware(function: object, depth: int) -> bool:
    for cell in getattr(function, "__closure__", None) or ():
        try:
            held: object = cell.cell_contents
        except ValueError:
            continue  # it is not filled yet
        if type(held).__module__ == _CACHE_MIDDLEWARE:
            return True
        if depth > 1 and isinstance(held, FunctionType) and _holds_cache_middleware(held, depth - 1):
            return True
    return False
