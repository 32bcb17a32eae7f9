"""What people write at first try, and what to write instead."""

from __future__ import annotations

from inspect import currentframe
from typing import TYPE_CHECKING, Any, NoReturn

from requires_auth._keywords import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEYWORDS = ("any_of", "policy", "optional", "dpop")


def refuse_keywords(mistaken: Mapping[str, Any]) -> None:
    """Refuses keywords that a guard does not take when it is called for a route.

    Raises:
        TypeError: there is one.
    """
    for name, value in mistaken.items():
        if name in ("scope", "scopes"):
            raise TypeError(f"{name}: scopes are written without a name: write auth({_listed(value)})")
        refuse_unknown([name], _KEYWORDS, {}, "give scopes, or any_of, policy, optional and dpop")


def comma_hint(scope: str) -> str | None:
    """What to write instead of scopes that are separated by commas; None if there is no comma.

    A scope may have a comma in it (RFC 6749 3.3), but hardly any does: such a one is given as a policy.
    """
    if "," not in scope:
        return None
    return f"write {_listed(scope.replace(',', ' '))}; for a scope with a comma in it, policy=Policy.all_of({scope!r})"


def _listed(scopes: str | Sequence[str]) -> str:
    names = scopes.split() if isinstance(scopes, str) else [str(scope) for scope in scopes]
    return ", ".join(f'"{name}"' for name in names)


def no_adapter() -> TypeError:
    """What to import for a route: `requires_auth.RequiresAuth` verifies tokens, and guards no route."""
    return TypeError(_NO_ADAPTER)


_NO_ADAPTER = (
    "requires_auth.RequiresAuth is not a decorator or dependency: import RequiresAuth from requires_auth.flask or "
    "requires_auth.django for @auth, and from requires_auth.fastapi for Depends(auth)"
)


class NoDependency:
    """Stands for the signature of a class that FastAPI must not take for a dependency.

    FastAPI would read the arguments of the constructor from the query of each request, so that `Depends(RequiresAuth)`
    lets everybody in who names an issuer. It is told when the route is made. Whoever else asks, such as `help()` or an
    editor, sees the signature that there is.

    An object that sets a `__signature__` of its own is a dependency.
    """

    def __init__(self, advice: str) -> None:
        """Takes what to write instead, for the message of the error."""
        self._advice = advice

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        """Raises what `inspect.signature` passes on if FastAPI asks, and goes on after if not."""
        if _fastapi_asks():
            raise TypeError(self._advice)
        raise AttributeError("__signature__")


class NotOfFastMCP:
    """Stands for a method that the package fastmcp asks for of what it is given as `auth=`."""

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        """Raises what to import instead."""
        raise TypeError(
            f"{owner.__module__}.{owner.__qualname__} is not for FastMCP(auth=..): import RequiresAuth from "
            "requires_auth.fastmcp, and give it this guard as auth=, or issuer and resource"
        )


class NoSignature(NoDependency):
    """As `NoDependency`, for `requires_auth.RequiresAuth`: its objects have no signature, whoever asks.

    The objects of a subclass that can be called have the signature that they have.
    """

    def __init__(self) -> None:
        """The advice is that of `no_adapter`."""
        super().__init__(_NO_ADAPTER)

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        """Raises what `inspect.signature` passes on, or goes on after."""
        if instance is None:
            super().__get__(instance, owner)
        if "__call__" in vars(owner) and "__signature__" not in vars(owner):
            raise AttributeError("__signature__")
        raise no_adapter()


def _kind_of(guard: object) -> Any:
    frame = currentframe()
    for _ in range(2):  # before Python 3.12 a comprehension is a frame of its own
        frame = frame and frame.f_back
        if frame and frame.f_code.co_name == _PARAMETER and frame.f_globals.get("__name__") == _DEPENDENCIES:
            raise TypeError(
                "a guard stands without Depends at a parameter, which FastAPI would take from the query: "
                "write Annotated[AccessToken, Depends(auth)]"
            )
    return type(guard)


NO_PARAMETER = property(_kind_of)
"""Stands for the `__class__` of an object that FastAPI must not take for the default of a parameter of the query.

`def route(token=auth)` without `Depends` would be open for everybody who sends `?token=x`. FastAPI asks for the class
of each default, and of what is in `Annotated`, when the route is made.
"""


def _fastapi_asks() -> bool:
    """Whether FastAPI is making a route or a dependency of one right now."""
    frame = currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == _DEPENDENCIES and frame.f_code.co_name != _RUNNING:
            return True
        frame = frame.f_back
    return False


_DEPENDENCIES = "fastapi.dependencies.utils"
_PARAMETER = "analyze_param"
_RUNNING = "solve_dependencies"
"""What runs dependencies, whose code may ask for any signature."""


def has_type(value: object, kind: type) -> bool:
    """Whether an argument has its type: annotations bind only callers that run a type checker."""
    return isinstance(value, kind)
