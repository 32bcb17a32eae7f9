"""Django Channels: a middleware for consumers, of WebSockets and of HTTP.

    # asgi.py
    application = ProtocolTypeRouter({
        "http": get_asgi_application(),
        "websocket": RequiresAuthMiddleware(URLRouter([
            path("live", Live.as_asgi()),
            path("orders/<str:org>", RequiresAuthMiddleware(Orders.as_asgi(), "read:orders")),
        ])),
    })

The token is `scope["access_token"]`. With `REQUIRES_AUTH_USER`, `scope["user"]` is the user of the token. A WebSocket
is refused before its consumer sees it: with the answer of the guard where the server can send one, and else with close
code 1008, which servers turn into 403. It is closed with 1008 when its token ends (`close_on_expiry`). A preflight is
answered without a token, and without running a consumer.

A page cannot give a WebSocket a header: `token_from` names other places. A token in a cookie counts only where the page
may use it (`cookie_origins`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from asgiref.sync import sync_to_async

from requires_auth import AccessDenied, Policy, Refusal
from requires_auth._answers import answer_to
from requires_auth._mistakes import refuse_keywords
from requires_auth._websocket import Guarded, hide_tokens
from requires_auth.django import users
from requires_auth.django.decorator import RequiresAuth, requires_auth
from requires_auth.starlette import judge, refuse, with_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from requires_auth import AccessToken
    from requires_auth.starlette import Receive, Scope, Send

__all__ = ["RequiresAuthMiddleware"]


class RequiresAuthMiddleware:
    """Lets a connection through to a consumer, or to a router with several, only with a valid token."""

    def __init__(
        self,
        inner: Callable[..., Awaitable[None]],
        *scopes: str,
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: Literal["required"] | None = None,
        auth: RequiresAuth = requires_auth,
        **unknown: Any,
    ) -> None:
        """Guards a consumer.

        Args:
            inner: `Consumer.as_asgi()`, a router, or any other ASGI application.
            scopes: the scopes that it needs: all of them.
            any_of: scopes of which it needs one.
            policy: all else that it needs. A rule on a path parameter belongs inside of `URLRouter`, which finds it.
            optional: whether a connection without a token passes; `scope["access_token"]` is None then.
            dpop: `"required"` takes only tokens that come with a proof of the key that they are bound to (DPoP). The
                guard has to take proofs (`dpop="allowed"`). It may stand beside all of the above.
            auth: the guard: the ready instance, which the settings configure, unless there is another.
            unknown: nothing else is taken; the error says what to write.

        Raises:
            TypeError: an argument has the wrong type.
            ConfigError: a scope is not a scope token.
        """
        refuse_keywords(unknown)
        if not callable(inner):
            raise TypeError(f"inner: expected an application, found {type(inner).__name__}: write Consumer.as_asgi()")
        self.inner = inner
        self._auth = auth
        self._rule = auth.rule(scopes, any_of, policy, optional, dpop)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judges a connection; what is neither HTTP nor WebSocket passes, such as the messages of a worker."""
        if scope["type"] not in ("http", "websocket"):
            await self.inner(scope, receive, send)
            return
        scope = dict(scope)
        if self._rule.policy is not None and self._rule.policy.path_parameters:
            scope["path_params"] = scope.get("url_route", {}).get("kwargs", {})
        outcome = await judge(self._auth.guard, scope, self._rule)
        if isinstance(outcome, Refusal):
            await refuse(outcome, scope, send)
            return
        scope["access_token"] = outcome.token
        if outcome.token is not None and users.are_mapped() and not await _log_in(scope, outcome.token):
            await refuse(answer_to(AccessDenied()), scope, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send, outcome.closes_in)
        elif outcome.kind == "preflight":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            added = outcome.headers
            await self.inner(scope, receive, with_headers(send, added) if added else send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, seconds: float | None) -> None:
        announcement, hidden = hide_tokens(self._auth.guard, scope)

        async def app(receive: Receive, send: Send) -> None:
            await self.inner(scope, receive, send)

        await Guarded(receive, send, announcement, hidden).run(app, seconds)


async def _log_in(scope: Scope, token: AccessToken) -> bool:
    """Puts the user of a token into the scope; False if there is none."""
    user = await sync_to_async(users.user_of)(token)
    scope["user"] = user
    return user is not None
