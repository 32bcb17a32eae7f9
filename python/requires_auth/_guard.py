"""The guard: the arguments of its constructor, put in order for the extension module, which does all the rest."""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, cast

from requires_auth import _core
from requires_auth._errors import ConfigError, ConfigProblem
from requires_auth._issuer import Issuer, entries_of, issuer_of_table, resolving
from requires_auth._keywords import OF_GUARD, names_arguments, one_text
from requires_auth._mistakes import NO_PARAMETER, NoSignature, NotOfFastMCP, no_adapter
from requires_auth._names import current_names, renamed
from requires_auth._revoking import Revoking

if TYPE_CHECKING:
    from typing_extensions import Self

    from requires_auth._core import AccessToken, Admission, Policy, Refusal
    from requires_auth._errors import AuthError, IssuerUnavailable, StateUnavailable
    from requires_auth._issuer import Audience, ClientCertHeader, Dpop, Introspection, KeySet, TokenPlace

    Headers = Iterable[tuple[str | bytes, str | bytes]]
    Resolver = Callable[[str], "Issuer | None"]
    ErrorBody = str | Callable[[AuthError | IssuerUnavailable | StateUnavailable], tuple[str, bytes]]
    SharedState = str | Mapping[str, Any]
    Problem = tuple[str, str, str, str]


class RequiresAuth(_core.Guard, Revoking):
    """Guards an API: takes tokens of an issuer for an audience, and nothing else.

    For routes of Flask, FastAPI, Starlette or Django, take the class of the same name in the module of the framework,
    such as `requires_auth.flask`: this one is not a decorator, and knows no framework. Of its methods, reach first for

    - `verify`, if there is a token: it is returned with its claims, or an `AuthError` is raised;
    - `authenticate`, if there are the headers of a request: the same;
    - `admit`, to write an adapter: it decides over a request as a whole, preflights and optional tokens included, and
      returns an `Admission`, or a `Refusal` that is the whole answer. `admit_wsgi` and `admit_asgi` take what servers
      give.

    In asynchronous code, take `verify_async` and `admit_async`. `verify_now` and `admit_now` never wait, and return
    None if keys have to be fetched. `warm` fetches keys at start, `health` says how they are, `explain` shows why a
    token is refused, and `from_env` and `from_file` make a guard from settings. `revoke` refuses a token before it
    expires, and `revocations` says how many there are. `shared_state` says how the server is doing that
    instances share. `for_provider` makes a guard for a provider of the table, such
    as Logto; each of them is also a method of its name.

    A guard with a `resource` serves a document about it (RFC 9728): an adapter asks `metadata`, `metadata_wsgi` or
    `metadata_asgi` for the answer before it looks for a token, and tells `know_scopes_of` what its routes need. Where
    `may_have_several_issuers`, a subject alone names nobody.

    Making a guard does no IO: keys are found by discovery and fetched on first need, and refreshed in the background.
    If the provider is down, cached keys keep working for one hour after they expire (`stale`). A guard is safe to share
    among threads and survives `fork`. It logs what it refuses, once, to the logger `requires_auth`.
    """

    @names_arguments(OF_GUARD)
    def __init__(
        self,
        issuer: str | None = None,
        audience: Audience | None = None,
        *,
        issuers: Iterable[Issuer | tuple[str, Audience]] | None = None,
        provider: str | None = None,
        jwks: KeySet | None = None,
        algorithms: Sequence[str] | None = None,
        leeway: int | None = None,
        profile: str | None = None,
        scope_claims: Sequence[str] | None = None,
        client_claims: Sequence[str] | None = None,
        implied_scopes: Mapping[str, str | Sequence[str]] | None = None,
        token_from: Sequence[TokenPlace] | None = None,
        cookie_origins: str | Sequence[str] | None = None,
        dpop: Dpop | None = None,
        client_certificates: bool = False,
        client_cert_header: ClientCertHeader | None = None,
        public_url: str | None = None,
        resource: str | None = None,
        base_scopes: str | Sequence[str] | None = None,
        scopes_supported: Sequence[str] | None = None,
        challenge_scopes: str = "keep",
        resource_name: str | None = None,
        resource_documentation: str | None = None,
        resource_policy_uri: str | None = None,
        resource_tos_uri: str | None = None,
        authorization_servers: Sequence[str] | None = None,
        metadata_url: str | None = None,
        allow_resource_query: bool = False,
        close_on_expiry: bool = True,
        cache: int = 10_000,
        stale: int = 3600,
        state_file: str | os.PathLike[str] | None = None,
        revocations: str | os.PathLike[str] | None = None,
        max_revocations: int = 100_000,
        jwks_uri: str | None = None,
        discovery_url: str | None = None,
        tenants: Sequence[str] | None = None,
        tenant_claims: Sequence[str] | None = None,
        fetch_token_file: str | os.PathLike[str] | None = None,
        resolver: Resolver | None = None,
        accept_tokens: str | None = None,
        introspection: Introspection | None = None,
        shared_state: SharedState | None = None,
        ca: str | bytes | os.PathLike[str] | None = None,
        max_token_bytes: int = 16_384,
        fetch_timeout: int = 5,
        error_body: ErrorBody = "json",
        dangerously_allow_http_issuer: bool = False,
        dangerously_allow_public_test_keys: bool = False,
        dangerously_any_audience: bool = False,
        dangerously_any_tenant: bool = False,
        error_format: ErrorBody | None = None,
        _now: int | None = None,
    ) -> None:
        """Makes a guard, without any IO but reading the files that are named.

        Args:
            issuer: whose tokens to take (`iss`), byte for byte: a trailing slash counts.
            audience: for which API they must be (`aud`): one of these, byte for byte. Or a rule:
                `{"prefix": "urn:logto:organization:"}` takes each that begins so, and for issuers that leave `aud`
                out, `{"claim": "client_id", "one_of": ["5d3kq0v1"]}` looks at another claim.
            issuers: several issuers instead, as `Issuer` or as pairs of issuer and audience. Their keys never
                cross.
            provider: the make of the issuer, such as `"logto"`, by its name in the table of providers
                (`docs/providers`): it knows what the tokens of this provider look like; what is given here wins.
                The issuer may be a short name then, such as a tenant.
            jwks: the keys, if they are not to be fetched: a dict, JSON text, a public key or a certificate in PEM,
                or the path of a file with one of these. A rotation needs a new guard then.
            algorithms: only these, such as `["ES384", "RS256"]`. By default each key's own, by its type,
                curve and `alg`; `none` and HMAC never.
            leeway: how far the clocks of this server and of the issuer may differ, in seconds; at most 300. By
                default 30, and 10 with the profile `"fapi2"`, which allows no more.
            profile: `"jwt"`, or `"at+jwt"` for RFC 9068, which demands `typ`, `sub`, `client_id`, `iat` and
                `jti`, or `"fapi2"` for FAPI 2.0. By default that of the provider, else `"jwt"`.
            scope_claims: the claims that hold scopes, by dotted path; all count together. By default `scope`,
                else `scp`. For Auth0's permissions: `["scope", "permissions"]`. Of an object, its members count.
            client_claims: the claims that name the client, by dotted path; the first that is there counts. By
                default `client_id`, else `azp`, `cid` or `appid`.
            implied_scopes: scopes that include others: `{"admin": "read write"}`.
            token_from: where a request may have its token, instead of the `Authorization` header alone: a list of
                `"authorization"`, `{"header": "NAME"}`, `{"cookie": "NAME"}`,
                `{"subprotocol": {"prefix": "PREFIX"}}` and `{"subprotocol": {"after": "bearer"}}`. All of them
                together hold one token, and the query is never one.
            cookie_origins: origins whose pages may use a token in a cookie, beside pages of the same origin. By
                default that of `public_url`.
            dpop: whether tokens come with a proof of the key that they are bound to (DPoP, RFC 9449): `"off"`,
                `"allowed"`, `"required"` or `"pass"`, or a dict of `mode` and more to choose (`max_age`, `future`,
                `algorithms`, `nonce_secret_env`, `nonce_secret_file`, `max_entries`, `max_proof_bytes`). It needs
                `public_url`. By default a token that is bound to a key is refused.
            client_certificates: lets tokens be bound to a certificate that the client shows on its TLS connection (RFC
                8705): such a token counts for that client alone. A server with the TLS extension of ASGI tells the
                certificate itself. By default a token that is bound to one is refused.
            client_cert_header: the header in which a proxy tells the certificate: its name, or a dict of `header` and
                `format` (`"rfc9440"`, `"escaped-pem"` as nginx has it, `"traefik"`, `"xfcc"`, `"der-base64"`). Only
                where every request comes through a proxy that overwrites or removes what clients send under this
                name.
            public_url: the URL of this API as its clients know it.
            resource: the URL of this API as its clients are given it, byte for byte (RFC 9728). It is the audience
                where none is given, a document at a well-known place says where to log in, and challenges point to
                that.
            base_scopes: scopes of the `resource` that every request with a token needs, beside those of its route.
            scopes_supported: the scopes that the document of the `resource` names. By default `base_scopes`.
            challenge_scopes: which scopes a challenge names where one is missing: `"needed"`, or with `"keep"` also
                those of the `resource` that the token has, as some clients ask for exactly what they are told.
            resource_name: the name of the `resource` for people, in its document.
            resource_documentation: a page for developers, in the document.
            resource_policy_uri: a page about how clients may use the data, in the document.
            resource_tos_uri: the terms of service, in the document.
            authorization_servers: those that the document names, if they are not the issuers. Most clients log in at
                the first one.
            metadata_url: where clients find the document, if a proxy lets them reach it elsewhere than RFC 9728 says.
            allow_resource_query: lets the `resource` have a query, which RFC 9728 advises against.
            close_on_expiry: closes a WebSocket when its token ends, with code 1008.
            cache: how many accepted tokens are remembered; 0 verifies every token anew. Times, keys and
                policy are looked at every time all the same.
            stale: for how many seconds past their life keys still serve while they cannot be fetched; 0 fails
                closed.
            state_file: a file that keeps the last good keys, so that a restart during an outage has some.
            revocations: a file with revocations, one in each line, as JSON: tokens that are refused before they
                expire. It is read anew within a second after it has changed, and must be there, be it empty.
            max_revocations: how many of them there may be at a time; none is dropped for another.
            jwks_uri: where the keys are, if nothing is to be discovered.
            discovery_url: where the metadata are, if this server reaches the issuer by another name than
                tokens do.
            tenants: whose tokens to take where `issuer` has a placeholder, such as
                `https://login.microsoftonline.com/{tenant}/v2.0`: what stands in its place, byte for byte. Metadata
                and keys of a tenant are fetched when the first of its tokens comes.
            tenant_claims: claims that must equal the tenant in the issuer. By default none, and `tid` where the keys
                say that they are for many tenants, as at Entra ID.
            fetch_token_file: a file with a Bearer token for metadata and keys, as Kubernetes wants one. It is read at
                each fetch, and sent to the origin of the issuer and to that of `jwks_uri` alone.
            resolver: a function that is asked about issuers that are not configured: it takes the issuer that a token
                claims to be of, which nobody has vouched for, and returns its settings as an `Issuer`, or None if it
                is not ours. An answer holds for five minutes, None for one. Where it raises, the answer is 503.
            accept_tokens: which kinds of tokens the issuer may send: `"jwt"`, `"opaque"` or `"both"`. By default
                `"both"` if there is `introspection` (without `always`), else `"jwt"`. A token that has the three
                parts of a JWT is never introspected instead.
            introspection: how the issuer is asked about tokens that mean something to it alone (RFC 7662): a
                dict of `client_id`, `client_secret` and, where the metadata of the issuer do not name it,
                `endpoint`, with more to choose (`auth_method`, `private_key_file`, `ttl`, `negative_ttl`,
                `max_entries`, `in_flight`, `calls_per_second`, `signed`, `always`, `token_type`); or a tuple of
                endpoint, client and secret. Secrets belong in the environment or a file:
                `client_secret_env`, `client_secret_file`.
            shared_state: where the instances of this API keep what they have to know of each other, such as which
                proofs were used before: the URL of Redis or Valkey, or a dict with `url` or `cluster` and more
                (`namespace`, `username`, `password_env`, `password_file`, `ca`, `timeout_ms`, `on_outage`,
                `revocations`, `max_lag`). Nothing connects before the first need, so that a process may fork first.
            ca: certificates to trust beside those of the system: PEM text, or the path of a file.
            max_token_bytes: a longer token is refused before it is decoded.
            fetch_timeout: for how many seconds fetching one document of an issuer may take, from 1 to 30. A request
                waits for keys for at most 5 seconds whatever this says.
            error_body: what the bodies of refusals look like: `"json"`, `"problem"` (RFC 9457), or a
                function from the error to a media type and the body's bytes.
            dangerously_allow_http_issuer: lets keys be fetched over plain http beyond loopback. Whoever is on
                the way can forge any token then.
            dangerously_allow_public_test_keys: lets keys be used whose private halves are published with the
                library's tests. Anyone can sign with them.
            dangerously_any_audience: takes tokens that were made for any other API of the issuer.
            dangerously_any_tenant: takes tokens of every tenant of the provider, where `issuer` has a placeholder.
                Anyone who opens an account there has a tenant: look at `token.tenant`.
            error_format: the earlier name of `error_body`.
            _now: for tests: a clock that stands still, in seconds since 1970.

        Raises:
            ConfigError: all mistakes at once, each with a hint.
            TypeError: there is no argument of this name.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "issuers", "resolver", "_now")}
        own, names = current_names(given, {"error_body": "json"})
        problems: list[ConfigProblem] = []
        of_issuer = {name: own.pop(name) for name in _core.issuer_settings()}
        if issuers is None and resolver is not None and not any(of_issuer.values()):
            entries = []
        elif issuers is None:
            entries = [of_issuer]
        else:
            entries = entries_of(issuers, bool(of_issuer.pop("dangerously_any_audience")), problems)
            hint = "write it into the entry: Issuer(issuer, audience, jwks=...)"
            problems += [
                ConfigProblem(name, "a value beside `issuers`", "no value", hint)
                for name, value in of_issuer.items()
                if value is not None and value is not False
            ]
        asked = None if resolver is None else resolving(resolver, problems)
        found = self._configure(own, entries, _now, asked) if entries or not problems else []
        if problems or found:
            raise ConfigError([*problems, *renamed(found, names)])
        self._has_resolver = asked is not None

    def may_have_several_issuers(self) -> bool:
        """Whether two tokens may be of two issuers, or of two tenants, so that a subject alone names nobody."""
        named = [health["issuer"] for health in self.health() if not health["is_tenant"]]
        return self._has_resolver or len(named) > 1 or any("{" in issuer for issuer in named)

    @classmethod
    def for_provider(
        cls, name: str, issuer: str = "", audience: str | Sequence[str] | None = None, **options: Any
    ) -> Self:
        """Makes a guard for a provider of the table (`docs/providers`), such as `"logto"`.

        Each row is also a method of its name: `RequiresAuth.logto("acme", "https://api.example.com")`.

        Args:
            name: the provider.
            issuer: its short name, such as a tenant, or its URL. It may be left out where the provider has only one.
            audience: as for the constructor.
            options: as for the constructor.

        Raises:
            ConfigError: all mistakes at once.
        """
        return cls(issuer, audience, provider=name, **options)

    @classmethod
    def from_env(cls, **overrides: Any) -> Self:
        """Makes a guard from the environment; what is given here overrides it.

        Every argument of the constructor is a variable: `REQUIRES_AUTH_ISSUER`, `REQUIRES_AUTH_AUDIENCE`,
        `REQUIRES_AUTH_LEEWAY` and so on. Lists are separated by spaces or commas; a duration is a number of seconds,
        or `30s`, `5m` or `1h`; `REQUIRES_AUTH_JWKS` and `REQUIRES_AUTH_CA` are paths. An empty variable is as good as
        none, and one that is not a setting is a `RuntimeWarning`. `issuers` and `implied_scopes` are not variables.

        Args:
            overrides: as for the constructor.

        Raises:
            ConfigError: all mistakes at once, each with the variable and a hint.
        """
        return from_environment(cls, overrides, {})

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **overrides: Any) -> Self:
        """Makes a guard from a configuration file in TOML; what is given here overrides it.

        The file is the same as for the Rust library:

            leeway = "30s"

            [issuers.main]
            issuer = "https://tenant-id.logto.app/oidc"
            audience = "https://api.example.com"

        Each issuer has a table, whose name is yours; `jwks`, `jwks_uri`, `discovery_url`, `tenants`, `accept_tokens`,
        `introspection`, `algorithms` and `scope_claims` may stand in it. All other arguments of the constructor, and
        the last two for all issuers, may stand above the tables. Paths are relative to the file. A setting under an
        earlier name is logged as a warning.

        Args:
            path: the file.
            overrides: as for the constructor.

        Raises:
            ConfigError: all mistakes at once, each with file, line and a hint.
        """
        file = _core.read_config(os.fspath(path))
        for warning in file.warnings:
            _LOG.warning(warning)
        options = dict(file.settings)
        options["issuers"] = [issuer_of_table(name, arguments) for name, arguments in file.issuers]
        overrides, _ = current_names(overrides)
        guard: Self | None = None
        found: Sequence[Problem] = []
        try:
            if options["issuers"]:
                guard = cls(**{**options, **overrides})
        except ConfigError as error:
            found = error.problems
        problems = file.problems(list(found), set(overrides))
        if guard is None or problems:
            raise ConfigError(problems)
        return guard

    if TYPE_CHECKING:
        # One for each row of the table; they are made below.
        _Constructor = Callable[..., "RequiresAuth"]
        logto: ClassVar[_Constructor]
        auth0: ClassVar[_Constructor]
        keycloak: ClassVar[_Constructor]
        entra: ClassVar[_Constructor]
        cognito: ClassVar[_Constructor]
        okta: ClassVar[_Constructor]
        google: ClassVar[_Constructor]
        google_iap: ClassVar[_Constructor]
        zitadel: ClassVar[_Constructor]
        firebase: ClassVar[_Constructor]
        supabase: ClassVar[_Constructor]
        clerk: ClassVar[_Constructor]
        workos: ClassVar[_Constructor]
        cloudflare_access: ClassVar[_Constructor]
        github_actions: ClassVar[_Constructor]
        kubernetes: ClassVar[_Constructor]
        rauthy: ClassVar[_Constructor]
        authentik: ClassVar[_Constructor]

    async def verify_async(self, token: str, policy: Policy | None = None) -> AccessToken:
        """As `verify`, in asynchronous code.

        It is as synchronous as `verify` unless keys have to be fetched: to await costs more than most
        signatures.
        """
        verified = self.verify_now(token, policy)
        return await asyncio.to_thread(self.verify, token, policy) if verified is None else verified

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
        method: str | None = None,
        url: str = "/",
        scope: str | None = None,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
    ) -> AccessToken:
        """Judges the token of a request, and returns it.

        Args:
            headers: the headers of the request, as a mapping or as pairs. A header that is there twice must
                be there twice: two Authorization headers are refused.
            method: the method of the request. Without it, a token in a cookie counts only where the headers say
                that the request comes from a page that may use the cookie, as for a request that changes something.
            url: its URL, or path and query: a query parameter `access_token` beside the header is refused.
            scope: the scopes that the request needs, separated by spaces: all of them.
            any_of: scopes of which it needs one.
            policy: all else that it needs, in the place of the two.

        Raises:
            AuthError: the request is refused.
            IssuerUnavailable: the keys are out of reach.
            ConfigError: a scope is not a scope token.
            TypeError: more than one of scope, `any_of` and `policy` is given.
        """
        if (scope is not None) + (any_of is not None) + (policy is not None) > 1:
            raise TypeError("give scope, any_of or a policy, and only one of them")
        if scope is not None:
            one_text("scope", scope)
            policy = _core.Policy.all_of(scope)
        elif any_of is not None:
            policy = _core.Policy.any_of(list(any_of))
        pairs = cast("Headers", headers.items() if isinstance(headers, Mapping) else headers)
        # The log has a dash where there is no method.
        return self._authorize("-" if method is None else method, url, pairs, policy)

    if not TYPE_CHECKING:

        def __call__(self, *_: Any, **__: Any) -> NoReturn:
            """It is not a decorator: the modules of the frameworks have classes of the same name that are."""
            raise no_adapter()

        __class__ = NO_PARAMETER
        __signature__ = NoSignature()
        get_middleware = NotOfFastMCP()

    def __repr__(self) -> str:
        """The issuers, and nothing else of the settings."""
        return f"{type(self).__name__}({', '.join(repr(issuer['issuer']) for issuer in self.health())})"


def _constructor(name: str) -> Any:
    def constructor(
        cls: type[RequiresAuth], /, issuer: str = "", audience: str | Sequence[str] | None = None, **options: Any
    ) -> RequiresAuth:
        return cls.for_provider(name, issuer, audience, **options)

    constructor.__name__ = name
    constructor.__qualname__ = f"RequiresAuth.{name}"
    constructor.__doc__ = f"As `for_provider`, for the provider `{name}` of the table."
    return classmethod(constructor)


for _name in _core.provider_names():
    setattr(RequiresAuth, _name, _constructor(_name))

_LOG = logging.getLogger("requires_auth")
_Guard = TypeVar("_Guard", bound=RequiresAuth)


def from_environment(
    cls: type[_Guard],
    overrides: Mapping[str, Any],
    names: Mapping[str, str],
    forgotten: Sequence[ConfigProblem] = (),
) -> _Guard:
    """As `RequiresAuth.from_env`.

    Args:
        cls: the class of the guard.
        overrides: what goes before the environment.
        names: what overrides are called where they are written.
        forgotten: what is already known to be missing; no guard is made then.
    """
    arguments, variables, problems, unread = _core.read_environment()
    for warning in unread:
        warnings.warn(warning, RuntimeWarning, stacklevel=3)
    overrides, _ = current_names(overrides)
    taken = set(overrides)
    if overrides.get("issuers") is not None:
        taken.update(_core.issuer_settings())
    options = {name: value for name, value in arguments.items() if name not in taken}
    own_names = {name: variable for name, variable in variables.items() if name in options}
    unreadable = {name: problem for name, problem in problems if name not in taken}
    if forgotten:
        # A misspelt variable was told above: it may be the one that is missing.
        raise ConfigError([*forgotten, *unreadable.values()])
    found: list[ConfigProblem] = []
    try:
        guard = cls(**options, **overrides)
    except ConfigError as error:
        found = renamed(error.problems, {**names, **own_names})
    else:
        if not unreadable:
            return guard
    # What could not be read is not missing.
    missing = [problem for problem in found if problem.field not in unreadable]
    raise ConfigError([*unreadable.values(), *missing])
