"""The exceptions against the tables in Rust."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

import requires_auth
from requires_auth import (
    AuthError,
    ConfigError,
    InsufficientScope,
    InvalidDpopProof,
    InvalidToken,
    IssuerUnavailable,
    RequiresAuth,
    RequiresAuthError,
    StateUnavailable,
    TokenExpired,
    _core,
    _errors,
)
from requires_auth._core import TestIssuer
from requires_auth._errors import from_denial


def test_every_code_and_every_reason_has_one_class() -> None:
    codes = {code for code, *_ in _core.error_codes()}
    unavailable = {IssuerUnavailable.code, StateUnavailable.code}
    assert {error.code for error in AuthError.__subclasses__()} | unavailable == codes
    assert len(AuthError.__subclasses__()) + len(unavailable) == len(codes)
    for of in (InvalidToken, InvalidDpopProof):
        reasons = [reason for reason, code, *_ in _core.reasons() if code == of.code]
        assert sorted(str(error.reason) for error in of.__subclasses__()) == sorted(reasons)


def test_what_is_raised_is_one_list() -> None:
    """Module, `__all__` and classes: none is forgotten, and none is offered that can never be raised."""
    with_reasons = (*InvalidToken.__subclasses__(), *InvalidDpopProof.__subclasses__())
    classes = {error.__name__ for error in (*AuthError.__subclasses__(), *with_reasons)}
    never = {error.__name__ for error in _errors.NEVER_RAISED}
    others = {"AuthError", "ConfigError", "ConfigProblem", "IssuerUnavailable", "RequiresAuthError"}
    others.add("StateUnavailable")
    assert len(_errors.__all__) == len(set(_errors.__all__))
    assert set(_errors.__all__) == (classes - never) | others
    assert never == {
        "AmbiguousPath",
        "AmbiguousRequest",
        "McpHeadersInsufficient",
        "NoRoute",
    }
    assert set(_errors.__all__) <= set(requires_auth.__all__)
    assert not never & set(requires_auth.__all__)
    for name in (*_errors.__all__, *never):
        assert getattr(requires_auth, name) is getattr(_errors, name), name


@pytest.mark.parametrize(("code", "status", "message", "hint"), _core.error_codes())
def test_codes_come_from_the_table(code: str, status: int, message: str, hint: str) -> None:
    error = from_denial(code, None, [("a", "b")], 7, "s")
    assert (error.code, error.status, error.message, error.hint, error.reason) == (
        code,
        status,
        message,
        hint,
        None,
    )
    assert error.headers == [("a", "b")]
    assert str(error) == message
    assert isinstance(error, AuthError) == (status != 503)
    if isinstance(error, IssuerUnavailable | StateUnavailable):
        assert error.retry_after == 7
    if isinstance(error, InsufficientScope):
        assert error.scope == "s"


@pytest.mark.parametrize(("reason", "code", "message", "hint"), _core.reasons())
def test_reasons_come_from_the_table(reason: str, code: str, message: str, hint: str) -> None:
    error = from_denial(code, reason, [], None, None)
    assert isinstance(error, InvalidToken if code == "invalid_token" else InvalidDpopProof)
    told = (error.code, error.status, error.reason, error.message, error.hint)
    assert told == (code, 401, reason, message, hint)


def test_outages_are_another_branch() -> None:
    assert issubclass(IssuerUnavailable, RequiresAuthError)
    assert not issubclass(IssuerUnavailable, AuthError)
    assert not issubclass(StateUnavailable, AuthError)
    assert issubclass(TokenExpired, AuthError)
    assert not issubclass(ConfigError, AuthError)


def test_errors_survive_a_pickle() -> None:
    guard = RequiresAuth("https://a.example", "b", jwks=TestIssuer().jwks)
    with pytest.raises(AuthError) as caught:
        guard.verify("a")
    expected = caught.value
    unavailable = IssuerUnavailable(headers=[("retry-after", "9")], retry_after=9)
    for error in (expected, unavailable, InsufficientScope(scope="x"), TokenExpired("own text")):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert vars(copy) == vars(error)
        assert str(copy) == str(error)
    with pytest.raises(ConfigError) as config:
        RequiresAuth("x", "")
    assert str(pickle.loads(pickle.dumps(config.value))) == str(config.value)


def test_errors_can_be_made_by_hand() -> None:
    error = TokenExpired()
    assert (error.message, error.headers) == ("the token has expired", [])
    assert repr(error) == "TokenExpired('the token has expired')"


def test_errors_hold_nothing_of_the_token() -> None:
    issuer = TestIssuer()
    guard = RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    token = issuer.token(sub="secret-subject", defect="expired")
    with pytest.raises(TokenExpired) as caught:
        guard.verify(token)
    told = f"{caught.value!r} {vars(caught.value)}"
    assert token not in told
    assert "secret-subject" not in told


def test_an_application_or_a_view_is_told_which_module_to_import() -> None:
    for mistaken in (object(), lambda: None):
        with pytest.raises(ConfigError, match=r"import RequiresAuth from requires_auth\.flask, \.fastapi"):
            RequiresAuth(mistaken)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"issuer": len}, "issuer: expected a URL, found builtin_function_or_method"),
        ({"audience": {"a": 1}}, "audience: expected a string, a list of strings, or a dict, found dict"),
        ({"audience": [1]}, "audience: expected a string, a list of strings, or a dict, found list"),
        ({"jwks": 1}, "jwks: expected a JWK Set, found int"),
        ({"algorithms": 1}, "algorithms: expected a string, or a list"),
        ({"leeway": "30"}, "leeway: expected a whole number, found str"),
        ({"leeway": True}, "leeway: expected a whole number, found bool"),
        ({"cache": 1.5}, "cache: expected a whole number, found float"),
        ({"profile": 1}, "profile: expected jwt, at+jwt or fapi2"),
        ({"scope_claims": b"scope"}, "scope_claims: expected a string, or a list"),
        ({"implied_scopes": ["a"]}, "implied_scopes: expected a dict"),
        ({"implied_scopes": {"a": 1}}, "implied_scopes: expected a dict"),
        ({"state_file": 1}, "state_file: expected a path"),
        ({"jwks_uri": b"x"}, "jwks_uri: expected a URL, found bytes"),
        ({"ca": 1}, "ca: expected certificates"),
        ({"error_format": 1}, "error_format: expected json, problem or a function"),
        ({"dangerously_any_audience": "false"}, "dangerously_any_audience: expected True or False, found str"),
        ({"dangerously_allow_http_issuer": 1}, "dangerously_allow_http_issuer: expected True or False, found int"),
        ({"issuer": None, "audience": None, "issuers": "https://a.example"}, "issuers: expected a list, found str"),
        ({"issuer": None, "audience": None, "issuers": ["ab"]}, "issuers: expected an Issuer, found an entry of type"),
        ({"issuer": None, "audience": None, "issuers": [("https://a.example", 1)]}, "audience: expected a string"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(options: Any, expected: str) -> None:
    given = {"issuer": "https://a.example", "audience": "https://api.example.com", **options}
    with pytest.raises(ConfigError) as raised:
        RequiresAuth(**given)
    assert expected in str(raised.value)


def test_the_core_guard_says_what_to_import() -> None:
    auth = RequiresAuth("https://a.example", "https://api.example.com")
    for use in (auth, inspect.signature):
        with pytest.raises(TypeError, match=r"from requires_auth\.fastapi for Depends\(auth\)"):
            use(auth)
    assert "issuer" in inspect.signature(RequiresAuth).parameters
    with pytest.raises(ImportError, match="belongs to a framework"):
        exec("from requires_auth import requires_auth", {})
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = requires_auth.nothing
