"""MCP servers: `protect` guards any server of the `mcp` package, version 1 or 2, or any other that speaks ASGI.

    from mcp.server import MCPServer
    from requires_auth.mcp import protect

    mcp = MCPServer("orders")
    app = protect(
        mcp.streamable_http_app(),
        "https://tenant-id.logto.app/oidc",
        "https://api.example.com/mcp",
        scope="read:orders",
        tools={"create_order": "write:orders", "*": ""},
    )

Serve `app`, for example with `uvicorn server:app`: `mcp.run()` would serve the server without the guard.

Clients that know the URL alone find the authorization server, log in, and come back with a token (RFC 9728). A request
without a token that is meant for this server is answered 401 before any of its body is read; a call of a tool whose
scope the token lacks is 403 with the scopes to ask for; and while the keys of the issuer are out of reach the answer is
503, so that no client forgets its login.

In a tool, `access_token()` is the token of the request. `get_access_token()` and `require_scopes` of the packages `mcp`
and `fastmcp` work as well, but for the text of the token, which is left empty: the server never sees it, and so cannot
pass it on. For servers of `fastmcp`, see `requires_auth.fastmcp`.

`TokenVerifier` fits into `token_verifier=` of the `mcp` package. Prefer `protect`: with a verifier the package answers
by itself, which is 500 while the issuer is down, no scope in any challenge, and a scope per tool is not possible.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from requires_auth import AuthError, Refusal
from requires_auth._mcp_arguments import check_application, described
from requires_auth._mcp_user import caller, calling, known
from requires_auth._rule import Rule
from requires_auth.starlette import ResourceMetadataMiddleware, judge, path_of, refuse, with_headers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Unpack

    from requires_auth import AccessToken
    from requires_auth import RequiresAuth as Guard
    from requires_auth._core import Admission, McpScopes
    from requires_auth._exempt import Exempt
    from requires_auth._mcp_arguments import Needs
    from requires_auth._options import Adapter, McpOptions
    from requires_auth.starlette import App, Message, Receive, Scope, Send

__all__ = ["TokenVerifier", "access_token", "protect"]

_CORS_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "DPoP",
    "MCP-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "Mcp-Session-Id",
    "Last-Event-ID",
)
"""What clients in a browser send."""

_CORS_ANSWER_HEADERS = ("WWW-Authenticate", "DPoP-Nonce", "Mcp-Session-Id", "MCP-Protocol-Version")
"""What clients in a browser have to read."""

_current: ContextVar[AccessToken | None] = ContextVar("requires_auth.mcp.access_token", default=None)


def protect(
    app: App,
    issuer: str | None = None,
    resource: str | None = None,
    *,
    scope: str | Sequence[str] | None = None,
    tools: Needs | None = None,
    prompts: Needs | None = None,
    resources: Needs | None = None,
    max_body: int | None = None,
    cors_origins: Iterable[str] = (),
    exempt: Iterable[str] = (),
    auth: Guard | Adapter | None = None,
    **options: Unpack[McpOptions],
) -> App:
    """Guards an MCP server, and returns the application to serve instead of it.

    Args:
        app: the server as an ASGI application, such as `mcp.streamable_http_app()`. Guard the outermost one: an
            application that is mounted does not see requests for the metadata document.
        issuer: whose tokens to take; without it and `auth`, the environment names it.
        resource: the URL of the server as its clients are given it, byte for byte. Tokens must be for it, unless
            `audience` is given.
        scope: the scopes that every request needs. Clients are told to ask for them at their first login.
        tools: the scopes that a call of a tool needs beside them, by the name of the tool; several are separated by
            spaces. As soon as one tool is named, calls of others are refused, unless `"*"` says what these need; an
            empty string needs nothing more.
        prompts: the same for prompts, by name.
        resources: the same for resources, by URI, or by the beginning of one with `*` behind it.
        max_body: how many bytes a message may have; 4 MiB. A longer one is 413.
        cors_origins: origins whose pages may call the server, such as `https://app.example.com`.
        exempt: paths that stay public, such as `"/health"`; everything below `/static/` is `"/static/*"`.
        auth: a guard of your own instead, which has a resource.
        options: as for `requires_auth.RequiresAuth`.

    Raises:
        ConfigError: the configuration is wrong; all mistakes at once.
        TypeError: both a guard and what describes one are given.
        ImportError: `cors_origins` needs Starlette, which the package `mcp` brings.
    """
    check_application(app)
    found = described(
        issuer,
        resource,
        scope=scope,
        tools=tools,
        prompts=prompts,
        resources=resources,
        max_body=max_body,
        cors_origins=cors_origins,
        exempt=exempt,
        auth=auth,
        options=options,
    )
    return guarded(app, *found)


def guarded(
    app: App,
    guard: Guard,
    needs: McpScopes,
    cors_origins: list[str],
    exempt: Exempt,
    instead: bytes | None = None,
) -> App:
    """As `protect`, of what it is given put in order.

    Args:
        app: the server.
        guard: has a resource.
        needs: what the messages need.
        cors_origins: as for `protect`.
        exempt: as for `protect`.
        instead: what the server is shown as the `Authorization` header; by default it has none.
    """
    served: App = _Guarded(app, guard, needs, exempt, instead)
    # Outermost: pages of every origin have access to the document.
    return ResourceMetadataMiddleware(_for_browsers(served, cors_origins) if cors_origins else served, auth=guard)


def access_token() -> AccessToken | None:
    """The token of the request whose message is being answered; None outside of one."""
    return caller() or _current.get()


class TokenVerifier:
    """Fits into `token_verifier=` of the `mcp` package and into `fastmcp`; see the limits in the module.

    It checks the audience, which these packages do not by default.
    """

    def __init__(self, auth: Guard | Adapter) -> None:
        """Verifies tokens by a guard."""
        self._auth = auth

    async def verify_token(self, token: str) -> Any:
        """The token as the package knows it; None if it is refused.

        Raises:
            IssuerUnavailable: the keys are out of reach. The package answers 500.
        """
        try:
            verified = await self._auth.verify_async(token)
        except AuthError:
            return None
        return known(verified)


class _Guarded:
    """Asks for the token first, and for what the messages need then."""

    def __init__(self, app: App, guard: Guard, needs: McpScopes, exempt: Exempt, instead: bytes | None) -> None:
        self.app = app
        self._guard = guard
        self._needs = needs
        self._rule = Rule(needs.admission)
        # Both of these hold other things as well, and a server may need them.
        self._hidden = {b"authorization", b"dpop", *map(str.encode, guard._token_headers())} - {
            b"cookie",
            b"sec-websocket-protocol",
        }
        self._shown = [] if instead is None else [(b"authorization", instead)]
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            # The messages of a WebSocket, which MCP does not have, would pass unread.
            return await send({"type": "websocket.close", "code": 1008, "reason": "MCP has no WebSockets"})
        if path_of(scope) in self._exempt:
            return await self.app(scope, receive, send)
        outcome = await judge(self._guard, scope, self._rule)
        if isinstance(outcome, Refusal):
            return await refuse(outcome, scope, send)
        if outcome.token is None:
            # A preflight: no token is needed for it, and it has no body.
            return await self._hand_on(outcome, scope, receive, send)
        return await self._judge_messages(outcome, outcome.token, scope, receive, send)

    async def _judge_messages(
        self, outcome: Admission, token: AccessToken, scope: Scope, receive: Receive, send: Send
    ) -> None:
        limit = self._needs.body_limit_asgi(scope)
        body: bytes | None = b""
        if limit is not None:
            try:
                body = await _read(receive, limit)
            except _Gone:
                return None
        refusal = self._needs.check_asgi(self._guard, token, scope, body)
        if refusal is not None:
            return await refuse(refusal, scope, send)
        if limit is not None and body is not None:
            receive = _again(body, receive)
        return await self._hand_on(outcome, scope, receive, send)

    async def _hand_on(self, outcome: Admission, scope: Scope, receive: Receive, send: Send) -> None:
        token = outcome.token
        # The server is never shown the token, so that it cannot pass it on.
        inner = dict(scope)
        inner["headers"] = [pair for pair in scope["headers"] if pair[0].lower() not in self._hidden] + self._shown
        inner["state"] = {**scope.get("state", {}), "access_token": token}
        sending = with_headers(send, outcome.headers) if outcome.headers else send
        current = _current.set(token)
        try:
            with calling(inner, token):
                await self.app(inner, receive, sending)
        finally:
            _current.reset(current)


class _Gone(Exception):
    """The client has hung up."""


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The body of a request; None if it is longer than `limit` bytes, of which no more is read.

    Raises:
        _Gone: the client hangs up before its end.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body to the server, and after it what comes behind it."""
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


def _for_browsers(app: App, origins: list[str]) -> App:
    try:
        from starlette.middleware.cors import CORSMiddleware
    except ImportError as error:
        raise ImportError("cors_origins needs Starlette: pip install starlette") from error

    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=list(_CORS_REQUEST_HEADERS),
        expose_headers=list(_CORS_ANSWER_HEADERS),
    )
