"""The adapter for Flask."""

from __future__ import annotations

import functools
import json
import threading
import warnings
from typing import Any

import pytest
from adapters import ORIGIN, PREFLIGHT, WSGI_DIFFERS, bearer, vectors
from flask import Blueprint, Flask, after_this_request, g, jsonify, make_response, send_file
from flask.testing import FlaskClient
from flask.views import MethodView
from flask_cors import CORS, cross_origin

from requires_auth import AuthError, ConfigError, IssuerUnavailable, Policy
from requires_auth import flask as adapter
from requires_auth.flask import RequiresAuth, current_token
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]


@pytest.fixture
def auth(auth_issuer: TestIssuer) -> RequiresAuth:
    return RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)


@pytest.fixture
def app() -> Flask:
    return Flask(__name__)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def whoami() -> dict[str, Any]:
    return {"sub": g.access_token.sub}


def test_bare(app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app.route("/me")(auth(whoami))

    allowed = client.get("/me", headers=bearer(auth_token(sub="bob")))
    assert (allowed.status_code, allowed.json) == (200, {"sub": "bob"})

    refused = client.get("/me")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert refused.headers["Cache-Control"] == "no-store"
    assert refused.headers["Content-Type"] == "application/json"
    assert "Access-Control-Expose-Headers" not in refused.headers
    assert refused.json == {
        "code": "auth.authorization_header_missing",
        "status": 401,
        "message": "the request has no Authorization header",
    }


@pytest.mark.parametrize(
    ("needed", "held", "status"),
    [
        (("a",), "a", 200),
        (("a",), "b", 403),
        (("a b",), "a", 403),
        (("a", "b"), "b", 403),
        (("a", "b"), "b c a", 200),
    ],
)
def test_scopes_are_all_needed(
    app: Flask,
    client: FlaskClient,
    auth: RequiresAuth,
    auth_token: TokenFactory,
    needed: Any,
    held: str,
    status: int,
) -> None:
    app.route("/me")(auth(*needed)(whoami))
    answer = client.get("/me", headers=bearer(auth_token(scope=held)))
    assert answer.status_code == status
    if status == 403:
        assert f'scope="{" ".join(needed)}"' in answer.headers["WWW-Authenticate"]
        assert answer.json is not None
        assert answer.json["code"] == "insufficient_scope"


@pytest.mark.parametrize(("held", "status"), [("a", 200), ("b", 200), ("c", 403), ("", 403)])
def test_any_of(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory, held: str, status: int
) -> None:
    app.route("/me")(auth(any_of=["a", "b"])(whoami))
    answer = client.get("/me", headers=bearer(auth_token(scope=held)))
    assert answer.status_code == status
    if status == 403:
        assert 'scope="a b"' in answer.headers["WWW-Authenticate"]


def test_a_policy(app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    app.route("/me")(auth(policy=Policy.any_of(["a"]))(whoami))
    assert client.get("/me", headers=bearer(auth_token("a"))).status_code == 200
    assert client.get("/me", headers=bearer(auth_token("b"))).status_code == 403


def test_mistakes_in_a_route_show_when_it_is_built(auth: RequiresAuth) -> None:
    with pytest.raises(TypeError, match="only one"):
        auth("a", any_of=["b"])
    with pytest.raises(TypeError, match="only one"):
        auth(any_of=["b"], policy=Policy.all_of("a"))
    with pytest.raises((ConfigError, ValueError)):
        auth('"')
    with pytest.raises((ConfigError, ValueError)):
        auth(any_of=[])


def test_optional(app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    @app.route("/")
    @auth(optional=True)
    def hello() -> str:
        assert bool(current_token) == (g.access_token is not None)
        return current_token.sub or "" if current_token else "anonymous"

    assert client.get("/").text == "anonymous"
    assert client.get("/", headers=bearer(auth_token(sub="bob"))).text == "bob"
    assert client.get("/", headers=bearer(auth_token(defect="expired"))).status_code == 401


def test_the_current_token(app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    @app.route("/")
    @auth
    def scopes() -> Any:
        assert current_token == g.access_token
        return jsonify(
            sub=current_token.sub, reads=current_token.has_scope("read"), scopes=sorted(current_token.scopes)
        )

    @app.route("/unguarded")
    def unguarded() -> str:
        with pytest.raises(RuntimeError, match="guard"):
            _ = current_token.sub
        return "ok"

    answer = client.get("/", headers=bearer(auth_token("read write")))
    assert answer.json == {"sub": "alice", "reads": True, "scopes": ["read", "write"]}
    assert client.get("/unguarded").text == "ok"


def test_stacked_guards_ask_for_all(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory
) -> None:
    app.route("/")(auth("a")(auth("b")(whoami)))
    assert client.get("/", headers=bearer(auth_token("a"))).status_code == 403
    assert client.get("/", headers=bearer(auth_token("a b"))).status_code == 200


def test_async_views(app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    @app.route("/")
    @auth("a")
    async def view() -> str:
        return current_token.sub or ""

    assert client.get("/").status_code == 401
    assert client.get("/", headers=bearer(auth_token("a"))).text == "alice"


def test_the_view_stays_what_it_was(auth: RequiresAuth) -> None:
    def view(number: int) -> str:
        """Says."""
        return str(number)

    guarded = auth(view)
    assert (guarded.__name__, guarded.__doc__) == ("view", "Says.")


# --- class-based views, blueprints, applications


def test_class_based_views(app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    class Orders(MethodView):
        decorators = (auth("read"),)

        def get(self) -> str:
            return "orders"

        @auth("write")
        def post(self) -> str:
            return "made"

    app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
    assert client.get("/orders").status_code == 401
    assert client.get("/orders", headers=bearer(auth_token("read"))).text == "orders"
    assert client.post("/orders", headers=bearer(auth_token("read"))).status_code == 403
    assert client.post("/orders", headers=bearer(auth_token("read write"))).text == "made"


def test_a_class_may_answer_preflights_itself(app: Flask, client: FlaskClient, auth: RequiresAuth) -> None:
    class Orders(MethodView):
        decorators = (auth,)

        def get(self) -> str:
            raise AssertionError

        def options(self) -> Any:
            return "", 200, {"Access-Control-Allow-Origin": ORIGIN}

    app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
    answer = client.options("/orders", headers=PREFLIGHT)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert client.options("/orders").status_code == 401


def test_a_whole_blueprint(app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    blueprint.route("/me")(whoami)
    blueprint.route("/health")(lambda: "fine")
    blueprint.add_url_rule("/write", view_func=auth("write")(lambda: whoami()), endpoint="write")
    auth.protect(blueprint, "read", exempt=["api.<lambda>"])
    app.register_blueprint(blueprint)
    app.route("/public")(lambda: "hello")

    assert client.get("/public").text == "hello"
    assert client.get("/api/me").status_code == 401
    assert client.get("/api/me", headers=bearer(auth_token())).status_code == 403
    assert client.get("/api/me", headers=bearer(auth_token("read"))).status_code == 200
    assert client.get("/api/write", headers=bearer(auth_token("read"))).status_code == 403
    assert client.get("/api/write", headers=bearer(auth_token("read write"))).status_code == 200
    assert client.options("/api/me", headers=PREFLIGHT).status_code == 200


def test_a_whole_application(app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory) -> None:
    auth.protect(app, exempt=["health"])
    app.route("/me")(whoami)
    app.route("/health", endpoint="health")(lambda: "fine")

    assert client.get("/health").text == "fine"
    assert client.get("/me").status_code == 401
    assert client.get("/nowhere").status_code == 401
    assert client.get("/nowhere", headers=bearer(auth_token())).status_code == 404
    assert client.get("/me", headers=bearer(auth_token())).status_code == 200
    assert client.options("/nowhere", headers=PREFLIGHT).status_code == 404


def test_a_preflight_runs_no_handler_of_errors(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory
) -> None:
    auth.protect(app)
    app.add_url_rule("/closed", view_func=whoami, provide_automatic_options=False)
    app.add_url_rule("/folder/", view_func=whoami, endpoint="folder")
    for status in (404, 405):
        app.register_error_handler(status, lambda _: "for those with a token")
    for path, status in (("/nowhere", 404), ("/closed", 405)):
        refused = client.options(path, headers=PREFLIGHT)
        assert (refused.status_code, refused.data) == (status, b"")
        assert client.options(path, headers=bearer(auth_token())).text == "for those with a token"
    assert client.options("/folder", headers=PREFLIGHT).headers["Location"].endswith("/folder/")


def test_a_guarded_handler_of_errors(app: Flask, client: FlaskClient, auth: RequiresAuth) -> None:
    app.register_error_handler(404, auth(lambda error: ("nothing here", 404)))
    assert client.get("/nowhere").status_code == 401
    assert client.options("/nowhere", headers=PREFLIGHT).text == ""


# --- browsers


@pytest.mark.parametrize(
    "options", [{}, {"headers": ["Content-Type", "Authorization"]}, {"expose_headers": ["X-Total"]}]
)
def test_the_guides_order_gives_readable_refusals(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory, options: dict[str, Any]
) -> None:
    app.route("/me")(cross_origin(**options)(auth(whoami)))

    refused = client.get("/me", headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)
    exposed = ", ".join(refused.headers.getlist("Access-Control-Expose-Headers"))
    assert "WWW-Authenticate" in exposed
    allowed = client.get("/me", headers={"Origin": ORIGIN, **bearer(auth_token())})
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)
    check_preflight(client, "/me")


def check_preflight(client: FlaskClient, path: str) -> None:
    preflight = client.options(path, headers=PREFLIGHT)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)
    assert preflight.headers["Access-Control-Allow-Headers"].lower() == "authorization"


def test_the_other_order_warns_and_lets_preflights_pass(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory
) -> None:
    with pytest.warns(RuntimeWarning, match="whoami: @cross_origin is inside the guard") as caught:
        guarded = auth(cross_origin()(whoami))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(RuntimeWarning) as caught:
        auth("a")(cross_origin()(whoami))
    assert caught[0].filename == __file__
    app.route("/me")(guarded)

    check_preflight(client, "/me")
    assert client.options("/me").status_code == 401
    assert "Access-Control-Allow-Origin" not in client.get("/me", headers={"Origin": ORIGIN}).headers
    assert client.get("/me", headers={"Origin": ORIGIN, **bearer(auth_token())}).status_code == 200


def test_the_guides_order_does_not_warn(auth: RequiresAuth) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_origin()(auth(whoami))


def test_cors_for_the_whole_application(app: Flask, client: FlaskClient, auth: RequiresAuth) -> None:
    CORS(app)
    app.route("/me")(auth(whoami))
    auth.protect(app)
    refused = client.get("/me", headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)
    assert refused.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate"
    check_preflight(client, "/me")


@pytest.mark.parametrize("whole_application", [False, True])
def test_a_preflight_does_not_run_a_view_that_takes_options(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory, whole_application: bool
) -> None:
    def view() -> str:
        return "secret"

    if whole_application:
        auth.protect(app)
    app.route("/", methods=["GET", "OPTIONS"])(view if whole_application else auth(view))
    answer = client.options("/", headers=PREFLIGHT)
    assert (answer.status_code, answer.text) == (200, "")
    assert "OPTIONS" in answer.headers["Allow"]
    assert client.options("/", headers=bearer(auth_token())).text == "secret"


@pytest.mark.filterwarnings("ignore:.*cross_origin is inside")
@pytest.mark.parametrize("by_argument", [False, True])
def test_nor_where_cross_origin_leaves_options_to_the_view(
    app: Flask, client: FlaskClient, auth: RequiresAuth, by_argument: bool
) -> None:
    app.config["CORS_AUTOMATIC_OPTIONS"] = by_argument
    cors = cross_origin(automatic_options=False) if by_argument else cross_origin()
    app.route("/", methods=["GET", "OPTIONS"])(auth(cors(lambda: "secret")))
    assert client.options("/", headers=PREFLIGHT).text == ""


def test_a_view_for_options_alone_runs(app: Flask, client: FlaskClient, auth: RequiresAuth) -> None:
    app.route("/", methods=["OPTIONS"])(auth(lambda: ("", 204, {"Access-Control-Allow-Origin": ORIGIN})))
    assert client.options("/", headers=PREFLIGHT).headers["Access-Control-Allow-Origin"] == ORIGIN


# --- configuration


def configured(issuer: TestIssuer) -> Flask:
    app = Flask(__name__)
    app.config.update(issuer.settings)
    app.route("/me")(adapter.requires_auth(whoami))
    return app


def test_the_ready_instance_is_configured_by_each_application(
    auth_issuer: TestIssuer, auth_token: TokenFactory
) -> None:
    other = TestIssuer("https://other.example.com")
    ours, theirs = configured(auth_issuer), configured(other)
    for app, good, bad in ((ours, auth_token(), other.token()), (theirs, other.token(), auth_token())):
        assert app.test_client().get("/me", headers=bearer(good)).status_code == 200
        assert app.test_client().get("/me", headers=bearer(bad)).status_code == 401
        with app.app_context():
            assert adapter.requires_auth.guard is adapter.requires_auth.guard
            assert adapter.requires_auth.verify(good).sub == "alice"
            assert len(adapter.requires_auth.health()) == 1


def test_the_environment_configures_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, auth_issuer: TestIssuer, auth_token: TokenFactory
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(auth_issuer.jwks)
    monkeypatch.setenv("REQUIRES_AUTH_ISSUER", auth_issuer.issuer)
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENCE", auth_issuer.audience)
    monkeypatch.setenv("REQUIRES_AUTH_JWKS", str(keys))
    app = Flask(__name__)
    app.route("/me")(adapter.requires_auth(whoami))
    assert app.test_client().get("/me", headers=bearer(auth_token())).status_code == 200
    # app.config goes first.
    app = Flask(__name__)
    app.config["REQUIRES_AUTH_AUDIENCE"] = "https://other.example.com"
    app.route("/me")(adapter.requires_auth(whoami))
    assert app.test_client().get("/me", headers=bearer(auth_token())).status_code == 401


def test_all_settings(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    app = configured(auth_issuer)
    app.config.update(REQUIRES_AUTH_ALGORITHMS="RS256, PS256", REQUIRES_AUTH_ERROR_FORMAT="problem")
    answer = app.test_client().get("/me", headers=bearer(auth_token()))
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert answer.json["reason"] == "algorithm_not_allowed"


def test_init_app_finds_mistakes_at_once(app: Flask, auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    with pytest.raises(ConfigError):
        adapter.requires_auth.init_app(app)
    adapter.requires_auth.init_app(app, auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks)
    app.route("/me")(adapter.requires_auth(whoami))
    assert app.test_client().get("/me", headers=bearer(auth_token())).status_code == 200


def test_init_app_of_a_guard_with_an_issuer(app: Flask, auth: RequiresAuth) -> None:
    auth.init_app(app)
    with pytest.raises(TypeError, match="already"):
        auth.init_app(app, "https://other.example")


def test_without_configuration_a_request_fails_loudly(app: Flask, client: FlaskClient) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.route("/me")(adapter.requires_auth(whoami))
    with pytest.raises(ConfigError, match=r"(?i)issuer"):
        client.get("/me")


def test_first_requests_at_once_make_one_guard(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    app = configured(auth_issuer)
    guards, start = set(), threading.Barrier(8)

    def ask() -> None:
        start.wait()
        with app.app_context():
            guards.add(adapter.requires_auth.guard)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(guards) == 1


def test_a_body_of_your_own(app: Flask, client: FlaskClient, auth_issuer: TestIssuer) -> None:
    def write(error: AuthError | IssuerUnavailable) -> tuple[str, bytes]:
        return "text/plain", f"no: {error.code}".encode()

    auth = RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, error_format=write)
    app.route("/me")(auth(whoami))
    answer = client.get("/me")
    assert (answer.status_code, answer.text) == (401, "no: auth.authorization_header_missing")
    assert answer.content_type == "text/plain"


async def verify_later(auth: RequiresAuth, token: str) -> str | None:
    return (await auth.verify_async(token)).sub


def test_a_token_from_elsewhere(auth: RequiresAuth, auth_token: TokenFactory) -> None:
    import asyncio

    auth.warm()
    assert auth.verify(auth_token(sub="bob")).sub == "bob"
    assert asyncio.run(verify_later(auth, auth_token())) == "alice"
    with pytest.raises(AuthError):
        auth.verify(auth_token(defect="expired"))


# --- all vectors


def test_all_vectors(app: Flask) -> None:
    client = app.test_client(use_cookies=False)
    auth = RequiresAuth()
    ran = False
    rules: dict[Any, Any] = {}

    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
    def items(path: str) -> Any:
        def view() -> str:
            nonlocal ran
            ran = True
            return json.dumps(g.access_token.claims if g.access_token else None)

        return rules["guarded"](view)()

    for case, guard in vectors():
        for separator in (", ", ","):
            if case.id in WSGI_DIFFERS:
                continue
            auth.replace_guard(guard)
            rules["guarded"] = auth(policy=case.policy(), optional=case.optional)
            ran = False
            environ = case.environ(separator)
            answer = client.open(case.url, method=case.method, environ_overrides=environ)
            case.check(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.data, ran)
            if case.expect.get("claims") and case.method != "HEAD":
                assert answer.get_json(force=True) == case.expect["claims"], case.id
            if len(environ) == len(case.headers):
                break


@pytest.mark.parametrize("registry", [Flask(__name__), Blueprint("orders", __name__)])
def test_a_guard_above_the_route_is_an_error(auth: RequiresAuth, registry: Flask | Blueprint) -> None:
    with pytest.raises(RuntimeError, match="secret: the guard stands above"):

        @auth
        @registry.route("/secret")
        def secret() -> str:
            return "secret"

    with pytest.raises(RuntimeError, match="next to `def`"):

        @auth("read:orders")
        @registry.get("/other")
        def other() -> str:
            return "secret"

    @registry.get("/right")
    @auth
    def right() -> str:
        return "right"


@pytest.mark.parametrize("registry", ["before_request", "before_app_request"])
def test_a_guard_above_what_runs_before_requests_is_an_error(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory, registry: str
) -> None:
    blueprint = Blueprint("b", __name__)
    register = getattr(blueprint, registry)
    with pytest.raises(RuntimeError, match="the guard stands above"):
        auth(register(lambda: None))
    register(auth(lambda: None))
    blueprint.get("/x")(whoami)
    app.register_blueprint(blueprint)
    assert client.get("/x").status_code == 401
    assert client.get("/x", headers=bearer(auth_token())).status_code == 200


def test_a_view_that_is_registered_without_its_guard_later_is_an_error(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.get("/x")(auth(whoami))
    app.add_url_rule("/y", "y", whoami)
    for _ in range(2):
        assert client.get("/x", headers=bearer(auth_token())).status_code == 500


def to_null(view: Any) -> Any:
    """As `@marshal_with` does: what the view returns becomes a dictionary."""

    @functools.wraps(view)
    def marshalled(*args: Any, **kwargs: Any) -> Any:
        view(*args, **kwargs)
        return {"id": None}

    return marshalled


def to_json(view: Any) -> Any:
    @functools.wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        return jsonify(view(*args, **kwargs))

    return answer


def to_not_modified(view: Any) -> Any:
    @functools.wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        response = make_response(view(*args, **kwargs))
        response.set_etag("x")
        response.status_code = 304
        return response

    return answer


def answered_later(view: Any) -> Any:
    @functools.wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        given = view(*args, **kwargs)
        after_this_request(lambda _: make_response({"id": None}))
        return given

    return answer


def to_a_file(view: Any) -> Any:
    @functools.wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        view(*args, **kwargs)
        response = send_file(__file__, conditional=True)
        response.headers.update({"X-Sendfile": __file__, "Location": "/elsewhere", "Content-Range": "bytes 0-1/2"})
        return response

    return answer


def to_a_file_of_the_proxy(view: Any) -> Any:
    @functools.wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        response = make_response(view(*args, **kwargs))
        response.headers["X-Accel-Redirect"] = "/internal/orders"
        return response

    return answer


@pytest.mark.parametrize("above", [to_null, to_json, to_not_modified, to_a_file, to_a_file_of_the_proxy])
def test_a_refusal_reaches_the_client_whatever_stands_above(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory, above: Any
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/orders")
    @cross_origin(origins=[ORIGIN], expose_headers=["WWW-Authenticate"])
    @above
    @auth("read:orders")
    def orders() -> Any:
        return {"id": 1}

    for headers, status, challenge in [
        ({}, 401, "Bearer"),
        (bearer(auth_token(scope="other")), 403, 'error="insufficient_scope"'),
    ]:
        refused = client.get("/orders", headers={"Origin": ORIGIN, **headers})
        assert refused.status_code == status
        assert challenge in refused.headers["WWW-Authenticate"]
        assert refused.json is not None
        assert refused.json["status"] == status
        for stale in ("ETag", "X-Sendfile", "X-Accel-Redirect", "Location", "Content-Range", "Content-Disposition"):
            assert stale not in refused.headers
        assert int(refused.headers["Content-Length"]) == len(refused.data)
        if above is not to_json:  # it raises, so `@cross_origin` above it never sees an answer
            assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert "WWW-Authenticate" in refused.headers["Access-Control-Expose-Headers"]

    allowed = client.get("/orders", headers=bearer(auth_token(scope="read:orders")))
    assert allowed.status_code == (304 if above is to_not_modified else 200)
    assert (allowed.headers.get("X-Sendfile") == __file__) == (above is to_a_file)
    assert ("X-Accel-Redirect" in allowed.headers) == (above is to_a_file_of_the_proxy)
    allowed.close()


def test_a_refusal_is_put_back_behind_what_was_asked_for_later(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory
) -> None:
    app.route("/orders")(answered_later(auth("read:orders")(whoami)))
    refused = client.get("/orders")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get("/orders", headers=bearer(auth_token(scope="other"))).status_code == 403
    assert client.get("/orders", headers=bearer(auth_token(scope="read:orders"))).json == {"id": None}


@pytest.mark.parametrize("exempt", ["static", b"static", 1, [1]])
def test_exempt_takes_a_list_of_names_only(app: Flask, auth: RequiresAuth, exempt: Any) -> None:
    with pytest.raises(TypeError, match="exempt: expected a list of strings"):
        auth.protect(app, exempt=exempt)


def test_arguments_of_the_wrong_type_are_named(auth: RequiresAuth) -> None:
    with pytest.raises(TypeError, match="scopes: expected strings, found list"):
        auth(["a"])  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="policy: expected a Policy, found str"):
        auth(policy="x")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="optional: expected True or False, found str"):
        auth(optional="no")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r'scopes: scopes are written without a name: write auth\("a"\)'):
        auth(scopes=["a"])  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="optinal: there is no such argument"):
        auth("a", optinal=True)  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match=r'write "a", "b"; for a scope with a comma'):
        auth("a,b")
    with pytest.raises(TypeError, match="takes a function, found dict"):
        auth("a")({})  # type: ignore[type-var]


def test_a_scope_may_have_a_comma(
    app: Flask, client: FlaskClient, auth: RequiresAuth, auth_token: TokenFactory
) -> None:
    app.route("/me")(auth(policy=Policy.all_of("a,b"))(whoami))
    assert client.get("/me", headers=bearer(auth_token("a b"))).status_code == 403
    assert client.get("/me", headers=bearer(auth_token("a,b"))).status_code == 200


# --- forgotten and mistaken settings


def test_forgotten_settings_lead_to_the_fix(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError) as error:
        adapter.requires_auth.init_app(app)
    assert [problem.hint for problem in error.value.problems] == [
        "set REQUIRES_AUTH_ISSUER in app.config or in the environment",
        "set REQUIRES_AUTH_AUDIENCE in app.config or in the environment",
    ]
    app.config["REQUIRES_AUTH_ISSUER"] = "https://issuer.example"
    with pytest.raises(ConfigError) as error:
        adapter.requires_auth.init_app(app)
    assert [problem.field for problem in error.value.problems] == ["audience"]
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENC", "https://api.example")
    monkeypatch.setenv("REQUIRES_AUTH_LEEWAY", "30x")
    with (
        pytest.warns(RuntimeWarning, match="REQUIRES_AUTH_AUDIENC .*REQUIRES_AUTH_AUDIENCE"),
        pytest.raises(ConfigError) as error,
    ):
        adapter.requires_auth.init_app(app)
    assert [problem.field for problem in error.value.problems] == ["audience", "REQUIRES_AUTH_LEEWAY"]
    for name in ("AUDIENC", "LEEWAY"):
        monkeypatch.delenv(f"REQUIRES_AUTH_{name}")
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENCE", "https://api.example")
    adapter.requires_auth.init_app(app)


def test_an_application_is_no_issuer(app: Flask) -> None:
    with pytest.raises(TypeError, match=r"found Flask: write RequiresAuth\(.*REQUIRES_AUTH_ISSUER.*in app.config"):
        RequiresAuth(app)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [("LEEWAY", "30", 30), ("CACHE", True, 10), ("DANGEROUSLY_ANY_AUDIENCE", "false", False)],
)
def test_settings_of_the_wrong_type_are_named(
    app: Flask, auth_issuer: TestIssuer, name: str, wrong: Any, right: Any
) -> None:
    key = f"REQUIRES_AUTH_{name}"
    app.config.update({**auth_issuer.settings, key: wrong})
    with pytest.raises(ConfigError) as error:
        adapter.requires_auth.init_app(app)
    assert [problem.field for problem in error.value.problems] == [key]
    app.config[key] = right
    adapter.requires_auth.init_app(app)


def test_settings_and_variables_are_named_as_they_are_written(
    app: Flask, auth_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRES_AUTH_STALE", "for ever")
    app.config.update({**auth_issuer.settings, "REQUIRES_AUTH_LEEWAY": 301, "REQUIRES_AUTH_ERROR_FORMAT": "xml"})
    with pytest.raises(ConfigError) as error:
        adapter.requires_auth.init_app(app, cache=-1)
    named = {problem.field for problem in error.value.problems}
    assert named == {"REQUIRES_AUTH_LEEWAY", "REQUIRES_AUTH_ERROR_FORMAT", "REQUIRES_AUTH_STALE", "cache"}


def test_settings_in_a_dict_are_told(app: Flask, auth_issuer: TestIssuer) -> None:
    app.config.update({**auth_issuer.settings, "REQUIRES_AUTH": {"LEEWAY": 5}})
    with pytest.warns(RuntimeWarning, match=r"REQUIRES_AUTH in app.config is not read: .* REQUIRES_AUTH_LEEWAY = \.\."):
        adapter.requires_auth.init_app(app)


def test_a_misspelt_setting_is_told(app: Flask, auth_issuer: TestIssuer) -> None:
    app.config.update({**auth_issuer.settings, "REQUIRES_AUTH_SCOPE_CLAIM": ["permissions"]})
    with pytest.warns(RuntimeWarning, match="did you mean REQUIRES_AUTH_SCOPE_CLAIMS?"):
        adapter.requires_auth.init_app(app)
