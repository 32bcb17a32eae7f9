"""Where our guard stands: in a server of each SDK, and in the gateway before a bare one."""

from collections.abc import Callable
from pathlib import Path

from gateways import COMMAND, NGINX, Front, Nginx
from programs import SERVERS, Server, free_port, missing


class Guarded:
    """Everything that clients see of a guarded server; it starts and stops as one."""

    def __init__(self, *parts: Server | Front | Nginx) -> None:
        self.parts = parts
        self.url, self.resource = parts[-1].url, parts[-1].resource

    def start(self) -> None:
        for part in self.parts:
            part.start()

    def stop(self) -> None:
        for part in reversed(self.parts):
            part.stop()


def inside(name: str, guard: str) -> Callable[..., Guarded]:
    return lambda issuer, folder, *, bare=False: Guarded(Server(name, guard, issuer, folder, bare=bare))


def proxied(name: str, guard: str) -> Callable[..., Guarded]:
    """Behind nginx, so that the URL of clients is not the one that the server listens on."""

    def make(issuer: str, folder: Path, *, bare: bool = False) -> Guarded:
        public = free_port()
        server = Server(name, guard, issuer, folder, bare=bare, public=public)
        return Guarded(Nginx(server.port, folder, port=public), server)

    return make


def behind(name: str, *, nginx: bool) -> Callable[..., Guarded]:
    def make(issuer: str, folder: Path, *, bare: bool = False) -> Guarded:
        server = Server(name, "none", issuer, folder)
        return Guarded(server, Front(server, issuer, folder, nginx=nginx, bare=bare))

    return make


GUARDED = {
    "mcp 2": inside("mcp 2", "protect"),
    "mcp 1": inside("mcp 1", "protect"),
    "fastmcp": inside("fastmcp", "ours"),
    "rmcp": inside("rmcp", "ours"),
    "nginx and mcp 2": proxied("mcp 2", "protect"),
    "gateway": behind("mcp 2", nginx=False),
    "nginx and gateway": behind("rmcp", nginx=True),
}


def lacks(name: str) -> str | None:
    """What a guarded server needs that is not there."""
    commands = {
        "nginx and mcp 2": [SERVERS["mcp 2"], [NGINX]],
        "gateway": [SERVERS["mcp 2"], [str(COMMAND)]],
        "nginx and gateway": [SERVERS["rmcp"], [str(COMMAND)], [NGINX]],
    }
    needed = commands.get(name) or [SERVERS[name]]
    return next((lack for command in needed if (lack := missing(command))), None)
