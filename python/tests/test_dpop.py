"""Tokens that are bound to a key, in Python: what the vectors do not say."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import django_site  # noqa: F401 - the site that is asked
import pytest
from adapters import EXAMPLES, Server, bearer, free_port, python, serving
from django.http import HttpResponse
from django.test import Client as DjangoClient
from django.test import RequestFactory, override_settings
from fastapi import Depends, FastAPI
from flask import Flask, g
from proofs import Client
from rest_framework.views import APIView
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from requires_auth import Admission, ConfigError, Issuer, Policy, Refusal, RequiresAuth
from requires_auth import fastapi as fastapi_adapter
from requires_auth import flask as flask_adapter
from requires_auth._rule import Rule
from requires_auth.django import requires_auth as django_auth
from requires_auth.django.rest_framework import HasScope
from requires_auth.mcp import protect
from requires_auth.starlette import RequiresAuthMiddleware
from requires_auth.testing import TestIssuer

pytest_plugins = ["requires_auth.testing"]

URL = "http://testserver"
SECRET = "a text that nobody can guess, of 32 letters"


@pytest.fixture
def client() -> Client:
    return Client()


def guard_of(issuer: TestIssuer, dpop: Any = "allowed", **options: Any) -> RequiresAuth:
    usual = {"audience": issuer.audience, "jwks": issuer.jwks, "public_url": URL}
    return RequiresAuth(issuer.issuer, dpop=dpop, **{**usual, **options})


def code(outcome: Any) -> str:
    return (outcome.error.reason or outcome.error.code) if isinstance(outcome, Refusal) else "ok"


def ask(guard: RequiresAuth, headers: dict[str, str], url: str = "/", policy: Policy | None = None) -> Any:
    return guard.admit("GET", url, list(headers.items()), policy)


# --- settings


def test_a_guard_is_made_with_a_mode_or_a_dict(auth_issuer: TestIssuer, client: Client) -> None:
    token = client.token(auth_issuer)
    for dpop in ("allowed", "required", {"mode": "required", "max_age": 10, "algorithms": ["ES256"]}):
        guard = guard_of(auth_issuer, dpop)
        assert code(ask(guard, client.headers("GET", URL + "/", token))) == "ok"
    assert code(ask(guard_of(auth_issuer, "off"), client.headers("GET", URL + "/", token))) != "ok"
    for dpop, found in (
        ("always", "`always`"),
        ({"mode": "allowed", "age": 5}, "the key `age`"),
        ({"mode": "allowed", "max_age": 301}, "max_age"),
        ({"mode": "allowed", "nonce_secret": "short"}, ""),
        (5, "int"),
    ):
        with pytest.raises(ConfigError) as raised:
            guard_of(auth_issuer, dpop)
        assert raised.value.problems[0].field.startswith("dpop")
        assert found in raised.value.problems[0].found
        assert "short" not in str(raised.value)
    with pytest.raises(ConfigError) as raised:
        guard_of(auth_issuer, public_url=None)
    assert raised.value.problems[0].field == "public_url"


def test_settings_come_from_the_environment_and_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, auth_issuer: TestIssuer, client: Client
) -> None:
    token = client.token(auth_issuer)
    monkeypatch.setenv("REQUIRES_AUTH_DPOP", "required")
    monkeypatch.setenv("REQUIRES_AUTH_PUBLIC_URL", URL)
    guard = RequiresAuth.from_env(issuer=auth_issuer.issuer, audience=auth_issuer.audience, jwks=auth_issuer.jwks)
    assert code(ask(guard, client.headers("GET", URL + "/", token))) == "ok"
    assert code(ask(guard, bearer(auth_issuer.token()))) == "binding_mismatch"
    monkeypatch.delenv("REQUIRES_AUTH_DPOP")
    (tmp_path / "keys.json").write_text(auth_issuer.jwks)
    file = tmp_path / "auth.toml"
    file.write_text(
        f'public_url = "{URL}"\n[dpop]\nmode = "required"\nmax_age = "30s"\n'
        f'[issuers.main]\nissuer = "{auth_issuer.issuer}"\naudience = "{auth_issuer.audience}"\njwks = "keys.json"\n'
    )
    guard = RequiresAuth.from_file(file)
    assert code(ask(guard, client.headers("GET", URL + "/", token))) == "ok"
    assert code(ask(guard, client.headers("GET", URL + "/", token, time.time() - 40))) == "proof_time"


def test_an_issuer_and_a_route_may_need_proofs(auth_issuer: TestIssuer, client: Client) -> None:
    other = TestIssuer()
    own = Issuer(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, dpop="required")
    issuers = [own, Issuer(other.issuer + "/2", other.audience, jwks=other.jwks)]
    guard = RequiresAuth(issuers=issuers, public_url=URL)
    assert code(ask(guard, client.headers("GET", URL + "/", client.token(auth_issuer)))) == "ok"
    assert code(ask(guard, bearer(auth_issuer.token()))) == "binding_mismatch"

    guard, policy = guard_of(auth_issuer), Policy().with_dpop_required()
    assert repr(policy) == "Policy().with_dpop_required()"
    assert code(ask(guard, bearer(auth_issuer.token()))) == "ok"
    refused = ask(guard, bearer(auth_issuer.token()), policy=policy)
    assert code(refused) == "binding_mismatch"
    assert code(ask(guard, client.headers("GET", URL + "/", client.token(auth_issuer)), policy=policy)) == "ok"


def test_the_profile_of_fapi_chooses_the_leeway_itself(auth_issuer: TestIssuer) -> None:
    fapi: dict[str, Any] = {"profile": "fapi2", "public_url": "https://api.example"}
    for leeway in (None, 0, 10):
        assert guard_of(auth_issuer, "required", leeway=leeway, **fapi).health()
    with pytest.raises(ConfigError) as raised:
        guard_of(auth_issuer, "required", leeway=11, **fapi)
    assert [problem.field for problem in raised.value.problems] == ["leeway"]
    assert guard_of(auth_issuer, "required", **fapi).health(), "and nothing has to be said"


# --- proofs


def test_of_many_threads_with_one_proof_one_passes(auth_issuer: TestIssuer, client: Client) -> None:
    guard, token = guard_of(auth_issuer), client.token(auth_issuer)
    headers = client.headers("GET", URL + "/", token)
    codes: list[str] = []
    start = threading.Barrier(8)

    def race() -> None:
        start.wait()
        codes.append(code(ask(guard, headers)))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["ok", *["proof_reused"] * 7]


def test_what_is_refused_uses_up_nothing(auth_issuer: TestIssuer, client: Client) -> None:
    guard, token = guard_of(auth_issuer), client.token(auth_issuer)
    headers = client.headers("GET", URL + "/", token)
    assert code(ask(guard, headers, policy=Policy.all_of("write"))) == "insufficient_scope"
    assert guard.explain(token)["ok"] is False
    assert code(ask(guard, headers)) == "ok"
    assert code(ask(guard, headers)) == "proof_reused"


def test_a_forked_process_takes_proofs(auth_issuer: TestIssuer, client: Client) -> None:
    guard, token = guard_of(auth_issuer), client.token(auth_issuer)
    assert code(ask(guard, client.headers("GET", URL + "/", token))) == "ok"
    headers = client.headers("GET", URL + "/", token)
    process = os.fork()
    if process == 0:
        os._exit(0 if [code(ask(guard, headers)) for _ in range(2)] == ["ok", "proof_reused"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    # Each process remembers what it has seen itself.
    assert code(ask(guard, headers)) == "ok"


def test_asynchronous_code_admits_proofs(auth_issuer: TestIssuer, client: Client) -> None:
    guard, token = guard_of(auth_issuer), client.token(auth_issuer)
    headers = list(client.headers("GET", URL + "/", token).items())
    assert code(asyncio.run(guard.admit_async("GET", "/", headers))) == "ok"
    assert code(guard.admit_now("GET", "/", headers)) == "proof_reused"


def test_a_server_that_decodes_paths_is_told_of_once(
    auth_issuer: TestIssuer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    token = client.token(auth_issuer)
    headers = {f"HTTP_{name.upper()}": value for name, value in client.headers("GET", URL + "/a/b", token).items()}
    caplog.set_level(logging.WARNING, "requires_auth")
    raw = {"REQUEST_METHOD": "GET", "PATH_INFO": "/a/b", "RAW_URI": "/a%2Fb"}
    bare = {"REQUEST_METHOD": "GET", "PATH_INFO": "/a/b"}
    guard_of(auth_issuer, "off").admit_wsgi(bare)
    guard = guard_of(auth_issuer)
    assert code(guard.admit_wsgi({**raw, **headers})) == "proof_url"
    caplog.clear()
    assert code(guard.admit_wsgi({**bare, **headers})) == "ok"
    guard.admit_wsgi(bare)
    told = [record for record in caplog.records if "decoded paths" in record.getMessage()]
    assert len(told) == 1


# --- a request that is judged more than once


def test_a_request_counts_once_however_often_it_is_judged(auth_issuer: TestIssuer, client: Client) -> None:
    guard, token = guard_of(auth_issuer), client.token(auth_issuer, "read")
    headers = client.headers("GET", URL + "/", token)
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    other = dict(scope)
    assert code(guard.admit_asgi(scope)) == "ok"
    again = guard.admit_asgi({**scope}, Policy.all_of("read"))
    assert isinstance(again, Admission)
    assert again.token is not None
    assert code(guard.admit_asgi(scope, Policy.all_of("write"))) == "insufficient_scope"
    assert code(guard.admit_asgi(scope, Policy().with_dpop_required())) == "ok"
    # A copy of the request is another one, and so is the same one with anything changed, or at another guard.
    assert code(guard.admit_asgi(other)) == "proof_reused"
    assert code(guard.admit_asgi({**scope, "path": "/other", "raw_path": b"/other"})) == "proof_url"
    assert code(guard.admit_asgi({**scope, "method": "POST"})) == "proof_method"
    changed = [*scope["headers"][:1], (b"dpop", client.proof("GET", URL + "/x", token).encode())]
    assert code(guard.admit_asgi({**scope, "headers": changed})) == "proof_url"
    assert code(guard_of(auth_issuer, max_token_bytes=100).admit_asgi(scope)) != "ok"


def test_a_client_cannot_say_that_it_was_judged(auth_issuer: TestIssuer, client: Client) -> None:
    guard = guard_of(auth_issuer)
    headers = {"HTTP_AUTHORIZATION": f"DPoP {client.token(auth_issuer)}", "HTTP_REQUIRES_AUTH.PROVEN": "x"}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "requires_auth.proven": "x", **headers}
    assert code(guard.admit_wsgi(environ)) == "proof_missing"


async def read(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.state.access_token.sub)


def test_a_middleware_and_a_route(auth_issuer: TestIssuer, client: Client) -> None:
    auth = fastapi_adapter.RequiresAuth(
        auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks, dpop="required", public_url=URL
    )
    app = FastAPI()

    @app.get("/orders", dependencies=[Depends(auth("read"))])
    async def orders() -> str:
        return "orders"

    app.add_middleware(RequiresAuthMiddleware, auth=auth)
    asked, token = TestClient(app), client.token(auth_issuer, "read")
    headers = client.headers("GET", URL + "/orders", token)
    assert asked.get("/orders", headers=headers).status_code == 200
    assert asked.get("/orders", headers=headers).json()["reason"] == "proof_reused"
    lacking = client.headers("GET", URL + "/orders", client.token(auth_issuer))
    assert asked.get("/orders", headers=lacking).json()["code"] == "insufficient_scope"


def test_a_middleware_and_a_view_of_django(auth_issuer: TestIssuer, client: Client) -> None:
    before = django_auth.replace_guard(guard_of(auth_issuer))
    middleware = ["requires_auth.django.middleware.RequiresAuthMiddleware"]
    try:
        with override_settings(MIDDLEWARE=middleware):
            for path in ("/me", "/async", "/rest"):
                headers = client.headers("GET", URL + path, client.token(auth_issuer))
                answer = DjangoClient().get(path, headers=headers)
                assert (answer.status_code, answer.json()["sub"]) == (200, "alice"), path
                assert DjangoClient().get(path, headers=headers).json()["reason"] == "proof_reused"
    finally:
        django_auth.replace_guard(before)


def test_explain_tells_the_checks_of_a_proof(auth_issuer: TestIssuer, client: Client) -> None:
    guard, token = guard_of(auth_issuer), client.token(auth_issuer)
    proof = client.proof("POST", URL + "/pay", token)

    def told(**asked: Any) -> dict[str, str]:
        report = guard.explain(token, **asked)
        steps = {check["check"]: check["outcome"] for check in report["checks"] if check["outcome"] != "not_reached"}
        return {"verdict": "ok" if report["ok"] else report["error"]["reason"], **steps}

    good = told(proof=proof, method="POST", url="/pay?a=b")
    assert good["verdict"] == "ok"
    of_proof = [name for name in good if name.startswith("dpop")]
    assert len(of_proof) >= 8
    assert {good[name] for name in of_proof} == {"passed"}
    assert told(proof=proof, method="POST", url=URL + "/pay") == good, "it is not used up"
    assert told(proof=proof, url="/pay")["verdict"] == "proof_method"
    assert told(proof=proof, method="POST")["verdict"] == "proof_url"
    assert told(proof="x", method="POST", url="/pay")["verdict"] == "proof_malformed"
    alone = told()
    assert not any(name.startswith("dpop") for name in alone)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    assert code(guard.admit("POST", "/pay", list(headers.items()))) == "ok"


# --- routes


def statuses(ask: Any, auth_issuer: TestIssuer, client: Client) -> tuple[list[int], Any]:
    """The status for a bearer token, for one with a proof, and for that without the scope; the first answer."""
    bearer_token = ask(bearer(auth_issuer.token("pay")))
    proven = [client.headers("GET", URL + "/pay", client.token(auth_issuer, scope)) for scope in ("pay", "")]
    return [answer.status_code for answer in (bearer_token, *map(ask, proven))], bearer_token


def test_a_route_of_flask_needs_a_proof(auth_issuer: TestIssuer, client: Client) -> None:
    auth, app = flask_adapter.RequiresAuth(), Flask(__name__)
    auth.replace_guard(guard_of(auth_issuer))
    app.route("/pay", endpoint="pay")(auth("pay", dpop="required")(lambda: "paid"))
    app.route("/free", endpoint="free")(auth(lambda: "free"))
    asked = app.test_client()
    found, refused = statuses(lambda headers: asked.get("/pay", base_url=URL, headers=headers), auth_issuer, client)
    assert found == [401, 200, 403]
    assert refused.json["reason"] == "binding_mismatch"
    assert asked.get("/free", base_url=URL, headers=bearer(auth_issuer.token())).status_code == 200
    whole = Flask(__name__)
    whole.route("/pay")(lambda: "paid")
    auth.protect(whole, "pay", dpop="required")
    asked = whole.test_client()
    found, _ = statuses(lambda headers: asked.get("/pay", base_url=URL, headers=headers), auth_issuer, client)
    assert found == [401, 200, 403]


def test_a_route_of_fastapi_needs_a_proof(auth_issuer: TestIssuer, client: Client) -> None:
    auth, app = fastapi_adapter.RequiresAuth(), FastAPI()
    auth.replace_guard(guard_of(auth_issuer))
    app.get("/pay", dependencies=[Depends(auth("pay", dpop="required"))])(lambda: "paid")
    app.get("/free", dependencies=[Depends(auth("pay"))])(lambda: "free")
    asked = TestClient(app)
    found, refused = statuses(lambda headers: asked.get("/pay", headers=headers), auth_issuer, client)
    assert found == [401, 200, 403]
    assert refused.json()["reason"] == "binding_mismatch"
    assert asked.get("/free", headers=bearer(auth_issuer.token("pay"))).status_code == 200


def test_a_view_of_django_needs_a_proof(auth_issuer: TestIssuer, client: Client) -> None:
    class Pay(APIView):  # type: ignore[misc]
        permission_classes = (HasScope("pay", dpop="required"),)

        def get(self, request: Any) -> HttpResponse:
            return HttpResponse("paid")

    def view(request: Any) -> HttpResponse:
        return HttpResponse("paid")

    before = django_auth.replace_guard(guard_of(auth_issuer))
    try:
        for guarded in (django_auth("pay", dpop="required")(view), Pay.as_view()):

            def ask(headers: dict[str, str], guarded: Any = guarded) -> Any:
                answer = guarded(RequestFactory().get("/pay", headers=headers))
                return answer.render() if hasattr(answer, "render") else answer

            assert statuses(ask, auth_issuer, client)[0] == [401, 200, 403]
    finally:
        django_auth.replace_guard(before)


@pytest.mark.parametrize(
    "asked",
    [
        lambda dpop: flask_adapter.RequiresAuth()("read", dpop=dpop),
        lambda dpop: flask_adapter.RequiresAuth().protect(Flask(__name__), dpop=dpop),
        lambda dpop: fastapi_adapter.RequiresAuth()(dpop=dpop),
        lambda dpop: django_auth("read", dpop=dpop),
        lambda dpop: HasScope("read", dpop=dpop),
    ],
)
def test_another_word_than_required_is_a_mistake(asked: Any) -> None:
    for dpop in ("allowed", "", "Required"):
        with pytest.raises(ConfigError) as raised:
            asked(dpop)
        assert [problem.field for problem in raised.value.problems] == ["dpop"]
    with pytest.raises(TypeError, match='dpop: expected "required", found bool'):
        asked(True)


def test_a_proof_is_needed_beside_any_other_rule() -> None:
    rules = [
        Rule.of(dpop="required"),
        Rule.of(("a",), dpop="required"),
        Rule.of(policy=Policy.any_of(["a"]), dpop="required"),
    ]
    made = ["Policy()", 'Policy.all_of("a")', 'Policy.any_of(["a"])']
    assert [repr(rule.policy) for rule in rules] == [f"{policy}.with_dpop_required()" for policy in made]
    assert Rule.of() == Rule()


# --- answers


def applications(guard: RequiresAuth) -> Iterator[tuple[str, Any]]:
    """Each adapter, as a function from a path and headers to status and headers."""
    flask_auth = flask_adapter.RequiresAuth()
    flask_auth.replace_guard(guard)
    flask_app = Flask(__name__)

    @flask_app.route("/me")
    @flask_auth
    def me() -> str:
        return str(g.access_token.sub)

    def by_flask(path: str, headers: dict[str, str]) -> Any:
        answer = flask_app.test_client().get(path, base_url=URL, headers=headers)
        return answer.status_code, answer.headers

    yield "flask", by_flask

    starlette_app = Starlette(routes=[Route("/me", read)])
    starlette_app.add_middleware(RequiresAuthMiddleware, auth=guard)

    fastapi_auth = fastapi_adapter.RequiresAuth()
    fastapi_auth.replace_guard(guard)
    fastapi_app = FastAPI()

    @fastapi_app.get("/me", dependencies=[Depends(fastapi_auth)])
    async def of_fastapi() -> str:
        return ""

    for name, app in (("starlette", starlette_app), ("fastapi", fastapi_app)):

        def by_asgi(path: str, headers: dict[str, str], app: Any = app) -> Any:
            answer = TestClient(app).get(path, headers=headers)
            return answer.status_code, answer.headers

        yield name, by_asgi

    def by_django(path: str, headers: dict[str, str]) -> Any:
        answer = DjangoClient().get(path, headers=headers)
        return answer.status_code, answer.headers

    for path in ("/me", "/async", "/rest"):
        yield f"django {path}", lambda _, headers, path=path: by_django(path, headers)


@pytest.fixture
def steady() -> int:
    """A moment in the middle of a step of nonces."""
    return int(time.time()) // 60 * 60 + 30


def test_nonces_in_every_adapter(auth_issuer: TestIssuer, client: Client, steady: int) -> None:
    dpop = {"mode": "allowed", "nonce_secret": SECRET}
    early, late = (guard_of(auth_issuer, dpop, _now=now) for now in (steady, steady + 60))
    token = client.token(auth_issuer)
    before = django_auth.replace_guard(early)
    try:
        for (name, ask_early), (_, ask_late) in zip(applications(early), applications(late), strict=True):
            path = name.removeprefix("django ") if name.startswith("django") else "/me"
            url = URL + path
            django_auth.replace_guard(early)
            origin = {"Origin": "https://app.example"}
            status, headers = ask_early(path, {**client.headers("GET", url, token, steady), **origin})
            assert status == 401, name
            assert 'DPoP error="use_dpop_nonce"' in headers["WWW-Authenticate"], name
            nonce = headers["DPoP-Nonce"]
            assert headers["Access-Control-Expose-Headers"] == "WWW-Authenticate, DPoP-Nonce", name
            status, headers = ask_early(path, client.headers("GET", url, token, steady, nonce=nonce))
            assert (status, "DPoP-Nonce" in headers) == (200, False), name
            # The older one still counts, and the answer has the newer one.
            django_auth.replace_guard(late)
            proven = client.headers("GET", url, token, steady + 60, nonce=nonce)
            status, headers = ask_late(path, {**proven, **origin})
            assert status == 200, name
            assert headers["DPoP-Nonce"] not in ("", nonce), name
            assert headers["Cache-Control"] == "no-store", name
            assert headers["Access-Control-Expose-Headers"] == "DPoP-Nonce", name
    finally:
        django_auth.replace_guard(before)


def test_both_challenges_in_every_adapter(auth_issuer: TestIssuer, client: Client) -> None:
    guard = guard_of(auth_issuer, {"mode": "allowed", "algorithms": ["ES256"]})
    before = django_auth.replace_guard(guard)
    try:
        for name, asked in applications(guard):
            status, headers = asked("/me", {})
            assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer, DPoP algs="ES256"'), name
            stolen = {"Authorization": f"Bearer {client.token(auth_issuer)}"}
            status, headers = asked("/me", stolen)
            assert status == 401, name
            assert headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"'), name
            assert headers["WWW-Authenticate"].endswith(', DPoP algs="ES256"'), name
    finally:
        django_auth.replace_guard(before)


def test_an_mcp_server(auth_issuer: TestIssuer, client: Client) -> None:
    async def server(scope: Any, receive: Any, send: Any) -> None:
        names = {name for name, _ in scope["headers"]}
        await PlainTextResponse(" ".join(sorted(name.decode() for name in names)))(scope, receive, send)

    url = "http://127.0.0.1/mcp"
    guard = guard_of(auth_issuer, "required", audience=url, resource=url, public_url="http://127.0.0.1")
    app = TestClient(protect(server, auth=guard), base_url="http://127.0.0.1")
    token = client.token(auth_issuer, aud=url)
    headers = client.headers("GET", url, token)
    answer = app.get("/mcp", headers=headers)
    assert answer.status_code == 200
    # What proves the key is for the guard alone, as the token is.
    assert "authorization" not in answer.text
    assert "dpop" not in answer.text
    assert app.get("/mcp", headers=headers).json()["reason"] == "proof_reused"
    challenge = app.get("/mcp").headers["WWW-Authenticate"]
    assert challenge.startswith("DPoP ")
    assert "resource_metadata=" in challenge


# --- real servers


@pytest.fixture(scope="module")
def issuer() -> Iterator[TestIssuer]:
    issuer = TestIssuer()
    issuer.serve()
    yield issuer
    issuer.stop()


@pytest.fixture(scope="module")
def servers(issuer: TestIssuer) -> Iterator[dict[str, Server]]:
    found = {}
    with ExitStack() as running:
        for name, program in {
            "flask": ["gunicorn", "--bind", "127.0.0.1:{port}", "flask_app:app"],
            "django": ["gunicorn", "--bind", "127.0.0.1:{port}", "django_app:application"],
            "fastapi": ["uvicorn", "--port", "{port}", "fastapi_app:app"],
        }.items():
            port = free_port()
            environment = {
                "REQUIRES_AUTH_ISSUER": issuer.issuer,
                "REQUIRES_AUTH_AUDIENCE": issuer.audience,
                "REQUIRES_AUTH_PUBLIC_URL": f"http://127.0.0.1:{port}",
                "REQUIRES_AUTH_DPOP": "allowed",
            }
            command = python("-m", *(word.format(port=port) for word in program))
            found[name] = running.enter_context(serving(command, environment, EXAMPLES, port))
        yield found


@pytest.mark.parametrize("name", ["flask", "fastapi", "django"])
def test_proofs_over_the_wire(servers: dict[str, Server], issuer: TestIssuer, client: Client, name: str) -> None:
    server, token = servers[name], client.token(issuer, "read:items")
    path = "/api/items"
    headers = client.headers("GET", server.url + path, token)
    assert server.ask("GET", path, headers).status == 200
    copied = server.ask("GET", path, headers)
    assert (copied.status, copied.json()["reason"]) == (401, "proof_reused")
    assert server.ask("GET", path, bearer(issuer.token("read:items"))).status == 200
    assert server.ask("GET", path, bearer(token)).json()["reason"] == "binding_mismatch"
    # The path counts as it is on the wire, whatever routes are found by.
    escaped = "/api%2Fitems"
    refused = server.ask("GET", escaped, client.headers("GET", server.url + path, token))
    assert refused.json()["reason"] == "proof_url"
    assert server.ask("GET", escaped, client.headers("GET", server.url + escaped, token)).status == 200
    # The host is what was configured, and not what a request says.
    host = {**client.headers("GET", "http://other.test" + path, token), "X-Forwarded-Host": "other.test"}
    assert server.ask("GET", path, host).json()["reason"] == "proof_url"
