"""The extension module, written in Rust. Import from `requires_auth`, and for tests from `requires_auth.testing`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, final, overload

from typing_extensions import Self, disjoint_base

from requires_auth._errors import AuthError, IssuerUnavailable, StateUnavailable

__all__ = [
    "AccessToken",
    "Admission",
    "ConfigFile",
    "Guard",
    "McpScopes",
    "MetadataAnswer",
    "Policy",
    "Refusal",
    "TestClientKey",
    "TestIssuer",
    "__version__",
    "error_codes",
    "issuer_settings",
    "nearest",
    "provider_names",
    "read_config",
    "read_environment",
    "reasons",
    "revocations",
    "revoke",
    "revoke_token",
    "setting_names",
]

__version__: str

def nearest(typed: str, known: Sequence[str]) -> str | None:
    """The known word that a mistyped one was meant to be, if one is near enough."""

@disjoint_base
class Guard:
    """The guard without the arguments of its constructor, which `requires_auth.RequiresAuth` puts in order."""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self: ...
    def _configure(
        self,
        guard: dict[str, Any],
        issuers: list[dict[str, Any]],
        now: int | None = None,
        resolver: Callable[[str], dict[str, Any] | None] | None = None,
    ) -> list[tuple[str, str, str, str]]: ...
    def verify(self, token: str, policy: Policy | None = None) -> AccessToken:
        """Verifies a token without its scheme, and returns it with its claims.

        `policy` is what it has to be allowed, such as `Policy.all_of("read:orders")`; any valid token will do without.
        Waits only if keys have to be fetched; the interpreter lock is released meanwhile.

        Raises:
            AuthError: the token is refused; where it is valid and not allowed, with status 403.
            IssuerUnavailable: the keys are out of reach.
        """

    def verify_now(self, token: str, policy: Policy | None = None) -> AccessToken | None:
        """As `verify` if that needs no fetch; never waits. None means that keys have to be fetched."""

    def admit(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str | bytes, str | bytes]],
        policy: Policy | None = None,
        optional: bool = False,
        path_parameters: Mapping[str, Any] | None = None,
    ) -> Admission | Refusal:
        """Decides over a request as a whole: preflights pass, and with `optional` one without a token is anonymous.

        A bad token is refused either way. Waits only if keys have to be fetched; the interpreter lock is released
        meanwhile.

        Args:
            method: the method, as sent.
            url: the URL, or path and query.
            headers: all headers: what the guard reads of them depends on its settings. A str is what WSGI makes of the
                bytes.
            policy: what the request needs beyond a valid token.
            optional: whether a request without a token passes.
            path_parameters: those of the route, decoded once, for claim rules on them.
        """

    def admit_now(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str | bytes, str | bytes]],
        policy: Policy | None = None,
        optional: bool = False,
    ) -> Admission | Refusal | None:
        """As `admit` if that needs no fetch; never waits. None means that keys have to be fetched."""

    @overload
    def admit_wsgi(
        self,
        environ: Mapping[str, Any],
        policy: Policy | None = None,
        optional: bool = False,
        wait: Literal[True] = True,
        path_parameters: Mapping[str, Any] | None = None,
    ) -> Admission | Refusal:
        """As `admit`, of a WSGI environment (PEP 3333), or `META` of a Django request.

        With `wait=False` as `admit_now`.
        """

    @overload
    def admit_wsgi(
        self,
        environ: Mapping[str, Any],
        policy: Policy | None = None,
        optional: bool = False,
        *,
        wait: bool,
        path_parameters: Mapping[str, Any] | None = None,
    ) -> Admission | Refusal | None: ...
    @overload
    def admit_asgi(
        self, scope: Mapping[str, Any], policy: Policy | None = None, optional: bool = False, wait: Literal[True] = True
    ) -> Admission | Refusal:
        """As `admit`, of the scope of an ASGI connection: HTTP or WebSocket.

        With `wait=False` as `admit_now`.
        """

    @overload
    def admit_asgi(
        self, scope: Mapping[str, Any], policy: Policy | None = None, optional: bool = False, *, wait: bool
    ) -> Admission | Refusal | None: ...
    @property
    def resource(self) -> str | None:
        """The URL of the resource that this guard protects; None without one."""

    @property
    def _metadata_url(self) -> str | None:
        """The URL of the metadata document, as challenges name it; None without a resource."""

    def metadata(self, method: str, url: str) -> MetadataAnswer | None:
        """The answer to a request for the metadata document of the `resource` (RFC 9728); None for any other request.

        An adapter asks this before it looks for a token: the document is public, and is there also while the issuer is
        down.

        Args:
            method: the method, as sent.
            url: the URL, or path and query, with what an application is mounted at.
        """

    def metadata_wsgi(self, environ: Mapping[str, Any]) -> MetadataAnswer | None:
        """As `metadata`, of a WSGI environment (PEP 3333), or `META` of a Django request."""

    def metadata_asgi(self, scope: Mapping[str, Any]) -> MetadataAnswer | None:
        """As `metadata`, of the scope of an ASGI connection."""

    def know_scopes_of(self, policy: Policy) -> None:
        """Tells the guard that its resource has the scopes of this policy: call it when a route is built.

        The challenge of a request that lacks a scope also names those scopes of the resource that its token has.
        Without a resource it does nothing.
        """

    def _token_headers(self) -> list[str]: ...
    def _authorize(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str | bytes, str | bytes]],
        policy: Policy | None = None,
    ) -> AccessToken: ...
    def warm(self) -> None:
        """Fetches the keys of every issuer that has none yet; the interpreter lock is released meanwhile.

        A server that calls this before it listens finds a wrong issuer at start instead of at the first request.

        Raises:
            IssuerUnavailable: the message names every issuer whose keys could not be fetched, and why.
        """

    def _protocols_without_token(self, offered: list[str]) -> tuple[list[str], str | None]: ...
    def health(self) -> list[dict[str, Any]]:
        """How the keys of each issuer are doing: one dict per issuer. It fetches nothing.

        Each has `issuer`, `is_tenant`, `state` (`fresh`, `missing`, `on_demand`, `stale`, `too_old`), `source`
        (`fetched`, `state_file`, `static` or None), `age` and `next_refresh` in seconds or None, `last_error` (None, or
        `kind`, `message` and `hint`), `keys`, and `skipped` (`index` and `reason` each).
        """

    def shared_state(self) -> dict[str, Any] | None:
        """How the server that instances share (`shared_state`) is doing: None if there is none. It asks nothing.

        Else `server` (where it is), `status` (`idle` before the first need, `up`, `down`), `last_error` (a str, or None
        after a good answer), and `warnings`, what is wrong with how the server is set up, a sentence each.

        While it is `down`, requests that need it are refused with 503. A readiness probe had better not look at it: its
        outage is that of all instances.
        """

    def explain(
        self,
        token: str,
        policy: Policy | None = None,
        *,
        proof: str | None = None,
        method: str = "GET",
        url: str = "/",
    ) -> dict[str, Any]:
        """Judges a token, and tells what every check found: what `requires-auth explain --output json` prints.

        Fetches keys if that is needed. It shows what the token says: keep it out of logs. `header` and `claims` of the
        result are the decoded token, whoever has written it, and None where the token has none that can be read.

        Args:
            token: the token, without its scheme.
            policy: what it must be allowed to do.
            proof: the value of the header `DPoP` beside it. Its checks are told as well; whether it was used before is
                not among them, and it can be used afterwards.
            method: of the request that the proof is for.
            url: the URL of that request, or its path and query.
        """

@final
class McpScopes:
    """What each tool, prompt and resource of an MCP server needs, beside the base scopes of the guard.

    Ask in this order: `Guard.admit_asgi` with `admission` as the policy; then, if `body_limit` is not None, read so
    many bytes at most; then `check`. So nothing is read of a request that is not authenticated.
    """

    def __new__(
        cls,
        tools: Mapping[str, str | Sequence[str]] | None = None,
        prompts: Mapping[str, str | Sequence[str]] | None = None,
        resources: Mapping[str, str | Sequence[str]] | None = None,
        max_body: int | None = None,
    ) -> Self:
        """Makes the table. A str may hold several scopes, separated by spaces; an empty one needs the base alone.

        Args:
            tools: what a call of a tool needs, by its name. As soon as one is named, any other is refused, unless `*`
                says what all others need.
            prompts: what getting a prompt needs, by its name.
            resources: what reading a resource needs, by its URI or the beginning of one with a `*` behind it.
            max_body: how many bytes a body may have; 4 MiB.

        Raises:
            ConfigError: the table cannot be meant, with every mistake.
        """

    @property
    def admission(self) -> Policy:
        """The policy before the body is read: any valid token. `check` asks for all scopes."""

    def body_limit_asgi(self, scope: Mapping[str, Any]) -> int | None:
        """As `body_limit`, of the scope of an ASGI connection."""

    def check_asgi(
        self, guard: Guard, token: AccessToken, scope: Mapping[str, Any], body: bytes | None
    ) -> Refusal | None:
        """As `check`, of the scope of an ASGI connection."""

    def body_limit(self, method: str, headers: Iterable[tuple[str | bytes, str | bytes]]) -> int | None:
        """How many bytes of the body are to be read; None if nothing is to be read, and `check` needs none of it."""

    def check(
        self,
        guard: Guard,
        token: AccessToken,
        method: str,
        url: str,
        headers: Iterable[tuple[str | bytes, str | bytes]],
        body: bytes | None,
    ) -> Refusal | None:
        """Whether a request, whose token the guard has judged, may do what its messages ask for: None, or the refusal.

        Args:
            guard: the guard that has judged the token.
            token: the token of the request.
            method: the method, as sent.
            url: the URL, or path and query.
            headers: all headers.
            body: all of it, or None if there was more than `body_limit`.
        """

@final
class Policy:
    """What a request needs beyond a valid token. `Policy()` needs nothing more.

    Make it once, when the route is built: a mistake in it shows there.
    """

    def __new__(cls) -> Self: ...
    @staticmethod
    def all_of(*scopes: str) -> Policy:
        """Needs every one of these scopes; a string may hold several, separated by spaces.

        Raises:
            ConfigError: there is none, or one is not a scope token (RFC 6749 §3.3).
        """

    @staticmethod
    def any_of(scopes: Sequence[str]) -> Policy:
        """Needs at least one of these scopes. A refusal lists all of them.

        Raises:
            ConfigError: there is none, or one is not a scope token (RFC 6749 §3.3).
        """

    def with_claim(
        self,
        path: str,
        *,
        equals: str | int | bool | None = None,
        contains: str | int | bool | Iterable[str | int | bool] | None = None,
        one_of: Iterable[str | int | bool] | None = None,
        prefix: str | None = None,
        path_parameter: str | None = None,
    ) -> Policy:
        """Also needs the claim at a dotted path to pass a test; otherwise 403 `access_denied`.

        Types count: `"1"` is not `1`. Without a test, the claim has to be there and not null.

        Args:
            path: such as `realm_access.roles`.
            equals: just this value.
            contains: an array that has this value, or one of several, or such a value itself.
            one_of: one of these values.
            prefix: a text that begins so, or an array that has one. Write it to the separator, as in
                `octo/app/.github/workflows/release.yml@`.
            path_parameter: what the path of the request has in the place of this name: a text that equals it, or a
                whole number with these digits. A request without it is refused, and so is one with a slash in it.
        """

    @property
    def path_parameters(self) -> list[str]:
        """The path parameters that its claim rules look at."""

    def with_acr_values(self, acr_values: Sequence[str]) -> Policy:
        """Also needs a login of one of these strengths (`acr`, RFC 9470 §3), best first.

        Raises:
            ConfigError: there is none, or one has a space, a quote or a backslash.
        """

    def with_max_age(self, seconds: int) -> Policy:
        """Also needs a login at most this many seconds ago (`auth_time`, RFC 9470 §3)."""

    def with_dpop_required(self) -> Policy:
        """Also needs a proof of the key that the token is bound to (DPoP, RFC 9449); otherwise 401 `invalid_token`.

        For single routes of a guard with `dpop="allowed"`. Where `dpop` is off, such a route refuses every token.
        """

    @property
    def scope(self) -> str | None:
        """The scopes that the policy names, separated by spaces; None if it names none."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class AccessToken:
    """An access token that was verified: signature, issuer, audience, times and type all hold.

    Only a guard makes one. Its repr shows the names of the claims, never their values, and never the token.
    """

    @property
    def sub(self) -> str | None:
        """Whom the token speaks for: a user, or a client. None if it does not say, which `profile="at+jwt"` refuses."""

    @property
    def iss(self) -> str:
        """Who made the token."""

    @property
    def aud(self) -> tuple[str, ...]:
        """Whom the token is meant for; this API is one of them."""

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of the token, with those that they imply where that is configured."""

    @property
    def client_id(self) -> str | None:
        """The client that asked for the token: by default `client_id`, else `azp`, `cid` or `appid`."""

    @property
    def is_client(self) -> bool | None:
        """Whether the token speaks for the client itself rather than for a user; None if nobody can tell.

        If `sub` equals the client, it does. That others speak for a user is known only of issuers whose rule for it is
        known: elsewhere a client may well have a subject of its own.
        """

    @property
    def may_be_user(self) -> bool:
        """Whether the subject may be looked up among users.

        Not for a client; and where nobody can tell, not for issuers that are known to give clients subjects which look
        like those of users.
        """

    @property
    def expires_at(self) -> datetime:
        """When the token expires, in UTC; `datetime.max` without its microseconds if that is later still."""

    @property
    def tenant(self) -> str | None:
        """Which tenant of the issuer made the token.

        It is what stands in the place of `{tenant}` in a pattern, or what a resolver has said. None for an issuer that
        is configured by its own name.
        """

    @property
    def organization_id(self) -> str | None:
        """The Logto organization that the token acts in."""

    @property
    def claims(self) -> Mapping[str, Any]:
        """All claims, as `json.loads` reads them: a dict that cannot be changed. Copies of it are plain dicts."""

    def __getitem__(self, name: str, /) -> Any:
        """The claim of this name: `token["sub"]` is `token.claims["sub"]`.

        Raises:
            KeyError: the token has none.
        """

    def get(self, name: str, default: Any = None) -> Any:
        """The claim of this name, or `default` if the token has none."""

    def __contains__(self, name: object, /) -> bool:
        """Whether the token has a claim of this name."""

    def __iter__(self) -> Iterator[str]:
        """The names of the claims."""

    def has_scope(self, scope: str) -> bool:
        """Whether the token has this scope, compared exactly."""

@final
class Admission:
    """A request that may pass."""

    @property
    def token(self) -> AccessToken | None:
        """The token; None for an anonymous request and for a preflight."""

    @property
    def kind(self) -> Literal["token", "anonymous", "preflight"]:
        """What passes: a token; a request without one, where it is optional; or a preflight, which never has one."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Headers that the answer has to have, names in lower case.

        `cache-control` is for an answer of which the application has said nothing about caches.
        """

    @property
    def closes_in(self) -> float | None:
        """In how many seconds a WebSocket has to be closed that is opened with this token.

        None if it need not be, and of another request.
        """

@final
class MetadataAnswer:
    """The answer to a request for the metadata document of a resource: send it as it is."""

    @property
    def status(self) -> int:
        """The HTTP status: 200, 204 or 405."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers of the answer, names in lower case; `content-length` is among them, unless the status is 204."""

    @property
    def body(self) -> bytes:
        """The body; empty unless the method is GET."""

@final
class Refusal:
    """The answer to a refused request."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers of the answer, names in lower case, `www-authenticate` and `content-type` included."""

    @property
    def body(self) -> bytes:
        """The body. An answer to HEAD leaves it out."""

    @property
    def error(self) -> AuthError | IssuerUnavailable | StateUnavailable:
        """The refusal as an exception, the same object each time."""

    def __bool__(self) -> Literal[False]:
        """False, so that `if guard.admit(..)` lets nobody in who is refused."""

@final
class TestIssuer:
    """A development issuer: fresh keys, and tokens good and bad on demand. `requires_auth.testing` wraps it.

    Offline until `serve()` is called: give a guard `jwks=issuer.jwks` then. It protects nothing and asks for no
    login: it is for tests.
    """

    __test__: ClassVar[bool]
    def __new__(cls, audience: str = "https://api.example.com", *, algorithm: str = "ES384") -> Self: ...
    @property
    def issuer(self) -> str:
        """What `iss` of its tokens is."""

    @property
    def audience(self) -> str:
        """What `aud` of its tokens is, unless a token names another."""

    @property
    def jwks(self) -> str:
        """The public keys as the JSON of a JWK Set."""

    def token(
        self,
        scope: str = "",
        sub: str = "alice",
        client_id: str | None = None,
        audience: str | Sequence[str] | None = None,
        lifetime: int = 3600,
        claims: dict[str, Any] | None = None,
        defect: str | None = None,
    ) -> str:
        """Mints a token: a good one, or one with the defect that is named after the reason it is refused for.

        Args:
            scope: the granted scopes, separated by spaces.
            sub: whom it speaks for.
            client_id: who asked for it; `test-client` by default.
            audience: `aud`, if it is to be another.
            lifetime: for how many seconds it is valid.
            claims: further claims, which go before all others.
            defect: such as `expired`, `audience_mismatch` or `signature_mismatch`.

        Raises:
            ValueError: there is no such defect; the message lists all.
        """

    def opaque_token(self, scope: str = "", sub: str = "alice") -> str:
        """Mints an opaque token, which a guard has to ask the issuer about. It has to serve.

        Raises:
            ValueError: the issuer does not serve.
        """

    def revoke(self, token: str) -> None:
        """Revokes a token: from now on the issuer calls it inactive. It has to serve.

        Raises:
            ValueError: the issuer does not serve.
        """

    def rotate(self) -> None:
        """Lets a fresh key sign from now on; the one before stays published until the next rotation."""

    def serve(self) -> str:
        """Starts to serve metadata and keys on a free port of 127.0.0.1, and returns the issuer's URL.

        From then on tokens name that URL as their issuer. Does nothing if it serves already.
        """

    def stop(self) -> None:
        """Stops to serve, as a provider that goes down; keys and issuer stay what they are."""

@final
class TestClientKey:
    """The key of a client, to which tokens are bound. `requires_auth.testing` wraps it."""

    __test__: ClassVar[bool]
    def __new__(cls, algorithm: str = "ES256") -> Self: ...
    @property
    def thumbprint(self) -> str:
        """The thumbprint of the key: `cnf.jkt` of the tokens that are bound to it."""

    def proofs(
        self,
        method: str,
        url: str,
        token: str | None = None,
        *,
        nonce: str | None = None,
        issued_at: int | None = None,
        defect: str | None = None,
    ) -> list[str]:
        """The values of the header `DPoP` for a request, one for each line.

        Raises:
            ValueError: there is no such defect; the message lists all.
        """

    @staticmethod
    def defects() -> list[tuple[str, str, int]]:
        """Every defect of a proof: its name, the reason of the refusal, how many times the request is sent."""

def error_codes() -> list[tuple[str, int, str, str]]:
    """Every code with its status, message and hint."""

def reasons() -> list[tuple[str, str, str, str]]:
    """Every reason with the code that it explains, its message and hint."""

@final
class ConfigFile:
    """A configuration file as far as it could be read."""

    @property
    def settings(self) -> dict[str, Any]:
        """What the file sets for the guard, as arguments."""

    @property
    def issuers(self) -> list[tuple[str, dict[str, Any]]]:
        """What the file sets for each issuer, as the arguments of `Issuer`, with the name of its table."""

    @property
    def warnings(self) -> list[str]:
        """One sentence for each setting that has a new name."""

    def problems(
        self, found: Sequence[tuple[str, str, str, str]], overridden: Iterable[str]
    ) -> list[tuple[str, str, str, str]]:
        """All mistakes of the file: its own, and those that the guard has found in what it sets, with their lines."""

def read_config(path: str) -> ConfigFile:
    """Reads a configuration file.

    Raises `ConfigError` if it cannot be read as TOML at all.
    """

def read_environment() -> tuple[dict[str, Any], dict[str, str], list[tuple[str, tuple[str, str, str, str]]], list[str]]:
    """What the environment chooses.

    The arguments, the variable of each, the problem of each variable whose text is not a value of its setting, and a
    sentence for each variable that nothing reads.
    """

def revoke_token(guard: Guard, token: AccessToken) -> None:
    """Revokes a token by its own `jti`."""

def revoke(
    guard: Guard,
    claim: str,
    value: str,
    issuer: str | None,
    before: datetime | float | None,
    until: datetime | float | None,
) -> None:
    """Revokes what a claim names: `jti`, `sub`, `sid` or `client_id`."""

def revocations(guard: Guard) -> tuple[int, str | None] | None:
    """How many revocations are in use, and why the file could not be read when it was last tried."""

def issuer_settings() -> list[str]:
    """The settings that an issuer alone can have."""

def provider_names() -> list[str]:
    """The name of every provider of the table."""

def setting_names() -> list[tuple[str, str]]:
    """Every name of a setting with its current name: earlier names are still read."""
