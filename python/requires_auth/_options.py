"""The guard of an adapter, and the options that make it: arguments, settings of the framework, and the environment."""

from __future__ import annotations

import logging
import os
import re
import threading
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, cast
from weakref import WeakSet

from requires_auth import ConfigError, ConfigProblem, RequiresAuth, _core
from requires_auth._guard import from_environment
from requires_auth._keywords import refuse_options
from requires_auth._mistakes import NO_PARAMETER, NoDependency, NotOfFastMCP, has_type
from requires_auth._names import current_names as _current
from requires_auth._rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from typing_extensions import Unpack

    from requires_auth import AccessToken, Issuer, Policy
    from requires_auth._guard import ErrorBody, Resolver, SharedState
    from requires_auth._issuer import Audience, ClientCertHeader, Dpop, Introspection, KeySet, TokenPlace

PREFIX = "REQUIRES_AUTH_"
"""What the name of a setting begins with; the name of the constructor's argument follows, in upper case."""


_RESOURCE = PREFIX + "RESOURCE"
_LOG = logging.getLogger("requires_auth")


class _Options(TypedDict, total=False):
    """The keyword arguments of `requires_auth.RequiresAuth`, which describes them, but for those of every signature."""

    issuers: Iterable[Issuer | tuple[str, Audience]] | None
    provider: str | None
    jwks: KeySet | None
    algorithms: Sequence[str] | None
    leeway: int | None
    profile: str | None
    scope_claims: Sequence[str] | None
    client_claims: Sequence[str] | None
    implied_scopes: Mapping[str, str | Sequence[str]] | None
    token_from: Sequence[TokenPlace] | None
    cookie_origins: str | Sequence[str] | None
    dpop: Dpop | None
    client_certificates: bool
    client_cert_header: ClientCertHeader | None
    public_url: str | None
    base_scopes: str | Sequence[str] | None
    scopes_supported: Sequence[str] | None
    challenge_scopes: str
    resource_name: str | None
    resource_documentation: str | None
    resource_policy_uri: str | None
    resource_tos_uri: str | None
    authorization_servers: Sequence[str] | None
    metadata_url: str | None
    allow_resource_query: bool
    close_on_expiry: bool
    cache: int
    stale: int
    state_file: str | os.PathLike[str] | None
    revocations: str | os.PathLike[str] | None
    max_revocations: int
    jwks_uri: str | None
    discovery_url: str | None
    tenants: Sequence[str] | None
    tenant_claims: Sequence[str] | None
    fetch_token_file: str | os.PathLike[str] | None
    resolver: Resolver | None
    accept_tokens: str | None
    introspection: Introspection | None
    shared_state: SharedState | None
    ca: str | bytes | os.PathLike[str] | None
    max_token_bytes: int
    fetch_timeout: int
    error_body: ErrorBody
    dangerously_allow_http_issuer: bool
    dangerously_allow_public_test_keys: bool
    dangerously_any_audience: bool
    dangerously_any_tenant: bool
    error_format: ErrorBody | None


class GuardOptions(_Options, total=False):
    """The keyword arguments that an adapter passes on."""

    resource: str | None


class McpOptions(_Options, total=False):
    """The keyword arguments that `requires_auth.mcp` passes on."""

    audience: Audience | None


SETTINGS = ("issuer", "audience", *GuardOptions.__annotations__)
"""The arguments of the constructor that settings can give."""


class Adapter:
    """A guard as the adapter of a framework holds it.

    It is made at once if an issuer is given, and else at first use from settings. These are those of the
    framework (`REQUIRES_AUTH_ISSUER`, `REQUIRES_AUTH_AUDIENCE`, and any other argument of the constructor in
    upper case), then the environment.
    """

    settings_in: ClassVar[str] = "the environment"
    """Where settings are written, for messages."""

    def __init__(
        self,
        issuer: str | None = None,
        audience: Audience | None = None,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Makes a guard; see `requires_auth.RequiresAuth`.

        Raises:
            ConfigError: all mistakes at once.
            TypeError: the issuer is not a string, such as an application; or there is no option of this name.
        """
        refuse_options(options, type(self).__init__, GuardOptions.__annotations__)
        if issuer is not None and not has_type(issuer, str):
            raise TypeError(
                f"issuer: expected the URL of the issuer, found {type(issuer).__name__}: write "
                f'RequiresAuth("https://..", "https://api.example.com"), or RequiresAuth() and {PREFIX}ISSUER and '
                f"{PREFIX}AUDIENCE in {self.settings_in}"
            )
        self._given: dict[str, Any] = dict(options)
        if audience is not None:
            self._given["audience"] = audience
        self._guard: RequiresAuth | None = None
        self._replacement: RequiresAuth | None = None
        self._lock = threading.Lock()
        self._policies: list[Policy] = []
        self._made: WeakSet[RequiresAuth] = WeakSet()
        self._serves_metadata = False
        if issuer is not None or options.get("issuers") or options.get("resolver"):
            self._guard = self._told(RequiresAuth(issuer, audience, **options))

    @property
    def guard(self) -> RequiresAuth:
        """The guard of this adapter.

        Raises:
            ConfigError: neither the constructor nor settings nor the environment describe one.
        """
        return self._replacement or self._guard or self._configured()

    @property
    def guard_of_request(self) -> RequiresAuth:
        """As `guard`, for a request. Logs what is wrong with the settings, as Litestar and Django do not.

        Raises:
            ConfigError: neither the constructor nor settings nor the environment describe one.
        """
        try:
            return self.guard
        except ConfigError as error:
            _LOG.error("no request can be judged: %s", error)
            raise

    def _configured(self) -> RequiresAuth:
        """Makes the guard from settings, once. An adapter with a guard per application overrides it."""
        with self._lock:
            if self._guard is None:
                self._guard = self._told(guard_from(self._settings(), self._given, self.settings_in))
            return self._guard

    def rule(
        self,
        scopes: Sequence[str] = (),
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: str | None = None,
    ) -> Rule:
        """Reads what a route needs, as `Rule.of`, and tells the guard that its resource has these scopes."""
        rule = Rule.of(scopes, any_of, policy, optional, dpop)
        if rule.policy is not None and rule.policy not in self._policies:
            self._policies.append(rule.policy)
            for guard in self._made:
                guard.know_scopes_of(rule.policy)
        return rule

    def _told(self, guard: RequiresAuth) -> RequiresAuth:
        """A guard of this adapter, which is told what the routes need: those that there are, and those to come."""
        self._made.add(guard)
        for policy in self._policies:
            guard.know_scopes_of(policy)
        return guard

    def _settings(self) -> Mapping[str, Any]:
        """The settings of the framework."""
        return {}

    def options(self) -> dict[str, Any]:
        """The arguments of the constructor that this adapter was given, or finds in the settings of the framework."""
        return options_from(self._settings(), self._given)

    def has_resource(self, settings: Mapping[str, Any] | None = None) -> bool:
        """Whether a metadata document is to be served. To ask makes no guard: public paths do not need one."""
        if self._given.get("resource") or os.environ.get(_RESOURCE):
            return True
        return bool((self._settings() if settings is None else settings).get(_RESOURCE))

    def serve_metadata(self) -> None:
        """Says that something serves the document of the resource."""
        self._serves_metadata = True

    def look_for_metadata(self, guard: RequiresAuth, how: str) -> None:
        """Logs, once, that nothing serves the document to which a refusal points, and how to have it served."""
        if self._serves_metadata or guard.resource is None:
            return
        self._serves_metadata = True
        _LOG.warning("nothing serves the metadata document of %s: %s", guard.resource, how)

    def verify(self, token: str, policy: Policy | None = None) -> AccessToken:
        """Verifies a token that does not come with a request; see `requires_auth.RequiresAuth.verify`."""
        return self.guard.verify(token, policy)

    async def verify_async(self, token: str, policy: Policy | None = None) -> AccessToken:
        """As `verify`, in asynchronous code."""
        return await self.guard.verify_async(token, policy)

    def warm(self) -> None:
        """Fetches the keys now, so that a wrong issuer shows at start instead of at the first request."""
        self.guard.warm()

    def health(self) -> list[dict[str, Any]]:
        """How old the keys of each issuer are, and what went wrong last."""
        return self.guard.health()

    def replace_guard(self, guard: RequiresAuth | None) -> RequiresAuth | None:
        """Lets another guard judge, in all threads, until it is replaced in turn.

        This is for tests: see `requires_auth.testing`. Returns what stood there before; None is the adapter's
        own guard.
        """
        before, self._replacement = self._replacement, None if guard is None else self._told(guard)
        return before

    if not TYPE_CHECKING:
        __class__ = NO_PARAMETER
        get_middleware = NotOfFastMCP()
        __signature__ = NoDependency(
            "FastAPI takes a guard of requires_auth.fastapi, and no class: write auth = RequiresAuth(issuer, audience) "
            "with RequiresAuth from requires_auth.fastapi, and Depends(auth) or Depends(auth('read:orders'))"
        )


def guard_from(
    settings: Mapping[str, Any], given: Mapping[str, Any], settings_in: str = Adapter.settings_in
) -> RequiresAuth:
    """Makes a guard: arguments override settings, and these override the environment.

    Args:
        settings: those of the framework.
        given: arguments of the constructor.
        settings_in: where settings are written, for messages.

    Raises:
        ConfigError: all mistakes at once; those of settings that are forgotten before all others.
    """
    found, names = _found(settings)
    given, earlier = _current(given)
    options = {**found, **given}
    names = {key: name for key, name in names.items() if key not in given} | earlier
    return from_environment(RequiresAuth, options, names, list(_forgotten(options, settings_in)))


def options_from(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the constructor: what is given overrides settings."""
    return {**_found(settings)[0], **_current(given)[0]}


def _found(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What settings choose, by the arguments of the constructor, and what each is called there."""
    written = {name: settings.get(PREFIX + name.upper()) for name in SETTINGS}
    found, earlier = _current({name: value for name, value in written.items() if value is not None})
    for name in _LISTS:
        # As in the environment, where such settings are often copied from.
        if isinstance(found.get(name), str):
            found[name] = re.split(r"[\s,]+", found[name].strip())
    return found, {key: PREFIX + earlier.get(key, key).upper() for key in found}


_LISTS = (
    "algorithms",
    "authorization_servers",
    "base_scopes",
    "cookie_origins",
    "scope_claims",
    "scopes_supported",
    "tenant_claims",
    "tenants",
)


def _forgotten(options: Mapping[str, Any], settings_in: str) -> Iterator[ConfigProblem]:
    # A provider may have one issuer for everybody, and an audience of its own: the guard says what is missing.
    if options.get("issuers") or options.get("resolver") or options.get("provider"):
        return
    if os.environ.get(PREFIX + "PROVIDER"):
        return
    # A resource is its own audience.
    has_resource = options.get("resource") or os.environ.get(_RESOURCE)
    places = settings_in if settings_in == Adapter.settings_in else f"{settings_in} or in the environment"
    for name, expected in (("issuer", "an https URL"), ("audience", "the identifier of this API")):
        key = PREFIX + name.upper()
        unused = name == "audience" and (options.get("dangerously_any_audience") or has_resource)
        if not options.get(name) and not os.environ.get(key) and not unused:
            yield ConfigProblem(name, "nothing", expected, f"set {key} in {places}")


DICT = PREFIX.rstrip("_")
"""The name of a dict with all settings, which is the style of other packages and not of this one."""


def dict_hint(value: object) -> str:
    """What to write instead of one setting that holds all others, such as `REQUIRES_AUTH = {"ISSUER": ..}`."""
    entries = list(cast("Mapping[object, object]", value)) if isinstance(value, Mapping) else []
    names = [str(name).upper().removeprefix(PREFIX) for name in entries]
    known = [name for name in names if name.lower() in SETTINGS] or ["ISSUER", "AUDIENCE"]
    return "write each setting by itself: " + ", ".join(f"{PREFIX}{name} = .." for name in known)


def warn_of_unknown(settings: Mapping[str, Any], settings_in: str) -> None:
    """Warns of settings that begin with our prefix and are none of ours, so would be ignored."""
    known = [PREFIX + name.upper() for name in SETTINGS]
    if DICT in settings:
        warnings.warn(f"{DICT} in {settings_in} is not read: {dict_hint(settings[DICT])}", RuntimeWarning, stacklevel=3)
    for name in settings:
        if name.startswith(PREFIX) and name not in known:
            meant = nearest_setting(name, known)
            hint = f": did you mean {meant}?" if meant else ""
            warnings.warn(
                f"{name} in {settings_in} is not a setting of requires-auth{hint}", RuntimeWarning, stacklevel=3
            )


def nearest_setting(name: str, known: Iterable[str]) -> str | None:
    """The setting that a misspelt one was meant to be. All begin with our prefix, which does not count."""
    names = [setting.removeprefix(PREFIX).lower() for setting in known]
    meant = _core.nearest(name.removeprefix(PREFIX), names)
    return PREFIX + meant.upper() if meant else None
