"""Names of settings: earlier ones, and those by which a problem is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from requires_auth import _core
from requires_auth._errors import ConfigError, ConfigProblem


def current_names(
    arguments: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Arguments by their current names, and the earlier names of those that were given by these."""
    current = dict(arguments)
    names: dict[str, str] = {}
    for name, key in _core.setting_names():
        value = current.pop(name, None) if name != key else None
        if value is None:
            continue
        if current.get(key) not in (None, (defaults or {}).get(key)):
            raise ConfigError([ConfigProblem(name, f"a value beside `{key}`", "one of the two", f"keep `{key}` alone")])
        current[key], names[key] = value, name
    return current, names


def renamed(problems: Iterable[Sequence[str]], names: Mapping[str, str]) -> list[ConfigProblem]:
    """Problems of settings, each under the name by which it was given."""
    found = [ConfigProblem(*problem) for problem in problems]
    return [problem._replace(field=names.get(problem.field, problem.field)) for problem in found]
