"""A request of aiohttp as a guard sees it, and how it is answered."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web
from multidict import CIMultiDict

from requires_auth import AccessToken, Refusal
from requires_auth._websocket import EXPIRED, REASON

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from requires_auth import MetadataAnswer, RequiresAuth

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ACCESS_TOKEN: web.RequestKey[AccessToken] = web.RequestKey("access_token", AccessToken)
"""Where a guarded handler finds the token: `request[ACCESS_TOKEN]`.

Where it is optional, `request.get(ACCESS_TOKEN)`.
"""

_SCOPE: web.RequestKey[dict[str, Any]] = web.RequestKey("scope", dict)
_REFUSAL: web.RequestKey[Refusal] = web.RequestKey("refusal", Refusal)
_WEBSOCKET: web.RequestKey[web.WebSocketResponse] = web.RequestKey("websocket", web.WebSocketResponse)
_KEPT = ("access-control-", "vary")
"""Headers that others may have added to a refusal for a browser's sake: how their names begin."""


def request_of(args: Iterable[object]) -> web.Request:
    """The request among the arguments of a handler, of a method, or of a method of a `web.View`.

    Raises:
        TypeError: there is none.
    """
    for argument in args:
        if isinstance(argument, web.View):
            return argument.request
        if isinstance(argument, web.Request):
            return argument
    raise TypeError("the guard is a decorator of handlers: none of the arguments is a request of aiohttp")


def scope_of(request: web.Request) -> dict[str, Any]:
    """The request as the scope of an ASGI connection (ASGI 3.0), made once for each request."""
    scope = request.get(_SCOPE)
    # A middleware may have made another request of it (`clone`), which has what the first one knew.
    if scope is None or scope["asked"] != (request.method, request.raw_path):
        target, _, query = request.raw_path.partition("?")
        made: dict[str, Any] = {
            "asked": (request.method, request.raw_path),
            "type": "http",
            "method": request.method,
            "path": request.path,
            "raw_path": _bytes(target),
            "query_string": _bytes(query),
            "headers": request.raw_headers,
        }
        if is_websocket(request):
            made["type"] = "websocket"
            del made["method"]
        scope = request[_SCOPE] = made
    scope["path_params"] = dict(request.match_info)
    return scope


def _bytes(target: str) -> bytes:
    """The bytes of a part of the request's target, which aiohttp reads as UTF-8 and lets no byte get lost."""
    return target.encode("utf-8", "surrogateescape")


def is_websocket(request: web.Request) -> bool:
    """Whether this may become a WebSocket (RFC 6455 4.1)."""
    offered = ",".join(request.headers.getall("Upgrade", ()))
    return request.method == "GET" and "websocket" in offered.lower()


def answers_preflight(request: web.Request, args: Iterable[object]) -> bool:
    """Whether a preflight, which shows no token, may run the handler: only what is there for `OPTIONS`."""
    if request.method != "OPTIONS":
        return False
    if any(isinstance(argument, web.View) for argument in args):
        return True  # the guard stands above `options` itself: no other method is run
    match = request.match_info
    handler = match.handler
    has_own = isinstance(handler, type) and issubclass(handler, web.View) and hasattr(handler, "options")
    return match.http_exception is not None or match.route.method == "OPTIONS" or has_own


def refused(request: web.Request, refusal: Refusal) -> web.Response:
    """The answer to a refused request, which `keeping_refusals` finds again."""
    request[_REFUSAL] = refusal
    return response_to(refusal)


def response_to(answer: Refusal | MetadataAnswer) -> web.Response:
    """An answer of the guard as a response of aiohttp."""
    return web.Response(status=answer.status, headers=CIMultiDict(answer.headers), body=answer.body)


async def adding_headers(
    request: web.Request, added: Iterable[tuple[str, str]], run: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The answer of a handler, with headers where it has none of the name, also if it is raised."""
    try:
        response = await run()
    except web.HTTPException as raised:
        _add(raised, added)
        raise
    _add(response, added)
    return response


def _add(response: web.StreamResponse, added: Iterable[tuple[str, str]]) -> None:
    if isinstance(cast("object", response), web.StreamResponse):  # a handler may return anything
        for name, value in added:
            response.headers.setdefault(name, value)


def keeping_refusals(guard: Callable[[], RequiresAuth]) -> Any:
    """A middleware that serves the metadata document, and puts a refusal back if something made another answer of it.

    The headers of CORS stay.
    """

    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        own = guard()
        if own.resource is not None:
            document = own.metadata_asgi({**scope_of(request), "type": "http", "method": request.method})
            if document is not None:
                return response_to(document)
        response: web.StreamResponse | None = None
        try:
            response = await handler(request)
        except web.HTTPException as raised:
            if _REFUSAL not in request:
                raise
            response = raised
        except Exception:
            if _REFUSAL not in request:
                raise
        refusal = request.get(_REFUSAL)
        if refusal is None or (response is not None and response.prepared):
            return cast("web.StreamResponse", response)
        kept = response_to(refusal)
        for name, value in () if response is None else response.headers.items():
            if name.lower().startswith(_KEPT):
                kept.headers[name] = value
        return kept

    return middleware


async def remember_websocket(request: web.Request, response: web.StreamResponse) -> None:
    """Remembers the WebSocket that a request has become. It is a signal of the application."""
    if isinstance(response, web.WebSocketResponse):
        request[_WEBSOCKET] = response


class Expiry:
    """The end of a WebSocket with its token."""

    def __init__(self, request: web.Request, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Ends the connection after so many seconds."""
        self._request = request
        self._closing: asyncio.Task[None] | None = None
        self._timer = loop.call_later(seconds, self._expire)

    async def stop(self) -> None:
        """Ends nothing any more: the handler has returned."""
        self._timer.cancel()
        if self._closing is not None:
            await self._closing

    def _expire(self) -> None:
        self._closing = asyncio.ensure_future(self._close())

    async def _close(self) -> None:
        socket = self._request.get(_WEBSOCKET)
        if socket is not None:
            with suppress(Exception):  # it may be closed already, or the client gone
                await socket.close(code=EXPIRED, message=REASON.encode())
        elif self._request.transport is not None:
            self._request.transport.close()
