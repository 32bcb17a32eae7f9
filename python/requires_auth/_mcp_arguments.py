"""What describes a guarded MCP server: arguments of `protect` and of `requires_auth.fastmcp`, checked all at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from requires_auth import ConfigError, ConfigProblem
from requires_auth import RequiresAuth as Guard
from requires_auth._core import McpScopes
from requires_auth._exempt import Exempt
from requires_auth._keywords import refuse_options
from requires_auth._mistakes import has_type
from requires_auth._options import Adapter, McpOptions
from requires_auth._rule import listed
from requires_auth.starlette import is_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Needs = Mapping[str, str | Sequence[str]]

_T = TypeVar("_T")


class Described(NamedTuple):
    """A guarded server, as it is described."""

    guard: Guard
    """It has a resource."""

    needs: McpScopes
    """What the messages need."""

    cors_origins: list[str]
    """Origins whose pages may call the server."""

    exempt: Exempt
    """Paths that stay public."""


def described(
    issuer: str | None,
    resource: str | None,
    *,
    scope: str | Sequence[str] | None,
    tools: Needs | None,
    prompts: Needs | None,
    resources: Needs | None,
    max_body: int | None,
    cors_origins: Iterable[str],
    exempt: Iterable[str],
    auth: Guard | Adapter | None,
    options: McpOptions,
) -> Described:
    """Checks the arguments of `protect`, which has all of them under the same names.

    Raises:
        ConfigError: the configuration is wrong; all mistakes at once.
        TypeError: both a guard and what describes one are given, or an argument is misspelt.
    """
    problems: list[ConfigProblem] = []

    def checked(make: Callable[[], _T]) -> _T | None:
        try:
            return make()
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    guard = checked(lambda: _guard_of(auth, issuer, resource, scope, options))
    needs = checked(lambda: _needs_of(tools, prompts, resources, max_body))
    origins = checked(lambda: _origins(cors_origins))
    public = checked(lambda: Exempt("exempt", exempt))
    if problems or guard is None or needs is None or origins is None or public is None:
        raise ConfigError(problems)
    return Described(guard, needs, origins, public)


def _origins(given: Iterable[str]) -> list[str]:
    """The origins of `cors_origins`.

    Raises:
        TypeError: it is not a list of strings.
        ConfigError: one is not an origin as browsers send it, so that it would never match, or match every page.
    """
    origins = listed("cors_origins", given)
    problems = [problem for origin in origins if (problem := _problem_of(origin))]
    if problems:
        raise ConfigError(problems)
    return origins


def _problem_of(origin: str) -> ConfigProblem | None:
    """What is wrong with an origin (RFC 6454 §6.2), if anything."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    scheme, host = parts.scheme, parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    is_usual = port == {"https": 443, "http": 80}.get(scheme)
    as_sent = f"{scheme}://{host}" + ("" if port is None or is_usual else f":{port}")
    if "*" in origin:
        hint = "name each origin: a page of any other must not use what its user may do"
    elif scheme not in ("https", "http") or not host:
        hint = 'write it with its scheme, such as "https://app.example.com"'
    elif not host.isascii() or parts.username is not None or any(letter in origin for letter in " \t\r\n,"):
        hint = "write one origin in each string, the host in its ASCII form"
    elif origin != as_sent:
        hint = f"browsers send {as_sent!r}: write that, without a path, a slash at the end or a usual port"
    else:
        return None
    return ConfigProblem("cors_origins", f"`{origin}`", "the origin of a page", hint)


def _needs_of(tools: Needs | None, prompts: Needs | None, resources: Needs | None, max_body: int | None) -> McpScopes:
    """What messages need, as `protect` takes it.

    Raises:
        ConfigError: the tables are wrong; all mistakes at once.
    """
    problems: list[ConfigProblem] = []
    tables = {"tools": tools, "prompts": prompts, "resources": resources}
    read = {argument: _table(argument, needs, problems) for argument, needs in tables.items()}
    if max_body is not None and not has_type(max_body, int):
        found = type(max_body).__name__
        problems.append(ConfigProblem("max_body", found, "a number of bytes", "write max_body=4 * 1024 * 1024"))
    if problems:
        raise ConfigError(problems)
    return McpScopes(read["tools"], read["prompts"], read["resources"], max_body)


def _table(argument: str, needs: Needs | None, problems: list[ConfigProblem]) -> dict[str, str | list[str]] | None:
    """A table as the extension module takes it. What is wrong with it goes to `problems`."""
    if needs is None:
        return None
    # An empty one would ask for nothing, where it looks as if nothing were allowed.
    if not has_type(needs, Mapping) or not needs:
        found = "an empty dict" if has_type(needs, Mapping) else type(needs).__name__
        hint = f'write {argument}={{"name": "scope"}}; an empty string needs no more than the base'
        problems.append(ConfigProblem(argument, found, "a dict from name to scopes", hint))
        return None
    read: dict[str, str | list[str]] = {}
    for name, scopes in needs.items():
        listed = [scopes] if isinstance(scopes, str) else scopes
        is_list = isinstance(listed, (list, tuple)) and all(has_type(scope, str) for scope in listed)
        if not has_type(name, str) or not is_list:
            found = f"{type(scopes).__name__} for {name!r}"
            problems.append(
                ConfigProblem(argument, found, "scopes: a string, or a list of strings", f'write {{{name!r}: ""}}')
            )
            continue
        _refuse_commas(argument, listed, problems)
        read[name] = list(listed)
    return read


def _refuse_commas(argument: str, scopes: Iterable[str], problems: list[ConfigProblem]) -> None:
    """A comma may stand in a scope, but who writes one between two of them means something else."""
    problems += [
        ConfigProblem(argument, f"`{scope}`", "scopes, separated by spaces", f"write {scope.replace(',', ' ')!r}")
        for scope in scopes
        if "," in scope
    ]


def _guard_of(
    auth: Guard | Adapter | None,
    issuer: str | None,
    resource: str | None,
    scope: str | Sequence[str] | None,
    options: McpOptions,
) -> Guard:
    """The guard that is given or described.

    Raises:
        ConfigError: the configuration is wrong, such as a guard without a resource; all mistakes at once.
        TypeError: both are given, or an argument is misspelt.
    """
    refuse_options(options, described, McpOptions.__annotations__)
    if auth is not None and (issuer is not None or resource is not None or scope is not None or options):
        raise TypeError("give a guard, or what describes one, but not both")
    if auth is None:
        auth = _described(issuer, resource, scope, options)
    if not is_guard(auth):
        raise TypeError(f"auth: expected a guard, found {auth!r}: write auth=RequiresAuth(issuer, resource=..)")
    guard = auth.guard if isinstance(auth, Adapter) else auth
    if guard.resource is None:
        raise ConfigError([_NO_RESOURCE])
    if isinstance(auth, Adapter):
        auth.serve_metadata()
    return guard


def _described(
    issuer: str | None, resource: str | None, scope: str | Sequence[str] | None, options: McpOptions
) -> Adapter:
    """A guard of arguments, and of the environment."""
    # The rest of the environment is read where no issuer is given.
    resource = resource or os.environ.get("REQUIRES_AUTH_RESOURCE")
    if not resource:
        raise ConfigError([_NO_RESOURCE])
    described: dict[str, Any] = {**options, "resource": resource}
    if scope is not None:
        described["base_scopes"] = scopes = scope.split() if isinstance(scope, str) else listed("scope", scope)
        problems: list[ConfigProblem] = []
        _refuse_commas("scope", scopes, problems)
        if problems:
            raise ConfigError(problems)
    return Adapter(issuer, **described)


_NO_RESOURCE = ConfigProblem(
    "resource",
    "nothing",
    "the URL of the server, as its clients are given it",
    'write it behind the issuer, such as "https://api.example.com/mcp", or set REQUIRES_AUTH_RESOURCE',
)


def check_application(app: Any) -> None:
    """Refuses what a newcomer gives instead of an application: every request to it would fail.

    Raises:
        TypeError: it cannot be called as one.
    """
    method = next((name for name in ("streamable_http_app", "http_app") if hasattr(app, name)), None)
    if method is not None:
        hint = f"write protect(server.{method}(), ..)"
    elif getattr(app, "__name__", "") in ("streamable_http_app", "http_app", "sse_app"):
        hint = f"write the parentheses: {app.__name__}()"
    elif not callable(app):
        hint = "write protect(server.streamable_http_app(), ..)"
    else:
        return
    raise TypeError(f"app: expected an ASGI application, found {type(app).__name__}: {hint}")
