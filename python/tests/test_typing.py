"""What a type checker makes of the package, as a user's editor would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

USE = """
import asyncio
from datetime import datetime
from requires_auth import (
    AccessToken,
    Admission,
    AuthError,
    Issuer,
    IssuerUnavailable,
    Policy,
    Refusal,
    RequiresAuth,
    StateUnavailable,
)

auth = RequiresAuth("https://a.example", ["b", "c"], algorithms=["ES384"], leeway=10)
several = RequiresAuth(issuers=[Issuer("https://a.example", "b"), ("https://c.example", "d")])
token: AccessToken = auth.verify("a.b.c")
subject: str | None = token.sub
expires: datetime = token.expires_at
scopes: frozenset[str] = token.scopes
policy: Policy = Policy.all_of("a", "b").with_claim("c", equals=1)
outcome: Admission | Refusal = auth.admit("GET", "/", [("a", "b"), (b"c", b"d")], policy)
maybe: Admission | Refusal | None = auth.admit_now("GET", "/", [], None, True)
if isinstance(outcome, Refusal):
    error: AuthError | IssuerUnavailable | StateUnavailable = outcome.error
    code: str = error.code
own = RequiresAuth("https://a.example", "b", error_format=lambda error: ("text/plain", error.message.encode()))
auth.authenticate({"authorization": "Bearer x"}, scope="a")
auth.authenticate([("authorization", b"Bearer x")], any_of=["a"])
auth.authenticate({}, policy=policy)
token = auth.verify("a.b.c", policy)
now: AccessToken | None = auth.verify_now("a.b.c", policy=policy)

async def main() -> AccessToken:
    return await auth.verify_async("a.b.c", policy=policy)

asyncio.run(main())
"""

MISUSE = {
    'auth.verify(b"x")': "arg-type",
    'auth.verify("x", "read:a")': "arg-type",
    'auth.authenticate({}, policy="read:a")': "arg-type",
    'auth.verify("x").sub = "y"': "misc",
    'auth.verify("x").claims["a"] = 1': "index",
    'RequiresAuth("a", "b", leway=1)': "call-arg",
    'auth.admit_now("GET", "/", []).kind': "union-attr",
}


def mypy(code: str, folder: Path) -> str:
    pytest.importorskip("mypy", reason="typing needs mypy (pip)")
    file = folder / "use.py"
    file.write_text(code)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--python-version", "3.10", file.name]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout


def test_use(tmp_path: Path) -> None:
    assert mypy(USE, tmp_path) == ""


def test_misuse(tmp_path: Path) -> None:
    setup = 'from requires_auth import RequiresAuth\nauth = RequiresAuth("a", "b")\n'
    found = mypy(setup + "\n".join(MISUSE), tmp_path).splitlines()
    for number, (line, code) in enumerate(MISUSE.items(), start=3):
        told = [text for text in found if text.startswith(f"use.py:{number}:")]
        assert any(code in text for text in told), (line, told)
