"""For tests of an API: an issuer whose tokens, good and bad, come on demand, offline, as pytest fixtures.

    # conftest.py
    pytest_plugins = ["requires_auth.testing"]

    # test_orders.py, for an application that app.config configures
    import pytest

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

    # with Django
    @pytest.fixture
    def client(auth_issuer):
        with override_settings(**auth_issuer.settings):
            yield Client()

    # an API that takes tokens with proofs (DPoP): app.config has REQUIRES_AUTH_DPOP and REQUIRES_AUTH_PUBLIC_URL
    def test_stolen(client, auth_token, auth_client_key):
        token = auth_token(scope="read:orders", key=auth_client_key)
        headers = auth_client_key.headers("GET", "https://api.example.com/orders", token)
        assert client.get("/orders", headers=headers).status_code == 200
        assert client.get("/orders", headers=headers).status_code == 401                # a copied request
        assert client.get("/orders", headers={"Authorization": f"Bearer {token}"}).status_code == 401

    # a server of MCP, whose clients log in by themselves
    def test_tool(auth_server):
        client = auth_server.login_client("https://api.example.com/mcp")
        tokens = client.log_in("read:orders")              # or client.step_up(response.headers["WWW-Authenticate"])
        assert call_tool("list_orders", headers=tokens.headers).status_code == 200

    # with FastAPI, and for every guard that was made with an issuer of its own
    @pytest.fixture
    def client(auth_issuer):
        with auth_issuer.replacing(auth):
            yield TestClient(app)

PYTEST_DONT_REWRITE: nothing is asserted here, and pytest would warn where this is imported before it looks.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from requires_auth import RequiresAuth
from requires_auth._client_key import PROOF_DEFECTS, ClientKey
from requires_auth._core import TestIssuer as _Issuer
from requires_auth._keywords import names_arguments, one_text, whole_seconds
from requires_auth._login import LoginClient, LoginError, Tokens

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from typing_extensions import Self, Unpack

    from requires_auth._options import Adapter, GuardOptions

__all__ = [
    "PROOF_DEFECTS",
    "ClientKey",
    "LoginClient",
    "LoginError",
    "TestIssuer",
    "TokenFactory",
    "Tokens",
    "auth_client_key",
    "auth_issuer",
    "auth_server",
    "auth_token",
]


class TestIssuer:
    """An issuer with a fresh key, in this process. Nothing listens unless you call `serve`."""

    __test__ = False  # pytest takes the name for a class of tests

    def __init__(self, audience: str = "https://api.example.com") -> None:
        """Makes an issuer for the tokens of one API."""
        self._issuer = _Issuer(audience)

    @property
    def issuer(self) -> str:
        """Its URL: the `iss` of its tokens."""
        return self._issuer.issuer

    @property
    def audience(self) -> str:
        """The `aud` of its tokens."""
        return self._issuer.audience

    @property
    def jwks(self) -> str:
        """Its public keys, as the text of a JWK Set."""
        return self._issuer.jwks

    @property
    def settings(self) -> dict[str, str]:
        """Settings for an application that takes its tokens: for `app.config`, Django's settings."""
        return {
            "REQUIRES_AUTH_ISSUER": self.issuer,
            "REQUIRES_AUTH_AUDIENCE": self.audience,
            "REQUIRES_AUTH_JWKS": self.jwks,
        }

    @names_arguments({}, otherwise='a claim is written claims={{"{name}": ..}}')
    def token(
        self,
        scope: str = "",
        sub: str = "alice",
        *,
        defect: str | None = None,
        client_id: str | None = None,
        audience: str | Sequence[str] | None = None,
        lifetime: int = 3600,
        claims: Mapping[str, Any] | None = None,
        key: ClientKey | None = None,
        certificate: bytes | None = None,
    ) -> str:
        """Mints a token.

        Args:
            scope: its scopes, separated by spaces.
            sub: its subject.
            defect: the one thing that is wrong with it, named after the reason of the refusal: `expired`,
                `audience_mismatch`, `signature_mismatch`, ...
            client_id: the client that it was issued to.
            audience: the API that it is for, if not the issuer's.
            lifetime: seconds until it expires.
            claims: further claims.
            key: the key of a client that it is bound to (DPoP): it counts with proofs by that key alone.
            certificate: the certificate of a client that it is bound to (RFC 8705), as DER.

        Raises:
            ValueError: there is no such defect.
            TypeError: an argument has the wrong type, or there is none of this name.
        """
        one_text("scope", scope)
        whole_seconds("lifetime", lifetime)
        claims = {**(claims or {}), **_confirmation(key, certificate)}
        return self._issuer.token(
            scope=scope,
            sub=sub,
            client_id=client_id,
            audience=audience,
            lifetime=lifetime,
            claims=claims or None,
            defect=defect,
        )

    def guard(self, **options: Unpack[GuardOptions]) -> RequiresAuth:
        """A guard that takes its tokens, offline."""
        options.setdefault("jwks", self.jwks)
        return RequiresAuth(self.issuer, self.audience, **options)

    @contextmanager
    def replacing(self, *adapters: Adapter) -> Generator[Self]:
        """Lets adapters take its tokens, and only these, while the context lasts.

        Everything else stays as each adapter has it, such as `scope_claims`, `profile` and `error_body`.
        What says whose tokens they are goes: issuers, audience, keys and where they come from, algorithms.
        """
        guards = [self.guard(**_kept(adapter)) for adapter in adapters]
        before = [adapter.replace_guard(guard) for adapter, guard in zip(adapters, guards, strict=True)]
        try:
            yield self
        finally:
            for adapter, replaced in zip(adapters, before, strict=True):
                adapter.replace_guard(replaced)

    def opaque_token(self, scope: str = "", sub: str = "alice") -> str:
        """Mints an opaque token, which says nothing by itself: a guard with `introspection` asks the issuer about it.

        Raises:
            ValueError: the issuer does not serve, so that nobody can ask it.
        """
        one_text("scope", scope)
        return self._issuer.opaque_token(scope, sub)

    def revoke(self, token: str) -> None:
        """Revokes a token: from now on the issuer calls it inactive. A JWT stays good by its signature.

        Raises:
            ValueError: the issuer does not serve.
        """
        self._issuer.revoke(token)

    def rotate(self) -> None:
        """Lets a fresh key sign from now on. The one before stays published until the next time."""
        self._issuer.rotate()

    def login_client(self, resource: str | None = None, *, sub: str = "alice") -> LoginClient:
        """A client that registers itself and logs in over HTTP, as an MCP client does, without a browser.

        Args:
            resource: the API that its tokens are for; the issuer's audience without it.
            sub: who logs in.

        Raises:
            ValueError: the issuer does not serve.
        """
        if not self.issuer.startswith("http://"):
            raise ValueError("the issuer does not serve: call serve() first, as nobody can log in there")
        return LoginClient(self.issuer, resource or self.audience, sub=sub)

    def serve(self) -> str:
        """Serves on a free port of loopback; the URL that it returns is `issuer` then.

        It is an authorization server with discovery, keys, introspection, registration, and logins, each of which it
        grants at once.
        """
        return self._issuer.serve()

    def stop(self) -> None:
        """Stops serving, as a provider that goes down. Keys and URL stay what they are."""
        self._issuer.stop()


def _confirmation(key: ClientKey | None, certificate: bytes | None) -> dict[str, Any]:
    """The claim `cnf`, if the token is bound to something (RFC 7800 §3.1)."""
    bound = {}
    if key is not None:
        bound["jkt"] = key.thumbprint
    if certificate is not None:
        bound["x5t#S256"] = urlsafe_b64encode(sha256(certificate).digest()).rstrip(b"=").decode()
    return {"cnf": bound} if bound else {}


_KEPT = (
    "leeway",
    "profile",
    "scope_claims",
    "implied_scopes",
    "dpop",
    "public_url",
    "cache",
    "max_token_bytes",
    "error_body",
)
"""The options of an adapter that do not say whose tokens it takes."""


def _kept(adapter: Adapter) -> Any:
    """The options that an adapter keeps when another issuer takes the place of its own."""
    options = adapter.options()
    kept = {name: options[name] for name in _KEPT if name in options}
    named = {
        tuple(claims) for entry in options.get("issuers") or () if (claims := getattr(entry, "scope_claims", None))
    }
    if "scope_claims" not in kept and len(named) == 1:
        kept["scope_claims"] = list(named.pop())
    return kept


class TokenFactory(Protocol):
    """What the fixture `auth_token` is: `TestIssuer.token`."""

    def __call__(
        self,
        scope: str = "",
        sub: str = "alice",
        *,
        defect: str | None = None,
        client_id: str | None = None,
        audience: str | Sequence[str] | None = None,
        lifetime: int = 3600,
        claims: Mapping[str, Any] | None = None,
        key: ClientKey | None = None,
        certificate: bytes | None = None,
    ) -> str:
        """Mints a token."""
        ...


@pytest.fixture(scope="session")
def auth_issuer() -> TestIssuer:
    """An issuer for the whole run of the tests, offline."""
    return TestIssuer()


@pytest.fixture(scope="session")
def auth_server() -> Generator[TestIssuer]:
    """An issuer for the whole run of the tests that serves on loopback, so that clients can log in."""
    issuer = TestIssuer()
    issuer.serve()
    yield issuer
    issuer.stop()


@pytest.fixture(scope="session")
def auth_client_key() -> ClientKey:
    """The key of a client for the whole run of the tests: `auth_token(key=auth_client_key)` is bound to it."""
    return ClientKey()


@pytest.fixture(scope="session")
def auth_token(auth_issuer: TestIssuer) -> TokenFactory:
    """Mints tokens: `auth_token(scope="read:orders", sub="alice", defect="expired")`."""
    return auth_issuer.token
