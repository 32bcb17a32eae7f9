"""The pages about moving from another library: both programs of a page run, and answer as its table says.

A page has its programs below `## Before` and `## After`, and the table after `<!-- compared: PACKAGE -->`. It is
skipped where the package that is left is not installed: `pip install -r tests/docs/moving.txt` installs them all.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "moving"
AUDIENCE = "11112222-bbbb-3333-cccc-4444dddd5555"
MODULES = {
    "python-jose": "jose",
    "pyjwt": "jwt",
    "flask-jwt-extended": "flask_jwt_extended",
    "fastapi-azure-auth": "fastapi_azure_auth",
}
TENANT = "72f988bf-0000-4000-8000-000000000047"
ENTRA = "fastapi-azure-auth"
"""The page whose tokens are of one provider, Microsoft Entra ID, for which the one on loopback stands in."""


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider:
    """An identity provider on loopback with one key, which signs whatever a test asks for."""

    def __init__(self, algorithm: str, issuer: str | None = None) -> None:
        jwt = pytest.importorskip("jwt")
        self.algorithm = algorithm
        self._signer = jwt.get_algorithm_by_name(algorithm)
        self._key = _private_key(algorithm)
        jwk = json.loads(self._signer.to_jwk(self._key.public_key()))
        self.jwks = {"keys": [{**jwk, "kid": "one", "use": "sig", "alg": algorithm}]}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/oidc"
        self.issuer = issuer or self.url
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def pem(self) -> str:
        """Its public key."""
        from cryptography.hazmat.primitives import serialization as form

        key = self._key.public_key()
        return key.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo).decode()

    def stop(self) -> None:
        """It goes down: nobody listens any more."""
        self._server.shutdown()
        self._server.server_close()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token, with changes; None leaves one out."""
        now = int(time.time())
        good = {"iss": self.issuer, "aud": AUDIENCE, "sub": "alice", "iat": now, "nbf": now, "exp": now + 600}
        good |= {"scope": "read:orders", "scp": "read:orders", "client_id": "client", "jti": "1", "ver": "2.0"}
        if self.issuer != self.url:
            good |= {"tid": TENANT, "azp": "client"}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(self, claims: dict[str, Any] | str | None = None, **header: Any) -> str:
        """Signs claims, which may be the text of a JSON object."""
        body = self.claims() if claims is None else claims
        text = body if isinstance(body, str) else json.dumps(body)
        header = {"alg": self.algorithm, "kid": "one", "typ": "JWT", **header}
        start = f"{base64url(json.dumps(header).encode())}.{base64url(text.encode())}"
        return f"{start}.{base64url(self._signer.sign(start.encode(), self._key))}"


def _private_key(algorithm: str) -> Any:
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    return rsa.generate_private_key(65537, 2048)


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = provider.url
            places = {"jwks_uri": f"{url}/jwks", "token_endpoint": f"{url}/token"}
            metadata = {"issuer": provider.issuer, "authorization_endpoint": f"{url}/auth", **places}
            body = json.dumps(provider.jwks if self.path.endswith("/jwks") else metadata).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


Made = Callable[[Provider], "str | None"]


def twice(provider: Provider) -> str:
    """A token whose subject stands twice."""
    text = json.dumps(provider.claims())
    return provider.token(text[:-1] + ', "sub": "mallory"}')


REQUESTS: dict[str, Made] = {
    "a good token": lambda at: f"Bearer {at.token()}",
    "`bearer` in lower case": lambda at: f"bearer {at.token()}",
    "no token": lambda at: None,
    "a scope is missing": lambda at: f"Bearer {at.token(at.claims(scope='read:stock', scp='read:stock'))}",
    "no `aud`": lambda at: f"Bearer {at.token(at.claims(aud=None))}",
    "no `exp`": lambda at: f"Bearer {at.token(at.claims(exp=None))}",
    "no `iss`": lambda at: f"Bearer {at.token(at.claims(iss=None))}",
    "no `nbf`": lambda at: f"Bearer {at.token(at.claims(nbf=None))}",
    "another `aud`": lambda at: f"Bearer {at.token(at.claims(aud='another'))}",
    "another `iss`": lambda at: f"Bearer {at.token(at.claims(iss='https://another.example'))}",
    "expired": lambda at: f"Bearer {at.token(at.claims(exp=1_000_000_000))}",
    "expired ten seconds ago": lambda at: f"Bearer {at.token(at.claims(exp=int(time.time()) - 10))}",
    "a changed signature": lambda at: f"Bearer {at.token()[:-8]}AAAAAAAA",
    "the type of a logout token": lambda at: f"Bearer {at.token(typ='logout+jwt')}",
    "an ID token": lambda at: f"Bearer {at.token(at.claims(c_hash='x', nonce='x'))}",
    "an unknown `crit`": lambda at: f"Bearer {at.token(crit=['x'], x=1)}",
    "an unknown `kid`": lambda at: f"Bearer {at.token(kid='two')}",
    "a member twice": lambda at: f"Bearer {twice(at)}",
    "bound to a key": lambda at: f"Bearer {at.token(at.claims(cnf={'jkt': 'A' * 43}))}",
    "two words after `Bearer`": lambda at: f"Bearer {at.token()} x",
    "`Bearer` alone": lambda at: "Bearer",
    "a token that is not a JWT": lambda at: "Bearer opaque",
    "the provider is down": lambda at: f"Bearer {at.token()}",
}


def blocks(text: str) -> tuple[str, str]:
    """The programs of a page: the one before, and the one after."""
    found = [re.search(rf"^## {name}\n.*?^```python\n(.*?)^```", text, re.M | re.S) for name in ("Before", "After")]
    assert all(found), "a page has a block of Python below `## Before` and below `## After`"
    return found[0][1], found[1][1]  # type: ignore[index]


def table(text: str) -> list[tuple[str, str, str]]:
    """What the page says of each request: its name, the answer before, and the answer after."""
    lines = text.split("<!-- compared:", 1)[1].splitlines()[3:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows.append((cells[0], cells[1], cells[2]))
    return rows


def answer(app: Any, path: str, authorization: str | None) -> str:
    """What a program answers: its status, and the reason if it tells one."""
    headers = {} if authorization is None else {"Authorization": authorization}
    if hasattr(app, "test_client"):
        response = app.test_client().get(path, headers=headers)
        body = response.get_json(silent=True)
    else:
        from fastapi.testclient import TestClient

        response = TestClient(app, raise_server_exceptions=False).get(path, headers=headers)
        try:
            body = response.json()
        except ValueError:
            body = None
    reason = body.get("reason") if isinstance(body, dict) else None
    return f"{response.status_code} `{reason}`" if reason else str(response.status_code)


@pytest.fixture
def provider(name: str) -> Iterator[Provider]:
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0" if name == ENTRA else None
    made = Provider("RS256" if name == ENTRA else "ES384", issuer)
    yield made
    made.stop()


def stand_in_for_entra(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets both programs of that page find the keys at the provider on loopback; nothing else of them changes."""
    from fastapi_azure_auth.openid_config import OpenIdConfig
    from requires_auth import fastapi

    metadata = f"{provider.url}/.well-known/openid-configuration"
    init = OpenIdConfig.__init__

    def elsewhere(self: Any, *args: Any, **given: Any) -> None:
        init(self, *args, **{**given, "config_url": metadata})

    monkeypatch.setattr(OpenIdConfig, "__init__", elsewhere)
    monkeypatch.setattr(fastapi, "RequiresAuth", partial(fastapi.RequiresAuth, discovery_url=metadata))


@pytest.mark.parametrize("name", MODULES)
def test_a_page_says_what_both_programs_answer(name: str, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("requires_auth")
    if importlib.util.find_spec(MODULES[name]) is None:
        pytest.skip(f"{name} is not installed: tests/docs/moving.txt")
    text = (PAGES / f"{name}.md").read_text("utf-8")
    monkeypatch.setenv("ISSUER", provider.issuer)
    monkeypatch.setenv("AUDIENCE", AUDIENCE)
    monkeypatch.setenv("PUBLIC_KEY", provider.pem)
    monkeypatch.setenv("TENANT_ID", TENANT)
    if name == ENTRA:
        stand_in_for_entra(provider, monkeypatch)
    rows = table(text)
    assert len(rows) >= 10
    down = [row for row in rows if row[0] == "the provider is down"]
    assert down in ([], rows[-1:]), "what happens while the provider is down stands last"
    programs = blocks(text)

    def start(program: str) -> Any:
        names: dict[str, Any] = {"__name__": f"{name}_program"}
        exec(compile(program, f"{name}.md", "exec"), names)  # the page's own program
        return names["app"]

    apps = [start(program) for program in programs]
    found = []
    for row in rows:
        if row[0] == "the provider is down":
            provider.stop()
            apps = [start(program) for program in programs]
        asked = REQUESTS[row[0]](provider)
        found.append((row[0], answer(apps[0], "/orders", asked), answer(apps[1], "/orders", asked)))
    assert found == rows


def test_what_is_compared_is_what_stands_on_the_pages() -> None:
    compared = {page.stem for page in PAGES.glob("*.md") if "<!-- compared:" in page.read_text("utf-8")}
    assert compared == set(MODULES)


def exceptions(text: str) -> list[str]:
    """The exceptions of ours that a page names in the place of others."""
    rows = text.split(" raises | here |", 1)[1].splitlines()[2:] if " raises | here |" in text else []
    table = takewhile(lambda line: line.startswith("|"), rows)
    return [name for line in table for name in re.findall(r"`([A-Z]\w+)`", line.split("|")[2])]


def test_the_exceptions_of_the_pages_are_there() -> None:
    requires_auth = pytest.importorskip("requires_auth")
    found = [name for page in PAGES.glob("*.md") for name in exceptions(page.read_text("utf-8"))]
    assert len(found) > 10
    assert [name for name in found if not hasattr(requires_auth, name)] == []
