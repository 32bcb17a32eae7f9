"""What the library says, through Python's `logging`."""

from __future__ import annotations

import json
import logging
import re
import sys

import pytest

from requires_auth import AuthError, RequiresAuth
from requires_auth._core import TestIssuer


def test_a_refusal_is_logged_once(issuer: TestIssuer, guard: RequiresAuth, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "requires_auth")
    token = issuer.token(sub="secret-subject", defect="signature_mismatch")
    headers = [("authorization", f"Bearer {token}"), ("x-request-id", "r-1")]
    guard.admit("GET", "/orders?page=2", headers)
    [record] = caplog.records
    assert (record.name, record.levelno) == ("requires_auth", logging.WARNING)
    fields = record.__dict__["requires_auth"]
    assert fields["code"] == "invalid_token"
    assert fields["reason"] == "signature_mismatch"
    assert (fields["method"], fields["path"], fields["request_id"]) == ("GET", "/orders", "r-1")
    assert len(fields["token"]) == 8
    assert record.getMessage().startswith('refused code="invalid_token" reason="signature_mismatch" issuer="https://')
    assert f' token="{fields["token"]}" ' in record.getMessage()
    for secret in (token, "secret-subject", "page=2"):
        assert secret not in record.getMessage()


def test_a_line_can_be_taken_apart(guard: RequiresAuth, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "requires_auth")
    guard.admit("GET", '/a b="c"\n', [])
    [record] = caplog.records
    message, fields = record.getMessage(), record.__dict__["requires_auth"]
    assert "\n" not in message
    found = dict(re.findall(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "=]+)', message))
    assert set(found) == set(fields)
    assert found["code"] == '"auth.authorization_header_missing"'
    assert json.loads(found["path"]) == fields["path"]
    assert json.loads(found["hint"]) == fields["hint"]


def test_numbers_are_bare(issuer: TestIssuer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "requires_auth")
    guard = RequiresAuth(issuer.serve(), issuer.audience)
    guard.verify(issuer.token())
    issuer.stop()
    [fetched] = [record for record in caplog.records if record.getMessage().startswith("fetched the key set")]
    assert " keys=1 " in fetched.getMessage()
    assert fetched.__dict__["requires_auth"]["keys"] == "1"


def test_what_happens_every_day_is_no_warning(
    issuer: TestIssuer, guard: RequiresAuth, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "requires_auth")
    with pytest.raises(AuthError):
        guard.verify(issuer.token(defect="expired"))
    with pytest.raises(AuthError):
        guard.verify("")
    assert [record.levelno for record in caplog.records] == [logging.INFO] * 2


def test_allowed_requests_are_logged_where_that_is_asked_for(
    issuer: TestIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    def made() -> RequiresAuth:
        return RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)

    made().verify(issuer.token())
    assert not caplog.records
    caplog.set_level(logging.DEBUG, "requires_auth")
    made().verify(issuer.token())
    assert [(record.levelno, record.message.split()[0]) for record in caplog.records] == [(logging.DEBUG, "allowed")]
    caplog.clear()
    caplog.set_level(logging.INFO, "requires_auth")
    made().verify(issuer.token())
    assert not caplog.records


def test_fetches_are_logged_from_their_own_thread(issuer: TestIssuer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "requires_auth")
    guard = RequiresAuth(issuer.serve(), issuer.audience)
    guard.verify(issuer.token())
    assert any(record.getMessage().startswith("fetched the key set") for record in caplog.records)
    issuer.stop()


def test_a_handler_that_fails_is_no_refusal(
    issuer: TestIssuer, guard: RequiresAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: unraisable.append(raised.exc_type))
    monkeypatch.setattr(logging.getLogger("requires_auth"), "log", fail)
    with pytest.raises(AuthError):
        guard.verify(issuer.token(defect="signature_mismatch"))
    assert unraisable == [ZeroDivisionError]
