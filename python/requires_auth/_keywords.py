"""Keyword arguments that there are not: what those who bring them from another library have meant."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeVar

from requires_auth._core import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    _Function = TypeVar("_Function", bound=Callable[..., Any])

_ELSEWHERE = {
    "algorithms": "alg algs algorithm allowed_algorithms",
    "audience": "api_audience aud audiences expected_audience identifier",
    "ca": "ca_bundle ca_certs cafile ssl_context verify_ssl",
    "cache": "cache_maxsize cache_size max_cached_keys",
    "claims": "additional_claims extra_claims payload",
    "dangerously_any_audience": "verify_aud",
    "discovery_url": "config_url openid_config_url openid_configuration_url server_metadata_url well_known_url",
    "fetch_timeout": "http_timeout request_timeout timeout",
    "issuer": "authority authority_url base_url domain iss issuer_url server_url",
    "jwks": "jwk key key_set keys public_key",
    "jwks_uri": "jwk_url jwks_endpoint jwks_url keys_url uri",
    "leeway": "clock_skew clock_skew_in_seconds clock_tolerance skew",
    "lifetime": "exp expires_delta expires_in ttl",
    "optional": "auto_error credentials_required",
    "public_url": "server_name",
    "scope": "permissions required_scopes scopes",
    "scope_claims": "permissions_claim roles_claim scope_claim scopes_claim",
    "sub": "identity subject user username",
    "tenants": "tenant tenant_id",
    "token_from": "cookie_name header_name locations token_location",
}
"""Our arguments, and what PyJWT, python-jose, flask-jwt-extended, Authlib and others call the same."""

_ALWAYS = "leave it out, as this is always verified; for tests, requires_auth.testing makes tokens that pass"
_AT_ROUTES = 'scopes stand at the route: write auth("read:orders")'
_BY_ITSELF = "leave it out: keys are kept, and fetched again, as the issuer says"
_POLICY = "write it at the route: auth(policy=Policy().with_claim(..))"
_NO_SECRET = "leave it out: tokens are verified with the public keys of the issuer, and never with a secret"

OF_GUARD = {
    **dict.fromkeys(("verify", "verify_signature", "verify_exp", "verify_nbf", "verify_iat", "verify_iss"), _ALWAYS),
    **dict.fromkeys(("options", "require", "require_exp", "require_aud"), 'leave it out, or write profile="at+jwt"'),
    **dict.fromkeys(("required_scopes", "scope", "scopes"), _AT_ROUTES),
    **dict.fromkeys(("auto_error", "credentials_required"), "write it at the route: auth(optional=True)"),
    **dict.fromkeys(("cache_jwk_set", "cache_keys", "cache_ttl", "lifespan", "ttl"), _BY_ITSELF),
    **dict.fromkeys(("claims", "permissions", "roles", "sub", "subject"), _POLICY),
    **dict.fromkeys(("secret", "secret_key", "jwt_secret", "jwt_secret_key"), _NO_SECRET),
    **dict.fromkeys(("client_id", "client_secret"), 'write introspection={"client_id": .., "client_secret": ..}'),
}
"""What to write for an argument of another library that a guard has nothing of the same kind for."""


def refuse_unknown(given: Iterable[str], known: Iterable[str], advice: Mapping[str, str], otherwise: str = "") -> None:
    """Refuses keyword arguments that a function does not have, all of them at once.

    Args:
        given: the names.
        known: the names that there are; those that begin with an underscore are taken, and not proposed.
        advice: what to write instead of a name that is not one of ours under another name.
        otherwise: what to write for any other name.

    Raises:
        TypeError: one of the names is not known.
    """
    known = list(known)
    proposed = [name for name in known if not name.startswith("_") and name != "error_format"]
    unknown = [name for name in given if name not in known]
    if unknown:
        told = (f"{name}: there is no such argument{_hint(name, proposed, advice, otherwise)}" for name in unknown)
        raise TypeError("\n".join(told))


def _hint(name: str, known: list[str], advice: Mapping[str, str], otherwise: str) -> str:
    meant = next((ours for ours, theirs in _ELSEWHERE.items() if name in theirs.split() and ours in known), None)
    if meant is None and name in advice:
        return f": {advice[name]}"
    if meant := meant or nearest(name, known):
        return f": did you mean `{meant}`?"
    return f": {otherwise.format(name=name)}" if otherwise else ""


def names_arguments(advice: Mapping[str, str], otherwise: str = "") -> Callable[[_Function], _Function]:
    """Lets a function say what was meant by a keyword argument that it does not have."""

    def decorate(function: _Function) -> _Function:
        known = signature(function).parameters

        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            if not given.keys() <= known.keys():
                refuse_unknown(given, list(known)[1:], advice, otherwise)
            return function(*args, **given)

        return called  # type: ignore[return-value]

    return decorate


def refuse_options(given: Iterable[str], function: Callable[..., Any], options: Iterable[str]) -> None:
    """Refuses options that a guard does not have, where a function passes them on.

    Args:
        given: their names.
        function: what was called, which may have arguments of its own.
        options: the names of the options that there are.

    Raises:
        TypeError: one of the names is not known.
    """
    if given:
        own = [name for name in signature(function).parameters if name not in ("self", "options")]
        refuse_unknown(given, [*own, *options, "_now"], OF_GUARD)


def one_text(name: str, scopes: object) -> None:
    """Refuses scopes that are not one text, where they stand in an argument of this name.

    Raises:
        TypeError: they are a list, or something else.
    """
    if isinstance(scopes, str):
        return
    found = type(scopes).__name__
    if isinstance(scopes, (list, tuple, set, frozenset)):
        listed = [str(scope) for scope in scopes]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        written = " ".join(sorted(listed) if isinstance(scopes, (set, frozenset)) else listed)
        raise TypeError(f'{name}: expected one text with all scopes, found {found}: write {name}="{written}"')
    raise TypeError(f'{name}: expected a text, found {found}: write {name}="read:orders"')


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def whole_seconds(name: str, value: object) -> None:
    """Refuses what is not a whole number of seconds, and says which number was meant.

    Raises:
        TypeError: it is a text such as `"1h"`, a timedelta, or something else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return
    seconds = 3600
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
    elif isinstance(value, float) and abs(value) < 1e18:
        seconds = int(value)
    elif isinstance(value, str) and (written := re.fullmatch(r"\s*([0-9]{1,9})\s*([smhd]?)\s*", value, re.ASCII)):
        seconds = int(written[1]) * _UNITS[written[2]]
    shown = f"{value!r}" if isinstance(value, str) and len(value) < 20 else type(value).__name__
    raise TypeError(f"{name}: expected a whole number of seconds, found {shown}: write {name}={seconds}")
