"""Tokens that are refused before they expire: by a file, and by `revoke`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from requires_auth import ConfigError, RequiresAuth, TokenRevoked
from requires_auth._core import TestIssuer
from requires_auth.flask import RequiresAuth as FlaskAuth

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "revoked.jsonl"
    path.write_text("")
    return path


@pytest.fixture
def guard(issuer: TestIssuer, file: Path) -> RequiresAuth:
    return RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks, revocations=file)


def token_of(issuer: TestIssuer, **claims: Any) -> str:
    return issuer.token(claims={"jti": "t-1", "sub": "u-1", "sid": "s-1", "client_id": "c-1", **claims})


def wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_refused(guard: RequiresAuth, token: str) -> bool:
    try:
        guard.verify(token)
    except TokenRevoked:
        return True
    return False


@pytest.mark.parametrize("claim", ["jti", "sub", "sid", "client_id"])
def test_each_claim_names_tokens(issuer: TestIssuer, guard: RequiresAuth, file: Path, claim: str) -> None:
    value = {"jti": "t-1", "sub": "u-1", "sid": "s-1", "client_id": "c-1"}[claim]
    token, other = token_of(issuer), token_of(issuer, jti="t-2", sub="u-2", sid="s-2", client_id="c-2")
    assert not is_refused(guard, token)
    guard.revoke(**{claim: value}, issuer=issuer.issuer)  # type: ignore[arg-type]
    assert is_refused(guard, token)
    assert not is_refused(guard, other)
    [line] = file.read_text().splitlines()
    entry = json.loads(line)
    assert (entry[claim], entry["iss"], "before" in entry) == (value, issuer.issuer, False)
    assert entry["until"] > time.time() + 29 * 86_400
    assert guard.revocations() == {"entries": 1, "last_error": None}


def test_a_token_is_revoked_by_its_id(issuer: TestIssuer, guard: RequiresAuth, file: Path) -> None:
    verified = guard.verify(token_of(issuer))
    guard.revoke(verified)
    assert is_refused(guard, token_of(issuer))
    assert not is_refused(guard, token_of(issuer, jti="t-2"))
    entry = json.loads(file.read_text())
    assert (entry["jti"], entry["iss"]) == ("t-1", issuer.issuer)
    assert entry["until"] == int(verified.expires_at.timestamp())


def test_moments_are_seconds_or_know_their_zone(issuer: TestIssuer, guard: RequiresAuth, file: Path) -> None:
    now = datetime.now(timezone.utc).replace(microsecond=0)
    guard.revoke(sub="u-1", before=now + timedelta(seconds=10), until=now + timedelta(hours=1))
    guard.revoke(sub="u-2", before=now.timestamp() + 10, until=now.timestamp() + 3600)
    one, other = (json.loads(line) for line in file.read_text().splitlines())
    assert one["before"] == other["before"] == int(now.timestamp()) + 10
    assert one["until"] == other["until"]
    assert is_refused(guard, token_of(issuer))
    assert not is_refused(guard, token_of(issuer, sub="u-3"))
    with pytest.raises(TypeError):
        guard.revoke(sub="u-1", before=datetime.now())
    with pytest.raises(ValueError, match="seconds"):
        guard.revoke(sub="u-1", until=-1)


def test_what_cannot_be_revoked_is_an_error(issuer: TestIssuer, guard: RequiresAuth, file: Path) -> None:
    mistakes: list[dict[str, Any]] = [{}, {"jti": "a", "sub": "b"}, {"jti": "a", "before": 5}]
    for arguments in mistakes:
        with pytest.raises(TypeError):
            guard.revoke(**arguments)
    with pytest.raises(TypeError):
        guard.revoke(guard.verify(token_of(issuer)), until=5)
    with pytest.raises(ValueError, match="empty"):
        guard.revoke(sub="")
    without = RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    assert without.revocations() is None
    with pytest.raises(RuntimeError, match="revocations"):
        without.revoke(sub="u-1")
    assert file.read_text() == ""
    file.unlink()
    with pytest.raises(OSError, match="nothing was revoked"):
        guard.revoke(sub="u-1")
    assert not is_refused(guard, token_of(issuer))


def test_room_is_limited_and_nothing_is_dropped(issuer: TestIssuer, file: Path) -> None:
    guard = RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks, revocations=str(file), max_revocations=1)
    guard.revoke(jti="t-1")
    with pytest.raises(RuntimeError, match="max_revocations"):
        guard.revoke(jti="t-2")
    assert is_refused(guard, token_of(issuer))


def test_the_file_is_watched_and_a_broken_one_changes_nothing(
    issuer: TestIssuer, guard: RequiresAuth, file: Path
) -> None:
    token = token_of(issuer)
    line = json.dumps({"sid": "s-1", "until": int(time.time()) + 3600})
    file.write_text(f"{line}\n")
    wait_until(lambda: is_refused(guard, token))
    file.write_text("broken\n")
    wait_until(lambda: (guard.revocations() or {})["last_error"] is not None)
    assert is_refused(guard, token)
    file.write_text("")
    wait_until(lambda: not is_refused(guard, token))


def test_a_file_that_is_not_there_is_a_mistake(issuer: TestIssuer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="revocations"):
        RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks, revocations=tmp_path / "none")


def test_an_adapter_revokes_by_its_guard(issuer: TestIssuer, file: Path) -> None:
    auth = FlaskAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks, revocations=file)
    auth.guard.revoke(sub="u-1")
    assert is_refused(auth.guard, token_of(issuer))


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_sees_what_is_revoked_and_revokes(issuer: TestIssuer, guard: RequiresAuth) -> None:
    token, other = token_of(issuer), token_of(issuer, jti="t-2")
    assert not is_refused(guard, token)
    child = os.fork()
    if child == 0:
        try:
            assert not is_refused(guard, other)
            guard.revoke(jti="t-2")
            wait_until(lambda: is_refused(guard, token))
            os._exit(0)
        except BaseException:
            os._exit(1)
    wait_until(lambda: is_refused(guard, other))
    guard.revoke(jti="t-1")
    assert os.waitpid(child, 0)[1] == 0


def test_the_block_of_the_page_runs(issuer: TestIssuer, guard: RequiresAuth) -> None:
    page = Path(__file__).parents[2] / "docs" / "revocation.md"
    [block] = [rest.split("```")[0] for rest in page.read_text("utf-8").split("```python\n")[1:]]
    found: dict[str, Any] = {}
    exec(block, found)
    found["logout"](guard, guard.verify(token_of(issuer)))
    assert is_refused(guard, token_of(issuer))
    found["password_changed"](guard, "u-2")
    assert is_refused(guard, token_of(issuer, sub="u-2", jti="t-2", iat=int(time.time()) - 10))
