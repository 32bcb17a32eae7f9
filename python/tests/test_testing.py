"""`requires_auth.testing`, as users have it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from requires_auth import AuthError, IssuerUnavailable, RequiresAuth
from requires_auth import flask as flask_adapter
from requires_auth.testing import TestIssuer, TokenFactory

pytest_plugins = ["requires_auth.testing"]

DEFECTS = [
    "algorithm_not_allowed",
    "audience_mismatch",
    "binding_mismatch",
    "claim_malformed",
    "claim_missing",
    "critical_header",
    "encrypted",
    "expired",
    "issuer_mismatch",
    "key_unknown",
    "malformed",
    "not_yet_valid",
    "opaque",
    "signature_mismatch",
    "too_large",
    "type_not_allowed",
]


def test_good_tokens(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    token = auth_issuer.guard().verify(
        auth_token("read write", "bob", client_id="app", claims={"organization_id": "acme", "deep": {"n": [1]}})
    )
    assert (token.sub, token.client_id, token.organization_id) == ("bob", "app", "acme")
    assert token.has_scope("read")
    assert token.claims["deep"] == {"n": [1]}
    assert auth_issuer.guard().verify(auth_token(audience=["https://a", auth_issuer.audience])).sub == "alice"


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_named_after_its_reason(auth_issuer: TestIssuer, auth_token: TokenFactory, defect: str) -> None:
    with pytest.raises(AuthError) as refused:
        auth_issuer.guard().verify(auth_token(defect=defect))
    assert refused.value.reason == defect


def test_an_unknown_defect(auth_token: TokenFactory) -> None:
    with pytest.raises(ValueError, match="no_such"):
        auth_token(defect="no_such")


def test_lifetime(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    with pytest.raises(AuthError) as refused:
        auth_issuer.guard().verify(auth_token(lifetime=-100))
    assert refused.value.reason == "expired"


def test_it_starts_fast() -> None:
    took = []
    for _ in range(5):
        started = time.perf_counter()
        issuer = TestIssuer()
        issuer.guard().verify(issuer.token())
        took.append(time.perf_counter() - started)
    assert min(took) < 0.05


def test_rotation_and_serving() -> None:
    issuer = TestIssuer("https://other.example.com")
    before = issuer.token()
    guard = issuer.guard()
    issuer.rotate()
    assert issuer.guard().verify(before).aud == ("https://other.example.com",)
    with pytest.raises(AuthError):
        guard.verify(issuer.token())

    url = issuer.serve()
    assert url == issuer.issuer
    served = RequiresAuth(url, issuer.audience)
    assert served.verify(issuer.token()).iss == url
    issuer.stop()
    with pytest.raises(IssuerUnavailable):
        RequiresAuth(url, issuer.audience).verify(issuer.token())


def test_replacing_a_guard(auth_issuer: TestIssuer, auth_token: TokenFactory) -> None:
    auth = flask_adapter.RequiresAuth(
        "https://tenant-id.logto.app/oidc", "https://api.example.com", jwks=TestIssuer().jwks
    )
    own = auth.guard
    with auth_issuer.replacing(auth):
        assert auth.verify(auth_token()).sub == "alice"
        other = TestIssuer()
        with other.replacing(auth):
            assert auth.verify(other.token()).sub == "alice"
        assert auth.verify(auth_token()).sub == "alice"
    assert auth.guard is own


def test_a_suite_of_a_user(tmp_path: Path) -> None:
    """The example of the module's documentation, in a run of pytest of its own, without a network."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["requires_auth.testing"]\n')
    (tmp_path / "test_orders.py").write_text(
        textwrap.dedent("""
        import pytest
        from flask import Flask, g
        from requires_auth.flask import requires_auth

        app = Flask(__name__)

        @app.route("/orders")
        @requires_auth("read:orders")
        def orders():
            return {"sub": g.access_token.sub}

        @pytest.fixture
        def client(auth_issuer):
            app.config.update(auth_issuer.settings)
            return app.test_client()

        def test_orders(client, auth_token):
            def status(**wanted):
                headers = {"Authorization": f"Bearer {auth_token(**wanted)}"}
                return client.get("/orders", headers=headers).status_code

            assert status(scope="read:orders") == 200
            assert status(scope="write:orders") == 403
            assert status(scope="read:orders", defect="expired") == 401
        """)
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
