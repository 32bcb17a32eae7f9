"""What people write at first try, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
