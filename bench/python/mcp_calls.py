"""Calls of an MCP tool with a body of 2 KiB: what each guard adds. Meant to be started by bench/mcp.py.

The server is called as an ASGI application, without a socket: a server of HTTP would hide a part of what a guard costs.
Each guard takes short turns, each round begins with another one; a figure is the median of the ratios of the rounds.
Time is the processor's for the process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from requires_auth._core import TestIssuer
from requires_auth.mcp import protect
from requires_auth.starlette import RequiresAuthMiddleware

import report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RESOURCE = "https://api.example.com/mcp"
SCOPE = "read:orders"
TOOLS = {"create_order": "write:orders", "delete_order": "delete:orders", "*": ""}
BODY_BYTES = 2048
LIMIT = 1.10

TURN = 0.06
"""How long one turn is to take, in seconds."""

BARE, MIDDLEWARE, PLAIN, TOOLED = "no guard", "RequiresAuthMiddleware", "protect, no tools", "protect, tools"
GUARDS = (BARE, MIDDLEWARE, PLAIN, TOOLED)


@dataclass
class Served:
    """One server behind each guard."""

    name: str
    rounds: int
    micros: dict[str, float]
    """For a call, by guard: the medians."""
    to_middleware: float
    """With tools, times the same guard as a plain ASGI middleware."""
    to_plain: float
    """With tools, times the same without."""


def body() -> bytes:
    """A call of a tool, of 2 KiB."""
    arguments: dict[str, Any] = {
        "customer": "c-2041",
        "lines": [{"item": "bolt", "count": 12}, {"item": "nut", "count": 24}],
        "note": "",
    }
    params: dict[str, Any] = {"name": "create_order", "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    arguments["note"] = "x" * (BODY_BYTES - len(json.dumps(message)))
    made = json.dumps(message).encode()
    assert len(made) == BODY_BYTES
    return made


async def least(_: Any, receive: Any, send: Any) -> None:
    """The least application that does what a server has to: it reads the body, and answers."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


@asynccontextmanager
async def of_mcp() -> AsyncIterator[Any]:
    """A server of the package mcp with one tool."""
    from mcp.server.mcpserver import MCPServer
    from mcp.server.transport_security import TransportSecuritySettings

    server = MCPServer("orders")

    @server.tool()
    def create_order(customer: str, lines: list[dict[str, Any]], note: str) -> str:
        return f"{len(lines)} lines for {customer}: {len(note)}"

    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = server.streamable_http_app(stateless_http=True, json_response=True, transport_security=security)
    async with app.router.lifespan_context(app):
        yield app


def guarded(app: Any, issuer: TestIssuer) -> dict[str, Any]:
    """The application behind each guard."""
    trust, keys = (issuer.issuer, RESOURCE), issuer.jwks
    return {
        BARE: app,
        MIDDLEWARE: RequiresAuthMiddleware(app, *trust, scope=SCOPE, jwks=keys),
        PLAIN: protect(app, *trust, scope=SCOPE, jwks=keys),
        TOOLED: protect(app, *trust, scope=SCOPE, tools=TOOLS, jwks=keys),
    }


class Client:
    """Calls the tool again and again."""

    def __init__(self, token: str) -> None:
        self._body = body()
        self._headers = [
            (b"host", b"api.example.com"),
            (b"user-agent", b"python-httpx2/2.16"),
            (b"accept-encoding", b"gzip, deflate"),
            (b"connection", b"keep-alive"),
            (b"accept", b"application/json, text/event-stream"),
            (b"content-type", b"application/json"),
            (b"mcp-protocol-version", b"2025-06-18"),
            (b"authorization", b"Bearer " + token.encode()),
            (b"content-length", str(BODY_BYTES).encode()),
        ]

    async def call(self, app: Any) -> None:
        """One call; an answer other than 200 is an error."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "https",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "root_path": "",
            "headers": list(self._headers),
            "server": ("api.example.com", 443),
            "client": ("192.0.2.1", 4711),
            "state": {},
        }
        unread, statuses = [self._body], []

        async def receive() -> dict[str, Any]:
            if not unread:
                # The client waits for the answer.
                await asyncio.Event().wait()
            return {"type": "http.request", "body": unread.pop(), "more_body": False}

        async def send(message: Any) -> None:
            statuses.append(message.get("status"))

        await app(scope, receive, send)
        if statuses[0] != 200:
            raise RuntimeError(f"{statuses}")

    async def turn(self, app: Any, calls: int) -> float:
        """Seconds of the processor for one call."""
        started = time.process_time()
        for _ in range(calls):
            await self.call(app)
        return (time.process_time() - started) / calls


async def measure(name: str, app: Any, rounds: int) -> Served:
    """Measures each guard around one server."""
    print(f"calls, {name}", file=sys.stderr)
    issuer = TestIssuer(audience=RESOURCE)
    client = Client(issuer.token(f"{SCOPE} write:orders", lifetime=86_400))
    apps = guarded(app, issuer)
    # The first turns are the warm-up, too.
    calls = {guard: max(5, int(TURN / await client.turn(own, 30))) for guard, own in apps.items()}
    times: dict[str, list[float]] = {guard: [] for guard in GUARDS}
    for at in range(rounds):
        for guard in GUARDS[at % len(GUARDS) :] + GUARDS[: at % len(GUARDS)]:
            times[guard].append(await client.turn(apps[guard], calls[guard]))

    def ratio(base: str) -> float:
        return median(own / other for own, other in zip(times[TOOLED], times[base], strict=True))

    micros = {guard: median(own) * 1e6 for guard, own in times.items()}
    return Served(name, rounds, micros, ratio(MIDDLEWARE), ratio(PLAIN))


async def main(folder: Path, quick: bool) -> int:
    """Writes `mcp.md` and `mcp.json` into the folder. Returns 1 if a figure misses its limit."""
    logging.getLogger("requires_auth").setLevel(logging.CRITICAL)
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    machine = report.machine(quick, "bench/mcp.py", ("mcp", "starlette", "pydantic"))
    rounds = 3 if quick else 41
    async with of_mcp() as app:
        server = await measure(f"mcp {version('mcp')}, stateless, JSON", app, rounds)
    bare = await measure("the least ASGI application", least, rounds)
    figures = [
        (f"{server.name}: {TOOLED} / {MIDDLEWARE}", server.to_middleware),
        (f"{server.name}: {TOOLED} / {PLAIN}", server.to_plain),
    ]
    held = [report.judged(figure, value, LIMIT, True) for figure, value in figures]
    table = "\n\n".join(
        [
            machine,
            "### Held to",
            report.rows(("figure", "measured", "limit", ""), held),
            "### A call of a tool",
            f"Microseconds of the processor for a call and a token that is remembered; the body has {BODY_BYTES:,} bytes.",
            report.rows(
                ("", *GUARDS), ((one.name, *(f"{one.micros[guard]:.1f}" for guard in GUARDS)) for one in (server, bare))
            ),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mcp.md").write_text(table + "\n")
    measured = {"machine": machine, "limit": LIMIT, "servers": [asdict(server), asdict(bare)]}
    (folder / "mcp.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(table)
    return 0 if quick or all(value <= LIMIT for _, value in figures) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), "--quick" in sys.argv)))
