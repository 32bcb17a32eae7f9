"""Flask: `@requires_auth` on a view, on class-based views, or before a whole application or blueprint.

    from flask import Flask, g
    from requires_auth.flask import requires_auth

    app = Flask(__name__)  # app.config or the environment has REQUIRES_AUTH_ISSUER and REQUIRES_AUTH_AUDIENCE

    @app.route("/orders")
    @requires_auth("read:orders")
    def orders():
        return {"sub": g.access_token.sub}

A refusal is returned, not raised, so that `@cross_origin` above the guard adds its headers to it and a
browser can read it. What another decorator above the guard makes of it (`@marshal_with` would answer 200) is put right
at the end of the request. Where nothing answers HTTP, in a handler of Flask-SocketIO or in a job, it is raised.
Preflights are answered without a token, and without running the view.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload
from weakref import WeakSet

from requires_auth._missing import needs

with needs("flask", "flask"):
    from flask import (
        Blueprint,
        Flask,
        Request,
        Response,
        after_this_request,
        current_app,
        g,
        has_request_context,
        request,
    )
    from flask.globals import app_ctx
    from werkzeug.local import LocalProxy
    from werkzeug.routing import RoutingException

from requires_auth import AccessToken, Policy, Refusal
from requires_auth._app_config import AppConfigured, settings_of
from requires_auth._flask_order import SOCKETIO, check_call, check_order, check_socketio, check_uncalled, check_views
from requires_auth._flask_refusal import check_dispatching, kept
from requires_auth._keywords import refuse_options
from requires_auth._mistakes import refuse_keywords
from requires_auth._options import GuardOptions
from requires_auth._order import has_guard, mark
from requires_auth._rule import Rule, names_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from requires_auth import RequiresAuth as Guard
    from requires_auth._issuer import Audience

__all__ = ["RequiresAuth", "current_token", "requires_auth"]

_Object = TypeVar("_Object")
_View = TypeVar("_View", bound=Callable[..., Any])
_NOT_YET = object()
"""No view has been looked at."""


class RequiresAuth(AppConfigured):
    """A guard as a decorator of Flask views: bare, or called with what the view needs.

    Without an issuer, each application configures it at first use: from `app.config`, then from the
    environment.

        auth = RequiresAuth("https://tenant-id.logto.app/oidc", "https://api.example.com")

        @app.route("/orders", methods=["POST"])
        @auth("write:orders")
        def create_order(): ...
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
        self._looked_through: WeakSet[Flask] = WeakSet()
        self._serving: WeakSet[Flask] = WeakSet()
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
            optional: whether a request without a token passes; `g.access_token` is None then. A bad token
                does not.
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
        app: Flask,
        issuer: str | None = None,
        audience: Audience | None = None,
        **options: Unpack[GuardOptions],
    ) -> None:
        """Configures this adapter for an application now, and serves the metadata document of a `resource` (RFC 9728).

        A mistake shows at start, and not at the first request. Arguments go before `app.config`, and this
        before the environment.

        Raises:
            ConfigError: all mistakes at once.
            TypeError: there are arguments, but the guard was made with an issuer already.
            RuntimeError: the application has a view whose guard is never called, such as one in `method_decorators`
                of a `MethodView`, or a view that keeps its answers above the guard.
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
        target: Flask | Blueprint,
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
        exempt: Iterable[str] = ("static",),
    ) -> None:
        """Guards every view of an application or blueprint, and of an application also what no route matches.

        Args:
            target: the application or blueprint.
            scopes: the scopes that all views need; a view can ask for more with a decorator of its own.
            any_of: scopes of which all views need one.
            policy: all else that they need.
            optional: whether requests without a token pass.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            exempt: names of endpoints (`request.endpoint`) that stay public; static files unless you say
                otherwise. "socketio" says that the handlers of Flask-SocketIO have guards of their own.

        Raises:
            RuntimeError: the application has Flask-SocketIO, whose events Flask never sees. It is raised at each
                request if Flask-SocketIO came later.
        """
        rule = self.rule(scopes, any_of, policy, optional, dpop)
        public = names_of("exempt", exempt)
        whole = isinstance(target, Flask) and SOCKETIO not in public
        if whole:
            check_socketio(target)

        asked = isinstance(target, Flask) and target in self._serving
        if isinstance(target, Flask):
            self.serve_metadata()
            self._serving.add(target)

        def is_asked() -> bool:
            """Whether what stands before this has looked for the document already."""
            return asked or (not isinstance(target, Flask) and _behind(current_app) in self._serving)

        def before_request() -> Response | None:
            if whole:
                check_socketio(target)
            if not is_asked() and (document := self._metadata()) is not None:
                return document
            endpoint = request.endpoint
            if endpoint in public:
                return None
            view = current_app.view_functions.get(endpoint) if endpoint else None
            return self._refusal(rule, view)

        target.before_request(before_request)

    def _metadata(self) -> Response | None:
        """The answer to a request for the metadata document of the resource; None for any other request."""
        app = _behind(current_app)
        guard = self._for_metadata(app)
        answer = None if guard is None else guard.metadata_wsgi(request.environ)
        if answer is None:
            return None
        response = app.response_class(answer.body, answer.status)
        response.headers.clear()
        response.headers.extend(answer.headers)
        return response

    def _guarded(self, view: _View, rule: Rule) -> _View:
        # `method_decorators` are applied at each request, and what has a guard already is not open.
        if not callable(view) or not (has_request_context() or has_guard(view)):
            check_order(view)
            self._remember_bare(view)
        if _has_cross_origin(view):
            name = getattr(view, "__qualname__", repr(view))
            message = (
                f"{name}: @cross_origin is inside the guard, so no browser can read a refusal: write it above the guard"
            )
            warnings.warn(message, RuntimeWarning, stacklevel=3)
        checked: object = _NOT_YET

        def check(app: Flask, endpoint: str | None) -> None:
            # One function may be registered under several names, and a cache stand above one of them.
            nonlocal checked
            registered = app.view_functions.get(cast("str", endpoint))
            if registered is not checked:
                self._look_through(app)
                checked = registered if check_call(endpoint, registered) else _NOT_YET

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            refusal = self._refusal(rule, view, check)
            return call(*args, **kwargs) if refusal is None else refusal

        def call_async(*args: Any, **kwargs: Any) -> Any:
            return current_app.ensure_sync(view)(*args, **kwargs)

        call = call_async if iscoroutinefunction(view) else view
        return cast("_View", mark(guarded))

    def _look_through(self, app: Flask) -> None:
        """Looks at all views of an application once, when the first of them is called."""
        if app not in self._looked_through:
            check_uncalled(app, self._bare)
            self._looked_through.add(app)

    def _remember_bare(self, view: object) -> None:
        # What cannot be referred to weakly is made anew each time, and registered nowhere.
        with suppress(TypeError):
            self._bare.add(view)

    def _refusal(
        self,
        rule: Rule,
        view: Callable[..., Any] | None,
        check: Callable[[Flask, str | None], None] | None = None,
    ) -> Response | None:
        """What to answer instead of running the view; None if the request passes. Raises where none can be sent."""
        # Each look through one of Flask's proxies costs as much as half a verdict: three are enough.
        context, asked = _behind(app_ctx), _behind(request)
        if check is not None:
            check(context.app, asked.endpoint)
        guard = self._replacement or self._guard or self._of(context.app)
        outcome = guard.admit_wsgi(asked.environ, rule.policy, rule.optional, True, asked.view_args)
        if isinstance(outcome, Refusal):
            self.look_for_metadata(guard, "call auth.init_app(app), or auth.protect(app)")
            return kept(context.app.response_class(outcome.body, outcome.status, outcome.headers), outcome.error)
        context.g.access_token = token = outcome.token
        if outcome.headers:
            after_this_request(_adding(outcome.headers))
        if token is not None or outcome.kind != "preflight":
            return None
        if view is None:
            return _answer_of_no_route(context.app, asked)
        if not _answers_preflights(view):
            check_dispatching()
            return context.app.make_default_options_response()
        return None

    def _configured(self) -> Guard:
        return self._of(_behind(current_app))


def _behind(proxy: _Object) -> _Object:
    """What one of Flask's proxies stands for at this moment."""
    return cast("_Object", proxy._get_current_object())  # type: ignore[attr-defined]


def _answer_of_no_route(app: Flask, asked: Request) -> Response | None:
    """The answer to a preflight that no route matches; None for a redirect, which Flask answers itself.

    The application's own handlers of errors are not run: they may show anything.
    """
    if isinstance(asked.routing_exception, RoutingException):
        return None
    status = getattr(asked.routing_exception, "code", None) or 404
    return app.response_class(b"", status)


def _adding(headers: list[tuple[str, str]]) -> Any:
    """Adds headers to the answer of a view, where that has none of the name."""

    def add(response: Any) -> Any:
        for name, value in headers:
            response.headers.setdefault(name, value)
        return response

    return add


def _answers_preflights(view: Callable[..., Any]) -> bool:
    """Whether a preflight, which shows no token, may run the view: only what is there for `OPTIONS`."""
    rule = request.url_rule
    # The view runs by the method that the request has now: the application may have made another one of it.
    if rule is None or request.method != "OPTIONS":
        return False
    registered = current_app.view_functions.get(rule.endpoint)
    has_method_for_options = hasattr(getattr(registered, "view_class", None), "options")
    has_cross_origin = _has_cross_origin(view) and bool(settings_of(current_app).get("CORS_AUTOMATIC_OPTIONS", True))
    return rule.methods == {"OPTIONS"} or has_method_for_options or has_cross_origin


def _has_cross_origin(view: Callable[..., Any]) -> bool:
    """Whether Flask-CORS's `@cross_origin` is among a view's decorators, and answers `OPTIONS` by itself."""
    inner: Any = view
    while inner is not None:
        if getattr(inner, "__globals__", {}).get("__name__") == "flask_cors.decorator":
            return getattr(inner, "provide_automatic_options", None) is False
        inner = getattr(inner, "__wrapped__", None)
    return False


def _current_token() -> AccessToken | None:
    try:
        return cast("AccessToken | None", g.access_token)
    except AttributeError:
        raise RuntimeError("current_token is only there in a view that a guard of requires_auth.flask guards") from None


current_token: AccessToken = cast("AccessToken", LocalProxy(_current_token))
"""`g.access_token` with its type: the token of the current request. False where it is optional and absent."""

requires_auth = RequiresAuth()
"""The ready instance: each application configures it by `app.config` or the environment."""
