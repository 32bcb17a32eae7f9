"""How guarded operations refuse, in the OpenAPI documents of FastAPI."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from fastapi.openapi import utils

from requires_auth._openapi import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requires_auth._options import Adapter

_TAUGHT = "_requires_auth_taught"


def describe_refusals(guard_of: Callable[[object], Adapter | None]) -> None:
    """Lets every document that is made from now on have the refusals of guarded operations.

    FastAPI asks no dependency what it answers. An operation with a description of its own for a status keeps that.

    Args:
        guard_of: the guard behind a dependency, if it is one of ours.
    """
    made: Any = utils.get_openapi_path
    if hasattr(made, _TAUGHT):
        return

    @wraps(made)
    def get_openapi_path(*args: Any, **kwargs: Any) -> Any:
        found = made(*args, **kwargs)
        route = kwargs.get("route", args[0] if args else None)
        guards = [guard for call in _calls(getattr(route, "dependant", None)) if (guard := guard_of(call)) is not None]
        if not guards:
            return found
        path, _, definitions = found
        answers, model = refusals(guards[0])
        for operation in path.values():
            for status, answer in answers.items():
                operation.setdefault("responses", {}).setdefault(status, answer)
        definitions.update(model)
        return found

    setattr(get_openapi_path, _TAUGHT, True)
    utils.get_openapi_path = get_openapi_path


def _calls(dependant: Any) -> Iterator[object]:
    """What a route depends on, and what that depends on."""
    if dependant is not None:
        yield getattr(dependant, "call", None)
        for each in getattr(dependant, "dependencies", ()):
            yield from _calls(each)
