"""WebSockets of Quart: which subprotocols a view may see, and the end of a connection with its token."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from requires_auth._websocket import EXPIRED, REASON, hide_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from requires_auth import RequiresAuth


def hide(guard: RequiresAuth, proxy: Any) -> None:
    """Takes the token out of the subprotocols that a view sees and may choose from."""
    websocket = proxy._get_current_object()
    announcement, hidden = hide_tokens(guard, websocket.scope)
    if not hidden:
        return
    websocket._subprotocols = list(websocket.scope["subprotocols"])
    accept: Callable[..., Any] = websocket._accept

    async def accept_without(headers: Any, subprotocol: str | None) -> None:
        # A browser fails a connection that offers subprotocols and is answered with none.
        chosen = announcement if subprotocol is None or subprotocol in hidden else subprotocol
        await accept(headers, chosen)

    websocket._accept = accept_without


def close_later(proxy: Any, seconds: float) -> None:
    """Closes a WebSocket after so many seconds. Nothing that comes later reaches its view, or leaves it."""
    websocket = proxy._get_current_object()
    receive, send = websocket._receive, websocket._send
    is_over = False
    closing: asyncio.Future[None] | None = None

    async def close() -> None:
        with suppress(Exception):  # it may be closed already, or the client gone
            await websocket.close(EXPIRED, REASON)

    def expire() -> None:
        nonlocal is_over, closing
        is_over = True
        closing = asyncio.ensure_future(close())

    def check() -> None:
        if is_over:
            raise asyncio.CancelledError  # with it Quart ends a view whose client has gone

    async def receive_until_then() -> Any:
        message = await receive()
        check()
        return message

    async def send_until_then(data: Any) -> None:
        check()
        await send(data)

    websocket._receive, websocket._send = receive_until_then, send_until_then
    timer = asyncio.get_running_loop().call_later(seconds, expire)
    task = asyncio.current_task()
    if task is not None:
        task.add_done_callback(lambda _: timer.cancel())
