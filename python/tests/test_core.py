"""Verification, requests and policies, without a network."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import os
import pickle
import re
import sys
import threading
import time
import weakref
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import requires_auth
from requires_auth import (
    AccessDenied,
    AccessToken,
    Admission,
    AlgorithmNotAllowed,
    AudienceMismatch,
    AuthError,
    AuthorizationHeaderMissing,
    AuthorizationTokenInvalidFormat,
    ConfigError,
    InsufficientScope,
    InvalidRequest,
    Issuer,
    IssuerMismatch,
    Policy,
    Refusal,
    RequiresAuth,
    SignatureMismatch,
    TokenExpired,
    TypeNotAllowed,
)
from requires_auth._core import Guard, TestIssuer, provider_names

GOOD = "https://api.example.com"


def headers(token: str) -> list[tuple[str, str]]:
    return [("Accept", "*/*"), ("Authorization", f"Bearer {token}")]


def admit(guard: RequiresAuth, token: str, policy: Policy | None = None) -> Admission | Refusal:
    return guard.admit("GET", "/", headers(token), policy)


# --- tokens


def test_a_token_has_what_it_says(issuer: TestIssuer, guard: RequiresAuth) -> None:
    before = int(time.time())
    token = guard.verify(issuer.token("read:x write:x", sub="bob", client_id="app", lifetime=60))
    assert (token.sub, token.iss, token.aud) == ("bob", issuer.issuer, (GOOD,))
    assert token.scopes == {"read:x", "write:x"}
    assert token.has_scope("read:x")
    assert not token.has_scope("read")
    assert (token.client_id, token.is_client, token.organization_id) == ("app", None, None)
    assert token.expires_at.tzinfo is timezone.utc
    assert before + 60 <= token.expires_at.timestamp() <= time.time() + 60


def test_claims_are_read_only_and_exact() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    guard = RequiresAuth("https://a.example", GOOD, jwks={"keys": [jwk]})
    claims = {
        "iss": "https://a.example",
        "aud": GOOD,
        "exp": 2**33,
        "big": 2**200,
        "small": -(2**63) - 1,
        "floats": [0.1, 1e308, 5e-324, -0.0, 1.0],
        "text": "snow ☃ and \U0001f512",
        "deep": {"list": [1, 2.5, True, None, {"a": []}]},
    }
    token = guard.verify(jwt.encode(claims, key, "ES256"))
    assert token.claims is token.claims
    assert json.dumps(token.claims) == json.dumps(claims)
    with pytest.raises(TypeError):
        token.claims["sub"] = "mallory"  # type: ignore[index]
    with pytest.raises(AttributeError):
        token.sub = "mallory"  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims.__setitem__("sub", "mallory"),
        lambda claims: claims.__delitem__("sub"),
        lambda claims: claims.__ior__({"sub": "mallory"}),
        lambda claims: claims.update(sub="mallory"),
        lambda claims: claims.setdefault("new", 1),
        lambda claims: claims.pop("sub"),
        lambda claims: claims.popitem(),
        lambda claims: claims.clear(),
    ],
)
def test_no_method_changes_claims(issuer: TestIssuer, guard: RequiresAuth, change: Any) -> None:
    token = guard.verify(issuer.token())
    before = json.dumps(token.claims)
    with pytest.raises(TypeError, match="change a copy"):
        change(token.claims)
    assert json.dumps(token.claims) == before


@pytest.mark.parametrize(
    "copied",
    [
        dict,
        copy.copy,
        copy.deepcopy,
        lambda claims: claims.copy(),
        lambda claims: claims | {},
        lambda claims: pickle.loads(pickle.dumps(claims)),
        lambda claims: json.loads(json.dumps(claims)),
    ],
)
def test_a_copy_of_claims_is_a_plain_dict(issuer: TestIssuer, guard: RequiresAuth, copied: Any) -> None:
    claims = guard.verify(issuer.token(claims={"deep": {"roles": ["user"]}})).claims
    own = copied(claims)
    assert type(own) is dict
    assert own == claims
    own["sub"] = "mallory"
    assert claims["sub"] == "alice"


def test_a_token_has_its_claims_by_name(issuer: TestIssuer, guard: RequiresAuth) -> None:
    token = guard.verify(issuer.token(claims={"email": "a@example.com", "nothing": None}))
    assert token["sub"] == token.get("sub") == "alice"
    assert (token.get("email"), token.get("nothing", 1)) == ("a@example.com", None)
    assert (token.get("phone"), token.get("phone", "-")) == (None, "-")
    assert "email" in token
    assert "phone" not in token
    assert set(token) == set(token.claims)
    with pytest.raises(KeyError, match="phone"):
        token["phone"]


def test_claims_of_one_call_are_not_those_of_another(issuer: TestIssuer, guard: RequiresAuth) -> None:
    token = issuer.token(claims={"roles": ["user"]})
    guard.verify(token).claims["roles"].append("admin")
    assert guard.verify(token).claims["roles"] == ["user"]


def test_a_token_that_outlives_the_calendar(issuer: TestIssuer, guard: RequiresAuth) -> None:
    token = guard.verify(issuer.token(claims={"exp": 2**53}))
    assert token.expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


def test_repr_shows_no_value(issuer: TestIssuer, guard: RequiresAuth) -> None:
    token = guard.verify(issuer.token(sub="secret-subject", claims={"email": "a@example.com"}))
    assert repr(token).startswith("<AccessToken with the claims jti, sub, iat,")
    assert "email" in repr(token)
    for value in ("secret-subject", "a@example.com", GOOD):
        assert value not in repr(token) + str(token)


def test_a_token_is_made_by_a_guard_only() -> None:
    for made_by_hand in (AccessToken, Admission, Refusal):
        with pytest.raises(TypeError, match="cannot create"):
            made_by_hand()


def test_organization(issuer: TestIssuer) -> None:
    organization = "urn:logto:organization:o1"
    guard = RequiresAuth(issuer.issuer, organization, jwks=issuer.jwks)
    assert guard.verify(issuer.token(audience=organization)).organization_id == "o1"
    assert guard.verify(issuer.token(audience=[organization, "x"], claims={"organization_id": "o2"})).aud == (
        organization,
        "x",
    )


@pytest.mark.parametrize(
    "token", ["", " ", "a b", " {}", "{} ", "{}\t", "\t{}", "{}\n", "ä.b.c", "\ud800", "=", "{},{}"]
)
def test_what_is_no_token(token: str, issuer: TestIssuer, guard: RequiresAuth) -> None:
    with pytest.raises(AuthorizationTokenInvalidFormat) as caught:
        guard.verify(token.replace("{}", issuer.token()))
    assert caught.value.status == 401
    assert dict(caught.value.headers)["www-authenticate"].startswith('Bearer error="invalid_token"')


@pytest.mark.parametrize("token", [None, b"a.b.c", 1])
def test_another_type_is_a_mistake_of_the_program(token: Any, guard: RequiresAuth) -> None:
    with pytest.raises(TypeError):
        guard.verify(token)


def test_every_defect_is_refused_for_its_reason(issuer: TestIssuer, guard: RequiresAuth) -> None:
    with pytest.raises(ValueError, match="expected one of") as caught:
        issuer.token(defect="nonsense")
    defects = str(caught.value).rpartition("expected one of ")[2].split(", ")
    assert len(defects) >= 16
    for defect in defects:
        with pytest.raises(AuthError) as refused:
            guard.verify(issuer.token(defect=defect))
        assert refused.value.reason == defect


def test_a_bound_token_is_refused_at_every_use(issuer: TestIssuer, guard: RequiresAuth) -> None:
    token = issuer.token(defect="binding_mismatch")
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers_of_asgi(token)}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": f"Bearer {token}"}
    for _ in range(3):
        for verify in (guard.verify, guard.verify_now):
            with pytest.raises(AuthError) as refused:
                verify(token)
            assert refused.value.reason == "binding_mismatch"
        for optional in (False, True):
            for answer in (
                guard.admit("GET", "/", headers(token), optional=optional),
                guard.admit_now("GET", "/", headers(token), optional=optional),
                guard.admit_wsgi(environ, optional=optional),
                guard.admit_asgi(scope, optional=optional),
            ):
                assert isinstance(answer, Refusal)
                assert answer.status == 401
                assert b"binding_mismatch" in answer.body
        assert guard.explain(token)["error"]["reason"] == "binding_mismatch"


def headers_of_asgi(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {token}".encode())]


def test_an_expired_token_is_refused_although_it_is_remembered(issuer: TestIssuer) -> None:
    token = issuer.token(lifetime=100)
    now = int(time.time())
    options: dict[str, Any] = {"jwks": issuer.jwks, "leeway": 0}
    assert RequiresAuth(issuer.issuer, GOOD, _now=now + 99, **options).verify(token)
    with pytest.raises(TokenExpired):
        RequiresAuth(issuer.issuer, GOOD, _now=now + 102, **options).verify(token)


def test_remembered_and_forged_tokens_are_told_apart(issuer: TestIssuer, guard: RequiresAuth) -> None:
    """The end of a remembered token is not a pass: it only decides about the interpreter lock."""
    good = issuer.token()
    guard.verify(good)
    header, claims, signature = issuer.token(sub="mallory").split(".")
    forged = f"{header}.{claims}.{signature[:-8]}{good[-8:]}"
    with pytest.raises(SignatureMismatch):
        guard.verify(forged)


# --- requests


def test_admission_and_refusal(issuer: TestIssuer, guard: RequiresAuth) -> None:
    admitted = admit(guard, issuer.token("read:x", sub="bob"), Policy.all_of("read:x"))
    assert isinstance(admitted, Admission)
    assert (admitted.kind, repr(admitted)) == ("token", "<Admission: token>")
    assert bool(admitted)
    assert admitted.token is not None
    assert admitted.token.sub == "bob"

    refused = admit(guard, issuer.token("read:x"), Policy.all_of("read:x write:x"))
    assert isinstance(refused, Refusal)
    assert refused.status == 403
    assert not refused
    assert refused.error is refused.error
    assert isinstance(refused.error, InsufficientScope)
    assert refused.error.scope == "read:x write:x"
    assert json.loads(refused.body) == {
        "code": "insufficient_scope",
        "status": 403,
        "message": "the token lacks a scope that this route needs",
    }
    assert repr(refused).startswith("<Refusal: 403 insufficient_scope")


def test_optional_lets_only_the_absent_token_pass(issuer: TestIssuer, guard: RequiresAuth) -> None:
    anonymous = guard.admit("GET", "/", [], None, True)
    assert isinstance(anonymous, Admission)
    assert (anonymous.kind, anonymous.token) == ("anonymous", None)
    bad = guard.admit("GET", "/", headers(issuer.token(defect="expired")), optional=True)
    assert isinstance(bad, Refusal)


def test_headers_of_wsgi_and_asgi(issuer: TestIssuer, guard: RequiresAuth) -> None:
    value = f"Bearer {issuer.token()}"
    for pairs in (
        [("AUTHORIZATION", value)],
        [(b"authorization", value.encode())],
        (("authorization", value.encode()),),
        iter([(b"\xff", b"\xff"), (b"authorization", value)]),
        {"Authorization": value}.items(),
    ):
        assert isinstance(guard.admit("GET", "/", pairs), Admission)  # type: ignore[arg-type]
    for wrong in ([("authorization", 1)], [("authorization",)], 7, ["authorization"], None):
        with pytest.raises((TypeError, ValueError)):
            guard.admit("GET", "/", wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["Bearer ä.b.c", "Bearer ☃", "Bearer \ud800"])
def test_text_that_no_header_has(value: str, guard: RequiresAuth) -> None:
    refused = guard.admit("GET", "/", [("authorization", value)])
    assert isinstance(refused, Refusal)
    assert refused.error.code == "auth.authorization_token_invalid_format"


def test_authenticate(issuer: TestIssuer, guard: RequiresAuth) -> None:
    token = issuer.token("read:x")
    mapping = {"authorization": f"Bearer {token}"}
    assert guard.authenticate(mapping).sub == "alice"
    assert guard.authenticate(headers(token), scope="read:x").sub == "alice"
    assert guard.authenticate(mapping, any_of=["write:x", "read:x"]).sub == "alice"
    with pytest.raises(InsufficientScope):
        guard.authenticate(mapping, scope="read:x write:x")
    with pytest.raises(AuthorizationHeaderMissing):
        guard.authenticate({})
    with pytest.raises(InvalidRequest):
        guard.authenticate([*headers(token), *headers(token)])
    with pytest.raises(InvalidRequest):
        guard.authenticate(mapping, url="/?access_token=x")
    policy = Policy.all_of("read:x").with_claim("sub", equals="alice")
    assert guard.authenticate(mapping, policy=policy).sub == "alice"
    with pytest.raises(InsufficientScope):
        guard.authenticate(mapping, policy=Policy.all_of("write:x"))
    with pytest.raises(TypeError, match="only one of them"):
        guard.authenticate(mapping, scope="a", any_of=["b"])
    with pytest.raises(TypeError, match="only one of them"):
        guard.authenticate(mapping, scope="a", policy=policy)
    preflight = {"origin": "https://a.example", "access-control-request-method": "GET"}
    with pytest.raises(AuthorizationHeaderMissing):
        guard.authenticate(preflight, method="OPTIONS")


def test_a_token_by_itself_can_be_asked_for_more(issuer: TestIssuer, guard: RequiresAuth) -> None:
    token = issuer.token("read:x", sub="bob")
    allowed, denied = Policy.all_of("read:x"), Policy.all_of("read:x").with_claim("sub", equals="alice")
    now = guard.verify_now(token, allowed)
    assert now is not None
    for passed in (guard.verify(token, allowed), now, asyncio.run(guard.verify_async(token, allowed))):
        assert passed.sub == "bob"
    for refused in (
        lambda: guard.verify(token, denied),
        lambda: guard.verify_now(token, policy=denied),
        lambda: asyncio.run(guard.verify_async(token, denied)),
    ):
        with pytest.raises(AuthError) as raised:
            refused()
        assert raised.value.status == 403
    # What needs a path is refused where there is none.
    with pytest.raises(AuthError):
        guard.verify(token, Policy().with_claim("sub", path_parameter="user"))
    with pytest.raises(TypeError):
        guard.verify(token, "read:x")  # type: ignore[arg-type]


def test_a_page_of_another_origin_may_read_the_challenge(guard: RequiresAuth) -> None:
    refused = guard.admit("GET", "/", [("origin", "https://app.example")])
    assert isinstance(refused, Refusal)
    assert ("access-control-expose-headers", "WWW-Authenticate") in refused.headers


# --- asynchronous code


def test_without_a_fetch_nothing_is_awaited(issuer: TestIssuer, guard: RequiresAuth) -> None:
    """A coroutine that never suspends ends at its first step."""
    for coroutine in (
        guard.verify_async(issuer.token()),
        guard.admit_async("GET", "/", headers(issuer.token())),
    ):
        with pytest.raises(StopIteration):
            coroutine.send(None)
    assert asyncio.run(guard.verify_async(issuer.token(sub="bob"))).sub == "bob"
    with pytest.raises(AudienceMismatch):
        asyncio.run(guard.verify_async(issuer.token(audience="x")))


# --- policies


def test_policies(issuer: TestIssuer, guard: RequiresAuth) -> None:
    token = issuer.token("a b", claims={"org": {"id": 7}, "roles": ["admin"], "active": True, "acr": "gold"})

    def passes(policy: Policy) -> bool:
        return isinstance(admit(guard, token, policy), Admission)

    assert passes(Policy())
    assert passes(Policy.all_of("a", "b"))
    assert passes(Policy.all_of("a b"))
    assert not passes(Policy.all_of("a", "c"))
    assert passes(Policy.any_of(["c", "b"]))
    assert not passes(Policy.any_of(["c"]))
    assert passes(Policy().with_claim("org.id", equals=7))
    assert not passes(Policy().with_claim("org.id", equals="7"))
    assert passes(Policy().with_claim("roles", contains="admin"))
    assert passes(Policy().with_claim("active", equals=True))
    assert not passes(Policy().with_claim("active", equals=1))
    assert passes(Policy().with_claim("sub", one_of=["bob", "alice"]))
    assert passes(Policy().with_claim("roles"))
    assert not passes(Policy().with_claim("email"))
    assert passes(Policy().with_acr_values(["gold", "silver"]))
    assert not passes(Policy().with_max_age(60))
    refused = admit(guard, token, Policy().with_claim("email"))
    assert isinstance(refused, Refusal)
    assert isinstance(refused.error, AccessDenied)
    refused = admit(guard, token, Policy().with_acr_values(["platinum"]).with_max_age(300))
    assert isinstance(refused, Refusal)
    challenge = dict(refused.headers)["www-authenticate"]
    assert 'acr_values="platinum", max_age="300"' in challenge


def test_a_mistake_in_a_policy_shows_when_it_is_made() -> None:
    for scopes in ([], [""], ['a"b'], ["ä"], ["a b"], ["a", "b\tc"]):
        with pytest.raises(ConfigError, match="scope: expected"):
            Policy.any_of(scopes)
        with pytest.raises(ConfigError):
            Policy().with_acr_values(scopes)
    for scopes in ([], [""], ['a"b'], ["ä"]):
        with pytest.raises(ConfigError, match="scope: expected"):
            Policy.all_of(*scopes)
    with pytest.raises(TypeError, match="give one of"):
        Policy().with_claim("a", equals=1, contains=2)
    with pytest.raises(TypeError, match="not float"):
        Policy().with_claim("a", equals=1.5)  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        Policy().with_claim("a", equals=2**64)
    with pytest.raises(ValueError, match="negative"):
        Policy().with_max_age(-1)
    with pytest.raises(TypeError):
        Policy.all_of(1)  # type: ignore[arg-type]


def test_policies_are_values() -> None:
    assert Policy.all_of("a", "b") == Policy.all_of("a b") != Policy.any_of(["a", "b"])
    assert hash(Policy.all_of("a", "b")) == hash(Policy.all_of("a b"))
    assert Policy.any_of(["a", "b"]).scope == "a b"
    assert Policy().scope is None
    policy = Policy.all_of("a").with_claim("b", equals=1).with_claim("c", contains="d").with_claim("e", one_of=[1])
    shown = 'Policy.all_of("a").with_claim("b", equals=1).with_claim("c", contains=\'d\').with_claim("e", one_of=[1])'
    assert repr(policy) == shown
    assert eval(repr(policy)) == policy
    assert repr(Policy().with_acr_values(["x"]).with_max_age(5)) == 'Policy().with_acr_values(["x"]).with_max_age(5)'


# --- the constructor


def test_keys_in_every_form(issuer: TestIssuer, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(issuer.jwks)
    for jwks in (
        issuer.jwks,
        f"\n {issuer.jwks}",
        issuer.jwks.encode(),
        json.loads(issuer.jwks),
        file,
        str(file),
    ):
        assert RequiresAuth(issuer.issuer, GOOD, jwks=jwks).verify(issuer.token())


def test_several_issuers() -> None:
    first, second = TestIssuer(), TestIssuer("https://b.example.com")
    name = "https://second.example.com"
    guard = RequiresAuth(
        issuers=[
            Issuer(first.issuer, GOOD, jwks=first.jwks),
            Issuer(name, ["https://b.example.com", "c"], jwks=second.jwks),
        ]
    )
    assert guard.verify(first.token())
    assert guard.verify(second.token(claims={"iss": name})).iss == name
    with pytest.raises(SignatureMismatch):
        # The kid is unknown there, but the set has no other: the keys of two issuers never cross.
        RequiresAuth(issuers=[Issuer(name, GOOD, jwks=_without_kid(first.jwks))]).verify(
            second.token(audience=GOOD, claims={"iss": name})
        )
    with pytest.raises(AudienceMismatch):
        guard.verify(first.token(audience="https://b.example.com"))
    with pytest.raises(IssuerMismatch):
        guard.verify(second.token(claims={"iss": "https://third.example.com"}))
    assert [issuer["issuer"] for issuer in guard.health()] == [first.issuer, name]


def _without_kid(jwks: str) -> dict[str, Any]:
    keys = json.loads(jwks)
    for key in keys["keys"]:
        del key["kid"]
    return dict(keys)


def test_options_reach_the_guard(issuer: TestIssuer) -> None:
    def guard(**options: Any) -> RequiresAuth:
        return RequiresAuth(issuer.issuer, options.pop("audience", GOOD), jwks=issuer.jwks, **options)

    assert guard(algorithms=["ES384"]).verify(issuer.token())
    with pytest.raises(AlgorithmNotAllowed):
        guard(algorithms="RS256").verify(issuer.token())
    assert guard(profile="at+jwt").verify(issuer.token())
    token = issuer.token(claims={"permissions": ["p"], "scope": "s"})
    assert guard(scope_claims=["scope", "permissions"]).verify(token).scopes == {"p", "s"}
    implied = {"admin": "read write", "write": ["edit"]}
    assert guard(implied_scopes=implied).verify(issuer.token("admin")).scopes == {
        "admin",
        "read",
        "write",
        "edit",
    }
    assert guard(audience=["x", GOOD]).verify(issuer.token())
    assert guard(cache=0).verify(issuer.token())
    with pytest.raises(AuthError) as caught:
        guard(max_token_bytes=100).verify(issuer.token())
    assert caught.value.reason == "too_large"
    anybody = guard(audience=None, dangerously_any_audience=True)
    assert anybody.verify(issuer.token(audience="x")).aud == ("x",)
    with pytest.raises(TypeNotAllowed):
        guard().verify(issuer.token(defect="type_not_allowed"))


def test_error_formats(issuer: TestIssuer) -> None:
    def refusal(error_format: Any) -> Refusal:
        guard = RequiresAuth(issuer.issuer, GOOD, jwks=issuer.jwks, error_format=error_format)
        refused = guard.admit("GET", "/", [])
        assert isinstance(refused, Refusal)
        return refused

    problem = refusal("problem")
    assert dict(problem.headers)["content-type"] == "application/problem+json"
    assert json.loads(problem.body)["title"] == "Unauthorized"

    own = refusal(lambda error: ("text/plain", f"no: {error.code}".encode()))
    assert own.body == b"no: auth.authorization_header_missing"
    assert dict(own.headers)["content-type"] == "text/plain"
    assert own.error.headers == own.headers
    assert ("www-authenticate", "Bearer") in own.headers

    with pytest.raises(ZeroDivisionError):
        refusal(lambda error: 1 / 0)
    with pytest.raises(TypeError):
        refusal(lambda error: "text")


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        RequiresAuth("http://example.com", "", algorithms=["none"], leeway=301, max_token_bytes=0)
    assert isinstance(caught.value, ValueError)
    fields = [problem.field for problem in caught.value.problems]
    assert sorted(fields) == ["algorithms", "audience", "issuer", "leeway", "max_token_bytes"]
    text = str(caught.value)
    assert text.startswith("the configuration has 5 problems\n")
    assert text.count("\n  hint: ") == 5
    assert "Audience::" not in text
    assert "danger::" not in text
    assert "dangerously_any_audience=True" in text

    with pytest.raises(ConfigError) as caught:
        RequiresAuth("https://a.example", GOOD, profile="x", error_format="x", jwks="/nowhere", stale=-1, ca="\0")
    fields = [problem.field for problem in caught.value.problems]
    assert sorted(fields) == ["ca", "error_format", "jwks", "profile", "stale"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "issuer"),
        ({"issuer": "https://a.example"}, "audience"),
        ({"issuers": []}, "issuer"),
        ({"issuers": [("https://a.example", GOOD)], "audience": GOOD}, "audience"),
        ({"issuers": [("https://a.example", GOOD)] * 2}, "issuer"),
        ({"issuer": "https://a.example", "audience": GOOD, "dangerously_any_audience": True}, "audience"),
        ({"issuer": "https://a.example", "audience": GOOD, "jwks": "{}"}, "jwks"),
        ({"issuer": "https://a.example", "audience": GOOD, "jwks": {"keys": []}}, "jwks"),
        ({"issuer": "https://a.example", "audience": GOOD, "ca": b"x"}, "ca"),
        ({"issuer": "https://a.example", "audience": GOOD, "jwks_uri": "ftp://a"}, "jwks_uri"),
        ({"issuer": "https://a.example", "audience": GOOD, "implied_scopes": {"a": "a"}}, "implied_scopes"),
    ],
)
def test_mistakes(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RequiresAuth(**options)
    assert field in [problem.field for problem in caught.value.problems]


def test_public_test_keys_are_refused() -> None:
    from vectors import token_cases

    case = next(case for case in token_cases() if case.expect["ok"] and case.guard_or_none())
    with pytest.raises(ConfigError, match="jwks"):
        RequiresAuth(case.config["issuer"], case.config["audience"], jwks=case.jwks)


def test_from_env(issuer: TestIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("REQUIRES_AUTH_"):
            monkeypatch.delenv(name)
    with pytest.raises(ConfigError) as caught:
        RequiresAuth.from_env()
    assert {problem.field for problem in caught.value.problems} == {"issuer", "audience"}
    file = tmp_path / "keys.json"
    file.write_text(issuer.jwks)
    monkeypatch.setenv("REQUIRES_AUTH_ISSUER", issuer.issuer)
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENCE", f"x {GOOD}")
    monkeypatch.setenv("REQUIRES_AUTH_JWKS", str(file))
    assert RequiresAuth.from_env().verify(issuer.token())
    monkeypatch.setenv("REQUIRES_AUTH_ALGORITHMS", "RS256, PS256")
    with pytest.raises(AlgorithmNotAllowed):
        RequiresAuth.from_env().verify(issuer.token())
    assert RequiresAuth.from_env(algorithms=["ES384"]).verify(issuer.token())
    with pytest.raises(AudienceMismatch):
        RequiresAuth.from_env(audience="y", algorithms=None).verify(issuer.token())
    entry = Issuer(issuer.issuer, GOOD, jwks=issuer.jwks)
    assert RequiresAuth.from_env(issuers=[entry], algorithms=None).verify(issuer.token())


@pytest.fixture
def environment(issuer: TestIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that makes a guard for the issuer of the test."""
    for name in list(os.environ):
        if name.startswith("REQUIRES_AUTH_"):
            monkeypatch.delenv(name)
    file = tmp_path / "keys.json"
    file.write_text(issuer.jwks)
    monkeypatch.setenv("REQUIRES_AUTH_ISSUER", issuer.issuer)
    monkeypatch.setenv("REQUIRES_AUTH_AUDIENCE", f"x,{GOOD}")
    monkeypatch.setenv("REQUIRES_AUTH_JWKS", str(file))
    return monkeypatch


def test_the_environment_knows_every_plain_setting(issuer: TestIssuer, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REQUIRES_AUTH_LEEWAY", "5m")
    environment.setenv("REQUIRES_AUTH_SCOPE_CLAIMS", "scope, permissions")
    environment.setenv("REQUIRES_AUTH_ERROR_BODY", "problem")
    environment.setenv("REQUIRES_AUTH_CACHE", "0")
    environment.setenv("REQUIRES_AUTH_STALE", "")
    auth = RequiresAuth.from_env()
    assert auth.verify(issuer.token("a", claims={"permissions": ["b"]})).scopes == {"a", "b"}
    assert auth.verify(issuer.token(lifetime=-200))
    assert ("content-type", "application/problem+json") in auth.admit("GET", "/", []).headers  # type: ignore[union-attr]
    with pytest.raises(TokenExpired):
        RequiresAuth.from_env(leeway=0).verify(issuer.token(lifetime=-200))
    environment.setenv("REQUIRES_AUTH_ISSUER", "http://issuer.internal")
    environment.delenv("REQUIRES_AUTH_JWKS")
    with pytest.raises(ConfigError, match="REQUIRES_AUTH_ISSUER: expected an https URL"):
        RequiresAuth.from_env()
    environment.setenv("REQUIRES_AUTH_DANGEROUSLY_ALLOW_HTTP_ISSUER", "true")
    assert RequiresAuth.from_env()


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("LEEWAY", "soon", "expected a duration, found another text\n  hint: write 30s, 5m, 1h or a number of seconds"),
        ("LEEWAY", "301s", "expected at most 300 s, found 301 s"),
        ("CACHE", "many", "expected a whole number"),
        ("PROFILE", "at-jwt", "expected jwt, at+jwt or fapi2, found `at-jwt`\n  hint: write at+jwt"),
        ("ALGORITHMS", "HS256", "expected signature algorithms, found `HS256`"),
        ("DANGEROUSLY_ANY_AUDIENCE", "False", "expected true or false"),
        ("JWKS", "/nowhere", "expected a readable JWK Set file"),
    ],
)
def test_a_wrong_variable_is_named(environment: pytest.MonkeyPatch, variable: str, text: str, expected: str) -> None:
    environment.setenv(f"REQUIRES_AUTH_{variable}", text)
    with pytest.raises(ConfigError) as raised:
        RequiresAuth.from_env()
    assert len(raised.value.problems) == 1
    assert f"REQUIRES_AUTH_{variable}: {expected}" in str(raised.value)
    # What is given overrides it, whatever stands there.
    right: dict[str, Any] = {"DANGEROUSLY_ANY_AUDIENCE": False, "PROFILE": "jwt", "ALGORITHMS": None, "JWKS": None}
    assert RequiresAuth.from_env(**{variable.lower(): right.get(variable, 5)})


def test_a_variable_that_nothing_reads_is_told(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REQUIRES_AUTH_TOKEN", "read by the command line")
    assert RequiresAuth.from_env()
    environment.setenv("REQUIRES_AUTH_ALGORITHM", "ES384")
    with pytest.warns(RuntimeWarning, match=r"did you mean REQUIRES_AUTH_ALGORITHMS\?"):
        assert RequiresAuth.from_env()


def test_an_earlier_name_of_an_argument_is_read(issuer: TestIssuer) -> None:
    for name in ("error_body", "error_format"):
        options: dict[str, Any] = {name: "problem"}
        auth = RequiresAuth(issuer.issuer, GOOD, jwks=issuer.jwks, **options)
        assert ("content-type", "application/problem+json") in auth.admit("GET", "/", []).headers  # type: ignore[union-attr]
        options = {name: "xml"}
        with pytest.raises(ConfigError, match=f"{name}: expected json, problem or a function, found `xml`"):
            RequiresAuth(issuer.issuer, GOOD, jwks=issuer.jwks, **options)
    with pytest.raises(ConfigError, match="error_format: expected one of the two"):
        RequiresAuth(issuer.issuer, GOOD, error_format="json", error_body="problem")


def test_what_is_missing_says_all_ways_to_give_it() -> None:
    with pytest.raises(ConfigError) as raised:
        RequiresAuth()
    told = str(raised.value)
    for way in ("REQUIRES_AUTH_AUDIENCE", "RequiresAuth.from_env()", "RequiresAuth.from_file(path)"):
        assert way in told
    audience = next(problem.hint for problem in raised.value.problems if problem.field == "audience")
    assert audience.index("as an argument") < audience.index("dangerously_any_audience=True")
    assert "::" not in told


def test_an_issuer_may_take_any_audience(issuer: TestIssuer) -> None:
    lax = Issuer(issuer.issuer, jwks=issuer.jwks, dangerously_any_audience=True)
    token = issuer.token(audience="https://other.example.com")
    assert RequiresAuth(issuers=[lax]).verify(token)
    strict = Issuer("https://strict.example", GOOD)
    assert RequiresAuth(issuers=[strict, lax]).verify(token)
    with pytest.raises(ConfigError, match="audience: expected one of the two"):
        RequiresAuth(issuers=[strict, lax], dangerously_any_audience=True)


def test_a_subclass_may_come_late(issuer: TestIssuer) -> None:
    class Late(RequiresAuth):
        def __init__(self, flavour: str) -> None:
            self.flavour = flavour

    late = Late("vanilla")
    for ask in (lambda: late.verify("a"), late.health, late.warm, lambda: late.admit("GET", "/", [])):
        with pytest.raises(RuntimeError, match="not configured"):
            ask()
    RequiresAuth.__init__(late, issuer.issuer, GOOD, jwks=issuer.jwks)
    assert late.verify(issuer.token())
    with pytest.raises(RuntimeError, match="already"):
        RequiresAuth.__init__(late, issuer.issuer, GOOD, jwks=issuer.jwks)
    assert repr(late) == f"Late('{issuer.issuer}')"
    assert isinstance(late, Guard)


def test_explain_is_what_the_command_line_prints(issuer: TestIssuer, guard: RequiresAuth) -> None:
    good = guard.explain(issuer.token("a"), Policy.all_of("a"))
    assert (good["ok"], good["error"], good["hint"]) == (True, None, None)
    assert {check["outcome"] for check in good["checks"]} == {"passed"}
    bad = guard.explain(issuer.token(defect="expired"))
    assert bad["error"]["reason"] == "expired"
    assert bad["error"]["challenge"].startswith("Bearer error=")
    assert [check["check"] for check in bad["checks"] if check["outcome"] == "failed"] == ["exp"]
    assert bad["checks"][-1] == {
        "check": "authentication",
        "outcome": "not reached",
        "found": None,
        "expected": None,
    }
    none = guard.explain("no token")
    assert none["error"]["code"] == "auth.authorization_token_invalid_format"
    assert {check["outcome"] for check in none["checks"]} == {"not reached"}


def test_explain_shows_what_a_token_says(issuer: TestIssuer, guard: RequiresAuth) -> None:
    for wanted in ({}, {"defect": "expired"}, {"defect": "signature_mismatch"}):
        told = guard.explain(issuer.token("a", claims={"n": 2**70, "f": 1.5}, **wanted))
        assert (told["header"]["alg"], told["claims"]["sub"], told["claims"]["scope"]) == ("ES384", "alice", "a")
        assert (told["claims"]["n"], told["claims"]["f"]) == (2**70, 1.5)
    for nothing in ("no token", "", "opaque", "...", "e30", "W10.W10.x", "a.!.c", f"e30.{'W' * 100_000}.x"):
        told = guard.explain(nothing)
        assert not told["ok"]
        assert told["claims"] is None
        assert told["header"] in (None, {})
    deep = b'{"a":' + b"[" * 50_000
    huge = b'{"a":' + b"9" * 5000 + b"}"
    for payload in (deep, huge, b'{"a":"\\ud800"}', b"\xff", b"[]", b"1"):
        part = urlsafe_b64encode(payload).rstrip(b"=").decode()
        assert guard.explain(f"e30.{part}.x")["claims"] is None
    twice = urlsafe_b64encode(b'{"a":1,"a":2}').rstrip(b"=").decode()
    assert guard.explain(f"e30.{twice}.x")["claims"] == {"a": 2}


def test_health_of_static_keys(guard: RequiresAuth) -> None:
    guard.warm()
    [health] = guard.health()
    assert health == {
        "issuer": "https://issuer.example.test/oidc",
        "is_tenant": False,
        "state": "fresh",
        "source": "static",
        "age": None,
        "next_refresh": None,
        "last_error": None,
        "keys": 1,
        "skipped": [],
    }


def test_threads_share_a_guard(issuer: TestIssuer, guard: RequiresAuth) -> None:
    tokens = [issuer.token(sub=str(number)) for number in range(20)]
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for number, token in enumerate(tokens * 20):
                assert guard.verify(token).sub == str(number % 20)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@contextmanager
def switch_interval(seconds: float) -> Iterator[None]:
    """For so long a thread keeps the interpreter lock that it is not asked to give up by itself."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def test_a_verification_gives_up_the_interpreter_lock(issuer: TestIssuer) -> None:
    guard = RequiresAuth(issuer.issuer, GOOD, jwks=issuer.jwks, cache=0)
    token = issuer.token()
    go, went = threading.Event(), threading.Event()

    def other() -> None:
        go.wait()
        went.set()

    thread = threading.Thread(target=other)
    thread.start()
    with switch_interval(60):
        go.set()
        started = time.monotonic()
        while not went.is_set() and time.monotonic() - started < 30:
            guard.verify(token)
        assert went.is_set()
    thread.join()


def test_a_remembered_token_does_not(issuer: TestIssuer, guard: RequiresAuth) -> None:
    """A busy thread would keep the lock for long, and the verification is over before it has it."""
    token = issuer.token()
    guard.verify(token)
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            pass

    with switch_interval(0.5):
        thread = threading.Thread(target=busy)
        thread.start()
        started = time.monotonic()
        for _ in range(100):
            guard.verify(token)
        elapsed = time.monotonic() - started
        stop.set()
        thread.join()
    assert elapsed < 5


def test_a_guard_that_its_own_error_format_holds_is_collected(issuer: TestIssuer) -> None:
    class Held(RequiresAuth):
        pass

    def make() -> weakref.ref[Held]:
        holder: list[Any] = []
        guard = Held(issuer.issuer, GOOD, jwks=issuer.jwks, error_format=lambda error: ("a/b", repr(holder).encode()))
        holder.append(guard)
        return weakref.ref(guard)

    gone = make()
    gc.collect()
    assert gone() is None


def test_a_stranger_cannot_pickle_a_token(issuer: TestIssuer, guard: RequiresAuth) -> None:
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(guard.verify(issuer.token()))


def test_the_class_says_what_each_method_is_for() -> None:
    # What FastMCP would call says that this is not a guard for it.
    methods = {name for name in dir(RequiresAuth) if not name.startswith("_")} - {*provider_names(), "get_middleware"}
    assert {name for name in methods if f"`{name}`" not in str(RequiresAuth.__doc__)} == set()


def test_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", requires_auth.__version__)
    assert all(hasattr(requires_auth, name) for name in requires_auth.__all__)


def test_the_profile_fapi2_needs_no_leeway() -> None:
    def guard(**options: Any) -> RequiresAuth:
        fapi = {"profile": "fapi2", "public_url": "https://api.example", "client_certificates": True}
        return RequiresAuth("https://issuer.example", "https://api.example", **fapi, **options)

    guard()
    guard(leeway=None)
    guard(leeway=10)
    with pytest.raises(ConfigError) as raised:
        guard(leeway=11)
    assert [problem.field for problem in raised.value.problems] == ["leeway"]
