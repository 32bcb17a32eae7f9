"""aiohttp: `@requires_auth` on a handler, or a middleware for a whole application.

    from aiohttp import web
    from requires_auth.aiohttp import ACCESS_TOKEN, requires_auth

    routes = web.RouteTableDef()

    @routes.get("/orders")
    @requires_auth("read:orders")
    async def orders(request):
        return web.json_response({"sub": request[ACCESS_TOKEN].sub})

    app = web.Application()
    requires_auth.setup(app)
    app.add_routes(routes)

A refusal is returned and not raised, so that no middleware that looks for `web.HTTPException` makes another answer of
it. Preflights are answered without a token, and without running the handler. WebSockets are judged by their handshake.

`setup` is not needed for the guard to hold. It shows mistakes in the configuration at start, serves the metadata
document of a `resource` (RFC 9728), keeps refusals as they are whatever other decorators and middlewares make of them,
and closes a WebSocket with code 1008 when its token ends, where the connection is dropped otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload
from weakref import WeakSet

from requires_auth._missing import needs

with needs("aiohttp", "aiohttp"):
    from aiohttp import web

from requires_auth import Policy, Refusal
from requires_auth._aiohttp_order import check_middleware, check_order, check_routes
from requires_auth._aiohttp_request import (
    ACCESS_TOKEN,
    Expiry,
    adding_headers,
    answers_preflight,
    is_websocket,
    keeping_refusals,
    refused,
    remember_websocket,
    request_of,
    scope_of,
)
from requires_auth._configure import Configurable
from requires_auth._exempt import Exempt
from requires_auth._mistakes import refuse_keywords
from requires_auth._options import GuardOptions
from requires_auth._order import mark
from requires_auth.starlette import judge

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from requires_auth._issuer import Audience
    from requires_auth._rule import Rule

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]

__all__ = ["ACCESS_TOKEN", "RequiresAuth", "requires_auth"]

_Handler = TypeVar("_Handler", bound=Callable[..., Any])
_HOW_TO_SERVE = "call auth.setup(app)"


class RequiresAuth(Configurable):
    """A guard as a decorator of handlers: bare, or called with what the handler needs.

    Handlers are coroutines that take the request, methods that do so, and the methods of a `web.View`. Without an
    issuer, the environment configures the guard at first use, or `configure`.
    """

    def __init__(
        self,
        issuer: str | None = None,
        audience: Audience | None = None,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Makes a guard; see `requires_auth.RequiresAuth`."""
        super().__init__(issuer, audience, **options)
        self._bare: WeakSet[Any] = WeakSet()

    @overload
    def __call__(self, handler: _Handler, /) -> _Handler: ...

    @overload
    def __call__(
        self,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
    ) -> Callable[[_Handler], _Handler]: ...

    def __call__(
        self,
        *args: Any,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
        **unknown: Any,
    ) -> Any:
        """Guards a handler; or returns a decorator that does.

        Args:
            args: the handler, or the scopes that it needs: all of them.
            any_of: scopes of which it needs one.
            policy: all else that it needs.
            optional: whether a request without a token passes; `request.get(ACCESS_TOKEN)` is None then. A bad token
                does not.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            unknown: nothing else is taken; the error says what to write.

        Raises:
            RuntimeError: the guard stands above `@routes.get`, where it would never be called.
            TypeError: an argument has the wrong type, or a class is to be guarded.
        """
        refuse_keywords(unknown)
        check_middleware(args)
        if len(args) == 1 and callable(args[0]):
            return self._guarded(args[0], self.rule((), any_of, policy, optional, dpop))
        rule = self.rule(args, any_of, policy, optional, dpop)

        def guard(handler: _Handler) -> _Handler:
            return self._guarded(handler, rule)

        return guard

    def middleware(
        self,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
        exempt: Iterable[str] = (),
    ) -> Middleware:
        """Returns a middleware that guards every handler of an application, and what no route matches.

            app = web.Application(middlewares=[auth.middleware(exempt=["/health", "/static/*"])])

        Args:
            scopes: the scopes that every request needs; a handler can ask for more with a decorator of its own.
            any_of: scopes of which every request needs one.
            policy: all else that it needs.
            optional: whether requests without a token pass.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            exempt: paths that stay public, in full and decoded: `"/health"` is this path alone, `"/static/*"` is
                everything below `/static/`.

        Raises:
            ConfigError: a scope is not a scope token, or an exempt path is not one.
            TypeError: an argument has the wrong type.
        """
        check_middleware(scopes)
        rule = self.rule(scopes, any_of, policy, optional, dpop)
        public = Exempt("exempt", exempt)

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path in public:
                return await handler(request)
            return await self._answer(request, rule, lambda: handler(request))

        return middleware

    def setup(self, app: web.Application) -> None:
        """Has an application serve the metadata document, keep refusals, and close WebSockets when their token ends.

        Call it once for the outermost application, before it starts and before other middlewares are added.

        Raises:
            ConfigError: the configuration is wrong; all mistakes at once.
        """
        _ = self.guard
        self.serve_metadata()
        app.middlewares.insert(0, web.middleware(keeping_refusals(lambda: self.guard)))
        app.on_response_prepare.append(remember_websocket)

        async def check(app: web.Application) -> None:
            check_routes(app, self._bare)

        app.on_startup.append(check)

    def _guarded(self, handler: _Handler, rule: Rule) -> _Handler:
        check_order(handler)
        self._bare.add(handler)

        @wraps(handler)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            return await self._answer(request_of(args), rule, lambda: handler(*args, **kwargs), args)

        return cast("_Handler", mark(guarded))

    async def _answer(
        self,
        request: web.Request,
        rule: Rule,
        run: Callable[[], Awaitable[web.StreamResponse]],
        args: tuple[object, ...] = (),
    ) -> web.StreamResponse:
        """The answer of the handler, or the refusal."""
        guard = self.guard
        outcome = await judge(guard, scope_of(request), rule)
        if isinstance(outcome, Refusal):
            self.look_for_metadata(guard, _HOW_TO_SERVE)
            return refused(request, outcome)
        if outcome.kind == "preflight" and not answers_preflight(request, args):
            return web.Response(status=204)
        if outcome.token is not None:
            request[ACCESS_TOKEN] = outcome.token
        seconds = outcome.closes_in if is_websocket(request) else None
        if seconds is None:
            return await adding_headers(request, outcome.headers, run)
        expiry = Expiry(request, asyncio.get_running_loop(), seconds)
        try:
            return await run()
        finally:
            await expiry.stop()


requires_auth = RequiresAuth()
"""The ready instance: configured by the environment at first use, or by `configure`."""
