"""What stands in a guard's place in `app.dependency_overrides`, run as FastAPI runs it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from fastapi import Security
from fastapi.dependencies.utils import get_dependant, solve_dependencies
from fastapi.exceptions import RequestValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection


def override_of(connection: HTTPConnection, dependency: Any) -> Callable[..., Any] | None:
    """What the application of a connection has put in a dependency's place; None if it has not."""
    overrides = getattr(connection.scope.get("app"), "dependency_overrides", None)
    return overrides.get(dependency) if overrides else None


async def run(override: Callable[..., Any], connection: HTTPConnection, scopes: list[str]) -> Any:
    """What an override gives: a function of any kind that FastAPI takes for a dependency.

    Raises:
        RequestValidationError: the request does not have what the override asks for.
    """
    asked: Any = Security(override, scopes=scopes)

    def stand_in(value: Any = asked) -> Any:
        return value

    app, stack = connection.scope["app"], connection.scope.get("fastapi_inner_astack")
    async with AsyncExitStack() as own:
        request: Any = connection
        solved = await solve_dependencies(
            request=request,
            dependant=get_dependant(path="/", call=stand_in),
            dependency_overrides_provider=app,
            async_exit_stack=stack or own,
            embed_body_fields=False,
        )
        if solved.errors:
            raise RequestValidationError(solved.errors)
        return solved.values["value"]
