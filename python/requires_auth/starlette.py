"""Starlette, and every other ASGI application: a middleware that guards the whole of it.

    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from requires_auth.starlette import RequiresAuthMiddleware

    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(
                RequiresAuthMiddleware,
                "https://tenant-id.logto.app/oidc",
                "https://api.example.com",
                exempt=["/health", "/static/*"],
            )
        ],
    )

The token is `request.state.access_token` behind it. WebSockets are judged by the headers of their handshake, and closed
with code 1008 when their token ends (`close_on_expiry`).

Put `CORSMiddleware` outside of it, so that a browser can read a refusal: before it in the list above, and with
`app.add_middleware`, which puts the last one outside, after it:

    app.add_middleware(RequiresAuthMiddleware, issuer, audience)
    app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"], allow_headers=["Authorization"])

In the other order a warning says so when the application starts. Preflights pass without a token in either order.
Behind a guard that has no CORS middleware around it they reach the application: a handler that answers `OPTIONS` must
not do what needs a token.

A guard with a `resource` has a metadata document (RFC 9728). This middleware serves it, whatever is exempt; put it
around the outermost application, since one that is mounted sees only requests below its prefix. Where the guard is a
dependency of FastAPI, `ResourceMetadataMiddleware` serves the document alone.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any

from requires_auth import Policy, Refusal
from requires_auth import RequiresAuth as Guard
from requires_auth._answers import Answer
from requires_auth._exempt import Exempt
from requires_auth._keywords import one_text, refuse_options
from requires_auth._mistakes import NoDependency
from requires_auth._mounted import Mounted
from requires_auth._options import Adapter, GuardOptions
from requires_auth._rule import Rule, before_routing
from requires_auth._websocket import Guarded, hide_tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping

    from typing_extensions import Unpack

    from requires_auth import Admission
    from requires_auth._issuer import Audience

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["RequiresAuthMiddleware", "ResourceMetadataMiddleware"]


class RequiresAuthMiddleware:
    """Lets a request or WebSocket through to the application only with a valid token.

    The module imports no framework: any ASGI application can be behind it.
    """

    def __init__(
        self,
        app: App,
        issuer: str | None = None,
        audience: Audience | None = None,
        *,
        auth: Guard | Adapter | None = None,
        scope: str | None = None,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        exempt: Iterable[str] = (),
        **options: Unpack[GuardOptions],
    ) -> None:
        """Guards an application.

        Args:
            app: the application.
            issuer: whose tokens to take; without it and `auth`, the environment names it.
            audience: for which API they must be.
            auth: a guard of your own instead, to share its keys.
            scope: the scopes that every request needs, separated by spaces.
            any_of: scopes of which every request needs one.
            policy: all else that it needs.
            optional: whether requests without a token pass; `request.state.access_token` is None then.
            exempt: paths that stay public, as the application sees them: `"/health"` is this path alone,
                `"/static/*"` is everything below `/static/`.
            options: as for `requires_auth.RequiresAuth`.

        Raises:
            ConfigError: the configuration is wrong; all mistakes at once.
            TypeError: both a guard and what describes one are given, or an argument has the wrong type.
        """
        refuse_options(options, type(self).__init__, GuardOptions.__annotations__)
        if scope is not None:
            one_text("scope", scope)
        if auth is not None and (issuer is not None or audience is not None or options):
            raise TypeError("give a guard, or what describes one, but not both")
        if auth is not None and not is_guard(auth):
            raise TypeError(f"auth: expected a guard, found {auth!r}: write auth=RequiresAuth(issuer, audience)")
        _warn_of_cors_inside(app)
        self.app = app
        self._adapter = auth if isinstance(auth, Adapter) else Adapter(issuer, audience, **options)
        self._own = auth if isinstance(auth, Guard) else None
        self._rule = before_routing(Rule.of(() if scope is None else (scope,), any_of, policy, optional))
        if self._rule.policy is not None:
            if self._own is not None:
                self._own.know_scopes_of(self._rule.policy)
            else:
                self._adapter.rule(policy=self._rule.policy)
        self._exempt = Exempt("exempt", exempt)
        self._has_document = _serves_document(self._own or self._adapter)
        self._mounted = Mounted()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judges a connection; what is neither HTTP nor WebSocket passes."""
        if self._has_document and await answer_metadata(self._own or self._adapter.guard, scope, send, self._mounted):
            return None
        if scope["type"] not in ("http", "websocket") or path_of(scope) in self._exempt:
            return await self.app(scope, receive, send)
        guard = self._own or self._adapter.guard
        outcome = await judge(guard, scope, self._rule)
        if isinstance(outcome, Refusal):
            return await refuse(outcome, scope, send)
        scope.setdefault("state", {})["access_token"] = outcome.token
        if scope["type"] == "websocket":
            return await self._websocket(guard, scope, receive, send, outcome.closes_in)
        added = outcome.headers
        return await self.app(scope, receive, with_headers(send, added) if added else send)

    async def _websocket(self, guard: Guard, scope: Scope, receive: Receive, send: Send, seconds: float | None) -> None:
        announcement, hidden = hide_tokens(guard, scope)

        async def app(receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

        await Guarded(receive, send, announcement, hidden).run(app, seconds)

    if not TYPE_CHECKING:
        __signature__ = NoDependency(
            "RequiresAuthMiddleware is not a dependency: write app.add_middleware(RequiresAuthMiddleware, issuer, "
            "audience), or Depends(auth) with a guard of requires_auth.fastapi"
        )


class ResourceMetadataMiddleware:
    """Serves the metadata document of the resource of a guard (RFC 9728), and hands every other request on.

    It is for applications that guard their routes one by one, such as those of FastAPI: put it around the outermost
    one.
    """

    def __init__(self, app: App, *, auth: Guard | Adapter) -> None:
        """Serves a document.

        Args:
            app: the application.
            auth: the guard, or the adapter that has it.

        Raises:
            TypeError: it is not a guard.
        """
        if not is_guard(auth):
            raise TypeError(f"auth: expected a guard, found {auth!r}: write auth=RequiresAuth(issuer, resource=..)")
        self.app = app
        self._auth = auth
        self._has_document = _serves_document(auth)
        self._mounted = Mounted()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request for the document."""
        if self._has_document:
            guard = self._auth.guard if isinstance(self._auth, Adapter) else self._auth
            if await answer_metadata(guard, scope, send, self._mounted):
                return
        await self.app(scope, receive, send)


async def answer_metadata(guard: Guard, scope: Scope, send: Send, mounted: Mounted) -> bool:
    """Answers a request for the metadata document of the guard's resource; False for any other request."""
    if scope["type"] != "http":
        return False
    if not mounted.is_known:
        mounted.look(guard, scope)
    answer = guard.metadata_asgi(scope)
    if answer is None:
        return False
    await _send_answer(answer.status, answer.headers, answer.body, "http", send)
    return True


def _serves_document(auth: Guard | Adapter) -> bool:
    """Whether a middleware has a document to serve. It tells an adapter so."""
    if isinstance(auth, Guard):
        return auth.resource is not None
    auth.serve_metadata()
    return auth.has_resource()


def with_headers(send: Send, added: Collection[tuple[str, str]]) -> Send:
    """Adds headers to the answer of the application, where that has none of the name.

    They are read when the answer begins.
    """

    async def answer(message: Message) -> None:
        if added and message["type"] == "http.response.start":
            headers: list[tuple[bytes, bytes]] = list(message.get("headers") or ())
            own = {bytes(name).lower() for name, _ in headers}
            pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in added]
            message = {**message, "headers": [*headers, *(pair for pair in pairs if pair[0] not in own)]}
        await send(message)

    return answer


def is_guard(auth: object) -> bool:
    """Whether this is a guard, or an adapter that has one."""
    return isinstance(auth, (Guard, Adapter))


def _warn_of_cors_inside(app: Any) -> None:
    """Warns if a CORS middleware is further in than the guard: it does not see what the guard answers."""
    inner = app
    while inner is not None:
        added: list[Any] = [entry.cls for entry in getattr(inner, "user_middleware", ())]
        if _is_cors(type(inner)) or any(map(_is_cors, added)):
            message = (
                "RequiresAuthMiddleware is outside of CORSMiddleware, so no browser can read a refusal: with "
                "add_middleware, add CORSMiddleware last; in a list of middleware, write it first"
            )
            warnings.warn(message, RuntimeWarning, stacklevel=4)
            return
        inner = getattr(inner, "app", None)


def _is_cors(cls: Any) -> bool:
    return any(base.__name__ == "CORSMiddleware" for base in getattr(cls, "__mro__", ()))


def path_of(scope: Scope) -> str:
    """The path of a connection, as the application sees it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


async def judge(guard: Guard, scope: Scope, rule: Rule) -> Admission | Refusal:
    """Judges a connection. It suspends only if keys have to be fetched."""
    outcome = guard.admit_asgi(scope, rule.policy, rule.optional, wait=False)
    if outcome is None:
        outcome = await asyncio.to_thread(guard.admit_asgi, scope, rule.policy, rule.optional)
    return outcome


async def refuse(refusal: Answer, scope: Scope, send: Send) -> None:
    """Sends the answer to a refused connection.

    A server that cannot answer a WebSocket's handshake with more than a status says 403 for all refusals.
    """
    kind = scope["type"]
    if kind == "websocket":
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.error.code})
            return
        kind = "websocket.http"
    headers = [*refusal.headers, ("content-length", str(len(refusal.body)))]
    body = b"" if scope.get("method") == "HEAD" else refusal.body
    await _send_answer(refusal.status, headers, body, kind, send)


async def _send_answer(status: int, headers: Iterable[tuple[str, str]], body: bytes, kind: str, send: Send) -> None:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": f"{kind}.response.start", "status": status, "headers": encoded})
    await send({"type": f"{kind}.response.body", "body": body})
