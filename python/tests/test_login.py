"""Logins at the development issuer, as MCP clients do them, over HTTP on loopback and without a browser."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from requires_auth import AuthError, RequiresAuth
from requires_auth.testing import LoginClient, LoginError, TestIssuer, Tokens

if TYPE_CHECKING:
    from collections.abc import Generator

pytest_plugins = ["requires_auth.testing"]

RESOURCE = "https://api.example.com/mcp"


def test_a_login_gives_a_token_for_the_resource(auth_server: TestIssuer) -> None:
    client = auth_server.login_client(RESOURCE, sub="bob")
    tokens = client.log_in("read:orders openid")
    token = RequiresAuth(auth_server.issuer, RESOURCE, jwks=auth_server.jwks).verify(tokens.access_token)
    assert (token.sub, token.client_id, tokens.scope) == ("bob", client.client_id, "read:orders openid")
    assert token.has_scope("read:orders")
    assert tokens.headers == {"Authorization": f"Bearer {tokens.access_token}"}
    # Another API refuses it, and every API refuses the ID token.
    for text, audience in [(tokens.access_token, "https://api.example.com"), (tokens.id_token or "", RESOURCE)]:
        with pytest.raises(AuthError):
            RequiresAuth(auth_server.issuer, audience, jwks=auth_server.jwks).verify(text)


def test_without_a_resource_it_is_for_the_audience_of_the_issuer(auth_server: TestIssuer) -> None:
    tokens = auth_server.login_client().log_in()
    assert auth_server.guard().verify(tokens.access_token).sub == "alice"
    assert (tokens.scope, tokens.id_token) == ("", None)


def test_a_refresh_token_counts_once(auth_server: TestIssuer) -> None:
    client = auth_server.login_client(RESOURCE)
    assert client.log_in("read:orders").refresh_token is None
    first = client.log_in("read:orders offline_access")
    second = client.refresh()
    assert second.scope == "read:orders offline_access"
    assert first.refresh_token != second.refresh_token
    client.tokens = first
    with pytest.raises(LoginError) as refused:
        client.refresh()
    assert refused.value.error == "invalid_grant"
    client.tokens = second
    with pytest.raises(LoginError):
        client.refresh()


def test_a_step_up_keeps_what_was_granted(auth_server: TestIssuer) -> None:
    client = auth_server.login_client(RESOURCE)
    client.log_in("read:orders")
    challenge = 'Bearer error="insufficient_scope", scope="write:orders", resource_metadata="https://api.example.com/x"'
    assert client.step_up(challenge).scope == "read:orders write:orders"
    for useless in [challenge, 'Bearer error="invalid_token"', 'Basic scope="more"', ""]:
        with pytest.raises(LoginError, match="no scope"):
            client.step_up(useless)


def test_what_the_issuer_refuses(auth_server: TestIssuer) -> None:
    with pytest.raises(LoginError) as refused:
        LoginClient(auth_server.issuer, "not absolute").log_in()
    assert refused.value.error == "invalid_target"
    with pytest.raises(LoginError) as refused:
        LoginClient(auth_server.issuer, RESOURCE, redirect_uri="http://app.example/callback").log_in()
    assert refused.value.error == "invalid_redirect_uri"
    with pytest.raises(LoginError, match="another issuer"):
        LoginClient(f"{auth_server.issuer}/", RESOURCE).log_in()
    with pytest.raises(LoginError, match="404"):
        LoginClient(f"{auth_server.issuer}/other", RESOURCE).log_in()
    with pytest.raises(LoginError, match="log in first"):
        LoginClient(auth_server.issuer).refresh()
    with pytest.raises(LoginError, match="neither"):
        LoginClient("file://localhost/etc").log_in()


def test_nobody_logs_in_at_an_issuer_that_does_not_serve() -> None:
    issuer = TestIssuer()
    with pytest.raises(ValueError, match="serve"):
        issuer.login_client()


def test_nothing_shows_a_token() -> None:
    assert "secret" not in repr(Tokens("secret", "read:orders", 60, "secret", "secret"))


@contextmanager
def server(answers: dict[str, tuple[int, dict[str, str], Any]]) -> Generator[str]:
    """A server that answers each path with a status, headers and JSON; `{origin}` in them is its own."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = answers.get(self.path.split("?")[0], (404, {}, {}))
            text = json.dumps(body).replace("{origin}", origin).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value.replace("{origin}", origin))
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = answer  # noqa: N815 - the names are those of http.server

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as http.server has it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        origin = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield origin
        finally:
            listening.shutdown()
            thread.join()


def mcp_server(issuer: str, **document: Any) -> dict[str, tuple[int, dict[str, str], Any]]:
    pointer = '{origin}/.well-known/oauth-protected-resource/mcp"'
    challenge = f'Bearer scope="read:orders", resource_metadata="{pointer}'
    document = {"resource": "{origin}/mcp", "authorization_servers": [issuer], **document}
    return {
        "/mcp": (401, {"WWW-Authenticate": challenge}, {}),
        "/.well-known/oauth-protected-resource/mcp": (200, {"Content-Type": "application/json"}, document),
    }


def test_a_client_follows_the_pointer_of_a_server(auth_server: TestIssuer) -> None:
    with server(mcp_server(auth_server.issuer)) as origin:
        client = LoginClient.discover(f"{origin}/mcp")
        assert (client.resource, client.tokens and client.tokens.scope) == (f"{origin}/mcp", "read:orders")
        with pytest.raises(LoginError, match="404"):
            LoginClient.discover(f"{origin}/nothing")
    with (
        server(mcp_server(auth_server.issuer, resource="{origin}")) as origin,
        pytest.raises(LoginError, match="not that"),
    ):
        LoginClient.discover(f"{origin}/mcp")
    with server(mcp_server(auth_server.issuer, authorization_servers=[])) as origin, pytest.raises(LoginError):
        LoginClient.discover(f"{origin}/mcp")


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"code_challenge_methods_supported": ["plain"]}, "S256"),
        ({"code_challenge_methods_supported": None}, "S256"),
        ({"issuer": "https://other.example"}, "another issuer"),
        ({"authorization_endpoint": None}, "no authorization_endpoint"),
        ({"registration_endpoint": None}, "no registration_endpoint"),
        ({"authorization_endpoint": "{origin}/form"}, "answers 200"),
        ({"authorization_endpoint": "{origin}/elsewhere"}, "answers 302"),
        ({"authorization_endpoint": "{origin}/forged"}, "RFC 9207"),
    ],
)
def test_a_client_refuses_what_a_server_must_not_answer(changes: dict[str, Any], wrong: str) -> None:
    metadata: dict[str, Any] = {
        "issuer": "{origin}",
        "authorization_endpoint": "{origin}/authorize",
        "token_endpoint": "{origin}/token",
        "registration_endpoint": "{origin}/register",
        "code_challenge_methods_supported": ["S256"],
        **changes,
    }
    answers: dict[str, tuple[int, dict[str, str], Any]] = {
        "/.well-known/oauth-authorization-server": (200, {}, metadata),
        "/register": (201, {}, {"client_id": "a"}),
        "/form": (200, {}, {}),
        "/elsewhere": (302, {"Location": "https://other.example/"}, {}),
        "/forged": (302, {"Location": "http://127.0.0.1/callback?code=a&state=b"}, {}),
    }
    with server(answers) as origin, pytest.raises(LoginError, match=wrong):
        LoginClient(origin).log_in()
