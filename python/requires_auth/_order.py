"""Finds a guard that stands where it is never asked: above what registers a view, or below what keeps its answers.

Decorators run from the bottom up. A guard above `@app.route` guards a function that nobody calls, because the bare one
is registered already. Above the guard, a decorator that keeps answers hands those of one caller to all others.
"""

from __future__ import annotations

import gc
from functools import lru_cache, partial
from inspect import currentframe
from types import CellType, CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator
    from types import FrameType

    _View = TypeVar("_View", bound=Callable[..., Any])

_MARK = "__requires_auth__"
_CACHES = {"flask_caching", "flask_cache", "cachetools"}
"""Packages whose decorators keep what a view returns."""

_CACHE_MIDDLEWARE = "django.middleware.cache"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_DISPATCHERS = ("dispatch", "dispatch_request")
_LRU_CACHE = type(lru_cache(lambda: None))


def mark(guarded: _View) -> _View:
    """Marks a function as a guard. `functools.wraps` copies the mark, so only a guard's own mark names itself."""
    vars(guarded)[_MARK] = guarded
    return guarded


def has_guard(view: object) -> bool:
    """Whether a guard is among a view's decorators, or the function itself is one."""
    return hasattr(view, _MARK)


def check_function(view: object, advice: str) -> None:
    """Refuses to guard a class, whose views are made elsewhere, and what is not a function at all.

    A request or a user comes here if a guard is given where a framework wants a test, such as Ninja's `auth=` or
    Django's `user_passes_test`. What the guard returned would be taken for a yes.

    Raises:
        TypeError: it is not a function.
    """
    if not callable(view):
        found = type(view).__name__
        raise TypeError(f"the guard is a decorator of views and takes a function, found {found}: write it above `def`")
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
    functions = list(_chain(view))
    # `method_decorator` and `method_decorators` make such a function anew for each request.
    if any(isinstance(function, (MethodType, partial)) for function in functions) or _is_known(functions):
        return
    if not _is_registered(view, is_registry):
        _remember(functions)
        return
    gc.collect()  # an application that nobody uses any longer does not count
    if _is_registered(view, is_registry):
        name = getattr(view, "__qualname__", repr(view))
        raise RuntimeError(f"{name}: {advice.format(name=getattr(view, '__name__', 'view'))}")


_known: WeakKeyDictionary[CodeType, set[tuple[CodeType, ...]]] = WeakKeyDictionary()
"""What was found in order: the code of a view, with that of the functions around it.

To look for what refers to a function takes as long as there are objects, so a view that is made many times is looked
at once.
"""


def _codes(functions: list[object]) -> tuple[CodeType, ...] | None:
    """The code of these functions; None if it does not say which view this is."""
    innermost = functions[-1]
    for cell in getattr(innermost, "__closure__", None) or ():
        if _is_filled(cell) and callable(cell.cell_contents):
            return None  # it may be one decorator's function for many views
    codes = [getattr(function, "__code__", None) for function in functions]
    return tuple(code for code in codes if code is not None) if all(codes) else None


def _is_filled(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _is_known(functions: list[object]) -> bool:
    codes = _codes(functions)
    return codes is not None and codes in _known.get(codes[-1], ())


def _remember(functions: list[object]) -> None:
    codes = _codes(functions)
    if codes is not None:
        _known.setdefault(codes[-1], set()).add(codes)


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
    deferred = any(name in function.__qualname__ for name in ("add_url_rule", "before_app_request"))
    return package == "flask_socketio" or (package == "flask" and deferred)


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
        elif _is_guarded_itself(member):
            return cache
    return None


def caches_of(view: object) -> str | None:
    """As `cache_above`, of a view and of the methods of its class if it has one."""
    view_class = getattr(view, "view_class", None)
    names = [name.lower() for name in getattr(view_class, "methods", None) or _METHODS]
    methods = [getattr(view_class, name, None) for name in (*_DISPATCHERS, *names)]
    return next(filter(None, map(cache_above, [view, *methods])), None)


def _is_guarded_itself(member: object) -> bool:
    """Whether the guard is this function, or is applied in it: the mark is not copied from what it wraps."""
    found = getattr(member, _MARK, None)
    return found is member or (found is not None and not has_guard(getattr(member, "__wrapped__", None)))


def cache_among(decorators: Iterable[object], is_guard: Callable[[object], bool]) -> str | None:
    """As `cache_above`, of decorators that have not been applied yet, the innermost first."""
    guarded = False
    for decorator in decorators:
        if guarded and (cache := _cache_of(decorator)):
            return cache
        guarded = guarded or is_guard(decorator)
    return None


def cache_calling(outermost: Container[CodeType] = ()) -> str | None:
    """The cache whose decorator is on the stack and will keep the answer, by name; None if there is none.

    This finds a view with a cache that calls a guarded function: its chain of decorators does not show the guard.

    Args:
        outermost: the code that begins a request; its callers are not looked at.
    """
    frame: FrameType | None = currentframe()
    while frame is not None and frame.f_code not in outermost:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _CACHES:
            return package
        frame = frame.f_back
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
        held: object = cell.cell_contents if _is_filled(cell) else None
        for each in cast("list[object]", held) if isinstance(held, list) else [held]:
            kind = each if isinstance(each, type) else type(each)
            if kind.__module__ == _CACHE_MIDDLEWARE:
                return True
            if depth > 1 and isinstance(each, FunctionType) and _holds_cache_middleware(each, depth - 1):
                return True
    return False
