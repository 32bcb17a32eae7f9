"""Quart: `@requires_auth` on a view or a WebSocket, or before a whole application or blueprint.

    from quart import Quart, g
    from requires_auth.quart import requires_auth

    app = Quart(__name__)  # app.config or the environment has REQUIRES_AUTH_ISSUER and REQUIRES_AUTH_AUDIENCE

    @app.route("/orders")
    @requires_auth("read:orders")
    async def orders():
        return {"sub": g.access_token.sub}

    @app.websocket("/live")
    @requires_auth("read:orders")
    async def live(): ...

A refusal is returned, not raised, and no error handler of the application is called. What another decorator above the
guard makes of it is put right at the end of the request. Preflights are answered without a token, and without running
the view. A WebSocket is refused before it is accepted: with the answer of the guard where the server can send one, and
else with close code 1008, which servers turn into 403. It is closed with 1008 when its token ends (`close_on_expiry`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload
from weakref import WeakSet

from requires_auth._missing import needs

with needs("quart", "quart"):
    from quart import Blueprint, Quart, Response, current_app, g, has_websocket_context, request, websocket

from werkzeug.local import LocalProxy

from requires_auth import AccessToken, Policy, Refusal
from requires_auth._app_config import AppConfigured
from requires_auth._flask_order import check_call, check_order, check_uncalled, check_views
from requires_auth._keywords import refuse_options
from requires_auth._mistakes import refuse_keywords
from requires_auth._options import GuardOptions
from requires_auth._order import mark
from requires_auth._quart_answers import DISPATCHERS, add_headers, answer_of_no_route, answers_preflights, refuse
from requires_auth._quart_websocket import close_later, hide
from requires_auth._rule import Rule, names_of
from requires_auth.starlette import judge

if TYPE_CHECKING:
    from quart.wrappers import Request, Websocket
    from typing_extensions import Unpack

    from requires_auth import RequiresAuth as Guard
    from requires_auth._issuer import Audience

__all__ = ["RequiresAuth", "current_token", "requires_auth"]

_Object = TypeVar("_Object")
_View = TypeVar("_View", bound=Callable[..., Any])
_NOT_YET = object()
"""No view has been looked at."""


class RequiresAuth(AppConfigured):
    """A guard as a decorator of views and WebSockets: bare, or called with what they need.

    Without an issuer, each application configures it at first use: from `app.config`, then from the environment.
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
        self._looked_through: WeakSet[Quart] = WeakSet()
        self._serving: WeakSet[Quart] = WeakSet()
        """Applications whose every request is asked for the metadata document."""

    @overload
    def __call__(self, view: _View, /) -> _View: ...

    @overload
    def __call__(
        self,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
    ) -> Callable[[_View], _View]: ...

    def __call__(
        self,
        *args: Any,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
        **unknown: Any,
    ) -> Any:
        """Guards a view; or returns a decorator that does.

        Args:
            args: the view, or the scopes that it needs: all of them.
            any_of: scopes of which it needs one.
            policy: all else that it needs.
            optional: whether a request without a token passes; `g.access_token` is None then. A bad token does not.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            unknown: nothing else is taken; the error says what to write.

        Raises:
            RuntimeError: the guard stands above `@app.route`, where it would never be called.
            TypeError: an argument has the wrong type, or a class is to be guarded.
        """
        refuse_keywords(unknown)
        if len(args) == 1 and callable(args[0]):
            return self._guarded(args[0], self.rule((), any_of, policy, optional, dpop))
        rule = self.rule(args, any_of, policy, optional, dpop)

        def guard(view: _View) -> _View:
            return self._guarded(view, rule)

        return mark(guard)

    def init_app(
        self,
        app: Quart,
        issuer: str | None = None,
        audience: Audience | None = None,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Configures this adapter for an application now, and serves the metadata document of a `resource` (RFC 9728).

        A mistake shows at start, and not at the first request. Arguments go before `app.config`, and this before the
        environment.

        Raises:
            ConfigError: all mistakes at once.
            TypeError: there are arguments, but the guard was made with an issuer already.
            RuntimeError: the application has a view whose guard is never called, or that keeps its answers above it.
        """
        refuse_options(options, self.init_app, GuardOptions.__annotations__)
        check_views(app, self._bare)
        guard = self._configure_app(app, {"issuer": issuer, "audience": audience, **options})
        self.serve_metadata()
        if guard.resource is not None and app not in self._serving:
            self._serving.add(app)
            app.before_request(self._metadata)

    def protect(
        self,
        target: Quart | Blueprint,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
        exempt: Iterable[str] = ("static",),
    ) -> None:
        """Guards every view and WebSocket of an application or blueprint; of an application also what has no route.

        Args:
            target: the application or blueprint.
            scopes: the scopes that all views need; a view can ask for more with a decorator of its own.
            any_of: scopes of which all views need one.
            policy: all else that they need.
            optional: whether requests without a token pass.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            exempt: names of endpoints (`request.endpoint`) that stay public; static files unless you say otherwise.
        """
        rule = self.rule(scopes, any_of, policy, optional, dpop)
        public = names_of("exempt", exempt)
        if isinstance(target, Quart) and target not in self._serving:
            self.serve_metadata()
            self._serving.add(target)
            target.before_request(self._metadata)

        async def before() -> Response | None:
            connection = _current()
            if connection.endpoint in public:
                return None
            view = current_app.view_functions.get(cast("str", connection.endpoint))
            return await self._refusal(rule, connection, view)

        target.before_request(before)
        target.before_websocket(before)

    async def _metadata(self) -> Response | None:
        """The answer to a request for the metadata document of the resource; None for any other request."""
        guard = self._for_metadata(_behind(current_app))
        answer = None if guard is None else guard.metadata_asgi(cast("Any", request.scope))
        if answer is None:
            return None
        response = Response(answer.body, answer.status)
        response.headers.clear()
        response.headers.extend(answer.headers)
        return response

    def _guarded(self, view: _View, rule: Rule) -> _View:
        check_order(view)
        with suppress(TypeError):  # what cannot be referred to weakly is made anew each time, and registered nowhere
            self._bare.add(view)
        checked: object = _NOT_YET

        @wraps(view)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            nonlocal checked
            connection, app = _current(), _behind(current_app)
            registered = app.view_functions.get(cast("str", connection.endpoint))
            if registered is not checked:
                self._look_through(app)
                checked = registered if check_call(connection.endpoint, registered, DISPATCHERS) else _NOT_YET
            refusal = await self._refusal(rule, connection, view)
            return await app.ensure_async(view)(*args, **kwargs) if refusal is None else refusal

        return cast("_View", mark(guarded))

    def _look_through(self, app: Quart) -> None:
        """Looks at all views of an application once, when the first of them is called."""
        if app not in self._looked_through:
            check_uncalled(app, self._bare)
            self._looked_through.add(app)

    async def _refusal(self, rule: Rule, connection: Request | Websocket, view: Any) -> Response | None:
        """What to answer instead of running the view; None if the request passes."""
        app = _behind(current_app)
        guard = self._guard_for(app)
        scope = cast("dict[str, Any]", connection.scope)
        if is_websocket := scope["type"] == "websocket":
            scope.pop("method", None)  # by ASGI there is none, but the client for tests has one
        if rule.policy is not None and rule.policy.path_parameters:
            scope["path_params"] = connection.view_args or {}
        outcome = await judge(guard, scope, rule)
        if isinstance(outcome, Refusal):
            self.look_for_metadata(guard, "call auth.init_app(app), or auth.protect(app)")
            return await refuse(outcome, connection)
        g.access_token = outcome.token
        if is_websocket:
            hide(guard, websocket)
            if outcome.closes_in is not None:
                close_later(websocket, outcome.closes_in)
            return None
        add_headers(outcome.headers)
        if outcome.token is not None or outcome.kind != "preflight":
            return None
        if view is None:
            return answer_of_no_route(connection)
        return None if answers_preflights(app, connection) else await app.make_default_options_response()

    def _configured(self) -> Guard:
        return self._of(_behind(current_app))


def _current() -> Request | Websocket:
    """The request, or the handshake of the WebSocket, that is being answered."""
    return _behind(websocket) if has_websocket_context() else _behind(request)


def _behind(proxy: _Object) -> _Object:
    """What one of Quart's proxies stands for at this moment."""
    return cast("_Object", proxy._get_current_object())  # type: ignore[attr-defined]


def _current_token() -> AccessToken | None:
    try:
        return cast("AccessToken | None", g.access_token)
    except AttributeError:
        raise RuntimeError("current_token is only there in a view that a guard of requires_auth.quart guards") from None


current_token: AccessToken = cast("AccessToken", LocalProxy(_current_token))
"""`g.access_token` with its type: the token of the current request. False where it is optional and absent."""

requires_auth = RequiresAuth()
"""The ready instance: each application configures it by `app.config` or the environment."""
