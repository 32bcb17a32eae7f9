"""Tokens that are bound to a certificate of the client (RFC 8705), where the server or a proxy tells it."""

import base64
import hashlib
import textwrap
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from requires_auth import ConfigError, Issuer, RequiresAuth

AUDIENCE = "https://api.example.com"

# A small certificate, and another one.
DER = bytes([0x30, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2])
OTHER = DER[:-1] + b"\x03"


def told(der: bytes) -> str:
    return f":{base64.b64encode(der).decode()}:"


def pem(der: bytes) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def thumbprint(der: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


@pytest.fixture
def token(auth_issuer):
    return auth_issuer.token(claims={"cnf": {"x5t#S256": thumbprint(DER)}})


@pytest.fixture
def plain(auth_issuer):
    return auth_issuer.token()


def guard(auth_issuer, **options):
    return RequiresAuth(auth_issuer.issuer, AUDIENCE, jwks=auth_issuer.jwks, **options)


def wsgi(token, **headers):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/orders", "HTTP_AUTHORIZATION": f"Bearer {token}"}
    return environ | {f"HTTP_{name.upper()}": value for name, value in headers.items()}


def asgi(token, *headers, chain=None):
    lines = [(b"authorization", f"Bearer {token}".encode()), *headers]
    scope = {"type": "http", "method": "GET", "path": "/orders", "query_string": b"", "headers": lines}
    return scope | ({"extensions": {"tls": {"client_cert_chain": chain}}} if chain is not None else {})


def status(answer):
    return getattr(answer, "status", 200)


def test_a_header_that_is_named_tells_the_certificate(auth_issuer, token, plain):
    auth = guard(auth_issuer, client_certificates=True, client_cert_header="Client-Cert")
    for ask in (
        lambda bearer, value: auth.admit_wsgi(wsgi(bearer, client_cert=value)),
        lambda bearer, value: auth.admit_asgi(asgi(bearer, (b"client-cert", value.encode()))),
        lambda bearer, value: auth.admit(
            "GET", "/orders", [("Authorization", f"Bearer {bearer}"), ("Client-Cert", value)]
        ),
    ):
        allowed = ask(token, told(DER))
        assert status(allowed) == 200
        assert dict(allowed.headers) == {"cache-control": "no-store", "vary": "client-cert"}
        for value in (told(OTHER), "::", ""):
            refusal = ask(token, value)
            assert (refusal.status, refusal.error.reason) == (401, "binding_mismatch")
        # Two lines that a server has joined, a chain, and what nginx writes.
        for value in (f"{told(DER)},{told(DER)}", f"{told(DER)}, {told(OTHER)}", quote(pem(DER), safe="")):
            for bearer in (token, plain):
                refusal = ask(bearer, value)
                assert (refusal.status, refusal.error.code) == (400, "auth.ambiguous_request")
        assert status(ask(plain, "")) == 200


def test_other_formats_are_chosen_by_name(auth_issuer, token):
    base64_der = base64.b64encode(DER).decode()
    for name, value in {
        "escaped-pem": quote(pem(DER), safe=""),
        "traefik": f"{base64_der},{base64_der}",
        "xfcc": f'Hash={hashlib.sha256(DER).hexdigest()};Subject="CN=a,b"',
        "der-base64": base64_der,
    }.items():
        header = {"header": "X-Cert", "format": name}
        auth = guard(auth_issuer, client_certificates=True, client_cert_header=header)
        assert status(auth.admit_wsgi(wsgi(token, x_cert=value))) == 200, name
        assert status(auth.admit_wsgi(wsgi(token, x_cert=told(DER)))) == 400, name
        assert status(auth.admit_wsgi(wsgi(token, client_cert=told(DER)))) == 401, name


def test_the_server_tells_the_certificate_of_its_connection(auth_issuer, token, plain):
    auth = guard(auth_issuer, client_certificates=True)
    assert status(auth.admit_asgi(asgi(token, chain=[pem(DER)]))) == 200
    assert status(auth.admit_asgi(asgi(token, chain=(pem(DER), pem(OTHER))))) == 200
    for chain in ([pem(OTHER)], [pem(OTHER), pem(DER)], [], None, ["no certificate"], [pem(DER) + pem(OTHER)], [b"x"]):
        assert status(auth.admit_asgi(asgi(token, chain=chain))) == 401, chain
        assert status(auth.admit_asgi(asgi(plain, chain=chain))) == 200, chain
    # Where a proxy tells it, the connection is that of the proxy.
    behind = guard(auth_issuer, client_certificates=True, client_cert_header="Client-Cert")
    assert status(behind.admit_asgi(asgi(token, chain=[pem(DER)]))) == 401
    header = (b"client-cert", told(DER).encode())
    assert status(behind.admit_asgi(asgi(token, header, chain=[pem(OTHER)]))) == 200
    # No header is read unless it is named.
    assert status(auth.admit_asgi(asgi(token, header))) == 401


def test_nothing_counts_unless_it_is_switched_on(auth_issuer, token):
    off = guard(auth_issuer)
    assert status(off.admit_asgi(asgi(token, chain=[pem(DER)]))) == 401
    assert status(off.admit_wsgi(wsgi(token, client_cert=told(DER)))) == 401
    with pytest.raises(ConfigError) as caught:
        guard(auth_issuer, client_cert_header="Client-Cert")
    assert [problem.field for problem in caught.value.problems] == ["client_cert_header"]
    own = Issuer(auth_issuer.issuer, AUDIENCE, jwks=auth_issuer.jwks, client_certificates=True)
    of_issuer = RequiresAuth(issuers=[own])
    assert status(of_issuer.admit_asgi(asgi(token, chain=[pem(DER)]))) == 200


def test_the_block_of_the_page_runs():
    page = Path(__file__).parents[2] / "docs" / "client-certificates.md"
    [block] = [rest.split("```")[0] for rest in page.read_text("utf-8").split("```python\n")[1:]]
    found: dict[str, Any] = {}
    exec(block, found)
    assert all(isinstance(found[name], RequiresAuth) for name in ("auth", "behind_caddy", "behind_nginx"))
