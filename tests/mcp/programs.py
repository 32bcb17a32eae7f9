"""The programs that play: the authorization server, MCP servers, MCP clients."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PATIENCE = 40  # seconds, for a program to start and for a client to answer

# The Pythons of the two environments of scripts/mcp.sh; the one that runs the tests has `mcp` 2.x and fastmcp.
PYTHON2 = sys.executable
PYTHON1 = os.environ.get("MCP1_PYTHON", str(ROOT / "target/mcp/mcp1/bin/python"))
NODE = shutil.which("node") or "node"
RMCP = Path(os.environ.get("MCP_RMCP", ROOT / "target/mcp-rmcp/debug"))

CLIENTS = {
    "mcp 2": [PYTHON2, "clients/mcp2.py", "{url}", "auto"],
    "mcp 2, handshake": [PYTHON2, "clients/mcp2.py", "{url}", "legacy"],
    "mcp 1": [PYTHON1, "clients/mcp1.py", "{url}"],
    "fastmcp": [PYTHON2, "clients/fastmcp_client.py", "{url}"],
    "typescript 2": [NODE, "clients/typescript2.mjs", "{url}", "auto"],
    "typescript 2, handshake": [NODE, "clients/typescript2.mjs", "{url}", "legacy"],
    "typescript 1": [NODE, "clients/typescript1.mjs", "{url}"],
    "mcp-remote": [NODE, "clients/remote.mjs", "{url}"],
    "rmcp": [str(RMCP / "client"), "{url}"],
}

# On a 403 the TypeScript SDK 1.x refreshes its token, which brings no new scope, and gives up. No guard can help it;
# where this fails, it has learned to ask.
REFRESHES = {"typescript 1"}

SERVERS = {
    "mcp 2": [PYTHON2, "servers/mcp_server.py"],
    "mcp 1": [PYTHON1, "servers/mcp_server.py"],
    "fastmcp": [PYTHON2, "servers/fastmcp_server.py"],
    "typescript 1": [NODE, "servers/typescript1_server.mjs"],
    "typescript 2": [NODE, "servers/typescript2_server.mjs"],
    "rmcp": [str(RMCP / "server")],
}


def missing(command: list[str]) -> str | None:
    """What a command needs that is not there."""
    if shutil.which(command[0]) is None:
        return f"{command[0]}, which scripts/mcp.sh makes"
    if command[0] == NODE and not (HERE / "node_modules").is_dir():
        return "`npm ci` in tests/mcp"
    return None


def free_port() -> int:
    with socket.socket() as stream:
        stream.bind(("127.0.0.1", 0))
        return stream.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as stream:
        return stream.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """A process of its own that listens on a port; it can be stopped and started again on the same one."""

    def __init__(self, command: list[str], folder: Path, name: str, environment: dict[str, str] | None = None) -> None:
        self.command = command
        self.log = folder / f"{name}.log"
        self.environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen | None = None

    def start(self, port: int) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=HERE,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE
        while not listens(port):
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"{self.command} does not listen:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Returns when it has gone, and its port with it."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def started_once(make: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A function that starts what `make` makes, once for the same arguments; all of it is stopped at the end."""
    running = {}

    def start(*arguments: str) -> Any:
        if arguments not in running:
            made = make(*arguments)
            made.start()
            running[arguments] = made
        return running[arguments]

    try:
        yield start
    finally:
        for program in running.values():
            program.stop()


class Provider(Program):
    """The authorization server. Its keys are in a file, so that a restart keeps them."""

    def __init__(self, folder: Path, *, refresh: str = "offline_access") -> None:
        self.port = free_port()
        self.keys = folder / f"keys-{self.port}.json"
        self.issuer = f"http://127.0.0.1:{self.port}"
        command = [NODE, "provider.mjs", "--port", str(self.port), "--keys", str(self.keys), "--refresh", refresh]
        super().__init__(command, folder, f"provider-{refresh}")

    def start(self) -> None:
        super().start(self.port)


class Server(Program):
    """An MCP server with two tools, of which clients see the port, or the `public` one of a proxy.

    Its resource is its URL, or (`bare`) its origin.
    """

    def __init__(
        self, name: str, guard: str, issuer: str, folder: Path, *, bare: bool = False, public: int | None = None
    ) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{public or self.port}/mcp"
        self.resource = self.url.removesuffix("/mcp") if bare else self.url
        options = {"port": self.port, "issuer": issuer, "resource": self.resource, "guard": guard}
        arguments = [text for option, value in options.items() for text in (f"--{option}", str(value))]
        super().__init__([*SERVERS[name], *arguments], folder, f"{name}-{guard}".replace(" ", "-"))

    def start(self) -> None:
        super().start(self.port)


class Client:
    """A client that is told what to do, line by line. See clients/driver.py."""

    def __init__(self, name: str, url: str, folder: Path) -> None:
        self.name = name
        command = [part.format(url=url) for part in CLIENTS[name]]
        self.log = folder / f"client-{name}.log".replace(" ", "-")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        self.output = b""

    def tell(self, command: str) -> dict:
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()
        return json.loads(self.line(command))

    def line(self, command: str) -> bytes:
        until = time.monotonic() + PATIENCE
        while b"\n" not in self.output:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))
            read = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not read:
                raise RuntimeError(f"{self.name} does not answer {command!r}:\n{self.log.read_text()[-2000:]}")
            self.output += read
        line, _, self.output = self.output.partition(b"\n")
        return line

    def kill(self) -> None:
        """Ends the client and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
