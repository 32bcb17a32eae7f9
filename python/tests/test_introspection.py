"""Opaque tokens: the issuer is asked about them, by each way to configure it and through each adapter."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from adapters import bearer
from flask import Flask

from requires_auth import ConfigError, Issuer, IssuerUnavailable, RequiresAuth, TokenInactive, TypeNotAllowed
from requires_auth.flask import RequiresAuth as FlaskAuth
from requires_auth.testing import TestIssuer


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    issuer = TestIssuer()
    issuer.serve()
    yield issuer
    issuer.stop()


@dataclass
class Asking:
    client_id: str
    client_secret: str
    ttl: int | None = None


CLIENT = {"client_id": "api", "client_secret": "secret"}


def guard(issuer: TestIssuer, **options: Any) -> RequiresAuth:
    return RequiresAuth(issuer.issuer, issuer.audience, **options)


def test_a_dict_a_dataclass_and_a_tuple_say_the_same(issuer: TestIssuer) -> None:
    endpoint = f"{issuer.issuer}/token/introspection"
    for introspection in (CLIENT, Asking("api", "secret"), (endpoint, "api", "secret"), (None, "api", "secret")):
        auth = guard(issuer, introspection=introspection)
        token = auth.verify(issuer.opaque_token("read:items", "bob"))
        assert (token.sub, token.has_scope("read:items")) == ("bob", True)
        assert auth.verify(issuer.token(sub="carol")).sub == "carol", "both kinds are taken by default"
    opaque = guard(issuer, introspection=CLIENT, accept_tokens="opaque")
    assert opaque.verify(issuer.opaque_token()).sub == "alice"
    with pytest.raises(TypeNotAllowed):
        opaque.verify(issuer.token())


def test_asynchronous_code_waits_for_the_answer(issuer: TestIssuer) -> None:
    auth = guard(issuer, introspection=CLIENT)
    token = issuer.opaque_token(sub="bob")
    assert auth.verify_now(token) is None
    assert asyncio.run(auth.verify_async(token)).sub == "bob"
    again = auth.verify_now(token)
    assert again is not None
    assert again.sub == "bob"


def test_a_revoked_token_is_inactive_once_the_ttl_is_over(issuer: TestIssuer) -> None:
    auth = guard(issuer, introspection={**CLIENT, "ttl": 0, "negative_ttl": 0})
    token = issuer.opaque_token()
    assert auth.verify(token).sub == "alice"
    issuer.revoke(token)
    with pytest.raises(TokenInactive) as refused:
        auth.verify(token)
    assert (refused.value.status, refused.value.reason) == (401, "inactive")


def test_a_dead_issuer_is_an_outage_for_unknown_tokens_alone(issuer: TestIssuer) -> None:
    auth = guard(issuer, introspection=CLIENT)
    known, unknown = issuer.opaque_token(), issuer.opaque_token()
    auth.verify(known)
    issuer.stop()
    assert auth.verify(known).sub == "alice"
    with pytest.raises(IssuerUnavailable):
        auth.verify(unknown)


def test_signed_answers(issuer: TestIssuer) -> None:
    auth = guard(issuer, introspection={**CLIENT, "signed": True}, accept_tokens="opaque")
    assert auth.verify(issuer.opaque_token()).sub == "alice"


def test_settings_of_the_environment_and_of_a_file(
    issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "ISSUER": issuer.issuer,
        "AUDIENCE": issuer.audience,
        "INTROSPECTION_CLIENT_ID": "api",
        "INTROSPECTION_CLIENT_SECRET": "secret",
        "INTROSPECTION_TTL": "30s",
    }.items():
        monkeypatch.setenv(f"REQUIRES_AUTH_{name}", value)
    assert RequiresAuth.from_env().verify(issuer.opaque_token()).sub == "alice"

    (tmp_path / "secret").write_text("secret\n")
    file = tmp_path / "auth.toml"
    file.write_text(
        f"""
        [issuers.main]
        issuer = "{issuer.issuer}"
        audience = "{issuer.audience}"
        accept_tokens = "opaque"
        introspection = {{ client_id = "api", client_secret_file = "secret" }}
        """
    )
    assert RequiresAuth.from_file(file).verify(issuer.opaque_token()).sub == "alice"


def test_an_issuer_of_several_takes_opaque_tokens(issuer: TestIssuer) -> None:
    other = Issuer("https://other.example", "https://api.example.com", jwks=issuer.jwks)
    own = Issuer(issuer.issuer, issuer.audience, introspection=CLIENT, accept_tokens="opaque")
    assert "secret" not in repr(own)
    auth = RequiresAuth(issuers=[other, own])
    assert auth.verify(issuer.opaque_token()).claims["iss"] == issuer.issuer


def test_mistakes_are_told_without_the_secret(issuer: TestIssuer) -> None:
    for introspection, found in (
        ({"client_id": "api"}, "no credentials of the client"),
        ({**CLIENT, "client_secert_file": "x"}, "the key `client_secert_file`"),
        ({**CLIENT, "ttl": "soon"}, "ttl: str"),
        ({"client_id": "api", "client_secret": "sec ret"}, "a client_secret with white space in it"),
        ("hidden-secret", "str"),
    ):
        with pytest.raises(ConfigError) as error:
            guard(issuer, introspection=introspection)
        problem = error.value.problems[0]
        assert (problem.field, problem.found) == ("introspection", found)
        assert not any(secret in str(error.value) for secret in ("hidden", "sec ret"))
    with pytest.raises(ConfigError, match="introspection"):
        guard(issuer, accept_tokens="opaque")


def test_a_flask_application_configures_it_by_settings(issuer: TestIssuer) -> None:
    app = Flask(__name__)
    app.config.update(
        REQUIRES_AUTH_ISSUER=issuer.issuer,
        REQUIRES_AUTH_AUDIENCE=issuer.audience,
        REQUIRES_AUTH_INTROSPECTION=CLIENT,
        REQUIRES_AUTH_ACCEPT_TOKENS="opaque",
    )
    auth = FlaskAuth()
    auth.init_app(app)

    @app.get("/items")
    @auth("read:items")
    def items() -> str:
        return "items"

    client = app.test_client()
    good, bad = issuer.opaque_token("read:items"), issuer.opaque_token()
    assert client.get("/items", headers=bearer(good)).status_code == 200
    assert client.get("/items", headers=bearer(bad)).status_code == 403
    refused = client.get("/items", headers=bearer("made-up-token"))
    assert (refused.status_code, refused.get_json()["reason"]) == (401, "inactive")
    assert os.environ.get("REQUIRES_AUTH_INTROSPECTION") is None


def test_the_block_of_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[2] / "docs" / "opaque-tokens.md"
    [block] = [rest.split("```")[0] for rest in page.read_text("utf-8").split("```python\n")[1:]]
    monkeypatch.setenv("ORDERS_API_SECRET", "a-secret")
    found: dict[str, Any] = {}
    exec(block, found)
    assert isinstance(found["auth"], RequiresAuth)
    monkeypatch.setenv("ORDERS_API_SECRET", "")
    with pytest.raises(ConfigError, match="secret"):
        exec(block, {})
