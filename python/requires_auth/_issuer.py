"""One of several issuers: its settings, where they are given as an `Issuer`, a pair, a table or by a resolver."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from requires_auth._errors import ConfigProblem
from requires_auth._keywords import OF_GUARD, names_arguments
from requires_auth._mistakes import NoDependency

if TYPE_CHECKING:
    ClientCertHeader = str | Mapping[str, str]
    Dpop = str | Mapping[str, Any]
    Introspection = Mapping[str, Any] | tuple[str | None, str, str] | Any
    KeySet = Mapping[str, Any] | str | bytes | os.PathLike[str]
    Audience = str | Sequence[str] | Mapping[str, str | Sequence[str]]
    TokenPlace = str | Mapping[str, str | Mapping[str, str]]

_ANY = "dangerously_any_audience"
_NAME = "_name"


@dataclass(frozen=True)
class Issuer:
    """One of several issuers, with the audience that its tokens must have: they belong together."""

    issuer: str
    """Whose tokens to take; compared byte for byte."""

    audience: Audience | None = None
    """For which API they must be: one of these, byte for byte; or a rule, as for the guard."""

    jwks: KeySet | None = None
    """Its keys, if they are not to be fetched: a dict, JSON text, or the path of a file."""

    jwks_uri: str | None = None
    """Where its keys are, if nothing is to be discovered."""

    discovery_url: str | None = None
    """Where its metadata are, if this server reaches it by another name than tokens do."""

    algorithms: Sequence[str] | None = None
    """Only these for it, whatever the guard takes of others. By default as for the guard."""

    profile: str | None = None
    """The shape of its access tokens, whatever the guard takes of others. By default as for the guard."""

    scope_claims: Sequence[str] | None = None
    """The claims that hold scopes in its tokens, by dotted path. By default as for the guard."""

    tenants: Sequence[str] | None = None
    """Whose tokens to take, where `issuer` has a placeholder: what stands in the place of `{tenant}`, byte for byte."""

    tenant_claims: Sequence[str] | None = None
    """Claims that must equal the tenant in the issuer. By default none, and `tid` at Entra ID."""

    fetch_token_file: str | os.PathLike[str] | None = None
    """A file with a Bearer token for its metadata and keys, as Kubernetes wants one."""

    client_claims: Sequence[str] | None = None
    """The claims that name the client in its tokens, by dotted path. By default as for the guard."""

    token_from: Sequence[TokenPlace] | None = None
    """Where a request may have its tokens. By default as for the guard."""

    dpop: Dpop | None = None
    """Whether its tokens come with a proof of their key: a mode alone, such as `"required"`. By default as for the
    guard."""

    client_certificates: bool | None = None
    """Whether its tokens may be bound to a certificate of their client. By default as for the guard."""

    dangerously_any_audience: bool = False
    """Takes its tokens also if they were made for another API."""

    dangerously_any_tenant: bool = False
    """Takes tokens of every tenant of the provider, where `issuer` has a placeholder."""

    tenant: str | None = None
    """What `token.tenant` is, where a resolver returns this issuer."""

    provider: str | None = None
    """Its make, such as "logto": `issuer` may be a short name then, and is "" where the provider has only one."""

    accept_tokens: str | None = None
    """Which kinds of tokens it may send: `"jwt"`, `"opaque"` or `"both"`."""

    introspection: Introspection | None = field(default=None, repr=False)
    """How it is asked about tokens: see `requires_auth.RequiresAuth`. An issuer of a resolver is not asked."""

    if not TYPE_CHECKING:
        __signature__ = NoDependency("requires_auth.Issuer describes an issuer and guards nothing")


if not TYPE_CHECKING:
    Issuer.__init__ = names_arguments(OF_GUARD)(Issuer.__init__)


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def entries_of(issuers: Any, any_audience: bool, problems: list[ConfigProblem]) -> list[dict[str, Any]]:
    """The settings of each issuer."""
    hint = "write [Issuer(issuer, audience), ...], or pairs: [(issuer, audience), ...]"
    if not _is_list(issuers):
        problems.append(ConfigProblem("issuers", type(issuers).__name__, "a list", hint))
        return []
    entries: list[dict[str, Any]] = []
    for entry in issuers:
        found = f"an entry of type {type(entry).__name__}"
        if isinstance(entry, (tuple, list)) and len(cast("Sequence[Any]", entry)) == 2:
            entry = Issuer(*cast("Sequence[Any]", entry))
        if isinstance(entry, Issuer):
            settings = vars(entry)
            if entry.tenant is not None:
                hint = "leave it out: of an issuer with a placeholder, it is what stands there"
                problems.append(ConfigProblem("tenant", "a value without a resolver", "no value", hint))
            entries.append({**settings, _ANY: True} if any_audience else settings)
        else:
            problems.append(ConfigProblem("issuers", found, "an Issuer", hint))
    return entries


def resolving(resolver: object, problems: list[ConfigProblem]) -> Callable[[str], dict[str, Any] | None] | None:
    """A resolver, whose answers are settings."""
    if not callable(resolver) or inspect.iscoroutinefunction(resolver):
        hint = "give a plain function from the issuer to Issuer(...) or None"
        problems.append(ConfigProblem("resolver", type(resolver).__name__, "a function", hint))
        return None

    def resolve(issuer: str) -> dict[str, Any] | None:
        found = resolver(issuer)
        if found is None:
            return None
        if not isinstance(found, Issuer):
            raise TypeError(f"the resolver returned {type(found).__name__}, and not an Issuer or None")
        if found.issuer != issuer:
            raise ValueError("the resolver returned another issuer than it was asked about")
        return dict(vars(found))

    return resolve


def issuer_of_table(name: str, arguments: Mapping[str, Any]) -> Issuer:
    """An issuer of a file. Messages call it by the name of its table."""
    settings: dict[str, Any] = {"issuer": "", **arguments}
    issuer = Issuer(**settings)
    object.__setattr__(issuer, _NAME, name)
    return issuer
