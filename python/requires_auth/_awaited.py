"""Functions that return awaitables without being `async def`, for frameworks that look at them before a call."""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    _Function = TypeVar("_Function", bound=Callable[..., Any])


def coroutine_function(function: _Function) -> _Function:
    """Marks a function that returns awaitables, so that a framework awaits what it returns."""
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(function)
    marked: Any = function
    marked._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    return function


def awaited(judging: Coroutine[Any, Any, Any]) -> Any:
    """What a function with this mark returns: an awaitable.

    Before Python 3.12 some versions of frameworks do not see the mark, call the function in a thread and await nothing:
    then it is awaited here, as a route must not run before its guard has.
    """
    if sys.version_info < (3, 12) and not _is_in_loop():
        return asyncio.run(judging)
    return judging


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
