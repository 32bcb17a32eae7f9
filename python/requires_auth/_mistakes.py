"""What people write at first try, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEYWORDS = "any_of, policy and optional"


def refuse_keywords(mistaken: Mapping[str, Any]) -> None:
    """Refuses keywords that a guard does not take when it is called for a route.

    Raises:
        TypeError: there is one.
    """
    for name, value in mistaken.items():
        if name in ("scope", "scopes"):
            raise TypeError(f"{name}: scopes are written without a name: write auth({_listed(value)})")
        raise TypeError(f"{name}: there is no such argument: give scopes, or {_KEYWORDS}")


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
    return TypeError(
        "requires_auth.RequiresAuth is not a decorator or dependency: import RequiresAuth from requires_auth.flask or "
        "requires_auth.django for @auth, and from requires_auth.fastapi for Depends(auth)"
    )


class NoSignature:
    """Stands for the signature of an object that FastAPI must not take for a dependency, and says so when it is asked.

    The class itself, and a subclass that can be called, have the signature that they have.
    """

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        """Raises what `inspect.signature` passes on, or goes on after."""
        if instance is None or ("__call__" in vars(owner) and "__signature__" not in vars(owner)):
            raise AttributeError("__signature__")
        raise no_adapter()
