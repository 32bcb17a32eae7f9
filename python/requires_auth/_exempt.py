"""Paths that stay public: each in full, or all below a prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requires_auth._errors import ConfigError, ConfigProblem
from requires_auth._rule import names_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXPECTED = 'a path such as "/health", or a prefix such as "/static/*"'


class Exempt:
    """The paths that an application shows to everybody.

    `"/health"` is this path and no other. `"/static/*"` is every path that begins with `/static/`. A path below a
    prefix that another part of the application could read as a path elsewhere, such as `/static/../orders`, is not
    exempt: it needs a token.
    """

    def __init__(self, argument: str, paths: Iterable[str]) -> None:
        """Reads the argument of that name.

        Raises:
            TypeError: it is not a list of strings.
            ConfigError: an entry is neither a path nor a prefix, so it would never match or would match everything.
        """
        entries = names_of(argument, paths)
        problems = [problem for entry in sorted(entries) if (problem := _problem(argument, entry))]
        if problems:
            raise ConfigError(problems)
        self._paths = frozenset(entry for entry in entries if not entry.endswith("*"))
        self._prefixes = tuple(entry[:-1] for entry in entries if entry.endswith("*"))

    def __contains__(self, path: str) -> bool:
        """Whether a path, decoded as the application sees it, needs no token."""
        if path in self._paths:
            return True
        return bool(self._prefixes) and path.startswith(self._prefixes) and _is_plain(path)


def _problem(argument: str, entry: str) -> ConfigProblem | None:
    """What is wrong with an entry, if anything."""
    if not entry.startswith("/"):
        hint = f"paths begin with a slash: write {'/' + entry!r}"
    elif entry == "/*":
        hint = "this would exempt everything: name what is to be public"
    elif "?" in entry or "#" in entry:
        hint = "leave out the query: only the path is compared"
    elif "*" in entry.removesuffix("/*"):
        hint = 'a star may only stand at the end, after a slash: "/static/*"'
    elif entry.endswith("/*") and not _is_plain(entry):
        hint = 'write the prefix as it is in URLs, without "..", "//", "\\\\" or "%"'
    else:
        return None
    return ConfigProblem(argument, f"`{entry}`", _EXPECTED, hint)


def _is_plain(path: str) -> bool:
    """Whether every part of an application reads a decoded path in the same way."""
    if any(letter in "\\%" or ord(letter) < 32 or ord(letter) == 127 for letter in path):
        return False
    first, *names, last = path.split("/")
    return not first and all(names) and all(name.partition(";")[0] not in (".", "..") for name in (*names, last))
