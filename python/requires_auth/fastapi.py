"""FastAPI: a dependency that returns the token, and shows in OpenAPI as a security scheme with its scopes.

Guarded operations also show how they refuse: 401, 403 and 503, with the model of the body.

    from typing import Annotated
    from fastapi import Depends, FastAPI
    from requires_auth import AccessToken
    from requires_auth.fastapi import RequiresAuth

    app = FastAPI()
    auth = RequiresAuth("https://tenant-id.logto.app/oidc", "https://api.example.com")

    @app.get("/orders")
    async def orders(token: Annotated[AccessToken, Depends(auth("read:orders"))]):
        return {"sub": token.sub}

`Depends(auth)` takes any valid token, and `Security(auth, scopes=["read:orders"])` is
`Depends(auth("read:orders"))`. Nothing has to be installed: a refusal is raised, and the application learns
how to answer it when the dependency first runs. An exception handler of your own for `AuthError` goes before
that. The token is `request.state.access_token` as well. To guard a whole application, see
`requires_auth.starlette`.

An exception handler of your own for `AuthError` must send `error.headers` with its answer, names and values as they
are: `Response(..., status_code=error.status, headers=dict(error.headers))`. They hold `WWW-Authenticate`, without
which a client does not learn what was wrong.

A guard with a `resource` has a metadata document (RFC 9728), which a dependency cannot serve:

    from requires_auth.starlette import ResourceMetadataMiddleware

    app.add_middleware(ResourceMetadataMiddleware, auth=auth)

An application factory configures the ready instance with `requires_auth.configure(issuer, audience)`. In tests,
`app.dependency_overrides[auth]` stands in for `auth` and for everything that it was called with: `auth("read:orders")`,
`auth(any_of=[...])`, `auth(policy=...)`, `auth(optional=True)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from requires_auth._missing import needs

with needs("fastapi", "fastapi"):
    from fastapi import Security
    from fastapi.openapi.models import HTTPBearer, OAuth2, OAuthFlowAuthorizationCode, OAuthFlows, OpenIdConnect
    from fastapi.openapi.models import SecurityBase as SecurityModel
    from fastapi.security import SecurityScopes
    from fastapi.security.base import SecurityBase
    from starlette.requests import HTTPConnection

from requires_auth import AccessToken, Policy, Refusal
from requires_auth import _fastapi_overrides as overrides
from requires_auth._awaited import awaited, coroutine_function
from requires_auth._configure import Configurable
from requires_auth._fastapi_answers import Preflight, add_headers, refused, teach, teach_applications
from requires_auth._fastapi_openapi import describe_refusals
from requires_auth._mistakes import NO_PARAMETER, NoDependency, refuse_keywords
from requires_auth._openapi import description, discovery_url
from requires_auth._options import GuardOptions
from requires_auth._rule import ANY_TOKEN, Rule
from requires_auth._websocket import close_later, hide_tokens
from requires_auth.starlette import judge

if TYPE_CHECKING:
    from starlette.types import Scope
    from typing_extensions import Unpack

    from requires_auth._issuer import Audience

__all__ = ["RequiresAuth", "requires_auth"]


class RequiresAuth(Configurable, SecurityBase):
    """A guard as a dependency of FastAPI: bare, or called with what the route needs.

    Without an issuer, the environment configures it at first use.
    """

    def __init__(
        self,
        issuer: str | None = None,
        audience: Audience | None = None,
        *,
        scheme_name: str = "RequiresAuth",
        scopes: Mapping[str, str] | None = None,
        authorization_url: str | None = None,
        token_url: str | None = None,
        openid_connect: bool = False,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Makes a guard.

        Args:
            issuer: whose tokens to take.
            audience: for which API they must be.
            scheme_name: what the scheme is called in OpenAPI.
            scopes: scopes with what each one allows, for `/docs`. Those of `auth("read:orders")` are there
                already.
            authorization_url: where people log in; with `token_url`, `/docs` can do so by itself.
            token_url: where codes are exchanged for tokens.
            openid_connect: whether the scheme names the discovery document of the issuer, where keys are found by it,
                so that `/docs` can log in where the issuer lets pages read that; otherwise it is a bearer token,
                which is pasted there.
            options: as for `requires_auth.RequiresAuth`.

        Raises:
            ConfigError: all mistakes at once.
        """
        super().__init__(issuer, audience, **options)
        self.scheme_name = scheme_name
        self._documented = dict(scopes or {})
        self._urls = (authorization_url, token_url)
        self._openid_connect = openid_connect
        self._rules: dict[tuple[tuple[str, ...], bool], Rule] = {}
        self.__signature__ = _SIGNATURE

    @overload
    def __call__(
        self,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
    ) -> Callable[..., Coroutine[Any, Any, AccessToken | None]]: ...

    @overload
    def __call__(
        self, *, connection: HTTPConnection, security_scopes: SecurityScopes
    ) -> Coroutine[Any, Any, AccessToken | None]: ...

    @coroutine_function
    def __call__(
        self,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
        connection: HTTPConnection | None = None,
        security_scopes: SecurityScopes | None = None,
        **mistaken: Any,
    ) -> Any:
        """Returns a dependency for a route that needs more than a valid token.

        Args:
            scopes: the scopes that the route needs: all of them.
            any_of: scopes of which it needs one.
            policy: all else that it needs.
            optional: whether a request without a token passes; the dependency returns None then. A bad one
                does not.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            connection: FastAPI calls the dependency itself with this one
            security_scopes: and this one.
            mistaken: there are no others.
        """
        if connection is not None:
            return awaited(self.admit(connection, ANY_TOKEN, security_scopes))
        refuse_keywords(mistaken)
        if scopes:
            _refuse_decorated(scopes)
        rule = self.rule(scopes, any_of, policy, optional, dpop)
        if not scopes or optional:
            return _Judged(self, rule)
        needed = " ".join(scopes).split()
        self._documented.update((scope, "") for scope in needed if scope not in self._documented)
        if dpop is not None:
            return _Judged(self, rule)
        return _Scopes(self, needed)

    @property
    def model(self) -> SecurityModel:  # type: ignore[override]
        """The security scheme as OpenAPI describes it, made anew each time: scopes come with the routes."""
        authorization_url, token_url = self._urls
        if authorization_url and token_url:
            flow = OAuthFlowAuthorizationCode(
                authorizationUrl=authorization_url, tokenUrl=token_url, scopes=dict(self._documented)
            )
            return OAuth2(flows=OAuthFlows(authorizationCode=flow))
        text = description(self._documented)
        url = discovery_url(self) if self._openid_connect else None
        if url is not None:
            return OpenIdConnect(openIdConnectUrl=url, description=text)
        return HTTPBearer(bearerFormat="JWT", description=text)

    async def admit(self, connection: HTTPConnection, rule: Rule, needed: SecurityScopes | None) -> AccessToken | None:
        """Judges a connection for a rule, and for the scopes of `Security(...)` on the way to it."""
        scope = connection.scope
        teach(scope)
        if needed is not None and needed.scopes:
            if rule.policy is not None:
                first = await judge(self.guard, scope, rule)
                if isinstance(first, Refusal):
                    raise refused(scope, first)
            rule = self._rule(tuple(needed.scopes), rule.optional)
        # To await costs more than most verdicts, and most need no fetch.
        outcome = self.guard.admit_asgi(scope, rule.policy, rule.optional, wait=False)
        if outcome is None:
            outcome = await judge(self.guard, scope, rule)
        if isinstance(outcome, Refusal):
            self.look_for_metadata(self.guard, _HOW_TO_SERVE)
            raise refused(scope, outcome)
        token = outcome.token
        if token is None and outcome.kind == "preflight" and not _is_for_options_alone(scope):
            raise Preflight
        scope.setdefault("state", {})["access_token"] = token
        if added := outcome.headers:
            add_headers(scope, added)
        if scope["type"] == "websocket":
            hide_tokens(self.guard, scope)
            if outcome.closes_in is not None:
                close_later(connection, outcome.closes_in)
        return token

    def _rule(self, scopes: tuple[str, ...], optional: bool) -> Rule:
        """The rule for the scopes of a route, made once."""
        rule = self._rules.get((scopes, optional))
        if rule is None:
            rule = self._rules[scopes, optional] = self.rule(scopes, optional=optional)
        return rule


class _Scopes:
    """`auth("read:orders")`: as `Security(auth, scopes=[...])`, which is how OpenAPI gets the scopes."""

    def __init__(self, auth: RequiresAuth, scopes: list[str]) -> None:
        token = inspect.Parameter(
            "token", inspect.Parameter.KEYWORD_ONLY, default=Security(auth, scopes=scopes), annotation=Any
        )
        self.__signature__ = inspect.Signature([_CONNECTION, token])

    @coroutine_function
    def __call__(self, *decorated: Any, **asked: Any) -> Any:
        _refuse_decorated(decorated)
        return awaited(self._token(**asked))

    async def _token(self, *, connection: HTTPConnection, token: AccessToken | None) -> AccessToken | None:
        # Where `app.dependency_overrides` has put something in the guard's place, it has not done this.
        connection.scope.setdefault("state", {})["access_token"] = token
        return token

    if not TYPE_CHECKING:
        __class__ = NO_PARAMETER


def _guard_of(dependency: object) -> RequiresAuth | None:
    """The guard behind a dependency, if it is one of ours."""
    if isinstance(dependency, _Judged):
        return dependency.auth
    return dependency if isinstance(dependency, RequiresAuth) else None


class _Judged(SecurityBase):
    """`auth(any_of=[...])`, `auth(optional=True)`, `auth(policy=...)`, `auth(dpop=...)`: OpenAPI has no word for it."""

    def __init__(self, auth: RequiresAuth, rule: Rule) -> None:
        self.auth = auth
        self._rule = rule
        self.__signature__ = _SIGNATURE

    @coroutine_function
    def __call__(self, *decorated: Any, **asked: Any) -> Any:
        _refuse_decorated(decorated)
        return awaited(self._token(**asked))

    async def _token(self, *, connection: HTTPConnection, security_scopes: SecurityScopes) -> AccessToken | None:
        override = overrides.override_of(connection, self.auth)
        if override is None:
            return await self.auth.admit(connection, self._rule, security_scopes)
        token: AccessToken | None = await overrides.run(override, connection, security_scopes.scopes)
        connection.scope.setdefault("state", {})["access_token"] = token
        return token

    @property
    def model(self) -> SecurityModel:  # type: ignore[override]
        return self.auth.model

    @property
    def scheme_name(self) -> str:  # type: ignore[override]
        return self.auth.scheme_name

    if not TYPE_CHECKING:
        __class__ = NO_PARAMETER


_HOW_TO_SERVE = (
    "write app.add_middleware(ResourceMetadataMiddleware, auth=auth) with the class from requires_auth.starlette, "
    "in the outermost application"
)


def _refuse_decorated(arguments: Sequence[Any]) -> None:
    """A guard is not a decorator here: FastAPI would call the route without it."""
    if arguments and callable(arguments[0]):
        raise TypeError(
            "a guard of requires_auth.fastapi is a dependency and not a decorator: write "
            "token: Annotated[AccessToken, Depends(auth)] among the parameters of the route, or "
            "dependencies=[Depends(auth)] beside its path; @requires_auth is for Flask and Django"
        )


_CONNECTION = inspect.Parameter("connection", inspect.Parameter.KEYWORD_ONLY, annotation=HTTPConnection)
_SIGNATURE = inspect.Signature(
    [
        _CONNECTION,
        inspect.Parameter("security_scopes", inspect.Parameter.KEYWORD_ONLY, annotation=SecurityScopes),
    ]
)
"""What FastAPI is asked for."""


def _is_for_options_alone(scope: Scope) -> bool:
    return getattr(scope.get("route"), "methods", None) == {"OPTIONS"}


teach_applications()
describe_refusals(_guard_of)

if not TYPE_CHECKING:
    # FastAPI would call these classes, and `Policy()` is satisfied with any request.
    Policy.__signature__ = NoDependency("a Policy is not a dependency: write Depends(auth(policy=...))")
    AccessToken.__signature__ = NoDependency("write Annotated[AccessToken, Depends(auth)], with a guard")

requires_auth = RequiresAuth()
"""The ready instance: the environment configures it at first use."""
