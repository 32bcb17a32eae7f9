"""Litestar: a guard for `guards=[...]` of handlers, controllers, routers and applications, with its OpenAPI scheme.

    from litestar import Litestar, Request, get
    from requires_auth.litestar import requires_auth

    @get("/orders", guards=[requires_auth("read:orders")])
    async def orders(request: Request) -> dict[str, str]:
        return {"sub": request.auth.sub}

    app = Litestar([orders], plugins=[requires_auth])

The guard is also a plugin, and must be one: it answers refused requests as every guard does, whatever handlers of
exceptions and middlewares the application has, and describes guarded operations in the OpenAPI document. The token is
`request.auth`, or `access_token` as a dependency: `dependencies={"token": Provide(access_token)}`.

WebSockets are judged by their handshake. They are closed with code 1008 when their token ends (`close_on_expiry`). A
guard with a `resource` has a metadata document (RFC 9728): write `ResourceMetadataMiddleware(app, auth=requires_auth)`
with the class from `requires_auth.starlette` around the application.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn, cast, overload

from requires_auth._missing import needs

with needs("litestar", "litestar"):
    from litestar.connection import ASGIConnection
    from litestar.exceptions import ImproperlyConfiguredException
    from litestar.plugins import InitPlugin
    from litestar.plugins.base import ReceiveRoutePlugin
    from litestar.types import Scope  # Litestar reads the annotation of `access_token`

from requires_auth import AccessToken, Policy, Refusal
from requires_auth._awaited import awaited, coroutine_function
from requires_auth._configure import Configurable
from requires_auth._litestar_app import ADDED, Kept, Preflight, add_components, document, refused
from requires_auth._mistakes import refuse_keywords
from requires_auth._options import GuardOptions
from requires_auth._rule import ANY_TOKEN, Rule
from requires_auth._websocket import hide_tokens
from requires_auth.starlette import judge

if TYPE_CHECKING:
    from litestar.config.app import AppConfig
    from litestar.handlers import BaseRouteHandler
    from litestar.openapi.spec import SecurityScheme
    from litestar.routes import BaseRoute
    from typing_extensions import Self, Unpack

    from requires_auth._issuer import Audience

    Connection = ASGIConnection[Any, Any, Any, Any]

__all__ = ["RequiresAuth", "access_token", "requires_auth"]

_NO_PLUGIN = "litestar: write plugins=[auth] in Litestar(..): without it no guarded request is answered"
_NO_OBJECT = "a class of requires_auth.litestar stands where a guard belongs: write RequiresAuth(issuer, audience)"
_LOG = logging.getLogger("requires_auth")
_HOW_TO_SERVE = "write ResourceMetadataMiddleware(app, auth=auth) with the class from requires_auth.starlette"


class RequiresAuth(Configurable, InitPlugin, ReceiveRoutePlugin):
    """A guard for `guards=[...]`: bare, or called with what the routes need. It is also a plugin.

    Without an issuer, the environment configures it at first use, or `configure`.
    """

    def __init__(
        self,
        issuer: str | None = None,
        audience: Audience | None = None,
        *,
        scheme_name: str = "RequiresAuth",
        scopes: Mapping[str, str] | None = None,
        openid_connect: bool = False,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Makes a guard.

        Args:
            issuer: whose tokens to take.
            audience: for which API they must be.
            scheme_name: what the scheme is called in OpenAPI.
            scopes: scopes with what each one allows, for the document.
            openid_connect: whether the scheme names the discovery document of the issuer, where keys are found by it;
                otherwise it is a bearer token.
            options: as for `requires_auth.RequiresAuth`.

        Raises:
            ConfigError: all mistakes at once.
        """
        super().__init__(issuer, audience, **options)
        self.scheme_name = scheme_name
        self.documented = dict(scopes or {})
        self.openid_connect = openid_connect
        self.scheme: SecurityScheme | None = None

    @overload
    def __call__(
        self,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
    ) -> Callable[[Any, Any], Coroutine[Any, Any, None]]: ...

    @overload
    def __call__(self, connection: Connection, handler: BaseRouteHandler, /) -> Coroutine[Any, Any, None]: ...

    @coroutine_function
    def __call__(
        self,
        *args: Any,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
        **unknown: Any,
    ) -> Any:
        """Returns a guard for routes that need more than a valid token.

        Args:
            args: the scopes that they need: all of them. Litestar calls the guard itself with connection and handler.
            any_of: scopes of which they need one.
            policy: all else that they need.
            optional: whether a request without a token passes; `request.auth` is None then. A bad token does not.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            unknown: nothing else is taken; the error says what to write.

        Raises:
            TypeError: an argument has the wrong type.
            ConfigError: a scope is not a scope token.
        """
        if args and _is_connection(args[0]):
            return awaited(self.admit(args[0], args[1], ANY_TOKEN))
        refuse_keywords(unknown)
        if args and callable(args[0]):
            raise TypeError("a guard of requires_auth.litestar is not a decorator: write guards=[auth] beside the path")
        rule = self.rule(args, any_of, policy, optional, dpop)
        return RouteGuard(self, rule, [name for scope in args for name in str(scope).split()])

    async def admit(self, connection: Connection, handler: BaseRouteHandler, rule: Rule) -> None:
        """Judges a connection for a rule.

        Raises:
            HTTPException: it is refused; the plugin sends the answer.
            ImproperlyConfiguredException: the guard is not a plugin of the application.
        """
        scope = cast("dict[str, Any]", connection.scope)
        state = scope.get(ADDED)
        if not isinstance(state, Kept):
            _LOG.error(_NO_PLUGIN)  # Litestar logs no reason for its 500
            raise ImproperlyConfiguredException(_NO_PLUGIN)
        outcome = await judge(self.guard_of_request, scope, rule)
        if isinstance(outcome, Refusal):
            self.look_for_metadata(self.guard, _HOW_TO_SERVE)
            state.refusal = outcome
            raise refused(outcome)
        if outcome.kind == "preflight" and getattr(handler, "http_methods", None) != {"OPTIONS"}:
            state.is_preflight = True
            raise Preflight
        scope.setdefault("state", {})["access_token"] = outcome.token
        scope["auth"] = state.token = outcome.token
        state.is_admitted = True
        state.headers.extend(outcome.headers)
        if scope["type"] == "websocket":
            announcement, hidden = hide_tokens(self.guard, scope)
            state.guard_websocket(announcement, hidden, outcome.closes_in)

    def __deepcopy__(self, memo: object) -> Self:
        """The guard itself: a controller copies its guards, and a copy would have keys of its own."""
        return self

    def on_app_init(self, app_config: AppConfig | None = None) -> AppConfig:
        """Has an application answer refused requests, and describe the scheme. Litestar calls it.

        Raises:
            ConfigError: the configuration is wrong; all mistakes at once.
            TypeError: the class is given as a plugin.
        """
        if app_config is None:  # then this is a call of the class, and `self` the configuration
            raise TypeError(_NO_OBJECT)
        _ = self.guard
        app_config.middleware.insert(0, cast("Any", Kept.middleware))
        add_components(self, app_config)
        return app_config

    def receive_route(self, route: BaseRoute) -> None:
        """Describes the operations of a route. Litestar calls it.

        Raises:
            TypeError: a class is given as a guard.
        """
        for handler in getattr(route, "route_handlers", ()):
            guards = [getattr(guard, "func", guard) for guard in handler.resolve_guards()]
            if any(isinstance(guard, type) and issubclass(guard, Configurable) for guard in guards):
                raise TypeError(_NO_OBJECT)
            rules = [guard for guard in guards if isinstance(guard, RouteGuard) and guard.auth is self]
            if rules or any(guard is self for guard in guards):
                scopes = [scope for guard in rules for scope in guard.scopes]
                is_optional = bool(rules) and all(guard.rule.optional for guard in rules)
                self.documented.update((scope, "") for scope in scopes if scope not in self.documented)
                document(self, handler, list(dict.fromkeys(scopes)), is_optional and len(rules) == len(guards))

    if not TYPE_CHECKING:

        def __iter__(self) -> NoReturn:
            raise TypeError("a guard of requires_auth.litestar stands in a list: write guards=[auth], plugins=[auth]")


def _is_connection(argument: object) -> bool:
    return isinstance(argument, ASGIConnection)


class RouteGuard:
    """`auth("read:orders")`: a guard of Litestar with what its routes need."""

    def __init__(self, auth: RequiresAuth, rule: Rule, scopes: list[str]) -> None:
        self.auth = auth
        self.rule = rule
        self.scopes = scopes

    @coroutine_function
    def __call__(self, *args: Any) -> Coroutine[Any, Any, None]:
        """Judges a connection; Litestar calls it with that and the handler.

        Raises:
            TypeError: it is called as a decorator.
        """
        if len(args) != 2 or not _is_connection(args[0]):
            raise TypeError(
                f"a guard of requires_auth.litestar is not a decorator: write guards=[{self}] beside the path"
            )
        return cast("Coroutine[Any, Any, None]", awaited(self.auth.admit(args[0], args[1], self.rule)))

    if not TYPE_CHECKING:

        def __iter__(self) -> NoReturn:
            raise TypeError(f"a guard of requires_auth.litestar stands in a list: write guards=[{self}]")

        def on_app_init(self, _: AppConfig) -> NoReturn:
            raise TypeError("the plugin is the guard itself: write plugins=[auth]")

    def __str__(self) -> str:
        """How it is written."""
        return f"auth({', '.join(map(repr, self.scopes)) or '..'})".replace("'", '"')

    def __deepcopy__(self, memo: object) -> Self:
        return self


async def access_token(scope: Scope) -> AccessToken | None:
    """The token as a dependency: `dependencies={"token": Provide(access_token)}`; None where it may be absent and is.

    Raises:
        ImproperlyConfiguredException: no guard stands before the handler.
    """
    # What stands in scope["auth"] may be another middleware's.
    state = cast("dict[str, Any]", scope).get(ADDED)
    if not (isinstance(state, Kept) and state.is_admitted):
        raise ImproperlyConfiguredException("access_token is only there where a guard is: write guards=[auth]")
    return state.token


requires_auth = RequiresAuth()
"""The ready instance: configured by the environment at first use, or by `configure`."""
