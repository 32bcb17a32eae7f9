"""Issuers by other names: any text, keys in PEM, tenants, and a resolver."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from requires_auth import AuthError, ConfigError, Issuer, IssuerUnavailable, RequiresAuth
from requires_auth.testing import TestIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AUDIENCE = "https://api.example.com"


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    issuer = TestIssuer()
    issuer.serve()
    yield issuer
    issuer.stop()


PAGE = Path(__file__).parents[2] / "docs" / "issuers-and-keys.md"


def test_the_blocks_of_the_page_run() -> None:
    blocks = PAGE.read_text("utf-8").split("```python\n")[1:]
    assert len(blocks) >= 3
    for block in blocks:
        found: dict[str, object] = {}
        exec(block.split("```")[0], found)
        assert isinstance(found["auth"], RequiresAuth)


def field_of(make: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as error:
        make()
    return error.value.problems[0].field


def test_a_placeholder_needs_tenants() -> None:
    entra = "https://login.microsoftonline.com/{tenant}/v2.0"
    assert field_of(lambda: RequiresAuth(entra, AUDIENCE)) == "issuer"
    assert field_of(lambda: RequiresAuth(entra, AUDIENCE, tenants=["*"])) == "tenants"
    assert field_of(lambda: RequiresAuth("https://a.example", AUDIENCE, tenants=["a"])) == "tenants"
    assert RequiresAuth(entra, AUDIENCE, tenants=["contoso"]).health()[0]["state"] == "on_demand"
    assert RequiresAuth(entra, AUDIENCE, dangerously_any_tenant=True)
    several = RequiresAuth(issuers=[Issuer(entra, AUDIENCE, tenants=["contoso"]), ("https://a.example", AUDIENCE)])
    assert [health["issuer"] for health in several.health()] == ["https://a.example", entra]


def test_a_tenant_is_known_of_a_token(issuer: TestIssuer) -> None:
    base, _, tenant = issuer.issuer.rpartition("/")
    pattern = base + "/{tenant}"
    auth = RequiresAuth(pattern, issuer.audience, tenants=[tenant])
    token = auth.verify(issuer.token())
    assert (token.tenant, token.iss) == (tenant, issuer.issuer)
    fixed = RequiresAuth(issuer.issuer, issuer.audience).verify(issuer.token())
    assert fixed.tenant is None
    with pytest.raises(AuthError) as refused:
        RequiresAuth(pattern, issuer.audience, tenants=["other"]).verify(issuer.token())
    assert refused.value.reason == "issuer_mismatch"


def test_a_resolver_knows_issuers(issuer: TestIssuer, caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    def resolver(name: str) -> Issuer | None:
        asked.append(name)
        return Issuer(name, issuer.audience, tenant="acme") if name == issuer.issuer else None

    auth = RequiresAuth(resolver=resolver)
    assert auth.verify_now(issuer.token()) is None
    assert [auth.verify(issuer.token()).tenant for _ in range(3)] == ["acme"] * 3
    assert asyncio.run(auth.verify_async(issuer.token())).tenant == "acme"
    assert asked == [issuer.issuer]
    with pytest.raises(AuthError) as refused:
        auth.verify(issuer.token(claims={"iss": "https://stranger.example"}))
    assert refused.value.reason == "issuer_mismatch"

    def broken(_: str) -> Issuer | None:
        raise RuntimeError("the database is away")

    with caplog.at_level(logging.ERROR, "requires_auth"), pytest.raises(IssuerUnavailable):
        RequiresAuth(resolver=broken).verify(issuer.token())
    assert "the database is away" in caplog.text
    with pytest.raises(IssuerUnavailable):
        RequiresAuth(resolver=lambda _: Issuer("https://another.example", AUDIENCE)).verify(issuer.token())
    with pytest.raises(IssuerUnavailable):
        RequiresAuth(resolver=lambda _: "acme").verify(issuer.token())  # type: ignore[arg-type, return-value]


def test_a_resolver_stands_beside_an_issuer(issuer: TestIssuer) -> None:
    auth = RequiresAuth("https://a.example", AUDIENCE, resolver=lambda name: Issuer(name, issuer.audience))
    results: list[bool] = []
    threads = [
        threading.Thread(target=lambda: results.append(auth.verify(issuer.token()).tenant is None)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [True] * 8


def test_what_is_not_a_resolver_is_a_mistake() -> None:
    async def resolver(_: str) -> Issuer | None:
        return None

    assert field_of(lambda: RequiresAuth(resolver="acme")) == "resolver"  # type: ignore[arg-type]
    assert field_of(lambda: RequiresAuth(resolver=resolver)) == "resolver"  # type: ignore[arg-type]
    assert field_of(lambda: RequiresAuth(issuers=[Issuer("https://a.example", AUDIENCE, tenant="x")])) == "tenant"


def test_a_private_key_is_never_shown(tmp_path: Path) -> None:
    private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp\n-----END PRIVATE KEY-----\n"
    for text in (private, f"  {private}", private.replace("\n", "\\n"), f"Bag Attributes\n{private}"):
        with pytest.raises(ConfigError) as error:
            RequiresAuth("my-service", AUDIENCE, jwks=text)
        assert "private key" in str(error.value)
        assert "MC4C" not in str(error.value)
    file = tmp_path / "key.pem"
    file.write_text(private, "ascii")
    with pytest.raises(ConfigError) as error:
        RequiresAuth("my-service", AUDIENCE, jwks=file)
    assert "private key" in str(error.value)
    assert "MC4C" not in str(error.value)
