"""Keyword arguments that there are not, and values of the wrong kind: what the error says to write."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from flask import Flask
from quart import Quart

import requires_auth
from requires_auth import Issuer, Policy, _keywords
from requires_auth._options import SETTINGS
from requires_auth.aiohttp import RequiresAuth as OfAiohttp
from requires_auth.fastapi import RequiresAuth as OfFastapi
from requires_auth.flask import RequiresAuth as OfFlask
from requires_auth.litestar import RequiresAuth as OfLitestar
from requires_auth.quart import RequiresAuth as OfQuart
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]

GIVEN = ("https://issuer.example", "a")
GUARDS = [requires_auth.RequiresAuth, OfAiohttp, OfFastapi, OfFlask, OfLitestar, OfQuart]

MEANT = {
    "aud": r"did you mean `audience`\?",
    "iss": r"did you mean `issuer`\?",
    "algorithm": r"did you mean `algorithms`\?",
    "jwks_url": r"did you mean `jwks_uri`\?",
    "clock_skew": r"did you mean `leeway`\?",
    "verify_aud": r"did you mean `dangerously_any_audience`\?",
    "token_location": r"did you mean `token_from`\?",
    "leway": r"did you mean `leeway`\?",
    "verify_signature": "leave it out, as this is always verified",
    "secret_key": "and never with a secret",
    "lifespan": "leave it out: keys are kept",
    "auto_error": r"write it at the route: auth\(optional=True\)",
    "client_id": "write introspection=",
}


@pytest.mark.parametrize("make", GUARDS)
@pytest.mark.parametrize("name", MEANT)
def test_a_guard_says_what_was_meant(make: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name}: there is no such argument: .*{MEANT[name]}"):
        make(*GIVEN, **{name: "x"})


@pytest.mark.parametrize("make", GUARDS[1:])
def test_it_is_said_before_settings_are_read(make: Any) -> None:
    with pytest.raises(TypeError, match="aud: there is no such argument"):
        make(aud="x")


@pytest.mark.parametrize("make", GUARDS)
def test_all_of_them_at_once_and_none_that_there_is(make: Any) -> None:
    with pytest.raises(TypeError, match=r"aud: .*\nzzzzzzzz: there is no such argument$") as raised:
        make(*GIVEN, aud="x", zzzzzzzz="secret", leeway=3)
    assert "leeway" not in str(raised.value)
    assert "secret" not in str(raised.value)
    assert make(*GIVEN, leeway=3, error_format="json").health()[0]["issuer"] == GIVEN[0]


def test_scopes_of_a_guard() -> None:
    for make in (requires_auth.RequiresAuth, OfFlask, OfQuart, OfAiohttp):
        with pytest.raises(TypeError, match=r'scopes stand at the route: write auth\("read:orders"\)'):
            make(*GIVEN, scopes=["a"])
    OfFastapi(*GIVEN, scopes={"a": "does a"})
    OfLitestar(*GIVEN, scopes={"a": "does a"})


@pytest.mark.parametrize("make", [OfAiohttp, OfFastapi, OfLitestar])
def test_configure(make: Any) -> None:
    auth = make()
    with pytest.raises(TypeError, match=r"did you mean `audience`\?"):
        auth.configure(GIVEN[0], aud="a")
    auth.configure(*GIVEN, leeway=3)


@pytest.mark.parametrize(("make", "application"), [(OfFlask, Flask), (OfQuart, Quart)])
def test_init_app(make: Any, application: Any) -> None:
    app = application(__name__)
    with pytest.raises(TypeError, match=r"did you mean `audience`\?"):
        make().init_app(app, GIVEN[0], aud="a")
    make().init_app(app, *GIVEN, leeway=3)


def test_other_ways_to_a_guard(auth_issuer: TestIssuer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRES_AUTH_ISSUER", GIVEN[0])
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENCE", "a")
    file = tmp_path / "auth.toml"
    file.write_text('[issuers.main]\nissuer = "https://issuer.example"\naudience = "a"\n')
    guard = requires_auth.RequiresAuth
    mistaken: Any = {"algorithm": "ES256"}
    for make in (
        lambda **given: guard.from_env(**given),
        lambda **given: guard.from_file(file, **given),
        lambda **given: guard.logto("acme", "a", **given),
        lambda **given: auth_issuer.guard(**given),
        lambda **given: Issuer(*GIVEN, **given),
    ):
        with pytest.raises(TypeError, match=r"did you mean `algorithms`\?"):
            make(**mistaken)
        make(algorithms=["ES256"])


def test_the_table_names_what_there_is() -> None:
    token = inspect.signature(TestIssuer.token).parameters
    for ours, theirs in _keywords._ELSEWHERE.items():
        assert ours in (*SETTINGS, *token, "scope", "optional"), ours
        assert not set(theirs.split()) & set(SETTINGS), ours
    assert not set(_keywords.OF_GUARD) & set(SETTINGS)


# --- tokens for tests


def test_keywords_of_a_token(auth_token: TokenFactory) -> None:
    mistaken: Any = auth_token
    for name, hint in {
        "scopes": r"did you mean `scope`\?",
        "aud": r"did you mean `audience`\?",
        "expires_in": r"did you mean `lifetime`\?",
        "subject": r"did you mean `sub`\?",
        "roles": r'a claim is written claims=\{"roles": \.\.\}',
    }.items():
        with pytest.raises(TypeError, match=f"^{name}: there is no such argument: {hint}"):
            mistaken(**{name: "x"})
    assert auth_token(scope="a", audience="b", lifetime=60, sub="c", claims={"roles": []}).count(".") == 2


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"scope": ["a", "b"]}, 'scope: expected one text with all scopes, found list: write scope="a b"'),
        ({"scope": {"b", "a"}}, 'found set: write scope="a b"'),
        ({"scope": None}, 'scope: expected a text, found NoneType: write scope="read:orders"'),
        ({"lifetime": "1h"}, "lifetime: expected a whole number of seconds, found '1h': write lifetime=3600"),
        ({"lifetime": "90"}, "found '90': write lifetime=90"),
        ({"lifetime": "2 d"}, "found '2 d': write lifetime=172800"),
        ({"lifetime": "soon"}, "found 'soon': write lifetime=3600"),
        ({"lifetime": timedelta(minutes=2)}, "found timedelta: write lifetime=120"),
        ({"lifetime": 30.5}, "found float: write lifetime=30"),
        ({"lifetime": float("nan")}, "found float: write lifetime=3600"),
        ({"lifetime": True}, "found bool: write lifetime=3600"),
    ],
)
def test_values_of_a_token(auth_token: TokenFactory, given: Any, error: str) -> None:
    with pytest.raises(TypeError) as raised:
        auth_token(**given)
    assert error in str(raised.value)


def test_scopes_elsewhere(auth_issuer: TestIssuer) -> None:
    mistaken: Any = ["a", "b"]
    with pytest.raises(TypeError, match='write scope="a b"'):
        auth_issuer.opaque_token(mistaken)
    with pytest.raises(TypeError, match='write scope="a b"'):
        auth_issuer.guard().authenticate({}, scope=mistaken)


# --- what is no policy, and what is no attribute


def test_scopes_that_stand_for_a_policy(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    guard: Any = auth_issuer.guard()
    token = auth_token(scope="read:orders")
    for call in (guard.verify, guard.verify_now, guard.explain):
        for mistaken in ("read:orders", ["read:orders"]):
            with pytest.raises(TypeError, match=r'expected a Policy, found .*: write Policy.all_of\("read:orders"\)'):
                call(token, mistaken)
        call(token, Policy.all_of("read:orders"))
        call(token, None)
    with pytest.raises(TypeError) as raised:
        guard.verify("read:orders", token)
    assert token not in str(raised.value)


def test_a_claim_that_is_taken_for_an_attribute(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    token: Any = auth_issuer.guard().verify(auth_token(claims={"email": "a@example.com"}))
    with pytest.raises(AttributeError, match=r"no attribute 'email': a claim is token\[\"email\"\], or token.get"):
        _ = token.email
    with pytest.raises(AttributeError, match=r"no attribute '__deepcopy__'$"):
        _ = token.__deepcopy__
    assert not hasattr(token, "email")
    assert getattr(token, "email", "none") == "none"
    assert (token["email"], token.sub) == ("a@example.com", "alice")


# --- aiohttp


def test_a_middleware_that_is_not_called() -> None:
    auth: Any = OfAiohttp(*GIVEN)
    for mistaken in (auth.middleware, auth):
        with pytest.raises(TypeError, match=r"write middlewares=\[requires_auth.middleware\(\)\]"):
            mistaken(web.Application(), print)
    assert web.Application(middlewares=[auth.middleware()]).middlewares
