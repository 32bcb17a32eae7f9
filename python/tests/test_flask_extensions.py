"""The guard of Flask together with packages that stand between it and the client."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import flask_restful
import flask_restx
import flask_smorest
import pytest
from adapters import ORIGIN, PREFLIGHT, bearer
from flask import Blueprint, Flask
from flask.views import MethodView, View
from flask_caching import Cache
from flask_cors import cross_origin
from flask_restful import fields as restful_fields
from flask_socketio import Namespace, SocketIO, emit

from requires_auth import AuthorizationHeaderMissing, InsufficientScope
from requires_auth.flask import RequiresAuth
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]
pytestmark = [
    # These packages, not ours, use what is to go.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


@pytest.fixture
def auth(auth_issuer: TestIssuer) -> RequiresAuth:
    return RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.secret_key = "for tests"
    app.config.update(
        PROPAGATE_EXCEPTIONS=False, API_TITLE="t", API_VERSION="1", OPENAPI_VERSION="3.0.3", CACHE_TYPE="SimpleCache"
    )
    return app


def check_refusals(app: Flask, path: str, token: TokenFactory) -> None:
    """Without a token, with a wrong scope, and with a good one."""
    client = app.test_client()
    missing = client.get(path)
    assert (missing.status_code, missing.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert missing.json is not None
    assert missing.json["code"] == "auth.authorization_header_missing"
    wrong = client.get(path, headers=bearer(token("other")))
    assert wrong.status_code == 403
    assert 'scope="read:x"' in wrong.headers["WWW-Authenticate"]
    assert wrong.json is not None
    assert wrong.json["code"] == "insufficient_scope"
    good = client.get(path, headers=bearer(token("read:x")))
    assert (good.status_code, good.json) == (200, {"sub": "s"})


# --- Socket.IO


@pytest.fixture
def sockets(app: Flask) -> SocketIO:
    return SocketIO(app, async_mode="threading")


@pytest.mark.parametrize("with_error_handler", [False, True])
def test_socketio_clients_without_a_token_stay_out(
    app: Flask, sockets: SocketIO, auth: RequiresAuth, auth_token: TokenFactory, with_error_handler: bool
) -> None:
    # A route for every path matches the path of Socket.IO, too.
    app.add_url_rule("/<path:path>", view_func=auth(lambda path: path), endpoint="all")
    if with_error_handler:
        sockets.on_error_default(lambda error: None)  # what it returns is taken for the handler's own answer

    @sockets.on("connect")
    @auth("read:x")
    def connect(*_: Any) -> None: ...

    @sockets.on("ask")
    def ask(_: Any) -> None:
        emit("told", "secret")

    for headers in ({}, bearer(auth_token("other")), bearer(auth_token("read:x", defect="expired"))):
        assert not sockets.test_client(app, headers=headers).is_connected()
    client = sockets.test_client(app, headers=bearer(auth_token("read:x")))
    assert client.is_connected()
    client.emit("ask", {})
    assert client.get_received()[0]["args"] == ["secret"]


def test_socketio_says_why(app: Flask, sockets: SocketIO, auth: RequiresAuth) -> None:
    class Rooms(Namespace):
        @auth
        def on_connect(self, *_: Any) -> None: ...

    sockets.on_namespace(Rooms("/rooms"))
    client = sockets.test_client(app, namespace="/rooms")
    assert not client.is_connected("/rooms")
    handler = sockets.server.namespace_handlers["/rooms"].on_connect
    from socketio.exceptions import ConnectionRefusedError as Refused

    with app.test_request_context() as context:
        for name, value in {"sid": "1", "namespace": "/rooms", "event": {"message": "connect"}}.items():
            setattr(context.request, name, value)
        with pytest.raises(Refused) as refused:
            handler(None)
    assert isinstance(refused.value, AuthorizationHeaderMissing)
    assert refused.value.error_args["data"] == {"code": "auth.authorization_header_missing", "status": 401}


def test_socketio_events_get_the_error(
    app: Flask, sockets: SocketIO, auth: RequiresAuth, auth_token: TokenFactory
) -> None:
    errors = []
    sockets.on_error_default(errors.append)

    @sockets.on("ask")
    @auth("read:x")
    def ask(_: Any) -> str:
        return "secret"

    client = sockets.test_client(app, headers=bearer(auth_token("other")))
    assert client.emit("ask", {}, callback=True) != "secret"
    assert [type(error) for error in errors] == [InsufficientScope]
    client = sockets.test_client(app, headers=bearer(auth_token("read:x")))
    assert client.emit("ask", {}, callback=True) == "secret"


def test_a_guard_above_a_socketio_handler_is_an_error(sockets: SocketIO, auth: RequiresAuth) -> None:
    with pytest.raises(RuntimeError, match="connect: the guard stands above"):

        @auth
        @sockets.on("connect")
        def connect(*_: Any) -> None: ...


def test_protect_does_not_promise_what_it_cannot_cover(
    app: Flask, auth: RequiresAuth, auth_token: TokenFactory
) -> None:
    app.add_url_rule("/", view_func=lambda: "fine", endpoint="root")
    client = app.test_client()
    auth.protect(app)
    assert client.get("/", headers=bearer(auth_token())).status_code == 200
    SocketIO(app, async_mode="threading")
    assert client.get("/", headers=bearer(auth_token())).status_code == 500
    with pytest.raises(RuntimeError, match="does not cover Flask-SocketIO"):
        auth.protect(app)


def test_protect_leaves_socketio_to_its_own_guards(
    app: Flask, sockets: SocketIO, auth: RequiresAuth, auth_token: TokenFactory
) -> None:
    app.add_url_rule("/", view_func=lambda: "fine", endpoint="root")
    auth.protect(app, exempt=["static", "socketio"])
    assert app.test_client().get("/").status_code == 401
    assert app.test_client().get("/", headers=bearer(auth_token())).status_code == 200


def test_a_refusal_is_raised_where_nobody_answers(app: Flask, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    job = auth("read:x")(lambda: "done")
    with app.test_request_context(), pytest.raises(AuthorizationHeaderMissing):
        job()
    with app.test_request_context(headers=PREFLIGHT, method="OPTIONS"), pytest.raises(AuthorizationHeaderMissing):
        job()
    with app.test_request_context(headers=bearer(auth_token("read:x"))):
        assert job() == "done"


# --- decorators that rewrite what a view returns


def restful(app: Flask, auth: RequiresAuth) -> None:
    class X(flask_restful.Resource):
        @cross_origin(origins=[ORIGIN])
        @flask_restful.marshal_with({"sub": restful_fields.String})
        @auth("read:x")
        def get(self) -> Any:
            return {"sub": "s"}

    flask_restful.Api(app).add_resource(X, "/x")


def restful_list(app: Flask, auth: RequiresAuth) -> None:
    class X(flask_restful.Resource):
        method_decorators = (auth("read:x"), flask_restful.marshal_with({"sub": restful_fields.String}))

        def get(self) -> Any:
            return {"sub": "s"}

    flask_restful.Api(app).add_resource(X, "/x")


def restx(app: Flask, auth: RequiresAuth) -> None:
    api = flask_restx.Api(app)
    model = api.model("X", {"sub": flask_restx.fields.String})

    @api.route("/x")
    class X(flask_restx.Resource):
        @api.marshal_with(model)
        @auth("read:x")
        def get(self) -> Any:
            return {"sub": "s"}


def smorest(app: Flask, auth: RequiresAuth) -> None:
    import marshmallow

    class Schema(marshmallow.Schema):
        sub = marshmallow.fields.String()

    blueprint = flask_smorest.Blueprint("b", __name__)

    @blueprint.route("/x")
    @blueprint.etag
    @blueprint.response(200, Schema)
    @auth("read:x")
    def x() -> Any:
        return {"sub": "s"}

    flask_smorest.Api(app).register_blueprint(blueprint)


@pytest.mark.parametrize("build", [restful, restful_list, restx, smorest])
def test_refusals_survive(
    app: Flask, auth: RequiresAuth, auth_token: TokenFactory, build: Callable[[Flask, RequiresAuth], None]
) -> None:
    build(app, auth)
    check_refusals(app, "/x", auth_token)
    refused = app.test_client().get("/x", headers={"Origin": ORIGIN, "If-None-Match": "*"})
    assert refused.status_code == 401
    if build is restful:
        assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("registry", [flask_smorest.Blueprint("b", __name__), Flask(__name__)])
def test_a_guard_above_the_registration_is_an_error(auth: RequiresAuth, registry: Any) -> None:
    with pytest.raises(RuntimeError, match="the guard stands above"):

        @auth
        @registry.route("/x")
        def x() -> str:
            return "secret"

    with pytest.raises(RuntimeError, match="the guard stands above"):

        @auth
        @registry.before_request
        def check() -> None: ...


def test_a_class_is_not_guarded(app: Flask, auth: RequiresAuth) -> None:
    api = flask_restx.Api(app)
    with pytest.raises(TypeError, match=r"X is a class.*method_decorators = \[requires_auth\]"):

        @auth
        @api.route("/x")
        class X(flask_restx.Resource):
            def get(self) -> str:
                return "secret"

    with pytest.raises(TypeError, match="Y is a class"):

        @auth("read:x")
        class Y(MethodView): ...


def test_init_app_finds_views_without_their_guard(app: Flask, auth: RequiresAuth) -> None:
    def view() -> str:
        return "secret"

    guarded = auth(view)
    app.add_url_rule("/x", view_func=guarded)
    auth.init_app(app)
    app.add_url_rule("/open", view_func=view, endpoint="open")
    with pytest.raises(RuntimeError, match="open: the guard stands above"):
        auth.init_app(app)


def test_a_guarded_view_may_be_guarded_again(app: Flask, auth: RequiresAuth) -> None:
    guarded = auth("a")(lambda: "fine")
    app.add_url_rule("/a", view_func=guarded, endpoint="a")
    app.add_url_rule("/ab", view_func=auth("b")(guarded), endpoint="ab")
    auth.init_app(app)


# --- caches


def cached_view(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    @app.route("/x")
    @cache.cached(timeout=60)
    @auth("read:x")
    def x() -> Any:
        return {"sub": "s"}


def memoized_view(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    blueprint = Blueprint("b", __name__)

    @blueprint.get("/x")
    @cross_origin()
    @cache.memoize(60)
    @auth("read:x")
    def x() -> Any:
        return {"sub": "s"}

    app.register_blueprint(blueprint)


def view_kept_by_python(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    app.route("/x")(functools.lru_cache(auth("read:x")(lambda: {"sub": "s"})))


def cache_between_guards(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    app.route("/x")(auth(cache.cached()(auth("read:x")(lambda: {"sub": "s"}))))


def cached_class(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    class X(MethodView):
        decorators = (auth("read:x"), cache.cached())

        def get(self) -> Any:
            return {"sub": "s"}

    app.add_url_rule("/x", view_func=X.as_view("x"))


def cached_method(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    class X(MethodView):
        @cache.cached()
        @auth("read:x")
        def get(self) -> Any:
            return {"sub": "s"}

    app.add_url_rule("/x", view_func=X.as_view("x"))


def cached_resource(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    class X(flask_restful.Resource):
        method_decorators = (auth("read:x"), cache.cached())

        def get(self) -> Any:
            return {"sub": "s"}

    flask_restful.Api(app).add_resource(X, "/x")


def cached_resource_with_a_bare_guard(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    class X(flask_restful.Resource):
        method_decorators = (auth, cache.cached())

        def get(self) -> Any:
            return {"sub": "s"}

    flask_restful.Api(app).add_resource(X, "/x")


def cached_dispatcher(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    class X(View):
        @cache.cached()
        @auth("read:x")
        def dispatch_request(self) -> Any:
            return {"sub": "s"}

    app.add_url_rule("/x", view_func=X.as_view("x"))


@pytest.mark.parametrize(
    "build",
    [
        cached_view,
        memoized_view,
        view_kept_by_python,
        cache_between_guards,
        cached_class,
        cached_method,
        cached_resource,
        cached_resource_with_a_bare_guard,
        cached_dispatcher,
    ],
)
def test_a_cache_above_the_guard_is_an_error(
    app: Flask, auth: RequiresAuth, auth_token: TokenFactory, build: Callable[[Flask, RequiresAuth, Cache], None]
) -> None:
    build(app, auth, Cache(app))
    with pytest.raises(RuntimeError, match="stands above the guard, so what one caller may see"):
        auth.init_app(app)
    client = app.test_client()
    for headers in (bearer(auth_token("read:x")), {}, bearer(auth_token("read:x"))):
        answer = client.get("/x", headers=headers)
        assert answer.status_code == 500
        assert b'"s"' not in answer.data


def cached_under_another_name(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    @app.route("/guarded")
    @auth("read:x")
    def x() -> Any:
        return {"sub": "s"}

    app.add_url_rule("/x", "cached", cache.cached()(x))


def cached_view_that_calls_a_guarded_function(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    orders = auth("read:x")(lambda: {"sub": "s"})

    @app.route("/guarded")
    @auth("read:x")
    def guarded() -> Any:
        return orders()

    @app.route("/x")
    @cache.cached()
    def x() -> Any:
        return orders()


def kept_function_in_a_public_view(app: Flask, auth: RequiresAuth, cache: Cache) -> None:
    app.route("/guarded")(auth("read:x")(lambda: {"sub": "s"}))
    orders = cache.memoize()(auth("read:x")(lambda: {"sub": "s"}))

    @app.route("/x")
    def x() -> Any:
        return orders()


@pytest.mark.parametrize(
    "build",
    [cached_under_another_name, cached_view_that_calls_a_guarded_function, kept_function_in_a_public_view],
)
def test_a_cache_that_only_shows_at_a_request_is_an_error(
    app: Flask, auth: RequiresAuth, auth_token: TokenFactory, build: Callable[[Flask, RequiresAuth, Cache], None]
) -> None:
    build(app, auth, Cache(app))
    check_refusals(app, "/guarded", auth_token)  # first what is right
    client = app.test_client()
    for headers in (bearer(auth_token("read:x")), {}, bearer(auth_token("read:x"))):
        answer = client.get("/x", headers=headers)
        assert answer.status_code == 500
        assert b'"s"' not in answer.data
    check_refusals(app, "/guarded", auth_token)


def test_a_cache_below_the_guard_is_right(app: Flask, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    cache, runs = Cache(app), []

    @app.route("/x")
    @auth("read:x")
    @cache.cached(timeout=60)
    def x() -> Any:
        runs.append(1)
        return {"sub": "s"}

    class Y(MethodView):
        decorators = (cache.cached(), auth("read:x"))

        def get(self) -> Any:
            return {"sub": "s"}

    app.add_url_rule("/y", view_func=Y.as_view("y"))
    auth.init_app(app)
    for _ in range(2):
        check_refusals(app, "/x", auth_token)
        check_refusals(app, "/y", auth_token)
    assert len(runs) == 1


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize(
    ("base", "decorators", "advice"),
    [
        (MethodView, lambda guard: [guard], "write `decorators = "),
        (MethodView, lambda guard: {"get": guard}, "write `decorators = "),
        (flask_restful.Resource, lambda guard: {"GET": [guard]}, "write 'get'"),
    ],
)
def test_a_guard_that_a_class_never_applies_is_an_error(
    app: Flask, auth: RequiresAuth, auth_token: TokenFactory, base: Any, decorators: Any, advice: str, called: bool
) -> None:
    guard = auth("read:x") if called else auth
    X = type("X", (base,), {"method_decorators": decorators(guard), "get": lambda self: {"sub": "s"}})  # noqa: N806
    app.add_url_rule("/x", view_func=X.as_view("x"))
    app.get("/other")(auth("read:x")(lambda: "secret"))
    with pytest.raises(RuntimeError, match=advice):
        auth.init_app(app)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for _ in range(2):  # without `init_app`, the first request to a guard tells, and each one after it
        assert app.test_client().get("/other", headers=bearer(auth_token("read:x"))).status_code == 500


@pytest.mark.parametrize("decorators", [lambda guard: [guard], lambda guard: {"get": [guard]}])
def test_a_guard_that_a_resource_applies(
    app: Flask, auth: RequiresAuth, auth_token: TokenFactory, decorators: Any
) -> None:
    class X(flask_restful.Resource):
        method_decorators = decorators(auth("read:x"))

        def get(self) -> Any:
            return {"sub": "s"}

    flask_restful.Api(app).add_resource(X, "/x")
    auth.init_app(app)
    check_refusals(app, "/x", auth_token)
