"""The type that each argument of the constructor must have: annotations bind only callers that run a type checker."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from requires_auth._errors import ConfigProblem


class Kind(NamedTuple):
    """What an argument may be."""

    expected: str
    hint: str
    fits: Callable[[Any], bool]


def _is_words(value: Any) -> bool:
    return isinstance(value, str) or (_is_collection(value) and all(map(_of(str), value)))


def _is_collection(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, (bytes, Mapping))


def _is_implied(value: Any) -> bool:
    return _of(Mapping)(value) and all(_of(str)(scope) and _is_words(others) for scope, others in value.items())


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_format(value: Any) -> bool:
    return isinstance(value, str) or callable(value)


def _of(*kinds: type) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        return isinstance(value, kinds)

    return fits


_TEXT = Kind("text", 'write it in quotes: "https://tenant-id.logto.app/oidc"', _of(str))
_NUMBER = Kind(
    "a whole number",
    "write it without quotes: 30",
    _is_number,
)
_SWITCH = Kind("True or False", "write it without quotes", _of(bool))
_WORDS = Kind("a string, or a list of strings", 'write ["..", ".."]', _is_words)
_FILE = Kind("a path", "give a str or a pathlib.Path", _of(str, os.PathLike))

KINDS = {
    "issuer": _TEXT._replace(
        expected="a URL",
        hint="make the guard first, auth = RequiresAuth(issuer, audience), and give auth to a route; for a route or an "
        "application, import RequiresAuth from requires_auth.flask, .fastapi, .starlette or .django",
    ),
    "audience": _WORDS,
    "jwks": Kind(
        "a JWK Set",
        "give a dict, JSON text, or the path of a file",
        _of(Mapping, str, bytes, os.PathLike),
    ),
    "algorithms": _WORDS,
    "leeway": _NUMBER,
    "profile": _TEXT._replace(expected="jwt or at+jwt", hint='write profile="at+jwt"'),
    "scope_claims": _WORDS,
    "implied_scopes": Kind("a dict from scope to scopes", 'write {"admin": "read write"}', _is_implied),
    "cache": _NUMBER,
    "stale": _NUMBER,
    "state_file": _FILE,
    "jwks_uri": _TEXT,
    "discovery_url": _TEXT,
    "ca": Kind("certificates in PEM", "give the text, or the path of a file", _of(str, bytes, os.PathLike)),
    "max_token_bytes": _NUMBER,
    "error_format": Kind(
        "json, problem or a function",
        "a function gets the error, and returns media type and bytes",
        _is_format,
    ),
    "dangerously_allow_http_issuer": _SWITCH,
    "dangerously_allow_public_test_keys": _SWITCH,
    "dangerously_any_audience": _SWITCH,
}
"""Of every argument but `issuers`, whose entries are looked at one by one."""


def wrong_kinds(arguments: Mapping[str, Any]) -> list[ConfigProblem]:
    """The arguments that have the wrong type. Their values are not shown: some may be secret."""
    return [
        ConfigProblem(name, type(value).__name__, kind.expected, kind.hint)
        for name, value in arguments.items()
        if value is not None and (kind := KINDS.get(name)) and not kind.fits(value)
    ]
