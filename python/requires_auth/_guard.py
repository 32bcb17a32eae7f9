"""The guard: the arguments of its constructor, put in order for the extension module, which does all the rest."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from requires_auth import _core
from requires_auth._errors import ConfigError, ConfigProblem
from requires_auth._kinds import KINDS, wrong_kinds
from requires_auth._mistakes import NO_PARAMETER, NoDependency, NoSignature, no_adapter

if TYPE_CHECKING:
    from typing_extensions import Self

    from requires_auth._core import AccessToken, Admission, Policy, Refusal
    from requires_auth._errors import AuthError, IssuerUnavailable

    Headers = Iterable[tuple[str | bytes, str | bytes]]
    KeySet = Mapping[str, Any] | str | bytes | os.PathLike[str]
    ErrorFormat = str | Callable[[AuthError | IssuerUnavailable], tuple[str, bytes]]


_PEM = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Issuer:
    """One of several issuers, with the audience that its tokens must have: they belong together."""

    issuer: str
    """Whose tokens to take; compared byte for byte."""

    audience: str | Sequence[str] | None = None
    """For which API they must be: one of these, byte for byte."""

    jwks: KeySet | None = None
    """Its keys, if they are not to be fetched: a dict, JSON text, or the path of a file."""

    jwks_uri: str | None = None
    """Where its keys are, if nothing is to be discovered."""

    discovery_url: str | None = None
    """Where its metadata are, if this server reaches it by another name than tokens do."""

    algorithms: Sequence[str] | None = None
    """Only these for it, whatever the guard takes of others. By default as for the guard."""

    scope_claims: Sequence[str] | None = None
    """The claims that hold scopes in its tokens, by dotted path. By default as for the guard."""

    if not TYPE_CHECKING:
        __signature__ = NoDependency("requires_auth.Issuer describes an issuer and guards nothing")


class RequiresAuth(_core.Guard):
    """Guards an API: takes tokens of an issuer for an audience, and nothing else.

    For routes of Flask, FastAPI, Starlette or Django, take the class of the same name in the module of the framework,
    such as `requires_auth.flask`: this one is not a decorator, and knows no framework. Of its methods, reach first for

    - `verify`, if there is a token: it is returned with its claims, or an `AuthError` is raised;
    - `authenticate`, if there are the headers of a request: the same, and scopes can be asked for;
    - `admit`, to write an adapter: it decides over a request as a whole, preflights and optional tokens included, and
      returns an `Admission`, or a `Refusal` that is the whole answer. `admit_wsgi` and `admit_asgi` take what servers
      give.

    In asynchronous code, take `verify_async` and `admit_async`. `verify_now` and `admit_now` never wait, and return
    None if keys have to be fetched. `warm` fetches keys at start, `health` says how they are, `explain` shows why a
    token is refused, and `from_env` and `from_file` make a guard from settings.

    Making a guard does no IO: keys are found by discovery and fetched on first need, and refreshed in the background.
    If the provider is down, cached keys keep working for one hour after they expire (`stale`). A guard is safe to share
    among threads and survives `fork`. It logs what it refuses, once, to the logger `requires_auth`.
    """

    def __init__(
        self,
        issuer: str | None = None,
        audience: str | Sequence[str] | None = None,
        *,
        issuers: Iterable[Issuer | tuple[str, str | Sequence[str]]] | None = None,
        jwks: KeySet | None = None,
        algorithms: Sequence[str] | None = None,
        leeway: int = 30,
        profile: str = "jwt",
        scope_claims: Sequence[str] | None = None,
        implied_scopes: Mapping[str, str | Sequence[str]] | None = None,
        cache: int = 10_000,
        stale: int = 3600,
        state_file: str | os.PathLike[str] | None = None,
        jwks_uri: str | None = None,
        discovery_url: str | None = None,
        ca: str | bytes | os.PathLike[str] | None = None,
        max_token_bytes: int = 16_384,
        error_format: ErrorFormat = "json",
        dangerously_allow_http_issuer: bool = False,
        dangerously_allow_public_test_keys: bool = False,
        dangerously_any_audience: bool = False,
        _now: int | None = None,
    ) -> None:
        """Makes a guard, without any IO but reading the files that are named.

        Args:
            issuer: whose tokens to take (`iss`), byte for byte: a trailing slash counts.
            audience: for which API they must be (`aud`): one of these, byte for byte.
            issuers: several issuers instead, as `Issuer` or as pairs of issuer and audience. Their keys never
                cross.
            jwks: the keys, if they are not to be fetched: a dict, JSON text, or the path of a file. A
                rotation needs a new guard then.
            algorithms: only these, such as `["ES384", "RS256"]`. By default each key's own, by its type,
                curve and `alg`; `none` and HMAC never.
            leeway: how far the clocks of this server and of the issuer may differ, in seconds; at most 300.
            profile: `"jwt"`, or `"at+jwt"` for RFC 9068, which demands `typ`, `sub`, `client_id`, `iat` and
                `jti`.
            scope_claims: the claims that hold scopes, by dotted path; all count together. By default `scope`,
                else `scp`. For Auth0's permissions: `["scope", "permissions"]`.
            implied_scopes: scopes that include others: `{"admin": "read write"}`.
            cache: how many accepted tokens are remembered; 0 verifies every token anew. Times, keys and
                policy are looked at every time all the same.
            stale: for how many seconds past their life keys still serve while they cannot be fetched; 0 fails
                closed.
            state_file: a file that keeps the last good keys, so that a restart during an outage has some.
            jwks_uri: where the keys are, if nothing is to be discovered.
            discovery_url: where the metadata are, if this server reaches the issuer by another name than
                tokens do.
            ca: certificates to trust beside those of the system: PEM text, or the path of a file.
            max_token_bytes: a longer token is refused before it is decoded.
            error_format: what the bodies of refusals look like: `"json"`, `"problem"` (RFC 9457), or a
                function from the error to a media type and the body's bytes.
            dangerously_allow_http_issuer: lets keys be fetched over plain http beyond loopback. Whoever is on
                the way can forge any token then.
            dangerously_allow_public_test_keys: lets keys be used whose private halves are published with the
                library's tests. Anyone can sign with them.
            dangerously_any_audience: takes tokens that were made for any other API of the issuer.
            _now: for tests: a clock that stands still, in seconds since 1970.

        Raises:
            ConfigError: all mistakes at once, each with a hint.
        """
        problems = wrong_kinds({name: value for name, value in locals().items() if name in KINDS})
        if issuers is None:
            entries = [Issuer(issuer or "", audience, jwks, jwks_uri, discovery_url)]
        else:
            entries = _entries(issuers, problems)
        if problems:
            raise ConfigError(problems)
        if issuers is not None:
            own = {
                "issuer": issuer,
                "audience": audience,
                "jwks": jwks,
                "jwks_uri": jwks_uri,
                "discovery_url": discovery_url,
            }
            hint = "write it into the entry: Issuer(issuer, audience, jwks=...)"
            problems += [
                ConfigProblem(name, "a value beside `issuers`", "no value", hint)
                for name, value in own.items()
                if value is not None
            ]
        if profile not in ("jwt", "at+jwt"):
            hint = "jwt takes any access token, at+jwt only those of RFC 9068"
            problems.append(ConfigProblem("profile", f"`{profile}`", "jwt or at+jwt", hint))
        if not callable(error_format) and error_format not in ("json", "problem"):
            hint = "a function gets the error, and returns media type and bytes"
            problems.append(ConfigProblem("error_format", f"`{error_format}`", "json, problem or a function", hint))
        settings: dict[str, Any] = {
            "issuers": [_issuer(entry, dangerously_any_audience, problems) for entry in entries],
            "algorithms": None if algorithms is None else _words(algorithms),
            "leeway": _count("leeway", leeway, problems),
            "access_token_jwt": profile == "at+jwt",
            "scope_claims": None if scope_claims is None else _words(scope_claims),
            "implied_scopes": [(scope, " ".join(_words(implied))) for scope, implied in (implied_scopes or {}).items()],
            "cache": _count("cache", cache, problems),
            "stale": _count("stale", stale, problems),
            "state_file": None if state_file is None else os.fspath(state_file),
            "ca": None if ca is None else _certificates(ca, problems),
            "max_token_bytes": _count("max_token_bytes", max_token_bytes, problems),
            "problem_details": error_format == "problem",
            "error_format": error_format if callable(error_format) else None,
            "allow_http_issuer": dangerously_allow_http_issuer,
            "allow_public_test_keys": dangerously_allow_public_test_keys,
            "now": _now,
        }
        found = [] if problems else self._configure(settings)
        if problems or found:
            raise ConfigError([*problems, *found])

    @classmethod
    def from_env(cls, **overrides: Any) -> Self:
        """Makes a guard from the environment; what is given here goes before it.

        It reads `REQUIRES_AUTH_ISSUER`, `REQUIRES_AUTH_AUDIENCE` (several separated by spaces) and, if set,
        `REQUIRES_AUTH_JWKS` (the path of a file) and `REQUIRES_AUTH_ALGORITHMS` (separated by spaces or
        commas).

        Args:
            overrides: as for the constructor.

        Raises:
            ConfigError: all mistakes at once, each with a hint.
        """
        options: dict[str, Any] = {}
        if overrides.get("issuers") is None:
            options["issuer"] = os.environ.get("REQUIRES_AUTH_ISSUER")
            options["audience"] = os.environ.get("REQUIRES_AUTH_AUDIENCE", "").split()
            if path := os.environ.get("REQUIRES_AUTH_JWKS"):
                options["jwks"] = Path(path)
        if algorithms := os.environ.get("REQUIRES_AUTH_ALGORITHMS"):
            options["algorithms"] = algorithms.replace(",", " ").split()
        return cls(**{**options, **overrides})

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **overrides: Any) -> Self:
        """Makes a guard from a configuration file in TOML; what is given here goes before it.

        The file is the same as for the Rust library:

            leeway = "30s"

            [issuers.main]
            issuer = "https://tenant-id.logto.app/oidc"
            audience = "https://api.example.com"

        Each issuer has a table, whose name is yours; `jwks`, `jwks_uri`, `discovery_url`, `algorithms` and
        `scopes_from` may stand in it. Above the tables may stand `algorithms`, `leeway`, `profile`, `scopes_from`,
        `implied_scopes`, `max_token_bytes`, `stale`, `cache`, `state_file`, `ca` and `error_body`; what an issuer
        has of its own goes before it. Paths are relative to the file.

        Args:
            path: the file.
            overrides: as for the constructor.

        Raises:
            ConfigError: all mistakes at once, each with file, line and a hint.
        """
        options = _core.read_config(
            os.fspath(path),
            bool(overrides.get("dangerously_allow_http_issuer")),
            bool(overrides.get("dangerously_allow_public_test_keys")),
        )
        options["issuers"] = [Issuer(**issuer) for issuer in options["issuers"]]
        return cls(**{**options, **overrides})

    async def verify_async(self, token: str) -> AccessToken:
        """As `verify`, in asynchronous code.

        It is as synchronous as `verify` unless keys have to be fetched: to await costs more than most
        signatures.
        """
        verified = self.verify_now(token)
        return await asyncio.to_thread(self.verify, token) if verified is None else verified

    async def admit_async(
        self,
        method: str,
        url: str,
        headers: Headers,
        policy: Policy | None = None,
        optional: bool = False,
    ) -> Admission | Refusal:
        """As `admit`, in asynchronous code. It is as synchronous as `admit` unless keys have to be fetched."""
        headers = list(headers)
        admitted = self.admit_now(method, url, headers, policy, optional)
        if admitted is None:
            admitted = await asyncio.to_thread(self.admit, method, url, headers, policy, optional)
        return admitted

    def authenticate(
        self,
        headers: Mapping[str, str] | Headers,
        *,
        method: str = "GET",
        url: str = "/",
        scope: str | None = None,
        any_of: Iterable[str] | None = None,
    ) -> AccessToken:
        """Judges the token of a request, and returns it.

        Args:
            headers: the headers of the request, as a mapping or as pairs. A header that is there twice must
                be there twice: two Authorization headers are refused.
            method: the method of the request, for the log.
            url: its URL, or path and query: a query parameter `access_token` beside the header is refused.
            scope: the scopes that the request needs, separated by spaces: all of them.
            any_of: scopes of which it needs one.

        Raises:
            AuthError: the request is refused.
            IssuerUnavailable: the keys are out of reach.
            ConfigError: a scope is no scope token.
        """
        policy = None
        if scope is not None and any_of is not None:
            raise TypeError("give scope or any_of, not both")
        if scope is not None:
            policy = _core.Policy.all_of(scope)
        elif any_of is not None:
            policy = _core.Policy.any_of(list(any_of))
        pairs = cast("Headers", headers.items() if isinstance(headers, Mapping) else headers)
        return self._authorize(method, url, pairs, policy)

    if not TYPE_CHECKING:

        def __call__(self, *_: Any, **__: Any) -> NoReturn:
            """It is not a decorator: the modules of the frameworks have classes of the same name that are."""
            raise no_adapter()

        __class__ = NO_PARAMETER
        __signature__ = NoSignature()

    def __repr__(self) -> str:
        """The issuers, and nothing else of the settings."""
        return f"{type(self).__name__}({', '.join(repr(issuer['issuer']) for issuer in self.health())})"


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _entries(issuers: Any, problems: list[ConfigProblem]) -> list[Issuer]:
    """The issuers, each with its own settings."""
    hint = "write [Issuer(issuer, audience), ...], or pairs: [(issuer, audience), ...]"
    if not _is_list(issuers):
        problems.append(ConfigProblem("issuers", type(issuers).__name__, "a list", hint))
        return []
    entries: list[Issuer] = []
    for entry in issuers:
        found = f"an entry of type {type(entry).__name__}"
        if isinstance(entry, (tuple, list)) and len(cast("Sequence[Any]", entry)) == 2:
            entry = Issuer(*cast("Sequence[Any]", entry))
        if isinstance(entry, Issuer):
            problems += wrong_kinds(vars(entry))
            entries.append(entry)
        else:
            problems.append(ConfigProblem("issuers", found, "an Issuer", hint))
    return entries


def _issuer(entry: Issuer, any_audience: bool, problems: list[ConfigProblem]) -> dict[str, Any]:
    audience = None if any_audience else _words(entry.audience or ())
    if any_audience and entry.audience:
        hint = "leave out one of them"
        found = "a value beside `dangerously_any_audience=True`"
        problems.append(ConfigProblem("audience", found, "one of the two", hint))
    jwks = entry.jwks
    if isinstance(jwks, Mapping):
        jwks = json.dumps(jwks)
    return {
        "issuer": entry.issuer,
        "audience": audience,
        "jwks": None if jwks is None else _read("jwks", "a JWK Set", jwks, "{", problems),
        "jwks_uri": entry.jwks_uri,
        "discovery_url": entry.discovery_url,
        "algorithms": None if entry.algorithms is None else _words(entry.algorithms),
        "scope_claims": None if entry.scope_claims is None else _words(entry.scope_claims),
    }


def _words(words: str | Iterable[str]) -> list[str]:
    """One string counts as one word: its letters are no words."""
    return [words] if isinstance(words, str) else list(words)


def _read(
    field: str,
    expected: str,
    source: str | bytes | os.PathLike[str],
    start: str,
    problems: list[ConfigProblem],
) -> bytes:
    """The text itself, which `start` tells from a path; or what is in the file."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, str) and source.lstrip().startswith(start):
        return source.encode()
    try:
        return Path(source).read_bytes()
    except (OSError, ValueError) as error:
        hint = "give the text itself or the path of a file"
        cause = getattr(error, "strerror", None) or str(error)
        problems.append(ConfigProblem(field, f"`{os.fspath(source)}`: {cause}", expected, hint))
        return b""


def _certificates(source: str | bytes | os.PathLike[str], problems: list[ConfigProblem]) -> bytes:
    before = len(problems)
    pem = _read("ca", "certificates in PEM", source, _PEM, problems)
    if _PEM.encode() not in pem and len(problems) == before:
        hint = f"start each with {_PEM}"
        problems.append(ConfigProblem("ca", "no certificate", "certificates in PEM", hint))
    return pem


def _count(field: str, value: int, problems: list[ConfigProblem]) -> int:
    if value < 0:
        problems.append(ConfigProblem(field, str(value), "a number that is not negative", "0 is the least"))
        return 0
    return value
