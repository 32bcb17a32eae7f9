"""A login as an MCP client does it, without a browser: `requires_auth.testing` hands it out.

It reads the metadata of the authorization server, registers itself (RFC 7591), follows the authorization code grant
with PKCE (RFC 7636), `resource` (RFC 8707) and `iss` (RFC 9207), and refreshes. It is for an issuer that asks nobody,
such as `TestIssuer.serve()`: where a page with a form comes, it gives up.
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from email.message import Message
from hashlib import sha256
from typing import Any, cast
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

__all__ = ["LoginClient", "LoginError", "Tokens"]

_TIMEOUT = 10.0
"""How long an answer may take, in seconds."""

_MAX_BYTES = 1 << 20
"""How much of an answer is read."""

_PARAMETER = re.compile(r'\b([a-z_]+)="([^"\\]*)"')
"""A parameter of a challenge, as this package and most servers write it."""


class LoginError(Exception):
    """A login that came to nothing.

    Attributes:
        error: the OAuth error code, such as `invalid_scope`, or None where an answer did not fit.
    """

    def __init__(self, message: str, error: str | None = None) -> None:
        """Says what did not work."""
        super().__init__(message)
        self.error = error


@dataclass(frozen=True)
class Tokens:
    """What a login gives. `repr` shows no token."""

    access_token: str = field(repr=False)
    scope: str
    """What was granted, separated by spaces."""
    expires_in: int
    """Seconds."""
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    """For the client, if `openid` was granted; an API refuses it."""

    @property
    def headers(self) -> dict[str, str]:
        """The header of a request to the API."""
        return {"Authorization": f"Bearer {self.access_token}"}


class LoginClient:
    """A client that registers itself at an issuer, and logs in for one API."""

    def __init__(
        self,
        issuer: str,
        resource: str | None = None,
        *,
        sub: str = "alice",
        redirect_uri: str = "http://127.0.0.1/callback",
    ) -> None:
        """Makes a client; nothing is asked before the first login.

        Args:
            issuer: the URL of the authorization server.
            resource: the API that tokens are for; without it, what the issuer makes them for.
            sub: who logs in.
            redirect_uri: where a browser would be sent; nothing has to listen there.
        """
        self.issuer = issuer
        self.resource = resource
        self.sub = sub
        self.redirect_uri = redirect_uri
        self.client_id: str | None = None
        """The id that the issuer has registered it by, after the first login."""
        self.tokens: Tokens | None = None
        """What the last login or refresh gave."""
        self._metadata: dict[str, Any] = {}

    @classmethod
    def discover(cls, url: str, *, sub: str = "alice") -> LoginClient:
        """Finds the authorization server of an MCP server at a URL, and logs in for the scopes that it asks for.

        Raises:
            LoginError: the server does not answer 401 with a pointer, or its document does not fit (RFC 9728 §3.3).
        """
        status, headers, _ = _request(url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
        challenge = _challenge(headers.get("WWW-Authenticate") or "")
        if status != 401 or "resource_metadata" not in challenge:
            raise LoginError(f"{url} answers {status}, and not 401 with resource_metadata in WWW-Authenticate")
        document = _document(challenge["resource_metadata"])
        issuers: list[str] = document.get("authorization_servers") or []
        if document.get("resource") != url or not issuers:
            raise LoginError(f"the document at {challenge['resource_metadata']} is not that of {url}")
        client = cls(issuers[0], url, sub=sub)
        client.log_in(challenge.get("scope", ""))
        return client

    def log_in(self, scope: str = "") -> Tokens:
        """Logs in for these scopes, separated by spaces. A refresh token comes with `offline_access`.

        Raises:
            LoginError: the issuer refuses, or answers what a client must not accept.
        """
        authorization_endpoint = self._endpoint("authorization")
        client_id = self._registered()
        verifier = secrets.token_urlsafe(48)
        state = secrets.token_urlsafe(16)
        question = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "state": state,
            "login_hint": self.sub,
            "scope": scope,
            "resource": self.resource or "",
        }
        query = urlencode({name: value for name, value in question.items() if value})
        status, headers, body = _request(f"{authorization_endpoint}?{query}")
        location = headers.get("Location") or ""
        if status not in {302, 303} or not location.startswith(f"{self.redirect_uri}?"):
            raise LoginError(f"the authorization endpoint answers {status}: {body.decode(errors='replace')[:200]}")
        answer = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        if answer.get("state") != state or answer.get("iss", self.issuer) != self.issuer:
            raise LoginError("state or iss of the answer is not that of this login (RFC 9207)")
        if "code" not in answer:
            raise _refusal(answer)
        return self._redeem(
            grant_type="authorization_code",
            code=answer["code"],
            code_verifier=verifier,
            redirect_uri=self.redirect_uri,
        )

    def step_up(self, challenge: str) -> Tokens:
        """Logs in again for what a 401 or 403 asks for in `WWW-Authenticate`, and for what it has already.

        Raises:
            LoginError: the challenge names no scope that is missing, or the login is refused.
        """
        granted = self.tokens.scope.split() if self.tokens else []
        wanted = _challenge(challenge).get("scope", "").split()
        if set(wanted) <= set(granted):
            raise LoginError("the challenge names no scope that is missing")
        return self.log_in(" ".join(dict.fromkeys([*granted, *wanted])))

    def refresh(self) -> Tokens:
        """Changes the refresh token of the last login for new tokens.

        Raises:
            LoginError: there is none, or the issuer refuses it.
        """
        if self.tokens is None or self.tokens.refresh_token is None:
            raise LoginError("there is no refresh token: log in first")
        return self._redeem(grant_type="refresh_token", refresh_token=self.tokens.refresh_token)

    def _discovered(self) -> dict[str, Any]:
        """The metadata of the issuer, which has to name itself and S256 (RFC 8414 §3.3)."""
        if not self._metadata:
            parts = urlsplit(self.issuer)
            path = parts.path.rstrip("/")
            metadata = _document(f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}")
            if metadata.get("issuer") != self.issuer:
                raise LoginError(f"the metadata of {self.issuer} are those of another issuer")
            if "S256" not in (metadata.get("code_challenge_methods_supported") or []):
                raise LoginError(f"the metadata of {self.issuer} do not offer PKCE with S256")
            self._metadata = metadata
        return self._metadata

    def _endpoint(self, name: str) -> str:
        endpoint = self._discovered().get(f"{name}_endpoint")
        if not isinstance(endpoint, str):
            raise LoginError(f"the metadata of {self.issuer} name no {name}_endpoint")
        return endpoint

    def _registered(self) -> str:
        if self.client_id is None:
            wanted = {
                "client_name": "requires_auth.testing",
                "redirect_uris": [self.redirect_uri],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "application_type": "native",
            }
            status, _, body = _request(self._endpoint("registration"), json=wanted)
            answer = _object(body)
            if status != 201 or not isinstance(answer.get("client_id"), str):
                raise _refusal(answer)
            self.client_id = str(answer["client_id"])
        return self.client_id

    def _redeem(self, **form: str) -> Tokens:
        form["client_id"] = self.client_id or ""
        if self.resource:
            form["resource"] = self.resource
        status, _, body = _request(self._endpoint("token"), form=form)
        answer = _object(body)
        if status != 200 or not isinstance(answer.get("access_token"), str):
            raise _refusal(answer)
        self.tokens = Tokens(
            access_token=answer["access_token"],
            scope=str(answer.get("scope", "")),
            expires_in=int(answer.get("expires_in", 0)),
            refresh_token=answer.get("refresh_token"),
            id_token=answer.get("id_token"),
        )
        return self.tokens


class _NoRedirects(HTTPRedirectHandler):
    """Hands out a redirect instead of following it."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


_HTTP = build_opener(ProxyHandler({}), _NoRedirects)


def _request(
    url: str, *, form: dict[str, str] | None = None, json: dict[str, Any] | None = None
) -> tuple[int, Message, bytes]:
    """Status, headers and body of one answer, whatever its status."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise LoginError("a URL that is neither http nor https")
    request = Request(url, headers={"Accept": "application/json, text/event-stream"})
    if form is not None:
        request.data = urlencode(form).encode()
    elif json is not None:
        request.data = _encoded(json)
        request.add_header("Content-Type", "application/json")
    try:
        with _HTTP.open(request, timeout=_TIMEOUT) as response:
            return response.status, response.headers, response.read(_MAX_BYTES)
    except HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read(_MAX_BYTES)


def _encoded(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def _document(url: str) -> dict[str, Any]:
    status, _, body = _request(url)
    if status != 200:
        raise LoginError(f"{url} answers {status}")
    return _object(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value: Any = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise LoginError("an answer that is not a JSON object")
    return cast("dict[str, Any]", value)


def _challenge(header: str) -> dict[str, str]:
    """The parameters of a Bearer challenge."""
    scheme, _, parameters = header.partition(" ")
    return dict(_PARAMETER.findall(parameters)) if scheme.lower() == "bearer" else {}


def _refusal(answer: dict[str, Any]) -> LoginError:
    error, description = answer.get("error"), answer.get("error_description")
    return LoginError(f"the issuer refuses: {error}: {description}", error if isinstance(error, str) else None)
