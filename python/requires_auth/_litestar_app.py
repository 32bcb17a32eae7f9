"""What the guard for Litestar does as a plugin: how refused requests are answered, and what the document says."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme

from requires_auth._openapi import description, discovery_url, refusals
from requires_auth._websocket import Guarded
from requires_auth.starlette import refuse, with_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from litestar.config.app import AppConfig

    from requires_auth import AccessToken, Refusal
    from requires_auth.litestar import RequiresAuth

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

ADDED = "requires_auth.litestar"
"""Where the scope of a connection has what the guards on its way say."""

_KEPT = (b"access-control-", b"vary")
"""Headers that others may have added to a refusal for a browser's sake: how their names begin."""


class Preflight(HTTPException):
    """Ends a preflight that must not run a handler, as it shows no token. The answer is replaced."""

    status_code = 400


def refused(refusal: Refusal) -> HTTPException:
    """The exception for a refusal. What handlers of exceptions make of it is replaced by the guard's answer."""
    return HTTPException(refusal.error.message, status_code=refusal.status, headers=dict(refusal.headers))


class Kept:
    """What the guards on the way of one connection say, until its answer begins."""

    def __init__(self) -> None:
        """Says nothing."""
        self.refusal: Refusal | None = None
        self.is_preflight = False
        self.is_admitted = False
        self.token: AccessToken | None = None
        self.headers: list[tuple[str, str]] = []
        self._socket: Guarded | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @staticmethod
    def middleware(app: App) -> App:
        """Sends the answers of guards, and adds their headers to all others."""

        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] not in ("http", "websocket") or isinstance(scope.get(ADDED), Kept):
                await app(scope, receive, send)
                return
            state = scope[ADDED] = Kept()
            if scope["type"] == "http":
                await app(scope, receive, state._answering(scope, send))
            else:
                await state._run_websocket(app, scope, receive, send)

        return middleware

    def guard_websocket(self, announcement: str | None, hidden: set[str], seconds: float | None) -> None:
        """Keeps the token of a WebSocket from its handler, and closes it after so many seconds."""
        if self._socket is None or self._loop is None:
            return
        if asyncio.get_running_loop() is self._loop:
            self._socket.judged(announcement, hidden, seconds)
        else:
            # Before Python 3.12 Litestar runs a bare guard in a thread, whose loop ends with it.
            self._loop.call_soon_threadsafe(self._socket.judged, announcement, hidden, seconds)

    def _answering(self, scope: Scope, send: Send) -> Send:
        with_own = with_headers(send, self.headers)
        is_answered = False

        async def answer(message: Message) -> None:
            nonlocal is_answered
            if self.refusal is None and not self.is_preflight:
                await with_own(message)
            elif not is_answered:
                is_answered = True
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower().startswith(_KEPT)]
                pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in kept]
                await self._refuse(scope, with_headers(send, pairs))

        return answer

    async def _refuse(self, scope: Scope, send: Send) -> None:
        if self.refusal is not None:
            await refuse(self.refusal, scope, send)
            return
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _run_websocket(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        socket = self._socket = Guarded(receive, send, None, set())
        is_accepted = is_answered = False

        async def answer(message: Message) -> None:
            nonlocal is_accepted, is_answered
            if self.refusal is None:
                is_accepted = is_accepted or message["type"] == "websocket.accept"
                await socket.send(message)
            elif not is_answered:
                is_answered = True
                # What was accepted has had its answer: it can only be closed.
                await refuse(self.refusal, {**scope, "extensions": {}} if is_accepted else scope, send)

        async def run(receive: Receive, _: Send) -> None:
            await app(scope, receive, answer)

        await socket.run(run, None)


def add_components(auth: RequiresAuth, app_config: AppConfig) -> None:
    """Adds the scheme to the document of an application."""
    if app_config.openapi_config is None:
        return
    config = copy(app_config.openapi_config)
    auth.scheme = SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
    own = Components(security_schemes={auth.scheme_name: auth.scheme})
    others = config.components
    config.components = [*others, own] if isinstance(others, list) else [own, others]
    app_config.openapi_config = config
    describe(auth)


def describe(auth: RequiresAuth) -> None:
    """Says in the scheme what is known by now: scopes come with the routes."""
    if auth.scheme is None:
        return
    auth.scheme.description = description(auth.documented)
    url = discovery_url(auth) if auth.openid_connect else None
    if url is not None:
        auth.scheme.type, auth.scheme.open_id_connect_url = "openIdConnect", url
        auth.scheme.scheme = auth.scheme.bearer_format = None


@dataclass
class RequiresAuthRefusal:
    """The body of a refusal."""

    code: str
    status: int
    message: str
    reason: str | None = None


@dataclass
class RequiresAuthProblem:
    """The body of a refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    reason: str | None = None


_MODELS: dict[str, type] = {"json": RequiresAuthRefusal, "problem": RequiresAuthProblem}


def document(auth: RequiresAuth, handler: Any, scopes: list[str], is_optional: bool) -> None:
    """Describes an operation: what it needs, and how it refuses."""
    describe(auth)
    requirements: list[dict[str, list[str]]] = list(handler.security or ())
    for requirement in ({auth.scheme_name: scopes}, *([{}] if is_optional else ())):
        if requirement not in requirements:
            requirements.append(requirement)
    handler.security = requirements
    answers, model = refusals(auth)
    own: dict[int, ResponseSpec] = {}
    for status, answer in answers.items():
        media_type = next(iter(answer.get("content", ())), "")
        container = _MODELS["problem" if "problem" in media_type else "json"] if model else None
        own[int(status)] = ResponseSpec(
            container,
            generate_examples=False,
            description=answer["description"],
            media_type=media_type or MediaType.JSON,
        )
    handler.responses = {**own, **(handler.responses or {})}
