"""WebSockets: which subprotocols an application may see, and the end of a connection with its token."""

from __future__ import annotations

import asyncio
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from requires_auth import RequiresAuth

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

EXPIRED = 1008
"""The close code (RFC 6455 7.4.1, policy violation)."""

REASON = "the token has expired"
_DISCONNECT = {"type": "websocket.disconnect", "code": EXPIRED, "reason": REASON}


def hide_tokens(guard: RequiresAuth, scope: Scope) -> tuple[str | None, set[str]]:
    """Takes the token out of `scope["subprotocols"]`: a server repeats the one that it chooses in its answer.

    Returns what announces the token, which may be chosen, None if nothing does; and what was taken out.
    """
    offered: list[str] = list(scope.get("subprotocols") or ())
    if not offered:
        return None, set()
    rest, announcement = guard._protocols_without_token(offered)
    scope["subprotocols"] = rest
    return announcement, set(offered) - set(rest)


class Guarded:
    """What an ASGI application does with a WebSocket: its `receive` and `send`, until the token ends."""

    def __init__(self, receive: Receive, send: Send, announcement: str | None, hidden: set[str]) -> None:
        self._receive = receive
        self._send = send
        self._announcement = announcement
        self._hidden = hidden
        self._is_over = False
        self._sending = asyncio.Lock()
        self._closing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def judged(self, announcement: str | None, hidden: set[str], seconds: float | None) -> None:
        """Says what is known once the connection has been judged: see `hide_tokens`, and when it is closed."""
        self._announcement = announcement or self._announcement
        self._hidden = self._hidden | hidden
        if seconds is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    async def run(self, app: Callable[[Receive, Send], Awaitable[None]], seconds: float | None) -> None:
        """Runs the application, and closes the connection after so many seconds."""
        self.judged(None, set(), seconds)
        try:
            await app(self.receive, self.send)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if self._closing is not None:
                await self._closing

    async def receive(self) -> Message:
        """What the client says. Nothing that comes later than the token's end."""
        message = await self._receive()
        return dict(_DISCONNECT) if self._is_over and message["type"] == "websocket.receive" else message

    async def send(self, message: Message) -> None:
        """Hands a message of the application on."""
        if message["type"] == "websocket.accept":
            chosen = message.get("subprotocol")
            # A browser fails a connection that offers subprotocols and is answered with none.
            if chosen is None or chosen in self._hidden:
                message = {**message, "subprotocol": self._announcement}
        async with self._sending:
            if not self._is_over:
                await self._send(message)
                if message["type"] == "websocket.close":
                    self._is_over = True

    def _expire(self) -> None:
        self._closing = asyncio.ensure_future(self._close())

    async def _close(self) -> None:
        async with self._sending:
            if self._is_over:
                return
            self._is_over = True
            with suppress(Exception):  # the connection may be gone
                await self._send({"type": "websocket.close", "code": EXPIRED, "reason": REASON})


def close_later(connection: Any, seconds: float) -> None:
    """Closes a `WebSocket` of Starlette after so many seconds, unless it has ended before."""
    # Nothing that the timer holds may hold the connection, which would stay in memory as long as its token.
    kept = weakref.ref(connection)
    receive: Callable[[Any], Awaitable[Message]] = cast("Any", type(connection)).receive
    is_over = False
    closing: asyncio.Future[None] | None = None

    async def close() -> None:
        own = kept()
        if own is not None:
            with suppress(Exception):  # it may be closed already, or the client gone
                await own.close(EXPIRED, REASON)

    def expire() -> None:
        nonlocal is_over, closing
        is_over = True
        closing = asyncio.ensure_future(close())

    async def receive_until_then() -> Message:
        message: Message = await receive(kept())
        return dict(_DISCONNECT) if is_over and message["type"] == "websocket.receive" else message

    connection.receive = receive_until_then
    timer = asyncio.get_running_loop().call_later(seconds, expire)
    weakref.finalize(connection, timer.cancel).atexit = False
