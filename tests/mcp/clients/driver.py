"""What the Python clients have in common: they read commands on stdin and answer each with a line of JSON on stdout.

    open          a new session, with the login that the client has stored        {"ok", "protocol"}
    call TOOL     calls a tool of the open session                                {"ok", "text"}
    close         ends the session                                                {"ok"}
    store         whether tokens are stored, and for which scope                  {"ok", "tokens", "scope"}

Each answer has `logins`, how often the browser has been opened so far; a failure has `ok` false and `error`.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
from browser import walk

CALLBACK = "http://127.0.0.1:9/callback"  # never asked: the browser's last redirect is read instead
PATIENCE = 30  # seconds, for each command

Session = AbstractAsyncContextManager[tuple[str, Callable[[str], Awaitable[str]]]]


class Driver:
    """Drives one client: `connect` opens a session, `stored` returns the stored tokens or None."""

    def __init__(self, connect: Callable[[], Session], stored: Callable[[], Awaitable[Any]]) -> None:
        self.connect = connect
        self.stored = stored
        self.logins = 0
        self.callback = ""

    async def browse(self, url: str) -> None:
        """Logs in, as a client that does not open `$BROWSER` asks for it; `callback` is where that ended."""
        self.logins += 1
        self.callback = await anyio.to_thread.run_sync(walk, url)

    def say(self, **answer: Any) -> None:
        print(json.dumps({**answer, "logins": self.logins}), flush=True)

    def fail(self, error: BaseException) -> None:
        self.say(ok=False, error=describe(error))

    async def command(self) -> list[str]:
        line = await anyio.to_thread.run_sync(sys.stdin.readline)
        return line.split() if line else ["quit"]

    async def run(self) -> None:
        while (command := await self.command()) != ["quit"]:
            if command == ["store"]:
                await self.say_stored()
            elif command == ["open"]:
                self.owed = True
                try:
                    with anyio.fail_after(PATIENCE) as limit:
                        async with self.connect() as (protocol, call):
                            limit.deadline = float("inf")
                            self.reply(ok=True, protocol=protocol)
                            await self.session(call)
                except Exception as error:
                    # A session that dies answers the command that killed it.
                    self.reply(ok=False, error=describe(error))
                else:
                    self.reply(ok=True)
            else:
                self.say(ok=False, error="no session is open")

    async def session(self, call: Callable[[str], Awaitable[str]]) -> None:
        while True:
            command = await self.command()
            self.owed = True
            if command[0] in ("close", "quit"):
                return
            if command == ["store"]:
                await self.say_stored()
                self.owed = False
                continue
            try:
                with anyio.fail_after(PATIENCE):
                    text = await call(command[1])
            except Exception as error:
                self.reply(ok=False, error=describe(error))
            else:
                self.reply(ok=True, text=text)

    def reply(self, **answer: Any) -> None:
        """Answers the command that is waiting, once."""
        if self.owed:
            self.owed = False
            self.say(**answer)

    async def say_stored(self) -> None:
        tokens = await self.stored()
        self.say(ok=True, tokens=tokens is not None, scope=tokens.scope if tokens else None)


def describe(error: BaseException) -> str:
    """An error with the errors inside it."""
    if inside := getattr(error, "exceptions", None):
        return "; ".join(describe(inner) for inner in inside)
    return f"{type(error).__name__}: {error}"


class Store:
    """Keeps a login in memory, in the way that `mcp` asks for."""

    def __init__(self) -> None:
        self.tokens = None
        self.client = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client: Any) -> None:
        self.client = client
