"""Notices a guard that stands above `@app.route`, where Flask would never call it."""

from __future__ import annotations

import gc
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, cast

from flask import Flask

if TYPE_CHECKING:
    from collections.abc import Callable


def check_order(view: Callable[..., Any]) -> None:
    """Refuses to guard a function that Flask already has as a view.

    Decorators run from the bottom up: with the guard above `@app.route`, Flask has registered the bare function by
    the time that the guard sees it, and would go on to call it without the guard.

    Raises:
        RuntimeError: an application or a blueprint holds the function already.
    """
    if not _is_registered(view):
        return
    gc.collect()  # an application that nobody uses any longer does not count
    if _is_registered(view):
        name = getattr(view, "__qualname__", repr(view))
        raise RuntimeError(
            f"{name}: the guard stands above `@app.route` and would never be called, so the view would be open. "
            f"Write the guard below it, next to `def`:\n"
            f'    @app.route("/path")\n    @requires_auth\n    def {getattr(view, "__name__", "view")}(): ...\n'
            f"A view that is registered elsewhere is guarded by `protect(app)`."
        )


def _is_registered(view: Callable[..., Any]) -> bool:
    return any(
        _are_views(holder) or (isinstance(holder, CellType) and _is_deferred(holder)) for holder in _holders(view)
    )


def _are_views(views: object) -> bool:
    """Whether this is the `view_functions` of an application."""
    if not isinstance(views, dict):
        return False
    for owner in _holders(cast("object", views)):
        # Depending on the Python, an object holds its attributes itself or by a dictionary.
        if isinstance(owner, dict):
            if cast("dict[str, object]", owner).get("view_functions") is views:
                return True
        elif isinstance(owner, Flask) and owner.view_functions is views:
            return True
    return False


def _is_deferred(cell: CellType) -> bool:
    """Whether this belongs to a function with which a blueprint registers a view later."""
    return any(
        isinstance(function, FunctionType)
        and function.__closure__ is closure
        and function.__module__.startswith("flask.")
        and "add_url_rule" in function.__qualname__
        for closure in _holders(cell)
        if isinstance(closure, tuple)
        for function in _holders(cast("object", closure))
    )


def _holders(held: object) -> list[object]:
    """The objects that refer to another one."""
    return cast("list[object]", gc.get_referrers(held))
