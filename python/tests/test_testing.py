"""`requires_auth.testing`, as users have it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from flask import Flask

from requires_auth import AuthError, IssuerUnavailable, RequiresAuth
from requires_auth import flask as flask_adapter
from requires_auth.testing import PROOF_DEFECTS, ClientKey, TestIssuer, TokenFactory

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


URL = "https://api.example.com/orders"


def proven(guard: RequiresAuth, headers: dict[str, str], method: str = "GET", url: str = "/orders") -> str:
    """What a guard says of a request: its status, and the reason of a refusal."""
    answer = guard.admit(method, url, list(headers.items()))
    return "200" if answer else f"{answer.status} {getattr(answer.error, 'reason', '')}"


@pytest.fixture
def proof_guard(auth_issuer: TestIssuer) -> RequiresAuth:
    return auth_issuer.guard(dpop="required", public_url="https://api.example.com")


def test_a_bound_token_counts_with_a_proof_and_once(
    proof_guard: RequiresAuth, auth_token: TokenFactory, auth_client_key: ClientKey
) -> None:
    token = auth_token(key=auth_client_key)
    headers = auth_client_key.headers("GET", URL, token)
    assert proven(proof_guard, headers) == "200"
    assert proven(proof_guard, headers) == "401 proof_reused"
    assert proven(proof_guard, {"Authorization": f"Bearer {token}"}) == "401 binding_mismatch"
    assert proven(proof_guard, ClientKey().headers("GET", URL, token)) == "401 binding_mismatch"
    assert proven(proof_guard, auth_client_key.headers("GET", URL + "?page=2", token), url="/orders?page=2") == "200"
    assert proven(proof_guard, auth_client_key.headers("POST", URL, token), "POST") == "200"


@pytest.mark.parametrize(("defect", "reason"), PROOF_DEFECTS.items())
def test_a_defect_of_a_proof_begins_with_its_reason(
    proof_guard: RequiresAuth, auth_token: TokenFactory, auth_client_key: ClientKey, defect: str, reason: str
) -> None:
    assert defect.startswith(reason)
    token = auth_token(key=auth_client_key)
    headers = auth_client_key.headers("GET", URL, token, defect=defect)
    if defect == "proof_reused":
        assert proven(proof_guard, headers) == "200"
    assert proven(proof_guard, headers) == f"401 {reason}"


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "Ed25519", "RS256", "PS256"])
def test_a_client_key_of_each_algorithm(proof_guard: RequiresAuth, auth_token: TokenFactory, algorithm: str) -> None:
    key = ClientKey(algorithm)
    token = auth_token(key=key)
    assert proven(proof_guard, key.headers("GET", URL, token)) == "200"
    old = key.headers("GET", URL, token, issued_at=int(time.time()) - 100)
    assert proven(proof_guard, old) == "401 proof_time"


def test_mistakes_with_a_client_key(auth_client_key: ClientKey) -> None:
    with pytest.raises(ValueError, match="no_such"):
        auth_client_key.proof("GET", URL, defect="no_such")
    with pytest.raises(ValueError, match="HS256"):
        ClientKey("HS256")
    assert auth_client_key.proof("GET", URL, defect="proof_missing") == ""
    assert "DPoP" not in auth_client_key.headers("GET", URL, "t", defect="proof_missing")


def test_a_token_is_bound_to_key_and_certificate(auth_token: TokenFactory, auth_client_key: ClientKey) -> None:
    payload = auth_token(key=auth_client_key, certificate=b"DER").split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["cnf"] == {
        "jkt": auth_client_key.thumbprint,
        "x5t#S256": "v_0oyO6xCl5Qzxe1j0d-oYA4la5pdE5utTy8w79Cets",
    }


def test_an_adapter_keeps_its_proofs_with_another_issuer(auth_issuer: TestIssuer, auth_client_key: ClientKey) -> None:
    auth = flask_adapter.RequiresAuth(
        issuer="https://real.example",
        audience="https://api.example.com",
        jwks=auth_issuer.jwks,
        dpop="required",
        public_url="https://api.example.com",
    )
    app = Flask("orders")

    @app.route("/orders")
    @auth
    def orders() -> str:
        return "orders"

    with auth_issuer.replacing(auth):
        client = app.test_client()
        token = auth_issuer.token(key=auth_client_key)
        assert client.get("/orders", headers=auth_client_key.headers("GET", URL, token)).status_code == 200
        assert client.get("/orders", headers={"Authorization": f"Bearer {auth_issuer.token()}"}).status_code == 401
