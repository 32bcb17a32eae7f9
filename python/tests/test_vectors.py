"""Every shared vector: the same verdict, code, reason and challenge as in Rust."""

from __future__ import annotations

import json

import pytest
from vectors import Case, request_cases, token_cases

from requires_auth import AccessToken, AuthError, Refusal, RequiresAuth, RequiresAuthError

TOKENS = token_cases()
REQUESTS = request_cases()
ASKED = [case for case in TOKENS if case.guard_or_none() is not None]
"""What a guard can be asked; the rest is for the verifier alone."""


def test_all_files_are_read_and_most_cases_are_asked() -> None:
    assert len(TOKENS) >= 550
    assert len(REQUESTS) >= 60
    assert len(ASKED) >= 0.9 * len(TOKENS)


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.id)
def test_token_through_verify(case: Case) -> None:
    guard = case.guard()
    expect = case.expect
    for _ in ("judged", "remembered"):
        if expect["ok"]:
            assert dict(_verify(guard, case).claims) == expect["claims"]
            continue
        with pytest.raises(RequiresAuthError) as caught:
            _verify(guard, case)
        assert _told(caught.value) == _expected(expect)


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.id)
def test_token_through_admit(case: Case) -> None:
    guard = case.guard()
    admitted = guard.admit(case.method, case.url, case.headers, case.policy)
    if case.expect["ok"]:
        assert not isinstance(admitted, Refusal)
        assert admitted.token is not None
        assert dict(admitted.token.claims) == case.expect["claims"]
        for name, value in case.reads.items():
            assert getattr(admitted.token, name) == value, name
        return
    assert isinstance(admitted, Refusal)
    assert _told(admitted.error) == _expected(case.expect)
    _check_answer(admitted, case.expect)


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.id)
def test_request_through_admit(case: Case) -> None:
    guard = case.guard()
    expect = case.expect
    admitted = guard.admit(case.method, case.url, case.headers, case.policy, case.optional, case.path_parameters)
    if expect["outcome"] == "deny":
        assert isinstance(admitted, Refusal)
        assert _told(admitted.error) == _expected(expect)
        _check_answer(admitted, expect)
        headers = dict(admitted.headers)
        for name, value in expect["headers"].items():
            assert headers.get(name.lower()) == value
    else:
        assert not isinstance(admitted, Refusal)
        kind = "token" if expect["outcome"] == "allow" else expect["outcome"]
        assert admitted.kind == kind
        assert (admitted.token is not None) == (kind == "token")


def test_latin_1_text_is_what_its_bytes_are() -> None:
    """WSGI hands out headers as Latin-1: each case has the same answer that way."""
    for case in REQUESTS:
        guard = case.guard()
        as_text = [(name, value.decode("latin-1")) for name, value in case.headers]
        by_bytes = guard.admit(case.method, case.url, case.headers, case.policy, case.optional, case.path_parameters)
        by_text = guard.admit(case.method, case.url, as_text, case.policy, case.optional, case.path_parameters)
        assert type(by_bytes) is type(by_text), case.id
        if isinstance(by_bytes, Refusal) and isinstance(by_text, Refusal):
            assert by_bytes.headers == by_text.headers, case.id
            assert by_bytes.body == by_text.body, case.id


def _verify(guard: RequiresAuth, case: Case) -> AccessToken:
    """`verify` knows no policy; where scopes are needed, `authenticate` does."""
    if case.policy is None:
        return guard.verify(case.token)
    if case.config.keys() & {"claims", "acr", "max_age"}:
        return guard._authorize(case.method, case.url, case.headers, case.policy)
    return guard.authenticate(case.headers, scope=case.policy.scope)


def _expected(expect: dict[str, object]) -> tuple[object, ...]:
    return expect["status"], expect["code"], expect.get("reason"), expect.get("challenge")


def _told(error: BaseException) -> tuple[object, ...]:
    headers = dict(getattr(error, "headers", []))
    code, status = getattr(error, "code", None), getattr(error, "status", None)
    reason = getattr(error, "reason", None)
    assert isinstance(error, AuthError) == (status != 503)
    return status, code, reason, headers.get("www-authenticate")


def _check_answer(refusal: Refusal, expect: dict[str, object]) -> None:
    body = json.loads(refusal.body)
    message = refusal.error.message
    assert body.pop("message") == message
    told = {"code": expect["code"], "status": expect["status"]}
    if expect.get("reason") is not None:
        told["reason"] = expect["reason"]
    assert body == told
    assert refusal.status == expect["status"]
    assert refusal.headers == refusal.error.headers
